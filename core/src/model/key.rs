//! How objects are called.

use core::fmt;
use std_alloc::sync::Arc;

use super::Protocol;

/// Namespace and name of an object; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespacedName {
    /// Where the object lives.
    pub namespace: Arc<str>,
    /// What it is called there.
    pub name: Arc<str>,
}

/// A Service's namespace and name.
pub type ServiceKey = NamespacedName;

/// One port of one Service: what a proxy keeps state for.
///
/// Two ports of one number and two protocols are two service ports, as are two ports of one name in two Services.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePortName {
    /// The Service.
    pub service: ServiceKey,
    /// The port's name; empty for a Service's only port.
    pub port: Arc<str>,
    /// The port's protocol.
    pub protocol: Protocol,
}

impl NamespacedName {
    /// Puts the two together; neither is looked at.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

/// `shop/cart`.
impl fmt::Display for NamespacedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// `shop/cart:http`, or `shop/cart` when the port has no name; kube-proxy's form.
impl fmt::Display for ServicePortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.service)?;
        if !self.port.is_empty() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}
