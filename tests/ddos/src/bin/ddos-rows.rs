//! `make train-ddos`: rows of windows as the model sees them, made by the code that also runs in service. CSV on stdout:
//! source, style, class, session, truth (1 or 0), whether the rules saw an attack and whether they named the class, then the
//! features. The head names the columns.
//!
//! `ddos-rows made SEED EACH ALONE` of our generators, `ddos-rows recorded SEED`, `ddos-rows adddosdn`,
//! `ddos-rows filter FILE` of what `scrub-lab windows` wrote.

use ddos::{Baseline, Settings, Windows, feature, vectors};
use ddos_eval::corpus::{self, Session};
use ddos_eval::window::{Truth, each};
use std::io::{BufWriter, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise| arguments.get(at).and_then(|word| word.parse().ok()).unwrap_or(otherwise);
    let sessions = match arguments.first().map(String::as_str) {
        Some("made") => corpus::made(number(1, 1), number(2, 6), number(3, 20)),
        Some("recorded") => corpus::recorded(number(1, 1)),
        Some("adddosdn") => ddos_eval::adddosdn::sessions(),
        Some("filter") => match filter(arguments.get(1).map_or("", String::as_str)) {
            Ok(sessions) => sessions,
            Err(cause) => {
                eprintln!("ddos-rows: {cause}");
                return ExitCode::FAILURE;
            }
        },
        _ => {
            eprintln!("usage: ddos-rows made SEED EACH ALONE | recorded SEED | adddosdn | filter FILE");
            return ExitCode::from(64);
        }
    };
    // A laboratory of a few hosts with floods of 2 to 100 packets a second: floors at a fiftieth.
    let recording = arguments.first().is_some_and(|word| word == "adddosdn");
    let settings = if recording { Settings::scaled(0.02) } else { Settings::default() };
    match write(&sessions, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("ddos-rows: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn filter(path: &str) -> Result<Vec<Session>, String> {
    let text = std::fs::read_to_string(path).map_err(|cause| format!("{path}: {cause}"))?;
    ddos_eval::lab::read(&text)
}

fn write(sessions: &[Session], settings: &Settings) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    writeln!(out, "source,style,class,session,sixth,attack,packets,rules,named,{}", feature::names().join(","))?;
    let baseline = Baseline::default();
    for (number, session) in sessions.iter().enumerate() {
        let mut windows = Windows::default();
        let mut lines = Vec::new();
        each(session, |_, second, truth| {
            let packets: Vec<_> = second.samples.iter().filter_map(ddos::Sample::parse).collect();
            let window = windows.push(&second.counters, &packets, None);
            if truth == Truth::Between {
                return;
            }
            let found = vectors(0, &window, &baseline, settings);
            let named = found.iter().any(|vector| vector.class.word() == session.class);
            let row: Vec<String> = feature::row(&window).iter().map(f32::to_string).collect();
            let Session { source, style, class, .. } = session;
            lines.push(format!(
                "{source},{style},{class},{number},{},{},{},{},{},{}",
                u8::from(session.sixth),
                u8::from(truth == Truth::Attack),
                second.counters.packets,
                u8::from(!found.is_empty()),
                u8::from(named),
                row.join(",")
            ));
        });
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    out.flush()
}
