//! The one law: the loop is closed by data, never by imports.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Imports allowed inside a room, from → to. A change of the law is proposed here, with a record in `docs/decisions`.
const IN_ROOM: &[(&str, &str)] = &[
    ("detect", "sigma"),
    ("detect", "intel"),
    ("intel", "indicator"),
    ("detect", "anomaly"),
    ("playbook", "action"),
    ("playbook", "impact"),
    ("waf", "seclang"),
    ("waf", "atoms"),
    ("atoms", "seclang"),
    ("atoms", "injection"),
    ("waf", "payload"),
    ("payload", "seclang"),
    ("score", "waf"),
    ("score", "injection"),
    ("gateway", "waf"),
    ("gateway", "score"),
    ("gateway", "profile"),
    ("gateway", "wire"),
    ("gateway", "flood"),
    ("scrub", "ddos"),
    ("ddos", "capture"),
    ("fleet", "bus"),
    ("scanner", "scan"),
];

/// Heavy libraries and the crates that may name each: one owner, and `sensor` beside `kernel` (docs/decisions/005).
const OWNERS: &[(&str, &[&str])] = &[
    ("datafusion", &["lake"]),
    ("arrow", &["lake"]),
    ("parquet", &["lake"]),
    ("sqlx", &["store"]),
    ("yara-x", &["scanner"]),
    ("typst", &["report"]),
    ("async-nats", &["cluster"]),
    ("object_store", &["cluster"]),
    ("tonic", &["fleet"]),
    ("rcgen", &["fleet", "gateway"]),
    ("hickory-proto", &["divert"]),
    ("maxminddb", &["origin"]),
    ("libbpf-rs", &["kernel", "sensor", "scrub"]),
    ("libbpf-sys", &["kernel", "sensor", "scrub"]),
];

/// Libraries that must never come in, directly or below.
const REFUSED: &[(&str, &str)] = &[
    ("openssl-sys", "rustls with ring"),
    ("aws-lc-sys", "rustls with ring: choose the `*-no-provider` or `ring` feature"),
    ("native-tls", "rustls with ring"),
    ("rusqlite", "sqlx"),
];

/// Programs that must stay small, and what they never link, however deep.
const LIGHT: &[(&str, &[&str])] = &[("garrison-agent", HEAVY), ("garrison-gateway", HEAVY)];

/// What only the server may link.
const HEAVY: &[&str] = &["datafusion", "arrow", "parquet", "typst", "sqlx", "yara-x", "cxx"];

/// One import of a crate of ours: importer (room, name), imported (room or empty for outside, name).
struct Import {
    from_room: String,
    from: String,
    to_room: String,
    to: String,
    /// Only its tests import it.
    tests_only: bool,
}

/// Reads `cargo metadata` and judges.
pub fn check(root: &Path) -> Vec<String> {
    let mut findings = check_imports(root);
    // Packages of other systems need not be there.
    let here = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    match metadata(root, &["--locked", "--offline", "--filter-platform", &here]) {
        Ok(metadata) => {
            findings.extend(refused(metadata.packages.iter().map(|package| package.name.as_str())));
            findings.extend(heavy(&graph(&metadata)));
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

/// The imports alone, as the manifests say them: needs neither network nor a lock file.
fn check_imports(root: &Path) -> Vec<String> {
    match metadata(root, &["--no-deps", "--offline"]) {
        Ok(metadata) => imports(&metadata).iter().filter_map(wrong).collect(),
        Err(finding) => vec![finding],
    }
}

fn metadata(root: &Path, options: &[&str]) -> Result<Metadata, String> {
    let options: Vec<String> = options.iter().map(ToString::to_string).collect();
    let read = MetadataCommand::new().current_dir(root).other_options(options).exec();
    read.map_err(|cause| format!("Cargo.lock: cargo metadata fails ({cause}); run `cargo fetch`"))
}

fn imports(metadata: &Metadata) -> Vec<Import> {
    let room_of: BTreeMap<String, String> = metadata
        .workspace_packages()
        .iter()
        .filter_map(|package| {
            let path = package.manifest_path.strip_prefix(&metadata.workspace_root).ok()?;
            Some((package.name.to_string(), path.components().next()?.to_string()))
        })
        .collect();
    let mut imports = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            imports.push(Import {
                from_room: room_of.get(package.name.as_str()).cloned().unwrap_or_default(),
                from: package.name.to_string(),
                to_room: room_of.get(&dependency.name).cloned().unwrap_or_default(),
                to: dependency.name.clone(),
                tests_only: dependency.kind == DependencyKind::Development,
            });
        }
    }
    imports
}

fn wrong(import: &Import) -> Option<String> {
    let Import { from_room, from, to_room, to, tests_only } = import;
    if to_room.is_empty() {
        let (library, owners) = OWNERS.iter().find(|(library, _)| library == to)?;
        let owned = owners.contains(&from.as_str()) || from_room == "tests";
        let owners = owners.join(" and ");
        return (!owned).then(|| format!("{from_room}/{from}: names {library}; only {owners} may, behind a port"));
    }
    let allowed = match from_room.as_str() {
        "app" | "tests" | "xtask" => true,
        // Tests may use the kit and, of their own room, what stands behind a port in service.
        room if *tests_only && (to_room == "tests" || to_room == room) => true,
        room if to_room == "core" || (to_room == room && IN_ROOM.contains(&(from.as_str(), to.as_str()))) => true,
        _ => false,
    };
    (!allowed).then(|| {
        format!("{from_room}/{from}: imports {to_room}/{to}; join them in app through a topic or a port (docs: DESIGN, the one law)")
    })
}

fn refused<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let names: BTreeSet<&str> = names.collect();
    let found = REFUSED.iter().filter(|(name, _)| names.contains(name));
    found.map(|(name, instead)| format!("Cargo.lock: {name} came in; use {instead}")).collect()
}

/// What each package links or needs to build, by name: tests are left out.
fn graph(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        let needed = node.deps.iter().filter(|dependency| {
            dependency.dep_kinds.is_empty()
                || dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
        });
        let needed = needed.filter_map(|dependency| names.get(&dependency.pkg).cloned());
        // Two versions of a package count as one here: either is too heavy.
        graph.entry(names.get(&node.id).cloned().unwrap_or_default()).or_default().extend(needed);
    }
    graph
}

/// Small programs that link something heavy, with the chain that brings it in.
fn heavy(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut findings = Vec::new();
    for (program, never) in LIGHT {
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = vec![*program];
        while let Some(name) = open.pop() {
            for next in graph.get(name).into_iter().flatten().filter(|next| next.as_str() != *program) {
                if !from.contains_key(next.as_str()) {
                    from.insert(next, name);
                    open.push(next);
                }
            }
        }
        for library in never.iter().filter(|library| from.contains_key(*library)) {
            let mut chain = vec![*library];
            while let Some(by) = chain.last().and_then(|name| from.get(name)) {
                chain.push(by);
            }
            chain.reverse();
            findings.push(format!("{program}: links {library} ({}); keep the agent small", chain.join(" → ")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn import(from: &str, to: &str, tests_only: bool) -> Import {
        let split = |text: &str| text.split_once('/').map(|(room, name)| (room.to_string(), name.to_string())).unwrap();
        let ((from_room, from), (to_room, to)) = (split(from), split(to));
        Import { from_room, from, to_room, to, tests_only }
    }

    #[test]
    fn a_forbidden_import_is_found() {
        for (from, to) in [("sense/sensor", "core/record"), ("app/agent", "sense/sensor"), ("edge/gateway", "edge/waf")]
        {
            assert_eq!(wrong(&import(from, to, false)), None);
        }
        for (from, to) in [
            ("sense/sensor", "analyze/detect"),
            ("analyze/correlate", "analyze/detect"),
            ("core/record", "platform/bus"),
            ("respond/action", "app/agent"),
            ("console/api", "platform/store"),
        ] {
            assert!(wrong(&import(from, to, false)).is_some(), "{from} → {to}");
            let own_room = from.split('/').next() == to.split('/').next();
            assert_eq!(wrong(&import(from, to, true)).is_none(), own_room, "{from} → {to} in its tests");
        }
        assert_eq!(wrong(&import("platform/lake", "tests/kit", true)), None);
        assert_eq!(wrong(&import("platform/lake", "platform/store", true)), None);
        assert!(wrong(&import("platform/lake", "tests/kit", false)).is_some());
        assert!(wrong(&import("platform/lake", "platform/store", false)).is_some());
    }

    #[test]
    fn a_heavy_library_has_one_owner() {
        assert_eq!(wrong(&import("platform/lake", "/datafusion", false)), None);
        for library in ["/datafusion", "/libbpf-rs", "/parquet", "/arrow"] {
            assert!(wrong(&import("console/api", library, true)).is_some(), "{library}");
        }
    }

    #[test]
    fn a_heavy_library_below_the_agent_is_found_with_its_way_in() {
        let edges = |list: &[&str]| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        graph.insert("garrison-agent".into(), edges(&["bus", "record"]));
        graph.insert("record".into(), edges(&["bus"]));
        graph.insert("garrison".into(), edges(&["lake"]));
        graph.insert("lake".into(), edges(&["datafusion"]));
        assert_eq!(heavy(&graph), Vec::<String>::new());
        graph.insert("bus".into(), edges(&["lake", "record"]));
        let findings = heavy(&graph);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].ends_with("bus → lake → datafusion); keep the agent small"), "{findings:?}");
    }

    /// A workspace of crates without code, removed at the end.
    struct Workspace(PathBuf);

    impl Workspace {
        fn new(name: &str, crates: &[(&str, &str)]) -> Workspace {
            let root = std::env::temp_dir().join(format!("garrison-tidy-{name}-{}", std::process::id()));
            let write = |path: &str, text: &str| {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            };
            let members: Vec<String> = crates.iter().map(|(path, _)| format!("\"{path}\"")).collect();
            write("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", ")));
            for (path, dependencies) in crates {
                let name = path.rsplit('/').next().unwrap();
                let package = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
                write(&format!("{path}/Cargo.toml"), &format!("{package}{dependencies}"));
                write(&format!("{path}/src/lib.rs"), "");
            }
            Workspace(root)
        }
    }

    impl Drop for Workspace {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_check_itself_fails_on_a_workspace_with_a_forbidden_import() {
        let record = "[dependencies]\nrecord = { path = \"../../core/record\" }\n";
        let rest = [("core/record", ""), ("analyze/detect", record), ("tests/kit", "")];
        let with = |sensor: &'static str| [&[("sense/sensor", sensor)], &rest[..]].concat();
        let good = "[dependencies]\nrecord = { path = \"../../core/record\" }\n[dev-dependencies]\nkit = { path = \"../../tests/kit\" }\n";
        let good = Workspace::new("good", &with(good));
        assert_eq!(check_imports(&good.0), Vec::<String>::new());
        for (kind, sensor) in [
            ("normal", "[dependencies]\ndetect = { path = \"../../analyze/detect\" }\n"),
            ("build", "[build-dependencies]\ndetect = { path = \"../../analyze/detect\" }\n"),
            ("dev", "[dev-dependencies]\ndetect = { path = \"../../analyze/detect\" }\n"),
            ("heavy", "[target.'cfg(unix)'.dependencies]\ndatafusion = \"55\"\n"),
        ] {
            let bad = Workspace::new(kind, &with(sensor));
            let findings = check_imports(&bad.0);
            assert_eq!(findings.len(), 1, "{kind}: {findings:?}");
            let wanted = if kind == "heavy" { "names datafusion" } else { "imports analyze/detect" };
            assert!(findings[0].starts_with(&format!("sense/sensor: {wanted}")), "{kind}: {findings:?}");
        }
    }
}
