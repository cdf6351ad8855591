//! HTTPS for the API: rustls around hyper, one task a connection.

use super::fault;
use axum::Router;
use base::{Fault, Result};
use hyper_util::rt::{TokioExecutor, TokioIo};
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

/// Binds the listener; a taken port is named.
pub async fn listen(address: &str) -> Result<TcpListener> {
    let taken = |cause| Fault::new(&fault::LISTEN).object(address).because(cause);
    TcpListener::bind(address).await.map_err(taken)
}

/// Serves until told to stop.
pub async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, router: Router, mut stop: watch::Receiver<bool>) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        // A failed accept (descriptors used up, peer gone) concerns that connection only.
        let Ok((stream, remote)) = accepted else { continue };
        let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
        tokio::spawn(async move {
            connection(stream, remote, acceptor, router, stop).await;
            drop(place);
        });
    }
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
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // How a client leaves is its own affair.
        _ = connection.as_mut() => {}
        _ = stop.changed() => connection.as_mut().graceful_shutdown(),
    }
}
