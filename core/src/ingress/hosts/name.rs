//! A host's name where look-ups compare it.

use std_alloc::boxed::Box;

/// Octets of a name that stands beside its host, so that nobody waits for memory to compare it.
const SHORT: usize = 30;

/// The name of a host.
#[derive(Clone, Debug)]
pub(super) enum HostName {
    Short { length: u8, octets: [u8; SHORT] },
    Long(Box<str>),
}

impl HostName {
    pub(super) fn new(name: &str) -> Self {
        let mut octets = [0; SHORT];
        match octets.get_mut(..name.len()) {
            Some(room) => {
                room.copy_from_slice(name.as_bytes());
                Self::Short { length: name.len() as u8, octets }
            }
            None => Self::Long(name.into()),
        }
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { length, octets } => octets.get(..usize::from(*length)).unwrap_or(octets),
            Self::Long(name) => name.as_bytes(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_names() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 253] {
            let name = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(HostName::new(&name).as_str(), name);
        }
        assert_eq!(size_of::<HostName>(), 32);
    }
}
