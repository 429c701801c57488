//! SIGINT and SIGTERM as events.

use std::sync::mpsc;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use crate::exit::Stop;

/// Sends an event, made of the exit code, when somebody asks us to end.
pub(crate) fn forward<T: Send + 'static>(
    runtime: &Runtime,
    send: mpsc::Sender<T>,
    event: impl FnOnce(u8) -> T + Send + 'static,
) -> Result<(), Stop> {
    let refused = |error: std::io::Error| Stop::system(format!("can't wait for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    runtime.spawn(async move {
        let code = tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        };
        // Nobody listens any more: we are ending anyway.
        let _ = send.send(event(code));
    });
    Ok(())
}
