//! DataFusion with its limits: threads, memory, time, rows.

use super::guard::refused;
use super::joins::Joins;
use super::snapshot::Snapshot;
use super::table::{STORE, Table};
use crate::config::LakeConfig;
use crate::{Family, fault, schema};
use base::{Fault, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::ScalarValue;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, lit};
use datafusion::object_store::local::LocalFileSystem;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use port::QueryLimits;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Threads that run queries.
const THREADS: usize = 2;
/// Stack of each: planners walk a statement by recursion, see `guard`.
const STACK_BYTES: usize = 16 << 20;
/// Footers of files kept in memory, bytes.
const FOOTER_BYTES: usize = 32 << 20;

/// Where queries run.
pub(crate) struct Engine {
    /// Taken out when the engine is dropped, because a runtime may not be dropped from within another.
    runtime: Option<Runtime>,
    environment: Arc<RuntimeEnv>,
}

/// What a query gave.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) cut: bool,
}

/// Why it gave nothing.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// For the asker.
    Fault(Fault),
    /// A file did not read.
    Damage(String),
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends a query when its asker goes away.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine {
    pub(crate) fn new(config: &LakeConfig) -> Result<Engine> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("lake-query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| fault::of_file("threads of the lake", &error))?;
        let files =
            LocalFileSystem::new_with_prefix(&config.dir).map_err(|error| fault::of_bug("lake directory", error))?;
        let broken = |error: DataFusionError| fault::of_bug("query engine", error);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(config.query_bytes)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .with_metadata_cache_limit(FOOTER_BYTES)
            .build_arc()
            .map_err(broken)?;
        let url = ObjectStoreUrl::parse(STORE).map_err(broken)?;
        environment.register_object_store(url.as_ref(), Arc::new(files));
        Ok(Engine { runtime: Some(runtime), environment })
    }

    /// Runs a checked statement over a snapshot.
    pub(crate) async fn run(
        &self,
        snapshot: Snapshot,
        statement: &str,
        limits: QueryLimits,
    ) -> std::result::Result<Answer, Trouble> {
        let environment = self.environment.clone();
        let statement = statement.to_string();
        let limit = Duration::from_millis(limits.millis);
        let work = async move {
            let context = context(environment, &snapshot)?;
            answer(&context, &statement, limits.rows).await
        };
        let Some(runtime) = &self.runtime else { return Err(Trouble::Damage("the engine has ended".into())) };
        let task = runtime.spawn(work);
        let _abort = AbortOnDrop(task.abort_handle());
        // The clock runs here and not in the task: an answer comes in time even if the task does not pause at once.
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(trouble(&error)),
            Err(_) => {
                let fault =
                    Fault::new(&fault::TOO_LONG).object("query").expected(format!("at most {} ms", limits.millis));
                Err(Trouble::Fault(fault))
            }
            Ok(Err(error)) => Err(Trouble::Fault(fault::of_bug("query", error))),
        }
    }
}

fn context(environment: Arc<RuntimeEnv>, snapshot: &Snapshot) -> datafusion::error::Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_target_partitions(THREADS)
        .with_information_schema(true)
        .with_parquet_bloom_filter_pruning(true)
        .with_parquet_page_index_pruning(true);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.execution.time_zone = Some("+00:00".to_string());
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(environment)
        .with_default_features()
        .with_physical_optimizer_rule(Arc::new(Joins))
        .build();
    let context = SessionContext::new_with_state(state);
    let mut events: Option<LogicalPlanBuilder> = None;
    for family in Family::ALL {
        let table = Arc::new(Table { family: *family, content: snapshot.content(*family) });
        context.register_table(family.word(), table.clone())?;
        if Family::EVENTS.contains(family) {
            let scan = LogicalPlanBuilder::scan(family.word(), provider_as_source(table), None)?;
            let part = scan.project(event_columns(*family)?)?;
            events = Some(match events {
                None => part,
                Some(events) => events.union(part.build()?)?,
            });
        }
    }
    if let Some(events) = events {
        let plan: LogicalPlan = events.build()?;
        context.register_table("events", Arc::new(ViewTable::new(plan, None)))?;
    }
    Ok(context)
}

/// All columns of `events`, NULL where the table has none.
fn event_columns(family: Family) -> datafusion::error::Result<Vec<Expr>> {
    let own = schema::of(family);
    let column = |field: &Field| match own.column_with_name(field.name()) {
        Some(_) => Ok(col(field.name())),
        None => ScalarValue::try_from(field.data_type()).map(|null| lit(null).alias(field.name())),
    };
    schema::of_events().iter().map(column).collect()
}

async fn answer(context: &SessionContext, statement: &str, rows: usize) -> datafusion::error::Result<Answer> {
    let nothing_else = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = context.sql_with_options(statement, nothing_else).await?;
    let mut stream = frame.execute_stream().await?;
    let schema = stream.schema();
    let (mut batches, mut left, mut cut) = (Vec::new(), rows, false);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        if batch.num_rows() > left {
            cut = true;
            batches.push(batch.slice(0, left));
            break;
        }
        left -= batch.num_rows();
        batches.push(batch);
    }
    Ok(Answer { schema, batches, cut })
}

/// Whose trouble it is: the statement's, the limits', or a file's.
fn trouble(error: &DataFusionError) -> Trouble {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(message) => {
            Trouble::Fault(Fault::new(&fault::TOO_MUCH_MEMORY).object("query").because(message))
        }
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::Diagnostic(..)
        | DataFusionError::Execution(_) => Trouble::Fault(refused(error.strip_backtrace())),
        DataFusionError::ArrowError(cause, _)
            if !matches!(
                cause.as_ref(),
                ArrowError::ParquetError(_) | ArrowError::IoError(..) | ArrowError::ExternalError(_)
            ) =>
        {
            Trouble::Fault(refused(error.strip_backtrace()))
        }
        _ => Trouble::Damage(error.strip_backtrace()),
    }
}
