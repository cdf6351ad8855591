//! The body of a request on its way to the origin: what was held back to be judged, then what still comes in.

use bytes::{Bytes, BytesMut};
use futures::ready;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Why a request's body ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// Longer than the site takes.
    TooLong,
    /// Slower than the site waits for.
    TooSlow,
    /// The client went away, or its framing is broken.
    Broken,
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BodyFault::TooLong => "the body is too long",
            BodyFault::TooSlow => "the body is too slow",
            BodyFault::Broken => "the body broke off",
        })
    }
}

impl std::error::Error for BodyFault {}

/// How a body gets on, seen from outside of it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    fault: AtomicU8,
}

impl Progress {
    /// Bytes received.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Why it ended early, if it did.
    pub(crate) fn fault(&self) -> Option<BodyFault> {
        match self.fault.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(BodyFault::TooLong),
            2 => Some(BodyFault::TooSlow),
            _ => Some(BodyFault::Broken),
        }
    }

    fn fail(&self, fault: BodyFault) -> BodyFault {
        let number = match fault {
            BodyFault::TooLong => 1,
            BodyFault::TooSlow => 2,
            BodyFault::Broken => 3,
        };
        self.fault.store(number, Ordering::Relaxed);
        fault
    }
}

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Most bytes.
    pub(crate) length: u64,
    /// Fewest bytes a second while we wait; 0 for any.
    pub(crate) rate: u64,
    /// Time before the rate counts.
    pub(crate) grace: Duration,
}

/// A body that comes in, held to its bounds. Only time spent waiting for the client counts against it: an origin that
/// reads slowly is not the client's fault.
pub(crate) struct Inflow {
    incoming: Incoming,
    bounds: Bounds,
    progress: Arc<Progress>,
    waited: Duration,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Inflow {
    pub(crate) fn new(incoming: Incoming, bounds: Bounds) -> Inflow {
        let progress = Arc::new(Progress::default());
        Inflow { incoming, bounds, progress, waited: Duration::ZERO, since: None, timer: None }
    }

    /// How it gets on.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Pending => return self.wait(cx),
            Poll::Ready(frame) => frame,
        };
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        Poll::Ready(match frame {
            None => None,
            // What stands behind the body was judged by nobody; an origin may merge it into the head (RFC 9110 §6.5.1).
            Some(Ok(frame)) if frame.is_trailers() => None,
            Some(Err(_)) => Some(Err(self.progress.fail(BodyFault::Broken))),
            Some(Ok(frame)) => {
                let added = frame.data_ref().map_or(0, |data| data.len() as u64);
                let total = self.progress.bytes.fetch_add(added, Ordering::Relaxed) + added;
                let long = total > self.bounds.length;
                Some(if long { Err(self.progress.fail(BodyFault::TooLong)) } else { Ok(frame) })
            }
        })
    }

    /// The client lets us wait: the time that its rate leaves it runs.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let Some(earned) = (self.progress.bytes() * 1000).checked_div(self.bounds.rate) else { return Poll::Pending };
        let since = *self.since.get_or_insert_with(Instant::now);
        let allowed = self.bounds.grace + Duration::from_millis(earned);
        let deadline = since + allowed.saturating_sub(self.waited);
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(self.progress.fail(BodyFault::TooSlow))))
    }

    /// Whether nothing comes any more.
    fn ended(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// Takes what comes, up to a number of bytes or the end. Of a stream of gRPC messages, which a client may go on with
    /// only when it got an answer, no more is waited for once a message is whole.
    pub(crate) async fn hold(mut self, wanted: &Wanted) -> Result<Held, BodyFault> {
        let mut held = Held { extra: Extra { room: wanted.room.clone(), bytes: 0 }, ..Held::default() };
        while held.bytes < wanted.most {
            if held.bytes >= wanted.own && !held.extra.take(held.bytes - wanted.own) {
                break;
            }
            let frame = std::future::poll_fn(|cx| match self.poll(cx) {
                Poll::Pending if wanted.grpc && held.whole_message() => Poll::Ready(Err(())),
                poll => poll.map(Ok),
            });
            match frame.await {
                Err(()) => break,
                Ok(Some(frame)) => held.add(frame?),
                Ok(None) => {
                    held.whole = true;
                    return Ok(held);
                }
            }
        }
        if self.ended() {
            held.whole = true;
        } else {
            held.rest = Some(Box::new(self));
        }
        Ok(held)
    }
}

/// How much of a body is to be held back.
pub(crate) struct Wanted {
    /// Bytes that every request may hold.
    pub(crate) own: u64,
    /// Bytes at most, those beyond `own` as long as there is room.
    pub(crate) most: u64,
    /// Room that all requests share.
    pub(crate) room: Arc<Room>,
    /// It is a stream of gRPC messages.
    pub(crate) grpc: bool,
}

/// Most bytes of bodies that are held back beyond what each request may hold by itself, all requests together: uploads at work
/// take up no more memory than this.
const ROOM_BYTES: u64 = 256 << 20;

/// Memory for bodies that all requests share.
#[derive(Debug, Default)]
pub(crate) struct Room(AtomicU64);

/// A request's share of it, given back at its end.
#[derive(Default)]
struct Extra {
    room: Arc<Room>,
    bytes: u64,
}

impl Extra {
    /// Takes up to `bytes` in all; false when there is no room.
    fn take(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let fits = |used: u64| used.checked_add(more).filter(|used| *used <= ROOM_BYTES);
        let taken = self.room.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        self.bytes += if taken { more } else { 0 };
        taken
    }
}

impl Drop for Extra {
    fn drop(&mut self) {
        self.room.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What was held back of a body.
#[derive(Default)]
pub(crate) struct Held {
    /// The pieces as they came.
    pub(crate) pieces: VecDeque<Bytes>,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Whether this is all of it.
    pub(crate) whole: bool,
    rest: Option<Box<Inflow>>,
    extra: Extra,
}

impl Held {
    fn add(&mut self, frame: Frame<Bytes>) {
        if let Ok(data) = frame.into_data() {
            self.bytes += data.len() as u64;
            self.pieces.push_back(data);
        }
    }

    /// Whether a whole gRPC message is there: a flag, a length of four bytes, the message.
    fn whole_message(&self) -> bool {
        let mut prefix = self.pieces.iter().flat_map(|piece| piece.iter().copied()).take(5).skip(1);
        let length = prefix.by_ref().fold(0_u64, |length, byte| length << 8 | u64::from(byte));
        self.bytes >= 5 && self.bytes - 5 >= length
    }

    /// The body to send on.
    pub(crate) fn into_body(self) -> RequestBody {
        RequestBody { pieces: self.pieces, left: self.bytes, rest: self.rest, _extra: self.extra }
    }
}

/// A body on its way to an origin.
#[derive(Default)]
pub(crate) struct RequestBody {
    pieces: VecDeque<Bytes>,
    left: u64,
    rest: Option<Box<Inflow>>,
    _extra: Extra,
}

impl RequestBody {
    /// No body.
    pub(crate) fn empty() -> RequestBody {
        RequestBody::default()
    }

    /// A body that is passed on as it comes.
    pub(crate) fn flowing(inflow: Inflow) -> RequestBody {
        RequestBody { rest: Some(Box::new(inflow)), ..RequestBody::default() }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Some(piece) = self.pieces.pop_front() {
            self.left -= piece.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match &mut self.rest {
            Some(rest) => rest.poll(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.rest.as_ref().is_none_or(|rest| rest.ended())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            None => SizeHint::with_exact(self.left),
            Some(rest) => match rest.incoming.size_hint().exact() {
                Some(exact) => SizeHint::with_exact(self.left + exact),
                None => SizeHint::default(),
            },
        }
    }
}

/// The pieces as one text, copied only when there are several.
pub(crate) fn joined(pieces: &VecDeque<Bytes>, bytes: u64) -> Bytes {
    match pieces.len() {
        0 => Bytes::new(),
        1 => pieces[0].clone(),
        _ => {
            let mut text = BytesMut::with_capacity(usize::try_from(bytes).unwrap_or(0));
            pieces.iter().for_each(|piece| text.extend_from_slice(piece));
            text.freeze()
        }
    }
}
