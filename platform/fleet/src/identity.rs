//! What makes a host an agent: its key, its certificate, whom it trusts, where its server is.

use crate::certificate::{self, failed};
use crate::enroll::dial;
use crate::{Authority, fault, tls};
use base::{Fault, Micros, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bus::{Disk, RealDisk};
use record::AgentId;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::path::Path;
use tonic::transport::Channel;

/// Name of the file in the agent's directory, mode 0600.
const FILE: &str = "identity.json";
/// Largest identity file, bytes.
const FILE_BYTES: usize = 256 * 1024;

/// An agent's identity. One file, so that key and certificate always belong together.
#[derive(Clone)]
pub struct Identity {
    /// The id that the server gave.
    pub agent: AgentId,
    /// Where the server listens: `https://host:port`.
    pub url: String,
    /// Group given by the token.
    pub group: String,
    pub(crate) key: Vec<u8>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) trust: Vec<CertificateDer<'static>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    agent: String,
    url: String,
    group: String,
    key: String,
    chain: Vec<String>,
    trust: Vec<String>,
}

impl Identity {
    /// Reads the identity from the agent's directory. [`fault::NOT_ENROLLED`] when there is none.
    pub fn load(dir: &Path) -> Result<Identity> {
        let path = dir.join(FILE);
        let wrong = || Fault::new(&fault::BAD_IDENTITY).object(path.display());
        let text = match RealDisk::new().read(&path, 0, FILE_BYTES) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(Fault::new(&fault::NOT_ENROLLED).object(dir.display()));
            }
            Err(cause) => return Err(wrong().because(cause)),
        };
        let stored: Stored = serde_json::from_slice(&text).map_err(|cause| wrong().because(cause))?;
        let decode = |text: &String| STANDARD.decode(text).map_err(|cause| wrong().because(cause));
        let certificates = |texts: &[String]| -> Result<Vec<CertificateDer<'static>>> {
            texts.iter().map(|text| decode(text).map(CertificateDer::from)).collect()
        };
        let identity = Identity {
            agent: stored.agent.parse()?,
            url: stored.url,
            group: stored.group,
            key: decode(&stored.key)?,
            chain: certificates(&stored.chain)?,
            trust: certificates(&stored.trust)?,
        };
        identity.validity()?;
        Ok(identity)
    }

    /// Writes the identity: after a crash the old or the new one is there, whole.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let texts = |ders: &[CertificateDer<'_>]| ders.iter().map(|der| STANDARD.encode(der)).collect();
        let stored = Stored {
            agent: self.agent.to_string(),
            url: self.url.clone(),
            group: self.group.clone(),
            key: STANDARD.encode(&self.key),
            chain: texts(&self.chain),
            trust: texts(&self.trust),
        };
        let text = serde_json::to_vec_pretty(&stored).map_err(|cause| failed("identity", cause))?;
        let disk = RealDisk::new();
        disk.make_dir(dir).map_err(|cause| Fault::new(&fault::BAD_IDENTITY).object(dir.display()).because(cause))?;
        bus::replace(&disk, &dir.join(FILE), &text)
    }

    /// Removes the identity, so that the host can enrol anew. No fault when there is none.
    pub fn remove(dir: &Path) -> Result<()> {
        match RealDisk::new().remove(&dir.join(FILE)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::new(&fault::BAD_IDENTITY).object(dir.display()).because(cause))
            }
            _ => Ok(()),
        }
    }

    /// Whether it was given by this authority and is good at this time.
    pub fn fits(&self, authority: &Authority, now: Micros) -> bool {
        let known = authority.trust().iter().any(|certificate| self.trust.contains(certificate));
        known && self.validity().is_ok_and(|(_, end)| now < end)
    }

    /// When the certificate begins and ends, µs since the Unix epoch.
    pub fn validity(&self) -> Result<(Micros, Micros)> {
        let missing = || Fault::new(&fault::BAD_IDENTITY).object("certificate");
        let about = certificate::about(self.chain.first().ok_or_else(missing)?)?;
        Ok((about.begins_s * 1_000_000, about.ends_s * 1_000_000))
    }

    /// Whether two thirds of the certificate's life are over.
    pub fn due_for_renewal(&self, now: Micros) -> bool {
        self.validity().is_ok_and(|(begin, end)| now >= begin + (end - begin) / 3 * 2)
    }

    /// A connection to the server that shows this certificate.
    pub async fn connect(&self) -> Result<Channel> {
        let config = tls::agent(&self.trust, self.chain.clone(), self.private_key())?;
        dial(&self.url, config).await
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "agent {} of {}", self.agent, self.url)
    }
}
