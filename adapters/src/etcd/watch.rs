//! What happens to keys, as it happens.

use bytes::{Buf, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use super::wire::{EtcdError, Kv, decoded};

/// Octets of the longest line that is read.
const LONGEST: usize = 64 << 20;

/// A stream of events.
#[derive(Debug)]
pub struct Watch {
    body: Incoming,
    /// What came and wasn't a whole line yet.
    rest: BytesMut,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key says this now.
    Put(Kv),
    /// A key is gone.
    Delete(String),
}

impl Watch {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, rest: BytesMut::new() }
    }

    /// Waits for the next events; there may be none, when etcd only says that it is there.
    ///
    /// # Errors
    ///
    /// The watch is over: the connection broke, or etcd has forgotten the revision it started from. Read everything
    /// again, and watch from there.
    pub async fn next(&mut self) -> Result<Vec<Event>, EtcdError> {
        loop {
            if let Some(end) = self.rest.iter().position(|octet| *octet == b'\n') {
                let line = self.rest.split_to(end);
                self.rest.advance(1);
                return events(&decoded(&line)?);
            }
            let over = || EtcdError::Unreachable("the watch ended".into());
            let frame = self.body.frame().await.ok_or_else(over)?.map_err(|_| over())?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
            if self.rest.len() > LONGEST {
                return Err(EtcdError::Nonsense("a line without an end".into()));
            }
        }
    }
}

fn events(line: &Value) -> Result<Vec<Event>, EtcdError> {
    let result = line.get("result").unwrap_or(line);
    if result.get("canceled") == Some(&Value::Bool(true)) {
        return Err(EtcdError::Refused("the watch was cancelled".into()));
    }
    let events = result.get("events").and_then(Value::as_array).into_iter().flatten();
    let event = |event: &Value| {
        let kv = Kv::read(event.get("kv").unwrap_or(&Value::Null))?;
        Ok(match event.get("type").and_then(Value::as_str) {
            Some("DELETE") => Event::Delete(kv.key),
            _ => Event::Put(kv),
        })
    };
    events.map(event).collect()
}
