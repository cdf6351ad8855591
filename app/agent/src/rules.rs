//! The rules this agent judges by: the built-in ones and those in the configured folders.

use crate::config::Config;
use crate::sense;
use base::config::UNREADABLE;
use base::limits::CONFIG_BYTES;
use base::{Fault, Lang, Result};
use detect::correlation::Compiled as Correlations;
use detect::{Engine, Source, route};
use fleet::content::Files;
use ruleset::{Compiled, Ground, PUBLISHED, Published, Who};
use serde_json::json;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Deepest folder below a rules folder; a loop of links must not hold the start up.
const DEPTH: usize = 8;
/// Most files of rules; more is a mistake (a link to `/`).
const FILES: usize = 50_000;

/// Rules that judge together.
pub struct RuleSet {
    /// Rules about one event.
    pub engine: Engine,
    /// Rules about several.
    pub correlations: Correlations,
    /// Version of the published ones; 0 when none were published.
    pub version: u64,
    /// When an exception ends, and these are to be compiled again, µs since the Unix epoch.
    pub ends_us: Option<i64>,
}

impl Default for RuleSet {
    fn default() -> RuleSet {
        RuleSet { engine: Engine::compile(&[]).0, correlations: Correlations::default(), version: 0, ends_us: None }
    }
}

impl RuleSet {
    /// Rules that run.
    pub fn count(&self) -> usize {
        self.engine.rules().len() + self.correlations.len()
    }
}

/// Compiles the configured rules and logs what is wrong with them; bad ones leave the others alone.
pub fn load(config: &Config) -> RuleSet {
    let (set, faults) = compiled(config, &Published::default(), 0);
    log(config, &set, &faults);
    set
}

/// Compiles published rules, as they concern this agent now, with the configured ones, which they replace by id.
///
/// # Errors
/// The first fault in a set of a server, which is taken whole or not at all; of texts without a manifest the first
/// fault when none of them is of use.
pub fn load_with(config: &Config, published: &Files, version: u64, who: &Who, now_us: i64) -> Result<RuleSet> {
    let texts = published.files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
    let published = Published::read(texts, who, now_us)?;
    let compiled = compile(config, &published);
    if let Some(fault) = compiled.refusal() {
        let wrong = |name: &String| {
            let name = format!("{PUBLISHED}{name}");
            compiled.faults.iter().any(|fault| fault.named().starts_with(&name))
        };
        let of_use = !compiled.published().is_empty() || published.texts.iter().any(|(name, _)| !wrong(name));
        if published.whole || !of_use {
            return Err(fault.clone());
        }
    }
    let (set, faults) = put(compiled, version);
    log(config, &set, &faults);
    Ok(set)
}

fn put(compiled: Compiled, version: u64) -> (RuleSet, Vec<Fault>) {
    let Compiled { engine, correlations, ends_us, faults } = compiled;
    (RuleSet { engine, correlations, version, ends_us }, faults)
}

fn compiled(config: &Config, published: &Published, version: u64) -> (RuleSet, Vec<Fault>) {
    put(compile(config, published), version)
}

fn log(config: &Config, set: &RuleSet, faults: &[Fault]) {
    for fault in faults {
        tracing::warn!(fault = %fault.inside(), "a rule was left out");
    }
    for doubt in set.engine.doubts() {
        tracing::warn!(fault = %doubt.inside(), "a rule runs and looks wrong");
    }
    for one in set.engine.unrouted().iter().chain(set.correlations.unrouted()) {
        tracing::info!(rule = one.rule.place, reason = one.reason, "a rule does not run here");
    }
    for rule in set.engine.dormant(delivered(config)) {
        tracing::info!(rule = rule.place, "a rule is dormant: the sensor is told to leave its events out");
    }
}

fn compile(config: &Config, published: &Published) -> Compiled {
    let (mut local, mut faults) = (Vec::new(), Vec::new());
    for folder in &config.rules {
        read_folder(folder, DEPTH, &mut local, &mut faults);
    }
    let ground = Ground { builtin: config.builtin_rules, local, placeholders: Some(&config.placeholders) };
    let mut compiled = ruleset::compile(published, ground);
    compiled.faults.splice(0..0, faults);
    compiled
}

/// The events that the configured senses deliver.
fn delivered(config: &Config) -> route::Slots {
    // A kind that is no kind stops the sensor's start with a fault of its own.
    let mut kinds = config.sensor.kinds().unwrap_or_default();
    kinds.extend(sense::told(config));
    // What was lost or shed is told by whoever lost it.
    kinds.push(record::Kind::Lost);
    route::delivered(&kinds, config.sensor.read_opens)
}

/// Every rule and whether it runs, for people and programs.
pub fn list(config: &Config, as_json: bool, lang: Lang) -> String {
    let (RuleSet { engine, correlations, .. }, faults) = compiled(config, &Published::default(), 0);
    let dormant: Vec<&str> = engine.dormant(delivered(config)).map(|rule| rule.id.as_str()).collect();
    let state = |id: &str| match dormant.contains(&id) {
        true => lang.pick("dormant", "休眠"),
        false => lang.pick("runs", "运行"),
    };
    if as_json {
        let rules = engine.rules().iter().chain(correlations.rules().map(|(_, rule)| rule));
        let runs = rules.map(|rule| {
            json!({"id": rule.id, "title": rule.title, "place": rule.place, "level": rule.severity.word(),
                "dormant": dormant.contains(&rule.id.as_str())})
        });
        let other = engine.unrouted().iter().chain(correlations.unrouted()).map(
            |one| json!({"id": one.rule.id, "title": one.rule.title, "place": one.rule.place, "reason": one.reason}),
        );
        let texts = |faults: &[Fault]| faults.iter().map(|fault| fault.outside(lang)).collect::<Vec<_>>();
        let all = json!({"rules": runs.collect::<Vec<_>>(), "unrouted": other.collect::<Vec<_>>(),
            "faults": texts(&faults), "doubts": texts(engine.doubts())});
        return format!("{all:#}\n");
    }
    let line = |state: &str, id: &str, title: &str| format!("{state:<10} {id:<38} {title}\n");
    let mut text = String::new();
    for rule in engine.rules().iter().chain(correlations.rules().map(|(_, rule)| rule)) {
        let title = if rule.title_zh.is_empty() { &rule.title } else { lang.pick(&rule.title, &rule.title_zh) };
        text.push_str(&line(state(&rule.id), &rule.id, title));
    }
    for one in engine.unrouted().iter().chain(correlations.unrouted()) {
        text.push_str(&line(lang.pick("unrouted", "未路由"), &one.rule.id, &one.reason));
    }
    for fault in faults.iter().chain(engine.doubts()) {
        text.push_str(&format!("{}\n", fault.outside(lang)));
    }
    let words = lang.pick("rules run here, of them dormant", "条规则在此运行，其中休眠");
    text.push_str(&format!("{} {words} {}\n", engine.rules().len() + correlations.len(), dormant.len()));
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

    fn engine_of(config: &Config) -> (Engine, Vec<Fault>) {
        let (set, faults) = compiled(config, &Published::default(), 0);
        (set.engine, faults)
    }

    fn taken(config: &Config, files: &Files, version: u64) -> Result<RuleSet> {
        load_with(config, files, version, &Who::default(), 0)
    }

    #[test]
    fn published_rules_replace_the_own_by_id_and_a_set_of_no_use_is_refused() {
        let own = Config { rules: Vec::new(), ..Config::default() };
        let before = load(&own);
        let known = &before.engine.rules()[0];
        let text = ruleset::RULES.iter().find(|(name, _)| known.place.starts_with(name)).unwrap().1;
        let changed = text.replacen(&known.title, "changed by the server", 1);
        let new = "title: new\nid: 0b1f1b0a-54cf-4d8e-9a5b-0c4b2f0c7a11\nlogsource: {product: linux, category: \
            process_creation}\ndetection: {a: {Image|endswith: /evil}, condition: a}\n";
        let files = Files::of([("a.yml", changed.as_str()), ("b.yml", new), ("c.yml", "title: [")]);
        let texts = files.files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        let (set, faults) = compiled(&own, &Published { texts, ..Published::default() }, 7);
        assert_eq!((faults.len(), set.count(), set.version), (1, before.count() + 1, 7), "{faults:?}");
        assert!(faults[0].named().starts_with("published/c.yml"));
        let titles = |id: &str| {
            set.engine.rules().iter().filter(|rule| rule.id == id).map(|rule| &rule.title).collect::<Vec<_>>()
        };
        assert_eq!(titles(&known.id), ["changed by the server"]);
        assert!(taken(&own, &files, 7).is_ok(), "one bad text takes no other with it");
        let bad = Files::of([("c.yml", "title: ["), ("d.yml", "detection: 1")]);
        assert!(taken(&own, &bad, 8).is_err());
        assert_eq!(taken(&own, &Files::default(), 9).unwrap().count(), before.count(), "an empty set takes all back");
    }

    #[test]
    fn a_set_of_a_server_is_taken_whole_or_not_at_all() {
        let own = Config { rules: Vec::new(), ..Config::default() };
        let good = ruleset::Own {
            name: "good.yml".into(),
            text: RULE.replace("|expand: '%admins%'", ": x"),
            ..Default::default()
        };
        let bad = ruleset::Own { name: "bad.yml".into(), text: "title: [".into(), ..Default::default() };
        let files = |rules: &[&ruleset::Own]| {
            let set = ruleset::Set { rules: rules.iter().map(|own| (*own).clone()).collect(), ..Default::default() };
            Files::of(set.texts())
        };
        assert_eq!(taken(&own, &files(&[&good]), 4).unwrap().version, 4);
        let refused = taken(&own, &files(&[&good, &bad]), 5).err().unwrap();
        assert!(refused.named().starts_with("published/rules/none/bad.yml"), "{refused}");
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
        let (engine, faults) = engine_of(&Config { placeholders, ..config(&folder) });
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!((engine.rules().len(), faults.len()), (1, 2), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.contains("pipe.yml")), "{faults:?}");
        let (engine, faults) = engine_of(&config(&folder));
        assert!(engine.rules().is_empty() && faults.iter().any(|fault| fault.is(&detect::fault::PLACEHOLDER)));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(engine_of(&config(&folder)).1.is_empty(), "a folder that is not there is none");
    }

    #[test]
    fn the_built_in_rules_load_and_the_dormant_ones_are_named() {
        let quiet = Config { rules: Vec::new(), ..Config::default() };
        let (engine, faults) = engine_of(&quiet);
        assert!(faults.is_empty() && engine.doubts().is_empty() && engine.unrouted().is_empty(), "{faults:?}");
        let dormant = |config: &Config| engine.dormant(delivered(config)).count();
        let loud = sensor::SensorConfig { read_opens: true, ..Default::default() };
        let loud = dormant(&Config { sensor: loud, ..quiet.clone() });
        assert_eq!(dormant(&quiet), loud + 1, "reads of the shadow file");
        let sensed = ["scan/", "rootkit/", "integrity/", "auth/", "agent/"];
        let asleep =
            engine.dormant(delivered(&quiet)).find(|rule| sensed.iter().any(|one| rule.place.starts_with(one)));
        assert!(asleep.is_none(), "{:?}", asleep.map(|rule| &rule.place));
        let mut off = quiet.clone();
        off.integrity.enabled = false;
        let watched = engine.dormant(delivered(&off)).filter(|rule| rule.place.starts_with("integrity/")).count();
        assert!(watched > 10, "without the watch its rules sleep");
        assert!(list(&quiet, false, Lang::En).lines().any(|line| line.starts_with("dormant")));
    }
}
