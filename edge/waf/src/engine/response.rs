//! The response, as rules see it.

use super::state::State;
use super::{Context, Transaction};
use crate::variable::{List, Single};
use crate::verdict::Intervention;
use seclang::{EngineMode, Phase};

impl Transaction {
    /// Status and protocol (`HTTP/1.1`) of the response.
    pub fn response_line(&mut self, status: u16, protocol: &[u8]) {
        self.set(Single::ResponseStatus, status.to_string().as_bytes());
        self.set(Single::ResponseProtocol, protocol);
        self.set(Single::StatusLine, &[protocol, status.to_string().as_bytes()].join(&b' '));
    }

    /// One header of the response.
    pub fn response_header(&mut self, name: &[u8], value: &[u8]) {
        if self.add(List::ResponseHeaders, name, value) && name.eq_ignore_ascii_case(b"content-type") {
            self.set(Single::ResponseContentType, value.split(|byte| *byte == b';').next().unwrap_or_default());
        }
    }

    /// Phase 3.
    pub fn judge_response_headers(&mut self) -> Option<Intervention> {
        self.walk(Phase::ResponseHeaders)
    }

    /// Whether the response's body is wanted: its type is one of `SecResponseBodyMimeType`.
    pub fn wants_response_body(&mut self) -> bool {
        self.run(|state, cx| state.wants_response(cx)).unwrap_or(false)
    }

    /// A piece of the response's body. What is beyond `SecResponseBodyLimit` is not taken.
    pub fn response_body(&mut self, chunk: &[u8]) {
        self.run(|state, cx| {
            if state.wants_response(cx) {
                let limit = usize::try_from(cx.program.settings.response_body_limit).unwrap_or(usize::MAX);
                let room = limit.saturating_sub(state.response_body.len());
                state.response_body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    state.put(Single::OutboundDataError, b"1");
                }
            }
        });
    }

    /// Phase 4.
    pub fn judge_response_body(&mut self) -> Option<Intervention> {
        let wanted = self.run(|state, cx| {
            let wanted = state.wants_response(cx);
            if wanted {
                state.open_response();
            }
            wanted
        });
        match wanted {
            Some(true) => self.walk(Phase::ResponseBody),
            _ => self.run(|state, _| state.intervention.clone()).flatten(),
        }
    }
}

impl State {
    fn wants_response(&self, cx: &Context<'_>) -> bool {
        let settings = &cx.program.settings;
        let kind = self.store.get(Single::ResponseContentType).map_or(&b""[..], |id| self.memo.arena.get(id));
        let known = &settings.response_mime_types;
        self.mode != EngineMode::Off
            && self.body.response_access.unwrap_or(settings.response_body)
            && (known.is_empty() || known.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(kind)))
    }

    fn open_response(&mut self) {
        if !self.store.is_set(Single::OutboundDataError) {
            self.put(Single::OutboundDataError, b"0");
        }
        let body = std::mem::take(&mut self.response_body);
        self.put(Single::ResponseBody, &body);
        self.put(Single::ResponseContentLength, body.len().to_string().as_bytes());
        self.response_body = body;
    }
}
