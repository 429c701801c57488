//! The tree that is checked, as cargo and git see it.

use crate::command::Command;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The tree that is checked.
pub(crate) struct Workspace {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// What `cargo metadata` says about packages and dependencies.
    metadata: Value,
}

impl Workspace {
    /// Asks cargo about the tree; fails when the lock file does not fit the manifests.
    pub(crate) fn load() -> Result<Self, String> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().ok_or("xtask lies in the repository's root")?.to_path_buf();
        let metadata =
            Command::cargo("metadata --format-version 1 --locked").within(&root).read()?;
        let metadata = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
        Ok(Self { root, metadata })
    }

    /// Where cargo puts what it builds for tests.
    pub(crate) fn built(&self) -> PathBuf {
        Path::new(text(&self.metadata, "target_directory")).join("debug")
    }

    /// A cargo command that runs in the root.
    pub(crate) fn cargo(&self, words: &str) -> Command {
        Command::cargo(words).within(&self.root)
    }

    /// The files under version control, and new ones that will be: paths from the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, String> {
        let listed = Command::new("git")
            .words("ls-files -z --cached --others --exclude-standard")
            .within(&self.root)
            .read()?;
        let paths = listed.split_terminator('\0').map(PathBuf::from);
        // A file that is deleted but not yet committed is listed and is not there.
        Ok(paths.filter(|path| self.root.join(path).is_file()).collect())
    }

    /// The text of a file of the tree; `None` when it isn't text.
    pub(crate) fn contents(&self, path: &Path) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    /// The workspace's package called `name`, as `cargo metadata` describes it.
    pub(crate) fn package(&self, name: &str) -> Result<&Value, String> {
        self.packages()
            .iter()
            .find(|package| text(package, "name") == name && text(package, "source").is_empty())
            .ok_or_else(|| format!("the workspace has no package {name}"))
    }

    /// The workspace's packages and all they stand on, as `cargo metadata` describes them.
    pub(crate) fn packages(&self) -> &[Value] {
        self.metadata.get("packages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// A text in a JSON object; empty when it is absent or null.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}
