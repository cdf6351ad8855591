//! `garrison`: the server of an installation and the operator's command line.

mod cli;
mod drill;
mod server;
mod up;

use base::Lang;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Garrison: sense, analyze, respond, audit.
#[derive(Parser)]
#[command(name = "garrison", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start server and local agent on this machine.
    Up(up::Up),
    #[command(flatten)]
    Operate(cli::Command),
    /// Rehearse: list, run and revert safe drills.
    #[command(subcommand)]
    Drill(drill::Command),
    /// One of the drills' small programs; acts on itself only.
    #[command(hide = true)]
    Misbehave {
        /// Which.
        name: String,
    },
}

fn main() -> ExitCode {
    let lang = Lang::from_env(|name| std::env::var(name).ok());
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = dispatch(Arguments::parse().command, lang);
    done.unwrap_or_else(|fault| {
        eprintln!("garrison: {} [{}]\n  {}", fault.outside(lang), fault.code().id, fault.hint(lang));
        tracing::info!(fault = %fault.inside(), "cause");
        ExitCode::from(fault.exit_code())
    })
}

fn dispatch(command: Command, lang: Lang) -> base::Result<ExitCode> {
    if let Command::Misbehave { name } = &command {
        let good = ::drill::programs::run(name).is_some_and(|done| done.is_ok());
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = built.map_err(|cause| base::Fault::new(&server::fault::STOPPED).object("runtime").because(cause))?;
    runtime.block_on(async {
        match command {
            Command::Up(options) => up::run(options, lang).await,
            Command::Operate(command) => cli::run(command, cli::Context::new(lang)).await,
            Command::Drill(command) => drill::run(command, lang).await,
            Command::Misbehave { .. } => Ok(ExitCode::SUCCESS),
        }
    })
}
