//! The ways to balance, as a Service names them.

use core::fmt;

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
    /// The one of two endpoints with fewer open connections.
    TwoChoices,
    /// The one of two endpoints that will take less time.
    PeakEwma,
    /// Consistent hashing by a table.
    Maglev,
    /// Consistent hashing by scores.
    Rendezvous,
    /// Consistent hashing by a table in which nobody moves without need.
    RendezvousTable,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::RoundRobin,
        Self::Random,
        Self::LeastConnections,
        Self::TwoChoices,
        Self::PeakEwma,
        Self::Maglev,
        Self::Rendezvous,
        Self::RendezvousTable,
    ];

    pub(super) const NAMES: &str = "round-robin, random, least-connections, two-choices, peak-ewma, maglev, \
        rendezvous or rendezvous-table";

    /// Whether open connections are counted for it.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::LeastConnections | Self::TwoChoices | Self::PeakEwma)
    }

    /// Whether equal clients reach equal endpoints.
    #[must_use]
    pub const fn hashes(self) -> bool {
        matches!(self, Self::Maglev | Self::Rendezvous | Self::RendezvousTable)
    }

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
            Self::RendezvousTable => "rendezvous-table",
            Self::PeakEwma => "peak-ewma",
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
