//! Asking for a secret: at a terminal without showing it, elsewhere as a line of standard input.

use super::fault;
use super::screen::Screen;
use super::words::Word;
use base::{Fault, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Write};

/// Longest line read, bytes: a wrong file on standard input must not fill the memory.
const LINE_BYTES: usize = 4096;

/// A secret, asked for with this word.
pub(super) fn secret(screen: &Screen, ask: Word) -> Result<String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return line(&mut input.lock());
    }
    let unusable = |cause: rustix::io::Errno| Fault::new(&fault::NO_PASSWORD).because(cause);
    let before = tcgetattr(&input).map_err(unusable)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    eprint!("{}", screen.word(ask));
    // The question stands there or not; the answer counts.
    let _ = std::io::stderr().flush();
    tcsetattr(&input, OptionalActions::Flush, &quiet).map_err(unusable)?;
    let _shown_again = Echo(before);
    let read = line(&mut input.lock());
    eprintln!();
    read
}

/// A new secret: at a terminal typed twice.
pub(super) fn new_secret(screen: &Screen) -> Result<String> {
    let first = secret(screen, Word::NewPassword)?;
    if std::io::stdin().is_terminal() && secret(screen, Word::Repeat)? != first {
        return Err(Fault::new(&fault::NOT_EQUAL));
    }
    Ok(first)
}

/// Puts the terminal back as it was, however the reading ends.
struct Echo(Termios);

impl Drop for Echo {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

fn line(input: &mut impl BufRead) -> Result<String> {
    let none = || Fault::new(&fault::NO_PASSWORD);
    let mut text = String::new();
    let mut bounded = std::io::Read::take(input, LINE_BYTES as u64);
    bounded.read_line(&mut text).map_err(|cause| none().because(cause))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(none()) } else { Ok(text.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_one_by_one() {
        let mut input = std::io::Cursor::new("old one\nnew one\r\n");
        assert_eq!(line(&mut input).unwrap(), "old one");
        assert_eq!(line(&mut input).unwrap(), "new one");
        assert!(line(&mut input).is_err_and(|fault| fault.is(&fault::NO_PASSWORD)));
    }
}
