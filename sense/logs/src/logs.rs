//! The running log reader: a thread for all files, one for each journal, one for all of syslog.

use crate::config::{Config, Input};
use crate::journal::{self, Journal};
use crate::sink::Sink;
use crate::stats::{Count, Counters, Stats};
use crate::syslog::{self, Receiver, Senders};
use crate::tail::{Settings, Source, Tailer, watch::Watch};
use crate::wake::Stop;
use crate::zone::Zone;
use crate::{fault, state};
use base::{Clock, Fault, Result};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines are gathered so long before they are read: a busy log costs ten looks a second, not one for each line.
const GATHER: Duration = Duration::from_millis(100);
/// Files are looked for so often without word from the kernel.
const LOOK: Duration = Duration::from_secs(1);

/// The log reader of a host. Dropped, it stops.
pub struct Logs {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
    inputs: Vec<(String, Arc<Counters>, Option<Arc<Senders>>)>,
    listening: Vec<std::net::SocketAddr>,
}

impl Logs {
    /// Starts reading. `state_folder` keeps the positions; `sink` takes the events. Addresses that cannot be bound,
    /// certificates that do not read and mistakes of the configuration are faults; a file or journal that is not there
    /// is waited for.
    pub fn start(config: &Config, state_folder: &Path, clock: Arc<dyn Clock>, sink: Arc<dyn Sink>) -> Result<Logs> {
        let folder = |cause: std::io::Error| Fault::new(&fault::STATE).object(state_folder.display()).because(cause);
        std::fs::create_dir_all(state_folder).map_err(folder)?;
        let zone = Zone::of_host();
        let mut logs = Logs { stop: Stop::new()?, threads: Vec::new(), inputs: Vec::new(), listening: Vec::new() };
        let mut sources = Vec::new();
        let mut listeners = Vec::new();
        let mut journals = Vec::new();
        for input in config.all(Path::new("/"))? {
            let counters = Arc::new(Counters::default());
            let mut senders = None;
            let name = input.name();
            match input {
                Input::File(input) => sources.push(Source { input, counters: counters.clone() }),
                Input::Journal(input) => {
                    let store = state_folder.join(format!("logs.journal.{}", journals.len()));
                    journals.push(Journal::new(input, store, counters.clone(), clock.clone(), zone.clone()));
                }
                Input::Syslog(input) => {
                    let listener = syslog::Listener::bind(input, counters.clone())?;
                    logs.listening.push(listener.address());
                    senders = Some(listener.senders());
                    listeners.push(listener);
                }
            }
            logs.inputs.push((name, counters, senders));
        }
        if !sources.is_empty() {
            let counters = sources[0].counters.clone();
            let rotated_us = i64::from(config.rotated_s) * 1_000_000;
            let store = state_folder.join("logs.positions");
            let settings = Settings {
                sources,
                store,
                backlog: config.backlog,
                rotated_us,
                clock: clock.clone(),
                zone: zone.clone(),
            };
            let tailer = Tailer::new(settings)?;
            let (stop, sink) = (logs.stop.clone(), sink.clone());
            logs.spawn("logs-files", move || files(tailer, &*sink, &stop, &counters))?;
        }
        for journal in journals {
            let (stop, sink) = (logs.stop.clone(), sink.clone());
            logs.spawn("logs-journal", move || journal::run(journal, &*sink, &stop))?;
        }
        if !listeners.is_empty() {
            let receiver = Receiver::new(listeners, clock, zone);
            let stop = logs.stop.clone();
            logs.spawn("logs-syslog", move || syslog::run(receiver, &*sink, &stop))?;
        }
        Ok(logs)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        self.threads.push(thread.map_err(|cause| Fault::new(&fault::THREAD).object(name).because(cause))?);
        Ok(())
    }

    /// Counts of each input.
    pub fn stats(&self) -> Stats {
        let one = |(name, counters, senders): &(String, Arc<Counters>, Option<Arc<Senders>>)| {
            let mut stats = counters.stats(name);
            stats.senders = senders.as_ref().map(|senders| senders.stats()).unwrap_or_default();
            stats
        };
        Stats { inputs: self.inputs.iter().map(one).collect() }
    }

    /// Addresses that syslog listens on, in the order of the configuration; a port 0 there is a real one here.
    pub fn listening(&self) -> &[std::net::SocketAddr] {
        &self.listening
    }

    /// Stops: what was read is given to the sink, positions are written, threads end. Returns when they have.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.set();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing to do about it here.
            let _ = thread.join();
        }
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread of all files.
fn files(mut tailer: Tailer, sink: &dyn Sink, stop: &Stop, counters: &Counters) {
    let mut watch = Watch::new();
    let mut look = true;
    let mut rounds = 0_u32;
    loop {
        let more = match tailer.poll(sink, look) {
            Ok(more) => more,
            Err(fault) => {
                counters.add(Count::Failures, 1);
                tracing::warn!(fault = fault.inside(), "logs");
                // The sink or the disk refuses: not at once again.
                stop.wait(&[], LOOK);
                false
            }
        };
        if stop.is_set() {
            break;
        }
        if look {
            watch.set(&tailer.folders());
        }
        rounds += 1;
        if more {
            // A log that never rests must not hide that it was rotated.
            look = rounds.is_multiple_of(4);
            continue;
        }
        stop.wait(&[], GATHER);
        let fds: Vec<_> = watch.fd().into_iter().collect();
        let is_woken = stop.wait(&fds, LOOK.saturating_sub(GATHER)).contains(&true);
        look = watch.drain() || !is_woken || rounds.is_multiple_of(10);
    }
    // What is there now is taken; a sink that refuses gets it after the next start.
    let last = tailer.poll(sink, true).and_then(|_| tailer.save());
    if let Err(fault) = last.or_else(|_| tailer.save()) {
        tracing::warn!(fault = fault.inside(), "logs");
    }
}

/// Writes a small file of the state folder, telling a failure in the log alone.
pub(crate) fn keep(path: &Path, bytes: &[u8]) {
    if let Err(fault) = state::write(path, bytes) {
        tracing::warn!(fault = fault.inside(), "logs");
    }
}
