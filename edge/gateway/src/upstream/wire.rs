//! One HTTP/1.1 connection to an origin. It is driven by the task that uses it, not by one of its own: a request costs no
//! switch between tasks, and what was closed while it rested is seen before it is used again.

use super::link::Link;
use super::upload::{Unsent, Upload};
use super::{Broken, Failure, Origin, Route};
use crate::proxy::head as fields;
use bytes::{Buf, Bytes, BytesMut};
use futures::ready;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::AsyncReadExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use wire::answer::{self, Limits, Step};

/// Bytes that are read at once, at first and at most.
const READ_BYTES: usize = 8 * 1024;
const MOST_READ_BYTES: usize = 64 * 1024;
/// Pieces of a body below this are copied: a copy costs less than a buffer that is given away.
const COPIED_BYTES: usize = 1024;
/// Most interim answers (1xx) before an answer.
const INTERIM: usize = 16;

/// A connection that carries one request at a time.
pub(super) struct Wire {
    link: Link,
    /// What came and was not read yet, and how far the end of a head was searched in it.
    input: BytesMut,
    searched: usize,
    /// Bytes that are read at once: more when more came than there was room for.
    room: usize,
    interim: usize,
    limits: Limits,
    /// The request, as long as its answer comes before it is all sent.
    upload: Option<Box<Upload>>,
    body: answer::Body,
    trailers: Option<HeaderMap>,
    /// The origin keeps the connection.
    kept: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// Monotonic time of its last request, µs.
    used: i64,
}

impl Wire {
    pub(super) fn new(link: Link) -> Wire {
        Wire {
            link,
            input: BytesMut::new(),
            searched: 0,
            room: READ_BYTES,
            interim: 0,
            limits: Limits::default(),
            upload: None,
            body: answer::Body::length(0),
            trailers: None,
            kept: false,
            timer: None,
            used: 0,
        }
    }

    /// Reads more of what comes; none is the end.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < self.room / 2 {
            self.input.reserve(self.room);
        }
        let read = ready!(std::pin::pin!(self.link.read_buf(&mut self.input)).poll(cx));
        if read.as_ref().is_ok_and(|bytes| *bytes >= self.room) {
            self.room = (2 * self.room).min(MOST_READ_BYTES);
        }
        Poll::Ready(read)
    }

    /// Whether the origin still holds it and said nothing since the last answer.
    fn rests(&mut self) -> bool {
        self.read(&mut Context::from_waker(std::task::Waker::noop())).is_pending()
    }

    /// Sends what can be sent of a request, and reads the head of the answer.
    pub(super) fn poll_head(
        &mut self,
        upload: &mut Upload,
        interim: &mut dyn FnMut(StatusCode, &HeaderMap),
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, Failure>> {
        let stuck = match upload.done() {
            true => None,
            false => match upload.poll(&mut self.link, cx) {
                Poll::Ready(Err(Unsent::Body(fault))) => return Poll::Ready(Err(Broken::Body(fault).into())),
                Poll::Ready(Err(Unsent::Link(cause))) => Some(cause),
                Poll::Ready(Ok(())) | Poll::Pending => None,
            },
        };
        loop {
            if let Some(end) = answer::end(&self.input, &mut self.searched) {
                match self.head(end, upload)? {
                    Some(head)
                        if head.status().is_informational() && head.status() != StatusCode::SWITCHING_PROTOCOLS =>
                    {
                        interim(head.status(), head.headers());
                    }
                    Some(head) => return Poll::Ready(Ok(head)),
                    None => return Poll::Ready(Err(Broken::Interim.into())),
                }
                continue;
            }
            if self.input.len() > self.limits.head_bytes {
                return Poll::Ready(Err(Broken::Answer(answer::Broken::HeadTooLarge).into()));
            }
            let cause = match (self.read(cx), stuck.is_some()) {
                (Poll::Ready(Ok(1..)), _) => continue,
                (Poll::Ready(Ok(0)), _) => io::ErrorKind::UnexpectedEof.into(),
                (Poll::Ready(Err(cause)), _) => cause,
                (Poll::Pending, true) => stuck.unwrap_or(io::ErrorKind::BrokenPipe.into()),
                (Poll::Pending, false) => return Poll::Pending,
            };
            let nothing = upload.untouched() && self.input.is_empty();
            return Poll::Ready(Err(if nothing { Failure::Unsent } else { Broken::Link(cause).into() }));
        }
    }

    /// Takes a head that is there; none when it is one interim answer too many, or a change of protocol nobody asked for.
    fn head(&mut self, end: usize, upload: &Upload) -> Result<Option<Response<()>>, Failure> {
        let bytes = Bytes::copy_from_slice(&self.input[..end]);
        self.input.advance(end);
        self.searched = 0;
        let (mut headers, mut named) = (HeaderMap::new(), Vec::new());
        let (mut names, mut values) = (Ok(()), Ok(()));
        let head = answer::Head::read(&bytes, &self.limits, |field| {
            let name = match HeaderName::from_bytes(&bytes[field.name]) {
                Ok(name) => name,
                Err(_) => return names = Err(Broken::Answer(answer::Broken::Field)),
            };
            if name == CONNECTION {
                named.extend(fields::named(&bytes[field.value.clone()]));
            }
            if fields::hop_by_hop(name.as_str()) {
                return;
            }
            match HeaderValue::from_maybe_shared(bytes.slice(field.value)) {
                Ok(value) => drop(headers.append(name, value)),
                Err(_) => values = Err(Broken::Answer(answer::Broken::Field)),
            }
        });
        let head = head.map_err(Broken::Answer)?;
        names.and(values)?;
        for name in named {
            headers.remove(name);
        }
        if head.doubtful {
            headers.remove(CONTENT_LENGTH);
        }
        if head.status < 200 {
            self.interim += 1;
            if self.interim > INTERIM || (head.status == 101 && !upload.upgrade) {
                return Ok(None);
            }
        } else {
            self.interim = 0;
            self.body = head.body(upload.headless, &self.limits);
            self.kept = !head.close && !self.body.ends_with_connection();
        }
        let mut answer = Response::new(());
        *answer.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::BAD_GATEWAY);
        *answer.headers_mut() = headers;
        Ok(Some(answer))
    }

    /// The next piece of the answer's body.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(mut upload) = self.upload.take() {
            match upload.poll(&mut self.link, cx) {
                Poll::Pending => self.upload = Some(upload),
                Poll::Ready(Ok(())) => {}
                // The origin would wait for the rest, and the answer with it.
                Poll::Ready(Err(Unsent::Body(fault))) => return Poll::Ready(Some(Err(Broken::Body(fault)))),
                // The rest of the answer may still come; the connection is of no further use.
                Poll::Ready(Err(Unsent::Link(_))) => self.kept = false,
            }
        }
        loop {
            match self.body.step(&self.input) {
                Err(broken) => return Poll::Ready(Some(Err(Broken::Answer(broken)))),
                Ok(Step::Data(bytes)) if bytes < COPIED_BYTES => {
                    let piece = Bytes::copy_from_slice(&self.input[..bytes]);
                    self.input.advance(bytes);
                    return Poll::Ready(Some(Ok(Frame::data(piece))));
                }
                Ok(Step::Data(bytes)) => {
                    return Poll::Ready(Some(Ok(Frame::data(self.input.split_to(bytes).freeze()))));
                }
                Ok(Step::Skip(bytes)) => self.input.advance(bytes),
                Ok(Step::Trailer(field, bytes)) => {
                    let name = HeaderName::from_bytes(&self.input[field.name]);
                    let value = HeaderValue::from_bytes(&self.input[field.value]);
                    if let (Ok(name), Ok(value)) = (name, value)
                        && !fields::in_heads_only(name.as_str())
                    {
                        self.trailers.get_or_insert_default().append(name, value);
                    }
                    self.input.advance(bytes);
                }
                Ok(Step::End) => {
                    return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Ok(Step::More) => match ready!(self.read(cx)) {
                    Ok(1..) => {}
                    Ok(0) if self.body.ends_with_connection() => {
                        self.body = answer::Body::length(0);
                    }
                    Ok(0) => return Poll::Ready(Some(Err(Broken::Link(io::ErrorKind::UnexpectedEof.into())))),
                    Err(cause) => return Poll::Ready(Some(Err(Broken::Link(cause)))),
                },
            }
        }
    }

    fn ended(&self) -> bool {
        self.body.ended() && self.trailers.is_none()
    }

    /// Whether it is late: a timer that fires early is set again, which is cheaper than setting it for each request.
    fn late(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
    }
}

/// A connection in use: it goes back to its origin when the answer was read to its end, else it is closed.
pub(crate) struct Lease {
    wire: Box<Wire>,
    origin: Arc<Origin>,
    worker: usize,
    slot: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(link: Link, origin: Arc<Origin>, worker: usize, slot: OwnedSemaphorePermit) -> Lease {
        Lease { wire: Box::new(Wire::new(link)), origin, worker, slot }
    }

    /// One that rests and is still held by the origin.
    pub(super) fn rested(
        origin: &Arc<Origin>,
        to: &Route,
        slot: OwnedSemaphorePermit,
    ) -> Result<Lease, OwnedSemaphorePermit> {
        while let Some(mut wire) = origin.wake(to.worker) {
            if to.now - wire.used < origin.keep_us && wire.rests() {
                return Ok(Lease { wire, origin: origin.clone(), worker: to.worker, slot });
            }
        }
        Err(slot)
    }

    /// Sends a request and waits for the head of the answer as long as the route says: while the request's body still gets
    /// on, the time begins anew. The answer's body carries the connection.
    pub(crate) async fn send(mut self, upload: &mut Upload, to: &Route) -> Result<Response<Stream>, Failure> {
        let (mut since, mut seen) = (Instant::now(), 0);
        let wire = &mut self.wire;
        wire.used = to.now;
        let head = std::future::poll_fn(|cx| {
            let answer = wire.poll_head(upload, &mut |status, headers| to.interim(status, headers), cx);
            if answer.is_ready() {
                return answer;
            }
            loop {
                ready!(wire.late(since + to.answer, cx));
                let now = to.sent.as_ref().map_or(0, |sent| sent.bytes());
                if now == seen {
                    return Poll::Ready(Err(Failure::Silent));
                }
                (since, seen) = (Instant::now(), now);
            }
        });
        let head = head.await?;
        if !upload.done() {
            wire.upload = Some(Box::new(std::mem::take(upload)));
        }
        let ended = wire.ended() && head.status() != StatusCode::SWITCHING_PROTOCOLS;
        let stream = Stream::Wire(self);
        Ok(head.map(|()| if ended { stream.rest() } else { stream }))
    }

    /// Gives the connection back when it can take another request.
    fn rest(mut self) {
        let wire = &mut self.wire;
        if wire.kept && wire.upload.is_none() && wire.input.is_empty() {
            if wire.input.capacity() > 2 * READ_BYTES {
                (wire.input, wire.room) = (BytesMut::new(), READ_BYTES);
            }
            self.origin.rest(self.worker, self.wire);
        }
    }
}

/// The body of an answer.
pub(crate) enum Stream {
    /// Of an HTTP/1.1 connection, which it drives.
    Wire(Lease),
    /// Of a connection that a task of its own drives.
    Spawned { incoming: Incoming, _slot: OwnedSemaphorePermit },
    /// It has ended.
    Ended,
}

/// A connection that became another protocol.
pub(crate) struct Switched {
    pub(crate) link: Link,
    /// What came of the other protocol already.
    pub(crate) prefix: Vec<u8>,
    pub(crate) slot: OwnedSemaphorePermit,
}

impl Stream {
    fn rest(self) -> Stream {
        if let Stream::Wire(lease) = self {
            lease.rest();
        }
        Stream::Ended
    }

    /// The connection itself, after the origin agreed to another protocol.
    pub(crate) fn switched(self) -> Option<Switched> {
        let Stream::Wire(Lease { wire, slot, .. }) = self else { return None };
        Some(Switched { prefix: wire.input.to_vec(), link: wire.link, slot })
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let wire = match &mut *self {
            Stream::Spawned { incoming, .. } => {
                return Pin::new(incoming).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(Broken::Http2)));
            }
            Stream::Ended => return Poll::Ready(None),
            Stream::Wire(lease) => &mut lease.wire,
        };
        let frame = ready!(wire.poll_body(cx));
        let ended = frame.is_none() || (matches!(frame, Some(Ok(_))) && wire.ended());
        if ended {
            let stream = std::mem::replace(&mut *self, Stream::Ended);
            stream.rest();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Stream::Wire(lease) => lease.wire.ended(),
            Stream::Spawned { incoming, .. } => incoming.is_end_stream(),
            Stream::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Stream::Wire(lease) => lease.wire.body.left().map_or_else(SizeHint::default, SizeHint::with_exact),
            Stream::Spawned { incoming, .. } => incoming.size_hint(),
            Stream::Ended => SizeHint::with_exact(0),
        }
    }
}
