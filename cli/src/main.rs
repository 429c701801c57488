//! The `svckit` command: a thin face of the library.

mod check;
mod conform;
mod exit;
mod expose;
mod get;
mod input;
mod lab;
mod load;
mod node;
mod pod_dns;
mod render;
mod report;
mod resolve;
mod route;
mod signals;
mod trace;
mod up;

use clap::{CommandFactory, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};
use svckit::select::Selector;

use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
};

/// Kubernetes Services on one machine.
#[derive(Parser)]
#[command(version, after_help = "Example: svckit up -f examples/walkthrough")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Find everything that is wrong with manifests.
    #[command(after_help = "Example: svckit check -f examples/walkthrough -o json")]
    Check {
        #[command(flatten)]
        input: Input,
        /// How to print it.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Show what the cluster would hold after allocation and slicing.
    #[command(after_help = "Example: svckit get pods -f examples/walkthrough -l app=webapp")]
    Get {
        /// What to show.
        #[arg(value_enum)]
        resource: get::Resource,
        /// Only the one of this name.
        name: Option<String>,
        #[command(flatten)]
        input: Input,
        /// Only objects with these labels, such as app=web,tier!=db or 'env in (dev,test)'.
        #[arg(short = 'l', long)]
        selector: Option<String>,
        /// How to print it.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Derive a Service from a controller, a pod or another Service, and print it.
    Expose(Box<expose::Arguments>),
    /// Serve what manifests describe, on this machine, without root.
    #[command(after_help = "Example: svckit up -f examples/walkthrough")]
    Up {
        #[command(flatten)]
        input: Input,
        #[command(flatten)]
        options: up::Options,
        /// How to print it.
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// Print what other programs take in: rules, configurations, zones.
    Render(render::Render),
    /// Tell what happens to the first packet of a connection.
    Trace(trace::Trace),
    /// Tell which Ingress rule takes a request, and why.
    Route(route::Route),
    /// Ask the cluster's DNS one question.
    Resolve(resolve::Resolve),
    /// Program this machine's kernel with what manifests describe.
    Node(node::Node),
    /// Put what manifests describe on a private network, and run a command there.
    Lab(lab::Lab),
    /// Run vector files against the library.
    #[command(after_help = "Example: svckit conform vectors/topology.json")]
    Conform {
        /// The files, such as vectors/topology.json.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().verb) {
        Ok(exit) => exit.into(),
        Err(Stop { exit, message }) => {
            eprintln!("svckit: {message}");
            exit.into()
        }
    }
}

fn run(verb: Verb) -> Result<Exit, Stop> {
    match verb {
        Verb::Check { input, output } => check::run(&input, output),
        Verb::Get { resource, name, input, selector, output } => {
            let selector = selector.as_deref().map(selected).transpose()?;
            get::run(&input, output, resource, name.as_deref(), selector.as_ref())
        }
        Verb::Expose(arguments) => expose::run(&arguments),
        Verb::Up { input, options, output } => up::run(&input, &options, output),
        Verb::Render(render) => render.run(),
        Verb::Trace(trace) => trace.run(),
        Verb::Route(route) => route.run(),
        Verb::Resolve(resolve) => resolve.run(),
        Verb::Node(node) => node.run(),
        Verb::Lab(lab) => lab.run(),
        Verb::Conform { files } => Ok(Exit::Code(conform::run(&files))),
        Verb::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Arguments::command(),
                "svckit",
                &mut std::io::stdout(),
            );
            Ok(Exit::Done)
        }
    }
}

/// The selector that somebody gave with `-l`.
fn selected(text: &str) -> Result<Selector, Stop> {
    text.parse().map_err(|error| Stop::usage(format!("-l {text:?}: {error}")))
}
