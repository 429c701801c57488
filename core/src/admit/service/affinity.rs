//! Rules on session affinity.

use crate::{
    admit::field::{Notes, SPEC},
    api::ServiceSpec,
};

/// A day, in seconds.
const LONGEST: i32 = 86_400;

pub(super) fn rules(spec: &ServiceSpec, notes: &mut Notes) {
    notes.one_of(SPEC.child("sessionAffinity"), &spec.session_affinity, &["ClientIP", "None"]);
    let config = SPEC.child("sessionAffinityConfig");
    match spec.session_affinity.as_str() {
        "ClientIP" => timeout(spec, notes),
        "None" if spec.session_affinity_config.is_some() => {
            notes.forbidden(config, "must not be set without session affinity");
        }
        _ => {}
    }
}

/// Reports the first level that is missing.
fn timeout(spec: &ServiceSpec, notes: &mut Notes) {
    let config = SPEC.child("sessionAffinityConfig");
    let client_ip = config.child("clientIP");
    let seconds = client_ip.child("timeoutSeconds");
    let missing = "affinity ClientIP needs a timeout";
    let Some(given) = &spec.session_affinity_config else {
        return notes.required(config, missing);
    };
    let Some(given) = &given.client_ip else { return notes.required(client_ip, missing) };
    let Some(given) = given.timeout_seconds else { return notes.required(seconds, missing) };
    if !(1..=LONGEST).contains(&given) {
        notes.invalid(seconds, given, "must be from 1 to 86400 seconds");
    }
}
