//! Libraries that are loaded into every program (`/etc/ld.so.preload`, ld.so(8)) or into one by its environment.

use super::{Check, Finding, is_temporary, numbers};
use crate::limits::ENVIRON_BYTES;
use base::Result;
use std::io::Read;
use std::path::Path;

/// See the module.
pub const CHECK: Check = Check { name: "preloaded-libraries", look };

const FILE: &str = "/etc/ld.so.preload";
const NAMES: [&str; 2] = ["LD_PRELOAD=", "LD_AUDIT="];
/// Libraries that are preloaded by their work: allocators, and tools of packaging.
const USUAL: &[&str] = &[
    "libjemalloc",
    "libtcmalloc",
    "libmimalloc",
    "libeatmydata",
    "libfakeroot",
    "libfaketime",
    "libasan",
    "libgtk3-nocsd",
];
const SYSTEM: &[&str] = &["/usr/lib", "/lib", "/usr/local/lib", "/opt/", "/snap/", "/usr/$LIB"];

fn look() -> Result<Vec<Finding>> {
    let everywhere = std::fs::read_to_string(FILE).unwrap_or_default();
    let mut found: Vec<Finding> = libraries(&everywhere).map(|library| of_file(&library)).collect();
    for pid in numbers("/proc") {
        found.extend(of_process(pid));
    }
    Ok(found)
}

/// Libraries of a list: separated by white space or colons; comments begin with `#`.
fn libraries(text: &str) -> impl Iterator<Item = String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(|line| line.split([' ', '\t', ':'])).filter(|library| !library.is_empty()).map(str::to_owned)
}

fn of_file(library: &str) -> Finding {
    let gone = !Path::new(library).exists();
    Finding {
        key: library.to_owned(),
        name: "preloaded-everywhere",
        // A library that is loaded everywhere and cannot be seen hides itself.
        score: if gone || is_temporary(library) { 95 } else { 80 },
        path: library.to_owned(),
        details: vec![("list", FILE.into()), ("there", (!gone).to_string())],
        ..Finding::default()
    }
}

fn of_process(pid: u32) -> Vec<Finding> {
    let mut bytes = Vec::new();
    let Ok(file) = std::fs::File::open(format!("/proc/{pid}/environ")) else { return Vec::new() };
    if file.take(ENVIRON_BYTES).read_to_end(&mut bytes).is_err() {
        return Vec::new();
    }
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).map_or(String::new(), |path| path.display().to_string());
    let unusual = |library: &String| score(library).is_some();
    let named = of_environment(&bytes).into_iter().filter(unusual);
    let finding = |library: String| Finding {
        key: format!("{pid} {library}"),
        name: "preloaded-library",
        score: score(&library).unwrap_or(0),
        pid,
        details: vec![("exe", exe.clone())],
        path: library,
    };
    named.map(finding).collect()
}

fn of_environment(bytes: &[u8]) -> Vec<String> {
    let texts = bytes.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let value =
        |text: std::borrow::Cow<'_, str>| NAMES.iter().find_map(|name| text.strip_prefix(name).map(str::to_owned));
    texts.filter_map(value).flat_map(|list| libraries(&list).collect::<Vec<_>>()).collect()
}

/// How odd a library is; `None` for a usual one.
fn score(library: &str) -> Option<u32> {
    let name = library.rsplit('/').next().unwrap_or(library);
    let hidden = library.split('/').any(|part| part.starts_with('.') && part.len() > 1 && part != "..");
    let system = SYSTEM.iter().any(|folder| library.starts_with(folder)) || !library.contains('/');
    match () {
        () if is_temporary(library) || hidden => Some(85),
        () if system && USUAL.iter().any(|usual| name.starts_with(usual)) => None,
        () if system => Some(35),
        () => Some(55),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_weighed_by_where_they_lie() {
        let of = |text: &str| of_environment(text.as_bytes());
        assert_eq!(of("A=1\0LD_PRELOAD=/tmp/x.so:/b.so c.so\0XLD_PRELOAD=/d\0"), ["/tmp/x.so", "/b.so", "c.so"]);
        assert_eq!(score("/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"), None);
        assert_eq!(score("/tmp/libjemalloc.so"), Some(85));
        assert_eq!(
            (score("/usr/lib/.x/a.so"), score("/usr/lib/evil.so"), score("/srv/a.so")),
            (Some(85), Some(35), Some(55))
        );
        assert_eq!(libraries("# none\n/lib/a.so /lib/b.so\n").collect::<Vec<_>>(), ["/lib/a.so", "/lib/b.so"]);
        assert_eq!(of_file("/absent.so").score, 95);
    }

    #[test]
    fn a_process_with_a_preloaded_library_is_found() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .env("LD_PRELOAD", "/tmp/garrison-absent.so")
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        // Its environment is ours until it has become sleep.
        while child.try_wait().unwrap().is_none() && of_process(pid).is_empty() {
            std::thread::yield_now();
        }
        let found = of_process(pid);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.iter().map(|one| (one.pid, one.score)).collect::<Vec<_>>(), [(pid, 85)]);
    }
}
