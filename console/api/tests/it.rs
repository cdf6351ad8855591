//! The API from outside, in one process: every route, every role, every fault.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say where")]

#[path = "it/house.rs"]
mod house;
#[path = "it/intelligence.rs"]
mod intelligence;
#[path = "it/posture.rs"]
mod posture;
#[path = "it/rules.rs"]
mod rules;
#[path = "it/web.rs"]
mod web;

#[path = "it/access.rs"]
mod access;
#[path = "it/accounts.rs"]
mod accounts;
#[path = "it/document.rs"]
mod document;
#[path = "it/orders.rs"]
mod orders;
#[path = "it/pool.rs"]
mod pool;
#[path = "it/problems.rs"]
mod problems;
#[path = "it/reading.rs"]
mod reading;
