//! `bench scan`: bytes scanned a second beside Debian's yara with the same rules on the same files.

use kit::figures::{Row, median, publish};
use scanner::workload;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Most bytes of one set of files.
const BYTES: u64 = 150_000_000;
const ROUNDS: usize = 5;

/// Measures on this host's own programs and libraries.
pub fn run() -> Result<(), String> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/yara");
    let texts = rule_files(&rules)?;
    let engine = engine(&texts)?;
    let version = yara(&["--version"]).unwrap_or_default();
    let mut rows = Vec::new();
    for (id, folder) in [("S5.scan-programs", "/usr/bin"), ("S5.scan-scripts", "/usr/lib/python3")] {
        let samples = workload::samples(Path::new(folder), BYTES);
        let bytes: u64 = samples.iter().map(|sample| sample.bytes.len() as u64).sum();
        if bytes == 0 {
            continue;
        }
        let copies = copies(&samples)?;
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            workload::rules_alone(&engine, &samples);
            ours.push(bytes as f64 / 1e6 / begun.elapsed().as_secs_f64());
            if !version.is_empty() {
                peer.push(bytes as f64 / 1e6 / beside(&texts, copies.path())?);
            }
        }
        let met = !peer.is_empty() && median(&ours) >= median(&peer);
        let data = format!(
            "{folder}, {} files, {bytes} bytes, {} rule files, {} build; yara reads the files from the page \
            cache, one thread",
            samples.len(),
            texts.len(),
            crate::rules::build()
        );
        let peer_name = format!("yara {}", version.trim());
        let what = "files through the YARA rules alone".into();
        rows.push(Row { id: id.into(), what, ours, unit: "MB/s", peer, peer_name, goal: ">= yara".into(), met, data });
    }
    publish("scan", &rows)
}

fn rule_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|cause| format!("{}: {cause}", folder.display()))?.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("cases") {
            files.extend(rule_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "yar" || end == "yara") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn engine(files: &[PathBuf]) -> Result<scanner::engine::Engine, String> {
    let read = |path: &PathBuf| {
        let text = std::fs::read(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
        Ok(scan::protocol::RuleFile { name: path.display().to_string(), text })
    };
    let texts = files.iter().map(read).collect::<Result<Vec<_>, String>>()?;
    let (engine, faults) = scanner::engine::Engine::compile(&texts);
    faults.first().map_or(Ok(engine), |fault| Err(fault.inside()))
}

/// The samples as files of one folder, so that both see the same bytes.
fn copies(samples: &[workload::Sample]) -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    for (number, sample) in samples.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), &sample.bytes).map_err(|cause| cause.to_string())?;
    }
    Ok(folder)
}

fn yara(arguments: &[&str]) -> Option<String> {
    let output = Command::new("yara").args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Seconds of one run of yara over the files, its start and the reading of its rules taken off.
fn beside(rules: &[PathBuf], folder: &Path) -> Result<f64, String> {
    let empty = tempfile::tempdir().map_err(|cause| cause.to_string())?;
    let time = |folder: &Path| -> Result<f64, String> {
        let mut command = Command::new("yara");
        command.args(["-r", "-p", "1", "-w"]).args(rules).arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        command.status().map_err(|cause| cause.to_string())?;
        Ok(begun.elapsed().as_secs_f64())
    };
    let start = time(empty.path())?;
    Ok((time(folder)? - start).max(1e-3))
}
