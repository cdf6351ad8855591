//! Any order of calls gives the same answers from SQLite as from the model in memory.

use port::{MemoryTables, Tables, Write};
use proptest::prelude::*;
use store::SqliteTables;

#[derive(Debug, Clone)]
enum Call {
    Commit(Vec<Write>),
    Get(String),
    Scan(String, String, usize),
    ScanBack(String, String, usize),
}

fn key() -> impl Strategy<Value = String> {
    "[ab/é]{0,3}"
}

fn write() -> impl Strategy<Value = Write> {
    let table = || prop_oneof![Just("t"), Just("u")];
    prop_oneof![
        (table(), key(), any::<[u8; 2]>()).prop_map(|(table, key, value)| Write::Put {
            table,
            key,
            value: value.to_vec().into()
        }),
        (table(), key(), any::<[u8; 2]>(), 0..4u64).prop_map(|(table, key, value, version)| Write::PutIf {
            table,
            key,
            value: value.to_vec().into(),
            version
        }),
        (table(), key()).prop_map(|(table, key)| Write::Delete { table, key }),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => prop::collection::vec(write(), 0..4).prop_map(Call::Commit),
        1 => key().prop_map(Call::Get),
        1 => (key(), key(), 0..5usize).prop_map(|(prefix, after, limit)| Call::Scan(prefix, after, limit)),
        1 => (key(), key(), 0..5usize).prop_map(|(prefix, before, limit)| Call::ScanBack(prefix, before, limit)),
    ]
}

async fn answer(tables: &dyn Tables, call: Call) -> String {
    let text = |fault: base::Fault| format!("{} {}", fault.code().id, fault.outside(base::Lang::En));
    match call {
        Call::Commit(writes) => format!("{:?}", tables.commit(writes).await.map_err(text)),
        Call::Get(key) => format!("{:?}", tables.get("t", &key).await.map_err(text)),
        Call::Scan(prefix, after, limit) => {
            format!("{:?}", tables.scan("t", &prefix, &after, limit).await.map_err(text))
        }
        Call::ScanBack(prefix, before, limit) => {
            format!("{:?}", tables.scan_back("t", &prefix, &before, limit).await.map_err(text))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sqlite_answers_as_the_model_does(calls in prop::collection::vec(call(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let sqlite = SqliteTables::open(&folder.path().join("state.db")).await.unwrap();
            let model = MemoryTables::default();
            for call in calls {
                let ours = answer(&sqlite, call.clone()).await;
                assert_eq!(ours, answer(&model, call.clone()).await, "{call:?}");
            }
            sqlite.close().await;
        });
    }
}
