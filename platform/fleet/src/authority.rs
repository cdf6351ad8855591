//! The certificate authority: who is the server, who is an agent.

use crate::certificate::{self, About};
use crate::registry::{Enrolled, Issued, Kept, Registry};
use crate::token::{Token, sha256};
use crate::{fault, tls};
use base::{Clock, Fault, Micros, Random, Result};
use bus::{Disk, RealDisk};
use port::Tables;
use rcgen::{Issuer, KeyPair};
use record::{AgentId, Host};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// The server's certificate with its key. Made anew at each start.
pub struct ServerIdentity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// One authority of the installation. Usually there is one; during a rotation there are two.
struct Ca {
    number: u32,
    certificate: CertificateDer<'static>,
    /// PEM; None once the authority only lives on in the trust of agents.
    key: Option<String>,
}

struct State {
    authorities: Vec<Ca>,
    denied: HashSet<String>,
}

/// The authority of an installation: `ca-N.pem` and `ca-N.key` (0600) in a directory, tokens and agents in [`Tables`].
///
/// Rotation: [`Authority::rotate`] adds the next authority, which agents learn to trust at their next connection;
/// some days later [`Authority::promote`] makes it the one that signs. The old certificate stays trusted until its
/// file is removed.
pub struct Authority {
    dir: PathBuf,
    disk: RealDisk,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    registry: Registry,
    state: RwLock<State>,
    denials: watch::Sender<u64>,
}

impl Authority {
    /// Opens the authority, making the first one in an empty directory.
    pub async fn open(
        dir: &Path,
        tables: Arc<dyn Tables>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Authority> {
        let registry = Registry::new(tables);
        let denied = registry.denied().await?.into_iter().collect();
        let (disk, state) = (RealDisk::new(), RwLock::new(State { authorities: Vec::new(), denied }));
        let authority =
            Authority { dir: dir.to_path_buf(), disk, clock, random, registry, state, denials: watch::channel(0).0 };
        authority.disk.make_dir(dir).map_err(|cause| damaged(dir).because(cause))?;
        let found = authority.load()?;
        authority.write().authorities = found;
        if authority.read().authorities.is_empty() {
            authority.rotate()?;
        }
        Ok(authority)
    }

    /// A certificate for this server, valid for two years; make one at each start.
    pub fn server_identity(&self) -> Result<ServerIdentity> {
        let key = certificate::key()?;
        let (issuer, authority) = self.issuer()?;
        let leaf = certificate::server(&issuer, self.clock.wall(), self.random.bytes16(), &key)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // The authority goes along: an agent that knows only its hash finds it in the chain.
        Ok(ServerIdentity { chain: vec![leaf, authority], key })
    }

    /// Makes a token for up to `uses` hosts, good for `seconds`. Its text form is shown once: only a hash is kept.
    pub async fn issue_token(&self, url: &str, group: &str, uses: u32, seconds: u64) -> Result<Token> {
        let mut secret = [0; 32];
        self.random.fill(&mut secret);
        let expires_s = seconds_of(self.clock.wall()).saturating_add(seconds);
        let (_, authority) = self.issuer()?;
        let kept = Kept { hash: hex::encode(sha256(&secret)), expires_s, uses_left: uses, group: group.into() };
        self.registry.keep_token(&secret, kept).await?;
        let (authority, secret) = (hex::encode(sha256(&authority)), hex::encode(secret));
        Ok(Token { url: url.into(), authority, secret, expires_s, uses, group: group.into() })
    }

    /// Takes a token back before it ends.
    pub async fn revoke_token(&self, token: &Token) -> Result<()> {
        self.registry.revoke_token(&token.secret_bytes()?).await
    }

    /// Every agent that ever enrolled.
    pub async fn agents(&self) -> Result<Vec<Enrolled>> {
        self.registry.agents().await
    }

    /// The group of an agent; empty when it is unknown.
    pub(crate) async fn group(&self, agent: AgentId) -> String {
        self.registry.group(agent).await.unwrap_or_default()
    }

    /// Shuts an agent out: its link ends now and none of its certificates opens another.
    pub async fn deny(&self, agent: AgentId, reason: &str) -> Result<()> {
        let serials = self.registry.deny(agent, reason).await?;
        self.write().denied.extend(serials);
        self.denials.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Adds the next authority to what agents trust. It does not sign yet, unless it is the first.
    pub fn rotate(&self) -> Result<()> {
        let number = self.read().authorities.iter().map(|ca| ca.number).max().unwrap_or(0) + 1;
        let key = certificate::key()?;
        let signed = certificate::authority(number, self.clock.wall(), self.random.bytes16(), &key)?;
        // Key first: a certificate without its key would look like an authority that has been retired.
        bus::replace(&self.disk, &self.path(number, "key"), key.serialize_pem().as_bytes())?;
        bus::replace(&self.disk, &self.path(number, "pem"), signed.pem().as_bytes())?;
        let found = self.load()?;
        self.write().authorities = found;
        Ok(())
    }

    /// Ends the signing of the oldest authority: its key is removed, its certificate stays trusted. A fault when no
    /// younger one could take over. The server's certificate changes at the next start.
    pub fn promote(&self) -> Result<()> {
        let keyed: Vec<u32> =
            self.read().authorities.iter().filter(|ca| ca.key.is_some()).map(|ca| ca.number).collect();
        let [oldest, _, ..] = keyed[..] else {
            return Err(Fault::new(&port::fault::CONFLICT)
                .object("authority")
                .expected("a younger authority: rotate first"));
        };
        let path = self.path(oldest, "key");
        let removed = self.disk.remove(&path).and_then(|()| self.disk.sync_dir(&self.dir));
        removed.map_err(|cause| damaged(&path).because(cause))?;
        let found = self.load()?;
        self.write().authorities = found;
        Ok(())
    }

    /// Certificates (DER) that agents shall trust.
    pub(crate) fn trust(&self) -> Vec<CertificateDer<'static>> {
        self.read().authorities.iter().map(|ca| ca.certificate.clone()).collect()
    }

    /// Lets a token's bearer in: a new agent with its certificate chain and group.
    pub(crate) async fn enroll(
        &self,
        secret: &[u8],
        request: &[u8],
        host: Host,
    ) -> Result<(AgentId, Vec<CertificateDer<'static>>, String)> {
        let agent = AgentId(self.random.bytes16());
        // The request is checked before the token is spent: a broken agent does not use it up.
        let (chain, issued) = self.sign(agent, request)?;
        let now = self.clock.wall();
        let group = self.registry.spend_token(secret, seconds_of(now)).await?;
        let (enrolled_us, denied, certificates) = (now, String::new(), vec![issued]);
        let enrolled =
            Enrolled { agent: agent.to_string(), host, group: group.clone(), enrolled_us, denied, certificates };
        self.registry.add_agent(&enrolled).await?;
        Ok((agent, chain, group))
    }

    /// The next certificate of an agent.
    pub(crate) async fn renew(&self, agent: AgentId, request: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
        let (chain, issued) = self.sign(agent, request)?;
        self.registry.add_certificate(agent, issued, self.clock.wall() / 1_000_000).await?;
        Ok(chain)
    }

    /// Whose certificate this is: signed by one of our authorities, in time, naming an agent, not denied.
    pub(crate) fn admit(&self, chain: &[CertificateDer<'_>]) -> Result<(AgentId, About)> {
        let missing = || {
            Fault::new(&fault::WRONG_CERTIFICATE).object("connection").expected("the certificate of an enrolled agent")
        };
        let (leaf, others) = chain.split_first().ok_or_else(|| missing().found("none"))?;
        let about = certificate::about(leaf)?;
        tls::verify_agent(leaf, others, self.trust(), self.clock.wall())?;
        let agent = about.agent.ok_or_else(missing)?;
        if self.is_denied(&about.serial) {
            return Err(Fault::new(&fault::DENIED).object(format!("agent {agent}")));
        }
        Ok((agent, about))
    }

    /// Whether a serial number is on the deny list.
    pub(crate) fn is_denied(&self, serial: &str) -> bool {
        self.read().denied.contains(serial)
    }

    /// Changes whenever an agent is shut out.
    pub(crate) fn denials(&self) -> watch::Receiver<u64> {
        self.denials.subscribe()
    }

    fn sign(&self, agent: AgentId, request: &[u8]) -> Result<(Vec<CertificateDer<'static>>, Issued)> {
        let (issuer, _) = self.issuer()?;
        let leaf = certificate::agent(&issuer, request, agent, self.clock.wall(), self.random.bytes16())?;
        let about = certificate::about(&leaf)?;
        Ok((vec![leaf], Issued { serial: about.serial, ends_s: about.ends_s }))
    }

    /// The oldest authority that still has its key signs.
    fn issuer(&self) -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>)> {
        let state = self.read();
        let signing = state.authorities.iter().find_map(|ca| Some((ca, ca.key.as_ref()?)));
        let (ca, key) = signing.ok_or_else(|| damaged(&self.dir).expected("a key file ca-N.key"))?;
        let path = self.path(ca.number, "key");
        let key = KeyPair::from_pem(key).map_err(|cause| damaged(&path).because(cause))?;
        let issuer = Issuer::from_ca_cert_der(&ca.certificate, key).map_err(|cause| damaged(&path).because(cause))?;
        Ok((issuer, ca.certificate.clone()))
    }

    fn load(&self) -> Result<Vec<Ca>> {
        let files = self.disk.list(&self.dir).map_err(|cause| damaged(&self.dir).because(cause))?;
        let numbers =
            files.iter().filter_map(|(name, _)| name.strip_prefix("ca-")?.strip_suffix(".pem")?.parse::<u32>().ok());
        let mut found: Vec<Ca> = numbers.map(|number| self.load_one(number)).collect::<Result<_>>()?;
        found.sort_by_key(|ca| ca.number);
        Ok(found)
    }

    fn load_one(&self, number: u32) -> Result<Ca> {
        let path = self.path(number, "pem");
        let pem = self.disk.read(&path, 0, FILE_BYTES).map_err(|cause| damaged(&path).because(cause))?;
        let certificate = CertificateDer::from_pem_slice(&pem).map_err(|cause| damaged(&path).because(cause))?;
        let path = self.path(number, "key");
        let key = match self.disk.read(&path, 0, FILE_BYTES) {
            Ok(key) => Some(String::from_utf8(key).map_err(|cause| damaged(&path).because(cause))?),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => None,
            Err(cause) => return Err(damaged(&path).because(cause)),
        };
        Ok(Ca { number, certificate, key })
    }

    fn path(&self, number: u32, ending: &str) -> PathBuf {
        self.dir.join(format!("ca-{number}.{ending}"))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Largest file of the authority.
const FILE_BYTES: usize = 64 * 1024;

fn damaged(path: &Path) -> Fault {
    Fault::new(&fault::BAD_AUTHORITY).object(path.display())
}

fn seconds_of(wall: Micros) -> u64 {
    (wall / 1_000_000).max(0) as u64
}
