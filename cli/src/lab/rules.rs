//! The lab's kernel rules: one nft rule for each address and port that leads somewhere.
//!
//! What leads where is decided by `forward`; here it is only written down. One rule per Service is fine for the few
//! Services of a lab, and easy to read in `nft list ruleset`.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
};
use svckit::{
    forward::{Frontend, Proxy},
    model::{Change, Family, Pod, Protocol},
};

/// An address and port that lead to endpoints.
struct Front {
    to: IpAddr,
    protocol: Protocol,
    port: u16,
    endpoints: Vec<SocketAddr>,
    /// Equal clients reach equal endpoints.
    sticky: bool,
    /// Who may use it; empty: everybody.
    sources: Vec<String>,
}

/// The rules for a node with these `addresses`, as `nft -f` reads them.
pub(super) fn text(proxy: &Proxy, changes: &[Change], addresses: &[IpAddr]) -> String {
    let mut fronts = Vec::new();
    for frontend in proxy.frontends() {
        service(frontend, addresses, &mut fronts);
    }
    for change in changes {
        if let Change::Pod(pod) = change {
            host_ports(pod, addresses, &mut fronts);
        }
    }
    fronts.sort_by_key(|front| (front.to, front.protocol, front.port));
    let mut translate = String::new();
    let mut refuse = String::new();
    for front in &fronts {
        // Writing to a String can't fail.
        let _ = if front.endpoints.is_empty() {
            writeln!(refuse, "    {} reject", front.matches())
        } else {
            writeln!(translate, "    {} {}", front.matches(), front.translation())
        };
        if !front.sources.is_empty() {
            let (ip, sources) = (front.ip(), front.sources.join(", "));
            let _ = writeln!(refuse, "    {} {ip} saddr != {{ {sources} }} drop", front.matches());
        }
    }
    format!(
        "table inet svckit {{\n  chain services {{\n{translate}  }}\n  \
         chain refused {{\n    type filter hook prerouting priority -110;\n{refuse}  }}\n  \
         chain arriving {{\n    type nat hook prerouting priority dstnat;\n    jump services\n  }}\n  \
         chain own {{\n    type nat hook output priority -100;\n    jump services\n  }}\n  \
         chain leaving {{\n    type nat hook postrouting priority srcnat;\n{}  }}\n}}\n",
        hairpins(&fronts)
    )
}

/// A pod that reaches itself through a Service must not see its own address as the client's.
fn hairpins(fronts: &[Front]) -> String {
    let mut all: Vec<IpAddr> =
        fronts.iter().flat_map(|front| &front.endpoints).map(SocketAddr::ip).collect();
    all.sort_unstable();
    all.dedup();
    let rule = |addr: IpAddr| {
        let ip = if addr.is_ipv4() { "ip" } else { "ip6" };
        format!("    {ip} saddr {addr} {ip} daddr {addr} masquerade\n")
    };
    all.into_iter().map(rule).collect()
}

impl Front {
    fn ip(&self) -> &'static str {
        if self.to.is_ipv4() { "ip" } else { "ip6" }
    }

    fn matches(&self) -> String {
        format!("{} daddr {} {} dport {}", self.ip(), self.to, self.protocol.as_lower(), self.port)
    }

    fn translation(&self) -> String {
        let ip = self.ip();
        let number = self.endpoints.len();
        let pick = if self.sticky {
            format!("jhash {ip} saddr mod {number}")
        } else {
            format!("numgen inc mod {number}")
        };
        let slot = |(slot, endpoint): (usize, &SocketAddr)| {
            format!("{slot} : {} . {}", endpoint.ip(), endpoint.port())
        };
        let slots: Vec<String> = self.endpoints.iter().enumerate().map(slot).collect();
        format!("dnat {ip} to {pick} map {{ {} }}", slots.join(", "))
    }
}

/// What leads to the endpoints of one service port.
fn service(frontend: &Frontend, addresses: &[IpAddr], fronts: &mut Vec<Front>) {
    let front = |to: IpAddr, number: u16, endpoints: &[SocketAddr]| Front {
        to,
        protocol: frontend.protocol(),
        port: number,
        endpoints: endpoints.to_vec(),
        sticky: frontend.affinity.is_some(),
        sources: Vec::new(),
    };
    let number = frontend.port.get();
    fronts
        .extend(frontend.cluster_ip.map(|addr| front(addr, number, frontend.internal_endpoints())));
    let external = frontend.external_endpoints();
    fronts.extend(frontend.external_ips.iter().map(|addr| front(*addr, number, external)));
    let sources: Vec<String> = frontend.source_ranges.iter().map(ToString::to_string).collect();
    for addr in &frontend.vips {
        fronts.push(Front { sources: sources.clone(), ..front(*addr, number, external) });
    }
    if let Some(number) = frontend.node_port {
        let own = addresses.iter().filter(|addr| Family::of(**addr) == frontend.key.family);
        fronts.extend(own.map(|addr| front(*addr, number.get(), external)));
    }
}

/// What leads to a pod through ports of its node; a pod on the node's network needs no rule.
fn host_ports(pod: &Pod, addresses: &[IpAddr], fronts: &mut Vec<Front>) {
    for container in pod.ports.iter().filter(|_| !pod.host_network) {
        let Some(number) = container.host_port else { continue };
        let listed = container.host_ip.as_ref().map_or(addresses, std::slice::from_ref);
        for to in listed {
            let same = pod.addresses.iter().filter(|addr| addr.is_ipv4() == to.is_ipv4());
            let endpoints = same.map(|addr| SocketAddr::new(*addr, container.port.get())).collect();
            fronts.push(Front {
                to: *to,
                protocol: container.protocol,
                port: number.get(),
                endpoints,
                sticky: false,
                sources: Vec::new(),
            });
        }
    }
}
