//! Commands of people and their accounts: login, passwords, roles.

use super::client::{Client, Place, Ticket};
use super::options::{Context, Options, Session, address, login_file};
use super::prompt;
use super::read::{escape, page, show, typed};
use super::render::lists;
use super::screen::Screen;
use super::words::Word;
use super::{duration, fault};
use api::access::Scope;
use api::form::{Me, NewToken, NewUser, UserView};
use base::{Fault, Result};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// `login`.
#[derive(Args, Debug)]
pub struct Login {
    #[command(flatten)]
    options: Options,
    /// Account name.
    user: String,
    /// How long the login lasts: 10m, 2h, 7d.
    #[arg(long, default_value = "12h", value_parser = duration::seconds)]
    life: u64,
}

/// `passwd`.
#[derive(Args, Debug)]
pub struct Password {
    #[command(flatten)]
    options: Options,
    /// Account name; the one that is logged in by default.
    user: Option<String>,
}

/// `user`.
#[derive(Args, Debug)]
pub struct Users {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(subcommand)]
    command: Option<UsersCommand>,
}

#[derive(Subcommand, Debug)]
enum UsersCommand {
    /// Accounts by name (the default).
    List,
    /// Make an account; its first password is shown once.
    Add {
        /// Account name: a-z, 0-9, `.`, `_`, `-`.
        name: String,
        /// Its roles, separated by commas: system-admin, security-admin, audit-admin, viewer.
        #[arg(value_delimiter = ',', required = true)]
        roles: Vec<String>,
    },
    /// Give an account other roles.
    Role {
        /// Account name.
        name: String,
        /// Its roles from now on, separated by commas.
        #[arg(value_delimiter = ',', required = true)]
        roles: Vec<String>,
    },
    /// Give an account a new first password; its sessions end.
    Reset {
        /// Account name.
        name: String,
    },
    /// Delete an account with its sessions and tokens.
    Remove {
        /// Account name.
        name: String,
    },
}

/// What `login` keeps: where the server is, the token, and whose it is.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    #[serde(flatten)]
    place: Place,
    user: String,
}

/// Logs a person in and keeps a token, so that no password stands anywhere.
pub(super) async fn login(context: &Context, login: Login) -> Result<ExitCode> {
    let place = address(&login.options)?;
    let client = Client::new(place.clone(), context.lang)?;
    let screen = &context.screen;
    let password = prompt::secret(screen, Word::Password)?;
    let (mut me, mut ticket) = enter(&client, &login.user, &password).await?;
    if me.must_change {
        eprintln!("{}", screen.word(Word::ChangeFirst));
        (me, ticket) = change(&client, &ticket, &password, &prompt::new_secret(screen)?).await?;
    }
    let wish = json!({"name": "garrison login", "scopes": Scope::ALL, "life_s": login.life});
    let (made, ticket) = client.post_within(&ticket, "/tokens", &wish).await?;
    client.post_within(&ticket, "/logout", &json!({})).await?;
    let made: NewToken = typed(&made)?;
    let kept = Kept { place: Place { token: made.token, ..place }, user: me.user.clone() };
    keep(&login_file(), &json!(kept).to_string())?;
    let json = json!({"user": me.user, "roles": me.roles, "expires_us": made.kept.expires_us,
        "file": login_file().display().to_string()});
    say(&context.screen, login.options.json, &json, |screen| {
        let until = format!("{} {}", screen.word(Word::GoodUntil), screen.time(made.kept.expires_us));
        format!("{} {}, {until}", screen.word(Word::LoggedIn), me.user)
    })
}

/// Voids the token of the login and forgets it. A server that is away or does not know the token any more is no reason
/// to keep it.
pub(super) async fn logout(context: &Context, options: &Options) -> Result<ExitCode> {
    let path = login_file();
    if let Ok(kept) = kept(&path) {
        let id = kept.place.token.split('_').nth(1).unwrap_or_default().to_string();
        if let Err(fault) = Client::new(kept.place, context.lang)?.delete(&format!("/tokens/{}", escape(&id))).await {
            tracing::info!(fault = %fault.inside(), "the token was not voided");
        }
        let unusable = |cause| Fault::new(&fault::BAD_FILE).object(path.display()).because(cause);
        std::fs::remove_file(&path).map_err(unusable)?;
    }
    say(&context.screen, options.json, &json!({"logged_out": true}), |screen| screen.word(Word::LoggedOut).to_string())
}

/// Changes a person's own password: with the old one, whoever holds the token.
pub(super) async fn passwd(context: &Context, password: Password) -> Result<ExitCode> {
    let unknown = || Fault::new(&fault::BAD_ARGUMENT).object("USER").expected("an account name");
    let user = match password.user {
        Some(user) => user,
        None => kept(&login_file()).map_err(|_| unknown())?.user,
    };
    let client = Client::new(address(&password.options)?, context.lang)?;
    let screen = &context.screen;
    let old = prompt::secret(screen, Word::Password)?;
    let (_, ticket) = enter(&client, &user, &old).await?;
    let (_, ticket) = change(&client, &ticket, &old, &prompt::new_secret(screen)?).await?;
    client.post_within(&ticket, "/logout", &json!({})).await?;
    let json = json!({"user": user, "changed": true});
    say(screen, password.options.json, &json, |screen| screen.word(Word::PasswordChanged).to_string())
}

async fn enter(client: &Client, user: &str, password: &str) -> Result<(Me, Ticket)> {
    let body = json!({"user": user, "password": password});
    let (me, ticket) = client.post_within(&Ticket::default(), "/login", &body).await?;
    Ok((typed(&me)?, ticket))
}

async fn change(client: &Client, ticket: &Ticket, old: &str, new: &str) -> Result<(Me, Ticket)> {
    let (me, ticket) = client.post_within(ticket, "/password", &json!({"old": old, "new": new})).await?;
    Ok((typed(&me)?, ticket))
}

fn kept(path: &Path) -> Result<Kept> {
    let missing = |cause: &dyn std::fmt::Display| Fault::new(&fault::NO_CLIENT).object(path.display()).because(cause);
    let content = std::fs::read(path).map_err(|cause| missing(&cause))?;
    serde_json::from_slice(&content).map_err(|cause| missing(&cause))
}

/// Writes the file anew, readable by its owner alone.
fn keep(path: &Path, content: &str) -> Result<()> {
    let unusable = |cause: std::io::Error| Fault::new(&fault::BAD_FILE).object(path.display()).because(cause);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(unusable)?;
    }
    let fresh = path.with_extension("new");
    // A file left by an interrupted login may be open to others: its mode would stay.
    let _ = std::fs::remove_file(&fresh);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(unusable)?;
    file.write_all(content.as_bytes()).and_then(|()| file.sync_all()).map_err(unusable)?;
    std::fs::rename(&fresh, path).map_err(unusable)
}

fn say(screen: &Screen, as_json: bool, json: &Value, words: impl Fn(&Screen) -> String) -> Result<ExitCode> {
    let text = if as_json { format!("{json:#}") } else { words(screen) };
    super::read::print(&format!("{text}\n"));
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn users(session: &Session, users: Users) -> Result<ExitCode> {
    let client = &session.client;
    let path = |name: &str, rest: &str| format!("/users/{}{rest}", escape(name));
    match users.command.unwrap_or(UsersCommand::List) {
        UsersCommand::List => page(session, &client.get("/users?limit=1000").await?, lists::users),
        UsersCommand::Add { name, roles } => {
            let json = client.post("/users", &json!({"name": name, "roles": roles})).await?;
            show(session, &json, new_user)
        }
        UsersCommand::Role { name, roles } => {
            let json = client.put(&path(&name, "/roles"), &json!({"roles": roles})).await?;
            show(session, &json, |screen, user: &UserView| lists::users(screen, std::slice::from_ref(user)))
        }
        UsersCommand::Reset { name } => {
            let json = client.post(&path(&name, "/password"), &json!({})).await?;
            show(session, &json, new_user)
        }
        UsersCommand::Remove { name } => {
            client.delete(&path(&name, "")).await?;
            let done = |screen: &Screen, _: &Value| format!("{} {name}\n", screen.word(Word::Removed));
            show(session, &json!({"removed": name}), done)
        }
    }
}

fn new_user(screen: &Screen, new: &NewUser) -> String {
    let users = lists::users(screen, std::slice::from_ref(&new.user));
    format!("{users}{}\n{}\n", screen.word(Word::PasswordOnce), new.password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_login_is_kept_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("garrison-login-{}", std::process::id()));
        let path = folder.join("garrison/login.json");
        for user in ["alice", "bob"] {
            let place = Place { url: "https://localhost:1".into(), token: "grt_ab_cd".into(), ca: String::new() };
            keep(&path, &json!(Kept { place, user: user.into() }).to_string()).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let read = kept(&path).unwrap();
            assert_eq!((read.user.as_str(), read.place.token.as_str()), (user, "grt_ab_cd"));
        }
        std::fs::remove_dir_all(folder).unwrap();
        assert!(kept(&path).is_err());
    }
}
