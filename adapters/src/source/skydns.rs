//! Records that somebody keeps in etcd, in SkyDNS's layout, as zones that answer.
//!
//! Everything is read once, then watched. While etcd is away the last records stay; when it is back, or has forgotten
//! where the watch was, everything is read again.

use crate::etcd::{Etcd, EtcdError, Event, Kv};
use arc_swap::ArcSwap;
use std::{collections::HashMap, sync::Arc, time::Duration};
use svckit::dns::{SkyDns, SkyOptions, SkyRecord};
use tokio::{sync::watch, time};

/// A reader of records.
#[derive(Debug)]
pub struct SkyDnsSource {
    etcd: Etcd,
    options: SkyOptions,
    zone: Arc<ArcSwap<SkyDns>>,
    /// How long leases last, in seconds.
    leases: HashMap<i64, u32>,
}

impl SkyDnsSource {
    /// A reader that has read nothing: its zone answers SERVFAIL until [`run`](Self::run) has.
    #[must_use]
    pub fn new(etcd: Etcd, options: SkyOptions) -> Self {
        let zone = Arc::new(ArcSwap::from_pointee(SkyDns::new(options.clone())));
        Self { etcd, options, zone, leases: HashMap::new() }
    }

    /// What answers, now and later.
    #[must_use]
    pub fn zone(&self) -> Arc<ArcSwap<SkyDns>> {
        self.zone.clone()
    }

    /// Follows etcd until `stop` says so. What goes wrong is told to `told`.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>, told: impl Fn(&EtcdError)) {
        let mut pause = Duration::from_millis(50);
        loop {
            let error = tokio::select! {
                error = self.follow(&mut pause) => error,
                _ = stop.changed() => return,
            };
            told(&error);
            tokio::select! {
                () = time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(1)),
                _ = stop.changed() => return,
            }
        }
    }

    /// Reads and watches until something goes wrong.
    async fn follow(&mut self, pause: &mut Duration) -> EtcdError {
        let (mut watch, mut zone) = match self.read().await {
            Ok(read) => read,
            Err(error) => return error,
        };
        *pause = Duration::from_millis(50);
        loop {
            let events = match watch.next().await {
                Ok(events) => events,
                Err(error) => return error,
            };
            for event in events {
                match event {
                    Event::Put(kv) => self.put(&mut zone, kv).await,
                    Event::Delete(key) => drop(zone.remove(&key)),
                }
            }
            self.zone.store(Arc::new(zone.clone()));
        }
    }

    async fn read(&mut self) -> Result<(crate::etcd::Watch, SkyDns), EtcdError> {
        let prefix = format!("{}/", self.options.prefix);
        let (revision, all) = self.etcd.range(&prefix).await?;
        let watch = self.etcd.watch(&prefix, revision + 1).await?;
        let mut zone = SkyDns::new(self.options.clone());
        for kv in all {
            self.put(&mut zone, kv).await;
        }
        // etcd counts its changes; where a serial came from doesn't matter as long as it goes up.
        zone.set_serial(revision as u32);
        zone.set_synced();
        self.zone.store(Arc::new(zone.clone()));
        Ok((watch, zone))
    }

    /// Takes in a key; one whose value is no record is as good as gone.
    async fn put(&mut self, zone: &mut SkyDns, kv: Kv) {
        match serde_json::from_str::<SkyRecord>(&kv.value) {
            Ok(record) => {
                let lease = self.granted(kv.lease).await;
                zone.put(&kv.key, record, lease);
            }
            Err(_) => drop(zone.remove(&kv.key)),
        }
    }

    /// How long a lease lasts; each one is asked about once.
    async fn granted(&mut self, lease: i64) -> Option<u32> {
        if lease == 0 {
            return None;
        }
        if let Some(known) = self.leases.get(&lease) {
            return Some(*known);
        }
        let granted = self.etcd.granted(lease).await.ok().flatten()?;
        self.leases.insert(lease, granted);
        Some(granted)
    }
}
