//! A number or a name.

use core::fmt;
use std_alloc::string::String;

/// A number or a name, such as the target of a Service port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntOrString {
    /// A number.
    Int(i32),
    /// A name; also a number in quotes.
    String(String),
}

impl Default for IntOrString {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::String(name) => f.write_str(name),
        }
    }
}

#[cfg(feature = "serde")]
mod wire {
    use super::{IntOrString, String, fmt};
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{Error, Visitor},
    };

    impl Serialize for IntOrString {
        fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Int(number) => out.serialize_i32(*number),
                Self::String(name) => out.serialize_str(name),
            }
        }
    }

    struct Either;

    impl<'de> Visitor<'de> for Either {
        type Value = IntOrString;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a name")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<IntOrString, E> {
            number.try_into().map(IntOrString::Int).map_err(|_| E::custom("number out of range"))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<IntOrString, E> {
            number.try_into().map(IntOrString::Int).map_err(|_| E::custom("number out of range"))
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<IntOrString, E> {
            Ok(IntOrString::String(String::from(name)))
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(
            self,
            input: D,
        ) -> Result<IntOrString, D::Error> {
            input.deserialize_any(Self)
        }
    }

    /// Asks for a newtype of this name, so that a decoder that wants to say more about a wrong shape can tell.
    impl<'de> Deserialize<'de> for IntOrString {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            input.deserialize_newtype_struct("IntOrString", Either)
        }
    }
}
