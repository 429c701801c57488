//! The cluster's records in somebody's etcd, in SkyDNS's layout, while `up` runs.

use std::time::Duration;
use svckit::dns::{Name, Snapshot};
use svckit_adapters::{
    etcd::{Etcd, EtcdError},
    sink::skydns::{SkyDnsSettings, SkyDnsSink},
};
use tokio::{sync::watch, task::JoinHandle};

/// How long the last words to etcd may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The task that writes.
pub(super) struct Records {
    snapshots: watch::Sender<Snapshot>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Records {
    /// Starts to write to the etcd at `url`. Must be called inside a tokio runtime.
    pub(super) fn start(url: &str, domain: &Name, first: Snapshot) -> Result<Self, EtcdError> {
        let sink = SkyDnsSink::new(Etcd::new(url)?, SkyDnsSettings::new(domain.clone()));
        let (snapshots, follow) = watch::channel(first);
        let (stop, stopped) = watch::channel(false);
        let told = |error: &EtcdError| eprintln!("svckit: {error}; trying again");
        Ok(Self { snapshots, stop, task: tokio::spawn(sink.run(follow, stopped, told)) })
    }

    /// Takes up what is true now.
    pub(super) fn follow(&self, snapshot: Snapshot) {
        self.snapshots.send_replace(snapshot);
    }

    /// Takes the records away again; they vanish by themselves if that fails.
    pub(super) fn stop(self) {
        self.stop.send_replace(true);
        let ended = std::thread::spawn({
            let runtime = tokio::runtime::Handle::current();
            // The time limit needs the runtime already when it is made.
            move || {
                runtime.block_on(async { tokio::time::timeout(PATIENCE, self.task).await.is_ok() })
            }
        });
        if !ended.join().unwrap_or(false) {
            eprintln!("svckit: records in etcd vanish when their lease ends");
        }
    }
}
