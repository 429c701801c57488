//! The ways to program a kernel.

use clap::ValueEnum;
use svckit::forward::Proxy;
use svckit_adapters::{
    clock,
    netlink::Socket,
    sink::{
        conntrack,
        nft::{Checked, Nft, NftError},
    },
};

use crate::exit::Stop;

/// How the kernel is programmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum SinkKind {
    /// nftables, over netlink.
    #[default]
    Nft,
}

/// Where the rules go.
pub(super) enum Sink {
    Nft(Box<Nft>, Socket),
}

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
        match kind {
            SinkKind::Nft => {
                let nft = Nft::new(clock::seed()).map_err(refused)?;
                let flows = Socket::open().map_err(|error| Stop::system(error.to_string()))?;
                Ok(Self::Nft(Box::new(nft), flows))
            }
        }
    }

    /// Brings the kernel to what the proxy forwards.
    pub(super) fn sync(&mut self, proxy: &mut Proxy) -> Result<Written, Stop> {
        let Self::Nft(nft, _) = self;
        let synced = nft.sync(proxy).map_err(refused)?;
        Ok(synced.map_or_else(Written::default, |synced| Written {
            any: true,
            full: synced.full,
            udp: synced.udp,
        }))
    }

    /// Looks for damage, at most so many items; whether there was any, and it is repaired.
    pub(super) fn check(&mut self, proxy: &Proxy, share: usize) -> Result<bool, Stop> {
        let Self::Nft(nft, _) = self;
        Ok(nft.check(proxy.node(), share).map_err(refused)? == Checked::Repaired)
    }

    /// What the kernel refuses to hold, with the reason.
    pub(super) fn refused(&self) -> Vec<String> {
        let Self::Nft(nft, _) = self;
        nft.refused().map(|refused| refused.to_string()).collect()
    }

    /// Removes UDP flows that lead nowhere, and tells how many.
    pub(super) fn sweep(&mut self, proxy: &Proxy) -> std::io::Result<usize> {
        let Self::Nft(_, flows) = self;
        conntrack::sweep(flows, proxy)
    }

    /// Removes our rules.
    pub(super) fn clear(&mut self) -> Result<(), Stop> {
        let Self::Nft(nft, _) = self;
        nft.clear().map_err(refused)
    }
}

fn refused(error: NftError) -> Stop {
    Stop::system(error.to_string())
}
