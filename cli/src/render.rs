//! `svckit render`: artefacts for other programs, as text.

mod names;
mod nginx;

use clap::{Args, Subcommand};
use svckit::{
    cluster::Settings,
    forward::Proxy,
    model::Family,
    render::{self, Kernel},
};

use crate::{
    exit::{Exit, Stop},
    input::Input,
    load::Loaded,
    report,
};

/// What `render` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: svckit render nft -f examples/walkthrough --node n1")]
pub(crate) struct Render {
    #[command(subcommand)]
    artefact: Artefact,
}

/// What is rendered.
#[derive(Subcommand, Clone, Debug)]
enum Artefact {
    /// The node's forwarding as input for nft -f.
    #[command(after_help = "Example: svckit render nft -f examples/walkthrough | nft -c -f -")]
    Nft(Input),
    /// The node's forwarding as input for iptables-restore --noflush, or ip6tables-restore.
    #[command(
        after_help = "Example: svckit render iptables -f examples/walkthrough | iptables-restore --noflush --test"
    )]
    Iptables(OneFamily),
    /// The node's forwarding as input for ipset restore and ipvsadm --restore.
    #[command(
        after_help = "Example: svckit render ipvs -f examples/walkthrough --part servers | ipvsadm --restore"
    )]
    Ipvs {
        #[command(flatten)]
        family: OneFamily,
        /// Which of the two inputs.
        #[arg(long, value_enum, default_value = "all")]
        part: IpvsPart,
    },
    /// All routes as a configuration for nginx.
    #[command(
        after_help = "Example: svckit render nginx -f examples/walkthrough > nginx.conf && nginx -t -c $PWD/nginx.conf"
    )]
    Nginx(nginx::Nginx),
    /// The records of a zone, as a standard zone file.
    #[command(
        after_help = "Example: svckit render zone -f examples/walkthrough > cluster.local.zone"
    )]
    Zone(names::ZoneFile),
    /// The records in the layout that SkyDNS has in etcd: key, tab, value.
    #[command(after_help = "Example: svckit render skydns -f examples/walkthrough")]
    Skydns(names::Keys),
    /// The resolv.conf of a pod.
    #[command(
        after_help = "Example: svckit render resolv -f examples/walkthrough --pod default/redis-master-0"
    )]
    Resolv(names::Resolv),
}

/// What artefacts of one address family take.
#[derive(Args, Clone, Debug)]
struct OneFamily {
    #[command(flatten)]
    input: Input,
    /// The address family.
    #[arg(long, value_enum, default_value = "ipv4")]
    family: FamilyName,
}

/// The inputs of the two programs that program IPVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum IpvsPart {
    /// Both, each under a comment that names its program.
    All,
    /// Sets of addresses, for ipset.
    Sets,
    /// Virtual servers, for ipvsadm.
    Servers,
}

/// An address family, as people name it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FamilyName {
    Ipv4,
    Ipv6,
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Ipv4 => Self::V4,
            FamilyName::Ipv6 => Self::V6,
        }
    }
}

impl Render {
    /// Prints the artefact of what is good in the input.
    pub(crate) fn run(&self) -> Result<Exit, Stop> {
        let (loaded, text) = match &self.artefact {
            Artefact::Nft(input) => {
                let loaded = read(Kernel::Nft, input)?;
                let text = written(|out| render::nft::full(loaded.cluster.proxy(), out))?;
                (loaded, text)
            }
            Artefact::Iptables(OneFamily { input, family }) => {
                let loaded = read(Kernel::Iptables, input)?;
                let family = (*family).into();
                let text =
                    written(|out| render::iptables::full(loaded.cluster.proxy(), family, out))?;
                (loaded, text)
            }
            Artefact::Ipvs { family: OneFamily { input, family }, part } => {
                let loaded = read(Kernel::Ipvs, input)?;
                let text =
                    written(|out| ipvs(loaded.cluster.proxy(), (*family).into(), *part, out))?;
                (loaded, text)
            }
            Artefact::Nginx(nginx) => nginx.run()?,
            Artefact::Zone(zone) => made(&zone.input, |loaded| zone.text(loaded))?,
            Artefact::Skydns(keys) => made(&keys.input, |loaded| keys.text(loaded))?,
            Artefact::Resolv(resolv) => made(&resolv.input, |loaded| resolv.text(loaded))?,
        };
        print!("{text}");
        report::print(&loaded.findings);
        Ok(Exit::of_input(report::has_errors(&loaded.findings)))
    }
}

fn read(kernel: Kernel, input: &Input) -> Result<&'static mut Loaded, Stop> {
    Loaded::read_for(Some(kernel), input, Settings::default())
}

/// What was read, and the text that is made of it.
fn made(
    input: &Input,
    text: impl FnOnce(&mut Loaded) -> Result<String, Stop>,
) -> Result<(&'static mut Loaded, String), Stop> {
    let loaded = Loaded::read(input, Settings::default())?;
    let text = text(loaded)?;
    Ok((loaded, text))
}

/// Writes the parts of what IPVS needs.
fn ipvs(proxy: &Proxy, family: Family, part: IpvsPart, out: &mut String) -> std::fmt::Result {
    let all = part == IpvsPart::All;
    if all {
        out.push_str("# ipset restore -exist\n");
    }
    if part != IpvsPart::Servers {
        render::ipvs::sets(proxy, family, out)?;
    }
    if all {
        out.push_str("# ipvsadm --restore\n");
    }
    if part != IpvsPart::Sets {
        render::ipvs::servers(proxy, family, out)?;
    }
    Ok(())
}

/// The text that a renderer writes.
pub(crate) fn written(
    render: impl FnOnce(&mut String) -> std::fmt::Result,
) -> Result<String, Stop> {
    let mut text = String::new();
    render(&mut text).map_err(|error| Stop::system(format!("can't render: {error}")))?;
    Ok(text)
}
