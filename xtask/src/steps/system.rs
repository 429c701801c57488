//! What the tests of kernel rules need from this system.
//!
//! Those tests make network namespaces of their own and leave out what the system refuses. This step says whether it
//! refused, so that a test that was left out is never mistaken for one that passed.

use super::{Fault, require};
use crate::{command::Command, gate::Step, programs, workspace::Workspace};

pub(super) const STEPS: &[Step] = &[Step { name: "kernel", needs: &[], run: kernel }];

/// Loaded in a private namespace: the kernel features of the rules we render.
const RULES: &str = "add table inet probe; \
    add map inet probe eps { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }; \
    add chain inet probe nat { type nat hook postrouting priority srcnat; }; \
    add rule inet probe nat ct state new counter masquerade; ";

fn kernel(_workspace: &Workspace) -> Result<(), Fault> {
    if !cfg!(target_os = "linux") {
        return Err(Fault::Missing("this is not Linux".into()));
    }
    require(&["unshare", "ip", "nft", "iptables-restore"])?;
    let user = if programs::is_root() { "" } else { "--user --map-root-user" };
    let inside =
        |program: &str| Command::new("unshare").words(user).words("--net --mount").words(program);
    let checks = [
        (inside("ip link set lo up"), "network namespaces are not allowed here"),
        (inside("nft").arg(RULES), "nft rules can't be loaded in a network namespace here"),
        (inside("iptables -t nat -L -n"), "iptables rules can't be loaded here"),
        (inside("ip -6 address add fd00::1/128 dev lo nodad"), "there is no IPv6 here"),
    ];
    match checks.into_iter().find_map(|(check, refused)| (!check.succeeds()).then_some(refused)) {
        None => Ok(()),
        Some(refused) => Err(Fault::Missing(refused.into())),
    }
}
