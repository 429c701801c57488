//! The host that a request names, in one form.
//!
//! ```text
//! Shop.Example.COM.:8080   →   shop.example.com
//! [2001:db8::1]:80         →   an address: only rules for every host apply
//! ```
//!
//! Internationalised names arrive as A-labels (`xn--…`); nothing is mapped here.

use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str,
};
use std_alloc::vec::Vec;

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name in lower case, without port and final dot.
    Name(&'a str),
    /// An address; rules name hosts, so only rules for every host apply.
    Address(IpAddr),
    /// Nobody in particular, as HTTP/1.0 allows.
    Unnamed,
}

/// Why a host is refused; the answer is status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadHost {
    /// There is nothing before the port.
    #[error("the host is empty")]
    Empty,
    /// A byte that no host name has, such as `@`, `,`, `/` or `*`.
    #[error("byte {0:#04x} can't stand in a host name")]
    Byte(u8),
    /// Two dots in a row, a dot in front, or a label of more than 63 octets.
    #[error("a label of the host name is empty or too long")]
    Label,
    /// More than 253 octets.
    #[error("the host name is too long")]
    TooLong,
    /// Not a number from 0 to 65535.
    #[error("the port is not a number from 0 to 65535")]
    Port,
    /// Brackets without an IPv6 address.
    #[error("not an IPv6 address in brackets")]
    Address,
}

impl<'a> Host<'a> {
    /// Reads the value of a `Host` header, or the authority of a request target.
    ///
    /// Borrows from `raw` when it is in lower case already, else from `out`.
    ///
    /// # Errors
    ///
    /// Whatever can't be a host: the answer is 400.
    ///
    /// ```
    /// use svckit::ingress::{BadHost, Host};
    ///
    /// let mut out = Vec::new();
    /// assert_eq!(Host::read(b"Shop.example.com.:8080", &mut out), Ok(Host::Name("shop.example.com")));
    /// assert_eq!(Host::read(b"10.0.0.1:80", &mut out), Ok(Host::Address([10, 0, 0, 1].into())));
    /// assert_eq!(Host::read(b"a.example, b.example", &mut out), Err(BadHost::Byte(b',')));
    /// ```
    pub fn read(raw: &'a [u8], out: &'a mut Vec<u8>) -> Result<Self, BadHost> {
        if let Some(rest) = raw.strip_prefix(b"[") {
            return address(rest).map(Host::Address);
        }
        let colon = raw.iter().position(|&byte| byte == b':').unwrap_or(raw.len());
        let (name, tail) = raw.split_at_checked(colon).unwrap_or((raw, b""));
        port(tail)?;
        let name = name.strip_suffix(b".").unwrap_or(name);
        check(name)?;
        if let Some(addr) = text(name).parse::<Ipv4Addr>().ok().map(IpAddr::V4) {
            return Ok(Host::Address(addr));
        }
        if !name.iter().any(u8::is_ascii_uppercase) {
            return Ok(Host::Name(text(name)));
        }
        out.clear();
        out.extend(name.iter().map(u8::to_ascii_lowercase));
        Ok(Host::Name(text(out)))
    }

    /// The name to look routes up by; empty for addresses and unnamed hosts.
    #[must_use]
    pub const fn name(self) -> &'a str {
        match self {
            Host::Name(name) => name,
            Host::Address(_) | Host::Unnamed => "",
        }
    }
}

/// A name without port and final dot.
fn check(name: &[u8]) -> Result<(), BadHost> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if let Some(&byte) = name.iter().find(|byte| !allowed(**byte)) {
        return Err(BadHost::Byte(byte));
    }
    if name.is_empty() {
        return Err(BadHost::Empty);
    }
    if name.len() > 253 {
        return Err(BadHost::TooLong);
    }
    let bad = |label: &[u8]| label.is_empty() || label.len() > 63;
    if name.split(|&byte| byte == b'.').any(bad) {
        return Err(BadHost::Label);
    }
    Ok(())
}

/// `:8080`, `:` or nothing.
fn port(tail: &[u8]) -> Result<(), BadHost> {
    let digits = tail.strip_prefix(b":").unwrap_or(tail);
    let numeric = digits.iter().all(u8::is_ascii_digit);
    if numeric && (digits.is_empty() || text(digits).parse::<u16>().is_ok()) {
        return Ok(());
    }
    Err(BadHost::Port)
}

/// `2001:db8::1]:80`, after the bracket.
fn address(rest: &[u8]) -> Result<IpAddr, BadHost> {
    let end = rest.iter().position(|&byte| byte == b']').ok_or(BadHost::Address)?;
    let (inside, tail) = rest.split_at_checked(end).ok_or(BadHost::Address)?;
    let tail = tail.strip_prefix(b"]").unwrap_or(tail);
    if !tail.is_empty() && !tail.starts_with(b":") {
        return Err(BadHost::Port);
    }
    port(tail)?;
    text(inside).parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| BadHost::Address)
}

/// Text that was checked to be ASCII; empty when it is not.
fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_form() {
        let long = [b'a'; 64];
        let cases: &[(&str, &[u8], Result<Host<'_>, BadHost>)] = &[
            ("plain", b"foo.bar.com", Ok(Host::Name("foo.bar.com"))),
            ("case", b"FOO.Bar.COM", Ok(Host::Name("foo.bar.com"))),
            ("port", b"foo.bar.com:8080", Ok(Host::Name("foo.bar.com"))),
            ("colon alone", b"foo.bar.com:", Ok(Host::Name("foo.bar.com"))),
            ("final dot", b"foo.bar.com.", Ok(Host::Name("foo.bar.com"))),
            ("final dot and port", b"foo.bar.com.:80", Ok(Host::Name("foo.bar.com"))),
            ("underscore", b"my_app.bar.com", Ok(Host::Name("my_app.bar.com"))),
            ("one label", b"localhost", Ok(Host::Name("localhost"))),
            ("IPv4", b"10.0.0.1:80", Ok(Host::Address([10, 0, 0, 1].into()))),
            ("IPv6", b"[::1]:80", Ok(Host::Address(IpAddr::V6(Ipv6Addr::LOCALHOST)))),
            ("two final dots", b"foo.bar.com..", Err(BadHost::Label)),
            ("empty label", b"foo..com", Err(BadHost::Label)),
            ("dot in front", b".foo.com", Err(BadHost::Label)),
            ("long label", &long, Err(BadHost::Label)),
            ("long name", &[b"a.".repeat(127), b"a".to_vec()].concat(), Err(BadHost::TooLong)),
            ("empty", b"", Err(BadHost::Empty)),
            ("a dot", b".", Err(BadHost::Empty)),
            ("only a port", b":80", Err(BadHost::Empty)),
            ("slash", b"foo.bar.com/x", Err(BadHost::Byte(b'/'))),
            ("NUL", b"foo.bar.com\0", Err(BadHost::Byte(0))),
            ("two hosts", b"a, b", Err(BadHost::Byte(b','))),
            ("user", b"ann@foo.com", Err(BadHost::Byte(b'@'))),
            ("star", b"*.foo.com", Err(BadHost::Byte(b'*'))),
            ("space", b"foo com", Err(BadHost::Byte(b' '))),
            ("large port", b"foo.com:65536", Err(BadHost::Port)),
            ("signed port", b"foo.com:+80", Err(BadHost::Port)),
            ("two ports", b"foo.com:80:80", Err(BadHost::Port)),
            ("brackets", b"[foo]", Err(BadHost::Address)),
            ("open bracket", b"[::1", Err(BadHost::Address)),
            ("after the bracket", b"[::1]x", Err(BadHost::Port)),
        ];
        for (name, raw, want) in cases {
            assert_eq!(Host::read(raw, &mut Vec::new()), *want, "{name}");
        }
    }
}
