//! What nginx knows about clients: the number that a cookie gives them, and how much they may ask.

use core::time::Duration;
use std_alloc::{format, vec, vec::Vec};

use super::{
    directive::{Arg, Directive, Entry, Ident, Key, Name, Part, Piece, Regex, Text},
    slot::UNTELLABLE,
    split::{cookie_is, cookie_name},
    tables::Tables,
};
use crate::ingress::{CookieAffinity, RateLimit, RouteOptions};

/// What a client's cookie says, and what one is told that has none.
pub(super) struct Kept {
    /// The variable that holds the client's number, an old one or a new one.
    pub(super) key: Ident,
    /// The variable that holds the value of `Set-Cookie`; empty for clients that have a number.
    pub(super) cookie: Ident,
}

/// Clients that keep their pod by a cookie.
pub(super) fn kept(affinity: &CookieAffinity, tables: &mut Tables) -> Result<Kept, &'static str> {
    let name = cookie_name(&affinity.name)?;
    let default = |value| Entry { key: Key::Default, value };
    let regex =
        |text| Key::Regex(Regex { ignore_case: false, pieces: [Piece::Fixed(text)].into() });
    let var = |stem| Arg::Var(Ident::only(stem));
    let none = || Arg::Parts(vec![]);
    let number = cookie_is(&name, "(?<sk_number>[0-9a-f]{16})");
    let entries = vec![default(none()), Entry { key: Key::Regex(number), value: var("sk_number") }];
    let given = tables.variable("sk_given", Name::Map, var("http_cookie"), entries);
    let half = Entry { key: regex("(?<sk_half>.{16})"), value: var("sk_half") };
    let entries = vec![default(none()), half];
    let fresh = tables.variable("sk_fresh", Name::Map, var("request_id"), entries);
    let entries = vec![default(Arg::Var(given)), Entry { key: Key::Empty, value: Arg::Var(fresh) }];
    let key = tables.variable("sk_key", Name::Map, Arg::Var(given), entries);
    let start = Text::new(&format!("{}=", affinity.name)).map_err(|_| UNTELLABLE)?;
    let value = |secure| {
        let attributes = Text::new(&affinity.attributes(secure)).map_err(|_| UNTELLABLE)?;
        Ok(Arg::Parts(vec![Part::Text(start.clone()), Part::Var(fresh), Part::Text(attributes)]))
    };
    let entries = vec![
        default(none()),
        Entry { key: regex(":https$"), value: value(true)? },
        Entry { key: regex(":http$"), value: value(false)? },
    ];
    let scheme = Part::Var(Ident::only("scheme"));
    let source = Arg::Parts(vec![Part::Var(given), Part::Fixed(":"), scheme]);
    let cookie = tables.variable("sk_cookie", Name::Map, source, entries);
    Ok(Kept { key, cookie })
}

/// Gives a new client its number.
pub(super) fn set_cookie(options: &RouteOptions, tables: &mut Tables) -> Option<Directive> {
    let kept = kept(options.affinity.as_ref()?, tables).ok()?;
    let header = [Arg::Word("Set-Cookie"), Arg::Var(kept.cookie), Arg::Word("always")];
    Some(Directive::line(Name::AddHeader, header))
}

/// How many requests a client may send, and have under way.
pub(super) fn limits(options: &RouteOptions, tables: &mut Tables) -> Vec<Directive> {
    let mut lines = Vec::new();
    for rate in &options.rates {
        let zone = tables.zone(Name::LimitReqZone, "sk_rate", Some(per_minute(rate)));
        let mut args = vec![Arg::NameSetting("zone", zone, None)];
        // nginx counts those that come on top of the first.
        let more = u64::from(rate.burst).saturating_sub(1);
        args.extend((more > 0).then_some(Arg::Setting("burst", more, "")));
        args.push(Arg::Word("nodelay"));
        lines.push(Directive::line(Name::LimitReq, args));
    }
    if let Some(most) = options.concurrency {
        let zone = tables.zone(Name::LimitConnZone, "sk_busy", None);
        lines.push(Directive::line(Name::LimitConn, [Arg::Name(zone), Arg::Int(most.into())]));
    }
    lines
}

fn per_minute(rate: &RateLimit) -> Arg {
    let minute = Duration::from_secs(60).as_nanos();
    let rate = u64::try_from(minute / rate.interval.as_nanos().max(1)).unwrap_or(u64::MAX);
    // nginx counts in thousandths of a request, in 32 bits or more.
    Arg::Setting("rate", rate.clamp(1, 100_000_000), "r/m")
}
