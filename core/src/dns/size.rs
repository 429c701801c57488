//! How large replies may be.

use super::{Mode, Transport, question::Question};

/// A server's word on sizes.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) mode: Mode,
    /// The largest UDP reply.
    pub(super) ceiling: u16,
}

impl Sizes {
    /// Octets that a reply may take.
    pub(super) fn limit(self, question: &Question<'_>, transport: Transport) -> usize {
        match (transport, question.edns) {
            (Transport::Tcp, _) => 65_535,
            (Transport::Udp, None) => 512,
            (Transport::Udp, Some(edns)) => usize::from(edns.size.min(self.ceiling).max(512)),
        }
    }

    /// The size our OPT record tells; CoreDNS gives back the client's.
    pub(super) fn advertised(self, question: &Question<'_>) -> u16 {
        match (self.mode, question.edns) {
            (Mode::CoreDns, Some(edns)) => edns.size.max(512),
            _ => self.ceiling.max(512),
        }
    }
}
