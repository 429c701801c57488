//! Questions and whole replies.

use super::{
    case, fixture, list,
    reply::{self, Rules},
    skydns, text,
};
use crate::conform::Case;
use serde_json::Value;
use svckit::dns::Outcome;

/// Runs the cases of one group, again with each other option set it names.
pub(super) fn run(document: &Value, group: &Value) -> Vec<Case> {
    let mut cases = with(document, group, group, "");
    if let Some(other) = group.get("also_run_with") {
        cases.extend(with(document, group, other, " again"));
    }
    cases
}

fn with(document: &Value, group: &Value, source: &Value, suffix: &str) -> Vec<Case> {
    let none = Value::Null;
    let options = source.get("options").unwrap_or(&none);
    let rules = Rules::of(group);
    let run = |case: &Value| {
        let fixture = fixture::named(document, text(source, "fixture")?)?;
        one(fixture, options, case, rules)
    };
    let cases = list(group, "cases").iter();
    cases.map(|one| case(format!("{}{suffix}", text(one, "id").unwrap_or("?")), run(one))).collect()
}

fn one(fixture: &Value, options: &Value, case: &Value, rules: Rules) -> Result<(), String> {
    let query = case.get("query").ok_or("no query")?;
    let (_, _, message) = reply::question(query)?;
    if skydns::is_about(fixture) {
        return reply::check(case, &skydns::ask(fixture, options, &message)?, rules);
    }
    let mut zone = fixture::zone(fixture, options, reply::MODE, &[text(query, "name")?])?;
    let snapshot = zone.snapshot();
    let mut out = [0; 65_535];
    let told = match (
        case.get("upstream"),
        snapshot.answer(&message, svckit::dns::Peer::tcp(0), &mut out),
    ) {
        (Some(told), Outcome::NeedUpstream(need)) => {
            Some(reply::upstream(told, &need.target, need.qtype)?)
        }
        _ => None,
    };
    let reply = reply::ask(&snapshot, &message, told.as_deref())?;
    reply::check(case, &reply, rules)
}
