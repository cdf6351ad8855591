//! One OCSF event as one line.

use crate::cli::screen::{Paint, Screen, plain, width};
use serde_json::Value;

/// What a line shows of an event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// When, µs since the Unix epoch.
    pub time_us: i64,
    /// Word of its [`record::Kind`].
    pub kind: String,
    /// Host name.
    pub host: String,
    /// Agent id.
    pub agent: String,
    /// User name.
    pub user: String,
    /// Executable.
    pub exe: String,
    /// What happened.
    pub text: String,
}

/// Reads a row out of an OCSF event.
pub fn row(event: &Value) -> Row {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_string();
    let first =
        |pointers: &[&str]| pointers.iter().map(|at| text(at)).find(|text| !text.is_empty()).unwrap_or_default();
    let kind = text("/unmapped/kind");
    // The one who acts: for exec and exit the process itself, elsewhere the actor.
    let own = matches!(kind.as_str(), "exec" | "exit");
    let by = if own { ["/process", "/actor/process"] } else { ["/actor/process", "/process"] };
    let of = |field: &str| first(&by.map(|place| format!("{place}{field}")).each_ref().map(String::as_str));
    Row {
        time_us: event.get("time").and_then(Value::as_i64).unwrap_or(0).saturating_mul(1000),
        host: text("/device/hostname"),
        agent: text("/device/uid"),
        user: [of("/user/name"), text("/actor/user/name"), of("/user/uid")]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default(),
        exe: of("/path"),
        text: said(event, &kind, &of("/cmd_line")),
        kind,
    }
}

/// What happened, by kind.
fn said(event: &Value, kind: &str, cmd_line: &str) -> String {
    let any = |pointer: &str| match event.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let name = || any("/process/name");
    let parts = match kind {
        "exec" => vec![cmd_line.to_string()],
        "exit" => vec![name(), any("/exit_code")],
        "fork" => vec![name(), any("/process/pid")],
        "file" => vec![any("/activity_name"), any("/file/path"), any("/file_result/path")],
        "net" => {
            let end = |end: &str| format!("{}:{}", any(&format!("/{end}/ip")), any(&format!("/{end}/port")));
            vec![any("/activity_name"), end("src_endpoint"), "→".into(), end("dst_endpoint")]
        }
        "dns" => vec![any("/query/hostname"), any("/query/type")],
        "access" | "signal" => vec![any("/activity_name"), any("/unmapped/call"), name(), any("/process/pid")],
        _ => vec![
            any("/activity_name"),
            any("/unmapped/call"),
            any("/unmapped/name"),
            any("/file/path"),
            any("/message"),
        ],
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty() && part != ":").collect();
    parts.join(" ")
}

/// Draws one event.
pub fn line(screen: &Screen, event: &Value) -> String {
    let row = row(event);
    let name = row.exe.rsplit('/').next().unwrap_or("");
    let head = format!("{}  {:<9} {}  ", screen.time(row.time_us), row.kind, plain(&row.host));
    let by = format!("{} {}", plain(&row.user), plain(name));
    let text = screen.fit(&plain(&row.text), width(&head) + width(&by) + 2);
    format!("{}{by}  {text}\n", screen.paint(Paint::Dim, &head))
}
