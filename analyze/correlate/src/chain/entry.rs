//! Where and how an attack came in: the first host, and what is above the first alert there.

use super::told::{Act, Front, front};
use super::{Observed, Scene};
use record::{Activity, ChainEntry, ChainStep, Log, NetOp};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How long before an alert its login may lie when its session is not known, µs.
const LOGIN_US: i64 = 3_600_000_000;
/// How near the start of a session its login lies, µs.
const SESSION_US: i64 = 30_000_000;
/// How long before the first program of a service's child the request came, µs.
const REQUEST_US: i64 = 10_000_000;

/// The entry; `None` without alerts.
pub(super) fn entry(scene: &Scene<'_>, spread: &[ChainStep]) -> Option<ChainEntry> {
    // A host that another one reached is no entry, unless every one was.
    let reached: BTreeSet<&str> = spread.iter().map(|step| step.to.as_str()).collect();
    let first = scene.acts.iter().find(|act| !reached.contains(act.alert.agent.as_str())).or(scene.acts.first())?;
    let agent = first.alert.agent.as_str();
    let mut best: Option<ChainEntry> = None;
    // The first alert may be about a scan or a helper: the one that shows best how it came in counts.
    for act in scene.acts.iter().filter(|act| act.alert.agent == agent).take(64) {
        let found = of(scene, act);
        if best.as_ref().is_none_or(|best| found.confidence > best.confidence) {
            best = Some(found);
        }
    }
    best
}

fn of(scene: &Scene<'_>, act: &Act<'_>) -> ChainEntry {
    let blank = ChainEntry {
        host: act.alert.agent.clone(),
        host_name: scene.name(&act.alert.agent),
        how: "unknown".to_owned(),
        from: String::new(),
        account: String::new(),
        service: String::new(),
        technique: String::new(),
        time_us: act.alert.time_us,
        confidence: 20,
        evidence: vec![act.alert.id.clone()],
    };
    let log = act.event.as_ref().and_then(|event| match &event.activity {
        Activity::Log(log) => Some(log),
        _ => None,
    });
    if let Some(log) = log {
        return by_log(scene, act, log, blank);
    }
    let processes = act.event.as_ref().and_then(|event| event.process.as_deref());
    let above = processes
        .into_iter()
        .flat_map(|proc| std::iter::once(&proc.info).chain(proc.ancestors().map(|ancestor| &ancestor.info)).skip(1));
    let faced = above.filter_map(|process| front(process).map(|front| (process, front))).next();
    match faced {
        Some((service, Front::Service)) => by_service(scene, act, service, blank),
        Some((application, Front::Application)) => ChainEntry {
            how: "user-application".to_owned(),
            service: application.comm.clone(),
            account: act.print.accounts.first().cloned().unwrap_or_default(),
            technique: "T1566".to_owned(),
            confidence: 60,
            ..blank
        },
        None if act.print.session().is_some() => by_session(scene, act, blank),
        None if act.print.scheduled() => {
            ChainEntry { how: "scheduled".to_owned(), technique: "T1053.003".to_owned(), confidence: 40, ..blank }
        }
        None => blank,
    }
}

/// An alert about a line of a log: a login, or a request to a web server.
fn by_log(scene: &Scene<'_>, act: &Act<'_>, log: &Log, blank: ChainEntry) -> ChainEntry {
    let from =
        log.field("src_ip").or_else(|| log.field("c-ip")).or_else(|| log.field("remote_addr")).unwrap_or_default();
    let outside = from.parse::<IpAddr>().is_ok_and(|ip| scene.outside(ip.to_canonical()));
    let (from, account) = (from.to_owned(), log.field("user").unwrap_or_default().to_owned());
    match log.field("outcome") {
        Some("accepted" | "session") => {
            let technique = technique(scene, act).to_owned();
            let confidence = if outside { 85 } else { 55 };
            ChainEntry {
                how: "login".to_owned(),
                from,
                account,
                service: log.source.clone(),
                technique,
                confidence,
                ..blank
            }
        }
        // Attempts show where it knocks, and not that it came in.
        Some(_) => ChainEntry { from, account, technique: "T1110".to_owned(), confidence: 30, ..blank },
        None if act.tactic("initial-access") => ChainEntry {
            how: "exploited-service".to_owned(),
            from,
            service: log.source.clone(),
            technique: "T1190".to_owned(),
            confidence: if outside { 65 } else { 50 },
            ..blank
        },
        None => blank,
    }
}

/// Guessing before it makes a login one by force; a valid account else.
fn technique(scene: &Scene<'_>, act: &Act<'_>) -> &'static str {
    let guessed = scene.acts.iter().any(|other| {
        other.alert.agent == act.alert.agent && other.technique("T1110") && other.alert.time_us <= act.alert.time_us
    });
    if guessed { "T1110" } else { "T1078" }
}

fn by_service(scene: &Scene<'_>, act: &Act<'_>, service: &record::Process, blank: ChainEntry) -> ChainEntry {
    let began = act.print.own().map(|one| one.started_us).filter(|started| *started > service.started_us).min();
    let began = began.unwrap_or(act.alert.time_us);
    let asked = |seen: &&&Observed| {
        let accepts = matches!(&seen.event.activity, Activity::Net(net) if net.op() == NetOp::Accept);
        let requests = matches!(&seen.event.activity, Activity::Log(log) if log.field("outcome").is_none());
        let before = began.saturating_sub(seen.event.time_us);
        seen.agent == act.alert.agent && (accepts || requests) && (-1_000_000..=REQUEST_US).contains(&before)
    };
    let asking = scene.events.iter().filter(asked).filter_map(|seen| Some((seen, peer(&seen.event.activity)?)));
    let asking: Vec<(&&Observed, IpAddr)> = asking.filter(|(_, ip)| scene.outside(*ip)).collect();
    let mut from: Vec<IpAddr> = asking.iter().map(|(_, ip)| *ip).collect();
    from.sort_unstable();
    from.dedup();
    let mut evidence = blank.evidence.clone();
    // Of several who asked at that time none is named.
    let from = if let [only] = from[..] { only.to_string() } else { String::new() };
    if !from.is_empty() {
        evidence.extend(asking.iter().take(4).map(|(seen, _)| seen.id.clone()));
    }
    ChainEntry {
        how: "exploited-service".to_owned(),
        confidence: if from.is_empty() { 75 } else { 85 },
        from,
        service: service.comm.clone(),
        technique: "T1190".to_owned(),
        time_us: began.min(act.alert.time_us),
        evidence,
        ..blank
    }
}

fn peer(activity: &Activity) -> Option<IpAddr> {
    let ip = match activity {
        Activity::Net(net) => net.remote()?,
        Activity::Log(log) => log.field("src_ip").or_else(|| log.field("c-ip"))?.parse().ok()?,
        _ => return None,
    };
    Some(ip.to_canonical())
}

fn by_session(scene: &Scene<'_>, act: &Act<'_>, blank: ChainEntry) -> ChainEntry {
    let session = act.print.session().map(|session| session.started_us).filter(|started| *started > 0);
    let accepted = |seen: &&Observed| match &seen.event.activity {
        Activity::Log(log) if seen.agent == act.alert.agent => {
            matches!(log.field("outcome"), Some("accepted" | "session"))
        }
        _ => false,
    };
    let fits = |time_us: i64, user: Option<&str>| match session {
        Some(started) => started.abs_diff(time_us) <= SESSION_US.unsigned_abs(),
        None => {
            let before = act.alert.time_us.saturating_sub(time_us);
            let same = user.is_some_and(|user| act.print.accounts.iter().any(|account| account == user));
            (0..=LOGIN_US).contains(&before) && same
        }
    };
    let of_events = scene.events.iter().copied().filter(accepted).map(|seen| (seen.id.as_str(), &seen.event));
    let of_acts = scene.acts.iter().filter(|other| other.alert.agent == act.alert.agent);
    let of_acts = of_acts.filter_map(|other| other.event.as_ref().map(|event| (other.alert.id.as_str(), event)));
    let found = of_events.chain(of_acts).filter_map(|(id, event)| match &event.activity {
        Activity::Log(log) if matches!(log.field("outcome"), Some("accepted" | "session")) => {
            fits(event.time_us, log.field("user")).then_some((id, event.time_us, log))
        }
        _ => None,
    });
    let nearest = found.max_by_key(|(_, time_us, _)| *time_us);
    let Some((id, time_us, log)) = nearest else {
        let account = act.print.accounts.first().cloned().unwrap_or_default();
        let technique = technique(scene, act).to_owned();
        return ChainEntry { how: "login".to_owned(), account, technique, confidence: 50, ..blank };
    };
    let from = log.field("src_ip").unwrap_or_default().to_owned();
    let outside = from.parse::<IpAddr>().is_ok_and(|ip| scene.outside(ip.to_canonical()));
    let mut evidence = blank.evidence.clone();
    evidence.push(id.to_owned());
    ChainEntry {
        how: "login".to_owned(),
        from,
        account: log.field("user").unwrap_or_default().to_owned(),
        service: log.source.clone(),
        technique: technique(scene, act).to_owned(),
        time_us,
        confidence: if outside { 85 } else { 65 },
        evidence,
        ..blank
    }
}
