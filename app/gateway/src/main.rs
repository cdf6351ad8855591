//! `garrison-gateway`: stands before web services, judges and limits what comes, and tells the server.
//!
//! Wiring only: `gateway` is the data plane, `webrules` reads rules, `fleet` and `bus` carry records to the server. Without a
//! server it guards all the same; what it has to tell waits in its spool.

mod alarm;
mod apply;
mod audit;
mod ban;
mod engines;
mod fault;
mod filter;
mod hands;
mod host;
mod keys;
mod learned;
mod notice;
mod offence;
mod respond;
mod run;
mod scrub;
mod show;
mod tell;
mod tuning;

use base::{Fault, Lang};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use webrules::Ask;

/// Garrison's gateway: reverse proxy, web firewall, flood defence, packet scrubber.
#[derive(Parser)]
#[command(name = "garrison-gateway", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Guard until stopped; SIGHUP reads configuration, rules and certificates anew.
    Run {
        #[command(flatten)]
        places: run::Places,
        #[command(flatten)]
        manner: run::Manner,
    },
    /// Read configuration and rules, and say everything that is wrong with its place.
    Check {
        /// Configuration file (YAML).
        #[arg(long, default_value = run::CONFIG)]
        config: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Enrol at a server with a one-time token.
    Enroll {
        #[command(flatten)]
        places: run::Places,
        /// File that holds the token; `-` reads it from standard input. Never an argument: those are visible to everyone.
        #[arg(long, default_value = "-")]
        token_file: PathBuf,
    },
    /// Show sites, origins, levels and counters of the gateway that runs on this state directory.
    Status {
        #[command(flatten)]
        places: run::Places,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print requests that were kept whole (`audit` of a site), a line of JSON each, without what must not be told.
    Audit {
        #[command(flatten)]
        places: run::Places,
        #[command(flatten)]
        filter: audit::Filter,
    },
    /// Print what was learned of a site as an OpenAPI document, to be read, changed and enforced.
    Learned {
        #[command(flatten)]
        places: run::Places,
        /// The site.
        #[arg(long)]
        site: String,
    },
    /// The packet filter: XDP scrubbing, attack fingerprints, BGP and DNS diversion.
    #[command(subcommand)]
    Scrub(scrub::Command),
    /// Say which rules hold of a request, on which value after which transformations, and the score.
    Explain {
        #[command(flatten)]
        ask: Ask,
        /// Judge by the rules of this site of the configuration.
        #[arg(long, requires = "config")]
        site: Option<String>,
        /// Configuration file (YAML).
        #[arg(long)]
        config: Option<PathBuf>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let lang = Lang::from_env(|name| std::env::var(name).ok());
    match dispatch(Arguments::parse().command, lang) {
        Ok(()) => ExitCode::SUCCESS,
        Err(faults) => {
            for fault in &faults {
                eprintln!("garrison-gateway: {} [{}]\n  {}", fault.outside(lang), fault.code().id, fault.hint(lang));
                tracing::debug!(fault = %fault.inside(), "cause");
            }
            ExitCode::from(faults.first().map_or(1, Fault::exit_code))
        }
    }
}

fn dispatch(command: Command, lang: Lang) -> Result<(), Vec<Fault>> {
    let one = |fault| vec![fault];
    match command {
        Command::Run { places, manner } => {
            log();
            run::run(&places, &manner)
        }
        Command::Check { config, json } => show::check(&config, json, lang),
        Command::Enroll { places, token_file } => {
            log();
            run::enroll(&places, &token_file).map_err(one)
        }
        Command::Status { places, json } => show::status(&places.state, json, lang).map_err(one),
        Command::Audit { places, filter } => {
            audit::show(&places.state.join(audit::FOLDER), &filter).iter().for_each(|line| println!("{line}"));
            Ok(())
        }
        Command::Learned { places, site } => show::learned(&places.state, &site).map_err(one),
        Command::Scrub(command) => scrub::dispatch(command, lang),
        Command::Explain { ask, site, config, json } => show::explain(&ask, site.zip(config), json, lang),
    }
}

/// Logs to standard error; `RUST_LOG` chooses the level, warnings by default.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
