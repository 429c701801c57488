//! `svckit up`: serves what manifests describe, on this machine, without root.
//!
//! ```text
//! files ──▶ pinned addresses mapped to loopback ──▶ control plane ──changes──▶ proxy ──▶ table ──▶ listeners
//!                                                        └──▶ simulated pods, DNS zone, routes
//! ```

mod faces;
mod listen;
mod pins;
mod records;
mod servers;
mod show;
mod stand_ins;
mod state;
mod web;

use clap::Args;
use std::{collections::BTreeSet, path::PathBuf, sync::mpsc, thread};
use svckit::{
    api::Object,
    cluster::{ControlPlane, Settings, Synced},
    finding::Finding,
};
use svckit_adapters::{
    clock,
    source::{
        files::{Files, Located, Manifest},
        watch::Watch,
    },
};

use self::{pins::Pins, servers::Servers, state::State};
use crate::{
    exit::{Exit, Stop},
    input::{Input, Output},
    report, signals,
};

/// What `up` takes besides manifests.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Where allocations are kept across restarts; default: a directory of these manifests' own.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Which pods are simulated.
    #[arg(long, value_enum, default_value = "missing", num_args = 0..=1, default_missing_value = "missing")]
    pub(crate) simulate: Simulate,
    /// An etcd that gets the cluster's DNS records too, in SkyDNS's layout, while this runs: http://127.0.0.1:2379.
    #[arg(long, value_name = "URL")]
    pub(crate) etcd: Option<String>,
    /// How Ingresses are served.
    #[command(flatten)]
    pub(crate) web: web::WebOptions,
}

/// Which pods are simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Simulate {
    /// Those without an address of their own.
    Missing,
    /// All of them.
    All,
    /// None.
    None,
}

/// Everything that runs.
struct Up {
    files: Files,
    pins: Pins,
    cluster: ControlPlane,
    state: State,
    servers: Servers,
    simulate: Simulate,
    /// What was wrong the last time, so that it is told once.
    told: BTreeSet<String>,
    errors: bool,
    output: Output,
}

/// What wakes us up.
enum Event {
    FilesMayHaveChanged,
    Stop(u8),
}

/// Serves until it is stopped.
pub(crate) fn run(input: &Input, options: &Options, output: Output) -> Result<Exit, Stop> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::system(format!("can't start: {error}")))?;
    let _inside = runtime.enter();
    listen::raise_file_limit();
    let mut up = Up::new(input, options, output)?;
    up.sync();
    if up.errors && up.cluster.given().next().is_none() {
        return Ok(Exit::Input);
    }
    up.show();
    let (send, events) = mpsc::channel();
    signals::forward(&runtime, send.clone(), Event::Stop)?;
    let watch = Watch::new(up.files.paths());
    thread::spawn(move || {
        loop {
            watch.wait();
            if send.send(Event::FilesMayHaveChanged).is_err() {
                return;
            }
        }
    });
    for event in events {
        match event {
            Event::FilesMayHaveChanged => up.look_again(),
            Event::Stop(code) => {
                up.servers.faces_mut().stop();
                runtime.shutdown_background();
                return Ok(if up.errors { Exit::Input } else { Exit::Code(code) });
            }
        }
    }
    Ok(Exit::of_input(up.errors))
}

impl Up {
    fn new(input: &Input, options: &Options, output: Output) -> Result<Self, Stop> {
        let files = input.files()?;
        let (written, findings) = input.settings(Settings::loopback())?;
        report::print(&findings);
        let mut pins = Pins::new(&written);
        let settings = pins.settings(written);
        let mut cluster = ControlPlane::new(settings, clock::seed())
            .map_err(|error| Stop::input(error.to_string()))?;
        let state = State::open(options.state.as_deref(), files.paths())?;
        state.restore(&mut cluster)?;
        let mut refused = Vec::new();
        let mut servers = Servers::new(cluster.settings(), &options.web, &mut refused);
        if let Some(url) = &options.etcd {
            let domain = &cluster.settings().cluster_domain;
            let kept = servers.faces_mut().keep_records(url, domain);
            kept.map_err(|error| Stop::usage(format!("--etcd: {error}")))?;
        }
        report::print(&refused.into_iter().map(nowhere).collect::<Vec<_>>());
        let errors = report::has_errors(&findings);
        let told = BTreeSet::new();
        Ok(Self {
            files,
            pins,
            cluster,
            state,
            servers,
            simulate: options.simulate,
            told,
            errors,
            output,
        })
    }

    /// Takes in the files as they are, and serves what they say.
    fn sync(&mut self) -> bool {
        let manifests = self.files.manifests();
        // A real cluster's ranges can't be bound here: ours are those of the settings.
        let here = |manifest: &&&Manifest| {
            manifest.sound && !matches!(&*manifest.object, Object::ServiceCidr(_))
        };
        let sound: Vec<_> = manifests.iter().filter(here).collect();
        self.pins.learn(sound.iter().map(|manifest| &*manifest.object));
        let objects: Vec<_> = sound
            .iter()
            .map(|manifest| self.pins.rewrite(&manifest.object, self.simulate))
            .collect();
        let Synced { changes, findings, .. } = self.cluster.sync(&objects, clock::now());
        let mut wrong = self.files.findings();
        let mut system = Vec::new();
        system.extend(self.state.save(&self.cluster, &changes).err().map(|stop| stop.message));
        system.extend(self.servers.apply(&self.cluster, &changes));
        let mut about: Vec<Finding> = findings
            .into_iter()
            .map(|(id, finding)| Finding { object: id.to_string(), ..finding })
            .collect();
        about.extend(self.cluster.host_port_conflicts());
        about.extend(self.servers.faces_mut().findings());
        wrong.extend(self.files.locate(about));
        wrong.extend(system.into_iter().map(nowhere));
        self.errors = report::has_errors(&wrong);
        self.tell(wrong);
        !changes.is_empty()
    }

    /// Prints what is wrong now and was not before.
    fn tell(&mut self, wrong: Vec<Located>) {
        let now: BTreeSet<String> = wrong.iter().map(ToString::to_string).collect();
        let fresh: Vec<Located> =
            wrong.into_iter().filter(|located| !self.told.contains(&located.to_string())).collect();
        report::print(&fresh);
        self.told = now;
    }

    fn look_again(&mut self) {
        match self.files.refresh() {
            Ok(true) => {
                if self.sync() {
                    show::changed(&self.cluster, &self.servers, self.output);
                }
            }
            Ok(false) => {}
            Err(error) => self.tell(vec![nowhere(format!("{error}; the last good state goes on"))]),
        }
    }

    fn show(&self) {
        show::ready(&self.cluster, &self.servers, self.output);
    }
}

/// Something wrong that stands in no file.
fn nowhere(message: String) -> Located {
    let finding = Finding::error(svckit::finding::Kind::Invalid, "", "", message);
    Located { file: std::path::Path::new("svckit").into(), finding }
}
