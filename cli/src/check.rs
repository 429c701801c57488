//! `svckit check`: everything that is wrong with manifests.

use serde_json::json;
use svckit::cluster::Settings;

use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
    load::Loaded,
    report,
};

/// Prints the findings, and how many objects there are.
pub(crate) fn run(input: &Input, output: Output) -> Result<Exit, Stop> {
    let loaded = Loaded::read(input, Settings::default())?;
    let objects = loaded.files.manifests().len();
    if output == Output::Json {
        let findings: Vec<_> = loaded.findings.iter().map(report::json).collect();
        println!("{:#}", json!({ "objects": objects, "findings": findings }));
    } else {
        report::print(&loaded.findings);
        println!("{objects} objects, {} findings", loaded.findings.len());
    }
    Ok(Exit::of_input(report::has_errors(&loaded.findings)))
}
