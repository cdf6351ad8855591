//! OWASP CRS of the system, loaded whole. The counts are those of its files (3.3.4: facts of the project, §4).

use crate::disk::{Disk, RULES, SETUP, crs};
use crate::names::ALL;
use seclang::{Item, Rule, Ruleset, Selector};
use std::collections::BTreeMap;

fn whole() -> Ruleset {
    let rules = format!("{RULES}/*.conf");
    let mut reader = Disk;
    let names = seclang::Reader::list(&mut reader, &rules).unwrap();
    let mut files = vec![SETUP];
    files.extend(names.iter().map(String::as_str));
    seclang::load(&mut reader, &files, &ALL).unwrap()
}

/// Every rule and link.
fn all(ruleset: &Ruleset) -> Vec<&Rule> {
    let mut rules = Vec::new();
    for item in &ruleset.items {
        let mut next = match item {
            Item::Rule(rule) => Some(rule.as_ref()),
            Item::Marker(_) => None,
        };
        while let Some(rule) = next {
            rules.push(rule);
            next = rule.next.as_deref();
        }
    }
    rules
}

/// Numbers of directives as `grep` would count them in the same files.
fn counted(directive: &str) -> usize {
    let files = std::fs::read_dir(RULES).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "conf")).chain([SETUP.into()]);
    let text: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    text.lines().filter(|line| line.split_whitespace().next() == Some(directive)).count()
}

#[test]
fn every_rule_action_and_marker_is_read() {
    if !crs() {
        return;
    }
    let ruleset = whole();
    let rules = all(&ruleset);
    let tests = rules.iter().filter(|rule| rule.operator.is_some()).count();
    let actions = rules.iter().filter(|rule| rule.operator.is_none()).count();
    let markers = ruleset.items.iter().filter(|item| matches!(item, Item::Marker(_))).count();
    assert_eq!((tests, actions, markers), (counted("SecRule"), counted("SecAction"), counted("SecMarker")));
    if ruleset.settings.components.iter().any(|name| name.ends_with("/3.3.4")) {
        assert_eq!((tests, actions, markers), (790, 10, 40));
    }
}

#[test]
fn every_reference_is_taken_apart() {
    if !crs() {
        return;
    }
    let begin = std::time::Instant::now();
    let ruleset = whole();
    println!("loaded in {:?}", begin.elapsed());
    let rules = all(&ruleset);
    let chains = rules.iter().filter(|rule| rule.next.is_some()).count();
    let regexes = rules.iter().filter(|rule| rule.operator.as_ref().is_some_and(|test| test.name == "rx")).count();
    let patterns = rules.iter().flat_map(|rule| &rule.targets);
    let patterns = patterns.filter(|target| matches!(target.selector, Selector::Pattern(_))).count();
    let ctls: usize = rules.iter().map(|rule| rule.actions.ctls.len()).sum();
    let mut phases = BTreeMap::new();
    for item in &ruleset.items {
        if let Item::Rule(rule) = item {
            *phases.entry(rule.phase).or_insert(0) += 1;
        }
    }
    println!("{chains} chains, {regexes} @rx, {patterns} regex selectors, {ctls} ctl, phases {phases:?}");
    if ruleset.settings.components.iter().any(|name| name.ends_with("/3.3.4")) {
        assert_eq!((chains, regexes, patterns, ctls), (166, 265, 136, 537));
    }
    for rule in rules.iter().filter(|rule| rule.operator.as_ref().is_some_and(|test| test.name == "pmfromfile")) {
        assert!(!rule.operator.as_ref().unwrap().data.is_empty(), "{}", rule.id);
    }
    // The defaults of crs-setup.conf hold for `block`.
    assert!(rules.iter().filter(|rule| rule.id != 0).all(|rule| rule.place.line > 0));
}

/// The recommended settings that Debian's module of nginx brings, with the map of code points beside them.
#[test]
fn the_recommended_settings_are_read() {
    let file = "/usr/share/nginx/docs/modsecurity/modsecurity.conf";
    if !std::path::Path::new(file).exists() {
        eprintln!("skipped: package libnginx-mod-http-modsecurity is not installed");
        return;
    }
    let ruleset = seclang::load(&mut Disk, &[file], &ALL).unwrap();
    let settings = &ruleset.settings;
    assert!(settings.request_body && settings.response_body);
    assert_eq!((settings.request_body_limit, settings.response_body_limit), (13_107_200, 524_288));
    assert_eq!(settings.unicode_map.get(&0xff41), Some(&b'a'));
    assert!(settings.unicode_map.len() > 200 && settings.other.len() > 5, "{:?}", settings.other);
    assert!(all(&ruleset).iter().any(|rule| rule.id == 200_002));
}
