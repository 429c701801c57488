//! `svckit trace`: what happens to the first packet of a connection, step by step.

use clap::Args;
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use svckit::{
    cluster::Settings,
    forward::{Decision, Packet, Proxy, Snat},
    model::{Port, Protocol},
};
use svckit_adapters::clock;

use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
    load::Loaded,
    report,
};

/// What `trace` takes.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: svckit trace -f examples/walkthrough --from 10.244.0.9 --to 169.169.235.79:8081"
)]
pub(crate) struct Trace {
    #[command(flatten)]
    input: Input,
    /// Who opens the connection.
    #[arg(long, value_name = "IP")]
    from: IpAddr,
    /// Where to; the protocol is TCP unless named: 10.96.0.10:53/UDP.
    #[arg(long, value_name = "IP:PORT[/PROTO]", value_parser = target)]
    to: Target,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Where a connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Target {
    address: IpAddr,
    port: Port,
    protocol: Protocol,
}

impl Trace {
    /// Prints the fate of the packet on the node.
    pub(crate) fn run(&self) -> Result<Exit, Stop> {
        let mut settings = Settings::default();
        settings.node = Some(clock::host_name());
        let loaded = Loaded::read(&self.input, settings)?;
        report::print(&loaded.findings);
        let proxy = loaded.cluster.proxy();
        let packet = Packet {
            source: self.from,
            destination: self.to.address,
            protocol: self.to.protocol,
            port: self.to.port,
        };
        let told = Told::new(proxy, &packet);
        match self.output {
            Output::Json => println!("{:#}", told.json()),
            Output::Yaml => {
                print!("{}", serde_saphyr::to_string(&told.json()).unwrap_or_default());
            }
            Output::Name => told.to.iter().for_each(|to| println!("{to}")),
            Output::Table | Output::Wide => told.print(),
        }
        Ok(Exit::of_input(report::has_errors(&loaded.findings)))
    }
}

/// A decision, for people and programs.
struct Told {
    verdict: &'static str,
    to: Vec<String>,
    snat: bool,
    service: Option<String>,
    steps: Vec<String>,
}

impl Told {
    fn new(proxy: &Proxy, packet: &Packet) -> Self {
        let decision = proxy.decide(packet);
        let Decision { verdict, service, steps, .. } = &decision;
        let mut steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
        let itself = |to: &&SocketAddr| to.ip() == packet.source;
        if decision.snat == Snat::Hairpin && verdict.endpoints().iter().any(|to| itself(&to)) {
            steps.push("the source may be sent its own packet: masqueraded then".into());
        }
        let mut to = verdict.endpoints().to_vec();
        to.sort_unstable();
        Self {
            verdict: verdict.as_str(),
            to: to.iter().map(ToString::to_string).collect(),
            snat: decision.masquerades(packet),
            service: service.as_ref().map(|key| key.name.to_string()),
            steps,
        }
    }

    fn json(&self) -> Value {
        json!({
            "verdict": self.verdict,
            "to": self.to,
            "snat": self.snat,
            "service": self.service,
            "steps": self.steps,
        })
    }

    fn print(&self) {
        for (number, step) in (1_u32..).zip(&self.steps) {
            println!("{number:>2}. {step}");
        }
        println!("verdict: {}", self.verdict);
        if !self.to.is_empty() {
            println!("to:      {}", self.to.join(", "));
            println!("source:  {}", if self.snat { "rewritten to the node's" } else { "kept" });
        }
        if let Some(service) = &self.service {
            println!("service: {service}");
        }
    }
}

/// Reads `10.96.0.10:53/UDP`, `[fd00::10]:53`.
fn target(text: &str) -> Result<Target, String> {
    let (at, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
    let protocol = Protocol::parse(&protocol.to_uppercase())
        .ok_or_else(|| format!("{protocol}: the protocol is TCP, UDP or SCTP"))?;
    let at: SocketAddr = at
        .parse()
        .map_err(|_| format!("{at}: write IP:PORT, such as 10.96.0.10:80 or [fd00:96::10]:80"))?;
    let port = Port::new(at.port()).ok_or("port 0 can't be connected to")?;
    Ok(Target { address: at.ip(), port, protocol })
}

#[cfg(test)]
mod tests {
    use super::{Target, target};
    use svckit::model::{Port, Protocol};

    #[test]
    fn targets_are_read() {
        let at = |address: &str, port, protocol| {
            let (address, port) = (address.parse().unwrap(), Port::new(port).unwrap());
            Some(Target { address, port, protocol })
        };
        let cases = [
            ("10.96.0.10:80", at("10.96.0.10", 80, Protocol::Tcp)),
            ("10.96.0.10:53/UDP", at("10.96.0.10", 53, Protocol::Udp)),
            ("10.96.0.10:53/udp", at("10.96.0.10", 53, Protocol::Udp)),
            ("[fd00:96::10]:80/SCTP", at("fd00:96::10", 80, Protocol::Sctp)),
            ("10.96.0.10", None),
            ("10.96.0.10:0", None),
            ("10.96.0.10:80/ICMP", None),
            ("web:80", None),
        ];
        for (text, want) in cases {
            assert_eq!(target(text).ok(), want, "{text}");
        }
    }
}
