//! Rules on a pod's DNS settings.

use crate::{
    admit::{
        Gates,
        field::{Field, Notes},
        service, syntax,
    },
    api::{PodDnsConfig, PodSpec},
};

const NAMESERVERS: usize = 3;
const SEARCHES: usize = 32;
/// All of them together, with a blank between each two, in bytes.
const SEARCH_BYTES: usize = 2048;
const POLICIES: [&str; 4] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];

pub(super) fn rules(spec: &PodSpec, at: Field<'_>, gates: &Gates, notes: &mut Notes) {
    notes.one_of(at.child("dnsPolicy"), &spec.dns_policy, &POLICIES);
    let config = at.child("dnsConfig");
    let alone = spec.dns_policy == "None";
    match &spec.dns_config {
        None if alone => notes.required(config, "dnsPolicy None needs it"),
        Some(given) if alone && given.nameservers.is_empty() => {
            notes.required(config.child("nameservers"), "dnsPolicy None needs at least one");
        }
        Some(given) => settings(given, config, gates, notes),
        None => {}
    }
}

fn settings(given: &PodDnsConfig, at: Field<'_>, gates: &Gates, notes: &mut Notes) {
    let list = at.child("nameservers");
    if given.nameservers.len() > NAMESERVERS {
        notes.invalid(list, given.nameservers.len(), "must hold at most 3 addresses");
    }
    for (i, text) in given.nameservers.iter().enumerate() {
        service::legacy_ip(text, &[], gates, list.index(i), notes);
    }
    let list = at.child("searches");
    if given.searches.len() > SEARCHES {
        notes.invalid(list, given.searches.len(), "must hold at most 32 domains");
    }
    let bytes: usize = given.searches.iter().map(|text| text.len() + 1).sum();
    if bytes.saturating_sub(1) > SEARCH_BYTES {
        notes.invalid(list, bytes - 1, "must be no more than 2048 bytes together");
    }
    for (i, text) in given.searches.iter().enumerate() {
        notes.problems(list.index(i), text, syntax::search_domain(text));
    }
    let list = at.child("options");
    for (i, option) in given.options.iter().enumerate() {
        if option.name.is_empty() {
            let at = list.index(i);
            notes.required(at.child("name"), "an option has a name, such as ndots");
        }
    }
}
