//! Lists, one line a record.

use super::incident::{title, word};
use crate::cli::screen::{Screen, plain};
use crate::cli::table;
use crate::cli::words::Word;
use api::form::{LakeTable, TokenView, UserView};
use api::story::OrderView;
use api::tables::StoredAlert;
use port::Rows;
use record::{Entry, Incident};
use serde_json::Value;

fn head<const N: usize>(screen: &Screen, words: [Word; N]) -> [&'static str; N] {
    words.map(|word| screen.word(word))
}

/// Alerts.
pub fn alerts(screen: &Screen, items: &[StoredAlert]) -> String {
    let row = |found: &StoredAlert| {
        let alert = &found.alert;
        vec![
            screen.time(alert.time_us),
            screen.severity(alert.severity().word()),
            plain(&found.host),
            alert.id.clone(),
            plain(title(screen, &alert.title, &alert.title_zh)),
        ]
    };
    let heading = head(screen, [Word::Time, Word::Severity, Word::Host, Word::Id, Word::Title]);
    listed(screen, &heading, items.iter().map(row).collect())
}

/// Incidents.
pub fn incidents(screen: &Screen, items: &[Incident]) -> String {
    let row = |incident: &Incident| {
        vec![
            screen.time(incident.first_us),
            screen.severity(incident.severity.word()),
            screen.api(&word(&incident.status)).to_string(),
            incident.alerts.len().to_string(),
            incident.id.clone(),
            plain(&incident.title),
        ]
    };
    let words = [Word::Time, Word::Severity, Word::Status, Word::Alerts, Word::Id, Word::Title];
    listed(screen, &head(screen, words), items.iter().map(row).collect())
}

/// Orders.
pub fn orders(screen: &Screen, items: &[OrderView]) -> String {
    let row = |view: &OrderView| {
        let order = &view.order;
        let state = view.receipts.last().map(|receipt| word(&receipt.state())).unwrap_or_default();
        let parameters: Vec<&str> = order.parameters.values().map(String::as_str).collect();
        vec![
            screen.time(order.issued_us),
            screen.api(order.action().word()).to_string(),
            screen.api(&word(&order.mode())).to_string(),
            screen.api(&state).to_string(),
            order.id.clone(),
            plain(&parameters.join(" ")),
        ]
    };
    let words = [Word::Time, Word::Action, Word::Mode, Word::State, Word::Id, Word::Object];
    listed(screen, &head(screen, words), items.iter().map(row).collect())
}

/// Entries of the ledger.
pub fn entries(screen: &Screen, items: &[Entry]) -> String {
    let row = |entry: &Entry| {
        vec![
            entry.seq.to_string(),
            screen.time(entry.time_us),
            plain(&entry.who),
            plain(&entry.what),
            plain(&entry.object),
        ]
    };
    let words = [Word::Number, Word::Time, Word::Who, Word::What, Word::Object];
    listed(screen, &head(screen, words), items.iter().map(row).collect())
}

/// API tokens.
pub fn tokens(screen: &Screen, items: &[TokenView]) -> String {
    let row = |token: &TokenView| {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
        vec![token.id.clone(), plain(&token.owner), scopes.join(","), screen.time(token.expires_us), plain(&token.name)]
    };
    let words = [Word::Id, Word::Owner, Word::Scopes, Word::Expires, Word::Name];
    listed(screen, &head(screen, words), items.iter().map(row).collect())
}

/// Accounts.
pub fn users(screen: &Screen, items: &[UserView]) -> String {
    let row = |user: &UserView| {
        let roles: Vec<&str> = user.roles.iter().map(|role| role.word()).collect();
        let first = if user.must_change { screen.word(Word::Yes) } else { "" };
        vec![plain(&user.name), roles.join(","), screen.time(user.created_us), first.to_string()]
    };
    let words = [Word::User, Word::Roles, Word::Created, Word::MustChange];
    listed(screen, &head(screen, words), items.iter().map(row).collect())
}

/// Tables of the lake.
pub fn tables(screen: &Screen, items: &[LakeTable]) -> String {
    let row = |table: &LakeTable| {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        vec![table.name.clone(), columns.join(" ")]
    };
    listed(screen, &head(screen, [Word::Table, Word::Columns]), items.iter().map(row).collect())
}

/// An answer to a SQL question.
pub fn rows(screen: &Screen, rows: &Rows) -> String {
    let heading: Vec<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
    let cell = |value: &Value| match value {
        Value::String(text) => plain(text),
        Value::Null => String::new(),
        other => plain(&other.to_string()),
    };
    let lines = rows.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let mut text = listed(screen, &heading, lines);
    if rows.cut {
        text.push_str(&format!("{}\n", screen.word(Word::Cut)));
    }
    text
}

fn listed(screen: &Screen, heading: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return format!("{}\n", screen.word(Word::None));
    }
    table::draw(screen, heading, &rows)
}
