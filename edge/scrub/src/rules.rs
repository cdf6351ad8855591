//! Signatures in force.
//!
//! The program reads one of two banks; a change is written into the other one, and then the banks are exchanged: no
//! packet meets half a rule.

use crate::address::{address_and_mask, prefix_of};
use crate::layout::{RULES, Rule, Rules, TERMS, Term, holds};
use crate::{Filter, fault, system};
use base::{Fault, Micros, Result};
use ddos::{Field, Signature};
use std::time::Duration;

/// A signature in force, read back from the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The signature; its end as far as the clocks agree.
    pub signature: Signature,
    /// Packets that it dropped.
    pub hits: u64,
    /// How long it goes on.
    pub left: Duration,
}

const EMPTY: Rule = Rule {
    until: 0,
    id: 0,
    terms: 0,
    present: 0,
    term: [Term { field: 0, value: 0 }; TERMS],
    six: 0,
    reserved: 0,
    address: [0; 16],
    mask: [0; 16],
};

impl Filter {
    /// Drops what a signature matches, from [`ddos::Level::Prove`] on, until its end. One with the same id is renewed and
    /// keeps its hits.
    ///
    /// # Errors
    /// [`fault::SIGNATURE`] when it fixes nothing or is over, [`fault::FULL`] when 32 are in force, [`fault::MAP`].
    pub fn put_signature(&mut self, signature: &Signature, now: Micros) -> Result<()> {
        let rule = rule(signature, now)?;
        let time = system::now();
        let same = self.rules.iter().position(|held| held.is_some_and(|held| held.id == rule.id));
        let free = || self.rules.iter().position(|held| held.is_none_or(|held| held.until <= time));
        let Some(place) = same.or_else(free) else {
            return Err(Fault::new(&fault::FULL).object("signatures").expected(format!("{RULES} at most")));
        };
        if same.is_none() {
            self.maps.hits.clear_each(place as u32)?;
        }
        self.rules[place] = Some(rule);
        self.write_rules()
    }

    /// Ends a signature; says whether it was in force.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn drop_signature(&mut self, id: u64) -> Result<bool> {
        let mut found = false;
        for held in &mut self.rules {
            if held.is_some_and(|held| held.id == id) {
                *held = None;
                found = true;
            }
        }
        if found {
            self.write_rules()?;
        }
        Ok(found)
    }

    /// The signatures in force, read back from the kernel, with what they dropped.
    ///
    /// # Errors
    /// [`fault::MAP`].
    pub fn signatures(&self, now: Micros) -> Result<Vec<InForce>> {
        let time = system::now();
        let hits = self.maps.hits.first_values::<u64>(RULES as u32)?;
        let hits = hits
            .into_iter()
            .map(|each| each.iter().fold(0_u64, |sum, each| sum.wrapping_add(*each)))
            .chain(std::iter::repeat(0));
        let held = self.read_rules()?.into_iter().zip(hits);
        let running = held.filter_map(|(rule, hits)| Some((rule.filter(|rule| rule.until > time)?, hits)));
        Ok(running.filter_map(|(rule, hits)| in_force(&rule, hits, time, now)).collect())
    }

    fn write_rules(&mut self) -> Result<()> {
        let count = self.rules.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let mut rules = Rules { count: count as u32, reserved: 0, rule: [EMPTY; RULES] };
        for (place, held) in rules.rule.iter_mut().zip(&self.rules) {
            *place = held.unwrap_or(EMPTY);
        }
        let bank = (self.settings.bank & 1) ^ 1;
        self.maps.banks.put(&bank, &rules)?;
        self.settings.bank = bank;
        self.settings.holds &= !holds::RULES;
        self.settings.holds |= if count > 0 { holds::RULES } else { 0 };
        self.write()
    }

    /// The rules of the bank in force, by their place.
    pub(crate) fn read_rules(&self) -> Result<Vec<Option<Rule>>> {
        let rules = self.maps.banks.get::<Rules>(&(self.settings.bank & 1))?;
        let held = |rule: Rule| (rule.terms > 0).then_some(rule);
        Ok(rules.map_or_else(|| vec![None; RULES], |rules| rules.rule.into_iter().map(held).collect()))
    }
}

fn rule(signature: &Signature, now: Micros) -> Result<Rule> {
    let left = u64::try_from(signature.expires_us.saturating_sub(now)).unwrap_or(0);
    if signature.terms.is_empty() || signature.terms.len() > TERMS || left == 0 {
        let fault = Fault::new(&fault::SIGNATURE).object(signature);
        return Err(fault.found(format!("{} terms, {left} µs left", signature.terms.len())));
    }
    let (six, address, mask) = address_and_mask(signature.destination);
    let mut rule = Rule {
        until: system::now().saturating_add(left.saturating_mul(1000)),
        id: signature.id,
        terms: signature.terms.len() as u32,
        six: u32::from(six),
        address,
        mask,
        ..EMPTY
    };
    for (place, (field, value)) in rule.term.iter_mut().zip(&signature.terms) {
        *place = Term { field: field.index() as u32, value: *value };
        rule.present |= 1 << field.index();
    }
    Ok(rule)
}

fn in_force(rule: &Rule, hits: u64, time: u64, now: Micros) -> Option<InForce> {
    let destination = prefix_of(rule.six != 0, rule.address, rule.mask)?;
    let terms = rule.term.iter().take(rule.terms as usize);
    let terms = terms.filter_map(|term| Some((Field::from_number(u8::try_from(term.field).ok()?)?, term.value)));
    let left = Duration::from_nanos(rule.until.saturating_sub(time));
    let expires_us = now.saturating_add(i64::try_from(left.as_micros()).unwrap_or(i64::MAX));
    let signature = Signature { id: rule.id, destination, terms: terms.collect(), expires_us };
    Some(InForce { signature, hits, left })
}
