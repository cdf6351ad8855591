//! `garrison-gateway scrub`: the packet filter and its controller, as a program of its own rights beside the proxy.
//!
//! The proxy reads what anybody sends and needs no right but to listen; the filter needs `CAP_BPF` and `CAP_NET_ADMIN`. They
//! are two processes that talk over a local socket.

mod replay;
mod run;
mod show;

use crate::{host, log};
use base::{Fault, Lang, Result};
use clap::Subcommand;
use scrubber::ask::{Question, ask};
use scrubber::config::Config;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where the configuration lies when none is named.
const CONFIG: &str = "/etc/garrison/scrubber.yaml";
/// Where the local socket is when none is named.
const SOCKET: &str = "/run/garrison/scrubber.sock";

/// Where a scrubber keeps its things.
#[derive(Debug, Clone, clap::Args)]
pub struct Places {
    /// Configuration file (YAML).
    #[arg(long, default_value = CONFIG)]
    pub config: PathBuf,
    /// Directory of identity, spool and journal; 0700.
    #[arg(long, default_value = "/var/lib/garrison-scrubber")]
    pub state: PathBuf,
}

/// How a running scrubber is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct At {
    /// Its local socket.
    #[arg(long, default_value = SOCKET)]
    socket: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What can be asked.
#[derive(Subcommand)]
pub enum Command {
    /// Filter until stopped; nothing stays attached afterwards. SIGHUP reads the configuration anew.
    Run {
        #[command(flatten)]
        places: Places,
        #[command(flatten)]
        manner: run::Manner,
    },
    /// Read the configuration and say everything that is wrong with its place.
    Check {
        /// Configuration file (YAML).
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
    },
    /// Enrol at a server with a one-time token.
    Enroll {
        #[command(flatten)]
        places: Places,
        /// File that holds the token; `-` reads it from standard input. Never an argument: those are visible to everyone.
        #[arg(long, default_value = "-")]
        token_file: PathBuf,
    },
    /// Show interfaces, destinations, levels, drops, routers and names.
    Status {
        #[command(flatten)]
        at: At,
    },
    /// Say why a destination is treated as it is.
    Explain {
        /// Its name or prefix.
        destination: String,
        #[command(flatten)]
        at: At,
    },
    /// Show the reports of the newest attacks.
    Attacks {
        #[command(flatten)]
        at: At,
    },
    /// Write the newest header samples of a destination as a capture file (pcap).
    Capture {
        /// Its name or prefix.
        destination: String,
        /// Most samples.
        #[arg(long, default_value_t = 1000)]
        count: usize,
        /// File to write.
        #[arg(long)]
        file: PathBuf,
        /// Its local socket.
        #[arg(long, default_value = SOCKET)]
        socket: PathBuf,
    },
    /// Judge a recording as the scrubber would have judged it: alarms, classes, signatures and reports.
    Replay {
        #[command(flatten)]
        what: replay::Recording,
    },
    /// Drop everything from a source for a time.
    Ban {
        /// The source.
        address: IpAddr,
        /// For how long, seconds.
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Why; goes into the ledger.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        at: At,
    },
    /// Take a ban back that was given here.
    Unban {
        /// The source.
        address: IpAddr,
        #[command(flatten)]
        at: At,
    },
    /// Agree to what a scrubber with `ask` in its policy waits for: a blackhole, a FlowSpec rule, the move of a name.
    Approve {
        /// Its id, as `status` shows it, or the name that would move.
        what: String,
        #[command(flatten)]
        at: At,
    },
    /// Probe the names of a configuration from this machine and send votes to a scrubber, until stopped.
    Probe {
        /// Configuration file (YAML): only its names are used.
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        /// Address and port of the scrubber's `votes.listen`; that of the configuration when absent.
        #[arg(long)]
        to: Option<SocketAddr>,
        /// Key file of this prober (`tsig-keygen`), also one of the scrubber's `votes.key_files`.
        #[arg(long)]
        key_file: PathBuf,
        /// End when the program that started this one ends.
        #[arg(long)]
        follow_parent: bool,
    },
    /// Print the nftables rules and kernel settings that SYN cookies need on a router (`cookies: router`).
    Synproxy {
        /// Configuration file (YAML).
        #[arg(long, default_value = CONFIG)]
        config: PathBuf,
        /// Ports of the protected services.
        #[arg(long, value_delimiter = ',', default_value = "80,443")]
        port: Vec<u16>,
    },
    /// Wait until the lease of a pinned filter is over and remove it; the scrubber starts this by itself.
    #[command(hide = true)]
    Watch {
        /// Folder of the pins.
        pins: PathBuf,
    },
}

/// Does it.
///
/// # Errors
/// Everything that is wrong.
pub fn dispatch(command: Command, lang: Lang) -> std::result::Result<(), Vec<Fault>> {
    let one = |fault| vec![fault];
    match command {
        Command::Run { places, manner } => {
            log();
            run::run(&places, &manner)
        }
        Command::Check { config } => show::check(&Config::load(&config)?, lang).map_err(one),
        Command::Enroll { places, token_file } => {
            log();
            let identity = places.state.join("identity");
            crate::run::enroll_into(&identity, &token_file).map_err(one)
        }
        Command::Synproxy { config, port } => {
            let config = Config::load(&config)?;
            let destinations: Vec<_> = config.protected().map(|(prefix, _)| prefix).collect();
            for (name, value) in scrub::synproxy::SETTINGS {
                println!("# sysctl -w {name}={value}");
            }
            print!("{}", scrub::synproxy::rules("garrison_synproxy", &destinations, &port));
            Ok(())
        }
        Command::Replay { what } => replay::replay(&what, lang),
        Command::Probe { config, to, key_file, follow_parent } => {
            log();
            run::probe(&Config::load_with(&config, std::slice::from_ref(&key_file))?, to, &key_file, follow_parent)
                .map_err(one)
        }
        Command::Watch { pins } => {
            log();
            scrub::watch(&pins).map(|_| ()).map_err(one)
        }
        asked => answer(asked, lang).map_err(one),
    }
}

/// What a running scrubber is asked.
fn answer(command: Command, lang: Lang) -> Result<()> {
    match command {
        Command::Status { at } => show::status(&scrubber::ask::status(&at.socket)?, at.json, lang),
        Command::Explain { destination, at } => {
            show::explain(&ask(&at.socket, &Question::Explain { destination })?, at.json, lang)
        }
        Command::Attacks { at } => show::attacks(&ask(&at.socket, &Question::Attacks)?, at.json, lang),
        Command::Capture { destination, count, file, socket } => {
            let samples: Vec<scrubber::capture::Taken> = ask(&socket, &Question::Capture { destination, count })?;
            crate::show::write(&file, &scrubber::capture::pcap(&samples))?;
            println!("{}: {}", file.display(), samples.len());
            Ok(())
        }
        Command::Ban { address, seconds, reason, at } => {
            show::receipts(&ask(&at.socket, &Question::Ban { address, seconds, reason })?, at.json)
        }
        Command::Unban { address, at } => show::receipts(&ask(&at.socket, &Question::Unban { address })?, at.json),
        Command::Approve { what, at } => {
            show::approved(&ask::<String>(&at.socket, &Question::Approve { what })?, at.json, lang);
            Ok(())
        }
        // The others were answered by `dispatch`.
        _ => Ok(()),
    }
}
