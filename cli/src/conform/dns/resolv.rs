//! The table `resolv_conf`: limits, policies, parsing, and merging.

use super::{case, list};
use crate::conform::Case;
use serde_json::Value;
use svckit::dns::{DnsBase, DnsPolicy, ResolvConf, ResolvLimits};

/// Runs each part of the table.
pub(super) fn run(table: &Value) -> Vec<Case> {
    type Part = (&'static str, fn(&Value) -> Result<(), String>);
    let parts: [Part; 3] = [("policy", policy), ("parse", parse), ("merge_options", merge)];
    let mut cases = Vec::new();
    for (part, row) in parts {
        for (index, one) in list(table, part).iter().enumerate() {
            cases.push(case(format!("resolv_conf.{part}.{index:02}"), row(one)));
        }
    }
    for (limit, value) in table.get("limits").and_then(Value::as_object).into_iter().flatten() {
        let holds = value.as_u64().ok_or_else(|| format!("no number: {value}"));
        let outcome = holds.and_then(|value| holds_limit(limit, value as usize));
        cases.push(case(format!("resolv_conf.limits.{limit}"), outcome));
    }
    cases
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(Into::into).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(want: &T, came: &T) -> Result<(), String> {
    if want == came { Ok(()) } else { Err(format!("expected {want:?}, came {came:?}")) }
}

fn policy(row: &Value) -> Result<(), String> {
    let policy = row.get(0).and_then(Value::as_str).and_then(DnsPolicy::parse);
    let policy = policy.ok_or_else(|| format!("no policy in {row}"))?;
    let base = match policy.base(row.get(1) == Some(&Value::Bool(true))) {
        DnsBase::Cluster => "cluster",
        DnsBase::Host => "host",
        DnsBase::Nothing => "none",
    };
    same(&row.get(2).and_then(Value::as_str), &Some(base))
}

fn parse(row: &Value) -> Result<(), String> {
    let text = row.get(0).and_then(Value::as_str).ok_or_else(|| format!("no text in {row}"))?;
    let parsed = ResolvConf::parse(text);
    if row.get(1).and_then(Value::as_str) == Some("error") {
        return same(&true, &parsed.is_err());
    }
    let came = parsed.map_err(|error| error.to_string())?;
    let want = ResolvConf {
        nameservers: texts(row.get(1)),
        searches: texts(row.get(2)),
        options: texts(row.get(3)),
    };
    same(&want, &came)
}

fn merge(row: &Value) -> Result<(), String> {
    let of = |index: usize| ResolvConf { options: texts(row.get(index)), ..ResolvConf::default() };
    let (mut want, mut came) = (of(2).options, of(0).merge(&of(1)).options);
    want.sort();
    came.sort();
    same(&want, &came)
}

/// Whether exactly so many fit.
fn holds_limit(limit: &str, value: usize) -> Result<(), String> {
    let legacy = limit.starts_with("legacy");
    let limits = if legacy { ResolvLimits::LEGACY } else { ResolvLimits::default() };
    let fits = |conf: &ResolvConf| !conf.clone().limit(limits);
    let searches = |lengths: &[usize]| ResolvConf {
        searches: lengths.iter().map(|length| "a".repeat(*length)).collect(),
        ..ResolvConf::default()
    };
    let (most, more) = match limit {
        "nameservers" => {
            let servers = |count| ResolvConf {
                nameservers: vec!["192.0.2.1".into(); count],
                ..ResolvConf::default()
            };
            (servers(value), servers(value + 1))
        }
        "search_paths" | "legacy_search_paths" => {
            (searches(&vec![1; value]), searches(&vec![1; value + 1]))
        }
        "one_search_domain_chars" => (searches(&[value]), searches(&[value + 1])),
        "search_chars" | "legacy_search_chars" => {
            // Domains of 127 octets and a space each, and the rest in one more.
            let mut lengths = vec![127; (value - 1) / 128];
            let rest = value - lengths.len() * 128;
            lengths.push(rest);
            let most = searches(&lengths);
            lengths.pop();
            lengths.push(rest + 1);
            (most, searches(&lengths))
        }
        other => return Err(format!("unknown limit {other:?}")),
    };
    same(&(true, false), &(fits(&most), fits(&more)))
}
