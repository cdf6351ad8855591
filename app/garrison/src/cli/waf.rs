//! `garrison waf`: the web firewall.

use super::Context;
use base::{Lang, Result};
use clap::{Args, Subcommand};
use std::process::ExitCode;
use webrules::Ask;

/// `waf`.
#[derive(Args, Debug)]
pub struct Waf {
    #[command(subcommand)]
    command: WafCommand,
}

#[derive(Subcommand, Debug)]
enum WafCommand {
    /// Say which rules hold of a request, on which value after which transformations, and the score.
    Explain {
        #[command(flatten)]
        ask: Ask,
        /// Print JSON instead of words.
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, asked: Waf) -> Result<ExitCode> {
    let WafCommand::Explain { ask, json } = asked.command;
    // Compiling rules takes tens of milliseconds and asks no server.
    match ask.answer() {
        Ok(explained) if json => println!("{}", serde_json::json!(explained)),
        Ok(explained) => print!("{}", ask.print(&explained, context.lang)),
        Err(faults) => return Err(told(faults, context.lang)),
    }
    Ok(ExitCode::SUCCESS)
}

/// All faults but the last are printed here; the last ends the program.
fn told(mut faults: Vec<base::Fault>, lang: Lang) -> base::Fault {
    let last = faults.pop();
    for fault in faults {
        eprintln!("{}", fault.outside(lang));
    }
    last.unwrap_or_else(|| base::Fault::new(&super::fault::BAD_ARGUMENT))
}
