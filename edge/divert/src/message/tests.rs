//! Tests of the messages, against a server made of the library's other half.

use super::*;
use hickory_proto::rr::{RecordData, TSigResponseContext};
use proptest::prelude::*;

const NOW_S: u64 = 1_790_000_000;

fn name() -> Protected {
    Protected::new("example.org", "www.example.org", 5).unwrap()
}

fn set(texts: &[&str]) -> Addresses {
    Addresses::told(texts.iter().map(|text| text.parse::<IpAddr>().unwrap()))
}

/// An answer as a server with `key` signs it.
fn signed(asked: &Asked, mut message: Message, key: &Key, at_s: u64, error: Option<TsigError>) -> Vec<u8> {
    let bytes = message.to_vec().unwrap();
    let mac = asked.mac.clone().unwrap();
    let context = TSigResponseContext::new(asked.id, at_s, key.signer().clone(), mac, error);
    message.set_signature(context.sign(&bytes).unwrap());
    message.to_vec().unwrap()
}

fn response(asked: &Asked, code: ResponseCode) -> Message {
    let mut message = Message::response(asked.id, asked.op);
    message.metadata.response_code = code;
    message.metadata.authoritative = true;
    message.add_query(asked.question.clone());
    message
}

fn sealed(key: &Key) -> Asked {
    seal(update(&name(), &set(&["192.0.2.1"]), &set(&["192.0.2.2"]), 7), Some(key), NOW_S).unwrap()
}

#[test]
fn an_update_says_what_both_sets_must_be_and_become() {
    let from = set(&["192.0.2.1", "192.0.2.2"]);
    let message = update(&name(), &from, &set(&["198.51.100.1", "2001:db8::1"]), 7);
    let message = Message::from_vec(&message.to_vec().unwrap()).unwrap();
    let shown = |records: &[Record]| -> Vec<(RecordType, DNSClass, u32, bool)> {
        let row = |record: &Record| (record.record_type(), record.dns_class, record.ttl, record.data.is_update());
        records.iter().map(row).collect()
    };
    use DNSClass::{ANY, IN, NONE};
    use RecordType::{A, AAAA};
    assert_eq!(shown(&message.answers), [(A, IN, 0, false), (A, IN, 0, false), (AAAA, NONE, 0, true)]);
    assert_eq!(shown(&message.authorities), [(A, ANY, 0, true), (A, IN, 5, false), (AAAA, IN, 5, false)]);
    assert_eq!(message.queries[0].query_type(), RecordType::SOA);
    assert_eq!(message.queries[0].name().to_ascii(), "example.org.");
}

#[test]
fn a_signed_answer_is_believed_and_says_what_was_done() {
    let key = Key::example(1);
    let asked = sealed(&key);
    for (code, done) in [
        (ResponseCode::NoError, Ok(Updated::Done)),
        (ResponseCode::NXRRSet, Ok(Updated::Otherwise)),
        (ResponseCode::YXRRSet, Ok(Updated::Otherwise)),
        (ResponseCode::Refused, Err(&fault::REFUSED)),
        (ResponseCode::NotAuth, Err(&fault::NOT_AUTHORITATIVE)),
        (ResponseCode::NotZone, Err(&fault::NOT_AUTHORITATIVE)),
        (ResponseCode::ServFail, Err(&fault::SERVER_FAILED)),
        (ResponseCode::FormErr, Err(&fault::ANSWER)),
    ] {
        let bytes = signed(&asked, response(&asked, code), &key, NOW_S, None);
        let found = asked.judge(&bytes, Some(&key)).unwrap().updated(&name());
        assert_eq!(found.map_err(|fault| fault.code().id), done.map_err(|code| code.id), "{code}");
    }
}

#[test]
fn what_is_not_proven_is_not_believed_and_named() {
    let key = Key::example(1);
    let asked = sealed(&key);
    let fine = response(&asked, ResponseCode::NoError);
    let doubt = |bytes: &[u8]| match asked.judge(bytes, Some(&key)) {
        Err(Doubt::Unproven(fault)) => fault.code().id,
        Err(Doubt::Foreign) => "foreign",
        Ok(_) => "believed",
    };
    assert_eq!(doubt(&fine.to_vec().unwrap()), "divert.unsigned");
    assert_eq!(doubt(&signed(&asked, fine.clone(), &Key::example(2), NOW_S, None)), "divert.unsigned");
    // An answer to another request of ours, replayed.
    let mut other = asked.clone();
    other.mac = Some(vec![0; 32]);
    assert_eq!(doubt(&signed(&other, fine.clone(), &key, NOW_S, None)), "divert.unsigned");
    assert_eq!(doubt(&signed(&asked, fine.clone(), &key, NOW_S - 301, None)), "divert.clock");
    assert_eq!(doubt(&signed(&asked, fine.clone(), &key, 12, None)), "divert.unsigned");
    let late = response(&asked, ResponseCode::NotAuth);
    assert_eq!(doubt(&signed(&asked, late.clone(), &key, NOW_S, Some(TsigError::BadTime))), "divert.clock");
    let wrong = |context: TSigResponseContext| {
        let mut message = late.clone();
        message.set_signature(context.sign(&message.to_vec().unwrap()).unwrap());
        message.to_vec().unwrap()
    };
    let bad_signature = TSigResponseContext::bad_signature(asked.id, NOW_S, key.signer().clone());
    assert_eq!(doubt(&wrong(bad_signature)), "divert.key-wrong");
    let unknown = TSigResponseContext::unknown_key(asked.id, NOW_S, key.signer().signer_name().clone());
    assert_eq!(doubt(&wrong(unknown)), "divert.key-unknown");
}

#[test]
fn an_answer_to_something_else_is_waited_past() {
    let asked = seal(question(&name(), RecordType::A, 9, false), None, NOW_S).unwrap();
    let fine = response(&asked, ResponseCode::NoError);
    let foreign = |message: &Message| matches!(asked.judge(&message.to_vec().unwrap(), None), Err(Doubt::Foreign));
    assert!(!foreign(&fine));
    let mut other = fine.clone();
    other.metadata.id = 10;
    assert!(foreign(&other));
    let mut other = fine.clone();
    other.metadata.message_type = MessageType::Query;
    assert!(foreign(&other));
    let mut other = fine.clone();
    other.queries = vec![Query::query(name().dns_name().clone(), RecordType::AAAA)];
    assert!(foreign(&other));
    let mut other = fine.clone();
    other.queries.clear();
    assert!(foreign(&other));
    other.metadata.response_code = ResponseCode::FormErr;
    assert!(!foreign(&other));
}

#[test]
fn addresses_of_the_name_alone_are_read_and_an_alias_is_said() {
    let asked = seal(question(&name(), RecordType::A, 9, false), None, NOW_S).unwrap();
    let mut message = response(&asked, ResponseCode::NoError);
    let other = Name::from_ascii("other.example.org.").unwrap();
    message.add_answers(rrset(name().dns_name(), RecordType::A, &set(&["192.0.2.1"]), 30));
    message.add_answers(rrset(&other, RecordType::A, &set(&["192.0.2.66"]), 9000));
    let mut found = Found::default();
    let judged = asked.judge(&message.to_vec().unwrap(), None).unwrap();
    judged.found(&name(), true, &mut found).unwrap();
    assert_eq!(found, Found { addresses: set(&["192.0.2.1"]), ttl_s: 30 });
    message.metadata.authoritative = false;
    let judged = asked.judge(&message.to_vec().unwrap(), None).unwrap();
    assert!(judged.found(&name(), true, &mut found).unwrap_err().is(&fault::NOT_AUTHORITATIVE));
    assert!(judged.found(&name(), false, &mut found).is_ok());
    let alias = RData::CNAME(hickory_proto::rr::rdata::CNAME(other));
    message.add_answer(Record::from_rdata(name().dns_name().clone(), 5, alias));
    let judged = asked.judge(&message.to_vec().unwrap(), None).unwrap();
    assert!(judged.found(&name(), false, &mut found).unwrap_err().is(&fault::ALIAS));
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_a_doubt(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let key = Key::example(1);
        let asked = sealed(&key);
        prop_assert!(asked.judge(&bytes, Some(&key)).is_err());
        let mut ours = bytes;
        if ours.len() > 12 {
            ours[..4].copy_from_slice(&[0, 7, 0xa8, 0]);
            prop_assert!(asked.judge(&ours, Some(&key)).is_err());
            let _ = asked.judge(&ours, None);
        }
    }

    #[test]
    fn one_changed_bit_is_not_believed(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let key = Key::example(1);
        let asked = sealed(&key);
        let mut bytes = signed(&asked, response(&asked, ResponseCode::NoError), &key, NOW_S, None);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        // The MAC leaves out class, TTL and letter case of the signature's own record (RFC 8945 4.3.3): nothing that says anything.
        if let Ok(answer) = asked.judge(&bytes, Some(&key)) {
            prop_assert_eq!(answer.updated(&name()).unwrap(), Updated::Done);
        }
    }
}
