//! What the client chose, shown to those who judge beside the rules.

use super::Transaction;
use crate::variable::{List, Single};
use crate::verdict::Hit;

/// Lists by the name of their variable, and whether names are shown as values of their own.
const LISTS: &[(&str, Option<&str>, List)] = &[
    ("ARGS", Some("ARGS_NAMES"), List::ArgsGet),
    ("ARGS", Some("ARGS_NAMES"), List::ArgsPost),
    ("ARGS", Some("ARGS_NAMES"), List::ArgsBody),
    ("ARGS", None, List::Decoded),
    ("REQUEST_COOKIES", Some("REQUEST_COOKIES_NAMES"), List::Cookies),
    ("REQUEST_COOKIES", None, List::DecodedCookies),
    ("FILES", None, List::Files),
    ("XML", None, List::XmlText),
    ("XML", None, List::XmlAttributes),
    ("REQUEST_HEADERS", None, List::RequestHeaders),
];

/// Headers whose form the protocol fixes, and `Cookie`, which is shown in parts; those of [`FIXED_BEGIN`] beside them.
const FIXED: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "pragma",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
];
/// Beginnings of further ones.
const FIXED_BEGIN: &[&str] = &["if-", "sec-"];

/// Takes a value: variable, key, value.
pub type Show<'s> = dyn FnMut(&'static str, &[u8], &[u8]) + 's;

impl Transaction {
    /// Shows every value that the client chose, decoded as its place says. Arguments and their
    /// names, cookies and theirs, file names, texts of XML, headers of free form, and the path.
    pub fn given(&self, show: &mut Show<'_>) {
        let Some(state) = self.state.as_deref() else { return };
        let text = |id| state.memo.arena.get(id);
        if let Some(path) = state.store.get(Single::RequestFilename) {
            show("REQUEST_FILENAME", b"", text(path));
        }
        for (variable, names, list) in LISTS {
            for entry in state.store.list(*list) {
                let (name, value) = (text(entry.name), text(entry.value));
                if *list == List::RequestHeaders && is_fixed(name) {
                    continue;
                }
                if let Some(names) = names {
                    show(names, name, name);
                }
                show(variable, name, value);
            }
        }
    }
}

/// Where a parameter of a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Behind the `?`.
    Query,
    /// In a form, of either kind.
    Form,
    /// In a document: JSON.
    Document,
    /// In a cookie.
    Cookie,
}

impl Transaction {
    /// Shows every parameter with its place: name and value, decoded, in order.
    pub fn parameters(&self, mut show: impl FnMut(Part, &[u8], &[u8])) {
        let Some(state) = self.state.as_deref() else { return };
        let parts = [
            (Part::Query, List::ArgsGet),
            (Part::Form, List::ArgsPost),
            (Part::Document, List::ArgsBody),
            (Part::Cookie, List::Cookies),
        ];
        for (part, list) in parts {
            for entry in state.store.list(list) {
                show(part, state.memo.arena.get(entry.name), state.memo.arena.get(entry.value));
            }
        }
    }

    /// The rules that held so far, and the anomaly score of the request.
    pub fn so_far(&self) -> (&[Hit], i64) {
        let Some(state) = self.state.as_deref() else { return (&[], 0) };
        (&state.hits, state.score(&self.engine.program.scores[0]))
    }
}

fn is_fixed(name: &[u8]) -> bool {
    let begins = |begin: &&str| name.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin.as_bytes()));
    FIXED.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes())) || FIXED_BEGIN.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use crate::{Collections, Connection, Engine, Memory};
    use std::net::SocketAddr;
    use std::sync::Arc;

    #[test]
    fn what_the_client_chose_is_shown() {
        let engine = Arc::new(Engine::compile(&seclang::Ruleset::default()).unwrap());
        let end = SocketAddr::from(([127, 0, 0, 1], 80));
        let collections: Arc<dyn Collections> = Arc::new(Memory::new(10, 10));
        let mut transaction = engine.begin(Connection { client: end, server: end }, &collections, 0);
        transaction.request_line(b"GET", b"/a%20b?q=%27x", b"HTTP/1.1");
        for (name, value) in [("Host", "h"), ("cookie", "s=1"), ("User-Agent", "u"), ("Sec-Fetch-Mode", "cors")] {
            transaction.request_header(name.as_bytes(), value.as_bytes());
        }
        let mut seen = Vec::new();
        transaction.given(&mut |variable, key, value| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            seen.push((variable, text(key), text(value)));
        });
        let wanted = [
            ("REQUEST_FILENAME", "", "/a b"),
            ("ARGS_NAMES", "q", "q"),
            ("ARGS", "q", "'x"),
            ("REQUEST_COOKIES_NAMES", "s", "s"),
            ("REQUEST_COOKIES", "s", "1"),
            ("REQUEST_HEADERS", "User-Agent", "u"),
        ];
        assert_eq!(seen, wanted.map(|(variable, key, value)| (variable, key.to_owned(), value.to_owned())));
    }
}
