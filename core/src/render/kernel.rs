//! What kernels can't do of what Services ask for.
//!
//! ```text
//!            nftables                         iptables, IPVS
//! balance    round-robin, random, the hashed  no: at random (IPVS: in turn)
//! weights    by pod and address               no: all alike
//! hash-slots yes                              no
//! others     no: they need counts of connections, the clients' history, or a process in between
//! ```

use std_alloc::{format, vec::Vec};

use crate::{
    balance::{Method, Policy},
    finding::{Finding, Kind},
    model::ANNOTATION_PREFIX,
};

/// A way to program a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// See [`super::nft`].
    Nft,
    /// See [`super::iptables`].
    Iptables,
    /// See [`super::ipvs`].
    Ipvs,
}

impl Kernel {
    /// Which of a Service's annotations have no effect there, as warnings without the object's name.
    ///
    /// ```
    /// use svckit::render::Kernel;
    ///
    /// let annotations = [("svckit.io/balance", "maglev")];
    /// assert!(Kernel::Nft.passes_over(annotations).is_empty());
    /// assert_eq!(Kernel::Iptables.passes_over(annotations)[0].path, "metadata.annotations[svckit.io/balance]");
    /// ```
    pub fn passes_over<'a>(
        self,
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<Finding> {
        let told = annotations.into_iter().filter_map(|(key, value)| {
            let name = key.strip_prefix(ANNOTATION_PREFIX)?;
            // What says nothing useful is admission's to tell.
            let (policy, bad) = Policy::from_annotations([(key, value)]);
            let instead = self.instead(name, &policy).filter(|_| bad.is_empty())?;
            let path = format!("metadata.annotations[{key}]");
            let message = format!("has no effect with {}: {instead}", self.name());
            Some(Finding::warning(Kind::NotSupported, path, value, message))
        });
        told.collect()
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Nft => "nftables",
            Self::Iptables => "iptables",
            Self::Ipvs => "IPVS",
        }
    }

    /// What happens instead of what an annotation asks for; `None`: it is done, or it asks for what is done anyway.
    fn instead(self, name: &str, policy: &Policy) -> Option<&'static str> {
        let plain = Policy::default();
        match name {
            "balance" => self.instead_of(policy.method),
            "weights" | "hash-slots" if self == Self::Nft => None,
            "weights" => Some("all endpoints have the same share"),
            "hash-slots" => Some("there is no table"),
            "slow-start" if policy.slow_start != plain.slow_start => {
                Some("a new endpoint has its full share at once")
            }
            "spill-over" if policy.spill_over != plain.spill_over => {
                Some("near and far endpoints are alike")
            }
            "near" if policy.near_zone => Some("use trafficDistribution: PreferSameZone"),
            "affinity-scope" if policy.whole_service => {
                Some("each port remembers its clients by itself")
            }
            "client-prefix" if policy.client_prefix != plain.client_prefix => {
                Some("each address is a client")
            }
            "release-on-failure" if policy.release_on_failure => {
                Some("a client stays until its endpoint is no longer ready")
            }
            "proxy-protocol" => Some("endpoints see the client's address unless it is masqueraded"),
            _ => None,
        }
    }

    const fn instead_of(self, method: Method) -> Option<&'static str> {
        match (self, method) {
            (
                Self::Nft,
                Method::RoundRobin
                | Method::Random
                | Method::Maglev
                | Method::Rendezvous
                | Method::RendezvousTable,
            )
            | (Self::Iptables, Method::Random)
            | (Self::Ipvs, Method::RoundRobin) => None,
            (Self::Ipvs, _) => Some("endpoints take turns"),
            _ => Some("endpoints are picked at random"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, vec};

    fn told(kernel: Kernel, name: &str, value: &str) -> Vec<String> {
        let key = format!("{ANNOTATION_PREFIX}{name}");
        kernel.passes_over([(&*key, value)]).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn what_a_kernel_does_is_not_told() {
        use Kernel::{Iptables, Ipvs, Nft};
        for (name, value, by) in [
            ("balance", "maglev", vec![Nft]),
            ("balance", "round-robin", vec![Nft, Ipvs]),
            ("balance", "random", vec![Nft, Iptables]),
            ("balance", "least-connections", vec![]),
            ("balance", "fair", vec![Nft, Iptables, Ipvs]),
            ("weights", "web-0=3", vec![Nft]),
            ("hash-slots", "509", vec![Nft]),
            ("slow-start", "30s", vec![]),
            ("slow-start", "0s", vec![Nft, Iptables, Ipvs]),
            ("spill-over", "100", vec![]),
            ("near", "zone", vec![]),
            ("near", "node", vec![Nft, Iptables, Ipvs]),
            ("affinity-scope", "service", vec![]),
            ("affinity-scope", "port", vec![Nft, Iptables, Ipvs]),
            ("client-prefix", "24/64", vec![]),
            ("client-prefix", "32/128", vec![Nft, Iptables, Ipvs]),
            ("release-on-failure", "true", vec![]),
            ("proxy-protocol", "v2", vec![]),
            ("another", "x", vec![Nft, Iptables, Ipvs]),
        ] {
            for kernel in [Nft, Iptables, Ipvs] {
                let told = told(kernel, name, value);
                assert_eq!(
                    told.is_empty(),
                    by.contains(&kernel),
                    "{kernel:?} {name}={value}: {told:?}"
                );
            }
        }
    }
}
