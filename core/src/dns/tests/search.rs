//! Search lists that the server walks.

use super::*;

/// Asks from `client`; other names than `foo.example.net` don't exist elsewhere.
fn ask(snapshot: &Snapshot, name: &str, qtype: u16, client: &str) -> Message {
    let message = Message::question(1, &name.parse().unwrap(), Type(qtype));
    let peer = Peer { address: Some(client.parse().unwrap()), ..Peer::udp(9) };
    let mut out = [0; 1232];
    let mut outcome = snapshot.answer(&message, peer, &mut out);
    while let Outcome::NeedUpstream(need) = &outcome {
        let mut said = Message::question(1, &need.target, need.qtype);
        let known = need.target == "foo.example.net".parse().unwrap();
        (said[2], said[3], said[7]) = (0x81, if known { 0x80 } else { 0x83 }, known.into());
        if known {
            let record = Record::address(need.target.clone(), 60, [192, 0, 2, 7].into());
            record.encode(&mut said);
        }
        outcome = snapshot.complete(&message, peer, need, Some(&said), &mut out);
    }
    decoded(&outcome, &out)
}

#[test]
fn a_pods_search_is_walked() {
    let mut options = options();
    (options.pods, options.autopath) = (PodRecords::Verified, true);
    options.host_search = vec!["example.net".parse().unwrap()];
    let alias = Exposure::ExternalName("foo.example.net".into());
    let changes = [
        service("cart", cluster_ip("10.96.0.7")),
        service("pay", alias),
        pod("shop", "client", "10.244.0.7"),
        pod("shop", "other", "10.244.0.8"),
        pod("bank", "same address", "10.244.0.8"),
    ];
    let snapshot = zone(options, &changes).snapshot();
    let z = "svc.cluster.local.";
    for (name, client, want) in [
        (
            "cart.shop",
            "10.244.0.7",
            vec!["NOERROR", "cart.shop.svc.cluster.local. 5 IN A 10.96.0.7"],
        ),
        ("foo", "10.244.0.7", vec!["NOERROR", "foo.example.net. 60 IN A 192.0.2.7"]),
        ("foo.example.net", "10.244.0.7", vec!["NOERROR", "foo.example.net. 60 IN A 192.0.2.7"]),
        ("pay.shop", "10.244.0.7", vec!["NOERROR", "foo.example.net. 60 IN A 192.0.2.7"]),
        ("none", "10.244.0.7", vec!["NXDOMAIN"]),
        ("cart.shop", "10.244.0.8", vec!["NXDOMAIN"]),
        ("cart.shop", "10.244.0.9", vec!["NXDOMAIN"]),
    ] {
        let asked = std::format!("{name}.shop.{z}");
        let reply = ask(&snapshot, &asked, 1, client);
        let came = lines(&reply);
        let records = reply.answer.iter();
        let aliases = records.filter(|record| matches!(record.data, Data::Cname(_))).count();
        assert_eq!(came[0], want[0], "{asked} from {client}: {came:?}");
        assert!(want[1..].iter().all(|line| came.contains(&line.to_string())), "{came:?}");
        assert_eq!(aliases > 0, want.len() > 1, "{came:?}");
        // The verdict is the name's, not the type's.
        assert_eq!(ask(&snapshot, &asked, 28, client).rcode, reply.rcode, "{asked}");
    }
}

#[test]
fn the_search_zone_needs_no_pods() {
    let mut options = options();
    options.search_zone = Some("ap.k8s.io".parse().unwrap());
    let snapshot = zone(options, &[service("cart", cluster_ip("10.96.0.7"))]).snapshot();
    for (name, want) in [
        ("cart.search.shop", "NOERROR"),
        ("cart.shop.search.shop", "NOERROR"),
        ("cart.shop.svc.cluster.local.search.shop", "NOERROR"),
        ("foo.example.net.search.shop", "NOERROR"),
        ("search.shop", "NOERROR"),
        ("none.search.shop", "NXDOMAIN"),
        ("cart.search.bank", "NXDOMAIN"),
        ("cart.find.shop", "NXDOMAIN"),
    ] {
        let name = std::format!("{name}.cluster.local.ap.k8s.io");
        let reply = ask(&snapshot, &name, 1, "10.244.0.7");
        assert_eq!(reply.rcode.to_string(), want, "{name}: {reply:?}");
        assert_eq!(reply.authority.is_empty(), !reply.answer.is_empty(), "{name}");
    }
}
