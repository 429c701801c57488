//! A large table in pieces.
//!
//! `iptables-restore` on nf_tables compares each chain of a commit with all those before it: 110,000 chains at once take
//! minutes, in pieces seconds. Who is jumped to is written before who jumps there, so after each commit every jump
//! leads somewhere, and each chain is what it was or what it shall be. What is no longer needed goes with the last.
//! The older iptables (legacy) copies the whole table for each commit: it is better given everything at once.

use std_alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use super::ChainName;

/// Chains that are written in one commit.
pub(super) const TOGETHER: usize = 300;

/// A chain and its rules.
pub(super) type Written<'a> = (ChainName, &'a str);

/// The chains of one table, in the order in which they can be written.
pub(super) fn pieces(chains: Vec<Written<'_>>) -> Vec<Vec<Written<'_>>> {
    if chains.len() <= TOGETHER {
        return Vec::from([chains]);
    }
    let mut ordered: Vec<(usize, Written<'_>)> = depths(&chains).into_iter().zip(chains).collect();
    ordered.sort_by_key(|(depth, _)| *depth);
    let ordered: Vec<Written<'_>> = ordered.into_iter().map(|(_, chain)| chain).collect();
    ordered.chunks(TOGETHER).map(<[_]>::to_vec).collect()
}

/// How many jumps there are below each chain.
fn depths(chains: &[Written<'_>]) -> Vec<usize> {
    let names: Vec<String> = chains.iter().map(|(chain, _)| chain.to_string()).collect();
    let places: BTreeMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let below = |rules: &str| -> Vec<usize> {
        rules.lines().filter_map(|rule| places.get(target(rule)?).copied()).collect()
    };
    let below: Vec<Vec<usize>> = chains.iter().map(|(_, rules)| below(rules)).collect();
    let mut depths: Vec<usize> = chains.iter().map(|_| 0).collect();
    // A kernel takes no circles, and we write none; each round settles one depth more.
    for _ in chains {
        let deepest = |below: &Vec<usize>| {
            let depths = below.iter().filter_map(|place| depths.get(*place));
            depths.max().map_or(0, |depth| depth + 1)
        };
        let next: Vec<usize> = below.iter().map(deepest).collect();
        if next == depths {
            break;
        }
        depths = next;
    }
    depths
}

/// Where a rule jumps to.
fn target(rule: &str) -> Option<&str> {
    let (_, rest) = rule.split_once(" -j ").or_else(|| rule.split_once(" -g "))?;
    rest.split(' ').next()
}
