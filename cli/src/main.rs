//! The `svckit` command: a thin face of the library.

mod conform;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Kubernetes Services on one machine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run vector files against the library.
    Conform {
        /// The files, such as vectors/topology.json.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let code = match Arguments::parse().verb {
        Verb::Conform { files } => conform::run(&files),
    };
    ExitCode::from(code)
}
