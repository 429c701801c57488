//! Kind `allocator-bands`: sizes and bands of service ranges and node port ranges, and draws that keep to them.

use super::Case;
use serde_json::{Value, json};
use std::{net::IpAddr, ops::RangeInclusive};
use svckit::{
    Seed, Time,
    alloc::{AddressRange, NodePorts, PortRange, Protocols},
    model::{Port, Protocol},
};

const SEED: Seed = Seed([1, 2, 3, 4]);

/// Draws per range: all of a small one, some of a large one.
const DRAWS: u64 = 1_024;

pub(crate) fn run(document: &Value) -> Vec<Case> {
    let Some(document) = document.as_object() else {
        return vec![Case::failed("file", "not an object")];
    };
    let described = ["kind", "schema", "about"];
    let sections = document.iter().filter(|(name, _)| !described.contains(&name.as_str()));
    sections.flat_map(|(name, cases)| section(name, cases)).collect()
}

fn section(name: &str, cases: &Value) -> Vec<Case> {
    let run: fn(&Value) -> Result<Value, String> = match name {
        "clusterIP" => cluster_ip,
        "nodePort" => node_port,
        _ => return vec![Case::failed(name, "unknown section")],
    };
    let Some(cases) = cases.as_array() else {
        return vec![Case::failed(name, "not a list")];
    };
    let case = |case: &Value| {
        let range = case.get("cidr").or_else(|| case.get("range")).unwrap_or(&Value::Null);
        let id = format!("{name} {range}");
        match run(case) {
            Ok(came) => Case::equal(id, case, &came),
            Err(reason) => Case::failed(id, reason),
        }
    };
    cases.iter().map(case).collect()
}

/// What the library says about the CIDR of a case, in the form of the case.
fn cluster_ip(case: &Value) -> Result<Value, String> {
    let cidr = case.get("cidr").and_then(Value::as_str).ok_or("no cidr")?;
    let parsed = cidr.parse().map_err(|_| "not a CIDR")?;
    let range = AddressRange::in_bitmap_mode(parsed, SEED).map_err(|error| error.to_string())?;
    let mut came = json!({
        "cidr": cidr,
        "usable": range.usable(),
        "offset": range.static_band_len(),
        "network": range.cidr().network(),
    });
    put(&mut came, "first", range.first());
    put(&mut came, "last", range.last());
    put(&mut came, "static", range.static_band().map(RangeInclusive::into_inner));
    put(&mut came, "dynamic", range.dynamic_band().map(RangeInclusive::into_inner));
    put(&mut came, "broadcast", parsed.addr().is_ipv4().then(|| range.cidr().broadcast()));
    draws_addresses(range)?;
    Ok(came)
}

/// The ends of the range can't be had, and draws come from the dynamic band as long as it lasts.
fn draws_addresses(mut range: AddressRange) -> Result<(), String> {
    let network = range.cidr().network();
    let broadcast = range.last().filter(IpAddr::is_ipv4).map(|_| range.cidr().broadcast());
    for addr in [Some(network), broadcast].into_iter().flatten() {
        if range.reserve(addr).is_ok() {
            return Err(format!("{addr} was reserved"));
        }
    }
    let dynamic = range.usable() - range.static_band_len();
    for drawn in 0..range.usable().min(DRAWS) {
        let addr = range.allocate(Time::default()).map_err(|error| error.to_string())?;
        let band = if drawn < dynamic { range.dynamic_band() } else { range.static_band() };
        if !band.is_some_and(|band| band.contains(&addr)) {
            return Err(format!("draw {drawn} was {addr}"));
        }
    }
    if range.usable() <= DRAWS && range.allocate(Time::default()).is_ok() {
        return Err("a draw from a full range".into());
    }
    Ok(())
}

/// What the library says about the port range of a case, in the form of the case.
fn node_port(case: &Value) -> Result<Value, String> {
    let ends = case.get("range").and_then(Value::as_array).ok_or("no range")?;
    let port = |end: &Value| end.as_u64().and_then(|n| Port::new(u16::try_from(n).ok()?));
    let [Some(first), Some(last)] = ends.iter().map(port).collect::<Vec<_>>()[..] else {
        return Err("the range is not two ports".into());
    };
    let range = PortRange::new(first, last).map_err(|error| error.to_string())?;
    let numbers = |band: RangeInclusive<Port>| [band.start().get(), band.end().get()];
    let mut came = json!({
        "range": numbers(range.first()..=range.last()),
        "size": range.size(),
        "offset": range.static_band_len(),
        "dynamic": numbers(range.dynamic_band()),
    });
    put(&mut came, "static", range.static_band().map(numbers));
    draws_ports(range)?;
    Ok(came)
}

/// Draws come from the dynamic band as long as it lasts.
fn draws_ports(range: PortRange) -> Result<(), String> {
    let mut ports = NodePorts::new(range, SEED);
    let tcp = Protocols::from(Protocol::Tcp);
    let (size, dynamic) =
        (u64::from(range.size()), u64::from(range.size()) - range.static_band_len());
    for drawn in 0..size.min(DRAWS) {
        let port = ports.allocate(tcp, Time::default()).map_err(|error| error.to_string())?;
        if range.dynamic_band().contains(&port) != (drawn < dynamic) {
            return Err(format!("draw {drawn} was {port}"));
        }
    }
    if size <= DRAWS && ports.allocate(tcp, Time::default()).is_ok() {
        return Err("a draw from a full range".into());
    }
    Ok(())
}

fn put(came: &mut Value, key: &str, value: Option<impl serde::Serialize>) {
    if let (Some(value), Some(came)) = (value, came.as_object_mut()) {
        came.insert(key.into(), json!(value));
    }
}
