//! Which `resolv.conf` a pod gets: its policy, the cluster, the node, and its own settings put together (kubelet).

use std_alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{DnsBase, DnsPolicy, ResolvConf, ResolvLimits};

/// What a pod says about its DNS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDns {
    /// Its `dnsPolicy`.
    pub policy: DnsPolicy,
    /// Whether it uses the node's network.
    pub host_network: bool,
    /// Where it lives.
    pub namespace: String,
    /// Its `dnsConfig`; empty lists when it has none.
    pub config: ResolvConf,
}

/// What the cluster and the node say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeDns {
    /// Where the cluster's DNS is asked.
    pub nameservers: Vec<String>,
    /// The cluster's domain.
    pub domain: String,
    /// The node's own file; `None` when kubelet was told to use none.
    pub host: Option<ResolvConf>,
    /// How many entries fit.
    pub limits: ResolvLimits,
}

/// What was not as the pod wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PodDnsWarning {
    /// There is no cluster DNS, so the pod gets the node's.
    #[error("the cluster has no DNS address, so the pod gets the node's resolv.conf")]
    NoClusterDns,
    /// Some entries were left out.
    #[error("more name servers or search domains than fit; the last ones were left out")]
    Cut,
}

impl NodeDns {
    /// The pod's `resolv.conf`, and what deserves a warning.
    ///
    /// ```
    /// use svckit::dns::{NodeDns, PodDns};
    ///
    /// let node = NodeDns { nameservers: vec!["10.96.0.10".into()], domain: "cluster.local".into(), ..NodeDns::default() };
    /// let pod = PodDns { namespace: "shop".into(), ..PodDns::default() };
    /// let (conf, warnings) = node.resolv_conf(&pod);
    /// assert_eq!(conf.to_string(), "nameserver 10.96.0.10\n\
    ///     search shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n");
    /// assert!(warnings.is_empty());
    /// ```
    #[must_use]
    pub fn resolv_conf(&self, pod: &PodDns) -> (ResolvConf, Vec<PodDnsWarning>) {
        let mut warnings = Vec::new();
        let host = self.host.clone().unwrap_or_default();
        let base = match pod.policy.base(pod.host_network) {
            DnsBase::Cluster if self.nameservers.is_empty() => {
                warnings.push(PodDnsWarning::NoClusterDns);
                DnsBase::Host
            }
            base => base,
        };
        let base = match base {
            DnsBase::Cluster => {
                ResolvConf::cluster(self.nameservers.clone(), &pod.namespace, &self.domain, &host)
            }
            DnsBase::Host => self.host.clone().unwrap_or_else(|| self.nobody()),
            DnsBase::Nothing => ResolvConf::default(),
        };
        let mut conf = base.merge(&pod.config);
        if conf.limit(self.limits) {
            warnings.push(PodDnsWarning::Cut);
        }
        (conf, warnings)
    }

    /// What a pod gets from a node that has no file: itself, and no search.
    fn nobody(&self) -> ResolvConf {
        let v6 = self.nameservers.first().is_some_and(|server| server.contains(':'));
        let own = if v6 { "::1" } else { "127.0.0.1" };
        ResolvConf {
            nameservers: Vec::from([own.to_string()]),
            searches: Vec::from([".".to_string()]),
            options: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, vec};

    fn node() -> NodeDns {
        NodeDns {
            nameservers: vec!["10.96.0.10".into()],
            domain: "cluster.local".into(),
            host: Some(
                ResolvConf::parse("nameserver 192.0.2.53\nsearch corp.example\noptions rotate\n")
                    .unwrap(),
            ),
            ..NodeDns::default()
        }
    }

    #[test]
    fn policies() {
        let cluster = "nameserver 10.96.0.10\n\
            search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:5\n";
        let host = "nameserver 192.0.2.53\nsearch corp.example\noptions rotate\n";
        for (policy, host_network, want) in [
            (DnsPolicy::ClusterFirst, false, cluster),
            (DnsPolicy::ClusterFirst, true, host),
            (DnsPolicy::ClusterFirstWithHostNet, false, cluster),
            (DnsPolicy::ClusterFirstWithHostNet, true, cluster),
            (DnsPolicy::Default, false, host),
            (DnsPolicy::Default, true, host),
            (DnsPolicy::None, false, ""),
        ] {
            let pod =
                PodDns { policy, host_network, namespace: "shop".into(), ..PodDns::default() };
            let (conf, warnings) = node().resolv_conf(&pod);
            assert_eq!(conf.to_string(), want, "{policy:?} {host_network}");
            assert!(warnings.is_empty());
        }
    }

    #[test]
    fn own_settings_are_merged_and_cut() {
        let config = ResolvConf {
            nameservers: vec!["192.0.2.1".into(), "10.96.0.10".into()],
            searches: (0..40).map(|n| format!("d{n}.example")).collect(),
            options: vec!["ndots:2".into(), "edns0".into()],
        };
        let pod = PodDns { namespace: "shop".into(), config, ..PodDns::default() };
        let (conf, warnings) = node().resolv_conf(&pod);
        assert_eq!(conf.nameservers, ["10.96.0.10", "192.0.2.1"]);
        assert_eq!((conf.searches.len(), conf.searches[3].as_str()), (32, "corp.example"));
        assert_eq!(conf.options, ["ndots:2", "edns0"]);
        assert_eq!(warnings, [PodDnsWarning::Cut]);
    }

    #[test]
    fn missing_pieces() {
        let pod = PodDns { namespace: "shop".into(), ..PodDns::default() };
        let without = NodeDns { nameservers: vec![], ..node() };
        let (conf, warnings) = without.resolv_conf(&pod);
        assert_eq!(conf.nameservers, ["192.0.2.53"]);
        assert_eq!(warnings, [PodDnsWarning::NoClusterDns]);
        let nothing = NodeDns { host: None, ..node() };
        let own = PodDns { policy: DnsPolicy::Default, ..pod };
        assert_eq!(nothing.resolv_conf(&own).0.to_string(), "nameserver 127.0.0.1\nsearch .\n");
    }
}
