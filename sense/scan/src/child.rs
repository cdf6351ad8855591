//! The scanner's process: started, asked, and ended when it takes too long.

use crate::channel::{Channel, Wait};
use crate::fault;
use crate::limits::REPLY_BYTES;
use crate::protocol::{self, Answer, Ask, Reply, Request};
use base::{Clock, Fault, Micros, Result};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a scanner that works is looked at, milliseconds.
const LOOK_MS: u32 = 200;
/// µs of a clock tick of `/proc`: user space sees 100 a second on every architecture (`USER_HZ`).
const TICK_US: i64 = 10_000;

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Processor time of the scanner, µs. On a host that is kept busy, by a miner for one, time alone says nothing.
    pub cpu_us: Micros,
    /// Time, µs.
    pub wall_us: Micros,
}

/// A running scanner.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    channel: Channel,
    number: u64,
}

impl Child {
    /// Starts the program with one end of a socket as its standard input, and nothing else of ours.
    ///
    /// # Errors
    /// [`fault::NO_SCANNER`].
    pub fn start(program: &Path) -> Result<Child> {
        let (channel, theirs) = Channel::pair()?;
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn();
        let process =
            started.map_err(|cause| Fault::new(&fault::NO_SCANNER).object(program.display()).because(cause))?;
        Ok(Child { process, channel, number: 0 })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks and waits for the answer, or until `ending` is set. After a fault the child is of no more use.
    ///
    /// # Errors
    /// [`fault::CRASHED`], [`fault::HUNG`], [`fault::BAD_MESSAGE`], [`fault::RESTING`] at the end.
    pub fn ask(
        &mut self,
        ask: Ask,
        descriptor: Option<BorrowedFd<'_>>,
        patience: Patience,
        clock: &dyn Clock,
        ending: &AtomicBool,
    ) -> Result<Answer> {
        self.number += 1;
        self.channel.send(&Request { number: self.number, ask: Some(ask) }, descriptor)?;
        let (begun, used) = (clock.monotonic(), self.cpu_us());
        while let Wait::Over = self.channel.wait(LOOK_MS)? {
            if ending.load(Ordering::Relaxed) {
                return Err(Fault::new(&fault::RESTING).object("scanner").found("the end of the agent"));
            }
            let cpu = self.cpu_us() - used;
            if cpu > patience.cpu_us || clock.monotonic() - begun > patience.wall_us {
                let found = format!("{} ms of processor time", cpu / 1000);
                return Err(Fault::new(&fault::HUNG).object("scanner").found(found));
            }
        }
        let Some(frame) = self.channel.receive(REPLY_BYTES)? else {
            return Err(Fault::new(&fault::CRASHED).object("scanner"));
        };
        let reply: Reply = protocol::read(&frame.body)?;
        match reply.answer {
            Some(answer) if reply.number == self.number => Ok(answer),
            _ => Err(Fault::new(&fault::BAD_MESSAGE).object("reply").expected(self.number).found(reply.number)),
        }
    }

    /// Processor time it used, µs; 0 when it is gone.
    fn cpu_us(&self) -> Micros {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        cpu_ticks(&text).unwrap_or(0) * TICK_US
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// User and system time of a line of `/proc/PID/stat` (proc(5), fields 14 and 15); the name in brackets may hold spaces.
fn cpu_ticks(stat: &str) -> Option<i64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<i64>().ok()? + fields.next()?.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_read_behind_its_name() {
        let line = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20 0 1 0 99";
        assert_eq!(cpu_ticks(line), Some(150));
        assert_eq!(cpu_ticks(""), None);
    }
}
