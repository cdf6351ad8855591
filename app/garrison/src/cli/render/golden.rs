//! Text in, text out, in both languages.

use super::{event, incident, lists, status as drawn};
use crate::cli::screen::Screen;
use crate::cli::zone::Zone;
use api::Status;
use api::story::IncidentView;
use api::view::{Agent, Stage};
use base::Lang;
use serde_json::{Value, json};

/// A screen without colours and without an edge, in UTC.
pub fn screen(lang: Lang) -> Screen {
    Screen { lang, colour: false, width: None, zone: Zone::default(), now_us: 1_700_000_100_000_000 }
}

fn view() -> IncidentView {
    let node = |id: &str, parent: &str, pid: u32, exe: &str, cmd_line: &str, alerts: Value| json!({"id": id, "parent": parent, "pid": pid, "exe": exe, "cmd_line": cmd_line, "user": "www-data", "alerts": alerts});
    let moment = |time: i64, kind: &str, text: &str, zh: &str, notes: Value| {
        let severity = if kind == "alert" { "high" } else { "" };
        json!({"time_us": 1_700_000_000_000_000_i64 + time, "kind": kind, "object": "o", "host": "web-1", "text": text,
               "text_zh": zh, "severity": severity, "notes": notes})
    };
    let finding = json!({
        "id": "a1", "rule": "r1", "rule_version": "00ff", "title": "Shell below a web server", "title_zh": "Web 服务下的 shell",
        "severity": "high", "techniques": [], "time_us": 1_700_000_000_000_000_i64, "decided_us": 1_700_000_000_000_350_i64,
        "matches": [{"field": "Image", "value": "/bin/sh"}], "responses": [], "agent": "aa", "drill": "",
        "host": "web-1", "processes": [], "ocsf": {},
    });
    serde_json::from_value(json!({
        "id": "INC-a1", "title": "Shell below a web server", "severity": "high", "status": "contained",
        "first_us": 1_700_000_000_000_000_i64, "last_us": 1_700_000_001_000_000_i64, "hosts": ["aa"],
        "accounts": ["www-data"], "processes": [], "drill": "", "alerts": ["a1"], "orders": [], "reasons": [],
        "stages": [
            {"tactic": "execution", "techniques": ["T1059.004"], "first_us": 1, "alerts": ["a1"]},
            {"tactic": "exfiltration", "techniques": ["T1048"], "first_us": 2, "alerts": []},
        ],
        "findings": [finding], "actions": [],
        "tree": [
            node("1", "0", 70, "/usr/sbin/nginx", "nginx: master", json!([])),
            node("2", "1", 77, "/bin/sh", "sh -c curl\u{1b}[2J", json!(["a1"])),
            node("3", "2", 78, "/usr/bin/curl", "curl http://192.0.2.1", json!([])),
            node("4", "1", 71, "/usr/sbin/nginx", "", json!([])),
        ],
        "timeline": [
            moment(0, "alert", "Shell below a web server", "Web 服务下的 shell", json!(["T1059.004"])),
            moment(90_000, "order", "kill-tree apply", "", json!(["process=1f.77"])),
            moment(95_000, "receipt", "verified", "", json!(["sh (77)"])),
        ],
    }))
    .unwrap()
}

#[test]
fn an_incident_in_english() {
    let wanted = "\
Shell below a web server
ID        INC-a1
SEVERITY  high
STATUS    contained
first     2023-11-14 22:13:20.000
last      2023-11-14 22:13:21.000
accounts  www-data

attack chain
execution (T1059.004) → exfiltration (T1048)

process tree
/usr/sbin/nginx (70)  www-data
│  $ nginx: master
├─ /usr/sbin/nginx (71)  www-data
└─ /bin/sh (77)  www-data
   │  $ sh -c curl·[2J
   │  ● [high] Shell below a web server
   └─ /usr/bin/curl (78)  www-data
         $ curl http://192.0.2.1

timeline
2023-11-14 22:13:20.000  ● web-1  [high] Shell below a web server  T1059.004
2023-11-14 22:13:20.090  ▸ web-1  order kill-tree apply  process=1f.77
2023-11-14 22:13:20.095  ✓ web-1  receipt verified  sh (77)
";
    assert_eq!(incident::incident(&screen(Lang::En), &view()), wanted);
}

#[test]
fn an_incident_in_chinese() {
    let text = incident::incident(&screen(Lang::Zh), &view());
    for wanted in [
        "级别  高\n",
        "状态  已遏制\n",
        "执行 (T1059.004) → 数据渗出 (T1048)\n",
        "   │  ● [高] Web 服务下的 shell\n",
        "▸ web-1  指令 终止进程树 执行  process=1f.77\n",
        "✓ web-1  回执 已核实  sh (77)\n",
    ] {
        assert!(text.contains(wanted), "{wanted} not in\n{text}");
    }
}

#[test]
fn a_ring_of_parents_ends() {
    let mut view = view();
    view.tree[0].parent = "3".into();
    let text = incident::incident(&screen(Lang::En), &view);
    assert!(text.contains("timeline") && text.contains("/bin/sh (77)"), "{text}");
}

#[test]
fn events_are_one_line_each() {
    let exec = json!({
        "time": 1_700_000_000_000_i64, "unmapped": {"kind": "exec"}, "device": {"hostname": "web-1", "uid": "aa"},
        "process": {"path": "/usr/bin/curl", "cmd_line": "curl -o /tmp/告警 x", "user": {"name": "www-data"}},
    });
    let wanted = "2023-11-14 22:13:20.000  exec      web-1  www-data curl  curl -o /tmp/告警 x\n";
    assert_eq!(event::line(&screen(Lang::En), &exec), wanted);
    let net = json!({
        "time": 1_700_000_000_000_i64, "unmapped": {"kind": "net"}, "activity_name": "Open", "device": {"hostname": "web-1"},
        "actor": {"process": {"path": "/usr/bin/curl", "user": {"uid": "33"}}},
        "src_endpoint": {"ip": "10.0.0.1", "port": 4711}, "dst_endpoint": {"ip": "192.0.2.1", "port": 443},
    });
    let wanted = "2023-11-14 22:13:20.000  net       web-1  33 curl  Open 10.0.0.1:4711 → 192.0.2.1:443\n";
    assert_eq!(event::line(&screen(Lang::En), &net), wanted);
    let narrow = Screen { width: Some(70), ..screen(Lang::En) };
    let cut = event::line(&narrow, &exec);
    assert_eq!(crate::cli::screen::width(cut.trim_end()), 70);
    assert!(cut.ends_with("…\n"), "{cut}");
    assert!(event::line(&screen(Lang::En), &Value::Null).starts_with('-'));
}

#[test]
fn lists_are_aligned_also_with_wide_letters() {
    let view = view();
    let wanted = "\
时间                     级别  主机   编号  标题
2023-11-14 22:13:20.000  高    web-1  a1    Web 服务下的 shell
";
    assert_eq!(lists::alerts(&screen(Lang::Zh), &view.findings), wanted);
    let wanted = "\
TIME                     SEVERITY  STATUS     ALERTS  ID      TITLE
2023-11-14 22:13:20.000  high      contained  1       INC-a1  Shell below a web server
";
    assert_eq!(lists::incidents(&screen(Lang::En), &[view.incident]), wanted);
    assert_eq!(lists::alerts(&screen(Lang::En), &[]), "nothing to show\n");
}

#[test]
fn the_status_names_what_is_lost() {
    let agent = Agent {
        id: "aa".into(),
        host: "web-1".into(),
        os: "Debian".into(),
        last_seen_us: 1_700_000_000_000_000,
        lag_us: 12_300,
        spool_bytes: 1536,
        dropped: [("file".to_string(), 7)].into(),
        ..Agent::default()
    };
    let stage = Stage { name: "ingest".into(), received: 5, handled: 4, queued: 1, ..Stage::default() };
    let status = Status { version: "0.1.0".into(), agents: vec![agent], pipeline: vec![stage], ..Status::default() };
    let text = drawn::status(&screen(Lang::En), &status);
    for wanted in [
        "version            0.1.0\n",
        "ingest  5         4        1       0\n",
        "web-1  1m 40s ago  12.3 ms  7        1.5 KiB  0      aa  Debian\n",
    ] {
        assert!(text.contains(wanted), "{wanted} not in\n{text}");
    }
    let none = drawn::agents(&screen(Lang::Zh), &[]);
    assert_eq!(none, "代理: 尚未登记\n");
}
