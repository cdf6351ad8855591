//! An explanation for people, in Chinese or English.

use crate::explain::{Explained, Held};
use base::Lang;
use std::fmt::Write;

/// Longest value shown, characters.
const SHOWN: usize = 160;

/// The whole of it as text. `all` shows rules that only keep the books too.
pub fn page(explained: &Explained, lang: Lang, all: bool) -> String {
    let mut text = String::new();
    for held in explained.held.iter().filter(|held| all || !held.quiet) {
        rule(&mut text, held, lang);
    }
    if text.is_empty() {
        text.push_str(lang.pick("no rule held\n", "没有规则命中\n"));
    }
    // Writing to a text cannot fail.
    let _ = writeln!(text, "\n{}: {}", lang.pick("anomaly score", "异常评分"), explained.score);
    let _ = match explained.refused {
        Some((0, rule)) => writeln!(text, "{} {rule}", lang.pick("connection closed, by rule", "断开连接，依据规则")),
        Some((status, rule)) => {
            writeln!(
                text,
                "{} {status}{} {rule}",
                lang.pick("refused:", "拦截："),
                lang.pick(", by rule", "，依据规则")
            )
        }
        None => writeln!(text, "{}", lang.pick("passed", "放行")),
    };
    let (strings, bytes) = explained.strings;
    let _ = match lang {
        Lang::En => writeln!(text, "{strings} distinct strings ({bytes} bytes), {} tests run", explained.tests),
        Lang::Zh => writeln!(text, "{strings} 个不同字符串（{bytes} 字节），执行 {} 次匹配", explained.tests),
    };
    if explained.exceeded {
        let _ = writeln!(text, "{}", lang.pick("part of the request was beyond a limit", "请求有部分超出限额未检查"));
    }
    text
}

fn rule(text: &mut String, held: &Held, lang: Lang) {
    let severity = held.severity.and_then(|severity| SEVERITIES.get(usize::from(severity))).copied();
    let severity = severity.map(|(en, zh)| format!(" [{}]", lang.pick(en, zh))).unwrap_or_default();
    let _ = writeln!(text, "{}{severity} {}", held.id, held.message);
    let _ = writeln!(text, "    {} {}, {}", lang.pick("phase", "阶段"), held.phase, held.place);
    if !held.target.is_empty() {
        let _ = writeln!(text, "    {} = {}", held.target, shown(&held.value));
    }
    for (name, value) in &held.steps {
        let _ = writeln!(text, "      t:{name} → {}", shown(value));
    }
    if !held.data.is_empty() {
        let _ = writeln!(text, "    {}", shown(&held.data));
    }
    let _ = writeln!(text, "    {} {}", lang.pick("score so far", "累计评分"), held.score);
}

/// A value on one line: control characters escaped, long ones cut.
fn shown(value: &str) -> String {
    let mut line: String = value.chars().take(SHOWN).flat_map(escaped).collect();
    if value.chars().nth(SHOWN).is_some() {
        line.push('…');
    }
    line
}

fn escaped(letter: char) -> Vec<char> {
    if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }
}

/// Severities by number (syslog).
const SEVERITIES: &[(&str, &str)] = &[
    ("emergency", "紧急"),
    ("alert", "警报"),
    ("critical", "严重"),
    ("error", "错误"),
    ("warning", "警告"),
    ("notice", "通知"),
    ("info", "信息"),
    ("debug", "调试"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, explain, load, request};

    #[test]
    fn an_attack_is_explained_with_value_steps_and_score() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.conf");
        let rule = "SecRule ARGS \"@rx union\\s+select\" \"id:7,phase:2,t:none,t:urlDecodeUni,t:lowercase,deny,status:403,\
            msg:'SQL',severity:CRITICAL,logdata:'%{MATCHED_VAR}'\"\n";
        std::fs::write(&path, rule).unwrap();
        let loaded = load(&Source { files: vec![path], ..Source::default() }).ok().unwrap();
        let asked = request::parse(b"GET /?q=1%2520UNION%2520SELECT HTTP/1.1\nHost: x\n\n").unwrap();
        let explained = explain(&loaded.engine, &asked, ([192, 0, 2, 1], 1000).into(), 1);
        assert_eq!(explained.refused, Some((403, 7)));
        let english = page(&explained, Lang::En, false);
        for wanted in [
            "7 [critical] SQL",
            "ARGS:q = 1%20UNION%20SELECT",
            "t:lowercase → 1 union select",
            "refused: 403, by rule 7",
        ] {
            assert!(english.contains(wanted), "{wanted} in {english}");
        }
        assert!(
            page(&explained, Lang::Zh, false).contains("拦截： 403")
                || page(&explained, Lang::Zh, false).contains("拦截：403")
        );
        let clean = explain(&loaded.engine, &request::parse(b"/?q=a").unwrap(), ([192, 0, 2, 1], 1000).into(), 1);
        assert!(page(&clean, Lang::En, false).starts_with("no rule held"));
    }
}
