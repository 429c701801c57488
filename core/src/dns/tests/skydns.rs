//! Records that were exported answer as the zone they came from.

use super::*;
use std::collections::BTreeMap;

/// Everything of a snapshot, read back.
fn read_back(records: &BTreeMap<String, String>) -> SkyDns {
    let mut options = SkyOptions::new(vec![Name::cluster_local()]);
    options.shallow = true;
    let mut zone = SkyDns::new(options);
    for (key, value) in records {
        zone.put(key, parse(value), None);
    }
    zone.set_synced();
    zone
}

type String = std::string::String;

/// Reads what the export writes: text without escapes.
fn parse(json: &str) -> SkyRecord {
    let field = |name: &str| {
        let (_, rest) = json.split_once(&std::format!("\"{name}\":"))?;
        Some(rest.split([',', '}']).next()?.trim_matches('"'))
    };
    let number = |name: &str| field(name).map_or(0, |number| number.parse().unwrap());
    SkyRecord {
        host: field("host").unwrap_or_default().into(),
        port: number("port"),
        priority: number("priority"),
        weight: number("weight"),
        ttl: number("ttl").into(),
        ..SkyRecord::default()
    }
}

fn cluster() -> [Change; 5] {
    [
        service("cart", cluster_ip("10.96.0.7")),
        service("six", cluster_ip("fd00::7")),
        service("db", Exposure::Headless(vec![Family::V4])),
        slice("db", &[("10.244.0.1", Some("db-0")), ("10.244.0.2", Some("db-1"))]),
        service("empty", Exposure::Headless(vec![Family::V4])),
    ]
}

#[test]
fn what_is_read_back_answers_alike() {
    let snapshot = zone(options(), &cluster()).snapshot();
    let records = snapshot.skydns_records("/skydns");
    let sky = read_back(&records);
    let mut written = BTreeMap::new();
    sky.for_each(|key, record| {
        written.insert(String::from(key), record.to_string());
    });
    assert_eq!(written, records, "nothing is lost");
    // Priority, weight and TTL are the layout's own.
    let plain = |reply: &Message| {
        let data = |record: &Record| match &record.data {
            Data::Srv(srv) => std::format!("{} SRV {} {}", record.owner, srv.port, srv.target),
            data => std::format!("{} {data}", record.owner),
        };
        let section = |records: &[Record]| {
            let mut lines: Vec<_> = records.iter().map(data).collect();
            lines.sort();
            lines
        };
        (reply.rcode, section(&reply.answer), section(&reply.additional))
    };
    for name in [
        "cart.shop.svc",
        "six.shop.svc",
        "db.shop.svc",
        "db-0.db.shop.svc",
        "_http._tcp.cart.shop.svc",
        "_http._tcp.db.shop.svc",
        "_tcp.db.shop.svc",
        "_https._tcp.db.shop.svc",
        "shop.svc",
        "none.shop.svc",
        "empty.shop.svc",
        "cart.bank.svc",
        "svc",
    ] {
        let name = std::format!("{name}.cluster.local").parse().unwrap();
        for qtype in ["A", "AAAA", "SRV", "TXT", "CNAME", "MX", "PTR", "NS", "SOA", "ANY"] {
            let qtype = qtype.parse().unwrap();
            let message = Message::question(1, &name, qtype);
            let (mut ours, mut theirs) = ([0; 1232], [0; 1232]);
            let own = snapshot.answer(&message, Peer::tcp(0), &mut ours);
            let read = sky.answer(&message, Peer::tcp(0), &mut theirs);
            let (own, read) = (decoded(&own, &ours), decoded(&read, &theirs));
            // SRV records of an endpoint's own name aren't in this layout.
            if qtype != Type(33) || !name.labels().next().unwrap().starts_with(b"db-") {
                assert_eq!(plain(&read), plain(&own), "{name} {qtype}");
            }
        }
    }
}

#[test]
fn changes_lead_from_one_export_to_the_next() {
    let mut options = options();
    options.pods = PodRecords::Verified;
    let mut zone = zone(options, &cluster());
    let mut before = zone.snapshot();
    let mut etcd = before.skydns_records("/skydns");
    let key = |name: &str| NamespacedName::new("shop", name);
    for change in [
        service("cart", cluster_ip("10.96.0.8")),
        slice("db", &[("10.244.0.3", Some("db-0")), ("10.244.0.4", Some("db-0"))]),
        slice("db", &[("10.244.0.3", Some("db-0")), ("10.244.0.9", None)]),
        slice("empty", &[("10.244.0.5", None)]),
        pod("shop", "p", "10.244.0.6"),
        Change::PodGone(key("p")),
        Change::SliceGone(key("db-1")),
        Change::ServiceGone(key("cart")),
    ] {
        zone.apply(&change);
        let after = zone.snapshot();
        let batches = after.skydns_changes(&before, "/skydns");
        assert_eq!(batches.len(), 1, "one Service changed: {batches:?}");
        for SkyChange { key, value } in batches.into_iter().flatten() {
            match value {
                Some(value) => drop(etcd.insert(key, value)),
                None => assert!(etcd.remove(&key).is_some(), "{key} wasn't there"),
            }
        }
        assert_eq!(etcd, after.skydns_records("/skydns"), "after {change:?}");
        assert!(after.skydns_changes(&after, "/skydns").is_empty());
        before = after;
    }
}
