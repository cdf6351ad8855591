//! What one agent is sent next: the server's end of a link, without the link.

use super::piece::Piece;
use super::wire::{Content, Held, Took, digest};
use super::{CHUNK, Holding, Mark, Name, Refusal, Shelf, WINDOW};
use crate::fault;
use record::AgentId;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pieces sent to the end and not yet answered, of one name. Beyond it the agent is waited for.
const FLYING: usize = 64;

/// A piece that was sent to its end.
struct Flying {
    holding: Holding,
    /// It changes what the agent refused: it will be refused as well.
    doomed: bool,
}

/// One name that the agent takes.
struct Desk {
    name: Name,
    held: Holding,
    flying: VecDeque<Flying>,
    refused: Option<Mark>,
    sending: Option<(Arc<Piece>, usize)>,
    /// The packed SHA-256 and size of the part that the agent has.
    part: Option<([u8; 32], usize)>,
}

impl Desk {
    /// What the agent will hold when everything under way is taken.
    fn ahead(&self) -> Holding {
        self.flying.iter().rev().find(|piece| !piece.doomed).map_or(self.held, |piece| piece.holding)
    }
}

/// Carries content to one agent.
pub(crate) struct Courier {
    shelf: Shelf,
    agent: AgentId,
    group: String,
    desks: Vec<Desk>,
    /// Bytes that may be sent.
    room: u64,
}

impl Courier {
    /// A courier for an agent that greeted with what it holds. Names that we do not know are left out.
    pub(crate) fn new(shelf: Shelf, agent: AgentId, group: String, greeted: &[Held]) -> Courier {
        let mut desks: Vec<Desk> = Vec::new();
        for held in greeted.iter().take(4 * Name::ALL.len()) {
            let Ok(name) = Name::from_word(&held.name) else { continue };
            if desks.iter().any(|desk| desk.name == name) {
                continue;
            }
            let refused = Mark { version: held.refused, sha256: digest(&held.refused_sha256) };
            let part = (!held.part.is_empty()).then(|| (digest(&held.part), held.part_bytes as usize));
            let refused = (held.refused > 0).then_some(refused);
            shelf.seat(agent, name, &held.holding(), None);
            desks.push(Desk { name, held: held.holding(), flying: VecDeque::new(), refused, sending: None, part });
        }
        desks.sort_by_key(|desk| desk.name);
        let mut courier = Courier { shelf, agent, group, desks, room: WINDOW };
        courier.plan();
        courier
    }

    /// Chooses anew what to send: the offer has changed, or the agent has answered.
    pub(crate) fn plan(&mut self) {
        let (shelf, who) = (&self.shelf, (self.agent, self.group.as_str()));
        for desk in &mut self.desks {
            if desk.sending.as_ref().is_some_and(|(piece, _)| !shelf.keeps(who, piece)) {
                desk.sending = None;
            }
            if desk.sending.is_some() || desk.flying.len() >= FLYING {
                continue;
            }
            let Some(mut piece) = shelf.next(desk.name, who, &desk.ahead()) else { continue };
            if desk.refused == Some(piece.mark()) {
                let Some(round) = shelf.round(desk.name, who, &piece) else { continue };
                if desk.refused == Some(round.mark()) || desk.ahead().mark == round.mark() {
                    continue;
                }
                piece = round;
            }
            let begun = desk
                .part
                .take()
                .filter(|(packed, bytes)| *packed == piece.packed_sha256 && *bytes < piece.packed.len());
            desk.sending = Some((piece, begun.map_or(0, |(_, bytes)| bytes)));
        }
    }

    /// Whether there is something to send and room for it.
    pub(crate) fn ready(&self) -> bool {
        let first = self.desks.iter().find_map(|desk| desk.sending.as_ref());
        first.is_some_and(|(piece, offset)| (piece.packed.len() - offset).min(CHUNK) as u64 <= self.room)
    }

    /// The next part to send, of the most urgent name.
    pub(crate) fn next(&mut self) -> Option<Content> {
        if !self.ready() {
            return None;
        }
        let desk = self.desks.iter_mut().find(|desk| desk.sending.is_some())?;
        let (piece, offset) = desk.sending.take()?;
        let part = piece.part(offset);
        self.room -= (part.bytes.len() as u64).min(self.room);
        let (version, sent, total) = (piece.version, offset + part.bytes.len(), piece.packed.len());
        self.shelf.sent(self.agent, desk.name, (version, sent as u64, total as u64));
        if sent < total {
            desk.sending = Some((piece, sent));
        } else {
            let ahead = desk.ahead();
            let (base, chain_bytes) = match piece.from {
                0 => (version, 0),
                _ => (ahead.base, ahead.chain_bytes + total as u64),
            };
            let holding = Holding { mark: piece.mark(), base, chain_bytes };
            desk.flying.push_back(Flying { holding, doomed: false });
            self.plan();
        }
        Some(part)
    }

    /// The agent has room for so many bytes more. Never beyond the window, whatever it says.
    pub(crate) fn room(&mut self, bytes: u64) {
        self.room = self.room.saturating_add(bytes).min(WINDOW);
    }

    /// The agent says what became of a piece; answers come in the order of sending within a name.
    pub(crate) fn took(&mut self, took: &Took) {
        self.room(took.room);
        let Some(desk) = self.desks.iter_mut().find(|desk| desk.name.word() == took.held.name) else { return };
        desk.flying.pop_front();
        desk.held = took.held.holding();
        let mark = Mark { version: took.version, sha256: digest(&took.sha256) };
        let mut refusal = None;
        if took.code.is_empty() {
            desk.refused = None;
        } else {
            if took.code != fault::CONTENT_ORDER.id {
                desk.refused = Some(mark);
            }
            // What was sent on top of it has nothing to stand on, up to the next whole.
            let whole = |piece: &Flying| piece.holding.base == piece.holding.mark.version;
            desk.flying.iter_mut().take_while(|piece| !whole(piece)).for_each(|piece| piece.doomed = true);
            if desk.sending.as_ref().is_some_and(|(piece, _)| piece.from > 0)
                && desk.flying.iter().all(|one| one.doomed)
            {
                desk.sending = None;
            }
            let text = took.text.chars().take(500).collect();
            refusal = Some(Refusal { version: took.version, code: took.code.chars().take(64).collect(), text });
        }
        self.shelf.seat(self.agent, desk.name, &desk.held, refusal);
        self.plan();
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.shelf.gone(self.agent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::ManualClock;

    fn shelf() -> Shelf {
        Shelf::new(Arc::new(ManualClock::default()))
    }

    fn names(names: &[Name]) -> Vec<Held> {
        names.iter().map(|name| Held { name: name.word().into(), ..Held::default() }).collect()
    }

    fn courier(shelf: &Shelf, greeted: &[Held]) -> Courier {
        Courier::new(shelf.clone(), AgentId([1; 16]), "group".into(), greeted)
    }

    /// Bytes that do not pack.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut noise = vec![0; bytes];
        base::Random::fill(&base::SeededRandom::new(5), &mut noise);
        noise
    }

    fn took(part: &Content, held: &Content, code: &str) -> Took {
        let held = Held {
            name: part.name.clone(),
            version: held.version,
            sha256: held.sha256.clone(),
            base: if held.delta_from == 0 { held.version } else { 0 },
            ..Held::default()
        };
        let (version, sha256, code) = (part.version, part.sha256.clone(), code.to_string());
        Took { version, sha256, code, text: String::new(), held, room: part.bytes.len() as u64 }
    }

    #[test]
    fn rules_overtake_a_filter_that_is_on_its_way_and_the_window_holds() {
        let shelf = shelf();
        shelf.publish(Name::IntelFilter, 1, &noise(1_000_000)).unwrap();
        let mut courier = courier(&shelf, &names(&[Name::IntelFilter, Name::Rules]));
        let mut sent = 0;
        while let Some(part) = courier.next() {
            assert_eq!((part.name.as_str(), part.offset), ("intel-filter", sent));
            sent += part.bytes.len() as u64;
        }
        assert_eq!(sent, WINDOW);
        courier.room(u64::MAX);
        shelf.publish(Name::Rules, 1, b"rules").unwrap();
        courier.plan();
        assert_eq!(courier.next().unwrap().name, "rules");
        let next = courier.next().unwrap();
        assert_eq!((next.name.as_str(), next.offset), ("intel-filter", sent));
        assert!(shelf.status().iter().any(|one| one.sending.is_some_and(|(_, sent, _)| sent > WINDOW)));
        drop(courier);
        assert!(shelf.status().iter().all(|one| !one.connected && one.sending.is_none()));
    }

    #[test]
    fn a_download_goes_on_where_it_was_unless_it_is_another() {
        let shelf = shelf();
        shelf.publish(Name::Yara, 1, &noise(300_000)).unwrap();
        let first = courier(&shelf, &names(&[Name::Yara])).next().unwrap();
        let held =
            |packed: &[u8]| Held { name: "yara".into(), part: packed.to_vec(), part_bytes: 100_000, ..Held::default() };
        assert_eq!(courier(&shelf, &[held(&first.packed_sha256)]).next().unwrap().offset, 100_000);
        assert_eq!(courier(&shelf, &[held(&[7; 32])]).next().unwrap().offset, 0);
        // A name of a newer agent is left alone.
        assert!(courier(&shelf, &[Held { name: "new".into(), ..Held::default() }]).next().is_none());
    }

    #[test]
    fn changes_follow_each_other_without_waiting_and_a_refusal_is_not_repeated() {
        let shelf = shelf();
        let base = shelf.publish(Name::IntelFilter, 1, b"base").unwrap();
        assert_eq!(base.version, 1);
        for from in 1..4 {
            shelf.publish_delta(Name::IntelFilter, from, from + 1, format!("change {from}").as_bytes()).unwrap();
        }
        let mut courier = courier(&shelf, &names(&[Name::IntelFilter]));
        let parts: Vec<Content> = std::iter::from_fn(|| courier.next()).collect();
        assert_eq!(
            parts.iter().map(|part| (part.delta_from, part.version)).collect::<Vec<_>>(),
            [(0, 1), (1, 2), (2, 3), (3, 4)]
        );
        courier.took(&took(&parts[0], &parts[0], ""));
        courier.took(&took(&parts[1], &parts[0], "agent.no"));
        for late in &parts[2..] {
            courier.took(&took(late, &parts[0], fault::CONTENT_ORDER.id));
        }
        assert!(courier.next().is_none(), "the refused change is not sent again");
        assert_eq!(shelf.tally(Name::IntelFilter, 1).hold, 1);
        // A whole that holds what it refused is the way round.
        shelf.publish(Name::IntelFilter, 4, b"base of 4").unwrap();
        courier.plan();
        let round = courier.next().unwrap();
        assert_eq!((round.delta_from, round.version), (0, 4));
        courier.took(&took(&round, &round, ""));
        assert!(courier.next().is_none());
        assert_eq!((shelf.tally(Name::IntelFilter, 4).hold, shelf.status()[0].refused.clone()), (1, None));
    }

    #[test]
    fn a_whole_that_is_gone_is_not_sent_to_its_end() {
        let shelf = shelf();
        let mut courier = courier(&shelf, &names(&[Name::Yara]));
        for version in 1..=2 {
            shelf.publish(Name::Yara, version, &noise(500_000 + version as usize)).unwrap();
            courier.plan();
            assert_eq!(courier.next().unwrap().version, 1, "begun and still kept");
        }
        shelf.publish(Name::Yara, 3, &noise(500_003)).unwrap();
        courier.plan();
        let part = courier.next().unwrap();
        assert_eq!((part.version, part.offset), (3, 0));
    }
}
