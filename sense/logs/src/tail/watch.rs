//! Word from the kernel that something changes in a folder (inotify). Only a hint: without it, or when its queue
//! overflows, files are looked at every second all the same.

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// Watches folders.
pub struct Watch {
    inotify: Option<OwnedFd>,
    folders: HashMap<PathBuf, i32>,
}

impl Watch {
    /// A watch of nothing yet; where the kernel gives none, it stays silent.
    pub fn new() -> Watch {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        Watch { inotify, folders: HashMap::new() }
    }

    /// Watches these folders and no others.
    pub fn set(&mut self, folders: &[PathBuf]) {
        let Some(inotify) = &self.inotify else { return };
        self.folders.retain(|folder, watch| {
            let stays = folders.contains(folder);
            if !stays {
                // It fails where the folder is gone, which is as well.
                let _ = inotify::remove_watch(inotify, *watch);
            }
            stays
        });
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR;
        for folder in folders {
            if !self.folders.contains_key(folder)
                && let Ok(watch) = inotify::add_watch(inotify, folder, flags)
            {
                self.folders.insert(folder.clone(), watch);
            }
        }
    }

    /// What to wait on.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Takes what was told; whether a name came or went, so that files must be looked for.
    pub fn drain(&mut self) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        let mut is_renamed = false;
        // A folder that is written to without end must not keep us here.
        for _ in 0..4096 {
            let Ok(event) = reader.next() else { break };
            is_renamed |= event.events() != ReadFlags::MODIFY;
            if event.events().contains(ReadFlags::IGNORED) {
                let gone = event.wd();
                self.folders.retain(|_, watch| *watch != gone);
            }
        }
        is_renamed
    }
}

impl Default for Watch {
    fn default() -> Self {
        Watch::new()
    }
}
