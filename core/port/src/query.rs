//! Questions to the lake.

use async_trait::async_trait;
use base::Result;

/// Bounds of one question: what a careless or hostile query may cost.
#[derive(Debug, Clone, Copy)]
pub struct QueryLimits {
    /// Most rows returned; more are cut and [`Rows::cut`] is set.
    pub rows: usize,
    /// Longest run, milliseconds.
    pub millis: u64,
}

impl Default for QueryLimits {
    fn default() -> Self {
        QueryLimits { rows: 10_000, millis: 30_000 }
    }
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type as Arrow prints it.
    pub kind: String,
}

/// An answer: column by name, rows of JSON values.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rows {
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Whether rows were left out because of the limit.
    pub cut: bool,
}

/// The lake, asked in SQL (one `SELECT`, read only).
#[async_trait]
pub trait Query: Send + Sync {
    /// Answers one `SELECT` over the tables that [`Query::tables`] lists.
    async fn sql(&self, statement: &str, limits: QueryLimits) -> Result<Rows>;
    /// Tables and their columns.
    async fn tables(&self) -> Result<Vec<(String, Vec<Column>)>>;
    /// The full OCSF 1.8 JSON of events matching an SQL condition over table `events` columns, newest first.
    async fn events(&self, condition: &str, limit: usize) -> Result<Vec<serde_json::Value>>;
}
