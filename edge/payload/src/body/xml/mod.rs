//! XML 1.0: all text of the document as one value (`XML:/*`), each attribute as one (`XML://@*`).
//!
//! No tree is kept and nothing is fetched. Entities that the document itself declares are put in as text, within limits;
//! external ones are nothing. What stood before a mistake is given when the mistake is told.

mod attribute;
mod encoding;
mod entity;

use super::{Processor, Sink};
use entity::Entities;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use seclang::Settings;

/// Deepest nesting of elements; libxml2 has the same limit.
const DEPTH: usize = 256;
/// Attributes given one by one; those beyond are given together, one a line, so that rules still see them.
const ATTRIBUTES: usize = 1000;

/// The processor.
pub struct Xml;

impl Processor for Xml {
    fn name(&self) -> &'static str {
        "XML"
    }

    fn parse(
        &self,
        body: &[u8],
        _content_type: &[u8],
        _settings: &Settings,
        sink: &mut dyn Sink,
    ) -> Result<(), String> {
        let decoded = encoding::decode(body);
        let mut document = Document::default();
        let read = document.read(&decoded.text);
        document.give(sink);
        let reason = read.err().or(decoded.broken);
        reason.map_or(Ok(()), Err)
    }
}

/// What was read so far.
#[derive(Default)]
struct Document {
    entities: Entities,
    depth: usize,
    /// The document's element was opened.
    rooted: bool,
    text: String,
    attributes: Vec<String>,
    /// Attributes beyond [`ATTRIBUTES`].
    more: String,
}

impl Document {
    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        let mut first = true;
        loop {
            let event = reader.read_event().map_err(|cause| cause.to_string())?;
            if matches!(event, Event::Eof) {
                break;
            }
            self.event(event, first)?;
            first = false;
        }
        if self.depth > 0 {
            return Err("an element does not end".into());
        }
        if self.rooted { Ok(()) } else { Err("the document is empty".into()) }
    }

    fn event(&mut self, event: Event, first: bool) -> Result<(), String> {
        match event {
            Event::Start(start) => {
                self.element(&start)?;
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(format!("elements are nested deeper than {DEPTH}"));
                }
            }
            Event::Empty(start) => self.element(&start)?,
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::Text(text) => self.characters(&text)?,
            Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                return Err("text stands outside the document's element".into());
            }
            Event::CData(data) => self.push(&data)?,
            Event::GeneralRef(name) => self.entities.reference(&name, &mut self.text)?,
            Event::Decl(_) if !first => return Err("the XML declaration is not at the beginning".into()),
            Event::DocType(text) => {
                if self.rooted {
                    return Err("the document type stands behind the document's element".into());
                }
                self.entities.declare(&text)?;
            }
            Event::Comment(text) if !text.chars().all(entity::is_char) => {
                return Err("a character that XML does not have".into());
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn element(&mut self, start: &BytesStart) -> Result<(), String> {
        if self.depth == 0 && self.rooted {
            return Err("a second element stands behind the document's element".into());
        }
        let name = start.name();
        if !attribute::is_name(name.as_ref()) {
            return Err("an element has no proper name".into());
        }
        let values = attribute::values(start.attributes_raw(), &mut self.entities)?;
        self.rooted = true;
        for value in values {
            if self.attributes.len() < ATTRIBUTES {
                self.attributes.push(value);
            } else {
                self.more.push_str(&value);
                self.more.push('\n');
            }
        }
        Ok(())
    }

    fn characters(&mut self, text: &str) -> Result<(), String> {
        if self.depth > 0 {
            if text.contains("]]>") {
                return Err("`]]>` in text".into());
            }
            return self.push(text);
        }
        let blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if text.bytes().all(blank) { Ok(()) } else { Err("text stands outside the document's element".into()) }
    }

    /// Text with line breaks as XML has them (§2.11).
    fn push(&mut self, text: &str) -> Result<(), String> {
        let good = text.find(|letter| !entity::is_char(letter));
        let mut rest = &text[..good.unwrap_or(text.len())];
        while let Some(at) = rest.find('\r') {
            self.text.push_str(&rest[..at]);
            self.text.push('\n');
            rest = &rest[at + 1..];
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        self.text.push_str(rest);
        good.map_or(Ok(()), |_| Err("a character that XML does not have".into()))
    }

    fn give(&self, sink: &mut dyn Sink) {
        if self.rooted {
            sink.xml_text(self.text.as_bytes());
        }
        for value in &self.attributes {
            sink.xml_attribute(value.as_bytes());
        }
        if !self.more.is_empty() {
            sink.xml_attribute(self.more.as_bytes());
        }
    }
}
