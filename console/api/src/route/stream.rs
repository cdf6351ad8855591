//! What happens now, as server-sent events (WHATWG HTML §9.2).

use crate::extract::Ask;
use crate::{ApiState, Failure, Live, Problem, fault};
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use base::Fault;
use futures::stream::{Stream, StreamExt};
use std::convert::Infallible;
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

/// Kinds that can be asked for.
const KINDS: &[&str] = &["event", "alert", "incident", "order", "receipt", "agent", "vulnerability"];
/// Kinds sent when nobody says which: all but the floods: telemetry, and what a new list of
/// advisories finds at once.
const USUAL: &[&str] = &["alert", "incident", "order", "receipt", "agent"];
/// How long a stream stands before the client must come again, and be judged again: a revoked credential must not see on.
const LASTS: Duration = Duration::from_secs(15 * 60);
/// Pause after which a comment is sent, so that proxies and clients see a living connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which kinds.
#[derive(Debug, Clone, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct Kinds {
    /// Kinds, separated by commas: `event,alert,incident,order,receipt,agent,vulnerability`; all but `event` and
    /// `vulnerability` when absent.
    pub kinds: Option<String>,
}

impl Kinds {
    fn list(&self) -> base::Result<Vec<&'static str>> {
        let Some(words) = &self.kinds else { return Ok(USUAL.to_vec()) };
        let wrong = |word: &str| Fault::new(&fault::INVALID).object("kinds").expected(KINDS.join(", ")).found(word);
        let known = |word: &str| KINDS.iter().copied().find(|kind| *kind == word.trim()).ok_or_else(|| wrong(word));
        words.split(',').take(KINDS.len()).map(known).collect()
    }
}

/// Live records. The event's name is its kind, its data the JSON that the API shows elsewhere. A reader that is too slow
/// gets `gap` with the number of records it missed. The stream ends after 15 minutes; come again.
#[utoipa::path(get, path = "/api/v1/stream", tag = "stream", params(Kinds),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "default", body = Problem)))]
pub(crate) async fn stream(
    State(state): State<ApiState>,
    Ask(kinds): Ask<Kinds>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let kinds = kinds.list()?;
    let busy = |_| Fault::new(&fault::TOO_MANY_STREAMS);
    let permit = state.streams.clone().try_acquire_owned().map_err(busy)?;
    let live = BroadcastStream::new(state.control.subscribe());
    let events = live.filter_map(move |next| {
        // The permit lives as long as the stream that owns this closure.
        let _held = &permit;
        let event = match next {
            Ok(live) if kinds.contains(&live.kind.as_str()) => Some(Ok(event(&live))),
            Ok(_) => None,
            Err(BroadcastStreamRecvError::Lagged(missed)) => {
                Some(Ok(Event::default().event("gap").data(format!("{{\"missed\":{missed}}}"))))
            }
        };
        std::future::ready(event)
    });
    let events = events.take_until(tokio::time::sleep(LASTS));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn event(live: &Live) -> Event {
    // JSON text has no line break outside strings and none inside them, so it is one `data` line.
    Event::default().event(&live.kind).data(live.json.to_string())
}
