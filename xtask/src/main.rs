//! The project's own chores, run as `cargo xtask VERB`.
//!
//! ```text
//! main ── ci ──▶ gate ──▶ steps/*  ──▶ command    what is checked, one file per group of steps
//!      ── setup ─────────▶ programs               what the checks need from the system
//!      ── example ───────▶ example                large manifests, generated
//!      ── header ────────▶ header                 the C header, generated and compared
//!      ── dist ──────────▶ dist                   the C library, laid out to be installed
//! ```
//!
//! `cargo xtask ci` is the only test command there is: a laptop and a build server run the same one.

mod command;
mod dist;
mod example;
mod gate;
mod go;
mod header;
mod programs;
mod steps;
mod workspace;

use std::process::ExitCode;
use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask VERB

  ci [STEP…]                       run the whole gate, or only the steps named (and what they need)
  ci --list                        name the steps
  setup                            install what the gate needs (Debian, as root)
  example [--services N] DIR       write manifests of a large cluster into DIR
  dist [DIR]                       build the C library and lay it out in DIR (dist)
  header [--check]                 write the C header and the list of its functions, or compare them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ci", "--list"] => gate::list(),
        ["ci", names @ ..] => Workspace::load().and_then(|workspace| gate::run(&workspace, names)),
        ["setup"] => programs::install(),
        ["example", "--services", services, folder] => example::run(services, folder),
        ["example", folder] => example::run("10000", folder),
        ["dist"] => Workspace::load().and_then(|workspace| dist::run(&workspace, None)),
        ["dist", folder] => {
            Workspace::load().and_then(|workspace| dist::run(&workspace, Some(folder)))
        }
        ["header"] => Workspace::load().and_then(|workspace| header::write(&workspace)),
        ["header", "--check"] => Workspace::load().and_then(|workspace| header::check(&workspace)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}
