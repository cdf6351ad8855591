//! Logs of this host and of those who send to it.

use super::{Ground, Kind, Sense, Started};
use crate::desk::Desk;
use base::{Clock, Fault, Result};
use fleet::content::{Files, Name};
use logs::{Config, Logs};
use record::Event;
use std::path::PathBuf;
use std::sync::Arc;

struct Reader {
    config: Config,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    desk: Arc<Desk>,
    running: Option<Logs>,
}

/// Logs. Without inputs of its own a host may get some from its server.
pub const KIND: Kind = Kind { name: "logs", tells: record::Kind::Log, wanted: |_| true, start };

/// Reads logs as the configuration and the published inputs say.
fn start(ground: &Ground<'_>) -> Started {
    let mut reader = Reader {
        config: ground.config.logs.clone(),
        folder: ground.config.state.join("logs"),
        clock: ground.clock.clone(),
        desk: ground.desk.clone(),
        running: None,
    };
    let config = with(&reader.config, ground.published.get(&Name::LogInputs))?;
    reader.run(&config)?;
    Ok(Some(Box::new(reader)))
}

impl Reader {
    fn run(&mut self, config: &Config) -> Result<()> {
        self.running =
            Some(Logs::start(config, &self.folder, self.clock.clone(), Arc::new(ToDesk(self.desk.clone())))?);
        Ok(())
    }
}

/// The configuration with the published inputs: each text has the form of `logs:` in the agent's file.
fn with(own: &Config, published: Option<&Files>) -> Result<Config> {
    let mut config = own.clone();
    for file in published.map(|files| files.files.as_slice()).unwrap_or_default() {
        config.inputs.extend(base::config::parse::<Config>(&file.text, &file.name)?.inputs);
    }
    Ok(config)
}

impl Sense for Reader {
    fn renew(&mut self, name: Name, files: &Files) -> Result<()> {
        if name != Name::LogInputs {
            return Ok(());
        }
        let next = with(&self.config, Some(files))?;
        // Positions are kept, so nothing is lost or read twice between the two.
        self.running.take().into_iter().for_each(Logs::stop);
        if let Err(fault) = self.run(&next) {
            let own = self.config.clone();
            self.run(&own)?;
            return Err(fault);
        }
        Ok(())
    }

    fn lost(&self) -> Vec<(String, u64)> {
        let inputs = self.running.iter().flat_map(|logs| logs.stats().inputs);
        let (dropped, cut) = inputs.fold((0, 0), |(dropped, cut), input| (dropped + input.dropped, cut + input.cut));
        vec![("logs.dropped".into(), dropped), ("logs.cut".into(), cut)]
    }

    fn stop(self: Box<Self>) {
        self.running.into_iter().for_each(Logs::stop);
    }
}

struct ToDesk(Arc<Desk>);

impl logs::Sink for ToDesk {
    fn take(&self, events: Vec<Event>) -> std::result::Result<(), Fault> {
        self.0.take(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{self, Kept};
    use crate::config::Config as Agent;
    use crate::live::Live;
    use crate::rules::RuleSet;
    use base::SystemClock;
    use record::Activity;
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::path::Path;

    fn say(path: &Path, text: &str) {
        let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
        writeln!(file, "Nov 27 03:00:00 h app[1]: {text}").unwrap();
    }

    fn input(path: &Path) -> String {
        format!("usual: false\nbacklog: true\ninputs: [{{kind: file, paths: ['{}']}}]\n", path.display())
    }

    fn seen(events: &[Event], text: &str) -> bool {
        events.iter().any(|event| matches!(&event.activity, Activity::Log(log) if log.message.ends_with(text)))
    }

    #[test]
    fn lines_arrive_and_published_inputs_are_read_at_once() {
        let folder = std::env::temp_dir().join(format!("garrison-sense-logs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (own, published) = (folder.join("own.log"), folder.join("published.log"));
        let logs = base::config::parse(&input(&own), "t").unwrap();
        let config = Agent { logs, ..bench::config(&folder.join("state")) };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let kept = Arc::new(Kept::default());
        let (desk, _waiting) = bench::desk(&Live::new(RuleSet::default()), &kept, clock.clone());
        let none = BTreeMap::new();
        say(&own, "first");
        let ground = Ground { config: &config, clock: &clock, desk: &desk, published: &none };
        let mut sense = (KIND.start)(&ground).unwrap().unwrap();
        kept.until(|_, events| seen(events, "first"));
        say(&own, "second");
        say(&published, "third");
        sense.renew(Name::Yara, &Files::of([("x", "not for us")])).unwrap();
        assert!(sense.renew(Name::LogInputs, &Files::of([("a.yml", "inputs: 1")])).is_err());
        kept.until(|_, events| seen(events, "second"));
        sense.renew(Name::LogInputs, &Files::of([("a.yml", input(&published))])).unwrap();
        say(&own, "fourth");
        kept.until(|_, events| seen(events, "third") && seen(events, "fourth"));
        assert_eq!(kept.kept().len(), 4, "nothing is read twice");
        assert!(sense.lost().iter().all(|(_, count)| *count == 0));
        sense.stop();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
