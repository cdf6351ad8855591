//! What runs by the clock: crontab(5), the folders of run-parts, timers of systemd, at(1).

use super::service::{UNITS, enabled, parse as unit};
use super::{Kind, Sight, lines};
use crate::asset::{asset, fingerprint};
use crate::root::Root;

/// Scheduled jobs.
pub const KIND: Kind = Kind { word: "cron", look };

/// A line of a crontab.
#[derive(Debug, PartialEq, Eq)]
pub struct Job {
    /// `* * * * *` or `@daily`.
    pub schedule: String,
    /// Who runs it, empty when the file's owner does.
    pub user: String,
    /// What.
    pub command: String,
}

fn look(root: &Root, sight: &mut Sight) {
    tables(root, sight);
    for period in ["hourly", "daily", "weekly", "monthly"] {
        let folder = format!("/etc/cron.{period}");
        for name in root.list(&folder).iter().filter(|name| !name.starts_with('.')) {
            let place = format!("{folder}/{name}");
            let content = root.text(&place).unwrap_or_default();
            let built = asset("cron", &place, &place).with("schedule", format!("@{period}")).with("user", "root");
            sight.push(built.with("file", &place).with("command", &place).with("sum", fingerprint(content.as_bytes())));
        }
    }
    timers(root, sight);
    for folder in ["/var/spool/cron/atjobs", "/var/spool/at"] {
        for name in root.list(folder).iter().filter(|name| name.starts_with(['a', '='])) {
            let place = format!("{folder}/{name}");
            let text = root.text(&place).unwrap_or_default();
            // The environment stands before the command.
            let command = lines(&text).last().unwrap_or_default();
            sight.push(
                asset("cron", &place, command).with("schedule", "at").with("file", &place).with("command", command),
            );
        }
    }
}

fn tables(root: &Root, sight: &mut Sight) {
    let mut files = vec![("/etc/crontab".to_owned(), None)];
    files.extend(root.list("/etc/cron.d").iter().map(|name| (format!("/etc/cron.d/{name}"), None)));
    for folder in ["/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs", "/etc/crontabs"] {
        for name in root.list(folder) {
            files.push((format!("{folder}/{name}"), Some(name)));
        }
    }
    for (file, owner) in files {
        let Some(text) = root.text(&file) else { continue };
        for job in parse(&text, owner.is_none()) {
            let user = owner.as_deref().unwrap_or(&job.user);
            let key =
                format!("{file}:{}", fingerprint(format!("{} {} {}", job.schedule, user, job.command).as_bytes()));
            let built = asset("cron", &key, &job.command).with("schedule", &job.schedule).with("user", user);
            sight.push(built.with("command", &job.command).with("file", &file));
        }
    }
}

fn timers(root: &Root, sight: &mut Sight) {
    let on = enabled(root);
    for (place, name) in UNITS
        .iter()
        .flat_map(|folder| root.list(folder).into_iter().map(move |name| (format!("{folder}/{name}"), name)))
    {
        let own = !place.starts_with("/usr/lib") && !place.starts_with("/lib");
        if !name.ends_with(".timer") || !(own || on.contains(&name)) {
            continue;
        }
        let settings = unit(&root.text(&place).unwrap_or_default());
        let times: Vec<String> = settings
            .iter()
            .filter(|(name, _)| name.starts_with("On"))
            .flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")))
            .collect();
        let runs = settings.get("Unit").and_then(|units| units.first()).cloned();
        let runs = runs.unwrap_or_else(|| name.replace(".timer", ".service"));
        let built = asset("cron", &format!("timer:{name}"), &name).with("schedule", times.join(" "));
        sight.push(built.with("file", &place).with("command", runs).flag("enabled", on.contains(&name)));
    }
}

/// Jobs of a crontab; with accounts in a system's table.
pub fn parse(text: &str, accounts: bool) -> Vec<Job> {
    lines(text).filter_map(|line| job(line, accounts)).collect()
}

fn job(line: &str, accounts: bool) -> Option<Job> {
    let mut rest = line;
    let mut word = || {
        let text = rest.trim_start();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        rest = &text[end..];
        Some(&text[..end]).filter(|word| !word.is_empty())
    };
    let first = word()?;
    let schedule = if first.starts_with('@') {
        first.to_owned()
    } else {
        // Settings of the environment begin with a letter.
        first.starts_with(|letter: char| letter.is_ascii_digit() || matches!(letter, '*' | '-')).then_some(())?;
        let others = [word()?, word()?, word()?, word()?];
        format!("{first} {}", others.join(" "))
    };
    let user = if accounts { word()?.to_owned() } else { String::new() };
    let command = rest.trim().to_owned();
    (!command.is_empty()).then_some(Job { schedule, user, command })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn jobs_are_read_and_settings_are_not() {
        let text = "SHELL=/bin/sh\n# m h\n17 *\t* * *\troot    cd / && run-parts x\n@reboot eve /tmp/x\n* * * *\n";
        let jobs = parse(text, true);
        assert_eq!(jobs.len(), 2);
        assert_eq!((jobs[0].schedule.as_str(), jobs[0].user.as_str()), ("17 * * * *", "root"));
        assert_eq!((jobs[1].schedule.as_str(), jobs[1].command.as_str()), ("@reboot", "/tmp/x"));
        assert_eq!(parse("*/5 * * * * curl x | sh\n", false)[0].command, "curl x | sh");
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "(([0-9*@/]{0,4}[ \t]){0,7}\\PC{0,9}\n){0,9}", accounts: bool) {
            prop_assert!(parse(&text, accounts).iter().all(|job| !job.command.is_empty()));
        }
    }
}
