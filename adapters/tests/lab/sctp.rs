//! Enough SCTP to open an association: an INIT, and the answer to it, over raw sockets. Kernels translate and track
//! SCTP without being able to speak it.

use rustix::{
    fd::OwnedFd,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketFlags, SocketType, connect,
        ipproto, recv, recvfrom, send, sendto, socket_with,
        sockopt::{Timeout, set_socket_timeout},
    },
};
use std::{io, net::SocketAddr};

use super::roles::PATIENCE;

/// Chunks of SCTP.
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;

/// The parameter that a server puts its state in: here, its name.
const STATE: u16 = 7;

fn open(v6: bool) -> io::Result<OwnedFd> {
    let family = if v6 { AddressFamily::INET6 } else { AddressFamily::INET };
    Ok(socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, Some(ipproto::SCTP))?)
}

/// What comes after the header of IP, which raw sockets show of IPv4 alone.
fn payload(packet: &[u8], v6: bool) -> &[u8] {
    let header = if v6 { 0 } else { usize::from(packet[0] & 15) * 4 };
    &packet[header..]
}

/// Answers each INIT to port 8080 with a name and who asks.
pub(super) fn serve(name: &str, v6: bool) {
    let socket = open(v6).unwrap();
    let mut buffer = [0; 1_500];
    loop {
        let (length, _, from) = recvfrom(&socket, &mut buffer, RecvFlags::empty()).unwrap();
        let from = SocketAddr::try_from(from.unwrap()).unwrap();
        let asked = payload(&buffer[..length], v6);
        if asked.len() < 20 || number(asked, 2) != 8080 || asked[12] != INIT {
            continue;
        }
        let tag: [u8; 4] = asked[16..20].try_into().unwrap();
        let state = format!("{name} {}", from.ip());
        let answer = packet((8080, number(asked, 0)), tag, INIT_ACK, &state);
        let _ = sendto(&socket, &answer, SendFlags::empty(), &SocketAddr::new(from.ip(), 0));
    }
}

/// Sends an INIT, and waits for the answer; it must come from where we asked.
pub(super) fn ask(to: SocketAddr) -> io::Result<String> {
    let socket = open(to.is_ipv6())?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    connect(&socket, &SocketAddrAny::from(SocketAddr::new(to.ip(), 0)))?;
    let own = 20_000 + (svckit_adapters::clock::entropy() % 20_000) as u16;
    send(&socket, &packet((own, to.port()), [0; 4], INIT, ""), SendFlags::empty())?;
    let mut buffer = [0; 1_500];
    loop {
        let (length, _) = recv(&socket, &mut buffer, RecvFlags::empty())?;
        let answer = payload(&buffer[..length], to.is_ipv6());
        if answer.len() > 36
            && answer[12] == INIT_ACK
            && (number(answer, 0), number(answer, 2)) == (to.port(), own)
        {
            assert_eq!(
                answer[8..12],
                sum(answer).to_le_bytes(),
                "the checksum fits what was rewritten"
            );
            let end = 32 + usize::from(number(answer, 34));
            return Ok(String::from_utf8_lossy(&answer[36..end]).into_owned());
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// A packet of one chunk that opens an association, with a state if there is any to tell.
fn packet((from, to): (u16, u16), tag: [u8; 4], kind: u8, state: &str) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(from.to_be_bytes());
    out.extend(to.to_be_bytes());
    out.extend(tag);
    out.extend([0; 4]);
    out.extend([kind, 0, 0, 0]);
    // Its own tag, its window, streams both ways, the first number.
    out.extend([0, 0, 0, 77, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 9]);
    if !state.is_empty() {
        out.extend(STATE.to_be_bytes());
        out.extend((4 + state.len() as u16).to_be_bytes());
        out.extend(state.as_bytes());
    }
    let length = (out.len() - 12) as u16;
    out[14..16].copy_from_slice(&length.to_be_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    let sum = sum(&out);
    out[8..12].copy_from_slice(&sum.to_le_bytes());
    out
}

/// CRC-32C of a packet, its own place counted as zero.
fn sum(packet: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for (n, byte) in packet.iter().enumerate() {
        sum ^= if (8..12).contains(&n) { 0 } else { u32::from(*byte) };
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
        }
    }
    !sum
}
