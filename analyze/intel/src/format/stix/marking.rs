//! TLP in STIX: the fixed marking definitions of version 1 (STIX 2.1 part 7.2.1.4) and of version 2.0 (OASIS extension).

use crate::Tlp;

/// The extension that carries TLP 2.0.
pub const EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// (marking, id in version 2.0, id in version 1.0).
const IDS: [(Tlp, &str, &str); 5] = [
    (
        Tlp::Clear,
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    ),
    (
        Tlp::Green,
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    ),
    (
        Tlp::Amber,
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    ),
    (Tlp::AmberStrict, "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", ""),
    (
        Tlp::Red,
        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
    ),
];

/// The marking of an id, of either version.
pub fn of_id(id: &str) -> Option<Tlp> {
    IDS.iter().find(|(_, two, one)| *two == id || *one == id).map(|(tlp, _, _)| *tlp)
}

/// The id of a marking in version 2.0.
pub fn id(tlp: Tlp) -> &'static str {
    IDS.iter().find(|(known, _, _)| *known == tlp).map_or(IDS[4].1, |(_, two, _)| two)
}

/// The definition itself, as OASIS publishes it.
pub fn definition(tlp: Tlp) -> serde_json::Value {
    serde_json::json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": id(tlp),
        "created": "2022-10-01T00:00:00.000Z",
        "name": format!("TLP:{}", tlp.word().to_uppercase()),
        "extensions": { EXTENSION: { "extension_type": "property-extension", "tlp_2_0": tlp.word() } },
    })
}
