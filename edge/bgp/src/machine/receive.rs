//! What the neighbour says, and what follows from it.

use super::{Machine, Phase, SECOND};
use crate::fault;
use crate::message::{Frame, Kind, Message, Notification, Open};
use base::{Fault, Micros};

/// The window of the guard on what a neighbour tells.
const WINDOW: Micros = 60 * SECOND;

impl Machine {
    /// Bytes came.
    pub(crate) fn received(&mut self, now: Micros, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let mut at = 0;
        while self.phase.is_open() {
            match Frame::first(&input[at..]) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    at += frame.length();
                    self.frame(now, frame);
                }
                Err(fault) => {
                    let answer = Notification::answering(Kind::KeepAlive, &fault);
                    self.close(now, Some(answer), Some(fault));
                }
            }
        }
        // A rest is shorter than one message, which is at most 4096 bytes.
        if self.phase.is_open() {
            self.input = input[at..].to_vec();
        }
        self.tell(now);
    }

    fn frame(&mut self, now: Micros, frame: Frame<'_>) {
        self.heard = now;
        let wide = self.peer.as_ref().is_none_or(|peer| peer.wide_as);
        match frame.decode(wide) {
            Ok(message) => self.message(now, message),
            // RFC 7606 asks to keep a session where it can be kept. Nothing that a route says matters here, and losing the
            // session would take our filters away in the middle of an attack.
            Err(fault) if frame.kind == Kind::Update => {
                self.counts.refused += 1;
                self.error = Some(fault);
                self.count(now, 1);
            }
            Err(fault) => self.close(now, Some(Notification::answering(frame.kind, &fault)), Some(fault)),
        }
    }

    fn message(&mut self, now: Micros, message: Message) {
        match (self.phase, message) {
            (_, Message::Notification(last)) => {
                let ended = Fault::new(&fault::ENDED).object(self.neighbour.address).found(last);
                self.close(now, None, Some(ended));
            }
            (Phase::OpenSent, Message::Open(open)) => self.open(now, open),
            (Phase::OpenConfirm, Message::KeepAlive) => {
                self.phase = Phase::Established;
                self.established = Some(now);
                self.counts.sessions += 1;
                self.error = None;
                self.table.forget_session();
            }
            (Phase::Established, Message::KeepAlive) => {}
            (Phase::Established, Message::Update(update)) => {
                self.counts.updates += 1;
                self.count(now, update.routes());
            }
            (Phase::Established, Message::RouteRefresh(family)) => self.refresh.0.extend(family),
            (phase, message) => {
                // RFC 6608: the subcode is the state.
                let subcode = match phase {
                    Phase::OpenSent => 1,
                    Phase::OpenConfirm => 2,
                    _ => 3,
                };
                let kind = match message {
                    Message::Open(_) => "OPEN",
                    Message::Update(_) => "UPDATE",
                    Message::KeepAlive => "KEEPALIVE",
                    _ => "ROUTE-REFRESH",
                };
                let order = Fault::new(&fault::ORDER).object(kind).found(format!("in state {}", phase.name()));
                self.close(now, Some(Notification::new(5, subcode)), Some(order));
            }
        }
    }

    fn open(&mut self, now: Micros, open: Open) {
        if let Err(fault) = self.acceptable(&open) {
            return self.close(now, Some(Notification::answering(Kind::Open, &fault)), Some(fault));
        }
        self.hold = Micros::from(open.hold_s.min(self.neighbour.hold_s)) * SECOND;
        self.keepalive_at = now + self.jitter(self.hold / 3);
        self.phase = Phase::OpenConfirm;
        self.peer = Some(open);
        self.say(&Message::KeepAlive);
    }

    fn acceptable(&self, open: &Open) -> base::Result<()> {
        let wrong = |object: &str| Fault::new(&fault::OPEN).object(object);
        if open.asn != self.neighbour.peer_as {
            return Err(wrong("AS").expected(self.neighbour.peer_as).found(open.asn));
        }
        // RFC 6286: unlike ours inside an AS.
        if self.neighbour.is_internal() && open.router_id == self.neighbour.router_id {
            return Err(wrong("router id").expected("another than ours").found(open.router_id));
        }
        // Without a hold time a neighbour would keep our announcements when our machine loses power, whatever their lease.
        if open.hold_s == 0 {
            return Err(wrong("hold time").expected("3 s or more").found("0, which never ends"));
        }
        if !self.neighbour.families.iter().any(|family| open.takes(*family)) {
            return Err(wrong("families").expected("one of ours").found(format!("{:?}", open.families)));
        }
        Ok(())
    }

    /// Counts routes of the neighbour in the present minute; a message without any counts as one, for reading it costs as much.
    fn count(&mut self, now: Micros, routes: usize) {
        if now - self.received.0 >= WINDOW {
            self.received = (now, 0);
        }
        self.received.1 += routes.max(1);
        if self.received.1 > self.neighbour.max_received {
            let flooded = Fault::new(&fault::FLOODED)
                .object(self.neighbour.address)
                .expected(format!("at most {} in a minute", self.neighbour.max_received));
            self.close(now, Some(Notification::too_many()), Some(flooded));
        }
    }
}
