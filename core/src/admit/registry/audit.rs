//! Whether the books agree with the Services, and how to make them.
//!
//! Kubernetes does this every three minutes because its allocator and its Services are stored apart. Here they can't
//! drift apart by writes; what is left are the ranges, which may change under Services that exist, and what was
//! remembered for Services that never came back.

use super::{Claim, Registry, Settings, SettingsError, claim, pool::Pool};
use crate::{
    Time,
    finding::{Finding, Kind},
    model::ServiceKey,
};
use std_alloc::{format, string::ToString, vec::Vec};

impl Registry {
    /// What does not add up, all of it as warnings about Services:
    ///
    /// | kind | meaning | after [`Registry::repair`] |
    /// |---|---|---|
    /// | Invalid | an address or port outside the ranges | stays; make the Service anew |
    /// | Required | an address or port that nobody wrote down | it is written down |
    /// | Conflict | two Services say they have it | the first by name has it |
    /// | Unknown | held for a Service that does not exist | it is free |
    ///
    /// Costs O(n) in the Services.
    #[must_use]
    pub fn audit(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (key, stored) in &self.services {
            let said = claim::claims(&claim::allocation(&stored.object.spec));
            findings.extend(said.into_iter().filter_map(|claim| self.audit_claim(key, claim)));
        }
        let mut leaked: Vec<_> = self
            .holders
            .iter()
            .filter(|(claim, key)| !self.says(key, **claim))
            .map(|(claim, key)| (key, claim))
            .collect();
        leaked.sort_unstable();
        let unused = |(key, claim): (&ServiceKey, &Claim)| {
            note(
                key,
                *claim,
                Kind::Unknown,
                format!("{claim} is held, but the Service does not use it"),
            )
        };
        findings.extend(leaked.into_iter().map(unused));
        findings
    }

    fn audit_claim(&self, key: &ServiceKey, claim: Claim) -> Option<Finding> {
        let (kind, message) = match self.holders.get(&claim) {
            Some(holder) if holder != key => {
                (Kind::Conflict, format!("{claim} belongs to Service {holder}"))
            }
            _ if !self.pool.contains(claim) => {
                (Kind::Invalid, format!("{claim} is outside the ranges"))
            }
            None => (Kind::Required, format!("{claim} is not written down as held")),
            Some(_) if !self.pool.is_taken(claim) => {
                (Kind::Required, format!("{claim} could be handed out again"))
            }
            Some(_) => return None,
        };
        Some(note(key, claim, kind, message))
    }

    /// Whether a Service that exists says that it has this.
    fn says(&self, key: &ServiceKey, claim: Claim) -> bool {
        self.services.get(key).is_some_and(|stored| {
            claim::claims(&claim::allocation(&stored.object.spec)).binary_search(&claim).is_ok()
        })
    }

    /// Writes the books anew from the Services that exist, and returns what did not add up before.
    ///
    /// What was remembered for Services that have not been applied is free after the quarantine: call this once all
    /// manifests are in. Costs O(n) in the Services.
    pub fn repair(&mut self, now: Time) -> Vec<Finding> {
        let findings = self.audit();
        for (key, held) in core::mem::take(&mut self.remembered) {
            for claim in claim::claims(&held) {
                if self.holders.get(&claim) == Some(&key) {
                    self.holders.remove(&claim);
                    self.pool.give_back(claim, now);
                }
            }
        }
        self.holders.retain(|claim, key| {
            let exists = self.services.contains_key(key);
            if !exists {
                self.pool.give_back(*claim, now);
            }
            exists
        });
        for (key, stored) in &self.services {
            for claim in claim::claims(&claim::allocation(&stored.object.spec)) {
                self.holders.entry(claim).or_insert_with(|| key.clone());
                // Taken already, or outside the ranges.
                let _ = self.pool.take(claim);
            }
        }
        findings
    }

    /// Other ranges and gates, such as when a ServiceCIDR comes or goes. Services keep what they have, inside the
    /// ranges or not; [`Registry::audit`] says which are outside. Costs O(size of the ranges and Services).
    ///
    /// # Errors
    ///
    /// As [`Registry::new`]; nothing has changed then.
    pub fn reconfigure(&mut self, settings: Settings) -> Result<(), SettingsError> {
        let mut pool = Pool::new(&settings, self.seed)?;
        for claim in self.holders.keys() {
            // What is outside the new ranges stays with its Service all the same.
            let _ = pool.take(*claim);
        }
        self.pool = pool;
        self.settings = settings;
        Ok(())
    }
}

fn note(key: &ServiceKey, claim: Claim, kind: Kind, message: std_alloc::string::String) -> Finding {
    let path = match claim {
        Claim::Address(_) => "spec.clusterIPs",
        Claim::Port(..) => "spec.ports",
    };
    let finding = Finding::warning(kind, path, claim.to_string(), message);
    Finding { object: format!("Service {key}"), ..finding }
}
