//! What the filter would do with a frame, found out by the kernel itself (`BPF_PROG_TEST_RUN`): for an operator who asks
//! why, for tests, and for measurements. A trial is counted like a packet that came in.

use crate::{Filter, system};
use base::Result;
use std::os::fd::AsFd;
use std::time::Duration;

/// What becomes of a frame (`enum xdp_action`, linux/bpf.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is dropped.
    Drop,
    /// It goes on to the host.
    Pass,
    /// It is sent back, changed.
    Answer,
    /// A number that this program never returns.
    Other(u32),
}

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What becomes of the frame.
    pub action: Action,
    /// The frame afterwards.
    pub frame: Vec<u8>,
    /// Time of one run, the mean of all.
    pub time: Duration,
}

impl Filter {
    /// Runs the program on an Ethernet frame of 14 bytes or more, so many times.
    ///
    /// # Errors
    /// [`crate::fault::TRIAL`] when the frame is too short or too long for the kernel.
    pub fn trial(&self, frame: &[u8], times: u32) -> Result<Trial> {
        let run = system::run(self.program.as_fd(), frame, times)?;
        let action = match run.verdict {
            1 => Action::Drop,
            2 => Action::Pass,
            3 => Action::Answer,
            other => Action::Other(other),
        };
        Ok(Trial { action, frame: run.frame, time: run.time })
    }
}
