//! TAXII 2.1 both ways: our client and our server with each other, with taxii2-client, and with medallion.

use super::http::{Plain, serve};
use super::store::{Memory, OPEN, SECRET, now};
use super::{run, start, tell};
use crate::cases::{Kept, settings};
use async_trait::async_trait;
use base::Result;
use intel::format::taxii::client::{self, Cursor, Fetch, Fetched, Pull, Step};
use intel::format::taxii::server::{Request, Response, Server};
use intel::format::taxii::{DATE_ADDED_FIRST, DATE_ADDED_LAST, MEDIA_TYPE};
use intel::format::{fault, import, named};
use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};

const NOW_US: i64 = 1_780_000_000_000_000;

fn server() -> Server {
    Server {
        title: "Garrison".into(),
        description: "indicators".into(),
        contact: "security@corp.example".into(),
        origin: String::new(),
        discovery: "/taxii2/".into(),
        root: "/taxii2/garrison/".into(),
        max_content_length: 100_000,
    }
}

/// Our server without a network between.
struct Direct<'d> {
    store: &'d Memory,
    /// Statuses to answer with before anything else.
    busy: Mutex<Vec<u16>>,
}

#[async_trait]
impl Fetch for Direct<'_> {
    async fn get(&self, url: &str, headers: &[(&str, &str)], _most: usize) -> Result<Fetched> {
        if let Some(status) = self.busy.lock().unwrap().pop() {
            return Ok(Fetched { status, headers: vec![("retry-after".into(), "7".into())], body: Vec::new() });
        }
        let path = url.strip_prefix("https://ti.example").unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request { method: "GET", path, query, accept: headers[0].1, ..Request::default() };
        let answer = server().answer(&request, self.store).await?;
        let headers = answer.headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        Ok(Fetched { status: answer.status, headers, body: answer.body })
    }
}

#[test]
fn a_pull_reads_everything_once_though_all_has_the_same_date() {
    let store = Memory::with(2503, NOW_US);
    let fetch = Direct { store: &store, busy: Mutex::new(vec![503, 429]) };
    let discovery = now(client::discover(&fetch, "https://ti.example/taxii2/"));
    assert!(discovery.unwrap_err().is(&fault::LATER));
    fetch.busy.lock().unwrap().clear();
    let discovery = now(client::discover(&fetch, "https://ti.example/taxii2/")).unwrap();
    assert_eq!(discovery.default.as_deref(), Some("https://ti.example/taxii2/garrison/"), "relative roots are joined");
    let root = &discovery.api_roots[0];
    let collections = now(client::collections(&fetch, root)).unwrap();
    assert_eq!((collections.len(), collections[0].id.as_str(), collections[1].can_read), (2, OPEN, false));

    fetch.busy.lock().unwrap().extend([500, 503]);
    let mut pull = Pull::new(root, OPEN, Cursor::default(), 100).unwrap();
    let (mut kept, mut pages) = (Kept::default(), 0);
    let mut waits = Vec::new();
    let mut page = |body: &[u8], _: &Cursor| {
        pages += 1;
        let report = import(&mut &*body, Some(named("stix").unwrap()), &settings(), &mut kept);
        report.fault.map_or(Ok(()), Err)
    };
    while let Some(wait_s) = now(client::drive(&fetch, &mut pull, &mut page)).unwrap() {
        waits.push(wait_s);
    }
    assert_eq!((waits, pages, kept.indicators.len()), (vec![7, 7], 26, 2503));
    assert_eq!(*store.reads.lock().unwrap(), (101, 26), "a page is one read");
    let values: std::collections::BTreeSet<_> = kept.indicators.iter().map(|found| &found.value).collect();
    assert_eq!(values.len(), 2503);

    // Nothing new behind the cursor; what is added later is all that comes.
    let cursor = pull.cursor().clone();
    assert_eq!(cursor.added_after, "2026-05-28T20:26:40.000000Z");
    store.put(
        OPEN,
        "malware",
        "malware--00000000-0000-4000-8000-000000000001",
        1,
        NOW_US + 1,
        "{\"type\":\"malware\",\"id\":\"malware--00000000-0000-4000-8000-000000000001\"}".into(),
    );
    let mut pull = Pull::new(root, OPEN, cursor, 100).unwrap();
    let mut bodies = Vec::new();
    let mut page = |body: &[u8], _: &Cursor| {
        bodies.push(String::from_utf8(body.to_vec()).unwrap());
        Ok(())
    };
    assert_eq!(now(client::drive(&fetch, &mut pull, &mut page)).unwrap(), None);
    assert_eq!(
        bodies,
        ["{\"objects\":[{\"type\":\"malware\",\"id\":\"malware--00000000-0000-4000-8000-000000000001\"}]}"]
    );
}

#[test]
fn answers_of_a_bad_server_are_named_faults() {
    let pull = || Pull::new("https://ti.example/api", "x/../y", Cursor::default(), 10).unwrap();
    assert_eq!(pull().url(), "https://ti.example/api/collections/x%2F..%2Fy/objects/?limit=10");
    let answer = |status: u16, kind: &str, body: &str| Fetched {
        status,
        headers: vec![("CONTENT-TYPE".into(), kind.into())],
        body: body.as_bytes().to_vec(),
    };
    for bad in [
        answer(200, "text/html", "<html>"),
        answer(200, MEDIA_TYPE, "{"),
        answer(401, MEDIA_TYPE, "{\"title\":\"who are you\"}"),
        answer(403, "", ""),
        answer(404, "", ""),
        answer(406, "", ""),
        answer(302, "", ""),
        // More, but the same page again: no cursor and no date.
        answer(200, MEDIA_TYPE, "{\"more\":true}"),
    ] {
        let fault = pull().digest(&bad).unwrap_err();
        assert!(fault.is(&fault::ANSWER), "{fault}");
        if bad.status == 401 {
            assert!(fault.got().contains("who are you"), "{fault}");
        }
    }
    let mut busy = pull();
    let waits: Vec<_> = (0..6).map(|_| busy.digest(&answer(503, "", "")).unwrap()).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32].map(Step::Wait));
    assert!(busy.digest(&answer(503, "", "")).unwrap_err().is(&fault::LATER));
    let long = Fetched { status: 429, headers: vec![("Retry-After".into(), "86400".into())], body: Vec::new() };
    assert!(pull().digest(&long).unwrap_err().is(&fault::LATER));
    // A server that only gives dates is followed by them.
    let dated = Fetched {
        status: 200,
        headers: vec![
            ("content-type".into(), MEDIA_TYPE.into()),
            (DATE_ADDED_LAST.to_lowercase(), "2026-01-01T00:00:00.5Z".into()),
        ],
        body: b"{\"more\":true,\"objects\":[]}".to_vec(),
    };
    let mut pull = pull();
    assert_eq!(pull.digest(&dated).unwrap(), Step::Page);
    assert!(pull.url().ends_with("&added_after=2026-01-01T00%3A00%3A00.5Z"), "{}", pull.url());
    assert!(pull.digest(&dated).unwrap_err().is(&fault::ANSWER), "the same page for ever");
    let root = Pull::new("file:///etc", "x", Cursor::default(), 1);
    assert!(root.unwrap_err().is(&fault::ANSWER));
}

fn ask(store: &Memory, method: &str, target: &str) -> Response {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request { method, path, query, accept: MEDIA_TYPE, now_us: NOW_US, ..Request::default() };
    now(server().answer(&request, store)).unwrap()
}

fn body(answer: &Response) -> serde_json::Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

#[test]
fn resources_are_those_of_the_standard() {
    let store = Memory::with(3, NOW_US);
    let root = body(&ask(&store, "GET", "/taxii2/garrison/"));
    assert_eq!((root["versions"][0].as_str(), root["max_content_length"].as_u64()), (Some(MEDIA_TYPE), Some(100_000)));
    assert_eq!(body(&ask(&store, "GET", "/taxii2/"))["api_roots"][0], "/taxii2/garrison/");
    let base = "/taxii2/garrison/collections/open";
    assert_eq!(body(&ask(&store, "GET", base))["id"], OPEN, "the alias works, and a path without its last slash");
    let page = ask(&store, "GET", &format!("{base}/objects/?limit=2"));
    assert_eq!(
        (header(&page, "Content-Type"), header(&page, DATE_ADDED_FIRST)),
        (MEDIA_TYPE, "2026-05-28T20:26:40.000000Z")
    );
    assert_eq!((body(&page)["more"].as_bool(), body(&page)["objects"].as_array().unwrap().len()), (Some(true), 2));
    let next = body(&page)["next"].as_str().unwrap().to_string();
    let last = ask(&store, "GET", &format!("{base}/objects/?limit=2&next={next}"));
    assert_eq!((body(&last).get("more"), body(&last)["objects"].as_array().unwrap().len()), (None, 1));
    let manifest = body(&ask(&store, "GET", &format!("{base}/manifest/")));
    assert_eq!(manifest["objects"][0]["version"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(manifest["objects"][0]["media_type"], "application/stix+json;version=2.1");
    let later = ask(&store, "GET", &format!("{base}/objects/?added_after=2026-05-28T20:26:40Z"));
    assert_eq!((later.body.as_slice(), header(&later, DATE_ADDED_LAST)), (b"{}".as_slice(), ""));
}

#[test]
fn versions_are_told_apart() {
    let store = Memory::with(1, NOW_US);
    let id = "malware--00000000-0000-4000-8000-000000000009";
    for (version, name) in [(1_000_000, "a"), (2_000_000, "b"), (3_000_000, "c")] {
        store.put(OPEN, "malware", id, version, NOW_US, format!("{{\"name\":\"{name}\"}}"));
    }
    let names = |query: &str| -> Vec<String> {
        let answer = ask(&store, "GET", &format!("/taxii2/garrison/collections/{OPEN}/objects/?{query}"));
        let objects = body(&answer).get("objects").cloned().unwrap_or_default();
        objects
            .as_array()
            .into_iter()
            .flatten()
            .map(|object| object["name"].as_str().unwrap_or("-").to_string())
            .collect()
    };
    assert_eq!(names(""), ["-", "c"]);
    assert_eq!(names("match[type]=malware&match[version]=first"), ["a"]);
    assert_eq!(names("match%5Btype%5D=malware&match%5Bversion%5D=all"), ["a", "b", "c"]);
    assert_eq!(names("match[version]=1970-01-01T00:00:02Z,last"), ["-", "b", "c"]);
    assert_eq!(names(&format!("match[id]={id}")), ["c"]);
    assert!(names("match[spec_version]=2.0").is_empty() && names("match[type]=tool").is_empty());
    let base = format!("/taxii2/garrison/collections/{OPEN}/objects/{id}");
    let versions = body(&ask(&store, "GET", &format!("{base}/versions/")));
    assert_eq!(versions["versions"].as_array().unwrap().len(), 3);
    let paged = body(&ask(&store, "GET", &format!("{base}/?match[version]=all&limit=2")));
    assert_eq!((paged["more"].as_bool(), paged["objects"][1]["name"].as_str()), (Some(true), Some("b")));
    assert_eq!(ask(&store, "DELETE", &format!("{base}/?match[version]=first")).status, 200);
    assert_eq!(names("match[type]=malware&match[version]=all"), ["b", "c"]);
    assert_eq!(ask(&store, "DELETE", &format!("{base}/")).status, 200);
    assert_eq!(ask(&store, "GET", &format!("{base}/")).status, 404);
}

#[test]
fn a_filter_that_nothing_fits_costs_a_bounded_scan() {
    let store = Memory::with(45_000, NOW_US);
    let mut query = "match[type]=tool".to_string();
    let mut asked = 0;
    loop {
        let answer = body(&ask(&store, "GET", &format!("/taxii2/garrison/collections/{OPEN}/objects/?{query}")));
        asked += 1;
        match answer["next"].as_str() {
            Some(next) => query = format!("match[type]=tool&next={next}"),
            None => break,
        }
    }
    assert_eq!((asked, store.reads.lock().unwrap().1), (3, 46));
}

#[test]
fn what_a_client_does_wrong_is_an_error_resource() {
    let store = Memory::with(1, NOW_US);
    let objects = format!("/taxii2/garrison/collections/{OPEN}/objects/");
    let inbox = format!("/taxii2/garrison/collections/{SECRET}/objects/");
    for (method, target, status) in [
        ("GET", "/taxii2/garrison/collections/none/", 404),
        ("GET", "/taxii2/other/", 404),
        ("GET", "/taxii2/garrison/status/none/", 404),
        ("GET", &format!("{objects}indicator--none/"), 404),
        ("GET", &format!("{objects}?limit=0"), 400),
        ("GET", &format!("{objects}?limit=x"), 400),
        ("GET", &format!("{objects}?next=17"), 400),
        ("GET", &format!("{objects}?next=sffffffffffffffffff"), 400),
        ("GET", &format!("{objects}?added_after=yesterday"), 400),
        ("GET", &format!("{objects}?match[version]=newest"), 400),
        ("GET", &inbox, 403),
        ("PUT", &objects, 405),
        ("POST", "/taxii2/", 405),
        ("POST", &objects, 415),
        ("GET", &format!("{objects}a/b/c/"), 404),
    ] {
        let answer = ask(&store, method, target);
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(
            (body(&answer)["http_status"].as_str(), header(&answer, "Content-Type")),
            (Some(status.to_string().as_str()), MEDIA_TYPE)
        );
    }
    for (accept, status) in [
        ("", 200),
        ("*/*", 200),
        ("application/taxii+json", 200),
        ("text/html, application/taxii+json; version=2.1", 200),
        ("application/taxii+json;version=2.0", 406),
        ("application/json", 406),
    ] {
        let request = Request { method: "GET", path: "/taxii2/", accept, ..Request::default() };
        assert_eq!(now(server().answer(&request, &store)).unwrap().status, status, "{accept}");
    }
}

#[test]
fn an_addition_gets_a_status_of_its_own() {
    let store = Memory::with(0, NOW_US);
    let objects = format!("/taxii2/garrison/collections/{SECRET}/objects/");
    let post = |text: &str, too_large| {
        let request = Request {
            method: "POST",
            path: &objects,
            accept: MEDIA_TYPE,
            content_type: "application/taxii+json; version=2.1",
            body: text.as_bytes(),
            too_large,
            now_us: NOW_US,
            ..Request::default()
        };
        now(server().answer(&request, &store)).unwrap()
    };
    let object = |kind: &str| {
        format!(
            "{{\"type\":\"{kind}\",\"id\":\"{kind}--00000000-0000-4000-8000-000000000001\",\"modified\":\"2026-01-01T00:00:00Z\",\"spec_version\":\"2.1\"}}"
        )
    };
    let answer = post(&format!("{{\"objects\":[{},{}]}}", object("indicator"), object("note")), false);
    assert_eq!(answer.status, 202);
    let status = body(&answer);
    assert_eq!((status["success_count"].as_u64(), status["failure_count"].as_u64()), (Some(1), Some(1)));
    assert_eq!(status["failures"][0]["message"], "notes are not taken");
    let id = status["id"].as_str().unwrap();
    assert_eq!(body(&ask(&store, "GET", &format!("/taxii2/garrison/status/{id}/"))), status);
    assert_eq!(store.rows.lock().unwrap()[SECRET][0].version_us, 1_767_225_600_000_000);
    assert_eq!(post("{", false).status, 400);
    assert_eq!(post("{}", false).status, 422);
    assert_eq!(post("{\"objects\":[{\"type\":\"x\",\"id\":\"y--1\"}]}", false).status, 422);
    assert_eq!(post("", true).status, 413);
    assert_eq!(post(&"x".repeat(100_001), false).status, 413);
}

#[test]
fn the_client_of_oasis_reads_our_server() {
    let url = serve(server(), Arc::new(Memory::with(253, NOW_US)));
    let arguments = [url.as_str(), "user", "secret", "--collection", OPEN, "--page", "100", "--write"];
    let Some((content, printed)) = run("taxii_client.py", &arguments, Vec::new()) else { return };
    assert!(content, "{printed}");
    tell("taxii2-client 2.3.0 against our server", &printed);
}

#[test]
fn our_client_reads_medallion() {
    let Some(mut child) = start("medallion_server.py", &["--objects", "253"]) else { return };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["ready", url, _, _, collection] = words.as_slice() else {
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        super::skipped(&format!("medallion_server.py: {}", String::from_utf8_lossy(&output.stderr)));
        return;
    };
    let read = || -> Result<Kept> {
        let discovery = now(client::discover(&Plain, url))?;
        let root = &discovery.api_roots[0];
        assert_eq!(now(client::collections(&Plain, root))?[0].id, *collection);
        let mut pull = Pull::new(root, collection, Cursor::default(), 100)?;
        let mut kept = Kept::default();
        let mut page = |body: &[u8], _: &Cursor| {
            import(&mut &*body, Some(named("stix").unwrap()), &settings(), &mut kept).fault.map_or(Ok(()), Err)
        };
        assert_eq!(now(client::drive(&Plain, &mut pull, &mut page))?, None);
        // Behind the cursor is nothing.
        let mut again = Pull::new(root, collection, pull.cursor().clone(), 100)?;
        let mut page = |body: &[u8], _: &Cursor| {
            assert!(!String::from_utf8_lossy(body).contains("indicator--"));
            Ok(())
        };
        assert_eq!(now(client::drive(&Plain, &mut again, &mut page))?, None);
        Ok(kept)
    };
    let kept = read();
    let _ = child.kill();
    let _ = child.wait();
    let kept = kept.unwrap();
    assert_eq!((kept.indicators.len(), kept.objects.len()), (253, 255));
    tell(
        "our client against medallion 3.0.0",
        &format!("{} objects, {} indicators", kept.objects.len(), kept.indicators.len()),
    );
}
