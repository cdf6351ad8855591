//! `events`: filters, SQL, tables, live.

use super::client::LiveRecord;
use super::duration;
use super::options::{Options, Session};
use super::read::{before, progress, query, show, typed};
use super::render::event::{self, Row};
use super::render::lists;
use super::words::Word;
use api::page::Page;
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Pause before a lost live stream is opened again.
const AGAIN: Duration = Duration::from_secs(1);
/// Events remembered so that none is shown twice: more than list and stream can overlap by.
const REMEMBERED: usize = 4096;
/// Most events fetched after a break: one page.
const MISSED: usize = 1000;

/// `events`.
#[derive(Args, Debug)]
pub struct Events {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(flatten)]
    filter: Filter,
    /// Show new events as they come, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
    #[command(subcommand)]
    command: Option<EventsCommand>,
}

#[derive(Args, Debug, Clone, Default)]
struct Filter {
    /// Kinds, separated by commas: exec,file,net,dns …
    #[arg(long)]
    kind: Option<String>,
    /// Host name or agent id.
    #[arg(long)]
    host: Option<String>,
    /// User name.
    #[arg(long)]
    user: Option<String>,
    /// Executable: a full path, or the last part of one.
    #[arg(long)]
    exe: Option<String>,
    /// Text within command line, paths or names.
    #[arg(long)]
    text: Option<String>,
    /// Only the last span: 10m, 2h, 7d.
    #[arg(long, value_parser = duration::seconds)]
    since: Option<u64>,
    /// Only before that long ago: 10m, 2h, 7d.
    #[arg(long, value_parser = duration::seconds)]
    until: Option<u64>,
    /// Most rows, 1 to 1000.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Subcommand, Debug)]
enum EventsCommand {
    /// One SELECT over the tables of the lake.
    Query {
        /// The statement.
        sql: String,
        /// Most rows, 1 to 10000.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Tables of the lake and their columns.
    Tables,
}

pub(super) async fn run(session: &Session, events: Events) -> Result<ExitCode> {
    match events.command {
        Some(EventsCommand::Query { sql, limit }) => {
            progress(session, Word::Asking);
            let json = session.client.post("/events/query", &json!({"sql": sql, "limit": limit})).await?;
            show(session, &json, lists::rows)
        }
        Some(EventsCommand::Tables) => {
            let json = session.client.get("/events/tables").await?;
            show(session, &json, |screen, tables: &Vec<api::form::LakeTable>| lists::tables(screen, tables))
        }
        None if events.follow => follow(session, &events.filter).await,
        None => list(session, &events.filter).await,
    }
}

impl Filter {
    fn query(&self, session: &Session) -> String {
        let moment = |span: Option<u64>| span.map(|seconds| before(session, seconds).to_string());
        query(&[
            ("kind", self.kind.clone()),
            ("host", self.host.clone()),
            ("user", self.user.clone()),
            ("exe", self.exe.clone()),
            ("text", self.text.clone()),
            ("since", moment(self.since)),
            ("until", moment(self.until)),
            ("limit", Some(self.limit.to_string())),
        ])
    }

    /// Whether a live event fits; the same questions as the server's filter asks.
    fn keeps(&self, row: &Row, whole: &Value) -> bool {
        let is = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
        is(&self.kind, &|kinds| kinds.split(',').any(|kind| kind.trim() == row.kind))
            && is(&self.host, &|host| host == row.host || host == row.agent)
            && is(&self.user, &|user| user == row.user)
            && is(&self.exe, &|exe| row.exe == exe || row.exe.ends_with(&format!("/{}", exe.trim_start_matches('/'))))
            && is(&self.text, &|text| {
                row.text.contains(text) || row.exe.contains(text) || whole.to_string().contains(text)
            })
    }
}

async fn list(session: &Session, filter: &Filter) -> Result<ExitCode> {
    let json = session.client.get(&format!("/events{}", filter.query(session))).await?;
    show(session, &json, |screen, page: &Page<Value>| match page.items.is_empty() {
        true => format!("{}\n", screen.word(Word::None)),
        // The newest stands at the bottom, next to the prompt.
        false => page.items.iter().rev().map(|item| event::line(screen, item)).collect(),
    })
}

/// Shows live events until Ctrl-C or until nobody reads them. The server ends a stream now and then to judge the caller
/// again; a stream that was lost is opened again as long as the server is only away for a moment.
async fn follow(session: &Session, filter: &Filter) -> Result<ExitCode> {
    // The stream first: what happens while the list is asked for stands in one of them, or in both and is shown once.
    let mut stream = session.client.stream("event").await?;
    let mut shown = Shown::default();
    stored(session, filter, &mut shown).await?;
    loop {
        let record = match stream.next().await {
            Ok(Some(record)) => record,
            ended => {
                if ended.is_err() {
                    progress(session, Word::Again);
                }
                tokio::time::sleep(AGAIN).await;
                stream = reopen(session).await?;
                let missed = Filter { since: None, until: None, limit: MISSED, ..filter.clone() };
                stored(session, &missed, &mut shown).await?;
                continue;
            }
        };
        if !live(session, filter, &mut shown, &record) {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

/// Shows the newest stored events that were not shown before, oldest first. After a break they begin where the last
/// event shown stands.
async fn stored(session: &Session, filter: &Filter, shown: &mut Shown) -> Result<()> {
    let path = match shown.last_us {
        0 => format!("/events{}", filter.query(session)),
        last => format!("/events{}&since={last}", filter.query(session)),
    };
    let page: Page<Value> = typed(&session.client.get(&path).await?)?;
    for item in page.items.iter().rev() {
        if shown.first_time(item) {
            one(session, item);
        }
    }
    Ok(())
}

/// Events shown lately, by id: list and stream overlap.
#[derive(Default)]
struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
    /// Time of the newest one, µs.
    last_us: i64,
}

impl Shown {
    /// Whether this event was not shown yet; it is from now on. One without an id is always shown.
    fn first_time(&mut self, event: &Value) -> bool {
        let millis = event.get("time").and_then(Value::as_i64).unwrap_or(0);
        self.last_us = self.last_us.max(millis.saturating_mul(1000));
        let Some(id) = event.pointer("/metadata/uid").and_then(Value::as_str) else { return true };
        if !self.ids.insert(id.to_string()) {
            return false;
        }
        self.order.push_back(id.to_string());
        if self.order.len() > REMEMBERED {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
        true
    }
}

/// Opens the stream again, five times at most.
async fn reopen(session: &Session) -> Result<super::client::LiveStream> {
    let mut last: Option<Fault> = None;
    for _ in 0..5 {
        match session.client.stream("event").await {
            Ok(stream) => return Ok(stream),
            Err(fault) if fault.retryable() => last = Some(fault),
            Err(fault) => return Err(fault),
        }
        tokio::time::sleep(AGAIN).await;
    }
    Err(last.unwrap_or_else(|| Fault::new(&super::fault::NO_SERVER).object(session.client.address())))
}

/// Shows one live record; false when nobody reads any more.
fn live(session: &Session, filter: &Filter, shown: &mut Shown, record: &LiveRecord) -> bool {
    if record.kind == "gap" {
        let missed = record.json.get("missed").and_then(Value::as_u64).unwrap_or(0);
        eprintln!("{missed} {}", session.screen.word(Word::Gap));
        return true;
    }
    let wanted = filter.keeps(&event::row(&record.json), &record.json) && shown.first_time(&record.json);
    !wanted || one(session, &record.json)
}

fn one(session: &Session, item: &Value) -> bool {
    let text = if session.json { format!("{item}\n") } else { event::line(&session.screen, item) };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_in_list_and_stream_is_shown_once() {
        let event = |id: usize| json!({"time": 7 + id, "metadata": {"uid": format!("e{id}")}});
        let mut shown = Shown::default();
        assert!(shown.first_time(&event(1)) && !shown.first_time(&event(1)));
        assert!(shown.first_time(&json!({"time": 1})) && shown.first_time(&json!({"time": 1})));
        assert_eq!(shown.last_us, 8000);
        for id in 2..10_000 {
            assert!(shown.first_time(&event(id)));
        }
        assert_eq!((shown.ids.len(), shown.order.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn live_events_are_filtered_like_stored_ones() {
        let row = Row {
            kind: "exec".into(),
            host: "web-1".into(),
            exe: "/usr/bin/curl".into(),
            text: "curl http://192.0.2.1".into(),
            ..Row::default()
        };
        let some = |text: &str| Some(text.to_string());
        let keeps = |filter: Filter| filter.keeps(&row, &Value::Null);
        assert!(keeps(Filter::default()));
        assert!(keeps(Filter { kind: some("file,exec"), exe: some("curl"), ..Filter::default() }));
        assert!(keeps(Filter { exe: some("/usr/bin/curl"), text: some("192.0.2.1"), ..Filter::default() }));
        assert!(!keeps(Filter { exe: some("url"), ..Filter::default() }));
        assert!(!keeps(Filter { kind: some("net"), ..Filter::default() }));
        assert!(!keeps(Filter { host: some("web-2"), ..Filter::default() }));
    }
}
