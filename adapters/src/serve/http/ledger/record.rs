//! One line of the access log.

use hyper::{
    Method, Request, Version,
    header::{HOST, USER_AGENT},
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use svckit::model::NamespacedName;

/// Is told about each request when it is over; it should not wait for anything.
pub type Log = dyn Fn(&Record) + Send + Sync;

/// A request, and what became of it.
///
/// As text it is one line, in the order of nginx's "combined" format, with time and route in place of the date:
///
/// ```text
/// 10.0.0.7 "GET shop.example.com/cart HTTP/2.0" 200 512 0 0.003s shop/web 10.244.1.5:8080 "curl/7.88.1"
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// Who asked.
    pub client: IpAddr,
    /// `GET`.
    pub method: Method,
    /// As the client wrote it.
    pub host: String,
    /// Path and query, as the client wrote them.
    pub target: String,
    /// `HTTP/1.1`.
    pub version: Version,
    /// As the client says.
    pub agent: String,
    /// Of the answer.
    pub status: u16,
    /// Octets of the request's body.
    pub received: u64,
    /// Octets of a pod's answer, without its head.
    pub sent: u64,
    /// From the head of the request to the end of the answer.
    pub took: Duration,
    /// Whose path took the request; `None` for defaults of all, and for refusals.
    pub ingress: Option<NamespacedName>,
    /// The pods that were tried, the last of which has answered, if any has.
    pub pods: Vec<SocketAddr>,
}

impl Record {
    pub(super) fn open<B>(request: &Request<B>, client: IpAddr) -> Self {
        let header = |name| {
            let value = request.headers().get(name);
            value.map_or_else(String::new, |value| String::from_utf8_lossy(value.as_bytes()).into())
        };
        let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let target = request.uri().path_and_query().map_or("*", |target| target.as_str());
        Self {
            client,
            method: request.method().clone(),
            host: authority.unwrap_or_else(|| header(HOST)),
            target: target.into(),
            version: request.version(),
            agent: header(USER_AGENT),
            status: 0,
            received: 0,
            sent: 0,
            took: Duration::ZERO,
            ingress: None,
            pods: Vec::new(),
        }
    }
}

/// One line; whatever a client wrote is escaped, so that nobody writes lines of his own.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, target, agent) = (Plain(&self.host), Plain(&self.target), Plain(&self.agent));
        write!(f, "{} \"{} {host}{target} {:?}\" ", self.client, self.method, self.version)?;
        write!(f, "{} {} {} ", self.status, self.sent, self.received)?;
        write!(f, "{:.3}s ", self.took.as_secs_f64())?;
        match &self.ingress {
            Some(ingress) => write!(f, "{ingress} ")?,
            None => f.write_str("- ")?,
        }
        match self.pods.last() {
            Some(pod) => write!(f, "{pod} \"{agent}\""),
            None => write!(f, "- \"{agent}\""),
        }
    }
}

/// A stranger's text.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.chars() {
            match piece {
                '"' | '\\' => write!(f, "\\{piece}")?,
                _ if piece.is_control() => write!(f, "{}", piece.escape_default())?,
                _ => write!(f, "{piece}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line() {
        let request = Request::builder()
            .uri("/cart?x=1")
            .header("host", "shop.example.com")
            .header("user-agent", &b"a\"\\b\xff"[..])
            .body(())
            .unwrap();
        let mut record = Record::open(&request, [10, 0, 0, 7].into());
        record.status = 200;
        record.took = Duration::from_millis(3);
        record.pods = vec!["10.0.0.1:80".parse().unwrap(), "10.0.0.2:80".parse().unwrap()];
        record.ingress = Some(NamespacedName::new("shop", "web"));
        record.host += "\nx";
        assert_eq!(
            record.to_string(),
            "10.0.0.7 \"GET shop.example.com\\nx/cart?x=1 HTTP/1.1\" 200 0 0 0.003s \
             shop/web 10.0.0.2:80 \"a\\\"\\\\b\u{fffd}\""
        );
    }
}
