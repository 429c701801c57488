//! The client's side: a link to the node, and the command.

use serde_json::Value;
use std::{
    env,
    ffi::OsString,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::process::ExitStatusExt,
    process::Command,
};

use super::{
    ip::{Batch, feed, has_v6},
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
    let told: Value = serde_json::from_str(&node.hear()?).unwrap_or_default();
    node.ready()?;
    if let Some(text) = told.get("resolvConf").and_then(Value::as_str)
        && let Err(Stop { message, .. }) = resolve_by(text)
    {
        eprintln!("svckit: names are not resolved by the lab's DNS: {message}");
    }
    let shell = env::var_os("SHELL").unwrap_or_else(|| "sh".into());
    let (program, arguments) = command.split_first().unwrap_or((&shell, &[]));
    let status = Command::new(program)
        .args(arguments)
        .env("SVCKIT_NODE", NODE[0].to_string())
        .env("SVCKIT_DNS", told.get("dns").and_then(Value::as_str).unwrap_or_default())
        .env("SVCKIT_INGRESS", format!("{}:80", NODE[0]))
        .status()
        .map_err(|error| Stop::system(format!("{}: {error}", program.to_string_lossy())))?;
    let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(3);
    Ok(Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Puts `text` in the place of `/etc/resolv.conf`, for us and whom we start: we have a mount namespace of our own.
///
/// The file is on a file system in memory that nobody else sees, and that is hidden again once the file is in place.
fn resolve_by(text: &str) -> Result<(), Stop> {
    const PLACE: &str = "/mnt";
    let file = format!("{PLACE}/resolv.conf");
    feed("mount", &["-t", "tmpfs", "svckit", PLACE], "")?;
    let placed = fs::write(&file, text)
        .map_err(|error| Stop::system(format!("{file}: {error}")))
        .and_then(|()| feed("mount", &["--bind", &file, "/etc/resolv.conf"], ""));
    feed("umount", &["--lazy", PLACE], "")?;
    placed
}
