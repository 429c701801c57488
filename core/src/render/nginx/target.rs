//! Which nginx is written for.

use core::{fmt, str::FromStr};

/// A version of open-source nginx.
///
/// ```
/// use svckit::render::nginx::Target;
///
/// let target: Target = "1.25.1".parse()?;
/// assert!(target > Target::default());
/// # Ok::<(), svckit::render::nginx::BadTarget>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// 1, for years now.
    pub major: u16,
    /// Even: stable.
    pub minor: u16,
    /// Counts releases.
    pub patch: u16,
}

/// What some versions can and others can't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Feature {
    /// `ssl_reject_handshake`: unknown names get no certificate at all.
    RejectHandshake,
    /// `http2 on` instead of `listen … http2`.
    Http2Directive,
    /// `server … resolve` in an upstream with a zone.
    ResolvingServers,
    /// `sticky cookie` in upstreams.
    StickyCookie,
    /// Connections to servers are kept, and spoken to in HTTP/1.1, without being told.
    KeepaliveByDefault,
}

/// The text is no version of nginx that can be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a version of nginx from {} on, such as 1.22.1", Target::OLDEST)]
pub struct BadTarget;

impl Target {
    /// The oldest that can turn unknown names away.
    pub const OLDEST: Self = Self { major: 1, minor: 19, patch: 4 };

    /// Whether this version has it.
    #[must_use]
    pub fn has(self, feature: Feature) -> bool {
        let (minor, patch) = match feature {
            Feature::RejectHandshake => (19, 4),
            Feature::Http2Directive => (25, 1),
            Feature::ResolvingServers => (27, 3),
            Feature::StickyCookie => (29, 6),
            Feature::KeepaliveByDefault => (29, 7),
        };
        self >= Self { major: 1, minor, patch }
    }
}

/// 1.22.1, which Debian 12 has; what is written for it is understood by later ones.
impl Default for Target {
    fn default() -> Self {
        Self { major: 1, minor: 22, patch: 1 }
    }
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let mut numbers = text.split('.').map(|number| number.parse().map_err(|_| BadTarget));
        let mut next = || numbers.next().unwrap_or(Err(BadTarget));
        let target = Self { major: next()?, minor: next()?, patch: next()? };
        if numbers.next().is_some() || target < Self::OLDEST { Err(BadTarget) } else { Ok(target) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let cases = [
            ("1.22.1", Some(false)),
            ("1.25.0", Some(false)),
            ("1.25.1", Some(true)),
            ("2.0.0", Some(true)),
            ("1.19.3", None),
            ("1.22", None),
            ("1.22.1.1", None),
            ("x", None),
        ];
        for (text, want) in cases {
            let target = text.parse::<Target>().ok();
            assert_eq!(target.map(|target| target.has(Feature::Http2Directive)), want, "{text}");
        }
        assert_eq!(Target::default().to_string(), "1.22.1");
    }

    use std::string::ToString;
}
