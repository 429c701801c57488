//! One value: what a key says.

use core::{fmt, net::IpAddr};
use std_alloc::{boxed::Box, string::String, vec::Vec};

use crate::dns::{Data, Name};

/// A SkyDNS record. Zero and empty mean that a field isn't given; its JSON leaves those out.
///
/// ```
/// use svckit::dns::SkyRecord;
///
/// let record = SkyRecord { host: "10.0.0.1".into(), port: 80, ..SkyRecord::default() };
/// assert_eq!(record.to_string(), r#"{"host":"10.0.0.1","port":80}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize), serde(default))]
pub struct SkyRecord {
    /// An address, or a name.
    pub host: String,
    /// The port that SRV records tell.
    pub port: u16,
    /// SRV priority and MX preference; 0: 10.
    pub priority: u16,
    /// SRV weight among those of one priority; 0: 100.
    pub weight: u16,
    /// A TXT record's text.
    pub text: String,
    /// Whether the host takes mail.
    pub mail: bool,
    /// Seconds it may be kept; 0: the zone's default.
    pub ttl: u32,
    /// How many labels are taken off the left of a name made of the key.
    pub targetstrip: u16,
    /// Records of one question that differ in this don't go together.
    pub group: String,
}

/// What a record's host is.
pub(super) enum Host {
    Address(IpAddr),
    Name(Name),
    /// There is none, or none that can be asked for.
    None,
}

impl SkyRecord {
    /// What the host is.
    pub(super) fn host(&self) -> Host {
        if let Ok(address) = self.host.parse() {
            return Host::Address(address);
        }
        match self.host.parse() {
            Ok(name) if self.text.is_empty() => Host::Name(name),
            _ => Host::None,
        }
    }

    /// The text as TXT data: pieces of at most 255 octets.
    pub(super) fn texts(&self) -> Data {
        let pieces: Vec<Box<[u8]>> = self.text.as_bytes().chunks(255).map(Into::into).collect();
        Data::Txt(pieces)
    }

    /// `name` without the labels that this record takes off; as it is when it hasn't so many.
    pub(super) fn stripped(&self, name: &Name) -> Name {
        let strip = usize::from(self.targetstrip);
        if strip >= name.labels().count() {
            return name.clone();
        }
        Name::from_labels(name.labels().skip(strip)).unwrap_or_else(|_| name.clone())
    }
}

/// As JSON, the fields in the order that kube2sky wrote them.
impl fmt::Display for SkyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "{";
        let mut field = |name: &str, value: &dyn fmt::Display, given: bool| {
            if !given {
                return Ok(());
            }
            write!(f, "{before}\"{name}\":{value}")?;
            before = ",";
            Ok(())
        };
        field("host", &Quoted(&self.host), !self.host.is_empty())?;
        field("port", &self.port, self.port != 0)?;
        field("priority", &self.priority, self.priority != 0)?;
        field("weight", &self.weight, self.weight != 0)?;
        field("text", &Quoted(&self.text), !self.text.is_empty())?;
        field("mail", &self.mail, self.mail)?;
        field("ttl", &self.ttl, self.ttl != 0)?;
        field("targetstrip", &self.targetstrip, self.targetstrip != 0)?;
        field("group", &Quoted(&self.group), !self.group.is_empty())?;
        f.write_str(if before == "{" { "{}" } else { "}" })
    }
}

/// A text as JSON has it.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for letter in self.0.chars() {
            match letter {
                '"' | '\\' => write!(f, "\\{letter}")?,
                '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(letter))?,
                letter => write!(f, "{letter}")?,
            }
        }
        f.write_str("\"")
    }
}
