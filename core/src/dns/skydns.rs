//! The records of a Service in the layout that SkyDNS reads from etcd, as kube2sky wrote them (Kubernetes 1.0 to 1.2).
//!
//! ```text
//! /skydns/local/cluster/svc/shop/cart/f488b1a2             {"host":"10.0.0.1","priority":10,"weight":10,"ttl":30}
//! /skydns/local/cluster/svc/shop/cart/_tcp/_http/7d5b0c1a  {"host":"cart.shop.svc.cluster.local.","port":80,…}
//! ```
//!
//! The last part of a key is a hash of its value, so that equal records have equal keys.

use core::{fmt::Write, net::IpAddr};
use std_alloc::{format, string::String, vec::Vec};

use super::{
    Name, Snapshot,
    entry::{Body, Entry, PortRecord},
};

/// Seconds that the records may be kept.
const TTL: u32 = 30;

impl Snapshot {
    /// Keys and JSON values of every Service, sorted by key; `prefix` is `/skydns` unless somebody changed it.
    ///
    /// ExternalName Services are left out, as kube2sky did.
    #[must_use]
    pub fn skydns_records(&self, prefix: &str) -> Vec<(String, String)> {
        let mut records = Vec::new();
        for entry in self.services.sorted() {
            if entry.is_live(&self.config.options) {
                self.skydns_service(entry, prefix, &mut records);
            }
        }
        records.sort_unstable();
        records.dedup();
        records
    }

    fn skydns_service(&self, entry: &Entry, prefix: &str, records: &mut Vec<(String, String)>) {
        let zone = &self.config.served.primary;
        let Some(name) = super::apex::spelled(&[], entry, false, zone) else { return };
        let base = skydns_key(prefix, &name);
        match (&entry.body, entry.endpoints.as_deref()) {
            (Body::Cluster { .. }, _) => {
                for address in entry.addresses() {
                    let value = host_value(address);
                    records.push((format!("{base}/{}", kube2sky_label(&value)), value));
                }
                for port in &entry.ports {
                    let value = srv_value(&name, port.port);
                    records.extend(
                        srv_key(&base, port, &kube2sky_label(&value)).map(|key| (key, value)),
                    );
                }
            }
            (Body::Headless, Some(endpoints)) => {
                for record in endpoints.list() {
                    let value = host_value(record.address);
                    let given = endpoints.label(record);
                    let label = match super::endpoints::Endpoints::has_hostname(record) {
                        true => String::from_utf8_lossy(given.as_bytes()).into_owned(),
                        false => kube2sky_label(&value),
                    };
                    let Ok(own) = Name::from_labels([label.as_bytes()]) else { continue };
                    let Ok(target) = own.join(&name) else { continue };
                    for port in endpoints.ports(record) {
                        let key = srv_key(&base, port, &label);
                        records.extend(key.map(|key| (key, srv_value(&target, port.port))));
                    }
                    records.push((format!("{base}/{label}"), value));
                }
            }
            _ => {}
        }
    }
}

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

/// The JSON value of an address record.
#[must_use]
pub fn host_value(address: IpAddr) -> String {
    format!(r#"{{"host":"{address}","priority":10,"weight":10,"ttl":{TTL}}}"#)
}

fn srv_value(target: &Name, port: u16) -> String {
    format!(r#"{{"host":"{target}","port":{port},"priority":10,"weight":10,"ttl":{TTL}}}"#)
}

fn srv_key(base: &str, port: &PortRecord, label: &str) -> Option<String> {
    let protocol = port.protocol.as_lower();
    (!port.name.is_empty()).then(|| format!("{base}/_{protocol}/_{}/{label}", port.name))
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
