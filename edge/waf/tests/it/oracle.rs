//! libmodsecurity from PyPI, asked through small programs in Python.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The interpreter with libmodsecurity, or a line that says what is skipped.
pub fn python(what: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GARRISON_VENV").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/garrison/venv"));
    let python = named.or(home).map(|venv| venv.join("bin/python")).filter(|python| python.exists());
    let usable = |python: &PathBuf| {
        let import = Command::new(python).args(["-c", "import libmodsecurity"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    let python = python.filter(usable);
    if python.is_none() {
        eprintln!("skipped: {what}: libmodsecurity (PyPI) not present");
    }
    python
}

/// Lines of the program's answer, one for each line of the question.
pub fn ask(python: &Path, program: &str, questions: &[String]) -> Vec<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(program);
    let mut child =
        Command::new(python).arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts");
    let mut input = child.stdin.take().expect("piped");
    let text = questions.join("\n");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("writer ends").expect("python reads all");
    assert!(output.status.success(), "the oracle failed");
    let answers: Vec<String> = String::from_utf8(output.stdout).expect("text").lines().map(str::to_string).collect();
    assert_eq!(answers.len(), questions.len(), "one answer a question");
    answers
}

/// A sequence of numbers that is the same in every run (xorshift64*).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    /// Pieces and single bytes in any order.
    pub fn value(&mut self, pieces: &[&[u8]], most: usize) -> Vec<u8> {
        let count = self.below(most + 1);
        let mut value = Vec::new();
        for _ in 0..count {
            match self.below(5) {
                0 => value.push(self.below(256) as u8),
                _ => value.extend_from_slice(pieces[self.below(pieces.len())]),
            }
        }
        value
    }
}
