//! From manifests and settings to a cluster.

use svckit::{
    Time,
    cluster::{Cluster, ControlPlane, Settings, Synced},
    finding::Finding,
    model::Change,
};
use svckit_adapters::{
    clock,
    source::files::{Files, Located},
};

use crate::{exit::Stop, input::Input};

/// A cluster that holds what some manifests say.
pub(crate) struct Loaded {
    pub(crate) files: Files,
    pub(crate) cluster: Cluster,
    /// What the cluster told while it took the manifests in.
    pub(crate) changes: Vec<Change>,
    /// Everything that is wrong, in the order of the files.
    pub(crate) findings: Vec<Located>,
}

impl Loaded {
    /// Reads manifests and settings, and takes in what is good.
    pub(crate) fn read(input: &Input, base: Settings) -> Result<Self, Stop> {
        let files = input.files()?;
        let (settings, mut findings) = input.settings(base)?;
        let cluster = Cluster::new(settings, clock::seed())
            .map_err(|error| Stop::input(error.to_string()))?;
        let mut loaded = Self { files, cluster, changes: Vec::new(), findings: Vec::new() };
        let now = clock::now();
        loaded.sync(now);
        findings.append(&mut loaded.findings);
        loaded.findings = findings;
        Ok(loaded)
    }

    /// Takes in the files as they are now.
    pub(crate) fn sync(&mut self, now: Time) {
        let manifests = self.files.manifests();
        let sound =
            manifests.iter().filter(|manifest| manifest.sound).map(|manifest| &manifest.object);
        let Synced { changes, findings, .. } = self.cluster.sync(sound, now);
        self.changes = changes;
        self.findings = self.files.findings();
        for (id, finding) in findings {
            if let Some(manifest) = manifests.iter().find(|manifest| manifest.object.id() == id) {
                self.findings.push(manifest.locate(finding));
            }
        }
        self.findings.extend(unsound(&self.files, self.cluster.control(), now));
        self.findings.sort_by(|a, b| (&a.file, a.finding.line).cmp(&(&b.file, b.finding.line)));
    }
}

/// What admission says of objects whose shape is wrong, so that everything is told at once.
///
/// What only follows from a mistake that was told already is left out: a field that could not be read looks absent.
fn unsound(files: &Files, cluster: &ControlPlane, now: Time) -> Vec<Located> {
    let told = files.findings();
    let mut all = Vec::new();
    for manifest in files.manifests().into_iter().filter(|manifest| !manifest.sound) {
        let title = manifest.object.id().to_string();
        let about = |finding: &Finding| {
            told.iter().any(|other| {
                other.file == manifest.file
                    && other.finding.line >= manifest.line
                    && related(&other.finding.path, &finding.path)
            })
        };
        let found =
            cluster.check(&manifest.object, now).into_iter().filter(|finding| !about(finding));
        all.extend(
            found.map(|finding| manifest.locate(Finding { object: title.clone(), ..finding })),
        );
    }
    all
}

/// Whether a finding at `path` may follow from a mistake at `mistake`: the same place, one inside of the other, or
/// neighbours in one map (a misspelt field makes the right one look absent).
fn related(mistake: &str, path: &str) -> bool {
    let parent =
        |path: &str| path.rsplit_once('.').map_or(String::new(), |(parent, _)| parent.to_owned());
    path.starts_with(mistake) || mistake.starts_with(path) || parent(mistake) == parent(path)
}
