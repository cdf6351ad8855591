//! Arrow schemas of the tables.

use crate::Family;
use crate::cell::{Cell, Type};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::{Arc, LazyLock};

/// Cells of a family's activities, in column order.
pub(crate) const fn cells(family: Family) -> &'static [Cell] {
    use Cell::*;
    match family {
        Family::Process => &[PreviousExe, Script, TargetKey, Code, Signal, LivedUs, FromMemory, Elevated, Denied],
        Family::File => &[Op, Path, Target, Flags, Mode, Inode, Device],
        Family::Network => &[Op, Protocol, RemoteIp, RemotePort, LocalIp, LocalPort, Errno, RemoteName],
        Family::Dns => &[Name, QueryType, RemoteIp, RemotePort],
        Family::System => &[Op, Name, Path, Target, TargetPid, Code, Signal, Flags, Errno, Count],
        Family::Log => &[Source, Origin, Sender, Message, Fields],
        Family::Http => &[
            Source, Op, Name, Path, Query, Version, Code, RemoteIp, RemotePort, LocalIp, LocalPort, UserAgent, Ja4, H2,
            Decision, Message, Score, Model, Rules, Level, BytesIn, BytesOut, LivedUs,
        ],
        Family::Observed => &[Op, Source, Path, Name, Target, Version, Code, TargetPid, Inode, Device, Message, Fields],
        Family::Finding | Family::Sample => &[],
    }
}

/// Type of the `time` columns: µs, UTC.
pub(crate) fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()))
}

/// Columns that every table begins with.
fn head() -> Vec<Field> {
    vec![
        Field::new("time", time_type(), false),
        Field::new("agent", DataType::Utf8View, false),
        Field::new("host", DataType::Utf8View, false),
        Field::new("boot", DataType::UInt64, false),
        Field::new("lane", DataType::Utf8View, false),
        Field::new("seq", DataType::UInt64, false),
    ]
}

fn of_cell(cell: Cell) -> Field {
    let (name, kind, _) = cell.describe();
    let kind = match kind {
        Type::Text => DataType::Utf8View,
        Type::Small => DataType::UInt32,
        Type::Large => DataType::UInt64,
        Type::Flag => DataType::Boolean,
    };
    Field::new(name, kind, true)
}

/// Columns that tell the process of an event, in the order in which `rows` fills them.
fn process() -> Vec<Field> {
    vec![
        Field::new("kind", DataType::Utf8View, false),
        Field::new("class_uid", DataType::UInt32, false),
        Field::new("pid", DataType::UInt32, true),
        Field::new("process_key", DataType::UInt64, true),
        Field::new("parent_key", DataType::UInt64, true),
        Field::new("exe", DataType::Utf8View, true),
        Field::new("cmd_line", DataType::Utf8View, true),
        Field::new("user", DataType::Utf8View, true),
        Field::new("uid", DataType::UInt32, true),
        Field::new("container", DataType::Utf8View, true),
        Field::new("ancestors", DataType::Utf8View, true),
    ]
}

/// The last two: the place of the full process record, and what of the activity has no column.
fn tail() -> Vec<Field> {
    vec![Field::new("image", DataType::UInt64, false), Field::new("rest", DataType::BinaryView, true)]
}

fn finding() -> Vec<Field> {
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    let mut fields = head();
    fields.extend(["id", "rule", "rule_version", "title", "title_zh", "severity"].map(text));
    fields.push(Field::new("severity_id", DataType::UInt32, false));
    fields.extend(["techniques", "tactics"].map(text));
    fields.push(Field::new("decided", time_type(), false));
    fields.extend(["drill", "exe", "cmd_line", "user", "container"].map(text));
    fields.push(Field::new("process_key", DataType::UInt64, true));
    fields.push(Field::new("record", DataType::BinaryView, false));
    fields
}

fn sample() -> Vec<Field> {
    let mut fields = head();
    fields.extend([
        Field::new("metric", DataType::UInt32, false),
        Field::new("name", DataType::Utf8View, false),
        Field::new("label", DataType::Utf8View, true),
        Field::new("value", DataType::Float64, false),
        Field::new("cost_us", DataType::UInt64, false),
    ]);
    fields
}

fn build(family: Family) -> SchemaRef {
    let fields = match family {
        Family::Finding => finding(),
        Family::Sample => sample(),
        _ => {
            let mut fields = head();
            fields.extend(process());
            fields.extend(cells(family).iter().copied().map(of_cell));
            fields.extend(tail());
            fields
        }
    };
    Arc::new(Schema::new(fields))
}

static SCHEMAS: LazyLock<Vec<SchemaRef>> = LazyLock::new(|| Family::ALL.iter().copied().map(build).collect());

/// Schema of a table.
pub(crate) fn of(family: Family) -> SchemaRef {
    SCHEMAS[family as usize].clone()
}

/// Columns of the view `events`: all of every event table, each once.
pub(crate) fn of_events() -> Vec<Field> {
    let mut fields = head();
    fields.extend(process());
    for family in Family::EVENTS {
        for cell in cells(*family) {
            let field = of_cell(*cell);
            if !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(field);
            }
        }
    }
    fields.extend(tail());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_stand_in_the_order_of_the_enumeration() {
        for (index, family) in Family::ALL.iter().enumerate() {
            assert_eq!(*family as usize, index);
            assert_eq!(Family::from_word(family.word()), Some(*family));
            assert_eq!(of(*family).fields()[..head().len()], Schema::new(head()).fields()[..]);
        }
    }
}
