//! One TCP connection to a simulated pod: HTTP if it looks like it, an echo otherwise.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{Identity, http};

/// A client that says nothing for this long is waiting for us to speak first.
const SILENCE: Duration = Duration::from_millis(300);
/// The longest HTTP method with its blank.
const LONGEST_METHOD: usize = 8;

/// Serves one connection until it ends.
pub(super) async fn serve(stream: TcpStream, client: SocketAddr, identity: Arc<Identity>) {
    match timeout(SILENCE, speaks_http(&stream)).await {
        Ok(Ok(true)) => http::serve(stream, client, identity).await,
        Ok(Err(_)) => {}
        // A connection that breaks has nobody left to tell.
        Ok(Ok(false)) | Err(_) => drop(echo(stream, client, &identity).await),
    }
}

/// Whether the first bytes are those of an HTTP request.
async fn speaks_http(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; LONGEST_METHOD];
    loop {
        let length = stream.peek(&mut first).await?;
        let seen = first.get(..length).unwrap_or_default();
        let word = seen.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        match seen.get(word) {
            Some(b' ') if word >= 3 => return Ok(true),
            Some(_) => return Ok(false),
            None if length == 0 || length == LONGEST_METHOD => return Ok(false),
            None => sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Says who we are, then sends back whatever comes.
async fn echo(mut stream: TcpStream, client: SocketAddr, identity: &Identity) -> io::Result<()> {
    stream.write_all(identity.line(client).as_bytes()).await?;
    let (mut input, mut output) = stream.split();
    tokio::io::copy(&mut input, &mut output).await?;
    output.shutdown().await
}
