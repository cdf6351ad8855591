//! Rules, their tests and their roll-out.

use crate::cli::rules::fields;
use crate::cli::screen::{Screen, plain};
use crate::cli::table;
use crate::cli::words::Word;
use api::rules::{
    RuleChanged, RuleException, RuleFull, RuleProposal, RuleRollout, RuleRow, RuleTest, RuleTried, RuleVersion, Share,
    Told,
};

/// Values shown of each list.
const SHOWN: usize = 5;

fn titled<'t>(screen: &Screen, title: &'t str, title_zh: &'t str) -> &'t str {
    if title_zh.is_empty() { title } else { screen.lang.pick(title, title_zh) }
}

fn told<'t>(screen: &Screen, told: &'t Told) -> &'t str {
    screen.lang.pick(&told.text, &told.text_zh)
}

fn warned(screen: &Screen, warnings: &[Told]) -> String {
    warnings.iter().map(|one| format!("{}: {}\n", screen.word(Word::Warning), plain(told(screen, one)))).collect()
}

/// The list.
pub fn rules(screen: &Screen, rules: &[RuleRow]) -> String {
    let heading = [Word::State, Word::Severity, Word::Origin, Word::Id, Word::Title].map(|word| screen.word(word));
    let row = |rule: &RuleRow| {
        let title = titled(screen, &rule.title, &rule.title_zh);
        let why = if rule.why.is_empty() { String::new() } else { format!(" ({})", rule.why) };
        let source = screen.api(&rule.source).to_owned();
        let cells = [screen.api(&rule.state).to_owned(), screen.severity(&rule.level), source, rule.id.clone()];
        cells.into_iter().chain([plain(&format!("{title}{why}"))]).collect()
    };
    table::draw(screen, &heading, &rules.iter().map(row).collect::<Vec<Vec<String>>>())
}

/// One rule.
pub fn rule(screen: &Screen, rule: &RuleFull) -> String {
    let row = &rule.row;
    let mut rows = vec![
        (screen.word(Word::Title), plain(titled(screen, &row.title, &row.title_zh))),
        (screen.word(Word::Id), row.id.clone()),
        (screen.word(Word::Severity), screen.severity(&row.level)),
        (screen.word(Word::State), format!("{} {}", screen.api(&row.state), row.why)),
        (screen.word(Word::Origin), format!("{} {} {}", screen.api(&row.source), row.place, rule.by)),
        (screen.word(Word::Version), row.version.clone()),
        (screen.word(Word::Techniques), row.techniques.join(" ")),
    ];
    rows.retain(|(_, value)| !value.trim().is_empty());
    let description = titled(screen, &rule.description, &rule.description_zh);
    let mut text = table::pairs(&rows);
    if !rule.exceptions.is_empty() {
        text.push_str(&format!("\n{}", exceptions(screen, &rule.exceptions)));
    }
    format!("{text}\n{}\n\n{}\n", plain(description.trim()), rule.text.trim_end())
}

/// Exceptions.
pub fn exceptions(screen: &Screen, exceptions: &[RuleException]) -> String {
    if exceptions.is_empty() {
        return format!("{}\n", screen.word(Word::None));
    }
    let heading =
        [Word::Id, Word::Expires, Word::Host, Word::Who, Word::Reason, Word::What].map(|word| screen.word(word));
    let row = |one: &RuleException| {
        let until = match one.until_us {
            0 => screen.word(Word::Never).to_owned(),
            until if until <= screen.now_us => format!("{} ({})", screen.time(until), screen.word(Word::Over)),
            until => screen.time(until),
        };
        let hosts: Vec<String> = one.hosts.iter().chain(&one.groups).cloned().collect();
        let hosts = if hosts.is_empty() { screen.word(Word::Everywhere).to_owned() } else { hosts.join(",") };
        let what = plain(&format!("{}  {}", one.rules.join(","), fields(&one.fields)));
        vec![one.id.clone(), until, hosts, one.author.clone(), plain(&one.reason), what]
    };
    table::draw(screen, &heading, &exceptions.iter().map(row).collect::<Vec<_>>())
}

/// Who holds which version.
pub fn rollout(screen: &Screen, rollout: &RuleRollout) -> String {
    let mut text = format!(
        "{} {}, {} {}/{}, {} {}\n",
        screen.word(Word::Version),
        rollout.version,
        screen.word(Word::HeldBy),
        rollout.hold,
        rollout.agents,
        screen.word(Word::Refused),
        rollout.refused
    );
    if let Some(to) = rollout.to.as_ref().filter(|_| rollout.trial > 0) {
        let mut who: Vec<String> = to.groups.iter().chain(&to.hosts).cloned().collect();
        who.extend((to.percent > 0).then(|| format!("{} %", to.percent)));
        text.push_str(&format!("{} {}: {}\n", screen.word(Word::OnTrial), rollout.trial, who.join(", ")));
    }
    let heading =
        [Word::Host, Word::Id, Word::State, Word::Holds, Word::Wanted, Word::What].map(|word| screen.word(word));
    let rows: Vec<Vec<String>> = rollout
        .standings
        .iter()
        .map(|one| {
            let state = screen.word(if one.connected { Word::Connected } else { Word::Away });
            let refused = match one.refused {
                0 => String::new(),
                version => format!("{} {version}: {} {}", screen.word(Word::Refused), one.code, plain(&one.fault)),
            };
            vec![
                one.host.clone(),
                one.agent.clone(),
                state.into(),
                one.version.to_string(),
                one.wanted.to_string(),
                refused,
            ]
        })
        .collect();
    text + &table::draw(screen, &heading, &rows)
}

/// Versions.
pub fn versions(screen: &Screen, versions: &[RuleVersion]) -> String {
    if versions.is_empty() {
        return format!("{}\n", screen.word(Word::None));
    }
    let heading =
        [Word::Number, Word::State, Word::Time, Word::Who, Word::What, Word::Reason].map(|word| screen.word(word));
    let row = |one: &RuleVersion| {
        let what = format!("{} {}", screen.api(&one.what), one.ids.join(" "));
        let state = screen.api(&one.state).to_owned();
        let reason = plain(&one.reason);
        vec![one.version.to_string(), state, screen.time(one.time_us), one.who.clone(), what, reason]
    };
    table::draw(screen, &heading, &versions.iter().map(row).collect::<Vec<_>>())
}

/// What became of a change.
pub fn changed(screen: &Screen, changed: &RuleChanged, rollout: &RuleRollout, took_ms: u64) -> String {
    let mine = rollout.standings.iter().filter(|one| one.wanted == changed.version);
    let hold = mine.clone().filter(|one| one.version == changed.version).count();
    let mut text = warned(screen, &changed.warnings);
    let trial = if changed.trial { format!(" ({})", screen.word(Word::OnTrial)) } else { String::new() };
    text.push_str(&format!(
        "{} {}{trial}, {} {hold}/{}, {took_ms} ms\n",
        screen.word(Word::Version),
        changed.version,
        screen.word(Word::HeldBy),
        mine.clone().count()
    ));
    for one in mine.filter(|one| one.refused == changed.version && changed.version > 0) {
        text.push_str(&format!("{} {}: {} {}\n", screen.word(Word::Refused), one.host, one.code, plain(&one.fault)));
    }
    text
}

fn shares(shares: &[Share]) -> String {
    let one = |share: &Share| format!("{} ({})", plain(&share.value), share.count);
    shares.iter().take(SHOWN).map(one).collect::<Vec<_>>().join(", ")
}

fn tried(screen: &Screen, rule: &RuleTried) -> String {
    let title = plain(titled(screen, &rule.title, &rule.title_zh));
    let mut text = format!("\n{} {title}  {}\n", screen.severity(&rule.level), rule.id);
    let noise = format!("{}: {}", screen.api(&rule.noise), told(screen, &rule.reason));
    let mut rows = vec![
        (screen.word(Word::Hits), rule.hits.to_string()),
        (screen.word(Word::Noise), plain(&noise)),
        (screen.word(Word::Host), shares(&rule.hosts)),
        (
            screen.word(Word::ByDay),
            rule.days.iter().map(|day| format!("{} ({})", day.value, day.count)).collect::<Vec<_>>().join(", "),
        ),
        (screen.word(Word::Process), shares(&rule.processes)),
        (screen.word(Word::Parent), shares(&rule.parents)),
        (screen.word(Word::User), shares(&rule.users)),
    ];
    if rule.silenced > 0 {
        rows.insert(1, (screen.word(Word::Silenced), rule.silenced.to_string()));
    }
    if rule.silent {
        rows.insert(1, (screen.word(Word::State), screen.word(Word::CountsOnly).to_owned()));
    }
    rows.retain(|(_, value)| !value.is_empty());
    text.push_str(&table::pairs(&rows));
    for sample in &rule.samples {
        let (time, host) = (screen.time(sample.time_us), &sample.host);
        text.push_str(&format!("  {time}  {host}  {}  {}\n", sample.event, plain(&sample.text)));
    }
    text
}

/// What a test found.
pub fn test(screen: &Screen, test: &RuleTest) -> String {
    let mut text = warned(screen, &test.warnings);
    if let Some(fault) = &test.fault {
        text.push_str(&format!("{}\n", told(screen, fault)));
    }
    let held = match test.held_from_us {
        0 => screen.word(Word::None).to_owned(),
        from => screen.time(from),
    };
    let rows = [
        (screen.word(Word::State), screen.api(&test.state).to_owned()),
        (screen.word(Word::Window), format!("{} – {}", screen.time(test.since_us), screen.time(test.until_us))),
        (screen.word(Word::HeldFrom), held),
        (screen.word(Word::Judged), format!("{}/{} ({})", test.judged, test.events, test.kinds.join(", "))),
        (screen.word(Word::Speed), format!("{} ms, {}/s", test.took_ms, test.events_per_s)),
    ];
    text.push_str(&table::pairs(&rows));
    text.extend(test.rules.iter().map(|rule| tried(screen, rule)));
    text
}

/// A proposed exception and what it would have silenced.
pub fn proposal(screen: &Screen, proposal: &RuleProposal, effect: &RuleTest) -> String {
    let title = plain(titled(screen, &proposal.title, &proposal.title_zh));
    let mut text = format!("{title}\n{}", exceptions(screen, std::slice::from_ref(&proposal.exception)));
    let others = proposal.candidates.iter().filter(|one| !one.chosen);
    let others: Vec<String> = others.map(|one| format!("{}={}", one.name, plain(&one.values.join("|")))).collect();
    if !others.is_empty() {
        text.push_str(&format!("{}: {}\n", screen.word(Word::AlsoThere), others.join("  ")));
    }
    let (hits, silenced) = effect.rules.iter().fold((0, 0), |sum, one| (sum.0 + one.hits, sum.1 + one.silenced));
    let (window, word) = (screen.time(effect.held_from_us.max(effect.since_us)), screen.word(Word::Silenced));
    text.push_str(&format!("{word} {silenced}/{hits} ({window} –)\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::golden::screen as screen_of;
    use api::rules::{ExceptionField, RuleStanding};
    use base::Lang;

    #[test]
    fn a_test_says_window_hits_and_noise_in_both_languages() {
        let share = |value: &str| Share { value: value.into(), count: 3 };
        let rule = RuleTried {
            id: "r".into(),
            title: "Backup".into(),
            title_zh: "备份".into(),
            level: "high".into(),
            hits: 3,
            parents: vec![share("/usr/sbin/cron")],
            noise: "low".into(),
            reason: Told { text: "few".into(), text_zh: "很少".into() },
            ..RuleTried::default()
        };
        let of = RuleTest { state: "done".into(), judged: 9, events: 9, rules: vec![rule], ..RuleTest::default() };
        let en = test(&screen_of(Lang::En), &of);
        assert!(en.contains("Backup") && en.contains("/usr/sbin/cron (3)") && en.contains("low: few"), "{en}");
        let zh = test(&screen_of(Lang::Zh), &of);
        assert!(zh.contains("备份") && zh.contains("低: 很少"), "{zh}");
    }

    #[test]
    fn a_roll_out_names_who_refused_and_an_exception_where_it_holds() {
        let screen = screen_of(Lang::En);
        let bad = RuleStanding {
            host: "web1".into(),
            wanted: 4,
            refused: 4,
            code: "detect.form".into(),
            ..RuleStanding::default()
        };
        let of = RuleRollout { version: 4, agents: 1, refused: 1, standings: vec![bad], ..RuleRollout::default() };
        let text = rollout(&screen, &of);
        assert!(text.contains("0/1") && text.contains("detect.form"), "{text}");
        let field = ExceptionField { name: "Image".into(), values: vec!["/a".into(), "/b".into()] };
        let one = RuleException {
            id: "e".into(),
            fields: vec![field],
            hosts: vec!["web1".into()],
            ..RuleException::default()
        };
        let text = exceptions(&screen, &[one]);
        assert!(text.contains("Image=/a|/b") && text.contains("web1"), "{text}");
    }
}
