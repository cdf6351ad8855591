//! The STIX patterning language (STIX 2.1 part 9; 2.0 differs in nothing that is read here), parsed into a tree.
//!
//! A hostile pattern costs linear time: the text is at most [`PATTERN_BYTES`], brackets nest at most [`DEPTH`] deep,
//! and every token is read once.

use crate::format::fault;
use base::{Fault, Result};

/// Longest pattern read, bytes: real ones with thousands of addresses stay far below.
pub const PATTERN_BYTES: usize = 1024 * 1024;
/// Deepest nesting of brackets: the parser calls itself once a level.
pub const DEPTH: usize = 64;

/// How several expressions are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// All of them.
    And,
    /// One of them.
    Or,
    /// All of them in this order.
    FollowedBy,
}

/// What observations are wanted.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// `[ … ]`: one observation that fits the comparison.
    One(Comparison),
    /// Several, joined.
    Many(Join, Vec<Observation>),
    /// An observation with its qualifiers.
    Qualified(Box<Observation>, Qualifier),
}

/// A qualifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Qualifier {
    /// `WITHIN n SECONDS`.
    Within(f64),
    /// `REPEATS n TIMES`.
    Repeats(u64),
    /// `START t'…' STOP t'…'`, microseconds since 1970.
    StartStop(i64, i64),
}

/// A comparison within one observation.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// One property against one value.
    Test(Test),
    /// `EXISTS path`.
    Exists(Path),
    /// Several, joined by AND or OR.
    Many(Join, Vec<Comparison>),
}

/// One property against values.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// The property.
    pub path: Path,
    /// Whether `NOT` stands before the operator.
    pub negated: bool,
    /// The operator.
    pub operator: Operator,
    /// One value, or those of the set behind `IN`.
    pub values: Vec<Literal>,
}

/// An object path: `file:hashes.'SHA-256'` is `file` and `["hashes", "SHA-256"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The type of the object.
    pub object: String,
    /// Its properties; an index is kept with its brackets (`[0]`, `[*]`).
    pub steps: Vec<String>,
}

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words of the standard")]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Like,
    Matches,
    IsSubset,
    IsSuperset,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `'text'`, unescaped.
    Text(String),
    /// A number as written.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// `h'…'` or `b'…'`, as written between the quotes.
    Binary(String),
    /// `t'…'`, microseconds since 1970.
    Time(i64),
}

/// Parses a pattern.
///
/// # Errors
/// `intel.pattern` with the byte where it stops making sense.
pub fn parse(text: &str) -> Result<Observation> {
    if text.len() > PATTERN_BYTES {
        return Err(Fault::new(&fault::PATTERN)
            .expected(format!("at most {PATTERN_BYTES} bytes"))
            .found(format!("{} bytes", text.len())));
    }
    let mut parser = Parser { text, at: 0, token: Token::End, token_at: 0, depth: 0 };
    parser.advance()?;
    let observation = parser.followed()?;
    match parser.token {
        Token::End => Ok(observation),
        _ => Err(parser.unexpected("the end")),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'t> {
    Word(&'t str),
    Text(String),
    /// A prefix letter and the raw text between the quotes.
    Tagged(char, &'t str),
    Number(&'t str),
    Sign(&'static str),
    End,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    token: Token<'t>,
    token_at: usize,
    depth: usize,
}

const SIGNS: [&str; 17] = ["==", "!=", "<>", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ":", ".", ",", "*", "-"];

impl<'t> Parser<'t> {
    fn fault(&self) -> Fault {
        Fault::new(&fault::PATTERN).object(format!("byte {}", self.token_at))
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        let shown: String = self.text[self.token_at..].chars().take(20).collect();
        self.fault().expected(wanted).found(if shown.is_empty() { "the end".to_string() } else { format!("`{shown}`") })
    }

    /// Reads the next token.
    fn advance(&mut self) -> Result<()> {
        self.blanks()?;
        self.token_at = self.at;
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            self.token = Token::End;
            return Ok(());
        };
        if first == '\'' {
            let raw = self.quoted(1)?;
            self.token = Token::Text(self.unescape(raw)?);
        } else if matches!(first, 't' | 'h' | 'b') && rest[1..].starts_with('\'') {
            let raw = self.quoted(2)?;
            self.token = Token::Tagged(first, raw);
        } else if first.is_ascii_alphabetic() || first == '_' {
            self.token = Token::Word(self.span(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
        } else if first.is_ascii_digit() || number_follows(rest) {
            self.at += usize::from(matches!(first, '+' | '-'));
            self.span(|byte| byte.is_ascii_digit() || byte == b'.');
            self.token = Token::Number(&self.text[self.token_at..self.at]);
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.at += sign.len();
            self.token = Token::Sign(sign);
        } else {
            return Err(self.unexpected("a token of the patterning language"));
        }
        Ok(())
    }

    fn blanks(&mut self) -> Result<()> {
        loop {
            let rest = &self.text[self.at..];
            let bare = rest.trim_start();
            self.at += rest.len() - bare.len();
            if bare.starts_with("//") {
                self.at += bare.find('\n').unwrap_or(bare.len());
            } else if bare.starts_with("/*") {
                self.token_at = self.at;
                self.at += bare.find("*/").ok_or_else(|| self.unexpected("`*/`"))? + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn span(&mut self, keep: impl Fn(u8) -> bool) -> &'t str {
        let from = self.at;
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() && keep(bytes[self.at]) {
            self.at += 1;
        }
        &self.text[from..self.at]
    }

    /// The raw text between quotes that open `skip` bytes from here.
    fn quoted(&mut self, skip: usize) -> Result<&'t str> {
        let from = self.at + skip;
        let bytes = self.text.as_bytes();
        let mut at = from;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'\'' => {
                    self.at = at + 1;
                    return Ok(&self.text[from..at]);
                }
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        Err(self.unexpected("a closing quote"))
    }

    fn unescape(&self, raw: &str) -> Result<String> {
        let mut text = String::with_capacity(raw.len());
        let mut rest = raw.chars();
        while let Some(character) = rest.next() {
            match (character, character == '\\') {
                (_, false) => text.push(character),
                _ => match rest.next() {
                    Some(escaped @ ('\'' | '\\')) => text.push(escaped),
                    _ => return Err(self.unexpected("`\\'` or `\\\\`")),
                },
            }
        }
        Ok(text)
    }

    fn is_word(&self, word: &str) -> bool {
        self.token == Token::Word(word)
    }

    fn takes(&mut self, word: &str) -> Result<bool> {
        let is = self.is_word(word);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn takes_sign(&mut self, sign: &'static str) -> Result<bool> {
        let is = self.token == Token::Sign(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn needs_sign(&mut self, sign: &'static str) -> Result<()> {
        if self.takes_sign(sign)? { Ok(()) } else { Err(self.unexpected(sign)) }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.fault().expected(format!("at most {DEPTH} levels of brackets")).found("more"));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// `one (WORD one)*`, flat.
    fn chain<T>(
        &mut self,
        word: &str,
        one: impl Fn(&mut Self) -> Result<T>,
        join: impl FnOnce(Vec<T>) -> T,
    ) -> Result<T> {
        let first = one(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.takes(word)? {
            all.push(one(self)?);
        }
        Ok(join(all))
    }

    fn followed(&mut self) -> Result<Observation> {
        self.chain("FOLLOWEDBY", Self::either, |all| Observation::Many(Join::FollowedBy, all))
    }

    fn either(&mut self) -> Result<Observation> {
        self.chain("OR", Self::both, |all| Observation::Many(Join::Or, all))
    }

    fn both(&mut self) -> Result<Observation> {
        self.chain("AND", Self::observation, |all| Observation::Many(Join::And, all))
    }

    fn observation(&mut self) -> Result<Observation> {
        let mut found = if self.takes_sign("[")? {
            let comparison = self.comparison_or()?;
            self.needs_sign("]")?;
            Observation::One(comparison)
        } else if self.takes_sign("(")? {
            let inner = self.deeper(Self::followed)?;
            self.needs_sign(")")?;
            inner
        } else {
            return Err(self.unexpected("`[` or `(`"));
        };
        // A qualifier binds what stands before it; as many as brackets may nest.
        for _ in 0..DEPTH {
            match self.qualifier()? {
                Some(qualifier) => found = Observation::Qualified(Box::new(found), qualifier),
                None => return Ok(found),
            }
        }
        Err(self.unexpected("fewer qualifiers"))
    }

    fn qualifier(&mut self) -> Result<Option<Qualifier>> {
        if self.takes("WITHIN")? {
            let seconds = self.number()?.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
            let seconds = seconds.ok_or_else(|| self.unexpected("a positive number before"))?;
            return if self.takes("SECONDS")? {
                Ok(Some(Qualifier::Within(seconds)))
            } else {
                Err(self.unexpected("SECONDS"))
            };
        }
        if self.takes("REPEATS")? {
            let times = self.number()?.parse().ok().filter(|times| *times > 0);
            let times = times.ok_or_else(|| self.unexpected("a positive whole number before"))?;
            return if self.takes("TIMES")? {
                Ok(Some(Qualifier::Repeats(times)))
            } else {
                Err(self.unexpected("TIMES"))
            };
        }
        if self.takes("START")? {
            let start = self.time()?;
            if !self.takes("STOP")? {
                return Err(self.unexpected("STOP"));
            }
            return Ok(Some(Qualifier::StartStop(start, self.time()?)));
        }
        Ok(None)
    }

    fn number(&mut self) -> Result<&'t str> {
        match self.token {
            Token::Number(number) => {
                self.advance()?;
                Ok(number)
            }
            _ => Err(self.unexpected("a number")),
        }
    }

    fn time(&mut self) -> Result<i64> {
        match self.literal()? {
            Literal::Time(time_us) => Ok(time_us),
            _ => Err(self.unexpected("a time (t'…') before")),
        }
    }

    fn comparison_or(&mut self) -> Result<Comparison> {
        self.chain("OR", Self::comparison_and, |all| Comparison::Many(Join::Or, all))
    }

    fn comparison_and(&mut self) -> Result<Comparison> {
        self.chain("AND", Self::test, |all| Comparison::Many(Join::And, all))
    }

    fn test(&mut self) -> Result<Comparison> {
        if self.takes_sign("(")? {
            let inner = self.deeper(Self::comparison_or)?;
            self.needs_sign(")")?;
            return Ok(inner);
        }
        if self.takes("EXISTS")? {
            return Ok(Comparison::Exists(self.path()?));
        }
        let path = self.path()?;
        let negated = self.takes("NOT")?;
        let operator = self.operator()?;
        let values = if operator == Operator::In { self.set()? } else { vec![self.literal()?] };
        let text_only =
            matches!(operator, Operator::Like | Operator::Matches | Operator::IsSubset | Operator::IsSuperset);
        let ordered =
            matches!(operator, Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual);
        match values.first() {
            Some(Literal::Text(_)) | None => {}
            Some(_) if text_only => return Err(self.unexpected("a text before")),
            Some(Literal::Bool(_)) if ordered => return Err(self.unexpected("an ordered value before")),
            Some(_) => {}
        }
        Ok(Comparison::Test(Test { path, negated, operator, values }))
    }

    fn operator(&mut self) -> Result<Operator> {
        let operator = match self.token {
            Token::Sign("=" | "==") => Operator::Equal,
            Token::Sign("!=" | "<>") => Operator::NotEqual,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            Token::Word("IN") => Operator::In,
            Token::Word("LIKE") => Operator::Like,
            Token::Word("MATCHES") => Operator::Matches,
            Token::Word("ISSUBSET") => Operator::IsSubset,
            Token::Word("ISSUPERSET") => Operator::IsSuperset,
            _ => return Err(self.unexpected("an operator")),
        };
        self.advance()?;
        Ok(operator)
    }

    fn set(&mut self) -> Result<Vec<Literal>> {
        self.needs_sign("(")?;
        let mut values = Vec::new();
        if self.takes_sign(")")? {
            return Ok(values);
        }
        loop {
            values.push(self.literal()?);
            if !self.takes_sign(",")? {
                self.needs_sign(")")?;
                return Ok(values);
            }
        }
    }

    fn literal(&mut self) -> Result<Literal> {
        let literal = match std::mem::replace(&mut self.token, Token::End) {
            Token::Text(text) => Literal::Text(text),
            Token::Number(number) if number.parse::<f64>().is_ok() => Literal::Number(number.to_string()),
            Token::Word(word @ ("true" | "false")) => Literal::Bool(word == "true"),
            Token::Tagged('t', raw) => match crate::format::time::micros(raw) {
                Some(time_us) => Literal::Time(time_us),
                None => return Err(self.unexpected("a time of RFC 3339")),
            },
            Token::Tagged('h', raw)
                if raw.len().is_multiple_of(2) && raw.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                Literal::Binary(raw.to_string())
            }
            Token::Tagged('b', raw) if is_base64(raw) => Literal::Binary(raw.to_string()),
            _ => return Err(self.unexpected("a value")),
        };
        self.advance()?;
        Ok(literal)
    }

    fn path(&mut self) -> Result<Path> {
        let Token::Word(object) = self.token else { return Err(self.unexpected("an object path")) };
        // A word of the language is none of an object's; `NOT` and the like would hide mistakes.
        if RESERVED.contains(&object) {
            return Err(self.unexpected("an object path"));
        }
        self.advance()?;
        self.needs_sign(":")?;
        let mut steps = vec![self.step()?];
        loop {
            if self.takes_sign(".")? {
                steps.push(self.step()?);
            } else if self.takes_sign("[")? {
                steps.push(self.index()?);
            } else {
                return Ok(Path { object: object.to_string(), steps });
            }
        }
    }

    fn step(&mut self) -> Result<String> {
        let step = match &self.token {
            Token::Word(word) if !word.contains('-') => word.to_string(),
            Token::Text(text) => text.clone(),
            _ => return Err(self.unexpected("a property; one with a hyphen needs quotes")),
        };
        self.advance()?;
        Ok(step)
    }

    fn index(&mut self) -> Result<String> {
        let index = match &self.token {
            Token::Number(number) if number.parse::<i64>().is_ok() => format!("[{number}]"),
            Token::Sign("*") => "[*]".to_string(),
            _ => return Err(self.unexpected("an index")),
        };
        self.advance()?;
        self.needs_sign("]")?;
        Ok(index)
    }
}

const RESERVED: [&str; 17] = [
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "WITHIN",
    "REPEATS",
    "TIMES",
    "true",
];

fn number_follows(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let after = bytes.get(usize::from(matches!(bytes.first(), Some(b'+' | b'-'))));
    after.is_some_and(u8::is_ascii_digit)
        || (after == Some(&b'.') && bytes.get(2).is_some_and(u8::is_ascii_digit) && bytes[0] != b'.')
}

fn is_base64(raw: &str) -> bool {
    let body = raw.trim_end_matches('=');
    raw.len().is_multiple_of(4)
        && raw.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
