//! Golden cases, found by glob: `patterns/*.txt`, and `feeds/NAME.EXT` with `NAME.EXT.expect` beside it.
//! `GARRISON_BLESS=1` writes what is missing.

mod attack;
pub mod export;
mod hostile;

use base::Result;
use intel::Indicator;
use intel::format::stix::{atom, pattern};
use intel::format::{Report, Settings, Sink, Source, import};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A folder beside this file.
pub fn folder(name: &str) -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/cases").join(name)
}

/// Files of a folder beside this file, sorted.
pub fn files(name: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(!all.is_empty(), "{name} holds cases");
    all
}

/// Keeps what an import finds.
#[derive(Default)]
pub struct Kept {
    pub indicators: Vec<Indicator>,
    pub objects: Vec<(String, String, String)>,
    pub withdrawn: Vec<String>,
    pub told: usize,
}

impl Sink for Kept {
    fn indicator(&mut self, indicator: Indicator) -> Result<()> {
        self.indicators.push(indicator);
        Ok(())
    }

    fn object(&mut self, id: &str, kind: &str, text: &str) -> Result<()> {
        self.objects.push((id.to_string(), kind.to_string(), text.to_string()));
        Ok(())
    }

    fn withdrawn(&mut self, id: &str) -> Result<()> {
        self.withdrawn.push(id.to_string());
        Ok(())
    }

    fn progress(&mut self, _report: &Report) -> Result<()> {
        self.told += 1;
        Ok(())
    }
}

/// Settings of the cases.
pub fn settings() -> Settings {
    Settings { source: "test".into(), confidence: 60, now_us: 1_780_000_000_000_000, ..Settings::default() }
}

/// Imports bytes in small pieces, so that every value lies across a border somewhere.
pub fn read(bytes: &[u8], format: Option<&'static dyn Source>) -> (Report, Kept) {
    let mut kept = Kept::default();
    let mut input = std::io::BufReader::with_capacity(if format.is_some() { 7 } else { 64 * 1024 }, bytes);
    let report = import(&mut input, format, &settings(), &mut kept);
    (report, kept)
}

/// Pattern, whether it is valid, and its values as the case says them.
pub fn patterns() -> Vec<(String, bool, Vec<String>)> {
    let mut all: Vec<(String, bool, Vec<String>)> = Vec::new();
    for path in files("patterns") {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("##")) {
            match line.strip_prefix("  ") {
                None => all.push((line.to_string(), true, Vec::new())),
                Some("!") => all.last_mut().unwrap().1 = false,
                Some(value) => all.last_mut().unwrap().2.push(value.to_string()),
            }
        }
    }
    all
}

#[test]
fn patterns_give_the_values_that_the_cases_say() {
    for (text, valid, wanted) in patterns() {
        match pattern::parse(&text) {
            Ok(parsed) => {
                assert!(valid, "{text}: is to be refused");
                let partial = |atom: &atom::Atom| if atom.partial { " partial" } else { "" };
                let found = atom::atoms(&parsed);
                let found: Vec<String> =
                    found.iter().map(|atom| format!("{} {}{}", atom.kind.word(), atom.text, partial(atom))).collect();
                assert_eq!(found, wanted, "{text}");
            }
            Err(fault) => {
                assert!(!valid, "{text}: {fault}");
                assert!(fault.is(&intel::format::fault::PATTERN) && fault.named().starts_with("byte "), "{fault}");
            }
        }
    }
}

/// A report and what was found, as text.
fn shown(report: &Report, kept: &Kept) -> String {
    let mut text = format!("{}: {} taken, {} bad\n", report.format, report.taken, report.bad);
    for (reason, count) in &report.passed {
        writeln!(text, "passed {count}: {reason}").unwrap();
    }
    for fault in report.examples.iter().chain(&report.fault) {
        writeln!(text, "fault {}", fault.outside(base::Lang::En)).unwrap();
    }
    for id in &kept.withdrawn {
        writeln!(text, "withdrawn {id}").unwrap();
    }
    for indicator in &kept.indicators {
        let claim = &indicator.claims[0];
        write!(
            text,
            "{} {} sure={} tlp={}",
            indicator.kind.word(),
            indicator.value,
            claim.confidence,
            claim.tlp.word()
        )
        .unwrap();
        for (name, list) in [("tags", &claim.tags), ("malware", &claim.malware), ("actors", &claim.actors)] {
            if !list.is_empty() {
                write!(text, " {name}={}", list.join("|")).unwrap();
            }
        }
        for (name, time) in [("first", claim.first_us), ("last", claim.last_us), ("until", claim.valid_until_us)] {
            if time != 0 && time != settings().now_us {
                write!(text, " {name}={}", intel::format::time::rfc3339(time, 3)).unwrap();
            }
        }
        if !claim.id.is_empty() {
            write!(text, " id={}", claim.id).unwrap();
        }
        writeln!(text, "{}{}", if claim.description.is_empty() { "" } else { " " }, claim.description).unwrap();
    }
    text
}

#[test]
fn feeds_give_what_the_cases_say() {
    for path in files("feeds").into_iter().filter(|path| path.extension().is_some_and(|end| end != "expect")) {
        let bytes = std::fs::read(&path).unwrap();
        let (report, kept) = read(&bytes, None);
        let found = shown(&report, &kept);
        // In pieces of seven bytes it is the same.
        if let Ok(format) = intel::format::named(report.format) {
            let (report, kept) = read(&bytes, Some(format));
            assert_eq!(shown(&report, &kept), found, "{}", path.display());
            assert_eq!(report.bytes, bytes.len() as u64, "{}", path.display());
        }
        let expect = path.with_file_name(format!("{}.expect", path.file_name().unwrap().to_str().unwrap()));
        if std::env::var("GARRISON_BLESS").is_ok() && !expect.exists() {
            std::fs::write(&expect, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(&expect).unwrap_or_default(), "{}", path.display());
    }
}

#[test]
fn every_format_has_a_case_and_its_word_names_it() {
    let cases: Vec<String> = files("feeds").iter().map(|path| path.display().to_string()).collect();
    for source in intel::format::ALL {
        assert_eq!(intel::format::named(source.name()).unwrap().name(), source.name());
        assert!(
            cases.iter().any(|case| {
                case.ends_with(".expect")
                    && std::fs::read_to_string(case).unwrap().starts_with(&format!("{}:", source.name()))
            }),
            "no case is read as {}",
            source.name()
        );
    }
    assert!(intel::format::named("x").unwrap_err().is(&intel::format::fault::UNKNOWN));
    for code in intel::format::fault::ALL {
        assert!(!code.title_zh.is_ascii(), "{}", code.id);
    }
}
