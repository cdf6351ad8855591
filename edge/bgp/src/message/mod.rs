//! The five messages (RFC 4271, 4; ROUTE-REFRESH: RFC 2918): what we say, and everything that a neighbour may say.

mod attribute;
mod notification;
mod open;
mod update;

pub use attribute::{Attributes, Segment};
pub use notification::Notification;
pub use open::Open;
pub use update::{Nlri, Reach, Update};

use crate::wire::Reader;
use crate::{Family, fault};
use base::{Fault, Result};

/// Bytes of the header: marker, length, type.
pub const HEADER: usize = 19;
/// Longest message, bytes (RFC 4271, 4.1); we do not offer longer ones (RFC 8654).
pub const LONGEST: usize = 4096;

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The first: who we are and what we can.
    Open(Open),
    /// Routes announced and withdrawn.
    Update(Update),
    /// The last: why the session ends.
    Notification(Notification),
    /// We are here.
    KeepAlive,
    /// Tell everything of a family again; none for a family that is not ours.
    RouteRefresh(Option<Family>),
}

/// What a message is, before its body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Type 1.
    Open,
    /// Type 2.
    Update,
    /// Type 3.
    Notification,
    /// Type 4.
    KeepAlive,
    /// Type 5.
    RouteRefresh,
}

impl Kind {
    fn of(number: u8) -> Option<Kind> {
        let all = [Kind::Open, Kind::Update, Kind::Notification, Kind::KeepAlive, Kind::RouteRefresh];
        all.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// Shortest and longest whole message of the kind, bytes.
    fn bounds(self) -> (usize, usize) {
        match self {
            Kind::Open => (29, LONGEST),
            Kind::Update => (23, LONGEST),
            Kind::Notification => (21, LONGEST),
            Kind::KeepAlive => (HEADER, HEADER),
            // A longer one carries filters (RFC 5291) that we do not offer; what is behind the family is left out.
            Kind::RouteRefresh => (23, LONGEST),
        }
    }
}

/// A whole message in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: Kind,
    /// Behind the header.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first message of a stream; none until it is whole. [`fault::HEADER`] as soon as the header is wrong, so
    /// that a stream of something else is refused after 19 bytes.
    pub fn first(stream: &'a [u8]) -> Result<Option<Frame<'a>>> {
        let wrong = |object: &str, found: String| Err(Fault::new(&fault::HEADER).object(object).found(found));
        let marker = &stream[..stream.len().min(16)];
        if let Some(other) = marker.iter().find(|byte| **byte != 0xff) {
            return wrong("marker", format!("{other:#04x}"));
        }
        let Some((header, rest)) = stream.split_at_checked(HEADER) else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let Some(kind) = Kind::of(header[18]) else { return wrong("type", header[18].to_string()) };
        let (shortest, longest) = kind.bounds();
        if !(shortest..=longest).contains(&length) {
            return wrong("length", length.to_string());
        }
        Ok(rest.get(..length - HEADER).map(|body| Frame { kind, body }))
    }

    /// Bytes of the whole message.
    pub fn length(&self) -> usize {
        HEADER + self.body.len()
    }

    /// Reads the body. `wide` says that both ends use AS numbers of four bytes (RFC 6793).
    pub fn decode(&self, wide: bool) -> Result<Message> {
        let mut body = Reader::new(self.body, "message");
        Ok(match self.kind {
            Kind::Open => Message::Open(Open::read(body)?),
            Kind::Update => Message::Update(Update::read(body, wide)?),
            Kind::Notification => Message::Notification(Notification::read(body)?),
            Kind::KeepAlive => Message::KeepAlive,
            Kind::RouteRefresh => {
                let (afi, _, safi) = (body.u16()?, body.u8()?, body.u8()?);
                Message::RouteRefresh(Family::of(afi, safi))
            }
        })
    }
}

impl Message {
    /// Puts the message behind what is in `out`. Says false, and changes nothing, when it would be longer than
    /// [`LONGEST`].
    #[must_use]
    pub fn write(&self, wide: bool, out: &mut Vec<u8>) -> bool {
        let at = out.len();
        out.extend([0xff; 16]);
        out.extend([0, 0]);
        match self {
            Message::Open(open) => {
                out.push(1);
                open.write(out);
            }
            Message::Update(update) => {
                out.push(2);
                update.write(wide, out);
            }
            Message::Notification(notification) => {
                out.push(3);
                notification.write(out);
            }
            Message::KeepAlive => out.push(4),
            Message::RouteRefresh(family) => {
                let (afi, safi) = family.map_or((0, 0), Family::numbers);
                out.push(5);
                out.extend(afi.to_be_bytes());
                out.extend([0, safi]);
            }
        }
        let length = out.len() - at;
        if length > LONGEST {
            out.truncate(at);
            return false;
        }
        out[at + 16..at + 18].copy_from_slice(&(length as u16).to_be_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0xff; 16];
        out.extend(((HEADER + body.len()) as u16).to_be_bytes());
        out.push(kind);
        out.extend(body);
        out
    }

    #[test]
    fn keepalive_is_a_header() {
        let mut out = Vec::new();
        assert!(Message::KeepAlive.write(true, &mut out));
        assert_eq!(out, whole(4, &[]));
        let frame = Frame::first(&out).unwrap().unwrap();
        assert_eq!((frame.decode(true).unwrap(), frame.length()), (Message::KeepAlive, HEADER));
    }

    #[test]
    fn a_stream_of_something_else_is_refused_early() {
        assert!(Frame::first(b"GET ").unwrap_err().is(&fault::HEADER));
        for (kind, length) in [(0, 19), (6, 19), (4, 20), (1, 28), (2, 22), (2, 4097), (3, 20)] {
            let mut header = whole(kind, &[]);
            header[16..18].copy_from_slice(&u16::to_be_bytes(length));
            assert!(Frame::first(&header).unwrap_err().is(&fault::HEADER), "{kind} {length}");
        }
    }

    #[test]
    fn a_message_comes_in_parts() {
        let wire = whole(5, &[0, 1, 0, 133]);
        for cut in 0..wire.len() {
            assert_eq!(Frame::first(&wire[..cut]).unwrap(), None);
        }
        let frame = Frame::first(&wire).unwrap().unwrap();
        assert_eq!(frame.decode(true).unwrap(), Message::RouteRefresh(Some(Family::Ipv4Flow)));
    }

    proptest! {
        #[test]
        fn any_body_of_any_kind_decodes_or_is_a_named_fault(
            kind in 1..=5_u8, body in prop::collection::vec(any::<u8>(), 0..600), wide: bool,
        ) {
            let wire = whole(kind, &body);
            match Frame::first(&wire) {
                Ok(Some(frame)) => match frame.decode(wide) {
                    Ok(message) => {
                        let mut again = Vec::new();
                        let _ = message.write(wide, &mut again);
                    }
                    Err(fault) => prop_assert!(fault::ALL.iter().any(|code| fault.is(code))),
                },
                Ok(None) => prop_assert!(false, "a whole message is whole"),
                Err(fault) => prop_assert!(fault.is(&fault::HEADER)),
            }
        }

        #[test]
        fn any_stream_is_read_without_harm(stream in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Frame::first(&stream);
        }
    }
}
