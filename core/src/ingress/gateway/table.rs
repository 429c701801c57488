//! Listeners, hosts and paths of Gateways at one moment.

use ahash::RandomState;
use std_alloc::{boxed::Box, collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use crate::{
    ingress::{BackendRef, PathPolicy, Pattern, hosts::HostIndex, paths::PathTable},
    model::{HttpFilters, HttpMatch, HttpRule, NamespacedName},
};

/// Routes of all Gateways at one moment: immutable. Made by [`GatewayRouter`](super::GatewayRouter).
#[derive(Clone, Debug)]
pub struct GatewayRoutes {
    pub(super) hasher: RandomState,
    pub(super) paths: PathPolicy,
    /// A less specific hostname is asked when the more specific one has no rule.
    pub(super) host_fallthrough: bool,
    pub(super) ports: BTreeMap<(NamespacedName, u16), PortTable>,
}

/// The listeners of one port.
#[derive(Clone, Debug, Default)]
pub(super) struct PortTable {
    pub(super) tls: bool,
    pub(super) listeners: ByHost<ListenerTable>,
}

/// The routes of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct ListenerTable {
    /// Tells it from the others of its port.
    pub(super) number: usize,
    pub(super) hosts: ByHost<PathCandidates>,
}

/// The routes of one hostname of one listener.
#[derive(Clone, Debug, Default)]
pub(super) struct PathCandidates {
    paths: PathTable,
    /// By the number of the path; the one that is asked first comes first.
    candidates: Box<[Box<[Candidate]>]>,
}

/// A match of a rule of a route.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) route: NamespacedName,
    pub(super) created: i64,
    /// Which rule of the route, and which of its matches, from 0.
    pub(super) place: (usize, usize),
    pub(super) matching: HttpMatch,
    pub(super) rule: Arc<CompiledRule>,
}

/// A rule with its backends looked up.
#[derive(Debug)]
pub(super) struct CompiledRule {
    pub(super) rule: HttpRule,
    /// With their weights; `None`: its part is answered with 500.
    pub(super) backends: Vec<(Option<BackendRef>, u32, HttpFilters)>,
}

/// Whatever belongs to hostnames of which wildcards stand for one label or more.
#[derive(Clone, Debug)]
pub(super) struct ByHost<T> {
    exact: HostIndex<Arc<T>>,
    /// By what follows `*.`.
    wildcard: HostIndex<Arc<T>>,
    every: Option<Arc<T>>,
}

impl<T> Default for ByHost<T> {
    fn default() -> Self {
        Self { exact: HostIndex::default(), wildcard: HostIndex::default(), every: None }
    }
}

impl<T> ByHost<T> {
    /// Sets what belongs to a hostname; empty: to every host.
    pub(super) fn set(&mut self, hostname: &str, value: Arc<T>, hasher: &RandomState) {
        match hostname.strip_prefix("*.") {
            _ if hostname.is_empty() => self.every = Some(value),
            Some(parent) => self.wildcard.insert(parent, value, hasher),
            None => self.exact.insert(hostname, value, hasher),
        }
    }

    /// What fits a host, the most specific first.
    pub(super) fn of<'t>(
        &'t self,
        host: &'t str,
        hasher: &'t RandomState,
    ) -> impl Iterator<Item = &'t Arc<T>> {
        let exact = self.exact.get(host.as_bytes(), hasher);
        let parents = core::iter::successors(Some(host), |name| Some(name.split_once('.')?.1));
        let wildcards =
            parents.skip(1).filter_map(|parent| self.wildcard.get(parent.as_bytes(), hasher));
        exact.into_iter().chain(wildcards).chain(&self.every)
    }
}

impl PathCandidates {
    /// Candidates by their paths.
    pub(super) fn new(given: Vec<(Pattern, Candidate)>, hasher: &RandomState) -> Self {
        let mut by_text: BTreeMap<(String, u8), Vec<Candidate>> = BTreeMap::new();
        let mut patterns: BTreeMap<(String, u8), Pattern> = BTreeMap::new();
        for (pattern, candidate) in given {
            let key = (String::from(&*pattern.text), pattern.kind as u8);
            patterns.insert(key.clone(), pattern);
            by_text.entry(key).or_default().push(candidate);
        }
        let (paths, _) = PathTable::new(patterns.values(), hasher);
        let sorted = |mut candidates: Vec<Candidate>| {
            candidates.sort_by(|one, other| one.rank().cmp(&other.rank()));
            candidates.into()
        };
        Self { paths, candidates: by_text.into_values().map(sorted).collect() }
    }

    /// The first candidate that takes a request, and how many bytes of the path it stands for.
    pub(super) fn find<'t>(
        &'t self,
        path: &'t str,
        hasher: &'t RandomState,
        holds: impl Fn(&HttpMatch) -> bool,
    ) -> Option<(&'t Candidate, usize)> {
        self.paths.matches(path.as_bytes(), hasher).find_map(|(number, matched)| {
            let candidates = self.candidates.get(number as usize)?;
            let found = candidates.iter().find(|candidate| holds(&candidate.matching))?;
            Some((found, matched))
        })
    }
}

impl Candidate {
    /// Smaller is asked first.
    fn rank(&self) -> impl Ord {
        let HttpMatch { method, headers, query, .. } = &self.matching;
        let full_name = std_alloc::format!("{}", self.route);
        (
            method.is_none(),
            core::cmp::Reverse(headers.len()),
            core::cmp::Reverse(query.len()),
            self.created,
            full_name,
            self.place,
        )
    }
}
