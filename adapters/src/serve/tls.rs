//! Certificates for clients: those of Secrets by server name, and one for all other names.
//!
//! Which Secret a name has is decided in [`Routes::certificate`](svckit::ingress::Routes::certificate); here its text
//! becomes a key that can sign. A Secret is read at the first handshake that wants it, once; a changed Secret is read
//! again. A certificate that can't be read is replaced by the default one, or the handshake ends when there is none.
//!
//! # What this module doesn't do
//!
//! It asks clients for no certificates of their own.

mod authority;
mod pod;

use arc_swap::ArcSwap;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use svckit::{
    ingress::{Certificate, Routes},
    model::{NamespacedName, TlsSecret},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
};

pub use authority::Authority;
pub(crate) use pod::to_pod;

/// Secrets that are kept ready; beyond that, those that no route names any more are forgotten.
const READY: usize = 1024;

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadCertificate {
    /// The text is no PEM, or holds nothing of the kind.
    #[error("not PEM: {0}")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// The key can't sign, or it is not the certificate's.
    #[error("not a certificate and its key: {0}")]
    Pair(#[source] rustls::Error),
    /// A certificate of the chain can't be read.
    #[error("certificate {0} of the chain can't be read")]
    Chain(usize),
    /// It is asked for no name that a host can have.
    #[error("not the name of a host")]
    Name,
    /// It could not be made.
    #[error("can't make a certificate: {0}")]
    Made(#[source] rcgen::Error),
}

/// A certificate and its key, ready to be used.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads a certificate, with those that vouch for it after it, and its key; both in PEM.
    ///
    /// # Errors
    ///
    /// They can't be read, or don't belong together.
    pub fn from_pem(certificate: &str, private_key: &str) -> Result<Self, BadCertificate> {
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(private_key.as_bytes());
        let (chain, key) = (chain.map_err(BadCertificate::Pem)?, key.map_err(BadCertificate::Pem)?);
        let readable = |der: &CertificateDer<'_>| {
            x509_parser::parse_x509_certificate(der).is_ok_and(|(rest, _)| rest.is_empty())
        };
        if let Some(at) = chain.iter().position(|der| !readable(der)) {
            return Err(BadCertificate::Chain(at + 1));
        }
        Self::new(chain, key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, BadCertificate> {
        let pair = CertifiedKey::from_der(chain, key, &provider()).map_err(BadCertificate::Pair)?;
        Ok(Self(Arc::new(pair)))
    }
}

/// Never shows the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// What clients are shown whose server name has no certificate of its own, or that name none.
#[derive(Debug, Default)]
pub enum Fallback {
    /// Nothing: the handshake ends.
    #[default]
    None,
    /// Always the same.
    One(Identity),
    /// One that is made for the name.
    Authority(Arc<Authority>),
}

/// The certificates of the routes of the moment.
#[derive(Debug)]
pub struct Certificates {
    routes: Arc<ArcSwap<Routes>>,
    fallback: Fallback,
    ready: Mutex<HashMap<NamespacedName, Ready>>,
}

/// A Secret that has been read.
#[derive(Debug)]
struct Ready {
    secret: Arc<TlsSecret>,
    identity: Result<Identity, Arc<BadCertificate>>,
}

impl Certificates {
    /// Certificates of these routes' Secrets, and something for names that have none.
    #[must_use]
    pub fn new(routes: Arc<ArcSwap<Routes>>, fallback: Fallback) -> Self {
        Self { routes, fallback, ready: Mutex::default() }
    }

    /// What accepts handshakes: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
    ///
    /// # Panics
    ///
    /// Never: the versions are those that the provider has.
    #[must_use]
    pub fn acceptor(self: &Arc<Self>) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring speaks the usual versions")
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// What a client is shown that asks for this name.
    #[must_use]
    pub fn find(&self, server_name: Option<&str>) -> Option<Identity> {
        let routes = self.routes.load();
        let found = server_name.map(|name| routes.certificate(name.as_bytes()));
        let own = match found {
            // What is wrong with it is told to whoever wrote it; clients see the other one.
            Some(Certificate::Secret(secret)) => self.read(secret).ok(),
            _ => None,
        };
        own.or_else(|| match &self.fallback {
            Fallback::None => None,
            Fallback::One(identity) => Some(identity.clone()),
            Fallback::Authority(authority) => authority.issue(server_name).ok(),
        })
    }

    /// Secrets that routes name and that can't be used, and why. Reads those that have not been read yet.
    #[must_use]
    pub fn unusable(&self) -> Vec<(NamespacedName, Arc<BadCertificate>)> {
        let routes = self.routes.load();
        let secrets: BTreeMap<_, _> =
            routes.certificates().map(|(_, secret)| (&secret.key, secret)).collect();
        let fault = |(key, secret): (&NamespacedName, &Arc<TlsSecret>)| {
            Some((key.clone(), self.read(secret).err()?))
        };
        secrets.into_iter().filter_map(fault).collect()
    }

    fn read(&self, secret: &Arc<TlsSecret>) -> Result<Identity, Arc<BadCertificate>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ready.get(&secret.key).filter(|known| known.secret == *secret) {
            return known.identity.clone();
        }
        if ready.len() >= READY {
            ready.retain(|_, known| Arc::strong_count(&known.secret) > 1);
        }
        let identity = Identity::from_pem(&secret.certificate, &secret.private_key);
        let identity = identity.map_err(Arc::new);
        let known = Ready { secret: secret.clone(), identity: identity.clone() };
        ready.insert(secret.key.clone(), known);
        identity
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name()).map(|identity| identity.0)
    }
}

/// Who does the arithmetic.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests;
