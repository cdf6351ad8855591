//! An incident that can still grow: its members, from which the record is derived.

use crate::index::{Key, Place};
use crate::limits::{TECHNIQUES, TITLE_BYTES, WORD_BYTES};
use crate::print::Print;
use crate::sight::Sight;
use crate::tactic;
use record::{Alert, Incident, IncidentStatus, Join, Severity, Stage, Technique};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// So many tactics in one process tree, said by so many rules, make an incident critical: single alerts may be mistakes,
/// and one rule may name three tactics; a chain is neither.
const CHAIN: usize = 3;

/// Most ties between hosts kept of one incident.
const JOINS: usize = 128;

/// One alert of an incident, as much of it as the incident needs.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Member {
    pub alert: String,
    /// Empty in what an older version saved.
    #[serde(default)]
    pub rule: String,
    pub title: String,
    pub agent: String,
    pub host: String,
    pub account: String,
    pub process: String,
    pub time_us: i64,
    pub severity: Severity,
    pub techniques: Vec<Technique>,
    /// Number of the process tree within the incident.
    pub tree: u32,
    pub reason: String,
    /// For joins over hosts, so that they hold over a restart.
    #[serde(default)]
    pub print: Option<Print>,
}

/// An order for it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Given {
    pub order: String,
    /// Whether it stops something, rather than looks at it.
    pub contains: bool,
    /// The order that it takes back, empty when it takes none back.
    pub undoes: String,
    /// Whether it stands: read back and not taken back since.
    pub stands: bool,
}

/// What the correlator knows of one incident.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Track {
    pub id: String,
    pub drill: String,
    /// When it was made and last grown, in alerts observed: the order of age, independent of clocks.
    pub born: u64,
    pub grown: u64,
    pub status: IncidentStatus,
    /// When it was contained, µs; what happens later opens it again.
    pub contained_us: i64,
    pub members: Vec<Member>,
    pub orders: Vec<Given>,
    /// Keys it has in the index, the oldest first.
    pub keys: VecDeque<Key>,
    pub trees: u32,
    /// What ties its hosts.
    #[serde(default)]
    pub joins: Vec<Join>,
}

/// A track with its keys, to be kept over a restart.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    pub(crate) track: Track,
    pub(crate) places: Vec<(Key, Place)>,
}

impl Saved {
    /// The incident it is about.
    pub fn id(&self) -> &str {
        &self.track.id
    }
}

impl Track {
    pub fn new(id: String, drill: &str, tick: u64) -> Track {
        Track {
            id,
            drill: drill.to_owned(),
            born: tick,
            grown: tick,
            status: IncidentStatus::Open,
            contained_us: 0,
            members: Vec::new(),
            orders: Vec::new(),
            keys: VecDeque::new(),
            trees: 0,
            joins: Vec::new(),
        }
    }

    /// Adds an alert. `kin` are members of the same process tree: their trees become one.
    pub fn add(&mut self, id: &str, alert: &Alert, sight: &Sight, kin: &BTreeSet<String>, reason: String) {
        let trees: BTreeSet<u32> =
            self.members.iter().filter(|member| kin.contains(&member.alert)).map(|member| member.tree).collect();
        let tree = trees.first().copied().unwrap_or(self.trees);
        self.trees = self.trees.max(tree + 1);
        for member in self.members.iter_mut().filter(|member| trees.contains(&member.tree)) {
            member.tree = tree;
        }
        self.members.push(Member {
            alert: id.to_owned(),
            rule: cut(&alert.rule, WORD_BYTES),
            title: cut(&alert.title, TITLE_BYTES),
            agent: sight.agent.clone(),
            host: sight.host.clone(),
            account: sight.account.clone(),
            process: sight.process.clone(),
            time_us: sight.time_us,
            severity: sight.severity,
            techniques: techniques(alert),
            tree,
            reason,
            print: Some(sight.print.clone()),
        });
        if self.status == IncidentStatus::Contained && sight.time_us > self.contained_us {
            self.status = IncidentStatus::Open;
        }
    }

    /// Takes in a younger incident.
    pub fn absorb(&mut self, younger: Track) {
        for mut member in younger.members {
            member.tree += self.trees;
            if member.reason == FIRST {
                member.reason = format!("{FIRST} of {}, merged", younger.id);
            }
            self.members.push(member);
        }
        self.trees += younger.trees;
        self.orders.extend(younger.orders);
        for join in younger.joins {
            self.tie(join);
        }
        self.grown = self.grown.max(younger.grown);
        // A part that is not contained leaves the whole open.
        if younger.status == IncidentStatus::Open {
            self.status = IncidentStatus::Open;
        }
    }

    /// What its members leave behind for joins over hosts.
    pub fn prints(&self) -> impl Iterator<Item = &Print> {
        self.members.iter().filter_map(|member| member.print.as_ref())
    }

    /// The alert at which a join showed that two incidents are one tells it.
    pub fn told(&mut self, alert: &str, join: &Join) {
        if let Some(member) = self.members.iter_mut().find(|member| member.alert == alert)
            && !member.reason.contains(&join.reason)
            && member.reason.len() < TITLE_BYTES
        {
            member.reason = format!("{}; {}", member.reason, join.reason);
        }
    }

    /// Notes what ties two of its hosts; whether it is new. One reason of one kind for two hosts and one value: the
    /// surest, the earlier of two that are as sure.
    pub fn tie(&mut self, join: Join) -> bool {
        let ends = |join: &Join| {
            let (from, to) = (join.from.clone(), join.to.clone());
            if join.kind.directed() || from <= to { (from, to) } else { (to, from) }
        };
        let same =
            |known: &&mut Join| known.kind == join.kind && known.value == join.value && ends(known) == ends(&join);
        if let Some(known) = self.joins.iter_mut().find(same) {
            let surer = join.confidence > known.confidence;
            if surer {
                *known = join;
            }
            return surer;
        }
        let room = self.joins.len() < JOINS;
        if room {
            self.joins.push(join);
        }
        room
    }

    /// Whether an order stands. When the last one is taken back the incident is open again.
    pub fn stands(&mut self, order: &str, stands: bool) {
        let given = self.orders.iter_mut().find(|given| given.order == order);
        let stood = given.is_some_and(|given| std::mem::replace(&mut given.stands, stands));
        if stood && !stands && !self.orders.iter().any(|given| given.stands) {
            self.status = IncidentStatus::Open;
        }
    }

    /// The record.
    pub fn incident(&self) -> Incident {
        let mut members: Vec<&Member> = self.members.iter().collect();
        members.sort_by(|one, other| (one.time_us, &one.alert).cmp(&(other.time_us, &other.alert)));
        let texts = |pick: fn(&Member) -> &String| unique(members.iter().map(|member| pick(member)));
        Incident {
            id: self.id.clone(),
            title: title(&members),
            severity: self.severity(),
            status: self.status,
            first_us: members.first().map_or(0, |member| member.time_us),
            last_us: members.last().map_or(0, |member| member.time_us),
            hosts: texts(|member| &member.agent),
            accounts: texts(|member| &member.account),
            processes: texts(|member| &member.process),
            stages: stages(&members),
            alerts: members.iter().map(|member| member.alert.clone()).collect(),
            orders: self.orders.iter().map(|given| given.order.clone()).collect(),
            reasons: members.iter().map(|member| member.reason.clone()).collect(),
            drill: self.drill.clone(),
            joins: self.joins.clone(),
        }
    }

    fn severity(&self) -> Severity {
        let worst = self.members.iter().map(|member| member.severity).max().unwrap_or(Severity::Unknown);
        let mut trees: BTreeMap<u32, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
        for member in &self.members {
            let tactics = member.techniques.iter().flat_map(|technique| &technique.tactics);
            let known: Vec<&str> = tactics.map(String::as_str).filter(|tactic| tactic::known(tactic)).collect();
            let (tactics, rules) = trees.entry(member.tree).or_default();
            if !known.is_empty() {
                rules.insert(&member.rule);
            }
            tactics.extend(known);
        }
        let chain = trees.values().any(|(tactics, rules)| tactics.len() >= CHAIN && rules.len() >= CHAIN);
        if chain { Severity::Critical } else { worst }
    }
}

/// A text cut at a character.
fn cut(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

/// The techniques of an alert, within bounds.
fn techniques(alert: &Alert) -> Vec<Technique> {
    let one = |technique: &Technique| Technique {
        id: cut(&technique.id, WORD_BYTES),
        tactics: technique.tactics.iter().take(TECHNIQUES).map(|tactic| cut(tactic, WORD_BYTES)).collect(),
    };
    alert.techniques.iter().take(TECHNIQUES).map(one).collect()
}

/// Reason of the alert that made the incident.
pub(crate) const FIRST: &str = "first alert";

/// The worst alert, the earliest of those, and where.
fn title(members: &[&Member]) -> String {
    let worst = members.iter().map(|member| member.severity).max();
    let Some(lead) = members.iter().find(|member| Some(member.severity) == worst) else { return String::new() };
    let hosts = unique(members.iter().map(|member| &member.host)).len();
    match hosts {
        0 | 1 => format!("{} on {}", lead.title, lead.host),
        2 => format!("{} on {} and another host", lead.title, lead.host),
        _ => format!("{} on {} and {} other hosts", lead.title, lead.host, hosts - 1),
    }
}

/// Stages in the order of the attack. A technique of two tactics stands in both; an alert without any in none.
fn stages(members: &[&Member]) -> Vec<Stage> {
    let mut stages: BTreeMap<(usize, &str), Stage> = BTreeMap::new();
    for member in members {
        for technique in &member.techniques {
            for name in technique.tactics.iter().filter(|name| !name.is_empty()) {
                let stage = stages.entry((tactic::rank(name), name)).or_insert_with(|| Stage {
                    tactic: name.clone(),
                    techniques: Vec::new(),
                    first_us: member.time_us,
                    alerts: Vec::new(),
                });
                push(&mut stage.techniques, &technique.id);
                push(&mut stage.alerts, &member.alert);
            }
        }
    }
    stages.into_values().collect()
}

fn push(list: &mut Vec<String>, text: &String) {
    if !text.is_empty() && !list.contains(text) {
        list.push(text.clone());
    }
}

/// Each text once, in the order of first appearance, without empty ones.
fn unique<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<String> {
    let mut list = Vec::new();
    texts.for_each(|text| push(&mut list, text));
    list
}
