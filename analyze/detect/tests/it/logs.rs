//! Records of logs, and audit rules on hosts without the audit system.

use crate::{corpus, hits, source};
use detect::{Engine, Scratch, cases, fault};
use proptest::prelude::*;
use record::{Event, Kind};

fn compile(text: &str) -> Engine {
    let (engine, faults) = Engine::compile(&[source("a.yml", text)]);
    assert!(faults.is_empty(), "{faults:?}");
    engine
}

fn rule(source: &str, detection: &str) -> Engine {
    compile(&format!("title: t\nlogsource: {{{source}}}\ndetection:\n{detection}"))
}

fn found(engine: &Engine, event: &Event) -> usize {
    hits(engine, event).len()
}

#[test]
fn a_name_that_stands_several_times_has_all_its_values() {
    let engine = rule(
        "product: aws, service: cloudtrail",
        "  a: {ids|all: [one, two]}\n  b: {n|gt: 5}\n  c: {x: null}\n  condition: a and b and c\n",
    );
    for (fields, count) in [
        (&[("ids", "one"), ("n", "1"), ("ids", "two"), ("n", "6.5")][..], 1),
        (&[("ids", "one"), ("n", "6")], 0),
        (&[("ids", "one"), ("ids", "two"), ("n", "5"), ("n", "many")], 0),
        (&[("ids", "one"), ("ids", "two"), ("n", "6"), ("x", "")], 1),
        (&[("ids", "one"), ("ids", "two"), ("n", "6"), ("x", "y")], 0),
    ] {
        assert_eq!(found(&engine, &cases::log("cloudtrail", None, fields)), count, "{fields:?}");
    }
}

#[test]
fn an_object_is_what_stands_in_it() {
    let engine = rule("product: azure, service: auditlogs", "  a: {Target|contains: secret}\n  condition: a\n");
    for (name, count) in [("Target", 1), ("Target.a.b", 1), ("Targets.a", 0), ("x.Target", 0)] {
        assert_eq!(found(&engine, &cases::log("azure.auditlogs", None, &[(name, "a secret")])), count, "{name}");
    }
}

#[test]
fn keywords_are_looked_for_in_the_whole_record() {
    let engine = rule("product: linux", "  k: [promiscuous mode, '*stack*smash*']\n  condition: k\n");
    for (source, message, count) in [
        ("syslog", "device eth0 entered Promiscuous Mode", 1),
        ("nginx", "stack was smashed", 1),
        ("cloudtrail", "promiscuous mode", 0),
        ("auth", "promiscuous", 0),
    ] {
        assert_eq!(found(&engine, &cases::log(source, Some(message), &[])), count, "{source} {message}");
    }
    // What the record lost by being cut may stand in its fields.
    let mut cut = cases::log("syslog", Some("device"), &[("text", "promiscuous mode")]);
    assert_eq!(found(&engine, &cut), 0);
    if let record::Activity::Log(log) = &mut cut.activity {
        log.truncated = true;
    }
    assert_eq!(found(&engine, &cut), 1);
    assert_eq!(found(&engine, &cases::event(Kind::Exec, &[("process.cmd_line", "echo promiscuous mode")]).unwrap()), 1);
}

#[test]
fn a_rule_with_names_that_only_logs_have_is_about_logs() {
    let engine = rule("product: linux", "  a: {app: su, outcome: failed}\n  condition: a\n");
    assert_eq!(found(&engine, &cases::log("auth", None, &[("app", "su"), ("outcome", "failed")])), 1);
    assert_eq!(engine.dormant(detect::route::delivered(&[Kind::Exec], true)).count(), 1);
    assert_eq!(engine.dormant(detect::route::delivered(&[Kind::Log], true)).count(), 0);
    let typed = rule("product: linux", "  a: {Image: /bin/su}\n  condition: a\n");
    assert_eq!(typed.dormant(detect::route::delivered(&[Kind::Log], true)).count(), 1);
}

#[test]
fn one_rule_gives_one_hit_however_many_ways_lead_to_it() {
    let engine = rule("service: syslog", "  k: [denied]\n  condition: k\n");
    let second =
        compile("title: t\nlogsource: {product: linux, service: vsftpd}\ndetection: {k: [denied], condition: k}\n");
    for event in [
        cases::log("syslog", Some("denied"), &[("app", "vsftpd")]),
        cases::log("vsftpd", Some("denied"), &[("app", "VSFTPD")]),
        cases::log("Vsftpd", Some("denied"), &[]),
    ] {
        assert_eq!((found(&engine, &event), found(&second, &event)), (1, 1));
    }
    assert_eq!(found(&second, &cases::log("syslog", Some("denied"), &[("app", "sshd")])), 0);
    assert_eq!(second.log_words(), ["vsftpd"]);
}

#[test]
fn an_alert_shows_the_fields_of_the_record() {
    let engine =
        rule("category: webserver", "  a: {cs-uri-query|contains: 'cmd='}\n  k: [GET]\n  condition: a and k\n");
    let event = cases::log("nginx", Some("GET /x?cmd=id"), &[("cs-uri-query", "cmd=id")]);
    let shown: Vec<(String, String)> =
        engine.explain(hits(&engine, &event)[0], &event).into_iter().map(|found| (found.field, found.value)).collect();
    let text = |field: &str, value: &str| (field.to_owned(), value.to_owned());
    assert_eq!(shown, [text("cs-uri-query", "cmd=id"), text("log.message", "GET /x?cmd=id")]);
}

#[test]
fn audit_rules_judge_our_own_events() {
    let engine = |detection: &str| rule("product: linux, service: auditd", detection);
    let exec = |words: &str| {
        let fields = [("process.exe", "/usr/bin/tool"), ("process.cmd_line", words), ("process.euid", "33")];
        cases::event(Kind::Exec, &fields).unwrap()
    };
    let arguments = engine("  a: {type: EXECVE, a0: chmod, a1: 777}\n  condition: a\n");
    assert_eq!((found(&arguments, &exec("chmod 777 x")), found(&arguments, &exec("chmod 0777 x"))), (1, 0));
    let call = engine("  a: {type: SYSCALL, SYSCALL: [execve, execveat], euid: 33}\n  condition: a\n");
    assert_eq!(found(&call, &exec("x")), 1);
    let memory = engine("  a: {type: SYSCALL, exe|endswith: /tool, SYSCALL: memfd_create}\n  condition: a\n");
    let made = |call| cases::event(Kind::Memory, &[("process.exe", "/bin/tool"), ("call.name", call)]).unwrap();
    assert_eq!(
        (found(&memory, &made("memfd_create")), found(&memory, &made("mmap")), found(&memory, &exec("x"))),
        (1, 0, 0)
    );
    let path = engine("  a: {type: PATH, nametype: CREATE, name|startswith: /etc/systemd/system/}\n  condition: a\n");
    let file = |op, path, target| {
        cases::event(Kind::File, &[("file.op", op), ("file.path", path), ("file.target", target)]).unwrap()
    };
    let (unit, other) = ("/etc/systemd/system/x.service", "/tmp/x");
    for (op, from, to, count) in [
        ("create", unit, "", 1),
        ("write", unit, "", 0),
        ("rename", other, unit, 1),
        ("rename", unit, other, 0),
        ("unlink", unit, "", 0),
    ] {
        assert_eq!(found(&path, &file(op, from, to)), count, "{op} {from} {to}");
    }
    let keyed = engine("  a: {key: watched}\n  condition: a\n");
    assert_eq!(found(&keyed, &cases::log("auditd", None, &[("key", "watched")])), 1);
    assert_eq!(keyed.dormant(detect::route::delivered(&[Kind::Exec, Kind::File], true)).count(), 1);
    let quiet = engine("  a: {type: SYSCALL, comm: split}\n  condition: a\n");
    let by_split = |kind| cases::event(kind, &[("process.comm", "split")]).unwrap();
    assert_eq!((found(&quiet, &by_split(Kind::Exec)), found(&quiet, &by_split(Kind::Memory))), (1, 0));
}

#[test]
fn most_public_audit_rules_need_no_audit_system() {
    let audit: Vec<_> = corpus().into_iter().filter(|source| source.name.contains("/auditd/")).collect();
    if audit.is_empty() {
        println!("skipped: corpus not present");
        return;
    }
    let (engine, faults) = Engine::compile(&audit);
    assert!(faults.is_empty(), "{faults:?}");
    let kernel: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.of_kernel()).collect();
    let asleep: Vec<&str> =
        engine.dormant(detect::route::delivered(&kernel, true)).map(|rule| rule.place.as_str()).collect();
    println!("{} audit rules, {} need the audit system: {asleep:#?}", engine.rules().len(), asleep.len());
    assert!(asleep.len() * 5 < engine.rules().len(), "{asleep:#?}");
}

#[test]
fn findings_files_and_assets_are_judged() {
    let scan = rule("category: antivirus", "  a: {Signature|contains: miner, details.tag: upx}\n  condition: a\n");
    let fields =
        [("scan.name", "XMR_Miner"), ("details.tag", "elf\nupx"), ("scan.score", "80"), ("file.path", "/tmp/x")];
    assert_eq!(found(&scan, &cases::event(Kind::Scan, &fields).unwrap()), 1);
    let score = rule("category: malware", "  a: {scan.score|gte: 80}\n  condition: a\n");
    assert_eq!(found(&score, &cases::event(Kind::Scan, &fields).unwrap()), 1);
    let watched =
        rule("category: file_integrity", "  a: {TargetFilename: /etc/passwd, change: modified}\n  condition: a\n");
    let changed = [("file.path", "/etc/passwd"), ("change", "modified"), ("process.exe", "/usr/sbin/useradd")];
    assert_eq!(found(&watched, &cases::event(Kind::Integrity, &changed).unwrap()), 1);
    let asset = rule(
        "category: inventory",
        "  a: {asset.kind: user, details.shell: /bin/bash, before.shell: /usr/sbin/nologin}\n  condition: a\n",
    );
    let user = [("asset.kind", "user"), ("details.shell", "/bin/bash"), ("before.shell", "/usr/sbin/nologin")];
    assert_eq!(found(&asset, &cases::event(Kind::Asset, &user).unwrap()), 1);
    assert_eq!(found(&asset, &cases::event(Kind::Asset, &user[..2]).unwrap()), 0);
}

#[test]
fn the_kinds_of_logs_that_rules_may_name_are_bounded() {
    let text = |word: usize| {
        format!("title: t\nlogsource: {{product: linux, service: s{word}}}\ndetection: {{k: [x], condition: k}}\n")
    };
    let all: Vec<String> = (0..600).map(text).collect();
    let (engine, faults) = Engine::compile(&[source("a.yml", &all.join("---\n"))]);
    assert_eq!((engine.rules().len(), faults.len()), (512, 88));
    assert!(faults.iter().all(|fault| fault.is(&fault::LIMIT)));
    assert_eq!(found(&engine, &cases::log("syslog", Some("x"), &[("app", "s7")])), 1);
}

#[test]
fn one_scratch_serves_records_of_any_size() {
    let engine = rule("product: aws, service: cloudtrail", "  a: {x.y: '1', z: '2'}\n  condition: a\n");
    let other = rule("category: webserver", "  a: {sc-status: 200}\n  condition: a\n");
    let many: Vec<(String, String)> = (0..5000).map(|number| (format!("x.n{number}"), "1".to_owned())).collect();
    let mut many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    many.extend([("x.y", "1"), ("z", "2")]);
    let (long, short) = (cases::log("cloudtrail", None, &many), cases::log("nginx", None, &[("sc-status", "200")]));
    let (mut scratch, mut hits) = (Scratch::new(), Vec::new());
    for _ in 0..3 {
        for (engine, event, count) in
            [(&engine, &long, 1), (&other, &short, 1), (&engine, &short, 0), (&other, &long, 0)]
        {
            engine.evaluate(event, &mut scratch, &mut hits);
            assert_eq!(hits.len(), count);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_records_are_judged_and_explained(
        word in "(nginx|auditd|cloudtrail|syslog|aws[.]x|[a-zA-Z.é]{0,70})",
        names in prop::collection::vec("(a0|a1|type|app|x|x[.]y|[.]{1,4}|[a-z.é]{0,6})", 0..8),
        values in prop::collection::vec("[a-z0-9:.é*%\u{0}-]{0,8}", 8),
    ) {
        let engine = compile(
            "title: a\nlogsource: {product: linux, service: auditd}\ndetection: {a: {a0|contains: a}, b: {x|fieldref: type}, c: [b], condition: a or b or c}\n\
             ---\ntitle: b\nlogsource: {category: log}\ndetection: {a: {x|gt: 1}, b: {x.y|re: '[a-c]+'}, c: {x|hour: 3}, d: {x: null}, condition: a or b or c or d}\n\
             ---\ntitle: c\nlogsource: {product: aws}\ndetection: {a: {x|cidr: 10.0.0.0/8}, b: ['*a?c*'], condition: 1 of them}\n",
        );
        let fields: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
        let event = cases::log(&word, None, &fields);
        for index in hits(&engine, &event) {
            engine.explain(index, &event);
        }
    }
}
