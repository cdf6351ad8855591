//! HTTPS for the API: rustls around hyper, one task a connection.

use super::fault;
use axum::Router;
use base::{Fault, Result};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 512;
/// Longest TLS handshake: a client that says nothing must not hold a place.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest wait for the head of a request, for the same reason.
const HEAD: Duration = Duration::from_secs(15);
/// Longest wait for running answers when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// Pause after a failed accept: without descriptors left it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds the listener; a taken port is named.
pub async fn listen(address: &str) -> Result<TcpListener> {
    let taken = |cause| Fault::new(&fault::LISTEN).object(address).because(cause);
    TcpListener::bind(address).await.map_err(taken)
}

/// Serves until told to stop, then waits for the answers that are under way.
pub async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, router: Router, mut stop: watch::Receiver<bool>) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place,
            _ = stop.changed() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        let (stream, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                tracing::warn!(%cause, "the API's port did not take a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
        tokio::spawn(async move {
            connection(stream, remote, acceptor, router, stop).await;
            drop(place);
        });
    }
    // All places free again: every connection has ended. One that does not end in time is dropped with the program.
    let _ = tokio::time::timeout(FAREWELL, places.acquire_many(CONNECTIONS as u32)).await;
}

async fn connection(
    stream: TcpStream,
    remote: std::net::SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else { return };
    let service = TowerToHyperService::new(router.layer(axum::Extension(api::Remote(remote.ip()))));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // How a client leaves is its own affair.
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            // What does not end in time, a live stream for one, is cut off.
            let _ = tokio::time::timeout(FAREWELL, connection).await;
        }
    }
}
