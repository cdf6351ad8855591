//! Tests of the metrics.

use super::*;
use std::collections::{BTreeSet, HashMap};

#[test]
fn ids_and_names_are_unique_and_described() {
    let ids: BTreeSet<u32> = CATALOGUE.iter().map(|info| info.id).collect();
    let names: BTreeSet<&str> = CATALOGUE.iter().map(|info| info.name).collect();
    assert!(ids.len() == CATALOGUE.len() && names.len() == CATALOGUE.len() && CATALOGUE.len() == COUNT);
    assert!(CATALOGUE.is_sorted_by_key(|info| info.id));
    for info in CATALOGUE {
        assert!(!info.help.is_empty() && !info.help_zh.is_ascii() && !info.unit.is_empty(), "{}", info.name);
        assert!(
            info.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte))
        );
    }
}

#[test]
fn two_hundred_names_are_delivered_on_this_host() {
    let mut sampler = Sampler::new();
    sampler.sample(1);
    let sample = sampler.sample(2);
    let names: BTreeSet<&str> = sample.metrics.iter().map(|metric| metric.name.as_str()).collect();
    let silent: Vec<_> = CATALOGUE.iter().map(|info| info.name).filter(|name| !names.contains(name)).collect();
    println!(
        "{} names, {} values, {} µs; not on this host: {silent:?}",
        names.len(),
        sample.metrics.len(),
        sample.cost_us
    );
    assert!(names.len() >= 200, "{} names; missing {silent:?}", names.len());
    assert!(sample.time_us == 2 && sample.cost_us > 0);
    let by_id: HashMap<u32, &str> = CATALOGUE.iter().map(|info| (info.id, info.name)).collect();
    for metric in &sample.metrics {
        assert_eq!(by_id.get(&metric.id), Some(&metric.name.as_str()));
        assert!(metric.value.is_finite() && metric.value >= 0.0, "{} {}", metric.name, metric.value);
    }
}

#[test]
fn values_are_plausible() {
    let sample = Sampler::new().sample(1);
    let value = |name: &str| sample.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value);
    assert!(value("memory.total").unwrap() > 64e6 && value("cpu.cores").unwrap() >= 1.0);
    assert!((0.0..=100.0).contains(&value("memory.used_share").unwrap()));
    assert!(value("agent.memory").unwrap() > 1e5 && value("host.uptime").unwrap() > 0.0);
    assert!(value("cpu.user").is_none(), "a rate needs two samples");
}
