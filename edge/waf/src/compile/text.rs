//! Texts with macros, ready to be expanded.

use super::names::Names;
use super::target::{self, Pick, Target};
use base::Result;
use seclang::{Piece, Place, Text};

/// A text with macros.
pub(crate) enum Template {
    /// Without any.
    Fixed(Box<[u8]>),
    /// With some.
    Pieces(Vec<Part>),
}

/// A part of it.
pub(crate) enum Part {
    /// As it stands.
    Literal(Box<[u8]>),
    /// The first value of this.
    Value(Box<Target>),
}

impl std::fmt::Debug for Template {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Template::Fixed(text) => write!(formatter, "{:?}", String::from_utf8_lossy(text)),
            Template::Pieces(parts) => write!(formatter, "template of {} parts", parts.len()),
        }
    }
}

impl Template {
    /// Compiles a text of a rule at a place.
    pub fn compile(text: &Text, names: &mut Names, place: &Place) -> Result<Template> {
        if let Some(fixed) = text.fixed() {
            return Ok(Template::Fixed(fixed.into()));
        }
        let mut parts = Vec::new();
        for piece in &text.0 {
            parts.push(match piece {
                Piece::Literal(text) => Part::Literal(text.as_slice().into()),
                Piece::Macro { variable, key } => Part::Value(Box::new(target::of_macro(variable, key, names, place)?)),
            });
        }
        Ok(Template::Pieces(parts))
    }

    /// The text, when no macro is in it.
    pub fn fixed(&self) -> Option<&[u8]> {
        match self {
            Template::Fixed(text) => Some(text),
            Template::Pieces(_) => None,
        }
    }

    /// The number of the name of `TX` whose value the text is, when it is nothing else.
    pub fn slot(&self) -> Option<u32> {
        match self {
            Template::Pieces(parts) => match parts.as_slice() {
                [Part::Value(target)] if !target.count => match target.pick {
                    Pick::Slot(slot) => Some(slot),
                    _ => None,
                },
                _ => None,
            },
            Template::Fixed(_) => None,
        }
    }
}
