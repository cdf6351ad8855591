//! `port::Tables` on SQLite.

use crate::{fault, migrations};
use async_trait::async_trait;
use base::{Fault, Result};
use bytes::Bytes;
use port::{Item, Tables, Write};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

/// Connections that read beside the one that writes.
const READERS: u32 = 4;
/// How long a statement waits for a lock of another program before it is a fault.
const BUSY: Duration = Duration::from_secs(5);

const GET: &str = "SELECT key, value, version FROM documents WHERE tbl = $1 AND key = $2";
const PUT: &str = "INSERT INTO documents (tbl, key, value, version) VALUES ($1, $2, $3, 1) \
     ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value, version = documents.version + 1";
const PUT_NEW: &str =
    "INSERT INTO documents (tbl, key, value, version) VALUES ($1, $2, $3, 1) ON CONFLICT (tbl, key) DO NOTHING";
const PUT_NEXT: &str =
    "UPDATE documents SET value = $3, version = version + 1 WHERE tbl = $1 AND key = $2 AND version = $4";
const DELETE: &str = "DELETE FROM documents WHERE tbl = $1 AND key = $2";

/// Rows that one statement writes, reads or deletes when there are many: a call of the driver costs several times what a row does.
const MANY: usize = 200;

/// The statement that writes [`MANY`] rows; equal keys are written in their order.
static PUT_MANY: LazyLock<String> = LazyLock::new(|| {
    let row = |number: usize| format!("(${}, ${}, ${}, 1)", number * 3 + 1, number * 3 + 2, number * 3 + 3);
    let rows = (0..MANY).map(row).collect::<Vec<_>>().join(", ");
    PUT.replace("($1, $2, $3, 1)", &rows)
});
/// The statement that reads [`MANY`] keys of a table.
static GET_MANY: LazyLock<String> = LazyLock::new(|| {
    let keys = (2..MANY + 2).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    GET.replace("key = $2", &format!("key IN ({keys})"))
});

/// Table, key and document of a plain write.
type Put = (&'static str, String, Bytes);

/// State in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteTables {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteTables {
    /// Opens the file, makes it when absent (mode 0600) and runs the missing migrations.
    ///
    /// Faults: `store.unopenable`, `store.corrupt`, `store.locked`, `store.full`, `store.other-version`.
    pub async fn open(path: &Path) -> Result<SqliteTables> {
        SqliteTables::open_with(path, BUSY, None).await
    }

    /// The same with another patience, and with a ceiling on pages (`PRAGMA max_page_count`) under which a test fills the disk.
    pub(crate) async fn open_with(path: &Path, busy: Duration, pages: Option<u32>) -> Result<SqliteTables> {
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        made.map_err(|error| Fault::new(&fault::UNOPENABLE).object(path.display()).because(error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(busy);
        let writing = match pages {
            Some(pages) => options.clone().pragma("max_page_count", pages.to_string()),
            None => options.clone(),
        };
        let named = |error: sqlx::Error| fault::of_sqlite(path, &error);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await.map_err(named)?;
        migrations::sqlite().run(&writer).await.map_err(|error| fault::of_migration(path, &error))?;
        let reading = options.pragma("query_only", "1");
        let readers = SqlitePoolOptions::new().max_connections(READERS).connect_with(reading).await.map_err(named)?;
        Ok(SqliteTables { path: path.to_path_buf(), writer, readers })
    }

    /// Writes a whole, consistent copy to `path`, which must not exist, while work goes on (`VACUUM INTO`).
    pub async fn backup(&self, path: &Path) -> Result<()> {
        if path.exists() {
            return Err(Fault::new(&port::fault::CONFLICT).object(path.display()).expected("a new file"));
        }
        let Some(name) = path.to_str() else {
            return Err(Fault::new(&fault::BAD_NAME).object(path.display()).expected("a path in UTF-8"));
        };
        // VACUUM fills an empty file too, so the mode can be set before the first byte is there.
        let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
        made.map_err(|error| fault::of_file(path.display(), &error))?;
        let done = sqlx::query("VACUUM INTO $1").bind(name).execute(&self.writer).await;
        if let Err(error) = done {
            let _ = std::fs::remove_file(path);
            return Err(self.named(error));
        }
        let synced = std::fs::File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|error| fault::of_file(path.display(), &error))
    }

    /// Reads every page and index; `store.corrupt` names the first damage. Seconds on a large file: for `doctor`, not for every start.
    pub async fn check(&self) -> Result<()> {
        let found = sqlx::query("PRAGMA quick_check(1)").fetch_one(&self.readers).await.map_err(|e| self.named(e))?;
        let verdict: String = found.try_get(0).map_err(|error| self.named(error))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(Fault::new(&fault::CORRUPT).object(self.path.display()).expected("ok").found(verdict))
    }

    /// Ends all connections; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    fn named(&self, error: sqlx::Error) -> Fault {
        fault::of_sqlite(&self.path, &error)
    }

    fn item(&self, row: &SqliteRow) -> Result<Item> {
        let read = || -> sqlx::Result<Item> {
            let value: Vec<u8> = row.try_get(1)?;
            Ok(Item {
                key: row.try_get(0)?,
                value: Bytes::from(value),
                version: row.try_get::<i64, _>(2)?.max(0) as u64,
            })
        };
        read().map_err(|error| Fault::new(&fault::CORRUPT).object(self.path.display()).because(error))
    }

    async fn page(&self, mut query: QueryBuilder<Sqlite>, order: &str, limit: usize) -> Result<Vec<Item>> {
        query.push(" ORDER BY key ").push(order).push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = query.build().fetch_all(&self.readers).await.map_err(|error| self.named(error))?;
        rows.iter().map(|row| self.item(row)).collect()
    }

    /// Writes exactly [`MANY`] rows.
    async fn put_many(&self, connection: &mut SqliteConnection, puts: &mut Vec<Put>) -> Result<()> {
        let mut query = sqlx::query(PUT_MANY.as_str());
        for (table, key, value) in &*puts {
            query = query.bind(*table).bind(key.as_str()).bind(&value[..]);
        }
        query.execute(connection).await.map_err(|error| self.named(error))?;
        puts.clear();
        Ok(())
    }

    async fn put_each(&self, connection: &mut SqliteConnection, puts: &mut Vec<Put>) -> Result<()> {
        for (table, key, value) in puts.drain(..) {
            let put = sqlx::query(PUT).bind(table).bind(key).bind(&value[..]);
            put.execute(&mut *connection).await.map_err(|error| self.named(error))?;
        }
        Ok(())
    }

    async fn write(&self, connection: &mut SqliteConnection, write: Write) -> Result<()> {
        let named = |error| self.named(error);
        match write {
            Write::Put { table, key, value } => self.put_each(connection, &mut vec![(table, key, value)]).await?,
            Write::Delete { table, key } => {
                sqlx::query(DELETE).bind(table).bind(key).execute(connection).await.map_err(named)?;
            }
            Write::PutIf { table, key, value, version } => {
                let statement = if version == 0 { PUT_NEW } else { PUT_NEXT };
                let mut put = sqlx::query(statement).bind(table).bind(&key).bind(&value[..]);
                if version != 0 {
                    put = put.bind(i64::try_from(version).unwrap_or(i64::MAX));
                }
                if put.execute(&mut *connection).await.map_err(named)?.rows_affected() != 1 {
                    let row =
                        sqlx::query(GET).bind(table).bind(&key).fetch_optional(connection).await.map_err(named)?;
                    let found = row.map(|row| self.item(&row)).transpose()?.map_or(0, |item| item.version);
                    let conflict = Fault::new(&port::fault::CONFLICT).object(format!("{table}/{key}"));
                    return Err(conflict.expected(format!("version {version}")).found(found));
                }
            }
        }
        Ok(())
    }
}

/// Starts `SELECT … WHERE tbl = … AND key < (first text after all that start with prefix)`.
fn below_prefix_end(table: &'static str, prefix: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT key, value, version FROM documents WHERE tbl = ");
    query.push_bind(table);
    if let Some(end) = after_prefix(prefix) {
        query.push(" AND key < ").push_bind(end);
    }
    query
}

/// The smallest text greater than every text that starts with `prefix`; `None` when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_string();
    while let Some(last) = end.pop() {
        let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[async_trait]
impl Tables for SqliteTables {
    async fn get(&self, table: &'static str, key: &str) -> Result<Option<Item>> {
        let row = sqlx::query(GET).bind(table).bind(key).fetch_optional(&self.readers).await;
        row.map_err(|error| self.named(error))?.map(|row| self.item(&row)).transpose()
    }

    async fn scan(&self, table: &'static str, prefix: &str, after: &str, limit: usize) -> Result<Vec<Item>> {
        let mut query = below_prefix_end(table, prefix);
        // One lower bound, the higher of the two, so that a deep page starts where it should.
        if after >= prefix {
            query.push(" AND key > ").push_bind(after.to_string());
        } else {
            query.push(" AND key >= ").push_bind(prefix.to_string());
        }
        self.page(query, "ASC", limit).await
    }

    async fn scan_back(&self, table: &'static str, prefix: &str, before: &str, limit: usize) -> Result<Vec<Item>> {
        let mut query = below_prefix_end(table, prefix);
        query.push(" AND key >= ").push_bind(prefix.to_string());
        if !before.is_empty() {
            query.push(" AND key < ").push_bind(before.to_string());
        }
        self.page(query, "DESC", limit).await
    }

    async fn get_many(&self, table: &'static str, keys: &[String]) -> Result<Vec<Item>> {
        let (many, rest) = keys.as_chunks::<MANY>();
        let mut found = Vec::new();
        for part in many {
            let mut query = sqlx::query(GET_MANY.as_str()).bind(table);
            for key in part {
                query = query.bind(key.as_str());
            }
            let rows = query.fetch_all(&self.readers).await.map_err(|error| self.named(error))?;
            for row in &rows {
                found.push(self.item(row)?);
            }
        }
        for key in rest {
            found.extend(self.get(table, key).await?);
        }
        Ok(found)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<()> {
        let named = |error| self.named(error);
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(named)?;
        let mut puts = Vec::new();
        for write in writes {
            match write {
                Write::Put { table, key, value } => {
                    puts.push((table, key, value));
                    if puts.len() == MANY {
                        self.put_many(&mut transaction, &mut puts).await?;
                    }
                }
                // What was put before it must be seen by it.
                other => {
                    self.put_each(&mut transaction, &mut puts).await?;
                    self.write(&mut transaction, other).await?;
                }
            }
        }
        self.put_each(&mut transaction, &mut puts).await?;
        transaction.commit().await.map_err(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, bytes: usize) -> Vec<Write> {
        vec![Write::Put { table: "t", key: key.into(), value: vec![7; bytes].into() }]
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }

    #[tokio::test]
    async fn a_full_disk_is_named_and_loses_nothing_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let tables = SqliteTables::open_with(&path, BUSY, Some(64)).await.unwrap();
        let mut acknowledged = Vec::new();
        let fault = loop {
            let key = format!("{:03}", acknowledged.len());
            match tables.commit(put(&key, 8192)).await {
                Ok(()) => acknowledged.push(key),
                Err(fault) => break fault,
            }
            assert!(acknowledged.len() < 64, "the ceiling was never reached");
        };
        assert!(fault.is(&fault::FULL) && fault.named().contains("state.db"), "{fault:?}");
        tables.close().await;
        let tables = SqliteTables::open(&path).await.unwrap();
        let keys: Vec<String> =
            tables.scan("t", "", "", 1000).await.unwrap().into_iter().map(|item| item.key).collect();
        assert_eq!(keys, acknowledged);
        tables.commit(put("more", 8192)).await.unwrap();
    }

    #[tokio::test]
    async fn many_writes_are_as_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let tables = SqliteTables::open(&folder.path().join("state.db")).await.unwrap();
        let key = |number: usize| format!("{:04}", number % 700);
        let put = |number: usize| Write::Put { table: "t", key: key(number), value: number.to_string().into() };
        let mut writes: Vec<Write> = (0..1000).map(put).collect();
        writes.insert(500, Write::Delete { table: "t", key: key(499) });
        writes.push(Write::Delete { table: "t", key: key(999) });
        tables.commit(writes).await.unwrap();
        let keys: Vec<String> = (0..800).map(|number| format!("{number:04}")).collect();
        let mut found = tables.get_many("t", &keys).await.unwrap();
        found.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(found, tables.scan("t", "", "", 1000).await.unwrap());
        let at = |number: usize| found.iter().find(|item| item.key == key(number)).map(|item| item.value.clone());
        assert_eq!((found.len(), at(499), at(999)), (698, None, None));
        assert_eq!((at(5), at(650)), (Some("705".into()), Some("650".into())), "the last write counts");
        assert_eq!(found.iter().find(|item| item.key == key(5)).unwrap().version, 2);
    }

    #[tokio::test]
    async fn a_lock_of_another_program_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let ours = SqliteTables::open_with(&path, Duration::ZERO, None).await.unwrap();
        let other = SqliteTables::open(&path).await.unwrap();
        let held = other.writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        assert!(ours.commit(put("a", 1)).await.unwrap_err().is(&fault::LOCKED));
        held.rollback().await.unwrap();
        ours.commit(put("a", 1)).await.unwrap();
    }
}
