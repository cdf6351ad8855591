//! Recorded lines: `cases/DECODER/NAME.log` with `NAME.json` beside it, found by glob. `GARRISON_BLESS=1` writes what is
//! expected from what is; read it before it is committed.

use logs::decode;
use logs::reader::Reader;
use logs::stats::Counters;
use logs::zone::Zone;
use record::{Activity, Event};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// 2023-11-15 00:00:00 UTC; the host of the cases lives at UTC+8.
const NOW: i64 = 1_700_006_400_000_000;

fn folder() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/cases")
}

fn shown(event: &Event, line: &str) -> serde_json::Value {
    let Activity::Log(log) = &event.activity else { panic!("a log") };
    let mut object = serde_json::json!({ "source": log.source });
    let time = if event.time_us == NOW { "now".into() } else { event.time_us.into() };
    object["time_us"] = time;
    if !log.host.is_empty() {
        object["host"] = log.host.clone().into();
    }
    if log.message != line {
        object["message"] = log.message.clone().into();
    }
    let pairs = log.fields.iter().map(|pair| format!("{}={}", pair.name, pair.value));
    object["fields"] = pairs.collect::<Vec<_>>().into();
    object
}

fn decoded(word: &str, path: &Path) -> serde_json::Value {
    let decoder = decode::of(word).unwrap_or_else(|| panic!("{word}: no decoder of that name"));
    let (zone, counters) = (Zone::fixed(8 * 3600), Counters::default());
    let reader = Reader { decoder, word: "", now: NOW, zone: &zone, counters: &counters };
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut events = Vec::new();
        let before = counters.stats("").undecoded;
        reader.read(line.as_bytes(), false, "/log", &mut events);
        assert!(!events.is_empty(), "{}: {line} gave nothing", path.display());
        let mut shown: Vec<_> = events.iter().map(|event| shown(event, line)).collect();
        if counters.stats("").undecoded > before {
            shown.push("undecoded".into());
        }
        lines.push(serde_json::Value::from(shown));
    }
    lines.into()
}

#[test]
fn recorded_lines_decode_as_expected() {
    let bless = std::env::var("GARRISON_BLESS").is_ok();
    let mut words = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let folder = entry.unwrap().path();
        let word = folder.file_name().unwrap().to_str().unwrap().to_owned();
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "log") {
                continue;
            }
            let found = decoded(&word, &path);
            let expected = path.with_extension("json");
            if bless {
                std::fs::write(&expected, serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
            }
            let text = std::fs::read_to_string(&expected).unwrap();
            let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
            let lines = std::fs::read_to_string(&path).unwrap();
            let (found, expected) = (found.as_array().unwrap(), expected.as_array().unwrap());
            for ((line, found), expected) in lines.lines().zip(found).zip(expected) {
                assert_eq!(found, expected, "{}: {line}", path.display());
            }
            assert_eq!(found.len(), expected.len(), "{}", path.display());
        }
        words.insert(word);
    }
    // Completeness: a decoder without cases fails.
    let all: BTreeSet<String> = decode::ALL.iter().map(|decoder| decoder.word().to_owned()).collect();
    assert_eq!(words, all);
}

#[test]
fn every_decoder_says_what_it_reads_in_both_languages() {
    for decoder in decode::ALL {
        let (english, chinese) = decoder.about();
        assert!(!english.is_empty() && chinese.chars().any(|letter| letter > '\u{2e80}'), "{}", decoder.word());
    }
    let mut programs = BTreeSet::new();
    for app in decode::app::ALL {
        for program in app.programs() {
            assert!(programs.insert(*program), "{program} is read by two");
            assert_eq!(decode::app::of(program.trim_end_matches('*')).map(|app| app.word()), Some(app.word()));
        }
    }
}

#[test]
fn the_faults_are_complete() {
    let mut ids = BTreeSet::new();
    for code in logs::fault::ALL {
        assert!(ids.insert(code.id) && code.id.starts_with("logs."), "{}", code.id);
        for text in [code.title, code.title_zh, code.hint, code.hint_zh] {
            assert!(!text.is_empty() && !text.ends_with(['.', '。']), "{}: {text}", code.id);
        }
    }
}

/// Everything in `hostile/`, found by glob, through everything that reads bytes from outside.
#[test]
fn the_hostile_corpus_reads_without_a_panic() {
    let hostile = folder().with_file_name("hostile");
    let (zone, counters) = (Zone::fixed(0), Counters::default());
    let mut count = 0;
    for entry in std::fs::read_dir(&hostile).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for decoder in decode::ALL.iter().copied() {
            let reader = Reader { decoder, word: "", now: NOW, zone: &zone, counters: &counters };
            let mut events = Vec::new();
            for line in bytes.split(|byte| *byte == b'\n').chain([&bytes[..]]) {
                reader.read(line, false, "/log", &mut events);
            }
            for event in events {
                let Activity::Log(log) = event.activity else { panic!("a log") };
                assert!(log.message.len() <= base::limits::LOG_LINE_BYTES);
                assert!(log.fields.len() <= logs::limits::FIELDS + 3);
            }
        }
        for size in [1, 7, bytes.len()] {
            let mut framer = logs::syslog::frame::Framer::default();
            let mut export = logs::journal::export::Export::default();
            for piece in bytes.chunks(size) {
                let _ = framer.feed(piece, &mut |message, _| assert!(message.len() <= logs::limits::SYSLOG_BYTES));
                export.feed(piece, &mut |entry| assert!(entry.len() <= logs::limits::JOURNAL_FIELDS));
            }
        }
        let _ = Zone::parse(&bytes);
        count += 1;
    }
    assert!(count >= 10);
}
