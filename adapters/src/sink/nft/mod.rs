//! Carries plans to the kernel's nftables, over netlink.
//!
//! ```text
//! proxy ──▶ planner ──▶ ruleset ──▶ transactions ──▶ kernel
//!             ▲                                        │ refused: everything anew; what is refused even then is
//!             └──────────── what is in place ◀─────────┘ left out, and named
//! ```
//!
//! What the kernel holds is never listed: a change is a transaction of a few elements, and after a start the tables
//! are replaced as they are, in one transaction, around the memory of who met whom. Somebody else's changes show in
//! the kernel's generation number; [`Nft::check`] then looks whether everything is still there and nothing else, a
//! share at a time, and replaces the tables if not.
//! Tables of others are neither read nor touched.

mod drift;
mod report;

pub use report::{Checked, NftError, Refused, Synced};

use std::{collections::BTreeMap, io, path::Path, time::Duration};
use svckit::{
    Seed,
    forward::{Desired, Item, NodeConfig, Proxy},
    model::Family,
    plan::{Plan, Planner},
    render::nft::{
        Grouping, Load, Ruleset,
        netlink::{Answer, Query, Reply, Transactions},
    },
};

use self::drift::Watched;
use crate::{clock, netlink::Socket};

/// The kernel's nftables in one network namespace.
#[derive(Debug)]
pub struct Nft {
    socket: Socket,
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
    transactions: Transactions,
    /// What the kernel has refused, and why.
    refused: BTreeMap<Item, i32>,
    watched: Watched,
    longest: Duration,
}

/// "Out of date", "no such thing": what the kernel says when somebody else has been there.
const GONE: i32 = 2;

/// How a transaction ended.
enum Outcome {
    Done,
    /// The messages with these sequence numbers were refused, with the system's error numbers.
    Refused(Vec<(u32, i32)>),
}

impl Nft {
    /// Programs the network namespace that this thread is in. `seed` keys tables.
    ///
    /// # Errors
    ///
    /// The system allows no netlink socket.
    pub fn new(seed: Seed) -> Result<Self, NftError> {
        Ok(Self::with_socket(Socket::open().map_err(NftError::Socket)?, seed))
    }

    /// Programs the network namespace at `path`, such as `/run/netns/lab`.
    ///
    /// # Errors
    ///
    /// There is no such namespace, or the process may not enter it.
    pub fn in_namespace(path: &Path, seed: Seed) -> Result<Self, NftError> {
        Ok(Self::with_socket(Socket::open_in(path).map_err(NftError::Socket)?, seed))
    }

    fn with_socket(socket: Socket, seed: Seed) -> Self {
        Self {
            socket,
            planner: Planner::new(seed),
            ruleset: Ruleset::default(),
            transactions: Transactions::default(),
            refused: BTreeMap::new(),
            watched: Watched::default(),
            longest: Duration::ZERO,
        }
    }

    /// Brings the kernel to what `proxy` forwards; `None`: there was nothing to do, or the proxy doesn't know the
    /// whole cluster yet.
    ///
    /// Costs what has changed since the last call.
    ///
    /// # Errors
    ///
    /// Nothing is in place then that wasn't before; the next call writes everything anew.
    pub fn sync(&mut self, proxy: &mut Proxy) -> Result<Option<Synced>, NftError> {
        self.planner.follow(proxy);
        self.write(proxy.node())
    }

    /// The same for whoever tells the planner by themselves what should be there, see [`Self::planner_mut`].
    ///
    /// # Errors
    ///
    /// As [`Self::sync`].
    pub fn write(&mut self, node: &NodeConfig) -> Result<Option<Synced>, NftError> {
        let Some(plan) = self.planner.plan() else { return Ok(None) };
        let done = self.carry(&plan, node);
        if done.is_err() {
            self.planner.reset();
        }
        done.map(Some)
    }

    /// What should be there.
    pub const fn planner_mut(&mut self) -> &mut Planner<Item, Desired> {
        &mut self.planner
    }

    /// What the kernel refuses to hold; everything else is in place.
    pub fn refused(&self) -> impl Iterator<Item = Refused<'_>> {
        self.refused.iter().map(|(item, error)| Refused { item, error: *error })
    }

    /// How long the kernel was busy with the longest transaction of the last write: others wait for so long.
    #[must_use]
    pub const fn longest_transaction(&self) -> Duration {
        self.longest
    }

    /// Removes both tables. The next [`Nft::sync`] writes them anew.
    ///
    /// # Errors
    ///
    /// They are still there.
    pub fn clear(&mut self) -> Result<(), NftError> {
        self.planner.reset();
        self.refused.clear();
        self.remove()
    }

    fn remove(&mut self) -> Result<(), NftError> {
        let there = self.tables()?;
        if there.is_empty() {
            return Ok(());
        }
        let families = there.into_iter().map(|(family, _)| family);
        Ruleset::encode_removal(families, &mut self.transactions);
        match self.send()? {
            Outcome::Done => Ok(()),
            Outcome::Refused(errors) => Err(NftError::of(&errors)),
        }
    }

    fn carry(&mut self, plan: &Plan<Item, Desired>, node: &NodeConfig) -> Result<Synced, NftError> {
        if plan.full || !self.change(plan)? {
            return self.replace(node, plan.full);
        }
        let udp = plan.ops.iter().any(|op| op.key().is_udp());
        Ok(Synced { full: false, items: plan.ops.len(), refused: self.refused.len(), udp })
    }

    /// Carries out a plan that isn't full; `false`: that can't be done.
    fn change(&mut self, plan: &Plan<Item, Desired>) -> Result<bool, NftError> {
        let (ruleset, refused) = (&mut self.ruleset, &self.refused);
        let leave_out = |item: &Item| refused.contains_key(item);
        let together = Grouping::Together;
        // Who was refused before may be changed into something better: that is for a full plan to find out.
        if plan.ops.iter().any(|op| leave_out(op.key()))
            || ruleset
                .encode_changes(&plan.ops, together, leave_out, &mut self.transactions)
                .is_err()
        {
            return Ok(false);
        }
        match self.send()? {
            Outcome::Done => {
                let structure = self.ruleset.done();
                self.planner.commit(plan.generation);
                if structure {
                    self.remember()?;
                }
                Ok(true)
            }
            Outcome::Refused(_) => {
                self.ruleset.undo();
                Ok(false)
            }
        }
    }

    /// Replaces whatever is there, without what the kernel refuses; `keep`: around the memory of clients, if that
    /// can be done.
    fn replace(&mut self, node: &NodeConfig, keep: bool) -> Result<Synced, NftError> {
        self.planner.reset();
        self.refused.clear();
        loop {
            let Some(plan) = self.planner.plan() else { return Err(NftError::NotSynced) };
            let errors = match self.load(&plan, node, Grouping::Together, keep)? {
                Outcome::Done => {
                    // As many bytes as a whole cluster are never needed again.
                    self.transactions = Transactions::default();
                    self.planner
                        .commit_without(plan.generation, |item| self.refused.contains_key(item));
                    self.remember()?;
                    let (items, refused) = (plan.ops.len(), self.refused.len());
                    let udp = plan.ops.iter().any(|op| op.key().is_udp());
                    return Ok(Synced { full: true, items, refused, udp });
                }
                Outcome::Refused(errors) => errors,
            };
            // Whose fault is it? Messages of their own for each item tell.
            let Outcome::Refused(each) = self.load(&plan, node, Grouping::Apart, false)? else {
                continue;
            };
            let before = self.refused.len();
            for (sequence, error) in each {
                let step = self.transactions.step(sequence);
                if let Some(op) = step.and_then(|step| plan.ops.get(step)) {
                    self.refused.insert(op.key().clone(), error);
                }
            }
            if self.refused.len() == before {
                return Err(NftError::of(&errors));
            }
        }
    }

    /// Loads a full plan.
    fn load(
        &mut self,
        plan: &Plan<Item, Desired>,
        node: &NodeConfig,
        grouping: Grouping,
        keep: bool,
    ) -> Result<Outcome, NftError> {
        let there = self.tables()?;
        let has = |family| there.iter().any(|table| table.0 == family);
        let (v4, v6) = (has(Family::V4), has(Family::V6));
        let keep = keep && there.iter().all(|table| !table.1) && !self.has_strangers()?;
        let mut load = match (v4, v6) {
            (false, false) => Load::Pieces,
            _ => Load::Atomic { v4, v6, keep },
        };
        loop {
            let refused = &self.refused;
            let leave_out = |item: &Item| refused.contains_key(item);
            let out = &mut self.transactions;
            self.ruleset.encode_full(plan, node, (load, grouping), leave_out, out);
            match self.send() {
                // Another version's table, or a kernel that won't: then without the memory.
                Ok(Outcome::Refused(_)) if load == (Load::Atomic { v4, v6, keep: true }) => {
                    load = Load::Atomic { v4, v6, keep: false };
                }
                Ok(Outcome::Refused(errors)) if load == Load::Pieces => {
                    // What went in before is of no use, and nobody has seen it.
                    let steps = std::mem::take(&mut self.transactions);
                    self.remove()?;
                    self.transactions = steps;
                    return Ok(Outcome::Refused(errors));
                }
                // Too large for one transaction where the system limits their size: then with a gap.
                Err(NftError::Socket(error)) if is_too_large(&error) && load != Load::Pieces => {
                    self.remove()?;
                    load = Load::Pieces;
                }
                outcome => return outcome,
            }
        }
    }

    /// Sends the transactions, up to the first that is refused.
    fn send(&mut self) -> Result<Outcome, NftError> {
        self.longest = Duration::ZERO;
        for transaction in self.transactions.iter() {
            let start = clock::now();
            let mut errors = Vec::new();
            let answer = |answer: Answer<'_>| {
                if let Answer::Refused { sequence, error } = answer {
                    errors.push((sequence, error));
                }
            };
            self.socket.ask(transaction, answer).map_err(NftError::Socket)?;
            self.longest = self.longest.max(clock::now().saturating_since(start));
            if !errors.is_empty() {
                return Ok(Outcome::Refused(errors));
            }
            self.watched.committed();
        }
        Ok(Outcome::Done)
    }

    /// The families that have a table of ours, and whether it is dormant.
    fn tables(&mut self) -> Result<Vec<(Family, bool)>, NftError> {
        let mut there = Vec::new();
        for family in [Family::V4, Family::V6] {
            let query = Query::table(family, self.socket.next_sequence());
            let mut refused = None;
            let mut found = None;
            self.socket
                .ask(query.as_bytes(), |answer| match (answer, Reply::of(answer)) {
                    (Answer::Refused { error, .. }, _) => refused = Some(error),
                    (_, Some(Reply::Table { dormant })) => found = Some((family, dormant)),
                    _ => {}
                })
                .map_err(NftError::Socket)?;
            match refused {
                Some(error) if error != GONE => return Err(NftError::of(&[(0, error)])),
                _ => there.extend(found),
            }
        }
        Ok(there)
    }

    /// Whether somebody else has let packets into a table of ours.
    fn has_strangers(&mut self) -> Result<bool, NftError> {
        let mut any = false;
        for family in [Family::V4, Family::V6] {
            let query = Query::chains(family, self.socket.next_sequence());
            let answer = |answer: Answer<'_>| {
                any |= matches!(Reply::of(answer), Some(Reply::Chain(chain)) if chain.is_strange());
            };
            self.socket.ask(query.as_bytes(), answer).map_err(NftError::Socket)?;
        }
        Ok(any)
    }
}

fn is_too_large(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error())
}
