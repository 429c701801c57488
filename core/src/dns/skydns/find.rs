//! The records of a name: those at its key, and those below it.
//!
//! ```text
//! cart.shop      all leaves below cart/; cart itself if there are none
//! *.shop         one label of any kind; `any` means the same
//! ```
//!
//! Strictly, labels that start with an underscore are attributes (RFC 8552): what stands below them belongs to SRV
//! questions, and to nobody who asks for the host. CoreDNS, like SkyDNS, makes no difference.

use std_alloc::{string::String, vec::Vec};

use super::tree::{Branch, Leaf, SkyDns};
use crate::dns::{Mode, Name, code};

/// One record that a question finds.
#[derive(Clone)]
pub(super) struct Hit<'s> {
    /// The name of its key.
    pub(super) name: Name,
    /// How many labels the key has.
    depth: usize,
    pub(super) leaf: &'s Leaf,
}

/// How much of the tree a question means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The key itself.
    Exact,
    /// The key, or all below it.
    Below,
}

impl SkyDns {
    /// The records of `name` that matter for a type, after groups have had their say. `None`: the name isn't there.
    pub(super) fn find(&self, name: &Name, qtype: u16, reach: Reach) -> Option<Vec<Hit<'_>>> {
        let strict = self.config.options.mode == Mode::Strict;
        let mut labels = name.labels().map(lower).collect::<Option<Vec<_>>>()?;
        labels.reverse();
        let wild = labels.iter().any(|label| is_wild(label));
        let (nodes, base) = self.matching(&labels);
        let mut hits = Vec::new();
        for (path, node) in &nodes {
            let mut path = path.clone();
            match reach {
                Reach::Exact => hit(node, &path, &mut hits),
                Reach::Below => {
                    let shallow = self.config.options.shallow;
                    let attribute = labels.last().is_some_and(|label| label.starts_with('_'));
                    let descent = Descent {
                        attributes: !strict || qtype == code::SRV && !(shallow && attribute),
                        names: !shallow,
                    };
                    descent.collect(node, &mut path, &mut hits);
                    if hits.is_empty() || wild {
                        hit(node, &path, &mut hits);
                    }
                }
            }
        }
        let there = match strict {
            true => !nodes.is_empty(),
            // A wildcard that matches nothing is an empty answer, if what it stands under exists.
            false => !hits.is_empty() || wild && base,
        };
        let told = |hit: &Hit<'_>| {
            let record = &hit.leaf.record;
            !record.host.is_empty() || qtype == code::TXT && !record.text.is_empty()
        };
        hits.retain(told);
        there.then(|| grouped(hits))
    }

    /// The branches that labels, from right to left, lead to; and whether the part before a wildcard exists.
    fn matching<'s>(&'s self, labels: &[String]) -> (Vec<Place<'s>>, bool) {
        let mut places = Vec::from([(Vec::new(), &*self.root)]);
        let mut base = None;
        for label in labels {
            let before = core::mem::take(&mut places);
            if is_wild(label) {
                base = base.or(Some(!before.is_empty()));
                for (path, branch) in before {
                    let all = branch.below.iter();
                    places.extend(all.map(|(label, child)| (extended(&path, label), &**child)));
                }
            } else {
                for (path, branch) in before {
                    let child = branch.below.get(label.as_str());
                    places.extend(child.map(|child| (extended(&path, label), &**child)));
                }
            }
        }
        let exists = base.unwrap_or(!places.is_empty());
        (places, exists)
    }
}

/// A branch, and its labels from right to left.
type Place<'s> = (Vec<String>, &'s Branch);

fn extended(path: &[String], label: &str) -> Vec<String> {
    path.iter().cloned().chain([label.into()]).collect()
}

fn is_wild(label: &str) -> bool {
    matches!(label, "*" | "any")
}

/// A label as keys have it.
fn lower(label: &[u8]) -> Option<String> {
    core::str::from_utf8(label).ok().map(str::to_ascii_lowercase)
}

/// The record of a branch itself.
fn hit<'s>(branch: &'s Branch, path: &[String], hits: &mut Vec<Hit<'s>>) {
    let name = Name::from_labels(path.iter().rev().map(String::as_bytes));
    if let (Some(leaf), Ok(name)) = (&branch.leaf, name) {
        hits.push(Hit { name, depth: path.len(), leaf });
    }
}

/// What is looked into on the way down.
#[derive(Clone, Copy)]
struct Descent {
    /// Labels with an underscore.
    attributes: bool,
    /// All others; their own records count in any case.
    names: bool,
}

impl Descent {
    /// The records below a branch.
    fn collect<'s>(self, branch: &'s Branch, path: &mut Vec<String>, hits: &mut Vec<Hit<'s>>) {
        for (label, child) in &branch.below {
            let attribute = label.starts_with('_');
            if attribute && !self.attributes {
                continue;
            }
            path.push((&**label).into());
            hit(child, path, hits);
            if attribute || self.names {
                self.collect(child, path, hits);
            }
            path.pop();
        }
    }
}

/// Records that go together: the shortest key with a group decides which. When keys of one length disagree, all do.
fn grouped(hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    let Some(first) = hits.first() else { return hits };
    let (mut group, mut depth) = (first.leaf.record.group.as_str(), first.depth);
    for hit in &hits {
        if hit.depth < depth {
            if hit.leaf.record.group.is_empty() {
                break;
            }
            (group, depth) = (&hit.leaf.record.group, hit.depth);
        }
    }
    let differs = |hit: &Hit<'_>| {
        let own = &hit.leaf.record.group;
        !own.is_empty() && own != group
    };
    if group.is_empty() || hits.iter().any(|hit| hit.depth == depth && differs(hit)) {
        return hits;
    }
    hits.iter().filter(|hit| !differs(hit)).cloned().collect()
}
