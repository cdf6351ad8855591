//! The server's end: one port for enrolment, renewal and links.

use crate::enroll::{KEEP_ALIVE, MESSAGE_BYTES, WINDOW_BYTES};
use crate::rpc::fleet_server::{Fleet, FleetServer};
use crate::session::{Session, Sessions};
use crate::wire::{AgentMessage, AgentState, EnrollReply, EnrollRequest, RenewReply, RenewRequest, ServerMessage};
use crate::{Authority, Oracle, ServerIdentity, certificate::About, content::Shelf, fault, status, tls};
use async_trait::async_trait;
use base::{Fault, Result};
use record::{AgentId, Frame, Host, Lane, Order};
use rustls_pki_types::CertificateDer;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Request, Response, Status, Streaming};

/// Where frames go, and who is told about agents.
#[async_trait]
pub trait Ingest: Send + Sync {
    /// Takes a frame; returns only when it is durable. A frame that is held already is `Ok`.
    ///
    /// Calls for one agent overlap and are first polled in the order of its frames. A call may fail while a later
    /// one succeeds, so duplicates are judged by what was received ([`crate::Received`]), not by the greatest number.
    /// A fault that is the peer's and not worth a retry refuses the frame for good; any other ends the link and the
    /// agent sends again.
    async fn accept(&self, agent: AgentId, frame: Frame) -> Result<()>;
    /// What is held of an agent: for each start and lane the number up to which it need not send again. A smaller
    /// number is always safe.
    async fn positions(&self, agent: AgentId) -> Vec<(u64, Lane, u64)>;
    /// An agent has connected; orders for it go into `orders`. Its link before this one has ended.
    async fn connected(&self, agent: AgentId, host: Host, orders: mpsc::Sender<Order>);
    /// Its link has ended.
    async fn gone(&self, agent: AgentId);
    /// It says how it is: right after it connected, and now and then while it is.
    async fn described(&self, agent: AgentId, state: AgentState);
    /// A host has enrolled into a group.
    async fn enrolled(&self, agent: AgentId, host: Host, group: String);
}

/// Longest TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Most handshakes at a time.
const HANDSHAKES: usize = 512;
/// Longest wait for links to end when the server stops.
const GRACE: Duration = Duration::from_secs(5);
/// Streams of one connection at a time: a link and a call beside it.
const STREAMS: u32 = 8;

/// What a server gives to its agents beside acknowledgements and orders.
#[derive(Clone, Default)]
pub struct Services {
    /// Content; without it nothing is sent.
    pub shelf: Option<Shelf>,
    /// Answers to questions; without it they stay open at the agents.
    pub oracle: Option<Arc<dyn Oracle>>,
}

/// Serves agents on a listener until `shutdown` completes, without content and answers.
pub async fn serve(
    listener: TcpListener,
    identity: ServerIdentity,
    authority: Arc<Authority>,
    ingest: Arc<dyn Ingest>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    serve_with(listener, identity, authority, ingest, Services::default(), shutdown).await
}

/// Serves agents on a listener until `shutdown` completes.
pub async fn serve_with(
    listener: TcpListener,
    identity: ServerIdentity,
    authority: Arc<Authority>,
    ingest: Arc<dyn Ingest>,
    services: Services,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let acceptor = TlsAcceptor::from(tls::server(identity)?);
    let (stopper, stop) = watch::channel(false);
    let (connections, incoming) = mpsc::channel(64);
    let accepting = tokio::spawn(accept(listener, acceptor, connections, stop.clone()));
    let service = FleetService { authority, ingest, services, sessions: Arc::default(), stop: stop.clone() };
    let service =
        FleetServer::new(service).max_decoding_message_size(MESSAGE_BYTES).max_encoding_message_size(MESSAGE_BYTES);
    let server = Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .max_concurrent_streams(Some(STREAMS))
        .initial_stream_window_size(Some(WINDOW_BYTES))
        .initial_connection_window_size(Some(WINDOW_BYTES))
        .add_service(service)
        .serve_with_incoming_shutdown(ReceiverStream::new(incoming), stopped(stop.clone()));
    let served = async {
        tokio::select! {
            ended = server => ended,
            // An agent that never closes its connection does not hold the server up.
            () = async { stopped(stop).await; tokio::time::sleep(GRACE).await } => Ok(()),
        }
    };
    let stopping = async {
        shutdown.await;
        stopper.send_replace(true);
        std::future::pending::<()>().await
    };
    let ended = tokio::select! { ended = served => ended, () = stopping => Ok(()) };
    accepting.abort();
    // Wait for it, so that the port is free on return.
    let _ = accepting.await;
    ended.map_err(|cause| Fault::new(&fault::BROKEN).object("agents' port").because(status::chain(&cause)))
}

/// Completes when the server is told to stop.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

type Incoming = std::io::Result<TlsStream<TcpStream>>;

/// Takes connections and shakes hands beside each other, so that a slow client delays nobody.
async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    connections: mpsc::Sender<Incoming>,
    stop: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(HANDSHAKES));
    let stop = stopped(stop);
    tokio::pin!(stop);
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        let accepted = tokio::select! { accepted = listener.accept() => accepted, () = &mut stop => return };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                // Out of file descriptors, most likely: a pause lets others close.
                tracing::warn!("agents' port: {cause}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    // An error means that the server stops.
                    let _ = connections.send(Ok(stream)).await;
                }
                Ok(Err(cause)) => tracing::info!("agents' port: handshake with {from}: {cause}"),
                Err(_) => tracing::info!("agents' port: handshake with {from} took too long"),
            }
            drop(permit);
        });
    }
}

struct FleetService {
    authority: Arc<Authority>,
    ingest: Arc<dyn Ingest>,
    services: Services,
    sessions: Arc<Sessions>,
    stop: watch::Receiver<bool>,
}

impl FleetService {
    /// Whose certificate the connection showed.
    fn admit<T>(&self, request: &Request<T>) -> Result<(AgentId, About)> {
        let info = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
        let shown = info.and_then(|info| info.peer_certs()).unwrap_or_default();
        self.authority.admit(&shown)
    }

    fn trust(&self) -> Vec<Vec<u8>> {
        ders(self.authority.trust())
    }
}

fn ders(certificates: Vec<CertificateDer<'static>>) -> Vec<Vec<u8>> {
    certificates.into_iter().map(|certificate| certificate.to_vec()).collect()
}

fn refuse(fault: Fault) -> Status {
    tracing::info!("agents' port: {}", fault.inside());
    status::from_fault(&fault)
}

#[async_trait]
impl Fleet for FleetService {
    async fn enroll(&self, request: Request<EnrollRequest>) -> std::result::Result<Response<EnrollReply>, Status> {
        let EnrollRequest { secret, request, host } = request.into_inner();
        let (agent, chain, group) = self.authority.enroll(&secret, &request, host.clone()).await.map_err(refuse)?;
        self.ingest.enrolled(agent, host, group.clone()).await;
        Ok(Response::new(EnrollReply { agent: agent.0.to_vec(), chain: ders(chain), trust: self.trust(), group }))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> std::result::Result<Response<RenewReply>, Status> {
        let (agent, _) = self.admit(&request).map_err(refuse)?;
        let chain = self.authority.renew(agent, &request.into_inner().request).await.map_err(refuse)?;
        Ok(Response::new(RenewReply { chain: ders(chain), trust: self.trust() }))
    }

    type LinkStream = ReceiverStream<std::result::Result<ServerMessage, Status>>;

    async fn link(
        &self,
        request: Request<Streaming<AgentMessage>>,
    ) -> std::result::Result<Response<Self::LinkStream>, Status> {
        let (agent, about) = self.admit(&request).map_err(refuse)?;
        let (outbound, messages) = mpsc::channel(64);
        let session = Session {
            agent,
            serial: about.serial,
            authority: self.authority.clone(),
            ingest: self.ingest.clone(),
            services: self.services.clone(),
            inbound: request.into_inner(),
            outbound,
            stop: self.stop.clone(),
        };
        tokio::spawn(session.run(self.sessions.clone()));
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}
