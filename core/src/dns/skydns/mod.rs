//! The layout in which SkyDNS keeps records in etcd (Kubernetes 1.0 to 1.2, and CoreDNS's plugin `etcd`).
//!
//! ```text
//! /skydns/local/cluster/svc/shop/cart/f488b1a2             {"host":"10.0.0.1","priority":10,"weight":10,"ttl":30}
//! /skydns/local/cluster/svc/shop/cart/_tcp/_http/7d5b0c1a  {"host":"cart.shop.svc.cluster.local.","port":80,…}
//!
//! Snapshot ──export──▶ keys and values ──▶ etcd ──▶ SkyDns ──▶ answers
//! ```
//!
//! `key` names the keys, `record` is a value, `export` writes a snapshot's records, `tree` keeps records by key,
//! `find` finds those of a name, and `answer` makes replies of them. Nothing here talks to etcd.

mod answer;
mod chain;
mod export;
mod find;
mod key;
mod options;
mod record;
mod tree;

pub use export::SkyChange;
pub use key::{host_value, kube_dns_label, kube2sky_label, skydns_key, skydns_name};
pub use options::SkyOptions;
pub use record::SkyRecord;
pub use tree::SkyDns;
