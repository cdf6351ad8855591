//! Certificates of syslog over TLS (RFC 5425).

use crate::config::SyslogInput;
use crate::fault;
use base::{Fault, Result};
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

fn wrong(path: &Path) -> impl Fn(&dyn Display) -> Fault + '_ {
    move |cause| Fault::new(&fault::TLS).object(path.display()).found(cause)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|cause| wrong(path)(&cause))?;
    if chain.is_empty() { Err(wrong(path)(&"no certificate")) } else { Ok(chain) }
}

/// The server side of an input's TLS: 1.2 and 1.3, ring, clients of `client_ca` only where one is given.
pub fn config(input: &SyslogInput) -> Result<Arc<ServerConfig>> {
    let chain = certificates(&input.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&input.key).map_err(|cause| wrong(&input.key)(&cause))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|cause| wrong(&input.certificate)(&cause))?;
    let builder = match &input.client_ca {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(|cause| wrong(path)(&cause))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|cause| wrong(path)(&cause))?)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key).map_err(|cause| wrong(&input.certificate)(&cause))?;
    Ok(Arc::new(config))
}
