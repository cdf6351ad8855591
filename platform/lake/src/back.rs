//! From columns back to records.

use crate::cell::{self, Cell, Type, Value};
use crate::image::{Home, ImageTable, split};
use crate::{Family, fault, schema};
use base::{Fault, Result};
use datafusion::arrow::array::{
    Array, AsArray, BinaryViewArray, BooleanArray, RecordBatch, StringViewArray, TimestampMicrosecondArray,
    UInt32Array, UInt64Array,
};
use datafusion::arrow::datatypes::{TimestampMicrosecondType, UInt32Type, UInt64Type};
use prost::Message;
use record::{Alert, Event, EventId, Host, Kind, Lane, WireEvent};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An event with all that its OCSF form needs.
pub(crate) struct Restored {
    pub(crate) id: EventId,
    pub(crate) host: Arc<Host>,
    pub(crate) event: Event,
}

/// Where images are found.
pub(crate) type Homes = HashMap<Home, Arc<ImageTable>>;

fn missing(what: &str) -> Fault {
    Fault::new(&fault::CORRUPT).object(what).expected("a column or image of the lake")
}

fn column<'b, T: 'static>(batch: &'b RecordBatch, name: &str) -> Result<&'b T> {
    batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref()).ok_or_else(|| missing(name))
}

/// Columns of events, found by name.
pub(crate) struct Events<'b> {
    batch: &'b RecordBatch,
    time: &'b TimestampMicrosecondArray,
    agent: &'b StringViewArray,
    boot: &'b UInt64Array,
    lane: &'b StringViewArray,
    seq: &'b UInt64Array,
    kind: &'b StringViewArray,
    image: &'b UInt64Array,
    rest: &'b BinaryViewArray,
}

impl<'b> Events<'b> {
    pub(crate) fn new(batch: &'b RecordBatch) -> Result<Events<'b>> {
        Ok(Events {
            batch,
            time: column(batch, "time")?,
            agent: column(batch, "agent")?,
            boot: column(batch, "boot")?,
            lane: column(batch, "lane")?,
            seq: column(batch, "seq")?,
            kind: column(batch, "kind")?,
            image: column(batch, "image")?,
            rest: column(batch, "rest")?,
        })
    }

    /// Homes that the rows point at.
    pub(crate) fn homes(&self) -> impl Iterator<Item = Home> + '_ {
        self.image.values().iter().map(|place| split(*place).0)
    }

    /// The event of a row.
    pub(crate) fn restore(&self, row: usize, homes: &Homes) -> Result<Restored> {
        let lane = Lane::from_letter(self.lane.value(row)).ok_or_else(|| missing("lane"))?;
        let id = EventId {
            agent: self.agent.value(row).parse()?,
            boot: self.boot.value(row),
            lane,
            seq: self.seq.value(row),
        };
        let kind = Kind::from_word(self.kind.value(row)).ok_or_else(|| missing("kind"))?;
        let mut activity = cell::empty(kind);
        if !self.rest.is_null(row) {
            let left = WireEvent::decode(self.rest.value(row)).ok().and_then(|left| left.activity);
            activity = left.filter(|left| left.kind() == kind).ok_or_else(|| missing("rest"))?;
        }
        for cell in schema::cells(Family::of(kind)) {
            match self.cell(row, *cell) {
                Value::None => {}
                value => cell::write(&mut activity, *cell, value),
            }
        }
        let (home, index) = split(self.image.value(row));
        let image = homes.get(&home).and_then(|table| table.get(index));
        let (host, process) = image.cloned().ok_or_else(|| missing("image"))?;
        let event = Event { seq: id.seq, time_us: self.time.value(row), process, activity };
        Ok(Restored { id, host, event })
    }

    fn cell(&self, row: usize, cell: Cell) -> Value<'b> {
        let (name, kind, _) = cell.describe();
        let Some(array) = self.batch.column_by_name(name).filter(|array| !array.is_null(row)) else {
            return Value::None;
        };
        match kind {
            Type::Text => {
                array.as_string_view_opt().map_or(Value::None, |array| Value::Text(Cow::Borrowed(array.value(row))))
            }
            Type::Small => {
                let array: Option<&UInt32Array> = array.as_primitive_opt::<UInt32Type>();
                array.map_or(Value::None, |array| Value::Number(array.value(row).into()))
            }
            Type::Large => {
                let array: Option<&UInt64Array> = array.as_primitive_opt::<UInt64Type>();
                array.map_or(Value::None, |array| Value::Number(array.value(row)))
            }
            Type::Flag => {
                let array: Option<&BooleanArray> = array.as_boolean_opt();
                array.map_or(Value::None, |array| Value::Flag(array.value(row)))
            }
        }
    }
}

/// The alerts of rows of the table `finding`.
pub(crate) fn alerts(batch: &RecordBatch) -> Result<Vec<Alert>> {
    let records: &BinaryViewArray = column(batch, "record")?;
    let decode = |bytes: &[u8]| Alert::decode(bytes).map_err(|error| missing("record").because(error));
    records.iter().flatten().map(decode).collect()
}

/// Smallest and greatest time of rows, µs; `None` when there are none.
pub(crate) fn time_range(batch: &RecordBatch) -> Option<(i64, i64)> {
    let times = batch.column_by_name("time")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let least = times.values().iter().min()?;
    let greatest = times.values().iter().max()?;
    Some((*least, *greatest))
}

/// Places that the rows of a chunk or file point at, in the order of their first use.
pub(crate) fn places_used(batch: &RecordBatch) -> Vec<u64> {
    let Ok(places) = column::<UInt64Array>(batch, "image") else { return Vec::new() };
    let mut seen = HashSet::new();
    places.values().iter().copied().filter(|place| seen.insert(*place)).collect()
}

/// The rows with their images renumbered.
pub(crate) fn renumber(batch: &RecordBatch, places: &HashMap<u64, u64>) -> Result<RecordBatch> {
    let Some((at, _)) = batch.schema_ref().column_with_name("image") else { return Ok(batch.clone()) };
    let old: &UInt64Array = column(batch, "image")?;
    let new: Option<Vec<u64>> = old.values().iter().map(|place| places.get(place).copied()).collect();
    let new = UInt64Array::from(new.ok_or_else(|| missing("image"))?);
    let mut columns = batch.columns().to_vec();
    columns[at] = Arc::new(new);
    RecordBatch::try_new(batch.schema(), columns).map_err(|error| fault::of_bug("image", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Numbered;
    use crate::{Arrived, arbitrary, rows};
    use proptest::prelude::*;
    use record::AgentId;

    fn arrived(events: Vec<Event>) -> Arrived {
        let host = Host { name: "h".into(), os: "o".into(), ..Host::default() };
        let (agent, lane, count) = (AgentId([3; 16]), Lane::Telemetry, events.len() as u32);
        Arrived {
            agent,
            boot: 2,
            lane,
            first_seq: 1,
            count,
            host,
            events,
            alerts: vec![],
            samples: vec![],
            wal_offset: 1,
        }
    }

    proptest! {
        #[test]
        fn an_event_comes_back_as_it_went_in(events in arbitrary::events(1..24)) {
            let arrived = arrived(events);
            let mut restored = Vec::new();
            for (_, chunk) in rows::chunks(Numbered::of(arrived.clone()), 5).unwrap() {
                let homes = Homes::from([(chunk.home, chunk.images.clone())]);
                let events = Events::new(&chunk.rows).unwrap();
                for row in 0..chunk.rows.num_rows() {
                    let one = events.restore(row, &homes).unwrap();
                    prop_assert_eq!(&*one.host, &arrived.host);
                    prop_assert_eq!((one.id.agent, one.id.boot, one.id.seq), (arrived.agent, 2, one.event.seq));
                    restored.push(one.event);
                }
            }
            restored.sort_by_key(|event| event.seq);
            prop_assert_eq!(restored, arrived.events);
        }
    }
}
