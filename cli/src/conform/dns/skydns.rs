//! Groups about records in SkyDNS's layout.

use super::{fixture, list, reply, text};
use serde::Deserialize;
use serde_json::Value;
use svckit::dns::{Message, Outcome, Peer, SkyDns, SkyOptions, SkyRecord};

/// Whether a fixture holds such records.
pub(super) fn is_about(fixture: &Value) -> bool {
    fixture.get("records").is_some()
}

/// Asks over TCP; nobody else knows anything.
pub(super) fn ask(fixture: &Value, options: &Value, message: &[u8]) -> Result<Message, String> {
    let zone = zone(fixture, options)?;
    let mut out = vec![0; 65_535];
    let mut outcome = zone.answer(message, Peer::tcp(0), &mut out);
    while let Outcome::NeedUpstream(need) = &outcome {
        outcome = zone.complete(message, Peer::tcp(0), need, None, &mut out);
    }
    let length = outcome.length().ok_or("nothing was answered")?;
    let reply = out.get(..length).ok_or("a reply longer than its buffer")?;
    Message::decode(reply).map_err(|error| error.to_string())
}

fn zone(fixture: &Value, options: &Value) -> Result<SkyDns, String> {
    let mut settings = SkyOptions::new(fixture::names(options, "zones")?);
    settings.mode = reply::MODE;
    for (key, value) in options.as_object().into_iter().flatten() {
        match key.as_str() {
            "zones" => {}
            "path_prefix" => settings.prefix = text(options, key)?.into(),
            "default_ttl" => settings.ttl = fixture::number(value)?,
            "default_priority" => settings.priority = fixture::number(value)? as u16,
            "negative_ttl" => settings.negative_ttl = fixture::number(value)?,
            other => return Err(format!("unknown option {other:?}")),
        }
    }
    let mut zone = SkyDns::new(settings);
    for record in list(fixture, "records") {
        let value = record.get("value").ok_or_else(|| format!("no value in {record}"))?;
        let read = SkyRecord::deserialize(value).map_err(|error| error.to_string())?;
        let lease = record.get("lease_ttl").and_then(Value::as_u64).map(|ttl| ttl as u32);
        zone.put(text(record, "etcd_key")?, read, lease);
    }
    zone.set_synced();
    Ok(zone)
}
