//! The kinds of assets, one file each, and their table.

pub mod container;
pub mod cron;
pub mod group;
pub mod host;
pub mod key;
pub mod module;
pub mod package;
pub mod port;
pub mod service;
pub mod sudo;
pub mod user;
pub mod web_app;

use crate::root::Root;
use record::Asset;

/// What was seen.
#[derive(Debug, Default)]
pub struct Sight {
    /// Assets, in any order; the last of two with one key stands.
    pub assets: Vec<Asset>,
}

impl Sight {
    /// Takes one in.
    pub fn push(&mut self, built: crate::asset::Built) {
        self.assets.push(built.done());
    }
}

/// A kind of asset.
pub struct Kind {
    /// Its word, as in [`record::Asset::kind`].
    pub word: &'static str,
    /// Looks at a tree.
    pub look: fn(&Root, &mut Sight),
}

/// Every kind.
pub const ALL: &[Kind] = &[
    host::KIND,
    package::KIND,
    port::KIND,
    user::KIND,
    group::KIND,
    sudo::KIND,
    service::KIND,
    cron::KIND,
    module::KIND,
    container::KIND,
    web_app::KIND,
    key::KIND,
];

/// Lines with something on them that are no comment.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}
