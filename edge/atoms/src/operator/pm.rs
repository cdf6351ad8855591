//! `pm`, `pmFromFile`: one of many phrases, ASCII case aside.

use super::{Captures, Guard, Matcher, Operator};
use crate::fault;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base::{Fault, Result};

/// One of the two. Captures the phrase. libmodsecurity misses a phrase whose beginning ends another phrase that it is
/// in the middle of (its automaton falls back one step only); here it is found.
pub struct Phrases {
    name: &'static str,
    /// Phrases come from a file.
    file: bool,
}

impl Phrases {
    /// `@pm`: phrases between blanks, with Snort's `|hex|` and `\`.
    pub const LIST: Phrases = Phrases { name: "pm", file: false };
    /// `@pmFromFile`: a phrase a line.
    pub const FILE: Phrases = Phrases { name: "pmfromfile", file: true };
}

impl Operator for Phrases {
    fn name(&self) -> &'static str {
        self.name
    }

    fn build(&self, argument: &[u8], data: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        let phrases: Vec<Vec<u8>> = if self.file { data.to_vec() } else { listed(argument) };
        let phrases: Vec<Vec<u8>> = phrases.into_iter().filter(|phrase| !phrase.is_empty()).collect();
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(&phrases)
            .map_err(|cause| Fault::new(&fault::ARGUMENT).object(format!("@{}", self.name)).because(cause))?;
        Ok(Box::new(Test { automaton, phrases }))
    }
}

/// The phrases of an argument.
fn listed(argument: &[u8]) -> Vec<Vec<u8>> {
    let content = content(argument).unwrap_or_else(|| argument.to_vec());
    let words = content.split(|byte| matches!(byte, b' ' | 9..=13));
    words.filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Snort's way of writing bytes: `|4142|`, and a backslash before `:`, `;`, `\` and `"`. `None` when it is not that.
fn content(argument: &[u8]) -> Option<Vec<u8>> {
    let argument = argument.trim_ascii_start();
    let quoted = argument.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let (mut out, mut escaped, mut hex, mut digit) = (Vec::new(), false, false, None);
    for &byte in quoted.unwrap_or(argument) {
        match byte {
            b'|' => hex = !hex,
            byte if hex => match (char::from(byte).to_digit(16), digit) {
                (Some(low), Some(high)) => {
                    out.push((high * 16 + low) as u8);
                    digit = None;
                }
                (Some(high), None) => digit = Some(high),
                (None, _) => return None,
            },
            b':' | b';' | b'\\' | b'"' if escaped => {
                out.push(byte);
                escaped = false;
            }
            _ if escaped => return None,
            b'\\' => escaped = true,
            byte => out.push(byte),
        }
    }
    Some(out)
}

struct Test {
    automaton: AhoCorasick,
    phrases: Vec<Vec<u8>>,
}

impl Matcher for Test {
    fn holds(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let Some(captures) = captures else { return self.automaton.is_match(value) };
        let Some(found) = self.automaton.find(value) else { return false };
        captures.0 = vec![Some(self.phrases[found.pattern().as_usize()].clone())];
        true
    }

    fn guard(&self) -> Guard {
        let length = self.phrases.iter().map(Vec::len).min().unwrap_or(0);
        Guard { literals: Some(self.phrases.clone()), exact: true, bytes: None, length }
    }
}
