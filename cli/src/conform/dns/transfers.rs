//! Whole zones.

use super::{
    case, fixture, list,
    reply::{self, Rules},
    text,
};
use crate::conform::Case;
use serde_json::Value;
use svckit::dns::{Data, Name, Record, Snapshot};

/// Runs one transfer.
pub(super) fn run(document: &Value, transfer: &Value) -> Case {
    let id = text(transfer, "id").unwrap_or("?");
    case(id, one(document, transfer))
}

fn one(document: &Value, transfer: &Value) -> Result<(), String> {
    let all = list(document, "transfers");
    let named = |id: &str| all.iter().find(|other| text(other, "id") == Ok(id));
    let base = match transfer.get("same_as").and_then(Value::as_str) {
        Some(other) => named(other).ok_or_else(|| format!("no transfer {other:?}"))?,
        None => transfer,
    };
    // What a transfer leaves out is as in the first one.
    let first = all.first().unwrap_or(transfer);
    let fixture = base.get("fixture").or_else(|| first.get("fixture")).and_then(Value::as_str);
    let fixture = fixture::named(document, fixture.unwrap_or_default())?;
    let mut options = first.get("options").cloned().unwrap_or_default();
    if let (Some(own), Some(options)) =
        (base.get("options").and_then(Value::as_object), options.as_object_mut())
    {
        options.extend(own.clone());
    }
    let name = reply::parse(base.get("zone").and_then(Value::as_str).ok_or("no zone")?)?;
    let serial = transfer.get("client_serial").and_then(Value::as_u64).map(|serial| serial as u32);
    // A transfer without serial is an AXFR, as is one from serial zero.
    let serial = serial.filter(|serial| *serial != 0);
    let snapshot = fixture::zone(fixture, &options, reply::MODE, &[])?.snapshot();
    let records: Option<Vec<_>> =
        snapshot.transfer(&name, serial).map(|transfer| transfer.collect());
    over_the_wire(&snapshot, &name, serial, records.as_deref())?;
    let rules = Rules { serial: true, ..Rules::of(base) };
    let prose = [base.get("records"), base.get("expect")];
    if let Some(prose) = prose.into_iter().flatten().find_map(Value::as_str) {
        return said(prose, &name, records.as_deref());
    }
    let came = records.ok_or("not authoritative")?;
    reply::records("records", list(base, "records"), &came, rules)
}

/// The messages of a transfer hold exactly its records.
fn over_the_wire(
    snapshot: &Snapshot,
    zone: &Name,
    serial: Option<u32>,
    records: Option<&[Record]>,
) -> Result<(), String> {
    let question = svckit::dns::Message::question(1, zone, svckit::dns::Type(252));
    let mut came = Vec::new();
    if let Some(mut transfer) = snapshot.transfer(zone, serial) {
        while let Some(message) = transfer.next_message(&question) {
            let message =
                svckit::dns::Message::decode(&message).map_err(|error| error.to_string())?;
            came.extend(message.answer);
        }
    }
    if came == records.unwrap_or_default() { Ok(()) } else { Err("the messages differ".into()) }
}

/// What a transfer is said to be, in words.
fn said(prose: &str, zone: &Name, records: Option<&[Record]>) -> Result<(), String> {
    let Some(records) = records else {
        return if prose == "not authoritative" { Ok(()) } else { Err("not authoritative".into()) };
    };
    let soa = |record: Option<&Record>| {
        record.is_some_and(|record| matches!(record.data, Data::Soa(_)) && record.owner == *zone)
    };
    let server = reply::parse("ns.dns")?.join(zone).map_err(|error| error.to_string())?;
    let count = |of: &dyn Fn(&Record) -> bool| records.iter().filter(|record| of(record)).count();
    let own = |record: &Record| record.owner == server;
    for clause in prose.split(';').map(str::trim) {
        let holds = match clause {
            "exactly one SOA" => records.len() == 1 && soa(records.first()),
            "starts and ends with SOA" => {
                records.len() > 1 && soa(records.first()) && soa(records.last())
            }
            "one NS record" => count(&|record| matches!(record.data, Data::Ns(_))) == 1,
            "one A and one AAAA for ns.dns.cluster.local." => {
                count(&|record| own(record) && matches!(record.data, Data::A(_))) == 1
                    && count(&|record| own(record) && matches!(record.data, Data::Aaaa(_))) == 1
            }
            other => return Err(format!("what does {other:?} mean?")),
        };
        if !holds {
            return Err(format!("expected: {clause}; came {records:?}"));
        }
    }
    Ok(())
}
