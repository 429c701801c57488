//! All that Ingresses ask of one host, with one winner for each path.

use ahash::RandomState;
use std_alloc::{borrow::Cow, boxed::Box, format, sync::Arc, vec::Vec};

use super::{DefaultRoute, HostOwnership, Match, Route, Settings, claim::Claim, paths::PathTable};
use crate::finding::{Finding, Kind};

/// The routes of one host.
///
/// It stands in the index beside the host's name, so that a lookup waits for memory once; what few hosts have stands
/// elsewhere, since whoever changes a host copies its page.
#[derive(Clone, Debug, Default)]
pub(super) struct HostRoutes {
    /// Oldest Ingress first; [`PathTable`] knows them by their number.
    pub(super) routes: Arc<[Route]>,
    rare: Option<Arc<Rare>>,
    paths: PathTable,
}

/// What few hosts have.
#[derive(Debug, Default)]
struct Rare {
    /// Routes that others win over, and which.
    shadowed: Box<[(u32, u32)]>,
    /// Other versions, with the number of the route whose requests they take; in the order of the numbers.
    canaries: Box<[(u32, Arc<Route>)]>,
    /// Takes what no path takes.
    default: Option<Arc<DefaultRoute>>,
}

impl HostRoutes {
    /// Joins what Ingresses ask for, given with the oldest first.
    pub(super) fn new(
        claims: &[Arc<Claim>],
        settings: &Settings,
        hasher: &RandomState,
    ) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let owner = claims.first().filter(|_| settings.host_ownership != HostOwnership::Open);
        let mut allowed = |claim: &&Arc<Claim>| {
            let Some(owner) = owner else { return true };
            let same = owner.ingress.key.namespace == claim.ingress.key.namespace;
            if !same {
                findings.push(foreign(claim, owner));
            }
            same
        };
        let claims: Cow<'_, [Arc<Claim>]> = match owner {
            None => Cow::Borrowed(claims),
            Some(_) => claims.iter().filter(&mut allowed).cloned().collect(),
        };
        let (stable, canaries) =
            (|claim: &&Arc<Claim>| !claim.is_canary, |it: &&Arc<Claim>| it.is_canary);
        let mut asked = claims.iter().filter(stable).map(|claim| &claim.routes);
        let routes = match (asked.next(), asked.next()) {
            (None, _) => Arc::default(),
            // Most hosts belong to one Ingress, whose routes are there already.
            (Some(only), None) => only.clone(),
            _ => {
                let all = claims.iter().filter(stable).flat_map(|claim| &*claim.routes);
                all.cloned().collect::<Vec<_>>().into()
            }
        };
        let (paths, shadowed) = PathTable::new(routes.iter().map(|route| &route.pattern), hasher);
        for (loser, winner) in &shadowed {
            let (loser, winner) = (routes.get(*loser as usize), routes.get(*winner as usize));
            findings.extend(loser.zip(winner).map(|(loser, winner)| conflict(loser, winner)));
        }
        let default = claims.iter().filter(stable).find_map(|claim| claim.default.clone());
        let canaries = beside(&routes, claims.iter().filter(canaries), &mut findings);
        let rare = Rare { shadowed: shadowed.into(), canaries, default };
        let rare = rare.is_needed().then(|| Arc::new(rare));
        (Self { routes, rare, paths }, findings)
    }

    /// The route that takes a path.
    #[inline]
    pub(super) fn find(&self, path: &[u8], hasher: &RandomState) -> Option<Match<'_>> {
        let (number, matched) = self.paths.first(path, hasher)?;
        let route = self.routes.get(number as usize)?;
        Some(Match { route, matched, canaries: self.canaries(number) })
    }

    /// Other versions of a route.
    #[inline]
    pub(super) fn canaries(&self, number: u32) -> &[(u32, Arc<Route>)] {
        self.rare.as_deref().map_or(&[], |rare| rare.canaries(number))
    }

    /// Routes that others win over, and which.
    pub(super) fn shadowed(&self) -> &[(u32, u32)] {
        self.rare.as_deref().map_or(&[], |rare| &rare.shadowed)
    }

    /// Takes what no path takes.
    pub(super) fn default(&self) -> Option<&DefaultRoute> {
        self.rare.as_deref()?.default.as_deref()
    }
}

impl Rare {
    fn is_needed(&self) -> bool {
        !self.shadowed.is_empty() || !self.canaries.is_empty() || self.default.is_some()
    }

    fn canaries(&self, number: u32) -> &[(u32, Arc<Route>)] {
        let start = self.canaries.partition_point(|(main, _)| *main < number);
        let end = self.canaries.partition_point(|(main, _)| *main <= number);
        self.canaries.get(start..end).unwrap_or_default()
    }
}

/// Canaries with the numbers of the routes that match the same.
fn beside<'c>(
    routes: &[Route],
    canaries: impl Iterator<Item = &'c Arc<Claim>>,
    findings: &mut Vec<Finding>,
) -> Box<[(u32, Arc<Route>)]> {
    let mut beside = Vec::new();
    for canary in canaries.flat_map(|claim| &*claim.routes) {
        let main = routes.iter().position(|route| route.pattern == canary.pattern);
        match main {
            Some(main) => beside.push((main as u32, Arc::new(canary.clone()))),
            None => findings.push(lonely(canary)),
        }
    }
    beside.sort_by_key(|(main, _)| *main);
    beside.into()
}

/// A route that never takes a request, since another one takes the same.
fn conflict(loser: &Route, winner: &Route) -> Finding {
    let why =
        if loser.ingress == winner.ingress { "in the same Ingress" } else { "which is older" };
    let message = format!(
        "{} of Ingress {}, {why}, takes the same requests ({:?} {})",
        winner.field(),
        winner.ingress,
        winner.path_type,
        winner.path
    );
    let value = format!("{}{}", loser.host.as_deref().unwrap_or("*"), loser.path);
    let finding =
        Finding::warning(Kind::Conflict, format!("{}.path", loser.field()), value, message);
    Finding { object: format!("Ingress {}", loser.ingress), ..finding }
}

/// A canary of nothing.
fn lonely(canary: &Route) -> Finding {
    let message = "no other Ingress has this host and path, so there is nothing to take a part of";
    let value = format!("{}{}", canary.host.as_deref().unwrap_or("*"), canary.path);
    let finding =
        Finding::warning(Kind::Unknown, format!("{}.path", canary.field()), value, message);
    Finding { object: format!("Ingress {}", canary.ingress), ..finding }
}

/// A claim to another namespace's host.
fn foreign(claim: &Claim, owner: &Claim) -> Finding {
    let message =
        format!("the host belongs to Ingress {}, of another namespace", owner.ingress.key);
    let finding = Finding::warning(Kind::Forbidden, "spec.rules", &*claim.host, message);
    Finding { object: format!("Ingress {}", claim.ingress.key), ..finding }
}
