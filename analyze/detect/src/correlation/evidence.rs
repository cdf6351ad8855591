//! Events kept to show with a hit.

use super::limits::Limits;
use record::{Activity, Event, Pair, Process};
use std::sync::Arc;

/// An event with what it is counted as.
#[derive(Debug)]
struct Kept {
    event: Arc<Event>,
    place: u8,
    bytes: usize,
}

/// The events kept of one group: of counts the first ones in the window, of rules that must come together the latest
/// of each. The one that completes a hit is at hand anyway.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    kept: Vec<Kept>,
}

impl Evidence {
    /// Lets go of what left the window; gives the bytes that are free now.
    pub(super) fn expire(&mut self, cutoff: i64) -> usize {
        let mut free = 0;
        self.kept.retain(|kept| {
            let stays = kept.event.time_us >= cutoff;
            free += if stays { 0 } else { kept.bytes };
            stays
        });
        free
    }

    /// Keeps an event if the group has room for it; `latest` takes the place of the one kept for the same rule. `used`
    /// are the bytes of all groups. False when they alone were the reason not to keep it.
    pub(super) fn offer(
        &mut self,
        event: &Event,
        place: u8,
        latest: bool,
        limits: &Limits,
        used: &mut usize,
        shared: &mut Option<Arc<Event>>,
    ) -> bool {
        if latest && let Some(at) = self.kept.iter().position(|kept| kept.place == place) {
            *used -= self.kept.remove(at).bytes;
        }
        if self.kept.len() + 1 >= limits.evidence {
            return true;
        }
        let bytes = weight(event);
        if *used + bytes > limits.evidence_bytes {
            return false;
        }
        *used += bytes;
        let event = shared.get_or_insert_with(|| Arc::new(event.clone())).clone();
        self.kept.push(Kept { event, place, bytes });
        true
    }

    /// The events, the oldest first.
    pub(super) fn events(&self) -> Vec<Arc<Event>> {
        let mut events: Vec<Arc<Event>> = self.kept.iter().map(|kept| kept.event.clone()).collect();
        events.sort_by_key(|event| event.time_us);
        events
    }

    /// Bytes of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.bytes).sum()
    }
}

/// About how many bytes an event keeps alive: its own and those of its processes, which others may share.
fn weight(event: &Event) -> usize {
    const PROCESS: usize = size_of::<Process>() + 256;
    let pair = |pair: &Pair| size_of::<Pair>() + pair.name.len() + pair.value.len();
    let pairs = |pairs: &[Pair]| pairs.iter().map(pair).sum::<usize>();
    let own: usize = match &event.activity {
        Activity::Log(log) => log.message.len() + pairs(&log.fields),
        Activity::Scan(scan) => pairs(&scan.details) + 256,
        Activity::Integrity(change) => change.diff.len() + 512,
        Activity::Asset(asset) => pairs(&asset.details) + pairs(&asset.before) + 256,
        Activity::File(file) => file.file.path.len() + file.target.len(),
        _ => 256,
    };
    let of = |process: &Process| PROCESS + process.cmd_line.len() + process.exe.path.len() + process.cwd.len();
    let processes = event
        .process
        .as_deref()
        .map_or(0, |process| of(&process.info) + process.ancestors().map(|above| of(&above.info)).sum::<usize>());
    size_of::<Event>() + own + processes
}
