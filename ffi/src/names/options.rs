//! Settings of names as JSON.

use crate::tree;
use serde::Deserialize;
use std::net::IpAddr;
use svckit::{
    api::decode_as,
    dns::{ExternalOptions, Mode, Name, Options, PodRecords, Pointers},
    finding::{Finding, Kind},
};

/// What is written; what is left out has its default.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    zones: Vec<String>,
    multicluster_zones: Vec<String>,
    external_zones: Vec<String>,
    fallthrough: Vec<String>,
    host_search: Vec<String>,
    namespaces: Vec<String>,
    server_addresses: Vec<String>,
    ttl: Option<u32>,
    #[serde(rename = "negativeTTL")]
    negative_ttl: Option<u32>,
    #[serde(rename = "externalTTL")]
    external_ttl: Option<u32>,
    udp_ceiling: Option<u16>,
    pods: Option<String>,
    pointers: Option<String>,
    mode: Option<String>,
    endpoint_pod_names: bool,
    ignore_empty_service: bool,
    zonal: bool,
    minimal: bool,
    autopath: bool,
    external_headless: bool,
    apex_label: Option<String>,
    search_zone: Option<String>,
}

/// Reads options; an empty text are the defaults.
pub(super) fn read(json: &[u8]) -> Result<Options, Vec<Finding>> {
    let document = tree::document(json)
        .map_err(|reason| vec![Finding::error(Kind::Invalid, "", "", reason)])?;
    let (written, findings): (Written, _) = decode_as(&document);
    let mut notes = Notes(findings);
    let options = written.options(&mut notes);
    let is_read = !notes.0.iter().any(Finding::is_error);
    let of_options = |finding| Finding { object: "options".into(), ..finding };
    match is_read {
        true => Ok(options),
        false => Err(notes.0.into_iter().map(of_options).collect()),
    }
}

/// What is wrong so far.
struct Notes(Vec<Finding>);

impl Notes {
    /// What a text says, or a note that it can't be read.
    fn parsed<T>(&mut self, path: &str, text: &str, parsed: Option<T>, must: &str) -> Option<T> {
        if parsed.is_none() {
            self.0.push(Finding::error(Kind::Invalid, path, text, must));
        }
        parsed
    }

    fn names(&mut self, path: &str, texts: &[String]) -> Vec<Name> {
        let name =
            |text: &String| self.parsed(path, text, text.parse().ok(), "must be a domain name");
        texts.iter().filter_map(name).collect()
    }

    /// One of some words; `None` when nothing is written.
    fn word<T: Copy>(&mut self, path: &str, text: Option<&str>, words: &[(&str, T)]) -> Option<T> {
        let text = text?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let must: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.parsed(path, text, known, &format!("must be {}", must.join(" or ")))
    }
}

impl Written {
    fn options(&self, notes: &mut Notes) -> Options {
        let mut options = Options::new(Name::cluster_local());
        let zones = notes.names("zones", &self.zones);
        if !zones.is_empty() || !self.external_zones.is_empty() {
            options.zones = zones;
        }
        options.multicluster_zones = notes.names("multiclusterZones", &self.multicluster_zones);
        options.fallthrough = notes.names("fallthrough", &self.fallthrough);
        options.host_search = notes.names("hostSearch", &self.host_search);
        options.namespaces = self.namespaces.iter().map(|name| name.as_str().into()).collect();
        options.server_addresses = self.addresses(notes);
        options.ttl = self.ttl.unwrap_or(options.ttl);
        options.negative_ttl = self.negative_ttl;
        options.udp_ceiling = self.udp_ceiling.unwrap_or(options.udp_ceiling);
        self.words(&mut options, notes);
        options.endpoint_pod_names = self.endpoint_pod_names;
        options.ignore_empty_service = self.ignore_empty_service;
        options.zonal = self.zonal;
        options.minimal = self.minimal;
        options.autopath = self.autopath;
        options.search_zone = self.search_zone.as_ref().and_then(|text| {
            notes.parsed("searchZone", text, text.parse().ok(), "must be a domain name")
        });
        let external = notes.names("externalZones", &self.external_zones);
        options.external = (!external.is_empty()).then(|| {
            let mut outside = ExternalOptions::new(external);
            outside.ttl = self.external_ttl.or(self.ttl).unwrap_or(outside.ttl);
            outside.headless = self.external_headless;
            if let Some(label) = &self.apex_label {
                outside.apex_label = label.as_str().into();
            }
            outside
        });
        options
    }

    fn words(&self, options: &mut Options, notes: &mut Notes) {
        let pods = [
            ("disabled", PodRecords::Disabled),
            ("insecure", PodRecords::Insecure),
            ("verified", PodRecords::Verified),
        ];
        let pointers =
            [("all", Pointers::All), ("one", Pointers::One), ("hostname", Pointers::HostnameOnly)];
        let modes = [("strict", Mode::Strict), ("coredns", Mode::CoreDns)];
        options.pods = notes.word("pods", self.pods.as_deref(), &pods).unwrap_or_default();
        options.pointers =
            notes.word("pointers", self.pointers.as_deref(), &pointers).unwrap_or_default();
        options.mode = notes.word("mode", self.mode.as_deref(), &modes).unwrap_or_default();
    }

    fn addresses(&self, notes: &mut Notes) -> Vec<IpAddr> {
        let mut read = |text: &String| {
            notes.parsed("serverAddresses", text, text.parse().ok(), "must be an address")
        };
        self.server_addresses.iter().filter_map(&mut read).collect()
    }
}
