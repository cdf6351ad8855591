//! The fields of a record while it is decoded, within limits.

use crate::limits::{FIELDS, NAME_BYTES, VALUE_BYTES};
use record::Pair;

/// Fields in the order of the record; what the limits cut is counted.
#[derive(Debug, Default)]
pub struct Fields {
    pairs: Vec<Pair>,
    cut: u32,
}

/// The longest beginning of a text that has at most `most` bytes and ends between characters.
pub fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Fields {
    /// Room for about so many.
    pub fn with_room(count: usize) -> Fields {
        Fields { pairs: Vec::with_capacity(count), cut: 0 }
    }

    /// Adds a field.
    pub fn put(&mut self, name: &str, value: &str) {
        if self.pairs.len() >= FIELDS {
            self.cut += 1;
            return;
        }
        let (short, part) = (head(name, NAME_BYTES), head(value, VALUE_BYTES));
        self.cut += u32::from(short.len() + part.len() < name.len() + value.len());
        self.pairs.push(Pair { name: short.to_owned(), value: part.to_owned() });
    }

    /// Adds a mark of the reader itself, which no limit cuts.
    pub fn mark(&mut self, name: &str, value: String) {
        self.pairs.push(Pair { name: name.to_owned(), value });
    }

    /// Adds a field unless it is empty or `-`, which most logs write for nothing.
    pub fn some(&mut self, name: &str, value: &str) {
        if !value.is_empty() && value != "-" {
            self.put(name, value);
        }
    }

    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    /// Every value of a name.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.pairs.iter().filter(move |pair| pair.name == name).map(|pair| pair.value.as_str())
    }

    /// Appends to the last value of a name, or adds it: for values that come in pieces.
    pub fn append(&mut self, name: &str, more: &str) {
        let Some(pair) = self.pairs.last_mut().filter(|pair| pair.name == name) else { return self.put(name, more) };
        let room = VALUE_BYTES.saturating_sub(pair.value.len());
        let part = head(more, room);
        self.cut += u32::from(part.len() < more.len());
        pair.value.push_str(part);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs, the cut ones told in a last one.
    pub fn finish(mut self) -> Vec<Pair> {
        if self.cut > 0 {
            self.pairs.push(Pair::new("log.fields_cut", self.cut.to_string()));
        }
        self.pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_cut_and_tell() {
        let mut fields = Fields::default();
        fields.put("long", &"é".repeat(VALUE_BYTES));
        for number in 0..FIELDS + 4 {
            fields.put("n", &number.to_string());
        }
        let pairs = fields.finish();
        assert_eq!(pairs.len(), FIELDS + 1);
        assert_eq!(pairs[0].value.len(), VALUE_BYTES);
        assert_eq!(pairs.last(), Some(&Pair::new("log.fields_cut", "6")));
    }

    #[test]
    fn a_value_in_pieces_is_joined() {
        let mut fields = Fields::default();
        fields.append("a1", "one ");
        fields.append("a1", "two");
        fields.some("none", "-");
        fields.append("a2", "x");
        assert_eq!((fields.get("a1"), fields.get("a2"), fields.len()), (Some("one two"), Some("x"), 2));
    }
}
