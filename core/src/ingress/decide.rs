//! The rules of Ingress in the plainest form: the specification that everything faster is checked against.
//!
//! It looks at every rule of every Ingress for each question, and builds nothing.

use core::cmp::{Ordering, Reverse};

use std_alloc::vec::Vec;

use super::{HostOwnership, MatchKind, Pattern, Settings};
use crate::model::{Ingress, IngressPath, IngressRule};

/// Who takes a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision<'i> {
    /// A path of an Ingress.
    Path {
        /// The Ingress.
        ingress: &'i Ingress,
        /// Which of its rules, and which path of the rule, from 0.
        place: (usize, usize),
        /// How many bytes of the request's path it stands for.
        matched: usize,
    },
    /// The default backend of an Ingress.
    Default(&'i Ingress),
    /// Nobody among the Ingresses.
    Nobody,
}

/// A path that takes the request.
struct Candidate<'i> {
    ingress: &'i Ingress,
    place: (usize, usize),
    given: &'i IngressPath,
    kind: MatchKind,
    matched: usize,
}

/// Who among these Ingresses takes requests for this host and path, both in canonical form.
///
/// ```
/// use svckit::ingress::{Settings, decide::{Decision, decide}};
///
/// assert_eq!(decide(&[], &Settings::default(), "shop.example.com", "/"), Decision::Nobody);
/// ```
#[must_use]
pub fn decide<'i>(
    ingresses: &[&'i Ingress],
    settings: &Settings,
    host: &str,
    path: &str,
) -> Decision<'i> {
    let mut oldest_first = ingresses.to_vec();
    oldest_first.sort_by(|one, other| settings.order.compare(one, other));
    let wildcard = host.split_once('.').map(|(_, parent)| std_alloc::format!("*.{parent}"));
    let tiers =
        [(!host.is_empty()).then_some(Some(host)), wildcard.as_deref().map(Some), Some(None)];
    let mut default = None;
    for tier in tiers.into_iter().flatten() {
        let claims = |ingress: &&Ingress| rules(ingress, tier).next().is_some();
        let mut owners: Vec<_> = oldest_first.iter().copied().filter(claims).collect();
        let Some(first) = owners.first().copied() else { continue };
        if settings.host_ownership == HostOwnership::FirstNamespace {
            owners.retain(|owner| owner.key.namespace == first.key.namespace);
        }
        if let Some(found) = best(&owners, settings, tier, path) {
            let Candidate { ingress, place, matched, .. } = found;
            return Decision::Path { ingress, place, matched };
        }
        default =
            default.or_else(|| owners.into_iter().find(|owner| owner.default_backend.is_some()));
        if !settings.host_fallthrough {
            break;
        }
    }
    let catches_all =
        |ingress: &&Ingress| ingress.rules.is_empty() && ingress.default_backend.is_some();
    let default = default.or_else(|| oldest_first.into_iter().find(catches_all));
    default.map_or(Decision::Nobody, Decision::Default)
}

/// Rules for exactly this host, with their numbers.
fn rules<'i>(
    ingress: &'i Ingress,
    host: Option<&str>,
) -> impl Iterator<Item = (usize, &'i IngressRule)> {
    let rules = ingress.rules.iter().enumerate();
    rules.filter(move |(_, rule)| rule.host.as_deref() == host)
}

/// The best path of those that take the request.
fn best<'i>(
    owners: &[&'i Ingress],
    settings: &Settings,
    host: Option<&str>,
    path: &str,
) -> Option<Candidate<'i>> {
    let mut best: Option<(usize, Candidate<'i>)> = None;
    for (age, ingress) in owners.iter().enumerate() {
        for (rule_number, rule) in rules(ingress, host) {
            for (path_number, given) in rule.paths.iter().enumerate() {
                let Ok(pattern) = Pattern::new(&given.path, given.path_type, settings) else {
                    continue;
                };
                let Some(matched) = pattern.matches(path) else { continue };
                let place = (rule_number, path_number);
                let candidate = Candidate { ingress, place, given, kind: pattern.kind, matched };
                let wins = best.as_ref().is_none_or(|(their_age, theirs)| {
                    precedence((age, &candidate), (*their_age, theirs)).is_lt()
                });
                if wins {
                    best = Some((age, candidate));
                }
            }
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `Less` for the one that takes the request; by age, the number of the Ingress among the oldest.
fn precedence(one: (usize, &Candidate<'_>), other: (usize, &Candidate<'_>)) -> Ordering {
    let key = |(age, candidate): (usize, &Candidate<'_>)| {
        let exact_first = candidate.kind != MatchKind::Exact;
        let longest = Reverse(candidate.matched);
        let text = Reverse(candidate.given.path.len());
        let path_type = candidate.given.path_type;
        (exact_first, longest, candidate.kind, age, text, path_type, candidate.place)
    };
    key(one).cmp(&key(other))
}
