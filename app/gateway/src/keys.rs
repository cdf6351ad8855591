//! Keys that challenge cookies are signed with: of our own, kept over restarts and changed with the time, or out of a file
//! that several gateways of the same sites share.

use crate::{fault, show};
use base::{Fault, Micros, Random, Result};
use flood::Keys;
use gateway::Config;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A key signs for at least so long, µs (one day). The one before is taken as long as the next one signs.
const LEAST_US: Micros = 24 * 3600 * 1_000_000;
/// Largest file of keys, bytes.
const FILE_BYTES: u64 = 4096;

/// Where keys come from.
pub struct Keeper {
    file: PathBuf,
    random: Arc<dyn Random>,
}

impl Keeper {
    /// Keys of our own lie in this file (0600).
    pub fn new(file: PathBuf, random: Arc<dyn Random>) -> Keeper {
        Keeper { file, random }
    }

    /// The keys of a configuration at this moment.
    ///
    /// # Errors
    /// [`fault::KEYS`] for a shared file that holds no key or that others may read.
    pub fn keys(&self, config: &Config, now: Micros) -> Result<Keys> {
        match &config.challenge_keys {
            Some(shared) => self::shared(shared),
            None => Ok(self.own(config, now)),
        }
    }

    /// Ours; a new one where the file is missing or damaged, and when the time of the present one is over.
    fn own(&self, config: &Config, now: Micros) -> Keys {
        let passes = config.sites.iter().filter_map(|site| site.flood.as_ref()).map(|flood| flood.pass_s);
        // A cookie that was signed last must be taken to its end.
        let signs_us = LEAST_US.max(i64::from(passes.max().unwrap_or(0)) * 1_000_000);
        let stored = read(&self.file);
        if let Some((keys, since)) = &stored
            && (0..signs_us).contains(&now.saturating_sub(*since))
        {
            return keys.clone();
        }
        let previous = stored.map(|(keys, _)| keys.current);
        let keys = Keys { previous, ..Keys::random(&*self.random) };
        if let Err(fault) = write(&self.file, &keys, now) {
            // Cookies of now will not be taken after a restart; that is no reason to refuse to guard.
            tracing::warn!(fault = %fault.inside(), "keys of challenge cookies are not kept");
        }
        keys
    }
}

fn key(text: &str) -> Option<[u8; 32]> {
    let byte = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let plain = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mut key = [0; 32];
    for (at, slot) in key.iter_mut().enumerate().filter(|_| plain) {
        *slot = byte(at)?;
    }
    plain.then_some(key)
}

fn text(key: &[u8; 32]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(file: &Path) -> Option<(Keys, Micros)> {
    let stored: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let current = key(stored["current"].as_str()?)?;
    let previous = stored["previous"].as_str().and_then(key);
    Some((Keys { current, previous }, stored["since_us"].as_i64()?))
}

fn write(file: &Path, keys: &Keys, now: Micros) -> Result<()> {
    let stored = json!({"current": text(&keys.current), "previous": keys.previous.as_ref().map(text), "since_us": now});
    show::write_private(file, stored.to_string().as_bytes())
}

fn shared(file: &Path) -> Result<Keys> {
    let wrong = || Fault::new(&fault::KEYS).object(file.display());
    let meta = std::fs::metadata(file).map_err(|cause| wrong().because(cause))?;
    if meta.permissions().mode() & 0o007 != 0 {
        let mode = format!("mode {:o}", meta.permissions().mode() & 0o777);
        return Err(wrong().expected("a file that only owner and group may read").found(mode));
    }
    if meta.len() > FILE_BYTES {
        return Err(wrong().expected(format!("at most {FILE_BYTES} bytes")).found(meta.len()));
    }
    let text = std::fs::read_to_string(file).map_err(|cause| wrong().because(cause))?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut keys = Vec::new();
    for (number, line) in lines {
        // What is wrong with a secret is not told with it.
        let found = || format!("line {}: {} characters", number + 1, line.chars().count());
        keys.push(key(line).ok_or_else(|| wrong().expected("64 hexadecimal digits a line").found(found()))?);
    }
    let mut keys = keys.into_iter();
    let none = || wrong().expected("64 hexadecimal digits a line").found("no key");
    Ok(Keys { current: keys.next().ok_or_else(none)?, previous: keys.next() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;
    use std::os::unix::fs::OpenOptionsExt;

    fn config(more: &str) -> Config {
        let text = format!(
            "sites: [{{name: shop, hosts: ['*'], pool: a, flood: {{pass_s: 172800}}}}]\npools: {{a: {{addresses: [127.0.0.1:9]}}}}\n\
             listeners: [{{name: w, address: '127.0.0.1:0'}}]\n{more}"
        );
        Config::parse(&text, "x").unwrap()
    }

    #[test]
    fn our_keys_outlive_a_restart_and_change_with_an_overlap() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("challenge-keys.json");
        let keeper = || Keeper::new(file.clone(), Arc::new(SeededRandom::new(std::process::id().into())));
        let (config, day) = (config(""), LEAST_US);
        let first = keeper().keys(&config, 1000).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let other = Keeper::new(file.clone(), Arc::new(SeededRandom::new(9)));
        assert_eq!(other.keys(&config, 1000 + day).unwrap(), first, "the longest cookie lasts two days");
        let second = other.keys(&config, 1000 + 2 * day).unwrap();
        assert!(second.previous == Some(first.current) && second.current != first.current);
        assert_eq!(keeper().keys(&config, 1001 + 2 * day).unwrap(), second);
        std::fs::write(&file, b"junk").unwrap();
        assert!(keeper().keys(&config, 5).unwrap().previous.is_none());
    }

    #[test]
    fn shared_keys_are_read_and_never_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shared");
        let put = |content: &str, mode: u32| {
            let _ = std::fs::remove_file(&file);
            let mut options = std::fs::OpenOptions::new();
            let opened = options.write(true).create_new(true).mode(mode).open(&file).unwrap();
            std::io::Write::write_all(&mut &opened, content.as_bytes()).unwrap();
        };
        let config = config(&format!("challenge_keys: {}\n", file.display()));
        let keeper = Keeper::new(folder.path().join("own"), Arc::new(SeededRandom::new(1)));
        let (one, two) = ("ab".repeat(32), "cd".repeat(32));
        put(&format!("# of 2026\n{one}\n\n{two}\n"), 0o600);
        assert_eq!(keeper.keys(&config, 1).unwrap(), Keys { current: [0xab; 32], previous: Some([0xcd; 32]) });
        for (content, mode, told) in [
            (format!("{one}0\n"), 0o600, "line 1: 65"),
            ("\n".into(), 0o600, "no key"),
            (one.clone(), 0o604, "mode 604"),
        ] {
            put(&content, mode);
            let refused = keeper.keys(&config, 1).unwrap_err();
            assert!(
                refused.is(&fault::KEYS) && refused.got().contains(told) && !refused.to_string().contains("abab"),
                "{refused}"
            );
        }
        assert!(!folder.path().join("own").exists());
    }
}
