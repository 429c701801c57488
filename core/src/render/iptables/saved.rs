//! What a kernel holds, as `iptables-save` tells it.

use std_alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{Kind, Table, fixed};

/// What a kernel holds in the tables that we write to.
///
/// ```
/// use svckit::render::iptables::Saved;
///
/// let saved = Saved::parse("*nat\n:KUBE-SERVICES - [0:0]\n-A OUTPUT -j KUBE-SERVICES\nCOMMIT\n");
/// assert!(!saved.is_empty());
/// assert!(Saved::default().is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// The rules of each chain, less `-A <chain> `, in order.
    chains: BTreeMap<(Table, String), Vec<String>>,
}

impl Saved {
    /// Reads what `iptables-save` prints, without counters; lines it doesn't know are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut saved = Self::default();
        let mut table = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = Table::parse(name.trim());
            }
            let Some(table) = table else { continue };
            if let Some(declared) = line.strip_prefix(':') {
                let name = declared.split(' ').next().unwrap_or_default();
                saved.chains.entry((table, name.into())).or_default();
            } else if let Some(rule) = line.strip_prefix("-A ") {
                let (name, rest) = rule.split_once(' ').unwrap_or((rule, ""));
                saved.chains.entry((table, name.into())).or_default().push(rest.into());
            }
        }
        saved
    }

    /// Whether there is nothing of ours.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.chains.keys().any(|(table, name)| is_ours(*table, name))
            && !self
                .chains
                .iter()
                .any(|((table, _), rules)| rules.iter().any(|r| leads_to_us(*table, r)))
    }

    /// The chains of ours in a table.
    pub(super) fn ours(&self, table: Table) -> impl Iterator<Item = &str> {
        let of =
            move |(table_of, name): &&(Table, String)| *table_of == table && is_ours(table, name);
        self.chains.keys().filter(of).map(|(_, name)| name.as_str())
    }

    /// The kernel's or others' chains of a table with rules that lead to ours, and those rules.
    pub(super) fn jumps(&self, table: Table) -> BTreeMap<&str, Vec<&str>> {
        let mut jumps = BTreeMap::new();
        for ((of, name), rules) in &self.chains {
            if *of != table || is_ours(table, name) {
                continue;
            }
            let ours: Vec<&str> =
                rules.iter().map(String::as_str).filter(|rule| leads_to_us(table, rule)).collect();
            if !ours.is_empty() {
                jumps.insert(name.as_str(), ours);
            }
        }
        jumps
    }

    /// The chains of ours, and the jumps to them, that are other than in `want`.
    pub(super) fn differences(&self, want: &Self) -> BTreeSet<String> {
        let mut differ = BTreeSet::new();
        let all = self.chains.keys().chain(want.chains.keys());
        for key @ (table, name) in all {
            let [have, want] = [self, want].map(|saved| {
                let rules = saved.chains.get(key);
                let counts = |rule: &&String| is_ours(*table, name) || leads_to_us(*table, rule);
                let rules =
                    rules.map(|rules| rules.iter().filter(counts).map(|r| plain(r)).collect());
                match rules {
                    Some(rules) => Some(rules),
                    // A chain of the kernel's or of others without a jump of ours may be there or not.
                    None if is_ours(*table, name) => None,
                    None => Some(Vec::new()),
                }
            });
            if have != want {
                differ.insert(format!("{}/{name}", table.as_str()));
            }
        }
        differ
    }
}

/// Whether we, or kube-proxy, would write a chain of this name.
fn is_ours(table: Table, name: &str) -> bool {
    fixed::is_shared(table, name)
        || Kind::ALL.iter().any(|kind| name.strip_prefix(kind.prefix()).is_some_and(is_hash))
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|letter| matches!(letter, b'A'..=b'Z' | b'2'..=b'7'))
}

fn leads_to_us(table: Table, rule: &str) -> bool {
    let mut words = rule.split(' ').rev();
    let (target, option) = (words.next(), words.next());
    matches!(option, Some("-j" | "-g")) && target.is_some_and(|name| is_ours(table, name))
}

/// A rule without what is only said for people or by default, so that two ways to say the same are equal.
pub(super) fn plain(rule: &str) -> String {
    let mut plain = String::new();
    let mut words = words(rule).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-m" | "--comment" | "--mask" => drop(words.next()),
            "--rsource" => {}
            "--probability" => {
                // Kernels keep 31 bits of it.
                let share = words.next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(2.0);
                plain += &format!(" --probability {share:.6}");
            }
            word => {
                plain.push(' ');
                plain += word;
            }
        }
    }
    plain.trim().to_string()
}

/// The words of a rule; what stands in quotes is one word.
fn words(rule: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut quoted = false;
    let mut word: Option<String> = None;
    for letter in rule.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}
