//! The server's certificate for the API's port, where browsers and the command line come without one of their own.

use crate::authority::{Authority, ServerIdentity};
use crate::{certificate, fault};
use base::{Fault, Micros, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use std::sync::Arc;

impl ServerIdentity {
    /// TLS 1.3 with this certificate, HTTP/2 and HTTP/1.1, no client certificates.
    pub fn https(&self) -> Result<Arc<ServerConfig>> {
        let bad = |cause: rustls::Error| Fault::new(&fault::SIGNING).object("TLS configuration").because(cause);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(bad)?
            .with_no_client_auth();
        let mut config = builder.with_single_cert(self.chain.clone(), self.key.clone_key()).map_err(bad)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// When it ends, µs since the Unix epoch.
    pub fn ends_us(&self) -> Result<Micros> {
        let missing = || Fault::new(&fault::SIGNING).object("server certificate");
        Ok(certificate::about(self.chain.first().ok_or_else(missing)?)?.ends_s * 1_000_000)
    }
}

impl Authority {
    /// The authorities to trust, as PEM (RFC 7468).
    pub fn trust_pem(&self) -> String {
        let mut text = String::new();
        for certificate in self.trust() {
            text.push_str("-----BEGIN CERTIFICATE-----\n");
            let encoded = STANDARD.encode(&certificate);
            for line in encoded.as_bytes().chunks(64) {
                text.push_str(&String::from_utf8_lossy(line));
                text.push('\n');
            }
            text.push_str("-----END CERTIFICATE-----\n");
        }
        text
    }
}
