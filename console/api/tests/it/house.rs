//! A server made of fakes around the real router.

use api::access::{Role, Scope};
use api::account::Account;
use api::tables::{self, OpenOrder, StoredAlert};
use api::token::{self, Wish};
use api::view::{Agent, Draft, LedgerReport, Live, Scrubber, Status};
use api::{ApiState, Control};
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base::{Clock, Code, Fault, ManualClock, Random, Result, SeededRandom};
use http_body_util::BodyExt;
use port::{Column, MemoryTables, Query, QueryLimits, Rows, Tables, Trip, Write};
use record::{
    Activity, Alert, Batch, Entry, Event, Exec, Host, Incident, IncidentStatus, Order, Proc, Process, ProcessKey,
    Receipt, ReceiptState, Severity, Stage, Technique,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;
use tower::ServiceExt;

pub const NOW: i64 = 1_700_000_000_000_000;
pub const AGENT: &str = "0123456789abcdef0123456789abcdef";
pub const ALERT: &str = "0123456789abcdef0123456789abcdef-1-a-7";
pub const INCIDENT: &str = "INC-0123456789abcdef0123456789abcdef-1-a-7";
pub const ORDER: &str = "ord-one";

pub struct FakeControl {
    pub tables: Arc<MemoryTables>,
    pub seals: Mutex<Vec<Draft>>,
    pub given: Mutex<Vec<Order>>,
    pub repeated: Mutex<u32>,
    pub closed: Mutex<Vec<String>>,
    pub denied: Mutex<Vec<String>>,
    pub sender: broadcast::Sender<Live>,
    pub status_fault: Mutex<Option<&'static Code>>,
    pub trip: Trip,
}

#[async_trait]
impl Control for FakeControl {
    async fn give(&self, order: Order, intent: Draft) -> Result<Order> {
        self.trip.pass("give")?;
        if self.tables.get(tables::ORDERS, &order.id).await?.is_some() {
            *self.repeated.lock().unwrap() += 1;
            return Ok(order);
        }
        self.tables.commit(OpenOrder { order: order.clone(), since_us: NOW }.writes()).await?;
        self.seals.lock().unwrap().push(intent);
        self.given.lock().unwrap().push(order.clone());
        Ok(order)
    }

    async fn status(&self) -> Result<Status> {
        self.trip.pass("status")?;
        if let Some(code) = *self.status_fault.lock().unwrap() {
            return Err(Fault::new(code).object("thing").because("a secret cause"));
        }
        let agent = |id: &str, host: &str| Agent { id: id.into(), host: host.into(), ..Agent::default() };
        let agents = vec![agent(AGENT, "web-1"), agent(&"f".repeat(32), "db-1")];
        Ok(Status { version: "0.1.0".into(), time_us: NOW, agents, ..Status::default() })
    }

    fn scrubbers(&self) -> Vec<Scrubber> {
        let status = serde_json::json!({"time_us": NOW, "destinations": [{"name": "shop", "level": "prove"}]});
        vec![Scrubber { agent: AGENT.into(), host: "edge-1".into(), connected: true, time_us: NOW, status }]
    }

    async fn seal(&self, draft: Draft) -> Result<Entry> {
        self.trip.pass("seal")?;
        let mut seals = self.seals.lock().unwrap();
        seals.push(draft.clone());
        Ok(entry(seals.len() as u64, &draft))
    }

    async fn ledger_page(&self, after: u64, limit: usize) -> Result<Vec<Entry>> {
        let seals = self.seals.lock().unwrap();
        let entries = seals.iter().enumerate().map(|(index, draft)| entry(index as u64 + 1, draft));
        Ok(entries.filter(|entry| entry.seq > after).take(limit).collect())
    }

    async fn ledger_verify(&self) -> Result<LedgerReport> {
        Ok(LedgerReport { entries: 3, intact: true, head: "ab".repeat(32), ..LedgerReport::default() })
    }

    fn subscribe(&self) -> broadcast::Receiver<Live> {
        self.sender.subscribe()
    }

    async fn enroll_token(&self, group: &str, uses: u32, ttl_s: u64) -> Result<String> {
        self.trip.pass("enroll")?;
        Ok(format!("enrol-{group}-{uses}-{ttl_s}"))
    }

    async fn deny_agent(&self, agent: &str, _reason: &str) -> Result<()> {
        self.trip.pass("deny")?;
        self.denied.lock().unwrap().push(agent.into());
        Ok(())
    }

    async fn chain(&self, id: &str) -> Result<record::Chain> {
        self.trip.pass("chain")?;
        let incident = tables::incident(&*self.tables, id).await?;
        Ok(record::Chain {
            incident: incident.id,
            title: incident.title,
            severity: incident.severity,
            status: incident.status,
            first_us: incident.first_us,
            last_us: incident.last_us,
            drill: incident.drill,
            nodes: Vec::new(),
            edges: Vec::new(),
            entry: None,
            spread: Vec::new(),
            control: Vec::new(),
            impact: Vec::new(),
            joins: Vec::new(),
            actors: Vec::new(),
            cut: false,
        })
    }

    async fn incident_closed(&self, id: &str) -> Result<()> {
        self.closed.lock().unwrap().push(id.into());
        Ok(())
    }
}

fn entry(seq: u64, draft: &Draft) -> Entry {
    Entry {
        seq,
        time_us: NOW,
        who: draft.who.clone(),
        what: draft.what.clone(),
        object: draft.object.clone(),
        details: draft.details.to_string(),
        previous: "0".repeat(64),
        hash: "0".repeat(64),
    }
}

/// A lake that remembers what it was asked and holds events of the given milliseconds.
#[derive(Default)]
pub struct FakeQuery {
    pub asked: Mutex<Vec<String>>,
    pub times: Vec<i64>,
}

#[async_trait]
impl Query for FakeQuery {
    async fn sql(&self, statement: &str, limits: QueryLimits) -> Result<Rows> {
        self.asked.lock().unwrap().push(statement.into());
        let column = Column { name: "n".into(), kind: "Int64".into() };
        Ok(Rows { columns: vec![column], rows: vec![vec![limits.rows.into()]], cut: false })
    }

    async fn tables(&self) -> Result<Vec<(String, Vec<Column>)>> {
        Ok(vec![("events".into(), vec![Column { name: "time".into(), kind: "Timestamp".into() }])])
    }

    async fn events(&self, condition: &str, limit: usize) -> Result<Vec<Value>> {
        self.asked.lock().unwrap().push(condition.into());
        let before = condition.split("time < '").nth(1).map_or(i64::MAX, |rest| {
            let digits: String = rest.split('Z').next().unwrap().chars().skip(20).collect();
            digits.parse().unwrap_or(0)
        });
        let events = self.times.iter().enumerate().filter(|(_, time)| **time < before);
        Ok(events.take(limit).map(|(uid, time)| json!({"time": time, "metadata": {"uid": uid}})).collect())
    }
}

pub struct House {
    pub tables: Arc<MemoryTables>,
    pub control: Arc<FakeControl>,
    pub query: Arc<FakeQuery>,
    pub clock: Arc<ManualClock>,
    pub random: Arc<SeededRandom>,
    pub router: Router,
}

/// An answer read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or("")
    }
}

impl House {
    pub fn new() -> House {
        House::with_events(Vec::new())
    }

    pub fn with_events(times: Vec<i64>) -> House {
        let tables = Arc::new(MemoryTables::default());
        let control = Arc::new(FakeControl {
            tables: tables.clone(),
            seals: Mutex::default(),
            given: Mutex::default(),
            repeated: Mutex::default(),
            closed: Mutex::default(),
            denied: Mutex::default(),
            sender: broadcast::channel(4).0,
            status_fault: Mutex::default(),
            trip: Trip::default(),
        });
        let query = Arc::new(FakeQuery { times, ..FakeQuery::default() });
        let clock = Arc::new(ManualClock::at(NOW));
        let random = Arc::new(SeededRandom::new(7));
        let state = ApiState::new(control.clone(), tables.clone(), query.clone(), clock.clone(), random.clone())
            .with_intelligence(Arc::new(crate::intelligence::Agreeable))
            .with_rules(Arc::new(crate::rules::Agreeable))
            .with_posture(Arc::new(crate::posture::Agreeable))
            .with_web(Arc::new(crate::web::Agreeable))
            .with_addresses(Arc::new(crate::pool::Agreeable));
        House { tables, control, query, clock, random, router: api::router(state) }
    }

    /// An account with these roles (no password) and a token of it with these scopes.
    pub async fn token(&self, roles: &[Role], scopes: &[Scope]) -> String {
        let mut number = [0; 2];
        self.random.fill(&mut number);
        let name = format!("user{}", u16::from_le_bytes(number));
        self.account(&name, roles).await;
        let wish = Wish { name: "test".into(), owner: name, scopes: scopes.into(), life_s: 3600 };
        token::issue(&*self.tables, &*self.random, &*self.clock, wish).await.unwrap().1
    }

    pub async fn account(&self, name: &str, roles: &[Role]) {
        let account = Account {
            name: name.into(),
            hash: String::new(),
            roles: roles.into(),
            must_change: false,
            epoch: 1,
            created_us: self.clock.wall(),
        };
        let value = serde_json::to_vec(&account).unwrap().into();
        self.tables.commit(vec![Write::Put { table: tables::ACCOUNTS, key: name.into(), value }]).await.unwrap();
    }

    /// A token that may do everything.
    pub async fn master(&self) -> String {
        self.token(Role::ALL, Scope::ALL).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(request("GET", path, token, None)).await
    }

    pub async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.send(request("POST", path, token, Some(body))).await
    }

    pub fn sealed(&self) -> Vec<String> {
        self.control.seals.lock().unwrap().iter().map(|draft| draft.what.clone()).collect()
    }

    /// One incident with one alert about `sh` below `nginx`, one verified order, and all that is stored of them.
    pub async fn furnish(&self) {
        let incident = incident();
        let receipt = Receipt {
            order: ORDER.into(),
            agent: AGENT.into(),
            state: ReceiptState::Verified as i32,
            time_us: NOW + 300,
            touched: vec!["sh (77)".into()],
            ..Receipt::default()
        };
        let mut writes = StoredAlert::new(alert(), json!({"class_uid": 2004})).writes();
        writes.extend(tables::incident_writes(&incident));
        writes.extend(tables::order_writes(&order()));
        writes.extend(tables::receipt_writes(&receipt));
        self.tables.commit(writes).await.unwrap();
    }
}

pub fn request(method: &str, path: &str, token: &str, body: Option<Value>) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    match body {
        None => builder.body(Body::empty()).unwrap(),
        Some(body) => builder.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap(),
    }
}

pub fn alert() -> Alert {
    let process = |pid, parent_key, comm: &str| Process {
        key: ProcessKey::from_ticks(pid, 31).0,
        parent_key,
        comm: comm.into(),
        cmd_line: format!("{comm} -c x"),
        ..Process::default()
    };
    let parent = Proc::new(process(70, 0, "nginx"), None);
    let child = Proc::new(process(77, parent.info.key, "sh"), Some(parent));
    let event = Event { seq: 1, time_us: NOW, process: Some(child), activity: Activity::Exec(Exec::default()) };
    Alert {
        id: ALERT.into(),
        rule: "rule-1".into(),
        title: "Shell below a web server".into(),
        title_zh: "Web 服务下的 shell".into(),
        severity: Severity::High as i32,
        techniques: vec![Technique { id: "T1059.004".into(), tactics: vec!["execution".into()] }],
        time_us: NOW,
        decided_us: NOW + 90,
        agent: AGENT.into(),
        evidence: Batch::pack(Host { name: "web-1".into(), ..Host::default() }, [&event]),
        ..Alert::default()
    }
}

pub fn incident() -> Incident {
    Incident {
        id: INCIDENT.into(),
        title: "Shell below a web server".into(),
        severity: Severity::High,
        status: IncidentStatus::Open,
        first_us: NOW,
        last_us: NOW,
        hosts: vec![AGENT.into()],
        accounts: vec!["www-data".into()],
        processes: vec![format!("{AGENT}:1f.77")],
        stages: vec![Stage {
            tactic: "execution".into(),
            techniques: vec!["T1059.004".into()],
            first_us: NOW,
            alerts: vec![ALERT.into()],
        }],
        alerts: vec![ALERT.into()],
        orders: vec![ORDER.into()],
        reasons: vec!["first".into()],
        drill: String::new(),
        joins: Vec::new(),
    }
}

pub fn order() -> Order {
    let freeze = record::ActionKind::Freeze as i32;
    Order {
        id: ORDER.into(),
        agent: AGENT.into(),
        action: freeze,
        mode: record::OrderMode::Apply as i32,
        parameters: [("process".to_string(), "1f.77".to_string())].into(),
        lease_s: 600,
        by: "rule-1".into(),
        origin: record::Origin::Rule as i32,
        incident: INCIDENT.into(),
        alert: ALERT.into(),
        issued_us: NOW + 100,
        ..Order::default()
    }
}
