//! A zone as a list of records: what a person would write into a zone file, and how a server reads one.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};
use svckit::{
    dns::{Data, Rcode, Record},
    model::{Change, Endpoint, EndpointSlice, Exposure, NamespacedName, Service},
};

use super::DOMAIN;

/// What has been told.
#[derive(Default)]
pub(super) struct Model {
    services: BTreeMap<NamespacedName, Arc<Service>>,
    slices: BTreeMap<NamespacedName, Arc<EndpointSlice>>,
    namespaces: BTreeSet<Arc<str>>,
}

/// Names with what they say.
#[derive(Default)]
pub(super) struct Records {
    all: BTreeMap<String, BTreeSet<(u16, String)>>,
    aliases: BTreeMap<String, String>,
    /// Namespaces, for pods' names.
    pods: Vec<String>,
}

/// What a question gets.
#[derive(Debug)]
pub(super) enum Answer {
    /// A code, and the records as lines, sorted.
    Told(Rcode, Vec<String>),
    /// Somebody else has to be asked for this name.
    Elsewhere(String),
}

impl Model {
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Service(service) => {
                drop(self.services.insert(service.key.clone(), service.clone()))
            }
            Change::ServiceGone(key) => drop(self.services.remove(key)),
            Change::Slice(slice) => drop(self.slices.insert(slice.key.clone(), slice.clone())),
            Change::SliceGone(key) => drop(self.slices.remove(key)),
            Change::Namespace(name) => drop(self.namespaces.insert(name.clone())),
            Change::NamespaceGone(name) => drop(self.namespaces.remove(name)),
            _ => {}
        }
    }

    /// The shortest way to the same state.
    pub(super) fn changes(&self) -> Vec<Change> {
        let slices = self.slices.values().cloned().map(Change::Slice);
        let services = self.services.values().cloned().map(Change::Service);
        slices
            .chain(services)
            .chain(self.namespaces.iter().cloned().map(Change::Namespace))
            .collect()
    }

    pub(super) fn records(&self) -> Records {
        let mut records = Records::default();
        records.exists(&format!("svc.{DOMAIN}."));
        records.exists(&format!("pod.{DOMAIN}."));
        records.exists(&format!("ns.dns.{DOMAIN}."));
        records.put(&format!("dns-version.{DOMAIN}."), 16, "\"1.1.0\"");
        records.exists("10.in-addr.arpa.");
        let own = self.services.keys().map(|key| &key.namespace);
        for namespace in self.namespaces.iter().chain(own).collect::<BTreeSet<_>>() {
            records.exists(&format!("{namespace}.svc.{DOMAIN}."));
            records.exists(&format!("{namespace}.pod.{DOMAIN}."));
            records.pods.push(format!(".{namespace}.pod.{DOMAIN}."));
        }
        for service in self.services.values() {
            self.service(service, &mut records);
        }
        self.pointers(&mut records);
        records
    }

    /// The ready endpoints of a Service, with the slices they are in.
    fn endpoints(&self, key: &NamespacedName) -> Vec<(&EndpointSlice, &Endpoint)> {
        let slices = self.slices.values().filter(|slice| slice.service == *key);
        let all = slices.flat_map(|slice| slice.endpoints.iter().map(move |one| (&**slice, one)));
        all.filter(|(_, endpoint)| endpoint.conditions.ready).collect()
    }

    fn service(&self, service: &Service, records: &mut Records) {
        let name = service_name(&service.key);
        let endpoints = self.endpoints(&service.key);
        match &service.exposure {
            Exposure::ExternalName(target) => {
                records.exists(&name);
                records.aliases.insert(name, format!("{target}."));
                return;
            }
            Exposure::Headless(_) if endpoints.is_empty() => return,
            Exposure::Headless(_) => {
                for (slice, endpoint) in &endpoints {
                    records.address(&name, endpoint.addresses[0]);
                    let target = format!("{}.{name}", label(endpoint));
                    for port in &slice.ports {
                        let line = format!("{} {target}", port.port.unwrap());
                        let protocol = port.protocol.as_lower();
                        records.put(&format!("_{}._{protocol}.{name}", port.name), 33, &line);
                        records.put(&name, 33, &line);
                        records.put(&target, 33, &line);
                    }
                }
            }
            exposure => {
                let ips = match exposure {
                    Exposure::ClusterIp(ips) => ips.iter().collect(),
                    _ => Vec::new(),
                };
                for ip in ips {
                    records.address(&name, ip);
                }
                for port in &service.ports {
                    let line = format!("{} {name}", port.port);
                    let protocol = port.protocol.as_lower();
                    records.put(&format!("_{}._{protocol}.{name}", port.name), 33, &line);
                    records.put(&name, 33, &line);
                }
                for (slice, endpoint) in &endpoints {
                    let target = format!("{}.{name}", label(endpoint));
                    for port in &slice.ports {
                        records.put(&target, 33, &format!("{} {target}", port.port.unwrap()));
                    }
                }
            }
        }
        for (_, endpoint) in &endpoints {
            records.address(&format!("{}.{name}", label(endpoint)), endpoint.addresses[0]);
        }
    }

    /// Names of addresses: cluster IPs first, endpoints where there is none.
    fn pointers(&self, records: &mut Records) {
        let mut owned: BTreeMap<IpAddr, String> = BTreeMap::new();
        for service in self.services.values().rev() {
            if let Exposure::ClusterIp(ips) = &service.exposure {
                ips.iter().for_each(|ip| drop(owned.insert(ip, service_name(&service.key))));
            }
        }
        // Of several Services with one address, the first by name is told, then by namespace.
        for service in self.services.values() {
            if let Exposure::ClusterIp(ips) = &service.exposure {
                for ip in ips.iter() {
                    let name = service_name(&service.key);
                    owned.entry(ip).and_modify(|first| {
                        if name < *first {
                            first.clone_from(&name);
                        }
                    });
                }
            }
        }
        for (ip, name) in &owned {
            if let Some(arpa) = arpa(*ip) {
                records.put(&arpa, 12, name);
            }
        }
        for service in self.services.values() {
            if matches!(service.exposure, Exposure::ExternalName(_)) {
                continue;
            }
            for (_, endpoint) in self.endpoints(&service.key) {
                let ip = endpoint.addresses[0];
                if let Some(arpa) = arpa(ip).filter(|_| !owned.contains_key(&ip)) {
                    records.put(
                        &arpa,
                        12,
                        &format!("{}.{}", label(endpoint), service_name(&service.key)),
                    );
                }
            }
        }
    }
}

fn service_name(key: &NamespacedName) -> String {
    format!("{}.{}.svc.{DOMAIN}.", key.name, key.namespace)
}

fn label(endpoint: &Endpoint) -> String {
    let made = || endpoint.addresses[0].to_string().replace('.', "-");
    endpoint.hostname.as_ref().map_or_else(made, ToString::to_string)
}

fn arpa(ip: IpAddr) -> Option<String> {
    let IpAddr::V4(ip) = ip else { return None };
    let [a, b, c, d] = ip.octets();
    Some(format!("{d}.{c}.{b}.{a}.in-addr.arpa."))
}

/// A record as this model writes it; TTLs, priorities and weights are looked at elsewhere.
pub(super) fn line(record: &Record) -> String {
    match &record.data {
        Data::Srv(srv) => format!("{} 33 {} {}", record.owner, srv.port, srv.target),
        Data::Soa(_) => format!("{} SOA", record.owner),
        data => format!("{} {} {data}", record.owner, data.rtype().0),
    }
}

impl Records {
    fn exists(&mut self, name: &str) {
        self.all.entry(name.into()).or_default();
    }

    fn put(&mut self, name: &str, qtype: u16, data: &str) {
        self.all.entry(name.into()).or_default().insert((qtype, data.into()));
    }

    fn address(&mut self, name: &str, ip: IpAddr) {
        self.put(name, if ip.is_ipv4() { 1 } else { 28 }, &ip.to_string());
    }

    /// Whether a name is one, or above one.
    pub(super) fn exist(&self, name: &str) -> bool {
        let below = format!(".{name}");
        self.all.keys().any(|own| own == name || own.ends_with(&below)) || self.pod(name).is_some()
    }

    /// The address in a pod's name.
    fn pod(&self, name: &str) -> Option<IpAddr> {
        let label = self.pods.iter().find_map(|suffix| name.strip_suffix(suffix.as_str()))?;
        label.replace('-', ".").parse().ok()
    }

    pub(super) fn answer(&self, name: &str, qtype: u16) -> Answer {
        let mut lines = Vec::new();
        let mut name = name.to_string();
        if !self.exist(&name) {
            return Answer::Told(Rcode::NXDOMAIN, lines);
        }
        if qtype == 5 || !matches!(qtype, 1 | 28) {
            lines.extend(self.own(&name, qtype));
            let alias = self.aliases.get(&name).filter(|_| qtype == 5);
            lines.extend(alias.map(|target| format!("{name} 5 {target}")));
            return Answer::Told(Rcode::NOERROR, lines);
        }
        let mut hops = 0;
        while let Some(target) = self.aliases.get(&name) {
            hops += 1;
            if hops > 10 {
                // Round and round.
                return Answer::Told(Rcode::SERVFAIL, Vec::new());
            }
            lines.push(format!("{name} 5 {target}"));
            if !target.ends_with(&format!(".{DOMAIN}.")) {
                return Answer::Elsewhere(target.clone());
            }
            name.clone_from(target);
        }
        lines.extend(self.own(&name, qtype));
        lines.sort();
        let rcode = if self.exist(&name) { Rcode::NOERROR } else { Rcode::NXDOMAIN };
        Answer::Told(rcode, lines)
    }

    fn own(&self, name: &str, qtype: u16) -> Vec<String> {
        let apex = name == format!("{DOMAIN}.") || name == "10.in-addr.arpa.";
        if qtype == 6 && apex {
            return vec![format!("{name} SOA")];
        }
        if let Some(ip) = self.pod(name).filter(|ip| qtype == if ip.is_ipv4() { 1 } else { 28 }) {
            return vec![format!("{name} {qtype} {ip}")];
        }
        let all = self.all.get(name).into_iter().flatten();
        let of_type = all.filter(|(own, _)| *own == qtype);
        let mut lines: Vec<_> = of_type.map(|(_, data)| format!("{name} {qtype} {data}")).collect();
        lines.sort();
        lines
    }
}
