//! The programs that the gate's steps and the tests start, and the Debian packages that hold them.

use crate::{command::Command, go};
use std::{collections::BTreeSet, env, path::PathBuf};

/// A program, and the Debian packages that bring it, separated by blanks.
const PROGRAMS: &[(&str, &str)] = &[
    ("clang", "clang libclang-rt-dev"),
    ("cmake", "cmake"),
    ("conntrack", "conntrack"),
    ("curl", "curl"),
    ("delv", "bind9-dnsutils"),
    ("dig", "bind9-dnsutils"),
    ("etcd", "etcd-server"),
    ("g++", "g++"),
    ("gcc", "gcc"),
    ("git", "git"),
    ("go", "golang"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("iptables-restore", "iptables"),
    ("kdig", "knot-dnsutils"),
    ("named-checkzone", "bind9-utils"),
    ("nft", "nftables"),
    ("nginx", "nginx-light"),
    ("nm", "binutils"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("pkg-config", "pkg-config"),
    ("ps", "procps"),
    ("readelf", "binutils"),
    ("unshare", "util-linux"),
    ("valgrind", "valgrind libc6-dbg"),
];

/// Administrators' folders, and the one of Go's own archive, which are not in everybody's `PATH`.
const ADMIN_FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin"];

/// The folders in which programs are found; a Go that was fetched goes before the system's.
pub(crate) fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = env::split_paths(&path).chain(ADMIN_FOLDERS.iter().map(PathBuf::from));
    go::folder().into_iter().chain(system).collect()
}

/// Whether `program` is installed.
pub(crate) fn has(program: &str) -> bool {
    folders().iter().any(|folder| folder.join(program).is_file())
}

/// Whether we may do everything.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0")
}

/// The packages of the programs that are not installed.
pub(crate) fn missing() -> BTreeSet<&'static str> {
    let absent = PROGRAMS.iter().filter(|(program, _)| !has(program));
    let mut packages: BTreeSet<_> = absent.flat_map(|(_, packages)| packages.split(' ')).collect();
    if has("clang") && !has_sanitizers() {
        packages.insert("libclang-rt-dev");
    }
    packages
}

/// Whether clang has the libraries of its sanitizers, which some packages of it leave out.
pub(crate) fn has_sanitizers() -> bool {
    let probe = env::temp_dir().join(format!("svckit-probe-{}", std::process::id()));
    let command = Command::new("clang").words("-fsanitize=address -shared -x c /dev/null -o");
    let works = command.arg(&probe).succeeds();
    _ = std::fs::remove_file(probe);
    works
}

/// Installs what is missing; says what to install when that is not ours to do.
pub(crate) fn install() -> Result<(), String> {
    let missing = missing();
    if !missing.is_empty() {
        install_packages(&missing)?;
    }
    if !go::is_new_enough() {
        go::install()?;
    }
    println!("everything that the gate needs is installed");
    Ok(())
}

fn install_packages(missing: &BTreeSet<&str>) -> Result<(), String> {
    let names = missing.iter().copied().collect::<Vec<_>>().join(" ");
    if !has("apt-get") {
        return Err(format!("install what these Debian packages hold: {names}"));
    }
    if !is_root() {
        return Err(format!("as root: apt-get install --no-install-recommends {names}"));
    }
    apt("update --quiet").run()?;
    apt("install --yes --quiet --no-install-recommends").args(missing).run()
}

/// apt-get, which asks nothing and starts no daemon.
fn apt(words: &str) -> Command {
    Command::new("apt-get")
        .words(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Run level 1 is single-user mode: nginx and etcd are installed for tests, not to listen on this machine.
        .env("RUNLEVEL", "1")
}
