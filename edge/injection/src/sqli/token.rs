//! A token: its kind, and as much of its text as folding and judging look at.

/// Longest text kept of a token, bytes; the rest is cut.
pub(super) const TEXT: usize = 31;

/// What a token is. The letters are those of fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(super) enum Kind {
    /// Nothing was read.
    #[default]
    None = 0,
    Keyword = b'k',
    Union = b'U',
    /// `GROUP BY`, `HAVING`, `LIMIT`.
    Group = b'B',
    /// `SELECT`, `CASE`: an expression begins.
    Expression = b'E',
    /// The name of a type.
    Type = b't',
    Function = b'f',
    Bareword = b'n',
    Number = b'1',
    Variable = b'v',
    String = b's',
    Operator = b'o',
    /// `AND`, `OR`, `&&`.
    Logic = b'&',
    Comment = b'c',
    Collate = b'A',
    LeftParen = b'(',
    RightParen = b')',
    LeftBrace = b'{',
    RightBrace = b'}',
    Dot = b'.',
    Comma = b',',
    Colon = b':',
    Semicolon = b';',
    /// A word that begins a Transact-SQL statement.
    Statement = b'T',
    Unknown = b'?',
    /// Cannot be read in one way by all dialects: refused as it is.
    Evil = b'X',
    Backslash = b'\\',
}

impl Kind {
    /// The kind that the table of words writes as this letter.
    pub fn of_word(letter: u8) -> Kind {
        match letter {
            b'k' => Kind::Keyword,
            b'U' => Kind::Union,
            b'B' => Kind::Group,
            b'E' => Kind::Expression,
            b't' => Kind::Type,
            b'f' => Kind::Function,
            b'1' => Kind::Number,
            b'v' => Kind::Variable,
            b'o' => Kind::Operator,
            b'&' => Kind::Logic,
            b'A' => Kind::Collate,
            b'T' => Kind::Statement,
            _ => Kind::Bareword,
        }
    }

    /// Something with a value of its own: a name, number, string or variable.
    pub fn is_value(self) -> bool {
        matches!(self, Kind::Bareword | Kind::Number | Kind::String | Kind::Variable)
    }
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Token {
    pub kind: Kind,
    length: u8,
    /// Quote that opened it, 0 when none did.
    pub open: u8,
    /// Quote that closed it, 0 when none did.
    pub close: u8,
    bytes: [u8; TEXT],
}

impl Token {
    /// A token of this text, cut to what is kept.
    pub fn new(kind: Kind, text: &[u8]) -> Token {
        let mut token = Token { kind, ..Token::default() };
        let kept = text.len().min(TEXT);
        token.bytes[..kept].copy_from_slice(&text[..kept]);
        token.length = kept as u8;
        token
    }

    /// The same with the quotes it stood in.
    pub fn quoted(mut self, open: u8, close: u8) -> Token {
        self.open = open;
        self.close = close;
        self
    }

    /// Its text as kept.
    pub fn text(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Replaces kind and text; the quotes stay.
    pub fn become_word(&mut self, kind: Kind, text: &[u8]) {
        *self = Token::new(kind, text).quoted(self.open, self.close);
    }

    /// Whether its text is this word, ASCII case aside.
    pub fn is(&self, word: &[u8]) -> bool {
        self.text().eq_ignore_ascii_case(word)
    }

    /// `+`, `-`, `!`, `~`, `!!` or `NOT` before a value.
    pub fn is_unary(&self) -> bool {
        let known: &[&[u8]] = &[b"+", b"-", b"!", b"~", b"!!", b"NOT"];
        self.kind == Kind::Operator && known.iter().any(|word| self.is(word))
    }

    /// One of `* / - + %`.
    pub fn is_arithmetic(&self) -> bool {
        self.kind == Kind::Operator && matches!(self.text(), [b'*' | b'/' | b'-' | b'+' | b'%'])
    }
}
