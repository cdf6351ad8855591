//! A server that completes a TLS handshake. Whose certificate it shows is not judged: whether it serves is the question,
//! and nothing is sent to it that is worth anything.

use super::{Failure, Probe, ProbeSettings, plain};
use crate::fault;
use async_trait::async_trait;
use base::{Fault, Random, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The kind.
pub(super) struct Tls;

#[async_trait]
impl Probe for Tls {
    fn word(&self) -> &'static str {
        "tls"
    }

    fn port(&self, _: &ProbeSettings) -> u16 {
        443
    }

    fn check(&self, settings: &ProbeSettings) -> Result<()> {
        server_name(settings).map(|_| ())
    }

    async fn ask(&self, at: SocketAddr, settings: &ProbeSettings, _: &dyn Random) -> std::result::Result<(), Failure> {
        handshake(TcpStream::connect(at).await?, at, settings).await?;
        Ok(())
    }
}

/// The name that the server is told (SNI), when one is given.
///
/// # Errors
/// `divert.probe` when it is not a name.
pub(super) fn server_name(settings: &ProbeSettings) -> Result<Option<ServerName<'static>>> {
    if settings.host.is_empty() {
        return Ok(None);
    }
    let name = plain(&settings.host).then(|| ServerName::try_from(settings.host.clone()).ok()).flatten();
    let wrong = || Fault::new(&fault::PROBE).object("tls").expected("a host name without port");
    name.map(Some).ok_or_else(wrong)
}

/// Completes the handshake.
pub(super) async fn handshake(
    stream: TcpStream,
    at: SocketAddr,
    settings: &ProbeSettings,
) -> std::result::Result<TlsStream<TcpStream>, Failure> {
    let named = server_name(settings).ok().flatten();
    let name = named.unwrap_or_else(|| ServerName::IpAddress(at.ip().into()));
    let config = config().ok_or(Failure::Protocol)?;
    let stream = TlsConnector::from(config).connect(name, stream).await;
    stream.map_err(|cause| match cause.kind() {
        std::io::ErrorKind::InvalidData => Failure::Protocol,
        kind => Failure::Connection(kind.to_string()),
    })
}

/// One configuration for all probes; `None` only if the library refused its own defaults.
fn config() -> Option<Arc<ClientConfig>> {
    static CONFIG: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    let make = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.ok()?.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)));
        Some(Arc::new(builder.with_no_client_auth()))
    };
    CONFIG.get_or_init(make).clone()
}

/// Takes any certificate, but the handshake has to be signed by its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
