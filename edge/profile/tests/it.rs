//! Cases found by name, and what must hold of any traffic and any document.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use profile::{Bounds, Learner, Need, Place, Profile, Request};
use proptest::prelude::*;
use serde_json::Value;

/// A request that owns its parts.
#[derive(Debug, Clone, Default)]
struct Owned {
    method: String,
    path: String,
    content_type: String,
    parameters: Vec<(Place, String, String)>,
    source: u64,
}

impl Owned {
    /// From a case; `{n}` stands for a number.
    fn of(from: &Value, number: usize) -> Owned {
        let fill = |text: &str| text.replace("{n}", &number.to_string());
        let text = |key: &str| fill(from[key].as_str().unwrap_or_default());
        let mut parameters = Vec::new();
        for (key, place) in
            [("query", Place::Query), ("form", Place::Form), ("json", Place::Json), ("header", Place::Header)]
        {
            for (name, value) in from[key].as_object().into_iter().flatten() {
                let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                parameters.extend(values.iter().map(|value| (place, name.clone(), fill(value.as_str().unwrap()))));
            }
        }
        let source = number as u64 % from["sources"].as_u64().unwrap_or(10);
        Owned { method: text("method"), path: text("path"), content_type: text("type"), parameters, source }
    }

    fn with<R>(&self, run: impl FnOnce(&Request) -> R) -> R {
        let parameters: Vec<_> =
            self.parameters.iter().map(|(place, name, value)| (*place, name.as_bytes(), value.as_bytes())).collect();
        run(&Request {
            method: self.method.as_bytes(),
            path: self.path.as_bytes(),
            content_type: self.content_type.as_bytes(),
            parameters: &parameters,
            source: self.source,
        })
    }

    /// Violations in short: `type query page`.
    fn judge(&self, profile: &Profile) -> Vec<String> {
        let found = self.with(|request| profile.judge(request));
        let short = found.iter().map(|violation| match violation.place {
            Some(place) => {
                format!("{} {} {}", violation.kind.id(), place.name(), violation.name).trim_end().to_string()
            }
            None => violation.kind.id().to_string(),
        });
        short.collect()
    }
}

fn read_back(profile: &Profile) -> Profile {
    let document = profile::write(profile, "site", "1");
    let read = profile::read(document.to_string().as_bytes(), false).unwrap();
    assert_eq!(read.notes, Vec::<String>::new(), "{document:#}");
    read.profile
}

#[test]
fn every_case_is_judged_as_it_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let profiles = match case.get("document") {
            Some(document) => {
                let read = profile::read(document.to_string().as_bytes(), true).unwrap();
                let notes: Vec<Value> = read.notes.iter().map(|note| note.as_str().into()).collect();
                assert_eq!(Value::from(notes), case["notes"], "{name}");
                vec![read.profile]
            }
            None => {
                let mut learner = Learner::default();
                for traffic in case["traffic"].as_array().unwrap() {
                    for number in 0..traffic["times"].as_u64().unwrap() as usize {
                        let status = traffic["status"].as_u64().unwrap_or(200) as u16;
                        Owned::of(traffic, number).with(|request| learner.learn(request, status, 0));
                    }
                }
                let learned = Learner::restore(&learner.store()).unwrap().profile();
                if let Some(expected) = case.get("written") {
                    let written = profile::write(&learned, "site", "1");
                    assert_eq!(written["paths"], *expected, "{name}: {:#}", written["paths"]);
                }
                vec![read_back(&learned), learned]
            }
        };
        for profile in &profiles {
            for (at, request) in case["judge"].as_array().unwrap().iter().enumerate() {
                let found: Vec<Value> = Owned::of(request, at).judge(profile).into_iter().map(Value::from).collect();
                assert_eq!(Value::from(found), request["violations"], "{name} {at}: {request}");
            }
        }
        cases += 1;
    }
    assert!(cases >= 5, "{cases} cases");
}

#[test]
fn one_source_alone_changes_nothing() {
    let mut learner = Learner::default();
    let mut learn = |source: u64, value: &str, path: &str, times: usize| {
        let request = Owned {
            method: "GET".into(),
            path: path.into(),
            parameters: vec![(Place::Query, "q".into(), value.into())],
            source,
            ..Owned::default()
        };
        (0..times).for_each(|_| request.with(|request| learner.learn(request, 200, 0)));
    };
    (0..10).for_each(|source| learn(source, "word", "/search", 10));
    learn(77, "' or 1=1 --", "/search", 5000);
    learn(77, "x", "/admin/backdoor", 5000);
    learn(78, &"long ".repeat(500), "/search", 5000);
    let profile = learner.profile();
    let judge = |path: &str, value: &str| {
        Owned {
            method: "GET".into(),
            path: path.into(),
            parameters: vec![(Place::Query, "q".into(), value.into())],
            ..Owned::default()
        }
        .judge(&profile)
    };
    assert_eq!(judge("/search", "word"), Vec::<String>::new());
    assert_eq!(judge("/search", "' or 1=1 --"), ["value query q"]);
    assert_eq!(judge("/admin/backdoor", "x"), ["path"]);
}

#[test]
fn memory_is_bounded_whatever_is_sent() {
    let bounds =
        Bounds { need: Need { requests: 2, sources: 1 }, nodes: 300, depth: 6, parameters: 10, all_parameters: 50 };
    let mut learner = Learner::new(bounds);
    for number in 0..20_000_usize {
        let request = Owned {
            method: format!("M{}", number % 40),
            path: format!("/{}/{}/x{}", ["a", "b", "word"][number % 3], number * 7919 % 5000, number % 977),
            parameters: (0..20)
                .map(|at| (Place::Query, format!("p{}", number * at), "v".repeat(number % 300)))
                .collect(),
            source: number as u64,
            ..Owned::default()
        };
        request.with(|request| learner.learn(request, 200, number as i64));
    }
    let left = learner.left();
    assert!(left.nodes <= 300 && left.parameters <= 50, "{left:?}");
    assert!(left.parameters_left_out > 0);
    learner.forget(20_001);
    assert!(learner.left().nodes <= left.nodes);
    let deep = Owned { method: "GET".into(), path: "/a".repeat(10_000), ..Owned::default() };
    deep.with(|request| learner.learn(request, 200, 0));
}

#[test]
fn documents_that_hold_themselves_are_read_to_an_end() {
    let schema = r##"{"type":"object","properties":{"a":{"$ref":"#/components/schemas/A"},"b":{"$ref":"#/components/schemas/A"},"c":{"type":"string"}}}"##;
    let list = r##"{"type":"array","items":{"$ref":"#/components/schemas/L"}}"##;
    let circle = r##"{"$ref":"#/components/schemas/C"}"##;
    let document = format!(
        r##"{{"openapi":"3.0.0","info":{{}},"components":{{"schemas":{{"A":{schema},"L":{list},"C":{circle}}}}},"paths":{{"/x":{{"post":{{
            "parameters":[{{"name":"l","in":"query","schema":{{"$ref":"#/components/schemas/L"}}}},{{"name":"c","in":"query","schema":{{"$ref":"#/components/schemas/C"}}}}],
            "requestBody":{{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/A"}}}}}}}}}}}}}}}}"##
    );
    let read = profile::read(document.as_bytes(), true).unwrap();
    assert!(!read.notes.is_empty());
    let request = Owned {
        method: "POST".into(),
        path: "/x".into(),
        content_type: "application/json".into(),
        parameters: vec![(Place::Json, "json.a.b.c".into(), "x".into())],
        ..Owned::default()
    };
    assert_eq!(request.judge(&read.profile), Vec::<String>::new());
}

/// A site that answers everything with success, and one client who asks for inventions.
#[test]
fn one_source_fills_the_tree_and_keeps_no_path_out() {
    let bounds = Bounds { nodes: 400, ..Bounds::default() };
    let mut learner = Learner::new(bounds);
    let mut ask = |source: u64, path: String, time: i64| {
        let request = Owned { method: "GET".into(), path, source, ..Owned::default() };
        request.with(|request| learner.learn(request, 200, time));
    };
    (0..5_000).for_each(|number| ask(7, format!("/a{number}x/b/c"), number));
    (0..60).for_each(|number| ask(number % 5, "/shop/cart".into(), 5_000 + number as i64));
    (0..5_000).for_each(|number| ask(7, format!("/b{number}x/b/c"), 6_000 + number));
    (0..60).for_each(|number| ask(number % 5, "/shop/pay".into(), 12_000 + number as i64));
    assert!(learner.left().nodes <= bounds.nodes);
    let profile = learner.profile();
    let judge = |path: &str| Owned { method: "GET".into(), path: path.into(), ..Owned::default() }.judge(&profile);
    assert_eq!((judge("/shop/cart"), judge("/shop/pay")), (vec![], vec![]));
    assert_eq!(judge("/a1x/b/c"), ["path"], "what one source has shown");
    assert_eq!(judge("/admin"), ["path"], "and what one source was refused room for opens nothing");
}

/// Many clients, each with a path of his own: the oldest go.
#[test]
fn paths_of_many_sources_go_by_age_and_what_found_no_room_is_not_refused() {
    let mut learner = Learner::new(Bounds { nodes: 400, ..Bounds::default() });
    let mut ask = |source: u64, path: String, time: i64| {
        let request = Owned { method: "GET".into(), path, source, ..Owned::default() };
        request.with(|request| learner.learn(request, 200, time));
    };
    (0..3_000).for_each(|number| ask(number, format!("/top/a{number}x"), number as i64));
    (0..60).for_each(|number| ask(number % 5, "/shop/cart".into(), 5_000 + number as i64));
    let judge = |learner: &Learner, path: &str| {
        Owned { method: "GET".into(), path: path.into(), ..Owned::default() }.judge(&learner.profile())
    };
    assert_eq!(judge(&learner, "/shop/cart"), Vec::<String>::new());
    // More proven paths than fit, each beside few others, so that none is put together with them.
    for number in 0..600_u64 {
        for source in 0..25 {
            let path = format!("/word{}/word{}/page", number / 24, number % 24);
            let request = Owned { method: "GET".into(), path, source: source % 5, ..Owned::default() };
            request.with(|request| learner.learn(request, 200, 20_000));
        }
    }
    let left = learner.left();
    assert!(left.paths_left_out > 0 && left.nodes <= 400, "{left:?}");
    let profile = Learner::restore(&learner.store()).unwrap().profile();
    assert!(profile.takes_unknown_paths() && read_back(&profile).takes_unknown_paths());
    let late = Owned { method: "GET".into(), path: "/word24/word23/page".into(), ..Owned::default() };
    assert_eq!(late.judge(&read_back(&profile)), Vec::<String>::new());
}

#[test]
fn who_comes_first_with_eight_values_does_not_decide_that_there_are_many() {
    let mut learner = Learner::default();
    let mut ask = |source: u64, value: String| {
        let parameters = vec![(Place::Query, "sort".into(), value)];
        let request = Owned { method: "GET".into(), path: "/list".into(), parameters, source, ..Owned::default() };
        request.with(|request| learner.learn(request, 200, 0));
    };
    (0..20).for_each(|number| ask(99, format!("odd{number}")));
    (0..300).for_each(|number| ask(number % 7, ["price", "name", "date"][number as usize % 3].into()));
    let profile = learner.profile();
    let judge = |value: &str| {
        let parameters = vec![(Place::Query, "sort".into(), value.into())];
        Owned { method: "GET".into(), path: "/list".into(), parameters, ..Owned::default() }.judge(&profile)
    };
    assert_eq!(judge("price"), Vec::<String>::new());
    assert_eq!(judge("odd3"), ["value query sort"]);
}

#[test]
fn a_long_media_type_takes_no_memory() {
    let mut learner = Learner::default();
    for number in 0..200_u64 {
        let content_type = format!("application/{number}-{}", "x".repeat(8_000));
        let request =
            Owned { method: "POST".into(), path: "/form".into(), content_type, source: number, ..Owned::default() };
        request.with(|request| learner.learn(request, 200, 0));
    }
    assert!(learner.store().len() < 4_000, "{}", learner.store().len());
}

/// A literal brace is no parameter, an encoded slash no border, also after a document was written and read.
#[test]
fn paths_with_signs_of_templates_are_written_as_what_they_are() {
    let mut learner = Learner::default();
    for path in ["/%7Bany%7D", "/a%2Fb/c", "/100%25", "/%E5%AE%A2"] {
        for source in 0..40 {
            let request = Owned { method: "GET".into(), path: path.into(), source, ..Owned::default() };
            request.with(|request| learner.learn(request, 200, 0));
        }
    }
    let learned = learner.profile();
    for profile in [&read_back(&learned), &learned] {
        let judge = |path: &str| Owned { method: "GET".into(), path: path.into(), ..Owned::default() }.judge(profile);
        for known in ["/%7Bany%7D", "/{any}", "/a%2Fb/c", "/100%25", "/客"] {
            assert_eq!(judge(known), Vec::<String>::new(), "{known}");
        }
        for other in ["/anything", "/a/b/c", "/100"] {
            assert_eq!(judge(other), ["path"], "{other}");
        }
        assert_eq!(judge(&format!("/a%2Fb/c{}", "/c".repeat(100))), ["path"]);
    }
}

fn any_request() -> impl Strategy<Value = Owned> {
    let word = || {
        prop::sample::select(vec![
            "a",
            "b",
            "{a}",
            "a%2Fb",
            "users",
            "7",
            "42",
            "2026-01-02",
            "550e8400-e29b-41d4-a716-446655440000",
            "x y",
            "'",
            "",
            "true",
            "1.5",
            "a@b.org",
        ])
    };
    let place = prop::sample::select(vec![Place::Query, Place::Form, Place::Json]);
    let name = prop::sample::select(vec!["p", "q", "json.a.b", "json.a.array_0", "json.l.array_0.id", "json", "a.b"]);
    let parameter = (place, name, word()).prop_map(|(place, name, value)| (place, name.to_string(), value.to_string()));
    (
        prop::sample::select(vec!["GET", "POST"]),
        prop::collection::vec(word(), 0..4),
        prop::sample::select(vec!["", "application/json", "application/x-www-form-urlencoded", "text/plain"]),
        prop::collection::vec(parameter, 0..5),
        0..6_u64,
    )
        .prop_map(|(method, path, content_type, parameters, source)| Owned {
            method: method.into(),
            path: format!("/{}", path.join("/")),
            content_type: content_type.into(),
            parameters,
            source,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_profile_written_and_read_back_judges_alike(
        traffic in prop::collection::vec(any_request(), 0..60),
        judged in prop::collection::vec(any_request(), 0..20),
    ) {
        let mut learner = Learner::new(Bounds { need: Need { requests: 2, sources: 2 }, ..Bounds::default() });
        for request in traffic.iter().chain(&traffic) {
            request.with(|request| learner.learn(request, 200, 0));
        }
        let profile = learner.profile();
        let again = read_back(&profile);
        for request in judged.iter().chain(&traffic) {
            prop_assert_eq!(request.judge(&profile), request.judge(&again), "{:?}", request);
        }
    }

    /// What was seen often and by many is never a violation.
    #[test]
    fn what_was_learned_is_not_refused(traffic in prop::collection::vec(any_request(), 1..20)) {
        let mut learner = Learner::new(Bounds { need: Need { requests: 2, sources: 2 }, ..Bounds::default() });
        for source in 0..4 {
            for request in &traffic {
                Owned { source, ..request.clone() }.with(|request| learner.learn(request, 200, 0));
            }
        }
        let profile = learner.profile();
        for request in &traffic {
            prop_assert_eq!(request.judge(&profile), Vec::<String>::new(), "{:?} {:#}", request, profile::write(&profile, "", ""));
        }
    }

    #[test]
    fn any_bytes_are_taken(method in prop::collection::vec(any::<u8>(), 0..30), path in prop::collection::vec(any::<u8>(), 0..100), name in prop::collection::vec(any::<u8>(), 0..200), value in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut learner = Learner::new(Bounds { need: Need { requests: 1, sources: 1 }, ..Bounds::default() });
        for place in [Place::Query, Place::Json, Place::Form, Place::Cookie, Place::Header] {
            let parameters = [(place, &name[..], &value[..])];
            let request = Request { method: &method, path: &path, content_type: &value, parameters: &parameters, source: 0 };
            learner.learn(&request, 200, 0);
            let profile = learner.profile();
            profile.judge(&request);
            let document = profile::write(&profile, "", "").to_string();
            profile::read(document.as_bytes(), true).unwrap().profile.judge(&request);
        }
    }

    #[test]
    fn documents_with_anything_in_them_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"type\"", "\"object\"", "\"array\"", "\"items\"", "\"properties\"", "\"$ref\"", "\"#/paths\"", "\"paths\"",
            "\"/a/{b}\"", "\"get\"", "\"parameters\"", "\"in\"", "\"query\"", "\"schema\"", "1", "true", "null", "\"required\"",
        ]), 0..30),
    ) {
        let inside = pieces.concat();
        let _ = profile::read(format!("{{\"openapi\":\"3.1.0\",\"paths\":{inside}}}").as_bytes(), true);
        let _ = profile::read(format!("{{\"openapi\":\"3.1.0\",\"paths\":{{\"/a\":{{\"post\":{inside}}}}}}}").as_bytes(), true);
    }
}
