//! Attacks where rules do not look by themselves: the values of a corpus hidden in a Referer, in JSON, base64 or double
//! encoding within a parameter, in a token, in GraphQL and in gRPC; with our decoders, without them, and beside
//! libmodsecurity. Harmless values are hidden the same way: what the decoders cost.

use super::{Options, PEER, corpora, judge};
use crate::answer::Answer;
use crate::corpus;
use crate::encode;
use crate::ours::Ours;
use crate::request::{Case, Request};
use crate::rules::{Mode, Rules};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kit::figures::Row;

/// Where the values come from.
const CORPUS: &str = "httpparams";
/// Every n-th value of the corpus is enough: each is sent in every way, and three times judged.
const EVERY: usize = 20;
/// CRS refuses these media types whatever is in them; a site that speaks them allows them.
const ALLOWED: &str = "SecRuleRemoveById 920420";

/// A hiding place: its name and how a value gets there.
type Way = (&'static str, &'static str, fn(&str) -> Request);

const WAYS: &[Way] = &[
    ("plain", "a parameter, nothing hidden", |value| get("q", value)),
    ("referer", "a parameter of the Referer", |value| {
        let page = [b"https://www.example.org/?q=".to_vec(), encode::query(value.as_bytes())].concat();
        Request::browser("GET", "/").header("Referer", page)
    }),
    ("json", "JSON in a parameter", |value| get("filter", &serde_json::json!({"name": {"is": value}}).to_string())),
    ("base64", "base64 in a parameter", |value| get("state", &STANDARD.encode(value))),
    ("thrice", "a parameter encoded three times", |value| {
        let inner = encode::query(&encode::query(value.as_bytes()));
        get("q", &String::from_utf8_lossy(&inner))
    }),
    ("token", "a claim of a token in a cookie", |value| {
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let (header, claims) =
            (part(r#"{"alg":"HS256"}"#.into()), part(serde_json::json!({"name": value}).to_string()));
        Request::browser("GET", "/").header("Cookie", format!("token={header}.{claims}.c2lnbmF0dXJl"))
    }),
    ("graphql", "a string of a GraphQL document", |value| {
        let text = serde_json::Value::from(value);
        let document = format!("query {{ user(name: {text}) {{ id }} }}");
        Request::browser("POST", "/graphql").with_body("application/graphql", document)
    }),
    ("grpc", "a text of a gRPC message", |value| {
        Request::browser("POST", "/shop.Cart/Add")
            .with_body("application/grpc", frame(&field(2, &field(1, value.as_bytes()))))
    }),
];

fn get(name: &str, value: &str) -> Request {
    Request::browser("GET", [format!("/search?{name}=").into_bytes(), encode::query(value.as_bytes())].concat())
}

/// A length-delimited field of protocol buffers.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

/// A frame of gRPC.
fn frame(message: &[u8]) -> Vec<u8> {
    [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// The decoded value of a case: what follows `q=`.
fn value(case: &Case) -> Option<String> {
    let target = case.request.target.strip_prefix(b"/search?q=")?;
    let decoded = waf::body::decode(target).into_owned();
    String::from_utf8(decoded).ok()
}

/// Runs all ways at paranoia level 1.
pub fn run(options: &Options) -> Result<Vec<Row>, String> {
    let rules = Rules { extra: ALLOWED.into(), ..Rules::new(Mode::Level(1)) };
    let folder = corpus::data().join(CORPUS);
    let Some(corpus) = corpus::ALL.iter().find(|corpus| corpus.name() == CORPUS) else {
        return Err(format!("no reader of {CORPUS}"));
    };
    if !rules.present() || !folder.is_dir() {
        println!("skipped: OWASP CRS or corpus {CORPUS} not present");
        return Ok(Vec::new());
    }
    let cases: Vec<Case> = corpus.read(&folder)?.into_iter().step_by(EVERY * options.every.max(1)).collect();
    let values: Vec<(bool, String)> = cases.iter().filter_map(|case| Some((case.attack, value(case)?))).collect();
    let inside = Ours::load(&rules)?.looking_inside();
    println!("hidden values at paranoia level 1: {} values", values.len());
    println!(
        "  {:<10} {:>10} {:>10} {:>10}   {:>10} {:>10} {:>10}",
        "", "attacks %", "without", "peer", "harmless %", "without", "peer"
    );
    let mut rows = Vec::new();
    for way in WAYS {
        let requests: Vec<Request> = values.iter().map(|(_, value)| way.2(value)).collect();
        let both = judge(options, &rules, &requests.iter().collect::<Vec<_>>())?;
        let with: Vec<Answer> = requests.iter().map(|request| inside.answer(request)).collect();
        let share = |answers: &[Answer], attack: bool| {
            let of = values.iter().zip(answers).filter(|((is, _), _)| *is == attack);
            let stopped = of.clone().filter(|(_, answer)| answer.intervention.is_some()).count();
            100.0 * stopped as f64 / of.count().max(1) as f64
        };
        let shares = |attack| [&with, &both.ours, &both.theirs].map(|answers| share(answers, attack));
        let (attacks, harmless) = (shares(true), shares(false));
        println!(
            "  {:<10} {:>10.2} {:>10.2} {:>10.2}   {:>10.2} {:>10.2} {:>10.2}",
            way.0, attacks[0], attacks[1], attacks[2], harmless[0], harmless[1], harmless[2]
        );
        // The first way is what the others are measured by.
        if way.0 != "plain" {
            rows.extend(of_way(way, attacks, harmless, !both.theirs.is_empty(), &values));
        }
    }
    rows.push(nothing_hidden(options, &rules, &inside)?);
    Ok(rows)
}

/// What the decoders make of all harmless requests of the corpora, in which nothing was hidden.
fn nothing_hidden(options: &Options, rules: &Rules, inside: &Ours) -> Result<Row, String> {
    let without = Ours::load(rules)?;
    let cases: Vec<Case> = corpora::cases(options.every)?.into_iter().filter(|case| !case.attack).collect();
    let stopped = |engine: &Ours, case: &Case| engine.answer(&case.request).intervention.is_some();
    let before = cases.iter().filter(|case| stopped(&without, case)).count();
    let more: Vec<&Case> = cases.iter().filter(|case| stopped(inside, case) && !stopped(&without, case)).collect();
    for case in more.iter().take(options.examples) {
        println!("    with decoders only: {} {} {}", case.source, case.name, case.request.target.escape_ascii());
    }
    println!(
        "  harmless requests of all corpora: {before} of {} stopped, {} more with decoders",
        cases.len(),
        more.len()
    );
    Ok(Row {
        id: "E1.hidden-nothing-benign".into(),
        what: "harmless requests stopped more with decoders than without, CRS 3.3.4 at paranoia level 1".into(),
        ours: vec![100.0 * more.len() as f64 / cases.len().max(1) as f64],
        unit: "%",
        peer: Vec::new(),
        peer_name: String::new(),
        goal: "<= 0.05".into(),
        met: more.len() * 2000 <= cases.len(),
        data: format!("all corpora: {} harmless requests", cases.len()),
    })
}

/// Rows of one way: attacks stopped, harmless values stopped.
fn of_way(way: &Way, attacks: [f64; 3], harmless: [f64; 3], peer: bool, values: &[(bool, String)]) -> [Row; 2] {
    let count = |attack: bool| values.iter().filter(|(is, _)| *is == attack).count();
    let row = |kind: &str, verb: &str, shares: [f64; 3], goal: &str, met: bool, count: usize| Row {
        id: format!("E1.hidden-{}-{kind}", way.0),
        what: format!(
            "{verb}, hidden in {}, with decoders (without: {:.2} %), CRS 3.3.4 at paranoia level 1",
            way.1, shares[1]
        ),
        ours: vec![shares[0]],
        unit: "%",
        peer: if peer { vec![shares[2]] } else { Vec::new() },
        peer_name: PEER.into(),
        goal: goal.into(),
        met,
        data: format!("a sample of httpparams: {count} values; rule 920420 is off"),
    };
    let more = harmless[0] - harmless[1];
    [
        row("attacks", "attacks stopped", attacks, ">= 90", attacks[0] >= 90.0, count(true)),
        row("benign", "harmless values stopped", harmless, "<= 0.1 more than without", more <= 0.1, count(false)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_hides_the_value_where_its_decoder_finds_it() {
        let value = "x' union select 1";
        for (name, _, build) in WAYS.iter().filter(|(name, _, _)| *name != "plain") {
            let request = build(value);
            let rules = "SecRuleEngine On\nSecRequestBodyAccess On\nSecRule ARGS|REQUEST_COOKIES \"@streq x' union select 1\" \"id:1,phase:2,deny\"\n";
            let seen = |ours: Ours| ours.answer(&request).intervention.is_some();
            assert!(seen(Ours::of(rules).unwrap().looking_inside()), "{name}");
            assert!(!seen(Ours::of(rules).unwrap()), "{name}");
        }
    }
}
