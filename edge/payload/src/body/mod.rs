//! Bodies taken apart into arguments. One file a processor.

mod cookies;
mod json;
mod multipart;
mod urlencoded;
mod xml;

pub use cookies::split_cookies;
pub(crate) use json::walk as walk_json;
pub use urlencoded::{decode, split_pairs};

use seclang::Settings;

/// Where a processor puts what it finds.
pub trait Sink {
    /// An argument: `ARGS`, and `ARGS_POST` if [`Processor::posted`] says so; decoded as its format says.
    /// False when no more arguments are taken (`SecArgumentsLimit`, arguments of the query counted too).
    fn argument(&mut self, name: &[u8], value: &[u8]) -> bool;
    /// A file of a multipart body: `FILES`, `FILES_NAMES`, `FILES_SIZES`.
    fn file(&mut self, field: &[u8], filename: &[u8], content: &[u8]);
    /// A header of a part, the whole line as it stood: `MULTIPART_PART_HEADERS:field`.
    fn part_header(&mut self, field: &[u8], line: &[u8]);
    /// Text of an XML document: `XML:/*`.
    fn xml_text(&mut self, text: &[u8]);
    /// An attribute's value: `XML://@*`.
    fn xml_attribute(&mut self, value: &[u8]);
    /// A variable of its own: (`MULTIPART_UNMATCHED_BOUNDARY`, `1`). `MULTIPART_NAME` and `MULTIPART_FILENAME` come once a
    /// part, each a further value.
    fn variable(&mut self, name: &'static str, value: &[u8]);
}

/// One kind of body.
pub trait Processor: Sync {
    /// Upper case, as `ctl:requestBodyProcessor` and `REQBODY_PROCESSOR` spell it.
    fn name(&self) -> &'static str;

    /// Whether arguments are in `ARGS_POST` beside `ARGS`; those of JSON are in `ARGS` alone.
    fn posted(&self) -> bool {
        true
    }

    /// Takes the body apart. What can be read is put into the sink also when the rest is broken.
    ///
    /// # Errors
    /// Why the body is broken (`REQBODY_ERROR_MSG`).
    fn parse(&self, body: &[u8], content_type: &[u8], settings: &Settings, sink: &mut dyn Sink) -> Result<(), String>;
}

/// Every processor.
pub const ALL: &[&dyn Processor] = &[&urlencoded::UrlEncoded, &multipart::Multipart, &json::Json, &xml::Xml];

#[cfg(test)]
mod tests;
