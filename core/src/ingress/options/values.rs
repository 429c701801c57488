//! Values of annotations.

use core::time::Duration;

/// `true` or `false`, as the API server's own parser has them.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "True" | "TRUE" | "t" | "T" | "1" => Some(true),
        "false" | "False" | "FALSE" | "f" | "F" | "0" => Some(false),
        _ => None,
    }
}

/// nginx's sizes: `8m`, `512k`, `1g`, plain octets; `0` is no limit at all.
pub(super) fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' | b'K' => (text.get(..text.len() - 1)?, 1 << 10),
        b'm' | b'M' => (text.get(..text.len() - 1)?, 1 << 20),
        b'g' | b'G' => (text.get(..text.len() - 1)?, 1 << 30),
        _ => (text, 1),
    };
    let size = number(digits)?.checked_mul(factor)?;
    Some(if size == 0 { u64::MAX } else { size })
}

/// Seconds, with or without an `s`; at least one, at most a day.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = number(text.strip_suffix('s').unwrap_or(text))?;
    (1..=86_400).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// Digits only.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A list with commas.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// RFC 9110's `token`: the name of a header or a method.
pub(super) fn is_token(text: &str) -> bool {
    let special = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

/// Printable ASCII without spaces: what may stand in a header's value without surprises.
pub(super) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The value of a cookie in a `Cookie` header.
pub(super) fn cookie<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let sizes = [("8m", Some(8 << 20)), ("512K", Some(512 << 10)), ("1g", Some(1 << 30))];
        let odd =
            [("0", Some(u64::MAX)), ("100", Some(100)), ("", None), ("m", None), ("-1m", None)];
        for (text, want) in sizes.into_iter().chain(odd).chain([("99999999999999999g", None)]) {
            assert_eq!(size(text), want, "{text:?}");
        }
        let times = [("60", Some(60)), ("5s", Some(5)), ("0", None), ("90000", None), ("x", None)];
        for (text, want) in times {
            assert_eq!(seconds(text), want.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!((flag("true"), flag("FALSE"), flag("yes")), (Some(true), Some(false), None));
    }
}
