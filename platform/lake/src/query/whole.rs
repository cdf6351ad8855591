//! The column `ocsf`: the full OCSF 1.8 JSON of an event, rebuilt from columns, image and `rest` when a query asks for it.

use super::snapshot::Snapshot;
use crate::back::{Events, Homes};
use crate::image::{self, Home, ImageTable};
use crate::{Family, schema};
use base::Fault;
use datafusion::arrow::array::{RecordBatch, StringViewBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, col,
};
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Name of the column and of the view that has it.
pub(crate) const OCSF: &str = "ocsf";
/// Files whose images are kept while a query runs: rows of one file mostly come one behind the other.
const FILES: usize = 4;

/// Images of the files read last, shared by all functions of a query.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<VecDeque<(Home, Arc<ImageTable>)>>);

impl Kept {
    fn get(&self, home: Home, read: impl FnOnce() -> base::Result<ImageTable>) -> base::Result<Arc<ImageTable>> {
        let mut kept = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, table)) = kept.iter().find(|(of, _)| *of == home) {
            return Ok(table.clone());
        }
        let table = Arc::new(read()?);
        if kept.len() >= FILES {
            kept.pop_front();
        }
        kept.push_back((home, table.clone()));
        Ok(table)
    }
}

/// The function behind the column, for one table of one snapshot.
#[derive(Debug)]
pub(super) struct Whole {
    family: Family,
    snapshot: Snapshot,
    dir: Arc<PathBuf>,
    kept: Arc<Kept>,
    signature: Signature,
}

impl Whole {
    /// The column for rows of this table.
    pub(super) fn column(family: Family, snapshot: &Snapshot, dir: &Arc<PathBuf>, kept: &Arc<Kept>) -> Expr {
        let fields = schema::of(family);
        let types = fields.fields().iter().map(|field| field.data_type().clone()).collect();
        let whole = Whole {
            family,
            snapshot: snapshot.clone(),
            dir: dir.clone(),
            kept: kept.clone(),
            signature: Signature::exact(types, Volatility::Stable),
        };
        let columns = fields.fields().iter().map(|field| col(field.name())).collect();
        ScalarUDF::new_from_impl(whole).call(columns).alias(OCSF)
    }

    fn rebuild(&self, batch: &RecordBatch) -> base::Result<StringViewBuilder> {
        let events = Events::new(batch)?;
        let wanted: HashSet<Home> = events.homes().collect();
        let mut homes = Homes::new();
        for home in wanted {
            let table = match self.snapshot.images_in_memory(home) {
                Some(table) => table,
                None => self.kept.get(home, || image::read_file(&self.snapshot.images_path(&self.dir, home)?))?,
            };
            homes.insert(home, table);
        }
        let mut texts = StringViewBuilder::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let one = events.restore(row, &homes)?;
            texts.append_value(record::ocsf::event(&one.host, &one.id, &one.event).to_string());
        }
        Ok(texts)
    }
}

impl PartialEq for Whole {
    fn eq(&self, other: &Self) -> bool {
        self.family == other.family && Arc::ptr_eq(&self.kept, &other.kept)
    }
}

impl Eq for Whole {}

impl Hash for Whole {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.family.hash(state);
    }
}

impl ScalarUDFImpl for Whole {
    fn name(&self) -> &str {
        OCSF
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let fields = schema::of(self.family);
        if args.args.len() != fields.fields().len() {
            return internal_err!("the column {OCSF} is made of all columns of its table");
        }
        let columns = args.args.into_iter().map(|arg| arg.into_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(fields, columns)?;
        let damage = |fault: Fault| DataFusionError::External(fault.inside().into());
        let mut texts = self.rebuild(&batch).map_err(damage)?;
        Ok(ColumnarValue::Array(Arc::new(texts.finish())))
    }
}
