//! Replies beside what a case expects of them.

use super::{list, text};
use serde_json::Value;
use svckit::dns::{Data, Message, Mode, Name, Outcome, Peer, Record, Snapshot, Type};

/// How a group wants replies compared.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    /// Letter case counts.
    pub(super) exact_case: bool,
    /// So does the order of records.
    pub(super) ordered: bool,
    /// An alias stands before the records of its target.
    pub(super) cname_order: bool,
    /// Serials of SOA records count, where one is given.
    pub(super) serial: bool,
}

impl Rules {
    /// The rules a group states.
    pub(super) fn of(group: &Value) -> Self {
        let is = |key: &str| group.get(key) == Some(&Value::Bool(true));
        Self {
            exact_case: group.get("compare_case").and_then(Value::as_str) == Some("exact"),
            ordered: is("ordered"),
            cname_order: is("cname_order"),
            serial: is("check_soa_serial"),
        }
    }
}

/// A question with RD and CD set, so that both can be seen to come back.
pub(super) fn question(query: &Value) -> Result<(Name, Type, Vec<u8>), String> {
    let name: Name = parse(text(query, "name")?)?;
    let qtype: Type = text(query, "type")?.parse().map_err(|_| format!("no type in {query}"))?;
    let mut message = Message::question(0x1d0, &name, qtype);
    if let Some(flags) = message.get_mut(3) {
        *flags |= 0x10;
    }
    Ok((name, qtype, message))
}

/// A name, with a reason when it isn't one.
pub(super) fn parse(name: &str) -> Result<Name, String> {
    name.parse().map_err(|error| format!("{name:?}: {error}"))
}

/// Asks over TCP, and completes with what an upstream is said to answer: nothing, unless told otherwise.
pub(super) fn ask(
    snapshot: &Snapshot,
    message: &[u8],
    upstream: Option<&[u8]>,
) -> Result<Message, String> {
    let mut out = vec![0; 65_535];
    let outcome = match snapshot.answer(message, Peer::tcp(0), &mut out) {
        Outcome::NeedUpstream(need) => {
            let empty = self::upstream(&Value::Null, &need.target, need.qtype)?;
            let said = upstream.unwrap_or(&empty);
            snapshot.complete(message, Peer::tcp(0), &need, Some(said), &mut out)
        }
        outcome => outcome,
    };
    let length = outcome.length().ok_or("nothing was answered")?;
    let reply = out.get(..length).ok_or("a reply longer than its buffer")?;
    Message::decode(reply).map_err(|error| error.to_string())
}

/// An upstream's reply as a case states it.
pub(super) fn upstream(value: &Value, target: &Name, qtype: Type) -> Result<Vec<u8>, String> {
    let mut message = Message::question(1, target, qtype);
    let truncated = value.get("truncated") == Some(&Value::Bool(true));
    let rcode = match value.get("rcode").and_then(Value::as_str) {
        None | Some("NOERROR") => 0,
        Some("NXDOMAIN") => 3,
        Some("SERVFAIL") => 2,
        Some(other) => return Err(format!("unknown rcode {other:?}")),
    };
    let records = list(value, "answer");
    for (place, byte) in
        [(2, if truncated { 0x83 } else { 0x81 }), (3, 0x80 | rcode), (7, records.len() as u8)]
    {
        if let Some(octet) = message.get_mut(place) {
            *octet = byte;
        }
    }
    for record in records {
        let data = record.get("data").and_then(Value::as_str).unwrap_or_default();
        let owner = parse(text(record, "name")?)?;
        let ttl = record.get("ttl").and_then(Value::as_u64).unwrap_or(0) as u32;
        let data = match (text(record, "type")?, data.parse()) {
            ("A" | "AAAA", Ok(address)) => Record::address(Name::root(), 0, address).data,
            ("CNAME", _) => Data::Cname(parse(data)?),
            (other, _) => return Err(format!("an upstream can't answer {other}")),
        };
        Record { owner, ttl, data }.encode(&mut message);
    }
    Ok(message)
}

/// Whether a reply is what `case` expects.
pub(super) fn check(case: &Value, reply: &Message, rules: Rules) -> Result<(), String> {
    let rcode = text(case, "rcode")?;
    if reply.rcode.to_string() != rcode {
        return Err(format!("expected {rcode}, came {}", reply.rcode));
    }
    let truncated = case.get("tc") == Some(&Value::Bool(true));
    let flags = [
        ("qr", true, reply.reply),
        ("aa", true, reply.authoritative),
        ("ra", false, reply.recursion_available),
        ("rd", true, reply.recursion_desired),
        ("cd", true, reply.checking_disabled),
        ("tc", truncated, reply.truncated),
    ];
    for (flag, want, came) in flags {
        if want != came {
            return Err(format!("expected {flag}={want}, came {flag}={came}"));
        }
    }
    for (section, came) in [
        ("answer", &reply.answer),
        ("authority", &reply.authority),
        ("additional", &reply.additional),
    ] {
        records(section, list(case, section), came, rules)?;
    }
    if rules.cname_order { aliases_first(&reply.answer) } else { Ok(()) }
}

/// Whether one section has exactly the expected records.
pub(super) fn records(
    section: &str,
    want: &[Value],
    came: &[Record],
    rules: Rules,
) -> Result<(), String> {
    let mut want: Vec<_> =
        want.iter().map(|record| expected(record, rules)).collect::<Result<_, _>>()?;
    let mut came: Vec<_> = came.iter().map(|record| printed(record, rules)).collect();
    if !rules.ordered {
        want.sort();
        came.sort();
    }
    let equal = |(want, came): (&Line, &Line)| {
        want.text == came.text
            && (want.ttl.is_none() || want.ttl == came.ttl)
            && (want.serial.is_none() || !rules.serial || want.serial == came.serial)
    };
    if want.len() == came.len() && want.iter().zip(&came).all(equal) {
        return Ok(());
    }
    let show = |lines: &[Line]| {
        let lines = lines.iter().map(|line| format!("{} (ttl {:?})", line.text, line.ttl));
        lines.collect::<Vec<_>>().join("; ")
    };
    Err(format!("{section}: expected [{}], came [{}]", show(&want), show(&came)))
}

/// A record as one line, less what is compared apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    text: String,
    ttl: Option<u32>,
    serial: Option<u32>,
}

impl Line {
    fn new(owner: &str, rtype: &str, data: &str, rules: Rules) -> Self {
        let text = format!("{owner} {rtype} {data}");
        let text = if rules.exact_case { text } else { text.to_lowercase() };
        Self { text, ttl: None, serial: None }
    }
}

fn printed(record: &Record, rules: Rules) -> Line {
    let rtype = record.data.rtype().to_string();
    let (data, serial) = match &record.data {
        Data::Soa(soa) => {
            let numbers = (soa.refresh, soa.retry, soa.expire, soa.minimum);
            (format!("{} {numbers:?}", soa.mname), Some(soa.serial))
        }
        Data::Txt(texts) => (String::from_utf8_lossy(&texts.concat()).into_owned(), None),
        data => (data.to_string(), None),
    };
    let line = Line::new(&record.owner.to_string(), &rtype, &data, rules);
    Line { ttl: Some(record.ttl), serial, ..line }
}

fn expected(record: &Value, rules: Rules) -> Result<Line, String> {
    let rtype = text(record, "type")?;
    let data = record.get("data").ok_or_else(|| format!("no data in {record}"))?;
    let number = |key: &str| {
        data.get(key).and_then(Value::as_u64).ok_or_else(|| format!("no number {key:?} in {data}"))
    };
    let name = |name: &str| parse(name).map(|name| name.to_string());
    let shown = match rtype {
        "SRV" => format!(
            "{} {} {} {}",
            number("priority")?,
            number("weight")?,
            number("port")?,
            name(text(data, "target")?)?
        ),
        "MX" => format!("{} {}", number("preference")?, name(text(data, "exchange")?)?),
        "SOA" => {
            let numbers =
                (number("refresh")?, number("retry")?, number("expire")?, number("minimum")?);
            format!("{} {numbers:?}", name(text(data, "mname")?)?)
        }
        "CNAME" | "NS" | "PTR" => name(data.as_str().unwrap_or_default())?,
        "A" | "AAAA" => {
            let address = data.as_str().and_then(|text| text.parse::<std::net::IpAddr>().ok());
            address.ok_or_else(|| format!("no address in {record}"))?.to_string()
        }
        _ => data.as_str().unwrap_or_default().to_string(),
    };
    let line = Line::new(&name(text(record, "name")?)?, rtype, &shown, rules);
    let ttl = record.get("ttl").and_then(Value::as_u64).map(|ttl| ttl as u32);
    Ok(Line { ttl, serial: number("serial").ok().map(|serial| serial as u32), ..line })
}

/// Whether each alias stands before the records of its target.
fn aliases_first(answer: &[Record]) -> Result<(), String> {
    for (place, record) in answer.iter().enumerate() {
        let Data::Cname(target) = &record.data else { continue };
        if answer.iter().take(place).any(|before| before.owner == *target) {
            return Err(format!("{target} stands before the alias that leads there"));
        }
    }
    Ok(())
}

/// The mode that groups and transfers are facts about.
pub(super) const MODE: Mode = Mode::CoreDns;
