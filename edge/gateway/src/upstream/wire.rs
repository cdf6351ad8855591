//! One HTTP/1.1 connection to an origin. It is driven by the task that uses it, not by one of its own: a request costs no
//! switch between tasks, and what was closed while it rested is seen before it is used again.

use super::{Failure, Origin};
use crate::proxy::RequestBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

/// Largest head of an answer, bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// Most fields of an answer's head.
const FIELDS: usize = 256;

/// A connection that carries one request at a time.
pub(super) struct Wire {
    sender: http1::SendRequest<RequestBody>,
    driver: http1::Connection<TokioIo<TcpStream>, RequestBody>,
    /// When it was last used.
    rested: Instant,
}

/// How HTTP/1.1 is spoken to origins.
pub(super) fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_header_size(HEAD_BYTES).max_headers(FIELDS);
    builder
}

impl Wire {
    pub(super) async fn new(stream: TcpStream) -> Result<Wire, Failure> {
        let (sender, driver) = builder().handshake(TokioIo::new(stream)).await.map_err(Failure::connect)?;
        Ok(Wire { sender, driver, rested: Instant::now() })
    }

    /// Whether the origin still holds it and it can take a request.
    fn ready(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.driver).poll(cx).is_pending() && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(())))
    }

    /// Sends a request and waits for the head of the answer. A request that was not begun to be sent comes back.
    async fn send(&mut self, request: Request<RequestBody>) -> Result<Response<Incoming>, Failure> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let mut driven = false;
        std::future::poll_fn(|cx| {
            loop {
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(answer.map_err(Failure::from));
                }
                if driven || Pin::new(&mut *driver).poll(cx).is_pending() {
                    // The answer may have come while the connection was driven.
                    return answer.as_mut().poll(cx).map_err(Failure::from);
                }
                driven = true;
            }
        })
        .await
    }
}

/// A connection in use: it goes back to its origin when the answer was read to its end, else it is closed.
pub(crate) struct Lease {
    wire: Wire,
    origin: Arc<Origin>,
    worker: usize,
    _slot: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn new(wire: Wire, origin: Arc<Origin>, worker: usize, slot: OwnedSemaphorePermit) -> Lease {
        Lease { wire, origin, worker, _slot: slot }
    }

    /// One that rests and is still held by the origin.
    pub(super) fn rested(
        origin: &Arc<Origin>,
        worker: usize,
        slot: OwnedSemaphorePermit,
    ) -> Result<Lease, OwnedSemaphorePermit> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while let Some(mut wire) = origin.wake(worker) {
            if wire.rested.elapsed() < origin.keep && wire.ready(&mut cx) {
                return Ok(Lease::new(wire, origin.clone(), worker, slot));
            }
        }
        Err(slot)
    }

    /// Sends a request; the answer's body carries the connection.
    pub(super) async fn send(mut self, request: Request<RequestBody>) -> Result<Response<Stream>, Failure> {
        let answer = self.wire.send(request).await?;
        let (head, incoming) = answer.into_parts();
        let mut stream = Stream::Wire { incoming, lease: Some(Box::new(self)) };
        if stream.is_end_stream() {
            std::future::poll_fn(|cx| {
                stream.rest(cx);
                Poll::Ready(())
            })
            .await;
        }
        Ok(Response::from_parts(head, stream))
    }
}

/// The body of an answer.
pub(crate) enum Stream {
    /// Of an HTTP/1.1 connection, which it drives.
    Wire { incoming: Incoming, lease: Option<Box<Lease>> },
    /// Of a connection that a task of its own drives.
    Spawned { incoming: Incoming, _slot: OwnedSemaphorePermit },
}

impl Stream {
    /// Gives the connection back when it can take another request.
    fn rest(&mut self, cx: &mut Context<'_>) {
        let Stream::Wire { lease, .. } = self else { return };
        if let Some(mut lease) = lease.take()
            && lease.wire.ready(cx)
        {
            lease.wire.rested = Instant::now();
            lease.origin.rest(lease.worker, lease.wire);
        }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let (incoming, lease) = match &mut *self {
            Stream::Spawned { incoming, .. } => return Pin::new(incoming).poll_frame(cx),
            Stream::Wire { incoming, lease } => (incoming, lease),
        };
        let mut frame = Pin::new(&mut *incoming).poll_frame(cx);
        if frame.is_pending() {
            let ended = lease.as_mut().is_some_and(|lease| Pin::new(&mut lease.wire.driver).poll(cx).is_ready());
            if ended {
                *lease = None;
            }
            frame = Pin::new(&mut *incoming).poll_frame(cx);
        }
        let last = match &frame {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(_))) => incoming.is_end_stream(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if last {
            self.rest(cx);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Stream::Wire { incoming, .. } | Stream::Spawned { incoming, .. } => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Stream::Wire { incoming, .. } | Stream::Spawned { incoming, .. } => incoming.size_hint(),
        }
    }
}
