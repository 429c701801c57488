//! The PROXY protocol's header: who connects, told to the backend in the connection's first bytes.

use std::net::{IpAddr, SocketAddr};
use svckit::balance::ProxyProtocol;

/// What a binary header begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Version 2, a connection carried for somebody.
const PROXY: u8 = 0x21;

/// The header for a connection from `source` to `destination`; of different families it says that nothing is known.
pub(super) fn header(
    version: ProxyProtocol,
    source: SocketAddr,
    destination: SocketAddr,
) -> Vec<u8> {
    let (from, to) = (source.ip().to_canonical(), destination.ip().to_canonical());
    match version {
        ProxyProtocol::V1 => {
            let family = match (from, to) {
                (IpAddr::V4(_), IpAddr::V4(_)) => "TCP4",
                (IpAddr::V6(_), IpAddr::V6(_)) => "TCP6",
                _ => return b"PROXY UNKNOWN\r\n".into(),
            };
            let (source, destination) = (source.port(), destination.port());
            format!("PROXY {family} {from} {to} {source} {destination}\r\n").into()
        }
        ProxyProtocol::V2 => {
            let (family, addresses) = match (from, to) {
                (IpAddr::V4(from), IpAddr::V4(to)) => (0x11, [from.octets(), to.octets()].concat()),
                (IpAddr::V6(from), IpAddr::V6(to)) => (0x21, [from.octets(), to.octets()].concat()),
                _ => (0, Vec::new()),
            };
            let mut header = SIGNATURE.to_vec();
            let ports = if family == 0 { 0 } else { 4 };
            header.extend([PROXY, family, 0, addresses.len() as u8 + ports]);
            header.extend(addresses);
            if ports > 0 {
                header.extend(source.port().to_be_bytes());
                header.extend(destination.port().to_be_bytes());
            }
            header
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_who_connects() {
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (v4, v6) = (addr("192.0.2.1:5000"), addr("[2001:db8::1]:5000"));
        let text = |from, to| String::from_utf8(header(ProxyProtocol::V1, from, to)).unwrap();
        assert_eq!(text(v4, addr("10.96.0.1:80")), "PROXY TCP4 192.0.2.1 10.96.0.1 5000 80\r\n");
        assert_eq!(text(v6, addr("[fd00::1]:80")), "PROXY TCP6 2001:db8::1 fd00::1 5000 80\r\n");
        assert_eq!(text(addr("[::ffff:192.0.2.1]:5000"), v4), text(v4, v4));
        assert_eq!(text(v6, v4), "PROXY UNKNOWN\r\n");
        let binary = header(ProxyProtocol::V2, v4, addr("10.96.0.1:80"));
        assert_eq!(binary[..12], SIGNATURE);
        let rest = [0x21, 0x11, 0, 12, 192, 0, 2, 1, 10, 96, 0, 1, 0x13, 0x88, 0, 80];
        assert_eq!(binary[12..], rest);
        assert_eq!(header(ProxyProtocol::V2, v6, v6)[12..16], [0x21, 0x21, 0, 36]);
        assert_eq!(header(ProxyProtocol::V2, v6, v6).len(), 16 + 36);
        assert_eq!(header(ProxyProtocol::V2, v6, v4)[12..], [0x21, 0, 0, 0]);
    }
}
