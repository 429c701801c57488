//! The C face: whatever is called in whatever order, with NULL and with lengths that don't fit, nothing crashes, no
//! call meets a bug, and lengths are told as the header says.
//!
//! What C can't get right anyway is left out: pointers that point nowhere, and handles that were freed.

mod areas;

use std::{ptr, slice};
use svckit_ffi::*;

/// Texts that calls are made with.
const TEXTS: [&str; 14] = [
    "",
    "{",
    "Service",
    "shop",
    "web",
    "nft",
    "iptables",
    "maglev",
    "app=web",
    "app in (a,b),!c",
    "10.96.0.0/28",
    "ip-strict",
    r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop"},"spec":{"clusterIP":"10.96.0.3","selector":{"app":"web"},"sessionAffinity":"ClientIP","ports":[{"port":80,"nodePort":30080}],"type":"NodePort"}}"#,
    r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop","labels":{"app":"web"}},"spec":{"containers":[{"name":"c"}]},"status":{"podIP":"10.244.0.1","podIPs":[{"ip":"10.244.0.1"}],"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}} {"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"i","namespace":"shop"},"spec":{"rules":[{"host":"a.b","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":80}}}}]}}]}}"#,
];

/// Handles of one kind; NULL is always among them.
struct Handles<T>(Vec<*mut T>, unsafe extern "C" fn(*mut T));

impl<T> Handles<T> {
    const fn new(free: unsafe extern "C" fn(*mut T)) -> Self {
        Self(Vec::new(), free)
    }

    /// One of them, or NULL.
    fn pick(&self, choice: u8) -> *mut T {
        let choice = usize::from(choice) % (self.0.len() + 1);
        self.0.get(choice).copied().unwrap_or(ptr::null_mut())
    }

    /// Lets a call make one. It must do so exactly when it says so, or where NULL is allowed for nothing.
    fn make(&mut self, may_be_null: bool, call: impl FnOnce(*mut *mut T) -> svckit_status) {
        let mut made = ptr::null_mut();
        let status = sound(call(&raw mut made));
        assert!(status == svckit_status::Ok || made.is_null(), "made something and failed");
        assert!(status != svckit_status::Ok || may_be_null || !made.is_null(), "made nothing");
        if !made.is_null() {
            self.0.push(made);
        }
        if self.0.len() > 4 {
            // SAFETY: it came from a call, and leaves the list.
            unsafe { (self.1)(self.0.remove(0)) };
        }
    }
}

impl<T> Drop for Handles<T> {
    fn drop(&mut self) {
        // SAFETY: all of them came from calls, and the list ends here. The last one is NULL.
        self.0.drain(..).chain([ptr::null_mut()]).for_each(|handle| unsafe { (self.1)(handle) });
    }
}

/// No call meets a bug.
fn sound(status: svckit_status) -> svckit_status {
    assert!(!matches!(status, svckit_status::Panic | svckit_status::Poisoned), "{status:?}");
    status
}

/// Calls something that writes into a buffer, whose capacity is a lie at times; only downwards, for larger is a
/// promise that a caller must keep.
fn print<T: Copy + Default>(
    room: u8,
    mut call: impl FnMut(*mut T, usize, *mut usize) -> svckit_status,
) {
    const UNTOUCHED: usize = usize::MAX;
    let mut buf = vec![T::default(); usize::from(room) * 16];
    let mut len = UNTOUCHED;
    let at = if buf.is_empty() { ptr::null_mut() } else { buf.as_mut_ptr() };
    match sound(call(at, buf.len(), &raw mut len)) {
        svckit_status::Ok => assert!(len <= buf.len(), "{len} in {}", buf.len()),
        svckit_status::BufferTooSmall => {
            assert!(len > buf.len() && len != UNTOUCHED);
            let mut buf = vec![T::default(); len];
            let again = sound(call(buf.as_mut_ptr(), len, &raw mut len));
            assert!(again == svckit_status::Ok && len == buf.len(), "the length that was told");
        }
        _ => assert_eq!(len, UNTOUCHED, "wrote a length and failed"),
    }
    assert_ne!(sound(call(ptr::null_mut(), usize::MAX, &raw mut len)), svckit_status::Ok);
    assert_ne!(sound(call(at, usize::from(room) * 16, ptr::null_mut())), svckit_status::Ok);
}

/// A text, or half of one, or NULL; with the length that it has, or one that can't be.
fn text(choice: u8) -> (*const u8, usize) {
    let text = TEXTS[usize::from(choice & 15) % TEXTS.len()];
    match choice >> 4 {
        0 => (ptr::null(), 0),
        1 => (ptr::null(), text.len()),
        2 => (text.as_ptr(), usize::MAX),
        3 => (text.as_ptr(), text.len() / 2),
        _ => (text.as_ptr(), text.len()),
    }
}

fn ip(choice: u8) -> svckit_ip {
    let mut bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 96, 0, choice % 16];
    if choice & 0x80 != 0 {
        bytes[10] = choice;
    }
    svckit_ip { bytes }
}

/// Everything that calls work on.
struct World {
    clusters: Handles<svckit_cluster>,
    tables: Handles<svckit_table>,
    affinities: Handles<svckit_affinity>,
    zones: Handles<svckit_zone>,
    routes: Handles<svckit_routes>,
    plans: Handles<svckit_plan>,
    traces: Handles<svckit_trace>,
    findings: Handles<svckit_findings>,
    labels: Handles<svckit_labels>,
    selectors: Handles<svckit_selector>,
    indexes: Handles<svckit_selector_index>,
    ips: Handles<svckit_cluster_ips>,
    ports: Handles<svckit_node_ports>,
    areas: areas::Areas,
}

/// Each four bytes are one call.
pub fn calls(data: &[u8]) {
    let mut world = World {
        clusters: Handles::new(svckit_cluster_free),
        tables: Handles::new(svckit_table_free),
        affinities: Handles::new(svckit_affinity_free),
        zones: Handles::new(svckit_zone_free),
        routes: Handles::new(svckit_routes_free),
        plans: Handles::new(svckit_plan_free),
        traces: Handles::new(svckit_trace_free),
        findings: Handles::new(svckit_findings_free),
        labels: Handles::new(svckit_labels_free),
        selectors: Handles::new(svckit_selector_free),
        indexes: Handles::new(svckit_selector_index_free),
        ips: Handles::new(svckit_cluster_ips_free),
        ports: Handles::new(svckit_node_ports_free),
        areas: areas::Areas::new(),
    };
    for call in data.chunks_exact(4) {
        let call = [call[0], call[1], call[2], call[3]];
        // SAFETY: handles are NULL or alive, one thread calls, texts and buffers are as long as said or refused.
        unsafe {
            match call[0] % 5 {
                0 => world.feed(call),
                1 => world.take(call),
                2 => world.ask(call),
                3 => world.rule(call),
                _ => world.alone(call),
            }
        }
    }
}

impl World {
    /// Calls that make clusters and change them.
    unsafe fn feed(&mut self, [which, a, b, c]: [u8; 4]) {
        let cluster = self.clusters.pick(a);
        let ((text_b, len_b), (text_c, len_c)) = (text(b), text(c));
        let seed = svckit_seed { words: [u64::from(a); 4] };
        let mut findings = ptr::null_mut();
        // SAFETY: as `calls` promises.
        unsafe {
            match which / 5 % 8 {
                0 => self.clusters.make(false, |out| {
                    svckit_cluster_new(text_b, len_b, &raw const seed, &raw mut findings, out)
                }),
                1..=3 => {
                    let now = u64::from(c);
                    sound(svckit_cluster_apply(cluster, text_b, len_b, now, &raw mut findings));
                }
                4 => {
                    sound(svckit_cluster_replace(cluster, text_b, len_b, 0, &raw mut findings));
                }
                5 => {
                    let (name, len) = text(c.rotate_left(1));
                    sound(svckit_cluster_delete(
                        cluster, text_b, len_b, text_c, len_c, name, len, 0,
                    ));
                }
                6 => {
                    sound(svckit_cluster_balance(
                        cluster, text_b, len_b, text_b, len_b, text_c, len_c,
                    ));
                }
                _ => {
                    sound(svckit_cluster_commit(cluster, u64::from(b)));
                    sound(svckit_cluster_reset(self.clusters.pick(c)));
                }
            }
        }
        if !findings.is_null() {
            self.findings.0.push(findings);
        }
    }

    /// Calls that take something from a cluster.
    unsafe fn take(&mut self, [which, a, b, c]: [u8; 4]) {
        let cluster = self.clusters.pick(a);
        let (name, len) = text(b);
        let flow = flow(b, c);
        // SAFETY: as `calls` promises.
        unsafe {
            match which / 5 % 8 {
                0 => self.tables.make(false, |out| svckit_cluster_table(cluster, out)),
                1 => self.zones.make(false, |out| svckit_cluster_zone(cluster, out)),
                2 => {
                    self.routes
                        .make(false, |out| svckit_cluster_routes(cluster, ptr::null_mut(), out));
                }
                3 => self.plans.make(true, |out| svckit_cluster_plan(cluster, out)),
                4 => {
                    self.traces
                        .make(false, |out| svckit_cluster_trace(cluster, &raw const flow, out));
                }
                5 => print(c, |buf, cap, out| {
                    svckit_cluster_render(cluster, name, len, buf, cap, out)
                }),
                6 => {
                    print(c, |buf, cap, out| svckit_cluster_list(cluster, name, len, buf, cap, out))
                }
                _ => print(c, |buf, cap, out| {
                    let (kind, kind_len) = text(c);
                    svckit_cluster_get(cluster, kind, kind_len, name, len, name, len, buf, cap, out)
                }),
            }
        }
    }

    /// Questions to what was taken.
    #[expect(clippy::too_many_lines, reason = "an arm for each function")]
    unsafe fn ask(&mut self, [which, a, b, c]: [u8; 4]) {
        let flows = [flow(b, c); 3];
        let mut picks = [svckit_pick::default(); 3];
        let table = self.tables.pick(a);
        // SAFETY: as `calls` promises.
        unsafe {
            match which / 5 % 8 {
                0 => {
                    let count = if c > 250 { usize::MAX } else { usize::from(c % 4) };
                    let (flows, picks) = (flows.as_ptr(), picks.as_mut_ptr());
                    sound(svckit_table_pick_many(table, flows, count, 1, picks));
                    sound(svckit_table_pick(table, flows, 1, picks));
                }
                1 => {
                    let (seed, affinity) = (svckit_seed { words: [9; 4] }, self.affinities.pick(c));
                    let (flows, picks) = (flows.as_ptr(), picks.as_mut_ptr());
                    sound(svckit_affinity_pick_many(affinity, table, flows, 3, 7, 1, picks));
                    self.affinities.make(false, |out| {
                        svckit_affinity_new(usize::from(b), &raw const seed, out)
                    });
                }
                2 => print(c, |buf: *mut Room<svckit_endpoint>, cap, out| {
                    let mut outcome = 0;
                    let flow = flows.as_ptr();
                    svckit_table_endpoints(table, flow, &raw mut outcome, buf.cast(), cap, out)
                }),
                3 => {
                    let (mut answer, peer) =
                        ([0; 512], svckit_peer { address: ip(b), entropy: 1, tcp: b > 9 });
                    let message =
                        [[a, b, c & 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, c, 0, 0, 1, 0, 1]; 2].concat();
                    let len = usize::from(c) % message.len();
                    let (mut reply, zone) = (svckit_reply::default(), self.zones.pick(a));
                    let (peer, cap) = (&raw const peer, if b > 250 { 0 } else { 512 });
                    let room = answer.as_mut_ptr();
                    sound(svckit_zone_answer(
                        zone,
                        message.as_ptr(),
                        len,
                        peer,
                        room,
                        cap,
                        &raw mut reply,
                    ));
                    assert!(reply.len <= cap, "a reply that does not fit");
                    print(c, |buf, cap, out| {
                        svckit_zone_target(zone, message.as_ptr(), len, buf, cap, out)
                    });
                }
                4 => self.request(a, b, c),
                5 => print(c, |buf, cap, out| svckit_plan_nft(self.plans.pick(a), buf, cap, out)),
                6 => print(c, |buf: *mut Room<svckit_endpoint>, cap, out| {
                    svckit_trace_endpoints(self.traces.pick(a), buf.cast(), cap, out)
                }),
                _ => {
                    let findings = self.findings.pick(a);
                    for n in 0..svckit_findings_len(findings) {
                        let mut finding = std::mem::MaybeUninit::uninit();
                        sound(svckit_findings_get(findings, n, finding.as_mut_ptr()));
                        let finding: svckit_finding = finding.assume_init();
                        let message =
                            slice::from_raw_parts(finding.message.data, finding.message.len);
                        assert!(!message.is_empty() && str::from_utf8(message).is_ok());
                    }
                }
            }
        }
    }

    /// A request to routes.
    unsafe fn request(&self, a: u8, b: u8, c: u8) {
        let lent = |(data, len): (*const u8, usize)| svckit_text { data, len };
        let hosts = [lent((b"a.b".as_ptr(), 3)), lent(text(b))];
        let request = svckit_request {
            method: lent((b"GET".as_ptr(), 3)),
            target: lent(if b > 99 { (b"/x//y?z".as_ptr(), 7) } else { text(c) }),
            hosts: hosts.as_ptr(),
            hosts_len: usize::from(b % 3),
            headers: ptr::null(),
            headers_len: usize::from(c > 250),
            client: ip(b),
            body_len: 0,
            entropy: 0,
            https: a > 99,
            http_1_0: b > 99,
        };
        print(c, |buf, cap, out| {
            let mut answer = std::mem::MaybeUninit::uninit();
            let routes = self.routes.pick(a);
            // SAFETY: as `calls` promises.
            unsafe {
                svckit_routes_answer(routes, &raw const request, answer.as_mut_ptr(), buf, cap, out)
            }
        });
    }

    /// Rules, selectors and allocators.
    unsafe fn rule(&mut self, [which, a, b, c]: [u8; 4]) {
        let ((name, len), (other, other_len)) = (text(b), text(c));
        let seed = svckit_seed { words: [u64::from(a); 4] };
        let (seed, none) = (&raw const seed, ptr::null_mut());
        let (labels, index) = (self.labels.pick(a), self.indexes.pick(b));
        // SAFETY: as `calls` promises.
        unsafe {
            match which / 5 % 8 {
                0 => {
                    sound(svckit_object_check(name, len, other, other_len, none));
                    sound(svckit_object_validate(name, len, other, other_len, other, 0, none));
                    sound(svckit_syntax_check(other, other_len, name, len, none));
                }
                1 => {
                    print(c, |buf, cap, out| svckit_object_default(name, len, none, buf, cap, out))
                }
                2 => self.selectors.make(false, |out| svckit_selector_parse(name, len, none, out)),
                3 => self
                    .selectors
                    .make(false, |out| svckit_selector_from_json(name, len, none, out)),
                4 => {
                    let key = svckit_text { data: b"app".as_ptr(), len: 3 };
                    let label = svckit_label { key, value: svckit_text { data: name, len } };
                    self.labels.make(false, |out| svckit_labels_new(&raw const label, 1, out));
                    self.indexes.make(false, |out| svckit_selector_index_new(seed, out));
                }
                5 => {
                    let (selector, mut matches) = (self.selectors.pick(c), false);
                    sound(svckit_selector_matches(selector, labels, &raw mut matches));
                    sound(svckit_selector_index_insert(index, u64::from(c % 8), selector));
                    sound(svckit_selector_index_remove(index, u64::from(a % 8)));
                    print(c, |buf: *mut u64, cap, out| {
                        svckit_selector_index_matching(index, labels, buf, cap, out)
                    });
                    print(c, |buf, cap, out| svckit_selector_print(selector, buf, cap, out));
                }
                6 => {
                    let (ips, mut addr) = (self.ips.pick(a), ip(b));
                    sound(svckit_cluster_ips_add(ips, other, other_len));
                    sound(svckit_cluster_ips_reserve(ips, &raw const addr));
                    sound(svckit_cluster_ips_allocate(ips, b, u64::from(c), &raw mut addr));
                    self.ips.make(false, |out| svckit_cluster_ips_new(seed, u64::from(c), out));
                }
                _ => {
                    let (ports, mut port) = (self.ports.pick(a), 0);
                    sound(svckit_node_ports_reserve(ports, u16::from(b), c));
                    sound(svckit_node_ports_allocate(ports, c, u64::from(b), &raw mut port));
                    let range = (b"30000+9".as_ptr(), 7);
                    self.ports
                        .make(false, |out| svckit_node_ports_new(range.0, range.1, seed, 0, out));
                }
            }
        }
    }
}

/// Room for a value that has no default.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Room<T: Copy>(std::mem::MaybeUninit<T>);

impl<T: Copy> Default for Room<T> {
    fn default() -> Self {
        Self(std::mem::MaybeUninit::uninit())
    }
}

fn flow(b: u8, c: u8) -> svckit_flow {
    let port = if c > 99 { 80 } else { u16::from(c) };
    svckit_flow { source: ip(c), address: ip(b), source_port: 9, port, protocol: 1 + (b & 3) }
}
