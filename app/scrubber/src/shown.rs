//! What a second shows of a destination and of the links.

use crate::link::Link;
use crate::place::Place;
use crate::status::{Destination, Interface, Said, Signature};
use base::Lang;
use ddos::{Counters, Judgement};
use std::collections::BTreeMap;

/// A destination; `hits` are the packets that each signature dropped.
pub fn destination(place: &Place, judgement: &Judgement, delta: &Counters, hits: &BTreeMap<u64, u64>) -> Destination {
    let signature = |signature: &ddos::Signature| Signature {
        id: format!("{:016x}", signature.id),
        terms: signature.to_string(),
        hits: hits.get(&signature.id).copied().unwrap_or(0),
        until_us: signature.expires_us,
    };
    let said = |cause: &ddos::Cause| Said { en: cause.text(Lang::En), zh: cause.text(Lang::Zh) };
    Destination {
        name: place.name.clone(),
        prefix: place.prefix.to_string(),
        level: place.level().word().into(),
        packets: delta.packets as f64,
        bits: delta.bytes as f64 * 8.0,
        dropped: delta.held() as f64,
        class: judgement.class().filter(|_| judgement.alarm).map_or_else(String::new, |class| class.word()),
        confidence: f64::from(judgement.confidence),
        alarm: judgement.alarm,
        reasons: judgement.causes.iter().map(said).collect(),
        signatures: place.wanted.values().map(signature).collect(),
        orders: place.standing(),
    }
}

/// The interfaces with what each link carried, when it takes so many bytes a second.
pub fn interfaces(known: Vec<Interface>, links: &[Link], takes: f64) -> Vec<Interface> {
    let with = |(number, interface): (usize, Interface)| {
        let link = links.get(number).cloned().unwrap_or_default();
        let (packets, bits) = (link.packets as f64, link.bytes as f64 * 8.0);
        Interface { packets, bits, full: link.full(takes), ..interface }
    };
    known.into_iter().enumerate().map(with).collect()
}
