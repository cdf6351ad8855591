//! Signs: how many of each, which pairs, whether quotes and parentheses close.

use super::{Group, scaled};
use crate::category::Counts;
use crate::text::Text;

pub(super) struct Sign;

/// Signs that are counted, with their names.
const SIGNS: &[(u8, &str)] = &[
    (b'\'', "single_quote"),
    (b'"', "double_quote"),
    (b'`', "backtick"),
    (b';', "semicolon"),
    (b',', "comma"),
    (b'=', "equals"),
    (b'<', "less"),
    (b'>', "greater"),
    (b'(', "open_paren"),
    (b')', "close_paren"),
    (b'[', "open_bracket"),
    (b']', "close_bracket"),
    (b'{', "open_brace"),
    (b'}', "close_brace"),
    (b'|', "bar"),
    (b'&', "ampersand"),
    (b'$', "dollar"),
    (b'%', "percent_sign"),
    (b'#', "hash"),
    (b'*', "star"),
    (b'/', "slash"),
    (b'\\', "backslash"),
    (b'!', "bang"),
    (b'?', "question"),
    (b':', "colon"),
    (b'+', "plus"),
    (b'-', "dash"),
    (b'~', "tilde"),
    (b'^', "caret"),
    (b'\n', "line_feed"),
    (b'\r', "carriage_return"),
];

/// Pairs that are counted, with their names.
const PAIRS: &[(&[u8; 2], &str)] = &[
    (b"--", "pair_dashes"),
    (b"/*", "pair_comment_open"),
    (b"*/", "pair_comment_close"),
    (b"*!", "pair_comment_version"),
    (b"..", "pair_dots"),
    (b"./", "pair_dot_slash"),
    (b".\\", "pair_dot_backslash"),
    (b":/", "pair_colon_slash"),
    (b"//", "pair_slashes"),
    (b"||", "pair_bars"),
    (b"&&", "pair_ampersands"),
    (b"@@", "pair_ats"),
    (b"<!", "pair_less_bang"),
    (b"</", "pair_less_slash"),
    (b"<?", "pair_less_question"),
    (b"<%", "pair_less_percent"),
    (b"${", "pair_dollar_brace"),
    (b"$(", "pair_dollar_paren"),
    (b"{{", "pair_braces"),
    (b"{%", "pair_brace_percent"),
    (b"%{", "pair_percent_brace"),
    (b"#{", "pair_hash_brace"),
    (b"()", "pair_parens"),
    (b"((", "pair_open_parens"),
    (b"))", "pair_close_parens"),
    (b")(", "pair_turned_parens"),
    (b"='", "pair_equals_single"),
    (b"=\"", "pair_equals_double"),
    (b"\":", "pair_double_colon"),
    (b"',", "pair_single_comma"),
    (b"';", "pair_single_semicolon"),
    (b"')", "pair_single_paren"),
    (b"\")", "pair_double_paren"),
    (b"0x", "pair_hexadecimal"),
    (b"\\\\", "pair_backslashes"),
    (b"\r\n", "pair_line_end"),
];

const REST: &[&str] = &["odd_single", "odd_double", "open_parens", "dipping_parens", "open_braces", "ends_in_comment"];

impl Group for Sign {
    fn names(&self) -> Vec<String> {
        let signs = SIGNS.iter().map(|(_, name)| *name);
        let pairs = PAIRS.iter().map(|(_, name)| *name);
        signs.chain(pairs).chain(REST.iter().copied()).map(str::to_owned).collect()
    }

    fn measure(&self, text: &Text<'_>, _: &Counts, row: &mut Vec<f32>) {
        row.extend(SIGNS.iter().map(|(sign, _)| scaled(text.count(*sign))));
        let mut pairs = [0; PAIRS.len()];
        for pair in text.plain.windows(2).filter(|pair| !pair[1].is_ascii_alphanumeric() || pair == b"0x") {
            if let Some(index) = PAIRS.iter().position(|(known, _)| *known == pair) {
                pairs[index] += 1;
            }
        }
        row.extend(pairs.map(scaled));
        let (open, dips) = parens(&text.plain);
        let braces = i64::from(text.count(b'{')) - i64::from(text.count(b'}'));
        let plain = text.plain.trim_ascii();
        let ends = [&b"--"[..], b"#", b"/*", b"-- -", b"--+"].iter().any(|end| plain.ends_with(end));
        row.extend([
            (text.count(b'\'') % 2) as f32,
            (text.count(b'"') % 2) as f32,
            open.clamp(-5, 5) as f32,
            dips.min(5) as f32,
            braces.clamp(-5, 5) as f32,
            f32::from(u8::from(ends)),
        ]);
    }
}

/// Parentheses left open at the end, and how often one closed that was never opened.
fn parens(text: &[u8]) -> (i64, i64) {
    let (mut open, mut dips) = (0, 0);
    for byte in text {
        match byte {
            b'(' => open += 1,
            b')' if open > 0 => open -= 1,
            b')' => dips += 1,
            _ => {}
        }
    }
    (open, dips)
}
