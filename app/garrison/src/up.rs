//! `garrison up`: server and local agent on this machine, from one data directory, with no other service.

use base::{Fault, Lang, Result};
use clap::Args;
use local::edge::{GATEWAY, Part, SCRUBBER};
use serde_json::json;
use server::places::Places;
use server::{Keep, Listen, Server, credential};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use tokio::signal::unix::{SignalKind, signal};

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
    /// Address (host:port) that enrolment tokens tell agents on other machines; --link's own when absent.
    #[arg(long)]
    advertise: Option<String>,
    /// What the local agent may do by itself in this run; agent.yml says it when absent.
    #[arg(long, value_enum)]
    respond: Option<local::agent::Respond>,
    /// Days of telemetry to keep; 0 is no limit.
    #[arg(long, default_value_t = 30, env = "GARRISON_KEEP_DAYS")]
    keep_days: u64,
    /// Days of findings to keep; 0 is no limit.
    #[arg(long, default_value_t = 365, env = "GARRISON_KEEP_FINDING_DAYS")]
    keep_finding_days: u64,
    /// Gibibytes of telemetry to keep; 0 is no limit but the disk: above 85 % in use the oldest goes.
    #[arg(long, default_value_t = 100, env = "GARRISON_KEEP_GIB")]
    keep_gib: u64,
    /// Configuration of a gateway on this machine; gateway/gateway.yaml of the data directory when absent, and no gateway
    /// without either.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Configuration of a packet filter on this machine; scrubber/scrubber.yaml of the data directory when absent, and no filter
    /// without either.
    #[arg(long)]
    scrubber: Option<PathBuf>,
    /// List of scrubbers elsewhere whose names this server probes too; probes.yaml of the data directory when absent.
    #[arg(long)]
    probes: Option<PathBuf>,
    /// Run without an agent on this machine.
    #[arg(long)]
    no_agent: bool,
    /// Show one safe drill after the start, then live events.
    #[arg(long)]
    demo: bool,
    /// Run every drill and end; the exit code says whether all were detected.
    #[arg(long, conflicts_with = "demo")]
    drill_all: bool,
    /// Print one line of JSON when the server is up instead of words.
    #[arg(long, conflicts_with_all = ["demo", "drill_all"])]
    json: bool,
}

impl Up {
    fn listen(&self) -> Result<Listen> {
        if let Some(address) = &self.advertise
            && !address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        {
            return Err(Fault::new(&base::config::INVALID).object("--advertise").expected("host:port").found(address));
        }
        Ok(Listen { link: self.link.clone(), api: self.api.clone(), advertise: self.advertise.clone() })
    }

    fn keep(&self) -> Keep {
        let bytes = self.keep_gib.saturating_mul(1 << 30);
        Keep { days: self.keep_days, finding_days: self.keep_finding_days, bytes }
    }
}

/// Runs until Ctrl-C or SIGTERM (or the end of the drills).
pub async fn run(options: Up, lang: Lang) -> Result<ExitCode> {
    let places = Places::new(options.data.as_deref());
    let server = Server::start(&places, &options.listen()?, options.keep()).await?;
    let first = credential::first(&server).await?;
    credential::client_file(&places, &server).await?;
    greet(&options, &places, &server, first.as_ref(), lang);
    let agent = if options.no_agent { None } else { agent(&places, &server, &options, lang).await };
    let gateway = edge(&GATEWAY, options.gateway.as_deref(), (&places, &server), lang).await;
    let mut others = scrubber(options.scrubber.as_deref(), (&places, &server), lang).await;
    match local::probe::elsewhere(&places, options.probes.as_deref()) {
        Ok(probers) => others.extend(probers.into_iter().filter_map(|prober| keep(Ok(prober), &server, lang))),
        Err(fault) => tell(&fault, lang),
    }
    let code = serve(&options, &places, agent.is_some(), lang).await;
    if !options.json {
        println!("{}", lang.pick("stopping …", "正在停止……"));
    }
    // The server last, so that the last frames of the others are still taken.
    for (stop_child, task) in others.into_iter().chain([gateway, agent].into_iter().flatten()) {
        stop_child.send_replace(true);
        let _ = task.await;
    }
    server.stop().await;
    code
}

/// Says that the server is up, and who may log in first.
fn greet(options: &Up, places: &Places, server: &Server, first: Option<&api::Credentials>, lang: Lang) {
    if options.json {
        let first = first.map(|first| json!({"user": first.user, "password": first.password}));
        let line = json!({"url": server.api_url, "link": server.link_url, "data": places.root, "first": first});
        println!("{line}");
        return;
    }
    println!("{} {}", lang.pick("Garrison is up:", "戍已启动："), server.api_url);
    println!("{} {}", lang.pick("data:", "数据目录："), places.root.display());
    if let Some(first) = first {
        let once = lang.pick("first administrator, shown once:", "首个管理员（仅显示一次）：");
        println!("{once} {} / {}", first.user, first.password);
    }
}

/// What happens while everything runs.
async fn serve(options: &Up, places: &Places, agent: bool, lang: Lang) -> Result<ExitCode> {
    if (options.drill_all || options.demo) && !agent {
        println!("{}", lang.pick("no drill: it needs an agent on this machine", "跳过演练：需要本机代理"));
    }
    if options.drill_all && !agent {
        return Ok(ExitCode::FAILURE);
    }
    if options.drill_all {
        return child(&["drill", "run", "--all"], places).await;
    }
    if options.demo && agent {
        println!("\n{}", lang.pick("A rehearsal: one safe drill, for real.", "演练：一次真实而安全的攻击手法。"));
        child(&["drill", "run", "reverse-shell", "--tell"], places).await?;
    }
    // One watch over both waits: Ctrl-C also ends the child, and must not be asked for twice.
    let stop = interrupted();
    tokio::pin!(stop);
    if options.demo {
        println!("\n{}", lang.pick("Live events until Ctrl-C:", "实时事件，按 Ctrl-C 结束："));
        let follow = child(&["events", "--follow"], places);
        tokio::select! {
            _ = follow => {}
            () = stop.as_mut() => return Ok(ExitCode::SUCCESS),
        }
    }
    stop.await;
    Ok(ExitCode::SUCCESS)
}

/// Runs this program once more as a client, so that a drill's starter is visible in its ancestry.
async fn child(arguments: &[&str], places: &Places) -> Result<ExitCode> {
    let failed =
        |cause: std::io::Error| Fault::new(&server::fault::AGENT_START).object(arguments.join(" ")).because(cause);
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

type ChildTask = (tokio::sync::watch::Sender<bool>, tokio::task::JoinHandle<()>);

/// Enrols and starts the local agent. Without root or without the program the server goes on alone and says so.
async fn agent(places: &Places, server: &Server, options: &Up, lang: Lang) -> Option<ChildTask> {
    if !rustix::process::geteuid().is_root() {
        // Standard error: standard output may be JSON.
        eprintln!("{}", lang.pick("no local agent: kernel programs need root", "未启动本机代理：内核程序需要 root"));
        return None;
    }
    keep(local::agent::ready(places, options.respond, server).await, server, lang)
}

/// Enrols and starts a part of the local gateway where it is configured.
async fn edge(
    part: &Part,
    named: Option<&Path>,
    (places, server): (&Places, &Server),
    lang: Lang,
) -> Option<ChildTask> {
    let config = part.configured(places, named)?;
    keep(part.ready(places, config, server).await, server, lang)
}

/// The packet filter of this machine where it is configured, and the server's prober beside it where it takes votes.
async fn scrubber(named: Option<&Path>, (places, server): (&Places, &Server), lang: Lang) -> Vec<ChildTask> {
    let Some(config) = SCRUBBER.configured(places, named) else { return Vec::new() };
    let prober = local::probe::beside(places, &config, &*server.random).unwrap_or_else(|fault| {
        tell(&fault, lang);
        None
    });
    let mut filter = SCRUBBER.ready(places, config, server).await;
    let (prober, key) = prober.unzip();
    if let (Ok(filter), Some(key)) = (&mut filter, key) {
        filter.run_options.extend([OsString::from("--voter-key"), key.into()]);
    }
    let prober = prober.filter(|_| filter.is_ok()).map(Ok);
    let children = [Some(filter), prober];
    children.into_iter().flatten().filter_map(|child| keep(child, server, lang)).collect()
}

/// Says what keeps a program of this machine from running; on standard error, for standard output may be JSON.
fn tell(fault: &Fault, lang: Lang) {
    eprintln!("{}\n  {}", fault.outside(lang), fault.hint(lang));
}

/// Keeps a program of this machine running, or says why it cannot.
fn keep(child: Result<local::Child>, server: &Server, lang: Lang) -> Option<ChildTask> {
    match child {
        Ok(child) => {
            let (stop, stopped) = tokio::sync::watch::channel(false);
            let keep = child.keep(server.programs.clone(), server.clock.clone(), stopped);
            Some((stop, tokio::spawn(keep)))
        }
        Err(fault) => {
            tell(&fault, lang);
            None
        }
    }
}
