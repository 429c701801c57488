//! Which version of a route takes a request: canaries in nginx's words.
//!
//! ```text
//! split_clients  by weight ──▶ map by the last one's cookie ──▶ … its header ──▶ … the first one's header
//! ```
//!
//! Each step is a table that keeps what came before it unless its header or cookie decides.

use std_alloc::{sync::Arc, vec, vec::Vec};

use super::{
    directive::{Arg, Entry, FieldName, Ident, Key, Name, Part, Piece, Regex, Text},
    slot::UNTELLABLE,
    tables::Tables,
};
use crate::ingress::Route;

/// The stem of variables that hold a version's number.
const VERSION: &str = "sk_version";

/// The variable that holds the number of the canary that takes a request, from 1; empty: none of them.
pub(super) fn version(
    canaries: &[(u32, Arc<Route>)],
    tables: &mut Tables,
) -> Result<Ident, &'static str> {
    let options = canaries.iter().filter_map(|(_, route)| route.options.canary.as_ref());
    let numbered: Vec<_> = (1u64..).zip(options).collect();
    let weights = numbered.iter().map(|(number, canary)| (*number, canary.per_million));
    let mut chosen = by_weight(weights, tables);
    for (number, canary) in numbered.into_iter().rev() {
        if let Some(cookie) = &canary.cookie {
            let name = cookie_name(cookie)?;
            let key = |value| Key::Regex(cookie_is(&name, value));
            chosen = decided(
                Arg::Var(Ident::only("http_cookie")),
                (key("always"), Some(key("never"))),
                number,
                chosen,
                tables,
            );
        }
        if let Some(header) = &canary.header {
            let name = FieldName::new(header)
                .ok_or("nginx knows only headers of letters, digits and dashes")?;
            let keys = match &canary.header_value {
                None => (is(Piece::Fixed("always")), Some(is(Piece::Fixed("never")))),
                Some(value) => {
                    (is(Piece::Literal(Text::new(value).map_err(|_| UNTELLABLE)?)), None)
                }
            };
            chosen = decided(Arg::Header(name), keys, number, chosen, tables);
        }
    }
    Ok(chosen)
}

/// By chance: nginx counts in hundredths of a percent.
fn by_weight(weights: impl Iterator<Item = (u64, u32)>, tables: &mut Tables) -> Ident {
    let mut left = 10_000;
    let mut entries = Vec::new();
    for (number, per_million) in weights {
        // A small part is not none.
        let share = (per_million / 100).max(u32::from(per_million > 0)).min(left);
        left -= share;
        if share > 0 {
            entries.push(Entry { key: Key::Share(share), value: Arg::Int(number) });
        }
    }
    if left > 0 {
        entries.push(Entry { key: Key::Rest, value: Arg::Parts(vec![]) });
    }
    let source = Arg::Parts(vec![Part::Var(Ident::only("request_id"))]);
    tables.variable(VERSION, Name::SplitClients, source, entries)
}

/// What was chosen before, unless the source decides for or against a version.
fn decided(
    source: Arg,
    (always, never): (Key, Option<Key>),
    number: u64,
    before: Ident,
    tables: &mut Tables,
) -> Ident {
    let mut entries = vec![
        Entry { key: Key::Default, value: Arg::Var(before) },
        Entry { key: always, value: Arg::Int(number) },
    ];
    if let Some(never) = never {
        let own = Regex { ignore_case: false, pieces: [Piece::Number(number), END].into() };
        let without = vec![
            Entry { key: Key::Default, value: Arg::Var(before) },
            Entry { key: Key::Regex(own), value: Arg::Parts(vec![]) },
        ];
        let without = tables.variable(VERSION, Name::Map, Arg::Var(before), without);
        entries.push(Entry { key: never, value: Arg::Var(without) });
    }
    tables.variable(VERSION, Name::Map, source, entries)
}

const END: Piece = Piece::Fixed("$");

/// Exactly this value.
fn is(value: Piece) -> Key {
    Key::Regex(Regex { ignore_case: false, pieces: [value, END].into() })
}

/// The longest name of a cookie: it stands twice in an expression, and nginx reads words of 4096 octets.
const LONGEST_COOKIE: usize = 200;

/// A cookie's name that an expression can hold.
pub(super) fn cookie_name(name: &str) -> Result<Text, &'static str> {
    let short = Some(name).filter(|name| name.len() <= LONGEST_COOKIE);
    short.and_then(|name| Text::new(name).ok()).ok_or(UNTELLABLE)
}

/// A `Cookie` header in which the first cookie of this name has a value of this kind.
pub(super) fn cookie_is(name: &Text, value: &'static str) -> Regex {
    let pieces = [
        Piece::Fixed("(?:(?!\\s*"),
        Piece::Literal(name.clone()),
        Piece::Fixed("=)[^;]*;)*\\s*"),
        Piece::Literal(name.clone()),
        Piece::Fixed("="),
        Piece::Fixed(value),
        Piece::Fixed("\\s*(?:;|$)"),
    ];
    Regex { ignore_case: false, pieces: pieces.into() }
}
