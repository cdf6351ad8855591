//! `garrison scrub`: packet filters at the edge: what they do, why, and what attacked.

use super::assets::{rows, text};
use super::fault;
use super::options::{Context, Options};
use super::read::{escape, show};
use super::screen::Screen;
use super::words::Word;
use base::{Fault, Lang, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::process::ExitCode;

/// `scrub`.
#[derive(Args, Debug)]
pub struct Scrub {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Every protected destination: level, rates, attack.
    Status,
    /// Why a destination is treated as it is: its reasons, signatures, and the reports of its attacks.
    Explain {
        /// Name or prefix of the destination.
        destination: String,
    },
    /// Reports of the newest attacks.
    Attacks,
    /// Routers upstream and names, with what is told to them.
    Upstream,
    /// On the filter's own machine: write the newest header samples of a destination as a capture file.
    Capture {
        /// What `garrison-gateway scrub capture` takes.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, asked: Scrub) -> Result<ExitCode> {
    let Scrub { options, command } = asked;
    // Samples stay on the machine that took them: they may be parts of anybody's mail.
    if let Command::Capture { arguments } = command {
        return capture(&arguments);
    }
    let session = context.open(&options)?;
    let all = session.client.get("/scrubbers").await?;
    match command {
        Command::Status => show(&session, &all, status),
        Command::Upstream => show(&session, &all, upstream),
        Command::Attacks => show(&session, &all, |screen, json: &Value| reports(screen, json, None)),
        Command::Explain { destination } => {
            let found = every(&all, "destinations").any(|(_, shown)| is(&shown, &destination));
            if !found {
                return Err(Fault::new(&fault::BAD_ARGUMENT).object("destination").found(escape(&destination)));
            }
            show(&session, &all, |screen, json: &Value| explained(screen, json, &destination))
        }
        Command::Capture { .. } => Ok(ExitCode::SUCCESS),
    }
}

fn capture(arguments: &[OsString]) -> Result<ExitCode> {
    let program = std::env::current_exe().unwrap_or_default().with_file_name("garrison-gateway");
    let failed = |cause| Fault::new(&fault::BAD_FILE).object(program.display()).because(cause);
    let ended = std::process::Command::new(&program).args(["scrub", "capture"]).args(arguments).status();
    let code = ended.map_err(failed)?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(1)))
}

/// The items of a list of every scrubber's status, each with the host of its scrubber.
fn every<'v>(all: &'v Value, list: &'v str) -> impl Iterator<Item = (String, Value)> + 'v {
    let scrubbers = all.as_array().into_iter().flatten();
    scrubbers.flat_map(move |scrubber| {
        let items = scrubber["status"][list].as_array().into_iter().flatten();
        items.map(move |item| (text(&scrubber["host"]), item.clone()))
    })
}

fn is(shown: &Value, wanted: &str) -> bool {
    let prefix = text(&shown["prefix"]);
    text(&shown["name"]) == wanted || prefix == wanted || prefix.split('/').next() == Some(wanted)
}

/// Rows of these cells under words.
fn table(screen: &Screen, words: &[Word], lines: impl Iterator<Item = Vec<String>>) -> String {
    let items: Vec<Value> = lines.map(|line| json!(line)).collect();
    rows(screen, &json!({ "items": items }), words, |row| row.as_array().into_iter().flatten().map(text).collect())
}

fn status(screen: &Screen, json: &Value) -> String {
    let words = [
        Word::Host,
        Word::Destination,
        Word::Address,
        Word::Level,
        Word::Packets,
        Word::Bits,
        Word::Dropped,
        Word::Attack,
    ];
    let line = |(host, shown): (String, Value)| {
        let rate = |key: &str| short(shown[key].as_f64().unwrap_or(0.0));
        let attack = if shown["alarm"] == true { text(&shown["class"]) } else { "-".to_owned() };
        let named = ["name", "prefix", "level"].map(|key| text(&shown[key]));
        let rates = ["packets", "bits", "dropped"].map(rate);
        [host].into_iter().chain(named).chain(rates).chain([attack]).collect()
    };
    table(screen, &words, every(json, "destinations").map(line))
}

fn upstream(screen: &Screen, json: &Value) -> String {
    let words = [Word::Host, Word::Kind, Word::Name, Word::State, Word::Details];
    let list = |values: &Value| values.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(", ");
    let routers = every(json, "neighbours").map(|(host, shown)| {
        vec![host, "BGP".to_owned(), text(&shown["name"]), text(&shown["state"]), list(&shown["announced"])]
    });
    let names = every(json, "names").map(|(host, shown)| {
        vec![host, "DNS".to_owned(), text(&shown["name"]), text(&shown["state"]), list(&shown["addresses"])]
    });
    table(screen, &words, routers.chain(names))
}

fn explained(screen: &Screen, json: &Value, wanted: &str) -> String {
    let language = if screen.lang == Lang::Zh { "zh" } else { "en" };
    let mut page = String::new();
    for (_, shown) in every(json, "destinations").filter(|(_, shown)| is(shown, wanted)) {
        let prefix = text(&shown["prefix"]);
        page += &format!("{} {prefix}  {}\n", text(&shown["name"]), text(&shown["level"]));
        for said in shown["reasons"].as_array().into_iter().flatten() {
            page += &format!("  {}\n", text(&said[language]));
        }
        for signature in shown["signatures"].as_array().into_iter().flatten() {
            page +=
                &format!("  {} {}  {}\n", text(&signature["id"]), text(&signature["terms"]), text(&signature["hits"]));
        }
        page += &reports(screen, json, Some(&prefix));
    }
    page
}

fn reports(screen: &Screen, json: &Value, destination: Option<&str>) -> String {
    let key = if screen.lang == Lang::Zh { "text_zh" } else { "text" };
    let of = |attack: &Value| destination.is_none_or(|wanted| text(&attack["destination"]) == wanted);
    let texts = every(json, "attacks").filter(|(_, attack)| of(attack)).map(|(_, attack)| text(&attack[key]) + "\n");
    texts.collect()
}

/// A number with a unit prefix.
fn short(number: f64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let fits = units.iter().find(|(least, _)| number >= *least);
    fits.map_or_else(|| format!("{number:.0}"), |(least, unit)| format!("{:.1}{unit}", number / least))
}
