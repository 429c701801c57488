//! Keys: names from right to left, and what stands behind them.

use core::{fmt::Write, net::IpAddr};
use std_alloc::{format, string::String, vec::Vec};

use super::record::SkyRecord;
use crate::dns::{BadName, Name};

/// Seconds that exported records may be kept.
pub(super) const TTL: u32 = 30;

/// The etcd key of a name: its labels from right to left.
///
/// ```
/// let name = "cart.shop.svc.cluster.local".parse()?;
/// assert_eq!(svckit::dns::skydns_key("/skydns", &name), "/skydns/local/cluster/svc/shop/cart");
/// # Ok::<_, svckit::dns::BadName>(())
/// ```
#[must_use]
pub fn skydns_key(prefix: &str, name: &Name) -> String {
    let labels: Vec<_> = name.labels().map(String::from_utf8_lossy).collect();
    labels.iter().rev().fold(prefix.into(), |key: String, label| key + "/" + label)
}

/// The name of an etcd key; `None` when the key isn't below `prefix`.
///
/// # Errors
///
/// The key's parts are no labels, or too long together.
///
/// ```
/// let name = svckit::dns::skydns_name("/skydns", "/skydns/local/cluster/svc")?;
/// assert_eq!(name, Some("svc.cluster.local".parse()?));
/// assert_eq!(svckit::dns::skydns_name("/skydns", "/registry/pods")?, None);
/// # Ok::<_, svckit::dns::BadName>(())
/// ```
pub fn skydns_name(prefix: &str, key: &str) -> Result<Option<Name>, BadName> {
    let Some(path) = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) else {
        return Ok(None);
    };
    let mut labels: Vec<_> = path.split('/').map(str::as_bytes).collect();
    labels.reverse();
    Name::from_labels(labels).map(Some)
}

/// The JSON value of an address record.
#[must_use]
pub fn host_value(address: IpAddr) -> String {
    exported(&format!("{address}"), 0)
}

/// A value as kube2sky wrote it.
pub(super) fn exported(host: &str, port: u16) -> String {
    let record = SkyRecord {
        host: host.into(),
        port,
        priority: 10,
        weight: 10,
        ttl: TTL,
        ..SkyRecord::default()
    };
    format!("{record}")
}

/// The last part of a key as kube2sky made it: FNV-1a of the value, in hexadecimal without leading zeros.
///
/// ```
/// use svckit::dns::{host_value, kube2sky_label};
///
/// assert_eq!(kube2sky_label(&host_value([10, 0, 0, 1].into())), "f488b1a2");
/// ```
#[must_use]
pub fn kube2sky_label(value: &str) -> String {
    format!("{:x}", fnv1a(value))
}

/// The label kube-dns gave the record of an address: FNV-1a of the record as Go prints it, in hexadecimal, and the
/// octets of that text in hexadecimal again.
///
/// ```
/// assert_eq!(svckit::dns::kube_dns_label([10, 0, 0, 1].into()), "3234633364383235");
/// ```
#[must_use]
pub fn kube_dns_label(address: IpAddr) -> String {
    let hash = format!("{:x}", fnv1a(&format!("&{{{address} 0 10 10  false {TTL} 0  }}")));
    hash.bytes().fold(String::new(), |mut text, byte| {
        // Writing into a String doesn't fail.
        let _ = write!(text, "{byte:x}");
        text
    })
}

fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
