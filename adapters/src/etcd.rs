//! A client of etcd's version 3 API, as far as records need it, over its JSON gateway (HTTP/1.1, no TLS).
//!
//! ```text
//! Etcd ── /v3/kv/range, /v3/kv/txn, /v3/lease/… ──▶ etcd
//!      ◀─ /v3/watch, one line of JSON for each batch of events
//! ```
//!
//! Keys and values are texts here. Nothing is retried: callers know what was in doubt.

mod watch;
mod wire;

pub use watch::{Event, Watch};
pub use wire::{EtcdError, Kv, Op};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, body::Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

use wire::{decoded, encoded, number, range_end, text};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Keys fetched at once.
const PAGE: usize = 2_000;
/// Octets of the longest answer that is read.
const LONGEST: usize = 64 << 20;

/// One etcd.
#[derive(Clone, Debug)]
pub struct Etcd {
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Etcd {
    /// The etcd at `http://host:port`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The URL is not of that form.
    pub fn new(url: &str) -> Result<Self, EtcdError> {
        let base = url.trim_end_matches('/');
        let wrong = || EtcdError::Url(url.into());
        let uri: hyper::Uri = base.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http")
            || uri.host().is_none()
            || !matches!(uri.path(), "" | "/")
        {
            return Err(wrong());
        }
        Ok(Self { base: base.into(), http: Client::builder(TokioExecutor::new()).build_http() })
    }

    /// All keys that start with `prefix`, at one revision, which is returned too.
    ///
    /// # Errors
    ///
    /// As [`Etcd::txn`].
    pub async fn range(&self, prefix: &str) -> Result<(i64, Vec<Kv>), EtcdError> {
        let (end, mut from) = (range_end(prefix), prefix.to_owned());
        let (mut revision, mut all) = (0, Vec::new());
        loop {
            let body = json!({
                "key": encoded(&from), "range_end": end, "limit": PAGE, "revision": revision,
            });
            let reply = self.call("/v3/kv/range", &body).await?;
            revision = number(reply.pointer("/header/revision"))?;
            for kv in reply.get("kvs").and_then(Value::as_array).into_iter().flatten() {
                all.push(Kv::read(kv)?);
            }
            match all.last() {
                Some(last) if reply.get("more") == Some(&Value::Bool(true)) => {
                    // The first key that is greater.
                    from = format!("{}\0", last.key);
                }
                _ => return Ok((revision, all)),
            }
        }
    }

    /// Does all of this, or nothing; at most 128 (etcd's default). Returns the revision.
    ///
    /// # Errors
    ///
    /// etcd can't be reached, takes too long, or refuses. In the first two cases it may have done it all the same.
    pub async fn txn(&self, ops: &[Op]) -> Result<i64, EtcdError> {
        let ops: Vec<Value> = ops.iter().map(Op::json).collect();
        let reply = self.call("/v3/kv/txn", &json!({ "success": ops })).await?;
        number(reply.pointer("/header/revision"))
    }

    /// A new lease of so many seconds.
    ///
    /// # Errors
    ///
    /// As [`Etcd::txn`].
    pub async fn grant(&self, seconds: u32) -> Result<i64, EtcdError> {
        let reply = self.call("/v3/lease/grant", &json!({ "TTL": seconds })).await?;
        number(reply.get("ID"))
    }

    /// Lets a lease start anew; whether it still existed.
    ///
    /// # Errors
    ///
    /// As [`Etcd::txn`].
    pub async fn keep_alive(&self, lease: i64) -> Result<bool, EtcdError> {
        let body = json!({ "ID": lease.to_string() });
        let reply = self.call("/v3/lease/keepalive", &body).await?;
        let left = reply.pointer("/result/TTL").map_or(Ok(0), |ttl| number(Some(ttl)))?;
        Ok(left > 0)
    }

    /// Ends a lease, and all keys that hang on it.
    ///
    /// # Errors
    ///
    /// As [`Etcd::txn`].
    pub async fn revoke(&self, lease: i64) -> Result<(), EtcdError> {
        self.call("/v3/lease/revoke", &json!({ "ID": lease.to_string() })).await.map(drop)
    }

    /// How many seconds a lease was granted for; `None` when it is over.
    ///
    /// # Errors
    ///
    /// As [`Etcd::txn`].
    pub async fn granted(&self, lease: i64) -> Result<Option<u32>, EtcdError> {
        let body = json!({ "ID": lease.to_string() });
        let reply = self.call("/v3/lease/timetolive", &body).await?;
        let granted = reply.get("grantedTTL").map_or(Ok(0), |ttl| number(Some(ttl)))?;
        Ok(u32::try_from(granted).ok().filter(|granted| *granted > 0))
    }

    /// What happens to keys that start with `prefix`, from a revision on.
    ///
    /// # Errors
    ///
    /// etcd can't be reached, or refuses.
    pub async fn watch(&self, prefix: &str, from: i64) -> Result<Watch, EtcdError> {
        let body = json!({"create_request": {
            "key": encoded(prefix), "range_end": range_end(prefix), "start_revision": from.to_string(),
        }});
        let response = self.send("/v3/watch", &body).await?;
        Ok(Watch::new(response))
    }

    async fn call(&self, path: &str, body: &Value) -> Result<Value, EtcdError> {
        let call = async {
            let body = self.send(path, body).await?;
            let body = http_body_util::Limited::new(body, LONGEST).collect().await;
            let body = body.map_err(|error| EtcdError::Unreachable(error.to_string()))?;
            decoded(&body.to_bytes())
        };
        timeout(PATIENCE, call).await.map_err(|_| EtcdError::Unreachable("no answer".into()))?
    }

    async fn send(&self, path: &str, body: &Value) -> Result<Incoming, EtcdError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .map_err(|error| EtcdError::Url(error.to_string()))?;
        let unreachable = |error: &dyn std::fmt::Display| EtcdError::Unreachable(error.to_string());
        let sent = timeout(PATIENCE, self.http.request(request)).await;
        let response = sent
            .map_err(|_| EtcdError::Unreachable("no answer".into()))?
            .map_err(|error| unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        let status = response.status();
        let said = response.into_body().collect().await.map_err(|error| unreachable(&error))?;
        let said: Value = serde_json::from_slice(&said.to_bytes()).unwrap_or_default();
        Err(EtcdError::Refused(format!(
            "{status}: {}",
            text(said.get("error")).unwrap_or_default()
        )))
    }
}
