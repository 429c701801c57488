//! Calls of the areas that are fed alone, and of those that came with them.

use super::{Handles, World, flow, ip, print, sound, text};
use std::ptr;
use svckit_ffi::*;

/// Objects of these areas beside those that all calls are made with.
const OBJECTS: [&str; 3] = [
    r#"{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":{"name":"g","namespace":"shop"},"spec":{"listeners":[{"name":"h","port":80,"protocol":"HTTP"}]}} {"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"r","namespace":"shop"},"spec":{"parentRefs":[{"name":"g"}],"rules":[{"backendRefs":[{"name":"web","port":80}]}]}}"#,
    r#"{"apiVersion":"multicluster.x-k8s.io/v1alpha1","kind":"ServiceImport","metadata":{"name":"web","namespace":"shop"},"spec":{"type":"ClusterSetIP","ips":["10.97.0.1"],"ports":[{"port":80}]}}"#,
    r#"{"host":"10.0.0.1","port":80}"#,
];

/// Questions, and inputs of which some fit.
const QUESTIONS: [(&str, &str); 6] = [
    ("nginx-uri", r#"{"target":"/a/../../b%"}"#),
    ("selector", r#"{"selector":"a in (b,c),!d","labels":{"a":"b"}}"#),
    ("dns-shape", r#"{"name":"a.b._tcp.pin._zone.x.y.svc","zonal":true}"#),
    ("resolv-conf", r#"{"text":"search a b\nnameserver 1.2.3.4"}"#),
    (
        "service-families",
        r#"{"families":["IPv4","IPv6"],"service":{"spec":{"ipFamilyPolicy":"PreferDualStack"}}}"#,
    ),
    ("why", "{}"),
];

/// What these calls work on.
pub(super) struct Areas {
    names: Handles<svckit_names>,
    skydns: Handles<svckit_skydns>,
    slices: Handles<svckit_slices>,
    gateways: Handles<svckit_gateways>,
    routes: Handles<svckit_gateway_routes>,
    connections: Handles<svckit_connection>,
}

impl Areas {
    pub(super) const fn new() -> Self {
        Self {
            names: Handles::new(svckit_names_free),
            skydns: Handles::new(svckit_skydns_free),
            slices: Handles::new(svckit_slices_free),
            gateways: Handles::new(svckit_gateways_free),
            routes: Handles::new(svckit_gateway_routes_free),
            connections: Handles::new(svckit_connection_free),
        }
    }
}

/// One of the objects, or of the texts that all calls are made with.
fn object(choice: u8) -> (*const u8, usize) {
    match OBJECTS.get(usize::from(choice % 8)) {
        Some(object) => (object.as_ptr(), object.len()),
        None => text(choice),
    }
}

impl World {
    /// One call.
    pub(super) unsafe fn alone(&mut self, [which, a, b, c]: [u8; 4]) {
        let ((data, len), (name, name_len)) = (object(b), text(c));
        let seed = svckit_seed { words: [u64::from(a); 4] };
        let (seed, none) = (&raw const seed, ptr::null_mut());
        // SAFETY: as `calls` promises.
        unsafe {
            match which / 5 % 8 {
                0 => self.make(seed),
                1 => self.fill(a, (data, len), (name, name_len), c),
                2 => {
                    let (names, kind) = (self.areas.names.pick(a), text(b));
                    let shop = (b"shop".as_ptr(), 4);
                    sound(svckit_names_delete(
                        names, kind.0, kind.1, shop.0, shop.1, name, name_len,
                    ));
                    let slices = self.areas.slices.pick(a);
                    sound(svckit_slices_delete(
                        slices, kind.0, kind.1, shop.0, shop.1, name, name_len,
                    ));
                    sound(svckit_names_sync(names));
                    self.zones.make(false, |out| svckit_names_zone(names, out));
                }
                3 => {
                    let slices = self.areas.slices.pick(a);
                    print(c, |buf, cap, out| svckit_slices_list(slices, buf, cap, out));
                    // What fits is taken, so the length is told once.
                    let mut room = vec![0; usize::from(c) * 16];
                    let mut took = 0;
                    let cap = room.len();
                    sound(svckit_slices_take(slices, room.as_mut_ptr(), cap, &raw mut took));
                    let (gateways, routes) = (self.areas.gateways.pick(a), &mut self.areas.routes);
                    routes.make(false, |out| svckit_gateways_routes(gateways, none, out));
                }
                4 => self.gateway(a, b, c),
                5 => {
                    let (question, input) = QUESTIONS[usize::from(b) % QUESTIONS.len()];
                    let (input, size) = if c > 200 { (name, name_len) } else { lent(input) };
                    print(c, |buf, cap, out| {
                        let (asked, len) = lent(question);
                        svckit_question_answer(asked, len, input, size, buf, cap, out)
                    });
                }
                6 => {
                    let (table, flow, connections) =
                        (self.tables.pick(a), flow(b, c), &mut self.areas.connections);
                    let flow = &raw const flow;
                    let mut count = 0;
                    let endpoint = u32::from(c % 4);
                    connections.make(false, |out| svckit_table_connect(table, flow, endpoint, out));
                    sound(svckit_table_connections(table, flow, endpoint, &raw mut count));
                    sound(svckit_connection_observe(connections.pick(b), c.into(), a.into()));
                    let cluster = self.clusters.pick(a);
                    self.plans.make(true, |out| svckit_cluster_plan_netlink(cluster, b, out));
                    let plan = self.plans.pick(c);
                    print(c, |buf, cap, out| svckit_plan_netlink(plan, a.into(), buf, cap, out));
                }
                _ => self.message(a, b, c),
            }
        }
    }

    /// New handles.
    unsafe fn make(&mut self, seed: *const svckit_seed) {
        let (areas, none) = (&mut self.areas, ptr::null_mut());
        let (options, size) = lent(r#"{"zones":["cluster.local"]}"#);
        // SAFETY: as `calls` promises.
        unsafe {
            areas.names.make(false, |out| svckit_names_new(ptr::null(), 0, seed, none, out));
            areas.skydns.make(false, |out| svckit_skydns_new(options, size, out));
            areas.slices.make(false, |out| svckit_slices_new(ptr::null(), 0, seed, out));
            areas.gateways.make(false, |out| svckit_gateways_new(seed, out));
        }
    }

    /// Feeds all of them the same.
    unsafe fn fill(&self, a: u8, (data, len): (*const u8, usize), name: (*const u8, usize), c: u8) {
        let (areas, none) = (&self.areas, ptr::null_mut());
        let (key, key_len) = lent("/skydns/local/cluster/a");
        // SAFETY: as `calls` promises.
        unsafe {
            sound(svckit_names_apply(areas.names.pick(a), data, len, none));
            sound(svckit_slices_apply(areas.slices.pick(a), data, len, none));
            sound(svckit_gateways_apply(areas.gateways.pick(a), data, len, none));
            let skydns = areas.skydns.pick(a);
            sound(svckit_skydns_put(skydns, key, key_len, data, len, c.into()));
            sound(svckit_skydns_remove(skydns, name.0, name.1));
        }
    }

    /// A request to the routes of Gateways.
    unsafe fn gateway(&self, a: u8, b: u8, c: u8) {
        let shown = |(data, len): (*const u8, usize)| svckit_text { data, len };
        let hosts = [shown((b"a.b".as_ptr(), 3)), shown(text(b))];
        let request = svckit_request {
            method: shown((b"GET".as_ptr(), 3)),
            target: shown(if b > 99 { (b"/x".as_ptr(), 2) } else { text(c) }),
            hosts: hosts.as_ptr(),
            hosts_len: usize::from(b % 3),
            headers: ptr::null(),
            headers_len: usize::from(c > 250),
            client: ip(b),
            body_len: 0,
            entropy: c.into(),
            https: false,
            http_1_0: b > 99,
        };
        let routes = self.areas.routes.pick(a);
        print(c, |buf, cap, out| {
            let mut answer = std::mem::MaybeUninit::uninit();
            let mut changes =
                [const { std::mem::MaybeUninit::<svckit_header_change>::uninit() }; 4];
            let mut changed = 0;
            let request = &raw const request;
            let (g, shop, name) = (b"g".as_ptr(), b"shop".as_ptr(), shown(text(c)));
            let (to, made) = (answer.as_mut_ptr(), changes.as_mut_ptr().cast());
            // SAFETY: as `calls` promises.
            unsafe {
                svckit_gateway_routes_answer(
                    routes,
                    shop,
                    4,
                    g,
                    1,
                    80,
                    request,
                    name,
                    to,
                    made,
                    4,
                    &raw mut changed,
                    buf,
                    cap,
                    out,
                )
            }
        });
    }

    /// A message to a zone, and to records.
    unsafe fn message(&self, a: u8, b: u8, c: u8) {
        let message = [a, b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'w', b'e', b'b', 0, 0, c, 0, 1];
        let len = message.len() - usize::from(b % 4);
        let peer = svckit_peer { address: ip(b), entropy: 1, tcp: b > 9 };
        let (mut room, mut reply) = ([0; 512], svckit_reply::default());
        let said = [svckit_text { data: message.as_ptr(), len: usize::from(c) % message.len() }; 3];
        let zone = self.zones.pick(a);
        // SAFETY: as `calls` promises.
        unsafe {
            print(c, |buf, cap, out| {
                let (peer, to) = (&raw const peer, &raw mut reply);
                let (message, said, count) = (message.as_ptr(), said.as_ptr(), usize::from(c % 4));
                let (at, size) = (room.as_mut_ptr(), room.len());
                svckit_zone_continue(
                    zone, message, len, peer, said, count, at, size, to, buf, cap, out,
                )
            });
            let skydns = self.areas.skydns.pick(a);
            let (message, peer) = (message.as_ptr(), &raw const peer);
            let (at, size) = (room.as_mut_ptr(), room.len());
            sound(svckit_skydns_answer(skydns, message, len, peer, at, size, &raw mut reply));
            assert!(reply.len <= size, "a reply that does not fit");
            print(c, |buf, cap, out| svckit_zone_transfer(zone, message, len, buf, cap, out));
            let mut serials = svckit_serials::default();
            sound(svckit_zone_serials(zone, &raw mut serials));
        }
    }
}

/// A text as C has it.
const fn lent(text: &str) -> (*const u8, usize) {
    (text.as_ptr(), text.len())
}
