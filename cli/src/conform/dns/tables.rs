//! Tables of names, labels and limits.

use super::{case, fixture, list, reply, text};
use crate::conform::Case;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use svckit::{
    dns::{
        Class, Data, Dialect, Left, Message, Outcome, Peer, Rcode, Serials, Shape, Type, Zone,
        endpoint_label, host_value, kube_dns_label, kube2sky_label, without_underscore,
    },
    model::{Change, Exposure},
};

/// Runs one table, row by row.
pub(super) fn run(document: &Value, name: &str, table: &Value) -> Vec<Case> {
    let row: fn(&Value, &Value, &Value) -> Result<(), String> = match name {
        "parse_names" => |_, _, row| parsed(row),
        "endpoint_label" => |_, _, row| label(row),
        "nameserver_addresses" => nameservers,
        "namespace_exposure" => exposure,
        "serial_bumps" => |_, _, row| serials(row),
        "records_that_fit" => |_, _, row| fits(row),
        "legacy_record_labels" => |_, _, row| legacy(row),
        "resolv_conf" => return super::resolv::run(table),
        "autopath" => return super::autopath::run(table),
        _ => return vec![Case::failed(name, "unknown table")],
    };
    let rows = list(table, "rows").iter().enumerate();
    rows.map(|(index, one)| case(format!("{name}.{index:02}"), row(document, table, one))).collect()
}

/// Row `index` as text.
fn cell(row: &Value, index: usize) -> Result<&str, String> {
    row.get(index).and_then(Value::as_str).ok_or_else(|| format!("no text {index} in {row}"))
}

fn same<T: PartialEq + std::fmt::Debug>(want: &T, came: &T) -> Result<(), String> {
    if want == came { Ok(()) } else { Err(format!("expected {want:?}, came {came:?}")) }
}

/// What the labels of a name mean.
fn parsed(row: &Value) -> Result<(), String> {
    let words = cell(row, 1)?;
    let dialect =
        Dialect { multicluster: words.contains("multicluster"), zonal: words.contains("zonal") };
    let lower = cell(row, 0)?.to_lowercase();
    let labels: Vec<&[u8]> = match lower.as_str() {
        "" => Vec::new(),
        name => name.split('.').map(str::as_bytes).collect(),
    };
    let want = row.get(2).cloned().unwrap_or_default();
    let came = Shape::read(&labels, dialect)
        .map_or_else(|| json!("invalid"), |shape| fields(&shape, &labels));
    same(&want, &came)
}

/// A shape in the table's words: empty fields left out, `kind` only where there is a namespace.
fn fields(shape: &Shape<'_>, labels: &[&[u8]]) -> Value {
    let mut fields = BTreeMap::new();
    let mut put = |key: &str, label: &[u8]| {
        if !label.is_empty() || key == "kind" {
            fields.insert(key.to_string(), String::from_utf8_lossy(label).into_owned());
        }
    };
    let kind = match (shape.class, shape.namespace) {
        (Some(Class::Svc), Some(_)) => "svc",
        (Some(Class::Pod), Some(_)) => "pod",
        _ => "",
    };
    put("kind", kind.as_bytes());
    put("namespace", shape.namespace.unwrap_or_default());
    put("service", shape.object.unwrap_or_default());
    match shape.left {
        Left::Nothing => {}
        Left::Endpoint(endpoint) => put("endpoint", endpoint),
        Left::Port { port, protocol } => {
            put("port", without_underscore(port));
            put("protocol", without_underscore(protocol));
        }
        Left::Imported { endpoint, cluster } => {
            put("endpoint", endpoint);
            put("cluster", cluster);
        }
        Left::Zonal { labels: count, prefer } => {
            put("zone", &labels.get(..count).unwrap_or_default().join(&b'.'));
            put("zone_mode", if prefer { b"prefer" } else { b"pin" });
        }
    }
    json!(fields)
}

/// What an endpoint is called.
fn label(row: &Value) -> Result<(), String> {
    let pod_names = row.get(3) == Some(&Value::Bool(true));
    let endpoint = json!({"ip": row.get(0), "hostname": row.get(1), "pod_name": row.get(2)});
    let label = endpoint_label(&fixture::endpoint(&endpoint)?, pod_names);
    same(&cell(row, 4)?.to_string(), &label.unwrap_or_default())
}

/// The last parts of keys in etcd.
fn legacy(row: &Value) -> Result<(), String> {
    let address = cell(row, 0)?.parse().map_err(|_| format!("no address in {row}"))?;
    let came = (kube2sky_label(&host_value(address)), kube_dns_label(address));
    same(&(cell(row, 1)?.to_string(), cell(row, 2)?.to_string()), &came)
}

/// The Services a server stands behind.
fn nameservers(document: &Value, table: &Value, row: &Value) -> Result<(), String> {
    let mut fixture = fixture::named(document, text(table, "fixture")?)?.clone();
    if let Some(change) = row.get("change").and_then(Value::as_str) {
        let (service, address) = change
            .split_once(" gets external IP ")
            .ok_or_else(|| format!("unknown change {change:?}"))?;
        let services = fixture.get_mut("services").and_then(Value::as_array_mut);
        for changed in services.into_iter().flatten() {
            if text(changed, "name") == Ok(service)
                && let Some(changed) = changed.as_object_mut()
            {
                changed.insert("external_ips".into(), json!([address]));
            }
        }
    }
    let zone = text(row, "zone")?;
    let outside = row.get("external") == Some(&Value::Bool(true));
    let options = match outside {
        true => json!({"external_zones": [zone], "headless": row.get("headless")}),
        false => json!({"zones": [zone]}),
    };
    let snapshot = fixture::zone(&fixture, &options, reply::MODE, &[])?.snapshot();
    let lines = snapshot.nameservers(&reply::parse(zone)?).into_iter().map(|server| {
        (server.owner.to_string(), server.data.rtype().to_string(), server.data.to_string())
    });
    let mut came: Vec<_> = lines.collect();
    let want = list(row, "expect").iter().map(|line| {
        Ok((cell(line, 0)?.to_string(), cell(line, 1)?.to_string(), cell(line, 2)?.to_string()))
    });
    let mut want: Vec<_> = want.collect::<Result<_, String>>()?;
    want.sort();
    came.sort();
    same(&want, &came)
}

/// Which namespaces have names.
fn exposure(document: &Value, table: &Value, row: &Value) -> Result<(), String> {
    let fixture = fixture::named(document, text(table, "fixture")?)?;
    let namespace = cell(row, 1)?;
    let name = format!("{namespace}.svc.cluster.local.");
    let options = json!({"zones": ["cluster.local."], "namespaces": row.get(0)});
    let snapshot = fixture::zone(fixture, &options, reply::MODE, &[&name])?.snapshot();
    let question = Message::question(1, &reply::parse(&name)?, Type(1));
    let rcode = reply::ask(&snapshot, &question, None)?.rcode;
    same(&row.get(4).and_then(Value::as_bool), &Some(rcode == Rcode::NOERROR))
}

/// Which serials a change moves.
fn serials(row: &Value) -> Result<(), String> {
    let options = json!({
        "zones": ["cluster.local."], "external_zones": ["example.com."],
        "pods": "verified", "zonal": true, "headless": true,
    });
    let mut zone = fixture::zone(&json!({}), &options, reply::MODE, &[])?;
    let (before, after) = steps(cell(row, 0)?, cell(row, 1)?)?;
    let counted = |zone: &mut Zone, changes: Vec<Change>| -> Serials {
        changes.iter().for_each(|change| zone.apply(change));
        zone.snapshot().serials()
    };
    let old = counted(&mut zone, before);
    let new = counted(&mut zone, after);
    let want = (row.get(2).and_then(Value::as_bool), row.get(3).and_then(Value::as_bool));
    same(&want, &(Some(old.cluster != new.cluster), Some(old.external != new.external)))
}

/// What stood there before a change that a row tells in words, and the change.
fn steps(object: &str, change: &str) -> Result<(Vec<Change>, Vec<Change>), String> {
    let port = json!({"name": "http", "protocol": "TCP", "port": 80});
    let base = json!({"namespace": "shop", "name": "cart", "type": "ClusterIP",
        "cluster_ips": ["10.0.0.1"], "ports": [port]});
    let with = |key: &str, value: Value| {
        let mut changed = base.clone();
        if let Some(changed) = changed.as_object_mut() {
            changed.insert("external_ips".into(), json!(["1.2.3.4"]));
            changed.insert(key.into(), value);
        }
        changed
    };
    let set = |value: &Value| Ok::<_, String>(Change::Service(Arc::new(fixture::service(value)?)));
    let gone = |value: &Value| Ok::<_, String>(Change::ServiceGone(fixture::service(value)?.key));
    let shown = with("external_ips", json!(["1.2.3.4"]));
    let alias = |target: &str| {
        let mut service = fixture::service(&base)?;
        service.exposure = Exposure::ExternalName(target.into());
        Ok::<_, String>(Change::Service(Arc::new(service)))
    };
    let pod = |ip: &str| {
        let pod = json!({"namespace": "shop", "name": "cart-0", "ip": ip});
        Ok::<_, String>(Change::Pod(Arc::new(fixture::pod(&pod)?)))
    };
    let slice = |zone: &str| {
        let slice = json!({"namespace": "shop", "slice": "cart-1", "service": "cart",
            "endpoints": [{"ip": "10.1.0.1", "ready": true, "zone": zone}], "ports": [port]});
        let slices = fixture::slices(&slice)?.into_iter();
        Ok::<Vec<_>, String>(slices.map(|slice| Change::Slice(Arc::new(slice))).collect())
    };
    let own = Change::Namespace("shop".into());
    let (mut before, after) = match (object, change) {
        ("Service", "added without external IPs") => (vec![], vec![set(&base)?]),
        ("Service", "deleted without external IPs") => (vec![set(&base)?], vec![gone(&base)?]),
        ("Service", "added with external IPs") => (vec![], vec![set(&shown)?]),
        ("Service", "deleted with external IPs") => (vec![set(&shown)?], vec![gone(&base)?]),
        ("Service", "external IP replaced") => {
            (vec![set(&shown)?], vec![set(&with("external_ips", json!(["1.2.3.5"])))?])
        }
        ("Service", "externalName replaced") => (vec![alias("a.test")?], vec![alias("b.test")?]),
        ("Service", "port renamed") => {
            let renamed = json!([{"name": "web", "protocol": "TCP", "port": 80}]);
            (vec![set(&shown)?], vec![set(&with("ports", renamed))?])
        }
        ("Service", "port added") => {
            let more = json!([port, {"name": "admin", "protocol": "TCP", "port": 81}]);
            (vec![set(&shown)?], vec![set(&with("ports", more))?])
        }
        ("Pod", "new resourceVersion, same IP") => (vec![pod("10.1.0.1")?], vec![pod("10.1.0.1")?]),
        ("Pod", "IP assigned") => (vec![pod("")?], vec![pod("10.1.0.1")?]),
        ("Pod", "IP changed") => (vec![pod("10.1.0.1")?], vec![pod("10.1.0.2")?]),
        ("EndpointSlice", "topology zone of an endpoint changed (zonal on)") => {
            let before = [vec![set(&base)?], slice("zone-a")?].concat();
            (before, slice("zone-b")?)
        }
        _ => return Err(format!("unknown change of a {object}: {change:?}")),
    };
    before.insert(0, own);
    Ok((before, after))
}

/// How many addresses a reply of some size holds.
fn fits(row: &Value) -> Result<(), String> {
    let name = text(row, "name")?;
    let limit = row.get("limit").and_then(Value::as_u64).ok_or("no limit")? as u16;
    let edns = row.get("edns") == Some(&Value::Bool(true));
    let labels: Vec<_> = name.split('.').collect();
    let (service, namespace) =
        (labels.first().copied().unwrap_or(""), labels.get(1).copied().unwrap_or(""));
    for (qtype, key) in [(1, "max_a"), (28, "max_aaaa")] {
        let Some(want) = row.get(key).and_then(Value::as_u64) else { continue };
        let endpoints: Vec<_> = (0..600)
            .map(|n| match qtype {
                1 => json!({"ip": format!("10.1.{}.{}", n / 256, n % 256)}),
                _ => json!({"ip": format!("fd00::{n:x}")}),
            })
            .collect();
        let cluster = json!({
            "services": [{"namespace": namespace, "name": service, "type": "ClusterIP",
                "cluster_ips": ["None"], "ports": []}],
            "endpoint_slices": [{"namespace": namespace, "service": service, "slice": "s",
                "endpoints": endpoints, "ports": []}],
        });
        let options = json!({"zones": ["cluster.local."], "udp_ceiling": limit});
        let mut zone = fixture::zone(&cluster, &options, reply::MODE, &[])?;
        let (count, truncated) = counted(&mut zone, name, qtype, edns.then_some(limit))?;
        same(&(want as usize, true), &(count, truncated))?;
    }
    Ok(())
}

/// How many records a UDP reply has, and whether it says that some are missing.
fn counted(
    zone: &mut Zone,
    name: &str,
    qtype: u16,
    edns: Option<u16>,
) -> Result<(usize, bool), String> {
    let mut question = Message::question(1, &reply::parse(name)?, Type(qtype));
    if let Some([high, low]) = edns.map(u16::to_be_bytes) {
        question.extend([0, 0, 41, high, low, 0, 0, 0, 0, 0, 0]);
        question.get_mut(11).into_iter().for_each(|count| *count = 1);
    }
    let mut out = [0; 65_535];
    let Outcome::Reply(length) = zone.snapshot().answer(&question, Peer::udp(0), &mut out) else {
        return Err("nothing was answered".into());
    };
    let reply = Message::decode(out.get(..length).unwrap_or_default());
    let reply = reply.map_err(|error| error.to_string())?;
    let count = reply
        .answer
        .iter()
        .filter(|record| matches!((&record.data, qtype), (Data::A(_), 1) | (Data::Aaaa(_), 28)));
    Ok((count.count(), reply.truncated))
}
