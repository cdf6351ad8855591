//! The regression suite of OWASP CRS judged by an engine's answers.

use crate::answer::Answer;
use crate::corpus::ftw::Test;
use crate::door::Passage;

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The rules answered as the suite wants it.
    Pass,
    /// The suite wants the server to refuse the request, or a rule not to speak of it, and the door refused it.
    Door(&'static str),
    /// The test asks for a status of the server only, and nothing refused the request.
    Unasked,
    /// Not as the suite wants it.
    Fail(Failure),
}

/// What went wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failure {
    /// Ids that were not logged and had to be.
    pub missing: Vec<u64>,
    /// Ids that were logged and must not be.
    pub unwanted: Vec<u64>,
    /// The log does not match what it should, or does match what it should not.
    pub log: bool,
}

/// Rules that only sum up what others found: they are logged beside every rule that counts.
const SUMS: [u64; 4] = [949_110, 959_100, 980_130, 980_170];

/// Judges one test by the rules alone.
pub fn by_rules(test: &Test, answer: &Answer) -> Outcome {
    let has = |id: &u64| answer.rules.contains(id);
    let mut failure = Failure {
        missing: test.logged.iter().filter(|id| !has(id)).copied().collect(),
        unwanted: test.not_logged.iter().filter(|id| has(id)).copied().collect(),
        log: false,
    };
    if test.alone {
        let other = |id: &&u64| !test.logged.contains(id) && !SUMS.contains(id);
        failure.unwanted.extend(answer.rules.iter().filter(other));
    }
    if let Some(log) = &answer.log {
        let finds = |regex: &regex::Regex| regex.is_match(log);
        failure.log =
            test.matching.as_ref().is_some_and(|regex| !finds(regex)) || test.not_matching.as_ref().is_some_and(finds);
    }
    let silent = test.logged.is_empty() && test.not_logged.is_empty() && !test.alone;
    match () {
        () if failure != Failure::default() => Outcome::Fail(failure),
        () if silent && test.matching.is_none() && test.not_matching.is_none() => by_score(test, answer),
        () => Outcome::Pass,
    }
}

/// A test that names no rule: rules that only detect leave the origin's 200; where a refusal is wanted, the score must reach
/// the threshold (rule 949110 says so: enforced, it refuses with 403).
fn by_score(test: &Test, answer: &Answer) -> Outcome {
    let refuses = answer.rules.contains(&949_110);
    let told = test.status.contains(&200) || (refuses && test.status.contains(&403));
    if told { Outcome::Pass } else { Outcome::Unasked }
}

/// Judges one test as the gateway answers it: first the door, then the rules.
pub fn by_gateway(test: &Test, answer: &Answer, passage: Passage) -> Outcome {
    let rules = by_rules(test, answer);
    if rules == Outcome::Pass || !test.logged.is_empty() {
        return rules;
    }
    match passage {
        Passage::Refused { reason, status } if test.status.is_empty() || test.status.contains(&status) => {
            Outcome::Door(reason)
        }
        Passage::Waits if test.error => Outcome::Door("incomplete"),
        _ => rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    fn test(logged: &[u64], not_logged: &[u64]) -> Test {
        Test {
            title: "t".into(),
            file: "f".into(),
            request: Request::browser("GET", "/"),
            logged: logged.to_vec(),
            not_logged: not_logged.to_vec(),
            status: vec![400],
            error: false,
            matching: None,
            not_matching: None,
            alone: false,
        }
    }

    #[test]
    fn a_test_fails_by_what_is_missing_and_what_is_too_much() {
        let answer = Answer { rules: vec![1, 2], intervention: None, us: 0.0, log: None };
        assert_eq!(by_rules(&test(&[2], &[3]), &answer), Outcome::Pass);
        assert_eq!(by_rules(&test(&[], &[]), &answer), Outcome::Unasked);
        let failure = Failure { missing: vec![3], unwanted: vec![1], log: false };
        assert_eq!(by_rules(&test(&[2, 3], &[1]), &answer), Outcome::Fail(failure));
    }

    #[test]
    fn a_test_may_want_a_rule_alone_and_a_log_that_matches() {
        let log = Some("[id \"2\"] [msg \"two\"]".to_string());
        let answer = Answer { rules: vec![2, 949_110], intervention: None, us: 0.0, log };
        let alone = Test { alone: true, ..test(&[2], &[]) };
        assert_eq!(by_rules(&alone, &answer), Outcome::Pass);
        let more = Answer { rules: vec![2, 5], ..answer.clone() };
        assert_eq!(by_rules(&alone, &more), Outcome::Fail(Failure { unwanted: vec![5], ..Failure::default() }));
        let matching = |text: &str| Some(regex::Regex::new(text).unwrap());
        assert_eq!(by_rules(&Test { matching: matching("two"), ..test(&[], &[]) }, &answer), Outcome::Pass);
        let failed = Outcome::Fail(Failure { log: true, ..Failure::default() });
        assert_eq!(by_rules(&Test { matching: matching("three"), ..test(&[], &[]) }, &answer), failed);
        assert_eq!(by_rules(&Test { not_matching: matching("two"), ..test(&[], &[]) }, &answer), failed);
        let untold = Answer { log: None, ..answer };
        assert_eq!(by_rules(&Test { matching: matching("three"), ..test(&[], &[]) }, &untold), Outcome::Pass);
    }

    #[test]
    fn the_door_counts_only_where_the_suite_asks_for_a_refusal() {
        let answer = Answer { rules: vec![1], intervention: None, us: 0.0, log: None };
        let refused = Passage::Refused { reason: "bare-cr", status: 400 };
        assert_eq!(by_gateway(&test(&[], &[]), &answer, refused), Outcome::Door("bare-cr"));
        assert_eq!(by_gateway(&test(&[], &[1]), &answer, refused), Outcome::Door("bare-cr"));
        assert!(matches!(by_gateway(&test(&[2], &[]), &answer, refused), Outcome::Fail(_)));
        assert!(matches!(by_gateway(&test(&[], &[1]), &answer, Passage::Through), Outcome::Fail(_)));
    }
}
