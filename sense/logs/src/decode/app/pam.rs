//! Messages of PAM modules, which every program that logs people in writes in the same words.

use super::Fields;

/// Reads `pam_unix(sshd:session): …`; `None` for anything else. `failed` is the outcome of a failure: a program that
/// tells the same failure in its own words too must not have it counted twice.
pub fn read(text: &str, failed: &str, fields: &mut Fields) -> Option<()> {
    let (front, rest) = text.split_once("): ")?;
    let (module, service) = front.split_once('(')?;
    if !module.starts_with("pam_") || module.contains(' ') {
        return None;
    }
    fields.put("pam_module", module);
    let (service, stage) = service.split_once(':').unwrap_or((service, ""));
    fields.some("pam_service", service);
    fields.some("pam_stage", stage);
    session(rest, fields).or_else(|| failure(rest, failed, fields)).or_else(|| other(rest, fields));
    Some(())
}

/// A name as PAM writes it, `root(uid=0)`.
fn name<'t>(text: &'t str, fields: &mut Fields, user: &str, uid: &str) -> &'t str {
    let end = text.find(' ').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let (name, number) = word.split_once("(uid=").unwrap_or((word, ""));
    fields.some(user, name);
    fields.some(uid, number.trim_end_matches(')'));
    rest
}

/// `session opened for user root(uid=0) by alice(uid=1000)`, `session closed for user root`.
fn session(text: &str, fields: &mut Fields) -> Option<()> {
    let (outcome, rest) = match text.strip_prefix("session opened for user ") {
        Some(rest) => ("session_opened", rest),
        None => ("session_closed", text.strip_prefix("session closed for user ")?),
    };
    fields.put("outcome", outcome);
    if let Some(by) = name(rest, fields, "user", "uid").strip_prefix(" by ") {
        name(by, fields, "by_user", "by_uid");
    }
    Some(())
}

/// `authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=root`.
fn failure(text: &str, failed: &str, fields: &mut Fields) -> Option<()> {
    const NAMES: &[(&str, &str)] =
        &[("logname", "by_user"), ("uid", "by_uid"), ("tty", "tty"), ("ruser", "remote_user"), ("rhost", "src_ip")];
    let rest = text.strip_prefix("authentication failure; ")?;
    fields.put("outcome", failed);
    // The user comes last and may be any text.
    let (front, user) = rest.split_once(" user=").unwrap_or((rest, ""));
    for (key, value) in front.split(' ').filter_map(|word| word.split_once('=')) {
        if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == key) {
            fields.some(name, value);
        }
    }
    fields.some("user", user);
    Some(())
}

/// `password changed for bob`, `check pass; user unknown`, `conversation failed`, `Account temporarily locked …`.
fn other(text: &str, fields: &mut Fields) -> Option<()> {
    if let Some(user) = text.strip_prefix("password changed for ") {
        fields.put("action", "password_changed");
        fields.put("user", user);
    } else if text == "check pass; user unknown" {
        fields.put("outcome", "invalid_user");
    } else if text.contains("account") && text.contains("locked") {
        fields.put("outcome", "locked");
    }
    Some(())
}
