//! The rules this agent judges by: the built-in ones and those in the configured folders.

use base::Fault;
use detect::{Engine, Source};
use std::path::{Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Deepest folder below a rules folder; a loop of links must not hold the start up.
const DEPTH: usize = 8;

/// Compiles the rules. Bad ones are listed and leave the others alone.
pub fn compile(builtin: bool, folders: &[PathBuf]) -> (Engine, Vec<Fault>) {
    let mut sources = Vec::new();
    if builtin {
        sources.extend(RULES.iter().map(|(name, text)| Source { name: (*name).into(), text: (*text).into() }));
    }
    for folder in folders {
        read(folder, DEPTH, &mut sources);
    }
    Engine::compile(&sources)
}

fn read(folder: &Path, depth: usize, sources: &mut Vec<Source>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.display().to_string();
        if path.is_dir() && depth > 0 {
            read(&path, depth - 1, sources);
        } else if (name.ends_with(".yml") || name.ends_with(".yaml")) && !name.ends_with(".cases.yml") {
            match std::fs::read_to_string(&path) {
                Ok(text) => sources.push(Source { name, text }),
                Err(cause) => tracing::warn!(rule = name, %cause, "a rule file cannot be read"),
            }
        }
    }
}
