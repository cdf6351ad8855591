//! Alibaba Cloud ActionTrail: lists as delivered to OSS, or one record a line, bare or under `event`.

use super::{Around, Decoder, Fields, Found, json};
use record::Pair;

/// `actiontrail`: eventName, serviceName, userIdentity.type, requestParameters.…
pub struct ActionTrail;

impl Decoder for ActionTrail {
    fn word(&self) -> &'static str {
        "actiontrail"
    }

    fn about(&self) -> (&'static str, &'static str) {
        ("Alibaba Cloud ActionTrail, lists or one record a line", "阿里云操作审计（ActionTrail），列表或每行一条记录")
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        let first = out.len();
        let known = json::records("actiontrail", line, around, out);
        // Log Service wraps each record as `event`.
        for found in out[first..].iter_mut().filter(|found| found.fields.get("event.eventName").is_some()) {
            let wrapped = std::mem::take(&mut found.fields).finish();
            found.fields = Fields::with_room(wrapped.len());
            for Pair { name, value } in &wrapped {
                found.fields.put(name.strip_prefix("event.").unwrap_or(name), value);
            }
            found.time_us = found.time_us.or_else(|| super::request::time(found.fields.get("eventTime")?, around.zone));
        }
        known
    }

    fn is_whole(&self, end: &[u8]) -> bool {
        json::is_closed(end)
    }
}
