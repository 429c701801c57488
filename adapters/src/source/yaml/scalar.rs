//! What a plain scalar means: YAML 1.1 as Kubernetes' own reader resolves it.

use svckit::api::{Tree, TreeNode};

/// A scalar that was written without quotes, and how it was written where that can't be told from its value.
pub(in crate::source) fn plain(line: u32, text: &str) -> Tree {
    let mut tree = Tree::new(line, resolve(text));
    let is_value = !matches!(tree.node, TreeNode::Text(_) | TreeNode::Null);
    if is_value && tree.scalar() != text {
        tree.written = Some(text.into());
    }
    tree
}

/// The value of a scalar that was written without quotes.
pub(super) fn resolve(text: &str) -> TreeNode {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => TreeNode::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "y" | "Y" | "on" | "On" | "ON" => {
            TreeNode::Bool(true)
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "n" | "N" | "off" | "Off" | "OFF" => {
            TreeNode::Bool(false)
        }
        _ => number(text).unwrap_or_else(|| TreeNode::Text(text.into())),
    }
}

fn number(text: &str) -> Option<TreeNode> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    integer(&plain).map(TreeNode::Int).or_else(|| float(&plain).map(TreeNode::Float))
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let based = [("0x", 16), ("0b", 2), ("0o", 8)]
        .into_iter()
        .find_map(|(prefix, base)| digits.strip_prefix(prefix).map(|rest| (rest, base)));
    let (digits, base) = match based {
        Some(based) => based,
        None if digits.len() > 1 && digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    if !digits.starts_with(|c: char| c.is_digit(base)) {
        return None;
    }
    i64::from_str_radix(digits, base).ok().map(|number| sign * number)
}

/// Decimal fractions and exponents; words such as `inf` are no numbers here, they need a dot in front.
fn float(text: &str) -> Option<f64> {
    let shaped =
        text.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'+' | b'-' | b'.' | b'e' | b'E'));
    let digits = text.bytes().any(|c| c.is_ascii_digit());
    (shaped && digits).then(|| text.parse().ok()).flatten()
}
