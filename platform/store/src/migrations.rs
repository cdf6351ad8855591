//! The migrations, each one file under `migrations/sqlite`, run at open in the order of their numbers.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// (number, name, text). A text that has been released is never changed: a new number is added.
const SQLITE: &[(i64, &str, &str)] = &[(1, "documents", include_str!("../migrations/sqlite/0001_documents.sql"))];

/// All of them, ready to run.
pub(crate) fn sqlite() -> Migrator {
    let migration = |(number, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(*number, (*name).into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(SQLITE.iter().map(migration).collect())
}
