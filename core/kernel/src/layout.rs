//! Layouts of C structures as the compiler wrote them into an object, to compare with their Rust twins.

use crate::fault::BAD_OBJECT;
use crate::log::caught;
use base::{Fault, Result};
use libbpf_rs::HasSize;
use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{MemberAttr, Struct};

/// One field of a C structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Offset, bytes.
    pub offset: usize,
}

/// Size and fields of a structure in the BTF of an object, `None` when the object does not have it.
///
/// # Errors
/// [`BAD_OBJECT`] when the object does not open or has no BTF.
pub fn structure(object: &[u8], name: &str) -> Result<Option<(usize, Vec<Field>)>> {
    let fault = || Fault::new(&BAD_OBJECT).object(name);
    let (btf, log) = caught(|| Btf::from_raw("layout", object));
    let btf = btf.map_err(|error| fault().because(error).because(log))?;
    let btf = btf.ok_or_else(|| fault().expected("an object with BTF"))?;
    let Some(found) = btf.type_by_name::<Struct<'_>>(name) else { return Ok(None) };
    let mut fields = Vec::new();
    for member in found.iter() {
        let offset = match member.attr {
            MemberAttr::Normal { offset } => offset,
            MemberAttr::BitField { offset, .. } => offset,
        };
        let name = member.name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        fields.push(Field { name, offset: offset as usize / 8 });
    }
    Ok(Some((found.size(), fields)))
}
