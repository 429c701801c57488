//! What a server answers from: a cluster's zone, or records in SkyDNS's layout.

use arc_swap::ArcSwap;
use std::fmt::Debug;
use svckit::dns::{Outcome, Peer, SkyDns, Snapshot, Upstream};

/// Something that turns questions into replies, and may change at any time.
pub trait Names: Debug + Send + Sync + 'static {
    /// Answers a message into `out`; see [`Snapshot::answer`].
    fn answer(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome;

    /// Goes on with an answer after somebody else was asked; see [`Snapshot::complete`].
    fn complete(
        &self,
        message: &[u8],
        peer: Peer,
        need: &Upstream,
        said: Option<&[u8]>,
        out: &mut [u8],
    ) -> Outcome;

    /// Whether everything has been told, so that missing names can be denied.
    fn is_synced(&self) -> bool;

    /// The messages of the transfer that `message` asks for; or what to answer instead.
    ///
    /// # Errors
    ///
    /// There is no such transfer.
    fn transfer(&self, message: &[u8], out: &mut [u8]) -> Result<Vec<Vec<u8>>, Outcome>;
}

impl Names for ArcSwap<Snapshot> {
    fn answer(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome {
        self.load().answer(message, peer, out)
    }

    fn complete(
        &self,
        message: &[u8],
        peer: Peer,
        need: &Upstream,
        said: Option<&[u8]>,
        out: &mut [u8],
    ) -> Outcome {
        self.load().complete(message, peer, need, said, out)
    }

    fn is_synced(&self) -> bool {
        self.load().is_synced()
    }

    fn transfer(&self, message: &[u8], out: &mut [u8]) -> Result<Vec<Vec<u8>>, Outcome> {
        let snapshot = self.load_full();
        let mut transfer = snapshot.transfer_for(message, out)?;
        Ok(std::iter::from_fn(|| transfer.next_message(message)).collect())
    }
}

impl Names for ArcSwap<SkyDns> {
    fn answer(&self, message: &[u8], peer: Peer, out: &mut [u8]) -> Outcome {
        self.load().answer(message, peer, out)
    }

    fn complete(
        &self,
        message: &[u8],
        peer: Peer,
        need: &Upstream,
        said: Option<&[u8]>,
        out: &mut [u8],
    ) -> Outcome {
        self.load().complete(message, peer, need, said, out)
    }

    fn is_synced(&self) -> bool {
        self.load().is_synced()
    }

    /// This layout has no transfers.
    fn transfer(&self, message: &[u8], out: &mut [u8]) -> Result<Vec<Vec<u8>>, Outcome> {
        Err(self.load().answer(message, Peer::tcp(0), out))
    }
}
