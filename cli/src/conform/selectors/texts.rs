//! Texts of selectors: tokens, parsing, printing, matching.

use super::{flag, labels_of, list, requirements_of, same, set_of, text, texts_of};
use serde_json::Value;
use svckit::select::{Operator, Selector, TokenKind, Tokens};

/// A text is read, or refused; what was read is as expected, and prints and reads back as itself.
pub(super) fn parse(case: &Value) -> Result<(), String> {
    let written = text(case, "selector")?;
    let read = Selector::parse_compat(written);
    if !flag(case, "valid")? {
        return same(true, read.is_err());
    }
    let read = read.map_err(|error| error.to_string())?;
    if case.get("requirements").is_some() {
        same(requirements_of(case, "requirements")?, read.requirements().to_vec())?;
    }
    if case.get("canonical").is_some() {
        same(text(case, "canonical")?.to_owned(), read.to_string())?;
    }
    same(Ok(read.clone()), read.to_string().parse())?;
    let strict = written.parse::<Selector>();
    if written.contains('\0') { same(true, strict.is_err()) } else { same(Ok(read), strict) }
}

pub(super) fn matches(case: &Value) -> Result<(), String> {
    let read =
        Selector::parse_compat(text(case, "selector")?).map_err(|error| error.to_string())?;
    same(flag(case, "match")?, read.matches(&labels_of(case, "labels")?))
}

pub(super) fn first_token(case: &Value) -> Result<(), String> {
    let token = Tokens::compat(text(case, "input")?).next();
    let came = token.map_or(("EndOfString", ""), |token| (name(token.kind), token.text));
    same((text(case, "token")?, text(case, "literal")?), came)
}

pub(super) fn token_kinds(case: &Value) -> Result<(), String> {
    let came = Tokens::compat(text(case, "input")?).map(|token| name(token.kind));
    let mut wanted = texts_of(case, "tokens")?;
    wanted.retain(|name| *name != "EndOfString");
    same(wanted, came.collect())
}

fn name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Identifier => "Identifier",
        TokenKind::In => "In",
        TokenKind::NotIn => "NotIn",
        TokenKind::Comma => "Comma",
        TokenKind::OpenPar => "OpenPar",
        TokenKind::ClosedPar => "ClosedPar",
        TokenKind::Equals => "Equals",
        TokenKind::DoubleEquals => "DoubleEquals",
        TokenKind::NotEquals => "NotEquals",
        TokenKind::GreaterThan => "GreaterThan",
        TokenKind::LessThan => "LessThan",
        TokenKind::DoesNotExist => "DoesNotExist",
        TokenKind::Nul => "Nul",
    }
}

pub(super) fn operator(case: &Value) -> Result<(), String> {
    same(flag(case, "accepted")?, Operator::parse(text(case, "input")?).is_some())
}

/// The selector is given as a text, as a map, as requirements, or as one of the two words.
pub(super) fn matches_nothing(case: &Value) -> Result<(), String> {
    let selector = if flag(case, "nothing").unwrap_or(false) {
        Selector::nothing()
    } else if flag(case, "everything").unwrap_or(false) {
        Selector::default()
    } else if case.get("set").is_some() {
        set_of(case, "set")?
    } else if list(case, "requirements").is_ok() {
        Selector::new(requirements_of(case, "requirements")?)
    } else {
        Selector::parse_compat(text(case, "selector")?).map_err(|error| error.to_string())?
    };
    same(flag(case, "matchesNothing")?, selector.matches_nothing())
}
