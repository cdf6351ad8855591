//! sudo and doas.

use super::{App, Around, Fields, Read, pam};

/// `sudo`: user, target_user, command, tty, pwd, outcome. `USER` is given too, as public rules name it.
pub struct Sudo;

impl App for Sudo {
    fn word(&self) -> &'static str {
        "sudo"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["sudo", "doas"]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let text = message.trim_start();
        pam::read(text, "failed", fields).or_else(|| sudo(text, fields)).or_else(|| doas(text, fields)).is_some().into()
    }
}

/// `alice : [reason ;] TTY=pts/0 ; PWD=/home/alice ; USER=root ; [GROUP= ;] [ENV= ;] COMMAND=/bin/ls`. The command
/// comes last and may hold anything, so the first `COMMAND=` ends the reading.
fn sudo(text: &str, fields: &mut Fields) -> Option<()> {
    let (user, rest) = text.split_once(" : ")?;
    if user.contains(' ') {
        return None;
    }
    let (front, command) = match rest.strip_prefix("COMMAND=") {
        Some(command) => ("", command),
        None => rest.split_once("; COMMAND=").unwrap_or((rest, "")),
    };
    fields.put("user", user);
    let mut outcome = if command.is_empty() { "refused" } else { "allowed" };
    for part in front.split(" ; ").map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("TTY", tty)) => fields.some("tty", tty),
            Some(("PWD", pwd)) => fields.some("pwd", pwd),
            Some(("USER", target)) => {
                fields.some("target_user", target);
                fields.some("USER", target);
            }
            Some(("GROUP", group)) => fields.some("target_group", group),
            Some(("ENV", environment)) => fields.some("environment", environment),
            Some(("TSID" | "CHROOT" | "HOST", _)) => {}
            _ => {
                outcome = reason(part);
                fields.put("reason", part);
            }
        }
    }
    fields.some("command", command);
    fields.put("outcome", outcome);
    Some(())
}

fn reason(text: &str) -> &'static str {
    if text.contains("incorrect password") {
        "failed"
    } else if text.contains("NOT in sudoers") {
        "not_in_sudoers"
    } else if text.contains("command not allowed") {
        "not_allowed"
    } else {
        "refused"
    }
}

/// `alice ran command id as root from /home/alice`, `failed auth for alice`.
fn doas(text: &str, fields: &mut Fields) -> Option<()> {
    if let Some(user) = text.strip_prefix("failed auth for ") {
        fields.put("outcome", "failed");
        fields.put("user", user);
        return Some(());
    }
    let (user, rest) = text.split_once(" ran command ")?;
    // The command may hold ` as `; what the program wrote is the last.
    let place = rest.rfind(" as ")?;
    let (target, pwd) = rest[place + 4..].split_once(" from ").unwrap_or((&rest[place + 4..], ""));
    fields.put("user", user);
    fields.put("target_user", target);
    fields.some("pwd", pwd);
    fields.put("command", &rest[..place]);
    fields.put("outcome", "allowed");
    Some(())
}
