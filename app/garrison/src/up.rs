//! `garrison up`: server and local agent on this machine, from one data directory, with no other service.

use crate::server::local;
use crate::server::places::Places;
use crate::server::{Listen, Server};
use api::access::Scope;
use base::{Fault, Lang, Result};
use clap::Args;
use serde_json::json;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use tokio::signal::unix::{SignalKind, signal};

/// Life of the command line's own token: renewed at each start.
const CLIENT_LIFE_S: u64 = 366 * 24 * 3600;
/// Life of the token that enrols the local agent, seconds.
const ENROLL_LIFE_S: u64 = 300;

/// Options of `up`.
#[derive(Args, Debug)]
pub struct Up {
    /// Data directory.
    #[arg(long, env = "GARRISON_DATA")]
    data: Option<PathBuf>,
    /// Where agents connect.
    #[arg(long, default_value = "127.0.0.1:8443")]
    link: String,
    /// Where the API listens.
    #[arg(long, default_value = "127.0.0.1:8444")]
    api: String,
    /// What the local agent may do by itself: observe, drills, enforce.
    #[arg(long, default_value = "drills")]
    respond: String,
    /// Run without an agent on this machine.
    #[arg(long)]
    no_agent: bool,
    /// Show one safe drill after the start, then live events.
    #[arg(long)]
    demo: bool,
    /// Run every drill and end; the exit code says whether all were detected.
    #[arg(long, conflicts_with = "demo")]
    drill_all: bool,
}

/// Runs until Ctrl-C or SIGTERM (or the end of the drills).
pub async fn run(options: Up, lang: Lang) -> Result<ExitCode> {
    let places = Places::new(options.data.as_deref());
    let server = Server::start(&places, &Listen { link: options.link.clone(), api: options.api.clone() }).await?;
    println!("{} {}", lang.pick("Garrison is up:", "戍已启动："), server.api_url);
    println!("{} {}", lang.pick("data:", "数据目录："), places.root.display());
    if let Some(first) = api::first_run(&*server.tables, &*server.random, &*server.clock).await? {
        let once = lang.pick("first administrator, shown once:", "首个管理员（仅显示一次）：");
        println!("{once} {} / {}", first.user, first.password);
        server.book.seal("system", "account.create", &first.user, json!({"first": true}), Vec::new()).await?;
    }
    client_file(&places, &server).await?;
    let agent = if options.no_agent { None } else { agent(&places, &server, &options, lang).await };
    let code = serve(&options, &places, lang).await;
    println!("{}", lang.pick("stopping …", "正在停止……"));
    // The agent first, so that its last frames are still taken.
    let mut stopping = server.stopping();
    if let Some((stop_agent, task)) = agent {
        stop_agent.send_replace(true);
        let _ = task.await;
    }
    stopping.mark_unchanged();
    server.stop().await;
    code
}

/// What happens while everything runs.
async fn serve(options: &Up, places: &Places, lang: Lang) -> Result<ExitCode> {
    if options.drill_all {
        return child(&["drill", "run", "--all"], places).await;
    }
    if options.demo {
        println!("\n{}", lang.pick("A rehearsal: one safe drill, for real.", "演练：一次真实而安全的攻击手法。"));
        child(&["drill", "run", "reverse-shell", "--tell"], places).await?;
        println!("\n{}", lang.pick("Live events until Ctrl-C:", "实时事件，按 Ctrl-C 结束："));
        let follow = child(&["events", "--follow"], places);
        tokio::select! {
            _ = follow => {}
            () = interrupted() => return Ok(ExitCode::SUCCESS),
        }
    }
    interrupted().await;
    Ok(ExitCode::SUCCESS)
}

/// Runs this program once more as a client, so that a drill's starter is visible in its ancestry.
async fn child(arguments: &[&str], places: &Places) -> Result<ExitCode> {
    let failed = |cause: std::io::Error| {
        Fault::new(&crate::server::fault::AGENT_START).object(arguments.join(" ")).because(cause)
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).arg("--data").arg(&places.root).stdin(Stdio::null()).kill_on_drop(true);
    let status = command.status().await.map_err(failed)?;
    Ok(status.code().map_or(ExitCode::FAILURE, |code| ExitCode::from(code.clamp(0, 255) as u8)))
}

async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

type AgentTask = (tokio::sync::watch::Sender<bool>, tokio::task::JoinHandle<()>);

/// Enrols and starts the local agent. Without root or without the program the server goes on alone and says so.
async fn agent(places: &Places, server: &Server, options: &Up, lang: Lang) -> Option<AgentTask> {
    if !rustix::process::geteuid().is_root() {
        println!("{}", lang.pick("no local agent: kernel programs need root", "未启动本机代理：内核程序需要 root"));
        return None;
    }
    match prepare(places, server, options).await {
        Ok(config) => {
            let (stop, stopped) = tokio::sync::watch::channel(false);
            let keep = local::keep(config, server.programs.clone(), server.clock.clone(), stopped);
            Some((stop, tokio::spawn(keep)))
        }
        Err(fault) => {
            eprintln!("{}\n  {}", fault.outside(lang), fault.hint(lang));
            None
        }
    }
}

async fn prepare(places: &Places, server: &Server, options: &Up) -> Result<PathBuf> {
    let config = local::configure(places, &options.respond)?;
    if !local::enrolled(places) {
        let token = server.authority.issue_token(&server.link_url, "local", 1, ENROLL_LIFE_S).await?;
        local::enroll(&config, &token.text()).await?;
    }
    Ok(config)
}

/// Writes what the command line needs: address, token and authority, 0600.
async fn client_file(places: &Places, server: &Server) -> Result<()> {
    let wish = api::token::Wish {
        name: "local command line".into(),
        owner: "admin".into(),
        scopes: Scope::ALL.to_vec(),
        life_s: CLIENT_LIFE_S,
    };
    let (token, text) = api::token::issue(&*server.tables, &*server.random, &*server.clock, wish).await?;
    server.book.seal("system", "token.create", &token.id, json!({"for": "local command line"}), Vec::new()).await?;
    let content = json!({"url": server.api_url, "token": text, "ca": server.authority.trust_pem()});
    write_private(&places.client(), content.to_string().as_bytes())
}

fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let failed =
        |cause: std::io::Error| Fault::new(&crate::server::fault::DATA_DIRECTORY).object(path.display()).because(cause);
    let fresh = path.with_extension("new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}
