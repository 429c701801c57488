//! Manifests in files and directories.
//!
//! [`Files::refresh`] reads what is new or has changed, file by file, and keeps what it knew of the rest. A file
//! that is broken takes nothing away: its good objects count, and objects that were good before stay as they were
//! until the file is mended.
//!
//! Directories are read as `kubectl -f` reads them: the files `*.yaml`, `*.yml` and `*.json` right in them. Names
//! that start with a dot are left out, as is `svckit.yaml`, which holds settings.

mod document;
#[cfg(test)]
mod tests;

pub use document::MAX_OBJECT_BYTES;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};
use svckit::{
    api::{Object, ObjectId, decode},
    finding::{Finding, Kind},
};

use super::yaml;

/// Where settings stand beside manifests.
pub const SETTINGS_FILE: &str = "svckit.yaml";

/// Manifests under some paths.
#[derive(Debug, Default)]
pub struct Files {
    paths: Vec<PathBuf>,
    namespace: String,
    known: BTreeMap<Arc<Path>, File>,
    stdin: Option<Vec<u8>>,
}

/// An object and where it stands.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The object; its namespace is filled in.
    pub object: Object,
    /// The file it stands in.
    pub file: Arc<Path>,
    /// The line it starts on.
    pub line: u32,
    /// Whether its shape is right; if not, it has zero values where something was wrong.
    pub sound: bool,
}

/// Something wrong, and in which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The file; `-` is standard input.
    pub file: Arc<Path>,
    /// What is wrong; its line is that of the file.
    pub finding: Finding,
}

/// What changes when a file does: its time and its size; `None` when it can't be told.
type Stamp = Option<(SystemTime, u64)>;

/// What is known of one file.
#[derive(Debug)]
struct File {
    stamp: Stamp,
    manifests: Vec<Manifest>,
    findings: Vec<Finding>,
}

impl Files {
    /// Manifests under `paths`; `-` is standard input, read once. Objects without a namespace get `namespace`.
    #[must_use]
    pub fn new(paths: &[PathBuf], namespace: &str) -> Self {
        Self { paths: paths.to_vec(), namespace: namespace.into(), ..Self::default() }
    }

    /// The paths that were asked for.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Reads what is new or has changed since the last time, and forgets what is gone.
    ///
    /// Returns whether anything was. Costs a look at each file, and reading those that changed.
    ///
    /// # Errors
    ///
    /// A path that was asked for can't be listed. Files that can't be read are findings.
    pub fn refresh(&mut self) -> io::Result<bool> {
        let present = self.list()?;
        let before = self.known.len();
        self.known.retain(|path, _| present.contains_key(path));
        let mut changed = self.known.len() != before;
        for (path, stamp) in present {
            if stamp.is_none() || self.known.get(&path).is_none_or(|file| file.stamp != stamp) {
                changed |= self.read(path, stamp)?;
            }
        }
        Ok(changed)
    }

    /// All objects, in the order of the paths, the first of each name.
    pub fn manifests(&self) -> Vec<&Manifest> {
        let mut seen = HashMap::new();
        let all = self.known.values().flat_map(|file| &file.manifests);
        all.filter(|manifest| seen.insert(manifest.object.id(), ()).is_none()).collect()
    }

    /// Everything wrong with the shape of the files, objects that stand there twice included.
    #[must_use]
    pub fn findings(&self) -> Vec<Located> {
        let of_files = self.known.iter().flat_map(|(path, file)| {
            file.findings
                .iter()
                .map(|finding| Located { file: path.clone(), finding: finding.clone() })
        });
        let mut all: Vec<Located> = of_files.collect();
        let mut first: HashMap<ObjectId, &Manifest> = HashMap::new();
        for manifest in self.known.values().flat_map(|file| &file.manifests) {
            if let Some(first) = first.insert(manifest.object.id(), manifest) {
                all.push(manifest.twice(first));
            }
        }
        all.sort_by(|a, b| (&a.file, a.finding.line).cmp(&(&b.file, b.finding.line)));
        all
    }

    /// The files there are now, with what tells that they changed.
    fn list(&self) -> io::Result<BTreeMap<Arc<Path>, Stamp>> {
        let mut present = BTreeMap::new();
        for path in &self.paths {
            if path.as_os_str() == "-" {
                present.insert(Arc::from(path.as_path()), None);
                continue;
            }
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            };
            if !fs::metadata(path).map_err(named)?.is_dir() {
                present.insert(Arc::from(path.as_path()), stamp(path));
                continue;
            }
            for entry in fs::read_dir(path).map_err(named)? {
                let file = entry.map_err(named)?.path();
                if is_manifest(&file) {
                    let stamp = stamp(&file);
                    present.insert(Arc::from(file), stamp);
                }
            }
        }
        Ok(present)
    }

    /// Reads one file; returns whether its content is new.
    fn read(&mut self, path: Arc<Path>, stamp: Stamp) -> io::Result<bool> {
        let bytes = if path.as_os_str() == "-" {
            if self.stdin.is_some() {
                return Ok(false);
            }
            Ok(self.stdin.insert(io::read_to_string(io::stdin())?.into_bytes()).clone())
        } else {
            fs::read(&path)
        };
        let mut file = match bytes {
            Ok(bytes) => File::of(&bytes, &path, &self.namespace),
            Err(error) => File::unreadable(&error.to_string()),
        };
        file.stamp = stamp;
        if file.findings.iter().any(Finding::is_error)
            && let Some(before) = self.known.remove(&path)
        {
            file.keep_good_of(before);
        }
        self.known.insert(path, file);
        Ok(true)
    }
}

impl File {
    fn of(bytes: &[u8], path: &Arc<Path>, namespace: &str) -> Self {
        let mut file = Self { stamp: None, manifests: Vec::new(), findings: Vec::new() };
        for document in document::documents(bytes, &mut file.findings) {
            for decoded in decode(&document) {
                let sound = !decoded.findings.iter().any(Finding::is_error);
                file.findings.extend(decoded.findings);
                let Some(mut object) = decoded.object else { continue };
                if object.is_namespaced() && object.metadata().namespace.is_empty() {
                    object.metadata_mut().namespace = namespace.into();
                }
                file.manifests.push(Manifest {
                    object,
                    file: path.clone(),
                    line: decoded.line,
                    sound,
                });
            }
        }
        if file.manifests.is_empty() && file.findings.is_empty() {
            let message = "the file holds no objects; write one, or take the file away";
            file.findings
                .push(Finding { line: 1, ..Finding::error(Kind::Required, "", "", message) });
        }
        file
    }

    fn unreadable(message: &str) -> Self {
        let finding = Finding { line: 1, ..Finding::error(Kind::Invalid, "", "", message) };
        Self { stamp: None, manifests: Vec::new(), findings: vec![finding] }
    }

    /// Objects of an earlier state of the file that this broken one doesn't have in good order stay.
    fn keep_good_of(&mut self, before: Self) {
        for manifest in before.manifests.into_iter().filter(|manifest| manifest.sound) {
            let now = self.manifests.iter().position(|m| m.object.id() == manifest.object.id());
            match now.and_then(|at| self.manifests.get_mut(at)) {
                Some(now) if !now.sound => *now = manifest,
                Some(_) => {}
                None => self.manifests.push(manifest),
            }
        }
    }
}

impl Manifest {
    /// Puts a finding about this object where it belongs in the file.
    ///
    /// Reads the file again to find the line: findings are rare, and trees are not kept.
    #[must_use]
    pub fn locate(&self, mut finding: Finding) -> Located {
        finding.object = self.object.id().to_string();
        if finding.line == 0 {
            finding.line = document::line_of(&self.file, self.line, &finding.path);
        }
        Located { file: self.file.clone(), finding }
    }

    /// The finding that this object has the name of `first`.
    fn twice(&self, first: &Self) -> Located {
        let message = format!(
            "{} stands already in {}:{}",
            self.object.id(),
            first.file.display(),
            first.line
        );
        let name = self.object.metadata().name.clone();
        self.locate(Finding::error(Kind::Duplicate, "metadata.name", name, message))
    }
}

impl std::fmt::Display for Located {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.finding.line {
            // A setting from the command line, or something that stands in no file.
            0 => write!(f, "{}: {}", self.file.display(), self.finding),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.finding),
        }
    }
}

/// Whether `kubectl -f` would read this file of a directory.
fn is_manifest(path: &Path) -> bool {
    let ending =
        path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|e| ending == *e));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ending && !name.starts_with('.') && name != SETTINGS_FILE
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len()))
}
