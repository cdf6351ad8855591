//! Joins that could hold a thread for hours.
//!
//! A query is ended by its time limit only where it gives up its thread. A join without an equality compares every row with
//! every row, without a pause, so it passes only if one side is known to be small; every other join is made to pause.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, plan_err};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use std::sync::Arc;

/// Most rows of the smaller side of a join without an equality: scalar subqueries and short lists.
const SMALL_SIDE: usize = 64;

/// The rule, run after all others.
#[derive(Debug)]
pub(crate) struct Joins;

impl PhysicalOptimizerRule for Joins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let name = node.name();
            if matches!(name, "NestedLoopJoinExec" | "CrossJoinExec") && !node.children().into_iter().any(is_small) {
                return plan_err!("a join of two tables needs an equality between their columns");
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

fn is_small(side: &Arc<dyn ExecutionPlan>) -> bool {
    let statistics = StatisticsContext::new().compute(side.as_ref(), &StatisticsArgs::new());
    statistics.is_ok_and(|found| found.num_rows.get_value().is_some_and(|rows| *rows <= SMALL_SIDE))
}
