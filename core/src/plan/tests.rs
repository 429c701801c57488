//! Scripts of changes, plans and commits.

use super::*;
use std::{format, string::String};

type Scripted = Planner<char, u32>;

fn print(plan: &Plan<char, u32>) -> String {
    let mut text = String::from(if plan.full { "full" } else { "" });
    let mut ops = plan.ops.to_vec();
    if plan.full {
        ops.sort_by_key(|op| *op.key());
    }
    for op in &ops {
        let (sign, before) = match op {
            Op::Delete { before, .. } => ('-', before),
            Op::Upsert { before, .. } => ('+', before),
        };
        let before = match before {
            Before::Absent => "",
            Before::Known(_) => "=",
            Before::InDoubt => "?",
        };
        text += &format!(" {sign}{before}{}", op.key());
    }
    text.trim().into()
}

/// `+k` sets k to another value, `=k` to the same, `-k` removes it, `s` syncs, `p` plans, `c` commits the last
/// plan, `1` the first one, `r` resets. The answer is every plan, and `no` for each commit that was refused.
fn run(script: &str) -> String {
    let mut planner = Scripted::new(Seed([1; 4]));
    let (mut values, mut last, mut out) = (0, 0, std::vec![]);
    for word in script.split(' ') {
        let key = word.chars().nth(1);
        match (word.chars().next().unwrap(), key) {
            ('+', Some(key)) => {
                values += 1;
                planner.set(key, values);
            }
            ('=', Some(key)) => planner.set(key, values),
            ('-', Some(key)) => planner.remove(key),
            ('s', _) => planner.sync(),
            ('r', _) => planner.reset(),
            ('p', _) => match planner.plan() {
                None => out.push("none".into()),
                Some(plan) => {
                    last = plan.generation;
                    out.push(print(&plan));
                }
            },
            (commit, _) => {
                if !planner.commit(if commit == '1' { 1 } else { last }) {
                    out.push("no".into());
                }
            }
        }
    }
    out.join("; ")
}

#[test]
fn plans() {
    let cases = [
        ("nothing before sync", "+a p", "none"),
        ("the first plan is full, even of nothing", "s p c p", "full; none"),
        ("steady state is quiet", "+a s p c p", "full +a; none"),
        ("setting the same is quiet", "+a s p c =a p", "full +a; none"),
        ("a flap within one batch is free", "s p c +a -a p", "full; none"),
        ("another value", "+a s p c +a p c p", "full +a; +=a; none"),
        ("deletions first", "+b s p c -b +a p", "full +b; -=b +a"),
        ("a lost plan is made again", "s p c +a p p", "full; +a; +?a"),
        ("a lost full plan is full again", "+a s p p c p", "full +a; full +a; none"),
        ("removed while in doubt is still deleted", "s p c +a p -a p c p", "full; +a; -?a; none"),
        ("a commit of an old plan is refused", "s p c +a p 1 p", "full; +a; no; +?a"),
        ("a second commit is refused", "s p c c", "full; no"),
        ("a change during a full plan isn't lost", "+a s p +b c p", "full +a; +b"),
        ("removed during a full plan", "+a s p -a c p", "full +a; -=a"),
        ("reset plans everything", "+a s p c +b p r p c p", "full +a; +b; full +a +b; none"),
        ("reset forgets the plan in flight", "+a s p r c", "full +a; no"),
    ];
    for (name, script, want) in cases {
        assert_eq!(run(script), want, "{name}: {script}");
    }
}
