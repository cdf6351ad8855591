//! Reports of attacks: soon after one began, every few seconds while it goes on, and when it is over.

use crate::board::Board;
use crate::known::Known;
use crate::origins::Origins;
use crate::place::Place;
use crate::tell::{Subject, Teller};
use base::{Lang, Micros};
use ddos::report::{Listed, Lookups, Ours};
use ddos::{Judgement, Report};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

/// A report under way is written anew after so long, µs; the first one when as much is known.
const REPORT_US: Micros = 10_000_000;

/// Writes reports.
pub struct Reporter {
    /// Where addresses are announced from.
    pub origins: Arc<Origins>,
    /// What the server knows of senders.
    pub known: Arc<Known>,
    /// Where reports are shown.
    pub board: Arc<Board>,
    /// Who is told.
    pub teller: Arc<Teller>,
}

impl Reporter {
    /// The report of the attack on a place, when it is time for one.
    pub fn report(&self, place: &mut Place, now: Micros, judgement: &Judgement) {
        if !judgement.ended && now - place.reported_us < REPORT_US {
            return;
        }
        let Some(report) = self.write(place, now) else { return };
        // Not by what the board remembers: that forgets when very many are attacked at once.
        let first = place.reported_us == 0;
        place.reported_us = now;
        let texts = (report.text(Lang::En), report.text(Lang::Zh));
        let id = format!("{} {}", place.prefix, report.fingerprint.time_start);
        self.board.attacked(&id, whole(place, &id, &report, &texts));
        // Of its first second little is known, and the server has not answered yet; that there is an attack was told at once.
        if judgement.ended || !first && !place.told {
            place.told = true;
            let subject = Subject { name: &place.name, prefix: place.prefix, judgement, proposals: Vec::new() };
            self.teller.reported(&subject, &report, (&texts.0, &texts.1), &place.alert);
        }
        if judgement.ended {
            place.alert.clear();
            (place.reported_us, place.told) = (0, false);
        }
    }

    fn write(&self, place: &Place, now: Micros) -> Option<Report> {
        let origin = |address: IpAddr| self.origins.lookup(address);
        let intel =
            |address: IpAddr| -> Vec<Listed> { self.known.about(address).map_or_else(Vec::new, |about| about.listed) };
        let host = |address: IpAddr| -> Option<Ours> { self.known.about(address)?.host };
        place.watch.report(now, &Lookups { origin: &origin, intel: &intel, host: &host })
    }
}

/// The report as it is shown, with what only the controller knows of it.
fn whole(place: &Place, id: &str, report: &Report, texts: &(String, String)) -> Value {
    let mut whole = serde_json::json!(report);
    for (key, value) in [
        ("id", id),
        ("name", &place.name),
        ("destination", &place.prefix.to_string()),
        ("text", &texts.0),
        ("text_zh", &texts.1),
        ("alert", &place.alert),
    ] {
        whole[key] = value.into();
    }
    whole
}
