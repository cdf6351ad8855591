//! Reading a ledger to find the first line that is not as it was written.

use crate::{Head, chain, fault};
use base::{Code, Fault, Result};
use record::Entry;
use std::collections::BTreeMap;

/// Checks entries one by one; memory does not grow with the ledger.
#[derive(Debug, Clone)]
pub struct Verifier {
    head: Head,
    /// Heads seen elsewhere, by number, not passed yet.
    known: BTreeMap<u64, String>,
    summary: Summary,
}

/// What a whole ledger looks like.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Summary {
    /// Entries checked.
    pub entries: u64,
    /// The newest one.
    pub head: Head,
    /// Time of the first entry checked, µs; 0 when there is none.
    pub first_us: i64,
    /// Time of the last, µs.
    pub last_us: i64,
    /// How often the time went back from one entry to the next. No fault: clocks are set; an auditor asks why.
    pub backward: u64,
}

impl Default for Verifier {
    fn default() -> Self {
        Verifier::new()
    }
}

impl Verifier {
    /// From the first entry on.
    pub fn new() -> Verifier {
        Verifier::after(Head::empty())
    }

    /// From the entry after `head`, when what came before was archived or verified already.
    pub fn after(head: Head) -> Verifier {
        let summary = Summary { entries: 0, head: head.clone(), first_us: 0, last_us: 0, backward: 0 };
        Verifier { head, known: BTreeMap::new(), summary }
    }

    /// Adds a head that was kept elsewhere: the entry with its number must have its hash. Heads before the start
    /// are passed over. Two different heads of one number cannot both hold, so the second makes the check fail.
    pub fn expect_head(mut self, head: Head) -> Verifier {
        if head.seq > self.head.seq {
            let hash = self.known.entry(head.seq).or_insert_with(|| head.hash.clone());
            if *hash != head.hash {
                // No hash equals this text, so whichever of the two is there, the entry is reported.
                *hash = format!("{hash} and {}", head.hash);
            }
        }
        self
    }

    /// Checks the next entry. After a fault the verifier stays where it was: what follows cannot be trusted.
    pub fn feed(&mut self, entry: &Entry) -> Result<()> {
        let due = self.head.seq.saturating_add(1);
        let broken = |code: &'static Code| Fault::new(code).object(format!("ledger entry {}", entry.seq));
        if entry.seq > due {
            return Err(Fault::new(&fault::HOLE).object(format!("ledger entry {due}")).expected(due).found(entry.seq));
        }
        if entry.seq < due {
            return Err(broken(&fault::ORDER).expected(format!("entry {due}")).found(format!("entry {}", entry.seq)));
        }
        let hash = chain::hash(entry);
        if hash != entry.hash {
            return Err(broken(&fault::EDITED).expected(&hash).found(&entry.hash));
        }
        if entry.previous != self.head.hash {
            return Err(broken(&fault::BROKEN_LINK).expected(&self.head.hash).found(&entry.previous));
        }
        if let Some(known) = self.known.get(&entry.seq)
            && *known != hash
        {
            return Err(broken(&fault::REWRITTEN).expected(known).found(&hash));
        }
        self.known.remove(&entry.seq);
        self.note(entry);
        Ok(())
    }

    fn note(&mut self, entry: &Entry) {
        self.head = Head::of(entry);
        let summary = &mut self.summary;
        if summary.entries == 0 {
            summary.first_us = entry.time_us;
        } else if entry.time_us < summary.last_us {
            summary.backward += 1;
        }
        summary.last_us = entry.time_us;
        summary.entries += 1;
        summary.head = self.head.clone();
    }

    /// The newest entry checked so far.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Ends the check: a head that lies beyond the end shows that the tail was cut off.
    pub fn finish(self) -> Result<Summary> {
        match self.known.first_key_value() {
            Some((seq, hash)) => {
                let missing = self.head.seq.saturating_add(1);
                let fault = Fault::new(&fault::CUT_OFF).object(format!("ledger entry {missing}"));
                Err(fault
                    .expected(format!("entry {seq} with hash {hash}"))
                    .found(format!("the end after entry {}", self.head.seq)))
            }
            None => Ok(self.summary),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Draft, seal};
    use proptest::prelude::*;
    use serde_json::json;

    fn ledger(length: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for number in 0..length {
            let draft =
                Draft::new(number as i64, "user:alice", "order.intent", format!("ord-{number}"), &json!({"n": number}));
            entries.push(seal(entries.last(), draft));
        }
        entries
    }

    fn check(entries: &[Entry], known: Option<Head>) -> Result<Summary> {
        let mut verifier = known.into_iter().fold(Verifier::new(), Verifier::expect_head);
        entries.iter().try_for_each(|entry| verifier.feed(entry))?;
        verifier.finish()
    }

    /// Seals all entries again from `from` on, as someone with the source code would.
    fn rewrite(entries: &mut [Entry], from: usize) {
        for place in from..entries.len() {
            let old = entries[place].clone();
            let draft =
                Draft { time_us: old.time_us, who: old.who, what: old.what, object: old.object, details: old.details };
            let before = place.checked_sub(1).map(|before| entries[before].clone());
            entries[place] = seal(before.as_ref(), draft);
        }
    }

    #[test]
    fn a_whole_ledger_passes_and_is_summed_up() {
        let mut entries = ledger(3);
        let summary = check(&entries, Some(Head::of(&entries[2]))).unwrap();
        assert_eq!((summary.entries, summary.first_us, summary.last_us, summary.backward), (3, 0, 2, 0));
        assert_eq!(check(&[], None).unwrap().head, Head::empty());
        let mut verifier = Verifier::after(Head::of(&entries[0]));
        verifier.feed(&entries[1]).unwrap();
        assert_eq!(verifier.head(), &Head::of(&entries[1]));
        entries[1].time_us = -5;
        rewrite(&mut entries, 1);
        assert_eq!(check(&entries, None).unwrap().backward, 1);
    }

    #[test]
    fn each_kind_of_tampering_has_its_name_and_place() {
        type Tamper = fn(&mut Vec<Entry>);
        let cases: &[(&str, Tamper, &Code, &str)] = &[
            ("a field", |all| all[2].who = "user:bob".into(), &fault::EDITED, "ledger entry 3"),
            ("the hash", |all| all[2].hash.replace_range(0..1, "x"), &fault::EDITED, "ledger entry 3"),
            (
                "a field and its hash",
                |all| {
                    all[2].who = "user:bob".into();
                    all[2].hash = chain::hash(&all[2]);
                },
                &fault::BROKEN_LINK,
                "ledger entry 4",
            ),
            ("one removed", |all| drop(all.remove(2)), &fault::HOLE, "ledger entry 3"),
            ("the first removed", |all| drop(all.remove(0)), &fault::HOLE, "ledger entry 1"),
            ("the last removed", |all| drop(all.pop()), &fault::CUT_OFF, "ledger entry 5"),
            ("all removed", Vec::clear, &fault::CUT_OFF, "ledger entry 1"),
            ("two swapped", |all| all.swap(1, 3), &fault::HOLE, "ledger entry 2"),
            ("one twice", |all| all.insert(2, all[1].clone()), &fault::ORDER, "ledger entry 2"),
            (
                "one put in",
                |all| {
                    let forged = seal(Some(&all[1]), Draft::new(9, "user:bob", "login", "bob", &json!({})));
                    all.insert(2, forged);
                },
                &fault::ORDER,
                "ledger entry 3",
            ),
            (
                "all sealed again",
                |all| {
                    all[1].what = "nothing".into();
                    rewrite(all, 1);
                },
                &fault::REWRITTEN,
                "ledger entry 5",
            ),
        ];
        for (what, tamper, code, place) in cases {
            let mut entries = ledger(5);
            let head = Head::of(&entries[4]);
            tamper(&mut entries);
            let fault = check(&entries, Some(head)).expect_err(what);
            assert!(fault.is(code) && fault.named() == *place, "{what}: {fault:?}");
        }
    }

    #[test]
    fn two_witnesses_who_disagree_are_a_fault() {
        let entries = ledger(2);
        let honest = Head::of(&entries[1]);
        let other = Head { seq: 2, hash: "ab".repeat(32) };
        for heads in [[honest.clone(), other.clone()], [other, honest]] {
            let mut verifier = heads.into_iter().fold(Verifier::new(), Verifier::expect_head);
            verifier.feed(&entries[0]).unwrap();
            assert!(verifier.feed(&entries[1]).unwrap_err().is(&fault::REWRITTEN));
        }
    }

    #[derive(Debug, Clone)]
    enum Tampering {
        Edit { place: usize, field: usize, text: String, number: i64 },
        Delete(usize),
        Swap(usize, usize),
        Insert { place: usize, text: String },
        Repeat { from: usize, to: usize },
        Truncate(usize),
    }

    fn tampering() -> impl Strategy<Value = Tampering> {
        let place = 0..16_usize;
        prop_oneof![
            (place.clone(), 0..8_usize, ".{0,12}", any::<i64>())
                .prop_map(|(place, field, text, number)| Tampering::Edit { place, field, text, number }),
            place.clone().prop_map(Tampering::Delete),
            (place.clone(), place.clone()).prop_map(|(one, other)| Tampering::Swap(one, other)),
            (place.clone(), ".{0,12}").prop_map(|(place, text)| Tampering::Insert { place, text }),
            (place.clone(), place.clone()).prop_map(|(from, to)| Tampering::Repeat { from, to }),
            place.prop_map(Tampering::Truncate),
        ]
    }

    fn apply(entries: &mut Vec<Entry>, tampering: Tampering) {
        let length = entries.len();
        match tampering {
            Tampering::Edit { place, field, text, number } => {
                let entry = &mut entries[place % length];
                match field {
                    0 => entry.seq = number as u64,
                    1 => entry.time_us = number,
                    2 => entry.who = text,
                    3 => entry.what = text,
                    4 => entry.object = text,
                    5 => entry.details = text,
                    6 => entry.previous = text,
                    _ => entry.hash = text,
                }
            }
            Tampering::Delete(place) => drop(entries.remove(place % length)),
            Tampering::Swap(one, other) => entries.swap(one % length, other % length),
            Tampering::Insert { place, text } => {
                let before = entries.get((place % (length + 1)).wrapping_sub(1)).cloned();
                entries.insert(place % (length + 1), seal(before.as_ref(), Draft::new(0, text, "x", "y", &json!({}))));
            }
            Tampering::Repeat { from, to } => entries.insert(to % (length + 1), entries[from % length].clone()),
            Tampering::Truncate(place) => entries.truncate(place % length),
        }
    }

    proptest! {
        #[test]
        fn any_single_edit_deletion_swap_or_insertion_is_found(length in 1..16_usize, tampering in tampering()) {
            let original = ledger(length);
            let head = Head::of(&original[length - 1]);
            let mut entries = original.clone();
            apply(&mut entries, tampering);
            let result = check(&entries, Some(head));
            // An insertion after the end continues the chain: that is what appending is.
            let appended = entries.len() > length && entries[..length] == original[..] && result.is_ok();
            prop_assert_eq!(result.is_ok(), entries == original || appended, "{:?}", result);
        }

        #[test]
        fn the_first_bad_line_is_named(length in 2..16_usize, place in 0..16_usize) {
            let mut entries = ledger(length);
            let place = place % length;
            entries[place].details.push(' ');
            let fault = check(&entries, None).unwrap_err();
            prop_assert_eq!(fault.named(), format!("ledger entry {}", place + 1));
        }
    }
}
