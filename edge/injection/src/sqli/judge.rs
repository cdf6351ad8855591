//! Exceptions: listed fingerprints that plain text gives too, told apart by what the tokens say.

use super::Fingerprint;
use super::fold::Folded;
use super::lexer::Lexer;
use super::token::Kind;
use memchr::memmem;

/// Whether a listed fingerprint stands as an injection.
pub(super) fn stands(fingerprint: &Fingerprint, folded: &Folded, lexer: &Lexer<'_>) -> bool {
    let letters = fingerprint.as_bytes();
    // SQL Server keeps statements with this word out of its log, which only attackers want.
    let ends_in_comment = letters.len() > 1 && letters.last() == Some(&b'c');
    if ends_in_comment && memmem::find(lexer.value, b"sp_password").is_some() {
        return true;
    }
    match letters.len() {
        2 => two(folded, lexer),
        3 => three(letters, folded, lexer),
        _ => true,
    }
}

fn two(folded: &Folded, lexer: &Lexer<'_>) -> bool {
    let [first, second, ..] = &folded.tokens;
    if second.kind == Kind::Union {
        // "1 union" alone is text; with something folded away it is not.
        return lexer.tokens != 2;
    }
    let mark = second.text().first().copied().unwrap_or(0);
    match (first.kind, mark) {
        (_, b'#') => false,
        // Behind a name only `/* */` is taken for SQL; people write "--" in text.
        (Kind::Bareword, mark) if mark != b'/' => false,
        (Kind::Number, b'/') => true,
        (Kind::Number, _) => lexer.tokens > 2 || number_then_comment(first.text().len(), lexer),
        // "1--" but not "1-- and so on".
        (_, b'-') => second.text().len() <= 2,
        _ => true,
    }
}

/// Base64 and the like give a number and a comment (`1234-ABCD--`): it counts only when white space or the comment
/// itself stands right behind the number.
fn number_then_comment(length: usize, lexer: &Lexer<'_>) -> bool {
    match (lexer.byte(length), lexer.byte(length + 1)) {
        (b'/', b'*') | (b'-', b'-') => true,
        // Bytes above 127 are signed in the original and so below white space.
        (byte, _) => byte <= b' ' || byte >= 128,
    }
}

fn three(letters: &[u8], folded: &Folded, lexer: &Lexer<'_>) -> bool {
    let [first, second, third, ..] = &folded.tokens;
    match letters {
        // foo" + "bar: the outer quotes belong to the application.
        b"sos" | b"s&s" => first.open == 0 && third.close == 0 && first.close == third.open,
        // "rock and 17" is text, "rock and 17<18" is not.
        b"s&n" | b"n&1" | b"1&1" | b"1&v" | b"1&s" => lexer.tokens != 3,
        _ if second.kind == Kind::Keyword => {
            second.text().len() >= 5 && second.text()[..4].eq_ignore_ascii_case(b"INTO")
        }
        _ => true,
    }
}
