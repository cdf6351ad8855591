//! Running the cases of a folder.

use crate::{Engine, RuleIndex, Scratch, Source, cases, fault};
use base::limits::CONFIG_BYTES;
use base::{Fault, Result};
use record::{Event, Kind};
use sigma::yaml::{self, Document, Node, Place};
use sigma::{attack, moment};
use std::path::{Path, PathBuf};

/// Most files of a folder of rules, and its deepest nesting: stops a link to `/`.
const FILES: usize = 50_000;
const DEPTH: usize = 8;

/// What became of a folder of rules.
#[derive(Debug, Default)]
pub struct Report {
    /// Rules that loaded, routed here or not.
    pub rules: usize,
    /// Cases that ran.
    pub cases: usize,
    /// Cases that failed and rules without enough of them, one line each.
    pub failures: Vec<String>,
    /// Rules and cases that could not be read.
    pub faults: Vec<Fault>,
}

/// A case, read.
struct Case {
    name: String,
    wanted: bool,
    rule: Option<String>,
    event: Event,
}

/// Runs every rule of a folder against the cases beside it. A rule needs at least one case it must match and one it
/// must not; ids must be single; ATT&CK ids must be real.
pub fn run_folder(folder: &Path) -> Report {
    let mut report = Report::default();
    let mut files = Vec::new();
    if let Err(fault) = list(folder, 0, &mut files) {
        report.faults.push(fault);
    }
    files.sort();
    let rules: Vec<&PathBuf> = files.iter().filter(|path| !is_cases(path)).collect();
    for path in files.iter().filter(|path| is_cases(path)) {
        if !rules.iter().any(|rule| cases_of(rule) == **path) {
            report.failures.push(format!("{}: no rule file beside these cases", path.display()));
        }
    }
    let mut sources = Vec::new();
    for path in &rules {
        match read(path) {
            Ok(text) => sources.push(Source { name: path.display().to_string(), text }),
            Err(fault) => report.faults.push(fault),
        }
    }
    // All together first, so that an id used twice in the folder is found.
    let (all, faults) = Engine::compile(&sources);
    report.rules = all.rules().len() + all.unrouted().len();
    report.faults.extend(faults);
    for one in all.unrouted() {
        report.failures.push(format!("{}: not routed: {}", one.rule.place, one.reason));
    }
    report.failures.extend(all.doubts().iter().map(Fault::to_string));
    for rule in all.rules() {
        for id in attack::wrong(&rule.tags) {
            report.failures.push(format!("{}: attack.{id} is no ATT&CK id", rule.place));
        }
    }
    for (source, path) in sources.iter().zip(&rules) {
        run_file(source, &cases_of(path), &mut report);
    }
    report
}

/// Runs what ordinary hosts do all day against every rule of a folder: none may match. Each file is a list of cases
/// without `match`.
pub fn run_benign(rules: &Path, benign: &Path) -> Report {
    let mut report = Report::default();
    let (mut rule_files, mut files) = (Vec::new(), Vec::new());
    for (folder, found) in [(rules, &mut rule_files), (benign, &mut files)] {
        if let Err(fault) = list(folder, 0, found) {
            report.faults.push(fault);
        }
        found.sort();
    }
    let mut sources = Vec::new();
    for path in rule_files.iter().filter(|path| !is_cases(path)) {
        match read(path) {
            Ok(text) => sources.push(Source { name: path.display().to_string(), text }),
            Err(fault) => report.faults.push(fault),
        }
    }
    let (engine, _) = Engine::compile(&sources);
    report.rules = engine.rules().len();
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for path in files {
        let name = path.display().to_string();
        let found = match read(&path).and_then(|text| parse(&text, &name, false)) {
            Ok(found) => found,
            Err(fault) => {
                report.faults.push(fault);
                continue;
            }
        };
        for (place, case) in found {
            let case = match case {
                Ok(case) => case,
                Err(fault) => {
                    report.faults.push(fault);
                    continue;
                }
            };
            report.cases += 1;
            engine.evaluate(&case.event, &mut scratch, &mut hits);
            report.failures.extend(hits.iter().map(|index| {
                format!("{place}: `{}` is ordinary and matches \"{}\"", case.name, engine.rule(*index).title)
            }));
        }
    }
    report
}

fn is_cases(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(".cases.yml"))
}

fn cases_of(rule: &Path) -> PathBuf {
    rule.with_extension("cases.yml")
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable =
        |cause: std::io::Error| Fault::new(&base::config::UNREADABLE).object(folder.display()).because(cause);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() && depth < DEPTH {
            list(&path, depth + 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") && files.len() < FILES {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    let unreadable =
        |cause: std::io::Error| Fault::new(&base::config::UNREADABLE).object(path.display()).because(cause);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > CONFIG_BYTES {
        let expected = format!("at most {CONFIG_BYTES} bytes");
        return Err(Fault::new(&fault::LIMIT).object(path.display()).expected(expected).found(size));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Runs the cases of one file against the rules of one file.
fn run_file(source: &Source, cases: &Path, report: &mut Report) {
    let (engine, _) = Engine::compile(std::slice::from_ref(source));
    if engine.rules().is_empty() {
        return;
    }
    if !cases.exists() {
        report.failures.push(format!("{}: no cases beside it ({})", source.name, cases.display()));
        return;
    }
    let name = cases.display().to_string();
    let found = match read(cases).and_then(|text| parse(&text, &name, true)) {
        Ok(found) => found,
        Err(fault) => return report.faults.push(fault),
    };
    let mut counts = vec![(0usize, 0usize); engine.rules().len()];
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for (place, case) in found {
        let case = match case {
            Ok(case) => case,
            Err(fault) => {
                report.faults.push(fault);
                continue;
            }
        };
        report.cases += 1;
        engine.evaluate(&case.event, &mut scratch, &mut hits);
        for (index, rule) in (0..).zip(engine.rules()) {
            let meant = case.rule.as_ref().is_none_or(|id| *id == rule.id);
            let hit = hits.contains(&RuleIndex(index));
            let fails = if case.wanted { meant && !hit } else { meant && hit };
            if fails {
                let verb = if hit { "must not match and does" } else { "must match and does not" };
                report.failures.push(format!("{place}: `{}` {verb} \"{}\"", case.name, rule.title));
            }
            let count = &mut counts[index as usize];
            count.0 += usize::from(meant && case.wanted);
            count.1 += usize::from(meant && !case.wanted);
        }
    }
    for (rule, (matches, others)) in engine.rules().iter().zip(counts) {
        if matches == 0 || others == 0 {
            let text = format!("{}: {matches} cases that match, {others} that do not; each needs one", rule.place);
            report.failures.push(text);
        }
    }
}

/// Reads a file of cases; each case keeps its place, and a bad one takes no other with it. `judged` cases must say
/// whether they match.
fn parse(text: &str, name: &str, judged: bool) -> Result<Vec<(String, Result<Case>)>> {
    let place = Place { name };
    let node = yaml::parse(&Document { text, before: 0 }, place)?;
    let yaml::Data::List(items) = &node.data else {
        return Err(place.fault(&fault::CASE, node.line).expected("a list of cases").found(node.form()));
    };
    Ok(items.iter().map(|item| (format!("{name}:{}", item.line), case(item, place, judged))).collect())
}

fn case(node: &Node, place: Place<'_>, judged: bool) -> Result<Case> {
    let wrong = |line: usize, expected: &str| place.fault(&fault::CASE, line).expected(expected);
    const KEYS: [&str; 8] = ["name", "match", "kind", "log", "message", "fields", "time", "rule"];
    for entry in node.entries().ok_or_else(|| wrong(node.line, "a map").found(node.form()))? {
        if !KEYS.contains(&entry.key.as_str()) {
            return Err(
                wrong(entry.line, "only name, match, kind, log, message, fields, time and rule").found(&entry.key)
            );
        }
    }
    let text = |key: &str| node.get(key).and_then(Node::text);
    let wanted = match text("match") {
        Some("true") => true,
        Some("false") => false,
        None if !judged => false,
        _ => return Err(wrong(node.line, "match: true or match: false")),
    };
    let mut event = match node.get("log") {
        Some(word) => record(node, word, place)?,
        None => typed(node, place)?,
    };
    if let Some(time) = text("time") {
        event.time_us =
            moment::parse(time).ok_or_else(|| wrong(node.line, "time: 2026-02-03T04:05:06Z").found(time))?;
    }
    let name = text("name").ok_or_else(|| wrong(node.line, "a name"))?.to_owned();
    Ok(Case { name, wanted, rule: text("rule").map(str::to_owned), event })
}

/// The fields of a case, a name once for each of its values.
fn fields<'n>(node: &'n Node, place: Place<'_>) -> Result<Vec<(&'n str, Vec<&'n str>)>> {
    let wrong = |line: usize, expected: &str| place.fault(&fault::CASE, line).expected(expected);
    let fields = node.get("fields").ok_or_else(|| wrong(node.line, "fields"))?;
    let entries = fields.entries().ok_or_else(|| wrong(fields.line, "fields as a map").found(fields.form()))?;
    let values = |entry: &'n yaml::Entry| {
        let texts: Option<Vec<&str>> = entry.value.items().iter().map(Node::text).collect();
        let texts = texts.ok_or_else(|| wrong(entry.line, "a value or a list of values").found(&entry.key))?;
        Ok((entry.key.as_str(), texts))
    };
    entries.iter().map(values).collect()
}

/// The event of a case with `kind`.
fn typed(node: &Node, place: Place<'_>) -> Result<Event> {
    let wrong = |line: usize, expected: &str| place.fault(&fault::CASE, line).expected(expected);
    if let Some(message) = node.get("message") {
        return Err(wrong(message.line, "a message only beside `log`"));
    }
    let word = node.get("kind").and_then(Node::text);
    let kind = word.and_then(Kind::from_word).filter(|kind| *kind != Kind::Log).ok_or_else(|| {
        let words: Vec<&str> = Kind::ALL.iter().filter(|kind| **kind != Kind::Log).map(|kind| kind.word()).collect();
        let expected = format!("log: the word of a decoder, or kind: one of {}", words.join(" "));
        wrong(node.line, &expected).found(word.unwrap_or("none"))
    })?;
    let values: Vec<(&str, String)> =
        fields(node, place)?.into_iter().map(|(word, values)| (word, values.join("\n"))).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|(word, value)| (*word, value.as_str())).collect();
    cases::event(kind, &values).map_err(|fault| {
        let line = node.get("fields").map_or(node.line, |fields| fields.line);
        let object = format!("{}:{line}: {}", place.name, fault.named());
        fault.object(object)
    })
}

/// The event of a case with `log`.
fn record(node: &Node, word: &Node, place: Place<'_>) -> Result<Event> {
    let wrong = |line: usize, expected: &str| place.fault(&fault::CASE, line).expected(expected);
    if let Some(kind) = node.get("kind") {
        return Err(wrong(kind.line, "`kind` or `log`, not both"));
    }
    let source =
        word.text().filter(|word| !word.is_empty()).ok_or_else(|| wrong(word.line, "the word of a decoder"))?;
    let message = node.get("message").map(|part| part.text().ok_or_else(|| wrong(part.line, "message as text")));
    let message = message.transpose()?;
    let all = match node.get("fields") {
        Some(_) => fields(node, place)?,
        None if message.is_some() => Vec::new(),
        None => return Err(wrong(node.line, "fields, a message or both")),
    };
    let pairs: Vec<(&str, &str)> =
        all.iter().flat_map(|(name, values)| values.iter().map(move |value| (*name, *value))).collect();
    Ok(cases::log(source, message, &pairs))
}
