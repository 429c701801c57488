//! Why a rule takes a request, and why others don't.

use core::fmt;
use std_alloc::vec::Vec;

use super::{Outcome, Route, Routes, host_routes::HostRoutes, routes::Tier};

/// What becomes of a request, with everybody who might have taken it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation<'r> {
    /// What [`Routes::lookup`] says.
    pub outcome: Outcome<'r>,
    /// All routes of the hosts that fit, the winner first.
    pub candidates: Vec<Candidate<'r>>,
}

/// A route that might have taken a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'r> {
    /// The route.
    pub route: &'r Route,
    /// What became of it.
    pub verdict: Verdict<'r>,
}

/// What became of a route that might have taken a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict<'r> {
    /// It takes the request.
    Takes,
    /// Its path matches as well, but less of it; or the winner is exact.
    LessSpecific,
    /// It matches the same as this one, which came first.
    Shadowed(&'r Route),
    /// A more specific host was chosen.
    OtherHost,
    /// Its path does not match.
    NoMatch,
}

impl Routes {
    /// Who takes requests for this host and path, and why; both in canonical form.
    ///
    /// Costs all routes of the hosts that fit: for people, not for requests.
    #[must_use]
    pub fn explain(&self, host: &str, path: &str) -> Explanation<'_> {
        let outcome = self.lookup(host, path);
        let winner = match &outcome {
            Outcome::Route(found) => Some(found.route),
            Outcome::Default(_) | Outcome::NotFound => None,
        };
        let mut candidates = Vec::new();
        let mut decided = false;
        for tier in Tier::ALL {
            let Some(routes) = self.tier(tier, host) else { continue };
            let judge = |(number, route)| Candidate {
                route,
                verdict: verdict(routes, number, route, path, winner, decided),
            };
            let numbered = (0u32..).zip(routes.routes.iter());
            candidates.extend(numbered.map(judge));
            decided |= !self.host_fallthrough
                || winner.is_some_and(|won| candidates.iter().any(|c| core::ptr::eq(c.route, won)));
        }
        candidates.sort_by_key(|candidate| candidate.verdict.rank());
        Explanation { outcome, candidates }
    }
}

/// What became of one route of one host; `decided`: another host has taken the request.
fn verdict<'r>(
    routes: &'r HostRoutes,
    number: u32,
    route: &Route,
    path: &str,
    winner: Option<&Route>,
    decided: bool,
) -> Verdict<'r> {
    if winner.is_some_and(|winner| core::ptr::eq(winner, route)) {
        return Verdict::Takes;
    }
    if route.pattern.matches(path).is_none() {
        return Verdict::NoMatch;
    }
    if decided {
        return Verdict::OtherHost;
    }
    let by = routes.shadowed().iter().find(|(loser, _)| *loser == number);
    let by = by.and_then(|(_, winner)| routes.routes.get(*winner as usize));
    by.map_or(Verdict::LessSpecific, Verdict::Shadowed)
}

impl Verdict<'_> {
    const fn rank(&self) -> u8 {
        match self {
            Self::Takes => 0,
            Self::LessSpecific => 1,
            Self::Shadowed(_) => 2,
            Self::OtherHost => 3,
            Self::NoMatch => 4,
        }
    }
}

/// `shop.example.com/ (Prefix) of Ingress shop/web: matches less of the path`.
impl fmt::Display for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.route)?;
        match self.verdict {
            Verdict::Takes => f.write_str("takes it"),
            Verdict::LessSpecific => f.write_str("matches less of the path"),
            Verdict::Shadowed(by) => write!(f, "{by} takes the same requests"),
            Verdict::OtherHost => f.write_str("another host is more specific"),
            Verdict::NoMatch => f.write_str("the path does not match"),
        }
    }
}
