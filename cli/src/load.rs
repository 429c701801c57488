//! From manifests and settings to a cluster.

use std::{collections::HashMap, path::Path, sync::Arc};
use svckit::{
    Time,
    api::Service,
    cluster::{Cluster, ControlPlane, Settings, Synced},
    finding::Finding,
    model::Change,
    render::Kernel,
};
use svckit_adapters::{
    clock,
    source::files::{Files, Located, Manifest},
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
    /// What it is all for; then findings tell what that can't do.
    kernel: Option<Kernel>,
}

impl Loaded {
    /// Reads manifests and settings, and takes in what is good.
    ///
    /// The cluster lives as long as the process, which ends with its verb: taking a large one apart would cost a fifth
    /// of the time, for nobody.
    pub(crate) fn read(input: &Input, base: Settings) -> Result<&'static mut Self, Stop> {
        Self::read_for(None, input, base)
    }

    /// The same for a way to program a kernel.
    pub(crate) fn read_for(
        kernel: Option<Kernel>,
        input: &Input,
        base: Settings,
    ) -> Result<&'static mut Self, Stop> {
        let files = input.files()?;
        let (mut settings, mut findings) = input.settings(base.clone())?;
        let manifests = files.manifests();
        let sound = manifests.iter().filter(|manifest| manifest.sound);
        settings.fill_in(&base, sound.map(|manifest| &*manifest.object));
        let cluster = Cluster::new(settings, clock::seed())
            .map_err(|error| Stop::input(error.to_string()))?;
        let loaded = Self { files, cluster, changes: Vec::new(), findings: Vec::new(), kernel };
        let loaded = Box::leak(Box::new(loaded));
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
        let mut about: Vec<Finding> = findings
            .into_iter()
            .map(|(id, finding)| Finding { object: id.to_string(), ..finding })
            .collect();
        let told = self.files.findings();
        about.extend(unsound(&manifests, &told, self.cluster.control(), now));
        about.extend(self.cluster.conflicts());
        if let Some(kernel) = self.kernel {
            about.extend(passed_over(kernel, self.cluster.control()));
        }
        self.findings = told;
        self.findings.extend(self.files.locate(about));
        self.findings.sort_by(|a, b| (&a.file, a.finding.line).cmp(&(&b.file, b.finding.line)));
    }
}

/// What Services ask for in vain.
fn passed_over(kernel: Kernel, cluster: &ControlPlane) -> Vec<Finding> {
    let of = |service: &Arc<Service>| {
        let metadata = &service.metadata;
        let object = format!("Service {}/{}", metadata.namespace, metadata.name);
        let given = metadata.annotations.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let told = kernel.passes_over(given).into_iter();
        told.map(|finding| Finding { object: object.clone(), ..finding }).collect::<Vec<_>>()
    };
    cluster.services().flat_map(of).collect()
}

/// What admission says of objects whose shape is wrong, so that everything is told at once.
///
/// What only follows from a mistake that was told already is left out: a field that could not be read looks absent.
fn unsound(
    manifests: &[&Manifest],
    told: &[Located],
    cluster: &ControlPlane,
    now: Time,
) -> Vec<Finding> {
    let mut told_of: HashMap<&Path, Vec<&Finding>> = HashMap::new();
    for located in told {
        told_of.entry(&located.file).or_default().push(&located.finding);
    }
    let mut all = Vec::new();
    for (n, manifest) in manifests.iter().enumerate().filter(|(_, manifest)| !manifest.sound) {
        let object = manifest.object.id().to_string();
        let next = manifests.get(n + 1).filter(|next| next.file == manifest.file);
        let end = next.map_or(u32::MAX, |next| next.line);
        let told = told_of.get(&*manifest.file).map_or(&[][..], Vec::as_slice);
        let from = told.partition_point(|other| other.line < manifest.line);
        let own: Vec<&&Finding> =
            told.iter().skip(from).take_while(|other| other.line < end).collect();
        if own.iter().any(|other| other.path == "apiVersion") {
            // Nobody knows which rules its author had in mind.
            continue;
        }
        let found = cluster
            .check(&manifest.object, now)
            .into_iter()
            .filter(|finding| !own.iter().any(|other| related(&other.path, &finding.path)));
        all.extend(found.map(|finding| Finding { object: object.clone(), ..finding }));
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
