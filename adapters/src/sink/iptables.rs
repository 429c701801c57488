//! Carries plans to the kernel's iptables, through `iptables-restore` and `ip6tables-restore`.
//!
//! ```text
//! proxy ──▶ planner ──▶ rulesets ──text──▶ iptables-restore --noflush ──▶ kernel
//!             ▲              ▲                        │ refused: everything anew; what is refused even then is
//!             │              └── iptables-save        │ found in a network namespace that nobody is in, and left out
//!             └──────── what is in place ◀────────────┘
//! ```
//!
//! A change writes the chains that it touches. After a start, and after a failure, every chain of ours is written over
//! what is there: each chain changes at once, so there is no moment without rules, and no rule of others is touched.
//! What it costs is a process per family, and, in the kernel, the size of the tables.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    io::{self, Write},
    process::{Command, Stdio},
    sync::Arc,
};
use svckit::{
    Seed,
    forward::{Desired, Item, Proxy},
    model::Family,
    plan::{Op, Plan, Planner},
    render::iptables::{Ruleset, Saved},
};

use super::nft::{Checked, Synced};

/// The kernel's iptables in one network namespace.
#[derive(Debug)]
pub struct Iptables {
    /// What comes before the names of programs, such as `ip netns exec lab`.
    prefix: Vec<OsString>,
    planner: Planner<Item, Desired>,
    rulesets: [(Family, Ruleset); 2],
    /// What was refused, and in which words.
    refused: BTreeMap<Item, String>,
}

/// Why the kernel doesn't hold what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IptablesError {
    /// A program could not be run: install iptables (Debian's package `iptables`).
    #[error("can't run {program}: {source}; is iptables installed?")]
    Run {
        /// What was to be run.
        program: String,
        /// Why it could not.
        source: io::Error,
    },
    /// The input was refused, and not because of any one item. Tables before the one that was refused are in place.
    #[error("{program} refused (are you root, or do you have CAP_NET_ADMIN?): {words}")]
    Refused {
        /// Which program.
        program: String,
        /// What it said.
        words: String,
    },
    /// The proxy doesn't know the whole cluster yet.
    #[error("the cluster is not known as a whole")]
    NotSynced,
}

/// An item that can't be put in place.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// Which one.
    pub item: &'a Item,
    /// What `iptables-restore` said.
    pub words: &'a str,
}

impl Iptables {
    /// Programs the network namespace that this process is in. `seed` keys tables.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self::with_prefix::<&str>([], seed)
    }

    /// The same, with words before the names of the programs: `ip netns exec lab`, for example.
    pub fn with_prefix<T: AsRef<OsStr>>(prefix: impl IntoIterator<Item = T>, seed: Seed) -> Self {
        Self {
            prefix: prefix.into_iter().map(|word| word.as_ref().to_owned()).collect(),
            planner: Planner::new(seed),
            rulesets: [Family::V4, Family::V6].map(|family| (family, Ruleset::new(family))),
            refused: BTreeMap::new(),
        }
    }

    /// Brings the kernel to what `proxy` forwards; `None`: there was nothing to do, or the proxy doesn't know the
    /// whole cluster yet.
    ///
    /// # Errors
    ///
    /// The next call writes everything anew.
    pub fn sync(&mut self, proxy: &mut Proxy) -> Result<Option<Synced>, IptablesError> {
        self.planner.follow(proxy);
        let Some(plan) = self.planner.plan() else { return Ok(None) };
        let done = self.carry(&plan, proxy);
        if done.is_err() {
            self.planner.reset();
        }
        done.map(Some)
    }

    /// What can't be put in place; everything else is.
    pub fn refused(&self) -> impl Iterator<Item = Refused<'_>> {
        self.refused.iter().map(|(item, words)| Refused { item, words })
    }

    /// Looks whether somebody else has changed our chains or the ways that lead there, and repairs them.
    ///
    /// Lists all rules, whoever's they are: ask seldom where there are many.
    ///
    /// # Errors
    ///
    /// The kernel can't be asked, or refuses what it held before.
    pub fn check(&mut self, proxy: &Proxy) -> Result<Checked, IptablesError> {
        if self.planner.needs_full() {
            return Ok(Checked::Untouched);
        }
        let mut damaged = false;
        for (family, ruleset) in &self.rulesets {
            if proxy.node().families.contains(family) {
                damaged |= !ruleset.differences(&self.saved(*family)?).is_empty();
            }
        }
        if !damaged {
            return Ok(Checked::Intact);
        }
        self.replace(proxy)?;
        Ok(Checked::Repaired)
    }

    /// Removes all chains of ours and the ways that lead there. The next [`Iptables::sync`] writes them anew.
    ///
    /// # Errors
    ///
    /// Some are still there.
    pub fn clear(&mut self) -> Result<(), IptablesError> {
        self.planner.reset();
        self.refused.clear();
        for family in [Family::V4, Family::V6] {
            self.remove(family)?;
        }
        Ok(())
    }

    fn remove(&self, family: Family) -> Result<(), IptablesError> {
        let mut text = String::new();
        // A String takes any text.
        let _ = Ruleset::write_removal(&self.saved(family)?, &mut text);
        self.restore(family, &text)
    }

    fn carry(
        &mut self,
        plan: &Plan<Item, Desired>,
        proxy: &Proxy,
    ) -> Result<Synced, IptablesError> {
        // Who was refused before may have become better: that is for a full plan to find out.
        let again = plan.ops.iter().any(|op| self.refused.contains_key(op.key()));
        if plan.full || again || self.write(plan, proxy).is_err() {
            return self.replace(proxy);
        }
        self.planner.commit(plan.generation);
        let udp = plan.ops.iter().any(|op| op.key().is_udp());
        Ok(Synced { full: false, items: plan.ops.len(), refused: self.refused.len(), udp })
    }

    /// Writes every chain, without what is refused.
    fn replace(&mut self, proxy: &Proxy) -> Result<Synced, IptablesError> {
        self.planner.reset();
        self.refused.clear();
        self.ask_for_pieces(proxy)?;
        loop {
            let Some(plan) = self.planner.plan() else { return Err(IptablesError::NotSynced) };
            let ops = plan.ops.iter().filter(|op| !self.refused.contains_key(op.key()));
            let good = Plan { ops: Arc::new(ops.cloned().collect()), ..plan.clone() };
            let Err(error) = self.write(&good, proxy) else {
                self.planner
                    .commit_without(plan.generation, |item| self.refused.contains_key(item));
                let (items, refused) = (good.ops.len(), self.refused.len());
                let udp = good.ops.iter().any(|op| op.key().is_udp());
                return Ok(Synced { full: true, items, refused, udp });
            };
            if matches!(error, IptablesError::Run { .. }) || !self.find(&good, proxy)? {
                return Err(error);
            }
        }
    }

    /// Carries out a plan in both families.
    fn write(&mut self, plan: &Plan<Item, Desired>, proxy: &Proxy) -> Result<(), IptablesError> {
        for place in 0..self.rulesets.len() {
            let Some(family) = self.rulesets.get(place).map(|(family, _)| *family) else {
                continue;
            };
            if !proxy.node().families.contains(&family) {
                if plan.full {
                    // Without the family there may be no program for it either, and nothing to remove.
                    let _ = self.remove(family);
                }
                continue;
            }
            let saved = if plan.full { self.saved(family)? } else { Saved::default() };
            let mut text = String::new();
            if let Some((_, ruleset)) = self.rulesets.get_mut(place) {
                // A String takes any text.
                let _ = ruleset.write(plan, proxy, &saved, &mut text);
            }
            self.restore(family, &text)?;
        }
        Ok(())
    }

    /// Finds what of a full plan is refused, by halves; returns whether anything was.
    fn find(&mut self, plan: &Plan<Item, Desired>, proxy: &Proxy) -> Result<bool, IptablesError> {
        if self.attempt(plan, &[], proxy)?.is_some() {
            // The rules that are always there are refused: it is nobody's fault in particular.
            return Ok(false);
        }
        let mut found = BTreeMap::new();
        let mut parts: Vec<&[Op<Item, Desired>]> = vec![&plan.ops];
        while let Some(part) = parts.pop() {
            match (self.attempt(plan, part, proxy)?, part) {
                (Some(words), [op]) => drop(found.insert(op.key().clone(), words)),
                (Some(_), part) => {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right, left]);
                }
                (None, _) => {}
            }
        }
        let any = !found.is_empty();
        self.refused.append(&mut found);
        Ok(any)
    }

    /// Tries some steps of a full plan in a network namespace of their own; returns what is said against them.
    fn attempt(
        &self,
        plan: &Plan<Item, Desired>,
        ops: &[Op<Item, Desired>],
        proxy: &Proxy,
    ) -> Result<Option<String>, IptablesError> {
        let part = Plan { ops: Arc::new(ops.to_vec()), ..plan.clone() };
        let ours = self.rulesets.iter();
        for (family, ruleset) in ours.filter(|(family, _)| proxy.node().families.contains(family)) {
            let mut text = String::new();
            // A String takes any text.
            let _ = ruleset.clone().write(&part, proxy, &Saved::default(), &mut text);
            let words = ["unshare", "--net", "--", restore(*family), "--noflush"];
            match self.run(&words, &text) {
                Err(IptablesError::Refused { words, .. }) => return Ok(Some(words)),
                other => drop(other?),
            }
        }
        Ok(None)
    }

    /// Finds out whether the programs are the newer ones, which want large tables in pieces.
    fn ask_for_pieces(&mut self, proxy: &Proxy) -> Result<(), IptablesError> {
        for place in 0..self.rulesets.len() {
            let Some((family, _)) = self.rulesets.get(place) else { continue };
            if !proxy.node().families.contains(family) {
                continue;
            }
            let newer = self.run(&[restore(*family), "--version"], "")?.contains("nf_tables");
            if let Some((_, ruleset)) = self.rulesets.get_mut(place) {
                ruleset.write_in_pieces(newer);
            }
        }
        Ok(())
    }

    fn saved(&self, family: Family) -> Result<Saved, IptablesError> {
        let program = match family {
            Family::V4 => "iptables-save",
            Family::V6 => "ip6tables-save",
        };
        Ok(Saved::parse(&self.run(&[program], "")?))
    }

    fn restore(&self, family: Family, text: &str) -> Result<(), IptablesError> {
        if text.is_empty() {
            return Ok(());
        }
        self.run(&[restore(family), "--noflush", "--wait", "5"], text).map(drop)
    }

    /// Runs a program, and returns what it prints.
    fn run(&self, words: &[&str], input: &str) -> Result<String, IptablesError> {
        let all: Vec<&OsStr> = self
            .prefix
            .iter()
            .map(OsString::as_os_str)
            .chain(words.iter().map(OsStr::new))
            .collect();
        let name = words.join(" ");
        let failed = |source| IptablesError::Run { program: name.clone(), source };
        let (program, arguments) =
            all.split_first().ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // A child that dies early closes its end; its last words say more than that.
        let sent = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            let words =
                String::from_utf8_lossy(&output.stderr).trim().chars().take(2_000).collect();
            return Err(IptablesError::Refused { program: name, words });
        }
        sent.transpose().map_err(failed)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

const fn restore(family: Family) -> &'static str {
    match family {
        Family::V4 => "iptables-restore",
        Family::V6 => "ip6tables-restore",
    }
}

/// `shop/cart (IPv4): iptables-restore: line 12 failed`.
impl fmt::Display for Refused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item {
            Item::Frontend(key) => write!(f, "{key}")?,
            Item::ClusterIp(addr) => write!(f, "cluster IP {addr}")?,
            Item::Hairpin(addr) => write!(f, "endpoint {addr}")?,
            Item::HostPort(key) => write!(f, "host port {}/{}", key.port, key.protocol)?,
        }
        write!(f, ": {}", self.words.replace('\n', "; "))
    }
}
