//! Routes host by host, for those who write them down for another program.

use std_alloc::{format, string::String, sync::Arc};

use super::{DefaultRoute, Route, Routes, host_routes::HostRoutes};

/// The routes of one host that can take a request.
#[derive(Clone, Copy)]
pub(crate) struct HostView<'r>(&'r HostRoutes);

impl Routes {
    /// All hosts but the one that stands for every host, wildcards with their star, in no order.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (String, HostView<'_>)> {
        let exact = self.exact.iter().map(|(name, host)| (String::from(name), HostView(host)));
        let wildcard =
            self.wildcard.iter().map(|(name, host)| (format!("*.{name}"), HostView(host)));
        exact.chain(wildcard)
    }

    /// The rules for every host.
    pub(crate) fn every(&self) -> Option<HostView<'_>> {
        self.every.as_ref().map(HostView)
    }

    /// What takes requests that no host takes.
    pub(crate) fn default_route(&self) -> Option<&DefaultRoute> {
        self.default.as_deref()
    }

    /// How tables of strangers' texts are keyed.
    pub(crate) const fn hasher(&self) -> &ahash::RandomState {
        &self.hasher
    }
}

impl<'r> HostView<'r> {
    /// Routes with the versions beside them; those that others shadow are left out.
    pub(crate) fn routes(
        &self,
    ) -> impl Iterator<Item = (&'r Route, &'r [(u32, Arc<Route>)])> + use<'r> {
        let host = self.0;
        let taken = |number: u32| host.shadowed().iter().any(|(loser, _)| *loser == number);
        let numbered = host.routes.iter().zip(0u32..).filter(move |(_, number)| !taken(*number));
        numbered.map(|(route, number)| (route, host.canaries(number)))
    }

    /// Takes what no path takes.
    pub(crate) fn default(&self) -> Option<&'r DefaultRoute> {
        self.0.default()
    }
}
