//! Words that must or must not stand in a file.

use super::Source;
use std::path::Path;

/// A call that is banned, where it is allowed all the same, and what to use instead.
struct Ban {
    call: &'static str,
    allowed: &'static [&'static str],
    instead: &'static str,
}

const BANS: &[Ban] = &[
    Ban { call: "SystemTime::now(", allowed: &["core/base/", "tests/", "xtask/"], instead: "base::Clock, passed in" },
    Ban {
        call: "thread::sleep(",
        allowed: &["tests/", "xtask/", "respond/action/", "platform/bus/src/shared.rs"],
        instead: "wait for the event itself (poll, condvar, channel)",
    },
    Ban {
        call: "println!(",
        allowed: &["app/", "tests/", "xtask/", "build.rs"],
        instead: "tracing, or return the text to app",
    },
    Ban { call: "std::process::exit(", allowed: &["tests/programs/"], instead: "return an exit code from main" },
    Ban { call: "env::set_var(", allowed: &[], instead: "pass the value as an argument" },
    Ban { call: "dyn Error", allowed: &["xtask/"], instead: "base::Fault" },
    Ban { call: "unimplemented!(", allowed: &[], instead: "the implementation" },
];

/// Folders whose crates may hold `unsafe` (docs/decisions/005).
const UNSAFE: &[&str] = &[
    "core/kernel/",
    "sense/sensor/",
    "edge/scrub/",
    "edge/bgp/",
    "respond/action/",
    "respond/drill/",
    "app/agent/",
    "tests/",
];

/// Checks every file.
pub fn check(root: &Path, sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        if source.path.ends_with(".rs") {
            page(source, &mut findings);
            bans(source, &mut findings);
        }
        paths(source, &mut findings);
    }
    for needed in [
        "README.md",
        "README.zh-CN.md",
        "ARCHITECTURE.md",
        "SPECIFICATION.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/threat-model.md",
        "CHANGELOG.md",
        "LICENSE",
        "deny.toml",
    ] {
        if !root.join(needed).exists() {
            findings.push(format!("{needed}: is missing"));
        }
    }
    findings
}

/// Every module opens with a page that says what it is.
fn page(source: &Source, findings: &mut Vec<String>) {
    let first = source.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    if !first.is_some_and(|line| line.starts_with("//!")) {
        findings.push(format!("{}: has no module page; open the file with `//! what it is`", source.path));
    }
}

fn bans(source: &Source, findings: &mut Vec<String>) {
    // Modules of tests alone; what a test may do is the guide's matter.
    if source.path.ends_with("/tests.rs") || source.path.ends_with("action/src/crash.rs") {
        return;
    }
    let lines = source.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for ban in BANS.iter().filter(|ban| line.contains(ban.call)) {
            if source.path != "xtask/src/tidy/words.rs" && !ban.allowed.iter().any(|place| source.path.contains(place))
            {
                findings.push(format!("{}:{}: `{}` is banned; use {}", source.path, number + 1, ban.call, ban.instead));
            }
        }
        let opens = line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl");
        if opens && !source.path.starts_with("xtask/") && !UNSAFE.iter().any(|place| source.path.starts_with(place)) {
            findings.push(format!("{}:{}: `unsafe` outside its owners", source.path, number + 1));
        }
    }
}

/// No path of a build machine, no registry host.
fn paths(source: &Source, findings: &mut Vec<String>) {
    if source.path.ends_with(".lock") || source.path.ends_with("package-lock.json") {
        return;
    }
    // Built from parts so that this file does not find itself.
    let needles: Vec<String> = [
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["/fa", "rm/"],
        ["cra", "tes.io/api"],
        ["registry.np", "mjs"],
        ["deb.deb", "ian.org"],
        ["pypi", ".org"],
    ]
    .iter()
    .map(|parts| parts.concat())
    .collect();
    for (number, line) in source.text.lines().enumerate() {
        for needle in needles.iter().filter(|needle| line.contains(needle.as_str())) {
            let before = line.find(needle.as_str()).and_then(|at| line[..at].chars().last());
            if !before
                .is_some_and(|character| character.is_ascii_alphanumeric() || character == '.' || character == '}')
            {
                findings.push(format!(
                    "{}:{}: names `{needle}`; no machine path or registry host in any file",
                    source.path,
                    number + 1
                ));
            }
        }
    }
}
