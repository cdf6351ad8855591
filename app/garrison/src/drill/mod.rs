//! `garrison drill`: rehearsals with the server watching; says per technique whether it was seen, when, and what answered.

mod render;
mod score;

use crate::cli::client::{Client, LiveRecord};
use crate::cli::{Options, place};
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
    Revert,
}

/// Options of `drill run`.
#[derive(Args, Debug)]
pub struct Run {
    /// Which; see `drill list`.
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
    /// Data directory of the server.
    #[arg(long, env = "GARRISON_DATA")]
    data: Option<PathBuf>,
}

/// Runs a command.
pub async fn run(command: Command, lang: Lang) -> Result<ExitCode> {
    match command {
        Command::List { json } => {
            print!("{}", render::list(::drill::all(), json, lang));
            Ok(ExitCode::SUCCESS)
        }
        Command::Revert => {
            let removed = ::drill::revert(&std::env::temp_dir());
            println!("{} {removed}", lang.pick("directories of ended drills removed:", "已清理的演练目录："));
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(options) => rehearse(options, lang).await,
    }
}

async fn rehearse(options: Run, lang: Lang) -> Result<ExitCode> {
    let reach = Options { data: options.data.clone(), ..Options::default() };
    let client = Client::new(place(&reach)?, lang)?;
    let drills: Vec<&'static Drill> = if options.all {
        let root = rustix::process::geteuid().is_root();
        ::drill::all().iter().filter(|drill| root || !drill.root).collect()
    } else {
        options.names.iter().map(|name| ::drill::find(name)).collect::<Result<_>>()?
    };
    wait_for_agent(&client).await?;
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
    for drill in drills {
        if !options.json {
            eprint!("\r{} {:<24}", lang.pick("drill", "演练"), drill.name);
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
        print!("{}", render::table(&scores, options.json, lang));
    }
    let good = scores.iter().all(Score::good);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until some agent is connected and watches.
async fn wait_for_agent(client: &Client) -> Result<()> {
    let begun = Instant::now();
    loop {
        let status = client.get("/status").await?;
        let connected = status["agents"].as_array().is_some_and(|all| all.iter().any(|one| one["connected"] == true));
        if connected {
            return Ok(());
        }
        if begun.elapsed() > AGENT_PATIENCE {
            let fault = Fault::new(&crate::server::fault::AGENT_AWAY).object("local agent");
            return Err(fault.expected("a connected agent").found("none"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Runs one drill and gathers what the stream says of it.
async fn one(drill: &'static Drill, news: &mut mpsc::Receiver<LiveRecord>) -> Result<Score> {
    let clock = SystemClock::default();
    while news.try_recv().is_ok() {}
    let mut score = Score::new(drill);
    let mut running = Some(Rehearsal::start(drill, &std::env::temp_dir())?);
    let mut deadline = Instant::now() + TIME_LIMIT;
    while running.is_some() || (!score.complete() && Instant::now() < deadline) {
        if running.as_mut().is_some_and(|running| running.ended() || score.complete())
            && let Some(ended) = running.take()
        {
            score.reverted = tokio::task::spawn_blocking(move || ended.finish().reverted).await.unwrap_or(false);
            deadline = Instant::now() + PATIENCE;
        }
        if let Ok(Some(live)) = tokio::time::timeout(LOOK, news.recv()).await {
            score.hear(&live.kind, &live.json, clock.wall());
        }
    }
    Ok(score)
}
