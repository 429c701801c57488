//! Any JSON, kept as it came.

use std_alloc::{boxed::Box, string::String, vec::Vec};

/// A field that svckit has no use for: most objects lack most of them, and then it takes one word.
pub type Kept = Option<Box<Json>>;

/// A field that svckit has no use for, kept so that printing an object loses nothing. Keys keep their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Json {
    /// Nothing, or `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    String(String),
    /// A list.
    List(Vec<Self>),
    /// Keys and values.
    Map(Vec<(String, Self)>),
}

#[cfg(feature = "serde")]
mod wire {
    use super::{Json, String, Vec};
    use core::fmt;
    use serde::{
        Deserialize, Deserializer, Serialize, Serializer,
        de::{MapAccess, SeqAccess, Visitor},
    };

    impl Serialize for Json {
        fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Null => out.serialize_unit(),
                Self::Bool(value) => out.serialize_bool(*value),
                Self::Int(value) => out.serialize_i64(*value),
                Self::Float(value) => out.serialize_f64(*value),
                Self::String(value) => out.serialize_str(value),
                Self::List(items) => out.collect_seq(items),
                Self::Map(fields) => {
                    out.collect_map(fields.iter().map(|(key, value)| (key, value)))
                }
            }
        }
    }

    struct Any;

    impl<'de> Visitor<'de> for Any {
        type Value = Json;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON")
        }

        fn visit_unit<E>(self) -> Result<Json, E> {
            Ok(Json::Null)
        }

        fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
            Ok(Json::Bool(value))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
            Ok(Json::Int(value))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
            Ok(i64::try_from(value).map_or(Json::Float(value as f64), Json::Int))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
            Ok(Json::Float(value))
        }

        fn visit_str<E>(self, value: &str) -> Result<Json, E> {
            Ok(Json::String(String::from(value)))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                items.push(item);
            }
            Ok(Json::List(items))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
            let mut fields = Vec::new();
            while let Some(field) = map.next_entry()? {
                fields.push(field);
            }
            Ok(Json::Map(fields))
        }
    }

    impl<'de> Deserialize<'de> for Json {
        fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
            input.deserialize_any(Any)
        }
    }
}
