//! The client's side of a connection: what is read goes past the framing guard before hyper sees it, and whoever lets us wait
//! too long, in either direction, loses the connection.

use crate::page;
use base::Random;
use futures::ready;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use wire::framing::{Guard, Progress};

/// How long, and how many reads long, a refused client is listened to so that it sees its answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_READS: usize = 64;

/// What the stream and the requests on it know of each other.
#[derive(Debug, Default)]
pub(crate) struct IoState {
    /// Requests at work.
    in_flight: AtomicU32,
    /// The last answer is not all sent.
    tail: AtomicBool,
    /// Another protocol goes on over the connection.
    upgraded: AtomicBool,
    refused: Mutex<Option<(Refused, String)>>,
    /// An interim answer for the request at work, to be sent when nothing of an earlier answer is outstanding.
    interim: Mutex<Vec<u8>>,
    interim_waits: AtomicBool,
    /// Fingerprint of the fields of the first request.
    pub(crate) order: OnceLock<Arc<str>>,
    /// Fingerprint of the HTTP/2 connection.
    pub(crate) h2: OnceLock<Arc<str>>,
}

/// Why a connection was ended by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its framing is doubtful.
    Framing(wire::framing::Refusal),
    /// A head took too long.
    SlowHead,
}

impl IoState {
    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.tail.store(true, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    /// An interim answer (1xx) goes to the client before the answer to the request at work.
    pub(crate) fn interim(&self, answer: &[u8]) {
        self.interim.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(answer);
        self.interim_waits.store(true, Ordering::Relaxed);
    }

    /// The answer itself comes: what was not sent before it never is.
    pub(crate) fn no_more_interim(&self) {
        if self.interim_waits.load(Ordering::Relaxed) {
            drop(self.take_interim());
        }
    }

    fn take_interim(&self) -> Vec<u8> {
        self.interim_waits.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.interim.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Why the connection was ended, and the number that its page shows.
    pub(crate) fn refused(&self) -> Option<(Refused, String)> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing of an earlier answer is outstanding, so that a last one may be sent.
    fn idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0 && !self.tail.load(Ordering::Relaxed)
    }
}

impl Refused {
    /// Status, and the word for events.
    pub(crate) fn told(self) -> (u16, &'static str) {
        match self {
            Refused::Framing(refusal) => (refusal.kind.status(), refusal.kind.name()),
            Refused::SlowHead => (408, "slow-head"),
        }
    }
}

/// What goes past is looked at for.
pub(crate) enum Watch {
    /// Framing of HTTP/1.
    Http1(Box<Guard>),
    /// The fingerprint of HTTP/2, until it is known.
    Http2(Box<wire::h2::Watcher>),
    /// Nothing.
    Nothing,
}

/// How long a client may let us wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
    pub(crate) write: Duration,
}

/// A stream under watch.
pub(crate) struct ClientIo<S> {
    stream: S,
    /// Read before, given out first.
    prefix: Vec<u8>,
    watch: Watch,
    state: Arc<IoState>,
    patience: Patience,
    progress: Progress,
    /// Since when nothing is at work; the head that arrives began.
    quiet_since: Option<Instant>,
    head_since: Option<Instant>,
    /// A request was at work once.
    served: bool,
    timer: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
    /// The last answer, as far as it is not sent.
    farewell: Option<Vec<u8>>,
    /// An interim answer that is begun, as far as it is not sent.
    begun: Vec<u8>,
    random: Arc<dyn Random>,
}

impl<S> ClientIo<S> {
    pub(crate) fn new(
        stream: S,
        prefix: Vec<u8>,
        watch: Watch,
        state: Arc<IoState>,
        patience: Patience,
        random: Arc<dyn Random>,
    ) -> Self {
        let timer = Box::pin(tokio::time::sleep(patience.head));
        ClientIo {
            stream,
            prefix,
            watch,
            state,
            patience,
            progress: Progress::Idle,
            quiet_since: None,
            head_since: None,
            served: false,
            timer,
            stalled: None,
            farewell: None,
            begun: Vec::new(),
            random,
        }
    }

    /// Ends the connection with an answer, if one may be sent now: no parser of ours gets to see the request.
    fn refuse(&mut self, refused: Refused) {
        let reference = page::reference(&*self.random);
        let answer = if self.state.idle() { page::raw(refused.told().0, &reference) } else { Vec::new() };
        self.farewell = Some(answer);
        *self.state.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((refused, reference));
    }

    /// What was read goes past; whether it may go on.
    fn seen(&mut self, bytes: &[u8]) -> bool {
        match &mut self.watch {
            Watch::Nothing => return true,
            Watch::Http1(guard) => {
                if self.state.upgraded.load(Ordering::Relaxed) {
                    self.watch = Watch::Nothing;
                    return true;
                }
                match guard.feed(bytes) {
                    Ok(progress) => self.progress = progress,
                    Err(refusal) => {
                        self.refuse(Refused::Framing(refusal));
                        return false;
                    }
                }
                if let Some(head) = guard.take_head() {
                    let _ = self.state.order.set(head.order().into());
                    guard.forget_heads();
                }
            }
            Watch::Http2(watcher) => match watcher.feed(bytes) {
                Ok(None) => {}
                Ok(Some(opening)) => {
                    let _ = self.state.h2.set(opening.fingerprint().into());
                    self.watch = Watch::Nothing;
                }
                // No HTTP/2, which its parser will say.
                Err(_) => self.watch = Watch::Nothing,
            },
        }
        self.head_since = match self.progress {
            Progress::Head => Some(self.head_since.unwrap_or_else(Instant::now)),
            _ => None,
        };
        true
    }

    /// The client lets us wait; ready when it was too long, for a head or between requests.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.state.in_flight.load(Ordering::Relaxed) > 0 {
            (self.served, self.quiet_since) = (true, None);
            return Poll::Pending;
        }
        let now = Instant::now();
        let (head, idle) = (self.patience.head, self.patience.idle);
        let deadline = match self.head_since {
            Some(since) => since + head,
            None => *self.quiet_since.get_or_insert(now) + if self.served { idle } else { head.min(idle) },
        };
        // A timer that is set too early is set again when it fires: cheaper than setting it for each request.
        if self.timer.deadline() > deadline {
            self.timer.as_mut().reset(deadline);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if deadline > now {
                self.timer.as_mut().reset(deadline);
            } else {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Whether the client took too long to take what we send.
    fn sent<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let write = self.patience.write;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(write)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientIo<S> {
    /// Sends what is left of the last answer; then nothing can be read any more.
    fn leave(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.farewell.as_mut().filter(|left| !left.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, left) {
                Poll::Ready(Ok(sent @ 1..)) => drop(left.drain(..sent)),
                Poll::Ready(_) => break,
                Poll::Pending => return self.sent(cx, Poll::Pending),
            }
        }
        let _ = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    /// Reads and drops what the client still sends after the last answer: closing with bytes unread would reset the
    /// connection and take the answer from the client (RFC 9112 §9.6).
    pub(crate) async fn linger(mut self) {
        let mut piece = [0; 4096];
        let drained = async {
            for _ in 0..LINGER_READS {
                if !matches!(self.stream.read(&mut piece).await, Ok(1..)) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(LINGER, drained).await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ClientIo<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.farewell.is_some() {
            return this.leave(cx);
        }
        let before = buf.filled().len();
        if this.prefix.is_empty() {
            match Pin::new(&mut this.stream).poll_read(cx, buf) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(cause)) => return Poll::Ready(Err(cause)),
                Poll::Pending => {
                    ready!(this.wait(cx));
                    if this.head_since.is_none() {
                        return Poll::Ready(Ok(()));
                    }
                    this.refuse(Refused::SlowHead);
                    return this.leave(cx);
                }
            }
        } else {
            let taken = this.prefix.len().min(buf.remaining());
            buf.put_slice(&this.prefix[..taken]);
            this.prefix.drain(..taken);
        }
        if this.seen(&buf.filled()[before..]) {
            return Poll::Ready(Ok(()));
        }
        buf.set_filled(before);
        this.leave(cx)
    }
}

impl<S: AsyncWrite + Unpin> ClientIo<S> {
    /// Sends what is left of an interim answer that was begun.
    fn finish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.begun.is_empty() {
            let poll = Pin::new(&mut self.stream).poll_write(cx, &self.begun);
            match ready!(self.sent(cx, poll))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => drop(self.begun.drain(..sent)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ClientIo<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.finish(cx))?;
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whoever flushes has nothing left to write: here alone an interim answer cannot fall into another answer.
        if self.state.interim_waits.load(Ordering::Relaxed) {
            let mut interim = self.state.take_interim();
            self.begun.append(&mut interim);
        }
        ready!(self.finish(cx))?;
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        if poll.is_ready() {
            self.state.tail.store(false, Ordering::Relaxed);
        }
        self.sent(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.sent(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.finish(cx))?;
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.sent(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A stream of which something was read before.
pub(crate) struct Prefixed<S> {
    pub(crate) prefix: Vec<u8>,
    pub(crate) stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let taken = self.prefix.len().min(buf.remaining());
        buf.put_slice(&self.prefix[..taken]);
        self.prefix.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
