//! etcd's JSON: octets in base64, 64-bit numbers as texts.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Why etcd could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EtcdError {
    /// It is no URL of an etcd.
    #[error("{0:?} is no URL such as http://127.0.0.1:2379")]
    Url(String),
    /// It can't be reached, or doesn't answer. What was asked for may have been done.
    #[error("etcd can't be reached: {0}")]
    Unreachable(String),
    /// It says no.
    #[error("etcd refuses: {0}")]
    Refused(String),
    /// It says what can't be understood.
    #[error("etcd's answer makes no sense: {0}")]
    Nonsense(String),
}

/// A key with what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kv {
    /// The key.
    pub key: String,
    /// Its value; octets that are no text are replaced.
    pub value: String,
    /// The lease it hangs on; 0: none.
    pub lease: i64,
}

/// A part of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put {
        /// The key.
        key: String,
        /// What it says.
        value: String,
        /// The lease it hangs on; 0: none.
        lease: i64,
    },
    /// Deletes a key.
    Delete(String),
}

impl Op {
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Put { key, value, lease } => json!({"request_put": {
                "key": encoded(key), "value": encoded(value), "lease": lease.to_string(),
            }}),
            Self::Delete(key) => json!({"request_delete_range": {"key": encoded(key)}}),
        }
    }
}

impl Kv {
    pub(super) fn read(value: &Value) -> Result<Self, EtcdError> {
        Ok(Self {
            key: octets(value.get("key"))?,
            value: octets(value.get("value"))?,
            lease: value.get("lease").map_or(Ok(0), |lease| number(Some(lease)))?,
        })
    }
}

pub(super) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// The end of the range of all keys that start with `prefix`.
pub(super) fn range_end(prefix: &str) -> String {
    let mut end = prefix.as_bytes().to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return STANDARD.encode(end);
        }
    }
    // All keys.
    STANDARD.encode([0])
}

fn octets(value: Option<&Value>) -> Result<String, EtcdError> {
    // What is empty is left out.
    let octets = STANDARD.decode(text(value).unwrap_or_default());
    let octets = octets.map_err(|error| EtcdError::Nonsense(error.to_string()))?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

pub(super) fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

pub(super) fn number(value: Option<&Value>) -> Result<i64, EtcdError> {
    let number = value.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    number.ok_or_else(|| EtcdError::Nonsense(format!("no number: {value:?}")))
}

/// One JSON document, if it is no error.
pub(super) fn decoded(octets: &[u8]) -> Result<Value, EtcdError> {
    let value: Value =
        serde_json::from_slice(octets).map_err(|error| EtcdError::Nonsense(error.to_string()))?;
    match value.get("error") {
        Some(error) => Err(EtcdError::Refused(error.to_string())),
        None => Ok(value),
    }
}
