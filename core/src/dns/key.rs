//! A Service's name as questions spell it.

use std_alloc::boxed::Box;

use crate::model::ServiceKey;

/// Octets of a key that need no allocation of their own.
const INLINE: usize = 45;

/// `\4cart\4shop`: Service and namespace in wire form, without a root label.
#[derive(Clone, Debug)]
pub(super) struct Key(Octets);

#[derive(Clone, Debug)]
enum Octets {
    Inline { length: u8, octets: [u8; INLINE] },
    Boxed(Box<[u8]>),
}

impl Key {
    /// The key of a Service; `None` if its names can't be labels.
    pub(super) fn new(service: &ServiceKey) -> Option<Self> {
        let mut octets = [0; 2 * 64];
        let mut at = 0;
        for label in [&service.name, &service.namespace] {
            if label.is_empty() || label.len() > super::name::LONGEST_LABEL {
                return None;
            }
            *octets.get_mut(at)? = label.len() as u8;
            octets.get_mut(at + 1..at + 1 + label.len())?.copy_from_slice(label.as_bytes());
            at += 1 + label.len();
        }
        Some(Self::copied(octets.get(..at)?))
    }

    fn copied(bytes: &[u8]) -> Self {
        let mut octets = [0; INLINE];
        match octets.get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                Self(Octets::Inline { length: bytes.len() as u8, octets })
            }
            None => Self(Octets::Boxed(bytes.into())),
        }
    }

    /// Both labels in wire form, as they were given.
    #[inline]
    pub(super) fn wire(&self) -> &[u8] {
        match &self.0 {
            Octets::Inline { length, octets } => {
                octets.get(..usize::from(*length)).unwrap_or_default()
            }
            Octets::Boxed(octets) => octets,
        }
    }

    /// The Service's label.
    pub(super) fn service(&self) -> &[u8] {
        super::name::labels(self.wire()).next().unwrap_or_default()
    }

    /// The namespace's label.
    pub(super) fn namespace(&self) -> &[u8] {
        super::name::labels(self.wire()).nth(1).unwrap_or_default()
    }

    /// Whether a lower-cased question means this Service.
    #[inline]
    pub(super) fn is(&self, asked: &[u8]) -> bool {
        self.wire() == asked || self.wire().eq_ignore_ascii_case(asked)
    }
}

/// Where a lower-cased key is kept.
#[inline]
pub(super) fn hash(hasher: &ahash::RandomState, lower: &[u8]) -> u64 {
    hasher.hash_one(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_keys() {
        for (service, namespace, want) in [
            ("cart", "shop", Some(10)),
            ("cart", "", None),
            (&*"s".repeat(63), &*"n".repeat(63), Some(128)),
            (&*"s".repeat(64), "shop", None),
        ] {
            let key = Key::new(&ServiceKey::new(namespace, service));
            assert_eq!(key.as_ref().map(|key| key.wire().len()), want, "{service}.{namespace}");
            if let Some(key) = key {
                assert_eq!(key.service(), service.as_bytes());
                assert_eq!(key.namespace(), namespace.as_bytes());
                assert!(key.is(key.wire()) && !key.is(b"\x04cart\x04else"));
            }
        }
    }
}
