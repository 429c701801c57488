//! Answers to requests to Gateways, as C has them.

use crate::{
    SVCKIT_ANSWER_FORWARD, SVCKIT_ANSWER_REDIRECT, SVCKIT_ANSWER_REFUSE, SVCKIT_NO_LIMIT,
    ingress::Read, svckit_text,
};
use std::time::Duration;
use svckit::{
    ingress::{GatewayAnswer, GatewayForward, GatewayRequest, GatewayRoutes, Request, Target},
    model::{HeaderChange, NamespacedName},
};

/// The header takes the place of what is there.
pub const SVCKIT_HEADER_SET: u8 = 0;
/// The header stands beside what is there.
pub const SVCKIT_HEADER_ADD: u8 = 1;
/// The header goes.
pub const SVCKIT_HEADER_REMOVE: u8 = 2;

/// One change to a header.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_header_change {
    /// The header's name, in any case.
    pub name: svckit_text,
    /// Its value; empty when it goes.
    pub value: svckit_text,
    /// One of `SVCKIT_HEADER_*`.
    pub operation: u8,
    /// It is about what the client gets; else about what the pod gets.
    pub response: bool,
}

/// What to do with a request to a Gateway. Texts that don't apply are empty.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct svckit_gateway_answer {
    /// The namespace of the Service it goes to.
    pub service_namespace: svckit_text,
    /// The Service's name.
    pub service_name: svckit_text,
    /// The name of the Service's port; empty for its only port.
    pub port_name: svckit_text,
    /// The namespace of the HTTPRoute that takes the request.
    pub route_namespace: svckit_text,
    /// The HTTPRoute's name.
    pub route_name: svckit_text,
    /// The `Host` that pods see, if it is another one.
    pub upstream_host: svckit_text,
    /// Which rule of the HTTPRoute, from 0.
    pub rule: usize,
    /// Nanoseconds that the whole may take, or `SVCKIT_NO_LIMIT`.
    pub timeout_ns: u64,
    /// Nanoseconds that one attempt may take, or `SVCKIT_NO_LIMIT`.
    pub backend_timeout_ns: u64,
    /// The status to answer with; 0 when the request is sent on.
    pub status: u16,
    /// `SVCKIT_ANSWER_REFUSE`, `SVCKIT_ANSWER_FORWARD` or `SVCKIT_ANSWER_REDIRECT`.
    pub action: u8,
}

/// An answer and what goes with it.
pub(super) struct Told {
    pub(super) answer: svckit_gateway_answer,
    pub(super) changes: Vec<svckit_header_change>,
    pub(super) text: String,
}

impl Told {
    /// A refusal, and what all answers start from.
    pub(super) fn refused(status: u16, text: String) -> Self {
        let empty = svckit_text::from("");
        let answer = svckit_gateway_answer {
            service_namespace: empty,
            service_name: empty,
            port_name: empty,
            route_namespace: empty,
            route_name: empty,
            upstream_host: empty,
            rule: 0,
            timeout_ns: SVCKIT_NO_LIMIT,
            backend_timeout_ns: SVCKIT_NO_LIMIT,
            status,
            action: SVCKIT_ANSWER_REFUSE,
        };
        Self { answer, changes: Vec::new(), text }
    }

    /// The answer to a request that can be read.
    pub(super) fn of(
        routes: &GatewayRoutes,
        (gateway, port): (&NamespacedName, u16),
        canonical: &Request<'_>,
        read: &Read<'_>,
        server_name: &str,
    ) -> Self {
        let Target::Path { path, query } = canonical.target else {
            return Self::refused(404, "no path".into());
        };
        let header = |name: &str| read.header(name);
        let request = GatewayRequest {
            host: canonical.host.name(),
            path,
            query,
            method: std::str::from_utf8(read.method()).unwrap_or_default(),
            server_name: Some(server_name).filter(|name| !name.is_empty()),
            header: &header,
            roll: read.entropy,
        };
        match routes.answer(gateway, port, &request) {
            GatewayAnswer::Refuse { status, why } => Self::refused(status, why.into()),
            GatewayAnswer::Redirect { status, location, response_headers } => {
                let mut told = Self::refused(status, location);
                told.answer.action = SVCKIT_ANSWER_REDIRECT;
                told.change(response_headers, true);
                told
            }
            GatewayAnswer::Forward(forward) => Self::forward(&forward),
        }
    }

    fn forward(forward: &GatewayForward<'_>) -> Self {
        let mut told = Self::refused(0, forward.path.clone().into_owned());
        let nanos = |time: Option<Duration>| {
            time.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or(SVCKIT_NO_LIMIT)
        };
        let answer = &mut told.answer;
        let backend = forward.backend;
        answer.service_namespace = (&*backend.service.namespace).into();
        answer.service_name = (&*backend.service.name).into();
        answer.action = SVCKIT_ANSWER_FORWARD;
        match &backend.port {
            Ok(port) => answer.port_name = (&*port.port).into(),
            Err(_) => (answer.action, answer.status) = (SVCKIT_ANSWER_REFUSE, 500),
        }
        let (route, rule) = forward.route;
        answer.route_namespace = (&*route.namespace).into();
        answer.route_name = (&*route.name).into();
        answer.rule = rule;
        answer.upstream_host = forward.host.unwrap_or_default().into();
        answer.timeout_ns = nanos(forward.timeout);
        answer.backend_timeout_ns = nanos(forward.backend_timeout);
        forward.request_headers.iter().for_each(|change| told.change(change, false));
        forward.response_headers.iter().for_each(|change| told.change(change, true));
        told
    }

    /// Notes one change after the others: what is set, what is added, what goes.
    fn change(&mut self, change: &HeaderChange, response: bool) {
        let pairs = |operation: u8, list: &[(std::sync::Arc<str>, std::sync::Arc<str>)]| {
            let one = |(name, value): &(std::sync::Arc<str>, std::sync::Arc<str>)| {
                let (name, value) = ((&**name).into(), (&**value).into());
                svckit_header_change { name, value, operation, response }
            };
            list.iter().map(one).collect::<Vec<_>>()
        };
        self.changes.extend(pairs(SVCKIT_HEADER_SET, &change.set));
        self.changes.extend(pairs(SVCKIT_HEADER_ADD, &change.add));
        self.changes.extend(change.remove.iter().map(|name| svckit_header_change {
            name: (&**name).into(),
            value: "".into(),
            operation: SVCKIT_HEADER_REMOVE,
            response,
        }));
    }
}
