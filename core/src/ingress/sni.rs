//! Which certificate a server name has.
//!
//! A name belongs to the oldest Ingress whose `tls` lists it; an entry without names stands for the hosts of its own
//! Ingress that no other entry of it lists. Later claims lose, and are told so. The certificate is chosen by the
//! name that a client asks for in its handshake, the route by the `Host` of each request: proxies with policies per
//! name must answer 421 when the two differ.

use ahash::RandomState;
use hashbrown::HashMap;
use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};

use super::{Host, Order, hosts::HostIndex};
use crate::{
    Seed,
    finding::{Finding, Kind},
    model::{Ingress, NamespacedName, TlsSecret},
};

/// What a client that asks for a server name is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate<'r> {
    /// The certificate in this Secret.
    Secret(&'r Arc<TlsSecret>),
    /// The name belongs to an Ingress that leaves the certificate to the proxy, or whose Secret can't be used.
    Default,
    /// No Ingress has the name: show the default certificate, or end the handshake.
    Unknown,
}

/// Names to certificates at one moment; part of [`Routes`](super::Routes).
#[derive(Clone, Debug, Default)]
pub(super) struct SniTable {
    exact: HostIndex<Option<Arc<TlsSecret>>>,
    /// By what follows `*.`.
    wildcard: HostIndex<Option<Arc<TlsSecret>>>,
}

impl SniTable {
    /// The certificate for a name as a client sends it.
    pub(super) fn find(&self, name: &[u8], hasher: &RandomState) -> Certificate<'_> {
        let mut lower = Vec::new();
        let Ok(Host::Name(name)) = Host::read(name, &mut lower) else {
            return Certificate::Unknown;
        };
        let parent = || self.wildcard.get(name.split_once('.')?.1.as_bytes(), hasher);
        match self.exact.get(name.as_bytes(), hasher).or_else(parent) {
            Some(Some(secret)) => Certificate::Secret(secret),
            Some(None) => Certificate::Default,
            None => Certificate::Unknown,
        }
    }

    /// The secrets by name, wildcards with their star, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (String, &Arc<TlsSecret>)> {
        let exact = self.exact.iter().map(|(name, secret)| (String::from(name), secret));
        let wildcard = self.wildcard.iter().map(|(name, secret)| (format!("*.{name}"), secret));
        exact.chain(wildcard).filter_map(|(name, secret)| Some((name, secret.as_ref()?)))
    }

    fn set(&mut self, name: &str, secret: Option<Option<Arc<TlsSecret>>>, hasher: &RandomState) {
        let (index, name) = match name.strip_prefix("*.") {
            Some(parent) => (&mut self.wildcard, parent),
            None => (&mut self.exact, name),
        };
        match secret {
            Some(secret) => index.insert(name, secret, hasher),
            None => index.remove(name, hasher),
        }
    }
}

/// Who asks for which certificate: what [`SniTable`] is made from.
#[derive(Debug)]
pub(super) struct Certificates {
    secrets: HashMap<NamespacedName, Arc<TlsSecret>, RandomState>,
    /// By name; oldest first.
    claims: BTreeMap<Arc<str>, Vec<TlsClaim>>,
    /// Names whose claims ask for a Secret.
    users: HashMap<NamespacedName, BTreeSet<Arc<str>>, RandomState>,
}

/// One Ingress asks for one name.
#[derive(Debug)]
struct TlsClaim {
    ingress: Arc<Ingress>,
    /// Which of its entries, from 0.
    entry: usize,
    secret: Option<NamespacedName>,
}

impl Certificates {
    pub(super) fn new(seed: Seed) -> Self {
        let hasher = seed.hasher();
        let (secrets, users) = (HashMap::with_hasher(hasher.clone()), HashMap::with_hasher(hasher));
        Self { secrets, claims: BTreeMap::new(), users }
    }

    /// A Secret is there; `None`: it is gone. Returns whether any name shows another certificate now.
    pub(super) fn set(
        &mut self,
        key: &NamespacedName,
        secret: Option<Arc<TlsSecret>>,
        table: &mut SniTable,
        hasher: &RandomState,
    ) -> bool {
        let before = match &secret {
            Some(secret) => self.secrets.insert(key.clone(), secret.clone()),
            None => self.secrets.remove(key),
        };
        if before == secret {
            return false;
        }
        let names = self.users.get(key).cloned().unwrap_or_default();
        names.iter().for_each(|name| self.publish(name, table, hasher));
        !names.is_empty()
    }

    /// Enters the names that an Ingress asks for. Returns whether there are any.
    pub(super) fn claim(
        &mut self,
        ingress: &Arc<Ingress>,
        order: Order,
        table: &mut SniTable,
        hasher: &RandomState,
    ) -> bool {
        let names = names(ingress);
        for (name, entry) in &names {
            let secret = ingress.tls.get(*entry).and_then(|tls| tls.secret.clone());
            let key = |secret| NamespacedName::new(ingress.key.namespace.clone(), secret);
            let claim =
                TlsClaim { ingress: ingress.clone(), entry: *entry, secret: secret.map(key) };
            if let Some(secret) = &claim.secret {
                self.users.entry(secret.clone()).or_default().insert(name.clone());
            }
            let claims = self.claims.entry(name.clone()).or_default();
            let older = |other: &TlsClaim| order.compare(&other.ingress, ingress).is_lt();
            claims.insert(claims.partition_point(older), claim);
            self.publish(name, table, hasher);
        }
        !names.is_empty()
    }

    /// Takes back what an Ingress asked for. Returns whether there was anything.
    pub(super) fn release(
        &mut self,
        ingress: &Ingress,
        table: &mut SniTable,
        hasher: &RandomState,
    ) -> bool {
        let names = names(ingress);
        for name in names.keys() {
            let Some(claims) = self.claims.get_mut(name) else { continue };
            let gone: Vec<_> =
                claims.extract_if(.., |claim| claim.ingress.key == ingress.key).collect();
            for secret in gone.into_iter().filter_map(|claim| claim.secret) {
                if claims.iter().any(|claim| claim.secret.as_ref() == Some(&secret)) {
                    continue;
                }
                let Some(users) = self.users.get_mut(&secret) else { continue };
                users.remove(name);
                if users.is_empty() {
                    self.users.remove(&secret);
                }
            }
            if claims.is_empty() {
                self.claims.remove(name);
            }
            self.publish(name, table, hasher);
        }
        !names.is_empty()
    }

    /// What is wrong: Secrets that are not there, names that are another Ingress's.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.claims.iter().flat_map(|(name, claims)| {
            let (owner, losers) =
                claims.split_first().map_or((None, &[][..]), |(owner, rest)| (Some(owner), rest));
            let missing = owner.and_then(|owner| self.missing(owner));
            let lost = losers.iter().filter_map(move |loser| lost(name, loser, owner?));
            missing.into_iter().chain(lost)
        })
    }

    fn missing(&self, claim: &TlsClaim) -> Option<Finding> {
        let secret = claim.secret.as_ref().filter(|secret| !self.secrets.contains_key(*secret))?;
        let message = "there is no such Secret with a certificate: clients see the default one";
        Some(warning(claim, "secretName", Kind::Unknown, &secret.name, message.into()))
    }

    /// Tells the table what a name shows now.
    fn publish(&self, name: &str, table: &mut SniTable, hasher: &RandomState) {
        let owner = self.claims.get(name).and_then(|claims| claims.first());
        let secret = owner.map(|owner| self.secrets.get(owner.secret.as_ref()?).cloned());
        table.set(name, secret, hasher);
    }
}

/// The names that an Ingress asks for, with the first entry that lists each.
fn names(ingress: &Ingress) -> BTreeMap<Arc<str>, usize> {
    let mut names = BTreeMap::new();
    for (entry, tls) in ingress.tls.iter().enumerate() {
        for host in &tls.hosts {
            names.entry(host.clone()).or_insert(entry);
        }
    }
    if let Some(entry) = ingress.tls.iter().position(|tls| tls.hosts.is_empty()) {
        for host in ingress.rules.iter().filter_map(|rule| rule.host.as_ref()) {
            names.entry(host.clone()).or_insert(entry);
        }
    }
    names
}

/// A name that stays another Ingress's; nothing to tell when both want the same certificate.
fn lost(name: &str, loser: &TlsClaim, owner: &TlsClaim) -> Option<Finding> {
    let message = format!("Ingress {}, which is older, chooses the certificate", owner.ingress.key);
    (loser.secret != owner.secret).then(|| warning(loser, "hosts", Kind::Conflict, name, message))
}

fn warning(claim: &TlsClaim, field: &str, kind: Kind, value: &str, message: String) -> Finding {
    let path = format!("spec.tls[{}].{field}", claim.entry);
    let object = format!("Ingress {}", claim.ingress.key);
    Finding { object, ..Finding::warning(kind, path, value, message) }
}

#[cfg(test)]
mod tests {
    use crate::{Seed, ingress::*, model::*};
    use std::{string::ToString, sync::Arc, vec::Vec};

    fn ingress(name: &str, created: i64, tls: &[(&[&str], &str)]) -> Change {
        let entry = |(hosts, secret): &(&[&str], &str)| IngressTls {
            hosts: hosts.iter().map(|host| Arc::from(*host)).collect(),
            secret: (!secret.is_empty()).then(|| Arc::from(*secret)),
        };
        Change::Ingress(Arc::new(Ingress {
            key: NamespacedName::new("shop", name),
            created,
            uid: "".into(),
            class: None,
            default_backend: None,
            rules: Vec::from([IngressRule { host: Some("own.example".into()), paths: Vec::new() }]),
            tls: tls.iter().map(entry).collect(),
            annotations: Vec::new(),
        }))
    }

    fn secret(name: &str) -> Change {
        let key = NamespacedName::new("shop", name);
        Change::Secret(Arc::new(TlsSecret {
            key,
            certificate: "c".into(),
            private_key: "k".into(),
        }))
    }

    fn shown(router: &mut Router, name: &str) -> std::string::String {
        match router.routes().certificate(name.as_bytes()) {
            Certificate::Secret(secret) => secret.key.name.to_string(),
            other => std::format!("{other:?}"),
        }
    }

    #[test]
    fn names_have_certificates() {
        let mut router =
            Router::new(Settings::default(), ClassSelection::default(), Seed([1, 2, 3, 4]));
        let old: &[(&[&str], &str)] = &[(&["a.example", "*.b.example"], "one"), (&[], "own")];
        let young: &[(&[&str], &str)] =
            &[(&["a.example", "c.example"], "two"), (&["d.example"], "")];
        for change in
            [ingress("old", 1, old), ingress("young", 2, young), secret("one"), secret("own")]
        {
            router.apply(&change);
        }
        let cases = [
            ("A.example.", "one"),
            ("x.b.example", "one"),
            ("b.example", "Unknown"),
            ("x.y.b.example", "Unknown"),
            ("own.example", "own"),
            ("c.example", "Default"),
            ("d.example", "Default"),
            ("e.example", "Unknown"),
            ("10.0.0.1", "Unknown"),
            ("", "Unknown"),
        ];
        for (name, want) in cases {
            assert_eq!(shown(&mut router, name), want, "{name}");
        }
        let findings: Vec<_> =
            router.findings().into_iter().map(|found| (found.path, found.value)).collect();
        let told = [("spec.tls[0].hosts", "a.example"), ("spec.tls[0].secretName", "two")];
        assert_eq!(findings, told.map(|(path, value)| (path.to_string(), value.to_string())));

        router.apply(&secret("two"));
        assert_eq!(shown(&mut router, "c.example"), "two");
        router.apply(&Change::IngressGone(NamespacedName::new("shop", "old")));
        assert_eq!(shown(&mut router, "a.example"), "two", "the next one's turn");
        assert_eq!(shown(&mut router, "x.b.example"), "Unknown");
        router.apply(&Change::SecretGone(NamespacedName::new("shop", "two")));
        assert_eq!(shown(&mut router, "a.example"), "Default");
    }
}
