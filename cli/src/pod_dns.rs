//! The `resolv.conf` of a pod among manifests.

use clap::Args;
use std::{net::IpAddr, path::PathBuf};
use svckit::{
    api::Pod,
    cluster::ControlPlane,
    dns::{DnsPolicy, NodeDns, PodDns, ResolvConf, ResolvLimits},
    finding::{Finding, Kind},
};
use svckit_adapters::source::files::Located;

use crate::exit::Stop;

/// Where the node's own file is.
#[derive(Args, Clone, Debug)]
pub(crate) struct HostFile {
    /// The node's resolv.conf, whose search list pods get too; empty: none.
    #[arg(long, value_name = "FILE", default_value = "/etc/resolv.conf")]
    resolv_conf: PathBuf,
}

/// The file of the pod `namespace/name`, and what deserves a warning.
pub(crate) fn resolv_conf(
    cluster: &ControlPlane,
    pod: &str,
    host: &HostFile,
) -> Result<(ResolvConf, Vec<Located>), Stop> {
    let pod = find(cluster, pod)?;
    let settings = cluster.settings();
    let node = NodeDns {
        nameservers: settings.dns_address().iter().map(ToString::to_string).collect(),
        domain: format!("{:#}", settings.cluster_domain),
        host: host.read()?,
        limits: ResolvLimits::default(),
    };
    let (conf, warnings) = node.resolv_conf(&wants(pod));
    let warn = |warning: svckit::dns::PodDnsWarning| {
        let warning = Finding::warning(Kind::Invalid, "spec.dnsConfig", "", warning.to_string());
        let object = format!("Pod {}", title(pod));
        Located { file: host.resolv_conf.as_path().into(), finding: Finding { object, ..warning } }
    };
    Ok((conf, warnings.into_iter().map(warn).collect()))
}

/// The address that the pod `namespace/name` asks from, if it has one.
pub(crate) fn address(cluster: &ControlPlane, pod: &str) -> Result<Option<IpAddr>, Stop> {
    Ok(find(cluster, pod)?.status.pod_ip.parse().ok())
}

/// The pod `namespace/name`.
fn find<'c>(cluster: &'c ControlPlane, pod: &str) -> Result<&'c Pod, Stop> {
    let (namespace, name) = pod.split_once('/').unwrap_or(("default", pod));
    let own = |pod: &&Pod| pod.metadata.namespace == namespace && pod.metadata.name == name;
    cluster.pods().find(own).ok_or_else(|| {
        let mut all: Vec<String> = cluster.pods().map(title).collect();
        all.sort();
        let all = if all.is_empty() { "none".into() } else { all.join(", ") };
        Stop::input(format!("there is no pod {namespace}/{name}; there are: {all}"))
    })
}

fn title(pod: &Pod) -> String {
    format!("{}/{}", pod.metadata.namespace, pod.metadata.name)
}

/// What a manifest says about its pod's DNS.
fn wants(pod: &Pod) -> PodDns {
    let config = pod.spec.dns_config.as_ref().map(|config| ResolvConf {
        nameservers: config.nameservers.clone(),
        searches: config.searches.clone(),
        options: config
            .options
            .iter()
            .map(|option| match &option.value {
                Some(value) => format!("{}:{value}", option.name),
                None => option.name.clone(),
            })
            .collect(),
    });
    PodDns {
        policy: DnsPolicy::parse(&pod.spec.dns_policy).unwrap_or_default(),
        host_network: pod.spec.host_network,
        namespace: pod.metadata.namespace.clone(),
        config: config.unwrap_or_default(),
    }
}

impl HostFile {
    fn read(&self) -> Result<Option<ResolvConf>, Stop> {
        if self.resolv_conf.as_os_str().is_empty() {
            return Ok(None);
        }
        let wrong = |error: &dyn std::fmt::Display| {
            Stop::input(format!("{}: {error}", self.resolv_conf.display()))
        };
        let text = std::fs::read_to_string(&self.resolv_conf).map_err(|error| wrong(&error))?;
        ResolvConf::parse(&text).map(Some).map_err(|error| wrong(&error))
    }
}
