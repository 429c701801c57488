//! `service-validation`: rules on Services.

use super::{Case, expectation};
use serde_json::Value;
use svckit::{
    admit::{Gates, service},
    api::Service,
    finding::Finding,
};

/// How one case of a section is run.
type Check = fn(&Value, &Gates) -> Result<Vec<Finding>, String>;

/// Runs every section of the file.
pub(crate) fn run(document: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, content) in document.as_object().into_iter().flatten() {
        let check: Check = match section.as_str() {
            "kind" | "schema" | "about" | "source" => continue,
            "create" => create,
            "externalTrafficPolicy" => traffic_policy,
            "update" => update,
            _ => {
                cases.push(Case::failed(section, "there is no such section"));
                continue;
            }
        };
        for (n, case) in content.as_array().into_iter().flatten().enumerate() {
            let id = expectation::name(section, n, case);
            let findings = gates(section, case).and_then(|gates| check(case, &gates));
            cases.push(match findings {
                Ok(findings) => expectation::compare(id, case, &findings),
                Err(reason) => Case::failed(id, reason),
            });
        }
    }
    cases
}

/// The gates of the section, and those that the case names.
fn gates(section: &str, case: &Value) -> Result<Gates, String> {
    let mut gates = Gates::default();
    gates.set("StrictIPCIDRValidation", true);
    gates.set("PreferSameTrafficDistribution", section == "update");
    gates.set("RelaxedServiceNameValidation", false);
    for (name, on) in case.get("gates").and_then(Value::as_object).into_iter().flatten() {
        let on = on.as_bool().ok_or_else(|| format!("gate {name} is neither true nor false"))?;
        if !gates.set(name, on) {
            return Err(format!("there is no gate {name}"));
        }
    }
    Ok(gates)
}

fn create(case: &Value, gates: &Gates) -> Result<Vec<Finding>, String> {
    let object: Service = expectation::object(case, "object")?;
    Ok(service::validate(&object, gates))
}

/// Only what is found about the two fields of the section.
fn traffic_policy(case: &Value, gates: &Gates) -> Result<Vec<Finding>, String> {
    let mut findings = create(case, gates)?;
    let fields = ["spec.externalTrafficPolicy", "spec.healthCheckNodePort"];
    findings.retain(|finding| fields.contains(&finding.path.as_str()));
    Ok(findings)
}

fn update(case: &Value, gates: &Gates) -> Result<Vec<Finding>, String> {
    let old: Service = expectation::object(case, "old")?;
    let new: Service = expectation::object(case, "new")?;
    Ok(service::validate_update(&new, &old, gates))
}
