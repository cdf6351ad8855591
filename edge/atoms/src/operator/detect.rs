//! `detectSQLi`, `detectXSS`: the tokenizers of crate `injection`.

use super::{Captures, Guard, Matcher, Operator};
use base::Result;

/// `@detectSQLi`: captures the fingerprint.
pub struct DetectSqli;

impl Operator for DetectSqli {
    fn name(&self) -> &'static str {
        "detectsqli"
    }

    fn build(&self, _: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Sqli))
    }
}

struct Sqli;

impl Matcher for Sqli {
    fn holds(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let Some(fingerprint) = injection::sqli::detect(value) else { return false };
        captures.into_iter().for_each(|captures| captures.0 = vec![Some(fingerprint.as_bytes().to_vec())]);
        true
    }
}

/// `@detectXSS`: captures the value.
pub struct DetectXss;

impl Operator for DetectXss {
    fn name(&self) -> &'static str {
        "detectxss"
    }

    fn build(&self, _: &[u8], _: &[Vec<u8>]) -> Result<Box<dyn Matcher>> {
        Ok(Box::new(Xss))
    }
}

struct Xss;

impl Matcher for Xss {
    fn holds(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let found = injection::xss::detect(value);
        if found {
            captures.into_iter().for_each(|captures| captures.0 = vec![Some(value.to_vec())]);
        }
        found
    }

    /// Without a tag and without an attribute that has a value there is nothing to find.
    fn guard(&self) -> Guard {
        let mut bytes = Box::new([false; 256]);
        bytes[usize::from(b'<')] = true;
        bytes[usize::from(b'=')] = true;
        Guard { bytes: Some(bytes), length: 1, ..Guard::default() }
    }
}
