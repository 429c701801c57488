//! The lab's kernel rules: one nft rule for each address and port that leads somewhere.
//!
//! What leads where is decided by `forward`; here it is only written down. One rule per Service is fine for the few
//! Services of a lab, and easy to read in `nft list ruleset`.

use std::{
    fmt::Write,
    net::{IpAddr, SocketAddr},
};
use svckit::{
    forward::{Desired, Frontend, Item, Proxy, Refusal},
    model::Protocol,
};

/// An address and port that lead to endpoints.
struct Front {
    to: IpAddr,
    protocol: Protocol,
    port: u16,
    endpoints: Vec<SocketAddr>,
    /// What becomes of traffic when there are none.
    refusal: Option<Refusal>,
    /// Equal clients reach equal endpoints.
    sticky: bool,
    /// Who may use it; empty: everybody.
    sources: Vec<String>,
}

/// The rules for a node with these `addresses`, as `nft -f` reads them.
pub(super) fn text(proxy: &Proxy, addresses: &[IpAddr]) -> String {
    let mut fronts = Vec::new();
    let mut hairpins = String::new();
    for (item, desired) in proxy.items() {
        match (item, desired) {
            (Item::Frontend(_), Desired::Frontend(frontend)) => {
                service(&frontend, proxy, addresses, &mut fronts);
            }
            (Item::HostPort(key), Desired::HostPort(pod)) => {
                let own = addresses.iter().filter(|addr| addr.is_ipv4() == pod.is_ipv4());
                let listed: Vec<IpAddr> =
                    key.addr.map_or_else(|| own.copied().collect(), |to| vec![to]);
                fronts.extend(listed.into_iter().map(|to| Front {
                    to,
                    protocol: key.protocol,
                    port: key.port.get(),
                    endpoints: vec![pod],
                    refusal: None,
                    sticky: false,
                    sources: Vec::new(),
                }));
            }
            (Item::Hairpin(addr), _) => hairpins.push_str(&hairpin(addr)),
            _ => {}
        }
    }
    fronts.sort_by_key(|front| (front.to, front.protocol, front.port));
    let mut translate = String::new();
    let mut refuse = String::new();
    for front in &fronts {
        // Writing to a String can't fail.
        let _ = match front.refusal {
            Some(Refusal::Reject) => writeln!(refuse, "    {} reject", front.matches()),
            Some(Refusal::Drop) => writeln!(refuse, "    {} drop", front.matches()),
            None => writeln!(translate, "    {} {}", front.matches(), front.translation()),
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
         chain leaving {{\n    type nat hook postrouting priority srcnat;\n{hairpins}  }}\n}}\n"
    )
}

/// A pod that reaches itself through a Service must not see its own address as the client's.
fn hairpin(addr: IpAddr) -> String {
    let ip = if addr.is_ipv4() { "ip" } else { "ip6" };
    format!("    {ip} saddr {addr} {ip} daddr {addr} masquerade\n")
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
fn service(frontend: &Frontend, proxy: &Proxy, addresses: &[IpAddr], fronts: &mut Vec<Front>) {
    let front = |to: IpAddr, port: u16, endpoints: &[SocketAddr], refusal| Front {
        to,
        protocol: frontend.protocol(),
        port,
        endpoints: endpoints.to_vec(),
        refusal,
        sticky: frontend.affinity.is_some(),
        sources: Vec::new(),
    };
    let port = frontend.port.get();
    if let Some(addr) = frontend.cluster_ip {
        let inside = frontend.internal_endpoints();
        fronts.push(front(addr, port, inside, frontend.internal_refusal()));
    }
    let outside = frontend.external_endpoints();
    let refusal = frontend.external_refusal();
    fronts.extend(frontend.external_ips.iter().map(|addr| front(*addr, port, outside, refusal)));
    let sources = frontend.allowed_sources(proxy.node());
    for addr in &frontend.vips {
        let sources = sources.iter().map(ToString::to_string).collect();
        fronts.push(Front { sources, ..front(*addr, port, outside, refusal) });
    }
    if let Some(number) = frontend.node_port {
        let own = addresses.iter().filter(|addr| proxy.node().answers_node_ports(**addr));
        let own = own.filter(|addr| svckit::model::Family::of(**addr) == frontend.key.family);
        fronts.extend(own.map(|addr| front(*addr, number.get(), outside, refusal)));
    }
}
