//! Questions about names.

use super::read;
use crate::svckit_status;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, net::IpAddr};
use svckit::{
    dns::{
        self, Class, Dialect, DnsBase, DnsPolicy, Left, Message, Name, ResolvConf, ResolvLimits,
        Shape, Walk, Walked, host_value, kube_dns_label, kube2sky_label, without_underscore,
    },
    model::{Conditions, Endpoint, NamespacedName},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    name: String,
    #[serde(default)]
    multicluster: bool,
    #[serde(default)]
    zonal: bool,
}

/// What the labels of a name mean.
pub(super) fn shape(input: &[u8]) -> Result<Value, svckit_status> {
    let Labels { name, multicluster, zonal } = read(input)?;
    let lower = name.to_lowercase();
    let labels: Vec<&[u8]> = match lower.as_str() {
        "" => Vec::new(),
        name => name.split('.').map(str::as_bytes).collect(),
    };
    let shape = Shape::read(&labels, Dialect { multicluster, zonal });
    Ok(shape.map_or(Value::Null, |shape| fields(&shape, &labels)))
}

/// A shape without its empty fields; the kind is empty where there is no namespace.
fn fields(shape: &Shape<'_>, labels: &[&[u8]]) -> Value {
    let mut fields = Map::new();
    let mut put = |key: &str, label: &[u8]| {
        if !label.is_empty() {
            fields.insert(key.into(), String::from_utf8_lossy(label).into());
        }
    };
    put("namespace", shape.namespace.unwrap_or_default());
    put("service", shape.object.unwrap_or_default());
    match shape.left {
        Left::Nothing => {}
        Left::Endpoint(endpoint) => put("endpoint", endpoint),
        Left::Port { port, protocol } => {
            put("port", without_underscore(port));
            put("protocol", without_underscore(protocol));
        }
        Left::Imported { endpoint, cluster } => {
            put("endpoint", endpoint);
            put("cluster", cluster);
        }
        Left::Zonal { labels: count, prefer } => {
            put("zone", &labels.get(..count).unwrap_or_default().join(&b'.'));
            put("zone_mode", if prefer { b"prefer" } else { b"pin" });
        }
    }
    let kind = match (shape.class, shape.namespace) {
        (Some(Class::Svc), Some(_)) => "svc",
        (Some(Class::Pod), Some(_)) => "pod",
        _ => "",
    };
    fields.insert("kind".into(), kind.into());
    fields.into()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Place {
    ip: IpAddr,
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    pod: String,
    #[serde(default)]
    pod_names: bool,
}

/// What an endpoint is called.
pub(super) fn endpoint_label(input: &[u8]) -> Result<Value, svckit_status> {
    let Place { ip, hostname, pod, pod_names } = read(input)?;
    let endpoint = Endpoint {
        addresses: [ip].into(),
        conditions: Conditions::READY,
        hostname: (!hostname.is_empty()).then(|| hostname.into()),
        node: None,
        zone: None,
        hints: None,
        pod: (!pod.is_empty()).then(|| NamespacedName::new("", pod)),
    };
    Ok(json!({ "label": dns::endpoint_label(&endpoint, pod_names) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    ip: IpAddr,
}

/// The last parts of keys in etcd.
pub(super) fn etcd_labels(input: &[u8]) -> Result<Value, svckit_status> {
    let Host { ip } = read(input)?;
    Ok(json!({ "kube2sky": kube2sky_label(&host_value(ip)), "kubeDNS": kube_dns_label(ip) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    name: String,
    search: Vec<String>,
    /// Messages in hexadecimal; nothing is said of other names.
    #[serde(default)]
    answers: BTreeMap<String, String>,
}

/// A search list walked on a client's behalf.
pub(super) fn walk(input: &[u8]) -> Result<Value, svckit_status> {
    let Search { name, search, answers } = read(input)?;
    let parsed = |text: &String| match text.as_str() {
        "" => Ok(Name::root()),
        text => text.parse().map_err(|_| svckit_status::InvalidArgument),
    };
    let search: Vec<Name> = search.iter().map(parsed).collect::<Result<_, _>>()?;
    let Some(mut walk) = Walk::new(&parsed(&name)?, &search) else { return Ok(Value::Null) };
    let tries: Vec<_> = walk.tries().iter().map(ToString::to_string).collect();
    let said = |name: &Name| match answers.get(&name.to_string()) {
        None => Ok(None),
        Some(digits) => {
            let message = octets(digits).and_then(|octets| Message::decode(&octets).ok());
            message.map(Some).ok_or(svckit_status::InvalidArgument)
        }
    };
    while let Some(next) = walk.next().cloned() {
        let Some(ended) = walk.take(said(&next)?) else { continue };
        let (found, message) = match ended {
            Walked::Found(message) => (true, Some(message)),
            Walked::Nothing(message) => (false, message),
        };
        let line = |record: &dns::Record| {
            let rtype = record.data.rtype().to_string();
            json!([record.owner.to_string(), record.ttl, rtype, record.data.to_string()])
        };
        let answer = message.iter().flat_map(|message| message.answer.iter().map(line));
        return Ok(json!({
            "tries": tries,
            "found": found,
            "rcode": message.as_ref().map(|message| message.rcode.to_string()),
            "answer": answer.collect::<Vec<_>>(),
        }));
    }
    Ok(json!({ "tries": tries, "found": false, "rcode": null, "answer": [] }))
}

/// Octets from hexadecimal digits.
fn octets(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// A `resolv.conf` as JSON.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Conf {
    nameservers: Vec<String>,
    searches: Vec<String>,
    options: Vec<String>,
}

impl From<Conf> for ResolvConf {
    fn from(conf: Conf) -> Self {
        let Conf { nameservers, searches, options } = conf;
        Self { nameservers, searches, options }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Resolver {
    text: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    host_network: bool,
    conf: Option<Conf>,
    merge: Option<Conf>,
    limit: Option<String>,
}

/// Parts of a pod's `resolv.conf`.
pub(super) fn resolv_conf(input: &[u8]) -> Result<Value, svckit_status> {
    let asked: Resolver = read(input)?;
    let shown = |ResolvConf { nameservers, searches, options }| {
        super::written(&Conf { nameservers, searches, options })
    };
    match asked {
        Resolver { text: Some(text), .. } => {
            ResolvConf::parse(&text).ok().map_or(Ok(Value::Null), shown)
        }
        Resolver { policy: Some(policy), host_network, .. } => {
            let base = |policy: DnsPolicy| match policy.base(host_network) {
                DnsBase::Cluster => json!({ "base": "cluster" }),
                DnsBase::Host => json!({ "base": "host" }),
                DnsBase::Nothing => json!({ "base": "none" }),
            };
            Ok(DnsPolicy::parse(&policy).map_or(Value::Null, base))
        }
        Resolver { conf: Some(conf), merge: Some(merge), .. } => {
            shown(ResolvConf::from(conf).merge(&merge.into()))
        }
        Resolver { conf: Some(conf), limit: Some(limit), .. } => {
            let mut conf = ResolvConf::from(conf);
            let cut = conf.limit(match limit.as_str() {
                "now" => ResolvLimits::default(),
                "legacy" => ResolvLimits::LEGACY,
                _ => return Err(svckit_status::InvalidArgument),
            });
            Ok(json!({ "conf": shown(conf)?, "cut": cut }))
        }
        _ => Err(svckit_status::InvalidArgument),
    }
}
