//! What a connection to an origin runs over: TCP, or TLS on it.

use crate::config;
use crate::fault;
use base::{Fault, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// TLS to the origins of a pool.
pub(crate) struct Secure {
    client: Arc<ClientConfig>,
    /// Name that certificates must have; without one, the host of the address.
    name: Option<ServerName<'static>>,
    /// The file of authorities as it was read: another content is another pool.
    authorities: Vec<u8>,
}

impl Secure {
    /// Reads the authorities that a pool trusts.
    pub(super) fn new(pool: &str, tls: &config::PoolTls, http2: bool) -> Result<Secure> {
        let wrong = || Fault::new(&fault::AUTHORITY).object(format!("pool {pool}: {}", tls.authority.display()));
        let authorities = std::fs::read(&tls.authority).map_err(|cause| wrong().found(cause))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&authorities) {
            let certificate = certificate.map_err(|cause| wrong().found(cause))?;
            roots.add(certificate).map_err(|cause| wrong().found(cause))?;
        }
        if roots.is_empty() {
            return Err(wrong().expected("at least one certificate").found("none"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|cause| wrong().because(cause))?;
        let mut client = builder.with_root_certificates(roots).with_no_client_auth();
        client.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let name = tls.name.clone().map(ServerName::try_from).transpose();
        let name = name.map_err(|cause| wrong().expected("a name that can stand in a certificate").found(cause))?;
        Ok(Secure { client: Arc::new(client), name, authorities })
    }

    /// Whether the file of authorities still has the content that was read.
    pub(super) fn current(&self, tls: &config::PoolTls) -> bool {
        std::fs::read(&tls.authority).is_ok_and(|now| now == self.authorities)
    }

    /// The handshake; the certificate must be of the pool's name, or of the address's host.
    async fn handshake(&self, address: &str, stream: TcpStream) -> io::Result<Link> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let named = || ServerName::try_from(host.to_owned()).map_err(io::Error::other);
        let name = self.name.clone().map_or_else(named, Ok)?;
        let connector = tokio_rustls::TlsConnector::from(self.client.clone());
        Ok(Link::Tls(Box::new(connector.connect(name, stream).await?)))
    }
}

/// A connection to an origin.
pub(crate) enum Link {
    /// In the clear.
    Plain(TcpStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Link {
    /// Connects to an address, `host:port`.
    pub(super) async fn dial(address: &str, secure: Option<&Secure>) -> io::Result<Link> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match secure {
            None => Ok(Link::Plain(stream)),
            Some(secure) => secure.handshake(address, stream).await,
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Link::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Link::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Link::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Link::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Link::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
            Link::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Link::Plain(stream) => stream.is_write_vectored(),
            Link::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
