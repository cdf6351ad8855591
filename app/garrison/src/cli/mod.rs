//! The operator's commands: a client of the API, with words in two languages and JSON for programs.
//!
//! `--json` prints what the API sent, unchanged. Words for people stand in [`words`] alone; drawing is pure
//! ([`render`]) and tested as text in, text out.

mod account;
mod act;
mod assets;
pub mod client;
mod doctor;
mod duration;
mod events;
pub mod fault;
pub mod help;
mod intel;
mod options;
mod prompt;
mod read;
mod render;
mod rules;
pub mod screen;
mod scrub;
pub mod table;
mod vulns;
mod waf;
pub mod words;
mod zone;

pub use options::{Context, Options, place};

use account::{Login, Password, Users};
use act::{Act, Undo};
use assets::Assets;
use base::Result;
use clap::{Args, Subcommand};
use events::Events;
use intel::Intel;
use read::{Alerts, Incidents, Ledger, Orders, Tokens};
use rules::Rules;
use std::process::ExitCode;
use vulns::Vulns;
use waf::Waf;

/// What an operator can ask of a running installation.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// The installation: programs, agents, lake, disk, pipeline.
    Status(Options),
    /// Telemetry by filters or SQL, or live.
    Events(Events),
    /// Alerts.
    Alerts(Alerts),
    /// Incidents with process tree and timeline.
    Incidents(Incidents),
    /// Act on a host.
    Act(Act),
    /// Take an applied order back.
    Undo(Undo),
    /// Orders and what became of them.
    Orders(Orders),
    /// Enrolled agents.
    Agents(Options),
    /// Threat intelligence: indicators, feeds, partners, the past.
    Intel(Intel),
    /// Detection rules: list, test, enable, tune, roll out.
    Rules(Rules),
    /// What is on the hosts: packages, ports, accounts, services, jobs, keys.
    Assets(Assets),
    /// Vulnerabilities of the hosts, and the advisories they come from.
    Vulns(Vulns),
    /// The web firewall: requests explained, traffic counted, sites tuned.
    Waf(Waf),
    /// Packet filters at the edge: levels, attacks, routers, names.
    Scrub(scrub::Scrub),
    /// The ledger.
    Ledger(Ledger),
    /// API tokens.
    Token(Tokens),
    /// Log in: later commands of this person act under that account.
    Login(Login),
    /// Forget the login and void its token.
    Logout(Options),
    /// Change one's own password.
    Passwd(Password),
    /// Accounts of people.
    User(Users),
    /// Enrol agents.
    Enroll(Enroll),
    /// Check this installation.
    Doctor(Options),
}

/// `enroll token`.
#[derive(Args, Debug)]
pub struct Enroll {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: EnrollCommand,
}

#[derive(Subcommand, Debug)]
enum EnrollCommand {
    /// Make a token by which agents enrol.
    Token {
        /// Group of the new agents.
        #[arg(long, default_value = "default")]
        group: String,
        /// How many agents may use it.
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// How long it is good: 10m, 2h, 7d.
        #[arg(long, default_value = "1h", value_parser = duration::seconds)]
        ttl: u64,
    },
}

/// Runs one command. The exit code is 0, or 1 where a check found something; faults carry their own.
pub async fn run(command: Command, context: Context) -> Result<ExitCode> {
    match command {
        Command::Status(options) => read::status(&context.open(&options)?).await,
        Command::Agents(options) => read::agents(&context.open(&options)?).await,
        Command::Events(events) => events::run(&context.open(&events.options)?, events).await,
        Command::Alerts(alerts) => read::alerts(&context.open(&alerts.options)?, alerts).await,
        Command::Incidents(incidents) => read::incidents(&context.open(&incidents.options)?, incidents).await,
        Command::Act(act) => act::act(&context.open(&act.options)?, act).await,
        Command::Undo(undo) => act::undo(&context.open(&undo.options)?, undo).await,
        Command::Orders(orders) => read::orders(&context.open(&orders.options)?, orders).await,
        Command::Intel(asked) => intel::run(&context.open(&asked.options)?, asked).await,
        Command::Rules(asked) => rules::run(&context.open(&asked.options)?, asked).await,
        Command::Assets(asked) => assets::run(&context.open(&asked.options)?, asked).await,
        Command::Vulns(asked) => vulns::run(&context.open(&asked.options)?, asked).await,
        Command::Waf(asked) => waf::run(&context, asked).await,
        Command::Scrub(asked) => scrub::run(&context, asked).await,
        Command::Ledger(ledger) => read::ledger(&context.open(&ledger.options)?, ledger).await,
        Command::Token(tokens) => read::tokens(&context.open(&tokens.options)?, tokens).await,
        Command::Login(login) => account::login(&context, login).await,
        Command::Logout(options) => account::logout(&context, &options).await,
        Command::Passwd(password) => account::passwd(&context, password).await,
        Command::User(users) => account::users(&context.open(&users.options)?, users).await,
        Command::Enroll(Enroll { options, command }) => read::enroll(&context.open(&options)?, command).await,
        Command::Doctor(options) => doctor::run(&context, &options).await,
    }
}
