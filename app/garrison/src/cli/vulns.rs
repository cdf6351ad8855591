//! `vulns`: vulnerabilities of the hosts, and the advisories they come from.

use super::assets::{rows, text};
use super::options::{Options, Session};
use super::read::{escape, progress, query, show};
use super::screen::Screen;
use super::words::Word;
use super::{fault, table};
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How often an import is asked how far it is.
const ASK: Duration = Duration::from_millis(500);

/// `vulns`.
#[derive(Args, Debug)]
pub struct Vulns {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Vulnerabilities; those of a host with the worst first (the default).
    List {
        /// Host name or agent id.
        #[arg(long)]
        host: Option<String>,
        /// Least severity: low, medium, high, critical.
        #[arg(long)]
        severity: Option<String>,
        /// Only those with a fixed version.
        #[arg(long)]
        fixable: bool,
        /// Only those known to be exploited.
        #[arg(long)]
        exploited: bool,
        /// Only those of a package.
        #[arg(long)]
        package: Option<String>,
        /// Most rows, 1 to 1000.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// What is known of a CVE or an advisory, and which hosts have it.
    Show {
        /// The CVE or the advisory's id.
        name: String,
    },
    /// Import advisories: OSV or Debian tracker JSON, or the KEV catalogue; xz, gzip and ZIP are unpacked.
    Import {
        /// The file, or an address that the server fetches.
        from: String,
        /// Id of the source, whose old advisories are replaced; the file's name when absent.
        #[arg(long)]
        source: Option<String>,
        /// Format: osv, debian, kev; looked at when absent.
        #[arg(long)]
        format: Option<String>,
    },
    /// Sources of advisories in force.
    Sources,
    /// Take a source out of force with everything it said.
    Forget {
        /// Its id.
        id: String,
    },
}

/// Runs one command.
pub(super) async fn run(session: &Session, asked: Vulns) -> Result<ExitCode> {
    let (host, severity, package) = (None, None, None);
    let usual = Command::List { host, severity, fixable: false, exploited: false, package, limit: 100 };
    match asked.command.unwrap_or(usual) {
        Command::List { host, severity, fixable, exploited, package, limit } => {
            let flag = |given: bool| given.then(|| "true".to_owned());
            let asked = query(&[
                ("host", host),
                ("severity", severity),
                ("fixable", flag(fixable)),
                ("exploited", flag(exploited)),
                ("package", package),
                ("limit", Some(limit.to_string())),
            ]);
            show(session, &session.client.get(&format!("/vulnerabilities{asked}")).await?, list)
        }
        Command::Show { name } => {
            show(session, &session.client.get(&format!("/vulnerabilities/{}", escape(&name))).await?, one)
        }
        Command::Import { from, source, format } => import(session, &from, source, format).await,
        Command::Sources => show(session, &session.client.get("/vulnerabilities/sources").await?, sources),
        Command::Forget { id } => {
            session.client.delete(&format!("/vulnerabilities/sources/{}", escape(&id))).await?;
            show(session, &json!({ "removed": id }), |_, json: &Value| {
                table::pairs(&[("removed", text(&json["removed"]))])
            })
        }
    }
}

fn list(screen: &Screen, json: &Value) -> String {
    let words = [
        Word::Host,
        Word::Severity,
        Word::Score,
        Word::Name,
        Word::Package,
        Word::Release,
        Word::Fixed,
        Word::Exploited,
        Word::Title,
    ];
    rows(screen, json, &words, |one| {
        let exploited = if one["exploited"] == true { screen.word(Word::Yes) } else { "" };
        vec![
            text(&one["host"]),
            screen.severity(&text(&one["severity"])),
            text(&one["score"]),
            text(&one["name"]),
            text(&one["package"]),
            text(&one["version"]),
            text(&one["fixed"]),
            exploited.to_owned(),
            text(&one["summary"]),
        ]
    })
}

fn one(screen: &Screen, json: &Value) -> String {
    let mut drawn = table::pairs(&[
        (screen.word(Word::Name), text(&json["name"])),
        (screen.word(Word::Exploited), text(&json["exploited"])),
    ]);
    let under = |list: &str| json!({ "items": json[list] });
    let words = [Word::Source, Word::Object, Word::Package, Word::Severity, Word::Score, Word::Fixed, Word::Title];
    drawn.push('\n');
    drawn.push_str(&rows(screen, &under("advisories"), &words, |one| {
        let row = &one["advisory"];
        let fixed = row["ranges"].as_array().into_iter().flatten().map(|range| text(&range["fixed"]));
        let fixed = fixed.filter(|fixed| !fixed.is_empty()).collect::<Vec<_>>().join(", ");
        vec![
            text(&one["source"]),
            text(&one["ecosystem"]),
            text(&one["package"]),
            screen.severity(&text(&row["severity"])),
            text(&row["score"]),
            fixed,
            text(&row["summary"]),
        ]
    }));
    drawn.push('\n');
    let words = [Word::Host, Word::Package, Word::Release, Word::Fixed];
    drawn.push_str(&rows(screen, &under("hosts"), &words, |one| {
        ["host", "package", "version", "fixed"].map(|name| text(&one[name])).to_vec()
    }));
    drawn
}

fn sources(screen: &Screen, json: &Value) -> String {
    rows(screen, json, &[Word::Source, Word::Mode, Word::Taken, Word::Bad, Word::Time], |one| {
        let time = screen.time(one["imported_us"].as_i64().unwrap_or(0));
        vec![text(&one["source"]), text(&one["format"]), text(&one["taken"]), text(&one["bad"]), time]
    })
}

/// The name of a file up to its first dot, of letters that a source's id may have.
fn named(from: &str) -> String {
    let last = from.rsplit('/').next().unwrap_or(from);
    let stem = last.split(['.', '?']).next().unwrap_or(last);
    let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    stem.chars().map(|letter| if good(letter) { letter } else { '-' }).take(64).collect()
}

async fn import(session: &Session, from: &str, source: Option<String>, format: Option<String>) -> Result<ExitCode> {
    let remote = from.starts_with("https://") || from.starts_with("http://");
    let source = source.unwrap_or_else(|| named(from));
    let url = remote.then(|| from.to_owned());
    let path =
        format!("/vulnerabilities/import{}", query(&[("source", Some(source)), ("format", format), ("url", url)]));
    progress(session, Word::Importing);
    let begun = if remote {
        session.client.post(&path, &json!({})).await?
    } else {
        let bad = |cause| Fault::new(&fault::BAD_FILE).object(Path::new(from).display()).because(cause);
        session.client.upload(&path, std::fs::File::open(from).map_err(bad)?).await?
    };
    let path = format!("/vulnerabilities/imports/{}", escape(begun["id"].as_str().unwrap_or_default()));
    let mut shown = String::new();
    loop {
        let job = session.client.get(&path).await?;
        if job["ended_us"].as_i64().unwrap_or(0) != 0 {
            let good = job["fault"] == "";
            show(session, &job, ended)?;
            return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        let word = |word| session.screen.word(word);
        let line = format!(
            "{} {}, {} {}, {} {}",
            job["entries"],
            word(Word::Read),
            job["taken"],
            word(Word::Taken),
            job["bad"],
            word(Word::Bad)
        );
        if !session.json && line != shown {
            eprintln!("{line}");
            shown = line;
        }
        tokio::time::sleep(ASK).await;
    }
}

fn ended(_: &Screen, job: &Value) -> String {
    let mut pairs: Vec<(&str, String)> =
        ["source", "format", "entries", "taken", "bad", "fault"].map(|name| (name, text(&job[name]))).to_vec();
    let passed = job["passed"].as_object().into_iter().flatten();
    pairs.extend(passed.map(|(name, count)| (name.as_str(), text(count))));
    pairs.extend(job["examples"].as_array().into_iter().flatten().map(|example| ("bad entry", text(example))));
    table::pairs(&pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_after_its_file() {
        for (from, wanted) in [
            ("debian.json.xz", "debian"),
            ("some/where/osv ubuntu.jsonl", "osv-ubuntu"),
            ("https://mirror.example/data/all.json?x=1", "all"),
        ] {
            assert_eq!(named(from), wanted);
        }
    }
}
