//! Kind `allocator-bands`: usable numbers and bands of address and port ranges.

use serde_json::{Value, json};
use std::{net::IpAddr, ops::RangeInclusive};
use svckit::{
    Seed,
    alloc::{AddressRange, PortRange},
    model::Port,
};

use super::Case;

pub(crate) fn run(document: &Value) -> Vec<Case> {
    let section = |name| document.get(name).and_then(Value::as_array).into_iter().flatten();
    let addresses = section("clusterIP").map(|case| compare(case, "cidr", addresses(case)));
    let ports = section("nodePort").map(|case| compare(case, "range", ports(case)));
    addresses.chain(ports).collect()
}

/// Compares what a case says, key by key, with what the allocators say.
fn compare(case: &Value, name: &str, came: Option<Value>) -> Case {
    let id = case.get(name).map_or_else(|| "a case without a range".into(), Value::to_string);
    match came {
        Some(came) => Case::equal(id, case, &came),
        None => Case::failed(id, "the range can't be read"),
    }
}

fn addresses(case: &Value) -> Option<Value> {
    let cidr = case.get("cidr")?.as_str()?;
    let range = AddressRange::in_bitmap_mode(cidr.parse().ok()?, Seed([1; 4])).ok()?;
    let network = range.cidr();
    let statics = range.static_band();
    let dynamic = range.dynamic_band();
    let offset = match (&statics, range.first()) {
        (Some(band), Some(first)) => distance(first, *band.end()) + 1,
        _ => 0,
    };
    let mut came = json!({ "cidr": cidr, "usable": range.usable(), "offset": offset });
    let mut put = |key: &str, value: Option<Value>| {
        if let (Some(value), Some(fields)) = (value, came.as_object_mut()) {
            fields.insert(key.into(), value);
        }
    };
    let text = |band: RangeInclusive<IpAddr>| json!([band.start(), band.end()]);
    put("first", range.first().map(|addr| json!(addr)));
    put("last", range.last().map(|addr| json!(addr)));
    put("static", statics.map(text));
    put("dynamic", dynamic.map(text));
    put("network", Some(json!(network.network())));
    put("broadcast", network.addr().is_ipv4().then(|| json!(network.broadcast())));
    Some(came)
}

/// How many addresses one lies above another of its family.
fn distance(low: IpAddr, high: IpAddr) -> u128 {
    let number = |addr: IpAddr| match addr {
        IpAddr::V4(addr) => u128::from(u32::from(addr)),
        IpAddr::V6(addr) => addr.into(),
    };
    number(high).saturating_sub(number(low))
}

fn ports(case: &Value) -> Option<Value> {
    let end = |n: usize| Port::new(u16::try_from(case.get("range")?.get(n)?.as_u64()?).ok()?);
    let range = PortRange::new(end(0)?, end(1)?).ok()?;
    let text = |band: &RangeInclusive<Port>| json!([band.start().get(), band.end().get()]);
    let offset = range.static_band().map_or(0, |band| band.end().get() - band.start().get() + 1);
    let mut came = json!({
        "range": [range.first().get(), range.last().get()],
        "size": range.size(),
        "offset": offset,
        "dynamic": text(&range.dynamic_band()),
    });
    if let (Some(band), Some(fields)) = (range.static_band(), came.as_object_mut()) {
        fields.insert("static".into(), text(&band));
    }
    Some(came)
}
