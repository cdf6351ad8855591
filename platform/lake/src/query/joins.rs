//! Joins that could hold a thread for hours.
//!
//! A query is ended by its time limit only where it gives up its thread. A join without an equality compares every row with
//! every row, without a pause, so it passes only if one side is known to be small. A hash join walks all pairs of one batch in
//! one go, and where its condition leaves none of them it walks on: its condition is made to look at a flag ([`Stop`]), each
//! time for a batch of pairs, and fails the query when its asker is gone. Every join's output is made to pause.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, exec_err, internal_err, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::lit;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most rows of the smaller side of a join without an equality: scalar subqueries and short lists.
const SMALL_SIDE: usize = 64;

/// Set when nobody waits for the answer any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the query at its next look.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The rule, run after all others.
#[derive(Debug)]
pub(crate) struct Joins(pub(crate) Stop);

impl PhysicalOptimizerRule for Joins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let name = node.name();
            if matches!(name, "NestedLoopJoinExec" | "CrossJoinExec") && !node.children().into_iter().any(is_small) {
                return plan_err!("a join of two tables needs an equality between their columns");
            }
            if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                let watched = join.builder().with_filter(Some(self.watch(join.filter()))).build_exec()?;
                return Ok(Transformed::yes(Arc::new(CooperativeExec::new(watched)) as Arc<dyn ExecutionPlan>));
            }
            if name.contains("Join") || name == "UnnestExec" {
                return Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>));
            }
            Ok(Transformed::no(node))
        })
        .data()
    }

    fn name(&self) -> &str {
        "bounded_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl Joins {
    /// The condition of a hash join, or one that always holds, with a look at the flag.
    fn watch(&self, filter: Option<&JoinFilter>) -> JoinFilter {
        let watched = |inner: Arc<dyn PhysicalExpr>| Arc::new(Watched { inner, stop: self.0.clone() });
        match filter {
            Some(filter) => JoinFilter::new(
                watched(filter.expression().clone()),
                filter.column_indices().to_vec(),
                filter.schema().clone(),
            ),
            None => JoinFilter::new(watched(lit(true)), Vec::new(), Arc::new(Schema::empty())),
        }
    }
}

/// An expression that fails once the flag is set.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn PhysicalExpr>,
    stop: Stop,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for Watched {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.stop.0.load(Ordering::Relaxed) {
            return exec_err!("nobody waits for the answer");
        }
        self.inner.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        match <[_; 1]>::try_from(children) {
            Ok([inner]) => Ok(Arc::new(Watched { inner, stop: self.stop.clone() })),
            Err(_) => internal_err!("a watched expression has one child"),
        }
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

/// Whether a side has few rows for certain. An estimate does not count: it may be wrong by any factor.
fn is_small(side: &Arc<dyn ExecutionPlan>) -> bool {
    if side.fetch().is_some_and(|rows| rows <= SMALL_SIDE) {
        return true;
    }
    let statistics = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new());
    statistics.is_ok_and(|found| matches!(found.num_rows, Precision::Exact(rows) if rows <= SMALL_SIDE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    /// Every kind of hash join meets the flag, whatever its condition leaves over: without a condition, with one that drops
    /// all pairs, and where no pair is given out at all.
    #[tokio::test]
    async fn a_join_ends_when_nobody_waits_for_it() {
        let stop = Stop::default();
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_physical_optimizer_rule(Arc::new(Joins(stop.clone())))
            .build();
        let context = SessionContext::new_with_state(state);
        for (table, column) in [("a", "x"), ("b", "y")] {
            let rows = format!("CREATE TABLE {table} AS SELECT * FROM (VALUES (1), (2), (2), (3)) v({column})");
            context.sql(&rows).await.unwrap().collect().await.unwrap();
        }
        let questions = [
            ("SELECT * FROM a JOIN b ON x = y", 6),
            ("SELECT * FROM a JOIN b ON x = y AND x + y > 100", 0),
            ("SELECT * FROM a LEFT JOIN b ON x = y AND x + y > 3", 6),
            ("SELECT * FROM a FULL JOIN b ON x = y", 6),
            ("SELECT * FROM a WHERE x IN (SELECT y FROM b)", 4),
            ("SELECT * FROM a WHERE x NOT IN (SELECT y FROM b WHERE y < 3)", 1),
            ("SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b WHERE x = y AND x + y > 4)", 1),
        ];
        for stopped in [false, true] {
            for (question, expected) in questions {
                let answer = context.sql(question).await.unwrap().collect().await;
                let rows = answer.as_ref().ok().map(|rows| rows.iter().map(RecordBatch::num_rows).sum::<usize>());
                assert_eq!(rows, (!stopped).then_some(expected), "{question}: {answer:?}");
            }
            stop.set();
        }
    }
}
