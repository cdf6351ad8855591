//! Which clients are known good, in fixed memory: what they were answered, over which time, on how many routes.
//!
//! Credit is earned slowly (requests answered in several minutes, on several routes, few of them bad) and in quiet times, so
//! that an attack cannot earn it while it runs. Newcomers push out strangers only; a client with history leaves by age.

const WAYS: usize = 8;
/// A client not seen for so long is a stranger again, seconds (14 days).
const FORGOTTEN_S: u32 = 14 * 24 * 3600;
/// Holds are counted as long as they follow each other within this time, seconds.
const HOLD_WINDOW_S: u32 = 60;
/// How long a solved challenge keeps an address from being reported as an attacker, seconds.
const SOLVED_S: u32 = 600;

/// How well a client is known. The order is that of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Not known.
    Stranger,
    /// Was answered before, but not for long.
    Seen,
    /// Was answered over time on several routes, without trouble.
    Known,
    /// Holds a valid cookie of a solved challenge.
    Proven,
}

/// What is known of a client.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    tag: u64,
    last_s: u32,
    last_minute: u32,
    answered: u32,
    bad: u32,
    minutes: u32,
    /// A bit for each of 32 classes of routes.
    routes: u32,
    held: u32,
    held_s: u32,
    solved_s: u32,
    reported_s: u32,
}

impl Record {
    fn standing(&self) -> Standing {
        let trouble = self.bad.saturating_mul(4) > self.answered;
        if self.answered >= 4 && self.minutes >= 2 && self.routes.count_ones() >= 2 && !trouble {
            Standing::Known
        } else if self.answered >= 1 && !trouble {
            Standing::Seen
        } else {
            Standing::Stranger
        }
    }

    /// How long it must have been idle before a newcomer may take its place, seconds.
    fn tenure_s(&self) -> u32 {
        match self.standing() {
            Standing::Stranger if self.held > 0 => HOLD_WINDOW_S,
            Standing::Stranger => 0,
            Standing::Seen => 600,
            _ => 24 * 3600,
        }
    }
}

/// The table of clients.
#[derive(Debug)]
pub struct History {
    records: Vec<Record>,
}

impl History {
    /// A table for at least so many clients (56 bytes each).
    pub fn new(capacity: usize) -> History {
        History { records: vec![Record::default(); capacity.max(WAYS).next_power_of_two()] }
    }

    fn set(&self, key: u64) -> usize {
        (key as usize & (self.records.len() / WAYS - 1)) * WAYS
    }

    /// How well the client is known at `now_s`, cookies aside.
    pub fn standing(&self, key: u64, now_s: u32) -> Standing {
        let set = self.set(key);
        let record = self.records[set..set + WAYS].iter().find(|record| record.tag == key);
        let alive = record.filter(|record| now_s.saturating_sub(record.last_s) < FORGOTTEN_S);
        alive.map_or(Standing::Stranger, Record::standing)
    }

    /// The record of the client, if it has one or there is a place for one.
    fn record(&mut self, key: u64, now_s: u32) -> Option<&mut Record> {
        let set = self.set(key);
        let ways = &mut self.records[set..set + WAYS];
        let own = ways.iter().position(|record| record.tag == key);
        let at = own.or_else(|| {
            let idle = |record: &Record| now_s.saturating_sub(record.last_s);
            let free = |record: &Record| record.tag == 0 || idle(record) >= record.tenure_s();
            let free = ways.iter().enumerate().filter(|(_, record)| free(record));
            free.min_by_key(|(_, record)| (record.tag != 0, record.standing(), record.last_s)).map(|(at, _)| at)
        })?;
        let record = &mut ways[at];
        if record.tag != key || now_s.saturating_sub(record.last_s) >= FORGOTTEN_S {
            *record = Record { tag: key, ..Record::default() };
        }
        record.last_s = now_s;
        Some(record)
    }

    /// A request was answered. `credit` says whether it may count for the client: in quiet times, or behind a challenge.
    pub fn answered(&mut self, key: u64, route: u64, good: bool, credit: bool, now_s: u32) {
        let Some(record) = self.record(key, now_s) else { return };
        if !good {
            record.bad = record.bad.saturating_add(1);
        } else if credit {
            record.answered = record.answered.saturating_add(1);
            record.routes |= 1 << (route >> 59);
            let minute = now_s / 60;
            if record.last_minute != minute {
                (record.last_minute, record.minutes) = (minute, record.minutes.saturating_add(1));
            }
        }
        // Old deeds fade, good and bad alike.
        if record.answered.max(record.bad) > 1000 {
            (record.answered, record.bad) = (record.answered / 2, record.bad / 2);
        }
    }

    /// A request was held (challenged or refused); how many were, one after the other.
    pub fn held(&mut self, key: u64, now_s: u32) -> u32 {
        let Some(record) = self.record(key, now_s) else { return 1 };
        if now_s.saturating_sub(record.held_s) > HOLD_WINDOW_S {
            record.held = 0;
        }
        (record.held, record.held_s) = (record.held.saturating_add(1), now_s);
        record.held
    }

    /// A known client asked for more than any person does: what it earned is gone.
    pub fn disgrace(&mut self, key: u64, now_s: u32) {
        if let Some(record) = self.record(key, now_s) {
            (record.answered, record.minutes, record.routes) = (0, 0, 0);
        }
    }

    /// The client solved a challenge.
    pub fn solved(&mut self, key: u64, now_s: u32) {
        if let Some(record) = self.record(key, now_s) {
            (record.solved_s, record.held) = (now_s, 0);
        }
    }

    /// Whether to report the client as an attacker now: no one behind the address solved a challenge lately, and it was not
    /// reported within `again_s`. Marks it as reported.
    pub fn report(&mut self, key: u64, again_s: u32, now_s: u32) -> bool {
        let Some(record) = self.record(key, now_s) else { return false };
        let since = |then: u32, long: u32| then == 0 || now_s.saturating_sub(then) >= long;
        let report = since(record.solved_s, SOLVED_S) && since(record.reported_s, again_s);
        if report {
            record.reported_s = now_s;
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of its own set when `at` differs by 1, with the given tag above.
    fn key(tag: u64, set: u64) -> u64 {
        (tag << 32) | set
    }

    fn visit(history: &mut History, key: u64, from_s: u32, minutes: u32) {
        for minute in 0..minutes {
            for route in 0..3_u64 {
                history.answered(key, route << 59, true, true, from_s + minute * 60);
            }
        }
    }

    #[test]
    fn standing_is_earned_over_minutes_and_routes() {
        let mut history = History::new(64);
        assert_eq!(history.standing(7, 1000), Standing::Stranger);
        history.answered(7, 0, true, true, 1000);
        assert_eq!(history.standing(7, 1000), Standing::Seen);
        for _ in 0..50 {
            history.answered(7, 0, true, true, 1001);
        }
        assert_eq!(history.standing(7, 1001), Standing::Seen, "one minute, one route");
        visit(&mut history, 7, 1100, 2);
        assert_eq!(history.standing(7, 1200), Standing::Known);
        assert_eq!(history.standing(7, 1200 + FORGOTTEN_S), Standing::Stranger);
        for _ in 0..30 {
            history.answered(7, 0, false, true, 1200);
        }
        assert_eq!(history.standing(7, 1200), Standing::Stranger, "trouble");
        visit(&mut history, 8, 1000, 3);
        history.disgrace(8, 1200);
        assert_eq!(history.standing(8, 1200), Standing::Stranger);
        history.answered(9, 0, true, false, 1000);
        assert_eq!(history.standing(9, 1000), Standing::Stranger, "no credit while an attack runs");
    }

    #[test]
    fn a_crowd_of_strangers_pushes_out_nobody_with_history() {
        let mut history = History::new(8);
        visit(&mut history, key(1, 0), 1000, 3);
        for stranger in 2..2000_u64 {
            history.held(key(stranger, 0), 2000);
            history.answered(key(stranger, 0), 0, true, false, 2000);
        }
        assert_eq!(history.standing(key(1, 0), 2000), Standing::Known);
        assert_eq!(history.held(key(1, 0), 2000), 1);
    }

    #[test]
    fn holds_are_counted_in_a_row_and_reported_once() {
        let mut history = History::new(64);
        assert_eq!((1..=5).map(|at| history.held(3, 1000 + at)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(history.held(3, 2000), 1);
        assert!(history.report(3, 600, 2000) && !history.report(3, 600, 2001) && history.report(3, 600, 2600));
        history.solved(3, 2700);
        assert!(!history.report(3, 0, 2701), "someone behind the address is a person");
    }
}
