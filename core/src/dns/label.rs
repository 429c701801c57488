//! The label of an endpoint below its Service's name.

use core::{
    cmp::Ordering,
    fmt::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use std_alloc::{string::String, sync::Arc};

use super::name::LONGEST_LABEL;
use crate::model::Endpoint;

/// One label, on the stack.
#[derive(Clone, Copy)]
pub(super) struct Label {
    /// In wire form: the length first.
    octets: [u8; 1 + LONGEST_LABEL],
}

/// What an endpoint is called below its Service's name: its hostname; else, where `pod_names` asks for it, its
/// pod's name; else its address with dashes.
///
/// `None` for an endpoint without an address. A name longer than 63 octets, or with a dot in it, is no label and is
/// passed over (CoreDNS, `endpoint_pod_names`).
#[must_use]
pub fn endpoint_label(endpoint: &Endpoint, pod_names: bool) -> Option<String> {
    if let Some(name) = given(endpoint, pod_names) {
        return Some((&**name).into());
    }
    let label = Label::of_address(*endpoint.addresses.first()?);
    core::str::from_utf8(label.as_bytes()).ok().map(Into::into)
}

/// The label somebody gave an endpoint: its hostname, or if wanted its pod's name.
pub(super) fn given(endpoint: &Endpoint, pod_names: bool) -> Option<&Arc<str>> {
    let fits = |name: &&Arc<str>| (1..=LONGEST_LABEL).contains(&name.len()) && !name.contains('.');
    let pod = endpoint.pod.as_ref().map(|pod| &pod.name).filter(|_| pod_names);
    endpoint.hostname.as_ref().filter(fits).or_else(|| pod.filter(fits))
}

impl Label {
    /// A text that fits.
    pub(super) fn of_text(text: &str) -> Self {
        let mut label = Self { octets: [0; 1 + LONGEST_LABEL] };
        // What doesn't fit isn't written.
        let _ = label.write_str(text);
        label
    }

    /// `10-244-0-7`, `fd00--7`; a last dash gets a zero, because labels don't end in one.
    pub(super) fn of_address(address: IpAddr) -> Self {
        let mut label = Self { octets: [0; 1 + LONGEST_LABEL] };
        let written = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                write!(label, "{a}-{b}-{c}-{d}")
            }
            // Without dots, so that it can be read back.
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
                let [.., high, low] = address.segments();
                write!(label, "--ffff-{high:x}-{low:x}")
            }
            IpAddr::V6(address) => write!(label, "{address}"),
        };
        debug_assert!(written.is_ok(), "the longest address has 39 octets");
        label
            .octets
            .iter_mut()
            .filter(|octet| matches!(octet, b':'))
            .for_each(|octet| *octet = b'-');
        if label.as_bytes().ends_with(b"-") {
            let _ = label.write_str("0");
        }
        label
    }

    /// Its octets.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.wire().get(1..).unwrap_or_default()
    }

    /// Its length and its octets.
    pub(super) fn wire(&self) -> &[u8] {
        let [length, ..] = self.octets;
        self.octets.get(..1 + usize::from(length)).unwrap_or_default()
    }

    /// The order of labels: as lower-cased octets.
    pub(super) fn compare(&self, other: &[u8]) -> Ordering {
        let lower = |octets: &[u8]| octets.to_ascii_lowercase();
        match self.as_bytes().cmp(other) {
            Ordering::Equal => Ordering::Equal,
            order if !has_upper(self.as_bytes()) && !has_upper(other) => order,
            _ => lower(self.as_bytes()).cmp(&lower(other)),
        }
    }
}

fn has_upper(octets: &[u8]) -> bool {
    octets.iter().any(u8::is_ascii_uppercase)
}

impl Write for Label {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let at = self.wire().len();
        let room = self.octets.get_mut(at..at + text.len()).ok_or(core::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        let [length, ..] = &mut self.octets;
        *length += text.len() as u8;
        Ok(())
    }
}

/// The address that a label with dashes spells: three single dashes make IPv4, anything else IPv6.
pub(super) fn address_of(label: &[u8]) -> Option<IpAddr> {
    let dashes = label.iter().filter(|octet| **octet == b'-').count();
    let double = label.windows(2).any(|pair| pair == b"--");
    let (v4, separator) = if dashes == 3 && !double { (true, b'.') } else { (false, b':') };
    let mut text = [0; 45];
    let text = text.get_mut(..label.len())?;
    for (octet, from) in text.iter_mut().zip(label) {
        *octet = match *from {
            b'-' => separator,
            // No dots or colons of their own: those would be other labels for the same address.
            b'.' | b':' => return None,
            from => from,
        };
    }
    let text = core::str::from_utf8(text).ok()?;
    if v4 {
        text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    } else {
        text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_labels() {
        for (address, label) in [
            ("10.11.12.13", "10-11-12-13"),
            ("2001:db8:3333:4444:5555:6666:7777:8888", "2001-db8-3333-4444-5555-6666-7777-8888"),
            ("2001:db8:3333:4444:5555:6666::", "2001-db8-3333-4444-5555-6666--0"),
            ("::1", "--1"),
            ("::", "--0"),
            ("1::2:3", "1--2-3"),
            ("::ffff:1.2.3.4", "--ffff-102-304"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            let made = Label::of_address(address);
            assert_eq!(core::str::from_utf8(made.as_bytes()), Ok(label), "{address}");
            assert_eq!(address_of(label.as_bytes()), Some(address), "{label}");
        }
        for label in ["", "blah", "10-11-12", "10-11-12-256", "10.1-2-3-4", "1:2--3", "1--2--3"] {
            assert_eq!(address_of(label.as_bytes()), None, "{label}");
        }
    }
}
