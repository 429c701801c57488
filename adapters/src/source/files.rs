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

pub use document::{MAX_OBJECT_BYTES, decoded};

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    fs, io,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::SystemTime,
};
use svckit::{
    api::{Decoded, Object, ObjectId},
    finding::{Finding, Kind},
};

use self::document::Lines;
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
    pub object: Arc<Object>,
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
        let known = |path: &Path, stamp: &Stamp| {
            stamp.is_some() && self.known.get(path).is_some_and(|file| file.stamp == *stamp)
        };
        let mut fresh: Vec<(Arc<Path>, Stamp)> =
            present.into_iter().filter(|(path, stamp)| !known(path, stamp)).collect();
        if let Some(at) = fresh.iter().position(|(path, _)| is_stdin(path)) {
            let (path, _) = fresh.remove(at);
            changed |= self.read_stdin(path)?;
        }
        changed |= !fresh.is_empty();
        for (path, file) in read_all(fresh, &self.namespace) {
            self.know(path, file);
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
        let mut twice = Vec::new();
        for manifest in self.known.values().flat_map(|file| &file.manifests) {
            match first.entry(manifest.object.id()) {
                Entry::Occupied(first) => twice.push((manifest, manifest.twice(first.get()))),
                Entry::Vacant(free) => _ = free.insert(manifest),
            }
        }
        all.extend(self.place(twice));
        all.sort_by(|a, b| (&a.file, a.finding.line).cmp(&(&b.file, b.finding.line)));
        all
    }

    /// Puts findings about objects where those stand in the files; `object` of a finding names the object, as
    /// [`ObjectId`] prints it.
    ///
    /// A file is read again to find lines, once however many findings there are.
    #[must_use]
    pub fn locate(&self, findings: Vec<Finding>) -> Vec<Located> {
        if findings.is_empty() {
            return Vec::new();
        }
        let manifests = self.manifests().into_iter();
        let known: HashMap<String, &Manifest> =
            manifests.map(|manifest| (manifest.object.id().to_string(), manifest)).collect();
        let (known, unknown): (Vec<_>, Vec<_>) = findings
            .into_iter()
            .map(|finding| (known.get(&finding.object).copied(), finding))
            .partition(|(manifest, _)| manifest.is_some());
        let known = known.into_iter().filter_map(|(manifest, finding)| Some((manifest?, finding)));
        let mut located = self.place(known);
        // What is derived stands nowhere: the paths that were asked for are as close as it gets.
        let asked: Arc<Path> =
            self.paths.first().map_or_else(|| "-".as_ref(), PathBuf::as_path).into();
        located.extend(
            unknown.into_iter().map(|(_, finding)| Located { file: asked.clone(), finding }),
        );
        located
    }

    /// Finds the lines of findings about these objects.
    fn place<'a>(
        &self,
        findings: impl IntoIterator<Item = (&'a Manifest, Finding)>,
    ) -> Vec<Located> {
        let mut lines: HashMap<&Path, Lines> = HashMap::new();
        let place = |(manifest, mut finding): (&'a Manifest, Finding)| {
            if finding.line == 0 {
                let lines =
                    lines.entry(&manifest.file).or_insert_with(|| self.lines(&manifest.file));
                finding.line = lines.line_of(manifest.line, &finding.path);
            }
            Located { file: manifest.file.clone(), finding }
        };
        findings.into_iter().map(place).collect()
    }

    fn lines(&self, file: &Path) -> Lines {
        match (&self.stdin, is_stdin(file)) {
            (Some(bytes), true) => Lines::of(bytes),
            // A file that went away meanwhile: findings stand where their object started.
            _ => Lines::of(&fs::read(file).unwrap_or_default()),
        }
    }

    /// The files there are now, with what tells that they changed.
    fn list(&self) -> io::Result<BTreeMap<Arc<Path>, Stamp>> {
        let mut present = BTreeMap::new();
        for path in &self.paths {
            if is_stdin(path) {
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

    /// Reads standard input, the first time; returns whether it was.
    fn read_stdin(&mut self, path: Arc<Path>) -> io::Result<bool> {
        if self.stdin.is_some() {
            return Ok(false);
        }
        let bytes = self.stdin.insert(io::read_to_string(io::stdin())?.into_bytes());
        let file = File::of(bytes, &path, &self.namespace);
        self.know(path, file);
        Ok(true)
    }

    /// Takes in what a file says now.
    fn know(&mut self, path: Arc<Path>, mut file: File) {
        if file.findings.iter().any(Finding::is_error)
            && let Some(before) = self.known.remove(&path)
        {
            file.keep_good_of(before);
        }
        self.known.insert(path, file);
    }
}

/// Reads files, on all processors.
fn read_all(paths: Vec<(Arc<Path>, Stamp)>, namespace: &str) -> Vec<(Arc<Path>, File)> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(paths.len());
    let next = Mutex::new(paths.into_iter());
    let read = || {
        let mut read = Vec::new();
        // The lock is held for the step to the next path only, in which nothing can panic.
        while let Some((path, stamp)) = next.lock().ok().and_then(|mut paths| paths.next()) {
            let file = File::read(&path, stamp, namespace);
            read.push((path, file));
        }
        read
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(read)).collect();
        let mut all = read();
        for other in others {
            match other.join() {
                Ok(read) => all.extend(read),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

impl File {
    fn read(path: &Arc<Path>, stamp: Stamp, namespace: &str) -> Self {
        let file = match fs::read(path) {
            Ok(bytes) => Self::of(&bytes, path, namespace),
            Err(error) => Self::unreadable(&error.to_string()),
        };
        Self { stamp, ..file }
    }

    fn of(bytes: &[u8], path: &Arc<Path>, namespace: &str) -> Self {
        let mut file = Self { stamp: None, manifests: Vec::new(), findings: Vec::new() };
        let (text, finding) = document::text(bytes);
        file.findings.extend(finding);
        for (line, part) in yaml::split(text) {
            match decoded(part, line) {
                Ok(objects) => objects.into_iter().for_each(|o| file.take(o, path, namespace)),
                Err(finding) => file.findings.push(finding),
            }
        }
        if file.manifests.is_empty() && file.findings.is_empty() {
            let message = "the file holds no objects; write one, or take the file away";
            file.findings
                .push(Finding { line: 1, ..Finding::error(Kind::Required, "", "", message) });
        }
        file
    }

    /// Takes in one object.
    fn take(&mut self, decoded: Decoded, path: &Arc<Path>, namespace: &str) {
        let sound = !decoded.findings.iter().any(Finding::is_error);
        self.findings.extend(decoded.findings);
        let Some(mut object) = decoded.object else { return };
        if object.is_namespaced() && object.metadata().namespace.is_empty() {
            object.metadata_mut().namespace = namespace.into();
        }
        let line = decoded.line;
        self.manifests.push(Manifest { object: object.into(), file: path.clone(), line, sound });
    }

    fn unreadable(message: &str) -> Self {
        let finding = Finding { line: 1, ..Finding::error(Kind::Invalid, "", "", message) };
        Self { stamp: None, manifests: Vec::new(), findings: vec![finding] }
    }

    /// Objects of an earlier state of the file that this broken one doesn't have in good order stay.
    fn keep_good_of(&mut self, before: Self) {
        let now: HashMap<ObjectId, usize> =
            self.manifests.iter().enumerate().map(|(at, m)| (m.object.id(), at)).collect();
        for manifest in before.manifests.into_iter().filter(|manifest| manifest.sound) {
            let now = now.get(&manifest.object.id());
            match now.and_then(|at| self.manifests.get_mut(*at)) {
                Some(now) if !now.sound => *now = manifest,
                Some(_) => {}
                None => self.manifests.push(manifest),
            }
        }
    }
}

impl Manifest {
    /// The finding that this object has the name of `first`.
    fn twice(&self, first: &Self) -> Finding {
        let object = self.object.id().to_string();
        let message = format!("{object} stands already in {}:{}", first.file.display(), first.line);
        let name = self.object.metadata().name.clone();
        let finding = Finding::error(Kind::Duplicate, "metadata.name", name, message);
        Finding { object, ..finding }
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

/// Whether standard input is meant.
fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len()))
}
