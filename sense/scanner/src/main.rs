//! `garrison-scanner`: started by the agent with a socket as its standard input; looks at what comes in over it.

use rustix::net::{AddressFamily, getsockname};
use scan::channel::Channel;
use std::os::fd::AsFd;
use std::process::ExitCode;

/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let Some(channel) = socket() else { return ExitCode::from(USAGE) };
    let done = scanner::confine::confine().and_then(|()| scanner::serve::serve(&channel));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Whoever started us may still listen; if not, there is nobody to tell.
            let text = scan::protocol::FaultText::of(&fault);
            let reply = scan::protocol::Reply { number: 1, answer: Some(scan::protocol::Answer::Fault(text)) };
            let _ = channel.send(&reply, None);
            ExitCode::from(fault.exit_code())
        }
    }
}

/// The socket on standard input; this is no program for people.
fn socket() -> Option<Channel> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
    let name = getsockname(&input).ok()?;
    (name.address_family() == AddressFamily::UNIX).then(|| Channel::over(input))
}
