//! Tells when files may have changed.
//!
//! The kernel's notices are only a wake-up: what changed is found by looking ([`super::files::Files::refresh`]), so
//! a notice too many costs nothing and editors may save as they like. Where there are no notices (some network file
//! systems), the look every [`POLL`] finds the change.

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{path::PathBuf, sync::mpsc, time::Duration};

/// How long a change may go unnoticed where the kernel tells nothing.
pub const POLL: Duration = Duration::from_secs(2);
/// How long to wait for the rest of a burst of changes.
const SETTLE: Duration = Duration::from_millis(30);

/// Wakes up when something happens to some paths.
#[derive(Debug)]
pub struct Watch {
    notices: mpsc::Receiver<()>,
    /// Ends the notices when it is dropped; `None` where there are none.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Watches files and directories; `-` never changes.
    ///
    /// A file is watched through its directory, so that it may be replaced by renaming.
    #[must_use]
    pub fn new(paths: &[PathBuf]) -> Self {
        let (send, notices) = mpsc::channel();
        let notice = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // The receiver is gone when the watch ends: nobody to tell.
                let _ = send.send(());
            }
        };
        let watcher = notify::recommended_watcher(notice).ok().map(|mut watcher| {
            for path in paths.iter().filter(|path| path.as_os_str() != "-") {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let at = if path.is_dir() { path } else { parent.unwrap_or_else(|| ".".as_ref()) };
                // Without notices the poll finds changes.
                let _ = watcher.watch(at, RecursiveMode::NonRecursive);
            }
            watcher
        });
        Self { notices, _watcher: watcher }
    }

    /// Returns when something may have changed, at the latest after [`POLL`].
    pub fn wait(&self) {
        match self.notices.recv_timeout(POLL) {
            Ok(()) => while self.notices.recv_timeout(SETTLE).is_ok() {},
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(POLL),
        }
    }
}
