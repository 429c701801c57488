//! Chains that elements lead to: one per number of endpoints, not per service.

use core::fmt;
use std_alloc::{vec, vec::Vec};

use super::rule::{Clause, Part, Rule, Target, at, at_and};

/// A chain that ends in one endpoint out of so many.
///
/// Its name says what it does: `n3` picks one of three slots at random, `t3` the next one, `h251` the same for equal
/// clients; `c-n3` and `e-n3` masquerade first (`c`: who isn't a pod, `e`: everybody), `l-n3` picks from the
/// endpoints of this node, `n3-60s` remembers the client for 60 s, and a leading `node-` looks things up by the node
/// port alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain {
    /// Whose source is rewritten.
    pub mark: Mark,
    /// Whether the destination is a node port, at whichever address.
    pub node_port: bool,
    /// Whether to pick from the local set.
    pub local: bool,
    /// How one is picked.
    pub pick: Pick,
    /// How many slots there are.
    pub count: u32,
    /// How many seconds a client is remembered; 0: it isn't.
    pub timeout: u32,
}

/// Whose source is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Nobody's (but hairpins).
    Nobody,
    /// That of everybody who isn't a pod.
    Outsiders,
    /// Everybody's.
    Everybody,
}

/// How a slot is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pick {
    /// Any one.
    Random,
    /// Each in turn.
    Turn,
    /// By a hash of the source.
    Source,
}

/// Slots from here on belong to local sets.
pub(super) const LOCAL_SLOTS: u32 = 1 << 16;

impl Chain {
    /// The same chain without a mark, to which one with a mark goes on.
    pub(super) const fn unmarked(self) -> Self {
        Self { mark: Mark::Nobody, ..self }
    }

    /// Its rules.
    pub(super) fn rules(self) -> Vec<Rule> {
        let unmarked = Clause::Goto(Target::Picking(self.unmarked()));
        match self.mark {
            Mark::Nobody if self.timeout == 0 => vec![vec![self.dnat()]],
            Mark::Nobody => self.pick_again(),
            Mark::Outsiders => {
                let outsider = Clause::In { key: vec![Part::Source], set: "pod-cidrs", not: true };
                vec![vec![outsider, Clause::Mark], vec![unmarked]]
            }
            Mark::Everybody => vec![vec![Clause::Mark], vec![unmarked]],
        }
    }

    /// Any one of them.
    fn dnat(self) -> Clause {
        let map = if self.node_port { "node-eps" } else { "eps" };
        Clause::Dnat { key: at_and(self.node_port, self.slot()), map }
    }

    /// The one the client met last, if it is still there; else any one, which is then remembered.
    ///
    /// The packet's priority carries numbers from rule to rule: first the service port's, then that of one of its
    /// endpoints, which has the former in its upper bits. The last rule is for a full table.
    fn pick_again(self) -> Vec<Rule> {
        let by_id = if self.local { "local-by-id" } else { "by-id" };
        let ids = "ids";
        let owners = if self.node_port { "node-owners" } else { "owners" };
        let (map, seconds) = ("sticky", self.timeout);
        let memory = || vec![Part::Client, Part::Owner];
        let remember = |update| Clause::Remember { update, key: memory(), map, seconds };
        let endpoint = || Clause::Dnat { key: vec![Part::Protocol, Part::Priority], map: by_id };
        let met = vec![Part::Client, Part::Priority];
        vec![
            vec![Clause::SetPriority { key: at(self.node_port), map: owners }],
            vec![Clause::SetPriority { key: met, map }, remember(true), endpoint()],
            vec![Clause::Forget { key: memory(), map }],
            vec![
                Clause::SetPriority { key: vec![Part::Owner, self.slot()], map: ids },
                remember(false),
                endpoint(),
            ],
            vec![endpoint()],
        ]
    }

    /// The chains that its rules go on to.
    pub(super) fn next(self) -> Option<Self> {
        (self.mark != Mark::Nobody).then(|| self.unmarked())
    }

    fn slot(self) -> Part {
        let Self { count, .. } = self;
        let first = if self.local { LOCAL_SLOTS } else { 0 };
        match self.pick {
            Pick::Random => Part::Random { count, first },
            Pick::Turn => Part::Turn { count, first },
            Pick::Source => Part::Hashed { count, first },
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.node_port { "node-" } else { "" })?;
        f.write_str(match self.mark {
            Mark::Nobody => "",
            Mark::Outsiders => "c-",
            Mark::Everybody => "e-",
        })?;
        f.write_str(if self.local { "l-" } else { "" })?;
        let pick = match self.pick {
            Pick::Random => 'n',
            Pick::Turn => 't',
            Pick::Source => 'h',
        };
        write!(f, "{pick}{}", self.count)?;
        if self.timeout > 0 {
            write!(f, "-{}s", self.timeout)?;
        }
        Ok(())
    }
}
