//! The swap of snapshots, played through in every order, and under load.

use super::*;
use std::{sync::Weak, thread};
use svckit::{
    forward::{Endpoints, Frontend, FrontendKey},
    model::{Family, NamespacedName},
};

fn frontend(endpoints: u64) -> Arc<Frontend> {
    let service = NamespacedName::new("shop", "web");
    let name = ServicePortName { service, port: "".into(), protocol: Protocol::Tcp };
    let backend = |n| SocketAddr::from(([10, 244, 0, n as u8], 8080));
    Arc::new(Frontend {
        cluster_ip: Some([10, 96, 0, 1].into()),
        endpoints: Endpoints {
            cluster: (1..=endpoints).map(backend).collect(),
            has_any: true,
            ..Endpoints::default()
        },
        ..Frontend::new(FrontendKey { name, family: Family::V4 }, Port::new(80).unwrap())
    })
}

/// How many endpoints the service port has.
fn endpoints(snapshot: &Snapshot) -> u64 {
    let to = ([10, 96, 0, 1].into(), Protocol::Tcp, Port::new(80).unwrap());
    let found = snapshot.find(&flow(([192, 0, 2, 1], 1000).into(), to));
    found.map_or(0, |found| found.endpoints().count() as u64)
}

/// One reader, what it holds, and the last state it saw.
struct Thread {
    reader: Reader,
    held: Option<Arc<Snapshot>>,
    seen: u64,
}

impl Thread {
    /// Lets go of what it holds, or looks again and keeps what it sees; each as one step.
    fn step(&mut self, all: &[Weak<Snapshot>], changes: u64) {
        let alive =
            |all: &[Weak<Snapshot>]| all.iter().filter(|one| one.strong_count() > 0).count();
        let before = alive(all);
        if self.held.take().is_none() {
            let now = self.reader.snapshot().clone();
            // Generation 1 is the empty table; each change makes one more endpoint.
            let state = now.generation() - 1;
            assert_eq!(endpoints(&now), state, "a state is whole");
            assert!(state >= self.seen, "time doesn't go back");
            assert_eq!(state, changes, "what was published is what is seen");
            self.seen = state;
            self.held = Some(now);
        }
        assert_eq!(alive(all), before, "no reader frees a snapshot");
    }
}

/// Plays one order of steps: 2 for the writer (it begins a change, it has published it), 0 and 1 for readers.
fn play(order: &[usize]) {
    let balancer = Balancer::default();
    let mut readers = [(); 2].map(|()| Thread { reader: balancer.reader(), held: None, seen: 0 });
    let mut all = vec![Arc::downgrade(&balancer.snapshot())];
    let (mut steps, mut changes) = (order.iter().copied(), 0);
    while let Some(who) = steps.next() {
        if let Some(reader) = readers.get_mut(who) {
            reader.step(&all, changes);
            continue;
        }
        balancer.update(|table| {
            table.set(&frontend(changes + 1));
            // Readers go on in the middle of a change, while the writer has its lock.
            for who in steps.by_ref().take_while(|who| *who != 2) {
                readers[who].step(&all, changes);
            }
        });
        changes += 1;
        all.push(Arc::downgrade(&balancer.snapshot()));
    }
    drop(readers);
    balancer.update(|table| table.set(&frontend(changes + 1)));
    balancer.update(|table| table.set(&frontend(changes + 2)));
    assert!(all.iter().all(|one| one.strong_count() == 0), "nothing is left over");
}

/// All orders of three changes, and of two and three steps of two readers: 4,620.
fn orders(left: [usize; 3], order: &mut Vec<usize>, count: &mut usize) {
    if left == [0; 3] {
        play(order);
        *count += 1;
    }
    for who in 0..3 {
        let mut less = left;
        let Some(fewer) = less[who].checked_sub(1) else { continue };
        less[who] = fewer;
        order.push(who);
        orders(less, order, count);
        order.pop();
    }
}

#[test]
fn in_every_order_readers_see_whole_states_and_free_nothing() {
    let mut count = 0;
    orders([2, 3, 6], &mut Vec::new(), &mut count);
    assert_eq!(count, 4_620);
}

#[test]
fn readers_keep_up_with_a_busy_writer() {
    let balancer = Arc::new(Balancer::default());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (mut reader, mut last) = (balancer.reader(), 0);
                while last < 2000 {
                    let snapshot = reader.snapshot();
                    let state = snapshot.generation() - 1;
                    assert!(state >= last);
                    let want = if state == 0 { 0 } else { 1 + state % 7 };
                    assert_eq!(endpoints(snapshot), want, "a state is whole");
                    last = state;
                }
            });
        }
        for n in 1..=2000 {
            balancer.update(|table| table.set(&frontend(1 + n % 7)));
        }
    });
}
