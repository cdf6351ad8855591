//! From records to columns: what arrives in one frame becomes at most one chunk a family.

use crate::cell::{self, Cell, Type, Value};
use crate::config::Arrived;
use crate::image::{Home, ImageTable};
use crate::{Family, fault, schema};
use base::Result;
use datafusion::arrow::array::{
    ArrayRef, BinaryViewBuilder, BooleanBuilder, Float64Builder, RecordBatch, StringViewBuilder,
    TimestampMicrosecondBuilder, UInt32Builder, UInt64Array, UInt64Builder,
};
use datafusion::arrow::buffer::Buffer;
use prost::Message;
use record::{Activity, AgentId, Alert, Event, EventId, Host, Lane, Proc, Runs, Sample, Severity, WireEvent};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows of one family from one frame, with the images that they point at.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) rows: RecordBatch,
    pub(crate) images: Arc<ImageTable>,
    pub(crate) home: Home,
}

/// Between two executables in the column `ancestors`.
const BELOW: &str = " < ";

/// Where records come from: the same for all of a frame.
pub(crate) struct Source {
    agent: AgentId,
    boot: u64,
    lane: Lane,
    host: Host,
}

/// A frame whose every record has its number.
pub(crate) struct Numbered {
    source: Source,
    events: Vec<Event>,
    alerts: Vec<(u64, Alert)>,
    samples: Vec<(u64, Sample)>,
}

impl Numbered {
    /// Numbers alerts from their ids, else after the events, and samples as the last of the frame. Alerts that came without
    /// an id get one.
    pub(crate) fn of(arrived: Arrived) -> Numbered {
        let (first, last) = (arrived.first_seq, arrived.last_seq());
        let Arrived { agent, boot, lane, host, events, alerts, samples, .. } = arrived;
        let after_events = first.saturating_add(events.len() as u64);
        let numbered = |(index, mut alert): (u64, Alert)| {
            let named = alert.id.parse::<EventId>().ok().filter(|id| (first..=last).contains(&id.seq));
            let seq = named.map_or(after_events.saturating_add(index), |id| id.seq);
            if alert.id.is_empty() {
                alert.id = EventId { agent, boot, lane, seq }.to_string();
            }
            (seq, alert)
        };
        let first_sample = last.saturating_add(1).saturating_sub(samples.len() as u64);
        Numbered {
            alerts: (0..).zip(alerts).map(numbered).collect(),
            samples: (first_sample..).zip(samples).collect(),
            source: Source { agent, boot, lane, host },
            events,
        }
    }

    fn records(&self) -> usize {
        self.events.len() + self.alerts.len() + self.samples.len()
    }

    /// Drops records whose number was taken before; answers how many.
    pub(crate) fn drop_taken(&mut self, taken: &Runs) -> usize {
        let before = self.records();
        self.events.retain(|event| !taken.contains(event.seq));
        self.alerts.retain(|(seq, _)| !taken.contains(*seq));
        self.samples.retain(|(seq, _)| !taken.contains(*seq));
        before - self.records()
    }
}

/// Turns a frame's records into chunks. `number` is new for every call.
pub(crate) fn chunks(frame: Numbered, number: u64) -> Result<Vec<(Family, Chunk)>> {
    let Numbered { source, events, alerts, samples: metrics } = frame;
    let home = Home { in_memory: true, number };
    let mut images = Images::default();
    let mut tables: Vec<Option<EventRows>> = Family::EVENTS.iter().map(|_| None).collect();
    for event in events {
        let family = Family::of(event.kind());
        let rows = tables[family as usize].get_or_insert_with(|| EventRows::new(family));
        let (index, ancestors) = images.place(event.process.as_ref());
        rows.push(event, home.place(index), ancestors);
    }
    let images = Arc::new(ImageTable::of_chunk(&source.host, images.procs));
    let mut chunks = Vec::new();
    let mut add = |family, rows: RecordBatch| chunks.push((family, Chunk { rows, images: images.clone(), home }));
    for rows in tables.into_iter().flatten() {
        add(rows.family, rows.finish(&source)?);
    }
    if !alerts.is_empty() {
        add(Family::Finding, findings(&source, &alerts)?);
    }
    if !metrics.is_empty() {
        add(Family::Sample, samples(&source, &metrics)?);
    }
    Ok(chunks)
}

/// The processes of a frame, each once, with the text of its ancestors.
#[derive(Default)]
struct Images {
    procs: Vec<Option<Arc<Proc>>>,
    ancestors: Vec<String>,
    places: HashMap<usize, u32>,
}

impl Images {
    fn place(&mut self, proc: Option<&Arc<Proc>>) -> (u32, &str) {
        let pointer = proc.map_or(0, |proc| Arc::as_ptr(proc) as usize);
        let (procs, texts) = (&mut self.procs, &mut self.ancestors);
        let index = *self.places.entry(pointer).or_insert_with(|| {
            procs.push(proc.cloned());
            texts.push(proc.map_or(String::new(), |proc| ancestors(proc)));
            procs.len() as u32 - 1
        });
        (index, &self.ancestors[index as usize])
    }
}

/// Executables of the ancestors, nearest first.
fn ancestors(proc: &Proc) -> String {
    let mut text = String::new();
    for ancestor in proc.ancestors() {
        if !text.is_empty() {
            text.push_str(BELOW);
        }
        text.push_str(&ancestor.info.exe.path);
    }
    text
}

fn strings() -> StringViewBuilder {
    StringViewBuilder::new().with_deduplicate_strings()
}

fn times() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("+00:00")
}

/// `None` where empty, so that a query says `IS NULL` and nothing is stored.
fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The same text in every row, stored once.
fn same(text: &str, rows: usize) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::new();
    let block = builder.append_block(Buffer::from(text.as_bytes()));
    for _ in 0..rows {
        let appended = builder.try_append_view(block, 0, text.len() as u32);
        appended.map_err(|error| fault::of_bug("text column", error))?;
    }
    Ok(Arc::new(builder.finish()))
}

/// The columns that every table begins with.
fn head(source: &Source, mut time: TimestampMicrosecondBuilder, mut seq: UInt64Builder) -> Result<Vec<ArrayRef>> {
    let seq = seq.finish();
    let rows = seq.len();
    let boot = UInt64Array::from_value(source.boot, rows);
    Ok(vec![
        Arc::new(time.finish()),
        same(&source.agent.to_string(), rows)?,
        same(&source.host.name, rows)?,
        Arc::new(boot),
        same(source.lane.letter(), rows)?,
        Arc::new(seq),
    ])
}

fn batch(family: Family, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema::of(family), columns).map_err(|error| fault::of_bug(family.word(), error))
}

/// A column of cells.
enum Builder {
    Text(StringViewBuilder),
    Small(UInt32Builder),
    Large(UInt64Builder),
    Flag(BooleanBuilder),
}

impl Builder {
    fn new(cell: Cell) -> Builder {
        match cell.describe().1 {
            Type::Text => Builder::Text(strings()),
            Type::Small => Builder::Small(UInt32Builder::new()),
            Type::Large => Builder::Large(UInt64Builder::new()),
            Type::Flag => Builder::Flag(BooleanBuilder::new()),
        }
    }

    fn push(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Builder::Text(builder), Value::Text(text)) => builder.append_value(text),
            (Builder::Small(builder), Value::Number(number)) => builder.append_value(*number as u32),
            (Builder::Large(builder), Value::Number(number)) => builder.append_value(*number),
            (Builder::Flag(builder), Value::Flag(flag)) => builder.append_value(*flag),
            (Builder::Text(builder), _) => builder.append_null(),
            (Builder::Small(builder), _) => builder.append_null(),
            (Builder::Large(builder), _) => builder.append_null(),
            (Builder::Flag(builder), _) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Builder::Text(mut builder) => Arc::new(builder.finish()),
            Builder::Small(mut builder) => Arc::new(builder.finish()),
            Builder::Large(mut builder) => Arc::new(builder.finish()),
            Builder::Flag(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// Rows of one event table.
struct EventRows {
    family: Family,
    time: TimestampMicrosecondBuilder,
    seq: UInt64Builder,
    kind: StringViewBuilder,
    class: UInt32Builder,
    pid: UInt32Builder,
    keys: [UInt64Builder; 2],
    /// exe, cmd_line, user, container, ancestors.
    texts: [StringViewBuilder; 5],
    uid: UInt32Builder,
    cells: Vec<Builder>,
    image: UInt64Builder,
    rest: BinaryViewBuilder,
}

impl EventRows {
    fn new(family: Family) -> EventRows {
        EventRows {
            family,
            time: times(),
            seq: UInt64Builder::new(),
            kind: strings(),
            class: UInt32Builder::new(),
            pid: UInt32Builder::new(),
            keys: [UInt64Builder::new(), UInt64Builder::new()],
            texts: std::array::from_fn(|_| strings()),
            uid: UInt32Builder::new(),
            cells: schema::cells(family).iter().copied().map(Builder::new).collect(),
            image: UInt64Builder::new(),
            rest: BinaryViewBuilder::new(),
        }
    }

    fn push(&mut self, event: Event, place: u64, ancestors: &str) {
        self.time.append_value(event.time_us);
        self.seq.append_value(event.seq);
        self.kind.append_value(event.kind().word());
        self.class.append_value(record::ocsf::class_uid(&event.activity).0);
        let info = event.process.as_deref().map(|proc| &proc.info);
        self.pid.append_option(info.map(|info| info.pid()));
        self.keys[0].append_option(info.map(|info| info.key));
        self.keys[1].append_option(info.map(|info| info.parent_key).filter(|key| *key != 0));
        let texts =
            info.map_or([""; 5], |info| [&info.exe.path, &info.cmd_line, &info.user.name, &info.container, ancestors]);
        for (builder, text) in self.texts.iter_mut().zip(texts) {
            builder.append_option(filled(text));
        }
        self.uid.append_option(info.map(|info| info.user.uid));
        self.push_activity(event.activity);
        self.image.append_value(place);
    }

    /// Moves what has a column out of the activity; what is left is the rest. No cell reads what another one holds.
    fn push_activity(&mut self, mut activity: Activity) {
        for (builder, cell) in self.cells.iter_mut().zip(schema::cells(self.family)) {
            let value = cell::read(&activity, *cell);
            builder.push(&value);
            if value != Value::None {
                cell::write(&mut activity, *cell, Value::None);
            }
        }
        if activity == cell::empty(activity.kind()) {
            self.rest.append_null();
        } else {
            self.rest.append_value(encode_rest(activity));
        }
    }

    fn finish(mut self, source: &Source) -> Result<RecordBatch> {
        let mut columns = head(source, self.time, self.seq)?;
        let [exe, cmd_line, user, container, ancestors] = &mut self.texts;
        let [process_key, parent_key] = &mut self.keys;
        columns.extend::<[ArrayRef; 11]>([
            Arc::new(self.kind.finish()),
            Arc::new(self.class.finish()),
            Arc::new(self.pid.finish()),
            Arc::new(process_key.finish()),
            Arc::new(parent_key.finish()),
            Arc::new(exe.finish()),
            Arc::new(cmd_line.finish()),
            Arc::new(user.finish()),
            Arc::new(self.uid.finish()),
            Arc::new(container.finish()),
            Arc::new(ancestors.finish()),
        ]);
        columns.extend(self.cells.into_iter().map(Builder::finish));
        columns.push(Arc::new(self.image.finish()));
        columns.push(Arc::new(self.rest.finish()));
        batch(self.family, columns)
    }
}

/// What has no column, as protobuf: exact for every field there is or will be, and smaller than JSON (decision 004).
fn encode_rest(left: Activity) -> Vec<u8> {
    WireEvent { time_us: 0, process: 0, activity: Some(left) }.encode_to_vec()
}

fn findings(source: &Source, alerts: &[(u64, Alert)]) -> Result<RecordBatch> {
    let (mut time, mut seq, mut decided) = (times(), UInt64Builder::new(), times());
    // id, rule, rule_version, title, title_zh, severity, techniques, tactics, drill, exe, cmd_line, user, container.
    let mut texts: [StringViewBuilder; 13] = std::array::from_fn(|_| strings());
    let (mut severity, mut key, mut whole) = (UInt32Builder::new(), UInt64Builder::new(), BinaryViewBuilder::new());
    for (number, alert) in alerts {
        time.append_value(alert.time_us);
        seq.append_value(*number);
        decided.append_value(alert.decided_us);
        severity.append_value(alert.severity.max(0) as u32);
        let process = evidence(alert);
        key.append_option(process.map(|process| process.key));
        let values = finding_texts(alert, process);
        for (builder, text) in texts.iter_mut().zip(&values) {
            builder.append_option(filled(text));
        }
        whole.append_value(alert.encode_to_vec());
    }
    let mut texts = texts.map(|mut builder| Arc::new(builder.finish()) as ArrayRef).into_iter();
    let mut columns = head(source, time, seq)?;
    columns.extend(texts.by_ref().take(6));
    columns.push(Arc::new(severity.finish()));
    columns.extend(texts.by_ref().take(2));
    columns.push(Arc::new(decided.finish()));
    columns.extend(texts);
    columns.push(Arc::new(key.finish()));
    columns.push(Arc::new(whole.finish()));
    batch(Family::Finding, columns)
}

/// The process of the event that an alert is about.
fn evidence(alert: &Alert) -> Option<&record::Process> {
    let place = alert.evidence.events.first()?.process;
    Some(&alert.evidence.processes.get((place as usize).checked_sub(1)?)?.info)
}

fn finding_texts(alert: &Alert, process: Option<&record::Process>) -> [String; 13] {
    let severity = Severity::try_from(alert.severity).unwrap_or(Severity::Unknown).word();
    let mut tactics: Vec<&str> = Vec::new();
    for tactic in alert.techniques.iter().flat_map(|technique| &technique.tactics) {
        if !tactics.contains(&tactic.as_str()) {
            tactics.push(tactic);
        }
    }
    let techniques: Vec<&str> = alert.techniques.iter().map(|technique| technique.id.as_str()).collect();
    let of = |read: fn(&record::Process) -> &String| process.map_or(String::new(), |process| read(process).clone());
    [
        alert.id.clone(),
        alert.rule.clone(),
        alert.rule_version.clone(),
        alert.title.clone(),
        alert.title_zh.clone(),
        severity.to_string(),
        techniques.join(" "),
        tactics.join(" "),
        alert.drill.clone(),
        of(|process| &process.exe.path),
        of(|process| &process.cmd_line),
        of(|process| &process.user.name),
        of(|process| &process.container),
    ]
}

fn samples(source: &Source, samples: &[(u64, Sample)]) -> Result<RecordBatch> {
    let (mut time, mut seq, mut metric) = (times(), UInt64Builder::new(), UInt32Builder::new());
    let (mut name, mut label, mut value, mut cost) =
        (strings(), strings(), Float64Builder::new(), UInt64Builder::new());
    for (number, Sample { time_us, metrics, cost_us }) in samples {
        for one in metrics {
            time.append_value(*time_us);
            seq.append_value(*number);
            metric.append_value(one.id);
            name.append_value(&one.name);
            label.append_option(filled(&one.label));
            value.append_value(one.value);
            cost.append_value(*cost_us);
        }
    }
    let mut columns = head(source, time, seq)?;
    columns.extend::<[ArrayRef; 5]>([
        Arc::new(metric.finish()),
        Arc::new(name.finish()),
        Arc::new(label.finish()),
        Arc::new(value.finish()),
        Arc::new(cost.finish()),
    ]);
    batch(Family::Sample, columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;
    use kit::synthetic::Stream;
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::TestRunner;
    use serde_json::{Map, Value as Json};

    /// What of a JSON object differs from that of the empty activity: the fields that `rest` would hold.
    fn difference(whole: &Json, empty: &Json) -> Option<Json> {
        let (Json::Object(fields), Json::Object(known)) = (whole, empty) else {
            return (whole != empty).then(|| whole.clone());
        };
        let mut left = Map::new();
        for (name, value) in fields {
            let differs = difference(value, known.get(name).unwrap_or(&Json::Null));
            left.extend(differs.map(|value| (name.clone(), value)));
        }
        (!left.is_empty()).then_some(Json::Object(left))
    }

    /// Rows with residual fields, their bytes as protobuf and as JSON, plain and packed.
    fn measure(events: impl Iterator<Item = Event>) -> (usize, [usize; 2], [usize; 2]) {
        let (mut protobuf, mut json, mut rows) = (Vec::new(), Vec::new(), 0);
        let id = EventId { agent: AgentId([0; 16]), boot: 0, lane: Lane::Telemetry, seq: 0 };
        let bare = |activity| Event { seq: 0, time_us: 0, process: None, activity };
        let ocsf = |activity| record::ocsf::event(&Host::default(), &id, &bare(activity));
        for event in events {
            let mut left = event.activity;
            for cell in schema::cells(Family::of(left.kind())) {
                if cell::read(&left, *cell) != Value::None {
                    cell::write(&mut left, *cell, Value::None);
                }
            }
            let empty = cell::empty(left.kind());
            if left != empty {
                rows += 1;
                protobuf.extend(encode_rest(left.clone()));
                json.extend(difference(&ocsf(left), &ocsf(empty)).unwrap_or_default().to_string().into_bytes());
            }
        }
        let packed = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).unwrap().len();
        (rows, [protobuf.len(), json.len()], [packed(&protobuf), packed(&json)])
    }

    /// The figures of decision 004. JSON is given an advantage: fields that OCSF has no name for are not counted.
    #[test]
    fn residual_fields_take_less_as_protobuf_than_as_json() {
        let mut stream = Stream::new(1);
        let mut runner = TestRunner::deterministic();
        let any = arbitrary::events(5_000..5_001).new_tree(&mut runner).unwrap().current();
        for (name, (rows, plain, packed)) in [
            ("100000 synthetic events", measure((0..100_000).map(|_| stream.next_event()))),
            ("5000 events with any values", measure(any.into_iter())),
        ] {
            println!("{name}: {rows} rows with residual fields; bytes as [protobuf, JSON]: {plain:?}, zstd {packed:?}");
            assert!(rows > 0 && plain[0] < plain[1] && packed[0] < packed[1]);
        }
    }
}
