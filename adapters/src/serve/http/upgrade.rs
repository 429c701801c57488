//! Connections that have stopped speaking HTTP.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// Copies between client and pod until both have ended.
pub(super) fn connect(client: OnUpgrade, pod: OnUpgrade) {
    tokio::spawn(async move {
        // Whoever breaks off ends the other side too: both are closed when they go out of scope.
        let (Ok(client), Ok(pod)) = tokio::join!(client, pod) else { return };
        let (mut client, mut pod) = (TokioIo::new(client), TokioIo::new(pod));
        let _ = tokio::io::copy_bidirectional(&mut client, &mut pod).await;
    });
}
