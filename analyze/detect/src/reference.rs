//! One field of an event compared with another.

use pattern::Place;

/// Whether `needle` stands at this place of `text`. Without `cased` both are compared in lower case, by Unicode's table
/// where they are not ASCII; `folded` is room for that.
pub(crate) fn stands(text: &[u8], needle: &[u8], place: Place, cased: bool, folded: &mut [String; 2]) -> bool {
    if cased {
        return at(text, needle, place);
    }
    let [ours, theirs] = folded;
    fold(text, ours);
    fold(needle, theirs);
    at(ours.as_bytes(), theirs.as_bytes(), place)
}

/// Writes a text in lower case. Values are text; what is no UTF-8 keeps its bytes apart by the replacement character.
fn fold(text: &[u8], into: &mut String) {
    into.clear();
    match std::str::from_utf8(text) {
        Ok(text) if text.is_ascii() => {
            into.push_str(text);
            into.make_ascii_lowercase();
        }
        Ok(text) => into.extend(text.chars().flat_map(char::to_lowercase)),
        Err(_) => into.extend(String::from_utf8_lossy(text).chars().flat_map(char::to_lowercase)),
    }
}

fn at(text: &[u8], needle: &[u8], place: Place) -> bool {
    match place {
        Place::Whole => text == needle,
        Place::Start => text.starts_with(needle),
        Place::End => text.ends_with(needle),
        // Both are text, and the search of texts takes time in their sum; bytes that are none fit nowhere inside.
        Place::Anywhere => match (std::str::from_utf8(text), std::str::from_utf8(needle)) {
            (Ok(text), Ok(needle)) => text.contains(needle),
            _ => text == needle,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_by_unicode_unless_it_matters() {
        let folded = &mut [String::new(), String::new()];
        let mut fits =
            |text: &str, needle: &str, place, cased| stands(text.as_bytes(), needle.as_bytes(), place, cased, folded);
        assert!(fits("MÜLLER", "müller", Place::Whole, false) && !fits("MÜLLER", "müller", Place::Whole, true));
        assert!(fits("xÉTÉ", "été", Place::End, false) && fits("ÉTÉx", "été", Place::Start, false));
        assert!(fits("ab漢Éc", "漢é", Place::Anywhere, false) && !fits("abc", "abd", Place::Anywhere, false));
        assert!(fits("abc", "", Place::Anywhere, false) && !fits("a", "ab", Place::End, false));
        assert!(!stands(&[0xff, 0xfe], b"a", Place::Anywhere, true, folded));
    }
}
