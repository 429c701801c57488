//! Runs the steps, times them, and says at the end how each one went.
//!
//! A step that fails does not keep the next one from running; only what needs the failed step's result is left out.
//! A step that this system can't run (a program is missing, or a right) is listed as NOT RUN. That is no failure on
//! a laptop; under `CI=true` it is, since nobody would see it there.

use crate::{programs, steps, workspace::Workspace};
use std::{
    env, fmt,
    time::{Duration, Instant},
};

/// One thing that is checked.
pub(crate) struct Step {
    /// What it is called in the table and on the command line.
    pub(crate) name: &'static str,
    /// The steps without which it makes no sense.
    pub(crate) needs: &'static [&'static str],
    /// Checks it; output is streamed.
    pub(crate) run: fn(&Workspace) -> Result<(), Fault>,
}

/// Why a step did not pass.
pub(crate) enum Fault {
    /// It ran, and something is wrong.
    Wrong(String),
    /// This system can't run it; the text says what is missing.
    Missing(String),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

/// How a step went.
#[derive(PartialEq)]
enum Outcome {
    Passed,
    Failed(String),
    NotRun(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Failed(reason) => write!(f, "FAILED: {reason}"),
            Self::NotRun(reason) => write!(f, "NOT RUN: {reason}"),
        }
    }
}

/// Prints the steps' names.
pub(crate) fn list() -> Result<(), String> {
    for step in steps::all() {
        println!("{}", step.name);
    }
    Ok(())
}

/// Runs the steps called `names` and what they need, or all of them when none is named.
pub(crate) fn run(workspace: &Workspace, names: &[&str]) -> Result<(), String> {
    let steps = chosen(names)?;
    if names.is_empty() {
        provide();
    }
    let start = Instant::now();
    let mut done: Vec<(&Step, Outcome, Duration)> = Vec::new();
    for step in steps {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let unmet = step.needs.iter().find(|needed| {
            !done.iter().any(|(step, outcome, _)| {
                step.name == **needed && matches!(outcome, Outcome::Passed)
            })
        });
        let outcome = match unmet {
            Some(needed) => Outcome::Failed(format!("needs {needed:?}")),
            None => match (step.run)(workspace) {
                Ok(()) => Outcome::Passed,
                Err(Fault::Wrong(reason)) => Outcome::Failed(reason),
                Err(Fault::Missing(what)) => Outcome::NotRun(what),
            },
        };
        println!("--- {}: {outcome}", step.name);
        done.push((step, outcome, start.elapsed()));
    }
    conclude(&done, start.elapsed())
}

/// The steps to run, in their order.
fn chosen(names: &[&str]) -> Result<Vec<&'static Step>, String> {
    let all: Vec<&'static Step> = steps::all().collect();
    if let Some(name) = names.iter().find(|name| !all.iter().any(|step| step.name == **name)) {
        return Err(format!("there is no step {name:?}; `cargo xtask ci --list` names them"));
    }
    let mut wanted: Vec<&str> = names.to_vec();
    // Needs point backwards, so one walk from the last step to the first finds them all.
    for step in all.iter().rev().filter(|_| !names.is_empty()) {
        if wanted.contains(&step.name) {
            wanted.extend(step.needs);
        }
    }
    Ok(all.into_iter().filter(|step| names.is_empty() || wanted.contains(&step.name)).collect())
}

/// Installs missing programs where we may, or says which they are.
fn provide() {
    if let Err(reason) = programs::install() {
        println!("not everything is installed; {reason}");
    }
}

/// Prints the table; fails when a step failed, or was not run where it must be.
fn conclude(done: &[(&Step, Outcome, Duration)], took: Duration) -> Result<(), String> {
    println!("\n=== summary");
    for (step, outcome, took) in done {
        println!("{:7.1} s  {:<24} {outcome}", took.as_secs_f64(), step.name);
    }
    println!("{:7.1} s  in all", took.as_secs_f64());
    let count = |wanted: fn(&Outcome) -> bool| done.iter().filter(|(_, o, _)| wanted(o)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let not_run = count(|outcome| matches!(outcome, Outcome::NotRun(_)));
    println!("gate: {passed} steps passed, {failed} failed, {not_run} not run");
    let strict = env::var("CI").is_ok_and(|value| value == "true");
    match (failed, not_run) {
        (0, 0) => Ok(()),
        (0, _) if !strict => Ok(()),
        (0, _) => Err("steps were not run, and CI=true allows none to be left out".into()),
        _ => Err("the gate is closed".into()),
    }
}
