//! Tests of actions.

use super::*;
use crate::fault;
use crate::model::{CtlKind, EngineMode, SetOp};

const WORDS: Vocabulary<'static> = Vocabulary {
    operators: &[],
    transformations: &["lowercase", "normalizepath"],
    variables: &["ARGS", "TX", "REQUEST_COOKIES", "REMOTE_ADDR"],
    aliases: &[("normalisepath", "normalizepath")],
};

fn read(list: &str) -> (Vec<Action>, Vec<Fault>) {
    let place = Place { file: "f".into(), line: 3 };
    let mut faults = Vec::new();
    let actions = parse(list, &Context { vocabulary: &WORDS, place: &place }, &mut faults);
    (actions, faults)
}

fn one(list: &str) -> Action {
    let (mut actions, faults) = read(list);
    assert!(faults.is_empty() && actions.len() == 1, "{list}: {faults:?}");
    actions.remove(0)
}

#[test]
fn every_flag_and_value() {
    let list = "id:'7',phase:request,chain,block,deny,pass,drop,allow:phase,redirect:'http://a/?b=c,d',status:418,msg:'a, b',\
                logdata:%{TX.0},severity:CRITICAL,severity:'5',tag:x,ver:'OWASP_CRS/3.3.4',rev:2,maturity:1,accuracy:9,log,\
                nolog,auditlog,noauditlog,capture,multiMatch,skip:2,skipAfter:END,t:none,t:normalisePath,xmlns:a='b',\
                sanitizeArg:pass,initcol:ip=%{remote_addr},setuid:x,expirevar:'ip.k=60',setenv:a=b";
    let (actions, faults) = read(list);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(actions.len(), 34);
    assert!(actions.iter().any(|action| matches!(action, Action::Transformation(Some("normalizepath")))));
    assert!(actions.iter().any(|action| matches!(action, Action::Severity(2))));
    assert!(actions.iter().any(|action| matches!(action, Action::Phase(Phase::RequestBody))));
    assert!(actions.iter().any(|action| matches!(action, Action::Sanitise(name) if name == "ARGS:pass")));
}

#[test]
fn every_form_of_setvar() {
    for (text, op, key, value) in [
        ("setvar:tx.a", SetOp::Set, "a", "1"),
        ("setvar:TX.a.b=5", SetOp::Set, "a.b", "5"),
        ("setvar:'tx.a=x=y'", SetOp::Set, "a", "x=y"),
        ("setvar:'tx.a=+%{tx.b}'", SetOp::Add, "a", "%{TX.b}"),
        ("setvar:tx.a=-3", SetOp::Sub, "a", "3"),
        ("setvar:'!tx.a'", SetOp::Unset, "a", ""),
        ("setvar:'tx.k_%{TX.1}=.%{tx.1}/'", SetOp::Set, "k_%{TX.1}", ".%{TX.1}/"),
        ("setvar:tx.a=", SetOp::Set, "a", ""),
    ] {
        let Action::SetVar(set) = one(text) else { panic!("{text}") };
        assert_eq!((set.op, set.key.to_string(), set.value.to_string()), (op, key.into(), value.into()), "{text}");
    }
}

#[test]
fn every_form_of_ctl() {
    let kind = |text: &str| match one(text) {
        Action::Ctl(ctl) => ctl.kind,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(kind("ctl:ruleEngine=detectionOnly"), CtlKind::RuleEngine(EngineMode::DetectionOnly));
    assert_eq!(kind("ctl:ruleRemoveById=1-9"), CtlKind::RemoveById(vec![(1, 9)]));
    assert_eq!(kind("ctl:'ruleRemoveById=1-9, 12'"), CtlKind::RemoveById(vec![(1, 9), (12, 12)]));
    assert_eq!(kind("ctl:ruleRemoveByTag=attack-sqli"), CtlKind::RemoveByTag("attack-sqli".into()));
    assert_eq!(kind("ctl:requestBodyProcessor=json"), CtlKind::BodyProcessor("JSON".into()));
    assert_eq!(kind("ctl:forceRequestBodyVariable=On"), CtlKind::ForceBodyVariable(true));
    assert_eq!(kind("ctl:auditLogParts=+E"), CtlKind::Log("auditLogParts".into(), "+E".into()));
    let CtlKind::RemoveTargetById(ids, target) = kind("ctl:ruleRemoveTargetById=942100;REQUEST_COOKIES:/^a/") else {
        panic!("another kind")
    };
    assert_eq!((ids, target.to_string()), (vec![(942100, 942100)], "REQUEST_COOKIES:'/^a/'".into()));
    assert!(matches!(kind("ctl:ruleRemoveTargetByTag=CRS;ARGS"), CtlKind::RemoveTargetByTag(tag, _) if tag == "CRS"));
    let (several, _) = read("ctl:'ruleRemoveTargetById=1;ARGS:a|ARGS:b'");
    assert_eq!(several.len(), 2);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, code) in [
        ("dennny", &fault::ACTION),
        ("exec:/bin/x", &fault::UNSUPPORTED),
        ("t:lowercas", &fault::TRANSFORMATION),
        ("phase:6", &fault::VALUE),
        ("id:0", &fault::VALUE),
        ("severity:8", &fault::VALUE),
        ("deny:500", &fault::VALUE),
        ("status:abc", &fault::VALUE),
        ("setvar:a.b=1", &fault::VALUE),
        ("setvar:tx=1", &fault::VALUE),
        ("setvar:tx.=1", &fault::MACRO),
        ("msg:'%{nope}'", &fault::MACRO),
        ("msg:'a", &fault::SYNTAX),
        ("ctl:ruleEngin=On", &fault::ACTION),
        ("ctl:ruleEngine=Maybe", &fault::VALUE),
        ("ctl:ruleRemoveById=9-1", &fault::VALUE),
        ("ctl:ruleRemoveTargetById=1", &fault::VALUE),
        ("ctl:ruleRemoveTargetById=1;&ARGS", &fault::VALUE),
        ("ctl:ruleRemoveTargetById=1;NOPE", &fault::VARIABLE),
    ] {
        let (_, faults) = read(text);
        assert!(faults.len() == 1 && faults[0].is(code), "{text}: {faults:?}");
        assert_eq!(faults[0].named(), "f:3", "{text}");
    }
    let (_, faults) = read("dennny");
    assert_eq!(faults[0].wanted(), "deny");
}
