//! Carries plans to the kernel through `nft -f -`.
//!
//! One process per transaction, all or nothing. What the kernel holds is never read back: when a transaction fails,
//! the next one replaces the whole of it.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    process::{Command, Stdio},
};

use svckit::{
    Seed,
    forward::{Desired, Item, Proxy},
    plan::Planner,
    render::nft::Ruleset,
};

/// The kernel's nftables, through the `nft` command.
#[derive(Debug)]
pub struct Nft {
    command: Vec<OsString>,
    planner: Planner<Item, Desired>,
    ruleset: Ruleset,
    /// Kept for its capacity.
    text: String,
}

/// Why the kernel doesn't hold what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NftError {
    /// The command could not be run: install nftables (package `nftables`), or name another command.
    #[error("can't run {command:?}: {source}; is nftables installed?")]
    Run {
        /// What was to be run.
        command: OsString,
        /// Why it could not.
        source: io::Error,
    },
    /// The command refused the transaction; nothing of it is in place.
    #[error("nft refused the rules (are you root, or do you have CAP_NET_ADMIN?): {0}")]
    Refused(String),
}

/// What a call of [`Nft::sync`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Whether everything was written anew.
    pub full: bool,
    /// How many items of the data plane were touched.
    pub items: usize,
}

impl Nft {
    /// Programs the network namespace this process is in. `seed` keys tables.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self::with_command(["nft"], seed)
    }

    /// The same through another command, to which `-f -` is appended; `ip netns exec NAME nft`, for example.
    pub fn with_command<T: AsRef<OsStr>>(command: impl IntoIterator<Item = T>, seed: Seed) -> Self {
        Self {
            command: command.into_iter().map(|word| word.as_ref().to_owned()).collect(),
            planner: Planner::new(seed),
            ruleset: Ruleset::default(),
            text: String::new(),
        }
    }

    /// Brings the kernel to what `proxy` forwards; `None`: there was nothing to do, or the proxy doesn't know the
    /// whole cluster yet.
    ///
    /// Costs what has changed since the last call, and a process. After an error, call it again: everything is then
    /// written anew.
    pub fn sync(&mut self, proxy: &mut Proxy) -> Result<Option<Synced>, NftError> {
        self.planner.follow(proxy);
        let Some(mut plan) = self.planner.plan() else { return Ok(None) };
        self.text.clear();
        if self.ruleset.write(&plan, proxy.node(), &mut self.text).is_err() {
            self.planner.reset();
            let Some(full) = self.planner.plan() else { return Ok(None) };
            plan = full;
            self.text.clear();
            // A full plan has no doubts and all chains, and a String takes any text.
            let _ = self.ruleset.write(&plan, proxy.node(), &mut self.text);
        }
        if let Err(error) = self.run() {
            self.planner.reset();
            return Err(error);
        }
        self.planner.commit(plan.generation);
        Ok(Some(Synced { full: plan.full, items: plan.ops.len() }))
    }

    /// Removes both tables. The next [`Nft::sync`] writes them anew.
    pub fn clear(&mut self) -> Result<(), NftError> {
        self.text.clear();
        for ip in ["ip", "ip6"] {
            self.text += &format!("table {ip} svckit\ndelete table {ip} svckit\n");
        }
        self.planner.reset();
        self.run()
    }

    fn run(&self) -> Result<(), NftError> {
        let (program, words) = self.command.split_first().map_or_else(
            || (OsString::from("nft"), &[][..]),
            |(program, words)| (program.clone(), words),
        );
        let failed = |source| NftError::Run { command: program.clone(), source };
        let mut child = Command::new(&program)
            .args(words)
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // A child that dies early closes its end; its last words say more than that.
        let sent = child.stdin.take().map(|mut input| input.write_all(self.text.as_bytes()));
        let output = child.wait_with_output().map_err(failed)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            return Err(NftError::Refused(words.trim().chars().take(2_000).collect()));
        }
        sent.transpose().map_err(failed)?;
        Ok(())
    }
}
