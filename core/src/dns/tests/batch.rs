//! A batch says what its messages get one by one.

use super::*;

/// Messages of every sort: names of each kind of zone, foreign ones, and what is none.
fn messages() -> Vec<Vec<u8>> {
    let ask = |name: &str, qtype: u16| Message::question(7, &name.parse().unwrap(), Type(qtype));
    let mut messages = vec![
        ask("cart.shop.svc.cluster.local", 1),
        ask("CART.shop.SVC.cluster.local", 28),
        ask("alias.shop.svc.cluster.local", 1),
        ask("leaves.shop.svc.cluster.local", 1),
        ask("db-0.db.shop.svc.cluster.local", 1),
        ask("_http._tcp.db.shop.svc.cluster.local", 33),
        ask("nobody.shop.svc.cluster.local", 1),
        ask("shop.svc.cluster.local", 1),
        ask("10-0-0-9.shop.pod.cluster.local", 1),
        ask("cluster.local", 6),
        ask("cart.shop.example.com", 1),
        ask("9.0.0.10.in-addr.arpa", 12),
        ask("elsewhere.org", 1),
        Vec::new(),
        vec![0xff; 40],
    ];
    messages.push(messages[0][..20].to_vec());
    messages
}

fn cluster(options: Options) -> Snapshot {
    let external = |name: &str| Exposure::ExternalName(name.into());
    let changes = [
        service("cart", cluster_ip("10.0.0.9")),
        service("db", Exposure::Headless(vec![Family::V4])),
        slice("db", &[("10.1.0.1", Some("db-0")), ("10.1.0.2", None)]),
        service("alias", external("cart.shop.svc.cluster.local")),
        service("leaves", external("elsewhere.org")),
    ];
    zone(options, &changes).snapshot()
}

#[test]
fn a_batch_says_what_single_messages_get() {
    let mut wide = options();
    wide.zones.push("10.in-addr.arpa".parse().unwrap());
    let external = ExternalOptions::new(vec!["example.com".parse().unwrap()]);
    wide.external = Some(external);
    let searching = Options { search_zone: Some("search.test".parse().unwrap()), ..wide.clone() };
    for options in [wide, searching] {
        let snapshot = cluster(options);
        // Each size in its own turn of the messages, so that the parts of a batch begin with different ones.
        for size in [0, 1, 15, 16, 17, 40] {
            let asked: Vec<_> = messages().into_iter().cycle().skip(size).take(size).collect();
            let mut rooms = vec![[0; 512]; size];
            let mut batch: Vec<_> = asked
                .iter()
                .zip(&mut rooms)
                .map(|(message, room)| (&message[..], Peer::udp(3), &mut room[..], Outcome::Drop))
                .collect();
            snapshot.answer_batch(&mut batch);
            for (message, peer, room, outcome) in batch {
                let mut alone = [0; 512];
                let want = snapshot.answer(message, peer, &mut alone);
                assert_eq!(outcome, want, "{message:?}");
                let length = want.length().unwrap_or(0);
                assert_eq!(room[..length], alone[..length], "{message:?}");
            }
        }
    }
}
