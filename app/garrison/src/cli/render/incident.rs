//! Incidents, alerts and orders one by one.

use super::tree;
use crate::cli::screen::{Paint, Screen, plain, width};
use crate::cli::words::Word;
use crate::cli::{duration, table};
use api::story::{IncidentView, Moment, OrderView};
use api::tables::StoredAlert;
use base::Lang;
use std::collections::BTreeMap;

/// The word of an enumeration as the API writes it.
pub fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_string)).unwrap_or_default()
}

/// The title in the reader's language.
pub fn title<'t>(screen: &Screen, en: &'t str, zh: &'t str) -> &'t str {
    if screen.lang == Lang::Zh && !zh.is_empty() { zh } else { en }
}

/// One incident whole.
pub fn incident(screen: &Screen, view: &IncidentView) -> String {
    let incident = &view.incident;
    let status = word(&incident.status);
    let mut text = format!("{}\n", screen.paint(Paint::Bold, &plain(&incident.title)));
    let mut rows = vec![
        (screen.word(Word::Id), incident.id.clone()),
        (screen.word(Word::Severity), screen.severity(incident.severity.word())),
        (screen.word(Word::Status), screen.api(&status).to_string()),
        (screen.word(Word::First), screen.time(incident.first_us)),
        (screen.word(Word::Last), screen.time(incident.last_us)),
        (screen.word(Word::Accounts), plain(&incident.accounts.join(", "))),
    ];
    if !incident.drill.is_empty() {
        rows.push((screen.word(Word::Drill), plain(&incident.drill)));
    }
    text.push_str(&table::pairs(&rows));
    if !incident.stages.is_empty() {
        let stage = |stage: &record::Stage| format!("{} ({})", screen.api(&stage.tactic), stage.techniques.join(", "));
        let chain: Vec<String> = incident.stages.iter().map(stage).collect();
        text.push_str(&section(screen, Word::Chain));
        text.push_str(&format!("{}\n", plain(&chain.join(" → "))));
    }
    let alerts: BTreeMap<String, (String, String)> =
        view.findings.iter().map(|found| of_alert(screen, found)).collect();
    if !view.tree.is_empty() {
        text.push_str(&section(screen, Word::Tree));
        text.push_str(&tree::draw(screen, &view.tree, &alerts));
    }
    text.push_str(&section(screen, Word::Timeline));
    text.push_str(&view.timeline.iter().map(|moment| of_moment(screen, moment)).collect::<String>());
    text
}

fn section(screen: &Screen, word: Word) -> String {
    format!("\n{}\n", screen.paint(Paint::Bold, screen.word(word)))
}

fn of_alert(screen: &Screen, found: &StoredAlert) -> (String, (String, String)) {
    let alert = &found.alert;
    let title = title(screen, &alert.title, &alert.title_zh).to_string();
    (alert.id.clone(), (title, alert.severity().word().to_string()))
}

fn of_moment(screen: &Screen, moment: &Moment) -> String {
    let mark = match (moment.kind.as_str(), moment.text.as_str()) {
        ("alert", _) => screen.paint(Paint::Red, "●"),
        ("order", _) => "▸".to_string(),
        (_, "failed" | "refused") => screen.paint(Paint::Red, "✗"),
        _ => screen.paint(Paint::Green, "✓"),
    };
    let said = title(screen, &moment.text, &moment.text_zh);
    let said = if moment.kind == "alert" {
        format!("[{}] {}", screen.api(&moment.severity), plain(said))
    } else {
        let words: Vec<&str> = said.split(' ').map(|word| screen.api(word)).collect();
        format!("{} {}", screen.api(&moment.kind), words.join(" "))
    };
    let head = format!("{}  {mark} {}  {said}", screen.time(moment.time_us), plain(&moment.host));
    let notes = screen.fit(&plain(&moment.notes.join(", ")), width(&head) + 2);
    format!("{head}  {}", screen.paint(Paint::Dim, &notes)).trim_end().to_string() + "\n"
}

/// One alert whole.
pub fn alert(screen: &Screen, found: &StoredAlert) -> String {
    let alert = &found.alert;
    let said = title(screen, &alert.title, &alert.title_zh);
    let techniques: Vec<&str> = alert.techniques.iter().map(|technique| technique.id.as_str()).collect();
    let mut rows = vec![
        (screen.word(Word::Id), alert.id.clone()),
        (screen.word(Word::Severity), screen.severity(alert.severity().word())),
        (screen.word(Word::Time), screen.time(alert.time_us)),
        (screen.word(Word::Decided), duration::micros((alert.decided_us - alert.time_us).max(0))),
        (screen.word(Word::Host), plain(&found.host)),
        (screen.word(Word::Rule), format!("{} ({})", alert.rule, alert.rule_version)),
        (screen.word(Word::Techniques), techniques.join(", ")),
    ];
    if !alert.drill.is_empty() {
        rows.push((screen.word(Word::Drill), plain(&alert.drill)));
    }
    let mut text = format!("{}\n{}", screen.paint(Paint::Bold, &plain(said)), table::pairs(&rows));
    if !alert.matches.is_empty() {
        text.push_str(&section(screen, Word::Matched));
        let pairs: Vec<(&str, String)> =
            alert.matches.iter().map(|found| (found.field.as_str(), screen.fit(&plain(&found.value), 24))).collect();
        text.push_str(&table::pairs(&pairs));
    }
    if !found.processes.is_empty() {
        text.push_str(&section(screen, Word::Tree));
        text.push_str(&tree::draw(screen, &found.processes, &BTreeMap::from([of_alert(screen, found)])));
    }
    text
}

/// One order whole.
pub fn order(screen: &Screen, view: &OrderView) -> String {
    let order = &view.order;
    let (action, mode) = (order.action().word(), word(&order.mode()));
    let parameters: Vec<String> = order.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut rows = vec![
        (screen.word(Word::Order), order.id.clone()),
        (screen.word(Word::Action), format!("{} ({})", screen.api(action), screen.api(&mode))),
        (screen.word(Word::Object), plain(&parameters.join(" "))),
        (screen.word(Word::By), format!("{} {}", screen.api(&word(&order.origin())), plain(&order.by))),
        (screen.word(Word::Reason), plain(&order.reason)),
    ];
    if order.lease_s > 0 {
        rows.push((screen.word(Word::Lease), duration::words(order.lease_s as i64)));
    }
    let mut text = table::pairs(&rows);
    for receipt in &view.receipts {
        let state = word(&receipt.state());
        let paint = if matches!(state.as_str(), "failed" | "refused") { Paint::Red } else { Paint::Green };
        let took = duration::micros(receipt.took_us as i64);
        text.push_str(&format!(
            "\n{}  {}  {took}\n",
            screen.time(receipt.time_us),
            screen.paint(paint, screen.api(&state))
        ));
        let lines = [(Word::Touched, &receipt.touched), (Word::Observed, &receipt.observed)];
        for (heading, lines) in lines {
            for line in lines {
                text.push_str(&format!("  {}: {}\n", screen.word(heading), screen.fit(&plain(line), 14)));
            }
        }
        if !receipt.message.is_empty() {
            text.push_str(&format!(
                "  {}: {} [{}]\n",
                screen.word(Word::Message),
                plain(&receipt.message),
                receipt.fault
            ));
        }
        if receipt.lease_ends_us > 0 {
            text.push_str(&format!("  {}: {}\n", screen.word(Word::LeaseEnds), screen.time(receipt.lease_ends_us)));
        }
    }
    text
}
