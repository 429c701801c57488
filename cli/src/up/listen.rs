//! Where this process may listen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// The lowest port that may be bound where the system doesn't say.
const USUAL: u16 = 1024;
/// What is added to a port that may not be bound: 80 becomes 8080, 53 becomes 8053.
const STEP: u16 = 8_000;

/// The lowest port this process may bind.
pub(super) fn lowest_port() -> u16 {
    let said = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let lowest = said.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(USUAL);
    // Root and its like may bind them all: trying is the only way to know.
    let privileged =
        |port: u16| TcpListener::bind((Ipv4Addr::new(127, 255, 255, 254), port)).is_ok();
    if lowest > 1 && [1, 7, 9].into_iter().any(privileged) { 1 } else { lowest }
}

/// Where clients reach `port` of an address: there, or at a port like it that may be bound and isn't `taken`.
pub(super) fn listen(
    ip: IpAddr,
    port: u16,
    lowest: u16,
    taken: impl Fn(SocketAddr) -> bool,
) -> SocketAddr {
    if port >= lowest {
        return SocketAddr::new(ip, port);
    }
    let candidates = (1..8).filter_map(|n| port.checked_add(STEP.checked_mul(n)?));
    let free = candidates.map(|port| SocketAddr::new(ip, port)).find(|addr| !taken(*addr));
    free.unwrap_or_else(|| SocketAddr::new(ip, port))
}

/// How many files this process may have open.
pub(super) fn file_limit() -> usize {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Lets this process open as many sockets as the system allows it.
pub(super) fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // If it can't be raised, the sockets that are too many are reported one by one.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_may_not_be_bound_move() {
        let ip = IpAddr::from([127, 96, 0, 1]);
        let at = |port| SocketAddr::new(ip, port);
        assert_eq!(listen(ip, 8080, 1024, |_| true), at(8080));
        assert_eq!(listen(ip, 80, 1, |_| true), at(80));
        assert_eq!(listen(ip, 80, 1024, |_| false), at(8080));
        assert_eq!(listen(ip, 80, 1024, |addr| addr.port() == 8080), at(16_080));
    }
}
