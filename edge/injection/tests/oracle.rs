//! Value by value against libmodsecurity: the corpora beside the repository, and values made of their pieces.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stand outside test functions")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Values made from pieces of others.
const MADE: usize = 60_000;
/// Longest value sent, bytes: the oracle takes it inside a URI.
const LONGEST: usize = 4096;

/// Python of the environment that `make setup` makes, when it is there.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("GARRISON_VENV").map(PathBuf::from);
    let usual = || Some(Path::new(&std::env::var_os("HOME")?).join(".cache/garrison/venv"));
    Some(named.or_else(usual)?.join("bin/python3")).filter(|python| python.exists())
}

/// Fingerprint and script flag of each value; the reason when it cannot be asked.
fn ask(values: &[Vec<u8>]) -> Result<Vec<(String, bool)>, String> {
    let python = python().ok_or("no Python environment (make setup)")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| cause.to_string())?;
    let mut input = child.stdin.take().ok_or("no pipe")?;
    let mut lines = String::new();
    for value in values {
        lines.extend(value.iter().map(|byte| format!("{byte:02x}")));
        lines.push('\n');
    }
    // From a thread: the script answers before it has read everything, and both pipes are bounded.
    let feeder = std::thread::spawn(move || input.write_all(lines.as_bytes()).is_ok());
    let output = child.wait_with_output().map_err(|cause| cause.to_string())?;
    let errors = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.code() == Some(2) {
        return Err(errors);
    }
    assert!(output.status.success() && feeder.join().unwrap_or(false), "{errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = |line: &str| line.rsplit_once(' ').map(|(found, script)| (found.to_owned(), script == "1"));
    text.lines().map(|line| answer(line).ok_or_else(|| format!("not an answer: {line}"))).collect()
}

fn percent_decoded(line: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let (byte, used) = match (first, digits) {
            (b'%', Some(byte)) => (byte, 3),
            (b'+', _) => (b' ', 1),
            _ => (*first, 1),
        };
        value.push(byte);
        rest = &rest[used..];
    }
    value
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
}

/// Lines of a corpus' files, as they stand and percent-decoded.
fn corpus(name: &str) -> BTreeSet<Vec<u8>> {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/waf").join(name), &mut paths);
    let mut values = BTreeSet::new();
    for path in paths {
        let text = std::fs::read(path).unwrap_or_default();
        for line in text.split(|byte| *byte == b'\n') {
            // A row of HttpParamsDataset: "payload","length","class","label".
            let row = String::from_utf8_lossy(line);
            let cell =
                row.strip_prefix('"').and_then(|row| Some(row.rsplitn(4, "\",\"").nth(3)?.replace("\"\"", "\"")));
            match cell {
                Some(payload) => values.insert(payload.into_bytes()),
                None => values.insert(line.trim_ascii().to_vec()) && values.insert(percent_decoded(line)),
            };
        }
    }
    values.retain(|value| !value.is_empty() && value.len() <= LONGEST);
    values
}

/// A small generator of its own, so that a run can be repeated (Marsaglia's xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

const PIECES: &[&[u8]] = &[
    b"'",
    b"\"",
    b"`",
    b"/*",
    b"*/",
    b"/*!",
    b"--",
    b"-- ",
    b"#",
    b"\\",
    b"\\N",
    b"$a$",
    b"$$",
    b"$1,0.",
    b"q'(",
    b"nq'[",
    b"n'",
    b"e'",
    b"u&'",
    b"b'01'",
    b"x'0f'",
    b"{ ",
    b"}",
    b"{``",
    b" union ",
    b"all ",
    b" select ",
    b"in ",
    b"not ",
    b"like ",
    b"(",
    b")",
    b",",
    b";",
    b"::",
    b":=",
    b"<=>",
    b"||",
    b"&&",
    b" and ",
    b" or ",
    b"1",
    b"1.e",
    b".",
    b"1e5",
    b"0x1f",
    b"0b1",
    b"1d",
    b"1fu",
    b"@",
    b"@@v",
    b"[a]",
    b"collate ",
    b"a_b",
    b"int ",
    b"if ",
    b"user",
    b"current_user",
    b"\xa0",
    b"\0",
    b"\xff",
    b"\t",
    b"\n",
    b"case ",
    b"into outfile ",
    b"sleep(",
    b"+",
    b"-",
    b"!",
    b"~",
    b"*",
    b"=",
    b"<",
    b">",
    b"sp_password",
    b"select.1",
    b"select`a",
    b"<script",
    b"<a ",
    b"<!--",
    b"-->",
    b"-!>",
    b"<![CDATA[",
    b"]]>",
    b"<%",
    b"%>",
    b"<?",
    b"</",
    b"/>",
    b"<!doctype",
    b" on",
    b"click",
    b"onload=",
    b"href=",
    b"src = ",
    b"style=",
    b"&#x",
    b"&#106;",
    b"java",
    b"script:",
    b"data:",
    b"[if",
    b"xml",
    b"import",
    b"by=",
    b"attributename=",
    b"xmlns",
    b"svg",
    b"=`",
    b" = \"",
    b"x",
    b"A",
    b"z9_",
];

/// Values made of pieces, and of real values cut and joined.
fn made(real: &[Vec<u8>], count: usize) -> Vec<Vec<u8>> {
    let mut chance = Chance(0x1234_5678_9ABC_DEF1);
    let mut values = Vec::new();
    while values.len() < count {
        let mut value = Vec::new();
        for _ in 0..=chance.below(9) {
            match chance.below(4) {
                0 if !real.is_empty() => {
                    let donor = &real[chance.below(real.len())];
                    let start = chance.below(donor.len());
                    let end = start + chance.below((donor.len() - start).min(24)) + 1;
                    value.extend_from_slice(&donor[start..end.min(donor.len())]);
                }
                1 => value.push(chance.below(256) as u8),
                _ => value.extend_from_slice(PIECES[chance.below(PIECES.len())]),
            }
        }
        values.push(value);
    }
    values
}

#[test]
fn answers_are_those_of_libmodsecurity() {
    let mut real: Vec<Vec<u8>> = Vec::new();
    for name in ["libinjection/data", "libinjection/tests", "httpparams", "gotestwaf"] {
        let values = corpus(name);
        if values.is_empty() {
            println!("skipped: corpus {name} not present");
        }
        println!("{name}: {} values", values.len());
        real.extend(values);
    }
    let mut values = real.clone();
    values.extend(made(&real, MADE));
    let answers = match ask(&values) {
        Ok(answers) => answers,
        Err(reason) => return println!("skipped: libmodsecurity cannot be asked: {reason}"),
    };
    assert_eq!(answers.len(), values.len());
    let mut differences = Vec::new();
    let (mut sql, mut script, mut further) = (0, 0, 0);
    for (value, (fingerprint, is_script)) in values.iter().zip(answers) {
        let found = injection::sqli::detect(value).map_or_else(|| "-".to_owned(), |found| found.to_string());
        let ours = injection::xss::detect(value);
        sql += usize::from(fingerprint != "-");
        script += usize::from(is_script);
        // The byte 0xFF ends HTML there (a signed -1 taken for the end of the text): a script behind it is missed.
        let seen_further = ours && !is_script && value.contains(&0xFF);
        further += usize::from(seen_further);
        if found != fingerprint || (ours != is_script && !seen_further) {
            let text = value.escape_ascii();
            differences.push(format!("\"{text}\": {found} {ours}, libmodsecurity {fingerprint} {is_script}"));
        }
    }
    let count = values.len();
    println!(
        "{count} values: {sql} SQL, {script} scripts, {} differences; {further} scripts behind 0xFF",
        differences.len()
    );
    differences.sort_by_key(String::len);
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(40)].join("\n"));
}
