//! `svckit lab`: manifests on a private network, with real kernel rules.
//!
//! ```text
//! svckit lab            waits, passes on signals and the exit code
//!   └─ client           192.0.2.2: runs the command; process 1 of a pid namespace
//!        └─ node        192.0.2.1: the kernel rules, as `svckit render` prints them, and the Ingress on port 80
//!             ├─ pod    10.244.0.1: servers that say who they are
//!             └─ pod    10.244.0.2
//! ```
//!
//! Each line below the first is a network namespace of its own, held by a process that is this same program in
//! another role. Nothing has a name outside: there is no `ip netns`, no file, no bridge. The client is process 1 of
//! a pid namespace, so that whatever ends it, `kill -9` included, ends all the others, and the kernel takes the
//! links and rules away with the last process that sees them. So there is no clean-up to forget.
//!
//! The cluster's DNS answers at its service address, from the pods behind it where there are some, and the command's
//! `/etc/resolv.conf` says so, in a mount namespace of its own. The command also finds `SVCKIT_NODE` (the node's
//! address), `SVCKIT_DNS` and `SVCKIT_INGRESS` (`192.0.2.1:80`) in its environment.
//!
//! Without root the namespaces belong to a user namespace in which we are root; the command sees itself as root then.

mod client;
mod enter;
mod faces;
mod ip;
mod layout;
mod node;
mod pod;
mod role;

use clap::Args;
use std::ffi::OsString;
use svckit::render::Kernel;

use crate::{
    exit::{Exit, Stop},
    input::Input,
};
use role::Role;

/// What `lab` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  svckit lab -f examples/walkthrough -- curl -s http://169.169.235.79:8081
  svckit lab -f examples/walkthrough --sink iptables -- dig +short redis-master.default.svc.cluster.local
  svckit lab -f examples/walkthrough -- sh -c 'curl -s --resolve mywebsite.com:80:$SVCKIT_NODE mywebsite.com/web'")]
pub(crate) struct Lab {
    #[command(flatten)]
    input: Input,
    /// Who carries the rules to the kernel.
    #[arg(long, value_enum, default_value = "nft")]
    sink: Sink,
    /// Which part of the lab this process is; the lab starts itself with it.
    #[arg(long, hide = true, value_enum)]
    role: Option<Role>,
    /// The command to run on the client's side; default: a shell.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Who carries rules to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sink {
    /// nft.
    Nft,
    /// iptables-restore, and ip6tables-restore.
    Iptables,
}

impl Sink {
    /// What can be done with it.
    const fn kernel(self) -> Kernel {
        match self {
            Self::Nft => Kernel::Nft,
            Self::Iptables => Kernel::Iptables,
        }
    }
}

impl Lab {
    /// Plays the part that this process has.
    pub(crate) fn run(&self) -> Result<Exit, Stop> {
        if self.input.paths.iter().any(|path| path.as_os_str() == "-") {
            return Err(Stop::usage(
                "lab reads files and directories; standard input is the command's",
            ));
        }
        match self.role {
            None => enter::run(self.sink),
            Some(Role::Client) => client::run(&self.command),
            Some(Role::Node) => node::run(&self.input, self.sink),
            Some(Role::Pod) => pod::run(),
        }
    }
}
