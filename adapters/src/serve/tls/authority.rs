//! Certificates made here, to try things out: nobody else vouches for them.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};
use svckit::ingress::Host;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::{BadCertificate, Identity};

/// Names whose certificates are kept; beyond that, all are made anew.
const KEPT: usize = 256;

/// Makes a certificate for any name when a client asks for it.
///
/// Clients that trust [`Authority::certificate`] trust them all (`curl --cacert`). The key exists only here, and only
/// until this is dropped.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    made: Mutex<HashMap<String, Identity>>,
}

impl Authority {
    /// An authority with a new key.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub fn new() -> Result<Self, BadCertificate> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "svckit, on this machine only");
        let key = KeyPair::generate().map_err(BadCertificate::Made)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(BadCertificate::Made)?;
        Ok(Self { issuer, made: Mutex::default() })
    }

    /// The authority's own certificate, in PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a name as a client asks for it; without one, for this machine.
    ///
    /// # Errors
    ///
    /// It is no host name.
    pub fn issue(&self, name: Option<&str>) -> Result<Identity, BadCertificate> {
        let mut lower = Vec::new();
        let name = match Host::read(name.unwrap_or("localhost").as_bytes(), &mut lower) {
            Ok(Host::Name(name)) => name,
            _ => return Err(BadCertificate::Name),
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(identity) = made.get(name) {
            return Ok(identity.clone());
        }
        if made.len() >= KEPT {
            made.clear();
        }
        let identity = self.make(name)?;
        made.insert(name.to_owned(), identity.clone());
        Ok(identity)
    }

    fn make(&self, name: &str) -> Result<Identity, BadCertificate> {
        let mut names = vec![name.to_owned()];
        if name == "localhost" {
            names.extend(["127.0.0.1".to_owned(), "::1".into()]);
        }
        let mut params = CertificateParams::new(names).map_err(BadCertificate::Made)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(BadCertificate::Made)?;
        let made = params.signed_by(&key, &self.issuer).map_err(BadCertificate::Made)?;
        Identity::new(vec![made.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

/// Never shows the key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}
