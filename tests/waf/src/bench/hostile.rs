//! Hostile input: what each transformation, operator and expression, and a whole request, costs a byte at worst, and
//! whether four times the bytes cost more than four times the time.

use crate::encode;
use crate::ours::{Ours, cpu_us};
use crate::request::Request;
use crate::rules::{Mode, Rules};
use kit::figures::{Row, median};
use seclang::{Item, Rule, Ruleset};
use std::cell::Cell;
use std::collections::BTreeSet;
use waf::operator::{self, Matcher};
use waf::transformation;

/// Bytes of the shorter input; the longer one has four times as many.
const SHORT: usize = 16 << 10;
/// The same of whole requests, whose bodies have a limit.
const SHORT_BODY: usize = 8 << 10;
/// Measurements of each, of which the middle one counts.
const RUNS: usize = 5;
/// Times below this many microseconds say nothing of growth.
const NOISE_US: f64 = 40.0;
/// Time of four times the bytes, over four times the time, that still counts as linear.
const LINEAR: f64 = 1.5;

/// What inputs repeat: escapes whole and cut, openings without end, what rules look for and nearly that.
const PIECES: &[&str] = &[
    "a",
    " ",
    "\0",
    "\n",
    "%",
    "%41",
    "%u0041",
    "+",
    "\\",
    "\\x",
    "\\u0041",
    "\\0",
    "&",
    "&#",
    "&#x",
    "&#1",
    "&amp",
    "/*",
    "*/",
    "/",
    "../",
    "./",
    "a/../",
    "<",
    "<!--",
    "--",
    "#",
    "é",
    "\u{10348}",
    "0x41",
    "0",
    "QUJD",
    "=",
    "'",
    "\"",
    "`",
    "(",
    "()",
    "{",
    "[",
    "$(",
    "${",
    "a=b&",
    "1 or 1=1 ",
    "select ",
    "union all ",
    "<script ",
    "<a href=x ",
    "on",
    "javascript:",
    "http://",
    "a.b.",
    "1.2.3.4 ",
    "4111111111111111 ",
    "aA1-_",
    ";",
    "; ls",
    "|",
    "a b c ",
    "\t \t",
    "<?",
    "ab ab ",
];

/// Does the work once on an input.
type Run = Box<dyn Fn(&[u8])>;

/// One measured thing.
struct Subject {
    kind: &'static str,
    name: String,
    /// Further pieces, its own.
    pieces: Vec<Vec<u8>>,
    run: Run,
}

/// The worst input of a subject.
#[derive(Debug, Clone)]
struct Worst {
    kind: &'static str,
    name: String,
    input: String,
    ns_byte: f64,
    growth: f64,
    growth_input: String,
}

/// Measures everything.
pub fn run() -> Result<Vec<Row>, String> {
    let mut subjects = transformations();
    subjects.extend(operators());
    let rules = Rules::new(Mode::Level(1));
    if rules.present() {
        subjects.extend(expressions(&Ours::ruleset(&rules.text())?)?);
        subjects.extend(requests(&rules)?);
    } else {
        println!("skipped: expressions and requests: OWASP CRS not present");
    }
    let mut worst: Vec<Worst> = subjects.iter().map(measure).collect();
    worst.sort_by(|one, other| other.ns_byte.total_cmp(&one.ns_byte));
    println!(
        "worst cost a byte at {} bytes; growth is the time of four times the bytes over four times the time",
        4 * SHORT
    );
    let mut rows = Vec::new();
    for kind in ["transformation", "operator", "expression", "request"] {
        let these: Vec<&Worst> = worst.iter().filter(|worst| worst.kind == kind).collect();
        for worst in these.iter().take(if kind == "expression" { 15 } else { usize::MAX }) {
            let name = short(&worst.name);
            println!(
                "  {kind:<14} {name:<60} {:>9.1} ns on {:<18} growth {:.2} on {}",
                worst.ns_byte, worst.input, worst.growth, worst.growth_input
            );
        }
        rows.extend(row(kind, &these));
    }
    Ok(rows)
}

/// The row of a kind: its worst cost, and whether all of it is linear.
fn row(kind: &str, these: &[&Worst]) -> Option<Row> {
    let worst = these.first()?;
    let steepest = these.iter().max_by(|one, other| one.growth.total_cmp(&other.growth))?;
    let growth = steepest.growth;
    let (name, bytes) = (short(&worst.name), bytes(kind));
    Some(Row {
        id: format!("E1.hostile-{kind}"),
        what: format!(
            "worst cost, {kind} on hostile input: {name} on {}; growth at most {growth:.2}: {} on {}",
            worst.input,
            short(&steepest.name),
            steepest.growth_input
        ),
        ours: vec![worst.ns_byte],
        unit: "ns/B",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: format!("four times the bytes cost at most {LINEAR} x 4 times the time"),
        met: growth <= LINEAR,
        data: format!(
            "{} of them, {} inputs and their own, {} and {} bytes, everyday build",
            these.len(),
            PIECES.len() + 2,
            bytes,
            4 * bytes
        ),
    })
}

/// The begin of a name, for people.
fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

fn bytes(kind: &str) -> usize {
    if kind == "request" { SHORT_BODY } else { SHORT }
}

fn measure(subject: &Subject) -> Worst {
    let (kind, name, length) = (subject.kind, subject.name.clone(), bytes(subject.kind));
    let mut worst = Worst { kind, name, input: String::new(), ns_byte: 0.0, growth: 0.0, growth_input: "-".into() };
    for (label, make) in inputs(&subject.pieces) {
        let (less, more) = (middle(subject, &make, length), middle(subject, &make, 4 * length));
        let ns_byte = more * 1000.0 / (4 * length) as f64;
        if ns_byte > worst.ns_byte {
            (worst.ns_byte, worst.input) = (ns_byte, label.clone());
        }
        let mut growth = more / (4.0 * less);
        // An automaton that is built as it goes is still in its beginning with few bytes; what is not linear stays so.
        if growth > LINEAR && less > NOISE_US && kind != "request" {
            growth = growth.min(middle(subject, &make, 16 * length) / (4.0 * more));
        }
        if less > NOISE_US && growth > worst.growth {
            (worst.growth, worst.growth_input) = (growth, label);
        }
    }
    worst
}

/// The middle one of some runs. Each has bytes of its own where they are random: an automaton that has seen them knows them.
fn middle(subject: &Subject, make: &Make, length: usize) -> f64 {
    let time = |run| {
        let input = make(length, run);
        let begin = cpu_us();
        (subject.run)(&input);
        cpu_us() - begin
    };
    median(&(0..RUNS).map(|run| time(run as u64 + length as u64)).collect::<Vec<_>>())
}

/// Bytes of a length, for a run.
type Make = Box<dyn Fn(usize, u64) -> Vec<u8>>;

/// Every input by its label.
fn inputs(own: &[Vec<u8>]) -> Vec<(String, Make)> {
    let repeat = |piece: Vec<u8>| -> (String, Make) {
        let label = format!("{}…", piece.escape_ascii().to_string().chars().take(16).collect::<String>());
        (label, Box::new(move |length, _| piece.iter().copied().cycle().take(length).collect()))
    };
    let pieces = PIECES.iter().map(|piece| piece.as_bytes().to_vec()).chain(own.iter().cloned());
    let mut inputs: Vec<(String, Make)> = pieces.map(repeat).collect();
    inputs.push(("random bytes".into(), Box::new(|length, run| random(length, run, |number| number as u8))));
    inputs
        .push(("random text".into(), Box::new(|length, run| random(length, run, |number| b' ' + (number % 95) as u8))));
    inputs
}

/// The same numbers in every bench (xorshift64), others in every run of it.
fn random(length: usize, run: u64, byte: impl Fn(u64) -> u8) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ run << 20;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        byte(state >> 32)
    };
    (0..length).map(|_| next()).collect()
}

fn transformations() -> Vec<Subject> {
    let subject = |item: &'static dyn transformation::Transformation| Subject {
        kind: "transformation",
        name: format!("t:{}", item.name()),
        pieces: Vec::new(),
        run: Box::new(move |input| {
            let mut out = Vec::new();
            std::hint::black_box(item.apply(input, &mut out));
        }),
    };
    transformation::ALL.iter().map(|item| subject(*item)).collect()
}

/// Arguments under which operators are measured; the others take none.
fn argument(name: &str) -> &'static str {
    match name {
        "pm" => "select union insert ../ <script onerror javascript aaaaaaab abababac",
        "ipmatch" => "10.0.0.0/8,2001:db8::/32",
        "validatebyterange" => "32-126",
        "verifycc" | "verifyssn" | "verifycpf" | "verifysvnr" => r"\d+(?:-\d+)*",
        "rx" | "rxglobal" => r"(?:[a-z]+\s*)+=|(?:/\*.*?\*/)+x",
        "contains" | "containsword" | "strmatch" | "beginswith" | "endswith" | "streq" | "within" => "aaaaaaaaaaaaaaab",
        _ => "1",
    }
}

fn operators() -> Vec<Subject> {
    let subject = |item: &'static dyn operator::Operator| {
        let matcher = item.build(argument(item.name()).as_bytes(), &[]).ok()?;
        Some(tested("operator", format!("@{}", item.name()), matcher))
    };
    operator::ALL.iter().filter_map(|item| subject(*item)).collect()
}

fn tested(kind: &'static str, name: String, matcher: Box<dyn Matcher>) -> Subject {
    let run = Box::new(move |input: &[u8]| {
        std::hint::black_box(matcher.holds(input, None));
    });
    Subject { kind, name, pieces: Vec::new(), run }
}

/// The expressions of the rules, each with the texts it looks for as inputs, whole, cut and spaced.
fn expressions(ruleset: &Ruleset) -> Result<Vec<Subject>, String> {
    let operator = operator::ALL.iter().find(|item| item.name() == "rx").ok_or("no @rx")?;
    let (mut seen, mut subjects) = (BTreeSet::new(), Vec::new());
    let heads = ruleset.items.iter().filter_map(|item| match item {
        Item::Rule(rule) => Some(rule.as_ref()),
        Item::Marker(_) => None,
    });
    for head in heads {
        let links = std::iter::successors(Some(head), |rule: &&Rule| rule.next.as_deref());
        for test in links.filter_map(|rule| rule.operator.as_ref()).filter(|test| test.name == "rx") {
            let Some(pattern) = test.argument.fixed().filter(|pattern| seen.insert(pattern.to_vec())) else { continue };
            let matcher = operator.build(pattern, &[]).map_err(|fault| fault.to_string())?;
            let literals = matcher.guard().literals.unwrap_or_default();
            let step = (literals.len() / 3).max(1);
            let mut pieces = Vec::new();
            for literal in literals.iter().step_by(step).take(3) {
                pieces.extend([literal.clone(), [literal, &b" "[..]].concat(), [literal, &b"a1"[..]].concat()]);
            }
            let name = format!("{} {}", head.id, String::from_utf8_lossy(pattern));
            subjects.push(Subject { pieces, ..tested("expression", name, matcher) });
        }
    }
    Ok(subjects)
}

/// Whole requests under all rules: a form with one long field, and a query of many small ones.
fn requests(rules: &Rules) -> Result<Vec<Subject>, String> {
    let mut subjects = Vec::new();
    for level in [1, 4] {
        let engine = Ours::load(&Rules { mode: Mode::Level(level), ..rules.clone() })?;
        let runs = Cell::new(0_u32);
        let run = move |input: &[u8]| {
            // Another value each time: the engine remembers what it knows of small ones.
            runs.set(runs.get().wrapping_add(1));
            let body =
                [b"field=", &encode::query(input)[..], &runs.get().to_be_bytes().map(|byte| b'a' + byte % 26)].concat();
            let request = Request::browser("POST", "/").with_body("application/x-www-form-urlencoded", body);
            std::hint::black_box(engine.answer(&request));
        };
        let name = format!("a form of one field, paranoia level {level}");
        subjects.push(Subject { kind: "request", name, pieces: Vec::new(), run: Box::new(run) });
    }
    Ok(subjects)
}
