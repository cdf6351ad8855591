//! TLS 1.3 with ring, and who is believed.

use crate::certificate::SERVER_NAME;
use crate::{ServerIdentity, fault, token::sha256};
use base::{Fault, Micros, Result};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::Arc;
use std::time::Duration;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn bad(cause: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::SIGNING).object("TLS configuration").because(cause)
}

/// The server's end. A client certificate is asked for, not demanded: enrolment comes without one.
pub(crate) fn server(identity: ServerIdentity) -> Result<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(bad)?;
    let builder = builder.with_client_cert_verifier(Arc::new(Possession(provider())));
    let mut config = builder.with_single_cert(identity.chain, identity.key).map_err(bad)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// An agent's end that knows the authorities.
pub(crate) fn agent(
    trust: &[CertificateDer<'static>],
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ClientConfig>> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(trust.to_vec())?), provider())
        .build()
        .map_err(bad)?;
    let mut config = client(verifier)?.with_client_auth_cert(chain, key).map_err(bad)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// A host's end before enrolment, which knows only the hash of the authority.
pub(crate) fn pinned(authority: [u8; 32]) -> Result<Arc<ClientConfig>> {
    let mut config = client(Arc::new(Pin { authority, provider: provider() }))?.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

type ClientBuilder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn client(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientBuilder> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(bad)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier))
}

/// The one name that servers have.
pub(crate) fn server_name() -> Result<ServerName<'static>> {
    ServerName::try_from(SERVER_NAME).map_err(bad)
}

fn roots(trust: Vec<CertificateDer<'static>>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in trust {
        roots.add(certificate).map_err(bad)?;
    }
    Ok(roots)
}

/// Checks an agent's certificate against the authorities of this moment.
pub(crate) fn verify_agent(
    leaf: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    trust: Vec<CertificateDer<'static>>,
    now: Micros,
) -> Result<()> {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots(trust)?), provider()).build().map_err(bad)?;
    let now = UnixTime::since_unix_epoch(Duration::from_micros(now.max(0) as u64));
    match verifier.verify_client_cert(leaf, others, now) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
            Err(Fault::new(&fault::EXPIRED_CERTIFICATE).object("connection"))
        }
        Err(cause) => Err(Fault::new(&fault::WRONG_CERTIFICATE).object("connection").because(cause)),
    }
}

/// The fault of a handshake that the agent's side ended.
pub(crate) fn handshake_fault(cause: &std::io::Error, server: &str) -> Fault {
    let inner = cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let code = match inner {
        Some(Error::InvalidCertificate(_)) => &fault::WRONG_SERVER,
        _ => &fault::UNREACHABLE,
    };
    Fault::new(code).object(server).because(cause)
}

/// Proves only that a client holds the key of the certificate it shows. Whose certificate it is, `Authority::admit`
/// decides at each call: with the authorities and the deny list of that moment, and with a fault that the agent can
/// read instead of a closed connection.
#[derive(Debug)]
struct Possession(Arc<CryptoProvider>);

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> std::result::Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Believes the server whose chain holds the authority with this hash and is signed by it.
#[derive(Debug)]
struct Pin {
    authority: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        let unknown = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let authority = others.iter().find(|other| sha256(other) == self.authority).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone());
        let verifier = verifier.build().map_err(|_| unknown())?;
        verifier.verify_server_cert(leaf, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
