//! Recordings in the layout of AdDDoSDN: a folder a session, a file a class, as archives or unpacked.
//!
//! `GARRISON_DDOS_DATA` names a folder with any number of sessions at any depth, or an archive of them; without it the sample
//! beside the repository is taken. What is missing is said by name.

use crate::corpus::{SECOND_US, Session, seconds};
use crate::frame::Frame;
use crate::pcap::{self, Recorded};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of recordings, and the class that each is of.
const FILES: &[(&str, &str)] = &[
    ("normal", ""),
    ("syn_flood", "syn-flood"),
    ("udp_flood", "udp-flood"),
    ("icmp_flood", "icmp-flood"),
    ("ad_syn", "syn-flood"),
    ("ad_udp", "http-flood"),
    ("ad_slow", "http-flood"),
];
/// How deep sessions are looked for.
const DEPTH: usize = 6;

fn place() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    std::env::var_os("GARRISON_DDOS_DATA").map_or_else(|| root.join("shared/data/ddos"), PathBuf::from)
}

/// Its sessions, in windows of ten seconds: its floods have 2 to 100 packets a second. Of a flood the windows of its target
/// are taken, of `normal` those of every host.
pub fn sessions() -> Vec<Session> {
    let data = place();
    let Ok(scratch) = tempfile::tempdir() else { return Vec::new() };
    unpack(&data, scratch.path());
    let mut folders = BTreeMap::new();
    find(&data, DEPTH, &mut folders);
    find(scratch.path(), DEPTH, &mut folders);
    if folders.is_empty() {
        eprintln!("skipped: no session of AdDDoSDN is in {}", data.display());
    }
    folders.iter().flat_map(|(name, folder)| session(name, folder)).collect()
}

/// Unpacks the archives of a folder, or the one that was named.
fn unpack(data: &Path, to: &Path) {
    let inside = std::fs::read_dir(data).into_iter().flatten().flatten().map(|entry| entry.path());
    let archives = inside.chain(data.is_file().then(|| data.to_path_buf())).filter(|path| is_archive(path));
    for (number, archive) in archives.enumerate() {
        let folder = to.join(number.to_string());
        let done = std::fs::create_dir(&folder)
            .and_then(|()| Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder).output());
        if !done.is_ok_and(|done| done.status.success()) {
            eprintln!("skipped: {} cannot be unpacked", archive.display());
        }
    }
}

fn is_archive(path: &Path) -> bool {
    let name = path.to_string_lossy();
    [".tar", ".tar.xz", ".tar.gz", ".tgz", ".tar.bz2", ".tar.zst"].iter().any(|end| name.ends_with(end))
}

/// Folders with recordings or tables of a session, by their name.
fn find(folder: &Path, depth: usize, found: &mut BTreeMap<String, PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let tables = ["flow_features.csv", "cicflow_features_all.csv"];
    let of_session = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        tables.contains(&name.as_ref()) || FILES.iter().any(|(file, _)| name == format!("{file}.pcap"))
    };
    if files.iter().any(of_session) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.entry(name).or_insert_with(|| folder.to_path_buf());
    }
    for inner in folders.iter().filter(|_| depth > 0) {
        find(inner, depth - 1, found);
    }
}

fn session(name: &str, folder: &Path) -> Vec<Session> {
    let (mut sessions, mut missing) = (Vec::new(), Vec::new());
    for (file, class) in FILES {
        let bytes = std::fs::read(folder.join(format!("{file}.pcap"))).unwrap_or_default();
        let Some(packets) = pcap::read(&bytes) else {
            missing.push(*file);
            continue;
        };
        for frames in targets(&unmirrored(packets), class) {
            sessions.push(Session {
                source: format!("adddosdn/{name}/{file}"),
                style: String::new(),
                class: (*class).into(),
                usual: Vec::new(),
                windows: seconds(frames, 10 * SECOND_US),
                span_s: 10,
                sixth: false,
            });
        }
    }
    if !missing.is_empty() {
        eprintln!("skipped: {name}: no recording of {}", missing.join(", "));
    }
    sessions
}

/// The switch recorded each packet at every port it crossed: copies within 2 ms are one packet.
fn unmirrored(packets: Vec<Recorded>) -> Vec<Recorded> {
    let mut last: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let mut keep = |packet: &Recorded| {
        let before = last.insert(packet.header.clone(), packet.at_us);
        before.is_none_or(|before| packet.at_us - before > 2_000)
    };
    packets.into_iter().filter(|packet| keep(packet)).collect()
}

/// Frames by destination: of a flood only its target.
fn targets(packets: &[Recorded], class: &str) -> Vec<Vec<Frame>> {
    let begin = packets.iter().map(|packet| packet.at_us).min().unwrap_or(0);
    let mut by: BTreeMap<IpAddr, Vec<Frame>> = BTreeMap::new();
    // Whoever was asked first is the server; answers go the other way.
    let first = packets.first().map(|packet| packet.addresses.1);
    for packet in packets {
        by.entry(packet.addresses.1).or_default().push(packet.frame(begin, !class.is_empty()));
    }
    if !class.is_empty() {
        by.retain(|destination, _| Some(*destination) == first);
    }
    by.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A recording of raw IP with some packets to one host.
    fn recording(packets: u32) -> Vec<u8> {
        let ip = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7, 0, 123, 0, 80, 0, 8, 0, 0];
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 96, 101]);
        for step in 0..packets {
            file.extend(words(&[100 + step, 0, 28, 28]));
            file.extend(ip);
        }
        file
    }

    #[test]
    fn sessions_are_found_unpacked_nested_and_in_archives() {
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("v4/1-1");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(deep.join("syn_flood.pcap"), recording(25)).unwrap();
        std::fs::write(deep.join("normal.pcap"), b"torn").unwrap();
        let tables = place.path().join("2-2");
        std::fs::create_dir_all(&tables).unwrap();
        std::fs::write(tables.join("flow_features.csv"), "a,b\n").unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let mut packed = Command::new("tar");
        packed.arg("-cf").arg(scratch.path().join("all.tar")).arg("-C").arg(place.path()).arg("v4");
        assert!(packed.status().unwrap().success());
        let unpacked = tempfile::tempdir().unwrap();
        unpack(scratch.path(), unpacked.path());
        for root in [place.path(), unpacked.path()] {
            let mut found = BTreeMap::new();
            find(root, DEPTH, &mut found);
            let sessions: Vec<Session> = found.iter().flat_map(|(name, folder)| session(name, folder)).collect();
            assert_eq!(sessions.len(), 1);
            assert_eq!((sessions[0].source.as_str(), sessions[0].windows.len()), ("adddosdn/1-1/syn_flood", 3));
        }
    }
}
