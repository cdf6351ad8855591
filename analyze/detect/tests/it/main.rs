//! Rules from outside: golden cases, faults, the public corpus, hostile bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

mod filters;
mod logs;
mod made;
mod oracle;
mod pysigma;

use base::{Lang, SeededRandom};
use detect::{Engine, Placeholders, RuleIndex, Scratch, Source, cases, fault, workload};
use proptest::prelude::*;
use record::{AgentId, Event, Host, Kind};
use std::path::{Path, PathBuf};

fn source(name: &str, text: &str) -> Source {
    Source { name: name.to_owned(), text: text.to_owned() }
}

fn rule(detection: &str) -> String {
    format!("title: t\nlogsource: {{product: linux, category: process_creation}}\ndetection:\n{detection}")
}

fn exec(command: &str) -> Event {
    cases::event(Kind::Exec, &[("process.cmd_line", command)]).unwrap()
}

fn hits(engine: &Engine, event: &Event) -> Vec<RuleIndex> {
    let mut hits = Vec::new();
    engine.evaluate(event, &mut Scratch::new(), &mut hits);
    hits
}

#[test]
fn every_golden_case_holds() {
    let report = cases::run_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    assert!(report.faults.is_empty(), "{:#?}", report.faults);
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    assert!(report.rules >= 80 && report.cases >= 200, "{} rules, {} cases", report.rules, report.cases);
}

#[test]
fn a_bad_rule_is_named_and_takes_no_other_with_it() {
    let good = rule("  a: {CommandLine: good}\n  condition: a\n");
    for (text, line, code) in [
        ("title: [", 2, &fault::YAML),
        ("- a\n- b\n", 1, &fault::FORM),
        ("title: t\ndetection: {a: {Image: x}, condition: a}\n", 1, &fault::FORM),
        (
            "title: t\nlevel: urgent\nlogsource: {product: linux}\ndetection: {a: {Image: x}, condition: a}\n",
            2,
            &fault::FORM,
        ),
        (
            "title: t\nlogsource: {product: linux}\ndetection: {a: {Image: x}, condition: a}\nresponse:\n  - action: nuke\n",
            5,
            &fault::FORM,
        ),
        (
            "title: t\nlogsource: {product: linux}\ndetection: {a: {Image: x}, condition: a}\nresponse:\n  - action: isolate\n",
            5,
            &fault::FORM,
        ),
        ("title: t\nfilter: x\n", 2, &fault::FORM),
        ("title: t\nfilter:\n  a: {Image: x}\n", 3, &fault::FORM),
        ("title: t\nfilter:\n  a: {CommandLine|contians: x}\n  condition: a\n", 3, &fault::MODIFIER),
        ("action: global\ntitle: t\ndetection: {a: {Image: x}, condition: a}\n", 1, &fault::UNSUPPORTED),
        (&rule("  a: {CommandLine|contians: x}\n  condition: a\n"), 4, &fault::MODIFIER),
        (&rule("  a: {CommandLine|re|contains: x}\n  condition: a\n"), 4, &fault::MODIFIER),
        (&rule("  a:\n    Image: x\n    OriginalFileName: x\n  condition: a\n"), 6, &fault::FIELD),
        (&rule("  a: {Image|fieldref: Nothing}\n  condition: a\n"), 4, &fault::FIELD),
        (&rule("  a: {Image: x}\n"), 4, &fault::FORM),
        (&rule("  a: {Image: x}\n  condition: a or b\n"), 5, &fault::CONDITION),
        (&rule("  a: {Image: x}\n  condition: 1 of b*\n"), 5, &fault::CONDITION),
        (&rule("  a: {Image: x}\n  condition: a | count() by Image > 5\n"), 5, &fault::UNSUPPORTED),
        (&rule("  a: {ProcessId|gt: many}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {Image|cidr: 10.0.0.0/99}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {Image|exists: maybe}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {Image|hour: 3}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {Image|base64: 'a*'}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {ProcessId: many}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {exec.elevated: perhaps}\n  condition: a\n"), 4, &fault::VALUE),
        (&rule("  a: {Image: {b: c}}\n  condition: a\n"), 4, &fault::FORM),
        (&rule("  a: {Image: []}\n  condition: a\n"), 4, &fault::FORM),
        (&rule("  a:\n  condition: a\n"), 4, &fault::FORM),
        (&rule("  a: {Image|expand: '%Servers%'}\n  condition: a\n"), 4, &fault::PLACEHOLDER),
        (&rule("  a: {CommandLine|windash: '-a -b -c -d -e -f'}\n  condition: a\n"), 4, &fault::LIMIT),
        (&rule("  a: {Hashes|contains: MD5=abc}\n  condition: a\n"), 1, &fault::NEVER),
        (&rule("  a: {CommandLine|re: '(x)\\1'}\n  condition: a\n"), 4, &pattern::fault::EXPRESSION),
        (&rule("  a: {CommandLine|re: '(a{1000}){1000}'}\n  condition: a\n"), 4, &pattern::fault::EXPRESSION_SIZE),
    ] {
        let all = [source("bad.yml", &format!("{text}\n---\n{good}"))];
        let (engine, faults) = Engine::compile(&all);
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(faults[0].is(code), "{text}: {}", faults[0]);
        let named = faults[0].named().split(": ").next().unwrap_or("");
        assert_eq!(named, format!("bad.yml:{line}"), "{text}: {}", faults[0]);
        assert!(!faults[0].hint(Lang::Zh).is_empty());
        assert_eq!(hits(&engine, &exec("good")).len(), 1, "{text}");
    }
}

#[test]
fn the_second_of_two_rules_with_one_id_is_refused() {
    let text = format!("id: 1\n{}", rule("  a: {Image: x}\n  condition: a\n"));
    let (engine, faults) = Engine::compile(&[source("a.yml", &text), source("b.yml", &text)]);
    assert_eq!((engine.rules().len(), faults.len()), (1, 1));
    assert!(faults[0].is(&fault::DUPLICATE) && faults[0].named() == "b.yml:1");
}

#[test]
fn placeholders_with_values_are_filled_in() {
    let text = rule("  a: {CommandLine|expand|contains: 'ssh %host%'}\n  condition: a\n");
    let values = Placeholders::from([("host".to_owned(), vec!["db1".to_owned(), "web*x".to_owned()])]);
    let (engine, faults) = Engine::compile_with(&[source("a.yml", &text)], &values, &Default::default());
    assert!(faults.is_empty(), "{faults:?}");
    for (command, count) in [("ssh db1 ls", 1), ("ssh web2 x", 1), ("ssh other", 0)] {
        assert_eq!(hits(&engine, &exec(command)).len(), count, "{command}");
    }
}

#[test]
fn rules_of_other_sensors_are_listed_with_the_reason() {
    let text = "title: t\nlogsource: {product: windows, category: process_creation}\ndetection: {a: {Whatever: x}, condition: a}\n";
    let (engine, faults) = Engine::compile(&[source("w.yml", text)]);
    assert!(faults.is_empty() && engine.rules().is_empty());
    assert!(engine.unrouted()[0].reason.contains("windows"));
}

#[test]
fn a_rule_that_was_withdrawn_is_listed_and_not_run() {
    for status in ["deprecated", "unsupported"] {
        let text = format!("status: {status}\n{}", rule("  a: {CommandLine: good}\n  condition: a\n"));
        let (engine, faults) = Engine::compile(&[source("old.yml", &text)]);
        assert!(faults.is_empty() && engine.rules().is_empty());
        assert!(engine.unrouted()[0].reason.contains(status));
    }
}

#[test]
fn what_looks_like_a_mistake_is_listed_and_the_rule_runs() {
    let good = rule("  a: {CommandLine: good}\n  condition: a\n");
    for (line, doubted) in [
        ("levle: high", true),
        ("falsepositive: none", true),
        ("id: 12-34", true),
        ("date: yesterday", true),
        ("modified: 2026-13-01", true),
        ("id: 0fb8fff9-18c6-56ea-94cc-0cb39decb87d", false),
        ("date: 2026/02/03", false),
        ("simulation: of our own", false),
    ] {
        let (engine, faults) = Engine::compile(&[source("a.yml", &format!("{line}\n{good}"))]);
        assert!(faults.is_empty(), "{line}: {faults:?}");
        assert_eq!(engine.doubts().len(), usize::from(doubted), "{line}: {:?}", engine.doubts());
        assert!(engine.doubts().iter().all(|doubt| doubt.named().starts_with("a.yml:1")));
        assert_eq!(hits(&engine, &exec("good")).len(), 1, "{line}");
    }
}

#[test]
fn letters_beyond_ascii_have_two_cases() {
    let text = rule("  a: {CommandLine|contains: 'Müller*ÉTÉ'}\n  condition: a\n");
    let (engine, faults) = Engine::compile(&[source("a.yml", &text)]);
    assert!(faults.is_empty(), "{faults:?}");
    for (command, count) in [("x MÜLLER y été z", 1), ("müller été", 1), ("muller été", 0)] {
        assert_eq!(hits(&engine, &exec(command)).len(), count, "{command}");
    }
    let cased = rule("  a: {CommandLine|contains|cased: 'É'}\n  condition: a\n");
    let (engine, _) = Engine::compile(&[source("a.yml", &cased)]);
    assert_eq!((hits(&engine, &exec("É")).len(), hits(&engine, &exec("é")).len()), (1, 0));
}

#[test]
fn a_condition_that_repeats_a_long_list_is_refused() {
    let list: Vec<String> = (0..2000).map(|number| format!("word{number}")).collect();
    let list = format!("  a: {{CommandLine|contains: [{}]}}\n  b: {{Image: x}}\n", list.join(", "));
    let repeated = vec!["(a and b)"; 400].join(" or ");
    let (engine, faults) = Engine::compile(&[source("a.yml", &rule(&format!("{list}  condition: {repeated}\n")))]);
    assert!(engine.rules().is_empty() && faults[0].is(&fault::LIMIT), "{faults:?}");
    // The same part beside itself is one part.
    let same = vec!["a"; 1000].join(" or ");
    let (engine, faults) = Engine::compile(&[source("a.yml", &rule(&format!("{list}  condition: {same}\n")))]);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(hits(&engine, &exec("word1999")).len(), 1);
}

#[test]
fn a_rule_about_events_that_nobody_delivers_is_dormant() {
    let about = |category: &str, detection: &str| {
        format!(
            "title: {category}\nlogsource: {{product: linux, category: {category}}}\ndetection: {{a: {{{detection}}}, condition: a}}\n"
        )
    };
    let text = [
        about("file_access", "file.op: read"),
        about("file_access", "Image: /bin/x"),
        about("bpf", "bpf.command: 5"),
        about("network_connection", "Initiated: false"),
    ]
    .join("---\n");
    let (engine, faults) = Engine::compile(&[source("a.yml", &text)]);
    assert!(faults.is_empty(), "{faults:?}");
    let dormant = |kinds: &[Kind], read_opens| {
        let delivered = detect::route::delivered(kinds, read_opens);
        engine.dormant(delivered).map(|rule| rule.title.clone()).collect::<Vec<_>>()
    };
    assert_eq!(dormant(Kind::ALL, true), Vec::<String>::new());
    assert_eq!(dormant(Kind::ALL, false), ["file_access"]);
    assert_eq!(dormant(&[Kind::File, Kind::Net], false), ["file_access", "bpf"]);
}

#[test]
fn an_alert_says_what_matched_and_what_to_do() {
    let text = "title: Netcat\ntitle_zh: 网猫\nid: 7\nlevel: high\ntags: [attack.execution, attack.t1059.004, attack.c0001]\n\
        logsource: {product: linux, category: process_creation}\nresponse:\n  - action: kill-tree\n  - {action: block, lease: 10m}\n\
        detection:\n  a:\n    Image|endswith: /nc\n    CommandLine|re: '-[el] '\n  b: {ParentImage: /bin/other}\n  k: [listen]\n  condition: a and k and not b\n";
    let (engine, faults) = Engine::compile(&[source("nc.yml", text)]);
    assert!(faults.is_empty(), "{faults:?}");
    let fields = [("process.exe", "/bin/nc"), ("process.cmd_line", "nc -l listen"), ("parent.exe", "/bin/sh")];
    let event = cases::event(Kind::Exec, &fields).unwrap();
    let index = hits(&engine, &event)[0];
    let host = Host { name: "h".into(), ..Host::default() };
    let alert = engine.alert(index, &event, &host, AgentId([1; 16]), 42);
    let matched: Vec<(&str, &str)> = alert.matches.iter().map(|one| (one.field.as_str(), one.value.as_str())).collect();
    assert_eq!(matched, [("Image", "/bin/nc"), ("CommandLine", "nc -l listen"), ("process.cmd_line", "nc -l listen")]);
    assert_eq!((alert.rule.as_str(), alert.title_zh.as_str(), alert.rule_version.len()), ("7", "网猫", 16));
    assert_eq!(alert.techniques[0].id, "T1059.004");
    assert_eq!(alert.techniques[0].tactics, ["execution"]);
    let asked: Vec<(&str, u64)> = alert.responses.iter().map(|one| (one.action.as_str(), one.lease_s)).collect();
    assert_eq!(asked, [("kill-tree", 0), ("block", 600)]);
    assert_eq!(alert.evidence.unpack(0).unwrap()[0].process.as_ref().unwrap().info.exe.path, "/bin/nc");
    assert!(engine.explain(index, &exec("nothing")).is_empty());
}

#[test]
fn one_scratch_serves_engines_of_any_size() {
    let small = Engine::compile(&[source("a.yml", &rule("  a: {CommandLine|contains: abc}\n  condition: a\n"))]).0;
    let many: Vec<Source> = (0..300)
        .map(|number| {
            source("b.yml", &rule(&format!("  a: {{CommandLine|contains: word-{number}.}}\n  condition: a\n")))
        })
        .collect();
    let (large, faults) = Engine::compile(&many);
    assert!(faults.is_empty() && large.rules().len() == 300);
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for _ in 0..3 {
        large.evaluate(&exec("word-299. word-7."), &mut scratch, &mut hits);
        assert_eq!(hits, [RuleIndex(7), RuleIndex(299)]);
        small.evaluate(&exec("xabcx word-7."), &mut scratch, &mut hits);
        assert_eq!(hits, [RuleIndex(0)]);
    }
}

/// Rule files below a folder.
fn rule_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rule_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            found.push(path);
        }
    }
}

/// The public Sigma rules, when they lie beside the repository; none otherwise.
fn corpus() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sigma");
    let mut files = Vec::new();
    rule_files(&folder, &mut files);
    files.sort();
    let name = |path: &Path| path.strip_prefix(&folder).unwrap_or(path).display().to_string();
    files.iter().map(|path| source(&name(path), &std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_public_corpus_loads() {
    let sources = corpus();
    if sources.is_empty() {
        println!("skipped: corpus not present");
        return;
    }
    let (engine, faults) = Engine::compile(&sources);
    println!(
        "{} files: {} routed, {} not routed, {} refused",
        sources.len(),
        engine.rules().len(),
        engine.unrouted().len(),
        faults.len()
    );
    let mut areas: Vec<String> = engine.rules().iter().map(|rule| area(&rule.source)).collect();
    areas.sort_unstable();
    areas.chunk_by(|one, other| one == other).for_each(|group| println!("  routed {:4} {}", group.len(), group[0]));
    engine.unrouted().iter().for_each(|one| println!("  not routed {}: {}", one.rule.place, one.reason));
    faults.iter().for_each(|fault| println!("  refused: {fault}"));
    assert!(faults.is_empty(), "{faults:#?}");
    let withdrawn = |one: &&detect::Unrouted| {
        !matches!(one.rule.status, Some(detect::Status::Deprecated | detect::Status::Unsupported))
    };
    let lost: Vec<&detect::Unrouted> = engine.unrouted().iter().filter(withdrawn).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    assert_eq!(engine.rules().len() + engine.unrouted().len(), sources.len());
}

/// The product, category and service of a log source.
fn area(source: &detect::LogSource) -> String {
    let parts = [&source.product, &source.category, &source.service];
    parts.map(|part| part.as_deref().unwrap_or("-")).join(" ")
}

#[test]
fn rules_together_find_what_they_find_alone() {
    let mut sources = corpus();
    if sources.is_empty() {
        println!("the public corpus is not present: golden rules only");
    }
    let mut files = Vec::new();
    rule_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), &mut files);
    files.retain(|path| !path.display().to_string().ends_with(".cases.yml"));
    sources
        .extend(files.iter().map(|path| source(&path.display().to_string(), &std::fs::read_to_string(path).unwrap())));
    let (together, _) = Engine::compile(&sources);
    let alone: Vec<Engine> = sources.iter().map(|one| Engine::compile(std::slice::from_ref(one)).0).collect();
    let alone: Vec<&Engine> = alone.iter().filter(|engine| !engine.rules().is_empty()).collect();
    assert_eq!(alone.len(), together.rules().len());
    let random = SeededRandom::new(7);
    let mut events = workload::mixture(&random, 400).unwrap();
    events.extend(workload::executions(&random, 400).unwrap());
    events.extend(workload::records(&random, 400));
    let mut found = 0;
    for event in &events {
        let expected: Vec<&str> = alone
            .iter()
            .filter(|engine| !hits(engine, event).is_empty())
            .map(|engine| engine.rules()[0].id.as_str())
            .collect();
        let given: Vec<&str> =
            hits(&together, event).into_iter().map(|index| together.rule(index).id.as_str()).collect();
        assert_eq!(given, expected);
        found += given.len();
    }
    assert!(found > 100, "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_rules_give_faults_not_panics(
        condition in "(a|b|not|and|or|1 of|all of|them|[()*|]| ){0,12}",
        key in "(CommandLine|Image|timestamp|)(\\|(contains|re|i|base64|base64offset|windash|wide|cidr|all|exists|neq|gt|hour|expand|fieldref|cased|x)){0,4}",
        value in "[a-z*?\\\\%\\[({|)}+0-9 -]{0,12}",
        command in "[a-z0-9 %-]{0,12}",
    ) {
        let quoted = value.replace('\'', "''");
        let text = rule(&format!("  a: {{'{key}': '{quoted}'}}\n  b: ['{quoted}']\n  condition: '{condition}'\n"));
        let (engine, _) = Engine::compile(&[source("x.yml", &text)]);
        hits(&engine, &exec(&command));
    }

    #[test]
    fn hostile_bytes_give_faults_not_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Engine::compile(&[source("x.yml", &String::from_utf8_lossy(&bytes))]);
    }

    #[test]
    fn broken_rules_give_faults_not_panics(cut in 0..400usize, insert in "[\\[\\]{}:|&*'\"\n -]{0,3}") {
        let text = rule("  a:\n    - Image|endswith: '/nc'\n      CommandLine|contains|all: [x, 'y']\n    - word\n  condition: 1 of a* and not a\n");
        let cut = cut.min(text.len());
        Engine::compile(&[source("x.yml", &format!("{}{insert}{}", &text[..cut], &text[cut..]))]);
    }
}
