//! AWS CloudTrail: files of `{"Records":[…]}`, or one record a line.

use super::{Around, Decoder, Found, json};

/// `cloudtrail`: eventName, eventSource, userIdentity.type, requestParameters.userName …
pub struct CloudTrail;

impl Decoder for CloudTrail {
    fn word(&self) -> &'static str {
        "cloudtrail"
    }

    fn about(&self) -> (&'static str, &'static str) {
        ("AWS CloudTrail, files of Records or one record a line", "AWS CloudTrail，Records 文件或每行一条记录")
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        json::records("cloudtrail", line, around, out)
    }

    fn is_whole(&self, end: &[u8]) -> bool {
        json::is_closed(end)
    }
}
