//! The ways to program a kernel.

use clap::ValueEnum;
use svckit::{Time, forward::Proxy, render::Kernel};
use svckit_adapters::{
    clock,
    netlink::Socket,
    sink::{
        conntrack,
        iptables::Iptables,
        nft::{Checked, Nft},
    },
};

use crate::exit::Stop;

/// How the kernel is programmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum SinkKind {
    /// nftables, over netlink.
    #[default]
    Nft,
    /// iptables-restore, in kube-proxy's layout.
    Iptables,
}

impl SinkKind {
    /// What can be done with it.
    pub(super) const fn kernel(self) -> Kernel {
        match self {
            Self::Nft => Kernel::Nft,
            Self::Iptables => Kernel::Iptables,
        }
    }
}

/// Where the rules go.
pub(super) struct Sink {
    rules: Rules,
    /// To the kernel's connection tracking.
    flows: Socket,
    /// Before this time we don't look for damage again.
    rested: Time,
}

enum Rules {
    Nft(Box<Nft>),
    Iptables(Box<Iptables>),
}

/// iptables lists all rules to look for damage: after a look we rest so many times as long as it took.
const REST: u32 = 30;

/// What a write has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Whether there was anything to do.
    pub(super) any: bool,
    /// Whether everything was written anew.
    pub(super) full: bool,
    /// Whether UDP flows may lead nowhere now.
    pub(super) udp: bool,
}

impl Sink {
    /// Opens it in the network namespace of this process.
    pub(super) fn open(kind: SinkKind) -> Result<Self, Stop> {
        let seed = clock::seed();
        let rules = match kind {
            SinkKind::Nft => Rules::Nft(Box::new(Nft::new(seed).map_err(refused)?)),
            SinkKind::Iptables => Rules::Iptables(Box::new(Iptables::new(seed))),
        };
        Ok(Self { rules, flows: Socket::open().map_err(refused)?, rested: Time::default() })
    }

    /// Brings the kernel to what the proxy forwards.
    pub(super) fn sync(&mut self, proxy: &mut Proxy) -> Result<Written, Stop> {
        let synced = match &mut self.rules {
            Rules::Nft(nft) => nft.sync(proxy).map_err(refused)?,
            Rules::Iptables(iptables) => iptables.sync(proxy).map_err(refused)?,
        };
        Ok(synced.map_or_else(Written::default, |synced| Written {
            any: true,
            full: synced.full,
            udp: synced.udp,
        }))
    }

    /// Looks for damage, at most so many items; whether there was any, and it is repaired.
    pub(super) fn check(&mut self, proxy: &Proxy, share: usize) -> Result<bool, Stop> {
        let start = clock::now();
        let found = match &mut self.rules {
            Rules::Nft(nft) => nft.check(proxy.node(), share).map_err(refused)?,
            Rules::Iptables(iptables) if start >= self.rested => {
                let checked = iptables.check(proxy).map_err(refused)?;
                let end = clock::now();
                self.rested = end.saturating_add(end.saturating_since(start).saturating_mul(REST));
                checked
            }
            Rules::Iptables(_) => Checked::Untouched,
        };
        Ok(found == Checked::Repaired)
    }

    /// What the kernel refuses to hold, with the reason.
    pub(super) fn refused(&self) -> Vec<String> {
        match &self.rules {
            Rules::Nft(nft) => nft.refused().map(|refused| refused.to_string()).collect(),
            Rules::Iptables(iptables) => {
                iptables.refused().map(|refused| refused.to_string()).collect()
            }
        }
    }

    /// Removes UDP flows that lead nowhere, and tells how many.
    pub(super) fn sweep(&mut self, proxy: &Proxy) -> std::io::Result<usize> {
        conntrack::sweep(&mut self.flows, proxy)
    }

    /// Removes our rules.
    pub(super) fn clear(&mut self) -> Result<(), Stop> {
        match &mut self.rules {
            Rules::Nft(nft) => nft.clear().map_err(refused),
            Rules::Iptables(iptables) => iptables.clear().map_err(refused),
        }
    }
}

fn refused(error: impl std::fmt::Display) -> Stop {
    Stop::system(error.to_string())
}
