//! The regression suite of OWASP CRS judged by an engine's answers.

use crate::answer::Answer;
use crate::corpus::ftw::Test;

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As the suite wants it.
    Pass,
    /// Not so.
    Fail(Failure),
    /// The test wants nothing of the rules, only a status of the server in front of them.
    Server,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Ids that were not logged and had to be.
    pub missing: Vec<u64>,
    /// Ids that were logged and must not be.
    pub unwanted: Vec<u64>,
}

/// Judges one test.
pub fn outcome(test: &Test, answer: &Answer) -> Outcome {
    if test.logged.is_empty() && test.not_logged.is_empty() {
        return Outcome::Server;
    }
    let has = |id: &u64| answer.rules.contains(id);
    let failure = Failure {
        missing: test.logged.iter().filter(|id| !has(id)).copied().collect(),
        unwanted: test.not_logged.iter().filter(|id| has(id)).copied().collect(),
    };
    if failure.missing.is_empty() && failure.unwanted.is_empty() { Outcome::Pass } else { Outcome::Fail(failure) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[test]
    fn a_test_fails_by_what_is_missing_and_what_is_too_much() {
        let test = |logged: &[u64], not_logged: &[u64]| Test {
            title: "t".into(),
            file: "f".into(),
            request: Request::browser("GET", "/"),
            logged: logged.to_vec(),
            not_logged: not_logged.to_vec(),
            status: vec![400],
            error: false,
        };
        let answer = Answer { rules: vec![1, 2], intervention: None, us: 0.0 };
        assert_eq!(outcome(&test(&[2], &[3]), &answer), Outcome::Pass);
        assert_eq!(outcome(&test(&[], &[]), &answer), Outcome::Server);
        let failure = Failure { missing: vec![3], unwanted: vec![1] };
        assert_eq!(outcome(&test(&[2, 3], &[1]), &answer), Outcome::Fail(failure));
    }
}
