//! Names: what a cluster's DNS answers.
//!
//! A [`Zone`] follows the stream of changes and gives out [`Snapshot`]s; a snapshot turns a question, as bytes, into
//! a reply, as bytes, in the caller's buffer. The records are those of the Kubernetes DNS specification 1.1.0; where
//! CoreDNS deviates from the DNS standards, [`Mode`] says which of the two is followed.
//!
//! ```text
//! question   the client's message, taken apart          zone       follows changes, builds snapshots
//! served     which zone a name is in                    table      Services by name and by address
//! shape      what the labels of a name mean             entry      one Service, laid out for answers
//! locate     what a name is, whatever the type          endpoints  its ready endpoints
//! emit apex  its records                                snapshot   all of it at one moment
//! reply      writes them                                trie       what snapshots share
//! search     whole search lists at once, by a walk      skydns     the same records as etcd had them in 2015
//! batch      many messages at once
//! ```
//!
//! There is no cache in here, nothing is signed, and nothing is asked elsewhere: an outcome says when somebody else
//! has to be asked.

mod addresses;
mod answer;
mod apex;
mod arpa;
mod batch;
mod chosen;
mod code;
mod complete;
mod emit;
mod endpoints;
mod entry;
mod import;
mod key;
mod label;
mod locate;
mod message;
mod name;
mod options;
mod outside;
mod pod_resolv;
mod pointers;
mod question;
mod record;
mod reply;
mod resolv_conf;
mod search;
mod served;
mod shape;
mod side;
mod size;
mod skydns;
mod snapshot;
mod table;
mod transfer;
mod transferred;
mod trie;
mod walk;
mod zone;

pub use answer::{Outcome, Peer, Transport, Upstream};
pub use arpa::{pointer_name, reverse_zones};
pub use code::{BadType, Rcode, Type};
pub use import::ServiceImport;
pub use label::endpoint_label;
pub use message::{BadMessage, Message};
pub use name::{BadName, Name};
pub use options::{ExternalOptions, Mode, Options, PodRecords, Pointers};
pub use pod_resolv::{NodeDns, PodDns, PodDnsWarning};
pub use record::{Data, Record, Soa, Srv};
pub use resolv_conf::{BadResolvConf, DnsBase, DnsPolicy, ResolvConf, ResolvLimits};
pub use shape::{Class, Dialect, Left, Shape, without_underscore};
pub use skydns::{
    SkyChange, SkyDns, SkyOptions, SkyRecord, host_value, kube_dns_label, kube2sky_label,
    skydns_key, skydns_name,
};
pub use snapshot::{Serials, Snapshot};
pub use transfer::Transfer;
pub use walk::{Walk, Walked};
pub use zone::Zone;

#[cfg(test)]
mod tests;
