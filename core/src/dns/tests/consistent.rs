//! What holds for every name of a zone, whatever it is asked for.

use super::*;

const TYPES: [u16; 9] = [1, 28, 33, 12, 16, 5, 6, 2, 65];

fn rich() -> Snapshot {
    let mut options = options();
    options.zones.push("0.10.in-addr.arpa".parse().unwrap());
    options.zones.push("244.10.in-addr.arpa".parse().unwrap());
    (options.pods, options.zonal) = (PodRecords::Verified, true);
    let changes = [
        service("cart", cluster_ip("10.0.0.7")),
        service("db", Exposure::Headless(vec![Family::V4])),
        slice("db", &[("10.244.0.1", Some("db-0")), ("10.244.0.2", None)]),
        service("near", Exposure::ExternalName("cart.shop.svc.cluster.local".into())),
        service("loop", Exposure::ExternalName("loop.shop.svc.cluster.local".into())),
        service("gone", Exposure::ExternalName("none.shop.svc.cluster.local".into())),
        pod("shop", "p", "10.244.0.9"),
    ];
    zone(options, &changes).snapshot()
}

fn ask(snapshot: &Snapshot, name: &Name, qtype: u16) -> Message {
    let mut out = [0; 4096];
    let message = Message::question(1, name, Type(qtype));
    decoded(&snapshot.answer(&message, Peer::tcp(0), &mut out), &out)
}

/// Each name of a transfer exists for every type, and so does whatever stands above it; what it points to resolves.
#[test]
fn transferred_names_exist_with_all_above_them_and_all_they_point_to() {
    let snapshot = rich();
    let mut names = 0;
    for zone in ["cluster.local", "0.10.in-addr.arpa", "244.10.in-addr.arpa"] {
        let zone: Name = zone.parse().unwrap();
        for record in snapshot.transfer(&zone, None).unwrap() {
            names += 1;
            let labels: Vec<_> = record.owner.labels().collect();
            let depth = labels.len() - zone.labels().count();
            // An alias to nothing says so (RFC 6604).
            let hangs = matches!(&record.data, Data::Cname(to) if !to.to_string().contains("cart"));
            for above in 0..=depth {
                let name = Name::from_labels(labels[above..].iter().copied()).unwrap();
                for qtype in TYPES.iter().filter(|_| above > 0 || !hangs) {
                    assert_eq!(
                        ask(&snapshot, &name, *qtype).rcode,
                        Rcode::NOERROR,
                        "{name} {qtype}"
                    );
                }
            }
            if let Data::Srv(Srv { target, .. }) | Data::Ptr(target) | Data::Ns(target) =
                &record.data
            {
                let rcode = ask(&snapshot, target, 1).rcode;
                assert_eq!(rcode, Rcode::NOERROR, "{record}");
            }
        }
    }
    assert!(names > 20, "{names} records");
}

#[test]
fn replies_keep_to_their_limit_and_say_what_is_missing() {
    let endpoints: Vec<_> = (0..200).map(|n| std::format!("10.244.1.{n}")).collect();
    let endpoints: Vec<_> = endpoints.iter().map(|address| (address.as_str(), None)).collect();
    let changes = [service("db", Exposure::Headless(vec![Family::V4])), slice("db", &endpoints)];
    let snapshot = zone(options(), &changes).snapshot();
    let name: Name = "db.shop.svc.cluster.local".parse().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (entropy, qtype) in (0..64).flat_map(|n| [(n * 0x9e37_79b9, 1), (n, 33)]) {
        let mut out = [0; 2000];
        let message = Message::question(1, &name, Type(qtype));
        let outcome = snapshot.answer(&message, Peer::udp(entropy), &mut out);
        let reply = decoded(&outcome, &out);
        assert!(outcome.length().unwrap() <= 512 && reply.truncated, "{outcome:?}");
        if qtype == 1 {
            assert_eq!(reply.answer.len(), 29, "as many as fit");
            seen.extend(reply.answer.iter().map(ToString::to_string));
        }
    }
    assert!(seen.len() > 150, "clients see different parts: {}", seen.len());
}
