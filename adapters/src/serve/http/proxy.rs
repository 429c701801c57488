//! One request on its way to a pod and back.

use arc_swap::ArcSwap;
use http_body_util::{Either, Limited};
use hyper::{
    Request, Response, StatusCode, Uri, Version,
    body::Incoming,
    header::{EXPECT, HOST, HeaderValue, SERVER},
    upgrade::OnUpgrade,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use svckit::ingress::{Backend, BackendRef, RequestHead, Routes, Scratch, Target};
use tokio::time::timeout;

use super::{
    Config, Pick,
    error::{Body, answer},
    head::{self, Forwarded},
    pool::{self, Pool, PooledBody, Sender},
    upgrade,
};

/// What all connections share.
pub(super) struct Proxy {
    routes: Arc<ArcSwap<Routes>>,
    pick: Arc<Pick>,
    config: Config,
    pool: Arc<Pool>,
}

/// Where a request goes.
struct Plan {
    backend: BackendRef,
    /// Path and query.
    target: Uri,
}

/// A response and the connection it came on.
struct Answered {
    response: Response<Incoming>,
    pod: SocketAddr,
    sender: Sender,
}

/// Why there is no response of a pod.
type Failure = (StatusCode, String);

impl Proxy {
    pub(super) fn new(routes: Arc<ArcSwap<Routes>>, pick: Arc<Pick>, config: Config) -> Self {
        Self { routes, pick, config, pool: Arc::default() }
    }

    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// Closes connections to pods that nobody uses.
    pub(super) fn forget_idle(&self) {
        self.pool.forget_idle(self.config.keep_idle);
    }

    /// Answers one request; `port` is the one it came to.
    pub(super) async fn answer(
        &self,
        mut request: Request<Incoming>,
        client: IpAddr,
        port: u16,
    ) -> Response<Body> {
        if let Some(why) = head::bad_framing(&request) {
            return answer(StatusCode::BAD_REQUEST, why);
        }
        let plan = match self.plan(&request) {
            Ok(plan) => plan,
            Err((status, why)) => return answer(status, why),
        };
        let upgrade = head::wants_upgrade(&request).then(|| hyper::upgrade::on(&mut request));
        let trusted = self.config.trusted.iter().any(|net| net.contains(&client));
        let request =
            forward(request, &plan, &Forwarded { client, port, trusted }, upgrade.is_some());
        match self.send(request, &plan, client).await {
            Ok(answered) => self.pass_back(answered, upgrade),
            Err((status, why)) => answer(status, why),
        }
    }

    /// What becomes of a request.
    fn plan(&self, request: &Request<Incoming>) -> Result<Plan, Failure> {
        let routes = self.routes.load();
        let target = head::target(request);
        let hosts: Vec<&[u8]> =
            request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes).collect();
        let head = RequestHead {
            method: request.method().as_str().as_bytes(),
            target: target.as_bytes(),
            hosts: &hosts,
            http_1_0: request.version() == Version::HTTP_10,
        };
        let mut scratch = Scratch::default();
        let asked = head.canonical(routes.path_policy(), &mut scratch).map_err(|error| {
            (
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST),
                error.to_string(),
            )
        })?;
        let outcome = routes.route(&asked);
        let no_route = || (StatusCode::NOT_FOUND, String::from("no route"));
        let backend = match outcome.backend().ok_or_else(no_route)? {
            Backend::Service(backend) => backend.clone(),
            Backend::Resource { kind, name, .. } => {
                let why = format!("{kind} {name} is not served here");
                return Err((StatusCode::SERVICE_UNAVAILABLE, why));
            }
        };
        let target = match asked.target {
            Target::Host => Ok(Uri::from_static("*")),
            Target::Path { path, query: None } => Uri::try_from(path),
            Target::Path { path, query: Some(query) } => Uri::try_from(format!("{path}?{query}")),
        };
        let target = target.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
        Ok(Plan { backend, target })
    }

    /// Sends a request to a pod, or to another one when the first does not accept it.
    async fn send(
        &self,
        mut request: Request<Limited<Incoming>>,
        plan: &Plan,
        client: IpAddr,
    ) -> Result<Answered, Failure> {
        let mut last = (StatusCode::BAD_GATEWAY, String::from("no connection to a pod"));
        for _ in 0..self.config.tries.max(1) {
            let none =
                || (StatusCode::SERVICE_UNAVAILABLE, format!("{} has no endpoints", plan.backend));
            let pod = (self.pick)(&plan.backend, client).ok_or_else(none)?;
            let mut sender = match self.connection(pod).await {
                Ok(sender) => sender,
                Err(failure) => {
                    last = failure;
                    continue;
                }
            };
            let patience = self.config.response_timeout;
            match timeout(patience, sender.try_send_request(request)).await {
                Ok(Ok(response)) => return Ok(Answered { response, pod, sender }),
                Err(_) => return Err(late(pod, patience)),
                Ok(Err(mut error)) => match error.take_message() {
                    // Nothing of it was sent.
                    Some(unsent) => request = unsent,
                    None => {
                        return Err((StatusCode::BAD_GATEWAY, format!("{pod}: {}", error.error())));
                    }
                },
            }
        }
        Err(last)
    }

    /// An old connection to a pod, or a new one.
    async fn connection(&self, pod: SocketAddr) -> Result<Sender, Failure> {
        if let Some(sender) = self.pool.take(pod) {
            return Ok(sender);
        }
        pool::connect(pod, self.config.connect_timeout).await.map_err(|error| {
            let status = match error.kind() {
                std::io::ErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            };
            (status, format!("{pod}: {error}"))
        })
    }

    /// A pod's response as the client gets it.
    fn pass_back(&self, answered: Answered, client: Option<OnUpgrade>) -> Response<Body> {
        let Answered { mut response, pod, sender } = answered;
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let on_pod = switched.then(|| hyper::upgrade::on(&mut response));
        let (mut head, body) = response.into_parts();
        head::strip(&mut head.headers);
        head.headers.entry(SERVER).or_insert(HeaderValue::from_static("svckit"));
        head.version = Version::HTTP_11;
        let body = match (on_pod, client) {
            (None, _) => PooledBody::new(body, self.pool.clone(), pod, sender),
            (Some(on_pod), Some(on_client)) => {
                head::upgrade(&mut head.headers);
                upgrade::connect(on_client, on_pod);
                PooledBody::last(body)
            }
            // Nobody has asked for it.
            (Some(_), None) => {
                return answer(StatusCode::BAD_GATEWAY, format!("{pod} has switched protocols"));
            }
        };
        Response::from_parts(head, Either::Left(body))
    }
}

/// The request as the pod gets it.
fn forward(
    request: Request<Incoming>,
    plan: &Plan,
    forwarded: &Forwarded,
    upgrade: bool,
) -> Request<Limited<Incoming>> {
    let (mut head, body) = request.into_parts();
    // The authority of an absolute target replaces the header.
    let authority = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = authority {
        head.headers.insert(HOST, host);
    }
    head::strip(&mut head.headers);
    // Whoever reads the body has told the client to go on.
    head.headers.remove(EXPECT);
    if upgrade {
        head::upgrade(&mut head.headers);
    }
    forwarded.write(&mut head.headers);
    head.uri = plan.target.clone();
    head.version = Version::HTTP_11;
    Request::from_parts(head, Limited::new(body, usize::MAX))
}

fn late(pod: SocketAddr, patience: Duration) -> Failure {
    (StatusCode::GATEWAY_TIMEOUT, format!("{pod} has not answered within {patience:?}"))
}
