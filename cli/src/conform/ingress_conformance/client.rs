//! A client that asks one question over one connection and follows nothing.

use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) proto: String,
    headers: Vec<(String, String)>,
    /// Which pod has answered, `namespace/name`; empty when the proxy did.
    pub(super) pod: String,
    /// What the pod was asked.
    pub(super) seen: Seen,
}

/// A request as a pod saw it.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) proto: String,
    headers: Vec<(String, String)>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// Asks `method`, `host`, `path` and `headers` of a request; without a host, the address is the host.
pub(super) fn ask(proxy: SocketAddr, request: &Value) -> Result<Answer, String> {
    let text = |key: &str, default: &str| {
        let value = request.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        value.unwrap_or(default).to_owned()
    };
    let host = text("host", &proxy.to_string());
    let mut head =
        format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", text("method", "GET"), text("path", "/"));
    let given = request.get("headers").and_then(Value::as_object);
    let given =
        given.into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let mut headers =
        vec![("Connection".to_owned(), "close".to_owned()), ("Content-Length".into(), "0".into())];
    headers.extend(given.map(|(name, value)| (name.clone(), value.to_owned())));
    if find(&headers, "user-agent").is_none() {
        headers.push(("User-Agent".into(), "Go-http-client/1.1".into()));
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let exchange = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(proxy)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(head.as_bytes())?;
        let mut came = Vec::new();
        stream.read_to_end(&mut came)?;
        Ok(came)
    };
    let came = exchange().map_err(|error| error.to_string())?;
    read(&String::from_utf8_lossy(&came)).ok_or_else(|| "the answer can't be read".into())
}

/// An answer; the body of a pod's is its name, then the request as it saw it.
fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (first, rest) = head.split_once("\r\n")?;
    let mut words = first.split(' ');
    let (proto, status) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let headers = fields(rest);
    let pod = find(&headers, "x-pod").unwrap_or_default().to_owned();
    let seen = if pod.is_empty() { Seen::default() } else { seen(body)? };
    Some(Answer { status, proto, headers, pod, seen })
}

fn seen(body: &str) -> Option<Seen> {
    let (_, rest) = body.split_once('\n')?;
    let (first, rest) = rest.split_once('\n')?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path, proto) = (words.next()?, words.next()?, words.next()?);
    Some(Seen { method, path, proto, headers: fields(rest) })
}

fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn find<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}
