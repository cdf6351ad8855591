//! `garrison drill`: rehearsals with the server watching; says per technique whether it was seen, when, and what answered.

mod figures;
mod render;
mod score;

use crate::cli::client::{Client, LiveRecord};
use crate::cli::{Context, Options, fault, place};
use ::drill::{Drill, Rehearsal, TIME_LIMIT};
use base::{Clock, Fault, Lang, Result, SystemClock};
use clap::Args;
use score::Score;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Longest wait for alert and answer after a drill ended.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest wait for the agent: kernel programs are loaded and tried first.
const AGENT_PATIENCE: Duration = Duration::from_secs(60);
/// How often a running drill is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Commands on drills.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// List the drills.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run drills and show what was seen.
    Run(Run),
    /// Remove what an interrupted drill may have left.
    Revert {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Options of `drill run`.
#[derive(Args, Debug)]
pub struct Run {
    /// Which; see `drill list`.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Tell the story of each: alert, action, incident, ledger.
    #[arg(long)]
    tell: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Directory that gets the figures as drill.json.
    #[arg(long, env = "GARRISON_FIGURES")]
    figures: Option<PathBuf>,
    /// Data directory of the server.
    #[arg(long, env = "GARRISON_DATA")]
    data: Option<PathBuf>,
}

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<ExitCode> {
    let lang = context.lang;
    match command {
        Command::List { json } => {
            print!("{}", render::list(::drill::all(), json, lang));
            Ok(ExitCode::SUCCESS)
        }
        Command::Revert { json } => {
            let removed = ::drill::revert(&std::env::temp_dir());
            match json {
                true => println!("{}", serde_json::json!({"removed": removed})),
                false => {
                    println!("{} {removed}", lang.pick("directories of ended drills removed:", "已清理的演练目录："))
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(options) => rehearse(options, context).await,
    }
}

async fn rehearse(options: Run, context: &Context) -> Result<ExitCode> {
    let lang = context.lang;
    let reach = Options { data: options.data.clone(), ..Options::default() };
    let client = Client::new(place(&reach)?, lang)?;
    let drills: Vec<&'static Drill> = if options.all {
        let root = rustix::process::geteuid().is_root();
        ::drill::all().iter().filter(|drill| root || !drill.root).collect()
    } else {
        options.names.iter().map(|name| ::drill::find(name)).collect::<Result<_>>()?
    };
    wait_for_agent(&client, lang, options.json).await?;
    let (sender, mut news) = mpsc::channel(4096);
    let mut live = client.stream("alert,incident,order,receipt").await?;
    let stream = tokio::spawn(async move {
        while let Ok(Some(record)) = live.next().await {
            if sender.send(record).await.is_err() {
                return;
            }
        }
    });
    let mut scores = Vec::new();
    let count = drills.len();
    for (index, drill) in drills.into_iter().enumerate() {
        if !options.json {
            eprint!("\r{} {}/{count} {:<24}", lang.pick("drill", "演练"), index + 1, drill.name);
        }
        let score = one(drill, &mut news).await?;
        if options.tell {
            eprintln!();
            render::story(&client, &score, lang).await?;
        }
        scores.push(score);
    }
    stream.abort();
    if !options.json {
        eprintln!();
    }
    if !options.tell || options.json {
        print!("{}", render::table(&scores, options.json, &context.screen));
    }
    // Figures speak of the whole; a choice of drills would overwrite them with less.
    if let Some(folder) = options.figures.as_deref().filter(|_| options.all) {
        figures::write(folder, &figures::rows(&scores))?;
    }
    let good = scores.iter().all(Score::good);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until some agent is connected and watches.
async fn wait_for_agent(client: &Client, lang: Lang, quiet: bool) -> Result<()> {
    let begun = Instant::now();
    let mut told = quiet;
    loop {
        let status = client.get("/status").await?;
        let connected = status["agents"].as_array().is_some_and(|all| all.iter().any(|one| one["connected"] == true));
        if connected {
            return Ok(());
        }
        if !std::mem::replace(&mut told, true) {
            let most = AGENT_PATIENCE.as_secs();
            eprintln!("{} {most} s", lang.pick("waiting for an agent to connect, at most", "正在等待代理连接，最多"));
        }
        if begun.elapsed() > AGENT_PATIENCE {
            return Err(Fault::new(&fault::NO_AGENT).found(format!("none within {} s", AGENT_PATIENCE.as_secs())));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Runs one drill and gathers what the stream says of it.
async fn one(drill: &'static Drill, news: &mut mpsc::Receiver<LiveRecord>) -> Result<Score> {
    let clock = SystemClock::default();
    while news.try_recv().is_ok() {}
    let mut score = Score::new(drill);
    let running = Rehearsal::start(drill, &std::env::temp_dir())?;
    let (mut ended, mut deadline) = (false, Instant::now() + TIME_LIMIT);
    // Its folder stays until the alert is there: by it the agent knows a rehearsal.
    while !score.complete() && Instant::now() < deadline {
        if !ended && running.ended() {
            (ended, deadline) = (true, Instant::now() + PATIENCE);
        }
        if let Ok(Some(live)) = tokio::time::timeout(LOOK, news.recv()).await {
            score.hear(&live.kind, &live.json, clock.wall());
        }
    }
    score.reverted = tokio::task::spawn_blocking(move || running.finish().reverted).await.unwrap_or(false);
    Ok(score)
}
