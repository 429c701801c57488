//! A pod's `resolv.conf`: what kubelet writes for each DNS policy (kubelet, `network/dns`).

use core::fmt;
use std_alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

/// Longest search domain.
const DOMAIN: usize = 253;

/// The contents of a `resolv.conf`.
///
/// ```
/// use svckit::dns::ResolvConf;
///
/// let host = ResolvConf::parse("nameserver 192.0.2.53\nsearch corp.example.\n").unwrap();
/// assert_eq!(host.to_string(), "nameserver 192.0.2.53\nsearch corp.example\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    /// Addresses of resolvers, in order.
    pub nameservers: Vec<String>,
    /// Domains tried for short names, in order.
    pub searches: Vec<String>,
    /// `ndots:5`, `debug`.
    pub options: Vec<String>,
}

/// A line of a `resolv.conf` that has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a nameserver line has no address")]
pub struct BadResolvConf;

/// How many entries a `resolv.conf` may have.
///
/// ```
/// assert_eq!(svckit::dns::ResolvLimits::default().searches, 32);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvLimits {
    /// Name servers.
    pub nameservers: usize,
    /// Search domains.
    pub searches: usize,
    /// Octets of all search domains and the spaces between them.
    pub search_octets: usize,
}

/// Today's kubelet and glibc.
impl Default for ResolvLimits {
    fn default() -> Self {
        Self { nameservers: 3, searches: 32, search_octets: 2_048 }
    }
}

impl ResolvLimits {
    /// Those of kubelets without the feature ExpandedDNSConfig.
    pub const LEGACY: Self = Self { nameservers: 3, searches: 6, search_octets: 256 };
}

/// A pod's `dnsPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsPolicy {
    /// The cluster's DNS; for pods on the node's network, the node's.
    #[default]
    ClusterFirst,
    /// The cluster's DNS, whatever the network.
    ClusterFirstWithHostNet,
    /// The node's.
    Default,
    /// Only what the pod itself says.
    None,
}

/// Whose settings a pod's start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsBase {
    /// The cluster's.
    Cluster,
    /// The node's.
    Host,
    /// Nobody's.
    Nothing,
}

impl DnsPolicy {
    /// Reads Kubernetes' word; case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ClusterFirst" => Self::ClusterFirst,
            "ClusterFirstWithHostNet" => Self::ClusterFirstWithHostNet,
            "Default" => Self::Default,
            "None" => Self::None,
            _ => return None,
        })
    }

    /// Whose settings a pod's start from.
    #[must_use]
    pub const fn base(self, host_network: bool) -> DnsBase {
        match self {
            Self::ClusterFirst if host_network => DnsBase::Host,
            Self::ClusterFirst | Self::ClusterFirstWithHostNet => DnsBase::Cluster,
            Self::Default => DnsBase::Host,
            Self::None => DnsBase::Nothing,
        }
    }
}

impl ResolvConf {
    /// Reads the text of one. Of several `search` or `options` lines, the last counts.
    ///
    /// # Errors
    ///
    /// A `nameserver` line has no address.
    pub fn parse(text: &str) -> Result<Self, BadResolvConf> {
        let mut parsed = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    parsed.nameservers.push(words.next().ok_or(BadResolvConf)?.to_string());
                }
                Some("search") => {
                    let bare = |word: &str| match word {
                        "." => word.to_string(),
                        _ => word.strip_suffix('.').unwrap_or(word).to_string(),
                    };
                    parsed.searches = words.map(bare).collect();
                }
                Some("options") => parsed.options = words.map(ToString::to_string).collect(),
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// What a pod of `namespace` starts from, when it uses the cluster's DNS at these addresses: the cluster's
    /// domains first, then the node's own. The node's options are dropped.
    #[must_use]
    pub fn cluster(nameservers: Vec<String>, namespace: &str, domain: &str, host: &Self) -> Self {
        let domain = domain.trim_end_matches('.');
        let own = [format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.into()];
        let searches = unique(own.into_iter().chain(host.searches.iter().cloned()));
        Self { nameservers, searches, options: Vec::from(["ndots:5".into()]) }
    }

    /// Adds what the pod says itself (`dnsConfig`): servers and domains follow, each once; of two options of one
    /// name, the pod's counts.
    #[must_use]
    pub fn merge(&self, pod: &Self) -> Self {
        let both = |own: &[String], pod: &[String]| unique(own.iter().chain(pod).cloned());
        let name = |option: &str| option.split(':').next().unwrap_or_default().to_string();
        let kept = self
            .options
            .iter()
            .filter(|option| pod.options.iter().all(|other| name(other) != name(option)));
        Self {
            nameservers: both(&self.nameservers, &pod.nameservers),
            searches: both(&self.searches, &pod.searches),
            options: kept.chain(&pod.options).cloned().collect(),
        }
    }

    /// Cuts the lists to their limits, from the end; domains longer than 253 octets are skipped. Returns whether
    /// anything had to go, which deserves a warning.
    pub fn limit(&mut self, limits: ResolvLimits) -> bool {
        let before = (self.nameservers.len(), self.searches.len());
        self.nameservers.truncate(limits.nameservers);
        self.searches.retain(|domain| domain.len() <= DOMAIN);
        self.searches.truncate(limits.searches);
        let mut octets = 0;
        let fit = self.searches.iter().take_while(|domain| {
            octets += domain.len() + usize::from(octets > 0);
            octets <= limits.search_octets
        });
        let fit = fit.count();
        self.searches.truncate(fit);
        before != (self.nameservers.len(), self.searches.len())
    }

    /// The names a resolver tries for `name`, in order: as it is first when it has enough dots, last otherwise;
    /// only as it is when it ends in a dot (glibc).
    #[must_use]
    pub fn tried(&self, name: &str) -> Vec<String> {
        if let Some(bare) = name.strip_suffix('.') {
            return Vec::from([bare.to_string()]);
        }
        let ndots = self.options.iter().rev().find_map(|option| option.strip_prefix("ndots:"));
        let ndots = ndots.and_then(|number| number.parse().ok()).unwrap_or(1);
        let searched = self.searches.iter().map(|domain| match domain.as_str() {
            "." => name.to_string(),
            domain => format!("{name}.{domain}"),
        });
        let plain = core::iter::once(name.to_string());
        if name.matches('.').count() >= ndots {
            unique(plain.chain(searched))
        } else {
            unique(searched.chain(plain))
        }
    }
}

/// As the file reads.
impl fmt::Display for ResolvConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for server in &self.nameservers {
            writeln!(f, "nameserver {server}")?;
        }
        for (word, list) in [("search", &self.searches), ("options", &self.options)] {
            if !list.is_empty() {
                writeln!(f, "{word} {}", list.join(" "))?;
            }
        }
        Ok(())
    }
}

/// Each text once, where it comes first.
fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tried_in_order() {
        let host =
            ResolvConf { searches: Vec::from(["corp.example".into()]), ..Default::default() };
        let pod = ResolvConf::cluster(Vec::new(), "shop", "cluster.local", &host);
        for (name, count, first, last) in [
            ("cart", 5, "cart.shop.svc.cluster.local", "cart"),
            (
                "cart.pay.svc.cluster.local",
                5,
                "cart.pay.svc.cluster.local.shop.svc.cluster.local",
                "cart.pay.svc.cluster.local",
            ),
            ("api.example.com.", 1, "api.example.com", "api.example.com"),
            ("a.b.c.d.e.example", 5, "a.b.c.d.e.example", "a.b.c.d.e.example.corp.example"),
        ] {
            let tried = pod.tried(name);
            let ends = (tried.first().map(String::as_str), tried.last().map(String::as_str));
            assert_eq!((tried.len(), ends), (count, (Some(first), Some(last))), "{name}");
        }
    }

    #[test]
    fn limits_cut_from_the_end() {
        let domains =
            |count: usize, octets: usize| (0..count).map(move |n| format!("{n:0>octets$}"));
        for (name, searches, limits, want) in [
            ("few", domains(6, 20).collect::<Vec<_>>(), ResolvLimits::LEGACY, 6),
            ("many", domains(7, 20).collect(), ResolvLimits::LEGACY, 6),
            ("long", domains(3, 100).collect(), ResolvLimits::LEGACY, 2),
            ("too long", domains(2, 254).collect(), ResolvLimits::default(), 0),
            ("today", domains(40, 20).collect(), ResolvLimits::default(), 32),
        ] {
            let mut conf = ResolvConf { searches, ..Default::default() };
            let all = conf.searches.len();
            assert_eq!(conf.limit(limits), want < all, "{name}");
            assert_eq!(conf.searches.len(), want, "{name}");
        }
    }
}
