//! `intel`: indicators, feeds, partners, the past.

use super::options::{Options, Session};
use super::read::{escape, print, progress, query, show};
use super::words::Word;
use super::{duration, fault, table};
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How often an import is asked how far it is.
const ASK: Duration = Duration::from_millis(500);

/// `intel`.
#[derive(Args, Debug)]
pub struct Intel {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// How many indicators there are, and how they are (the default).
    Status,
    /// What a value is: its indicator, the verdict, warning lists.
    Lookup {
        /// Address, network, domain, URL, hash, fingerprint, e-mail address or path; may be written defanged.
        value: String,
    },
    /// Name an indicator.
    Add {
        /// Address, network, domain, URL, hash, fingerprint, e-mail address or path; may be written defanged.
        value: String,
        /// How sure, 0 to 100.
        #[arg(long, default_value_t = 90)]
        confidence: u8,
        /// Who may see it: clear, green, amber, amber+strict, red.
        #[arg(long, default_value = "amber")]
        tlp: String,
        /// How long it is good: 10m, 2h, 7d; for ever when absent.
        #[arg(long, value_parser = duration::seconds)]
        valid: Option<u64>,
        /// For people.
        #[arg(long, default_value = "")]
        description: String,
    },
    /// Withdraw what people here said of a value.
    Withdraw {
        /// Address, network, domain, URL, hash, fingerprint, e-mail address or path; may be written defanged.
        value: String,
    },
    /// Import a file: STIX, MISP, CSV, lists, warning lists, ATT&CK; xz and gzip are unpacked.
    Import {
        /// The file.
        file: PathBuf,
        /// Id of the source.
        #[arg(long, default_value = "")]
        source: String,
        /// Format; looked at when absent. Also warning-lists and attack.
        #[arg(long)]
        format: Option<String>,
        /// Confidence of what names none, 0 to 100.
        #[arg(long)]
        confidence: Option<u8>,
        /// Who may see what names no marking: clear, green, amber, amber+strict, red.
        #[arg(long)]
        tlp: Option<String>,
        /// Withdraw what the source named before and does not name now.
        #[arg(long)]
        whole: bool,
    },
    /// Write what may leave: stix, misp, suricata, rpz, nftables, csv, zeek, plain.
    Export {
        /// The format.
        format: String,
        /// Nothing more secret leaves.
        #[arg(long, default_value = "clear")]
        ceiling: String,
        /// Kinds, separated by commas; all when absent.
        #[arg(long)]
        kinds: Option<String>,
        /// Least confidence, 0 to 100.
        #[arg(long)]
        min_confidence: Option<u8>,
    },
    /// Search the kept events for a value; hits become alerts marked as past.
    Hunt {
        /// Address, network, domain, URL, hash, fingerprint, e-mail address or path; may be written defanged.
        value: String,
        /// Days to search.
        #[arg(long, default_value_t = 30)]
        days: u64,
    },
    /// Who and what may be behind an incident, and why.
    Attribute {
        /// Its id.
        incident: String,
    },
    /// Feeds: fetched on schedule.
    #[command(subcommand)]
    Feeds(Feeds),
    /// What partners get over TAXII.
    #[command(subcommand)]
    Shares(Shares),
}

#[derive(Subcommand, Debug)]
enum Feeds {
    /// All feeds and how they are.
    List,
    /// Add or change a feed.
    Add {
        /// Its id.
        id: String,
        /// Its address; for TAXII API-ROOT#COLLECTION.
        url: String,
        /// file, misp or taxii.
        #[arg(long, default_value = "file")]
        manner: String,
        /// Format of a file; looked at when absent.
        #[arg(long, default_value = "")]
        format: String,
        /// How often it is looked at: 10m, 2h, 7d.
        #[arg(long, default_value = "1h", value_parser = duration::seconds)]
        every: u64,
        /// Confidence of what names none, 0 to 100.
        #[arg(long)]
        confidence: Option<u8>,
        /// Who may see what names no marking: clear, green, amber, amber+strict, red.
        #[arg(long, default_value = "clear")]
        tlp: String,
        /// File with the value of the Authorization header.
        #[arg(long)]
        authorization_file: Option<PathBuf>,
        /// Allow plain HTTP.
        #[arg(long)]
        plain: bool,
    },
    /// Fetch a feed now.
    Run {
        /// Its id.
        id: String,
    },
    /// Remove a feed; what it said stays.
    Remove {
        /// Its id.
        id: String,
    },
}

#[derive(Subcommand, Debug)]
enum Shares {
    /// All sharing profiles.
    List,
    /// Add or change a sharing profile from a JSON file.
    Add {
        /// The file.
        file: PathBuf,
    },
    /// End a sharing profile.
    Remove {
        /// Its id.
        id: String,
    },
}

/// Runs one command.
pub(super) async fn run(session: &Session, asked: Intel) -> Result<ExitCode> {
    match asked.command.unwrap_or(Command::Status) {
        Command::Status => told(session, &session.client.get("/intel").await?),
        Command::Lookup { value } => lookup(session, &value).await,
        Command::Add { value, confidence, tlp, valid, description } => {
            let body = json!({"value": value, "confidence": confidence, "tlp": tlp, "valid_s": valid.unwrap_or(0),
                "description": description});
            told(session, &session.client.post("/intel/indicators", &body).await?)
        }
        Command::Withdraw { value } => {
            session.client.delete(&format!("/intel/indicators?value={}", escape(&value))).await?;
            told(session, &json!({ "withdrawn": value }))
        }
        Command::Import { file, source, format, confidence, tlp, whole } => {
            let number = confidence.map(|confidence| confidence.to_string());
            let whole = Some(whole.to_string());
            let asked =
                [("source", Some(source)), ("format", format), ("confidence", number), ("tlp", tlp), ("whole", whole)];
            import(session, &file, &query(&asked)).await
        }
        Command::Export { format, ceiling, kinds, min_confidence } => {
            let least = min_confidence.map(|least| least.to_string());
            let asked = [("ceiling", Some(ceiling)), ("kinds", kinds), ("min_confidence", least)];
            let path = format!("/intel/export/{}{}", escape(&format), query(&asked));
            print(&String::from_utf8_lossy(&session.client.bytes(&path).await?));
            Ok(ExitCode::SUCCESS)
        }
        Command::Hunt { value, days } => {
            let path = format!("/intel/hunt?value={}&days={days}", escape(&value));
            told(session, &session.client.post(&path, &json!({})).await?)
        }
        Command::Attribute { incident } => attribute(session, &incident).await,
        Command::Feeds(feeds) => self::feeds(session, feeds).await,
        Command::Shares(shares) => self::shares(session, shares).await,
    }
}

/// Names and values; what is not flat stands as JSON.
fn told(session: &Session, json: &Value) -> Result<ExitCode> {
    show(session, json, |_, json: &Value| {
        let flat = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let rows: Vec<(&str, String)> =
            json.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), flat(value))).collect();
        table::pairs(&rows)
    })
}

async fn lookup(session: &Session, value: &str) -> Result<ExitCode> {
    let json = session.client.get(&format!("/intel/lookup?value={}", escape(value))).await?;
    show(session, &json, |screen, json: &Value| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let verdict = &json["verdict"];
        let mut rows = vec![(text(&json["kind"]), text(&json["value"]))];
        if verdict.is_null() {
            rows.push((screen.word(Word::Status).into(), screen.word(Word::NotListed).into()));
        } else {
            for name in ["score", "tlp", "block_allowed", "holds", "sources", "malware", "actors", "tags"] {
                rows.push((name.into(), text(&verdict[name])));
            }
            rows.push(("sightings".into(), text(&json["indicator"]["sightings"]["count"])));
        }
        rows.extend(json["warnings"].as_array().into_iter().flatten().map(|warning| {
            (
                screen.word(Word::WarningList).to_string(),
                format!("{} ({})", text(&warning["list"]), text(&warning["policy"])),
            )
        }));
        let rows: Vec<(&str, String)> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        table::pairs(&rows)
    })
}

async fn import(session: &Session, file: &std::path::Path, asked: &str) -> Result<ExitCode> {
    let bad = |cause| Fault::new(&fault::BAD_FILE).object(file.display()).because(cause);
    let opened = std::fs::File::open(file).map_err(bad)?;
    progress(session, Word::Importing);
    let begun = session.client.upload(&format!("/intel/import{asked}"), opened).await?;
    let path = format!("/intel/imports/{}", escape(begun["id"].as_str().unwrap_or_default()));
    let mut shown = String::new();
    loop {
        let job = session.client.get(&path).await?;
        let report = &job["report"];
        let line = format!("{} {} {} {}", report["format"], report["records"], report["taken"], report["bad"]);
        if job["ended_us"].as_i64().unwrap_or(0) != 0 {
            told(session, &job)?;
            return Ok(if job["fault"] == "" { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        if !session.json && line != shown {
            let (records, taken, bad) = (&report["records"], &report["taken"], &report["bad"]);
            eprintln!(
                "{records} {}, {taken} {}, {bad} {}",
                session.screen.word(Word::Read),
                session.screen.word(Word::Taken),
                session.screen.word(Word::Bad)
            );
            shown = line;
        }
        tokio::time::sleep(ASK).await;
    }
}

async fn attribute(session: &Session, incident: &str) -> Result<ExitCode> {
    let json = session.client.get(&format!("/incidents/{}/attribution", escape(incident))).await?;
    show(session, &json, |screen, json: &Value| {
        let mut rows = Vec::new();
        for list in ["actors", "software"] {
            for one in json[list].as_array().into_iter().flatten().take(20) {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let way = |reason: &Value| {
                    let path: Vec<String> = reason["path"].as_array().into_iter().flatten().map(text).collect();
                    format!("{} → {}", text(&reason["from"]), path.join(" → "))
                };
                let why = one["reasons"].as_array().into_iter().flatten().take(1).map(way).collect::<String>();
                rows.push(vec![one["confidence"].to_string(), text(&one["id"]), text(&one["name"]), why]);
            }
        }
        let heading = ["%", screen.word(Word::Id), screen.word(Word::Name), screen.word(Word::What)];
        if rows.is_empty() { format!("{}\n", screen.word(Word::None)) } else { table::draw(screen, &heading, &rows) }
    })
}

async fn feeds(session: &Session, feeds: Feeds) -> Result<ExitCode> {
    match feeds {
        Feeds::List => {
            let json = session.client.get("/intel/feeds").await?;
            show(session, &json, |screen, json: &Value| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let row = |feed: &Value| {
                    let health = &feed["health"];
                    let good = health["good_us"].as_i64().unwrap_or(0);
                    vec![
                        text(&feed["id"]),
                        text(&feed["manner"]),
                        screen.time(good),
                        health["failures"].to_string(),
                        text(&health["fault"]),
                    ]
                };
                let rows: Vec<Vec<String>> = json["items"].as_array().into_iter().flatten().map(row).collect();
                let heading = [Word::Id, Word::Mode, Word::Seen, Word::Bad, Word::What].map(|word| screen.word(word));
                table::draw(screen, &heading, &rows)
            })
        }
        Feeds::Add { id, url, manner, format, every, confidence, tlp, authorization_file, plain } => {
            let secret = match &authorization_file {
                None => String::new(),
                Some(path) => {
                    let bad = |cause| Fault::new(&fault::BAD_FILE).object(path.display()).because(cause);
                    std::fs::read_to_string(path).map_err(bad)?.trim().to_owned()
                }
            };
            let body = json!({"id": id, "url": url, "manner": manner, "format": format, "every_s": every,
                "confidence": confidence, "tlp": tlp, "authorization": secret, "plain": plain});
            session.client.post("/intel/feeds", &body).await?;
            told(session, &json!({ "feed": id }))
        }
        Feeds::Run { id } => {
            told(session, &session.client.post(&format!("/intel/feeds/{}/run", escape(&id)), &json!({})).await?)
        }
        Feeds::Remove { id } => {
            session.client.delete(&format!("/intel/feeds/{}", escape(&id))).await?;
            told(session, &json!({ "removed": id }))
        }
    }
}

async fn shares(session: &Session, shares: Shares) -> Result<ExitCode> {
    match shares {
        Shares::List => told(session, &session.client.get("/intel/shares").await?),
        Shares::Add { file } => {
            let bad =
                |cause: &dyn std::fmt::Display| Fault::new(&fault::BAD_FILE).object(file.display()).because(cause);
            let bytes = std::fs::read(&file).map_err(|cause| bad(&cause))?;
            let share: Value = serde_json::from_slice(&bytes).map_err(|cause| bad(&cause))?;
            session.client.post("/intel/shares", &share).await?;
            told(session, &json!({ "share": share["id"] }))
        }
        Shares::Remove { id } => {
            session.client.delete(&format!("/intel/shares/{}", escape(&id))).await?;
            told(session, &json!({ "removed": id }))
        }
    }
}
