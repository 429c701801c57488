//! Answers to requests as C has them.

use super::request::Read;
use crate::svckit_text;
use std::borrow::Cow;
use svckit::ingress::{
    Answer, Backend, Circumstances, Cors, Outcome, Request, RouteOptions, Routes,
};

/// Answer with `status`; the text says why.
pub const SVCKIT_ANSWER_REFUSE: u8 = 0;
/// Send it to the service port, with the text as its path; the query stays.
pub const SVCKIT_ANSWER_FORWARD: u8 = 1;
/// Answer with `status` and the text as `Location`.
pub const SVCKIT_ANSWER_REDIRECT: u8 = 2;
/// A browser asks what it may do: answer with 204 and the `cors_*` headers.
pub const SVCKIT_ANSWER_PREFLIGHT: u8 = 3;
/// What is behind the route is no Service but an object that only you know: its group, kind and name stand in
/// `service_namespace`, `service_name` and `port_name`.
pub const SVCKIT_ANSWER_RESOURCE: u8 = 4;

/// Nothing is asked, in limits of `svckit_answer`.
pub const SVCKIT_NO_LIMIT: u64 = u64::MAX;

/// What to do with a request. Texts that don't apply are empty.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_answer {
    /// The namespace of the Service it goes to.
    pub service_namespace: svckit_text,
    /// The Service's name.
    pub service_name: svckit_text,
    /// The name of the Service's port; empty for its only port.
    pub port_name: svckit_text,
    /// The namespace of the Ingress that takes the request; empty for a configured default backend.
    pub ingress_namespace: svckit_text,
    /// The Ingress's name.
    pub ingress_name: svckit_text,
    /// The path of the Ingress that takes the request; empty for a default backend.
    pub ingress_path: svckit_text,
    /// The `Host` that pods see, if it is another one.
    pub upstream_host: svckit_text,
    /// The value of `X-Forwarded-Prefix`.
    pub forwarded_prefix: svckit_text,
    /// The value of `Access-Control-Allow-Origin`; empty: the site may not ask.
    pub cors_origin: svckit_text,
    /// The value of `Access-Control-Allow-Methods`.
    pub cors_methods: svckit_text,
    /// The value of `Access-Control-Allow-Headers`.
    pub cors_headers: svckit_text,
    /// The value of `Access-Control-Expose-Headers`.
    pub cors_expose: svckit_text,
    /// Octets of a request's body, or `SVCKIT_NO_LIMIT`.
    pub max_body: u64,
    /// Nanoseconds for a connection to a pod, or `SVCKIT_NO_LIMIT`.
    pub connect_ns: u64,
    /// Nanoseconds between two reads from a pod, or `SVCKIT_NO_LIMIT`.
    pub read_ns: u64,
    /// Nanoseconds between two writes to a pod, or `SVCKIT_NO_LIMIT`.
    pub send_ns: u64,
    /// Seconds for which an answer to a preflight request holds.
    pub cors_max_age: u32,
    /// The status to answer with; 0 when the request is sent on.
    pub status: u16,
    /// One of `SVCKIT_ANSWER_*`.
    pub action: u8,
    /// Whether browsers may send cookies along.
    pub cors_credentials: bool,
}

impl svckit_answer {
    /// A refusal, and what all answers start from.
    pub(super) fn refuse(status: u16) -> Self {
        let empty = svckit_text::from("");
        Self {
            service_namespace: empty,
            service_name: empty,
            port_name: empty,
            ingress_namespace: empty,
            ingress_name: empty,
            ingress_path: empty,
            upstream_host: empty,
            forwarded_prefix: empty,
            cors_origin: empty,
            cors_methods: empty,
            cors_headers: empty,
            cors_expose: empty,
            max_body: SVCKIT_NO_LIMIT,
            connect_ns: SVCKIT_NO_LIMIT,
            read_ns: SVCKIT_NO_LIMIT,
            send_ns: SVCKIT_NO_LIMIT,
            cors_max_age: 0,
            status,
            action: SVCKIT_ANSWER_REFUSE,
            cors_credentials: false,
        }
    }

    /// The answer to a request that can be read, and the text that goes with it.
    pub(super) fn of<'r>(
        routes: &'r Routes,
        request: &Request<'r>,
        read: &Read<'r>,
    ) -> (Self, Cow<'r, str>) {
        let mut answer = Self::refuse(0);
        answer.found(routes, request);
        let header = |name: &str| read.header(name);
        let with = Circumstances {
            client: read.client,
            method: read.method(),
            https: read.https,
            body: read.body,
            header: &header,
            roll: read.entropy,
        };
        let text = match routes.answer(request, &with) {
            Answer::Refuse { status, why } => {
                answer.status = status;
                why.into()
            }
            Answer::Redirect { status, location } => {
                (answer.action, answer.status) = (SVCKIT_ANSWER_REDIRECT, status);
                location.into()
            }
            Answer::Preflight(cors) => {
                (answer.action, answer.status) = (SVCKIT_ANSWER_PREFLIGHT, 204);
                answer.cors(cors, header("origin"));
                "".into()
            }
            Answer::Forward(forward) => {
                answer.options(forward.options, header("origin"));
                answer.backend(forward.backend);
                if answer.status == 0 { forward.path } else { "the backend leads nowhere".into() }
            }
        };
        (answer, text)
    }

    /// Which Ingress takes the request.
    fn found(&mut self, routes: &Routes, request: &Request<'_>) {
        let ingress = match routes.route(request) {
            Outcome::Route(found) => {
                self.ingress_path = (&*found.route.path).into();
                Some(&found.route.ingress)
            }
            Outcome::Default(default) => default.ingress.as_ref(),
            Outcome::NotFound => None,
        };
        if let Some(ingress) = ingress {
            self.ingress_namespace = (&*ingress.namespace).into();
            self.ingress_name = (&*ingress.name).into();
        }
    }

    fn backend(&mut self, backend: &Backend) {
        match backend {
            Backend::Service(service) => {
                self.service_namespace = (&*service.service.namespace).into();
                self.service_name = (&*service.service.name).into();
                match &service.port {
                    Ok(port) => {
                        self.action = SVCKIT_ANSWER_FORWARD;
                        self.port_name = (&*port.port).into();
                    }
                    Err(_) => self.status = 503,
                }
            }
            Backend::Resource { group, kind, name } => {
                self.action = SVCKIT_ANSWER_RESOURCE;
                self.service_namespace = (&**group).into();
                self.service_name = (&**kind).into();
                self.port_name = (&**name).into();
            }
        }
    }

    fn options(&mut self, options: &RouteOptions, origin: Option<&str>) {
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().into();
        self.upstream_host = text(&options.upstream_host);
        self.forwarded_prefix = text(&options.forwarded_prefix);
        let limits = &options.limits;
        let nanos = |time: Option<std::time::Duration>| {
            time.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or(SVCKIT_NO_LIMIT)
        };
        self.max_body = limits.max_body.unwrap_or(SVCKIT_NO_LIMIT);
        self.connect_ns = nanos(limits.connect);
        self.read_ns = nanos(limits.read);
        self.send_ns = nanos(limits.send);
        if let Some(cors) = &options.cors {
            self.cors(cors, origin);
        }
    }

    fn cors(&mut self, cors: &Cors, origin: Option<&str>) {
        self.cors_origin = origin.and_then(|origin| cors.allows(origin)).unwrap_or("").into();
        self.cors_methods = (&*cors.methods).into();
        self.cors_headers = (&*cors.headers).into();
        self.cors_expose = (&*cors.expose).into();
        self.cors_max_age = cors.max_age;
        self.cors_credentials = cors.credentials;
    }
}
