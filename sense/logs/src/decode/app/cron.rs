//! cron, crontab, anacron and at.

use super::{App, Around, Fields, Read, pam};

/// `cron`: user, action, command.
pub struct Cron;

impl App for Cron {
    fn word(&self) -> &'static str {
        "cron"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["CRON", "cron", "crond", "CROND", "crontab", "anacron", "atd", "/usr/sbin/cron"]
    }

    /// `(root) CMD (run-parts /etc/cron.hourly)`, `(root) REPLACE (root)`, `(*system*) RELOAD (/etc/crontab)`.
    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let cron = |fields: &mut Fields| {
            let (user, rest) = message.strip_prefix('(')?.split_once(") ")?;
            let (action, detail) = rest.split_once(" (")?;
            fields.put("user", user);
            fields.put("action", action);
            let detail = detail.strip_suffix(')').unwrap_or(detail).trim_start();
            match action {
                "CMD" => fields.some("command", detail),
                "REPLACE" | "LIST" | "DELETE" | "BEGIN EDIT" | "END EDIT" => fields.some("target_user", detail),
                _ => fields.some("detail", detail),
            }
            Some(())
        };
        pam::read(message, "failed", fields).or_else(|| cron(fields)).is_some().into()
    }
}
