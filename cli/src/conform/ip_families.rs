//! `ip-families`: which families a new Service gets.

use super::{Case, expectation};
use serde_json::Value;
use svckit::{
    admit::{Gates, service},
    api::{Service, StringMap},
    model::Family,
};

/// Runs the whole grid.
pub(crate) fn run(document: &Value) -> Vec<Case> {
    let cases = document.get("cases").and_then(Value::as_array);
    let cases = cases.into_iter().flatten().enumerate();
    cases.map(|(n, case)| Case { id: id(n, case), outcome: check(case) }).collect()
}

fn id(n: usize, case: &Value) -> String {
    let field = |key: &str| case.get(key).map(ToString::to_string).unwrap_or_default();
    let given = ["cluster", "clusterIPs", "selector", "ipFamilyPolicy", "ipFamilies"].map(field);
    format!("cases[{n}] {}", given.join(" "))
}

/// The Service as its author wrote it.
fn written(case: &Value) -> Result<Service, String> {
    let mut service = Service::default();
    let spec = &mut service.spec;
    spec.cluster_ips = expectation::object(case, "clusterIPs")?;
    spec.cluster_ip = spec.cluster_ips.first().cloned().unwrap_or_default();
    spec.ip_family_policy = expectation::object(case, "ipFamilyPolicy")?;
    spec.ip_families = expectation::object(case, "ipFamilies")?;
    if expectation::object(case, "selector")? {
        spec.selector = Some(StringMap::from([("app".into(), "web".into())]));
    }
    Ok(service)
}

fn check(case: &Value) -> Result<(), String> {
    let cluster: Vec<String> = expectation::object(case, "cluster")?;
    let cluster: Option<Vec<Family>> = cluster.iter().map(|text| Family::parse(text)).collect();
    let cluster = cluster.ok_or("a cluster family is neither IPv4 nor IPv6")?;
    let mut service = written(case)?;
    service::default(&mut service);
    service::normalize(&mut service, None);
    let findings = service::fill_families(&mut service, None, &cluster, &Gates::default());
    let ok: bool = expectation::object(case, "ok")?;
    if ok != findings.is_empty() {
        return Err(format!("expected ok: {ok}, came {findings:?}"));
    }
    if !ok {
        return errors(case, findings.into_iter().map(|finding| finding.path).collect());
    }
    let policy: Option<String> = expectation::object(case, "resultPolicy")?;
    let families: Vec<String> = expectation::object(case, "resultFamilies")?;
    let came = (service.spec.ip_family_policy, service.spec.ip_families);
    if (policy.clone(), families.clone()) == came {
        Ok(())
    } else {
        Err(format!("expected {policy:?} {families:?}, came {came:?}"))
    }
}

/// The paths of the errors, one for each that is expected.
fn errors(case: &Value, mut came: Vec<String>) -> Result<(), String> {
    let wanted: Vec<Value> = expectation::object(case, "errors")?;
    let mut wanted: Vec<&str> =
        wanted.iter().filter_map(|error| error.get("field")?.as_str()).collect();
    wanted.sort_unstable();
    came.sort_unstable();
    if wanted == came {
        Ok(())
    } else {
        Err(format!("expected errors at {wanted:?}, came {came:?}"))
    }
}
