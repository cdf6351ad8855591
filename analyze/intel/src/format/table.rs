//! Tables of separated values: CSV, TSV. Columns by their header (also one that stands in a comment) or as configured.

use super::detect::{Head, Source};
use super::record::{self, Field};
use super::{LINE_BYTES, Meter, fault, lines};
use crate::guess;
use base::{Fault, Result};
use std::io::BufRead;

/// Most columns of a table that are looked at.
const COLUMNS: usize = 128;
/// Lines within which a header is looked for.
const HEADER_LINES: u64 = 200;
/// Most lines that one row may stretch over (a quoted field may hold line breaks).
const ROW_LINES: usize = 16;

/// Where a table keeps what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Between the columns.
    pub separator: char,
    /// What each column says, from the left; `None` is passed over.
    pub fields: Vec<Option<Field>>,
}

impl Columns {
    /// Columns of a header line; `None` when no column holds a value.
    pub fn of_header(line: &str) -> Option<Columns> {
        let separator = separator(line);
        let names = split(line.trim_start_matches(['#', ' ']), separator)?;
        let fields: Vec<_> = names.iter().take(COLUMNS).map(|name| Field::of(name)).collect();
        let holds = fields.iter().flatten().any(|field| matches!(field, Field::Value(_)));
        // A name that is itself a value is a row, not a header.
        (holds && fields.len() > 1 && names.iter().all(|name| guess(name).is_err()))
            .then_some(Columns { separator, fields })
    }
}

/// The format.
pub struct Table;

impl Source for Table {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn fits(&self, head: &Head<'_>) -> u8 {
        if head.is_json() {
            return 0;
        }
        if head.text.lines().take(100).any(|line| Columns::of_header(line).is_some()) {
            return 75;
        }
        head.share(|line| {
            split(line, separator(line)).is_some_and(|cells| cells.len() > 1 && only_value(&cells).is_some())
        }) / 2
            + 5
    }

    fn read(&self, input: &mut dyn BufRead, meter: &mut Meter<'_>) -> Result<()> {
        let mut columns = meter.settings.columns.clone();
        let mut open: Option<(String, usize)> = None;
        lines::each(input, meter, LINE_BYTES, &mut |meter, line| {
            if open.is_none() && super::list::is_comment(line) {
                if columns.is_none() && meter.number() <= HEADER_LINES {
                    columns = Columns::of_header(line);
                }
                meter.pass("comment");
                return Ok(());
            }
            let (text, lines) = match open.take() {
                Some((mut text, lines)) => {
                    text.push('\n');
                    text.push_str(line);
                    (text, lines + 1)
                }
                None => (line.to_string(), 1),
            };
            if columns.is_none()
                && meter.number() <= HEADER_LINES
                && let Some(header) = Columns::of_header(&text)
            {
                columns = Some(header);
                meter.pass("header");
                return Ok(());
            }
            let separator = columns.as_ref().map_or_else(|| separator(&text), |columns| columns.separator);
            match split(&text, separator) {
                Some(cells) => row(meter, columns.as_ref(), &cells),
                None if lines < ROW_LINES && text.len() < LINE_BYTES => {
                    open = Some((text, lines));
                    Ok(())
                }
                None => {
                    meter.wrong("a closing quote", &text);
                    Ok(())
                }
            }
        })?;
        if let Some((text, _)) = open {
            meter.bad(
                Fault::new(&fault::RECORD)
                    .expected("a closing quote")
                    .found(format!("the end behind `{}`", &text.chars().take(60).collect::<String>())),
            );
        }
        Ok(())
    }
}

fn row(meter: &mut Meter<'_>, columns: Option<&Columns>, cells: &[String]) -> Result<()> {
    let Some(columns) = columns else {
        // Without a header: the first cell that is a value.
        let claim = meter.settings.claim();
        return match only_value(cells) {
            Some(text) => meter.take(meter.settings.kind, text, claim).map(drop),
            None => {
                meter.wrong("a value in one of the columns", &cells.join(","));
                Ok(())
            }
        };
    };
    let known = columns.fields.iter().zip(cells).filter_map(|(field, cell)| field.map(|field| (field, cell.as_str())));
    record::take(meter, &known.collect::<Vec<_>>())
}

fn only_value(cells: &[String]) -> Option<&str> {
    cells.iter().take(COLUMNS).map(|cell| cell.trim()).find(|cell| guess(cell).is_ok())
}

/// The separator that a line shows.
fn separator(line: &str) -> char {
    let count = |wanted: char| line.chars().take(4096).filter(|character| *character == wanted).count();
    // The comma wins a draw.
    ['|', ';', '\t', ','].into_iter().max_by_key(|wanted| count(*wanted)).unwrap_or(',')
}

/// Cells of a row (RFC 4180; blanks around quotes are dropped); `None` when a quote stays open.
fn split(line: &str, separator: char) -> Option<Vec<String>> {
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted && rest.peek() == Some(&'"') => {
                cell.push('"');
                rest.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() => {
                cell.clear();
                quoted = true;
            }
            character if character == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            character => cell.push(character),
        }
    }
    cells.push(cell);
    (!quoted).then_some(cells)
}
