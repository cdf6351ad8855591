//! Certificates of the sites, chosen by the name that the client asks for (SNI, RFC 6066 §3), and TLS 1.2 and 1.3 with them.

use crate::config::{Certificate, Config, Listener};
use crate::fault;
use base::{Fault, Result};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert, StoresServerSessions};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::sync::Arc;

/// Sessions of TLS 1.2 that are kept for resumption.
const SESSIONS: usize = 20_000;

/// What survives a reload, so that clients can resume their sessions.
#[derive(Debug)]
pub(crate) struct Resumption {
    provider: Arc<CryptoProvider>,
    sessions: Arc<dyn StoresServerSessions>,
    tickets: Arc<dyn rustls::server::ProducesTickets>,
}

impl Resumption {
    pub(crate) fn new() -> Result<Resumption> {
        let tickets = rustls::crypto::ring::Ticketer::new();
        Ok(Resumption {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            sessions: rustls::server::ServerSessionMemoryCache::new(SESSIONS),
            tickets: tickets
                .map_err(|cause| Fault::new(&fault::CERTIFICATE).object("session tickets").because(cause))?,
        })
    }
}

/// Certificates by name.
#[derive(Debug, Default)]
struct Names {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By the name below which they stand: `example.org` for `*.example.org`.
    wild: HashMap<String, Arc<CertifiedKey>>,
    any: Option<Arc<CertifiedKey>>,
    /// For clients that ask for no name.
    first: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let Some(name) = hello.server_name() else { return self.any.clone().or_else(|| self.first.clone()) };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let wild = || crate::live::parents(&name).find_map(|parent| self.wild.get(parent));
        self.exact.get(&name).or_else(wild).or(self.any.as_ref()).cloned()
    }
}

/// TLS of a listener.
pub(crate) fn server(config: &Config, listener: &Listener, resumption: &Resumption) -> Result<Arc<ServerConfig>> {
    let mut names = Names::default();
    let served =
        config.sites.iter().filter(|site| site.listeners.is_empty() || site.listeners.contains(&listener.name));
    for site in served {
        let Some(certificate) = &site.certificate else { continue };
        let key = Arc::new(load(&site.name, certificate, &resumption.provider)?);
        names.first.get_or_insert_with(|| key.clone());
        for host in &site.hosts {
            match (host.as_str(), host.strip_prefix("*.")) {
                ("*", _) => names.any = Some(key.clone()),
                (_, Some(parent)) => drop(names.wild.insert(parent.to_ascii_lowercase(), key.clone())),
                (name, None) => drop(names.exact.insert(name.to_ascii_lowercase(), key.clone())),
            }
        }
    }
    let wrong = |cause| Fault::new(&fault::CERTIFICATE).object(format!("listener {}", listener.name)).because(cause);
    let builder = ServerConfig::builder_with_provider(resumption.provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(wrong)?;
    let mut server = builder.with_no_client_auth().with_cert_resolver(Arc::new(names));
    server.session_storage = resumption.sessions.clone();
    server.ticketer = resumption.tickets.clone();
    server.alpn_protocols =
        if listener.http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    Ok(Arc::new(server))
}

/// Reads a chain and its key, which must belong together.
fn load(site: &str, certificate: &Certificate, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let wrong =
        |path: &std::path::Path| Fault::new(&fault::CERTIFICATE).object(format!("site {site}: {}", path.display()));
    let unreadable = |cause: rustls_pki_types::pem::Error| wrong(&certificate.chain).found(cause);
    let chain: std::result::Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(&certificate.chain).map_err(unreadable)?.collect();
    let chain = chain.map_err(unreadable)?;
    if chain.is_empty() {
        return Err(wrong(&certificate.chain).expected("at least one certificate").found("none"));
    }
    let key = PrivateKeyDer::from_pem_file(&certificate.key)
        .map_err(|cause| wrong(&certificate.key).expected("a private key").because(cause))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|cause| wrong(&certificate.key).expected("the key of the chain's first certificate").found(cause))
}
