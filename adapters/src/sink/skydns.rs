//! Keeps a cluster's records in etcd, in SkyDNS's layout.
//!
//! ```text
//! Snapshot ─ what differs ─▶ one transaction per Service: new keys, then old ones gone
//!          └ in doubt ─▶ everything is read, and put right
//! ```
//!
//! All keys hang on one lease, so they vanish when nobody keeps it alive. After an error nobody knows what etcd did: the
//! next write reads everything first. Keys that others put there stay, unless they say the same under the same key.

use crate::etcd::{Etcd, EtcdError, Kv, Op};
use std::{collections::HashSet, time::Duration};
use svckit::dns::{Name, Snapshot, skydns_key};
use tokio::{sync::watch, time};

/// What is done at once; etcd takes 128.
const BATCH: usize = 100;
/// How often everything is looked at, in case others changed it.
const LOOK: Duration = Duration::from_secs(300);

/// Where records are kept, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SkyDnsSettings {
    /// What all keys start with. Default: `/skydns`.
    pub prefix: String,
    /// The domain whose records they are.
    pub domain: Name,
    /// Seconds after which the keys vanish when nobody writes any more. Default: 60.
    pub lease: u32,
}

impl SkyDnsSettings {
    /// The defaults, for a domain.
    #[must_use]
    pub fn new(domain: Name) -> Self {
        Self { prefix: "/skydns".into(), domain, lease: 60 }
    }
}

/// The writer of one domain's records.
#[derive(Debug)]
pub struct SkyDnsSink {
    etcd: Etcd,
    settings: SkyDnsSettings,
    lease: Option<i64>,
    /// What etcd holds; `None` when that isn't known.
    written: Option<Snapshot>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Keys that were set.
    pub put: usize,
    /// Keys that were deleted.
    pub deleted: usize,
}

impl SkyDnsSink {
    /// A writer that hasn't written yet.
    #[must_use]
    pub fn new(etcd: Etcd, settings: SkyDnsSettings) -> Self {
        Self { etcd, settings, lease: None, written: None }
    }

    /// Makes etcd hold what `snapshot` says. Costs what changed since the last write, unless that failed.
    ///
    /// # Errors
    ///
    /// etcd can't be used; call again, and nothing is lost.
    pub async fn write(&mut self, snapshot: &Snapshot) -> Result<Written, EtcdError> {
        let before = self.written.take();
        let lease = self.lease().await?;
        let prefix = &self.settings.prefix;
        let groups = match &before {
            Some(before) => {
                let changes = snapshot.skydns_changes(before, prefix).into_iter();
                changes
                    .map(|group| group.into_iter().map(|change| op(change, lease)).collect())
                    .collect()
            }
            None => self.differences(snapshot, lease).await?,
        };
        let written = self.send(groups).await?;
        self.written = Some(snapshot.clone());
        Ok(written)
    }

    /// Keeps the keys from vanishing; to be called well within the lease.
    ///
    /// # Errors
    ///
    /// etcd can't be used; or the lease was over, and everything has to be written again.
    pub async fn keep_alive(&mut self) -> Result<(), EtcdError> {
        let Some(lease) = self.lease else { return Ok(()) };
        if self.etcd.keep_alive(lease).await? {
            return Ok(());
        }
        (self.lease, self.written) = (None, None);
        Err(EtcdError::Refused("the lease was over".into()))
    }

    /// Takes all of its keys away.
    ///
    /// # Errors
    ///
    /// etcd can't be used; the keys vanish with their lease.
    pub async fn clear(&mut self) -> Result<(), EtcdError> {
        self.written = None;
        if let Some(lease) = self.lease.take() {
            self.etcd.revoke(lease).await?;
        }
        self.etcd.txn(&[Op::Delete(self.owner())]).await.map(drop)
    }

    /// Follows a stream of snapshots until `stop` says so, or nobody sends any more; then takes its keys away. What etcd
    /// refuses is told to `told`, and tried again after a while.
    pub async fn run(
        mut self,
        mut snapshots: watch::Receiver<Snapshot>,
        mut stop: watch::Receiver<bool>,
        told: impl Fn(&EtcdError),
    ) {
        let third = Duration::from_secs(u64::from(self.settings.lease.max(3)) / 3);
        let mut pause = Duration::from_millis(50);
        let mut looked = time::Instant::now();
        while !*stop.borrow() {
            let snapshot = snapshots.borrow_and_update().clone();
            if looked.elapsed() > LOOK {
                (self.written, looked) = (None, time::Instant::now());
            }
            let done = match snapshot.is_synced() {
                true => match self.keep_alive().await {
                    Ok(()) => self.write(&snapshot).await.map(drop),
                    Err(error) => Err(error),
                },
                false => Ok(()),
            };
            let wait = match done {
                Ok(()) => {
                    pause = Duration::from_millis(50);
                    third
                }
                Err(error) => {
                    told(&error);
                    pause = (pause * 2).min(Duration::from_secs(1));
                    pause
                }
            };
            let failed = wait == pause;
            tokio::select! {
                // After a failure, what is new waits too.
                changed = snapshots.changed(), if !failed => if changed.is_err() { break },
                _ = stop.changed() => break,
                () = time::sleep(wait) => {}
            }
        }
        if let Err(error) = self.clear().await {
            told(&error);
        }
    }

    async fn lease(&mut self) -> Result<i64, EtcdError> {
        if let Some(lease) = self.lease {
            return Ok(lease);
        }
        let lease = self.etcd.grant(self.settings.lease.max(5)).await?;
        self.lease = Some(lease);
        Ok(lease)
    }

    /// Where the lease of whoever wrote last is noted, so that its keys can be told from others'.
    fn owner(&self) -> String {
        format!("/svckit{}", skydns_key(&self.settings.prefix, &self.settings.domain))
    }

    /// Everything that isn't as it should be.
    async fn differences(
        &self,
        snapshot: &Snapshot,
        lease: i64,
    ) -> Result<Vec<Vec<Op>>, EtcdError> {
        let owner = self.owner();
        let (_, noted) = self.etcd.range(&owner).await?;
        let noted = noted.iter().find(|kv| kv.key == owner).and_then(|kv| kv.value.parse().ok());
        let ours: HashSet<i64> = noted.into_iter().chain([lease]).collect();
        let base = format!("{}/", skydns_key(&self.settings.prefix, &self.settings.domain));
        let (_, there) = self.etcd.range(&base).await?;
        let wanted = snapshot.skydns_records(&self.settings.prefix);
        let note = Op::Put { key: owner, value: lease.to_string(), lease: 0 };
        let mut groups = vec![vec![note]];
        let right = |key: &String, value: &String| {
            let same = |kv: &&Kv| kv.key == *key && kv.value == *value && kv.lease == lease;
            there
                .binary_search_by(|kv| kv.key.cmp(key))
                .is_ok_and(|at| there.get(at).as_ref().is_some_and(same))
        };
        for (key, value) in wanted.iter().filter(|(key, value)| !right(key, value)) {
            groups.push(vec![Op::Put { key: key.clone(), value: value.clone(), lease }]);
        }
        let stale = there.iter().filter(|kv| ours.contains(&kv.lease) && kv.lease != 0);
        for kv in stale.filter(|kv| !wanted.contains_key(&kv.key)) {
            groups.push(vec![Op::Delete(kv.key.clone())]);
        }
        Ok(groups)
    }

    /// Sends groups in their order, as many at once as fit; a group goes whole if it can.
    async fn send(&self, groups: Vec<Vec<Op>>) -> Result<Written, EtcdError> {
        let mut written = Written::default();
        let mut batch: Vec<Op> = Vec::new();
        for group in groups {
            if !batch.is_empty() && batch.len() + group.len() > BATCH {
                self.flush(&mut batch, &mut written).await?;
            }
            batch.extend(group);
            while batch.len() > BATCH {
                let rest = batch.split_off(BATCH);
                self.flush(&mut batch, &mut written).await?;
                batch = rest;
            }
        }
        self.flush(&mut batch, &mut written).await?;
        Ok(written)
    }

    async fn flush(&self, batch: &mut Vec<Op>, written: &mut Written) -> Result<(), EtcdError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.etcd.txn(batch).await?;
        for op in batch.drain(..) {
            match op {
                Op::Put { .. } => written.put += 1,
                Op::Delete(_) => written.deleted += 1,
            }
        }
        Ok(())
    }
}

fn op(change: svckit::dns::SkyChange, lease: i64) -> Op {
    match change.value {
        Some(value) => Op::Put { key: change.key, value, lease },
        None => Op::Delete(change.key),
    }
}
