//! `make eval-ddos`: recognition by rules and the shipped model together, as in service: per class and source, windows and
//! sessions, with and without a history of the destination. Prints tables and writes figures/ddos.json.
//!
//! `ddos-eval [--model FILE] [--sessions N] [--filter FILE]`: FILE is what `scrub-lab windows` wrote.
//!
//! `ddos-eval --capture FILE [--label CLASS|benign] [--protect PREFIX]... [--window S] [--floors FACTOR] [--model FILE] [--json yes]`:
//! one recording (pcap, pcapng) as the scrubber would judge it. `--floors 0.02` sets floors and ceilings at a fiftieth.

use ddos::replay::Manner;
use ddos::{Model, Prefix, Settings};
use ddos_eval::corpus::{self, Session};
use ddos_eval::judged::{self, Label};
use ddos_eval::verdict::{History, Verdict, judge};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Seed of the sessions here; the model was trained on others.
const SEED: u64 = 4_242;

/// Verdicts of a row of a table.
#[derive(Default)]
struct Row {
    sum: Verdict,
    sessions: usize,
    after: Vec<usize>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("ddos-eval: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line says.
struct Options {
    model: PathBuf,
    each: u64,
    filter: Vec<Session>,
    capture: Option<PathBuf>,
    label: Label,
    protect: Vec<Prefix>,
    window_s: f64,
    floors: f32,
    json: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        model: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/ddos/model.txt"),
        each: 3,
        filter: Vec::new(),
        capture: None,
        label: Label::Unknown,
        protect: Vec::new(),
        window_s: 1.0,
        floors: 1.0,
        json: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} wants a value, or is no option"))?;
        let wrong = || format!("{argument}: {value} is not right");
        match argument.as_str() {
            "--model" => options.model = PathBuf::from(value),
            "--sessions" => options.each = value.parse().map_err(|_| wrong())?,
            "--filter" => {
                let text = std::fs::read_to_string(&value).map_err(|cause| format!("{value}: {cause}"))?;
                options.filter = ddos_eval::lab::read(&text).map_err(|cause| format!("{value}: {cause}"))?;
            }
            "--capture" => options.capture = Some(PathBuf::from(value)),
            "--label" => options.label = Label::from_word(&value).ok_or_else(wrong)?,
            "--protect" => options.protect.push(value.parse().map_err(|_| wrong())?),
            "--window" => options.window_s = value.parse().map_err(|_| wrong())?,
            "--floors" => options.floors = value.parse().map_err(|_| wrong())?,
            "--json" => options.json = value == "yes",
            _ => return Err(format!("{argument} is no option")),
        }
    }
    Ok(options)
}

/// Judges the recording that was named.
fn capture(path: &Path, options: Options, model: Model) -> Result<(), String> {
    let (settings, model) = (Settings::scaled(options.floors), Some(model));
    let manner = Manner { protect: options.protect, window_s: options.window_s, settings, model };
    let replayed = judged::judge(path, manner).map_err(|fault| fault.inside())?;
    if options.json {
        println!("{}", json!(replayed));
        return Ok(());
    }
    print!("{}", replayed.text(base::Lang::En));
    println!();
    judged::lines(&replayed, options.label).iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn run() -> Result<(), String> {
    let options = options()?;
    let model = &options.model;
    let text = std::fs::read_to_string(model).map_err(|cause| format!("{}: {cause}", model.display()))?;
    let model = Model::read(&text).map_err(|fault| fault.inside())?;
    if let Some(path) = options.capture.clone() {
        return capture(&path, options, model);
    }
    let Options { each, filter, .. } = options;
    let mut figures = Vec::new();
    let sets: [(&str, &str, Vec<Session>, Settings); 4] = [
        (
            "made",
            "families of our generators, sessions never trained on (families were)",
            corpus::made(SEED, each, 10 * each),
            Settings::default(),
        ),
        (
            "programs",
            "hping3, trafgen, iperf3, curl recorded in a namespace, never trained on",
            corpus::recorded(SEED),
            Settings::default(),
        ),
        (
            "filter",
            "the scrubber's own generator through the packet filter in the kernel (`scrub-lab windows`), never trained on",
            filter,
            Settings::default(),
        ),
        (
            "adddosdn",
            "AdDDoSDN, windows of 10 s, floors at a fiftieth, never trained on",
            ddos_eval::adddosdn::sessions(),
            Settings::scaled(0.02),
        ),
    ];
    for (set, data, sessions, settings) in &sets {
        for (history, name) in [(History::Known, "known"), (History::None, "new")] {
            let rows = rows(sessions, history, settings, &model);
            if rows.is_empty() {
                continue;
            }
            println!("\n{data}; destination {name}");
            println!(
                "{:<34} {:>8} {:>9} {:>9} {:>9} {:>14}",
                "windows of", "windows", "alarmed", "named", "sessions", "alarm after"
            );
            rows.iter().for_each(|(label, row)| print(label, row));
            figures.extend(rows.iter().map(|(label, row)| figure(set, name, label, row, data)));
        }
    }
    figures.extend(cost(&model));
    write(&figures).map_err(|cause| format!("figures/ddos.json: {cause}"))
}

fn rows(sessions: &[Session], history: History, settings: &Settings, model: &Model) -> BTreeMap<String, Row> {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for session in sessions {
        let Some(verdict) = judge(session, history, settings, Some(model)) else { continue };
        let label = match (session.class.as_str(), session.style.split('+').next().unwrap_or_default()) {
            ("", "") => format!("users {}", session.source),
            ("", style) => format!("users {style}"),
            (class, _) => format!("{class} {}", session.source),
        };
        let row = rows.entry(label).or_default();
        row.sum += &verdict;
        if verdict.attacks > 0 {
            row.sessions += 1;
            row.after.extend(verdict.after);
        }
    }
    rows
}

fn print(label: &str, row: &Row) {
    let Row { sum, sessions, after } = row;
    if *sessions == 0 {
        println!("{label:<34} {:>8} {:>9} false", sum.users, sum.falsely);
        return;
    }
    let mut after = after.clone();
    after.sort_unstable();
    let (found, middle, last) = (after.len(), after.get(after.len() / 2), after.last());
    let times = middle.zip(last).map_or("never".into(), |(middle, last)| format!("{middle} (most {last})"));
    let share = |part: usize| 100.0 * part as f64 / sum.attacks.max(1) as f64;
    println!(
        "{label:<34} {:>8} {:>7.1} % {:>7.1} % {:>4}/{:<4} {times:>14}",
        sum.attacks,
        share(sum.alarmed),
        share(sum.named),
        found,
        sessions
    );
}

fn figure(set: &str, history: &str, label: &str, row: &Row, data: &str) -> Value {
    let Row { sum, sessions, after } = row;
    let flood = *sessions > 0;
    let id =
        format!("{}.{set}.{history}.{}", if flood { "E3.recall" } else { "E3.false" }, label.replace([' ', '/'], "-"));
    let (part, whole) = if flood { (after.len(), *sessions) } else { (sum.falsely, sum.users) };
    let share = part as f64 / whole.max(1) as f64;
    let what = if flood {
        format!(
            "{label}: sessions that alarmed; {} of {} windows alarmed, {} named",
            sum.alarmed, sum.attacks, sum.named
        )
    } else {
        format!("{label}: windows that alarmed falsely, of {whole}")
    };
    let (goal, met) = if flood { (">= 0.95", share >= 0.95) } else { ("<= 0.005", share <= 0.005) };
    json!({"id": id, "what": what, "ours": share, "unit": "share", "peer": null, "peer_name": "", "ratio": null, "goal": goal,
        "met": met, "runs": 1, "spread": [share, share], "data": format!("{data}; destination {history}")})
}

/// CPU of judging a second with 4,000 samples of a mixed flood, and of the search for signatures in it.
fn cost(model: &Model) -> Vec<Value> {
    let sessions = corpus::made(SEED + 1, 1, 0);
    let samples = |class: &str| sessions.iter().find(|session| session.class == class).map(|session| &session.windows);
    let all = ["syn-flood", "reflection-ntp", "udp-flood"].into_iter().filter_map(samples).flatten();
    let mut second = ddos_eval::session::Second { counters: ddos::Counters::default(), samples: Vec::new(), attack: 0 };
    for window in all {
        second.counters += window.counters;
        second.samples.extend(window.samples.iter().cloned());
    }
    second.samples.truncate(4_000);
    let packets: Vec<ddos::Packet> = second.samples.iter().filter_map(ddos::Sample::parse).collect();
    let to = ddos::Prefix::single(std::net::Ipv4Addr::new(198, 51, 100, 7).into());
    let timed = |run: &mut dyn FnMut()| {
        let mut spans: Vec<f64> = (0..9)
            .map(|_| {
                let begin = std::time::Instant::now();
                run();
                begin.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        spans.sort_by(f64::total_cmp);
        spans
    };
    let judge = timed(&mut || {
        let mut watch = ddos::Watch::new(to, Settings::default());
        watch.second(1, &second.counters, &second.samples, None, Some(model));
    });
    let search = timed(&mut || {
        ddos::itemset::signatures(to, &packets, &packets[packets.len() / 2..], 0);
    });
    let row = |id: &str, what: &str, spans: &[f64]| {
        println!("{what}: {:.2} ms (median of {})", spans[spans.len() / 2], spans.len());
        json!({"id": format!("E3.{id}"), "what": what, "ours": spans[spans.len() / 2], "unit": "ms", "peer": null, "peer_name": "",
            "ratio": null, "goal": "<= 50", "met": spans[spans.len() / 2] <= 50.0, "runs": spans.len(),
            "spread": [spans[0], spans[spans.len() - 1]], "data": "4,000 samples (2,000 are searched) of three floods among users; wall time, crate at opt-level 3"})
    };
    vec![
        row("judge-second", "judging a second of a destination with 4,000 samples", &judge),
        row("signature-search", "one search for signatures", &search),
    ]
}

fn write(figures: &[Value]) -> std::io::Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = target.join("figures");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("ddos.json"), format!("{:#}\n", Value::Array(figures.to_vec())))
}
