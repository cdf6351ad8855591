//! The rules this agent judges by: the built-in ones and those in the configured folders.

use crate::config::Config;
use base::config::UNREADABLE;
use base::limits::CONFIG_BYTES;
use base::{Fault, Lang, Result};
use detect::{Engine, Source, route};
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Deepest folder below a rules folder; a loop of links must not hold the start up.
const DEPTH: usize = 8;
/// Most files of rules; more is a mistake (a link to `/`).
const FILES: usize = 50_000;

/// Compiles the configured rules and logs what is wrong with them; bad ones leave the others alone.
pub fn load(config: &Config) -> Engine {
    let (engine, faults) = compile(config);
    for fault in &faults {
        tracing::warn!(fault = %fault.inside(), "a rule was left out");
    }
    for doubt in engine.doubts() {
        tracing::warn!(fault = %doubt.inside(), "a rule runs and looks wrong");
    }
    for one in engine.unrouted() {
        tracing::info!(rule = one.rule.place, reason = one.reason, "a rule does not run here");
    }
    for rule in engine.dormant(delivered(config)) {
        tracing::info!(rule = rule.place, "a rule is dormant: the sensor is told to leave its events out");
    }
    engine
}

fn compile(config: &Config) -> (Engine, Vec<Fault>) {
    let (mut sources, mut faults) = (Vec::new(), Vec::new());
    if config.builtin_rules {
        sources.extend(RULES.iter().map(|(name, text)| Source { name: (*name).into(), text: (*text).into() }));
    }
    for folder in &config.rules {
        read_folder(folder, DEPTH, &mut sources, &mut faults);
    }
    let (engine, wrong) = Engine::compile_with(&sources, &config.placeholders);
    faults.extend(wrong);
    (engine, faults)
}

/// The events that the configured sensor delivers.
fn delivered(config: &Config) -> route::Slots {
    // A kind that is no kind stops the sensor's start with a fault of its own.
    route::delivered(&config.sensor.kinds().unwrap_or_default(), config.sensor.read_opens)
}

/// Every rule and whether it runs, for people and programs.
pub fn list(config: &Config, as_json: bool, lang: Lang) -> String {
    let (engine, faults) = compile(config);
    let dormant: Vec<&str> = engine.dormant(delivered(config)).map(|rule| rule.id.as_str()).collect();
    let state = |id: &str| match dormant.contains(&id) {
        true => lang.pick("dormant", "休眠"),
        false => lang.pick("runs", "运行"),
    };
    if as_json {
        let runs = engine.rules().iter().map(|rule| {
            json!({"id": rule.id, "title": rule.title, "place": rule.place, "level": rule.severity.word(),
                "dormant": dormant.contains(&rule.id.as_str())})
        });
        let other = engine.unrouted().iter().map(
            |one| json!({"id": one.rule.id, "title": one.rule.title, "place": one.rule.place, "reason": one.reason}),
        );
        let texts = |faults: &[Fault]| faults.iter().map(|fault| fault.outside(lang)).collect::<Vec<_>>();
        let all = json!({"rules": runs.collect::<Vec<_>>(), "unrouted": other.collect::<Vec<_>>(),
            "faults": texts(&faults), "doubts": texts(engine.doubts())});
        return format!("{all:#}\n");
    }
    let line = |state: &str, id: &str, title: &str| format!("{state:<10} {id:<38} {title}\n");
    let mut text = String::new();
    for rule in engine.rules() {
        let title = if rule.title_zh.is_empty() { &rule.title } else { lang.pick(&rule.title, &rule.title_zh) };
        text.push_str(&line(state(&rule.id), &rule.id, title));
    }
    for one in engine.unrouted() {
        text.push_str(&line(lang.pick("unrouted", "未路由"), &one.rule.id, &one.reason));
    }
    for fault in faults.iter().chain(engine.doubts()) {
        text.push_str(&format!("{}\n", fault.outside(lang)));
    }
    let words = lang.pick("rules run here, of them dormant", "条规则在此运行，其中休眠");
    text.push_str(&format!("{} {words} {}\n", engine.rules().len(), dormant.len()));
    text
}

fn read_folder(folder: &Path, depth: usize, sources: &mut Vec<Source>, faults: &mut Vec<Fault>) {
    let unreadable = |cause: std::io::Error| Fault::new(&UNREADABLE).object(folder.display()).because(cause);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // The folder of the defaults need not be there.
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return tracing::info!(folder = %folder.display(), "there is no such folder of rules");
        }
        Err(cause) => return faults.push(unreadable(cause)),
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(cause) => faults.push(unreadable(cause)),
        }
    }
    paths.sort();
    for path in paths {
        let name = path.display().to_string();
        if path.is_dir() {
            if depth > 0 {
                read_folder(&path, depth - 1, sources, faults);
            }
        } else if (name.ends_with(".yml") || name.ends_with(".yaml")) && !name.ends_with(".cases.yml") {
            if sources.len() >= FILES {
                return faults.push(too_big(&name, format!("at most {FILES} files of rules")));
            }
            match read_file(&path, &name) {
                Ok(text) => sources.push(Source { name, text }),
                Err(fault) => faults.push(fault),
            }
        }
    }
}

fn too_big(name: &str, expected: String) -> Fault {
    Fault::new(&detect::fault::LIMIT).object(name).expected(expected)
}

/// The text of a rule file. A pipe would hold the start up for good, a device would never end.
fn read_file(path: &Path, name: &str) -> Result<String> {
    let unreadable = |cause: std::io::Error| Fault::new(&UNREADABLE).object(name).because(cause);
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Fault::new(&UNREADABLE).object(name).expected("a regular file").found("something else"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(CONFIG_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > CONFIG_BYTES {
        return Err(too_big(name, format!("at most {CONFIG_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "title: t\nlogsource: {product: linux, category: process_creation}\n\
        detection: {a: {User|expand: '%admins%'}, condition: a}\n";

    fn config(folder: &Path) -> Config {
        Config { builtin_rules: false, rules: vec![folder.to_path_buf()], ..Config::default() }
    }

    #[test]
    fn what_cannot_be_read_is_a_fault_and_the_rest_is_read() {
        let folder = std::env::temp_dir().join(format!("garrison-rules-test.{}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).unwrap();
        std::fs::write(folder.join("below/good.yml"), RULE).unwrap();
        std::fs::write(folder.join("notes.txt"), "no rule").unwrap();
        std::fs::write(folder.join("latin.yml"), [0xff, 0xfe]).unwrap();
        let pipe = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("pipe.yml"), pipe, rustix::fs::Mode::RUSR, 0).unwrap();
        let placeholders = [("admins".to_owned(), vec!["root".to_owned()])].into();
        let (engine, faults) = compile(&Config { placeholders, ..config(&folder) });
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!((engine.rules().len(), faults.len()), (1, 2), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("pipe.yml")), "{faults:?}");
        let (engine, faults) = compile(&config(&folder));
        assert!(engine.rules().is_empty() && faults.iter().any(|fault| fault.is(&detect::fault::PLACEHOLDER)));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(compile(&config(&folder)).1.is_empty(), "a folder that is not there is none");
    }

    #[test]
    fn the_built_in_rules_load_and_the_dormant_ones_are_named() {
        let quiet = Config { rules: Vec::new(), ..Config::default() };
        let (engine, faults) = compile(&quiet);
        assert!(faults.is_empty() && engine.doubts().is_empty() && engine.unrouted().is_empty(), "{faults:?}");
        let dormant = |config: &Config| engine.dormant(delivered(config)).count();
        assert_eq!(dormant(&quiet), 1, "reads of the shadow file");
        let loud = sensor::SensorConfig { read_opens: true, ..Default::default() };
        assert_eq!(dormant(&Config { sensor: loud, ..quiet.clone() }), 0);
        assert!(list(&quiet, false, Lang::En).lines().any(|line| line.starts_with("dormant")));
    }
}
