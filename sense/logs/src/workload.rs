//! Realistic lines of every decoder, made by chance that is passed in, and the two loops that a bench measures: decoding
//! alone, and following a file with decoding. Whoever measures takes the time.

use crate::config::FileInput;
use crate::decode;
use crate::reader::Reader;
use crate::sink::Sink;
use crate::stats::Counters;
use crate::tail::{Settings, Source, Tailer};
use crate::zone::Zone;
use base::{Clock, Random, Result};
use record::Event;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Moulds of each decoder's lines: `{ip}`, `{n}` and `{user}` are filled in.
const MOULDS: &[(&str, &[&str])] = &[
    (
        "syslog",
        &[
            "Nov 14 22:13:20 web-1 sshd[{n}]: Failed password for invalid user {user} from {ip} port {n} ssh2",
            "Nov 14 22:13:21 web-1 sshd[{n}]: Accepted publickey for {user} from {ip} port {n} ssh2: ED25519 SHA256:c2h",
            "Nov 14 22:13:21 web-1 sudo:   {user} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/apt-get update",
            "Nov 14 22:13:22 web-1 CRON[{n}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
            "Nov 14 22:13:22 web-1 systemd[1]: Started session-{n}.scope - Session {n} of User {user}.",
            "Nov 14 22:13:23 web-1 kernel: [{n}.123456] eth0: link up, 1000 Mbps, full duplex",
            "Nov 14 22:13:24 web-1 sshd[{n}]: pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)",
        ],
    ),
    (
        "nginx",
        &[
            "{ip} - - [14/Nov/2023:22:13:20 +0000] \"GET /api/v1/items?id={n}&page=2 HTTP/1.1\" 200 {n} \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36\"",
            "{ip} - {user} [14/Nov/2023:22:13:20 +0000] \"POST /login HTTP/2.0\" 302 0 \"-\" \"curl/8.4.0\"",
            "{ip} - - [14/Nov/2023:22:13:21 +0000] \"GET /static/app.{n}.js HTTP/1.1\" 304 0 \"https://shop.example/\" \"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X)\"",
        ],
    ),
    (
        "apache",
        &[
            "shop.example:443 {ip} - - [14/Nov/2023:22:13:20 +0000] \"GET /index.php?q={user} HTTP/1.1\" 200 {n} \"-\" \"Mozilla/5.0 (Windows NT 10.0; Win64; x64)\"",
            "[Tue Nov 14 22:13:20.123456 2023] [authz_core:error] [pid {n}:tid {n}] [client {ip}:{n}] AH01630: client denied by server configuration: /srv/www/.git",
        ],
    ),
    (
        "squid",
        &[
            "1700000000.450    92 {ip} TCP_MISS/200 {n} GET http://updates.example/pool/{user}_1.0.deb?x={n} {user} HIER_DIRECT/192.0.2.7 application/octet-stream",
        ],
    ),
    (
        "auditd",
        &[
            "type=SYSCALL msg=audit(1700000000.123:{n}): arch=c000003e syscall=59 success=yes exit=0 a0=55d0f0 a1=55d0f8 a2=55d100 a3=8 items=2 ppid=1 pid={n} auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"ls\" exe=\"/usr/bin/ls\" subj=unconfined key=\"exec\"",
            "type=EXECVE msg=audit(1700000000.123:{n}): argc=3 a0=\"ls\" a1=\"-la\" a2=2F746D702F6120622F{n}0",
            "type=PATH msg=audit(1700000000.123:{n}): item=0 name=\"/etc/systemd/system/{user}.service\" inode={n} dev=08:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=CREATE cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0",
            "type=PROCTITLE msg=audit(1700000000.123:{n}): proctitle=6C73002D6C61002F746D70",
        ],
    ),
    (
        "kubernetes.audit",
        &[
            r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"5f3e-{n}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/default/secrets/{user}","verb":"get","user":{"username":"system:serviceaccount:default:{user}","groups":["system:serviceaccounts","system:authenticated"]},"sourceIPs":["{ip}"],"userAgent":"kubectl/v1.29.0","objectRef":{"resource":"secrets","namespace":"default","name":"{user}","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2023-11-14T22:13:20.000000Z","stageTimestamp":"2023-11-14T22:13:20.004000Z","annotations":{"authorization.k8s.io/decision":"allow"}}"#,
        ],
    ),
    (
        "cloudtrail",
        &[
            r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA{n}","arn":"arn:aws:iam::123456789012:user/{user}","accountId":"123456789012","userName":"{user}"},"eventTime":"2023-11-14T22:13:20Z","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","awsRegion":"us-east-1","sourceIPAddress":"{ip}","userAgent":"aws-cli/2.13","requestParameters":{"userName":"{user}"},"responseElements":{"accessKey":{"accessKeyId":"AKIA{n}","status":"Active"}},"requestID":"{n}","eventID":"{n}","readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012"}"#,
        ],
    ),
    (
        "actiontrail",
        &[
            r#"{"eventId":"{n}","eventVersion":"1","eventSource":"ram.aliyuncs.com","requestParameters":{"UserName":"{user}"},"sourceIpAddress":"{ip}","userAgent":"AliyunConsole","eventType":"ApiCall","userIdentity":{"type":"root-account","accountId":"{n}","principalId":"{n}","userName":"root"},"serviceName":"Ram","requestId":"{n}","eventTime":"2023-11-14T22:13:20Z","isGlobal":true,"acsRegion":"cn-hangzhou","eventName":"CreateAccessKey"}"#,
        ],
    ),
    (
        "json",
        &[
            r#"{"time":"2023-11-14T22:13:20Z","level":"info","msg":"request done","user":{"name":"{user}","ip":"{ip}"},"took_ms":{n},"tags":["a","b"]}"#,
        ],
    ),
    ("vsftpd", &["Tue Nov 14 22:13:20 2023 [pid {n}] [{user}] FAIL LOGIN: Client \"{ip}\""]),
    ("clamav", &["Tue Nov 14 22:13:20 2023 -> /srv/upload/{user}{n}.php: Php.Webshell.C99-1 FOUND"]),
];

/// `count` lines as a decoder reads them; `None` where there is no such decoder.
pub fn lines(word: &str, count: usize, random: &dyn Random) -> Option<Vec<String>> {
    const USERS: &[&str] = &["root", "admin", "alice", "deploy", "git", "oracle", "www-data"];
    let (_, moulds) = MOULDS.iter().find(|(of, _)| *of == word)?;
    let line = |_| {
        let byte = || random.below(256);
        let mould = moulds[random.below(moulds.len() as u64) as usize];
        let ip = format!("{}.{}.{}.{}", 1 + random.below(223), byte(), byte(), byte());
        let number = (1024 + random.below(64_000)).to_string();
        let user = USERS[random.below(USERS.len() as u64) as usize];
        mould.replace("{ip}", &ip).replace("{n}", &number).replace("{user}", user)
    };
    Some((0..count).map(line).collect())
}

/// Decodes lines, one after the other, into events that are dropped; gives how many there were and how many lines did
/// not read.
pub fn decode(word: &str, lines: &[String], clock: &dyn Clock) -> (u64, u64) {
    let (counters, zone) = (Counters::default(), Zone::fixed(0));
    let decoder = decode::of(word).unwrap_or(&decode::syslog::Syslog);
    let mut events: Vec<Event> = Vec::new();
    for line in lines {
        let reader = Reader { decoder, word: "", now: clock.wall(), zone: &zone, counters: &counters };
        reader.read(line.as_bytes(), false, "/var/log/bench.log", &mut events);
        if events.len() >= crate::limits::BATCH_EVENTS {
            events.clear();
        }
    }
    let stats = counters.stats(word);
    (stats.events, stats.undecoded)
}

/// Counts what it takes.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Sink for Counted {
    fn take(&self, events: Vec<Event>) -> Result<()> {
        self.0.fetch_add(events.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// Follows one file from its beginning to its end, decoding, with positions kept in `state_folder`; gives the events.
pub fn follow(word: &str, file: &Path, state_folder: &Path, clock: Arc<dyn Clock>) -> Result<u64> {
    let input = FileInput {
        paths: vec![file.display().to_string()],
        decoder: word.to_owned(),
        source: String::new(),
        follow_links: false,
    };
    let mut tailer = Tailer::new(Settings {
        sources: vec![Source { input, counters: Arc::new(Counters::default()) }],
        store: state_folder.join("logs.positions"),
        backlog: true,
        rotated_us: 0,
        clock,
        zone: Zone::fixed(0),
    })?;
    let sink = Counted::default();
    while tailer.poll(&sink, false)? {}
    tailer.save()?;
    Ok(sink.0.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{ManualClock, SeededRandom};

    #[test]
    fn every_decoder_has_lines_and_reads_all_of_them() {
        let clock = ManualClock::at(1_700_000_060_000_000);
        for decoder in decode::ALL {
            let lines = lines(decoder.word(), 200, &SeededRandom::new(7)).unwrap();
            assert_eq!(decode(decoder.word(), &lines, &clock), (200, 0), "{}", decoder.word());
        }
        assert!(lines("none", 1, &SeededRandom::new(7)).is_none());
    }
}
