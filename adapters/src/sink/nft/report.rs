//! What the sink says about its work.

use std::{fmt, io};
use svckit::forward::Item;

/// Why the kernel doesn't hold what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NftError {
    /// The socket failed.
    #[error("can't talk to the kernel's nftables: {0}")]
    Socket(#[source] io::Error),
    /// The kernel refused the transaction, and not because of any one item; nothing of it is in place.
    #[error("the kernel refused the rules: {0} (are you root, or do you have CAP_NET_ADMIN?)")]
    Refused(#[source] io::Error),
    /// The proxy doesn't know the whole cluster yet.
    #[error("the cluster is not known as a whole")]
    NotSynced,
}

impl NftError {
    /// The first of the kernel's errors.
    pub(super) fn of(errors: &[(u32, i32)]) -> Self {
        let number = errors.first().map_or(0, |(_, error)| *error);
        Self::Refused(io::Error::from_raw_os_error(number))
    }
}

/// What a call of [`super::Nft::sync`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Whether everything was written anew.
    pub full: bool,
    /// How many items of the data plane were touched.
    pub items: usize,
    /// How many items the kernel refuses to hold.
    pub refused: usize,
    /// Whether service ports of UDP were among them, so that flows may lead nowhere; see [`crate::sink::conntrack`].
    pub udp: bool,
}

/// An item that the kernel refuses to hold.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Which one.
    pub item: &'a Item,
    /// The system's error number.
    pub error: i32,
}

/// `shop/cart (IPv4): File exists (os error 17)`.
impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            Item::Frontend(key) => key.fmt(f)?,
            Item::ClusterIp(addr) => write!(f, "cluster IP {addr}")?,
            Item::Hairpin(addr) => write!(f, "endpoint {addr}")?,
            Item::HostPort(key) => write!(f, "host port {}/{}", key.port, key.protocol)?,
        }
        write!(f, ": {}", io::Error::from_raw_os_error(self.error))
    }
}

/// What a call of [`super::Nft::check`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Nobody else has changed any rules.
    Untouched,
    /// Somebody has; so many items are still to be looked at.
    Looking(usize),
    /// Somebody has, but ours are as they should be.
    Intact,
    /// Ours were damaged, and have been replaced.
    Repaired,
}
