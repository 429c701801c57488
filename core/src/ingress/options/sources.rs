//! Who may ask.

use core::net::IpAddr;
use ipnet::IpNet;
use std_alloc::vec::Vec;

/// Networks that may ask, and networks that may not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceAcl {
    /// Only these; `None`: everybody. An empty list lets nobody in.
    pub allow: Option<Vec<IpNet>>,
    /// Not even if they are allowed.
    pub deny: Vec<IpNet>,
}

impl SourceAcl {
    /// Whether a client may ask. An IPv4 address written as IPv6 counts as IPv4.
    ///
    /// ```
    /// use svckit::ingress::SourceAcl;
    ///
    /// let acl = SourceAcl { allow: Some(vec!["10.0.0.0/8".parse().unwrap()]), deny: vec![] };
    /// assert!(acl.admits("10.1.2.3".parse().unwrap()));
    /// assert!(acl.admits("::ffff:10.1.2.3".parse().unwrap()));
    /// assert!(!acl.admits("192.0.2.1".parse().unwrap()));
    /// ```
    #[must_use]
    pub fn admits(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        let among = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&client));
        self.allow.as_ref().is_none_or(|allow| among(allow)) && !among(&self.deny)
    }
}

/// Networks or single addresses with commas; those that can't be read come second.
pub(super) fn networks(text: &str) -> (Vec<IpNet>, Vec<&str>) {
    let (mut nets, mut bad) = (Vec::new(), Vec::new());
    for item in super::values::list(text) {
        let net = item.parse().or_else(|_| item.parse().map(|addr: IpAddr| IpNet::from(addr)));
        match net {
            Ok(net) => nets.push(net),
            Err(_) => bad.push(item),
        }
    }
    (nets, bad)
}
