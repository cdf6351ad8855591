//! The installation and its agents.

use crate::cli::screen::{Paint, Screen, plain};
use crate::cli::words::Word;
use crate::cli::{duration, table};
use api::Status;
use api::view::Agent;

/// The installation.
pub fn status(screen: &Screen, status: &Status) -> String {
    let (lake, disk) = (&status.lake, &status.disk);
    let running = duration::words((status.time_us - status.started_us) / 1_000_000);
    let lake = format!(
        "{} {}, {}, {} {}",
        lake.rows,
        screen.word(Word::Rows),
        duration::bytes(lake.bytes),
        lake.files,
        screen.word(Word::Files)
    );
    let (free, total) = (duration::bytes(disk.free_bytes), duration::bytes(disk.total_bytes));
    let mut text = table::pairs(&[
        (screen.word(Word::Version), status.version.clone()),
        (screen.word(Word::Running), running),
        (screen.word(Word::Lake), lake),
        (screen.word(Word::Disk), format!("{free} {} {total} ({})", screen.word(Word::Free), plain(&disk.path))),
        (screen.word(Word::Certificate), screen.time(status.tls_expires_us)),
    ]);
    let programs = status.programs.iter().map(|program| {
        vec![
            program.name.clone(),
            screen.api(&program.state).to_string(),
            program.pid.to_string(),
            duration::bytes(program.memory_bytes),
            plain(&program.message),
        ]
    });
    let words = [Word::Programs, Word::State, Word::Pid, Word::Memory, Word::What].map(|word| screen.word(word));
    text.push_str(&format!("\n{}", table::draw(screen, &words, &programs.collect::<Vec<_>>())));
    let stages = status.pipeline.iter().map(|stage| {
        let numbers = [stage.received, stage.handled, stage.queued, stage.dropped];
        std::iter::once(stage.name.clone()).chain(numbers.map(|number| number.to_string())).collect()
    });
    let words = [Word::Stage, Word::Received, Word::Handled, Word::Queued, Word::Dropped].map(|word| screen.word(word));
    text.push_str(&format!("\n{}", table::draw(screen, &words, &stages.collect::<Vec<_>>())));
    text.push_str(&format!("\n{}", agents(screen, &status.agents)));
    text
}

/// Agents, one a line.
pub fn agents(screen: &Screen, agents: &[Agent]) -> String {
    if agents.is_empty() {
        return format!("{}: {}\n", screen.word(Word::Agents), screen.word(Word::NoAgents));
    }
    let row = |agent: &Agent| {
        let seen = if agent.connected {
            screen.paint(Paint::Green, screen.word(Word::Connected))
        } else {
            screen.paint(Paint::Yellow, &screen.ago(agent.last_seen_us))
        };
        vec![
            plain(&agent.host),
            seen,
            duration::micros(agent.lag_us),
            agent.dropped.values().sum::<u64>().to_string(),
            duration::bytes(agent.spool_bytes),
            agent.rules.to_string(),
            agent.id.clone(),
            plain(&agent.os),
        ]
    };
    let words = [Word::Host, Word::Seen, Word::Lag, Word::Dropped, Word::Spool, Word::Rules, Word::Id, Word::Os];
    table::draw(screen, &words.map(|word| screen.word(word)), &agents.iter().map(row).collect::<Vec<_>>())
}
