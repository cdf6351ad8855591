//! Installed packages, of the system and of languages.

pub mod apk;
pub mod dpkg;
pub mod node;
pub mod python;
pub mod rpm;

use super::{Kind, Sight};
use crate::asset::{self, Built};
use crate::root::Root;

/// Packages.
pub const KIND: Kind = Kind { word: "package", look };

fn look(root: &Root, sight: &mut Sight) {
    for look in [dpkg::look, rpm::look, apk::look, python::look, node::look] {
        look(root, sight);
    }
}

/// A package of a manager; its key is `manager:name[:more]`.
fn package(manager: &str, name: &str, more: &str, version: &str) -> Built {
    let colon = if more.is_empty() { "" } else { ":" };
    asset::asset("package", &format!("{manager}:{name}{colon}{more}"), name).version(version).with("manager", manager)
}
