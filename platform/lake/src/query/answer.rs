//! Arrow to JSON.

use super::engine::Answer;
use super::snapshot::kind;
use crate::fault;
use base::Result;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use port::{Column, Rows};
use serde_json::Value;

/// Timestamps of a column without a zone; those with one print RFC 3339 by themselves.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// The answer as the port gives it: numbers and flags as such, times as RFC 3339 (UTC), the rest as text.
pub(crate) fn rows(answer: &Answer) -> Result<Rows> {
    let columns = answer.schema.fields().iter();
    let columns = columns.map(|field| Column { name: field.name().clone(), kind: kind(field.data_type()) }).collect();
    let mut rows = Vec::new();
    for batch in &answer.batches {
        rows.extend(of_batch(batch)?);
    }
    Ok(Rows { columns, rows, cut: answer.cut })
}

fn of_batch(batch: &RecordBatch) -> Result<Vec<Vec<Value>>> {
    let mut rows: Vec<Vec<Value>> = (0..batch.num_rows()).map(|_| Vec::with_capacity(batch.num_columns())).collect();
    for column in batch.columns() {
        let values = of_column(column)?;
        for (row, value) in rows.iter_mut().zip(values) {
            row.push(value);
        }
    }
    Ok(rows)
}

macro_rules! numbers {
    ($column:expr, $kind:ty) => {
        $column.as_primitive::<$kind>().iter().map(|value| value.map_or(Value::Null, Value::from)).collect()
    };
}

fn of_column(column: &ArrayRef) -> Result<Vec<Value>> {
    Ok(match column.data_type() {
        DataType::Null => vec![Value::Null; column.len()],
        DataType::Boolean => column.as_boolean().iter().map(Value::from).collect(),
        DataType::Int8 => numbers!(column, Int8Type),
        DataType::Int16 => numbers!(column, Int16Type),
        DataType::Int32 => numbers!(column, Int32Type),
        DataType::Int64 => numbers!(column, Int64Type),
        DataType::UInt8 => numbers!(column, UInt8Type),
        DataType::UInt16 => numbers!(column, UInt16Type),
        DataType::UInt32 => numbers!(column, UInt32Type),
        DataType::UInt64 => numbers!(column, UInt64Type),
        DataType::Float32 => numbers!(column, Float32Type),
        DataType::Float64 => numbers!(column, Float64Type),
        DataType::Utf8View => column.as_string_view().iter().map(Value::from).collect(),
        DataType::Utf8 => column.as_string::<i32>().iter().map(Value::from).collect(),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().map(Value::from).collect(),
        _ => return printed(column),
    })
}

/// Values as Arrow prints them: times, dates, intervals, bytes in hexadecimal digits, lists.
fn printed(column: &ArrayRef) -> Result<Vec<Value>> {
    let options = FormatOptions::new().with_timestamp_format(Some(TIME_FORMAT));
    let formatter = ArrayFormatter::try_new(column, &options).map_err(|error| fault::of_bug("answer", error))?;
    let print = |row| match column.is_null(row) {
        true => Ok(Value::Null),
        false => formatter.value(row).try_to_string().map(Value::from).map_err(|error| fault::of_bug("answer", error)),
    };
    (0..column.len()).map(print).collect()
}
