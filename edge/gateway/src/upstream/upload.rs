//! A request on its way to an HTTP/1.1 origin: its head in bytes, and its body as it comes.
//!
//! Until its first byte is written it can be sent over another connection; when nothing but the head was to be sent, also
//! later.

use crate::proxy::{BodyFault, RequestBody, head};
use bytes::Bytes;
use futures::ready;
use hyper::body::{Body, Frame};
use hyper::{HeaderMap, Method};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;

/// Bytes of a body that wait to be written, and pieces; more is not taken from the client meanwhile.
const WAITING_BYTES: usize = 64 * 1024;
const WAITING_PIECES: usize = 16;

/// Why a request could not be sent to its end.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// The connection took no more.
    Link(io::Error),
    /// The body broke off.
    Body(BodyFault),
}

/// A request on its way.
#[derive(Default)]
pub(crate) struct Upload {
    head: Vec<u8>,
    /// Bytes of the head that were written.
    written: usize,
    body: RequestBody,
    chunked: bool,
    /// Pieces of the body, framed.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    body_ended: bool,
    flushed: bool,
    /// No body follows the head.
    alone: bool,
    /// The answer to it has no body.
    pub(super) headless: bool,
    /// It asks for another protocol.
    pub(super) upgrade: bool,
}

impl Upload {
    /// A head that ends with its empty line, and the body that follows: in chunks (RFC 9112 section 7.1), or of the length that
    /// the head says.
    pub(crate) fn new(head: Vec<u8>, body: RequestBody, chunked: bool, method: &Method) -> Upload {
        let alone = body.is_end_stream();
        Upload {
            head,
            written: 0,
            body,
            chunked: chunked && !alone,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            body_ended: alone,
            flushed: false,
            alone,
            headless: *method == Method::HEAD,
            upgrade: false,
        }
    }

    /// A request without a body that asks for another protocol.
    pub(crate) fn switching(head: Vec<u8>) -> Upload {
        Upload { upgrade: true, ..Upload::new(head, RequestBody::empty(), false, &Method::GET) }
    }

    /// Whether nothing of it was written.
    pub(super) fn untouched(&self) -> bool {
        self.written == 0
    }

    /// Whether all of it was sent.
    pub(super) fn done(&self) -> bool {
        self.flushed
    }

    /// From the beginning again; `false` when something of a body is gone.
    pub(super) fn again(&mut self) -> bool {
        if self.alone {
            (self.written, self.flushed) = (0, false);
        }
        self.alone || self.untouched()
    }

    /// Writes what can be written; ready when all was sent.
    pub(super) fn poll<W: AsyncWrite + Unpin>(&mut self, to: &mut W, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        loop {
            self.gather(cx).map_err(Unsent::Body)?;
            if self.written == self.head.len() && self.waiting.is_empty() {
                ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(Unsent::Link)?;
                self.flushed = self.body_ended;
                return if self.flushed { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            let written = {
                let mut pieces = [IoSlice::new(&[]); WAITING_PIECES + 1];
                pieces[0] = IoSlice::new(&self.head[self.written..]);
                let count = self.waiting.len().min(WAITING_PIECES);
                for (place, piece) in pieces[1..].iter_mut().zip(&self.waiting) {
                    *place = IoSlice::new(piece);
                }
                let from = usize::from(self.written == self.head.len());
                ready!(Pin::new(&mut *to).poll_write_vectored(cx, &pieces[from..=count])).map_err(Unsent::Link)?
            };
            if written == 0 {
                return Poll::Ready(Err(Unsent::Link(io::ErrorKind::WriteZero.into())));
            }
            self.took(written);
        }
    }

    /// Takes of the body what there is, up to a limit.
    fn gather(&mut self, cx: &mut Context<'_>) -> Result<(), BodyFault> {
        while !self.body_ended && self.waiting_bytes < WAITING_BYTES && self.waiting.len() + 3 <= WAITING_PIECES {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => self.end(None),
                Poll::Ready(Some(frame)) => self.take(frame?),
            }
            if !self.body_ended && self.body.is_end_stream() {
                self.end(None);
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) if self.chunked => {
                self.push(Bytes::from(format!("{:x}\r\n", data.len())));
                self.push(data);
                self.push(Bytes::from_static(b"\r\n"));
            }
            Ok(data) => self.push(data),
            Err(frame) => self.end(frame.into_trailers().ok()),
        }
    }

    fn push(&mut self, piece: Bytes) {
        self.waiting_bytes += piece.len();
        self.waiting.push_back(piece);
    }

    fn end(&mut self, trailers: Option<HeaderMap>) {
        self.body_ended = true;
        if !self.chunked {
            return;
        }
        let mut last = b"0\r\n".to_vec();
        for (name, value) in trailers.iter().flatten() {
            if !head::in_heads_only(name.as_str()) {
                head::line(&mut last, name, value.as_bytes());
            }
        }
        last.extend_from_slice(b"\r\n");
        self.push(Bytes::from(last));
    }

    /// So many bytes were written.
    fn took(&mut self, mut written: usize) {
        let of_head = written.min(self.head.len() - self.written);
        self.written += of_head;
        written -= of_head;
        self.waiting_bytes -= written;
        while let Some(piece) = self.waiting.front_mut().filter(|_| written > 0) {
            let of_piece = written.min(piece.len());
            let _ = piece.split_to(of_piece);
            written -= of_piece;
            if piece.is_empty() {
                self.waiting.pop_front();
            }
        }
    }
}
