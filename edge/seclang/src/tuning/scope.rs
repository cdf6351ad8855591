//! Where an item holds: path, methods, content types.

use super::check::Item;
use base::Result;
use serde::Deserialize;

/// How a path is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathMatch {
    /// The whole path.
    #[default]
    Exact,
    /// Its beginning.
    Prefix,
    /// A regular expression over the whole path.
    Pattern,
}

/// Where an item holds; everything that is given must fit. The path is the one the application sees: decoded once, `.` and
/// `..` resolved, so that an exclusion of `/search` is not reached by `/search/../admin`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Begins with `/`, unless it is a pattern.
    pub path: Option<String>,
    /// How it is compared.
    pub matching: PathMatch,
    /// One of these; all when empty.
    pub methods: Vec<String>,
    /// Media types of the request, `image/png`, `image/*` or `application/*+json`; all when empty.
    pub content_types: Vec<String>,
}

/// One condition: target, operator with argument, transformations.
pub(super) type Condition = (String, String, &'static str);

impl Scope {
    /// Whether it holds everywhere.
    pub fn everywhere(&self) -> bool {
        self.path.is_none() && self.methods.is_empty() && self.content_types.is_empty()
    }

    /// What has to hold, in order, the cheapest and rarest first. `wide` also takes spellings of a path that some servers
    /// read as the same one (parameters of a segment, `/order;a=b`; a slash at the end): right where an item refuses, wrong
    /// where it lets by.
    pub(super) fn conditions(&self, item: &Item<'_>, wide: bool) -> Result<Vec<Condition>> {
        let mut conditions = Vec::new();
        if let Some(path) = &self.path {
            let test = self.path_test(item, path, wide)?;
            // The variable is decoded once already.
            conditions.push(("REQUEST_FILENAME".to_string(), test, "t:none,t:normalizePath"));
        }
        if !self.methods.is_empty() {
            let odd = |method: &&String| {
                method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            };
            if let Some(method) = self.methods.iter().find(odd) {
                return Err(item.wrong("where.methods", "methods in capital letters", method));
            }
            let test = format!("@rx \\A(?:{})\\z", self.methods.join("|"));
            conditions.push(("REQUEST_METHOD".to_string(), test, "t:none"));
        }
        if !self.content_types.is_empty() {
            let types: Vec<String> =
                self.content_types.iter().map(|media| media_type(media, item)).collect::<Result<_>>()?;
            let test = format!("@rx \\A(?:{})\\s*(?:;|\\z)", types.join("|"));
            conditions.push(("REQUEST_HEADERS:Content-Type".to_string(), test, "t:none,t:lowercase"));
        }
        Ok(conditions)
    }
}

impl Scope {
    fn path_test(&self, item: &Item<'_>, path: &str, wide: bool) -> Result<String> {
        if self.matching == PathMatch::Pattern {
            return Ok(format!("@rx \\A(?:{})\\z", item.expression("where.path", path)?));
        }
        let path = item.harmless("where.path", path)?;
        if !path.starts_with('/') {
            return Err(item.wrong("where.path", "a path that begins with /", path));
        }
        let parameters = "(?:;[^/]*)?";
        let segments: Vec<String> = path.trim_end_matches('/').split('/').map(quote).collect();
        let segments = segments.join(&format!("{parameters}/"));
        Ok(match (self.matching, wide) {
            (PathMatch::Exact, false) => format!("@streq {path}"),
            (_, false) => format!("@beginsWith {path}"),
            (PathMatch::Exact, true) => format!("@rx \\A{segments}{parameters}/?\\z"),
            // A prefix may end within a segment.
            (_, true) => format!("@rx \\A{segments}"),
        })
    }
}

/// A text as an expression that means it.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if ".+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

/// A media type as an expression.
fn media_type(media: &str, item: &Item<'_>) -> Result<String> {
    let wrong =
        || item.wrong("where.content_types", "a media type like image/png, image/* or application/*+json", media);
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte))
    };
    let (kind, rest) = media.split_once('/').ok_or_else(wrong)?;
    let any = "[a-z0-9.+_-]+";
    let rest = match rest.strip_prefix('*') {
        Some("") => any.to_string(),
        Some(suffix) if suffix.starts_with('+') && token(suffix) => {
            format!("{any}{}", quote(&suffix.to_ascii_lowercase()))
        }
        None if token(rest) => quote(&rest.to_ascii_lowercase()),
        _ => return Err(wrong()),
    };
    if token(kind) { Ok(format!("{}/{rest}", quote(&kind.to_ascii_lowercase()))) } else { Err(wrong()) }
}
