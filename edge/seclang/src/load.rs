//! A load: files walked in order, rules gathered, defaults and updates applied, everything that is wrong told at once.

use crate::action::{self, Action, Context};
use crate::directive::{Directive, Directives, Word};
use crate::fault::{CHAIN, DEFAULT, DIRECTIVE, DUPLICATE, ENCODING, FILE, ID, SIZE, SYNTAX, VALUE};
use crate::limits;
use crate::model::{Item, Marker, Phase, Place, Ruleset, Settings, Vocabulary};
use crate::names::{fault, nearest, shown};
use crate::reader::{Reader, resolve};
use crate::rule::{Defaults, Draft, build};
use crate::update::{Change, Update, Which, apply};
use crate::{operator, setting, target, unicode};
use base::{Fault, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Directives that make rules or change them, for telling the nearest.
const DIRECTIVES: &[&str] = &[
    "Include",
    "IncludeOptional",
    "SecAction",
    "SecDefaultAction",
    "SecMarker",
    "SecRule",
    "SecRuleRemoveById",
    "SecRuleRemoveByMsg",
    "SecRuleRemoveByTag",
    "SecRuleUpdateActionById",
    "SecRuleUpdateTargetById",
    "SecRuleUpdateTargetByMsg",
    "SecRuleUpdateTargetByTag",
    "SecUnicodeMapFile",
];

/// Reads files of rules, in order, and whatever they include.
///
/// # Errors
/// Everything that is wrong, at most [`limits::FAULTS`] faults, each with file and line; never an empty list.
pub fn load(
    reader: &mut dyn Reader,
    files: &[&str],
    vocabulary: &Vocabulary<'_>,
) -> std::result::Result<Ruleset, Vec<Fault>> {
    let mut load = Load {
        reader,
        vocabulary,
        faults: Vec::new(),
        settings: Settings::default(),
        entries: Vec::new(),
        chains: Vec::new(),
        open: Vec::new(),
        defaults: Default::default(),
        ids: HashMap::new(),
        updates: Vec::new(),
        data: HashMap::new(),
        bytes: 0,
        files: 0,
        directives: 0,
    };
    for file in files {
        load.file(file, None, 0);
    }
    load.finish()
}

/// One step of the list that phases walk, rules by their number in `chains`.
enum Entry {
    Chain(usize),
    Marker(Marker),
}

struct Load<'l> {
    reader: &'l mut dyn Reader,
    vocabulary: &'l Vocabulary<'l>,
    faults: Vec<Fault>,
    settings: Settings,
    entries: Vec<Entry>,
    chains: Vec<Option<Vec<Draft>>>,
    /// The chain that waits for its next link.
    open: Vec<Draft>,
    defaults: [Option<Defaults>; 5],
    ids: HashMap<u64, Place>,
    updates: Vec<Update>,
    /// Files of needles, read once.
    data: HashMap<Vec<String>, Arc<[Vec<u8>]>>,
    bytes: usize,
    files: usize,
    directives: usize,
}

impl Load<'_> {
    fn tell(&mut self, cause: Fault) {
        if self.faults.len() < limits::FAULTS {
            self.faults.push(cause);
        }
    }

    fn full(&self) -> bool {
        self.faults.len() >= limits::FAULTS
    }

    /// Reads one file of rules; `by` is the line that includes it.
    fn file(&mut self, name: &str, by: Option<&Place>, depth: usize) {
        let place = by.cloned().unwrap_or(Place { file: name.into(), line: 0 });
        let text = match self.text(name, &place) {
            Ok(text) => text,
            Err(cause) => return self.tell(cause),
        };
        for directive in Directives::new(name.into(), &text) {
            if self.full() {
                return;
            }
            match directive {
                Ok(directive) => self.directive(&directive, depth),
                Err(cause) => self.tell(cause),
            }
        }
        self.broken_chain();
    }

    fn text(&mut self, name: &str, place: &Place) -> Result<String> {
        String::from_utf8(self.content(name, place)?).map_err(|cause| {
            let before = cause.as_bytes().get(..cause.utf8_error().valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Fault::new(&ENCODING).object(format!("{name}:{line}"))
        })
    }

    /// The bytes of a file within the limits.
    fn content(&mut self, name: &str, place: &Place) -> Result<Vec<u8>> {
        let content = self.reader.read(name)?;
        let content = content.ok_or_else(|| fault(&FILE, place).found(shown(name)))?;
        (self.bytes, self.files) = (self.bytes.saturating_add(content.len()), self.files + 1);
        let limits = [
            (content.len(), limits::FILE_BYTES, "bytes a file"),
            (self.bytes, limits::LOAD_BYTES, "bytes of all files"),
            (self.files, limits::FILES, "files"),
        ];
        match limits.iter().find(|(found, most, _)| found > most) {
            Some((found, most, what)) => {
                let object = format!("{}:{}: {name}", place.file, place.line);
                Err(Fault::new(&SIZE).object(object).expected(format!("at most {most} {what}")).found(found))
            }
            None => Ok(content),
        }
    }

    fn directive(&mut self, directive: &Directive, depth: usize) {
        self.directives += 1;
        if self.directives > limits::DIRECTIVES {
            if self.directives == limits::DIRECTIVES + 1 {
                let most = format!("at most {} directives", limits::DIRECTIVES);
                self.tell(fault(&SIZE, &directive.place).expected(most));
            }
            return;
        }
        let name = directive.name.to_ascii_lowercase();
        if !matches!(name.as_str(), "secrule" | "secaction") {
            self.broken_chain();
        }
        let done = match name.as_str() {
            "secrule" => self.rule(directive),
            "secaction" => self.action(directive),
            "secmarker" => self.marker(directive),
            "secdefaultaction" => self.default_action(directive),
            "secunicodemapfile" => self.unicode_map(directive),
            "include" | "includeoptional" => self.include(directive, name == "includeoptional", depth),
            _ if name.starts_with("secruleremove") || name.starts_with("secruleupdate") => {
                self.update(directive, &name)
            }
            _ => self.setting(directive),
        };
        if let Err(cause) = done {
            self.tell(cause);
        }
    }

    fn setting(&mut self, directive: &Directive) -> Result<()> {
        if setting::set(directive, &mut self.settings)? {
            return Ok(());
        }
        let known = DIRECTIVES.iter().chain(setting::KNOWN).chain(setting::KEPT).copied();
        let near = nearest(known, &directive.name);
        Err(fault(&DIRECTIVE, &directive.place).expected(near).found(shown(&directive.name)))
    }

    fn include(&mut self, directive: &Directive, optional: bool, depth: usize) -> Result<()> {
        let place = &directive.place;
        let [word] = words(directive, "one path")?;
        let name = resolve(&place.file, &word.plain());
        if depth >= limits::INCLUDE_DEPTH {
            let most = format!("at most {} files within each other", limits::INCLUDE_DEPTH);
            return Err(fault(&SIZE, place).expected(most).found(shown(&name)));
        }
        let names = if name.contains(['*', '?']) {
            self.reader.list(&name)?
        } else if optional && self.reader.read(&name)?.is_none() {
            Vec::new()
        } else {
            vec![name.clone()]
        };
        if names.is_empty() && !optional {
            return Err(fault(&FILE, place).expected("at least one file").found(shown(&name)));
        }
        for name in names {
            if self.full() || self.files > limits::FILES {
                break;
            }
            self.file(&name, Some(place), depth + 1);
        }
        Ok(())
    }

    fn marker(&mut self, directive: &Directive) -> Result<()> {
        let [word] = words(directive, "one name")?;
        self.entries.push(Entry::Marker(Marker { name: word.plain().into(), place: directive.place.clone() }));
        Ok(())
    }

    fn rule(&mut self, directive: &Directive) -> Result<()> {
        let place = &directive.place;
        let (targets, test, actions) = match directive.words.as_slice() {
            [targets, test] => (targets, test, None),
            [targets, test, actions] => (targets, test, Some(actions)),
            words => return Err(count(directive, "targets, an operator and actions", words.len())),
        };
        let mut read = Vec::new();
        for target in target::each(&targets.raw, self.vocabulary, place) {
            target.map(|target| read.push(target)).unwrap_or_else(|cause| self.tell(cause));
        }
        let operator = self.operator(test, place).map_err(|cause| self.tell(cause));
        let actions = self.actions(actions, place);
        self.link(Draft { place: place.clone(), targets: read, operator: operator.ok(), actions })
    }

    fn operator(&mut self, word: &Word, place: &Place) -> Result<crate::Operator> {
        let operator::Read { mut operator, files } = operator::parse(&word.raw, self.vocabulary, place)?;
        if !files.is_empty() {
            operator.data = self.needles(&files, place)?;
        }
        Ok(operator)
    }

    fn needles(&mut self, files: &[String], place: &Place) -> Result<Arc<[Vec<u8>]>> {
        let names: Vec<String> = files.iter().map(|file| resolve(&place.file, file)).collect();
        if let Some(known) = self.data.get(&names) {
            return Ok(known.clone());
        }
        let mut needles = Vec::new();
        for name in &names {
            needles.extend(operator::lines(&self.content(name, place)?));
        }
        let needles: Arc<[Vec<u8>]> = needles.into();
        self.data.insert(names, needles.clone());
        Ok(needles)
    }

    fn actions(&mut self, word: Option<&Word>, place: &Place) -> Vec<Action> {
        let Some(word) = word else { return Vec::new() };
        let mut faults = Vec::new();
        let actions = action::parse(&word.raw, &Context { vocabulary: self.vocabulary, place }, &mut faults);
        faults.into_iter().for_each(|cause| self.tell(cause));
        actions
    }

    fn action(&mut self, directive: &Directive) -> Result<()> {
        let place = &directive.place;
        let [word] = words(directive, "one list of actions")?;
        let actions = self.actions(Some(word), place);
        self.link(Draft { place: place.clone(), targets: Vec::new(), operator: None, actions })
    }

    /// Puts a rule behind the open chain, or opens one, and closes it when no link is to follow.
    fn link(&mut self, draft: Draft) -> Result<()> {
        let done = match self.open.first() {
            Some(head) => draft.check_link(head.phase()),
            None => self.number(&draft),
        };
        let chained = draft.chained();
        self.open.push(draft);
        if self.open.len() > limits::CHAIN_LINKS {
            let head = self.open.swap_remove(0);
            self.open.clear();
            return Err(fault(&CHAIN, &head.place).expected(format!("at most {} links", limits::CHAIN_LINKS)));
        }
        if !chained {
            self.entries.push(Entry::Chain(self.chains.len()));
            self.chains.push(Some(std::mem::take(&mut self.open)));
        }
        done
    }

    fn number(&mut self, head: &Draft) -> Result<()> {
        let Some(id) = head.id() else {
            return Err(fault(&ID, &head.place));
        };
        if let Some(first) = self.ids.get(&id) {
            let expected = format!("another id than {}:{}", first.file, first.line);
            return Err(fault(&DUPLICATE, &head.place).expected(expected).found(id));
        }
        self.ids.insert(id, head.place.clone());
        Ok(())
    }

    /// A chain that something else than a rule comes behind.
    fn broken_chain(&mut self) {
        if let Some(last) = self.open.last() {
            let cause = fault(&CHAIN, &last.place).expected("a rule behind `chain`").found("none");
            self.open.clear();
            self.tell(cause);
        }
    }

    fn default_action(&mut self, directive: &Directive) -> Result<()> {
        let [word] = words(directive, "one list of actions")?;
        let actions = self.actions(Some(word), &directive.place);
        let (phase, defaults) = Defaults::new(directive.place.clone(), actions)?;
        let slot = &mut self.defaults[phase as usize];
        if let Some(first) = slot {
            let found = format!("a second of this phase, the first is {}:{}", first.place.file, first.place.line);
            return Err(fault(&DEFAULT, &directive.place).found(found));
        }
        *slot = Some(defaults);
        Ok(())
    }

    fn unicode_map(&mut self, directive: &Directive) -> Result<()> {
        let place = &directive.place;
        let words: Vec<String> = directive.words.iter().map(Word::plain).collect();
        let words = words.join(" ");
        let wrong = || fault(&VALUE, place).expected("a file and a code page that is in it").found(shown(&words));
        let (file, page) = words.trim().rsplit_once(' ').ok_or_else(wrong)?;
        let page = page.parse().map_err(|_| wrong())?;
        let content = self.content(&resolve(&place.file, file.trim_end()), place)?;
        let map = unicode::read(&String::from_utf8_lossy(&content), page);
        self.settings.unicode_map = map.ok_or_else(wrong)?;
        Ok(())
    }

    fn update(&mut self, directive: &Directive, name: &str) -> Result<()> {
        let place = directive.place.clone();
        let plain: Vec<String> = directive.words.iter().map(Word::plain).collect();
        let text = |at: usize| plain.get(at).cloned().unwrap_or_default();
        let (which, change) = match name {
            "secruleremovebyid" => (self.ids(&plain.join(" "), &place)?, Change::Remove),
            "secruleremovebytag" => (Which::Tag(text(0)), Change::Remove),
            "secruleremovebymsg" => (Which::Message(text(0)), Change::Remove),
            "secruleupdateactionbyid" => {
                let [which, list] = words(directive, "an id and actions")?;
                let which = which.plain();
                let (id, link) = which.split_once(':').unwrap_or((&which, "0"));
                let link = link.parse().map_err(|_| fault(&VALUE, &place).expected("id:link").found(shown(&which)))?;
                (self.ids(id, &place)?, Change::Actions { link, added: self.added(list, &place)? })
            }
            "secruleupdatetargetbyid" => (self.ids(&text(0), &place)?, self.targets(directive)?),
            "secruleupdatetargetbytag" => (Which::Tag(text(0)), self.targets(directive)?),
            "secruleupdatetargetbymsg" => (Which::Message(text(0)), self.targets(directive)?),
            _ => return self.setting(directive),
        };
        if matches!(change, Change::Remove) && plain.iter().all(|word| word.is_empty()) {
            return Err(count(directive, "which rules", 0));
        }
        self.updates.push(Update { place, which, change });
        Ok(())
    }

    fn ids(&self, text: &str, place: &Place) -> Result<Which> {
        let wrong = |found: String| fault(&VALUE, place).expected("numbers and ranges like 1-9").found(shown(&found));
        action::id_ranges(text).map(Which::Ids).map_err(wrong)
    }

    fn targets(&self, directive: &Directive) -> Result<Change> {
        let (added, replaced) = match directive.words.as_slice() {
            [_, added] => (added, None),
            [_, added, replaced] => (added, Some(replaced)),
            words => return Err(count(directive, "which rules, and targets", words.len())),
        };
        let read = |word: &Word| target::parse(&word.raw, self.vocabulary, &directive.place);
        Ok(Change::Targets { added: read(added)?, replaced: replaced.map(read).transpose()?.unwrap_or_default() })
    }

    fn added(&mut self, list: &Word, place: &Place) -> Result<Vec<Action>> {
        let actions = self.actions(Some(list), place);
        let fixed = |action: &Action| matches!(action, Action::Id(_) | Action::Phase(_) | Action::Chain);
        if actions.iter().any(fixed) {
            return Err(fault(&VALUE, place).expected("actions other than id, phase and chain"));
        }
        Ok(actions)
    }

    fn finish(mut self) -> std::result::Result<Ruleset, Vec<Fault>> {
        apply(std::mem::take(&mut self.updates), &mut self.chains, &mut self.faults);
        let mut items = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            match entry {
                Entry::Marker(marker) => items.push(Item::Marker(marker)),
                Entry::Chain(at) => {
                    let Some(chain) = self.chains.get_mut(at).and_then(Option::take) else { continue };
                    let phase = chain.first().map_or(Phase::default(), Draft::phase);
                    let defaults = self.defaults[phase as usize].as_ref();
                    items.extend(build(chain, defaults, &mut self.faults).map(Item::Rule));
                }
            }
        }
        if self.faults.is_empty() { Ok(Ruleset { items, settings: self.settings }) } else { Err(self.faults) }
    }
}

/// Exactly so many words.
fn words<'d, const N: usize>(directive: &'d Directive, expected: &str) -> Result<[&'d Word; N]> {
    let words: Vec<&Word> = directive.words.iter().collect();
    let found = words.len();
    words.try_into().map_err(|_| count(directive, expected, found))
}

fn count(directive: &Directive, expected: &str, found: usize) -> Fault {
    let found = format!("{} with {found} words", shown(&directive.name));
    fault(&SYNTAX, &directive.place).expected(expected).found(found)
}
