//! Rows that state what CoreDNS answers and what svckit does, in words.
//!
//! A question's cell may end in a condition (`(pods insecure)`), its type's cell too (`A, EDNS version 1`). A verdict
//! is a response code, NODATA, or a record, perhaps with more words; what the words don't tell isn't compared.

use super::{case, fixture, list, reply, text};
use crate::conform::Case;
use serde_json::{Value, json};
use svckit::dns::{Data, Message, Mode, Outcome, Peer, Rcode, Snapshot, Type};

/// Runs the rows, each in both modes.
pub(super) fn run(document: &Value, table: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, row) in list(table, "rows").iter().enumerate() {
        for (column, mode) in [(2, Mode::CoreDns), (3, Mode::Strict)] {
            let id = format!("source_derived.{index:02} {mode:?}");
            cases.push(case(id, one(document, row, column, mode)));
        }
    }
    cases
}

/// A row's question.
struct Asked {
    message: Vec<u8>,
    upstream: Option<Said>,
    udp: bool,
}

/// What an upstream is said to do.
#[derive(Clone, Copy)]
enum Said {
    Missing,
    Failure,
}

fn one(document: &Value, row: &Value, column: usize, mode: Mode) -> Result<(), String> {
    let cell = |index: usize| {
        row.get(index).and_then(Value::as_str).ok_or_else(|| format!("no cell {index} in {row}"))
    };
    let (name, condition) = split_condition(cell(0)?);
    let (kind, about) = split_condition(cell(1)?);
    let mut want = cell(column)?;
    if want == "same" {
        want = cell(2)?;
    }
    let fixture_name = [condition, about]
        .iter()
        .find_map(|words| words.split("fixture ").nth(1))
        .map_or("serve", |rest| rest.split([',', ' ']).next().unwrap_or(rest));
    let fixture = fixture::named(document, fixture_name)?;
    let options = options(document, fixture_name, &format!("{condition}, {about}"))?;
    let mut zone = fixture::zone(fixture, &options, mode, &[name])?;
    let asked = asked(name, kind, about)?;
    let came = ask(&zone.snapshot(), &asked)?;
    verdict(want, came.as_ref(), name)
}

/// `text (words)` as text and words.
fn split_condition(cell: &str) -> (&str, &str) {
    match cell.split_once('(') {
        Some((text, words)) => (text.trim(), words.trim_end_matches(')')),
        None => (cell.trim(), ""),
    }
}

/// The options of the group that the rows are about, with what a condition changes.
fn options(document: &Value, fixture: &str, words: &str) -> Result<Value, String> {
    let groups = list(document, "groups");
    let id = if fixture == "serve" { "common" } else { fixture };
    let group = groups.iter().find(|group| text(group, "id") == Ok(id));
    let mut options = group
        .and_then(|group| group.get("options"))
        .cloned()
        .unwrap_or_else(|| json!({"zones": ["cluster.local."], "pods": "disabled", "ttl": 5}));
    let mut set = |key: &str, value: Value| {
        if let Some(options) = options.as_object_mut() {
            options.insert(key.into(), value);
        }
    };
    if fixture == "serve" {
        set("server_addresses", json!(["127.0.0.1"]));
    }
    for mode in ["disabled", "insecure", "verified"] {
        if words.contains(&format!("pods {mode}")) {
            set("pods", json!(mode));
            // Pods live in a namespace of their own.
            set("namespaces", json!([]));
        }
    }
    if words.contains("not synced") || words.contains("unsynced") {
        set("synced", json!(false));
    }
    if words.contains("ignore") && words.contains("empty") {
        set("ignore_empty_service", json!(true));
    }
    if words.contains("zonal") {
        set("zonal", json!(true));
    }
    Ok(options)
}

fn asked(name: &str, kind: &str, about: &str) -> Result<Asked, String> {
    let mut words = kind.split(',').map(str::trim);
    let first = words.next().unwrap_or_default();
    let rest = words.collect::<Vec<_>>().join(", ");
    let all = format!("{first}, {rest}, {about}").to_lowercase();
    let rtype: Type = first.split(' ').next().unwrap_or("A").parse().unwrap_or(Type(1));
    let mut message = Message::question(7, &reply::parse(name)?, rtype);
    let end = message.len();
    let mut put = |place: usize, octet: u8| {
        message.get_mut(place).into_iter().for_each(|at| *at = octet);
    };
    if all.contains("opcode update") {
        put(2, 5 << 3);
    } else if all.contains("opcode status") {
        put(2, 2 << 3);
    } else if all.contains("opcode notify") {
        put(2, 4 << 3);
    }
    if all.contains("class ch") || all.contains("chaos") {
        put(end - 1, 3);
    }
    if all.contains("qr=1") || all.contains("qr 1") {
        put(2, 0x80);
    }
    if all.contains("two questions") || all.contains("qdcount 2") || all.contains("qdcount=2") {
        put(5, 2);
    }
    if all.contains("no question") || all.contains("qdcount 0") || all.contains("qdcount=0") {
        put(5, 0);
    }
    if let Some(version) = all.split("edns version ").nth(1) {
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        let version = digits.parse().map_err(|_| format!("which version of EDNS: {kind:?}"))?;
        put(11, 1);
        message.extend([0, 0, 41, 4, 208, 0, version, 0, 0, 0, 0]);
    }
    let upstream = match all.contains("upstream") {
        true if all.contains("nxdomain") => Some(Said::Missing),
        true => Some(Said::Failure),
        false => None,
    };
    Ok(Asked { message, upstream, udp: all.contains("udp") })
}

fn ask(snapshot: &Snapshot, asked: &Asked) -> Result<Option<Message>, String> {
    let mut out = vec![0; 65_535];
    let peer = if asked.udp { Peer::udp(0) } else { Peer::tcp(0) };
    let outcome = match snapshot.answer(&asked.message, peer, &mut out) {
        Outcome::NeedUpstream(need) => {
            let rcode =
                |rcode: &str| reply::upstream(&json!({"rcode": rcode}), &need.target, need.qtype);
            let said = match asked.upstream {
                Some(Said::Missing) => Some(rcode("NXDOMAIN")?),
                Some(Said::Failure) => None,
                None => Some(rcode("NOERROR")?),
            };
            snapshot.complete(&asked.message, peer, &need, said.as_deref(), &mut out)
        }
        outcome => outcome,
    };
    let Some(length) = outcome.length() else { return Ok(None) };
    let reply = out.get(..length).unwrap_or_default();
    Message::decode(reply).map(Some).map_err(|error| error.to_string())
}

/// Whether a reply is what the words say.
fn verdict(want: &str, came: Option<&Message>, name: &str) -> Result<(), String> {
    let fail = || Err(format!("expected {want}, came {came:?}"));
    let words: Vec<&str> = want.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let first = words.first().copied().unwrap_or_default();
    let Some(came) = came else {
        let dropped =
            want.contains("drop") || want.contains("no reply") || want.contains("ignored");
        return if dropped { Ok(()) } else { fail() };
    };
    let soa = matches!(came.authority.as_slice(), [only] if matches!(only.data, Data::Soa(_)));
    let holds = match first {
        "NODATA" => came.rcode == Rcode::NOERROR && came.answer.is_empty() && soa,
        "NXDOMAIN" => came.rcode == Rcode::NXDOMAIN,
        "NOERROR" => came.rcode == Rcode::NOERROR,
        "SERVFAIL" | "REFUSED" | "FORMERR" | "NOTIMP" | "BADVERS" => {
            came.rcode.to_string() == first
        }
        rtype => {
            let rtype: Type = rtype.parse().map_err(|_| format!("what does {want:?} mean?"))?;
            came.rcode == Rcode::NOERROR
                && came.answer.iter().any(|record| record.data.rtype() == rtype)
                && states(&came.answer, rtype, &words, name)
        }
    };
    let alias = |record: &svckit::dns::Record| matches!(record.data, Data::Cname(_));
    let aliased = !want.contains("with the CNAME") || came.answer.iter().any(alias);
    let alone = !want.contains("alone") || came.answer.len() == 1;
    if holds && aliased && alone { Ok(()) } else { fail() }
}

/// Whether one of the records says the words that follow its type.
fn states(answer: &[svckit::dns::Record], rtype: Type, words: &[&str], name: &str) -> bool {
    let told: Vec<String> = words
        .iter()
        .skip(1)
        .take_while(|word| {
            !matches!(**word, "plus" | "and" | "then" | "with" | "too") && !word.starts_with('(')
        })
        .map(|word| if *word == "itself" { name.to_string() } else { (*word).to_string() })
        .collect();
    if told.iter().any(|word| word.contains(['<', '…'])) {
        return true;
    }
    answer.iter().filter(|record| record.data.rtype() == rtype).any(|record| {
        let data = record.data.to_string();
        let data: Vec<_> = data.split(' ').collect();
        told.iter().zip(&data).all(|(told, came)| {
            told.trim_end_matches('.').eq_ignore_ascii_case(came.trim_end_matches('.'))
        })
    })
}
