//! The agent's side of enrolment and renewal, and making a connection.

use crate::rpc::fleet_client::FleetClient;
use crate::wire::{EnrollRequest, RenewRequest};
use crate::{Identity, Token, certificate, fault, status, tls};
use base::limits::BATCH_WIRE_BYTES;
use base::{Fault, Result};
use hyper_util::rt::TokioIo;
use record::{AgentId, Host};
use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a single call.
const CALL: Duration = Duration::from_secs(30);
/// Silence after which the other end is asked whether it is there.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Largest message on the wire: a frame with its header.
pub(crate) const MESSAGE_BYTES: usize = BATCH_WIRE_BYTES + 64 * 1024;

/// Enrols this host: makes a key, has it certified by the server that the token pins, and keeps the identity in
/// `dir`. A host that has an identity is not enrolled again.
pub async fn enroll(token: &Token, host: Host, dir: &Path) -> Result<Identity> {
    match Identity::load(dir) {
        Err(fault) if fault.is(&fault::NOT_ENROLLED) => {}
        Ok(identity) => return Err(Fault::new(&fault::ENROLLED).object(dir.display()).found(format!("{identity:?}"))),
        Err(fault) => return Err(fault),
    }
    let key = certificate::key()?;
    let request = EnrollRequest { secret: token.secret_bytes()?.to_vec(), request: certificate::request(&key)?, host };
    let mut client = FleetClient::new(dial(&token.url, tls::pinned(token.authority_hash()?)?).await?);
    let answer = tokio::time::timeout(CALL, client.enroll(request)).await.map_err(|_| late(&token.url))?;
    let reply = answer.map_err(|status| status::to_fault(&status, &token.url))?.into_inner();
    let identity = Identity {
        agent: AgentId::from_bytes(&reply.agent)?,
        url: token.url.clone(),
        group: reply.group,
        key: key.serialize_der(),
        chain: certificates(reply.chain),
        trust: certificates(reply.trust),
    };
    identity.validity()?;
    identity.save(dir)?;
    Ok(identity)
}

/// Gets the next certificate, with a new key, over a connection that shows the present one.
pub(crate) async fn renew(identity: &Identity, channel: Channel) -> Result<Identity> {
    let key = certificate::key()?;
    let request = RenewRequest { request: certificate::request(&key)? };
    let mut client = FleetClient::new(channel);
    let answer = tokio::time::timeout(CALL, client.renew(request)).await.map_err(|_| late(&identity.url))?;
    let reply = answer.map_err(|status| status::to_fault(&status, &identity.url))?.into_inner();
    let (chain, trust) = (certificates(reply.chain), certificates(reply.trust));
    let next = Identity { key: key.serialize_der(), chain, trust, ..identity.clone() };
    next.validity()?;
    Ok(next)
}

pub(crate) fn certificates(ders: Vec<Vec<u8>>) -> Vec<CertificateDer<'static>> {
    ders.into_iter().map(CertificateDer::from).collect()
}

fn late(url: &str) -> Fault {
    Fault::new(&fault::UNREACHABLE).object(url).found(format!("no answer within {} s", CALL.as_secs()))
}

/// Connects to `https://host:port`.
pub(crate) async fn dial(url: &str, config: Arc<ClientConfig>) -> Result<Channel> {
    let wrong = || Fault::new(&fault::BAD_TOKEN).object(url).expected("https://host:port");
    let uri: Uri = url.parse().map_err(|cause| wrong().because(cause))?;
    let (Some("https"), Some(host), Some(port)) = (uri.scheme_str(), uri.host(), uri.port_u16()) else {
        return Err(wrong());
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
    let name = tls::server_name()?;
    let first = Arc::new(Mutex::new(None));
    let (seen, server) = (first.clone(), url.to_string());
    let connect = tower::service_fn(move |_: Uri| {
        let (connector, name, host) = (TlsConnector::from(config.clone()), name.clone(), host.clone());
        let (seen, server) = (seen.clone(), server.clone());
        async move {
            let connected = async {
                let stream = TcpStream::connect((host.as_str(), port)).await?;
                stream.set_nodelay(true)?;
                connector.connect(name, stream).await
            };
            connected.await.map(TokioIo::new).inspect_err(|cause| {
                *seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) =
                    Some(tls::handshake_fault(cause, &server));
            })
        }
    });
    // Inside the encrypted stream gRPC speaks plain HTTP/2, hence the scheme.
    let endpoint = Endpoint::from_shared(url.replacen("https", "http", 1)).map_err(|cause| wrong().because(cause))?;
    let endpoint = endpoint.connect_timeout(CONNECT).http2_keep_alive_interval(KEEP_ALIVE).keep_alive_while_idle(true);
    let endpoint = endpoint.initial_stream_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
    let connecting = tokio::time::timeout(CONNECT, endpoint.connect_with_connector(connect));
    let unreachable = || Fault::new(&fault::UNREACHABLE).object(url);
    let connected =
        connecting.await.map_err(|_| unreachable().found(format!("no connection within {} s", CONNECT.as_secs())))?;
    connected.map_err(|cause| {
        let seen = first.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        seen.unwrap_or_else(|| unreachable().because(status::chain(&cause)))
    })
}

/// HTTP/2 window, bytes; our own credit is the bound that counts.
pub(crate) const WINDOW_BYTES: u32 = 1024 * 1024;
