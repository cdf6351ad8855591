//! `garrison-agent`: watches this host, judges on the spot, acts, and delivers to the server.
//!
//! The agent protects its host with the server gone: rules and actions are local, records wait in the spool.

#[cfg(test)]
mod bench;
mod changes;
mod config;
mod desk;
mod fault;
mod gate;
mod indicators;
mod judge;
mod live;
mod never;
mod outlet;
#[cfg(test)]
mod published;
mod raise;
mod rehearse;
#[cfg(test)]
mod restart;
mod rules;
mod run;
mod sense;
mod service;
mod show;
mod stock;
mod watch;

use base::{Lang, Result, SystemClock};
use clap::{Parser, Subcommand};
use config::Config;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Garrison's agent: kernel sensor, local detection and response.
#[derive(Parser)]
#[command(name = "garrison-agent", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Protect this host until stopped.
    Run {
        /// Configuration file (YAML); defaults without one.
        #[arg(long)]
        config: Option<PathBuf>,
        #[command(flatten)]
        manner: run::Manner,
    },
    /// Enrol at a server with a one-time token.
    Enroll {
        /// File that holds the token; `-` reads it from standard input. Never an argument: those are visible to everyone.
        #[arg(long, default_value = "-")]
        token_file: PathBuf,
        /// Configuration file (YAML).
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Show which kernel hook serves each event, whether it fired, and what is lost without a better one.
    Probe {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the rules: which run, which are dormant, which do not run here and why.
    Rules {
        /// Configuration file (YAML).
        #[arg(long)]
        config: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the host metrics.
    Metrics {
        /// List the catalogue.
        #[arg(long)]
        list: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run every drill on this host's kernel without a server, and print the table.
    Drill {
        /// Where the drills' directories are made; the temporary directory without it.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show, accept and compare changes of watched files.
    Integrity {
        /// Configuration file (YAML).
        #[arg(long)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        deed: changes::Deed,
    },
    /// Look for what hides itself: processes, ports, modules, libraries and programs that one view of the host leaves out.
    Crossview {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// One of the drills' small programs; acts on itself only.
    #[command(hide = true)]
    Misbehave {
        /// Which.
        name: String,
    },
}

fn main() -> ExitCode {
    let lang = Lang::from_env(|name| std::env::var(name).ok());
    match dispatch(Arguments::parse().command, lang) {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("garrison-agent: {} [{}]\n  {}", fault.outside(lang), fault.code().id, fault.hint(lang));
            tracing::debug!(fault = %fault.inside(), "cause");
            ExitCode::from(fault.exit_code())
        }
    }
}

fn dispatch(command: Command, lang: Lang) -> Result<ExitCode> {
    let clock = Arc::new(SystemClock::default());
    let yes = |good: bool| if good { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match command {
        Command::Run { config, manner } => {
            log();
            run::run(Config::load(config.as_deref())?, manner, clock).map(|()| ExitCode::SUCCESS)
        }
        Command::Enroll { token_file, config } => {
            log();
            run::enroll(&Config::load(config.as_deref())?, &token_file).map(|()| ExitCode::SUCCESS)
        }
        Command::Probe { json } => {
            let table = sensor::probe()?;
            if json {
                println!("{:#}", serde_json::to_value(&table).unwrap_or_default());
            } else {
                print!("{table}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Rules { config, json } => {
            print!("{}", rules::list(&Config::load(config.as_deref())?, json, lang));
            Ok(ExitCode::SUCCESS)
        }
        Command::Metrics { list: true, json } => {
            print!("{}", show::metrics(json, lang));
            Ok(ExitCode::SUCCESS)
        }
        Command::Metrics { list: false, json } => {
            print!("{}", show::sample(json, &*clock));
            Ok(ExitCode::SUCCESS)
        }
        Command::Integrity { config, deed } => {
            print!("{}", changes::run(&Config::load(config.as_deref())?, deed, lang)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Crossview { json } => {
            let (text, sound) = show::crossview(json, lang);
            print!("{text}");
            Ok(yes(sound))
        }
        Command::Drill { folder, json } => {
            log();
            let state = std::env::temp_dir().join(format!("garrison-self-test.{}", std::process::id()));
            let mut config = Config { state: state.clone(), metrics_seconds: 0, ..Config::default() };
            // Drills are about behaviour; what lies on this host is none of theirs.
            (config.integrity.enabled, config.integrity.crossview_minutes) = (false, 0);
            let folder = folder.unwrap_or_else(std::env::temp_dir);
            let all = rehearse::run(config, &folder, clock, json);
            // What is left of a self-test's state is of no use to anyone.
            let _ = std::fs::remove_dir_all(state);
            all.map(yes)
        }
        Command::Misbehave { name } => Ok(yes(drill::programs::run(&name).is_some_and(|done| done.is_ok()))),
    }
}

/// Logs to standard error; `RUST_LOG` chooses the level, warnings by default.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
