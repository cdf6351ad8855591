//! The OpenSSH server. User names come from whoever knocks: they may hold ` from 6.6.6.6 port 1`, so the address is
//! always looked for from the end of the message.

use super::{App, Around, Fields, Read, pam, peer};

/// `sshd`: outcome, user, src_ip, src_port, method.
pub struct Sshd;

impl App for Sshd {
    fn word(&self) -> &'static str {
        "sshd"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["sshd", "sshd-session", "sshd-auth"]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let text = message.trim_end_matches(" [preauth]");
        let text = ["error: ", "fatal: "].iter().find_map(|level| text.strip_prefix(level)).unwrap_or(text);
        let read =
            pam::read(text, "pam_failed", fields).or_else(|| login(text, fields)).or_else(|| ended(text, fields));
        read.or_else(|| refused(text, fields)).is_some().into()
    }
}

/// Splits at the last `word`, the only one that the server itself wrote.
fn last<'m>(text: &'m str, word: &str) -> Option<(&'m str, &'m str)> {
    text.rfind(word).map(|place| (&text[..place], &text[place + word.len()..]))
}

/// A user, and whether the server knows none of that name.
fn user(text: &str, fields: &mut Fields) {
    for unknown in ["invalid user ", "illegal user "] {
        if let Some(name) = text.strip_prefix(unknown) {
            fields.put("invalid_user", "true");
            return fields.some("user", name);
        }
    }
    fields.some("user", text);
}

/// `Accepted password for USER from IP port N ssh2[: KEY]`, `Failed …`, `Postponed …`, `Partial …`.
fn login(text: &str, fields: &mut Fields) -> Option<()> {
    const WORDS: &[(&str, &str)] =
        &[("Accepted ", "accepted"), ("Failed ", "failed"), ("Postponed ", "postponed"), ("Partial ", "partial")];
    if let Some(rest) = text.strip_prefix("Invalid user ").or_else(|| text.strip_prefix("Illegal user ")) {
        let (name, from) = last(rest, " from ").or_else(|| Some(("", rest.strip_prefix("from ")?)))?;
        fields.put("outcome", "invalid_user");
        fields.put("user", name);
        peer(from, fields);
        return Some(());
    }
    let (rest, outcome) = WORDS.iter().find_map(|(word, outcome)| Some((text.strip_prefix(word)?, outcome)))?;
    let (method, rest) = rest.split_once(" for ")?;
    let (name, from) = last(rest, " from ")?;
    fields.put("outcome", outcome);
    fields.put("method", method);
    user(name, fields);
    let behind = peer(from, fields);
    // `ssh2: ED25519 SHA256:…`, or `ssh2: ED25519-CERT ID name (serial 1) CA …`
    if let Some((_, key)) = behind.split_once(": ") {
        let (kind, print) = key.split_once(' ').unwrap_or((key, ""));
        fields.some("key_type", kind);
        fields.some("key_fingerprint", print);
    }
    Some(())
}

/// The end of a connection, with the user it was for where it says so.
fn ended(text: &str, fields: &mut Fields) -> Option<()> {
    const WORDS: &[(&str, &str)] = &[
        ("Connection closed by ", "closed"),
        ("Connection reset by ", "reset"),
        ("Disconnected from ", "disconnected"),
        ("Disconnecting ", "disconnected"),
        ("Received disconnect from ", "disconnected"),
        ("Timeout before authentication for ", "timeout"),
        ("Close session: user ", "closed"),
        ("Starting session: ", "session"),
    ];
    let (rest, outcome) = WORDS.iter().find_map(|(word, outcome)| Some((text.strip_prefix(word)?, *outcome)))?;
    fields.put("outcome", outcome);
    if outcome == "session" {
        // `shell on pts/0 for USER from IP port N id 0`
        let (front, from) = last(rest, " from ")?;
        let (what, name) = front.split_once(" for ")?;
        fields.put("session", what);
        fields.put("user", name);
        peer(from, fields);
        return Some(());
    }
    let rest = rest.strip_prefix("connection from ").unwrap_or(rest);
    let known = rest.strip_prefix("authenticating user ").or_else(|| rest.strip_prefix("user "));
    let named = known.or_else(|| rest.starts_with("invalid user ").then_some(rest));
    match named {
        // `USER IP port N`: the address is the word before the last ` port `.
        Some(named) => {
            let (front, _) = last(named, " port ")?;
            let (name, _) = last(front, " ")?;
            user(name, fields);
            peer(&named[name.len() + 1..], fields);
        }
        None => {
            let reason = peer(rest, fields);
            fields.some("reason", reason);
        }
    }
    Some(())
}

/// What the server refuses, and what it cannot make sense of.
fn refused(text: &str, fields: &mut Fields) -> Option<()> {
    if let Some(rest) = text.strip_prefix("maximum authentication attempts exceeded for ") {
        let (name, from) = last(rest, " from ")?;
        fields.put("outcome", "max_attempts");
        user(name, fields);
        peer(from, fields);
        return Some(());
    }
    if let Some((front, reason)) = last(text, " not allowed because ") {
        let (name, from) = last(front.strip_prefix("User ")?, " from ")?;
        fields.put("outcome", "not_allowed");
        user(name, fields);
        peer(from, fields);
        fields.put("reason", reason);
        return Some(());
    }
    if let Some(rest) = text.strip_prefix("Unable to negotiate with ") {
        fields.put("outcome", "no_agreement");
        let reason = peer(rest, fields);
        fields.some("reason", reason);
        return Some(());
    }
    if let Some((_, from)) = text.strip_prefix("Did not receive identification string").and_then(|t| last(t, " from "))
    {
        fields.put("outcome", "no_banner");
        peer(from, fields);
        return Some(());
    }
    if text.starts_with("Bad protocol version identification ") || text.starts_with("banner exchange: ") {
        let from = last(text, " from ")?.1;
        fields.put("outcome", "bad_protocol");
        let reason = peer(from, fields);
        fields.some("reason", reason);
        return Some(());
    }
    if let Some((what, from)) = text.split_once(": Connection from ") {
        fields.put("outcome", "error");
        fields.put("error", what);
        let reason = peer(from, fields);
        fields.some("reason", reason);
        return Some(());
    }
    if let Some(rest) = text.strip_prefix("Server listening on ") {
        fields.put("outcome", "listening");
        fields.put("address", rest.trim_end_matches('.'));
        return Some(());
    }
    None
}
