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

/// The chains of one table, in the order in which they can be written; the last piece may be empty.
pub(super) fn pieces(mut chains: Vec<Written<'_>>) -> Vec<Vec<Written<'_>>> {
    if chains.len() <= TOGETHER {
        return Vec::from([chains]);
    }
    let depths = depths(&chains);
    let depth = |chain: &Written<'_>| depths.get(&chain.0.to_string()).copied();
    chains.sort_by_cached_key(depth);
    chains.chunks(TOGETHER).map(<[_]>::to_vec).collect()
}

/// How many jumps there are below each chain.
fn depths(chains: &[Written<'_>]) -> BTreeMap<String, usize> {
    let mut depths: BTreeMap<String, usize> =
        chains.iter().map(|(chain, _)| (chain.to_string(), 0)).collect();
    // A kernel takes no circles, and we write none; each round settles one depth more.
    for _ in 0..chains.len() {
        let mut settled = true;
        for (chain, rules) in chains {
            let below = rules.lines().filter_map(target).filter_map(|name| depths.get(name)).max();
            let depth = below.map_or(0, |below| below + 1);
            if let Some(known) = depths.get_mut(&chain.to_string())
                && *known < depth
            {
                *known = depth;
                settled = false;
            }
        }
        if settled {
            break;
        }
    }
    depths
}

/// Where a rule jumps to.
fn target(rule: &str) -> Option<&str> {
    let (_, rest) = rule.split_once(" -j ").or_else(|| rule.split_once(" -g "))?;
    rest.split(' ').next()
}
