//! Requests for speed: of each kind many, all different, so that no cache of an engine ever sees the same twice.

use crate::encode::query;
use crate::request::Request;
use base::{Random, SeededRandom};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page with three query arguments, browser headers and cookies.
    Get,
    /// A form of nine fields, about 230 bytes.
    Form,
    /// An order with eight items, about 1 kB of JSON.
    Json,
    /// A form of three fields, one of them 10 kB of prose.
    Prose,
    /// A form of three fields, one of them 64 kB of prose.
    Large,
    /// `UNION SELECT` in a query argument.
    Attack,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 6] = [Kind::Get, Kind::Form, Kind::Json, Kind::Prose, Kind::Large, Kind::Attack];

    /// Its name in ids of figures.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Get => "get",
            Kind::Form => "form",
            Kind::Json => "json",
            Kind::Prose => "form-10k",
            Kind::Large => "form-64k",
            Kind::Attack => "attack",
        }
    }

    /// Most CPU a request may take through the whole gateway, microseconds (REQUIREMENTS E1).
    pub fn goal(self) -> Option<f64> {
        match self {
            Kind::Get => Some(60.0),
            Kind::Form => Some(100.0),
            Kind::Json => Some(250.0),
            Kind::Prose => Some(700.0),
            Kind::Large | Kind::Attack => None,
        }
    }
}

const WORDS: &[&str] = &[
    "garden", "river", "winter", "market", "evening", "letter", "window", "mountain", "kitchen", "summer", "bridge",
    "doctor", "village", "harbour", "paper", "number", "colour", "station", "teacher", "weather", "journey", "story",
    "the", "a", "of", "and", "to", "in", "we", "they", "was", "is", "from", "with", "over", "because", "when", "I'm",
    "don't", "old", "small", "quiet", "green", "late", "early", "bright", "walked", "looked", "found", "brought",
    "said", "thought", "asked", "returned", "wrote", "carried", "between", "like", "over",
];
const NAMES: &[&str] =
    &["Ada", "Grace", "Edsger", "Barbara", "Donald", "Niklaus", "Radia", "Ken", "Wei", "Li", "Anna", "Jörg"];
const CITIES: &[&str] = &["Shanghai", "Berlin", "São Paulo", "Osaka", "Leeds", "Porto", "Austin", "Chengdu"];

/// `count` different requests of a kind; the same in every run.
pub fn requests(kind: Kind, count: usize) -> Vec<Request> {
    let mut chance = Chance(SeededRandom::new(20_261_127 + kind as u64));
    (0..count).map(|number| chance.request(kind, number)).collect()
}

struct Chance(SeededRandom);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit as u64) as usize
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    fn hex(&mut self, bytes: usize) -> String {
        (0..bytes).map(|_| format!("{:02x}", self.below(256))).collect()
    }

    fn prose(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            if !text.is_empty() {
                text.push_str(if self.below(12) == 0 { ". " } else { " " });
            }
            text.push_str(self.pick(WORDS));
        }
        text
    }

    fn browser(&mut self, method: &str, target: String) -> Request {
        let version = 100 + self.below(40);
        let agent = format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0");
        let cookies = format!("session={}; theme=dark; lang=en-GB; last={}", self.hex(16), self.below(1_000_000));
        Request::browser(method, target)
            .header("User-Agent", agent)
            .header("Referer", format!("https://www.example.com/list/{}", self.below(10_000)))
            .header("Cookie", cookies)
    }

    fn request(&mut self, kind: Kind, number: usize) -> Request {
        match kind {
            Kind::Get => {
                let words = self.prose(12);
                let target = format!("/goods/{number}?q={}&page={}&sort=price", text(&words), self.below(90));
                self.browser("GET", target)
            }
            Kind::Attack => {
                let (left, columns) = (self.below(9000), 2 + self.below(6));
                let list = vec!["NULL"; columns].join(",");
                let sql = format!("-{left}' UNION ALL SELECT {list},CONCAT(0x{},user()) FROM users-- -", self.hex(4));
                let target = format!("/goods/{number}?id={}&page={}", text(&sql), self.below(90));
                self.browser("GET", target)
            }
            Kind::Form => self.form(),
            Kind::Json => self.order(number),
            Kind::Prose => self.letter(10_000),
            Kind::Large => self.letter(64_000),
        }
    }

    fn form(&mut self) -> Request {
        let name = self.pick(NAMES);
        let fields = [
            ("name", name.to_string()),
            ("email", format!("{}{}@example.com", self.pick(WORDS), self.below(1000)).replace('\'', "")),
            ("phone", format!("+49 30 {}", 100_000 + self.below(900_000))),
            ("street", format!("{} street {}", self.pick(WORDS), self.below(300))),
            ("city", self.pick(CITIES).to_string()),
            ("zip", format!("{}", 10_000 + self.below(89_999))),
            ("country", "DE".to_string()),
            ("comment", self.prose(40)),
            ("csrf", self.hex(16)),
        ];
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
        self.browser("POST", "/checkout/address".into()).with_body("application/x-www-form-urlencoded", body.join("&"))
    }

    fn order(&mut self, number: usize) -> Request {
        let items: Vec<serde_json::Value> = (0..8)
            .map(|_| {
                serde_json::json!({"sku": self.hex(6), "title": self.prose(24), "quantity": 1 + self.below(9),
                    "price": self.below(100_000) as f64 / 100.0, "gift": self.below(2) == 1})
            })
            .collect();
        let order = serde_json::json!({"order": number, "currency": "EUR", "customer": {"name": self.pick(NAMES),
            "city": self.pick(CITIES), "note": self.prose(60)}, "items": items});
        self.browser("POST", "/api/orders".into()).with_body("application/json", order.to_string())
    }

    fn letter(&mut self, bytes: usize) -> Request {
        let (title, letter, author) = (self.prose(30), self.prose(bytes), self.pick(NAMES));
        let body = format!("title={}&text={}&author={}", text(&title), text(&letter), text(author));
        self.browser("POST", "/blog/new".into()).with_body("application/x-www-form-urlencoded", body)
    }
}

fn text(value: &str) -> String {
    String::from_utf8_lossy(&query(value.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_requests_are_the_same_and_runs_are() {
        for kind in Kind::ALL {
            let made = requests(kind, 50);
            assert_eq!(made, requests(kind, 50));
            assert_eq!(made.iter().map(Request::line).collect::<BTreeSet<_>>().len(), 50, "{}", kind.name());
        }
    }

    #[test]
    fn sizes_are_those_of_the_kind() {
        let mean = |kind| requests(kind, 50).iter().map(|request| request.body.len()).sum::<usize>() / 50;
        for (kind, low, high) in [
            (Kind::Get, 0, 0),
            (Kind::Form, 180, 280),
            (Kind::Json, 900, 1400),
            (Kind::Prose, 9_900, 10_500),
            (Kind::Large, 63_900, 65_500),
        ] {
            let size = mean(kind);
            assert!((low..=high).contains(&size), "{}: {size}", kind.name());
        }
    }
}
