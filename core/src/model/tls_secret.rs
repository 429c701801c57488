//! Certificates with their keys.

use core::fmt;
use std_alloc::sync::Arc;

use super::NamespacedName;

/// A certificate chain and its key, both in PEM as the Secret has them.
///
/// The envelopes have been looked at: there is at least one certificate and exactly one private key. Whether the two
/// belong together, only a TLS library can tell.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSecret {
    /// Namespace and name.
    pub key: NamespacedName,
    /// The server's own certificate first, then those that vouch for it.
    pub certificate: Arc<str>,
    /// The key of the first certificate.
    pub private_key: Arc<str>,
}

/// Never shows the private key.
impl fmt::Debug for TlsSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificates = self.certificate.matches("-----BEGIN CERTIFICATE-----").count();
        f.debug_struct("TlsSecret")
            .field("key", &self.key)
            .field("certificates", &certificates)
            .finish_non_exhaustive()
    }
}
