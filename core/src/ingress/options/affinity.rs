//! Clients that keep their pod by a cookie.
//!
//! The cookie is a random number and names no pod: the pod is the one that scores highest for it
//! ([`balance::keep`](crate::balance::keep)). So nothing is remembered here, clients move only when their own pod
//! goes, and nobody learns a pod's address from a cookie or can choose one.

use core::fmt::Write;
use std_alloc::{string::String, sync::Arc};

use super::values::{cookie, is_token, is_visible};

/// Clients keep their pod by a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieAffinity {
    /// The cookie's name.
    pub name: Arc<str>,
    /// Paths of the host to which it is sent.
    pub path: Arc<str>,
    /// Seconds for which browsers keep it; `None`: until they are closed.
    pub max_age: Option<u32>,
    /// `Strict`, `Lax` or `None`, for requests from other sites' pages.
    pub same_site: Option<&'static str>,
}

impl Default for CookieAffinity {
    /// ingress-nginx's name; every path.
    fn default() -> Self {
        Self { name: "INGRESSCOOKIE".into(), path: "/".into(), max_age: None, same_site: None }
    }
}

impl CookieAffinity {
    /// The number that a client was given, by its `Cookie` header; `None`: it has none yet.
    ///
    /// ```
    /// use svckit::ingress::CookieAffinity;
    ///
    /// let affinity = CookieAffinity::default();
    /// let given = affinity.set_cookie(7, true);
    /// assert_eq!(given, "INGRESSCOOKIE=0000000000000007; Path=/; HttpOnly; Secure");
    /// assert_eq!(affinity.key("a=b; INGRESSCOOKIE=0000000000000007"), Some(7));
    /// assert_eq!(affinity.key("INGRESSCOOKIE=10.0.0.1:80"), None);
    /// ```
    #[must_use]
    pub fn key(&self, cookies: &str) -> Option<u64> {
        let value = cookie(cookies, &self.name)?;
        let digits = value.len() == 16 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(value, 16).ok()).flatten()
    }

    /// The value of `Set-Cookie` that gives a client its number; `secure`: it came encrypted.
    #[must_use]
    pub fn set_cookie(&self, key: u64, secure: bool) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = write!(text, "{}={key:016x}{}", self.name, self.attributes(secure));
        text
    }

    /// What stands behind the number in `Set-Cookie`.
    pub(crate) fn attributes(&self, secure: bool) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = write!(text, "; Path={}; HttpOnly", self.path);
        if let Some(age) = self.max_age {
            let _ = write!(text, "; Max-Age={age}");
        }
        if let Some(site) = self.same_site {
            let _ = write!(text, "; SameSite={site}");
        }
        // Browsers take SameSite=None only together with Secure.
        if secure || self.same_site == Some("None") {
            text.push_str("; Secure");
        }
        text
    }

    /// Sets what an annotation says, by its name after `session-cookie-`; `None` when the value can't be used,
    /// `Some(false)` when the name means nothing here.
    pub(super) fn read(&mut self, name: &str, value: &str) -> Option<bool> {
        match name {
            "name" if is_token(value) => self.name = value.into(),
            "path" if value.starts_with('/') && is_visible(value) && !value.contains(';') => {
                self.path = value.into();
            }
            "max-age" | "expires" => {
                let seconds = super::values::number(value.trim())?;
                self.max_age = Some(u32::try_from(seconds).ok()?);
            }
            "samesite" => {
                let known = ["Strict", "Lax", "None"];
                self.same_site = Some(known.into_iter().find(|it| it.eq_ignore_ascii_case(value))?);
            }
            "name" | "path" => return None,
            _ => return Some(false),
        }
        Some(true)
    }
}
