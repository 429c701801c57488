//! `svckit node`: programs this machine's kernel with what manifests describe, and keeps it so.
//!
//! ```text
//! files ──▶ cluster ──▶ proxy ──▶ sink ──▶ kernel
//!                         │         └─ looks for damage every second
//!                         └──▶ pages: /healthz, /livez, /metrics, health-check node ports
//! ```
//!
//! When it stops, the rules stay, and traffic flows on; the next start takes their place without a gap. `--cleanup`
//! removes them instead.

mod metrics;
mod pages;
mod sink;

use clap::Args;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};
use svckit::{Time, cluster::Settings};
use svckit_adapters::{clock, source::watch::Watch};

use self::{
    pages::{Pages, State},
    sink::{Sink, SinkKind},
};
use crate::{
    exit::{Exit, Stop},
    input::Input,
    load::Loaded,
    report,
};

/// What `node` takes.
#[derive(Args, Clone, Debug)]
#[command(
    mut_arg("paths", |arg| arg.required(false)),
    after_help = "Examples:\n  svckit node -f examples/walkthrough --once\n  svckit node -f examples/walkthrough --node n1\n  svckit node --cleanup"
)]
pub(crate) struct Node {
    #[command(flatten)]
    input: Input,
    /// How the kernel is programmed.
    #[arg(long, value_enum, default_value_t)]
    sink: SinkKind,
    /// Program the kernel, and end.
    #[arg(long)]
    once: bool,
    /// Follow the manifests until stopped; the default.
    #[arg(long, conflicts_with = "once")]
    watch: bool,
    /// Remove our rules when stopped; with --once, or without manifests: now.
    #[arg(long)]
    cleanup: bool,
    /// Where /healthz, /livez and /metrics are served.
    #[arg(long, value_name = "IP:PORT", default_value = "0.0.0.0:10256")]
    listen: SocketAddr,
}

/// How often we look for damage, and try again what has failed.
const LOOK: Duration = Duration::from_secs(1);

/// Items that are looked at each time: some 30 ms of work.
const SHARE: usize = 10_000;

/// What wakes us up.
enum Event {
    FilesMayHaveChanged,
    Stop(u8),
}

/// Everything that runs.
struct Running {
    loaded: &'static mut Loaded,
    sink: Sink,
    state: Arc<Mutex<State>>,
    /// What was wrong the last time, so that it is told once.
    told: BTreeSet<String>,
    /// The shortest time from the end of one write to the beginning of the next.
    pause: Duration,
    /// When the last write ended.
    written: Option<Time>,
    /// Whether something is to be written.
    due: bool,
}

impl Node {
    /// Programs the kernel, once or until stopped.
    pub(crate) fn run(&self) -> Result<Exit, Stop> {
        let mut sink = Sink::open(self.sink)?;
        if self.cleanup && (self.once || self.input.paths.is_empty()) {
            sink.clear()?;
            return Ok(Exit::Done);
        }
        if self.input.paths.is_empty() {
            return Err(Stop::usage("-f is missing: which manifests?"));
        }
        let mut settings = Settings::default();
        settings.node = Some(clock::host_name());
        let loaded = Loaded::read_for(Some(self.sink.kernel()), &self.input, settings)?;
        let mut running = Running::new(loaded, sink);
        running.tell();
        running.write()?;
        if self.once {
            return Ok(running.exit());
        }
        self.follow(running)
    }

    fn follow(&self, mut running: Running) -> Result<Exit, Stop> {
        let refused = |error: std::io::Error| Stop::system(format!("can't start: {error}"));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().map_err(refused)?;
        let _inside = runtime.enter();
        let mut pages = Pages::new(self.listen, running.state.clone())?;
        let (send, events) = mpsc::channel();
        crate::signals::forward(&runtime, send.clone(), Event::Stop)?;
        let watch = Watch::new(running.loaded.files.paths());
        thread::spawn(move || {
            loop {
                watch.wait();
                if send.send(Event::FilesMayHaveChanged).is_err() {
                    return;
                }
            }
        });
        running.publish(&mut pages);
        println!("ready: http://{}/healthz", pages.local_addr());
        let code = loop {
            match events.recv_timeout(running.wait()) {
                Ok(Event::FilesMayHaveChanged) => running.look_again(),
                Ok(Event::Stop(code)) => break code,
                Err(mpsc::RecvTimeoutError::Timeout) => running.check(),
                Err(mpsc::RecvTimeoutError::Disconnected) => break 0,
            }
            running.write_if_due();
            running.publish(&mut pages);
        };
        runtime.shutdown_background();
        if self.cleanup {
            running.sink.clear()?;
        }
        Ok(Exit::Code(code))
    }
}

impl Running {
    fn new(loaded: &'static mut Loaded, sink: Sink) -> Self {
        let pause = loaded.cluster.control().settings().sync_min_period;
        let state = Arc::default();
        let told = BTreeSet::new();
        Self { loaded, sink, state, told, pause, written: None, due: false }
    }

    /// How long nothing needs doing.
    fn wait(&self) -> Duration {
        if self.due { self.left().min(LOOK) } else { LOOK }
    }

    /// How long the next write has to wait.
    fn left(&self) -> Duration {
        let since = self.written.map_or(Duration::MAX, |at| clock::now().saturating_since(at));
        self.pause.saturating_sub(since)
    }

    /// Brings the kernel to what the cluster says.
    fn write(&mut self) -> Result<(), Stop> {
        let start = clock::now();
        let done = self.sink.sync(self.loaded.cluster.proxy_mut());
        let end = clock::now();
        self.written = Some(end);
        self.due = done.is_err();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.synced(done.as_ref().ok(), end.saturating_since(start));
        drop(state);
        let synced = done?;
        if synced.udp {
            match self.sink.sweep(self.loaded.cluster.proxy()) {
                Ok(number) => self.count(|metrics| metrics.flows += number as u64),
                Err(error) => eprintln!("svckit: stale UDP flows stay: {error}"),
            }
        }
        let refused: Vec<String> = self.sink.refused();
        for line in refused.iter().filter(|line| !self.told.contains(*line)) {
            eprintln!("svckit: left out: {line}");
        }
        self.told.extend(refused);
        Ok(())
    }

    fn write_if_due(&mut self) {
        if !self.due || !self.left().is_zero() {
            return;
        }
        if let Err(stop) = self.write() {
            self.complain(&stop);
        }
    }

    /// Looks for damage.
    fn check(&mut self) {
        match self.sink.check(self.loaded.cluster.proxy(), SHARE) {
            Ok(repaired) => self.count(|metrics| metrics.repairs += u64::from(repaired)),
            Err(stop) => {
                self.due = true;
                self.complain(&stop);
            }
        }
    }

    fn count(&self, count: impl FnOnce(&mut metrics::Metrics)) {
        count(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).metrics);
    }

    /// Says what has failed, once.
    fn complain(&mut self, stop: &Stop) {
        if self.told.insert(stop.message.clone()) {
            eprintln!("svckit: {}", stop.message);
        }
    }

    fn look_again(&mut self) {
        match self.loaded.files.refresh() {
            Ok(true) => {
                self.loaded.sync(clock::now());
                self.due = true;
                self.state.lock().unwrap_or_else(PoisonError::into_inner).queued(clock::now());
                self.tell();
            }
            Ok(false) => {}
            Err(error) => {
                let message = format!("{error}; the last good state goes on");
                self.complain(&Stop::input(message));
            }
        }
    }

    /// Prints what is wrong with the manifests now and was not before.
    fn tell(&mut self) {
        let findings = &self.loaded.findings;
        let now: BTreeSet<String> = findings.iter().map(ToString::to_string).collect();
        let fresh: Vec<_> =
            findings.iter().filter(|one| !self.told.contains(&one.to_string())).cloned().collect();
        report::print(&fresh);
        self.told = now;
    }

    /// Lets the pages tell how things are.
    fn publish(&self, pages: &mut Pages) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.observe(self.loaded, self.sink.refused().len());
        drop(state);
        for message in pages.reconcile(self.loaded.cluster.proxy()) {
            eprintln!("svckit: {message}");
        }
    }

    fn exit(&self) -> Exit {
        let errors = report::has_errors(&self.loaded.findings) || !self.sink.refused().is_empty();
        Exit::of_input(errors)
    }
}
