//! The report of an attack: where its senders are announced from, what the server knows of them, and whom it tells.

use crate::memory::Memory;
use crate::stage::{Stage, users};
use base::ManualClock;
use ddos::report::{About, Listed, Ours, Participant};
use ddos::{Counters, Sample};
use kit::mmdb::{Value, database};
use record::{Alert, Lane};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Of the four senders the first is listed and the second is ours.
const BOT: &str = "198.51.100.1";
const OURS: &str = "198.51.100.2";

/// Users and a flood of UDP by four machines that send as themselves.
fn flood(second: u8) -> (Counters, Vec<Sample>) {
    let packets = 60_000;
    let mut came = users();
    came += Counters {
        packets,
        bytes: packets * 60,
        udp: packets,
        udp_bytes: packets * 60,
        new_sources: 4,
        ..Counters::default()
    };
    let one = |number: u16| {
        let mut header = vec![0x45, 0, 0, 60, 0, 0, 0, 0, 60, 17, 0, 0, 198, 51, 100, 1 + (number % 4) as u8];
        header.extend([203, 0, 113, 10]);
        header.extend((20_000 + number.wrapping_mul(97)).to_be_bytes());
        header.extend([0x1b, 0x58, 0, 40, 0, 0, second, number as u8]);
        Sample { at_ns: 0, length: 60, reason: None, header: header.into() }
    };
    (came, (0..400).map(one).collect())
}

/// Two files: one knows systems, the other countries; half of the senders stand in the first.
fn databases(folder: &Path) -> String {
    let system = vec![
        ("autonomous_system_number", Value::Number(64_500)),
        ("autonomous_system_organization", Value::Text("Example Net")),
    ];
    let country = Value::Map(vec![("iso_code", Value::Text("NL"))]);
    let files = [
        ("asn.mmdb", database("GeoLite2-ASN", 24, &[("198.51.100.0/30", Value::Map(system))])),
        ("country.mmdb", database("Country", 28, &[("198.51.100.0/24", Value::Map(vec![("country", country)]))])),
    ];
    let path = |name: &str| folder.join(name).display().to_string();
    files.iter().for_each(|(name, bytes)| std::fs::write(path(name), bytes).unwrap());
    format!("origins: [{}, {}, {}]\n", path("gone.mmdb"), path("asn.mmdb"), path("country.mmdb"))
}

/// What the server answers about a sender.
fn answer(address: IpAddr) -> Option<Vec<u8>> {
    let listed = Listed {
        kind: "cidr".into(),
        value: "198.51.100.1/32".into(),
        score: 90,
        tlp: "green".into(),
        sources: vec!["feodo".into()],
        names: vec!["mirai".into()],
    };
    let about = match address.to_string().as_str() {
        BOT => About { listed: vec![listed], host: None },
        OURS => About { host: Some(Ours { agent: "ab".repeat(16), name: "web-1".into() }), ..About::default() },
        _ => return None,
    };
    Some(serde_json::to_vec(&about).unwrap())
}

/// Alerts that were kept for the server.
fn alerts(stage: &Stage) -> Vec<Alert> {
    let frames = stage.spool.with(|spool| spool.unsent(Lane::Alert, (0, 0), 1 << 20));
    frames.iter().flat_map(|frame| frame.open().unwrap().alerts).collect()
}

fn field<'a>(alert: &'a Alert, name: &str) -> &'a str {
    alert.matches.iter().find(|one| one.field == name).map_or("", |one| one.value.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_names_system_country_indicator_and_host() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(1_800_000_000_000_000));
    let mut stage = Stage::new(&databases(folder.path()), Memory::default(), folder.path(), clock);
    let asked: Arc<Mutex<Vec<(u64, IpAddr)>>> = Arc::default();
    let asking = asked.clone();
    stage.known.connect(move |question, address| {
        asking.lock().unwrap().push((question, address));
        true
    });
    for _ in 0..10 {
        stage.second(users(), Vec::new());
    }
    for second in 0..25 {
        let (came, samples) = flood(second);
        stage.second(came, samples);
        // The server answers between two seconds.
        for (question, address) in std::mem::take(&mut *asked.lock().unwrap()) {
            stage.known.answered(question, answer(address).as_deref(), false);
        }
    }
    let report = stage.board.attacks()[0].clone();
    let source = |address: &str| {
        let all = report["sources"].as_array().unwrap();
        all.iter().find(|source| source["address"] == address).unwrap().clone()
    };
    assert_eq!(source(BOT)["origin"]["asn"], 64_500);
    assert_eq!((&source(BOT)["origin"]["country"], &source(BOT)["role"]), (&"NL".into(), &"sender".into()));
    assert_eq!((&source(BOT)["intel"][0]["value"], &source(BOT)["host"]), (&"198.51.100.1/32".into(), &().into()));
    assert_eq!((&source(OURS)["host"]["name"], &source(OURS)["intel"]), (&"web-1".into(), &serde_json::json!([])));
    assert_eq!((&report["networks"][0]["name"], &report["networks"][0]["sources"]), (&"Example Net".into(), &3.into()));
    assert_eq!((&report["countries"][0]["country"], &report["countries"][0]["sources"]), (&"NL".into(), &4.into()));
    // The fingerprint is for sharing: nothing of ours and of our intelligence is in it.
    let fingerprint = report["fingerprint"].to_string();
    assert!(!fingerprint.contains("web-1") && !fingerprint.contains("feodo"));
    // What travels with the status is enough for the server.
    let status = stage.board.status();
    let brief = &status.attacks[0];
    assert_eq!(brief["sources"].as_array().unwrap().len(), 4);
    assert!(brief["text"].as_str().unwrap().contains("OUR HOST web-1 (198.51.100.2) took part: UDP flood"), "{brief}");
    assert!(brief["text_zh"].as_str().unwrap().contains("本方主机 web-1（198.51.100.2）参与了攻击"), "{brief}");
    assert_eq!((status.origins.len(), status.origins[1].kind.as_str()), (3, "GeoLite2-ASN"));
    assert!(status.origins[0].fault.en.contains("gone.mmdb") && status.origins[2].fault.en.is_empty());
    told(&stage);
}

fn told(stage: &Stage) {
    let all = alerts(stage);
    let report = all.iter().find(|alert| alert.rule == scrubber::tell::RULES[1]).unwrap();
    assert_eq!(all.iter().filter(|alert| alert.rule == scrubber::tell::RULES[1]).count(), 1, "once while it goes on");
    assert_eq!((field(report, "kind"), field(report, "indicator")), ("cidr", "198.51.100.1/32"));
    assert_eq!(field(report, "listed"), "198.51.100.1: cidr 198.51.100.1/32, feodo mirai");
    assert!(field(report, "host").starts_with(&format!("web-1 {}: 198.51.100.2 sender udp-flood ", "ab".repeat(16))));
    let begun = all.iter().find(|alert| alert.rule == scrubber::tell::RULES[0]).unwrap();
    assert_eq!(field(report, "alert"), begun.id);
    let senders: Vec<Participant> =
        field(report, Participant::FIELD).split("; ").map(|text| text.parse().unwrap()).collect();
    assert!(senders.len() == 4 && senders.iter().all(|one| one.packets > 10_000), "{senders:?}");
}
