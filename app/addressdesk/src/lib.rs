//! The pool of protected addresses at the server: kept in the state tables, asked and changed through the API.
//!
//! - [`Desk`]: one pool in memory, made of what is stored; a change is checked, stored, then made.
//!
//! What it is not: the pool itself (`edge/pool`), or what makes packets follow an address that moved (`edge/bgp`,
//! `edge/divert`).
//!
//! Invariants
//! - What was stored is what is in memory: a pool that is opened again is the same (`tests::a_pool_is_opened_again`).
//! - Of two workers of one installation that change the pool at once one is told to try again; both see the result.
//! - The log of changes is bounded: beyond a limit the pool is written as rows and the log begins anew; what is asked
//!   meanwhile is answered (`tests::the_desk_answers_while_rows_are_written`).

mod compact;
mod desk;
mod store;

pub use desk::Desk;

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;
