//! Words, strings and signs of a script, comments left out. One pass, whatever the text is.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'s> {
    /// A name or keyword.
    Word(&'s [u8]),
    /// A variable of PHP, without its `$`.
    Variable(&'s [u8]),
    /// Content of a string.
    Text(&'s [u8]),
    /// A number.
    Number,
    /// Any other character.
    Sign(u8),
}

impl Token<'_> {
    /// Whether it is this sign.
    pub fn is(&self, sign: u8) -> bool {
        *self == Token::Sign(sign)
    }

    /// Whether it is this word, in any case.
    pub fn says(&self, word: &str) -> bool {
        matches!(self, Token::Word(text) if text.eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// How a language writes what all have.
#[derive(Debug, Clone, Copy)]
pub struct Syntax {
    /// `#` begins a comment.
    pub hash: bool,
    /// `//` and `/* */` are comments.
    pub slashes: bool,
    /// `$name` is a variable, also within double quotes, and backquotes run a command.
    pub php: bool,
    /// A line ends a statement.
    pub lines: bool,
}

/// The sign of a line that begins at the left margin, where lines matter.
pub const MARGIN: u8 = 0x0b;

/// Most tokens read; a script of people has some ten thousand.
const TOKENS: usize = 400_000;

/// Adds the tokens of a text.
pub fn read<'s>(text: &'s [u8], syntax: Syntax, tokens: &mut Vec<Token<'s>>) {
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if tokens.len() >= TOKENS {
            return;
        }
        rest = match first {
            b'\n' if syntax.lines => {
                tokens.push(Token::Sign(b'\n'));
                if after.first().is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != b'#') {
                    tokens.push(Token::Sign(MARGIN));
                }
                after
            }
            _ if first.is_ascii_whitespace() => after,
            b'#' if syntax.hash && !after.starts_with(b"[") => line_end(after),
            b'/' if syntax.slashes && after.starts_with(b"/") => line_end(after),
            b'/' if syntax.slashes && after.starts_with(b"*") => past(after, b"*/"),
            b'\'' | b'"' | b'`' => string(first, after, syntax, tokens),
            b'<' if syntax.php && after.starts_with(b"<<") => heredoc(&after[2..], tokens),
            b'$' if syntax.php && after.first().is_some_and(|byte| starts(*byte)) => {
                let (name, after) = word(after);
                tokens.push(Token::Variable(name));
                after
            }
            _ if starts(first) => {
                let (name, after) = word(rest);
                tokens.push(Token::Word(name));
                after
            }
            b'0'..=b'9' => {
                tokens.push(Token::Number);
                word(rest).1
            }
            _ => {
                tokens.push(Token::Sign(first));
                after
            }
        };
    }
}

fn starts(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !starts(*byte) && !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn line_end(text: &[u8]) -> &[u8] {
    memchr::memchr(b'\n', text).map_or(b"", |at| &text[at..])
}

fn past<'s>(text: &'s [u8], mark: &[u8]) -> &'s [u8] {
    memchr::memmem::find(text, mark).map_or(b"", |at| &text[at + mark.len()..])
}

/// A string; one that does not end takes the rest.
fn string<'s>(quote: u8, text: &'s [u8], syntax: Syntax, tokens: &mut Vec<Token<'s>>) -> &'s [u8] {
    // Strings of Python over several lines.
    if syntax.lines && text.starts_with(&[quote, quote]) {
        let body = &text[2..];
        let end = memchr::memmem::find(body, &[quote; 3]).unwrap_or(body.len());
        tokens.push(Token::Text(&body[..end]));
        return body.get(end + 3..).unwrap_or_default();
    }
    let mut end = 0;
    while let Some(found) = memchr::memchr2(quote, b'\\', &text[end..]) {
        end += found;
        if text[end] == quote {
            break;
        }
        end = (end + 2).min(text.len());
    }
    if text.get(end) != Some(&quote) {
        end = text.len();
    }
    let (body, command) = (&text[..end], quote == b'`' && syntax.php);
    if command {
        tokens.extend([Token::Word(b"shell_exec"), Token::Sign(b'(')]);
    }
    tokens.push(Token::Text(body));
    if syntax.php && quote != b'\'' {
        variables(body, tokens);
    }
    if command {
        tokens.push(Token::Sign(b')'));
    }
    text.get(end + 1..).unwrap_or_default()
}

/// Variables within a string, as if they were joined to it.
fn variables<'s>(body: &'s [u8], tokens: &mut Vec<Token<'s>>) {
    for at in memchr::memchr_iter(b'$', body) {
        let after = &body[at + 1..];
        if after.first().is_some_and(|byte| starts(*byte)) && tokens.len() < TOKENS {
            tokens.extend([Token::Sign(b'.'), Token::Variable(word(after).0)]);
        }
    }
}

fn heredoc<'s>(text: &'s [u8], tokens: &mut Vec<Token<'s>>) -> &'s [u8] {
    let named = text.trim_ascii_start();
    let named = named.strip_prefix(b"'").or(named.strip_prefix(b"\"")).unwrap_or(named);
    let (name, body) = word(named);
    if name.is_empty() {
        return text;
    }
    let mark = [b"\n", name].concat();
    let end = memchr::memmem::find(body, &mark).unwrap_or(body.len());
    tokens.push(Token::Text(&body[..end]));
    variables(&body[..end], tokens);
    body.get(end + mark.len()..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Token::*;
    use super::*;
    use proptest::prelude::*;

    const PHP: Syntax = Syntax { hash: true, slashes: true, php: true, lines: false };

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut tokens = Vec::new();
        read(text.as_bytes(), PHP, &mut tokens);
        tokens
    }

    #[test]
    fn comments_are_left_out_and_strings_kept() {
        let text = "a /* $x */ $b // c\n('it\\'s', 12) # d\n<<<E\nhi\nE;";
        let expected = [
            Word(b"a"),
            Variable(b"b"),
            Sign(b'('),
            Text(b"it\\'s"),
            Sign(b','),
            Number,
            Sign(b')'),
            Text(b"\nhi"),
            Sign(b';'),
        ];
        assert_eq!(tokens(text), expected);
    }

    #[test]
    fn variables_in_strings_count_and_backquotes_run() {
        let expected = [Word(b"shell_exec"), Sign(b'('), Text(b"ls $d"), Sign(b'.'), Variable(b"d"), Sign(b')')];
        assert_eq!(tokens("`ls $d`"), expected);
        assert_eq!(tokens("'$d'"), [Text(b"$d")]);
    }

    proptest! {
        #[test]
        fn any_bytes_read(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in "[<?$'\"`/*#\\\\a\n]{0,60}") {
            for lines in [false, true] {
                let mut tokens = Vec::new();
                read(&bytes, Syntax { lines, ..PHP }, &mut tokens);
                read(text.as_bytes(), Syntax { lines, ..PHP }, &mut tokens);
            }
        }
    }
}
