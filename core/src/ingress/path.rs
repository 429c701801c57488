//! Request paths in one form: what is routed on is what is forwarded.
//!
//! Proxies that match on one reading of a path and forward another have let requests past their rules for years.
//! Here a path is brought into one form, or refused; the form is routed on, and the same bytes are sent on.
//!
//! ```text
//! /shop//./cart/../%7Euser/a%2fb   →   /shop/~user/a%2Fb
//! ```
//!
//! # The form
//!
//! 1. RFC 3986's unreserved characters stand for themselves (`%7E` → `~`); every other escape stays, in upper case.
//! 2. Characters that no path may contain as they are (`"`, `<`, `>`, `[`, `]`, `^`, `` ` ``, `{`, `|`, `}`, `\`) are
//!    escaped. Control characters, spaces, `#`, `%00` and broken escapes are refused.
//! 3. Repeated slashes are one slash, unless [`PathPolicy::merge_slashes`] is off.
//! 4. `.` and `..` are resolved; whoever climbs above the root is refused, and so is `..;x`, which some servers
//!    take for `..`.
//!
//! Bringing the form into the form changes nothing. Case is never folded; a trailing slash is never added or
//! removed; the query is not looked at (see [`RequestHead`](super::RequestHead)).

use core::str;
use std_alloc::vec::Vec;

/// What to do where servers disagree about paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathPolicy {
    /// `//` is `/`. Default: true; Gateway API purists switch it off.
    pub merge_slashes: bool,
    /// What `%2F`, `%5C` and `\` are. Default: [`EscapedSlash::Keep`].
    pub escaped_slash: EscapedSlash,
    /// Bytes above 127 are escaped instead of refused. Default: false.
    pub escape_non_ascii: bool,
}

/// What `%2F`, `%5C` and `\` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapedSlash {
    /// Ordinary data: they separate nothing, and are forwarded escaped.
    Keep,
    /// A reason to refuse the request.
    Reject,
    /// `%2F` is a slash, as nginx has it; backslashes are ordinary data.
    Decode,
}

/// Why a path is refused; the answer is status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPath {
    /// It does not start with a slash.
    #[error("a path starts with '/'")]
    NotAbsolute,
    /// A control character, a space, `#`, or a byte above 127.
    #[error("byte {0:#04x} can't stand in a path")]
    Byte(u8),
    /// `%` without two hexadecimal digits.
    #[error("'%' without two hexadecimal digits")]
    Escape,
    /// `%00`.
    #[error("an escaped NUL")]
    Nul,
    /// `..` beyond the root.
    #[error("'..' climbs above the root")]
    AboveRoot,
    /// An element such as `..;x`.
    #[error("a dot element with parameters")]
    DotParameter,
    /// `%2F`, `%5C` or `\`, with [`EscapedSlash::Reject`].
    #[error("an escaped slash")]
    EscapedSlash,
    /// A rule's path with `//`, `/./` or `/../`: requests are brought into their form first.
    #[error("requests are brought into another form, so none has this path")]
    NeverSent,
}

impl Default for PathPolicy {
    fn default() -> Self {
        Self { merge_slashes: true, escaped_slash: EscapedSlash::Keep, escape_non_ascii: false }
    }
}

impl PathPolicy {
    /// `raw` in its one form: `raw` itself when it has it already, else written into `out`.
    ///
    /// Takes the path without its query. Costs one pass over the path, two when it has to be rewritten.
    ///
    /// # Errors
    ///
    /// Anything that can't be read in one way only.
    ///
    /// ```
    /// use svckit::ingress::{BadPath, PathPolicy};
    ///
    /// let (policy, mut out) = (PathPolicy::default(), Vec::new());
    /// assert_eq!(policy.canonical(b"/shop/cart", &mut out), Ok("/shop/cart"));
    /// assert_eq!(policy.canonical(b"/shop//x/../%7eann/", &mut out), Ok("/shop/~ann/"));
    /// assert_eq!(policy.canonical(b"/../etc/passwd", &mut out), Err(BadPath::AboveRoot));
    /// ```
    pub fn canonical<'a>(&self, raw: &'a [u8], out: &'a mut Vec<u8>) -> Result<&'a str, BadPath> {
        if raw.first() != Some(&b'/') {
            return Err(BadPath::NotAbsolute);
        }
        if !self.is_plain(raw) {
            out.clear();
            Writer::new(self, out).write(raw, Source::Request)?;
            return Ok(text(out));
        }
        Ok(text(raw))
    }

    /// The form of a rule's path, in which `%` without digits and every byte that a request would have to escape
    /// stand for themselves.
    ///
    /// # Errors
    ///
    /// A path that no request can have, since requests are brought into their form first.
    pub(super) fn rule(&self, path: &str) -> Result<Vec<u8>, BadPath> {
        if !path.starts_with('/') {
            return Err(BadPath::NotAbsolute);
        }
        let mut out = Vec::with_capacity(path.len());
        let mut writer = Writer::new(self, &mut out);
        writer.write(path.as_bytes(), Source::Rule)?;
        if writer.resolved {
            return Err(BadPath::NeverSent);
        }
        Ok(out)
    }

    /// Whether a rule's path certainly has its form.
    pub(super) fn has_form(&self, path: &str) -> bool {
        path.starts_with('/') && self.is_plain(path.as_bytes())
    }

    /// Whether the path has its form, as far as one cheap pass can tell.
    fn is_plain(&self, raw: &[u8]) -> bool {
        let mut before = 0;
        raw.iter().all(|&byte| {
            let dubious = before == b'/' && (byte == b'.' || byte == b'/' && self.merge_slashes);
            before = byte;
            is_path_byte(byte) && !dubious
        })
    }
}

/// Whose path is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Request,
    Rule,
}

/// Writes a path element by element.
struct Writer<'a> {
    policy: &'a PathPolicy,
    out: &'a mut Vec<u8>,
    /// Where the current element starts.
    start: usize,
    /// Whether slashes were merged or dots resolved.
    resolved: bool,
}

impl<'a> Writer<'a> {
    fn new(policy: &'a PathPolicy, out: &'a mut Vec<u8>) -> Self {
        Self { policy, out, start: 0, resolved: false }
    }

    fn write(&mut self, raw: &[u8], source: Source) -> Result<(), BadPath> {
        let mut rest = raw;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'/' => self.slash()?,
                b'%' => match escape(after) {
                    Some((value, after)) => {
                        rest = after;
                        self.escaped(value)?;
                    }
                    None if source == Source::Rule => self.push_escaped(b'%'),
                    None => return Err(BadPath::Escape),
                },
                b'\\' => self.backslash()?,
                _ if is_path_byte(byte) => self.out.push(byte),
                _ if source == Source::Rule => self.push_escaped(byte),
                0x80.. if self.policy.escape_non_ascii => self.push_escaped(byte),
                0..0x21 | b'#' | 0x7f.. => return Err(BadPath::Byte(byte)),
                _ => self.push_escaped(byte),
            }
        }
        self.resolved |= !self.end_of_element()?;
        Ok(())
    }

    /// An escape's value, which stays escaped unless it need not be.
    fn escaped(&mut self, value: u8) -> Result<(), BadPath> {
        match value {
            0 => return Err(BadPath::Nul),
            b'/' => match self.policy.escaped_slash {
                EscapedSlash::Keep => self.push_escaped(b'/'),
                EscapedSlash::Reject => return Err(BadPath::EscapedSlash),
                EscapedSlash::Decode => self.slash()?,
            },
            b'\\' => self.backslash()?,
            _ if is_unreserved(value) => self.out.push(value),
            _ => self.push_escaped(value),
        }
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), BadPath> {
        if self.policy.escaped_slash == EscapedSlash::Reject {
            return Err(BadPath::EscapedSlash);
        }
        self.push_escaped(b'\\');
        Ok(())
    }

    fn slash(&mut self) -> Result<(), BadPath> {
        let merged = self.policy.merge_slashes && self.start > 0 && self.start == self.out.len();
        if self.end_of_element()? && !merged {
            self.out.push(b'/');
        } else {
            self.resolved = true;
        }
        self.start = self.out.len();
        Ok(())
    }

    /// Looks at the element that just ended; `false` when it is gone, together with the slash that would follow.
    fn end_of_element(&mut self) -> Result<bool, BadPath> {
        let element = self.out.get(self.start..).unwrap_or_default();
        match element {
            b"." => self.out.truncate(self.start),
            b".." => {
                // Away with the element and the slash before it, then with the parent's name.
                self.out.truncate(self.start.saturating_sub(1));
                let parent = self.out.iter().rposition(|&byte| byte == b'/');
                self.out.truncate(parent.ok_or(BadPath::AboveRoot)? + 1);
            }
            _ if element.starts_with(b".;") || element.starts_with(b"..;") => {
                return Err(BadPath::DotParameter);
            }
            _ => return Ok(true),
        }
        Ok(false)
    }

    fn push_escaped(&mut self, byte: u8) {
        self.out.extend([b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
    }
}

/// The value of an escape whose `%` has been read, and what follows it.
pub(crate) fn escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], after) = rest.split_first_chunk()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some(((digit(*high)? << 4 | digit(*low)?) as u8, after))
}

/// The digit of a number below 16.
fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

/// RFC 3986 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a path as it is: RFC 3986's `pchar` without escapes, and the slash.
const fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',')
        || matches!(byte, b';' | b'=' | b':' | b'@' | b'/')
}

/// A path that has its form is ASCII.
fn text(path: &[u8]) -> &str {
    str::from_utf8(path).unwrap_or_default()
}

#[cfg(test)]
mod tests;
