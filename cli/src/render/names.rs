//! What `render` prints of names: a zone file, SkyDNS's keys, a pod's resolv.conf.

use clap::Args;
use std::fmt::Write;
use svckit::dns::{Name, Serials};
use svckit_adapters::clock;

use super::written;
use crate::{exit::Stop, input::Input, load::Loaded, pod_dns};

/// What `render zone` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct ZoneFile {
    #[command(flatten)]
    pub(super) input: Input,
    /// The zone; default: the cluster's domain. Reverse zones are 96.10.in-addr.arpa and the like.
    #[arg(long, value_name = "NAME")]
    zone: Option<Name>,
}

/// What `render skydns` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Keys {
    #[command(flatten)]
    pub(super) input: Input,
    /// What all keys start with.
    #[arg(long, value_name = "KEY", default_value = "/skydns")]
    prefix: String,
}

/// What `render resolv` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct Resolv {
    #[command(flatten)]
    pub(super) input: Input,
    /// The pod: namespace/name.
    #[arg(long, value_name = "POD")]
    pod: String,
    #[command(flatten)]
    host: pod_dns::HostFile,
}

impl ZoneFile {
    /// The zone as text. Its serial is the time, so that a later file is a later zone.
    pub(super) fn text(&self, loaded: &mut Loaded) -> Result<String, Stop> {
        let domain = loaded.cluster.control().settings().cluster_domain.clone();
        let zone = loaded.cluster.zone();
        drop(zone.snapshot());
        let now = clock::unix_seconds() as u32;
        zone.set_serials(Serials { cluster: now, external: now, multicluster: now });
        let snapshot = zone.snapshot();
        let name = self.zone.as_ref().unwrap_or(&domain);
        let records = snapshot.transfer(name, None).ok_or_else(|| {
            Stop::input(format!(
                "{name} is not served; see the settings clusterDomain, reverseZones"
            ))
        })?;
        let mut records: Vec<_> = records.collect();
        // A transfer ends with the SOA it began with; a file has it once.
        records.pop();
        written(|out| records.iter().try_for_each(|record| writeln!(out, "{record}")))
    }
}

impl Keys {
    /// `key TAB value`, a line for each.
    pub(super) fn text(&self, loaded: &mut Loaded) -> Result<String, Stop> {
        let records = loaded.cluster.zone().snapshot().skydns_records(&self.prefix);
        written(|out| records.iter().try_for_each(|(key, value)| writeln!(out, "{key}\t{value}")))
    }
}

impl Resolv {
    /// The file's text.
    pub(super) fn text(&self, loaded: &mut Loaded) -> Result<String, Stop> {
        let (conf, warnings) =
            pod_dns::resolv_conf(loaded.cluster.control(), &self.pod, &self.host)?;
        loaded.findings.extend(warnings);
        Ok(conf.to_string())
    }
}
