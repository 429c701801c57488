//! The node: links to the client and to each pod, forwarding, the kernel rules.

use std::{fs, net::IpAddr};
use svckit::{cluster::Settings, render};

use super::{
    client::{NODE, prefix},
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
pub(super) fn run(input: &Input) -> Result<Exit, Stop> {
    Parent::here()?;
    let addresses: Vec<IpAddr> =
        NODE.into_iter().filter(|addr| addr.is_ipv4() || has_v6()).collect();
    let mut settings = Settings::default();
    settings.node_addresses.clone_from(&addresses);
    let loaded = Loaded::read(input, settings)?;
    report::print(&loaded.findings);
    let all = layout::pods(&loaded.changes);
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
    for (number, (pod, part)) in own.iter().zip(&mut parts).enumerate() {
        wire(&mut batch, &format!("pod{number}"), &pod.addresses, part.here()?);
    }
    batch.run()?;
    forward()?;
    let rules = written(|out| render::nft::full(loaded.cluster.proxy(), out))?;
    feed("nft", &["-f", "-"], &rules)?;
    for (pod, part) in own.iter().zip(&mut parts) {
        part.tell(&pod.to_json().to_string())?;
    }
    for part in &mut parts {
        part.ready()?;
    }
    let ports = on_host.iter().flat_map(|pod| pod.ports(&addresses)).collect();
    pod::serve(ports, Parent::ready)
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
