//! Records as values: for transfers, zone text, and whoever reads replies.
//!
//! Answers are not made of these; they are written straight into the caller's buffer.

use core::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use std_alloc::{boxed::Box, vec::Vec};

use super::{
    Name, Type,
    code::{self, IN},
};

/// One record of class IN.
///
/// ```
/// use svckit::dns::{Data, Record};
///
/// let owner = "cart.shop.svc.cluster.local".parse()?;
/// let record = Record { owner, ttl: 5, data: Data::A([10, 96, 0, 7].into()) };
/// assert_eq!(record.to_string(), "cart.shop.svc.cluster.local. 5 IN A 10.96.0.7");
/// # Ok::<_, svckit::dns::BadName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose record it is.
    pub owner: Name,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// The name to look for instead.
    Cname(Name),
    /// The name of an address.
    Ptr(Name),
    /// A server of the zone.
    Ns(Name),
    /// Texts of up to 255 octets each.
    Txt(Vec<Box<[u8]>>),
    /// Where a service is found.
    Srv(Srv),
    /// Where mail goes: preference, and host.
    Mx(u16, Name),
    /// The start of a zone.
    Soa(Soa),
    /// Another type's data as it came.
    Other(Type, Box<[u8]>),
}

/// Where a service is found (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// Among equals: how often.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Name,
}

/// The start of a zone (RFC 1035); times in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soa {
    /// The primary server.
    pub mname: Name,
    /// Whom to write to.
    pub rname: Name,
    /// Goes up with each change (RFC 1982).
    pub serial: u32,
    /// How often secondaries ask.
    pub refresh: u32,
    /// How soon they ask again after a failure.
    pub retry: u32,
    /// When they give up.
    pub expire: u32,
    /// How long denials may be kept.
    pub minimum: u32,
}

impl Record {
    /// An address record.
    #[must_use]
    pub fn address(owner: Name, ttl: u32, address: IpAddr) -> Self {
        let data = match address {
            IpAddr::V4(address) => Data::A(address),
            IpAddr::V6(address) => Data::Aaaa(address),
        };
        Self { owner, ttl, data }
    }

    /// Adds the record to a message that is being written, all names in full.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.owner.as_wire());
        out.extend(self.data.rtype().0.to_be_bytes());
        out.extend(IN.to_be_bytes());
        out.extend(self.ttl.to_be_bytes());
        let start = out.len();
        out.extend([0, 0]);
        self.data.encode(out);
        let length = (out.len() - start - 2) as u16;
        if let Some(field) = out.get_mut(start..start + 2) {
            field.copy_from_slice(&length.to_be_bytes());
        }
    }
}

impl Data {
    /// The record's type.
    #[must_use]
    pub fn rtype(&self) -> Type {
        Type(match self {
            Self::A(_) => code::A,
            Self::Aaaa(_) => code::AAAA,
            Self::Cname(_) => code::CNAME,
            Self::Ptr(_) => code::PTR,
            Self::Ns(_) => code::NS,
            Self::Txt(_) => code::TXT,
            Self::Srv(_) => code::SRV,
            Self::Mx(..) => code::MX,
            Self::Soa(_) => code::SOA,
            Self::Other(number, _) => return *number,
        })
    }

    /// The address it says, if it says one.
    #[must_use]
    pub fn as_address(&self) -> Option<IpAddr> {
        match self {
            Self::A(address) => Some((*address).into()),
            Self::Aaaa(address) => Some((*address).into()),
            _ => None,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::A(address) => out.extend(address.octets()),
            Self::Aaaa(address) => out.extend(address.octets()),
            Self::Cname(name) | Self::Ptr(name) | Self::Ns(name) => {
                out.extend_from_slice(name.as_wire());
            }
            Self::Txt(texts) => {
                for text in texts {
                    out.push(text.len().min(255) as u8);
                    out.extend(text.iter().take(255));
                }
            }
            Self::Srv(srv) => {
                for number in [srv.priority, srv.weight, srv.port] {
                    out.extend(number.to_be_bytes());
                }
                out.extend_from_slice(srv.target.as_wire());
            }
            Self::Mx(preference, host) => {
                out.extend(preference.to_be_bytes());
                out.extend_from_slice(host.as_wire());
            }
            Self::Soa(soa) => {
                out.extend_from_slice(soa.mname.as_wire());
                out.extend_from_slice(soa.rname.as_wire());
                for number in [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum] {
                    out.extend(number.to_be_bytes());
                }
            }
            Self::Other(_, octets) => out.extend_from_slice(octets),
        }
    }
}

/// As a line of a zone file.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} IN {} {}", self.owner, self.ttl, self.data.rtype(), self.data)
    }
}

/// As in a zone file, without the type.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Cname(name) | Self::Ptr(name) | Self::Ns(name) => name.fmt(f),
            Self::Txt(texts) => texts.iter().enumerate().try_for_each(|(index, text)| {
                f.write_str(if index == 0 { "\"" } else { " \"" })?;
                for byte in text {
                    match byte {
                        b'"' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                        b' '..=b'~' => write!(f, "{}", char::from(*byte))?,
                        byte => write!(f, "\\{byte:03}")?,
                    }
                }
                f.write_str("\"")
            }),
            Self::Srv(srv) => {
                write!(f, "{} {} {} {}", srv.priority, srv.weight, srv.port, srv.target)
            }
            Self::Mx(preference, host) => write!(f, "{preference} {host}"),
            Self::Soa(soa) => write!(
                f,
                "{} {} {} {} {} {} {}",
                soa.mname, soa.rname, soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum
            ),
            // RFC 3597.
            Self::Other(_, octets) => {
                write!(f, "\\# {}", octets.len())?;
                octets.iter().enumerate().try_for_each(|(index, byte)| {
                    write!(f, "{}{byte:02x}", if index == 0 { " " } else { "" })
                })
            }
        }
    }
}
