//! A socket between agent and scanner: frames out, frames in, a descriptor along with a frame.

use crate::fault;
use crate::limits::FRAME_BYTES;
use base::{Fault, Result};
use prost::Message;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Bytes asked for at once; a body grows as it comes, so that a length that lies reserves nothing.
const STEP: usize = 256 * 1024;

/// A frame that came in.
#[derive(Debug)]
pub struct Frame {
    /// Its body.
    pub body: Vec<u8>,
    /// The descriptor that came along.
    pub descriptor: Option<OwnedFd>,
}

/// One end.
#[derive(Debug)]
pub struct Channel(OwnedFd);

/// How waiting for a frame ended.
#[derive(Debug)]
pub enum Wait {
    /// There is something to read, or the other end is gone.
    Ready,
    /// The time is over.
    Over,
}

impl Channel {
    /// Two ends of a new socket, closed when another program is executed.
    pub fn pair() -> Result<(Channel, OwnedFd)> {
        let made = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
        let (ours, theirs) = made.map_err(|cause| broken("socketpair", cause))?;
        Ok((Channel(ours), theirs))
    }

    /// An end that was passed on.
    pub fn over(descriptor: OwnedFd) -> Channel {
        Channel(descriptor)
    }

    /// Sends a message, and a descriptor with it.
    ///
    /// # Errors
    /// [`fault::CRASHED`] when the other end is gone, [`fault::LIMIT`] for more than [`FRAME_BYTES`].
    pub fn send(&self, message: &impl Message, descriptor: Option<BorrowedFd<'_>>) -> Result<()> {
        let length = message.encoded_len();
        if length > FRAME_BYTES {
            let fault = Fault::new(&fault::LIMIT).object("message");
            return Err(fault.expected(format!("at most {FRAME_BYTES} bytes")).found(length));
        }
        let mut frame = Vec::with_capacity(4 + length);
        frame.extend_from_slice(&(length as u32).to_le_bytes());
        // A vector grows: the only way to fail is a buffer that is too small.
        message.encode(&mut frame).map_err(|cause| Fault::new(&fault::BAD_MESSAGE).because(cause))?;
        let mut rest = frame.as_slice();
        let mut along = descriptor;
        while !rest.is_empty() {
            let held: [BorrowedFd<'_>; 1];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if let Some(descriptor) = along {
                held = [descriptor];
                control.push(SendAncillaryMessage::ScmRights(&held));
            }
            let parts = [IoSlice::new(rest)];
            let sent = retry_on_intr(|| sendmsg(&self.0, &parts, &mut control, SendFlags::NOSIGNAL));
            let sent = sent.map_err(|cause| broken("send", cause))?;
            // The kernel passes the descriptor with the first byte it takes.
            along = along.filter(|_| sent == 0);
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Waits until something comes, for at most so many milliseconds.
    pub fn wait(&self, milliseconds: u32) -> Result<Wait> {
        let mut watched = [PollFd::new(&self.0, PollFlags::IN)];
        let seconds = i64::from(milliseconds / 1000);
        let limit = Timespec { tv_sec: seconds, tv_nsec: i64::from(milliseconds % 1000) * 1_000_000 };
        match poll(&mut watched, Some(&limit)) {
            Ok(0) | Err(Errno::INTR) => Ok(Wait::Over),
            Ok(_) => Ok(Wait::Ready),
            Err(cause) => Err(broken("poll", cause)),
        }
    }

    /// The next frame, or none when the other end is closed between two frames.
    ///
    /// # Errors
    /// [`fault::CRASHED`] when it is closed within one, [`fault::BAD_MESSAGE`] for a length over `most_bytes`.
    pub fn receive(&self, most_bytes: usize) -> Result<Option<Frame>> {
        let (mut head, mut filled, mut descriptor) = ([0; 4], 0, None);
        while filled < head.len() {
            let got = self.take(&mut head[filled..], &mut descriptor)?;
            if got == 0 && filled == 0 {
                return Ok(None);
            }
            filled += nonzero(got)?;
        }
        let length = u32::from_le_bytes(head) as usize;
        if length > most_bytes {
            let fault = Fault::new(&fault::BAD_MESSAGE).object("frame");
            return Err(fault.expected(format!("at most {most_bytes} bytes")).found(length));
        }
        let mut body = Vec::with_capacity(length.min(STEP));
        while body.len() < length {
            let begun = body.len();
            body.resize((begun + STEP).min(length), 0);
            let got = nonzero(self.take(&mut body[begun..], &mut descriptor)?)?;
            body.truncate(begun + got);
        }
        Ok(Some(Frame { body, descriptor }))
    }

    fn take(&self, buffer: &mut [u8], descriptor: &mut Option<OwnedFd>) -> Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let got = retry_on_intr(|| recvmsg(&self.0, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC));
        let bytes = got.map_err(|cause| broken("receive", cause))?.bytes;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(mut passed) = message {
                *descriptor = passed.next().or(descriptor.take());
            }
        }
        Ok(bytes)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn nonzero(bytes: usize) -> Result<usize> {
    if bytes == 0 {
        return Err(Fault::new(&fault::CRASHED).object("scanner").found("the end within a message"));
    }
    Ok(bytes)
}

fn broken(call: &str, cause: Errno) -> Fault {
    Fault::new(&fault::CRASHED).object("scanner").because(format!("{call}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Ask, Look, Request, read};
    use std::io::{Read, Seek, Write};

    fn pair() -> (Channel, Channel) {
        let (one, other) = Channel::pair().unwrap();
        (one, Channel::over(other))
    }

    fn look(content: Vec<u8>) -> Request {
        Request { number: 7, ask: Some(Ask::Look(Look { content, ..Look::default() })) }
    }

    #[test]
    fn a_large_message_and_a_descriptor_arrive_whole() {
        let (one, other) = pair();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"hello").unwrap();
        let sent = look(vec![7; 3_000_000]);
        let expected = sent.clone();
        let sender = std::thread::spawn(move || {
            one.send(&sent, Some(file.as_fd())).unwrap();
            one.send(&look(Vec::new()), None).unwrap();
        });
        let frame = other.receive(FRAME_BYTES).unwrap().unwrap();
        assert_eq!(read::<Request>(&frame.body).unwrap(), expected);
        let mut text = String::new();
        let mut passed = std::fs::File::from(frame.descriptor.unwrap());
        passed.rewind().unwrap();
        passed.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        assert!(other.receive(FRAME_BYTES).unwrap().unwrap().descriptor.is_none());
        sender.join().unwrap();
        assert!(other.receive(FRAME_BYTES).unwrap().is_none(), "closed between two frames");
    }

    #[test]
    fn a_length_that_lies_and_an_end_within_a_frame_are_faults() {
        let (one, other) = pair();
        rustix::io::write(&one, &u32::MAX.to_le_bytes()).unwrap();
        assert!(other.receive(FRAME_BYTES).unwrap_err().is(&fault::BAD_MESSAGE));
        let (one, other) = pair();
        rustix::io::write(&one, &[9, 0, 0, 0, 1]).unwrap();
        drop(one);
        assert!(other.receive(FRAME_BYTES).unwrap_err().is(&fault::CRASHED));
        let (one, other) = pair();
        drop(other);
        assert!(one.send(&look(vec![1]), None).unwrap_err().is(&fault::CRASHED));
    }
}
