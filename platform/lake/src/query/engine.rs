//! DataFusion with its limits: threads, memory, time, rows.

use super::guard::refused;
use super::joins::{Joins, Stop};
use super::snapshot::Snapshot;
use super::table::{STORE, Table};
use super::text::{self, array_bytes};
use super::whole::{Kept, OCSF, Whole};
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
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Threads that run queries.
const THREADS: usize = 2;
/// Stack of each: planners walk a statement by recursion, see `guard`.
const STACK_BYTES: usize = 16 << 20;
/// Queries that run at once; others wait as long as their time limit lets them. Stops a client that asks faster than it is
/// answered from taking all memory.
const AT_ONCE: usize = 4;
/// Most bytes of one answer: rows beyond it are cut, as those beyond the limit of rows are.
const ANSWER_BYTES: usize = 64 << 20;
/// Footers of files kept in memory, bytes.
const FOOTER_BYTES: usize = 32 << 20;

/// Where queries run.
pub(crate) struct Engine {
    /// Taken out when the engine is dropped, because a runtime may not be dropped from within another.
    runtime: Option<Runtime>,
    environment: Arc<RuntimeEnv>,
    /// Each query has one until its task has really ended.
    running: Arc<Semaphore>,
    dir: Arc<PathBuf>,
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

/// Ends a query when its asker goes away or its time is over: at its next pause, or where a join looks at the flag.
struct EndOnDrop(tokio::task::AbortHandle, Stop);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.1.set();
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
        let (running, dir) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(config.dir.clone()));
        Ok(Engine { runtime: Some(runtime), environment, running, dir })
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
        let end = Instant::now() + Duration::from_millis(limits.millis);
        let Ok(Ok(turn)) = timeout_at(end, self.running.clone().acquire_owned()).await else {
            let busy = Fault::new(&fault::BUSY).object("query").expected(format!("at most {AT_ONCE} at once"));
            return Err(Trouble::Fault(busy));
        };
        let (stop, dir) = (Stop::default(), self.dir.clone());
        let joins = Joins(stop.clone());
        let work = async move {
            let _turn = turn;
            let context = context(environment, &snapshot, &dir, joins)?;
            answer(&context, &statement, limits.rows).await
        };
        let Some(runtime) = &self.runtime else { return Err(Trouble::Damage("the engine has ended".into())) };
        let task = runtime.spawn(work);
        let _end = EndOnDrop(task.abort_handle(), stop);
        // The clock runs here and not in the task: an answer comes in time even if the task does not pause at once.
        match timeout_at(end, task).await {
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

fn context(
    environment: Arc<RuntimeEnv>,
    snapshot: &Snapshot,
    dir: &Arc<PathBuf>,
    joins: Joins,
) -> datafusion::error::Result<SessionContext> {
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
        .with_physical_optimizer_rule(Arc::new(joins))
        .build();
    let mut context = SessionContext::new_with_state(state);
    text::bound(&mut context)?;
    let kept = Arc::new(Kept::default());
    let (mut events, mut whole) = (None, None);
    for family in Family::ALL {
        let table = Arc::new(Table { family: *family, content: snapshot.content(*family) });
        context.register_table(family.word(), table.clone())?;
        if Family::EVENTS.contains(family) {
            let scan = LogicalPlanBuilder::scan(family.word(), provider_as_source(table), None)?;
            let mut columns = event_columns(*family)?;
            events = unite(events, scan.clone().project(columns.clone())?)?;
            columns.push(Whole::column(*family, snapshot, dir, &kept));
            whole = unite(whole, scan.project(columns)?)?;
        }
    }
    for (name, view) in [("events", events), (OCSF, whole)] {
        if let Some(view) = view {
            let plan: LogicalPlan = view.build()?;
            context.register_table(name, Arc::new(ViewTable::new(plan, None)))?;
        }
    }
    Ok(context)
}

fn unite(
    before: Option<LogicalPlanBuilder>,
    part: LogicalPlanBuilder,
) -> datafusion::error::Result<Option<LogicalPlanBuilder>> {
    match before {
        None => Ok(Some(part)),
        Some(before) => before.union(part.build()?).map(Some),
    }
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
    let (mut batches, mut left, mut room) = (Vec::new(), rows, ANSWER_BYTES);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let mut fitting = batch.slice(0, batch.num_rows().min(left));
        while fitting.num_rows() > 0 && bytes(&fitting) > room {
            fitting = fitting.slice(0, fitting.num_rows() / 2);
        }
        left -= fitting.num_rows();
        room -= bytes(&fitting);
        let cut = fitting.num_rows() < batch.num_rows();
        batches.push(fitting);
        if cut {
            return Ok(Answer { schema, batches, cut });
        }
    }
    Ok(Answer { schema, batches, cut: false })
}

fn bytes(batch: &RecordBatch) -> usize {
    if batch.num_rows() == 0 { 0 } else { batch.columns().iter().map(array_bytes).sum() }
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
