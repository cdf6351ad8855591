//! Events made from a rule's own words: some that it looks for, some that it nearly looks for.

use base::Random;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaRule, SigmaValue, SpecialChar, StringPart};

/// Names, values and words for the whole record.
#[derive(Debug, Default, Clone)]
pub struct Made {
    pub fields: Vec<(String, String)>,
    pub words: Vec<String>,
}

impl Made {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Puts a value in, behind what stands there already.
    fn put(&mut self, name: &str, value: String) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, there)) => there.push_str(&value),
            None => self.fields.push((name.to_owned(), value)),
        }
    }
}

/// What the generator of texts from patterns does not know, or makes of letters beyond ASCII, which our classes have no
/// more than PCRE's.
const SIMPLER: &[(&str, &str)] =
    &[("(^|\\/)", ""), ("(?i)", ""), ("\\/", "/"), ("\\s", " "), (".+", "[a-z]+"), ("(.)", "([a-z])")];

/// Makes events by chance that is passed in.
pub struct Maker<'r> {
    pub random: &'r dyn Random,
    pub runner: TestRunner,
}

impl Maker<'_> {
    fn one_in(&self, many: u64) -> bool {
        self.random.below(many) == 0
    }

    fn pick<'v, T>(&self, from: &'v [T]) -> &'v T {
        &from[self.random.below(from.len() as u64) as usize]
    }

    /// An event with most of a rule's selections and few of its exceptions, at times with one letter wrong.
    pub fn event(&mut self, rule: &SigmaRule) -> Made {
        let (mut made, mut chosen) = (Made::default(), Vec::new());
        let mut names: Vec<&String> = rule.detection.named.keys().collect();
        names.sort();
        // Rules of the form `1 of selection_*` have selections that shut each other out.
        let single = self.one_in(2).then(|| (*self.pick(&names)).clone());
        for name in names {
            let wanted = match &single {
                Some(single) => name == single,
                None if name.starts_with("filter") => self.one_in(4),
                None => !self.one_in(6),
            };
            if wanted {
                self.detection(&rule.detection.named[name], &mut made, &mut chosen);
            }
        }
        // Values of one field are joined: beginnings first, ends last.
        chosen.sort_by_key(|item| match &item.field.modifiers {
            all if all.contains(&Modifier::StartsWith) => 0,
            all if all.contains(&Modifier::EndsWith) => 2,
            _ => 1,
        });
        chosen.iter().for_each(|item| self.item(item, &mut made));
        if self.one_in(3) {
            self.spoil(&mut made);
        }
        made
    }

    fn detection(&mut self, detection: &Detection, made: &mut Made, chosen: &mut Vec<DetectionItem>) {
        match detection {
            Detection::AllOf(items) => {
                items.iter().filter(|_| !self.one_in(20)).for_each(|item| chosen.push(item.clone()));
            }
            Detection::AnyOf(parts) => {
                let part = self.pick(parts).clone();
                self.detection(&part, made, chosen);
            }
            Detection::And(parts) => parts.iter().for_each(|part| self.detection(part, made, chosen)),
            Detection::Keywords(values) => {
                let value = self.pick(values).clone();
                made.words.extend(self.text(&value, &[]));
            }
            other => panic!("the public rules have no {other:?}"),
        }
    }

    fn item(&mut self, item: &DetectionItem, made: &mut Made) {
        let modifiers = &item.field.modifiers;
        let all = modifiers.contains(&Modifier::All);
        let chosen: Vec<SigmaValue> = if all { item.values.clone() } else { vec![self.pick(&item.values).clone()] };
        for value in &chosen {
            let Some(mut text) = self.text(value, modifiers) else { continue };
            let Some(name) = &item.field.name else {
                made.words.push(text);
                continue;
            };
            if modifiers.contains(&Modifier::FieldRef) {
                made.put(&text.clone(), "one".to_owned());
                text = made.get(&text).unwrap_or("").to_owned();
            }
            let has = |modifier| modifiers.contains(&modifier);
            if has(Modifier::Contains) && !self.one_in(4) {
                text = format!("x{text} y");
            }
            if has(Modifier::StartsWith) && !self.one_in(4) {
                text.push_str("tail");
            }
            if has(Modifier::EndsWith) && !self.one_in(4) {
                text.insert_str(0, "/head");
            }
            made.put(name, text);
        }
    }

    /// A text that fits a value; none for null.
    fn text(&mut self, value: &SigmaValue, modifiers: &[Modifier]) -> Option<String> {
        let text = match value {
            SigmaValue::String(text) => text,
            SigmaValue::Integer(number) => return Some(number.to_string()),
            SigmaValue::Float(number) => return Some(number.to_string()),
            SigmaValue::Bool(flag) => return Some(flag.to_string()),
            SigmaValue::Null => return None,
        };
        if modifiers.contains(&Modifier::Re) {
            let mut pattern = text.original.trim_end_matches('$').to_owned();
            SIMPLER.iter().for_each(|(from, to)| pattern = pattern.replace(from, to));
            let strategy = proptest::string::string_regex(&pattern).ok()?;
            let made = strategy.new_tree(&mut self.runner).ok()?.current();
            return Some(made.replace(|letter: char| !letter.is_ascii(), "z"));
        }
        if modifiers.contains(&Modifier::Cidr) {
            return text.original.split('/').next().map(|address| address.replace("/0", "/1"));
        }
        let mut made = String::new();
        for part in &text.parts {
            match part {
                StringPart::Plain(text) => made.push_str(text),
                StringPart::Special(SpecialChar::WildcardSingle) => made.push('é'),
                StringPart::Special(SpecialChar::WildcardMulti) => {
                    made.push_str(self.pick::<&str>(&["", "x", "/a b/", "漢字"]));
                }
            }
        }
        Some(made)
    }

    /// Takes a field away, or changes a letter or the case of one.
    fn spoil(&self, made: &mut Made) {
        let count = made.fields.len() + made.words.len();
        if count == 0 {
            return;
        }
        let place = self.random.below(count as u64) as usize;
        if place < made.fields.len() && self.one_in(4) {
            made.fields.remove(place);
            return;
        }
        let fields = made.fields.len();
        let text = if place < fields { &mut made.fields[place].1 } else { &mut made.words[place - fields] };
        let at = self.random.below(text.chars().count() as u64 + 1) as usize;
        let at = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
        match self.random.below(4) {
            0 => text.insert(at, 'q'),
            // An empty value is made only where a rule asks for one: `null` fits it here and not in rsigma.
            1 if at < text.len() && text.chars().count() > 1 => _ = text.remove(at),
            2 if at > 0 => text.truncate(at),
            _ => *text = text.to_uppercase(),
        }
    }
}
