//! Bytes without which a transformation leaves a value as it is: most values hold none of them and are not touched.

/// The bytes, by the transformation's name; `None` when any value may change.
pub fn triggers(name: &str) -> Option<[bool; 256]> {
    let blanks = b" \t\n\x0b\x0c\r";
    let bytes: &[u8] = match name {
        "none" => b"",
        "urldecode" | "urldecodeuni" => b"%+",
        "htmlentitydecode" => b"&",
        "jsdecode" | "cssdecode" | "escapeseqdecode" => b"\\",
        "removenulls" | "replacenulls" => b"\0",
        "compresswhitespace" | "trim" | "trimleft" | "trimright" => blanks,
        "removewhitespace" => b" \t\n\x0b\x0c\r\xc2\xa0",
        "replacecomments" => b"/",
        "removecomments" => b"/<#-",
        "removecommentschar" => b"/*<#-",
        "normalisepath" => b"/.",
        "normalisepathwin" => b"/.\\",
        "cmdline" => b"\"'\\^ ,;\t\r\n",
        "sqlhexdecode" => b"0",
        "lowercase" | "uppercase" | "utf8tounicode" => b"",
        _ => return None,
    };
    let mut set = [false; 256];
    bytes.iter().for_each(|byte| set[usize::from(*byte)] = true);
    let ranges: &[(u8, u8)] = match name {
        "lowercase" | "cmdline" => &[(b'A', b'Z')],
        "uppercase" => &[(b'a', b'z')],
        "utf8tounicode" => &[(0, 0), (0x80, 0xff)],
        _ => &[],
    };
    ranges.iter().for_each(|(from, to)| set[usize::from(*from)..=usize::from(*to)].fill(true));
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformation::ALL;
    use proptest::prelude::*;

    fn unchanged(value: &[u8]) {
        for transformation in ALL {
            if let Some(set) = triggers(transformation.name()) {
                let kept: Vec<u8> = value.iter().copied().filter(|byte| !set[usize::from(*byte)]).collect();
                let changed = transformation.apply(&kept, &mut Vec::new());
                assert!(!changed, "{} changes {:?}", transformation.name(), kept.escape_ascii().to_string());
            }
        }
    }

    #[test]
    fn no_pair_of_other_bytes_is_changed() {
        for first in 0..=255 {
            for second in 0..=255 {
                unchanged(&[first, second]);
            }
        }
    }

    proptest! {
        #[test]
        fn a_value_without_its_triggers_stays(value in prop::collection::vec(any::<u8>(), 0..200)) {
            unchanged(&value);
        }

        #[test]
        fn a_text_without_its_triggers_stays(value in "[ -~]{0,80}") {
            unchanged(value.as_bytes());
        }
    }
}
