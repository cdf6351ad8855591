//! File System Activity (1001).

use super::draft::Draft;
use super::parts::{self, FOLDER, LINK, REGULAR};
use crate::{FileActivity, FileId, FileOp, Mount, Proc};
use serde_json::Value;

/// A file was touched. For a rename or link `file` is the old name and `file_result` the new one.
pub(super) fn touched(draft: &mut Draft, proc: Option<&Proc>, touched: &FileActivity) {
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    let op = touched.op();
    let kind = match op {
        FileOp::Mkdir | FileOp::Rmdir => FOLDER,
        FileOp::Symlink => LINK,
        FileOp::Unknown => 0,
        _ => REGULAR,
    };
    draft.set("file", parts::file(&touched.file, kind));
    match op {
        FileOp::Rename | FileOp::Link if !touched.target.is_empty() => {
            let result = FileId { path: touched.target.clone(), ..touched.file.clone() };
            draft.set("file_result", parts::file(&result, kind));
        }
        FileOp::Symlink => draft.other("link_target", touched.target.as_str()),
        FileOp::Create | FileOp::OpenWrite | FileOp::OpenRead => draft.set("access_mask", touched.flags),
        FileOp::Chown => {
            for (name, id) in [("uid", touched.uid), ("gid", touched.gid)].iter().filter(|(_, id)| *id != u32::MAX) {
                draft.other(name, *id);
            }
        }
        _ => {}
    }
    if matches!(op, FileOp::Create | FileOp::Mkdir) && touched.mode != 0 {
        draft.set("create_mask", format!("{:04o}", touched.mode));
    }
    if op == FileOp::Chmod {
        draft.other("mode", format!("{:04o}", touched.mode));
    }
    if touched.path_truncated {
        draft.truncated();
        draft.other("path_truncated", true);
    }
    draft.other("op", op.word());
}

/// A mount was made or removed; `file` is the mount point.
pub(super) fn mount(draft: &mut Draft, proc: Option<&Proc>, mount: &Mount) {
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    let mut folder = parts::path(&mount.target, FOLDER);
    parts::put(&mut folder, "volume", &mount.source);
    draft.set("file", Value::Object(folder));
    draft.other("fs_type", mount.fs_type.as_str());
    draft.other("flags", mount.flags);
}
