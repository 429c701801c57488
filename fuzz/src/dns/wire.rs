//! Messages as octets: whatever comes gets a reply that fits and that others can read.

use domain::{
    base::{Message as DomainMessage, Rtype, ToName},
    rdata::AllRecordData,
};
use hickory_proto::op::Message as HickoryMessage;
use std::sync::Arc;
use svckit::{
    Seed,
    dns::{
        ExternalOptions, Message, Mode, Name, Options, Outcome, Peer, PodRecords, SkyDns,
        SkyOptions, SkyRecord, Snapshot, Transport, Type, Zone,
    },
    model::{Change, NamespacedName},
};

/// A zone of everything, in one mode.
fn zone(mode: Mode) -> Snapshot {
    let mut options = Options::new("cluster.local".parse().unwrap());
    options.zones.push("10.in-addr.arpa".parse().unwrap());
    options.zones.push("ip6.arpa".parse().unwrap());
    options.zones.push("clusterset.local".parse().unwrap());
    options.multicluster_zones = vec!["clusterset.local".parse().unwrap()];
    options.external = Some(ExternalOptions::new(vec!["example.com".parse().unwrap()]));
    options.server_addresses = vec![[10, 96, 0, 10].into()];
    options.search_zone = Some("ap.k8s.io".parse().unwrap());
    (options.mode, options.zonal) = (mode, true);
    (options.pods, options.autopath) = (PodRecords::Verified, true);
    let mut zone = Zone::new(options, Seed([1; 4]));
    for (n, name) in super::SERVICES.into_iter().enumerate() {
        let key = NamespacedName::new("shop", name);
        let bits = [0xe0, 0xf4, 0xec][n];
        let slice = super::make_slice(key.clone(), (n as u8) << 6, 0xcf);
        zone.apply(&Change::Service(Arc::new(super::make_service(key, bits))));
        zone.apply(&Change::Slice(Arc::new(slice)));
    }
    zone.apply(&Change::Synced);
    zone.snapshot()
}

/// Records of the other layout.
fn sky(mode: Mode) -> SkyDns {
    let mut options = SkyOptions::new(vec!["cluster.local".parse().unwrap()]);
    options.mode = mode;
    let mut zone = SkyDns::new(options);
    for (n, key) in ["a", "b/x", "b/y", "_tcp/_http/z", "c"].into_iter().enumerate() {
        let host =
            ["10.0.0.1", "fd00::1", "c.cluster.local", "a.cluster.local", "b.cluster.local"][n];
        let record =
            SkyRecord { host: host.into(), port: n as u16, mail: n == 1, ..SkyRecord::default() };
        zone.put(&format!("/skydns/local/cluster/{key}"), record, None);
    }
    zone.put(
        "/skydns/local/cluster/t",
        SkyRecord { text: "x".repeat(600), ..SkyRecord::default() },
        None,
    );
    zone.set_synced();
    zone
}

/// A question that is likely to find something, and then damaged by the rest of the bytes.
fn damaged(data: &[u8]) -> Vec<u8> {
    let [which, qtype, rest @ ..] = data else { return data.to_vec() };
    let names = [
        "a.shop.svc.cluster.local",
        "b.shop.svc.cluster.local",
        "c.shop.svc.cluster.local",
        "_http._tcp.b.shop.svc.cluster.local",
        "h0.b.shop.svc.cluster.local",
        "cluster.local",
        "0.0.96.10.in-addr.arpa",
        "a.search.shop.cluster.local.ap.k8s.io",
        "a.shop.example.com",
        "x.pin._zone.b.shop.svc.cluster.local",
        "none.shop.svc.cluster.local",
        "b.cluster.local",
        "t.cluster.local",
        "*.cluster.local",
        "clusterset.local",
        "example.org",
    ];
    let types = [1, 28, 33, 12, 16, 5, 6, 2, 15, 255, 251, 252, 65, 41, 0, 257];
    let name: Name = names[usize::from(which & 15)].parse().unwrap();
    let mut message = Message::question(0x1234, &name, Type(types[usize::from(qtype & 15)]));
    if which & 0x10 != 0 {
        message[11] = 1;
        message.extend([0, 0, 41, 2 | which >> 5, 0, 0, 0, qtype & 0x80, 0, 0, 0]);
    }
    for pair in rest.chunks_exact(2) {
        let at = usize::from(pair[0]);
        match message.get_mut(at) {
            Some(octet) => *octet = pair[1],
            None => message.push(pair[1]),
        }
    }
    message
}

/// Whatever is asked: no panic, a reply that fits, echoes the question, and that two other libraries can read.
pub fn messages(data: &[u8]) {
    use std::sync::LazyLock;
    static ZONES: LazyLock<[(Snapshot, SkyDns); 2]> =
        LazyLock::new(|| [Mode::Strict, Mode::CoreDns].map(|mode| (zone(mode), sky(mode))));
    for message in [data.to_vec(), damaged(data)] {
        for (snapshot, sky) in &*ZONES {
            for transport in [Transport::Udp, Transport::Tcp] {
                let peer = Peer { transport, address: None, entropy: 5 };
                let mut out = [0xaa; 4096];
                let mut outcome = snapshot.answer(&message, peer, &mut out);
                look(&message, &outcome, peer, &out);
                // Upstreams say anything at all.
                for _ in 0..8 {
                    let Outcome::NeedUpstream(need) = &outcome else { break };
                    outcome = snapshot.complete(&message, peer, need, Some(data), &mut out);
                    look(&message, &outcome, peer, &out);
                }
                let mut out = [0xaa; 4096];
                look(&message, &sky.answer(&message, peer, &mut out), peer, &out);
                let mut short = [0; 64];
                let _ = snapshot.answer(&message, peer, &mut short);
            }
        }
    }
}

fn look(message: &[u8], outcome: &Outcome, peer: Peer, out: &[u8]) {
    let Some(length) = outcome.length().filter(|length| *length > 0) else { return };
    let reply = &out[..length];
    let limit = match (peer.transport, message.get(11)) {
        (Transport::Udp, Some(0)) => 512,
        (Transport::Udp, _) => 1232,
        (Transport::Tcp, _) => 65_535,
    };
    assert!(length <= limit, "{length} octets of {limit}");
    assert_eq!(reply[..2], message[..2], "the question's number");
    assert_ne!(reply[2] & 0x80, 0, "a reply");
    let ours = Message::decode(reply).expect("we can read it");
    let domain = DomainMessage::from_octets(reply).unwrap();
    let mut counts = [0; 3];
    let (_, answer, authority, additional) = domain.sections().expect("domain can read it");
    for (count, section) in counts.iter_mut().zip([answer, authority, additional]) {
        for record in section.limit_to::<AllRecordData<_, _>>() {
            let record = record.expect("domain can read each record");
            *count += usize::from(record.rtype() != Rtype::OPT);
        }
    }
    assert_eq!(counts, [ours.answer.len(), ours.authority.len(), ours.additional.len()]);
    let hickory = HickoryMessage::from_vec(reply).expect("hickory can read it");
    let lists = [&hickory.answers, &hickory.authorities, &hickory.additionals].map(Vec::len);
    assert_eq!(counts, lists);
    if let Some((name, _)) = &ours.question {
        let asked = &message[12..12 + name.as_wire().len()];
        assert_eq!(name.as_wire(), asked, "the question as it was spelt");
        let theirs = hickory.queries[0].name().to_string();
        assert!(
            theirs.eq_ignore_ascii_case(&name.to_string())
                || !name.to_string().is_ascii()
                || theirs.contains('\\')
                || name.to_string().contains('\\'),
            "{theirs} {name}"
        );
    }
    for (own, theirs) in ours.answer.iter().zip(&hickory.answers) {
        assert_eq!(own.ttl, theirs.ttl);
        assert_eq!(own.data.rtype().0, u16::from(theirs.record_type()));
    }
}

/// The reader of whole messages: it never panics, and what it takes, the others take too.
pub fn decoders(data: &[u8]) {
    for message in [data.to_vec(), damaged(data)] {
        let Ok(ours) = Message::decode(&message) else { continue };
        let domain = DomainMessage::from_octets(message.as_slice()).expect("a header at least");
        let (question, answer, ..) = domain.sections().expect("domain can walk it");
        if let (Some((name, qtype)), Some(Ok(theirs))) = (&ours.question, question.last()) {
            assert_eq!(theirs.qtype().to_int(), qtype.0);
            assert_eq!(theirs.qname().to_vec().as_slice(), name.as_wire());
        }
        let owners = answer.filter_map(Result::ok).filter(|record| record.rtype() != Rtype::OPT);
        for (own, theirs) in ours.answer.iter().zip(owners) {
            assert_eq!(theirs.owner().to_vec().as_slice(), own.owner.as_wire());
        }
    }
}
