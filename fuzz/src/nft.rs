//! nftables: a kernel in a hundred lines takes the transactions. Nothing that isn't there is deleted, nothing takes
//! another one's place, whatever leads on leads to a chain, and in the end there is what a fresh load would leave.

use std::collections::{BTreeMap, BTreeSet};
use svckit::{
    Seed,
    forward::{Desired, Item, Proxy},
    model::Change,
    plan::Planner,
    render::nft::{
        Grouping, Load, Ruleset,
        netlink::{Answer, Answers, Transactions},
    },
};

use crate::table::{change, node};

/// The first byte configures the node; each three bytes are one change and how it is planned.
pub fn changes(data: &[u8]) {
    let Some((first, steps)) = data.split_first() else { return };
    let mut proxy = Proxy::new(node(*first), Seed([1; 4]));
    proxy.apply(&Change::Synced);
    let mut rig = Rig::new();
    for step in steps.chunks_exact(3) {
        proxy.apply(&annotated(change(step[0], step[1]), step[2]));
        if step[2] & 1 == 0 {
            rig.carry(&mut proxy, step[2]);
        }
    }
    rig.carry(&mut proxy, 0);
    let mut fresh = Planner::new(Seed([3; 4]));
    proxy.items().for_each(|(item, desired)| fresh.set(item, desired));
    fresh.sync();
    let plan = fresh.plan().unwrap();
    let mut out = Transactions::default();
    load(&mut Ruleset::default(), &plan, &proxy, &mut out);
    let mut other = Kernel::default();
    out.iter().for_each(|transaction| other.take(transaction));
    assert_eq!(rig.kernel.leads(), other.leads());
}

struct Rig {
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
    out: Transactions,
    kernel: Kernel,
}

impl Rig {
    fn new() -> Self {
        Self {
            planner: Planner::new(Seed([2; 4])),
            ruleset: Ruleset::default(),
            out: Transactions::default(),
            kernel: Kernel::default(),
        }
    }

    /// Brings the kernel to what the proxy forwards.
    fn carry(&mut self, proxy: &mut Proxy, how: u8) {
        let Self { planner, ruleset, out, kernel } = self;
        planner.follow(proxy);
        let Some(plan) = planner.plan() else { return };
        if plan.full {
            load(ruleset, &plan, proxy, out);
            *kernel = Kernel::default();
        } else {
            let grouping = if how & 2 == 0 { Grouping::Together } else { Grouping::Apart };
            ruleset.encode_changes(&plan.ops, grouping, |_| false, out).unwrap();
            if how & 0x1c == 0x1c {
                // The kernel is busy: the same again, in a moment.
                ruleset.undo();
                ruleset.encode_changes(&plan.ops, grouping, |_| false, out).unwrap();
            }
        }
        out.iter().for_each(|transaction| kernel.take(transaction));
        ruleset.done();
        assert!(planner.commit(plan.generation));
    }
}

fn load(
    ruleset: &mut Ruleset,
    plan: &svckit::plan::Plan<Item, Desired>,
    proxy: &Proxy,
    out: &mut Transactions,
) {
    let how = (Load::Pieces, Grouping::Together);
    ruleset.encode_full(plan, proxy.node(), how, |_| false, out);
}

/// Some Services are balanced in other ways.
fn annotated(change: Change, bits: u8) -> Change {
    let Change::Service(service) = change else { return change };
    let mut service = (*service).clone();
    let methods = ["maglev", "round-robin", "random"];
    if let Some(method) = methods.get(usize::from(bits >> 5)) {
        service.annotations.push(("svckit.io/balance".into(), (*method).into()));
        service.annotations.push(("svckit.io/hash-slots".into(), "251".into()));
    }
    Change::Service(service.into())
}

/// What a kernel holds.
#[derive(Default)]
struct Kernel {
    chains: BTreeSet<(u8, Vec<u8>)>,
    /// By family, set and key; with what is found there.
    elements: BTreeMap<(u8, Vec<u8>, Vec<u8>), Vec<u8>>,
}

/// Maps whose values are numbers of chains.
const NUMBERED: [&[u8]; 6] =
    [b"svc\0", b"node-svc\0", b"short\0", b"node-short\0", b"local\0", b"node-local\0"];

impl Kernel {
    /// All elements, with where numbers lead in the place of the numbers, which depend on who came first.
    fn leads(&self) -> BTreeMap<(u8, Vec<u8>, Vec<u8>), Vec<u8>> {
        let mut all = self.elements.clone();
        all.retain(|(_, set, _), _| **set != *b"kinds\0");
        for ((family, set, _), data) in &mut all {
            if NUMBERED.contains(&&**set) {
                let by = |map: &[u8]| self.elements.get(&(*family, map.to_vec(), data.clone()));
                let to = by(b"kinds\0").or_else(|| by(b"exceptions\0"));
                *data = to.expect("each number leads somewhere").clone();
            }
        }
        all
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(length) = bytes.get(..4) {
            let length = u32::from_ne_bytes(length.try_into().unwrap()) as usize;
            let (message, rest) = bytes.split_at(length);
            assert!(matches!(Answers::new(message).next(), Some(Answer::Item { .. })));
            let kind = u16::from_ne_bytes(message[4..6].try_into().unwrap());
            self.message(kind, message[16], &message[20..]);
            bytes = rest;
        }
    }

    fn message(&mut self, kind: u16, family: u8, body: &[u8]) {
        let texts = |kind| find(body, kind).unwrap_or_default().to_vec();
        match kind & 0xff {
            3 if kind >> 8 == 10 => {
                self.chains.insert((family, texts(3)));
            }
            12 => {
                for (_, element) in attributes(find(body, 3).unwrap()) {
                    let key = (family, texts(2), key(element));
                    let data = find(element, 2).unwrap_or_default().to_vec();
                    if let Some(verdict) = find(&data, 2).filter(|v| find(v, 2).is_some()) {
                        let chain = find(verdict, 2).unwrap().to_vec();
                        assert!(self.chains.contains(&(family, chain)), "no such chain");
                    }
                    let before = self.elements.insert(key, data.clone());
                    assert!(before.is_none_or(|before| before == data), "it stands there already");
                }
            }
            14 => {
                for (_, element) in attributes(find(body, 3).unwrap()) {
                    let key = (family, texts(2), key(element));
                    assert!(self.elements.remove(&key).is_some(), "nothing to delete");
                }
            }
            _ => {}
        }
    }
}

/// The key of an element, and its end. Ranges of addresses begin and end in elements of their own.
fn key(element: &[u8]) -> Vec<u8> {
    let mut all = find(element, 1).unwrap().to_vec();
    all.extend_from_slice(find(element, 10).unwrap_or_default());
    all.extend_from_slice(find(element, 3).unwrap_or_default());
    all
}

fn attributes(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut all = Vec::new();
    while bytes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes(bytes[..2].try_into().unwrap()));
        let kind = u16::from_ne_bytes(bytes[2..4].try_into().unwrap()) & 0x3fff;
        all.push((kind, &bytes[4..length]));
        bytes = &bytes[length.next_multiple_of(4)..];
    }
    all
}

fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).into_iter().find(|(found, _)| *found == kind).map(|(_, value)| value)
}
