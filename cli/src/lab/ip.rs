//! Links, addresses and routes, set through the `ip` program.

use std::{
    io::Write,
    net::IpAddr,
    path::Path,
    process::{Command, Stdio},
};

use crate::exit::Stop;

/// Whether the kernel has IPv6.
pub(super) fn has_v6() -> bool {
    Path::new("/proc/net/if_inet6").exists()
}

/// Commands for one run of `ip -batch`, in order.
#[derive(Debug, Default)]
pub(super) struct Batch(String);

impl Batch {
    /// Adds a command, without the leading `ip`.
    pub(super) fn add(&mut self, command: impl AsRef<str>) -> &mut Self {
        self.0.push_str(command.as_ref());
        self.0.push('\n');
        self
    }

    /// A pair of links: `name` here and `far` in the namespace of process `pid`.
    pub(super) fn pair(&mut self, name: &str, far: &str, pid: u32) -> &mut Self {
        self.add(format!("link add {name} type veth peer name {far} netns {pid}"))
    }

    /// An address of a link, alone in its network; IPv6 without waiting to see whether others have it.
    pub(super) fn address(&mut self, link: &str, addr: IpAddr, prefix: u8) -> &mut Self {
        let flag = if addr.is_ipv6() { " nodad" } else { "" };
        self.add(format!("address add {addr}/{prefix} dev {link}{flag}"))
    }

    /// Takes a link into use.
    pub(super) fn up(&mut self, link: &str) -> &mut Self {
        self.add(format!("link set {link} up"))
    }

    /// Runs them all, up to the first that is refused.
    pub(super) fn run(&self) -> Result<(), Stop> {
        feed("ip", &["-batch", "-"], &self.0)
    }
}

/// Runs a program with `input`; its complaints are in the error.
pub(super) fn feed(program: &str, arguments: &[&str], input: &str) -> Result<(), Stop> {
    let refused =
        |reason: String| Stop::system(format!("{program} {}: {reason}", arguments.join(" ")));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| refused(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(|error| refused(error.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|error| refused(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
