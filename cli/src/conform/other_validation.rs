//! `other-validation`: rules on EndpointSlices, Ingresses, IngressClasses, IPAddresses and ServiceCIDRs.

use super::{Case, expectation};
use serde_json::{Value, json};
use svckit::{
    admit::{Gates, endpoint_slice, ingress, ingress_class, ip_address, service_cidr},
    api::{EndpointSlice, Ingress, IngressClass, IpAddress, ServiceCidr},
    finding::Finding,
};

/// How one case of a section is run.
type Check = fn(&Value) -> Result<Vec<Finding>, String>;

/// Runs every section of the file.
pub(crate) fn run(document: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, content) in document.as_object().into_iter().flatten() {
        let Some(check) = check(section) else {
            if !matches!(section.as_str(), "kind" | "schema" | "about" | "source") {
                cases.push(Case::failed(section, "there is no such section"));
            }
            continue;
        };
        for (n, case) in content.as_array().into_iter().flatten().enumerate() {
            let id = expectation::name(section, n, case);
            cases.push(match check(case) {
                Ok(findings) => expectation::compare(id, case, &findings),
                Err(reason) => Case::failed(id, reason),
            });
        }
    }
    cases
}

fn check(section: &str) -> Option<Check> {
    Some(match section {
        "endpointSlice" => |case| {
            let object: EndpointSlice = expectation::read(&expanded(case)?)?;
            Ok(endpoint_slice::validate(&object, &Gates::default()))
        },
        "endpointSliceUpdate" => |case| {
            let old: EndpointSlice = expectation::object(case, "old")?;
            let new: EndpointSlice = expectation::object(case, "new")?;
            Ok(endpoint_slice::validate_update(&new, &old, &Gates::default()))
        },
        "ingress" | "ingressCreate" | "ingressTLS" => {
            |case| Ok(ingress::validate(&versioned(case, "object")?, &Gates::default()))
        }
        "ingressPath" => ingress_path,
        "ingressUpdate" => |case| {
            let (old, new) = (versioned(case, "old")?, versioned(case, "new")?);
            Ok(ingress::validate_update(&new, &old, &Gates::default()))
        },
        "ingressStatus" => ingress_status,
        "ingressClass" => |case| Ok(ingress_class::validate(&class(case)?)),
        "ingressClassUpdate" => |case| {
            let side = |key| class(case.get(key).ok_or("a side is missing")?);
            Ok(ingress_class::validate_update(&side("new")?, &side("old")?))
        },
        "ipAddress" => |case| {
            let parent = case.get("parentRef").cloned();
            let object = json!({ "metadata": { "name": case.get("name") }, "spec": { "parentRef": parent } });
            Ok(ip_address::validate(&expectation::read::<IpAddress>(&object)?))
        },
        "ipAddressUpdate" => ip_address_update,
        "serviceCIDR" => |case| Ok(service_cidr::validate(&ranges(case.get("cidrs"))?)),
        "serviceCIDRUpdate" => |case| {
            Ok(service_cidr::validate_update(&ranges(case.get("new"))?, &ranges(case.get("old"))?))
        },
        _ => return None,
    })
}

/// The slice of a case, with the lists that the case only counts.
fn expanded(case: &Value) -> Result<Value, String> {
    let mut object = case.get("object").cloned().ok_or("the case has no object")?;
    for (list, count) in case.get("expand").and_then(Value::as_object).into_iter().flatten() {
        let count = count.as_u64().ok_or("a count is no number")?;
        let address = |i: u64| format!("10.1.2.{}", i % 255);
        let (path, items): (&str, Value) = match list.as_str() {
            "endpoints" => {
                ("/endpoints", (0..count).map(|i| json!({ "addresses": [address(i)] })).collect())
            }
            "addresses" => ("/endpoints/0/addresses", (0..count).map(address).collect()),
            "ports" => (
                "/ports",
                (0..count)
                    .map(|i| json!({ "name": format!("http-{i}"), "protocol": "TCP" }))
                    .collect(),
            ),
            "deprecatedTopology" => (
                "/endpoints/0/deprecatedTopology",
                Value::Object(
                    (0..count).map(|i| (format!("topology-{i}"), "example".into())).collect(),
                ),
            ),
            _ => return Err(format!("can't expand {list}")),
        };
        set(&mut object, path, items)?;
    }
    Ok(object)
}

/// Puts `value` at a JSON pointer whose last step may be new.
fn set(object: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let (above, last) = path.rsplit_once('/').ok_or("a path has steps")?;
    let above = object.pointer_mut(above).and_then(Value::as_object_mut);
    above.ok_or_else(|| format!("there is nothing above {path}"))?.insert(last.into(), value);
    Ok(())
}

/// An Ingress of the version that the case names; paths and tolerance depend on it.
fn versioned(case: &Value, key: &str) -> Result<Ingress, String> {
    let mut object: Ingress = expectation::object(case, key)?;
    let version = match case.get("api").and_then(Value::as_str) {
        None | Some("v1") => "networking.k8s.io/v1",
        Some("v1beta1") => "networking.k8s.io/v1beta1",
        Some(other) => return Err(format!("there is no version {other}")),
    };
    object.api_version = version.into();
    Ok(object)
}

fn text<'a>(case: &'a Value, key: &str) -> Result<&'a str, String> {
    case.get(key).and_then(Value::as_str).ok_or_else(|| format!("the case has no {key}"))
}

/// An Ingress with one path.
fn ingress_path(case: &Value) -> Result<Vec<Finding>, String> {
    let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
    let path = json!({ "path": text(case, "path")?, "pathType": text(case, "pathType")?, "backend": backend });
    let mut object: Ingress = expectation::read(&json!({
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "rules": [{ "host": "example.com", "http": { "paths": [path] } }] },
    }))?;
    object.api_version = "networking.k8s.io/v1".into();
    Ok(ingress::validate(&object, &Gates::default()))
}

fn ingress_status(case: &Value) -> Result<Vec<Finding>, String> {
    let object = |ingress: &Value| {
        expectation::read::<Ingress>(&json!({
            "metadata": { "name": "web", "namespace": "shop", "resourceVersion": "1" },
            "status": { "loadBalancer": { "ingress": ingress } },
        }))
    };
    let new = object(case.get("ingress").ok_or("the case has no ingress")?)?;
    Ok(ingress::validate_status(&new, &object(&json!([]))?, &Gates::default()))
}

/// A class; a case that is about an update names only what is compared.
fn class(case: &Value) -> Result<IngressClass, String> {
    let name = case.get("name").cloned().unwrap_or_else(|| "test123".into());
    expectation::read(&json!({
        "metadata": { "name": name, "resourceVersion": "1" },
        "spec": {
            "controller": case.get("controller").cloned().unwrap_or_default(),
            "parameters": case.get("parameters"),
        },
    }))
}

/// An IPAddress of which one field changes.
fn ip_address_update(case: &Value) -> Result<Vec<Finding>, String> {
    let parent = json!({ "group": "", "resource": "services", "name": "foo", "namespace": "bar" });
    let old = json!({
        "metadata": { "name": "192.168.1.1", "resourceVersion": "1" },
        "spec": { "parentRef": parent },
    });
    let mut new = old.clone();
    match case.get("change").and_then(Value::as_str) {
        None | Some("" | "none" | "nothing") => {}
        Some(change) => {
            let under = if change.starts_with("parentRef") { "/spec" } else { "" };
            let path = format!("{under}/{}", change.replace('.', "/"));
            let value = if change.ends_with("parentRef") { Value::Null } else { "other".into() };
            set(&mut new, &path, value)?;
        }
    }
    let read = expectation::read::<IpAddress>;
    Ok(ip_address::validate_update(&read(&new)?, &read(&old)?))
}

fn ranges(cidrs: Option<&Value>) -> Result<ServiceCidr, String> {
    let meta = json!({ "name": "test-name", "resourceVersion": "1" });
    let cidrs = cidrs.ok_or("the case has no ranges")?;
    expectation::read(&json!({ "metadata": meta, "spec": { "cidrs": cidrs } }))
}
