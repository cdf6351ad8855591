//! Drills for people and programs.

use super::score::Score;
use crate::cli::client::Client;
use crate::cli::screen::Screen;
use crate::cli::table;
use crate::cli::words::Word;
use ::drill::Drill;
use base::{Lang, Result};
use serde_json::{Value, json};

/// The list of drills.
pub fn list(drills: &[Drill], as_json: bool, lang: Lang) -> String {
    if as_json {
        let rows = drills.iter().map(|drill| {
            json!({"name": drill.name, "technique": drill.technique, "tactic": drill.tactic, "title": drill.title,
                "title_zh": drill.title_zh, "rule": drill.rule, "answer": drill.answer, "root": drill.root})
        });
        return format!("{:#}\n", Value::Array(rows.collect()));
    }
    let line = |drill: &Drill| {
        format!(
            "{:<11} {:<18} {:<10} {}\n",
            drill.technique,
            drill.name,
            drill.answer,
            lang.pick(&drill.title, &drill.title_zh)
        )
    };
    drills.iter().map(line).collect()
}

fn millis(micros: Option<i64>) -> String {
    micros.map_or("-".into(), |micros| format!("{:.1} ms", micros as f64 / 1000.0))
}

/// The p-th percentile of times, nearest rank.
pub(super) fn percentile(mut times: Vec<i64>, p: usize) -> Option<i64> {
    times.sort_unstable();
    let rank = (times.len() * p).div_ceil(100).max(1) - 1;
    times.get(rank).copied()
}

/// The table of scores.
pub fn table(scores: &[Score], as_json: bool, screen: &Screen) -> String {
    let of = |what: fn(&Score) -> Option<i64>| scores.iter().filter_map(what).collect::<Vec<_>>();
    let (shown, answered) = (percentile(of(|score| score.shown_us), 99), percentile(of(|score| score.answered_us), 99));
    let detected = scores.iter().filter(|score| score.alert.is_some()).count();
    if as_json {
        let rows: Vec<Value> = scores.iter().map(row).collect();
        let all = json!({"drills": rows, "detected": detected, "of": scores.len(), "p99_shown_us": shown, "p99_answered_us": answered});
        return format!("{all:#}\n");
    }
    let yes = |good: bool| screen.word(if good { Word::Yes } else { Word::No }).to_string();
    let line = |score: &Score| {
        let answered = if score.drill.answer.is_empty() { String::new() } else { millis(score.answered_us) };
        vec![
            score.drill.technique.clone(),
            score.drill.name.clone(),
            yes(score.alert.is_some()),
            millis(score.decided_us),
            millis(score.shown_us),
            screen.api(&score.drill.answer).to_string(),
            answered,
            yes(score.reverted),
        ]
    };
    let words = [
        Word::Technique,
        Word::DrillName,
        Word::Detected,
        Word::AtAgent,
        Word::AtApi,
        Word::Action,
        Word::ReadBack,
        Word::Reverted,
    ];
    let lines: Vec<Vec<String>> = scores.iter().map(line).collect();
    let mut text = table::draw(screen, &words.map(|word| screen.word(word)), &lines);
    let lang = screen.lang;
    let word = lang.pick("detected", "已检出");
    let api = lang.pick("event to alert at the API, p99", "事件到 API 告警 p99");
    let action = lang.pick("alert to action read back, p99", "告警到处置回读 p99");
    text.push_str(&format!(
        "{detected}/{} {word} · {api} {} · {action} {}\n",
        scores.len(),
        millis(shown),
        millis(answered)
    ));
    text
}

fn row(score: &Score) -> Value {
    json!({"drill": score.drill.name, "technique": score.drill.technique, "detected": score.alert.is_some(), "alert": score.alert,
        "decided_us": score.decided_us, "shown_us": score.shown_us, "answer": score.drill.answer,
        "answered_us": score.answered_us, "incident": score.incident, "reverted": score.reverted})
}

/// The story of one drill: what happened, what was seen, what was done, and the proof.
pub async fn story(client: &Client, score: &Score, lang: Lang) -> Result<()> {
    let drill = score.drill;
    println!("  {} {} — {}", drill.technique, drill.name, lang.pick(&drill.title, &drill.title_zh));
    println!("  {:<28} {}", lang.pick("seen by the agent after", "代理检出用时"), millis(score.decided_us));
    println!("  {:<28} {}", lang.pick("alert at the API after", "API 出现告警用时"), millis(score.shown_us));
    if !drill.answer.is_empty() {
        println!(
            "  {:<28} {} ({})",
            lang.pick("answered and read back after", "处置并回读用时"),
            millis(score.answered_us),
            drill.answer
        );
    }
    if let Some(incident) = &score.incident {
        let record = client.get(&format!("/incidents/{incident}")).await?;
        let inner = record.get("incident").unwrap_or(&record);
        println!("  {:<28} {incident}", lang.pick("incident", "事件"));
        println!("  {:<28} {}", "", inner["title"].as_str().unwrap_or(""));
        println!("  {:<28} {}", lang.pick("status", "状态"), inner["status"].as_str().unwrap_or(""));
    }
    let ledger = client.get("/ledger/verify").await?;
    let intact = if ledger["intact"].as_bool().unwrap_or(false) {
        lang.pick("intact", "完整")
    } else {
        lang.pick("BROKEN", "已损坏")
    };
    println!("  {:<28} {} {}, {intact}", lang.pick("ledger", "账本"), ledger["entries"], lang.pick("entries", "条"));
    println!(
        "  {:<28} {}",
        lang.pick("everything reverted", "已全部还原"),
        if score.reverted { lang.pick("yes", "是") } else { lang.pick("NO", "否") }
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_takes_the_nearest_rank() {
        assert_eq!(percentile((1..=100).collect(), 99), Some(99));
        assert_eq!(percentile(vec![7], 99), Some(7));
        assert_eq!(percentile(vec![], 99), None);
    }
}
