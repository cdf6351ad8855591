//! Attributes of one element (XML 1.0 §3.1), and names.

use super::entity::{Entities, is_char};
use std::collections::HashSet;

/// Values of the attributes in a start tag behind its name, normalised (§3.3.3); declarations of namespaces are none.
///
/// # Errors
/// When the text is not a list of attributes.
pub(super) fn values(text: &str, entities: &mut Entities) -> Result<Vec<String>, String> {
    let mut values = Vec::new();
    let mut names = HashSet::new();
    let mut rest = text;
    loop {
        let behind = blank(rest);
        if behind.is_empty() {
            return Ok(values);
        }
        if behind.len() == rest.len() {
            return Err("no white space before an attribute".into());
        }
        let end = behind.find(['=', ' ', '\t', '\r', '\n']).ok_or("an attribute has no value")?;
        let (name, after) = behind.split_at(end);
        if !is_name(name) {
            return Err("an attribute has no proper name".into());
        }
        let after = blank(blank(after).strip_prefix('=').ok_or("an attribute has no value")?);
        let quote = after.chars().next().filter(|letter| matches!(letter, '"' | '\''));
        let quote = quote.ok_or("an attribute's value is not in quotes")?;
        let (value, after) = after[1..].split_once(quote).ok_or("an attribute's value does not end")?;
        if value.contains('<') {
            return Err("`<` in an attribute's value".into());
        }
        if !value.chars().all(is_char) {
            return Err("a character that XML does not have".into());
        }
        if !names.insert(name) {
            return Err("an attribute stands twice".into());
        }
        if name != "xmlns" && !name.starts_with("xmlns:") {
            values.push(normalised(value, entities)?);
        }
        rest = after;
    }
}

/// White space to blanks, references replaced.
fn normalised(value: &str, entities: &mut Entities) -> Result<String, String> {
    let mut flat = String::with_capacity(value.len());
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\r' && letters.peek() == Some(&'\n') {
            continue;
        }
        flat.push(if matches!(letter, '\t' | '\n' | '\r') { ' ' } else { letter });
    }
    let mut out = String::with_capacity(flat.len());
    entities.replace(&flat, &mut out)?;
    Ok(out)
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// Whether a text may be a name (§2.3); letters beyond ASCII are all taken.
pub(super) fn is_name(name: &str) -> bool {
    let start = |letter: char| letter.is_ascii_alphabetic() || matches!(letter, '_' | ':') || !letter.is_ascii();
    let further = |letter: char| start(letter) || letter.is_ascii_digit() || matches!(letter, '-' | '.');
    name.starts_with(start) && name.chars().all(further)
}
