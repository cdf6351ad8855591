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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Ids that were not logged and had to be.
    pub missing: Vec<u64>,
    /// Ids that were logged and must not be.
    pub unwanted: Vec<u64>,
}

/// Judges one test by the rules alone.
pub fn by_rules(test: &Test, answer: &Answer) -> Outcome {
    let has = |id: &u64| answer.rules.contains(id);
    let failure = Failure {
        missing: test.logged.iter().filter(|id| !has(id)).copied().collect(),
        unwanted: test.not_logged.iter().filter(|id| has(id)).copied().collect(),
    };
    match () {
        () if !failure.missing.is_empty() || !failure.unwanted.is_empty() => Outcome::Fail(failure),
        () if test.logged.is_empty() && test.not_logged.is_empty() => by_score(test, answer),
        () => Outcome::Pass,
    }
}

/// A test that names no rule: the score must reach the threshold where a refusal is wanted, and must not where none is.
fn by_score(test: &Test, answer: &Answer) -> Outcome {
    // Rule 949110 says that the score of the request reached the threshold: enforced, it refuses with 403.
    let status = if answer.rules.contains(&949_110) { 403 } else { 200 };
    if test.status.contains(&status) { Outcome::Pass } else { Outcome::Unasked }
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
        }
    }

    #[test]
    fn a_test_fails_by_what_is_missing_and_what_is_too_much() {
        let answer = Answer { rules: vec![1, 2], intervention: None, us: 0.0 };
        assert_eq!(by_rules(&test(&[2], &[3]), &answer), Outcome::Pass);
        assert_eq!(by_rules(&test(&[], &[]), &answer), Outcome::Unasked);
        let failure = Failure { missing: vec![3], unwanted: vec![1] };
        assert_eq!(by_rules(&test(&[2, 3], &[1]), &answer), Outcome::Fail(failure));
    }

    #[test]
    fn the_door_counts_only_where_the_suite_asks_for_a_refusal() {
        let answer = Answer { rules: vec![1], intervention: None, us: 0.0 };
        let refused = Passage::Refused { reason: "bare-cr", status: 400 };
        assert_eq!(by_gateway(&test(&[], &[]), &answer, refused), Outcome::Door("bare-cr"));
        assert_eq!(by_gateway(&test(&[], &[1]), &answer, refused), Outcome::Door("bare-cr"));
        assert!(matches!(by_gateway(&test(&[2], &[]), &answer, refused), Outcome::Fail(_)));
        assert!(matches!(by_gateway(&test(&[], &[1]), &answer, Passage::Through), Outcome::Fail(_)));
    }
}
