//! Where the server is, how to answer, and in which language.

use super::client::{Client, Place};
use super::fault;
use super::screen::Screen;
use super::zone::Zone;
use base::{Clock, Fault, Lang, Result, SystemClock};
use clap::Args;
use server::places::Places;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Options of every command that asks the server.
#[derive(Args, Debug, Clone, Default)]
pub struct Options {
    /// Print the API's JSON instead of words.
    #[arg(long, global = true)]
    pub json: bool,
    /// Address of the server; the data directory's own by default.
    #[arg(long, global = true, env = "GARRISON_SERVER")]
    pub server: Option<String>,
    /// File with an API token.
    #[arg(long, global = true)]
    pub token_file: Option<PathBuf>,
    /// File with the certificate (PEM) of the installation's authority.
    #[arg(long, global = true)]
    pub ca_file: Option<PathBuf>,
    /// Data directory.
    #[arg(long, global = true, env = "GARRISON_DATA")]
    pub data: Option<PathBuf>,
}

/// The surroundings of a command.
#[derive(Debug, Clone)]
pub struct Context {
    /// Language of texts for people.
    pub lang: Lang,
    /// How to draw.
    pub screen: Screen,
}

/// A command with a server to ask.
pub struct Session {
    /// The server.
    pub client: Client,
    /// How to draw.
    pub screen: Screen,
    /// Whether to print JSON.
    pub json: bool,
}

impl Context {
    /// From the environment: language, terminal, time zone.
    pub fn new(lang: Lang) -> Context {
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten();
        let width = width.map(|size| usize::from(size.ws_col)).filter(|width| *width >= 40);
        let now_us = SystemClock::default().wall();
        Context { lang, screen: Screen { lang, colour, width, zone: Zone::local(), now_us } }
    }

    /// Reads where the server is.
    pub(super) fn open(&self, options: &Options) -> Result<Session> {
        let client = Client::new(place(options)?, self.lang)?;
        Ok(Session { client, screen: self.screen.clone(), json: options.json })
    }
}

/// Where `garrison login` keeps what it got: a file of the person, not of the installation.
pub(super) fn login_file() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".config");
    std::env::var_os("XDG_CONFIG_HOME").map_or_else(home, PathBuf::from).join("garrison/login.json")
}

/// What is known without arguments: the person's login unless a data directory is named, else the installation's own.
fn source(options: &Options) -> PathBuf {
    let login = login_file();
    if options.data.is_none() && login.exists() { login } else { Places::new(options.data.as_deref()).client() }
}

/// The server's address and authority, without a token: for those who log in.
pub(super) fn address(options: &Options) -> Result<Place> {
    let known = match (&options.server, &options.ca_file) {
        (Some(_), Some(_)) => Place::default(),
        _ => stored(&source(options))?,
    };
    Ok(Place {
        url: options.server.clone().unwrap_or(known.url),
        token: String::new(),
        ca: options.ca_file.as_deref().map(text).transpose()?.unwrap_or(known.ca),
    })
}

/// The server's address, token and authority: what is given goes before what is stored.
pub fn place(options: &Options) -> Result<Place> {
    let path = source(options);
    let given = (&options.server, &options.token_file, &options.ca_file);
    let stored = match given {
        (Some(_), Some(_), Some(_)) => Place::default(),
        _ => stored(&path)?,
    };
    Ok(Place {
        url: options.server.clone().unwrap_or(stored.url),
        token: options.token_file.as_deref().map(text).transpose()?.unwrap_or(stored.token),
        ca: options.ca_file.as_deref().map(text).transpose()?.unwrap_or(stored.ca),
    })
}

fn stored(path: &Path) -> Result<Place> {
    let missing = |cause: &dyn std::fmt::Display| Fault::new(&fault::NO_CLIENT).object(path.display()).because(cause);
    let content = std::fs::read(path).map_err(|cause| missing(&cause))?;
    serde_json::from_slice(&content).map_err(|cause| missing(&cause))
}

fn text(path: &Path) -> Result<String> {
    let bad = |cause| Fault::new(&fault::BAD_FILE).object(path.display()).because(cause);
    Ok(std::fs::read_to_string(path).map_err(bad)?.trim().to_string())
}
