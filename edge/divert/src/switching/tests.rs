//! One name's moves by hand, and many by chance.

use super::*;
use Condition::{Down, Unknown, Up};
use base::{Random, SeededRandom};
use proptest::prelude::*;

fn rules() -> SwitchingRules {
    SwitchingRules { hold_s: 10, lease_s: 100, moves: 4, window_s: 60, ..SwitchingRules::default() }
}

/// A name whose swaps succeed at once, and its clock.
struct Name {
    switching: Switching,
    now: Micros,
}

impl Name {
    fn new(rules: SwitchingRules, places: usize) -> Name {
        Name { switching: Switching::new(rules, places, 0).unwrap(), now: 0 }
    }

    fn tick(&mut self, verdicts: &[Condition]) -> Option<Step> {
        self.now += SECOND_US;
        self.switching.second(self.now, verdicts)
    }

    /// Seconds until it is at this place, every swap succeeding; `None` when it never comes there.
    fn until(&mut self, place: usize, verdicts: &[Condition]) -> Option<u32> {
        (1..=500).find(|_| {
            if let Some(Step::Swap(_)) = self.tick(verdicts) {
                self.switching.done(self.now, Outcome::There);
            }
            self.switching.at() == place
        })
    }
}

#[test]
fn a_name_leaves_a_dead_home_at_once_and_comes_back_after_a_while() {
    let mut name = Name::new(rules(), 3);
    assert_eq!(name.tick(&[Up, Up, Up]), None);
    assert_eq!(name.switching.phase(), Phase::Healthy);
    let step = Move { from: 0, to: 2, reason: Reason::Dead };
    assert_eq!(name.tick(&[Down, Down, Up]), Some(Step::Swap(step)));
    assert_eq!(name.switching.phase(), Phase::Switching);
    assert_eq!(name.tick(&[Down, Down, Up]), None, "one change at a time");
    name.switching.done(name.now, Outcome::There);
    assert_eq!((name.switching.at(), name.switching.phase()), (2, Phase::Switched));
    for _ in 0..10 {
        assert_eq!(name.tick(&[Up, Up, Up]), None);
        assert_eq!(name.switching.phase(), Phase::Recovering);
    }
    let back = Move { from: 2, to: 0, reason: Reason::Home };
    assert_eq!(name.tick(&[Up, Up, Up]), Some(Step::Swap(back)));
}

#[test]
fn it_stays_where_it_is_when_nothing_else_is_known_to_be_up() {
    let mut name = Name::new(rules(), 3);
    for verdicts in [[Down, Unknown, Down], [Down, Down, Down], [Unknown, Up, Up]] {
        assert_eq!(name.tick(&verdicts), None);
    }
    name.tick(&[Down, Down, Down]);
    assert_eq!(name.switching.phase(), Phase::Stranded);
    assert_eq!(name.until(1, &[Down, Up, Up]), Some(1));
    assert_eq!(name.until(0, &[Up, Down, Unknown]), Some(1), "home is better than a dead place, at once");
}

#[test]
fn a_person_is_asked_once_and_an_old_answer_moves_nothing() {
    let mut name = Name::new(SwitchingRules { policy: Policy::Ask, ..rules() }, 3);
    let to = |to| Move { from: 0, to, reason: Reason::Dead };
    assert_eq!(name.tick(&[Down, Up, Up]), Some(Step::Ask(to(1))));
    assert_eq!(name.tick(&[Down, Up, Up]), None);
    assert_eq!(name.switching.phase(), Phase::Asking);
    assert!(!name.switching.approve(to(2)));
    assert_eq!(name.tick(&[Down, Down, Up]), Some(Step::Ask(to(2))));
    assert!(!name.switching.approve(to(1)), "that place is dead by now");
    assert!(name.switching.approve(to(2)));
    assert_eq!(name.tick(&[Down, Down, Up]), Some(Step::Swap(to(2))));
    let mut name = Name::new(SwitchingRules { policy: Policy::Ask, ..rules() }, 2);
    name.tick(&[Down, Up]);
    assert!(name.switching.approve(to(1)));
    assert_eq!(name.tick(&[Up, Up]), None);
    assert_eq!(name.tick(&[Down, Up]), Some(Step::Ask(to(1))), "the answer was for another trouble");
}

#[test]
fn an_attack_moves_it_though_home_answers_and_its_lease_brings_it_back() {
    let mut name = Name::new(rules(), 2);
    name.tick(&[Up, Up]);
    assert!(!name.switching.request(name.now, 2, Reason::Attack, 30 * SECOND_US));
    assert!(name.switching.request(name.now, 1, Reason::Attack, 30 * SECOND_US));
    assert_eq!(name.until(1, &[Up, Up]), Some(1));
    let began = name.now;
    assert_eq!(name.switching.stay().unwrap().0, Reason::Attack);
    // Even when the other place dies: home is under attack.
    assert_eq!(name.tick(&[Up, Down]), None);
    name.until(0, &[Up, Up]).unwrap();
    assert!((28..=31).contains(&((name.now - began) / SECOND_US)), "{}", (name.now - began) / SECOND_US);
    name.switching.request(name.now, 1, Reason::Operator, i64::MAX / 2);
    assert_eq!(name.until(1, &[Up, Up]), Some(1));
    name.switching.release();
    assert_eq!(name.until(0, &[Up, Up]), Some(1));
}

#[test]
fn an_order_of_somebody_else_holds_for_its_time() {
    let mut name = Name::new(rules(), 3);
    name.tick(&[Up, Up, Up]);
    name.switching.taken(name.now, 2, Reason::Operator, 20 * SECOND_US);
    assert_eq!((name.switching.at(), name.switching.phase()), (2, Phase::Recovering));
    let began = name.now;
    assert!(name.until(0, &[Up, Up, Up]).is_some());
    assert!(name.now - began >= 20 * SECOND_US);
    assert!(matches!(name.tick(&[Down, Up, Up]), Some(Step::Swap(Move { to: 1, .. }))));
    name.switching.taken(name.now, 2, Reason::Operator, 20 * SECOND_US);
    assert_eq!((name.switching.at(), name.switching.phase()), (0, Phase::Switching));
}

#[test]
fn the_pace_of_moves_is_bounded_but_not_for_a_person() {
    let mut name = Name::new(SwitchingRules { hold_s: 0, ..rules() }, 2);
    let mut moves = 0;
    for second in 0..40 {
        let home = if second % 2 == 0 { Down } else { Up };
        if let Some(Step::Swap(_)) = name.tick(&[home, Up]) {
            moves += 1;
            name.switching.done(name.now, Outcome::There);
        }
    }
    assert_eq!((moves, name.switching.at()), (4, 0));
    name.switching.request(name.now, 1, Reason::Operator, 50 * SECOND_US);
    assert_eq!(name.until(1, &[Up, Up]), Some(1));
}

#[test]
fn failures_are_tried_again_more_and_more_seldom() {
    let mut name = Name::new(rules(), 2);
    let mut tries = Vec::new();
    for second in 1..=120 {
        if let Some(Step::Swap(_)) = name.tick(&[Down, Up]) {
            tries.push(second);
            name.switching.done(name.now, Outcome::Failed);
        }
    }
    assert_eq!(tries, [1, 2, 4, 8, 16, 32, 62, 92]);
    // Nobody tells how one ended.
    let mut name = Name::new(rules(), 2);
    let tries = (1..=40).filter(|_| matches!(name.tick(&[Down, Up]), Some(Step::Swap(_)))).count();
    assert_eq!(tries, 2);
}

#[test]
fn what_others_do_is_taken_over_or_left_alone() {
    let mut name = Name::new(rules(), 2);
    assert!(matches!(name.tick(&[Down, Up]), Some(Step::Swap(_))));
    name.switching.done(name.now, Outcome::Elsewhere(Some(1)));
    assert_eq!((name.switching.at(), name.switching.phase()), (1, Phase::Switched));
    name.switching.observed(name.now, name.switching.epoch(), None);
    assert_eq!(name.switching.phase(), Phase::Foreign);
    assert_eq!(name.until(0, &[Up, Down]), None, "hands off");
    name.switching.observed(name.now, name.switching.epoch(), Some(1));
    assert_eq!(name.until(0, &[Up, Down]), Some(1));
    // A reading that began before a change must not undo what is known of it.
    assert!(matches!(name.tick(&[Down, Up]), Some(Step::Swap(_))));
    let epoch = name.switching.epoch();
    name.switching.observed(name.now, epoch, None);
    name.switching.done(name.now, Outcome::There);
    name.switching.observed(name.now, epoch, Some(0));
    assert_eq!((name.switching.at(), name.switching.phase()), (1, Phase::Switched));
}

#[test]
fn rules_that_contradict_themselves_are_refused() {
    assert!(Switching::new(rules(), 1, 0).is_err() && Switching::new(rules(), 17, 0).is_err());
    assert!(Switching::new(SwitchingRules { moves: 0, ..rules() }, 2, 0).is_err());
    assert!(Switching::new(SwitchingRules { lease_s: 0, ..rules() }, 2, 0).is_err());
}

/// The world of the simulation: a record that this controller and others change, and places that come and go.
struct World {
    random: SeededRandom,
    /// Where the name really is; `None` for an address of nobody.
    record: Option<usize>,
    verdicts: Vec<Condition>,
}

impl World {
    fn chance(&self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    fn stir(&mut self) {
        for place in 0..self.verdicts.len() {
            if self.chance(15) {
                self.verdicts[place] = [Up, Down, Unknown][self.random.below(3) as usize];
            }
        }
        if self.chance(2) {
            let place = self.random.below(self.verdicts.len() as u64 + 1) as usize;
            self.record = (place < self.verdicts.len()).then_some(place);
        }
    }

    /// What the name server makes of a swap; its answer may be lost after it was made.
    fn swap(&mut self, step: Move) -> Outcome {
        if self.chance(10) {
            return Outcome::Failed;
        }
        if self.record == Some(step.to) {
            return Outcome::There;
        }
        if self.record != Some(step.from) {
            return Outcome::Elsewhere(self.record);
        }
        self.record = Some(step.to);
        if self.chance(10) { Outcome::Failed } else { Outcome::There }
    }
}

proptest! {
    #[test]
    fn by_chance_it_never_does_what_it_must_not_and_ends_where_it_should(
        seed in any::<u64>(), places in 2..=4_usize, ask in any::<bool>(), turns in 50..400_usize,
    ) {
        let policy = if ask { Policy::Ask } else { Policy::Auto };
        let rules = SwitchingRules { policy, ..rules() };
        let verdicts = vec![Unknown; places];
        let mut world = World { random: SeededRandom::new(seed), record: Some(0), verdicts };
        let mut switching = Switching::new(rules, places, 0).unwrap();
        let (mut now, mut approved, mut pending): (Micros, Option<Move>, Option<Move>) = (0, None, None);
        let mut moved: Vec<Micros> = Vec::new();
        for turn in 0..turns + 400 {
            now += SECOND_US;
            let calm = turn >= turns;
            if calm {
                world.verdicts.fill(Down);
                world.verdicts[1] = Up;
                world.record = world.record.or(Some(0));
            } else {
                world.stir();
                if world.chance(2) {
                    let reason = if world.chance(50) { Reason::Attack } else { Reason::Operator };
                    switching.request(now, world.random.below(places as u64 + 1) as usize, reason, 20 * SECOND_US);
                }
            }
            if let Some(step) = switching.asked().filter(|_| calm) {
                approved = switching.approve(step).then_some(step);
            }
            match switching.second(now, &world.verdicts) {
                Some(Step::Ask(step)) => {
                    prop_assert!(ask);
                    if world.chance(50) {
                        approved = switching.approve(step).then_some(step);
                    }
                }
                Some(Step::Swap(step)) => {
                    prop_assert!(pending.is_none(), "two changes at once");
                    prop_assert_eq!(world.verdicts[step.to], Up, "to a place that is not up");
                    prop_assert!(step.from != step.to && step.from == switching.at());
                    let person = step.reason == Reason::Operator;
                    prop_assert!(!ask || person || approved == Some(step), "nobody agreed");
                    let lately = moved.iter().filter(|at| now - **at <= 60 * SECOND_US).count();
                    prop_assert!(person || lately < 4, "too many moves");
                    pending = Some(step);
                }
                None => {}
            }
            if let Some(step) = pending.filter(|_| calm || world.chance(70)) {
                pending = None;
                let outcome = if calm && world.record == Some(step.from) {
                    world.record = Some(step.to);
                    Outcome::There
                } else {
                    world.swap(step)
                };
                if outcome == Outcome::There {
                    moved.push(now);
                }
                switching.done(now, outcome);
            }
            if turn % 10 == 0 && pending.is_none() {
                switching.observed(now, switching.epoch(), world.record);
            }
        }
        prop_assert_eq!((switching.at(), world.record), (1, Some(1)), "{:?}", switching.phase());
    }
}
