//! The node: links to the client and to each pod, forwarding, the kernel rules.

use serde_json::json;
use std::{fs, net::IpAddr};
use svckit::{cluster::Settings, forward::Proxy, model::Family, render};

use super::{
    Sink,
    client::{NODE, prefix},
    faces::Faces,
    ip::{Batch, feed, has_v6},
    layout::{self, LabPod},
    pod::{self, GATEWAY, GATEWAY_V6},
    role::{Parent, Part, Role},
};
use crate::{
    exit::{Exit, Stop},
    input::Input,
    load::Loaded,
    render::written,
    report,
};

/// Builds the network around us and serves until the lab ends.
pub(super) fn run(input: &Input, sink: Sink) -> Result<Exit, Stop> {
    Parent::here()?;
    let addresses: Vec<IpAddr> =
        NODE.into_iter().filter(|addr| addr.is_ipv4() || has_v6()).collect();
    let mut settings = Settings::default();
    settings.node_addresses.clone_from(&addresses);
    let loaded = Loaded::read_for(Some(sink.kernel()), input, settings)?;
    report::print(&loaded.findings);
    let settings = loaded.cluster.control().settings().clone();
    let faces = Faces::place(&mut loaded.cluster, &settings, NODE[0]);
    let mut all = layout::pods(&loaded.changes);
    all.iter_mut().for_each(|pod| pod.give_up(&faces.in_pods));
    let (on_host, own): (Vec<&LabPod>, Vec<&LabPod>) = all.iter().partition(|pod| pod.on_host);

    let mut parts = Vec::with_capacity(own.len());
    for _ in &own {
        parts.push(Part::start(Role::Pod)?);
    }
    let mut batch = Batch::default();
    batch.up("lo").up("client");
    for addr in &addresses {
        batch.address("client", *addr, prefix(*addr));
    }
    if let Some(addr) = faces.node_address(NODE[0]) {
        // Nobody's traffic may leave from there: masquerading takes addresses for all to see, and preferred ones.
        let (length, apart) =
            if addr.is_ipv4() { (32, "scope host") } else { (128, "preferred_lft 0") };
        batch.add(format!("address add {addr}/{length} dev lo {apart}"));
    }
    let mut pids = Vec::with_capacity(own.len());
    for (number, (pod, part)) in own.iter().zip(&mut parts).enumerate() {
        let pid = part.here()?;
        wire(&mut batch, &format!("pod{number}"), &pod.addresses, pid);
        pids.push(pid);
    }
    batch.run()?;
    forward()?;
    load(loaded.cluster.proxy(), sink)?;
    for (pod, part) in own.iter().zip(&mut parts) {
        part.tell(&pod.to_json().to_string())?;
    }
    for ((pod, part), pid) in own.iter().zip(&mut parts).zip(pids) {
        part.ready()?;
        faces.serve_in_pod(pid, &pod.addresses)?;
    }
    let ports = on_host.iter().flat_map(|pod| pod.ports(&addresses)).collect();
    pod::serve(ports, || {
        let served = faces.serve_on_node(&mut loaded.cluster, &addresses);
        let resolv_conf = faces.resolv_conf(&settings);
        Parent::tell(&json!({"dns": faces.resolver, "resolvConf": resolv_conf}).to_string())?;
        Parent::ready()?;
        Ok(served)
    })
}

/// Loads what the node forwards into the kernel.
fn load(proxy: &Proxy, sink: Sink) -> Result<(), Stop> {
    match sink {
        Sink::Nft => feed("nft", &["-f", "-"], &written(|out| render::nft::full(proxy, out))?),
        Sink::Iptables => {
            let rules = |family| written(|out| render::iptables::full(proxy, family, out));
            feed("iptables-restore", &["--noflush"], &rules(Family::V4)?)?;
            if has_v6() {
                feed("ip6tables-restore", &["--noflush"], &rules(Family::V6)?)?;
            }
            Ok(())
        }
    }
}

/// The node's end of a pod's link, and the way to the pod.
fn wire(batch: &mut Batch, link: &str, addresses: &[IpAddr], pid: u32) {
    batch.pair(link, "eth0", pid).up(link);
    // Of the link alone: what is masqueraded takes the node's own address.
    batch.add(format!("address add {GATEWAY}/32 dev {link} scope link"));
    if has_v6() {
        batch.add(format!("address add {GATEWAY_V6}/64 dev {link} nodad"));
    }
    for addr in addresses.iter().filter(|addr| addr.is_ipv4() || has_v6()) {
        batch.add(format!("route add {addr} dev {link}"));
    }
}

/// Lets the kernel forward between links.
fn forward() -> Result<(), Stop> {
    let mut switches = vec!["/proc/sys/net/ipv4/ip_forward"];
    if has_v6() {
        switches.push("/proc/sys/net/ipv6/conf/all/forwarding");
    }
    for switch in switches {
        fs::write(switch, "1").map_err(|error| Stop::system(format!("{switch}: {error}")))?;
    }
    Ok(())
}
