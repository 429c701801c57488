//! What most verbs take: manifests and settings.

use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use svckit::{
    api::{Key, Tree, TreeNode},
    cluster::Settings,
    finding::Finding,
};
use svckit_adapters::source::{
    files::{Files, Located, SETTINGS_FILE},
    yaml,
};

use crate::exit::Stop;

/// Manifests and settings.
#[derive(Args, Clone, Debug)]
pub(crate) struct Input {
    /// File, directory or - with manifests (YAML documents or JSON, Lists included); repeatable.
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Namespace of objects that don't name one, and the one that is shown.
    #[arg(short = 'n', long, default_value = "default")]
    pub(crate) namespace: String,
    /// Show all namespaces.
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Which node this is.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
    /// Cluster settings; default: svckit.yaml beside the manifests. Later files override earlier ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// One setting, such as nodePortRange=8000-9000; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Imitate a quirk of the reference systems.
    #[arg(long, value_name = "NAME")]
    pub(crate) compat: Vec<String>,
    /// Imitate no quirk, whatever the settings say.
    #[arg(long, conflicts_with = "compat")]
    pub(crate) strict: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Table,
    Wide,
    Json,
    Yaml,
    Name,
}

impl Input {
    /// Reads the manifests.
    pub(crate) fn files(&self) -> Result<Files, Stop> {
        let mut files = Files::new(&self.paths, &self.namespace);
        files.refresh().map_err(|error| Stop::input(error.to_string()))?;
        Ok(files)
    }

    /// The settings over `base`, and what is wrong with them.
    pub(crate) fn settings(&self, base: Settings) -> Result<(Settings, Vec<Located>), Stop> {
        let mut settings = base;
        let mut findings = Vec::new();
        for file in self.setting_files() {
            read_file(&file, &mut settings, &mut findings)?;
        }
        for pair in &self.set {
            let Some((key, value)) = pair.split_once('=') else {
                return Err(Stop::usage(format!("--set {pair}: write KEY=VALUE")));
            };
            note(Path::new("--set"), settings.read(&single(key, value)), &mut findings);
        }
        if let Some(node) = &self.node {
            settings.node = Some(node.clone());
        }
        settings.compat.extend(self.compat.iter().cloned());
        if self.strict {
            settings.compat.clear();
        }
        Ok((settings, findings))
    }

    /// Files with settings: those that were named, else the ones beside the manifests.
    fn setting_files(&self) -> Vec<PathBuf> {
        if !self.config.is_empty() {
            return self.config.clone();
        }
        let beside = |path: &PathBuf| {
            let directory = if path.is_dir() { path.clone() } else { path.parent()?.to_path_buf() };
            Some(directory.join(SETTINGS_FILE)).filter(|file| file.is_file())
        };
        let mut files: Vec<PathBuf> = self.paths.iter().filter_map(beside).collect();
        files.dedup();
        files
    }
}

fn read_file(
    file: &Path,
    settings: &mut Settings,
    findings: &mut Vec<Located>,
) -> Result<(), Stop> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Stop::input(format!("{}: {error}", file.display())))?;
    match yaml::read(&text, 1) {
        Ok(tree) if tree.node == TreeNode::Null => {}
        Ok(tree) => note(file, settings.read(&tree), findings),
        Err(error) => {
            return Err(Stop::input(format!(
                "{}:{}: {}",
                file.display(),
                error.line,
                error.message
            )));
        }
    }
    Ok(())
}

fn note(file: &Path, found: Vec<Finding>, findings: &mut Vec<Located>) {
    findings.extend(found.into_iter().map(|finding| Located { file: file.into(), finding }));
}

/// `a.b=value` as a document.
fn single(key: &str, value: &str) -> Tree {
    let text = |value: &str| Tree::new(0, TreeNode::Text(value.into()));
    let value = match yaml::read(value, 1) {
        Ok(tree)
            if matches!(
                (key, &tree.node),
                ("dnsTTL", TreeNode::Int(_)) | (_, TreeNode::Bool(_))
            ) =>
        {
            tree
        }
        _ => text(value),
    };
    key.rsplit('.').fold(value, |value, step| {
        Tree::new(0, TreeNode::Map(vec![(Key { line: 0, name: step.into() }, value)]))
    })
}
