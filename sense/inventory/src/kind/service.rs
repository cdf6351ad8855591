//! Units of systemd that are enabled, running or put there by hand (systemd.unit(5), systemd.service(5)).

use super::{Kind, Sight};
use crate::asset::asset;
use crate::root::Root;
use std::collections::{BTreeMap, BTreeSet};

/// Services.
pub const KIND: Kind = Kind { word: "service", look };

/// Where units lie, those that count most first.
pub(super) const UNITS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// Where running services have their control group.
const GROUPS: &[&str] =
    &["/sys/fs/cgroup/system.slice", "/sys/fs/cgroup/systemd/system.slice", "/sys/fs/cgroup/unified/system.slice"];

fn look(root: &Root, sight: &mut Sight) {
    let (enabled, running) = (enabled(root), running(root));
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for folder in UNITS {
        for name in root.list(folder).into_iter().filter(|name| name.ends_with(".service")) {
            seen.entry(name).or_insert_with(|| (*folder).to_owned());
        }
    }
    for (name, folder) in seen {
        let own = !folder.starts_with("/usr/lib") && !folder.starts_with("/lib");
        let (on, up) = (enabled.contains(&name), running.contains(&name));
        if !(own || on || up) {
            continue;
        }
        let place = format!("{folder}/{name}");
        let Some(text) = root.text(&place) else { continue };
        let unit = parse(&text);
        let first = |key: &str| unit.get(key).and_then(|values| values.first()).cloned().unwrap_or_default();
        let command = first("ExecStart").trim_start_matches(['@', '-', ':', '+', '!']).to_owned();
        // What runs for a moment comes and goes with every timer.
        let passing = first("Type") == "oneshot";
        let built = asset("service", &name, name.trim_end_matches(".service")).with("path", &place);
        let built =
            built.with("command", command).with("user", first("User")).with("description", first("Description"));
        sight.push(built.flag("enabled", on).flag("running", up && !passing));
    }
}

/// Names that something wants at the start.
pub(super) fn enabled(root: &Root) -> BTreeSet<String> {
    let patterns = ["/etc/systemd/system/*.wants", "/etc/systemd/system/*.requires", "/usr/lib/systemd/system/*.wants"];
    let folders = patterns.iter().flat_map(|pattern| root.glob(pattern));
    folders.flat_map(|folder| root.list(&folder)).collect()
}

fn running(root: &Root) -> BTreeSet<String> {
    GROUPS.iter().flat_map(|folder| root.list(folder)).filter(|name| name.ends_with(".service")).collect()
}

/// Settings by name, of all sections; an empty one forgets those before, a backslash at the end continues.
pub fn parse(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut unit: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let joined = text.replace("\\\n", " ");
    for line in joined.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '['])) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let values = unit.entry(name.trim().to_owned()).or_default();
        match value.trim() {
            "" => values.clear(),
            value => values.push(value.to_owned()),
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_setting_forgets() {
        let unit = parse("[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b \\\n  -x\n# c\nUser=u\n");
        assert_eq!(unit["ExecStart"], ["/bin/b    -x"]);
        assert_eq!(unit["User"], ["u"]);
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "([#\\[]?\\PC{0,6}=?\\PC{0,6}\\\\?\n){0,20}") {
            parse(&text);
        }
    }
}
