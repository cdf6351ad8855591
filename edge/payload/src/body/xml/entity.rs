//! References (XML 1.0 §4): characters, the five of the standard, and what the document declares itself.

use std::collections::HashMap;

/// Entities of one document; more is an attack (a thousand laughs).
const ENTITIES: usize = 64;
/// Bytes that declared entities may put into one document.
const BYTES: usize = 64 << 10;
/// Replacements of declared entities in one document: those of empty ones cost time, too.
const STEPS: usize = 4096;
/// Entities within entities.
const DEPTH: usize = 16;

/// What a document declared.
pub(super) struct Entities {
    /// Name to text; external ones are empty.
    declared: HashMap<String, String>,
    bytes: usize,
    steps: usize,
    depth: usize,
}

impl Default for Entities {
    fn default() -> Entities {
        Entities { declared: HashMap::new(), bytes: BYTES, steps: STEPS, depth: 0 }
    }
}

impl Entities {
    /// Reads a document type: `a [ <!ENTITY b "c"> ]`.
    ///
    /// # Errors
    /// When there are more entities than allowed.
    pub fn declare(&mut self, text: &str) -> Result<(), String> {
        let Some((_, mut rest)) = text.split_once('[') else { return Ok(()) };
        while let Some(at) = rest.find("<!") {
            rest = &rest[at + 2..];
            if let Some(comment) = rest.strip_prefix("--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
            } else if let Some(declaration) = rest.strip_prefix("ENTITY") {
                rest = self.entity(declaration);
                if self.declared.len() > ENTITIES {
                    return Err(format!("more than {ENTITIES} entities"));
                }
            }
        }
        Ok(())
    }

    /// One declaration behind its keyword; returns what follows its name or value. The first of a name counts; parameter
    /// entities are of the document type alone.
    fn entity<'t>(&mut self, text: &'t str) -> &'t str {
        let text = text.trim_start();
        let Some((name, after)) = text.split_once(|letter: char| letter.is_ascii_whitespace()) else { return "" };
        let after = after.trim_start();
        if name == "%" {
            return after;
        }
        let quote = after.chars().next().filter(|letter| matches!(letter, '"' | '\''));
        let (value, rest) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => ("", after),
        };
        self.declared.entry(name.to_string()).or_insert_with(|| value.to_string());
        rest
    }

    /// Writes a text with its references replaced.
    ///
    /// # Errors
    /// When a reference is none, or its entity was not declared or costs too much.
    pub fn replace(&mut self, text: &str, out: &mut String) -> Result<(), String> {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('&') {
            out.push_str(before);
            let (name, after) = after.split_once(';').ok_or("a reference does not end")?;
            self.reference(name, out)?;
            rest = after;
        }
        out.push_str(rest);
        Ok(())
    }

    /// Writes what `&name;` stands for.
    ///
    /// # Errors
    /// See [`Entities::replace`].
    pub fn reference(&mut self, name: &str, out: &mut String) -> Result<(), String> {
        if let Some(number) = name.strip_prefix('#') {
            let point = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            let letter = point.ok().and_then(char::from_u32).filter(|letter| is_char(*letter));
            out.push(letter.ok_or("a reference to a character that XML does not have")?);
            return Ok(());
        }
        match name {
            "lt" => out.push('<'),
            "gt" => out.push('>'),
            "amp" => out.push('&'),
            "apos" => out.push('\''),
            "quot" => out.push('"'),
            other => self.declared(other, out)?,
        }
        Ok(())
    }

    fn declared(&mut self, name: &str, out: &mut String) -> Result<(), String> {
        // Taken out while its own text is walked, so that it cannot hold itself.
        let text = self.declared.remove(name).ok_or("an entity is not declared, or holds itself")?;
        let cost = text.len();
        let paid = (self.bytes.checked_sub(cost), self.steps.checked_sub(1));
        let (Some(bytes), Some(steps), true) = (paid.0, paid.1, self.depth < DEPTH) else {
            return Err("entities grow beyond what is allowed".into());
        };
        (self.bytes, self.steps) = (bytes, steps);
        self.depth += 1;
        let replaced = self.replace(&text, out);
        self.depth -= 1;
        self.declared.insert(name.to_string(), text);
        replaced
    }
}

/// Whether XML 1.0 has the character (§2.2).
pub(super) fn is_char(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}
