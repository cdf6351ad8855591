//! The journal: recorded export text, and a real one crafted with Debian's `systemd-journal-remote`.

use crate::Kept;
use base::SystemClock;
use logs::journal::export::Export;
use logs::zone::Zone;
use logs::{Config, Input, JournalInput, Logs};
use record::Activity;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
const CTL: &str = "/usr/bin/journalctl";

/// An entry in export format, with a message in its binary form where it holds a line feed.
fn entry(number: u64, app: &str, message: &str) -> Vec<u8> {
    let time = 1_700_000_000_000_000 + number * 1_000_000;
    let mut bytes = format!(
        "__CURSOR=s=0123456789abcdef0123456789abcdef;i={number:x};b=0123456789abcdef0123456789abcdef;m={number:x};t={time:x};x={number:x}\n\
         __REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n\
         _MACHINE_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=web-1\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER={app}\n\
         _PID=812\n_UID=0\n_EXE=/usr/sbin/{app}\n_SYSTEMD_UNIT=ssh.service\n_TRANSPORT=syslog\n",
        number * 1_000_000
    )
    .into_bytes();
    if message.contains('\n') {
        bytes.extend(b"MESSAGE\n");
        bytes.extend((message.len() as u64).to_le_bytes());
        bytes.extend(message.as_bytes());
        bytes.push(b'\n');
    } else {
        bytes.extend(format!("MESSAGE={message}\n").as_bytes());
    }
    bytes.push(b'\n');
    bytes
}

#[test]
fn recorded_entries_become_records_of_their_program() {
    let mut bytes = entry(1, "sshd", "Failed password for root from 198.51.100.7 port 4022 ssh2");
    bytes.extend(entry(2, "myapp", "two\nlines"));
    let mut events = Vec::new();
    let mut each = |entry: Vec<(String, Vec<u8>)>| {
        events.push(logs::journal::event(&entry, 1_800_000_000_000_000, &Zone::fixed(0)))
    };
    Export::default().feed(&bytes, &mut each);
    let (event, known) = &events[0];
    let Activity::Log(log) = &event.activity else { panic!("a log") };
    assert!(known);
    assert_eq!((log.source.as_str(), log.origin.as_str(), log.host.as_str()), ("sshd", "ssh.service", "web-1"));
    assert_eq!(event.time_us, 1_700_000_001_000_000);
    for (name, value) in
        [("outcome", "failed"), ("src_ip", "198.51.100.7"), ("facility", "authpriv"), ("exe", "/usr/sbin/sshd")]
    {
        assert_eq!(log.field(name), Some(value), "{name}");
    }
    let Activity::Log(log) = &events[1].0.activity else { panic!("a log") };
    assert_eq!((log.source.as_str(), log.message.as_str()), ("syslog", "two\nlines"));
}

/// Adds entries to a journal in a folder.
fn craft(folder: &Path, name: &str, entries: &[Vec<u8>]) {
    let text = folder.join("export.txt");
    std::fs::write(&text, entries.concat()).unwrap();
    let journal = folder.join("journal");
    std::fs::create_dir_all(&journal).unwrap();
    let output = Command::new(REMOTE).arg("-o").arg(journal.join(name)).arg(&text).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_real_journal_is_followed_over_a_restart() {
    if [REMOTE, CTL].iter().any(|program| !Path::new(program).exists()) {
        eprintln!("skipped: needs journalctl and Debian's systemd-journal-remote");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir_all(&state).unwrap();
    // Reading begins now, so the place of an earlier run is laid down first.
    std::fs::write(state.join("logs.journal.0"), r#"{"cursor":"","time_us":1600000000000000}"#).unwrap();
    craft(
        folder.path(),
        "a.journal",
        &[entry(1, "sshd", "Invalid user a from 192.0.2.1 port 1"), entry(2, "app", "x\ny")],
    );
    let directory = folder.path().join("journal").display().to_string();
    let input = Input::Journal(JournalInput { directory, units: Vec::new() });
    let config = Config { usual: false, inputs: vec![input], ..Config::default() };
    let sink = Arc::new(Kept::default());
    let start = || Logs::start(&config, &state, Arc::new(SystemClock::default()), sink.clone()).unwrap();
    let logs = start();
    sink.wait_for(2);
    logs.stop();
    assert_eq!(sink.texts(), ["Invalid user a from 192.0.2.1 port 1", "x\ny"]);
    craft(folder.path(), "b.journal", &[entry(3, "sudo", "alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id")]);
    let logs = start();
    sink.wait_for(3);
    logs.stop();
    let logs = sink.logs();
    assert_eq!((logs.len(), logs[2].source.as_str(), logs[2].field("command")), (3, "sudo", Some("/bin/id")));
}
