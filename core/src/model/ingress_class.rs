//! Classes of Ingresses.

use std_alloc::sync::Arc;

/// An IngressClass as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressClass {
    /// What Ingresses call it.
    pub name: Arc<str>,
    /// Who implements it, such as `example.com/ingress-controller`.
    pub controller: Arc<str>,
    /// Seconds since 1970 at which it was made, 0 when unknown.
    pub created: i64,
    /// Takes Ingresses without a class.
    pub is_default: bool,
}
