//! A snapshot's records as keys and values, as kube2sky wrote them; and what is different in the next snapshot.

use std_alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use super::key::{exported, host_value, kube2sky_label, skydns_key};
use crate::dns::{
    Name, PodRecords, Snapshot,
    apex::spelled,
    endpoints::Endpoints,
    entry::{Body, Entry, PortRecord},
    label::Label,
};

/// What is to be done about one key.
///
/// ```
/// use svckit::dns::SkyChange;
///
/// let put = SkyChange { key: "/skydns/local".into(), value: Some("{}".into()) };
/// assert!(put.value.is_some(), "otherwise it is deleted");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkyChange {
    /// The key.
    pub key: String,
    /// What it says now; `None`: it is gone.
    pub value: Option<String>,
}

type Records = BTreeMap<String, String>;

impl Snapshot {
    /// Keys and JSON values of every Service, and of pods that are verified; `prefix` is `/skydns` unless somebody
    /// changed it. ExternalName Services are left out, as kube2sky did.
    ///
    /// The last part of a key is a hash of its value, so that equal records have equal keys; endpoints with a
    /// hostname have that instead.
    #[must_use]
    pub fn skydns_records(&self, prefix: &str) -> BTreeMap<String, String> {
        let mut records = Records::new();
        for entry in self.services.sorted() {
            self.skydns_service(entry, prefix, &mut records);
        }
        if self.config.options.pods == PodRecords::Verified {
            self.pods.for_each(&mut |address, pod| {
                self.skydns_pod(address, &pod.namespace, prefix, &mut records);
            });
        }
        records
    }

    /// The keys that differ from `before`, Service by Service; of each, what is new comes before what is gone, so that
    /// a name never has too little. Costs what changed, not what there is; `before` must come from the same zone.
    #[must_use]
    pub fn skydns_changes(&self, before: &Self, prefix: &str) -> Vec<Vec<SkyChange>> {
        let mut changes = Vec::new();
        let mut differ = |old: Records, new: Records| {
            let puts = new.iter().filter(|(key, value)| old.get(*key) != Some(*value));
            let put = |(key, value): (&String, &String)| SkyChange {
                key: key.clone(),
                value: Some(value.clone()),
            };
            let mut own: Vec<_> = puts.map(put).collect();
            let gone = old.keys().filter(|key| !new.contains_key(*key));
            own.extend(gone.map(|key| SkyChange { key: key.clone(), value: None }));
            if !own.is_empty() {
                changes.push(own);
            }
        };
        self.services.differences(&before.services, &mut |old, new| {
            let records = |snapshot: &Self, entry: Option<&Arc<Entry>>| {
                let mut records = Records::new();
                if let Some(entry) = entry {
                    snapshot.skydns_service(entry, prefix, &mut records);
                }
                records
            };
            differ(records(before, old), records(self, new));
        });
        if self.config.options.pods == PodRecords::Verified {
            self.pods.differences(&before.pods, &mut |address, old, new| {
                let records = |pods: &[crate::model::NamespacedName]| {
                    let mut records = Records::new();
                    for pod in pods {
                        self.skydns_pod(address, &pod.namespace, prefix, &mut records);
                    }
                    records
                };
                differ(records(&old), records(&new));
            });
        }
        changes
    }

    fn skydns_pod(
        &self,
        address: core::net::IpAddr,
        namespace: &str,
        prefix: &str,
        records: &mut Records,
    ) {
        let label = Label::of_address(address);
        let labels = [label.as_bytes(), namespace.as_bytes(), b"pod"];
        let zone = &self.config.served.primary;
        if let Ok(name) = Name::from_labels(labels.into_iter().chain(zone.labels())) {
            let value = host_value(address);
            records
                .insert(format!("{}/{}", skydns_key(prefix, &name), kube2sky_label(&value)), value);
        }
    }

    fn skydns_service(&self, entry: &Entry, prefix: &str, records: &mut Records) {
        if !entry.is_live(&self.config.options) {
            return;
        }
        let zone = &self.config.served.primary;
        let Some(name) = spelled(&[], entry, false, zone) else { return };
        let base = skydns_key(prefix, &name);
        match (&entry.body, entry.endpoints.as_deref()) {
            (Body::Cluster { .. }, _) => {
                for address in entry.addresses() {
                    let value = host_value(address);
                    records.insert(format!("{base}/{}", kube2sky_label(&value)), value);
                }
                for port in &entry.ports {
                    let value = exported(&name.to_string(), port.port);
                    records.extend(
                        srv_key(&base, port, &kube2sky_label(&value)).map(|key| (key, value)),
                    );
                }
            }
            (Body::Headless, Some(endpoints)) => {
                for record in endpoints.list() {
                    headless(&base, &name, endpoints, record, records);
                }
            }
            _ => {}
        }
    }
}

/// The records of one endpoint of a headless Service.
fn headless(
    base: &str,
    service: &Name,
    endpoints: &Endpoints,
    record: &crate::dns::endpoints::Record,
    records: &mut Records,
) {
    let value = host_value(record.address);
    let hash = kube2sky_label(&value);
    let given = endpoints.label(record);
    let own = Endpoints::has_hostname(record);
    let label = match own {
        true => String::from_utf8_lossy(given.as_bytes()).to_ascii_lowercase(),
        false => hash.clone(),
    };
    let target = Name::from_labels([label.as_bytes()]).and_then(|label| label.join(service));
    let Ok(target) = target else { return };
    for port in endpoints.ports(record) {
        let key = srv_key(base, port, &label);
        records.extend(key.map(|key| (key, exported(&target.to_string(), port.port))));
    }
    let key = format!("{base}/{label}");
    let shared = own && endpoints.called(given.as_bytes(), None).len() > 1;
    if shared {
        // A key holds one value: endpoints that share a hostname stand below it, and beside it for the Service.
        records.insert(format!("{key}/{hash}"), value.clone());
        records.insert(format!("{base}/{hash}"), value);
    } else {
        records.insert(key, value);
    }
}

fn srv_key(base: &str, port: &PortRecord, label: &str) -> Option<String> {
    let protocol = port.protocol.as_lower();
    (!port.name.is_empty()).then(|| format!("{base}/_{protocol}/_{}/{label}", port.name))
}
