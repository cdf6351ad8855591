//! Script injection: the value read as HTML in each place where a page may put it.

mod html;
mod lists;
#[cfg(test)]
mod tests;

use html::{Html, Kind, Piece, Place};
use lists::Attribute;
use memchr::memchr2;

const PLACES: [Place; 5] = [Place::Data, Place::Bare, Place::Quoted(b'\''), Place::Quoted(b'"'), Place::Quoted(b'`')];

/// Whether the value would run script in one of the places where a page may put it.
pub fn detect(value: &[u8]) -> bool {
    // Without a tag and without an attribute that has a value there is nothing to refuse.
    memchr2(b'<', b'=', value).is_some() && PLACES.iter().any(|place| runs_script(value, *place))
}

fn runs_script(value: &[u8], place: Place) -> bool {
    let mut html = Html::new(value, place);
    let mut attribute = Attribute::Plain;
    while let Some(Piece { kind, start, end }) = html.piece() {
        let text = &value[start..end];
        let refused = match kind {
            Kind::Doctype => true,
            Kind::TagOpen => lists::is_refused_tag(text),
            Kind::Comment => lists::is_refused_comment(text),
            Kind::AttributeValue => match attribute {
                Attribute::Plain => false,
                Attribute::Refused => true,
                Attribute::Address => lists::is_refused_address(text),
                Attribute::Indirect => lists::attribute(value, start, end) != Attribute::Plain,
            },
            _ => false,
        };
        if refused {
            return true;
        }
        attribute = if kind == Kind::AttributeName { lists::attribute(value, start, end) } else { Attribute::Plain };
    }
    false
}
