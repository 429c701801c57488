//! Connections to pods, kept for the next request.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use svckit::Time;

use super::line::{Address, Line, Trunk};

/// Unused connections by pod, and those that many requests share.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Address, Vec<(Line, Time)>>>,
    trunks: Mutex<HashMap<Address, Trunk>>,
}

impl Pool {
    /// A connection that was used before and still stands.
    pub(super) fn take(&self, at: Address) -> Option<Line> {
        loop {
            let mut line = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.get_mut(&at)?.pop()?.0
            };
            if line.is_free() {
                return Some(line);
            }
        }
    }

    /// Keeps a connection for the next request, if it can take one and there are fewer than `most`.
    pub(super) fn put(&self, at: Address, mut line: Line, most: usize) {
        if !line.is_free() {
            return;
        }
        line.used = true;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = idle.entry(at).or_default();
        if lines.len() < most {
            lines.push((line, crate::clock::now()));
        }
    }

    /// The connection that requests to this pod share, if it stands.
    pub(super) fn trunk(&self, at: Address) -> Option<Trunk> {
        let mut trunks = self.trunks.lock().unwrap_or_else(PoisonError::into_inner);
        let trunk = trunks.get(&at)?.clone();
        if trunk.is_closed() {
            trunks.remove(&at);
            return None;
        }
        Some(trunk)
    }

    /// Lets requests to this pod share a connection.
    pub(super) fn share(&self, at: Address, trunk: Trunk) {
        self.trunks.lock().unwrap_or_else(PoisonError::into_inner).insert(at, trunk);
    }

    /// Closes connections that are broken, or that nobody has used for as long as this.
    pub(super) fn forget_idle(&self, keep: Duration) {
        let now = crate::clock::now();
        let mut old = Vec::new();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        for lines in idle.values_mut() {
            let gone = |(line, since): &mut (Line, Time)| {
                now.saturating_since(*since) >= keep || !line.is_free()
            };
            old.extend(lines.extract_if(.., gone));
        }
        idle.retain(|_, lines| !lines.is_empty());
        drop(idle);
        // Sockets are closed while nobody waits for the pool.
        drop(old);
        let mut trunks = self.trunks.lock().unwrap_or_else(PoisonError::into_inner);
        trunks.retain(|_, trunk| !trunk.is_closed());
    }
}
