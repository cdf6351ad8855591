//! What a value is made of as SQL, over its whole length: for those who weigh instead of deciding.

use super::lexer::Lexer;
use super::token::{Kind, Token};
use super::{Context, Dialect};

/// Letters of the kinds that are counted, in the order of [`Census::kinds`].
pub const KINDS: &[u8; 24] = b"kUBEtfn1vso&cA(){},:;T?X";

/// Counts of tokens, and of neighbours that speak for SQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Tokens by kind, as [`KINDS`] orders them.
    pub kinds: [u32; KINDS.len()],
    /// Tokens in all.
    pub tokens: u32,
    /// Two values (numbers, strings, names) with an operator that compares between them.
    pub compared: u32,
    /// Of these, with the same text on both sides: `1=1`.
    pub tautologies: u32,
    /// Functions with a parenthesis behind them.
    pub calls: u32,
    /// `AND`, `OR` … with a value, function or parenthesis behind them.
    pub conditions: u32,
    /// A statement's first word, or a function, behind a semicolon.
    pub stacked: u32,
    /// `UNION` with `SELECT` or a parenthesis behind it.
    pub unions: u32,
    /// `SELECT`s (and other words that begin an expression) that a keyword follows later: `FROM`, `INTO`.
    pub selects: u32,
    /// Keywords right behind keywords: seldom in SQL that is spoken of, frequent in SQL that is meant.
    pub phrases: u32,
}

impl Census {
    /// Tokens of one kind, by its letter.
    pub fn of(&self, letter: u8) -> u32 {
        KINDS.iter().position(|kind| *kind == letter).map_or(0, |index| self.kinds[index])
    }
}

/// Counts a value's tokens, read in one place and dialect.
pub fn census(value: &[u8], context: Context, dialect: Dialect) -> Census {
    let mut lexer = Lexer::new(value, context, dialect);
    let mut census = Census::default();
    let [mut before, mut last] = [Token::default(); 2];
    let mut selecting = false;
    while let Some(token) = lexer.token() {
        census.tokens += 1;
        if let Some(index) = KINDS.iter().position(|kind| *kind == token.kind as u8) {
            census.kinds[index] += 1;
        }
        if token.kind == Kind::Comment {
            continue;
        }
        census.neighbours(&before, &last, &token);
        match token.kind {
            Kind::Expression => selecting = true,
            Kind::Keyword if selecting && (token.is(b"FROM") || token.is(b"INTO")) => {
                census.selects += 1;
                selecting = false;
            }
            _ => {}
        }
        (before, last) = (last, token);
    }
    census
}

impl Census {
    fn neighbours(&mut self, before: &Token, last: &Token, token: &Token) {
        let is_operand = |token: &Token| token.kind.is_value();
        if compares(last) && is_operand(before) && is_operand(token) {
            self.compared += 1;
            self.tautologies += u32::from(!token.text().is_empty() && token.is(before.text()));
        }
        let opens = matches!(token.kind, Kind::LeftParen | Kind::Function | Kind::Number | Kind::String);
        match last.kind {
            Kind::Function => self.calls += u32::from(token.kind == Kind::LeftParen),
            Kind::Logic => self.conditions += u32::from(opens || token.is_unary()),
            Kind::Semicolon => {
                self.stacked += u32::from(matches!(token.kind, Kind::Statement | Kind::Expression | Kind::Function));
            }
            Kind::Union => self.unions += u32::from(matches!(token.kind, Kind::Expression | Kind::LeftParen)),
            Kind::Keyword | Kind::Expression | Kind::Statement => {
                self.phrases += u32::from(matches!(token.kind, Kind::Keyword | Kind::Expression | Kind::Function));
            }
            _ => {}
        }
    }
}

fn compares(token: &Token) -> bool {
    const KNOWN: &[&[u8]] =
        &[b"=", b"<", b">", b"<=", b">=", b"<>", b"!=", b"<=>", b"==", b"LIKE", b"RLIKE", b"REGEXP"];
    token.kind == Kind::Operator && KNOWN.iter().any(|known| token.is(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_that_is_meant_differs_from_sql_that_is_spoken_of() {
        let read = |text: &str| census(text.as_bytes(), Context::Bare, Dialect::Ansi);
        let meant = read("1 union select a, sleep(5) from users where 1=1 or 2>3; drop table x");
        assert_eq!((meant.unions, meant.calls, meant.selects), (1, 1, 1));
        assert_eq!((meant.compared, meant.tautologies, meant.conditions, meant.stacked), (2, 1, 1, 1));
        assert_eq!(meant.of(b'U'), 1);
        let spoken = read("the union will select a speaker from its members");
        assert_eq!((spoken.unions, spoken.calls, spoken.compared), (0, 0, 0));
    }
}
