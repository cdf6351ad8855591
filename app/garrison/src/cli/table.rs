//! Rows in aligned columns.

use super::screen::{Paint, Screen, cut, width};

/// Two columns stand so far apart.
const GAP: usize = 2;

/// Draws rows below a heading. The last column takes what is left of the screen.
pub fn draw(screen: &Screen, heading: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|text| width(text)).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate().take(widths.len()) {
            widths[column] = widths[column].max(width(cell));
        }
    }
    let head: Vec<String> = heading.iter().map(|text| screen.paint(Paint::Bold, text)).collect();
    let mut text = line(screen, &head, &widths);
    for row in rows {
        text.push_str(&line(screen, row, &widths));
    }
    text
}

fn line(screen: &Screen, cells: &[String], widths: &[usize]) -> String {
    let mut text = String::new();
    let mut taken = 0;
    for (column, cell) in cells.iter().enumerate().take(widths.len()) {
        if column + 1 == widths.len() {
            // Colours end inside a cell that is cut, so only plain cells are.
            let room = screen.width.map(|screen| screen.saturating_sub(taken).max(10));
            let cell = room.filter(|_| !cell.contains('\x1b')).map_or_else(|| cell.clone(), |room| cut(cell, room));
            text.push_str(&cell);
        } else {
            let room = widths[column] + GAP;
            text.push_str(cell);
            text.push_str(&" ".repeat(room.saturating_sub(width(cell))));
            taken += room;
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// Draws names and values, one pair a line.
pub fn pairs(rows: &[(&str, String)]) -> String {
    let widest = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name}{}{value}\n", " ".repeat(widest - width(name) + GAP));
    rows.iter().map(line).collect()
}
