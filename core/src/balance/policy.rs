//! How a Service's connections are balanced, beyond what Kubernetes can say: annotations of the Service.
//!
//! ```text
//! svckit.io/balance: maglev               how an endpoint is picked; the names of Method. Default: round-robin
//! svckit.io/weights: web-0=3, 10.1.2.3=0  shares by pod or address, 0 to 65535; who isn't named has 1
//! svckit.io/hash-slots: "65537"           slots of a hash table at least. Default: 100 per endpoint
//! svckit.io/slow-start: 30s               how long a new endpoint's share grows to its full size. Default: 0s
//! svckit.io/spill-over: "100"             near endpoints first, until they have so many connections each
//! svckit.io/near: zone                    which are near: those of this node, or of its zone. Default: node
//! svckit.io/affinity-scope: service       with sessionAffinity ClientIP, one pod for all ports. Default: port
//! svckit.io/client-prefix: 24/64          who is one client: addresses alike in so many bits. Default: 32/128
//! svckit.io/release-on-failure: "true"    a client is let go from an endpoint that can't be reached. Default: false
//! svckit.io/proxy-protocol: v2            endpoints are told who connects, if a process carries the connection
//! ```
//!
//! Weights count for `round-robin`, `random`, `least-connections`, `two-choices`, `peak-ewma` and the hashing
//! methods alike. An endpoint of weight 0 is draining: it gets no new connection unless nobody else is there, and
//! those it has go on, as do the clients that stick to it.
//!
//! A bad value is reported and leaves the default in place; the others count.

use core::{fmt, net::IpAddr, time::Duration};
use std_alloc::{sync::Arc, vec::Vec};

use super::Method;
use crate::model::ANNOTATION_PREFIX;

/// What stands behind the prefix.
pub(crate) const NAMES: [&str; 10] = [
    "affinity-scope",
    "balance",
    "client-prefix",
    "hash-slots",
    "near",
    "proxy-protocol",
    "release-on-failure",
    "slow-start",
    "spill-over",
    "weights",
];

/// The longest slow start.
const LONGEST: Duration = Duration::from_secs(3600);

/// Shares by name.
pub type Weights = Arc<[(Arc<str>, u16)]>;

/// How a Service's connections are balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How an endpoint is picked. Default: round robin.
    pub method: Method,
    /// Whether an annotation says so: kernels else pick at random, as kube-proxy does. Default: no.
    pub named: bool,
    /// Shares by pod name or address; the first that fits counts, who isn't named has 1. Default: none.
    pub weights: Weights,
    /// Slots of a hash table, at least. Default: 0, which leaves 100 per endpoint.
    pub hash_slots: u32,
    /// How long a new endpoint's share grows to its full size. Default: 0.
    pub slow_start: Duration,
    /// Connections that each near endpoint has before others are picked; 0: all are alike. Default: 0.
    pub spill_over: u32,
    /// Whether endpoints of the node's zone are near. Default: only those of the node.
    pub near_zone: bool,
    /// The zones of endpoints, by address; they count with `near_zone`. [`crate::table::Policies`] knows them. Default: none.
    pub zones: Arc<[(IpAddr, Arc<str>)]>,
    /// Whether one client has one pod for all ports of the Service. Default: one endpoint for each port.
    pub whole_service: bool,
    /// Leading bits in which addresses of one client are alike, for IPv4 and IPv6. Default: all.
    pub client_prefix: (u8, u8),
    /// Whether a client is let go from an endpoint that can't be reached. Default: no, as in Kubernetes.
    pub release_on_failure: bool,
    /// How endpoints are told who connects, if a process carries the connection. Default: they aren't.
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// A version of the PROXY protocol: how a connection's true source is told in its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            method: Method::RoundRobin,
            named: false,
            weights: Arc::default(),
            hash_slots: 0,
            slow_start: Duration::ZERO,
            spill_over: 0,
            near_zone: false,
            zones: Arc::default(),
            whole_service: false,
            client_prefix: (32, 128),
            release_on_failure: false,
            proxy_protocol: None,
        }
    }
}

/// An annotation that says nothing useful.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("annotation {key}: {value:?} is not {wanted}")]
pub struct BadAnnotation {
    /// Its key.
    pub key: Arc<str>,
    /// What it says.
    pub value: Arc<str>,
    /// What it might say.
    pub wanted: &'static str,
}

impl Policy {
    /// Reads a Service's annotations; those of others are passed over.
    ///
    /// ```
    /// use svckit::balance::{Method, Policy};
    ///
    /// let annotations = [("svckit.io/balance", "maglev"), ("svckit.io/weights", "web-0=3"), ("a.example/b", "c")];
    /// let (policy, bad) = Policy::from_annotations(annotations);
    /// assert_eq!(policy.method, Method::Maglev);
    /// assert_eq!(policy.weight(["web-0", "10.1.2.3"]), 3);
    /// assert_eq!(policy.weight(["web-1", "10.1.2.4"]), 1);
    /// assert!(bad.is_empty());
    ///
    /// let (policy, bad) = Policy::from_annotations([("svckit.io/balance", "fair")]);
    /// assert_eq!((policy.method, bad.len()), (Method::RoundRobin, 1));
    /// ```
    pub fn from_annotations<'a>(
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Self, Vec<BadAnnotation>) {
        let (mut policy, mut bad) = (Self::default(), Vec::new());
        for (key, value) in annotations {
            let Some(name) = key.strip_prefix(ANNOTATION_PREFIX) else { continue };
            if let Err(wanted) = policy.read(name, value.trim()) {
                bad.push(BadAnnotation { key: key.into(), value: value.into(), wanted });
            }
        }
        (policy, bad)
    }

    /// The share of an endpoint that goes by these names.
    #[must_use]
    pub fn weight<'a>(&self, names: impl IntoIterator<Item = &'a str> + Clone) -> u16 {
        let is_named = |name: &str| names.clone().into_iter().any(|own| own == name);
        self.weights.iter().find(|(name, _)| is_named(name)).map_or(1, |(_, weight)| *weight)
    }

    /// Whether an endpoint is near because of its zone.
    pub(crate) fn is_in(&self, zone: Option<&str>, addr: IpAddr) -> bool {
        let known = self.zones.binary_search_by_key(&addr, |(addr, _)| *addr).ok();
        let own = known.and_then(|at| self.zones.get(at)).map(|(_, zone)| &**zone);
        self.near_zone && own.is_some() && own == zone
    }

    fn read(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match name {
            "balance" => {
                self.method = Method::parse(value).ok_or(Method::NAMES)?;
                self.named = true;
            }
            "weights" => {
                self.weights = weights(value).ok_or("a list like web-0=3, 10.1.2.3=0")?;
            }
            "hash-slots" => {
                let slots = value.parse().ok().filter(|slots| *slots <= 4_194_301);
                self.hash_slots = slots.ok_or("a number up to 4194301")?;
            }
            "slow-start" => {
                self.slow_start = seconds(value).ok_or("a time up to 3600s, like 30s")?;
            }
            "spill-over" => {
                self.spill_over = value.parse().map_err(|_| "a number of connections")?;
            }
            "near" => {
                self.near_zone = match value {
                    "zone" => true,
                    "node" => false,
                    _ => return Err("node or zone"),
                };
            }
            "affinity-scope" => {
                self.whole_service = match value {
                    "service" => true,
                    "port" => false,
                    _ => return Err("port or service"),
                };
            }
            "client-prefix" => {
                self.client_prefix = prefixes(value).ok_or("a prefix length like 24, or 24/64")?;
            }
            "release-on-failure" => {
                self.release_on_failure = value.parse().map_err(|_| "true or false")?;
            }
            "proxy-protocol" => {
                self.proxy_protocol = match value {
                    "v1" => Some(ProxyProtocol::V1),
                    "v2" => Some(ProxyProtocol::V2),
                    _ => return Err("v1 or v2"),
                };
            }
            // Another version's; admission tells.
            _ => {}
        }
        Ok(())
    }
}

/// The address that stands for a client, if one is an address up to this many bits.
pub(crate) fn client((v4, v6): (u8, u8), addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(v4.into())).unwrap_or(0);
            core::net::Ipv4Addr::from_bits(ip.to_bits() & mask).into()
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(v6.into())).unwrap_or(0);
            core::net::Ipv6Addr::from_bits(ip.to_bits() & mask).into()
        }
    }
}

fn weights(text: &str) -> Option<Weights> {
    let each = |part: &str| {
        let (name, weight) = part.split_once('=')?;
        let name = Some(name.trim()).filter(|name| !name.is_empty())?;
        Some((name.into(), weight.trim().parse().ok()?))
    };
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(each).collect()
}

fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s').unwrap_or(text).trim();
    let time = Duration::from_secs(number.parse().ok()?);
    (time <= LONGEST).then_some(time)
}

fn prefixes(text: &str) -> Option<(u8, u8)> {
    let (v4, v6) = match text.split_once('/') {
        Some((v4, v6)) => (v4.trim().parse().ok()?, v6.trim().parse().ok()?),
        None => (text.parse().ok()?, 128),
    };
    ((1..=32).contains(&v4) && (1..=128).contains(&v6)).then_some((v4, v6))
}

/// Short, for logs: the method alone.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.method.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn annotations_are_read_one_by_one() {
        let all = [
            ("svckit.io/balance", "peak-ewma"),
            ("svckit.io/weights", "a=2, 10.0.0.1=0,"),
            ("svckit.io/hash-slots", "65537"),
            ("svckit.io/slow-start", "30s"),
            ("svckit.io/spill-over", "100"),
            ("svckit.io/affinity-scope", "service"),
            ("svckit.io/client-prefix", "24/64"),
            ("svckit.io/near", "zone"),
            ("svckit.io/release-on-failure", "true"),
            ("svckit.io/proxy-protocol", "v1"),
            ("svckit.io/ingress-something", "else"),
        ];
        let (policy, bad) = Policy::from_annotations(all);
        assert_eq!(bad, []);
        let want = Policy {
            method: Method::PeakEwma,
            named: true,
            weights: [("a".into(), 2), ("10.0.0.1".into(), 0)].into(),
            hash_slots: 65_537,
            slow_start: Duration::from_secs(30),
            spill_over: 100,
            near_zone: true,
            whole_service: true,
            client_prefix: (24, 64),
            release_on_failure: true,
            proxy_protocol: Some(ProxyProtocol::V1),
            ..Policy::default()
        };
        assert_eq!(policy, want);
        for (key, value) in [
            ("svckit.io/balance", "Maglev"),
            ("svckit.io/weights", "a"),
            ("svckit.io/weights", "a=65536"),
            ("svckit.io/weights", "=1"),
            ("svckit.io/hash-slots", "5000000"),
            ("svckit.io/slow-start", "2h"),
            ("svckit.io/slow-start", "3601"),
            ("svckit.io/spill-over", "-1"),
            ("svckit.io/near", "region"),
            ("svckit.io/affinity-scope", "pod"),
            ("svckit.io/client-prefix", "0"),
            ("svckit.io/client-prefix", "24/129"),
            ("svckit.io/release-on-failure", "yes"),
            ("svckit.io/proxy-protocol", "3"),
        ] {
            let (policy, bad) = Policy::from_annotations([(key, value)]);
            assert_eq!(policy, Policy::default(), "{key}: {value}");
            assert!(bad[0].to_string().contains(value), "{}", bad[0]);
        }
    }

    #[test]
    fn every_name_is_read() {
        for name in NAMES {
            let key = std::format!("{ANNOTATION_PREFIX}{name}");
            let (_, bad) = Policy::from_annotations([(&*key, "?")]);
            assert_eq!(bad.len(), 1, "{name} takes anything");
        }
    }

    #[test]
    fn clients_are_prefixes() {
        let of = |prefix, addr: &str| client(prefix, addr.parse().unwrap()).to_string();
        assert_eq!(of((24, 64), "192.0.2.77"), "192.0.2.0");
        assert_eq!(of((24, 64), "2001:db8::1:2:3:4"), "2001:db8::");
        assert_eq!(of((32, 128), "192.0.2.77"), "192.0.2.77");
    }
}
