//! Selectors: texts against themselves, matching against a list of pairs, indexes against a scan.

use std::collections::BTreeMap;
use svckit::{
    Seed,
    select::{Index, Labels, Objects, Operator, Requirement, Selector},
};

/// What selectors are written with: each byte of the input picks one.
const PIECES: [&str; 32] = [
    "a", "b", "x/y", "in", "notin", "1", "007", "-", " ", "\t", "\u{a0}", ",", "(", ")", "=", "==",
    "!=", "!", ">", "<", " in (", " notin (", ",", ")", "a", "b", "a=b", "", "\0", "9", "B.c",
    ",!",
];

/// What is read prints as itself; both readers agree where there is no NUL; matching is what a list of pairs says.
pub fn text(data: &[u8]) {
    let (pieces, rest) = data.split_at(data.len() * 3 / 4);
    let text: String = pieces.iter().map(|byte| PIECES[usize::from(byte % 32)]).collect();
    let (strict, compat) = (text.parse::<Selector>(), Selector::parse_compat(&text));
    if text.contains('\0') {
        assert!(strict.is_err(), "{text:?}");
    } else {
        assert_eq!(strict, compat, "{text:?}");
    }
    let Ok(selector) = compat else { return };
    assert_eq!(selector.to_string().parse(), Ok(selector.clone()), "{text:?}");
    let pairs: Vec<(&str, &str)> = rest.iter().map(|byte| pair(*byte)).collect();
    let labels: Labels = pairs.iter().copied().collect();
    assert_eq!(labels.to_string().parse(), Ok(labels.clone()));
    assert_eq!(selector.matches(&labels), holds(&selector, &pairs), "{selector} {labels}");
}

/// Both indexes find what asking everybody finds, however selectors and labels come and go.
pub fn index(data: &[u8]) {
    let (mut index, mut objects) = (Index::new(Seed([5; 4])), Objects::new(Seed([6; 4])));
    let mut selectors: BTreeMap<u8, Selector> = BTreeMap::new();
    let mut all: BTreeMap<u8, Vec<(&str, &str)>> = BTreeMap::new();
    for step in data.chunks_exact(4) {
        let name = step[0] / 8 % 8;
        match step[0] % 8 {
            0..=2 => {
                let requirements = step[1..].iter().filter_map(|byte| requirement(*byte));
                let selector = Selector::new(requirements.collect());
                index.insert(name, selector.clone());
                selectors.insert(name, selector);
            }
            3 => {
                index.remove(&name);
                selectors.remove(&name);
            }
            4..=6 => {
                let pairs: Vec<_> = step[1..].iter().map(|byte| pair(*byte)).collect();
                objects.insert(name, pairs.iter().copied().collect());
                all.insert(name, pairs);
            }
            _ => {
                objects.remove(&name);
                all.remove(&name);
            }
        }
        let pairs = all.get(&name).cloned().unwrap_or_default();
        let labels: Labels = pairs.iter().copied().collect();
        let scan = selectors.iter().filter(|(_, selector)| holds(selector, &pairs));
        assert_eq!(index.matching(&labels), scan.map(|(name, _)| *name).collect::<Vec<_>>());
        let Some(selector) = selectors.get(&name) else { continue };
        let scan = all.iter().filter(|(_, pairs)| holds(selector, pairs));
        assert_eq!(objects.matching(selector), scan.map(|(name, _)| *name).collect::<Vec<_>>());
    }
}

fn pair(byte: u8) -> (&'static str, &'static str) {
    (["a", "b", "x/y", "in"][usize::from(byte % 4)], ["", "a", "1", "9"][usize::from(byte / 4 % 4)])
}

fn requirement(byte: u8) -> Option<Requirement> {
    let (key, value) = pair(byte);
    let (operator, values) = match byte / 16 {
        0..=3 => (Operator::Equals, vec![value]),
        4..=5 => (Operator::In, vec![value, "a"]),
        6 => (Operator::NotIn, vec![value, "a"]),
        7 => (Operator::NotEquals, vec![value]),
        8 => (Operator::Exists, vec![]),
        9 => (Operator::DoesNotExist, vec![]),
        10 => (Operator::Gt, vec!["3"]),
        11 => (Operator::Lt, vec!["3"]),
        _ => return None,
    };
    Some(Requirement::new(key, operator, values).unwrap())
}

/// Matching as the reference's table has it, over a list in which the last of a key counts.
fn holds(selector: &Selector, pairs: &[(&str, &str)]) -> bool {
    selector.requirements().iter().all(|requirement| {
        let of_key = |pair: &&(&str, &str)| pair.0 == requirement.key().as_ref();
        let value = pairs.iter().rev().find(of_key).map(|(_, value)| *value);
        let listed = requirement.values().iter().any(|wanted| Some(wanted.as_ref()) == value);
        let number = |text: &str| text.parse::<i64>().ok();
        let bound = requirement.values().first().and_then(|text| number(text));
        match requirement.operator() {
            Operator::In | Operator::Equals | Operator::DoubleEquals => listed,
            Operator::NotIn | Operator::NotEquals => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => value.and_then(number).is_some_and(|number| number > bound.unwrap()),
            Operator::Lt => value.and_then(number).is_some_and(|number| number < bound.unwrap()),
            Operator::Never => false,
        }
    })
}
