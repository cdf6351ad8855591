//! Runs a program of the host, such as `nft`, with a limit on its time and its output: one that hangs must not
//! hold up every later order.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest message of a program that is kept, bytes.
const MESSAGE_BYTES: u64 = 64 * 1024;

/// What a program said.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    /// At most as many bytes as were asked for.
    pub(crate) stdout: Vec<u8>,
    /// Whether there was more.
    pub(crate) cut: bool,
    pub(crate) stderr: Vec<u8>,
}

/// Runs it to its end. `TimedOut` when it took longer than `patience`; it is killed then.
pub(crate) fn run(command: &mut Command, input: &[u8], limit: u64, patience: Duration) -> Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        // Each pipe has a thread: a program that fills one while we wait at another would wait for ever.
        scope.spawn(move || {
            // When it ends before it has read everything its exit code and message tell why.
            stdin.map(|mut stdin| stdin.write_all(input))
        });
        let stdout = scope.spawn(move || drain(stdout, limit));
        let stderr = scope.spawn(move || drain(stderr, MESSAGE_BYTES));
        let ended = wait(&child, patience);
        if !matches!(ended, Ok(true)) {
            let _ = child.kill();
        }
        let status = child.wait()?;
        if !ended? {
            return Err(Error::new(ErrorKind::TimedOut, format!("did not end within {} s", patience.as_secs())));
        }
        let gone = |_| Error::other("a reading thread ended by itself");
        let (stdout, cut) = stdout.join().map_err(gone)??;
        let (stderr, _) = stderr.join().map_err(gone)??;
        Ok(Output { status, stdout, cut, stderr })
    })
}

/// The first `limit` bytes; the rest is read and dropped, so that the program can end.
fn drain(from: Option<impl Read>, limit: u64) -> Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return Ok((kept, false)) };
    from.by_ref().take(limit).read_to_end(&mut kept)?;
    let more = std::io::copy(&mut from, &mut std::io::sink())?;
    Ok((kept, more > 0))
}

/// Whether it ends in time.
fn wait(child: &Child, patience: Duration) -> Result<bool> {
    let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            ready => return Ok(ready? > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_bounded_and_input_arrives() {
        let output = run(&mut Command::new("cat"), b"0123456789", 4, Duration::from_secs(60)).unwrap();
        assert!(output.status.success() && output.cut && output.stdout == b"0123" && output.stderr.is_empty());
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let hung = run(Command::new("sleep").arg("1000"), b"", 4, Duration::ZERO);
        assert_eq!(hung.err().map(|cause| cause.kind()), Some(ErrorKind::TimedOut));
    }
}
