//! Base64 as RFC 4648 has it: how Secrets and PEM write bytes.

use std_alloc::vec::Vec;

/// The bytes of a text in base64 with padding; line breaks are skipped. `None` when it is none.
///
/// ```
/// use svckit::admit::syntax::base64;
///
/// assert_eq!(base64("c2hv\ncA=="), Some(b"shop".to_vec()));
/// assert_eq!(base64("c2hvcA"), None, "no padding");
/// ```
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    let groups = digits.chunks_exact(4);
    if !groups.remainder().is_empty() {
        return None;
    }
    let last = (digits.len() / 4).saturating_sub(1);
    for (number, group) in groups.enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || padding > 0 && number != last {
            return None;
        }
        let mut bits = 0u32;
        for byte in group.iter().take(4 - padding) {
            bits = bits << 6 | value(*byte)?;
        }
        let [_, first, second, third] = (bits << (6 * padding)).to_be_bytes();
        bytes.extend([first, second, third].iter().take(3 - padding));
    }
    Some(bytes)
}

/// The six bits of a digit.
fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_bytes() {
        let cases: [(&str, Option<&[u8]>); 10] = [
            ("", Some(b"")),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYg==", Some(b"foob")),
            ("+/+/", Some(&[0xfb, 0xff, 0xbf])),
            ("Zg=", None),
            ("Z===", None),
            ("Zg==Zm9v", None),
            ("Zm-v", None),
        ];
        for (text, want) in cases {
            assert_eq!(base64(text).as_deref(), want, "{text}");
        }
    }
}
