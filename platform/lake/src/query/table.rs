//! A table of one snapshot as DataFusion sees it: files pruned by the manifest, and rows in memory.

use super::snapshot::Content;
use crate::{Family, schema};
use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, BooleanArray, TimestampMicrosecondArray, UInt64Array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result, ScalarValue, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use std::collections::HashSet;
use std::sync::Arc;

use crate::manifest::FileEntry;

/// Address under which the lake's directory is known to DataFusion. Nothing else of the file system has one.
pub(crate) const STORE: &str = "lake://files/";

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) family: Family,
    pub(crate) content: Content,
}

impl Table {
    /// Files that can hold a row which passes the filters.
    fn pruned(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<Arc<FileEntry>>> {
        let files = &self.content.files;
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(files.clone()) };
        let filter = state.create_physical_expr(filter, &DFSchema::try_from(self.schema())?)?;
        let predicate = PruningPredicateBuilder::new().with_file_schema(self.schema()).try_build(filter)?;
        let keep = predicate.prune(&Times(files))?;
        Ok(files.iter().zip(keep).filter(|(_, keep)| *keep).map(|(file, _)| file.clone()).collect())
    }

    fn scan_files(
        &self,
        state: &dyn Session,
        files: &[Arc<FileEntry>],
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let url = ObjectStoreUrl::parse(STORE)?;
        let store = state.runtime_env().object_store(&url)?;
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let options =
            TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..Default::default() };
        let source = ParquetSource::new(self.schema())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, cache)));
        let mut groups = vec![Vec::new(); state.config().target_partitions().clamp(1, files.len().max(1))];
        let count = groups.len();
        for (index, file) in files.iter().enumerate() {
            groups[index % count].push(PartitionedFile::new(file.name(), file.bytes));
        }
        let scan = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        schema::of(self.family)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // The filter stays above the scan in the plan; the optimizer moves it into the Parquet reader.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut parts: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        let files = self.pruned(state, filters)?;
        if !files.is_empty() {
            parts.push(self.scan_files(state, &files, projection, limit)?);
        }
        if !self.content.memory.is_empty() {
            let memory = [self.content.memory.clone()];
            parts.push(MemorySourceConfig::try_new_exec(&memory, self.schema(), projection.cloned())?);
        }
        if parts.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema(), projection)?)));
        }
        UnionExec::try_new(parts)
    }
}

/// What the manifest knows of files: the times.
struct Times<'f>(&'f [Arc<FileEntry>]);

impl Times<'_> {
    fn of(&self, column: &Column, read: impl Fn(&FileEntry) -> i64) -> Option<ArrayRef> {
        (column.name == "time").then(|| {
            let values = TimestampMicrosecondArray::from_iter_values(self.0.iter().map(|file| read(file)));
            Arc::new(values.with_timezone("+00:00")) as ArrayRef
        })
    }
}

impl PruningStatistics for Times<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of(column, |file| file.min_us)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of(column, |file| file.max_us)
    }

    fn num_containers(&self) -> usize {
        self.0.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        (column.name == "time").then(|| Arc::new(UInt64Array::from_value(0, self.0.len())) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.0.iter().map(|file| file.rows))))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
