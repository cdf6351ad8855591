//! What a certificate says, and making one.

use crate::fault;
use base::{Fault, Micros, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};
use record::AgentId;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The name that every server of an installation has, whatever its address: agents trust one authority that
/// certifies no other servers, so an address adds nothing, and hosts may reach it by any.
pub(crate) const SERVER_NAME: &str = "server.garrison.internal";
/// An agent's name without its id.
const AGENT_NAME: &str = "spiffe://garrison/agent/";

/// Lifetime of an agent's certificate, seconds (30 days).
pub(crate) const AGENT_SECONDS: i64 = 30 * 24 * 3600;
/// Lifetime of the server's certificate, seconds (2 years; made anew at each start).
const SERVER_SECONDS: i64 = 2 * 365 * 24 * 3600;
/// Lifetime of an authority, seconds (10 years).
const AUTHORITY_SECONDS: i64 = 10 * 365 * 24 * 3600;
/// How far clocks may be apart, seconds.
const SKEW_SECONDS: i64 = 3600;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    /// Serial number, hexadecimal.
    pub(crate) serial: String,
    /// The agent that it names, if it names one.
    pub(crate) agent: Option<AgentId>,
    /// Begin and end, seconds since the Unix epoch.
    pub(crate) begins_s: i64,
    pub(crate) ends_s: i64,
}

/// Reads a certificate. Hostile bytes are a fault.
pub(crate) fn about(certificate: &CertificateDer<'_>) -> Result<About> {
    let wrong = |cause: String| Fault::new(&fault::WRONG_CERTIFICATE).object("certificate").because(cause);
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|cause| wrong(cause.to_string()))?;
    let names = parsed.subject_alternative_name().map_err(|cause| wrong(cause.to_string()))?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let agent = names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(AGENT_NAME)?.parse().ok(),
        _ => None,
    });
    let validity = parsed.validity();
    let (begins_s, ends_s) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    Ok(About { serial: hex::encode(parsed.raw_serial()), agent, begins_s, ends_s })
}

/// A P-256 key.
pub(crate) fn key() -> Result<KeyPair> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|cause| failed("key", cause))
}

/// A self-signed authority.
pub(crate) fn authority(number: u32, now: Micros, serial: [u8; 16], key: &KeyPair) -> Result<rcgen::Certificate> {
    let mut params =
        params(&format!("Garrison CA {number} {}", hex::encode(&serial[..4])), now, AUTHORITY_SECONDS, serial)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.self_signed(key).map_err(|cause| failed("authority", cause))
}

/// The server's certificate.
pub(crate) fn server(
    issuer: &Issuer<'_, KeyPair>,
    now: Micros,
    serial: [u8; 16],
    key: &KeyPair,
) -> Result<CertificateDer<'static>> {
    let mut params = params("Garrison server", now, SERVER_SECONDS, serial)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // The API's clients on the same machine come by these.
    for name in [SERVER_NAME, "localhost"] {
        let name = name.try_into().map_err(|cause| failed("server name", cause))?;
        params.subject_alt_names.push(SanType::DnsName(name));
    }
    for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
        params.subject_alt_names.push(SanType::IpAddress(address));
    }
    let signed = params.signed_by(key, issuer).map_err(|cause| failed("server certificate", cause))?;
    Ok(signed.der().clone())
}

/// The request of an agent: only its key counts, the server writes the names.
pub(crate) fn request(key: &KeyPair) -> Result<Vec<u8>> {
    let request = CertificateParams::default().serialize_request(key).map_err(|cause| failed("request", cause))?;
    Ok(request.der().to_vec())
}

/// An agent's certificate for the key of its request; nothing else of the request is used.
pub(crate) fn agent(
    issuer: &Issuer<'_, KeyPair>,
    request: &[u8],
    agent: AgentId,
    now: Micros,
    serial: [u8; 16],
) -> Result<CertificateDer<'static>> {
    let wrong = |cause| Fault::new(&fault::BAD_REQUEST).object("certificate request").because(cause);
    let mut request =
        CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request)).map_err(wrong)?;
    let mut params = params(&format!("Garrison agent {agent}"), now, AGENT_SECONDS, serial)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let name = format!("{AGENT_NAME}{agent}");
    params.subject_alt_names = vec![SanType::URI(name.try_into().map_err(|cause| failed("agent name", cause))?)];
    request.params = params;
    let signed = request.signed_by(issuer).map_err(|cause| failed("agent certificate", cause))?;
    Ok(signed.der().clone())
}

fn params(name: &str, now: Micros, seconds: i64, mut serial: [u8; 16]) -> Result<CertificateParams> {
    let moment = |at: i64| OffsetDateTime::from_unix_timestamp(at).map_err(|cause| failed("date", cause));
    let now = now / 1_000_000;
    let mut params = CertificateParams::default();
    params.not_before = moment(now - SKEW_SECONDS)?;
    params.not_after = moment(now + seconds)?;
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // A serial number is a positive integer (RFC 5280, 4.1.2.2) and ours never begins with a zero byte.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

pub(crate) fn failed(what: &str, cause: impl std::fmt::Display) -> Fault {
    Fault::new(&fault::SIGNING).object(what).because(cause)
}
