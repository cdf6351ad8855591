//! `garrison-agent integrity`: what changed of the watched files, the difference, and to accept it.

use crate::config::Config;
use crate::sense::INTEGRITY_FOLDER;
use base::{Lang, Result, SystemRandom};
use clap::Subcommand;
use fleet::seat;
use integrity::baseline::{Baseline, Pending};
use integrity::command;
use serde_json::{Value, json};

/// What to do.
#[derive(Subcommand)]
pub enum Deed {
    /// List the changes that nobody has accepted.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Accept the change of a path with all below it, or every change.
    Accept {
        /// The path.
        #[arg(required_unless_present = "all")]
        path: Option<String>,
        /// Every change.
        #[arg(long, conflicts_with = "path")]
        all: bool,
    },
    /// Show the difference between what was accepted of a path and what is there; secrets stay out.
    Diff {
        /// The path.
        path: String,
    },
}

/// Does it and gives what to print.
pub fn run(config: &Config, deed: Deed, lang: Lang) -> Result<String> {
    let (state, random) = (config.state.join(INTEGRITY_FOLDER), SystemRandom::new());
    match deed {
        Deed::Status { json } => {
            let baseline = command::status(&state, &random)?;
            Ok(if json { format!("{:#}\n", as_json(&baseline)) } else { table(&baseline, lang) })
        }
        Deed::Accept { path, .. } => {
            // The agent that runs is asked; its folder is ours while none does.
            let (count, asked) = match seat::lock(&config.state) {
                Ok(_held) => (command::accept(&state, path.as_deref(), &random)?, false),
                Err(_) => (command::ask(&state, path.as_deref(), &random)?, true),
            };
            let word = match asked {
                true => lang.pick("changes; the agent accepts them within a second", "项变更；代理将在一秒内接受"),
                false => lang.pick("changes accepted", "项变更已接受"),
            };
            Ok(format!("{count} {word}\n"))
        }
        Deed::Diff { path } => {
            let (pending, diff) = command::difference(&state, &path, &random)?;
            let none = lang.pick("no text, or a secret: nothing to show", "非文本或涉密：无可显示内容");
            let body = if diff.is_empty() { format!("{none}\n") } else { diff };
            Ok(format!("{}\n{body}", line(&path, &pending, lang)))
        }
    }
}

fn line(path: &str, pending: &Pending, lang: Lang) -> String {
    let state = if pending.now.is_some() { lang.pick("changed", "已变更") } else { lang.pick("gone", "已删除") };
    let unseen = lang.pick("nobody was seen", "未见操作者");
    let by = if pending.by.is_empty() { unseen } else { &pending.by };
    format!("{state:<8} {path}  ({by})")
}

fn table(baseline: &Baseline, lang: Lang) -> String {
    let mut text: String = baseline.pending.iter().map(|(path, pending)| line(path, pending, lang) + "\n").collect();
    let files = lang.pick("files in the baseline, changes that wait", "个文件在基线中，待确认变更");
    text.push_str(&format!("{} {files}: {}\n", baseline.accepted.len(), baseline.pending.len()));
    text
}

fn as_json(baseline: &Baseline) -> Value {
    let pending = baseline.pending.iter().map(|(path, pending)| {
        json!({"path": path, "gone": pending.now.is_none(), "told_us": pending.told_us, "by": pending.by})
    });
    json!({"files": baseline.accepted.len(), "made_us": baseline.made_us, "looked_us": baseline.looked_us,
        "pending": pending.collect::<Vec<_>>()})
}
