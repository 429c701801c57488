//! The outermost process: makes the namespaces, passes on signals and the exit code.

use std::{os::unix::process::ExitStatusExt, process::Stdio};
use tokio::{
    process::Command,
    signal::unix::{SignalKind, signal},
};

use super::{
    Sink,
    role::{Role, arguments},
};
use crate::exit::{Exit, Stop};

/// What makes the namespaces; the second for users who are not root here.
const WAYS: [&[&str]; 2] = [
    &["--mount", "--net", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"],
    &[
        "--user",
        "--map-root-user",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child=KILL",
        "--mount-proc",
        "--",
    ],
];

/// Programs that the lab starts, and Debian's packages of them.
const PROGRAMS: [(&str, &str); 4] =
    [("unshare", "util-linux"), ("setpriv", "util-linux"), ("ip", "iproute2"), ("mount", "mount")];

/// The program of a sink, and Debian's package of it.
const fn program(sink: Sink) -> (&'static str, &'static str) {
    match sink {
        Sink::Nft => ("nft", "nftables"),
        Sink::Iptables => ("iptables-restore", "iptables"),
    }
}

/// Runs the client in namespaces that end with it, and with us.
pub(super) fn run(sink: Sink) -> Result<Exit, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::system(error.to_string()))?;
    runtime.block_on(async {
        for (program, package) in PROGRAMS.into_iter().chain([program(sink)]) {
            if succeeds(program, &["--version"]).await.is_none() {
                return Err(Stop::system(format!(
                    "{program} is not installed (Debian: apt-get install {package})"
                )));
            }
        }
        let way = way().await?;
        carry(way).await
    })
}

/// The first way that the system allows.
async fn way() -> Result<&'static [&'static str], Stop> {
    for way in WAYS {
        if succeeds("unshare", &[way, &["true"]].concat()).await == Some(true) {
            return Ok(way);
        }
    }
    Err(Stop::system(
        "this system allows neither root's nor a user's network namespaces; \
         run as root, or set the sysctl kernel.unprivileged_userns_clone or user.max_user_namespaces",
    ))
}

/// Whether a program succeeds; `None` when there is none.
async fn succeeds(program: &str, arguments: &[&str]) -> Option<bool> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().await;
    match status {
        Ok(status) => Some(status.success()),
        Err(_) => None,
    }
}

/// Runs the client until it ends or a signal comes.
async fn carry(way: &[&str]) -> Result<Exit, Stop> {
    let refused = |error: std::io::Error| Stop::system(error.to_string());
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(refused)?;
    // With us ends unshare, with unshare process 1 of the new pid namespace, and with that one all the rest.
    let mut child = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare"])
        .args(way)
        .args(arguments(Role::Client)?)
        .kill_on_drop(true)
        .spawn()
        .map_err(refused)?;
    let number = tokio::select! {
        status = child.wait() => {
            let status = status.map_err(refused)?;
            let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(3);
            return Ok(Exit::Code(u8::try_from(code).unwrap_or(u8::MAX)));
        }
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hang_up.recv() => 1,
    };
    child.kill().await.map_err(refused)?;
    Ok(Exit::Code(128 + number))
}
