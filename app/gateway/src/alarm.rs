//! Alerts from requests: the first of a kind from a client at once, its repeats counted and told when they end.
//!
//! An attacker's scanner makes a thousand refusals a minute. One alert says that it began, one how much came of it.

use crate::engines::Undecided;
use gateway::Finding;
use record::{Alert, Batch, Event, Host, HttpActivity, HttpDecision, Match, Severity, Technique};
use std::collections::HashMap;

/// How long repeats are gathered, µs.
const WINDOW_US: i64 = 60_000_000;
/// Clients and kinds that are gathered at once; beyond, new ones are counted and not told until others end.
const OPEN: usize = 8192;
/// Longest value shown, characters.
const SHOWN: usize = 256;
/// Most rules shown.
const RULES: usize = 16;

/// A kind of attack: tag of OWASP CRS, title in both languages, technique.
type Kind = (&'static str, &'static str, &'static str, &'static str);

/// Kinds, the most telling first: of an alert with several tags the first is its title.
const KINDS: &[Kind] = &[
    ("attack-sqli", "SQL injection", "SQL 注入", "T1190"),
    ("attack-rce", "Remote command execution", "远程命令执行", "T1190"),
    ("attack-injection-php", "PHP injection", "PHP 注入", "T1190"),
    ("attack-injection-java", "Java injection", "Java 注入", "T1190"),
    ("attack-injection-generic", "Code injection", "代码注入", "T1190"),
    ("attack-xss", "Cross-site scripting", "跨站脚本", "T1189"),
    ("attack-lfi", "Local file inclusion", "本地文件包含", "T1190"),
    ("attack-rfi", "Remote file inclusion", "远程文件包含", "T1190"),
    ("attack-ssrf", "Server-side request forgery", "服务端请求伪造", "T1190"),
    ("attack-xxe", "XML external entity", "XML 外部实体", "T1190"),
    ("attack-fixation", "Session fixation", "会话固定", "T1539"),
    ("attack-reputation-scanner", "Scanner", "扫描器", "T1595.002"),
    ("attack-multipart-header", "Multipart header attack", "Multipart 头攻击", "T1190"),
    ("attack-protocol", "HTTP protocol attack", "HTTP 协议攻击", "T1190"),
    ("attack-disclosure", "Information leak in an answer", "响应信息泄露", "T1213"),
    ("attack-webshell", "Web shell in an answer", "响应中的网页后门", "T1505.003"),
    ("", "Web attack", "Web 攻击", "T1190"),
    ("(malformed)", "Malformed HTTP", "畸形 HTTP 请求", "T1190"),
    ("(fault)", "The web firewall could not judge", "Web 防火墙无法判定", ""),
];
/// Places of the last three in [`KINDS`].
const OTHER: usize = KINDS.len() - 3;
const MALFORMED: usize = KINDS.len() - 2;
const FAULT: usize = KINDS.len() - 1;

/// Id of the rule that stands for a kind: the same on every gateway and in every version.
fn rule(kind: usize) -> String {
    format!("5b1d7c40-2f7e-4a55-9c3d-7761666b69{kind:02x}")
}

/// A request that is worth an alert.
pub struct Seen<'s> {
    /// The event that is its evidence.
    pub event: Event,
    /// Its record.
    pub http: &'s HttpActivity,
    /// What the firewall found.
    pub finding: Option<&'s Finding>,
    /// Names whose values are never told.
    pub redact: &'s [String],
    /// Rules and variables of theirs that do not decide.
    pub undecided: &'s Undecided,
}

/// Repeats of one kind from one client at one site.
struct Open {
    since_us: i64,
    repeats: u64,
    last: Option<Box<Alert>>,
}

/// See the module.
pub struct Alarms {
    host: Host,
    agent: String,
    open: HashMap<(String, Vec<u8>, usize, i32), Open>,
    /// Requests that were worth an alert and found no room.
    pub untold: u64,
}

impl Alarms {
    /// None yet.
    pub fn new(host: Host, agent: String) -> Alarms {
        Alarms { host, agent, open: HashMap::new(), untold: 0 }
    }

    /// Takes a request; the alert if it is the first of its kind.
    pub fn take(&mut self, seen: &Seen<'_>) -> Option<Alert> {
        let kind = kind(seen)?;
        let key = (seen.http.site.clone(), seen.http.client_ip.clone(), kind, seen.http.decision);
        if let Some(open) = self.open.get_mut(&key) {
            open.repeats += 1;
            if open.last.is_none() || open.repeats.is_power_of_two() {
                open.last = Some(Box::new(alert(seen, kind, &self.host, &self.agent)));
            }
            return None;
        }
        if self.open.len() >= OPEN {
            self.untold += 1;
            return None;
        }
        self.open.insert(key, Open { since_us: seen.event.time_us, repeats: 0, last: None });
        Some(alert(seen, kind, &self.host, &self.agent))
    }

    /// Repeats whose time is over: one alert each with their number. All of them with `every`.
    pub fn due(&mut self, now_us: i64, every: bool) -> Vec<Alert> {
        let mut told = Vec::new();
        self.open.retain(|_, open| {
            if !every && now_us - open.since_us < WINDOW_US {
                return true;
            }
            let Some(mut alert) = open.last.take() else { return false };
            alert.matches.push(Match { field: "repeats".into(), value: open.repeats.to_string() });
            told.push(*alert);
            // Whoever goes on is told of again after another window, not at once.
            (open.since_us, open.repeats) = (now_us, 0);
            !every
        });
        told
    }
}

/// The kind of a request; none when it is not worth an alert.
fn kind(seen: &Seen<'_>) -> Option<usize> {
    match seen.http.decision() {
        HttpDecision::Malformed => Some(MALFORMED),
        HttpDecision::FailedOpen | HttpDecision::FailedClosed => Some(FAULT),
        HttpDecision::Blocked | HttpDecision::Observed => {
            let hits = &seen.finding?.verdict.hits;
            let tagged = |tag: &str| hits.iter().any(|hit| hit.tags.iter().any(|known| known == tag));
            let known = KINDS[..OTHER].iter().position(|(tag, ..)| tagged(tag));
            Some(known.unwrap_or(OTHER))
        }
        _ => None,
    }
}

fn alert(seen: &Seen<'_>, kind: usize, host: &Host, agent: &str) -> Alert {
    let (_, title, title_zh, technique) = KINDS[kind];
    let http = seen.http;
    let (done, done_zh) = match http.decision() {
        HttpDecision::Blocked | HttpDecision::Malformed | HttpDecision::FailedClosed => ("refused", "已拦截"),
        _ => ("seen, not refused", "已发现，未拦截"),
    };
    let tactic = match technique {
        "T1595.002" => "reconnaissance",
        "T1213" => "collection",
        "T1539" => "credential-access",
        "T1505.003" => "persistence",
        _ => "initial-access",
    };
    let technique = Technique { id: technique.into(), tactics: vec![tactic.into()] };
    Alert {
        rule: rule(kind),
        rule_version: format!("{:016x}", 1),
        title: format!("{title} {done}"),
        title_zh: format!("{title_zh}{done_zh}"),
        severity: severity(seen, kind) as i32,
        techniques: if technique.id.is_empty() { Vec::new() } else { vec![technique] },
        time_us: seen.event.time_us,
        decided_us: seen.event.time_us + i64::try_from(http.duration_us).unwrap_or(0),
        matches: matches(seen),
        evidence: Batch::pack(host.clone(), Some(&seen.event)),
        agent: agent.into(),
        ..Alert::default()
    }
}

/// What was refused did no harm; what passed may have.
fn severity(seen: &Seen<'_>, kind: usize) -> Severity {
    match (seen.http.decision(), kind) {
        (_, MALFORMED) => Severity::Low,
        (_, FAULT) => Severity::High,
        (HttpDecision::Blocked, _) if KINDS[kind].0 == "attack-webshell" => Severity::High,
        (HttpDecision::Blocked, _) => Severity::Medium,
        _ if seen.http.score >= 15 => Severity::High,
        _ => Severity::Medium,
    }
}

/// What people need of it: who, where, which rules on which values.
fn matches(seen: &Seen<'_>) -> Vec<Match> {
    let http = seen.http;
    let one = |field: &str, value: String| Match { field: field.into(), value: value.chars().take(SHOWN).collect() };
    let client = http.client().map(|client| client.to_string()).unwrap_or_default();
    let mut matches = vec![
        one("site", http.site.clone()),
        one("client", client),
        one("request", format!("{} {}", http.method, http.path)),
        one("score", http.score.to_string()),
    ];
    for (field, value) in [("reason", &http.reason), ("reference", &http.reference), ("ja4", &http.ja4)] {
        if !value.is_empty() {
            matches.push(one(field, value.clone()));
        }
    }
    let violations = seen.finding.map(|finding| finding.violations.as_slice()).unwrap_or_default();
    matches.extend(violations.iter().take(RULES).map(|odd| one("positive", odd.to_string())));
    let hits = seen.finding.map(|finding| finding.verdict.hits.as_slice()).unwrap_or_default();
    let telling = hits.iter().filter(|hit| hit.logged && !hit.variable.is_empty() && hit.variable != "TX");
    for hit in telling.take(RULES) {
        let key = String::from_utf8_lossy(&hit.key);
        let target = if key.is_empty() { hit.variable.to_string() } else { format!("{}:{key}", hit.variable) };
        let value = String::from_utf8_lossy(&hit.value);
        let secret = gateway::is_secret(&key, seen.redact) || holds_secret(hit.variable, &value, seen.redact);
        let value = if secret { "***".into() } else { value };
        matches.push(one(&format!("rule.{}", hit.id), format!("{target} = {value}")));
        if seen.undecided.contains(&(hit.id, hit.variable)) {
            matches.push(one(&format!("whole.{}", hit.id), hit.variable.into()));
        }
    }
    matches
}

/// Whether a value is a whole text of the request, one that names a secret: its value stands in there too.
fn holds_secret(variable: &str, value: &str, names: &[String]) -> bool {
    let is_text = variable.starts_with("REQUEST_URI")
        || ["REQUEST_LINE", "QUERY_STRING", "REQUEST_BODY", "FULL_REQUEST"].contains(&variable);
    let value = value.to_ascii_lowercase();
    is_text && names.iter().any(|name| value.contains(&name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Activity;
    use waf::{Hit, Verdict};

    fn http(client: u8) -> HttpActivity {
        HttpActivity {
            site: "shop".into(),
            method: "GET".into(),
            path: "/p".into(),
            client_ip: vec![192, 0, 2, client],
            decision: HttpDecision::Blocked as i32,
            score: 10,
            ..HttpActivity::default()
        }
    }

    fn finding() -> Finding {
        let hit = |id: u64, tag: &str, key: &[u8], value: &[u8]| Hit {
            id,
            tags: vec![tag.into()],
            variable: "ARGS",
            key: key.to_vec(),
            value: value.to_vec(),
            logged: true,
            ..Hit::default()
        };
        let hits = vec![hit(941_100, "attack-xss", b"q", b"<x>"), hit(942_100, "attack-sqli", b"Password", b"' or 1")];
        let verdict = Verdict { hits, ..Verdict::default() };
        Finding { verdict, probability: None, violations: Vec::new(), by: Some("rules") }
    }

    fn take(alarms: &mut Alarms, http: &HttpActivity, time_us: i64) -> Option<Alert> {
        let event = Event { seq: 0, time_us, process: None, activity: Activity::Http(http.clone()) };
        let (finding, redact) = (finding(), ["password".to_string()]);
        let undecided = [(942_100, "ARGS")].into();
        alarms.take(&Seen { event, http, finding: Some(&finding), redact: &redact, undecided: &undecided })
    }

    #[test]
    fn whole_texts_that_name_a_secret_are_not_shown() {
        let names = ["password".to_string()];
        assert!(holds_secret("REQUEST_BODY", "user=a&PassWord=x", &names));
        assert!(holds_secret("REQUEST_URI_RAW", "/?password=x", &names));
        assert!(!holds_secret("REQUEST_BODY", "user=a", &names) && !holds_secret("ARGS", "password", &names));
    }

    #[test]
    fn the_first_is_told_at_once_and_repeats_once_with_their_number() {
        let mut alarms = Alarms::new(Host::default(), "a".into());
        let first = take(&mut alarms, &http(1), 1).unwrap();
        assert_eq!((first.title.as_str(), first.severity()), ("SQL injection refused", Severity::Medium));
        let shown: Vec<_> = first.matches.iter().map(|found| (found.field.as_str(), found.value.as_str())).collect();
        assert!(
            shown.contains(&("rule.941100", "ARGS:q = <x>")) && shown.contains(&("rule.942100", "ARGS:Password = ***")),
            "{shown:?}"
        );
        assert!(shown.contains(&("whole.942100", "ARGS")) && !shown.contains(&("whole.941100", "ARGS")), "{shown:?}");
        assert!(take(&mut alarms, &http(2), 1).is_some(), "another client is another alert");
        for time in 2..7 {
            assert!(take(&mut alarms, &http(1), time).is_none());
        }
        assert!(alarms.due(WINDOW_US, false).is_empty());
        let told = alarms.due(WINDOW_US + 1, false);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].matches.last().unwrap().value, "5");
        assert!(take(&mut alarms, &http(1), WINDOW_US + 2).is_none(), "it goes on: told with the next window");
        assert_eq!(alarms.due(WINDOW_US + 3, true).len(), 1);
        assert!(alarms.due(i64::MAX, true).is_empty());
    }

    #[test]
    fn what_found_no_room_is_counted_and_ordinary_requests_are_nothing() {
        let mut alarms = Alarms::new(Host::default(), "a".into());
        for client in 0..OPEN + 3 {
            let http = HttpActivity { client_ip: (client as u32).to_be_bytes().to_vec(), ..http(0) };
            take(&mut alarms, &http, 1);
        }
        assert_eq!(alarms.untold, 3);
        let allowed = HttpActivity { decision: HttpDecision::Allowed as i32, ..http(9) };
        assert!(take(&mut Alarms::new(Host::default(), String::new()), &allowed, 1).is_none());
    }

    #[test]
    fn each_kind_has_words_in_both_languages_and_an_id_of_its_own() {
        let ids: std::collections::BTreeSet<String> = (0..KINDS.len()).map(rule).collect();
        assert_eq!((ids.len(), ids.first().unwrap().len()), (KINDS.len(), 36));
        assert!(KINDS.iter().all(|(_, en, zh, _)| !en.is_empty() && !zh.is_empty()));
    }
}
