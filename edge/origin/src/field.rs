//! The fields of a record, whatever the maker of the file calls them.
//!
//! Names and forms as published: MaxMind (GeoLite2 ASN, Country, City), DB-IP lite (the same), IPinfo lite and country-ASN,
//! IPLocate, and the files that the ip-location-db project makes of iptoasn and others.

use crate::Origin;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Longest name, characters.
const NAME: usize = 64;
/// Most entries of a record that are looked at.
const ENTRIES: usize = 64;

/// A part of an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Asn,
    Name,
    Country,
}

/// Keys that tell a part; of several in one record the first of this list counts.
const KEYS: &[(&str, Part)] = &[
    ("autonomous_system_number", Part::Asn),
    ("asn", Part::Asn),
    ("as_number", Part::Asn),
    ("autonomous_system_organization", Part::Name),
    ("as_name", Part::Name),
    ("as_organization", Part::Name),
    ("org", Part::Name),
    ("organization", Part::Name),
    ("name", Part::Name),
    ("country_code", Part::Country),
    ("country", Part::Country),
    ("registered_country", Part::Country),
];

/// What a record says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fields(pub Origin);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Fields, D::Error> {
        from.deserialize_any(Record)
    }
}

struct Record;

impl<'de> Visitor<'de> for Record {
    type Value = Fields;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        // How good each part is that was found: its place among the keys.
        let mut best = [usize::MAX; 3];
        for _ in 0..ENTRIES {
            let Some(key) = map.next_key::<String>()? else { break };
            let Some(place) = KEYS.iter().position(|(name, _)| *name == key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let (part, value) = (KEYS[place].1, map.next_value::<Value>()?);
            if place < best[part as usize] && fields.take(part, value) {
                best[part as usize] = place;
            }
        }
        Ok(fields)
    }
}

impl Fields {
    /// Takes a value; whether it can be one of this part.
    fn take(&mut self, part: Part, value: Value) -> bool {
        let Fields(origin) = self;
        match (part, value) {
            (Part::Asn, Value::Number(number)) => number.try_into().map(|number| origin.asn = number).is_ok(),
            (Part::Asn, Value::Text(text)) => {
                let digits = text.trim_start_matches(['A', 'a']).trim_start_matches(['S', 's']);
                digits.parse().map(|number| origin.asn = number).is_ok()
            }
            (Part::Name, Value::Text(text)) => {
                let plain = text.trim().chars().filter(|letter| !letter.is_control());
                origin.name = plain.take(NAME).collect();
                !origin.name.is_empty()
            }
            (Part::Country, Value::Text(text) | Value::Code(text)) => {
                let good = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
                if good {
                    origin.country = text.to_ascii_uppercase();
                }
                good
            }
            _ => false,
        }
    }
}

/// A value, as far as it can be a part; what is of another type than expected costs itself and not its record.
#[derive(Debug, PartialEq)]
enum Value {
    Number(u64),
    Text(String),
    /// The `iso_code` of a map.
    Code(String),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        from.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(u64::try_from(number).map_or(Value::Other, Value::Number))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut code = Value::Other;
        while let Some(key) = map.next_key::<String>()? {
            if key != "iso_code" {
                map.next_value::<IgnoredAny>()?;
            } else if let Value::Text(text) = map.next_value::<Value>()? {
                code = Value::Code(text);
            }
        }
        Ok(code)
    }
}
