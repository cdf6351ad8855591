//! Accounts of people, and the first one of an installation.

use crate::access::Role;
use crate::tables::{self, ACCOUNTS};
use crate::{fault, password};
use base::{Clock, Fault, Random, Result};
use port::{Tables, Write};

/// Name of the account that the first run makes.
const FIRST: &str = "admin";
/// Longest account name, bytes.
const NAME_BYTES: usize = 64;
/// Most accounts of an installation: what one page of the API shows.
pub(crate) const MOST: usize = base::limits::PAGE_ROWS;

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Password hash, see [`crate::password`].
    pub hash: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Whether the password must be changed before anything else.
    pub must_change: bool,
    /// Rises with each change of the password: sessions of an older number are void.
    pub epoch: u64,
    /// When it was made, µs since the Unix epoch.
    pub created_us: i64,
}

/// Name and password of the first administrator, to be shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Account name.
    pub user: String,
    /// Password; it must be changed at the first login.
    pub password: String,
}

/// Makes the first administrator, with all three administrator roles, if there is no account yet; `None` otherwise. It is
/// the only account that ever gets more than one of them: an installation begins with one person.
/// Hashes a password (some 30 ms).
pub async fn first_run(tables: &dyn Tables, random: &dyn Random, clock: &dyn Clock) -> Result<Option<Credentials>> {
    let Some((first, writes)) = prepare_first(tables, random, clock).await? else { return Ok(None) };
    tables.commit(writes).await?;
    Ok(Some(first))
}

/// As [`first_run`], but leaves the commit to the caller, who seals it in the ledger in the same one.
pub async fn prepare_first(
    tables: &dyn Tables,
    random: &dyn Random,
    clock: &dyn Clock,
) -> Result<Option<(Credentials, Vec<Write>)>> {
    if !tables.scan(ACCOUNTS, "", "", 1).await?.is_empty() {
        return Ok(None);
    }
    let password = password::make(random);
    let account = Account {
        name: FIRST.into(),
        hash: password::hash(&password, random)?,
        roles: vec![Role::SystemAdmin, Role::SecurityAdmin, Role::AuditAdmin],
        must_change: true,
        epoch: 1,
        created_us: clock.wall(),
    };
    let writes = vec![put_new(&account)];
    Ok(Some((Credentials { user: account.name, password }, writes)))
}

/// The write that stores an account that must not exist yet.
pub fn put_new(account: &Account) -> Write {
    Write::PutIf { table: ACCOUNTS, key: account.name.clone(), value: tables::json(account), version: 0 }
}

/// An account by name.
pub(crate) async fn find(tables: &dyn Tables, name: &str) -> Result<Option<Account>> {
    tables::find(tables, ACCOUNTS, name).await
}

/// Every account.
pub(crate) async fn all(tables: &dyn Tables) -> Result<Vec<Account>> {
    let items = tables.scan(ACCOUNTS, "", "", MOST).await?;
    items.iter().map(|item| tables::parse(ACCOUNTS, item)).collect()
}

/// The roles in order and once each. A fault when there is none, or more than one of [`Role::APART`]. What the account
/// holds already it may keep: one person may run a new installation alone, and split the roles when others come.
pub(crate) fn check_roles(mut roles: Vec<Role>, held: &[Role]) -> Result<Vec<Role>> {
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Fault::new(&fault::INVALID).object("roles").expected("at least one"));
    }
    let apart: Vec<&str> = roles.iter().filter(|role| Role::APART.contains(role)).map(|role| role.word()).collect();
    if apart.len() > 1 && !roles.iter().all(|role| held.contains(role)) {
        let wanted: Vec<&str> = Role::APART.iter().map(|role| role.word()).collect();
        let fault = Fault::new(&fault::ROLES_APART).object("roles");
        return Err(fault.expected(format!("at most one of {}", wanted.join(", "))).found(apart.join(", ")));
    }
    Ok(roles)
}

/// A fault when the name is not fit for an account.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(fits) {
        let fault = Fault::new(&fault::INVALID).object("name");
        return Err(fault.expected("1 to 64 of a-z, 0-9, `.`, `_`, `-`").found(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{AuditAdmin, SecurityAdmin, SystemAdmin, Viewer};

    #[test]
    fn nobody_gets_two_administrator_roles_but_what_is_held_may_be_reduced() {
        assert_eq!(check_roles(vec![Viewer, SystemAdmin, Viewer], &[]).unwrap(), [SystemAdmin, Viewer]);
        assert!(check_roles(vec![], &[Viewer]).unwrap_err().is(&fault::INVALID));
        for pair in [vec![SystemAdmin, AuditAdmin], vec![SecurityAdmin, AuditAdmin], vec![SystemAdmin, SecurityAdmin]] {
            assert!(check_roles(pair.clone(), &[SystemAdmin]).unwrap_err().is(&fault::ROLES_APART), "{pair:?}");
            assert!(check_roles(pair, Role::APART).is_ok());
        }
    }
}
