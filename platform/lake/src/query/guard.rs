//! What a statement must be before it is planned: one SELECT of bounded size.

use base::{Fault, Result};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use port::fault::BAD_QUERY;
use std::fmt::Display;

/// Longest statement, bytes.
const STATEMENT_BYTES: usize = 64 * 1024;
/// Most words and operators. A chain of operators becomes a tree as deep as it is long, and planners walk trees by recursion:
/// this bounds the depth of the stack. Literals, names and commas are free, so that a long list of addresses passes.
const STATEMENT_WORDS: usize = 600;

/// A fault about a statement.
pub(crate) fn refused(cause: impl Display) -> Fault {
    // Messages of the parser can quote the whole statement.
    let cause: String = cause.to_string().chars().take(500).collect();
    Fault::new(&BAD_QUERY).object("query").found(cause)
}

fn bounded(statement: &str) -> Result<()> {
    if statement.len() > STATEMENT_BYTES {
        let fault = Fault::new(&BAD_QUERY).object("query").expected(format!("at most {STATEMENT_BYTES} bytes"));
        return Err(fault.found(format!("{} bytes", statement.len())));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, statement).tokenize().map_err(refused)?;
    let words = tokens.iter().filter(|token| weighs(token)).count();
    if words > STATEMENT_WORDS {
        let fault =
            Fault::new(&BAD_QUERY).object("query").expected(format!("at most {STATEMENT_WORDS} words and operators"));
        return Err(fault.found(words));
    }
    Ok(())
}

/// Whether a token can deepen the tree: keywords, operators and parentheses.
fn weighs(token: &Token) -> bool {
    let free = matches!(
        token,
        Token::Whitespace(_)
            | Token::Comma
            | Token::Period
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::EOF
    );
    let name =
        matches!(token, Token::Word(word) if word.keyword == datafusion::sql::sqlparser::keywords::Keyword::NoKeyword);
    !free && !name
}

/// One `SELECT` (or `WITH … SELECT`, `VALUES`), nothing else.
pub(crate) fn check(statement: &str) -> Result<()> {
    bounded(statement)?;
    let statements = DFParser::parse_sql(statement).map_err(refused)?;
    if statements.len() != 1 {
        return Err(Fault::new(&BAD_QUERY).object("query").expected("one statement").found(statements.len()));
    }
    match statements.front() {
        Some(Statement::Statement(statement)) if matches!(statement.as_ref(), SqlStatement::Query(_)) => Ok(()),
        Some(other) => {
            let words: String = other.to_string().chars().take(40).collect();
            Err(Fault::new(&BAD_QUERY).object("query").expected("SELECT").found(words))
        }
        None => Err(Fault::new(&BAD_QUERY).object("query").expected("SELECT").found("nothing")),
    }
}

/// A condition as the parser read it: what it prints again cannot leave its parentheses. Empty means all.
pub(crate) fn condition(text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Ok("true".to_string());
    }
    bounded(text)?;
    let parsed = DFParser::parse_sql_into_expr(text).map_err(refused)?;
    match parsed.alias {
        None => Ok(parsed.expr.to_string()),
        Some(alias) => Err(Fault::new(&BAD_QUERY).object("condition").expected("its end").found(alias)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_one_select_passes() {
        for good in [
            "SELECT 1",
            "select count(*) from events where time > now() - interval '1 hour';",
            "WITH a AS (SELECT pid FROM process) SELECT * FROM a UNION ALL SELECT * FROM a",
            "SELECT * FROM information_schema.tables",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ";",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE process",
            "DROP TABLE process",
            "DELETE FROM process",
            "INSERT INTO process VALUES (1)",
            "UPDATE process SET pid = 1",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "COPY (SELECT 1) TO '/tmp/x'",
            "SET datafusion.execution.target_partitions = 99",
            "EXPLAIN ANALYZE SELECT 1",
            "SHOW TABLES",
            "TRUNCATE TABLE process",
            "PREPARE p AS SELECT 1",
            "RESET ALL",
            "not sql at all",
        ] {
            assert!(check(bad).is_err_and(|fault| fault.is(&BAD_QUERY)), "{bad}");
        }
    }

    #[test]
    fn a_statement_is_bounded_in_length_and_depth() {
        assert!(check(&format!("SELECT {}1", "1+".repeat(5000))).is_err());
        assert!(check(&format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000))).is_err());
        assert!(check(&format!("SELECT '{}'", "x".repeat(STATEMENT_BYTES))).is_err());
        let list = vec!["'10.0.0.1'"; 4000].join(",");
        assert!(check(&format!("SELECT * FROM network WHERE remote_ip IN ({list})")).is_ok());
    }

    #[test]
    fn a_condition_cannot_leave_its_place() {
        assert_eq!(condition(" ").unwrap(), "true");
        assert_eq!(condition("pid = 1 or uid=0").unwrap(), "pid = 1 OR uid = 0");
        for bad in
            ["true) UNION ALL (SELECT 1", "true; DROP TABLE x", "pid = 1 LIMIT 5", "true --", "1 = 1 AS x", "pid ="]
        {
            let outcome = condition(bad);
            assert!(outcome.is_err() || outcome.as_deref().is_ok_and(|text| text == "true"), "{bad}: {outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "[\\PC\\s]{0,200}", sql in "[-()'\";=<>*+a-zA-Z0-9 ,.]{0,200}") {
            for text in [text, sql] {
                let _ = check(&text);
                let _ = condition(&text);
            }
        }
    }
}
