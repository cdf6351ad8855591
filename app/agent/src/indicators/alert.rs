//! The alert about an indicator that the server confirmed.

use intel::{Kind, Verdict};
use record::{AgentId, Alert, Batch, Event, Host, Match, Severity, Technique};

/// Longest value shown, characters.
const SHOWN: usize = 256;
/// Most sources, names and tags shown of each sort.
const NAMES: usize = 16;

/// Title, title in Chinese, technique and tactic of an alert about this kind of indicator.
fn words(kind: Kind) -> [&'static str; 4] {
    const C2: &str = "command-and-control";
    match kind {
        Kind::Ip => ["Traffic with a listed address", "与情报地址通信", "T1071", C2],
        Kind::Cidr => ["Traffic with a listed network", "与情报网段通信", "T1071", C2],
        Kind::Domain => ["A listed domain was looked up or visited", "查询或访问情报域名", "T1071", C2],
        Kind::Url => ["A listed URL was visited", "访问情报 URL", "T1071.001", C2],
        Kind::Md5 | Kind::Sha1 | Kind::Sha256 => {
            ["A listed file was run or found", "运行或发现情报文件", "T1204.002", "execution"]
        }
        Kind::Ja3 | Kind::Ja4 => ["A TLS client with a listed fingerprint", "TLS 客户端指纹命中情报", "T1071.001", C2],
        Kind::Email => ["A listed e-mail address", "出现情报邮箱地址", "T1566", "initial-access"],
        Kind::Path => ["A listed file path", "出现情报文件路径", "T1204.002", "execution"],
    }
}

/// Id of the rule that stands for a kind of indicator: the same on every host and in every version, so that exceptions
/// and tuning can name it.
pub fn rule(kind: Kind) -> String {
    format!("3f0e8a52-9d5c-4c1e-8b7a-6761727269{:02x}", kind as u8)
}

/// The alert. Its version is that of the filter, its severity the score's.
pub fn of(
    verdict: &Verdict,
    event: &Event,
    (host, agent): (&Host, AgentId),
    (version, decided_us): (u64, i64),
) -> Alert {
    let [title, title_zh, technique, tactic] = words(verdict.kind);
    let shown = |text: &str| text.chars().take(SHOWN).collect::<String>();
    let one = |field: &str, value: &str| Match { field: field.into(), value: shown(value) };
    let score = verdict.score.to_string();
    let mut matches = vec![
        one("indicator", &verdict.value),
        one("kind", verdict.kind.word()),
        one("score", &score),
        one("tlp", verdict.tlp.word()),
    ];
    let lists: [(&str, &[String]); 4] = [
        ("source", &verdict.sources),
        ("actor", &verdict.actors),
        ("malware", &verdict.malware),
        ("tag", &verdict.tags),
    ];
    for (field, values) in lists {
        matches.extend(values.iter().take(NAMES).map(|value| one(field, value)));
    }
    matches.extend(verdict.warnings.iter().take(NAMES).map(|note| one("warning-list", &note.list)));
    Alert {
        rule: rule(verdict.kind),
        rule_version: format!("{version:016x}"),
        title: title.into(),
        title_zh: title_zh.into(),
        severity: severity(verdict) as i32,
        techniques: vec![Technique { id: technique.into(), tactics: vec![tactic.into()] }],
        time_us: event.time_us,
        decided_us,
        matches,
        evidence: Batch::pack(host.clone(), Some(event)),
        agent: agent.to_string(),
        ..Alert::default()
    }
}

/// An indicator below the threshold of its kind is shown and no more.
fn severity(verdict: &Verdict) -> Severity {
    match verdict.score {
        _ if verdict.decayed => Severity::Informational,
        85.. => Severity::Critical,
        60.. => Severity::High,
        35.. => Severity::Medium,
        10.. => Severity::Low,
        _ => Severity::Informational,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words_and_an_id_of_its_own() {
        let ids: std::collections::BTreeSet<String> = Kind::ALL.iter().map(|kind| rule(*kind)).collect();
        assert_eq!((ids.len(), ids.first().unwrap().len()), (Kind::ALL.len(), 36));
        assert!(Kind::ALL.iter().all(|kind| words(*kind).iter().all(|word| !word.is_empty())));
    }
}
