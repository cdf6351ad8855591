//! `garrison`: the server of an installation and the operator's command line.

mod cli;
mod drill;
mod up;

use base::Lang;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
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
    let json = std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json");
    let arguments = match parse(lang) {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error, lang, json),
    };
    dispatch(arguments.command, lang).unwrap_or_else(|fault| {
        tell(&fault, lang, json);
        ExitCode::from(fault.exit_code())
    })
}

fn parse(lang: Lang) -> Result<Arguments, clap::Error> {
    let mut matches = cli::help::in_language(Arguments::command(), lang).try_get_matches()?;
    Arguments::from_arg_matches_mut(&mut matches)
}

/// Help and version as asked for; otherwise what is wrong with the arguments.
fn misused(error: &clap::Error, lang: Lang, json: bool) -> ExitCode {
    let help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if help || (lang == Lang::En && !json) {
        // A reader that went away needs no help.
        let _ = error.print();
    } else {
        tell(&cli::fault::usage(error), lang, json);
    }
    ExitCode::from(error.exit_code().clamp(0, 255) as u8)
}

/// A fault on standard error: in words, or as one JSON object for programs.
fn tell(fault: &base::Fault, lang: Lang, json: bool) {
    if json {
        eprintln!("{}", cli::fault::json(fault, lang));
    } else {
        eprintln!("garrison: {} [{}]\n  {}", fault.outside(lang), fault.code().id, fault.hint(lang));
    }
    tracing::info!(fault = %fault.inside(), "cause");
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
            Command::Drill(command) => drill::run(command, &cli::Context::new(lang)).await,
            Command::Misbehave { .. } => Ok(ExitCode::SUCCESS),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound_and_every_text_of_the_help_is_there_in_chinese() {
        Arguments::command().debug_assert();
        assert_eq!(cli::help::missing(Arguments::command()), Vec::<String>::new());
        let help = |path: &str| {
            let error = cli::help::in_language(Arguments::command(), Lang::Zh).try_get_matches_from(path.split(' '));
            error.unwrap_err().to_string()
        };
        for path in ["garrison --help", "garrison incidents show --help", "garrison act --help", "garrison help"] {
            let text = help(path);
            assert!(text.contains("用法：") && !text.contains("Usage") && !text.contains("Print"), "{text}");
        }
    }

    #[test]
    fn wrong_arguments_are_a_fault_in_the_reader_s_language() {
        let fault = |line: &str| {
            let command = cli::help::in_language(Arguments::command(), Lang::Zh);
            cli::fault::usage(&command.try_get_matches_from(line.split(' ')).unwrap_err())
        };
        let span = fault("garrison alerts list --since soon");
        assert_eq!((span.code().id, span.got()), ("cli.bad-span", "soon"));
        assert!(span.outside(Lang::Zh).contains("这不是时间长度") && span.named().contains("--since"));
        let json = cli::fault::json(&fault("garrison drill run"), Lang::En);
        assert_eq!((json["code"].as_str(), json["exit"].as_u64()), (Some("cli.bad-argument"), Some(65)));
        assert!(json["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
        assert_eq!(fault("garrison nonsense").named(), "nonsense");
    }
}
