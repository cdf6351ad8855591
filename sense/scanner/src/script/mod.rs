//! Web shells: scripts of web servers in which what a client sends comes to run.

mod language;
mod measure;
mod taint;
mod token;

use crate::finding::{detail, finding};
use language::{ASP, JSP, Language, PHP, PYTHON};
use record::Scan;

/// Longest script looked at; hand-written ones and those in circulation are far below.
const BYTES: usize = 4 * 1024 * 1024;
/// Least score told.
const TOLD: u32 = 50;
/// Least score of what is told of PHP in a file that is not called so.
const STRAIGHT: u32 = 80;
/// Endings of files that servers run as PHP.
const PHP_ENDINGS: &[&str] = &["php", "phtml", "php3", "php4", "php5", "php7", "php8", "phar", "inc"];
/// What each further way from request to code adds.
const FURTHER: u32 = 5;

/// Looks at a script; none for what is no script of a web server, or an ordinary one.
pub fn look(name: &str, bytes: &[u8]) -> Option<Scan> {
    let text = &bytes[..bytes.len().min(BYTES)];
    let (language, regions) = regions(name, text)?;
    let mut tokens = Vec::new();
    for region in &regions {
        token::read(region, language.syntax, &mut tokens);
        // A region ends its last statement.
        tokens.push(token::Token::Sign(b';'));
    }
    let mut flows = taint::flows(language, &tokens);
    flows.sort_by_key(|flow| std::cmp::Reverse(flow.score));
    // Words like these stand in many texts; the straight way from a request does not.
    let least = if named(language, name) { 0 } else { STRAIGHT };
    let first = flows.first().filter(|flow| flow.score >= least)?;
    let measures = regions.iter().flat_map(|region| measure::measures(region)).collect::<Vec<_>>();
    let more = FURTHER * (flows.len() as u32 - 1).min(3);
    let score = first.score + more + measures.iter().map(|(_, points, _)| points).sum::<u32>().min(25);
    if score < TOLD {
        return None;
    }
    let mut scan = finding("webshell", first.name, language.name, score);
    for flow in &flows {
        detail(&mut scan, flow.name, &flow.sink);
    }
    for (name, _, value) in &measures {
        detail(&mut scan, name, value);
    }
    Some(scan)
}

/// Whether a file is called what its language is.
fn named(language: &Language, name: &str) -> bool {
    language.name != "php" || PHP_ENDINGS.contains(&ending(name).as_str())
}

fn ending(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

/// The language of a script and the parts of it that are code.
fn regions<'t>(name: &str, text: &'t [u8]) -> Option<(&'static Language, Vec<&'t [u8]>)> {
    let has = |mark: &str| memchr::memmem::find(text, mark.as_bytes()).is_some();
    let ending = ending(name);
    let is = |endings: &[&str]| endings.contains(&ending.as_str());
    // Most files have neither mark: two passes and no more.
    if has("<?") {
        if is(PHP_ENDINGS) {
            return Some((&PHP, between(text, b"<?", b"?>")));
        }
        // Something else that holds PHP, a picture for one: only what is surely a tag.
        let mut regions = between(text, b"<?php", b"?>");
        regions.retain(|region| region.first().is_some_and(u8::is_ascii_whitespace));
        regions.extend(between(text, b"<?=", b"?>"));
        if !regions.is_empty() {
            return Some((&PHP, regions));
        }
    }
    let tags = has("<%");
    let asp = is(&["asp", "aspx", "ashx", "asmx", "asa", "cer"]);
    if asp || (tags && (has("<%@ Page") || has("<%@ WebHandler"))) {
        let mut regions = between(text, b"<%", b"%>");
        if has("runat=\"server\"") || has("runat='server'") || has("runat=server") {
            regions.extend(between(text, b"<script", b"</script>"));
        }
        // A handler is code behind its first line.
        if is(&["ashx", "asmx"]) {
            regions.push(text);
        }
        return Some((&ASP, regions));
    }
    if is(&["jsp", "jspx", "jspf"]) || (tags && (has("java.") || has("getParameter"))) {
        let mut regions = between(text, b"<%", b"%>");
        regions.extend(between(text, b"<jsp:scriptlet>", b"</jsp:scriptlet>"));
        regions.extend(between(text, b"<jsp:declaration>", b"</jsp:declaration>"));
        return Some((&JSP, regions));
    }
    let python = is(&["py", "wsgi", "cgi", "pyw"]) || (text.starts_with(b"#!") && first_line(text).contains("python"));
    let web = ["flask", "cgi", "wsgi", "django", "bottle", "tornado", "http.server", "aiohttp", "fastapi"];
    (python && web.iter().any(|module| has(module))).then(|| (&PYTHON, vec![text]))
}

fn first_line(text: &[u8]) -> String {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}

/// What stands between two marks; the last may lack its end.
fn between<'t>(text: &'t [u8], open: &[u8], close: &[u8]) -> Vec<&'t [u8]> {
    let (mut regions, mut rest) = (Vec::new(), text);
    while let Some(at) = memchr::memmem::find(rest, open) {
        let body = &rest[at + open.len()..];
        let end = memchr::memmem::find(body, close).unwrap_or(body.len());
        let body_text = &body[..end];
        // The tag itself is no code.
        let code = body_text.strip_prefix(b"php").or(body_text.strip_prefix(b"=")).unwrap_or(body_text);
        if !body_text.starts_with(b"xml") && !body_text.starts_with(b"@") {
            regions.push(code);
        }
        rest = body.get(end + close.len()..).unwrap_or_default();
    }
    regions
}

#[cfg(test)]
mod tests;
