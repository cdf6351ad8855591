//! Differences that have a known cause, each proved on the request itself: only what is left over is a difference.

use crate::answer::Answer;
use crate::ours::Ours;
use crate::request::Request;
use crate::rules::Rules;

/// Why we say otherwise than libmodsecurity, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Both call the body unreadable (rule 200002) and would refuse the request; libmodsecurity looks no further, we read
    /// on, because an application behind might.
    BeyondUnreadable,
    /// libmodsecurity drops line breaks inside values of multipart forms (`union\nselect` becomes `unionselect`); an
    /// application gets them. Proved: without the line breaks we say the same.
    LineBreaksInParts,
    /// libmodsecurity fills `REQUEST_BODY` with the tags of XML, against ModSecurity's manual and the tests of CRS.
    /// Proved: told to fill it too, we say the same.
    XmlTags,
    /// The XML says that it is written in an encoding that we do not read (UTF-7 and the like): we refuse it as unreadable
    /// (rule 200002), libmodsecurity's library converts it.
    XmlEncoding,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 4] =
        [Reason::BeyondUnreadable, Reason::LineBreaksInParts, Reason::XmlTags, Reason::XmlEncoding];

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Reason::BeyondUnreadable => "rules beyond a body that both call unreadable",
            Reason::LineBreaksInParts => "line breaks in values of multipart forms, which libmodsecurity drops",
            Reason::XmlTags => "tags of XML bodies, which libmodsecurity takes for text",
            Reason::XmlEncoding => "XML in an encoding that we refuse as unreadable",
        }
    }
}

/// Finds reasons under one configuration.
pub struct Explainer {
    /// Our engine, told to fill `REQUEST_BODY` always.
    filled: Ours,
}

impl Explainer {
    /// For the rules of a configuration.
    pub fn load(rules: &Rules) -> Result<Explainer, String> {
        let fill = "SecAction \"id:4293020,phase:1,nolog,pass,ctl:forceRequestBodyVariable=On\"\n";
        Ok(Explainer { filled: Ours::of(&format!("{fill}{}", rules.text()))? })
    }

    /// Why the answers differ, if it is known.
    pub fn reason(&self, request: &Request, ours: &Answer, theirs: &Answer) -> Option<Reason> {
        if self.filled.answer(request).agrees(theirs) {
            return Some(Reason::XmlTags);
        }
        if let Some(joined) = without_breaks(request)
            && self.filled.answer(&joined).agrees(theirs)
        {
            return Some(Reason::LineBreaksInParts);
        }
        let unread = |answer: &Answer| answer.rules.contains(&200_002);
        match (unread(ours), unread(theirs)) {
            (true, true) => Some(Reason::BeyondUnreadable),
            (true, false) if foreign(&request.body) => Some(Reason::XmlEncoding),
            _ => None,
        }
    }
}

/// Whether an XML declaration names another encoding than UTF-8 and its subset.
fn foreign(body: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&body[..body.len().min(200)]).to_ascii_lowercase();
    let declared = head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let name =
        declared.and_then(|rest| rest.split("encoding=").nth(1)).map(|rest| rest.trim_start_matches(['"', '\'']));
    name.is_some_and(|name| !name.starts_with("utf-8") && !name.starts_with("us-ascii"))
}

/// A multipart request with the line breaks inside its values taken out; `None` for others. The length stays as it was
/// said.
fn without_breaks(request: &Request) -> Option<Request> {
    let kind = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))?;
    if !kind.1.to_ascii_lowercase().starts_with(b"multipart/") {
        return None;
    }
    let mut body: Vec<u8> = Vec::with_capacity(request.body.len());
    let mut in_value = false;
    for line in request.body.split_inclusive(|byte| *byte == b'\n') {
        let boundary = line.starts_with(b"--");
        if boundary && in_value {
            body.extend(b"\r\n");
        }
        in_value &= !boundary;
        if in_value {
            body.extend(line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line)));
        } else {
            body.extend(line);
        }
        in_value |= matches!(line, b"\r\n" | b"\n");
    }
    Some(Request { body, ..request.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_encodings_are_told() {
        assert!(foreign(b"<?xml version=\"1.0\" encoding=\"UTF-7\"?><a/>"));
        assert!(!foreign(b"<?xml version='1.0' encoding='utf-8'?><a/>"));
        assert!(!foreign(b"<a encoding=\"UTF-7\"/>"));
    }

    #[test]
    fn line_breaks_go_from_values_alone() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nS\r\n\r\nE\nL\r\n--X--\r\n";
        let request = Request::browser("POST", "/").with_body("multipart/form-data; boundary=X", body);
        let joined = without_breaks(&request).unwrap();
        let wanted = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nSEL\r\n--X--\r\n";
        assert_eq!(String::from_utf8(joined.body).unwrap(), wanted);
        assert!(without_breaks(&Request::browser("GET", "/")).is_none());
    }
}
