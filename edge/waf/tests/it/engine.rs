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

/// Rules that use most of what the engine has.
const MANY: &str = r#"
SecAction "id:1,phase:1,nolog,pass,initcol:ip=%{REMOTE_ADDR},setvar:tx.level=2,setvar:tx.list=|a|b|"
SecRule REQUEST_HEADERS:Content-Type "@rx json" "id:2,phase:1,nolog,pass,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@rx xml" "id:3,phase:1,nolog,pass,ctl:requestBodyProcessor=XML"
SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|REQUEST_HEADERS|XML:/*|FILES "@rx (?i)(union).*?(select)" "id:10,phase:2,block,capture,t:none,t:urlDecodeUni,t:lowercase,t:replaceComments,logdata:'%{TX.0} in %{MATCHED_VAR_NAME}',setvar:tx.anomaly_score=+5"
SecRule ARGS "@detectSQLi" "id:11,phase:2,pass,capture,multiMatch,t:none,t:urlDecodeUni,t:removeNulls,setvar:'tx.seen_%{MATCHED_VAR_NAME}=+1'"
SecRule ARGS "@detectXSS" "id:12,phase:2,pass,t:none,t:htmlEntityDecode,t:jsDecode"
SecRule TX:/^seen_/ "@gt 0" "id:13,phase:2,pass,chain"
SecRule MATCHED_VARS_NAMES "!@within %{tx.list}" "setvar:ip.bad=+1,expirevar:ip.bad=60"
SecRule TX:level "@lt 2" "id:14,phase:2,pass,skipAfter:END"
SecRule ARGS "@pm select insert <script" "id:15,phase:2,pass,capture,t:none,t:lowercase,ctl:ruleRemoveTargetById=10;ARGS:p"
SecMarker END
SecRule REQBODY_ERROR "!@eq 0" "id:16,phase:2,pass"
SecRule FULL_REQUEST_LENGTH "@gt 100000" "id:17,phase:2,pass"
SecRule IP:bad "@gt 3" "id:18,phase:5,pass"
"#;

fn many() -> Arc<Engine> {
    let mut reader = MemoryReader::default();
    reader.put("many.conf", format!("{BASE}{MANY}"));
    let ruleset = seclang::load(&mut reader, &["many.conf"], &waf::vocabulary()).unwrap();
    Arc::new(Engine::compile(&ruleset).unwrap())
}

fn any_request(
    engine: &Arc<Engine>,
    target: &[u8],
    headers: &[(Vec<u8>, Vec<u8>)],
    body: &[u8],
    explain: bool,
) -> Verdict {
    let collections: Arc<dyn Collections> = Arc::new(Memory::new(10, 60));
    let connection = Connection { client: "[::1]:1".parse().unwrap(), server: "127.0.0.1:80".parse().unwrap() };
    let mut transaction = engine.begin(connection, &collections, 1);
    if explain {
        transaction.explain();
    }
    transaction.request_line(b"POST", target, b"HTTP/1.1");
    headers.iter().for_each(|(name, value)| {
        transaction.request_header(name, value);
    });
    transaction.judge_request_headers();
    body.chunks(7).for_each(|chunk| {
        transaction.request_body(chunk);
    });
    transaction.judge_request_body();
    transaction.response_line(200, b"HTTP/1.1");
    transaction.response_header(b"Content-Type", b"text/html");
    transaction.judge_response_headers();
    transaction.response_body(body);
    transaction.judge_response_body();
    transaction.finish()
}

fn ids(verdict: &Verdict) -> Vec<u64> {
    verdict.hits.iter().filter(|hit| hit.logged).map(|hit| hit.id).collect()
}

#[test]
fn any_bytes_are_judged_and_memory_used_again_changes_nothing() {
    use proptest::prelude::*;
    let engine = many();
    let bytes = |most: usize| proptest::collection::vec(any::<u8>(), 0..most);
    let types =
        ["application/json", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"];
    let attack = "[a-z=&%+0-9'<>/*-]{0,20}(union|select| or 1=1|<script>|%27|)[a-z=&'* ]{0,20}";
    let strategy = (bytes(60), attack, 0..types.len(), bytes(200));
    proptest!(ProptestConfig::with_cases(300), |((path, query, kind, body) in strategy)| {
        let target = [b"/", path.as_slice(), b"?p=", query.as_bytes()].concat();
        let headers = [(b"Content-Type".to_vec(), types[kind].as_bytes().to_vec()), (b"Cookie".to_vec(), path.clone())];
        // The engine's memory was used by the cases before; a new engine has none.
        let used = any_request(&engine, &target, &headers, &body, false);
        let explained = any_request(&engine, &target, &headers, &body, true);
        prop_assert_eq!(ids(&used), ids(&explained));
        prop_assert_eq!(used.inbound, explained.inbound);
        let fresh = any_request(&many(), &target, &headers, &body, false);
        prop_assert_eq!(ids(&used), ids(&fresh));
    });
}

#[test]
fn work_grows_as_the_request_does() {
    let engine = many();
    for make in [
        |size: usize| b"a=union select ".repeat(size / 15),
        |size: usize| b"x&".repeat(size / 2),
        |size: usize| b"%2527".repeat(size / 5),
        |size: usize| [b"a=".as_slice(), &b"/*".repeat(size / 2)].concat(),
    ] {
        let work = |size: usize| {
            let headers = [(b"Content-Type".to_vec(), b"application/x-www-form-urlencoded".to_vec())];
            let work = any_request(&engine, b"/", &headers, &make(size), false).work;
            (work.string_bytes + work.scanned + work.confirmed_bytes + work.rules * 10) as f64
        };
        let (one, four) = (work(16_000), work(64_000));
        assert!(four < 5.0 * one, "{four} for four times the request, {one} for one");
    }
}

#[test]
fn an_explained_hit_tells_every_step() {
    let verdict = any_request(&many(), b"/?q=1%20UNION/**/%2553ELECT%20x", &[], b"", true);
    let hit = verdict.hits.iter().find(|hit| hit.id == 12 || hit.id == 10);
    let Some(hit) = hit else { panic!("{:?}", ids(&verdict)) };
    assert_eq!((hit.variable, hit.key.as_slice()), ("ARGS", b"q".as_slice()));
    let steps: Vec<_> = hit.steps.iter().map(|step| step.transformation).collect();
    assert_eq!(steps, ["urldecodeuni", "lowercase", "replacecomments"]);
    assert_eq!(hit.transformed, hit.steps[2].value);
    assert_eq!(hit.score, 5);
    assert!(verdict.hits.iter().any(|hit| hit.id == 1 && !hit.logged), "rules that say nothing are told too");
}

/// What rules said of a request with a body; `cut` says that more of it follows.
fn judged(rules: &str, content_type: &str, body: &[u8], cut: bool) -> (Vec<u64>, bool) {
    let mut reader = MemoryReader::default();
    reader.put("rules.conf", rules);
    let rules = seclang::load(&mut reader, &["rules.conf"], &waf::vocabulary()).unwrap();
    let engine = Arc::new(Engine::compile(&rules).unwrap());
    let collections: Arc<dyn Collections> = Arc::new(Memory::new(16, 60));
    let end = "192.0.2.1:80".parse().unwrap();
    let mut transaction = engine.begin(Connection { client: end, server: end }, &collections, 0);
    transaction.request_line(b"POST", b"/", b"HTTP/1.1");
    transaction.request_header(b"Content-Type", content_type.as_bytes());
    transaction.judge_request_headers();
    transaction.request_body(body);
    if cut {
        transaction.request_body_cut();
    }
    transaction.judge_request_body();
    let unseen = transaction.unseen();
    (transaction.finish().hits.iter().map(|hit| hit.id).collect(), unseen)
}

const BODY_RULES: &str = r#"
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyNoFilesLimit 1000
SecRule REQUEST_HEADERS:Content-Type "@rx json" "id:9,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "@eq 1" "id:1,phase:2,pass,log"
SecRule MULTIPART_STRICT_ERROR "@eq 1" "id:2,phase:2,pass,log"
SecRule ARGS:x "@streq y" "id:3,phase:2,pass,log"
SecRule REQUEST_BODY "@contains behind" "id:4,phase:2,pass,log"
SecRule INBOUND_DATA_ERROR "@eq 1" "id:5,phase:2,pass,log"
"#;

#[test]
fn a_body_that_is_cut_is_no_mistake_and_what_was_not_seen_is_told() {
    let form = "application/x-www-form-urlencoded";
    let many = format!("{}x=y", "a&".repeat(1000));
    let wide = BODY_RULES.replace("Limit 1000", "Limit 100000");
    assert_eq!(judged(&wide, form, many.as_bytes(), false), (vec![], true));
    let detects = wide.replace("SecRuleEngine On", "SecRuleEngine DetectionOnly");
    assert_eq!(
        judged(&detects, form, many.as_bytes(), false),
        (vec![], false),
        "rules that do not act have missed nothing"
    );
    let allows = format!("SecAction \"id:8,phase:1,allow:request,nolog\"\n{wide}");
    assert_eq!(judged(&allows, form, many.as_bytes(), false), (vec![], false), "nor have rules that were told to pass");
    assert_eq!(judged(BODY_RULES, form, b"x=y&a=b", false), (vec![3], false));
    let json = b"{\"x\": \"y\", \"z\": \"";
    assert_eq!(judged(BODY_RULES, "application/json", json, false).0, [1]);
    assert_eq!(judged(BODY_RULES, "application/json", json, true).0, [5]);
    let part = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n";
    let half = format!("{part}{}", "f".repeat(5000));
    assert_eq!(judged(BODY_RULES, "multipart/form-data; boundary=B", half.as_bytes(), false).0, [1]);
    assert_eq!(judged(BODY_RULES, "multipart/form-data; boundary=B", half.as_bytes(), true).0, [5]);
}

#[test]
fn a_form_with_files_is_bounded_by_its_fields() {
    let kind = "multipart/form-data; boundary=B";
    let file = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n";
    let field = "\r\n--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n";
    let whole = format!("{file}{}behind{field}y\r\n--B--\r\n", "f".repeat(5000));
    assert_eq!(
        judged(BODY_RULES, kind, whole.as_bytes(), false),
        (vec![3], false),
        "the text of a long form is its begin"
    );
    let long = format!("{file}f{field}{}\r\n--B--\r\n", "y".repeat(1001));
    assert_eq!(judged(BODY_RULES, kind, long.as_bytes(), false), (vec![1], true));
}
