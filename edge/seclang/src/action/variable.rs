//! Actions that write variables: `setvar`, `setenv`, `expirevar`, `initcol`, and the names that a record hides.

use super::{Action, Context, filled};
use crate::fault::VALUE;
use crate::model::{Collection, SetOp, SetVar, Text, TtlVar};
use crate::names::{fault, shown};
use base::Result;

/// Collections by name.
const COLLECTIONS: &[(&str, Collection)] = &[
    ("tx", Collection::Tx),
    ("ip", Collection::Ip),
    ("global", Collection::Global),
    ("session", Collection::Session),
    ("user", Collection::User),
    ("resource", Collection::Resource),
    ("env", Collection::Env),
];

/// Reads one of these actions; `None` when the name is another.
pub(super) fn parse(name: &str, value: &str, context: &Context<'_>) -> Result<Option<Action>> {
    Ok(Some(match name {
        "setvar" => Action::SetVar(set(value, context)?),
        "setenv" => {
            let (key, value) = value.split_once('=').unwrap_or((value, "1"));
            let (key, value) = (context.text(key)?, context.text(value)?);
            filled(&key, name, context)?;
            Action::SetVar(SetVar { collection: Collection::Env, key, op: SetOp::Set, value })
        }
        "expirevar" => {
            let (variable, seconds) =
                value.split_once('=').ok_or_else(|| context.wrong(name, value, "collection.key=seconds"))?;
            let (collection, key) = key(variable, context)?;
            Action::Expire(TtlVar { collection, key, seconds: context.text(seconds.trim())? })
        }
        "initcol" => {
            let (name, key) = value.split_once('=').ok_or_else(|| context.wrong(name, value, "collection=key"))?;
            Action::Init(collection(name, context)?, context.text(key)?)
        }
        "setuid" => Action::Init(Collection::User, context.text(value)?),
        "setsid" => Action::Init(Collection::Session, context.text(value)?),
        "setrsc" => Action::Init(Collection::Resource, context.text(value)?),
        _ => match hidden(name, value) {
            Some(name) => Action::Sanitise(name),
            None => return Ok(None),
        },
    }))
}

/// `collection.key`, `collection.key=value`, `=+value`, `=-value`, `!collection.key`.
fn set(text: &str, context: &Context<'_>) -> Result<SetVar> {
    let text = text.trim_start();
    let (unset, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
    let (variable, value) = match text.split_once('=') {
        Some((variable, value)) => (variable, Some(value)),
        None => (text, None),
    };
    let (collection, key) = key(variable, context)?;
    let (op, value) = match value {
        _ if unset => (SetOp::Unset, Text::default()),
        None => (SetOp::Set, Text::literal(b"1")),
        Some(value) => match value.as_bytes().first() {
            Some(b'+') => (SetOp::Add, context.text(&value[1..])?),
            Some(b'-') => (SetOp::Sub, context.text(&value[1..])?),
            _ => (SetOp::Set, context.text(value)?),
        },
    };
    Ok(SetVar { collection, key, op, value })
}

fn key(variable: &str, context: &Context<'_>) -> Result<(Collection, Text)> {
    let Some((name, key)) = variable.split_once('.') else {
        return Err(fault(&VALUE, context.place).expected("collection.key").found(shown(variable)));
    };
    let key = context.text(key.trim_end())?;
    filled(&key, variable, context)?;
    Ok((collection(name, context)?, key))
}

fn collection(name: &str, context: &Context<'_>) -> Result<Collection> {
    let name = name.trim();
    let found = COLLECTIONS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, collection)| *collection).ok_or_else(|| {
        let names: Vec<&str> = COLLECTIONS.iter().map(|(name, _)| *name).collect();
        fault(&VALUE, context.place).expected(format!("one of {}", names.join(", "))).found(shown(name))
    })
}

/// What a record must not show, as a target: `ARGS:password`.
fn hidden(name: &str, value: &str) -> Option<String> {
    let name = name.replace("sanitize", "sanitise");
    match name.as_str() {
        "sanitisearg" => Some(format!("ARGS:{value}")),
        "sanitiserequestheader" => Some(format!("REQUEST_HEADERS:{value}")),
        "sanitiseresponseheader" => Some(format!("RESPONSE_HEADERS:{value}")),
        "sanitisematched" | "sanitisematchedbytes" => Some("MATCHED_VAR".to_string()),
        _ => None,
    }
}
