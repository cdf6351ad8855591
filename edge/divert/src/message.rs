//! The messages of a switch: questions and updates as bytes, and what their answers mean. No I/O.
//!
//! An update (RFC 2136) compares and swaps both RRsets of a name, A and AAAA, in one message: its prerequisites say
//! what both must be now (2.4.2, 2.4.3), its updates take both away and add the new ones (2.5.2, 2.5.1). The server
//! does all or nothing (3.7), so of two controllers that believe the same only one wins.

use crate::fault;
use crate::key::Key;
use crate::name::{Addresses, Found, Protected};
use base::{Fault, Result};
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tsig::TsigError;
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::net::IpAddr;

/// Both RRsets that a name's addresses are in.
pub(crate) const TYPES: [RecordType; 2] = [RecordType::A, RecordType::AAAA];

/// A message ready to be sent, and what is needed to judge its answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// As it goes on the wire.
    pub bytes: Vec<u8>,
    id: u16,
    op: OpCode,
    question: Query,
    /// MAC of the request, when signed: the answer's MAC covers it (RFC 8945 4.3.1).
    mac: Option<Vec<u8>>,
    /// When it was signed, seconds since the epoch.
    at_s: u64,
}

/// Why a datagram is not the answer.
#[derive(Debug)]
pub(crate) enum Doubt {
    /// Of somebody else, or of an older question: wait on.
    Foreign,
    /// It claims to be the answer but is not to be believed: wait on, and tell this when nothing better comes (RFC 8945 5.3).
    Unproven(Fault),
}

/// An answer that is believed.
#[derive(Debug)]
pub(crate) struct Answer {
    message: Message,
}

/// What a server did with an update.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Updated {
    /// All of it.
    Done,
    /// Nothing: the name is not what the prerequisites say.
    Otherwise,
}

/// The update that swaps `from` for `to`.
pub(crate) fn update(name: &Protected, from: &Addresses, to: &Addresses, id: u16) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Update);
    let mut zone = Query::query(name.dns_zone().clone(), RecordType::SOA);
    zone.set_query_class(DNSClass::IN);
    message.add_query(zone);
    for kind in TYPES {
        let now = rrset(name.dns_name(), kind, from, 0);
        if now.is_empty() {
            message.add_answer(empty(name.dns_name(), kind, DNSClass::NONE));
        }
        message.add_answers(now);
    }
    for kind in TYPES {
        // Nothing to take away needs no deletion; and a server need not bear one.
        if !rrset(name.dns_name(), kind, from, 0).is_empty() {
            message.add_authority(empty(name.dns_name(), kind, DNSClass::ANY));
        }
        message.add_authorities(rrset(name.dns_name(), kind, to, name.ttl_s()));
    }
    message
}

/// The question for one RRset of a name. `recursion`: asked of a resolver, not of the zone's server.
pub(crate) fn question(name: &Protected, kind: RecordType, id: u16, recursion: bool) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = recursion;
    message.add_query(Query::query(name.dns_name().clone(), kind));
    message
}

/// A question of a probe: who holds this name (SOA), which every server can say without much work.
pub(crate) fn any_question(name: Name, id: u16) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(name, RecordType::SOA));
    message
}

fn rrset(name: &Name, kind: RecordType, addresses: &Addresses, ttl_s: u32) -> Vec<Record> {
    let of_kind = addresses.iter().filter_map(|address| match (kind, address) {
        (RecordType::A, IpAddr::V4(address)) => Some(RData::A(A(address))),
        (RecordType::AAAA, IpAddr::V6(address)) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    });
    of_kind.map(|data| Record::from_rdata(name.clone(), ttl_s, data)).collect()
}

/// A record without data, which stands for a whole RRset: class NONE says that there is none, class ANY deletes it.
fn empty(name: &Name, kind: RecordType, class: DNSClass) -> Record {
    let mut record: Record = Record::update0(name.clone(), 0, kind).into_record_of_rdata();
    record.dns_class = class;
    record
}

/// Signs with a key, when there is one, and makes bytes of it. `at_s`: wall clock, seconds.
pub(crate) fn seal(mut message: Message, key: Option<&Key>, at_s: u64) -> Result<Asked> {
    let unsealed = |cause: hickory_proto::ProtoError| Fault::new(&fault::ANSWER).because(cause);
    let question = message.queries.first().cloned().unwrap_or_default();
    if let Some(key) = key {
        message.finalize(key.signer(), at_s).map_err(unsealed)?;
    }
    let mac = message.signature().map(|record| record.data.mac.clone());
    let bytes = message.to_vec().map_err(unsealed)?;
    Ok(Asked { bytes, id: message.metadata.id, op: message.metadata.op_code, question, mac, at_s })
}

impl Asked {
    /// Whether these bytes are the answer. `key` as at [`seal`].
    pub fn judge(&self, bytes: &[u8], key: Option<&Key>) -> std::result::Result<Answer, Doubt> {
        // Before anything is read: most strays are older answers or guesses.
        if bytes.len() < 12 || bytes[..2] != self.id.to_be_bytes() {
            return Err(Doubt::Foreign);
        }
        // All of it is read here, so what verifies below meets only counts that the bytes bear out.
        let message = Message::from_vec(bytes).map_err(|_| Doubt::Foreign)?;
        let about = message.metadata;
        let echoed = self.op != OpCode::Query || message.queries.as_slice() == [self.question.clone()];
        let refusal = about.response_code != ResponseCode::NoError && message.queries.is_empty();
        if about.message_type != MessageType::Response || about.op_code != self.op || !(echoed || refusal) {
            return Err(Doubt::Foreign);
        }
        if let (Some(key), Some(mac)) = (key, &self.mac) {
            self.prove(&message, bytes, key, mac)?;
        }
        Ok(Answer { message })
    }

    /// Checks the answer's TSIG (RFC 8945 5.3), or says as whose failure it came unsigned.
    fn prove(&self, message: &Message, bytes: &[u8], key: &Key, mac: &[u8]) -> std::result::Result<(), Doubt> {
        let Some(record) = message.signature() else {
            // Nothing is believed of it, but a refusal is worth telling: a server may not sign for what it does not hold.
            return Err(Doubt::Unproven(match message.metadata.response_code {
                ResponseCode::NoError => Fault::new(&fault::UNSIGNED),
                code => refusal(code, "", "").expected("a signed answer"),
            }));
        };
        let unsigned = record.data.mac.is_empty();
        match record.data.error {
            Some(TsigError::BadSig) if unsigned => return Err(Doubt::Unproven(Fault::new(&fault::KEY_WRONG))),
            Some(TsigError::BadKey) if unsigned => return Err(Doubt::Unproven(Fault::new(&fault::KEY_UNKNOWN))),
            _ => {}
        }
        // The library subtracts without a look.
        let sane = record.data.time >= u64::from(record.data.fudge);
        let proven = sane.then(|| key.signer().verify_message_byte(bytes, Some(mac), true));
        let Some(Ok((_, signed_s, _))) = proven else {
            return Err(Doubt::Unproven(Fault::new(&fault::UNSIGNED).found("an answer with a wrong signature")));
        };
        if record.data.error == Some(TsigError::BadTime) {
            return Err(Doubt::Unproven(apart(self.at_s, &record.data.other)));
        }
        if signed_s.abs_diff(self.at_s) > u64::from(record.data.fudge.min(crate::key::FUDGE_S)) {
            return Err(Doubt::Unproven(apart(self.at_s, &signed_s.to_be_bytes()[2..])));
        }
        Ok(())
    }
}

/// The clocks differ; `theirs` is 48 bits of seconds (RFC 8945 5.2.3).
fn apart(ours_s: u64, theirs: &[u8]) -> Fault {
    let theirs = theirs.iter().take(6).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Fault::new(&fault::CLOCK).expected(format!("about {ours_s} s since 1970")).found(format!("{theirs} s"))
}

impl Answer {
    /// Whether it was cut off (RFC 1035 4.1.1 TC) and has to be asked for by TCP.
    pub fn truncated(&self) -> bool {
        self.message.metadata.truncation
    }

    /// Whether the question was answered, be it with "there is no such thing".
    pub fn well(&self) -> bool {
        matches!(self.message.metadata.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
    }

    /// What became of an update of this name.
    ///
    /// # Errors
    /// One for each way a server can refuse (RFC 2136 2.2).
    pub fn updated(&self, name: &Protected) -> Result<Updated> {
        use ResponseCode as Code;
        let code = match self.message.metadata.response_code {
            Code::NoError => return Ok(Updated::Done),
            // Value-dependent prerequisites fail as NXRRSET, those of nothing as YXRRSET; the others when the name is gone.
            Code::NXRRSet | Code::YXRRSet | Code::NXDomain | Code::YXDomain => return Ok(Updated::Otherwise),
            other => other,
        };
        Err(refusal(code, &name.name(), &name.zone()))
    }

    /// Adds the addresses of an answered question to `found`. `authoritative`: the server must hold the zone.
    ///
    /// # Errors
    /// `divert.alias`, `divert.not-authoritative`, or why the server refused.
    pub fn found(&self, name: &Protected, authoritative: bool, found: &mut Found) -> Result<()> {
        let about = self.message.metadata;
        if !matches!(about.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
            return Err(refusal(about.response_code, &name.name(), &name.zone()));
        }
        if authoritative && !about.authoritative {
            return Err(Fault::new(&fault::NOT_AUTHORITATIVE).object(name.zone()).found("an answer without authority"));
        }
        let own = self.message.answers.iter().filter(|record| record.name == *name.dns_name());
        let mut addresses: Vec<IpAddr> = found.addresses.iter().collect();
        for record in own {
            match &record.data {
                RData::A(address) => addresses.push(IpAddr::V4(address.0)),
                RData::AAAA(address) => addresses.push(IpAddr::V6(address.0)),
                RData::CNAME(_) => return Err(Fault::new(&fault::ALIAS).object(name.name())),
                _ => continue,
            }
            found.ttl_s = found.ttl_s.max(record.ttl);
        }
        found.addresses = Addresses::told(addresses);
        Ok(())
    }
}

/// The fault of a response code.
fn refusal(code: ResponseCode, name: &str, zone: &str) -> Fault {
    let (kind, object) = match code {
        ResponseCode::Refused => (&fault::REFUSED, name),
        ResponseCode::ServFail => (&fault::SERVER_FAILED, name),
        ResponseCode::NotAuth | ResponseCode::NotZone => (&fault::NOT_AUTHORITATIVE, zone),
        _ => (&fault::ANSWER, name),
    };
    Fault::new(kind).object(object).found(format!("{code} ({})", u16::from(code)))
}

#[cfg(test)]
mod tests;
