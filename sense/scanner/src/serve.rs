//! The program's work: requests in, replies out, until the socket ends.

use crate::builtin;
use crate::confine::niceness;
use crate::engine::Engine;
use crate::look::Looker;
use base::{Fault, Result};
use ring::digest::{SHA256, digest};
use rustix::time::{ClockId, clock_gettime};
use scan::channel::{Channel, Frame};
use scan::fault;
use scan::limits::FRAME_BYTES;
use scan::protocol::{self, Answer, Ask, Done, FaultText, Loaded, Look, Reply, Request, RuleSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;

/// Faults of rules told at most; more is a file of another language.
const FAULTS: usize = 1000;

/// Answers until the other end closes.
///
/// # Errors
/// Those of the socket.
pub fn serve(channel: &Channel) -> Result<()> {
    let (mut engine, _) = Engine::compile(&[]);
    let mut loaded = None;
    loop {
        if let Some((number, set)) = loaded.take() {
            let (answer, compiled) = load(set);
            engine = compiled;
            reply(channel, number, answer)?;
        }
        match answer_looks(channel, &engine)? {
            Some(rules) => loaded = Some(rules),
            None => return Ok(()),
        }
    }
}

/// Answers with these rules until others come, or the end.
fn answer_looks(channel: &Channel, engine: &Engine) -> Result<Option<(u64, RuleSet)>> {
    let (mut looker, mut buffer) = (Looker::new(engine), Vec::new());
    while let Some(Frame { body, descriptor }) = channel.receive(FRAME_BYTES)? {
        let request: Request = protocol::read(&body)?;
        drop(body);
        let answer = match request.ask {
            Some(Ask::Rules(set)) => return Ok(Some((request.number, set))),
            Some(Ask::Look(look)) => answer(&mut looker, look, descriptor, &mut buffer),
            None => Err(Fault::new(&fault::BAD_MESSAGE).object("request").expected("something to do")),
        };
        reply(channel, request.number, answer.unwrap_or_else(|fault| Answer::Fault(FaultText::of(&fault))))?;
    }
    Ok(None)
}

fn reply(channel: &Channel, number: u64, answer: Answer) -> Result<()> {
    channel.send(&Reply { number, answer: Some(answer) }, None)
}

fn load(set: RuleSet) -> (Answer, Engine) {
    let mut files = if set.builtin { builtin::rules() } else { Vec::new() };
    files.extend(set.files);
    let (engine, faults) = Engine::compile(&files);
    let loaded = Loaded {
        rules: engine.len() as u32,
        version: engine.version().to_owned(),
        faults: faults.iter().take(FAULTS).map(FaultText::of).collect(),
    };
    (Answer::Loaded(loaded), engine)
}

fn answer(looker: &mut Looker<'_>, look: Look, descriptor: Option<OwnedFd>, buffer: &mut Vec<u8>) -> Result<Answer> {
    niceness(look.urgent);
    let begun = cpu_us();
    let content;
    let (bytes, length) = match descriptor {
        Some(descriptor) => {
            let length = read(descriptor, look.most_bytes, buffer)
                .map_err(|cause| Fault::new(&fault::NO_FILE).object(&look.name).because(cause))?;
            (buffer.as_slice(), length)
        }
        None => {
            content = look.content;
            (content.as_slice(), content.len() as u64)
        }
    };
    let outcome = looker.look(&look.name, bytes, length);
    let mut done = Done {
        bytes: bytes.len() as u64,
        unpacked_bytes: outcome.looked_bytes,
        truncated: length > bytes.len() as u64,
        members_left_out: outcome.members_left_out,
        findings: outcome.findings,
        faults: outcome.faults.iter().map(FaultText::of).collect(),
        cpu_us: 0,
    };
    // A hash costs as much as a scan: only what is told has one. That of a part would name another file.
    if !done.findings.is_empty() && !done.truncated {
        let hash = digest(&SHA256, bytes);
        for scan in &mut done.findings {
            scan.file.sha256 = hash.as_ref().to_vec();
        }
    }
    done.cpu_us = cpu_us().saturating_sub(begun);
    Ok(Answer::Done(done))
}

/// Reads at most so many bytes from the start and gives the length of the file.
fn read(descriptor: OwnedFd, most: u64, buffer: &mut Vec<u8>) -> std::io::Result<u64> {
    let file = File::from(descriptor);
    let length = rustix::fs::fstat(&file)?.st_size as u64;
    buffer.clear();
    // The length is what the file was; it may grow or shrink while it is read.
    buffer.reserve(length.min(most) as usize);
    match file.take(most).read_to_end(buffer) {
        Ok(_) => Ok(length.max(buffer.len() as u64)),
        // A file of the kernel may refuse in the middle.
        Err(cause) if cause.kind() != ErrorKind::OutOfMemory && !buffer.is_empty() => Ok(buffer.len() as u64),
        Err(cause) => Err(cause),
    }
}

/// Processor time of this process, µs.
fn cpu_us() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}
