//! What implementations of Ingress differ in, as choices with names.

use core::cmp::Ordering;

use super::PathPolicy;
use crate::model::{Ingress, ServiceKey, ServicePortRef};

/// How Ingresses become routes. The defaults are the strictest reading of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The form of paths.
    pub paths: PathPolicy,
    /// What a path of type ImplementationSpecific is. Default: a Prefix.
    pub implementation_specific: ImplementationSpecific,
    /// A host without a matching path lets less specific hosts try. Default: false, it goes to the host's default.
    pub host_fallthrough: bool,
    /// Who may add paths to a host. Default: everybody.
    pub host_ownership: HostOwnership,
    /// Which of two Ingresses is the older one. Default: by time, then by name.
    pub order: Order,
    /// Takes what nothing else takes. Default: none, such requests get 404.
    pub default_backend: Option<(ServiceKey, ServicePortRef)>,
}

/// What a path of type ImplementationSpecific is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImplementationSpecific {
    /// As Prefix; it loses against a Prefix of the same elements in the same Ingress.
    #[default]
    Prefix,
    /// As Exact.
    Exact,
    /// A prefix of the text: `/foo` takes `/foobar`. Contour, Traefik.
    StringPrefix,
    /// `/foo/*` takes what starts with `/foo/`; anything without a final `/*` is Exact. GKE.
    Glob,
}

/// Who may add paths to a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostOwnership {
    /// Everybody, as the API has it.
    #[default]
    Open,
    /// The namespace of the oldest Ingress with the host: nobody else's path can take requests away from it.
    FirstNamespace,
}

/// Which of two Ingresses is the older one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By creation, then `namespace/name`, then uid; the rule of the Gateway API.
    #[default]
    Name,
    /// ingress-nginx: by creation, then `namespace/name` backwards.
    NameBackwards,
}

impl Order {
    /// `Less` when the first one is the older one, which wins conflicts.
    #[must_use]
    pub fn compare(self, one: &Ingress, other: &Ingress) -> Ordering {
        let names = full_name(one).cmp(full_name(other));
        let names = if self == Self::NameBackwards { names.reverse() } else { names };
        one.created.cmp(&other.created).then(names).then_with(|| one.uid.cmp(&other.uid))
    }
}

/// `namespace/name`, byte by byte: `a-b/x` comes before `a/x`.
fn full_name(ingress: &Ingress) -> impl Iterator<Item = u8> {
    let key = &ingress.key;
    key.namespace.bytes().chain([b'/']).chain(key.name.bytes())
}
