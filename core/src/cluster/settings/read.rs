//! Settings from text: strict, with everything wrong at once, over whatever was set before.

use core::{net::IpAddr, str::FromStr, time::Duration};
use ipnet::IpNet;
use serde::Deserialize;
use std_alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{Settings, UpstreamDns};
use crate::{
    admit::syntax,
    api::{Tree, TreeNode, decode_as},
    finding::{Finding, Kind},
};
use crate::{
    dns::{Name, PodRecords},
    forward::NodePortAddresses,
};

/// The settings as they are written; what is absent stays as it was.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    #[serde(rename = "serviceCIDRs")]
    service_cidrs: Option<Vec<String>>,
    node_port_range: Option<String>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Option<Vec<String>>,
    cluster_domain: Option<String>,
    #[serde(rename = "dnsServiceIP")]
    dns_service_ip: Option<String>,
    node: Option<String>,
    node_zone: Option<String>,
    node_port_addresses: Option<Vec<String>>,
    masquerade_all: Option<bool>,
    localhost_node_ports: Option<bool>,
    ingress_classes: Option<Vec<String>>,
    reverse_zones: Option<Vec<String>>,
    #[serde(rename = "dnsTTL")]
    dns_ttl: Option<u32>,
    pod_records: Option<String>,
    autopath: Option<bool>,
    search_zone: Option<String>,
    #[serde(rename = "upstreamDNS")]
    upstream_dns: Option<Vec<String>>,
    compat: Option<Vec<String>>,
    sync: Option<Sync>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sync {
    min_period: Option<String>,
}

/// Keys whose value is a list; one value, or several with commas between, will do as well.
const LISTS: &[&str] = &[
    "serviceCIDRs",
    "podCIDRs",
    "nodePortAddresses",
    "ingressClasses",
    "reverseZones",
    "upstreamDNS",
    "compat",
];

/// All keys of a settings file.
pub const SETTINGS_KEYS: &[&str] = &[
    "serviceCIDRs",
    "nodePortRange",
    "podCIDRs",
    "clusterDomain",
    "dnsServiceIP",
    "node",
    "nodeZone",
    "nodePortAddresses",
    "masqueradeAll",
    "localhostNodePorts",
    "ingressClasses",
    "reverseZones",
    "dnsTTL",
    "podRecords",
    "autopath",
    "searchZone",
    "upstreamDNS",
    "compat",
    "sync.minPeriod",
];

impl Settings {
    /// Takes over what `document` sets; what it doesn't mention, or gets wrong, stays as it is.
    ///
    /// ```
    /// use svckit::{api::{Key, Tree, TreeNode}, cluster::Settings};
    ///
    /// let mut settings = Settings::default();
    /// let value = Tree::new(1, TreeNode::Text("10.0.0.0/24, 10.1.0.0/24".into()));
    /// let key = Key { line: 1, name: "serviceCIDRs".into() };
    /// let findings = settings.read(&Tree::new(1, TreeNode::Map(vec![(key, value)])));
    /// assert!(findings.is_empty());
    /// assert_eq!(settings.service_cidrs.len(), 2);
    /// ```
    pub fn read(&mut self, document: &Tree) -> Vec<Finding> {
        let document = with_lists(document);
        let (written, mut findings): (Written, _) = decode_as(&document);
        let mut reader = Reader { findings: Vec::new() };
        self.take(written, &mut reader);
        for finding in &mut reader.findings {
            finding.line = document.line_of(&finding.path);
        }
        findings.append(&mut reader.findings);
        for finding in &mut findings {
            finding.object = "settings".into();
        }
        findings
    }

    fn take(&mut self, written: Written, reader: &mut Reader) {
        reader.networks("serviceCIDRs", written.service_cidrs, &mut self.service_cidrs, false);
        reader.value(
            "nodePortRange",
            written.node_port_range,
            &mut self.node_port_range,
            "must be first-last, such as 30000-32767",
        );
        reader.networks("podCIDRs", written.pod_cidrs, &mut self.pod_cidrs, true);
        if let Some(domain) = reader.domain("clusterDomain", written.cluster_domain) {
            self.cluster_domain = domain;
        }
        let mut dns = None::<IpAddr>;
        reader.optional("dnsServiceIP", written.dns_service_ip, &mut dns, "must be an address");
        self.dns_service_ip = dns.or(self.dns_service_ip);
        self.node = written.node.or_else(|| self.node.take());
        self.node_zone = written.node_zone.or_else(|| self.node_zone.take());
        if let Some(addresses) = written.node_port_addresses {
            reader.node_port_addresses(addresses, &mut self.node_port_addresses);
        }
        self.masquerade_all = written.masquerade_all.unwrap_or(self.masquerade_all);
        self.localhost_node_ports =
            written.localhost_node_ports.unwrap_or(self.localhost_node_ports);
        replace(&mut self.ingress_classes, written.ingress_classes);
        reader.networks("reverseZones", written.reverse_zones, &mut self.reverse_zones, true);
        match written.dns_ttl {
            Some(ttl) if ttl > 3600 => {
                reader.wrong("dnsTTL", &ttl.to_string(), "must be between 0 and 3600")
            }
            Some(ttl) => self.dns_ttl = ttl,
            None => {}
        }
        reader.value(
            "podRecords",
            written.pod_records,
            &mut self.pod_records,
            "must be disabled, insecure or verified",
        );
        self.autopath = written.autopath.unwrap_or(self.autopath);
        if let Some(zone) = reader.domain("searchZone", written.search_zone) {
            self.search_zone = Some(zone);
        }
        if let Some(resolvers) = written.upstream_dns {
            reader.upstream(resolvers, &mut self.upstream_dns);
        }
        replace(&mut self.compat, written.compat);
        if let Some(period) = written.sync.and_then(|sync| sync.min_period) {
            match duration(&period) {
                Some(period) => self.sync_min_period = period,
                None => reader.wrong(
                    "sync.minPeriod",
                    &period,
                    "must be a time such as 500ms, 1s or 2m",
                ),
            }
        }
    }
}

fn replace<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Turns values into their types and notes what is wrong with them.
struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    fn wrong(&mut self, path: &str, value: &str, message: &str) {
        self.findings.push(Finding::error(Kind::Invalid, path, value, message));
    }

    fn value<T: FromStr>(
        &mut self,
        path: &str,
        text: Option<String>,
        target: &mut T,
        message: &str,
    ) {
        match text.as_deref().map(|text| (text, text.trim().parse())) {
            Some((_, Ok(value))) => *target = value,
            Some((text, Err(_))) => self.wrong(path, text, message),
            None => {}
        }
    }

    fn optional<T: FromStr>(
        &mut self,
        path: &str,
        text: Option<String>,
        target: &mut Option<T>,
        message: &str,
    ) {
        match text.as_deref().map(|text| (text, text.trim().parse())) {
            Some((_, Ok(value))) => *target = Some(value),
            Some((text, Err(_))) => self.wrong(path, text, message),
            None => {}
        }
    }

    /// The values that parse; each other one is noted.
    fn all<T: FromStr>(&mut self, path: &str, texts: &[String], message: &str) -> Vec<T> {
        let mut values = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            match text.trim().parse() {
                Ok(value) => values.push(value),
                Err(_) => self.wrong(&format!("{path}[{n}]"), text, message),
            }
        }
        values
    }

    fn networks(
        &mut self,
        path: &str,
        texts: Option<Vec<String>>,
        target: &mut Vec<IpNet>,
        may_be_empty: bool,
    ) {
        let Some(texts) = texts else { return };
        let noted = self.findings.len();
        let ranges: Vec<IpNet> = self.all(path, &texts, "must be a range such as 10.96.0.0/16");
        for range in ranges.iter().filter(|range| range.addr() != range.network()) {
            let message = format!("has bits set beyond the prefix; {} is the range", range.trunc());
            self.wrong(path, &range.to_string(), &message);
        }
        if texts.is_empty() && !may_be_empty {
            self.wrong(path, "", "needs at least one range");
        }
        if self.findings.len() == noted {
            *target = ranges;
        }
    }

    fn domain(&mut self, path: &str, text: Option<String>) -> Option<Name> {
        let text = text?;
        let bare = text.strip_suffix('.').unwrap_or(&text);
        match bare.parse() {
            Ok(name) if syntax::rfc1123_subdomain(bare).is_empty() => Some(name),
            _ => {
                let message = "must be a DNS name in lower case, such as cluster.local";
                self.wrong(path, &text, message);
                None
            }
        }
    }

    fn node_port_addresses(&mut self, texts: Vec<String>, target: &mut NodePortAddresses) {
        match texts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["primary"] => *target = NodePortAddresses::Primary,
            ["all"] => *target = NodePortAddresses::All,
            _ => {
                let noted = self.findings.len();
                let ranges =
                    self.all("nodePortAddresses", &texts, "must be primary, all, or ranges");
                if self.findings.len() == noted {
                    *target = NodePortAddresses::Ranges(ranges);
                }
            }
        }
    }

    fn upstream(&mut self, texts: Vec<String>, target: &mut UpstreamDns) {
        match texts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["none"] => *target = UpstreamDns::None,
            ["system"] => *target = UpstreamDns::System,
            _ => {
                let noted = self.findings.len();
                let addresses =
                    self.all("upstreamDNS", &texts, "must be none, system, or addresses");
                if self.findings.len() == noted {
                    *target = UpstreamDns::Addresses(addresses);
                }
            }
        }
    }
}

impl FromStr for PodRecords {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "disabled" => Ok(Self::Disabled),
            "insecure" => Ok(Self::Insecure),
            "verified" => Ok(Self::Verified),
            _ => Err(()),
        }
    }
}

/// The document with single values where lists belong turned into lists.
fn with_lists(document: &Tree) -> Tree {
    let mut document = document.clone();
    if let TreeNode::Map(fields) = &mut document.node {
        for (_, value) in fields.iter_mut().filter(|(key, _)| LISTS.contains(&key.name.as_str())) {
            let TreeNode::Text(text) = &value.node else { continue };
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            let item = |item: &str| Tree::new(value.line, TreeNode::Text(item.into()));
            value.node = TreeNode::List(items.map(item).collect());
        }
    }
    document
}

/// A time in Go's notation: `1s`, `500ms`, `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = after;
    }
    (!text.trim().is_empty()).then_some(total)
}
