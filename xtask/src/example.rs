//! Manifests of a large cluster, made up: something to run `svckit check`, `render` and `up` on.
//!
//! One file per namespace of a hundred Services. Each Service has a Deployment behind it; kinds, policies and ports
//! vary with the Service's number, so equal arguments write equal files.

use std::{
    fmt::{self, Write},
    fs,
    path::Path,
};

/// Services per namespace, and so per file.
const PER_NAMESPACE: u32 = 100;
/// Services with a node port: the default range holds 2,768, and load balancers take some too.
const NODE_PORTS: u32 = 2_000;
/// More Services than the default service range has addresses.
const TOO_MANY: u32 = 1 << 20;

/// Writes `services` Services and what stands behind them into `folder`.
pub(crate) fn run(services: &str, folder: &str) -> Result<(), String> {
    let wrong =
        || format!("--services takes a number from 1 to {}, not {services:?}", TOO_MANY - 1);
    let services: u32 = services.parse().map_err(|_| wrong())?;
    if !(1..TOO_MANY).contains(&services) {
        return Err(wrong());
    }
    let folder = Path::new(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let namespaces = services.div_ceil(PER_NAMESPACE);
    for namespace in 0..namespaces {
        let first = namespace * PER_NAMESPACE;
        let last = services.min(first + PER_NAMESPACE);
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = write_namespace(&mut text, namespace, first..last);
        let path = folder.join(format!("team-{namespace}.yaml"));
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("{services} Services in {namespaces} files in {}", folder.display());
    Ok(())
}

/// One namespace: its Services, their Deployments, and an Ingress for all that have an address.
fn write_namespace(out: &mut String, namespace: u32, numbers: std::ops::Range<u32>) -> fmt::Result {
    write!(out, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-{namespace}\n")?;
    for number in numbers.clone() {
        write_service(out, namespace, number)?;
        write_deployment(out, namespace, number)?;
    }
    write!(
        out,
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: front\n  \
         namespace: team-{namespace}\nspec:\n  rules:\n  - host: team-{namespace}.example.com\n    \
         http:\n      paths:\n"
    )?;
    for number in numbers.filter(|number| !is_headless(*number)) {
        write!(
            out,
            "      - path: /app-{number}\n        pathType: Prefix\n        backend:\n          \
             service:\n            name: app-{number}\n            port:\n              name: http\n"
        )?;
    }
    Ok(())
}

/// One Service in eleven is headless.
fn is_headless(number: u32) -> bool {
    number % 11 == 10
}

fn write_service(out: &mut String, namespace: u32, number: u32) -> fmt::Result {
    write!(
        out,
        "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{number}\n  \
         namespace: team-{namespace}\n  labels:\n    app: app-{number}\nspec:\n  \
         selector:\n    app: app-{number}\n"
    )?;
    match number % 20 {
        _ if is_headless(number) => out.write_str("  clusterIP: None\n")?,
        7 if number / 20 < NODE_PORTS / 2 => out.write_str("  type: NodePort\n")?,
        13 if number / 20 < NODE_PORTS / 2 => out.write_str("  type: LoadBalancer\n")?,
        3 => out.write_str("  sessionAffinity: ClientIP\n")?,
        _ => {}
    }
    out.write_str("  ports:\n  - name: http\n    port: 80\n    targetPort: http\n")?;
    if number % 9 == 4 {
        out.write_str("  - name: metrics\n    port: 9090\n    protocol: UDP\n")?;
    }
    Ok(())
}

fn write_deployment(out: &mut String, namespace: u32, number: u32) -> fmt::Result {
    let replicas = 1 + number % 3;
    write!(
        out,
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  \
         namespace: team-{namespace}\nspec:\n  replicas: {replicas}\n  selector:\n    \
         matchLabels:\n      app: app-{number}\n  template:\n    metadata:\n      labels:\n        \
         app: app-{number}\n    spec:\n      containers:\n      - name: app\n        \
         image: example.com/app:1\n        ports:\n        - name: http\n          \
         containerPort: 8080\n"
    )?;
    if number % 9 == 4 {
        out.write_str(
            "        - name: metrics\n          containerPort: 9090\n          protocol: UDP\n",
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TOO_MANY, run, write_namespace};

    #[test]
    fn equal_arguments_write_equal_files() {
        let write = || {
            let mut text = String::new();
            write_namespace(&mut text, 3, 300..320).unwrap();
            text
        };
        let text = write();
        assert_eq!(text, write());
        assert_eq!(text.matches("kind: Service\n").count(), 20);
        assert_eq!(text.matches("kind: Deployment\n").count(), 20);
        assert_eq!(text.matches("pathType: Prefix").count(), 18, "307 and 318 are headless");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for services in ["0", "-1", "many", "", &TOO_MANY.to_string()] {
            assert!(run(services, "").is_err(), "{services}");
        }
    }
}
