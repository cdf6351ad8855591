//! Who comes in and who is made: su, login, the account tools, systemd-logind, polkit.

use super::{App, Around, Fields, Read, pam};

/// `auth`: action, outcome, user, target_user, group, tty.
pub struct Auth;

impl App for Auth {
    fn word(&self) -> &'static str {
        "auth"
    }

    fn programs(&self) -> &'static [&'static str] {
        &[
            "su",
            "login",
            "useradd",
            "usermod",
            "userdel",
            "groupadd",
            "groupmod",
            "groupdel",
            "passwd",
            "gpasswd",
            "chpasswd",
            "chage",
            "chsh",
            "chfn",
            "newgrp",
            "adduser",
            "systemd-logind",
            "polkitd",
            "pkexec",
            "gdm*",
            "lightdm*",
            "su-l",
            "runuser",
        ]
    }

    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let text = message.trim_start();
        let read = pam::read(text, "failed", fields).or_else(|| su(text, fields)).or_else(|| login(text, fields));
        read.or_else(|| account(text, fields))
            .or_else(|| session(text, fields))
            .or_else(|| pkexec(text, fields))
            .is_some()
            .into()
    }
}

/// The text between a front and an end.
fn between<'t>(text: &'t str, front: &str, end: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(front)?;
    Some(if end.is_empty() { rest } else { rest.split_once(end)?.0 })
}

/// `Successful su for root by alice`, `FAILED su for …`, `(to root) alice on pts/0`, `FAILED SU (to root) alice on …`.
fn su(text: &str, fields: &mut Fields) -> Option<()> {
    let (outcome, target, by, tty) = if let Some(rest) = text.strip_prefix("Successful su for ") {
        let (target, by) = rest.split_once(" by ")?;
        ("accepted", target, by, "")
    } else if let Some(rest) = text.strip_prefix("FAILED su for ") {
        let (target, by) = rest.split_once(" by ")?;
        ("failed", target, by, "")
    } else {
        let (outcome, rest) = match text.strip_prefix("FAILED SU ") {
            Some(rest) => ("failed", rest),
            None => ("accepted", text),
        };
        let (target, rest) = rest.strip_prefix("(to ")?.split_once(") ")?;
        let (by, tty) = rest.split_once(" on ")?;
        (outcome, target, by, tty)
    };
    fields.put("action", "switch_user");
    fields.put("outcome", outcome);
    fields.some("user", by);
    fields.some("target_user", target);
    fields.some("tty", tty);
    Some(())
}

/// `FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure`, `ROOT LOGIN ON tty1`, `LOGIN ON tty1 BY bob`.
fn login(text: &str, fields: &mut Fields) -> Option<()> {
    if let Some(rest) = text.strip_prefix("FAILED LOGIN") {
        fields.put("action", "login");
        fields.put("outcome", "failed");
        let quoted = |word: &str| {
            let (_, rest) = rest.split_once(word)?;
            rest.split_once('\'').map(|(value, _)| value)
        };
        fields.some("tty", quoted(" on '").unwrap_or_default());
        fields.some("user", quoted(" FOR '").unwrap_or_default());
        return Some(());
    }
    let (tty, user) = match text.strip_prefix("ROOT LOGIN ON ") {
        Some(tty) => (tty.trim_start(), "root"),
        None => text.strip_prefix("LOGIN ON ")?.split_once(" BY ")?,
    };
    fields.put("action", "login");
    fields.put("outcome", "accepted");
    fields.some("tty", tty.split(' ').next().unwrap_or_default());
    fields.some("user", user);
    Some(())
}

/// The account tools of shadow-utils.
fn account(text: &str, fields: &mut Fields) -> Option<()> {
    const LISTS: &[(&str, &str)] = &[("new user: ", "user_added"), ("new group: ", "group_added")];
    if let Some((list, action)) = LISTS.iter().find_map(|(front, action)| Some((text.strip_prefix(front)?, action))) {
        fields.put("action", action);
        for (key, value) in list.split(", ").filter_map(|part| part.split_once('=')) {
            match (key, *action) {
                ("name", "user_added") => fields.put("target_user", value),
                ("name", _) => fields.put("group", value),
                ("UID", _) => fields.put("uid", value),
                ("GID", _) => fields.put("gid", value),
                ("home" | "shell" | "from", _) => fields.some(key, value),
                _ => {}
            }
        }
        return Some(());
    }
    const QUOTED: &[(&str, &str, &str)] = &[
        ("delete user '", "user_removed", "target_user"),
        ("change user '", "user_changed", "target_user"),
        ("lock user '", "user_locked", "target_user"),
        ("unlock user '", "user_unlocked", "target_user"),
        ("removed group '", "group_removed", "group"),
        ("failed adding user '", "user_add_failed", "target_user"),
        ("changed password expiry for '", "expiry_changed", "target_user"),
        ("change group '", "group_changed", "group"),
    ];
    for (front, action, name) in QUOTED {
        if let Some(value) = between(text, front, "'") {
            fields.put("action", action);
            fields.put(name, value);
            return Some(());
        }
    }
    membership(text, fields).or_else(|| password(text, fields))
}

/// `add 'bob' to group 'sudo'`, `user bob added by root to group sudo`, `delete 'bob' from group 'sudo'`.
fn membership(text: &str, fields: &mut Fields) -> Option<()> {
    let (action, user, by, group) = if let Some(rest) = text.strip_prefix("add '") {
        let (user, group) = rest.split_once("' to group '").or_else(|| rest.split_once("' to shadow group '"))?;
        ("group_member_added", user, "", group)
    } else if let Some(rest) = text.strip_prefix("delete '") {
        let (user, group) = rest.split_once("' from group '").or_else(|| rest.split_once("' from shadow group '"))?;
        ("group_member_removed", user, "", group)
    } else {
        let (user, rest) = text.strip_prefix("user ")?.split_once(' ')?;
        let (action, rest) = match rest.strip_prefix("added by ") {
            Some(rest) => ("group_member_added", rest.split_once(" to group ")?),
            None => ("group_member_removed", rest.strip_prefix("removed by ")?.split_once(" from group ")?),
        };
        (action, user, rest.0, rest.1)
    };
    fields.put("action", action);
    fields.put("target_user", user);
    fields.some("user", by);
    fields.put("group", group.trim_end_matches('\''));
    Some(())
}

fn password(text: &str, fields: &mut Fields) -> Option<()> {
    let user = text.strip_prefix("password for '").and_then(|rest| rest.split_once("' changed by '"));
    if let Some((target, by)) = user {
        fields.put("user", by.trim_end_matches('\''));
        fields.put("target_user", target);
    } else {
        fields.put("target_user", between(text, "password changed for ", "")?);
    }
    fields.put("action", "password_changed");
    Some(())
}

/// systemd-logind: `New session 5 of user root.`, `Removed session 5.`
fn session(text: &str, fields: &mut Fields) -> Option<()> {
    if let Some(rest) = text.strip_prefix("New session ") {
        let (session, user) = rest.split_once(" of user ")?;
        fields.put("action", "session_new");
        fields.put("session", session);
        fields.put("user", user.split(['.', '\'']).find(|part| !part.is_empty()).unwrap_or(user));
        return Some(());
    }
    let session = between(text, "Removed session ", ".")?;
    fields.put("action", "session_removed");
    fields.put("session", session);
    Some(())
}

/// pkexec: `alice: Executing command [USER=root] [TTY=unknown] [CWD=/home/alice] [COMMAND=/usr/bin/id]`; what it refuses
/// stands before the brackets. The command comes last and may hold anything.
fn pkexec(text: &str, fields: &mut Fields) -> Option<()> {
    let (front, command) = text.split_once(" [COMMAND=")?;
    let (user, rest) = front.split_once(": ")?;
    let (what, list) = rest.split_once(" [")?;
    fields.put("action", "run_as");
    fields.put("outcome", if what == "Executing command" { "allowed" } else { "refused" });
    fields.put("user", user);
    for (key, value) in list.split("] [").filter_map(|part| part.trim_end_matches(']').split_once('=')) {
        match key {
            "USER" => fields.some("target_user", value),
            "TTY" => fields.some("tty", value),
            "CWD" => fields.some("pwd", value),
            _ => {}
        }
    }
    fields.some("command", command.strip_suffix(']').unwrap_or(command));
    Some(())
}
