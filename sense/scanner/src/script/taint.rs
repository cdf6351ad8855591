//! Whether what a client sends comes to where code runs: by assignments, loops, own functions and names built from
//! pieces. Every question about a stretch of tokens is answered from sums, so the time is linear in the script.

use super::language::{Language, Sink};
use super::token::{MARGIN, Token};
use std::collections::{HashMap, HashSet};

/// Times that what is known is carried on; a chain of more own functions than this is not followed to its end.
const PASSES: usize = 6;
/// Longest name built from pieces.
const NAME: usize = 32;
/// Tokens within which a loop names its variables.
const LOOP: usize = 64;
/// Own functions followed.
const FUNCTIONS: usize = 1000;

/// What was found, with what it says about the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Name of the reason.
    pub name: &'static str,
    /// How sure alone.
    pub score: u32,
    /// The function it ends in.
    pub sink: String,
}

type Name = Vec<u8>;
/// A variable in a function, 0 for outside of any.
type Place = (u32, Name);

struct Reader<'t, 's> {
    language: &'t Language,
    tokens: &'t [Token<'s>],
    /// For each opening bracket the closing one, for all others the token itself.
    close: Vec<u32>,
    /// Where the statement of each token ends.
    end: Vec<u32>,
    /// The own function that each token is in.
    scope: Vec<u32>,
    /// Tokens within a call whose result is harmless.
    clean: Vec<bool>,
    /// Own functions: number and parameters.
    functions: HashMap<Name, (u32, Vec<Name>)>,
    /// Their names by number, from 1.
    names: Vec<Name>,
    tainted: HashSet<Place>,
    decoded: HashSet<Place>,
    /// Variables that hold the name of a function that runs something.
    hidden: HashMap<Place, Sink>,
    /// Own functions that give back what a client sent.
    gives: HashSet<Name>,
    /// How many tokens before each are tainted, or decoders.
    taint_sum: Vec<u32>,
    decoder_sum: Vec<u32>,
}

/// Every way from a request to where code runs.
pub fn flows(language: &Language, tokens: &[Token<'_>]) -> Vec<Flow> {
    let mut reader = Reader {
        language,
        tokens,
        close: closes(tokens),
        end: ends(tokens, language.syntax.lines),
        scope: vec![0; tokens.len()],
        clean: vec![false; tokens.len()],
        functions: HashMap::new(),
        names: Vec::new(),
        tainted: HashSet::new(),
        decoded: HashSet::new(),
        hidden: HashMap::new(),
        gives: HashSet::new(),
        taint_sum: Vec::new(),
        decoder_sum: Vec::new(),
    };
    reader.find_functions();
    reader.find_clean();
    for _ in 0..PASSES {
        reader.sum();
        if !reader.carry() {
            break;
        }
    }
    reader.sum();
    reader.sinks()
}

fn closes(tokens: &[Token<'_>]) -> Vec<u32> {
    let mut close: Vec<u32> = (0..tokens.len() as u32).collect();
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign(b'(' | b'[' | b'{') => open.push(at),
            Token::Sign(b')' | b']' | b'}') => {
                if let Some(begun) = open.pop() {
                    close[begun] = at as u32;
                }
            }
            _ => {}
        }
    }
    // What is never closed goes to the end.
    for begun in open {
        close[begun] = tokens.len() as u32;
    }
    close
}

fn ends(tokens: &[Token<'_>], lines: bool) -> Vec<u32> {
    let mut end = vec![tokens.len() as u32; tokens.len()];
    let mut next = tokens.len() as u32;
    for (at, token) in tokens.iter().enumerate().rev() {
        if matches!(token, Token::Sign(b';' | b'{' | b'}')) || (lines && token.is(b'\n')) {
            next = at as u32;
        }
        end[at] = next;
    }
    end
}

fn lower(name: &[u8]) -> Name {
    name.to_ascii_lowercase()
}

impl<'s> Reader<'_, 's> {
    fn token(&self, at: usize) -> Token<'s> {
        self.tokens.get(at).copied().unwrap_or(Token::Sign(b' '))
    }

    fn closing(&self, open: usize) -> usize {
        self.close.get(open).map_or(self.tokens.len(), |close| *close as usize)
    }

    fn listed(list: &[&str], word: &[u8]) -> bool {
        list.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The name at a token that is one, and whether it is written as a variable.
    fn name(&self, at: usize) -> Option<&'s [u8]> {
        match self.token(at) {
            Token::Variable(name) => Some(name),
            // Other languages have no sign for variables.
            Token::Word(name) if !self.language.syntax.php => Some(name),
            _ => None,
        }
    }

    fn place(&self, at: usize, name: &[u8]) -> Place {
        (self.scope.get(at).copied().unwrap_or(0), name.to_vec())
    }

    /// Own functions: `function name(...) {`, `Type name(...) {`, `def name(...):`.
    fn find_functions(&mut self) {
        let mut starts = Vec::new();
        for at in 0..self.tokens.len() {
            let Token::Word(name) = self.token(at) else { continue };
            let open = at + 1;
            if !self.token(open).is(b'(') || at == 0 {
                continue;
            }
            let (before, close) = (self.token(at - 1), self.closing(open));
            let php = self.language.syntax.php;
            let declared = if php || self.language.syntax.lines {
                before.says("function") || before.says("def")
            } else {
                let typed =
                    matches!(before, Token::Word(word) if !Self::listed(&["new", "return", "else", "throw"], word));
                typed && (self.token(close + 1).is(b'{') || self.token(close + 1).says("throws"))
            };
            if !declared || self.names.len() >= FUNCTIONS {
                continue;
            }
            let number = self.names.len() as u32 + 1;
            let last_of_each = |at: &usize| matches!(self.token(at + 1), Token::Sign(b',' | b')' | b'=' | b':'));
            let parameters = (open + 1..close.min(open + LOOP)).filter(last_of_each).filter_map(|at| self.name(at));
            let parameters: Vec<Name> = parameters.map(<[u8]>::to_vec).collect();
            let body = (close + 1..close + LOOP).find(|at| self.token(*at).is(b'{'));
            if let Some(body) = body.filter(|_| php) {
                let end = self.closing(body).min(self.tokens.len());
                self.scope[open..end].fill(number);
            }
            self.names.push(lower(name));
            let scoped = php || self.language.syntax.lines;
            self.functions.insert(lower(name), (if scoped { number } else { 0 }, parameters));
            starts.push((at as u32, number));
        }
        if self.language.syntax.lines {
            self.scope_by_margin(&starts);
        }
    }

    /// Where indentation holds a function together: it goes on until the next one, or the next line at the margin.
    fn scope_by_margin(&mut self, starts: &[(u32, u32)]) {
        let (mut current, mut next) = (0, starts.iter().peekable());
        for at in 0..self.tokens.len() {
            if self.tokens[at].is(MARGIN) {
                current = 0;
            }
            if let Some((_, number)) = next.next_if(|(start, _)| *start as usize == at) {
                current = *number;
            }
            self.scope[at] = current;
        }
    }

    fn find_clean(&mut self) {
        let mut until = 0;
        for at in 0..self.tokens.len() {
            if let Token::Word(word) = self.token(at) {
                // A cast to a number cleans the one thing behind it.
                let cast = self.token(at.wrapping_sub(1)).is(b'(') && self.token(at + 1).is(b')');
                if cast && Self::listed(&["int", "integer", "float", "bool", "boolean"], word) {
                    let thing = at + 2;
                    let bracket = self.token(thing + 1).is(b'[');
                    until = until.max(if bracket { self.closing(thing + 1) } else { thing } + 1);
                } else if self.token(at + 1).is(b'(') && Self::listed(self.language.cleaners, word) {
                    until = until.max(self.closing(at + 1));
                }
            }
            self.clean[at] = at < until;
        }
    }

    fn is_tainted(&self, at: usize) -> bool {
        // What is set here is not read here; names of arguments look the same.
        let set = self.token(at + 1).is(b'=') && !self.token(at + 2).is(b'=');
        if self.clean[at] || set {
            return false;
        }
        match self.tokens[at] {
            Token::Variable(name) => {
                Self::listed(self.language.sources, name)
                    || self.tainted.contains(&self.place(at, name))
                    || (name == b"_SERVER" && self.is_header(at))
            }
            Token::Word(name) => {
                let own = self.gives.contains(&lower(name)) && self.token(at + 1).is(b'(');
                own || (Self::listed(self.language.sources, name) && self.is_request(at, name))
                    || (!self.language.syntax.php && self.tainted.contains(&self.place(at, name)))
            }
            Token::Text(text) => self.language.syntax.php && text == b"php://input",
            _ => false,
        }
    }

    /// Python has no sign for what is the server's: only the object of that name, asked for a part of it, is.
    fn is_request(&self, at: usize, name: &[u8]) -> bool {
        let of_object = self.token(at + 1).is(b'.') && !self.token(at.wrapping_sub(1)).is(b'.');
        !self.language.syntax.lines || name != b"request" || of_object
    }

    /// Of what the server says about a request, the headers are the client's.
    fn is_header(&self, at: usize) -> bool {
        let Token::Text(key) = self.token(at + 2) else { return false };
        self.token(at + 1).is(b'[') && (key.starts_with(b"HTTP_") || key == b"QUERY_STRING" || key == b"REQUEST_URI")
    }

    fn sum(&mut self) {
        let (mut taints, mut decoders) = (0, 0);
        let mut sums = (vec![0; self.tokens.len() + 1], vec![0; self.tokens.len() + 1]);
        for at in 0..self.tokens.len() {
            taints += u32::from(self.is_tainted(at));
            decoders += u32::from(self.is_decoded(at));
            (sums.0[at + 1], sums.1[at + 1]) = (taints, decoders);
        }
        (self.taint_sum, self.decoder_sum) = sums;
    }

    fn is_decoded(&self, at: usize) -> bool {
        match self.tokens[at] {
            Token::Word(word) => Self::listed(self.language.decoders, word),
            Token::Variable(name) => self.decoded.contains(&self.place(at, name)),
            _ => false,
        }
    }

    fn within(sums: &[u32], from: usize, to: usize) -> u32 {
        let last = sums.len() - 1;
        let (from, to) = (from.min(last), to.min(last));
        if from >= to { 0 } else { sums[to] - sums[from] }
    }

    fn taints(&self, from: usize, to: usize) -> bool {
        Self::within(&self.taint_sum, from, to) > 0
    }

    fn decoders(&self, from: usize, to: usize) -> u32 {
        Self::within(&self.decoder_sum, from, to)
    }

    /// Carries what is known one step on; whether anything is new.
    fn carry(&mut self) -> bool {
        let before = (self.tainted.len(), self.decoded.len(), self.hidden.len(), self.gives.len());
        for at in 0..self.tokens.len() {
            match self.tokens[at] {
                Token::Sign(b'=') => self.assign(at),
                Token::Word(word) if word.eq_ignore_ascii_case(b"foreach") => self.foreach(at),
                Token::Word(word) if word.eq_ignore_ascii_case(b"return") => self.gives_back(at),
                Token::Word(word) if self.token(at + 1).is(b'(') => self.pass_on(at, word),
                _ => {}
            }
        }
        before != (self.tainted.len(), self.decoded.len(), self.hidden.len(), self.gives.len())
    }

    fn assign(&mut self, at: usize) {
        let (before, after) = (self.token(at.wrapping_sub(1)), self.token(at + 1));
        if matches!(before, Token::Sign(b'=' | b'!' | b'<' | b'>')) || matches!(after, Token::Sign(b'=' | b'>')) {
            return;
        }
        // `$a[...] =`, `$a .=`, `a =`.
        let mut target = at.wrapping_sub(1);
        if matches!(before, Token::Sign(b'.' | b'+' | b'?' | b'^')) {
            target = target.wrapping_sub(1);
        } else if before.is(b']') {
            target = (at.saturating_sub(16)..at)
                .find(|open| self.close[*open] as usize == at - 1)
                .unwrap_or(at)
                .wrapping_sub(1);
        }
        let Some(name) = self.name(target) else { return };
        if self.language.syntax.lines && name == b"request" {
            return;
        }
        let (place, end) = (self.place(target, name), self.end[at] as usize);
        if self.taints(at + 1, end) {
            self.tainted.insert(place.clone());
        }
        if self.decoders(at + 1, end) > 0 {
            self.decoded.insert(place.clone());
        }
        if let Some(sink) = self.built_name(at + 1, end) {
            self.hidden.insert(place, sink);
        }
    }

    fn foreach(&mut self, at: usize) {
        let (open, close) = (at + 1, self.closing(at + 1));
        let Some(named) = (open..close.min(open + LOOP)).find(|at| self.token(*at).says("as")) else { return };
        if self.taints(open, named) {
            for at in named..close.min(named + LOOP) {
                if let Token::Variable(name) = self.token(at) {
                    self.tainted.insert(self.place(at, name));
                }
            }
        }
    }

    fn gives_back(&mut self, at: usize) {
        if self.scope[at] == 0 || !self.taints(at + 1, self.end[at] as usize) {
            return;
        }
        if let Some(name) = self.names.get(self.scope[at] as usize - 1) {
            self.gives.insert(name.clone());
        }
    }

    fn pass_on(&mut self, at: usize, word: &[u8]) {
        if !self.taints(at + 2, self.closing(at + 1)) {
            return;
        }
        if let Some((number, parameters)) = self.functions.get(&lower(word)) {
            let places: Vec<Place> = parameters.iter().map(|name| (*number, name.clone())).collect();
            self.tainted.extend(places);
        }
    }

    /// A name put together from strings, perhaps turned round, when it is that of a function that runs something.
    fn built_name(&self, from: usize, to: usize) -> Option<Sink> {
        let (mut name, mut turn) = (Vec::new(), None);
        for at in from..to.min(from + LOOP) {
            match self.token(at) {
                Token::Text(text) => name.extend_from_slice(text),
                Token::Word(word) if turn.is_none() && name.is_empty() => turn = Some(lower(word)),
                Token::Sign(b'.' | b'(' | b')' | b'+') => {}
                _ => return None,
            }
            if name.len() > NAME {
                return None;
            }
        }
        let name = match turn.as_deref() {
            None => name,
            Some(b"strrev") => name.into_iter().rev().collect(),
            Some(b"str_rot13") => name.into_iter().map(rot13).collect(),
            Some(b"base64_decode") => base64(&name),
            Some(b"hex2bin") => hex(&name),
            Some(b"strtolower" | b"trim") => name,
            Some(_) => return None,
        };
        let sink = self.language.sinks.iter().find(|(sink, _)| name.eq_ignore_ascii_case(sink.as_bytes()))?.1;
        matches!(sink, Sink::Code | Sink::Command).then_some(sink)
    }

    fn sinks(&self) -> Vec<Flow> {
        let mut flows = Vec::new();
        for at in 0..self.tokens.len() {
            let flow = match self.tokens[at] {
                Token::Word(word) => self.named(at, word),
                Token::Variable(name) => self.called(at, name),
                _ => None,
            };
            if let Some(flow) = flow
                && !flows.contains(&flow)
            {
                flows.push(flow);
            }
        }
        flows
    }

    /// A function that runs something, by its own name.
    fn named(&self, at: usize, word: &[u8]) -> Option<Flow> {
        let method = self.token(at.wrapping_sub(1));
        let declared = method.says("function") || method.says("def");
        // In PHP a method of that name is somebody's own; elsewhere all are methods.
        let own = self.language.syntax.php && matches!(method, Token::Sign(b'>' | b':'));
        if declared || own || (self.language.syntax.lines && !self.is_of_system(at, word)) {
            return None;
        }
        if self.language.syntax.php && word.eq_ignore_ascii_case(b"preg_replace") {
            return self.replaces(at);
        }
        let (sink, kind) = self.language.sinks.iter().find(|(sink, _)| word.eq_ignore_ascii_case(sink.as_bytes()))?;
        let (from, to) = match self.token(at + 1) {
            Token::Sign(b'(') => (at + 2, self.closing(at + 1)),
            // Languages have statements that need no brackets, and properties that are set.
            _ if *kind == Sink::Include || self.language.name == "asp" || word.eq_ignore_ascii_case(b"eval") => {
                (at + 1, self.end[at] as usize)
            }
            _ => return None,
        };
        let flow = |name, score| Some(Flow { name, score, sink: (*sink).to_owned() });
        let (tainted, decoders) = (self.taints(from, to), self.decoders(from, to));
        match kind {
            Sink::Code if tainted => flow("request-runs-as-code", 90),
            Sink::Code if decoders > 1 => flow("decoded-runs-as-code", 75),
            Sink::Code if decoders == 1 => flow("decoded-runs-as-code", 65),
            Sink::Command if tainted => flow("request-runs-as-command", 80),
            Sink::Call if self.calls(from, to) => flow("request-names-function", 85),
            Sink::Include if tainted => flow("request-names-code", 45),
            Sink::Write if tainted && self.writes(from, to) => flow("request-writes-file", 60),
            _ => None,
        }
    }

    /// Whether a function of Python is that of the system: names like `run` are everybody's.
    fn is_of_system(&self, at: usize, word: &[u8]) -> bool {
        let bare = !self.token(at.wrapping_sub(1)).is(b'.');
        let of = self.token(at.wrapping_sub(2));
        match word {
            b"eval" | b"exec" => bare,
            b"Popen" | b"check_output" | b"getoutput" => bare || of.says("subprocess") || of.says("commands"),
            _ => !bare && (of.says("os") || of.says("subprocess")),
        }
    }

    /// A list of callables: one that is the client's, or one that runs something given what is the client's.
    fn calls(&self, from: usize, to: usize) -> bool {
        let callable = (from..to.min(from + LOOP)).any(|at| match self.token(at) {
            Token::Text(text) => self.runs(text),
            Token::Variable(name) => self.hidden.contains_key(&self.place(at, name)),
            _ => false,
        });
        let first = (from..to.min(from + LOOP)).find(|at| self.token(*at).is(b',')).unwrap_or(to);
        let names_it =
            self.tokens.get(from).is_some_and(|token| matches!(token, Token::Variable(_))) && self.taints(from, first);
        (callable && self.taints(from, to)) || (names_it && self.taints(first, to))
    }

    fn runs(&self, name: &[u8]) -> bool {
        let found = self.language.sinks.iter().find(|(sink, _)| name.eq_ignore_ascii_case(sink.as_bytes()));
        found.is_some_and(|(_, kind)| matches!(kind, Sink::Code | Sink::Command))
    }

    /// Whether both the name and the content of a file are the client's.
    fn writes(&self, from: usize, to: usize) -> bool {
        if !self.language.syntax.php {
            return true;
        }
        let comma = (from..to.min(from + LOOP)).find(|at| self.token(*at).is(b','));
        comma.is_some_and(|comma| self.taints(from, comma) && self.taints(comma, to))
    }

    /// `preg_replace` with the modifier that runs the replacement.
    fn replaces(&self, at: usize) -> Option<Flow> {
        let (from, to) = (at + 2, self.closing(at + 1));
        let Token::Text(pattern) = self.token(from) else { return None };
        let (delimiter, last) = (*pattern.first()?, pattern.iter().rposition(|byte| Some(byte) == pattern.first())?);
        let runs = !delimiter.is_ascii_alphanumeric() && last > 0 && pattern[last..].contains(&b'e');
        let flow = Flow { name: "request-runs-as-code", score: 85, sink: "preg_replace".into() };
        (runs && self.taints(from, to)).then_some(flow)
    }

    /// A function called by a variable.
    fn called(&self, at: usize, name: &[u8]) -> Option<Flow> {
        let mut open = at + 1;
        while self.token(open).is(b'[') {
            open = self.closing(open) + 1;
        }
        if !self.token(open).is(b'(') || self.token(at.wrapping_sub(1)).says("new") {
            return None;
        }
        let (given, place) = (self.taints(open + 1, self.closing(open)), self.place(at, name));
        let flow = |name, score| Some(Flow { name, score, sink: "variable".into() });
        if self.hidden.contains_key(&place) {
            return if given { flow("request-runs-by-hidden-name", 95) } else { flow("hidden-name", 55) };
        }
        if self.is_tainted(at) && !self.token(at.wrapping_sub(1)).is(b'>') {
            return if given { flow("request-names-function", 95) } else { flow("request-names-function", 75) };
        }
        (given && self.decoded.contains(&place)).then(|| flow("request-runs-by-hidden-name", 85)).flatten()
    }
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        other => other,
    }
}

/// Letters of RFC 4648; what is none ends it.
fn base64(text: &[u8]) -> Vec<u8> {
    let value = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for six in text.iter().map_while(value) {
        (bits, held) = (bits << 6 | u32::from(six), held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

fn hex(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    text.chunks_exact(2).map_while(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_turned_back() {
        assert_eq!(base64(b"c3lzdGVt"), b"system");
        assert_eq!(base64(b"ZXZhbA=="), b"eval");
        assert_eq!(hex(b"73797374656d"), b"system");
        assert_eq!(b"nffreg".map(rot13), *b"assert");
    }
}
