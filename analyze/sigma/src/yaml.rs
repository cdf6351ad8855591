//! YAML as a tree that knows its lines, built without recursion from parser events.
//!
//! Each document of a file is parsed alone, so that a broken one takes none of the others with it. Anchors and aliases
//! are refused (no rule needs them, and they are how small files become large).

use crate::{fault, limits};
use base::{Code, Fault, Result};
use saphyr_parser::{Event, Parser, ScalarStyle};

/// A node and the line it begins in, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The line, from 1.
    pub line: usize,
    /// What it is.
    pub data: Data,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A scalar as written.
    Scalar {
        /// Its text.
        text: String,
        /// Without quotes, so that `null` may mean null.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, its keys in the order written and each once.
    Map(Vec<Entry>),
}

/// A key of a map and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its line, from 1.
    pub line: usize,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it is YAML's null.
    pub fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The entries of a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The items of a list; a single node is a list of itself.
    pub fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// What it is, for a fault.
    pub fn form(&self) -> &'static str {
        match &self.data {
            _ if self.is_null() => "nothing",
            Data::Scalar { .. } => "a single value",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }
}

/// Where a reader is, to name `file:line` in faults.
#[derive(Debug, Clone, Copy)]
pub struct Place<'n> {
    /// Name of the source.
    pub name: &'n str,
}

impl Place<'_> {
    /// A fault about a line.
    pub fn fault(&self, code: &'static Code, line: usize) -> Fault {
        Fault::new(code).object(format!("{}:{line}", self.name))
    }
}

/// A document of a file: its text and the number of the line before it.
pub struct Document<'t> {
    /// Its text.
    pub text: &'t str,
    /// Lines before it.
    pub before: usize,
}

/// Cuts a file at its `---` lines. YAML gives these lines no other meaning, whatever stands around them.
pub fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let (mut start, mut before, mut offset) = (0, 0, 0);
    let mut push = |from: usize, to: usize, before: usize| {
        let piece = &text[from..to];
        let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        if !piece.lines().all(blank) {
            found.push(Document { text: piece, before });
        }
    };
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let border = line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty() || rest.starts_with(" #"));
        if border {
            push(start, offset, before);
            (start, before) = (offset + line.len(), index + 1);
        }
        offset += line.len();
    }
    push(start, text.len(), before);
    found
}

/// What is being built: a list, or a map with the key that waits for its value.
enum Open {
    List(usize, Vec<Node>),
    Map(usize, Vec<Entry>, Option<(String, usize)>),
}

/// Parses one document.
pub fn parse(document: &Document<'_>, place: Place<'_>) -> Result<Node> {
    if document.text.len() > limits::DOCUMENT_BYTES {
        let fault = place.fault(&fault::LIMIT, document.before + 1);
        let expected = format!("at most {} bytes", limits::DOCUMENT_BYTES);
        return Err(fault.expected(expected).found(format!("{} bytes", document.text.len())));
    }
    let mut builder = Builder { place, open: Vec::new(), nodes: 0, root: None };
    let mut parser = Parser::new_from_str(document.text);
    let mut line = document.before + 1;
    // Every event takes text or ends a node, so the parser ends by itself; the bound stands for its promise.
    for _ in 0..4 * document.text.len() + 16 {
        let Some(event) = parser.next_event() else { break };
        let (event, span) = event.map_err(|cause| {
            place.fault(&fault::YAML, document.before + cause.marker().line().max(1)).found(cause.info())
        })?;
        line = document.before + span.start.line().max(1);
        if builder.take(event, line)? {
            break;
        }
    }
    builder.root.ok_or_else(|| place.fault(&fault::YAML, line).expected("a document").found("nothing"))
}

struct Builder<'n> {
    place: Place<'n>,
    open: Vec<Open>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    /// Takes an event; says whether the document is whole.
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<bool> {
        match event {
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                if let Some(Open::Map(_, _, key @ None)) = self.open.last_mut() {
                    *key = Some((text.into_owned(), line));
                    return Ok(false);
                }
                self.add(Node { line, data: Data::Scalar { text: text.into_owned(), plain } })?;
            }
            Event::SequenceStart(..) => self.begin(Open::List(line, Vec::new()), line)?,
            Event::MappingStart(..) => self.begin(Open::Map(line, Vec::new(), None), line)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(Open::List(line, items)) => Node { line, data: Data::List(items) },
                    Some(Open::Map(line, entries, _)) => Node { line, data: Data::Map(entries) },
                    None => return Err(self.place.fault(&fault::YAML, line)),
                };
                self.add(node)?;
            }
            Event::Alias(_) => {
                return Err(self.place.fault(&fault::YAML, line).expected("no anchors and aliases").found("an alias"));
            }
            Event::DocumentEnd | Event::StreamEnd => return Ok(self.root.is_some()),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
        }
        Ok(false)
    }

    fn begin(&mut self, open: Open, line: usize) -> Result<()> {
        if let Some(Open::Map(_, _, None)) = self.open.last() {
            return Err(self.place.fault(&fault::YAML, line).expected("a text as key").found("a list or map as key"));
        }
        if self.open.len() >= limits::DOCUMENT_DEPTH {
            let expected = format!("at most {} levels of nesting", limits::DOCUMENT_DEPTH);
            return Err(self.place.fault(&fault::LIMIT, line).expected(expected));
        }
        self.open.push(open);
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<()> {
        self.nodes += 1;
        if self.nodes > limits::DOCUMENT_NODES {
            let expected = format!("at most {} values", limits::DOCUMENT_NODES);
            return Err(self.place.fault(&fault::LIMIT, node.line).expected(expected));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, key)) => {
                let Some((key, line)) = key.take() else { return Err(self.place.fault(&fault::YAML, node.line)) };
                if entries.iter().any(|entry| entry.key == key) {
                    let fault = self.place.fault(&fault::YAML, line);
                    return Err(fault.expected("each key once").found(format!("`{key}` twice")));
                }
                entries.push(Entry { key, line, value: node });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: Place<'static> = Place { name: "rule.yml" };

    #[test]
    fn documents_know_their_lines() {
        let text = "# head\n---\na: 1\n---\nb:\n  - x\n  - 'null'\n  - null\n--- # end\n";
        let found = documents(text);
        assert_eq!(found.len(), 2);
        let node = parse(&found[1], PLACE).unwrap();
        let items = node.get("b").unwrap().items();
        assert_eq!((items[0].line, items[1].is_null(), items[2].is_null()), (6, false, true));
    }

    #[test]
    fn faults_name_file_and_line() {
        for (text, line, code) in [
            ("a: 1\nb: [1, 2\n", 0, &fault::YAML),
            ("a: 1\nb: 2\na: 3\n", 3, &fault::YAML),
            ("a: &x 1\nb: *x\n", 2, &fault::YAML),
            ("[x]: 1\n", 1, &fault::YAML),
            (&"[".repeat(200), 1, &fault::LIMIT),
            (&"- ".repeat(50_000), 1, &fault::LIMIT),
            (&"x".repeat(300_000), 1, &fault::LIMIT),
        ] {
            let fault = parse(&Document { text, before: 0 }, PLACE).unwrap_err();
            assert!(fault.is(code), "{fault}");
            assert!(line == 0 || fault.named() == format!("rule.yml:{line}"), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn hostile_text_gives_a_tree_or_a_fault(text in "[a\\[\\]{}:,#&*!|>'\"%@\\- \n\t?~0\u{0}é]{0,60}") {
            for document in documents(&text) {
                let _ = parse(&document, PLACE);
            }
        }
    }
}
