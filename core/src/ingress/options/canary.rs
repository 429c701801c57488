//! Which requests another version takes.
//!
//! A canary is a second Ingress with the same hosts and paths. Its header decides before its cookie, and that before
//! its weight.

use super::values::{cookie, is_token, number};
use std_alloc::sync::Arc;

/// Which part of another Ingress's requests an Ingress takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canary {
    /// Requests with this header: `always` and `never` decide, unless there is a value.
    pub header: Option<Arc<str>>,
    /// Requests whose header has exactly this value.
    pub header_value: Option<Arc<str>>,
    /// Requests with this cookie: `always` and `never` decide.
    pub cookie: Option<Arc<str>>,
    /// Of a million other requests so many, at random.
    pub per_million: u32,
}

impl Canary {
    /// Whether it takes a request with these headers (`name` in lower case); `roll` is a random number.
    ///
    /// ```
    /// use svckit::ingress::Canary;
    ///
    /// let canary = Canary { header: Some("x-canary".into()), per_million: 100_000, ..Canary::default() };
    /// let always = |name: &str| (name == "x-canary").then_some("always");
    /// assert!(canary.takes(always, 999_999));
    /// assert!(canary.takes(|_| None, 99_999));
    /// assert!(!canary.takes(|_| None, 100_000));
    /// ```
    #[must_use]
    pub fn takes<'h>(&self, header: impl Fn(&str) -> Option<&'h str>, roll: u64) -> bool {
        let by_chance = || roll % 1_000_000 < u64::from(self.per_million);
        self.decides(header).unwrap_or_else(by_chance)
    }

    /// What its header or its cookie says; `None`: neither decides.
    #[must_use]
    pub fn decides<'h>(&self, header: impl Fn(&str) -> Option<&'h str>) -> Option<bool> {
        let value = self.header.as_deref().and_then(&header);
        let by_header = match (&self.header_value, value) {
            (Some(wanted), Some(value)) if **wanted == *value => Some(true),
            (None, Some("always")) => Some(true),
            (None, Some("never")) => Some(false),
            _ => None,
        };
        let by_cookie = || match cookie(header("cookie")?, self.cookie.as_deref()?)? {
            "always" => Some(true),
            "never" => Some(false),
            _ => None,
        };
        by_header.or_else(by_cookie)
    }

    /// A weight out of a total as parts of a million; `None` when either can't be read.
    pub(super) fn parts(weight: &str, total: &str) -> Option<u32> {
        let (weight, total) = (number(weight.trim())?, number(total.trim())?.max(1));
        u32::try_from(weight.min(total).checked_mul(1_000_000)? / total).ok()
    }

    /// Whether this can be a header's or a cookie's name.
    pub(super) fn is_name(text: &str) -> bool {
        is_token(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_then_cookie_then_weight() {
        let full = Canary {
            header: Some("x-canary".into()),
            header_value: None,
            cookie: Some("canary".into()),
            per_million: 500_000,
        };
        let valued = Canary { header_value: Some("blue".into()), ..full.clone() };
        let cases = [
            ("header always", &full, Some("always"), Some("canary=never"), 999_999, true),
            ("header never", &full, Some("never"), Some("canary=always"), 0, false),
            ("header otherwise", &full, Some("x"), Some("a=b; canary=always"), 999_999, true),
            ("cookie never", &full, None, Some("canary=never"), 0, false),
            ("weight below", &full, None, None, 499_999, true),
            ("weight above", &full, None, Some("other=always"), 500_000, false),
            ("value", &valued, Some("blue"), None, 999_999, true),
            ("another value", &valued, Some("always"), None, 999_999, false),
        ];
        for (name, canary, header, cookie, roll, want) in cases {
            let find = |name: &str| match name {
                "x-canary" => header,
                "cookie" => cookie,
                _ => None,
            };
            assert_eq!(canary.takes(find, roll), want, "{name}");
        }
        let parts = [("10", "100", 100_000), ("1", "1000", 1_000), ("200", "100", 1_000_000)];
        for (weight, total, want) in parts {
            assert_eq!(Canary::parts(weight, total), Some(want));
        }
    }
}
