//! The five levels of a site, and when they are entered and left.
//!
//! A level is entered one step at a time when the origin is strained (latency against its own quiet times, errors, waiting
//! requests) for some seconds, and left one step at a time after a dwell of calm. Calm means more than an origin at ease: while a
//! defence works the origin is at ease under any attack, so the demand itself must be gone too. A level that had to be entered
//! again soon after it was left dwells twice as long.

use crate::load::Reading;
use crate::settings::Settings;
use base::Lang;
use serde::{Deserialize, Serialize};

/// How a site treats its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everyone is served.
    #[default]
    Normal,
    /// Everyone is served; history counts when requests wait.
    Watch,
    /// What grew is limited, clients have rates.
    Limit,
    /// Clients without history prove that they are worth serving.
    Challenge,
    /// Clients with history, and essential paths.
    Essential,
}

impl Level {
    /// Every level, in order.
    pub const ALL: [Level; 5] = [Level::Normal, Level::Watch, Level::Limit, Level::Challenge, Level::Essential];

    /// The name in events and settings.
    pub fn name(self) -> &'static str {
        ["normal", "watch", "limit", "challenge", "essential"][self as usize]
    }

    /// The name for people.
    pub fn text(self, lang: Lang) -> &'static str {
        let zh = ["正常", "观察", "限流", "质询", "仅保关键"];
        lang.pick(self.name(), zh[self as usize])
    }

    fn step(self, up: bool) -> Level {
        let at = if up { self as usize + 1 } else { (self as usize).saturating_sub(1) };
        Level::ALL[at.min(Level::ALL.len() - 1)]
    }
}

/// What moved a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// 95th percentile of the origin's latency, as a multiple of quiet times.
    Latency,
    /// Share of errors of the origin.
    Errors,
    /// Share of the queue in use.
    Queue,
    /// Requests a second, as a multiple of quiet times.
    Arrivals,
    /// Share of the growth that falls to few kinds of requests.
    Shape,
    /// Seconds of calm.
    Calm,
    /// An operator's order (floor or ceiling).
    Order,
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// When, seconds.
    pub at_s: u32,
    /// From.
    pub from: Level,
    /// To.
    pub to: Level,
    /// Why.
    pub cause: Cause,
    /// Its figure.
    pub value: f32,
    /// The figures of that second.
    pub reading: Reading,
}

impl Change {
    /// One sentence with the figures.
    pub fn text(&self, lang: Lang) -> String {
        let Change { from, to, value, reading, .. } = self;
        let ms = |us: u64| us / 1000;
        let why = match (self.cause, lang) {
            (Cause::Latency, Lang::En) => format!("latency p95 is {value:.1} times that of quiet times"),
            (Cause::Latency, Lang::Zh) => format!("p95 延迟为平静时的 {value:.1} 倍"),
            (Cause::Errors, Lang::En) => format!("{:.0} % of answers are errors", value * 100.0),
            (Cause::Errors, Lang::Zh) => format!("{:.0} % 的应答为错误", value * 100.0),
            (Cause::Queue, Lang::En) => format!("the queue is {:.0} % full", value * 100.0),
            (Cause::Queue, Lang::Zh) => format!("排队已占用 {:.0} %", value * 100.0),
            (Cause::Arrivals, Lang::En) => format!("requests are {value:.1} times those of quiet times"),
            (Cause::Arrivals, Lang::Zh) => format!("请求量为平静时的 {value:.1} 倍"),
            (Cause::Shape, Lang::En) => format!("{:.0} % of the growth falls to few kinds of requests", value * 100.0),
            (Cause::Shape, Lang::Zh) => format!("增量的 {:.0} % 集中于少数几类请求", value * 100.0),
            (Cause::Calm, Lang::En) => format!("calm for {value:.0} s"),
            (Cause::Calm, Lang::Zh) => format!("已平静 {value:.0} 秒"),
            (Cause::Order, Lang::En) => "by order".to_owned(),
            (Cause::Order, Lang::Zh) => "按指令".to_owned(),
        };
        let (p95, quiet) = (ms(reading.p95_us), ms(reading.quiet_p95_us));
        let Reading { arrivals, held, in_flight, limit, queued, .. } = *reading;
        let (from, to) = (from.text(lang), to.text(lang));
        match lang {
            Lang::En => format!(
                "{from} → {to}: {why} (p95 {p95} ms against {quiet} ms, {arrivals:.0} requests/s, {held:.0} held/s, {in_flight} of {limit} at the origin, {queued} waiting)"
            ),
            Lang::Zh => format!(
                "{from} → {to}：{why}（p95 {p95} 毫秒，平静时 {quiet} 毫秒；请求 {arrivals:.0}/秒，拦下 {held:.0}/秒；源站并发 {in_flight}/{limit}，排队 {queued}）"
            ),
        }
    }
}

/// How strained the origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strain {
    None,
    Light,
    Heavy,
}

/// A latency that nobody minds, whatever quiet times were, µs.
const UNNOTICED_US: u64 = 20_000;
/// Growth that lasted so many seconds is the new usual.
const LASTING_S: u32 = 600;
/// A level entered again within so many seconds was left too early.
const SOON_S: u32 = 120;

/// The machine of one site.
#[derive(Debug)]
pub(crate) struct Machine {
    level: Level,
    entered_s: u32,
    left_s: u32,
    heavy_s: u32,
    light_s: u32,
    calm_s: u32,
    /// Factor of every dwell.
    patience: u32,
}

impl Machine {
    pub(crate) fn new(level: Level) -> Machine {
        Machine { level, entered_s: 0, left_s: 0, heavy_s: 0, light_s: 0, calm_s: 0, patience: 1 }
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Whether the second was one to learn quiet times from. Growth that the origin carries at ease for long is the new usual.
    pub(crate) fn quiet(&self, reading: &Reading, now_s: u32) -> bool {
        let (strain, cause, _) = strain(reading);
        match self.level {
            Level::Normal => strain == Strain::None,
            Level::Watch => now_s > self.entered_s + LASTING_S && (strain == Strain::None || cause == Cause::Arrivals),
            _ => false,
        }
    }

    /// A second ended.
    pub(crate) fn tick(&mut self, reading: &Reading, settings: &Settings, now_s: u32) -> Option<Change> {
        let Settings { floor, ceiling, dwell_s, .. } = *settings;
        let (strain, cause, value) = strain(reading);
        self.heavy_s = if strain == Strain::Heavy { self.heavy_s + 1 } else { 0 };
        self.light_s = if strain >= Strain::Light { self.light_s + 1 } else { 0 };
        self.calm_s = if strain == Strain::None && eased(self.level, reading) { self.calm_s + 1 } else { 0 };
        let change = |from, to, cause, value| Change { at_s: now_s, from, to, cause, value, reading: *reading };
        let ordered = self.level.clamp(floor, ceiling);
        let change = if ordered != self.level {
            change(self.level, ordered, Cause::Order, 0.0)
        } else if self.level < ceiling && now_s >= self.entered_s + 2 && self.strained(reading) {
            let (cause, value) = if self.heavy_s == 0 && self.level == Level::Watch {
                (Cause::Shape, reading.shape)
            } else {
                (cause, value)
            };
            change(self.level, self.level.step(true), cause, value)
        } else if self.level > floor && self.calm_s >= dwell_s * self.patience {
            change(self.level, self.level.step(false), Cause::Calm, self.calm_s as f32)
        } else {
            if self.level == Level::Normal && now_s > self.entered_s + 5 * SOON_S {
                self.patience = 1;
            }
            return None;
        };
        self.enter(change.to, now_s);
        Some(change)
    }

    /// Whether the next level is due.
    fn strained(&self, reading: &Reading) -> bool {
        match self.level {
            Level::Normal => self.light_s >= 2,
            Level::Watch => self.heavy_s >= 2 || (self.light_s >= 3 && reading.shape >= 0.5),
            Level::Limit => self.heavy_s >= 3,
            Level::Challenge => self.heavy_s >= 5,
            Level::Essential => false,
        }
    }

    fn enter(&mut self, level: Level, now_s: u32) {
        if level < self.level {
            self.left_s = now_s;
        } else if self.left_s > 0 && now_s - self.left_s < SOON_S {
            self.patience = (self.patience * 2).min(8);
        }
        (self.level, self.entered_s) = (level, now_s);
        (self.heavy_s, self.light_s, self.calm_s) = (0, 0, 0);
    }
}

/// Whether the origin is strained beyond what it can bear.
pub(crate) fn heavy(reading: &Reading) -> bool {
    strain(reading).0 == Strain::Heavy
}

/// How strained the origin is, by what, and the figure.
fn strain(reading: &Reading) -> (Strain, Cause, f32) {
    let latency = reading.p95_us as f32 / reading.quiet_p95_us.max(UNNOTICED_US) as f32;
    let queue = reading.queued as f32 / reading.queue_limit.max(1) as f32;
    let arrivals = reading.arrivals / reading.quiet_arrivals.max(1.0);
    let heavy = [(Cause::Queue, queue, 0.2), (Cause::Latency, latency, 4.0), (Cause::Errors, reading.errors, 0.2)];
    let light = [(Cause::Latency, latency, 2.0), (Cause::Errors, reading.errors, 0.05), (Cause::Queue, queue, 0.03)];
    let over = |list: &[(Cause, f32, f32)]| list.iter().find(|(_, value, bound)| value >= bound).copied();
    if let Some((cause, value, _)) = over(&heavy) {
        return (Strain::Heavy, cause, value);
    }
    if let Some((cause, value, _)) = over(&light) {
        return (Strain::Light, cause, value);
    }
    // Growth alone is worth watching, once there is something to compare with.
    if reading.quiet_arrivals > 0.0 && reading.arrivals > 3.0 * reading.quiet_arrivals + 10.0 {
        return (Strain::Light, Cause::Arrivals, arrivals);
    }
    (Strain::None, Cause::Calm, 0.0)
}

/// Whether the demand that made the level necessary is gone.
fn eased(level: Level, reading: &Reading) -> bool {
    if level <= Level::Watch {
        return true;
    }
    let usual = if reading.quiet_arrivals > 0.0 { 2.0 * reading.quiet_arrivals + 5.0 } else { f32::MAX };
    // Where everyone new is challenged, some are held on the quietest day.
    let held = match level {
        Level::Limit => 0.1 * reading.arrivals + 1.0,
        _ => 0.5 * reading.arrivals + 2.0,
    };
    reading.arrivals <= usual && reading.held <= held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Reading {
        Reading {
            arrivals: 20.0,
            quiet_arrivals: 20.0,
            p50_us: 10_000,
            p95_us: 30_000,
            quiet_p50_us: 10_000,
            quiet_p95_us: 30_000,
            limit: 16,
            queue_limit: 100,
            ..Reading::default()
        }
    }

    fn attack() -> Reading {
        Reading { arrivals: 200.0, p95_us: 90_000, queued: 60, in_flight: 16, shape: 0.9, ..quiet() }
    }

    fn run(machine: &mut Machine, reading: Reading, seconds: std::ops::Range<u32>) -> Vec<(u32, Level)> {
        let tick = |now_s| machine.tick(&reading, &Settings::default(), now_s);
        seconds.filter_map(tick).map(|change| (change.at_s, change.to)).collect()
    }

    #[test]
    fn levels_are_entered_and_left_in_order() {
        let mut machine = Machine::new(Level::Normal);
        assert_eq!(run(&mut machine, quiet(), 0..100), []);
        let up = run(&mut machine, attack(), 100..130);
        assert_eq!(up.iter().map(|(_, level)| *level).collect::<Vec<_>>(), Level::ALL[1..]);
        assert!(up[3].0 <= 115, "{up:?}");
        // The defence works: the origin is at ease, the demand is not gone.
        let held = Reading { arrivals: 200.0, held: 180.0, ..quiet() };
        assert_eq!(run(&mut machine, held, 130..600), []);
        let down = run(&mut machine, quiet(), 600..700);
        assert_eq!(down.iter().map(|(_, level)| *level).collect::<Vec<_>>(), [3, 2, 1, 0].map(|at| Level::ALL[at]));
    }

    #[test]
    fn what_comes_back_soon_is_kept_longer() {
        let mut machine = Machine::new(Level::Normal);
        run(&mut machine, attack(), 100..103);
        assert_eq!(machine.level(), Level::Watch);
        let first = run(&mut machine, quiet(), 103..200)[0].0 - 103;
        run(&mut machine, attack(), 200..203);
        let second = run(&mut machine, quiet(), 203..300)[0].0 - 203;
        assert!(second >= 2 * first - 1, "{first} {second}");
    }

    #[test]
    fn orders_and_limits_are_kept() {
        let mut machine = Machine::new(Level::Normal);
        let change = machine.tick(&quiet(), &Settings { floor: Level::Challenge, ..Settings::default() }, 1).unwrap();
        assert_eq!((change.to, change.cause), (Level::Challenge, Cause::Order));
        let mut machine = Machine::new(Level::Normal);
        for now_s in 0..100 {
            machine.tick(&attack(), &Settings { ceiling: Level::Limit, ..Settings::default() }, now_s);
        }
        assert_eq!(machine.level(), Level::Limit);
    }

    #[test]
    fn noise_moves_nothing() {
        let mut machine = Machine::new(Level::Normal);
        for now_s in 0..1000_u32 {
            let spike = if now_s % 7 == 0 { attack() } else { quiet() };
            assert_eq!(machine.tick(&spike, &Settings::default(), now_s), None);
        }
    }

    #[test]
    fn a_change_says_why_in_both_languages() {
        let mut machine = Machine::new(Level::Normal);
        let change = (0..9).find_map(|now| machine.tick(&attack(), &Settings::default(), now)).unwrap();
        assert_eq!(
            change.text(Lang::En),
            "normal → watch: the queue is 60 % full (p95 90 ms against 30 ms, 200 requests/s, 0 held/s, 16 of 16 at the origin, 60 waiting)"
        );
        assert!(change.text(Lang::Zh).starts_with("正常 → 观察：排队已占用 60 %（p95 90 毫秒"));
    }
}
