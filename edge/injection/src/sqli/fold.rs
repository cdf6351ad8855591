//! Folding: runs of tokens that mean one thing become one token, until five are left that cannot be folded.
//!
//! Tokens lie in a short row. `left` of them are settled; two, then three, behind those are compared with the patterns
//! below, in their order; where one fits the row shrinks and, mostly, everything is looked at again.

use super::lexer::Lexer;
use super::table::lookup;
use super::token::{Kind, TEXT, Token};
use super::{Fingerprint, MOST};

/// What is left of a value.
pub(super) struct Folded {
    pub tokens: [Token; MOST + 1],
    pub count: usize,
}

impl Folded {
    /// Its kinds; a single `X` when one of them is not to be trusted.
    pub fn fingerprint(&self) -> Fingerprint {
        let kinds = || self.tokens[..self.count].iter().map(|token| token.kind);
        if kinds().any(|kind| kind == Kind::Evil) {
            return Fingerprint::new([Kind::Evil as u8].into_iter());
        }
        Fingerprint::new(kinds().map(|kind| kind as u8))
    }
}

/// Reads and folds.
pub(super) fn fold(lexer: &mut Lexer<'_>) -> Folded {
    let mut row =
        Row { tokens: [Token::default(); MOST + 2], end: 0, left: 0, lexer, more: true, comment: Token::default() };
    let count = row.run();
    // An unclosed backtick with nothing behind it serves as a comment in MySQL behind PHP.
    if let Some(last) = row.tokens[..count].last_mut().filter(|_| count > 2)
        && last.kind == Kind::Bareword
        && (last.open, last.close) == (b'`', 0)
        && last.text().is_empty()
    {
        last.kind = Kind::Comment;
    }
    let mut tokens = [Token::default(); MOST + 1];
    tokens[..count].copy_from_slice(&row.tokens[..count]);
    Folded { tokens, count }
}

/// What a pattern of two did.
enum Pair {
    /// It changed the row: look again.
    Again,
    /// The row ends here with a token that cannot be trusted.
    Evil,
    /// Nothing more to do with two: look at three.
    Settled,
}

struct Row<'l, 'v> {
    tokens: [Token; MOST + 2],
    /// Where the next token goes.
    end: usize,
    /// Tokens that are settled.
    left: usize,
    lexer: &'l mut Lexer<'v>,
    more: bool,
    /// The comment read last, if nothing was read behind it.
    comment: Token,
}

impl Row<'_, '_> {
    fn run(&mut self) -> usize {
        if !self.first() {
            return 0;
        }
        loop {
            self.shorten();
            if !self.more || self.left >= MOST {
                self.left = self.end;
                break;
            }
            self.fill(2);
            if self.end - self.left < 2 {
                self.left = self.end;
                continue;
            }
            match self.pair() {
                Pair::Again => continue,
                Pair::Evil => return self.left + 2,
                Pair::Settled => {}
            }
            self.fill(3);
            if self.end - self.left < 3 {
                self.left = self.end;
            } else if !self.triple() {
                self.left += 1;
            }
        }
        if self.left < MOST && self.comment.kind == Kind::Comment {
            self.tokens[self.left] = self.comment;
            self.left += 1;
        }
        // A sixth is only read to tell what the fifth is.
        self.left.min(MOST)
    }

    /// The first token that counts: comments, opening parentheses, types and signs before it do not.
    fn first(&mut self) -> bool {
        while let Some(token) = self.lexer.token() {
            if !matches!(token.kind, Kind::Comment | Kind::LeftParen | Kind::Type) && !token.is_unary() {
                self.tokens[0] = token;
                self.end = 1;
                return true;
            }
        }
        false
    }

    /// Reads until so many tokens lie behind the settled ones. Comments are kept aside.
    fn fill(&mut self, wanted: usize) {
        while self.more && self.end <= MOST && self.end - self.left < wanted {
            match self.lexer.token() {
                None => self.more = false,
                Some(token) if token.kind == Kind::Comment => self.comment = token,
                Some(token) => {
                    self.comment = Token::default();
                    self.tokens[self.end] = token;
                    self.end += 1;
                }
            }
        }
    }

    fn kind(&self, offset: usize) -> Kind {
        self.tokens[self.left + offset].kind
    }

    /// Five tokens that are arithmetic or a list of numbers are as good as their first.
    fn shorten(&mut self) {
        use Kind::{Bareword as Name, Comma, LeftParen, Number, Operator, RightParen};
        if self.end < MOST {
            return;
        }
        let kinds = [0, 1, 2, 3, 4].map(|index| self.tokens[index].kind);
        let foldable = matches!(
            kinds,
            [Number, Operator | Comma, LeftParen, Number, RightParen]
                | [Name, Operator, LeftParen, Name | Number, RightParen]
                | [Number, RightParen, Comma, LeftParen, Number]
                | [Name, RightParen, Operator, LeftParen, Name]
        );
        if !foldable {
            return;
        }
        self.left = 0;
        if self.end > MOST {
            self.tokens[1] = self.tokens[MOST];
            self.end = 2;
        } else {
            self.end = 1;
        }
    }

    /// Drops tokens at the end and begins anew.
    fn drop_last(&mut self, count: usize) {
        self.end -= count;
        self.left = 0;
    }

    /// The second token takes the place of the first; the row begins anew.
    fn drop_first(&mut self) {
        self.tokens[self.left] = self.tokens[self.left + 1];
        self.drop_last(1);
    }

    fn step_back(&mut self) {
        self.end -= 1;
        self.left = self.left.saturating_sub(1);
    }

    fn pair(&mut self) -> Pair {
        use Kind::{LeftParen, Logic, Operator, Semicolon, String, Type};
        let second = self.tokens[self.left + 1];
        match (self.kind(0), second.kind) {
            (String, String) | (Semicolon, Semicolon) => self.end -= 1,
            (Operator | Logic, kind) if second.is_unary() || kind == Type => self.drop_last(1),
            (LeftParen, _) if second.is_unary() => self.step_back(),
            _ if self.merge() => self.step_back(),
            _ => return self.pair_of_words(),
        }
        Pair::Again
    }

    /// Two words that are one phrase become it: `UNION` `ALL`.
    fn merge(&mut self) -> bool {
        let (first, second) = (self.tokens[self.left], self.tokens[self.left + 1]);
        if !begins_phrase(first.kind) || !(begins_phrase(second.kind) || second.kind == Kind::Logic) {
            return false;
        }
        let (head, tail) = (first.text(), second.text());
        let length = head.len() + 1 + tail.len();
        if length > TEXT {
            return false;
        }
        let mut phrase = [b' '; TEXT];
        phrase[..head.len()].copy_from_slice(head);
        phrase[head.len() + 1..length].copy_from_slice(tail);
        let Some(kind) = lookup(&phrase[..length]) else { return false };
        self.tokens[self.left].become_word(kind, &phrase[..length]);
        true
    }

    /// Words whose kind depends on what follows.
    fn pair_of_words(&mut self) -> Pair {
        let (first, second) = (self.tokens[self.left], self.tokens[self.left + 1]);
        let before_paren = second.kind == Kind::LeftParen;
        let known = match first.kind {
            // Behind a semicolon `IF` begins a Transact-SQL statement.
            Kind::Semicolon if second.kind == Kind::Function && begins_with_if(&second) => {
                self.tokens[self.left + 1].kind = Kind::Statement;
                return Pair::Again;
            }
            Kind::Bareword | Kind::Variable if before_paren && is_also_function(&first) => Kind::Function,
            Kind::Keyword if first.is(b"IN") || first.is(b"NOT IN") => {
                if before_paren {
                    Kind::Operator
                } else {
                    Kind::Bareword
                }
            }
            Kind::Operator if first.is(b"LIKE") || first.is(b"NOT LIKE") => {
                if before_paren {
                    self.tokens[self.left].kind = Kind::Function;
                }
                return Pair::Settled;
            }
            _ => return self.pair_of_marks(),
        };
        self.tokens[self.left].kind = known;
        Pair::Again
    }

    fn pair_of_marks(&mut self) -> Pair {
        use Kind::{Backslash, Bareword, Collate, Function, LeftBrace, LeftParen, RightBrace, RightParen, Type};
        let second = self.tokens[self.left + 1];
        match (self.kind(0), second.kind) {
            (Type, kind) if kind.is_value() || matches!(kind, Type | LeftParen | Function) => self.drop_first(),
            (Collate, Bareword) => {
                // There are too many collations to list; their names have an underscore.
                if second.text().contains(&b'_') {
                    self.tokens[self.left + 1].kind = Type;
                    self.left = 0;
                }
                return Pair::Settled;
            }
            // Transact-SQL reads a backslash as 0 before arithmetic, and passes it over otherwise.
            (Backslash, _) if second.is_arithmetic() => {
                self.tokens[self.left].kind = Kind::Number;
                self.left = 0;
            }
            (Backslash, _) => self.drop_first(),
            (LeftParen, LeftParen) | (RightParen, RightParen) => self.drop_last(1),
            // MySQL takes {``.``.name}; seldom enough to refuse it outright.
            (LeftBrace, Bareword) if second.text().is_empty() => {
                self.tokens[self.left + 1].kind = Kind::Evil;
                return Pair::Evil;
            }
            // ODBC's {name expression} is the expression.
            (LeftBrace, Bareword) => self.drop_last(2),
            (_, RightBrace) => self.drop_last(1),
            _ => return Pair::Settled,
        }
        Pair::Again
    }

    /// Patterns of three. True when one folded.
    fn triple(&mut self) -> bool {
        use Kind::{
            Bareword, Comma, Dot, Expression, Function, Group, Keyword, LeftParen, Logic, Number, Operator, RightParen,
            String, Type, Variable,
        };
        let [first, second, third] = [0, 1, 2].map(|offset| self.tokens[self.left + offset]);
        let unary = second.is_unary();
        match (first.kind, second.kind, third.kind) {
            (Number, Operator, Number) | (Logic, _, Logic) => self.drop_last(2),
            (Operator, kind, Operator) if kind != LeftParen => self.drop_last(2),
            (Variable, Operator, Variable | Number | Bareword) => self.drop_last(2),
            (Bareword | Number, Operator, Number | Bareword) => self.drop_last(2),
            (Bareword | Number | Variable | String, Operator, Type) if second.text() == b"::" => self.drop_last(2),
            (one, Comma, other) if one.is_value() && other.is_value() => self.drop_last(2),
            (Expression | Group | Comma, _, LeftParen) if unary => self.drop_second(1),
            (Keyword | Expression | Group, _, kind) if unary && (kind.is_value() || kind == Function) => {
                self.drop_second(1);
            }
            // `, -1` is `, 1`, and then the list before it folds: back to before the comma.
            (Comma, _, kind) if unary && kind.is_value() => self.drop_second(3),
            (Comma, _, Function) if unary => self.drop_second(1),
            (Bareword, Dot, Bareword) => self.drop_last(2),
            (Expression, Dot, Bareword) => self.drop_second(1),
            (Function, LeftParen, kind) => {
                // `USER()` is a function; with something inside it is a name.
                if kind != RightParen && first.is(b"USER") {
                    self.tokens[self.left].kind = Bareword;
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    /// The third token takes the place of the second; the row is cut and begins anew.
    fn drop_second(&mut self, count: usize) {
        self.tokens[self.left + 1] = self.tokens[self.left + 2];
        self.drop_last(count);
    }
}

fn begins_phrase(kind: Kind) -> bool {
    use Kind::{Bareword, Expression, Function, Keyword, Operator, Statement, Type, Union};
    matches!(kind, Keyword | Bareword | Operator | Union | Function | Expression | Statement | Type)
}

fn begins_with_if(token: &Token) -> bool {
    token.text().get(..2).is_some_and(|head| head.eq_ignore_ascii_case(b"IF"))
}

/// Names of columns or variables that are functions when a parenthesis follows.
fn is_also_function(token: &Token) -> bool {
    const NAMES: &[&[u8]] = &[
        b"USER_ID",
        b"USER_NAME",
        b"DATABASE",
        b"PASSWORD",
        b"USER",
        b"CURRENT_USER",
        b"CURRENT_DATE",
        b"CURRENT_TIME",
        b"CURRENT_TIMESTAMP",
        b"LOCALTIME",
        b"LOCALTIMESTAMP",
    ];
    NAMES.iter().any(|name| token.is(name))
}
