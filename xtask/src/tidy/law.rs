//! The one law: the loop is closed by data, never by imports.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::BTreeMap;
use std::path::Path;

/// Imports allowed inside a room, from → to. A change of the law is proposed here.
const IN_ROOM: &[(&str, &str)] = &[
    ("sensor", "logs"),
    ("detect", "intel"),
    ("detect", "anomaly"),
    ("playbook", "action"),
    ("playbook", "impact"),
    ("gateway", "waf"),
    ("fleet", "bus"),
];

/// Heavy libraries and the one crate that may name each.
const OWNERS: &[(&str, &str)] = &[
    ("datafusion", "lake"),
    ("sqlx", "store"),
    ("yara-x", "scanner"),
    ("typst", "report"),
    ("async-nats", "cluster"),
    ("object_store", "cluster"),
    ("tonic", "fleet"),
    ("rcgen", "fleet"),
    ("libbpf-sys", "kernel"),
];

/// Libraries that must never come in, directly or below.
const REFUSED: &[(&str, &str)] = &[
    ("openssl-sys", "rustls with ring"),
    ("aws-lc-sys", "rustls with ring: choose the `*-no-provider` or `ring` feature"),
    ("native-tls", "rustls with ring"),
    ("rusqlite", "sqlx"),
];

/// One import of a crate of ours: importer (room, name), imported (room or empty for outside, name).
pub struct Import {
    from_room: String,
    from: String,
    to_room: String,
    to: String,
}

/// Reads `cargo metadata` and judges.
pub fn check(root: &Path) -> Vec<String> {
    let mut command = MetadataCommand::new();
    command.current_dir(root).other_options(["--locked".into(), "--offline".into()]);
    let metadata = match command.exec() {
        Ok(metadata) => metadata,
        Err(cause) => return vec![format!("Cargo.lock: cargo metadata fails ({cause}); run `cargo fetch`")],
    };
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
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            imports.push(Import {
                from_room: room_of[package.name.as_str()].clone(),
                from: package.name.to_string(),
                to_room: room_of.get(&dependency.name).cloned().unwrap_or_default(),
                to: dependency.name.clone(),
            });
        }
    }
    let mut findings = judge(&imports);
    for (name, instead) in REFUSED {
        if metadata.packages.iter().any(|package| package.name.as_str() == *name) {
            findings.push(format!("Cargo.lock: {name} came in; use {instead}"));
        }
    }
    findings
}

/// Judges imports alone, so that a test can add a forbidden one.
pub fn judge(imports: &[Import]) -> Vec<String> {
    imports.iter().filter_map(|import| wrong(import)).collect()
}

fn wrong(import: &Import) -> Option<String> {
    let Import { from_room, from, to_room, to } = import;
    if to_room.is_empty() {
        let (library, owner) = OWNERS.iter().find(|(library, _)| library == to)?;
        let owned = owner == from || from_room == "tests" || (*library == "libbpf-sys" && from == "sensor");
        return (!owned).then(|| format!("{from_room}/{from}: names {library}; only {owner} may, behind a port"));
    }
    let allowed = match from_room.as_str() {
        "app" | "tests" | "xtask" => true,
        "core" => to_room == "core",
        room if to_room == room => IN_ROOM.contains(&(from.as_str(), to.as_str())),
        _ => to_room == "core",
    };
    (!allowed).then(|| {
        format!("{from_room}/{from}: imports {to_room}/{to}; join them in app through a topic or a port (docs: DESIGN, the one law)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(from: &str, to: &str) -> Import {
        let split = |text: &str| text.split_once('/').map(|(room, name)| (room.to_string(), name.to_string())).unwrap();
        let ((from_room, from), (to_room, to)) = (split(from), split(to));
        Import { from_room, from, to_room, to }
    }

    #[test]
    fn a_forbidden_import_is_found() {
        let good = [
            import("sense/sensor", "core/record"),
            import("app/agent", "sense/sensor"),
            import("edge/gateway", "edge/waf"),
        ];
        assert_eq!(judge(&good), Vec::<String>::new());
        for (from, to) in [
            ("sense/sensor", "analyze/detect"),
            ("analyze/correlate", "analyze/detect"),
            ("core/record", "platform/bus"),
            ("respond/action", "app/agent"),
            ("console/api", "platform/store"),
        ] {
            assert_eq!(judge(&[import(from, to)]).len(), 1, "{from} → {to}");
        }
    }

    #[test]
    fn a_heavy_library_has_one_owner() {
        assert_eq!(judge(&[import("platform/lake", "/datafusion")]), Vec::<String>::new());
        assert_eq!(judge(&[import("console/api", "/datafusion")]).len(), 1);
    }
}
