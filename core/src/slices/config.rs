//! How slices are made.

/// How slices are made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The most endpoints a slice gets. Default: 100, as in Kubernetes. More make each change's write larger, fewer
    /// make more slices.
    pub max_endpoints: usize,
    /// Leave a pod out while its node is unknown, as Kubernetes does, unless the Service publishes unready addresses.
    /// Default: false, so that pods can be served where nobody tells of nodes.
    pub require_nodes: bool,
    /// Move endpoints together whenever they would fit into fewer slices. Default: false, as in Kubernetes, which
    /// never shrinks slices together; it saves slices and costs writes when Services shrink.
    pub repack: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_endpoints: 100, require_nodes: false, repack: false }
    }
}
