//! The ways to balance, as a Service names them.

use core::fmt;

use super::{Balance, Draw, LeastConnections, Maglev, Rendezvous, TwoChoices};

/// A way to balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Each endpoint in turn.
    #[default]
    RoundRobin,
    /// Any endpoint, as kube-proxy does.
    Random,
    /// The endpoint with the fewest open connections.
    LeastConnections,
    /// The less loaded of two endpoints.
    TwoChoices,
    /// Consistent hashing by a table.
    Maglev,
    /// Consistent hashing by scores.
    Rendezvous,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RoundRobin,
        Self::Random,
        Self::LeastConnections,
        Self::TwoChoices,
        Self::Maglev,
        Self::Rendezvous,
    ];

    /// Its name in annotations: `round-robin`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::Random => "random",
            Self::LeastConnections => "least-connections",
            Self::TwoChoices => "two-choices",
            Self::Maglev => "maglev",
            Self::Rendezvous => "rendezvous",
        }
    }

    /// Reads the name; case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A balancer that needs more than a number of endpoints and a turn.
#[derive(Debug)]
pub(crate) enum Scheme {
    LeastConnections(LeastConnections),
    TwoChoices(TwoChoices),
    Maglev(Maglev),
    Rendezvous(Rendezvous),
}

impl Balance for Scheme {
    fn pick(&self, draw: Draw) -> Option<usize> {
        match self {
            Self::LeastConnections(scheme) => scheme.pick(draw),
            Self::TwoChoices(scheme) => scheme.pick(draw),
            Self::Maglev(scheme) => scheme.pick(draw),
            Self::Rendezvous(scheme) => scheme.pick(draw),
        }
    }
}
