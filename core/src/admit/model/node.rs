//! Nodes.

use super::read;
use crate::{
    admit::field::{Notes, SPEC, STATUS},
    api::{self, Json, LABEL_ZONE},
    finding::Finding,
    model::Node,
};
use core::net::IpAddr;
use ipnet::IpNet;
use std_alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Labels that make a node a control-plane one, today's and yesterday's.
const CONTROL_PLANE: [&str; 2] =
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// A node in checked form. It is ready when its Ready condition says so.
///
/// # Errors
///
/// What can't be read.
pub fn node(object: &api::Node) -> Result<Node, Vec<Finding>> {
    let mut notes = Notes::default();
    let meta = &object.metadata;
    let addresses = addresses(&object.status, &mut notes);
    let pod_cidrs = pod_cidrs(&object.spec, &mut notes);
    let milli_cpu = milli_cpu(&object.status, &mut notes);
    let is_ready =
        |condition: &api::Condition| condition.r#type == "Ready" && condition.status == "True";
    notes.or(Node {
        name: meta.name.as_str().into(),
        zone: meta.labels.get(LABEL_ZONE).and_then(|zone| read::text(zone)),
        addresses,
        pod_cidrs,
        ready: object.status.conditions.iter().any(is_ready),
        milli_cpu,
        control_plane: CONTROL_PLANE.iter().any(|label| meta.labels.contains_key(label)),
    })
}

/// Internal addresses, then external ones.
fn addresses(status: &api::NodeStatus, notes: &mut Notes) -> Vec<IpAddr> {
    let list = STATUS.child("addresses");
    let mut addresses = Vec::new();
    for kind in ["InternalIP", "ExternalIP"] {
        for (i, address) in status.addresses.iter().enumerate().filter(|(_, a)| a.r#type == kind) {
            addresses.extend(read::ip(&address.address, list.index(i).child("address"), notes));
        }
    }
    addresses
}

/// `podCIDRs`, or `podCIDR` alone where an older writer left the list out.
fn pod_cidrs(spec: &api::NodeSpec, notes: &mut Notes) -> Vec<IpNet> {
    let list = SPEC.child("podCIDRs");
    if spec.pod_cidrs.is_empty() {
        let single = Some(&spec.pod_cidr).filter(|text| !text.is_empty());
        return single
            .and_then(|text: &String| read::cidr(text, SPEC.child("podCIDR"), notes))
            .into_iter()
            .collect();
    }
    let cidrs = spec.pod_cidrs.iter().enumerate();
    cidrs.filter_map(|(i, text)| read::cidr(text, list.index(i), notes)).collect()
}

/// Allocatable CPU in thousandths; 0 when the node doesn't say.
fn milli_cpu(status: &api::NodeStatus, notes: &mut Notes) -> u64 {
    let text = match status.allocatable.get("cpu") {
        None => return 0,
        Some(Json::Int(cpus)) => cpus.to_string(),
        Some(Json::Float(cpus)) => cpus.to_string(),
        Some(Json::String(text)) => text.clone(),
        Some(_) => String::new(),
    };
    milli(&text).unwrap_or_else(|| {
        let allocatable = STATUS.child("allocatable");
        notes.invalid(allocatable.key("cpu"), text, "must be a quantity, such as 4, 0.5 or 3920m");
        0
    })
}

/// A quantity in thousandths, rounded up as Kubernetes does: `4`, `0.5`, `3920m`, `2e3`, `1Ki`.
fn milli(quantity: &str) -> Option<u64> {
    let end = quantity.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at_checked(end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (multiplier, exponent) = scale(suffix)?;
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
    let places = i32::try_from(fraction.len()).ok()?;
    let tens = |n: i32| 10_u128.checked_pow(n.unsigned_abs());
    let value = digits(whole)?
        .checked_mul(tens(places)?)?
        .checked_add(digits(fraction)?)?
        .checked_mul(multiplier)?;
    let shift = exponent + 3 - places;
    let value =
        if shift >= 0 { value.checked_mul(tens(shift)?)? } else { value.div_ceil(tens(shift)?) };
    u64::try_from(value).ok()
}

/// What a suffix multiplies with: a number and a power of ten.
fn scale(suffix: &str) -> Option<(u128, i32)> {
    Some(match suffix {
        "" => (1, 0),
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        exponent => {
            let exponent: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            (1, Some(exponent).filter(|e| (-30..=30).contains(e))?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_become_thousandths() {
        let cases = [
            ("4", Some(4000)),
            ("0", Some(0)),
            ("3920m", Some(3920)),
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("1.0001", Some(1001)),
            ("100u", Some(1)),
            ("2e3", Some(2_000_000)),
            ("1Ki", Some(1_024_000)),
            ("2k", Some(2_000_000)),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("-1", None),
            ("four", None),
            ("1x", None),
            ("999999999999999999999999999999999999999999", None),
        ];
        for (text, want) in cases {
            assert_eq!(milli(text), want, "{text}");
        }
    }

    #[test]
    fn processors_may_be_written_as_numbers() {
        let node = |cpu: Json| {
            let mut object = api::Node::default();
            object.metadata.name = "n1".into();
            object.status.allocatable.insert("cpu".into(), cpu);
            node(&object).map(|node| node.milli_cpu)
        };
        assert_eq!(node(Json::Int(4)), Ok(4000));
        assert_eq!(node(Json::Float(1.5)), Ok(1500));
        assert_eq!(node(Json::String("500m".into())), Ok(500));
        assert_eq!(node(Json::Bool(true)).unwrap_err()[0].path, "status.allocatable[cpu]");
        assert_eq!(node(Json::Float(f64::NAN)).unwrap_err().len(), 1);
    }
}
