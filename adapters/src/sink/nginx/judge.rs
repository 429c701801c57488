//! Which certificates nginx is not told about.
//!
//! nginx refuses a whole configuration for one certificate, so one Secret could stop everybody's changes. Each is read
//! as [`Identity`] reads it: every certificate of its chain, its key, and whether the two belong together. nginx's TLS
//! library is stricter in some ways (short keys, old signatures); what it refuses is left out from then on, until the
//! Secret changes.

use std::{collections::BTreeMap, sync::Arc};

use svckit::{
    model::{NamespacedName, TlsSecret},
    render::nginx::{File, Rendered},
};

use crate::serve::tls::Identity;

/// Reads certificates, each once, and remembers what came of it.
#[derive(Debug, Default)]
pub struct Judge {
    known: BTreeMap<NamespacedName, Verdict>,
}

#[derive(Debug)]
struct Verdict {
    secret: Arc<TlsSecret>,
    /// Why it can't be used.
    fault: Option<String>,
}

impl Judge {
    /// Leaves out what can't be used; each becomes a finding.
    pub fn leave_out_bad(&mut self, rendered: &mut Rendered) {
        let secrets: Vec<_> = rendered.files().iter().map(|file| file.secret().clone()).collect();
        let current: BTreeMap<_, _> = secrets.iter().map(|secret| (&secret.key, secret)).collect();
        self.known.retain(|key, verdict| current.get(key).is_some_and(|it| **it == verdict.secret));
        for secret in secrets {
            let verdict = self.known.entry(secret.key.clone()).or_insert_with(|| {
                let read = Identity::from_pem(&secret.certificate, &secret.private_key);
                let fault = read.err().map(|error| error.to_string());
                Verdict { secret: secret.clone(), fault }
            });
            if let Some(fault) = &verdict.fault {
                rendered.leave_out(&secret.key, fault);
            }
        }
    }

    /// Leaves out the certificate that nginx complains about; whether it does complain about one.
    pub(super) fn condemn(&mut self, rendered: &mut Rendered, complaint: &str) -> bool {
        let named = |file: &&File| {
            file.contents().iter().any(|(name, _)| complaint.contains(&format!("/{name}\"")))
        };
        let Some(secret) = rendered.files().iter().find(named).map(File::secret).cloned() else {
            return false;
        };
        let fault = format!("nginx refuses it ({})", reason(complaint));
        rendered.leave_out(&secret.key, &fault);
        self.known.insert(secret.key.clone(), Verdict { secret, fault: Some(fault) });
        true
    }
}

/// What the TLS library says, without times, paths and numbers.
fn reason(complaint: &str) -> &str {
    let said = complaint.rsplit_once("(SSL: ").map_or(complaint, |(_, said)| said);
    said.trim_end_matches(')').rsplit(':').find(|part| !part.is_empty()).unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_librarys() {
        let said = "2026/11/26 [emerg] 7#7: SSL_CTX_use_certificate(\"/d/sk_certificate_0.pem\") failed (SSL: \
                    error:0A00018F:SSL routines::ee key too small)";
        assert_eq!(reason(said), "ee key too small");
        assert_eq!(reason("odd"), "odd");
    }
}
