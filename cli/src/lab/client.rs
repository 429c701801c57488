//! The client's side: a link to the node, and the command.

use std::{
    env,
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::process::ExitStatusExt,
    process::Command,
};

use super::{
    ip::{Batch, has_v6},
    role::{Part, Role},
};
use crate::exit::{Exit, Stop};

/// The client's addresses; both are reserved for documentation.
pub(super) const CLIENT: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)),
];

/// The node's addresses towards the client.
pub(super) const NODE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// The length of the network between the two.
pub(super) const fn prefix(addr: IpAddr) -> u8 {
    if addr.is_ipv4() { 24 } else { 64 }
}

/// Starts the node, links up with it, and runs the command.
pub(super) fn run(command: &[OsString]) -> Result<Exit, Stop> {
    let mut node = Part::start(Role::Node)?;
    let mut batch = Batch::default();
    batch.up("lo").pair("eth0", "client", node.here()?).up("eth0");
    for (own, node) in CLIENT.into_iter().zip(NODE).filter(|(own, _)| own.is_ipv4() || has_v6()) {
        batch.address("eth0", own, prefix(own)).add(format!("route add default via {node}"));
    }
    batch.run()?;
    node.tell("linked")?;
    node.ready()?;
    let shell = env::var_os("SHELL").unwrap_or_else(|| "sh".into());
    let (program, arguments) = command.split_first().unwrap_or((&shell, &[]));
    let status = Command::new(program)
        .args(arguments)
        .status()
        .map_err(|error| Stop::system(format!("{}: {error}", program.to_string_lossy())))?;
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(3);
    Ok(Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)))
}
