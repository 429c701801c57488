//! The table `autopath`: walks along search lists, with a word for what each name answers, and a cluster's own.

use super::{case, fixture, list, reply};
use crate::conform::Case;
use serde_json::{Value, json};
use svckit::dns::{Data, Message, Name, Options, Outcome, Peer, Record, Type, Walk, Walked, Zone};

/// Runs each row; a row says only what differs from those before it.
pub(super) fn run(table: &Value) -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut search, mut known) = (&Value::Null, &Value::Null);
    for (index, row) in list(table, "rows").iter().enumerate() {
        search = row.get("search").unwrap_or(search);
        known = row.get("known").unwrap_or(known);
        let id = format!("autopath.{index:02}");
        if row.get("cluster").is_some() {
            for (number, inner) in list(row, "rows").iter().enumerate() {
                cases.push(case(format!("{id}.{number}"), in_cluster(inner)));
            }
        } else if let Some(first) = row.get("in_first") {
            cases.push(case(id, below_first(row, first)));
        } else {
            cases.push(case(id, walked(search, known, row)));
        }
    }
    cases
}

fn names(value: &Value) -> Result<Vec<Name>, String> {
    let texts = value.as_array().ok_or("no search list")?.iter().filter_map(Value::as_str);
    texts.map(|text| if text.is_empty() { Ok(Name::root()) } else { reply::parse(text) }).collect()
}

/// Which names are below the first domain of a list.
fn below_first(row: &Value, names: &Value) -> Result<(), String> {
    let first = super::text(row, "first_search")?;
    let search = [reply::parse(first)?, Name::root()];
    for (name, want) in names.as_object().into_iter().flatten() {
        let came = Walk::new(&reply::parse(name)?, &search).is_some();
        if want.as_bool() != Some(came) {
            return Err(format!("{name} below {first}: expected {want}, came {came}"));
        }
    }
    Ok(())
}

fn walked(search: &Value, known: &Value, row: &Value) -> Result<(), String> {
    let asked = row.get("query").and_then(|query| query.get(0)).and_then(Value::as_str);
    let asked = reply::parse(asked.ok_or("no query")?)?;
    let ended = match Walk::new(&asked, &names(search)?) {
        // Not a search: the question is answered as it is.
        None => said(known, &asked)?.map_or(Walked::Nothing(None), Walked::Found),
        Some(mut walk) => loop {
            let name = walk.next().ok_or("a walk without an end")?.clone();
            if let Some(ended) = walk.take(said(known, &name)?) {
                break ended;
            }
        },
    };
    match (ended, row.get("expect_ordered")) {
        (Walked::Found(message), Some(_)) => {
            let came: Vec<Value> = message.answer.iter().map(line).collect();
            let want = list(row, "expect_ordered");
            if want == came { Ok(()) } else { Err(format!("expected {want:?}, came {came:?}")) }
        }
        (Walked::Nothing(None), None) => Ok(()),
        (other, _) => Err(format!("expected {row}, came {other:?}")),
    }
}

/// What is said of a name: a verdict, or an address with its TTL; nothing of the others.
fn said(known: &Value, name: &Name) -> Result<Option<Message>, String> {
    let Some(words) = known.get(name.to_string()).and_then(Value::as_str) else { return Ok(None) };
    let records: Vec<Value> = match words.split(' ').collect::<Vec<_>>().as_slice() {
        ["A", address, "ttl", ttl] => vec![json!({"name": name.to_string(), "type": "A",
            "data": address, "ttl": ttl.parse::<u32>().unwrap_or_default()})],
        _ => vec![],
    };
    let rcode = if records.is_empty() { words } else { "NOERROR" };
    let value = json!({"rcode": rcode, "answer": records});
    let message = reply::upstream(&value, name, Type(1))?;
    Message::decode(&message).map(Some).map_err(|error| error.to_string())
}

fn line(record: &Record) -> Value {
    let (owner, data) = (record.owner.to_string(), record.data.to_string());
    json!([owner, record.ttl, record.data.rtype().to_string(), data])
}

/// A question of a pod in `test-1`, beside one Service there and one name of somebody else's.
fn in_cluster(row: &Value) -> Result<(), String> {
    let mut options = Options::new(Name::cluster_local());
    options.mode = reply::MODE;
    options.pods = svckit::dns::PodRecords::Verified;
    options.autopath = true;
    let mut zone = Zone::new(options, svckit::Seed([3; 4]));
    let service = json!({"namespace": "test-1", "name": "svc-1-a", "type": "ClusterIP",
        "cluster_ips": ["10.96.0.100"], "ports": []});
    let pod = json!({"namespace": "test-1", "name": "client", "ip": "10.244.0.7"});
    zone.apply(&svckit::model::Change::Service(fixture::service(&service)?.into()));
    zone.apply(&svckit::model::Change::Pod(fixture::pod(&pod)?.into()));
    zone.apply(&svckit::model::Change::Synced);
    let snapshot = zone.snapshot();
    let asked = row.get(0).and_then(Value::as_str).ok_or("no name")?;
    let message = Message::question(1, &reply::parse(asked)?, Type(1));
    let peer = Peer { address: Some([10, 244, 0, 7].into()), ..Peer::tcp(0) };
    let mut out = vec![0; 65_535];
    let mut outcome = snapshot.answer(&message, peer, &mut out);
    while let Outcome::NeedUpstream(need) = &outcome {
        let known = json!({"foo.example.net.": "A 10.10.10.11 ttl 5"});
        let missing = json!({"rcode": "NXDOMAIN"});
        let said = match said(&known, &need.target)? {
            Some(_) => reply::upstream(
                &json!({"answer": [{"name": "foo.example.net.", "type": "A", "ttl": 5,
                    "data": "10.10.10.11"}]}),
                &need.target,
                need.qtype,
            )?,
            None => reply::upstream(&missing, &need.target, need.qtype)?,
        };
        outcome = snapshot.complete(&message, peer, need, Some(&said), &mut out);
    }
    let length = outcome.length().ok_or("nothing was answered")?;
    let reply = Message::decode(out.get(..length).unwrap_or_default());
    let answer = reply.map_err(|error| error.to_string())?.answer;
    let came: Vec<Value> = answer
        .iter()
        .map(|record| match &record.data {
            Data::A(address) => json!([record.owner.to_string(), "A", address.to_string()]),
            data => json!([record.owner.to_string(), data.rtype().to_string(), data.to_string()]),
        })
        .collect();
    let want = row.get(1).cloned().unwrap_or_default();
    if want == json!(came) { Ok(()) } else { Err(format!("expected {want}, came {came:?}")) }
}
