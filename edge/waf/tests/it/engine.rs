//! Cases of `tests/engine/*.case`: rules and a request each, what holds, and whether libmodsecurity says the same.
//!
//! A case: `--- name`, directives, `>>> METHOD TARGET`, headers, an empty line and a body if there is one, `<<< ids`,
//! lines `name = value` of macros at the end. With `differs` behind its name it says what we do and libmodsecurity does
//! not, and why.

use crate::oracle;
use seclang::MemoryReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use waf::{Collections, Connection, Engine, Memory, Verdict};

struct Case {
    file: String,
    name: String,
    rules: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    ids: Vec<u64>,
    shows: Vec<(String, String)>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine")
}

fn cases() -> Vec<Case> {
    let mut files: Vec<PathBuf> = folder().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "case")) {
        let text = std::fs::read_to_string(file).unwrap();
        cases.extend(text.split("\n--- ").skip(1).map(|text| case(file, text)));
    }
    assert!(cases.len() > 20, "cases are found");
    cases
}

fn case(file: &Path, text: &str) -> Case {
    let (name, rest) = text.split_once('\n').unwrap();
    let (rules, rest) = rest.split_once(">>> ").unwrap();
    let (request, rest) = rest.split_once("<<<").unwrap();
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let (method, target) = line.trim().split_once(' ').unwrap();
    let (ids, shows) = rest.split_once('\n').unwrap_or((rest, ""));
    let pair = |line: &str, cut: &str| {
        line.split_once(cut).map(|(name, value)| (name.trim().to_string(), value.trim().to_string())).unwrap()
    };
    Case {
        file: file.file_name().unwrap().to_string_lossy().into_owned(),
        name: name.to_string(),
        rules: rules.to_string(),
        method: method.to_string(),
        target: target.to_string(),
        headers: headers.lines().map(|line| pair(line, ":")).collect(),
        body: body.trim_end_matches('\n').to_string(),
        ids: ids.split_whitespace().map(|id| id.parse().unwrap()).collect(),
        shows: shows.lines().filter(|line| line.contains(" = ")).map(|line| pair(line, "=")).collect(),
    }
}

/// Rules that tell a macro's value at the end.
fn shows(case: &Case) -> String {
    let show = |(number, (name, _)): (usize, &(String, String))| {
        format!("SecAction \"id:{},phase:5,pass,log,auditlog,msg:'%{{{name}}}'\"\n", 900_000 + number)
    };
    case.shows.iter().enumerate().map(show).collect()
}

const BASE: &str = "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n";

fn judge(case: &Case) -> Verdict {
    let mut reader = MemoryReader::default();
    reader.put("case.conf", format!("{BASE}{}\n{}", case.rules, shows(case)));
    let ruleset = seclang::load(&mut reader, &["case.conf"], &waf::vocabulary());
    let ruleset = ruleset.unwrap_or_else(|faults| panic!("{} {}: {faults:?}", case.file, case.name));
    let engine = Arc::new(Engine::compile(&ruleset).unwrap_or_else(|fault| panic!("{}: {fault:?}", case.name)));
    let collections: Arc<dyn Collections> = Arc::new(Memory::new(100, 3600));
    let connection = Connection { client: "127.0.0.1:40000".parse().unwrap(), server: "127.0.0.1:80".parse().unwrap() };
    let mut transaction = engine.begin(connection, &collections, 1_700_000_000_000_000);
    transaction.request_line(case.method.as_bytes(), case.target.as_bytes(), b"HTTP/1.1");
    for (name, value) in &case.headers {
        transaction.request_header(name.as_bytes(), value.as_bytes());
    }
    if transaction.judge_request_headers().is_none() {
        transaction.request_body(case.body.as_bytes());
        transaction.judge_request_body();
    }
    transaction.finish()
}

fn said(verdict: &Verdict) -> (Vec<u64>, Vec<String>) {
    let logged = verdict.hits.iter().filter(|hit| hit.audited);
    let (ends, rules): (Vec<_>, Vec<_>) = logged.partition(|hit| hit.id >= 900_000);
    (
        rules.iter().map(|hit| hit.id).collect(),
        ends.iter().map(|hit| String::from_utf8_lossy(&hit.message).into_owned()).collect(),
    )
}

#[test]
fn cases_hold() {
    let mut wrong = Vec::new();
    for case in cases() {
        let (ids, shown) = said(&judge(&case));
        let expected: Vec<String> = case.shows.iter().map(|(_, value)| value.clone()).collect();
        if ids != case.ids || shown != expected {
            wrong.push(format!("{} {}: {ids:?} {shown:?}, expected {:?} {expected:?}", case.file, case.name, case.ids));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_oracle_says_the_same() {
    let Some(python) = oracle::python("cases of the engine") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/waf/oracle.py");
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| !case.name.contains("differs")) {
        let conf = folder.path().join("case.conf");
        std::fs::write(&conf, format!("{BASE}{}\n{}", case.rules, shows(case))).unwrap();
        let request = serde_json::json!({
            "method": case.method, "target": case.target, "headers": case.headers, "body": base64(case.body.as_bytes()),
        });
        let mut child = Command::new(&python)
            .args([script.as_os_str(), "--no-base".as_ref(), "--conf".as_ref(), conf.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{request}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let hits = answer["hits"].as_array().cloned().unwrap_or_default();
        let (ends, rules): (Vec<_>, Vec<_>) = hits.iter().partition(|hit| hit["id"].as_u64() >= Some(900_000));
        let ids: Vec<u64> = rules.iter().filter_map(|hit| hit["id"].as_u64()).collect();
        let shown: Vec<&str> = ends.iter().filter_map(|hit| hit["message"].as_str()).collect();
        let expected: Vec<&str> = case.shows.iter().map(|(_, value)| value.as_str()).collect();
        if ids != case.ids || shown != expected {
            wrong.push(format!("{} {}: {ids:?} {shown:?}, case {:?} {expected:?}", case.file, case.name, case.ids));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
