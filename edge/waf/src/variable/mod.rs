//! Variables of the rule language: their names, and where the engine finds their values.
//!
//! Source: ModSecurity reference manual v3.x, "Variables". Variables that need what a gateway does not have
//! (`FILES_TMPNAMES`, `GEO` without a database, `SESSIONID`) are known and have no value.

pub(crate) mod store;

use seclang::Collection;

/// One variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Canonical name, upper case.
    pub name: &'static str,
    /// Where its values are.
    pub(crate) source: Source,
}

/// Where values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// One text, empty when it was not set.
    Single(Single),
    /// Entries of these lists.
    Entries(&'static [List], Part),
    /// `TX`.
    Tx,
    /// `IP`, `GLOBAL`, …: the caller's collections.
    Stored(Collection),
    /// Of the last rule that matched.
    Matched(Matched),
    /// Of the rule that runs.
    Rule,
    /// Parts of the time.
    Clock(Clock),
    /// Milliseconds since the transaction began.
    Duration,
    /// Lowest severity number of the rules that held.
    HighestSeverity,
    /// Known, never with a value.
    Nothing,
}

impl Source {
    /// Whether values stand still while a phase runs: only then may rules share them.
    pub fn stable(self) -> bool {
        match self {
            Source::Single(single) => single != Single::ReqbodyProcessor,
            Source::Entries(lists, _) => !lists.contains(&List::Env),
            _ => false,
        }
    }

    /// Bits of what it reads, see [`store::Store::changed`].
    pub fn bits(self) -> u128 {
        match self {
            Source::Single(single) => 1 << single as u32,
            Source::Entries(lists, _) => lists.iter().fold(0, |bits, list| bits | list.bit()),
            _ => 0,
        }
    }
}

/// Which half of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Its value.
    Value,
    /// Its name.
    Name,
}

/// `MATCHED_VAR` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matched {
    /// `MATCHED_VAR`.
    Var,
    /// `MATCHED_VAR_NAME`.
    VarName,
    /// `MATCHED_VARS`.
    Vars,
    /// `MATCHED_VARS_NAMES`.
    VarsNames,
}

/// Parts of the time, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// `TIME`: `hh:mm:ss`.
    Time,
    /// `TIME_DAY`: 1 to 31.
    Day,
    /// `TIME_EPOCH`: seconds.
    Epoch,
    /// `TIME_HOUR`: 0 to 23.
    Hour,
    /// `TIME_MIN`.
    Minute,
    /// `TIME_MON`: 0 to 11.
    Month,
    /// `TIME_SEC`.
    Second,
    /// `TIME_WDAY`: 0 is Sunday.
    Weekday,
    /// `TIME_YEAR`.
    Year,
}

macro_rules! lists {
    ($($name:ident: $what:literal,)*) => {
        /// Collections of the request and the response.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum List { $(#[doc = $what] $name,)* }
        /// How many there are.
        pub(crate) const LISTS: usize = [$(List::$name),*].len();
    };
}

lists! {
    ArgsGet: "Arguments of the query.",
    ArgsPost: "Arguments of a posted form.",
    ArgsBody: "Arguments of other bodies: `ARGS` alone.",
    Decoded: "What the extra decoders found elsewhere: `ARGS` alone.",
    Cookies: "Cookies.",
    DecodedCookies: "What the extra decoders found inside of cookies: `REQUEST_COOKIES` alone.",
    RequestHeaders: "Headers of the request.",
    ResponseHeaders: "Headers of the response.",
    Files: "Files: field and file name.",
    FilesSizes: "Files: field and size.",
    FilesContent: "Files: field and content.",
    PartHeaders: "Headers of parts of a multipart body.",
    MultipartFilename: "File names of parts.",
    MultipartName: "Field names of parts.",
    XmlText: "Text of an XML document.",
    XmlAttributes: "Values of attributes of an XML document.",
    Env: "What the caller told.",
}

impl List {
    fn bit(self) -> u128 {
        1 << (SINGLES + self as usize)
    }
}

const ARGS: &[List] = &[List::ArgsGet, List::ArgsPost, List::ArgsBody, List::Decoded];

macro_rules! singles {
    ($($id:ident $name:literal,)*) => {
        /// Variables of one value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Single { $(#[doc = $name] $id,)* }
        /// How many there are.
        pub(crate) const SINGLES: usize = [$(Single::$id),*].len();
        /// All of them, with their names.
        pub(crate) const SINGLE_NAMES: [(&str, Single); SINGLES] = [$(($name, Single::$id)),*];
    };
}

singles! {
    ArgsCombinedSize "ARGS_COMBINED_SIZE",
    AuthType "AUTH_TYPE",
    FilesCombinedSize "FILES_COMBINED_SIZE",
    FullRequest "FULL_REQUEST",
    FullRequestLength "FULL_REQUEST_LENGTH",
    InboundDataError "INBOUND_DATA_ERROR",
    MultipartBoundaryQuoted "MULTIPART_BOUNDARY_QUOTED",
    MultipartBoundaryWhitespace "MULTIPART_BOUNDARY_WHITESPACE",
    MultipartCrlfLfLines "MULTIPART_CRLF_LF_LINES",
    MultipartDataAfter "MULTIPART_DATA_AFTER",
    MultipartDataBefore "MULTIPART_DATA_BEFORE",
    MultipartFileLimitExceeded "MULTIPART_FILE_LIMIT_EXCEEDED",
    MultipartHeaderFolding "MULTIPART_HEADER_FOLDING",
    MultipartInvalidHeaderFolding "MULTIPART_INVALID_HEADER_FOLDING",
    MultipartInvalidPart "MULTIPART_INVALID_PART",
    MultipartInvalidQuoting "MULTIPART_INVALID_QUOTING",
    MultipartLfLine "MULTIPART_LF_LINE",
    MultipartMissingSemicolon "MULTIPART_MISSING_SEMICOLON",
    MultipartStrictError "MULTIPART_STRICT_ERROR",
    MultipartUnmatchedBoundary "MULTIPART_UNMATCHED_BOUNDARY",
    OutboundDataError "OUTBOUND_DATA_ERROR",
    PathInfo "PATH_INFO",
    QueryString "QUERY_STRING",
    RemoteAddr "REMOTE_ADDR",
    RemoteHost "REMOTE_HOST",
    RemotePort "REMOTE_PORT",
    RemoteUser "REMOTE_USER",
    ReqbodyError "REQBODY_ERROR",
    ReqbodyErrorMsg "REQBODY_ERROR_MSG",
    ReqbodyProcessor "REQBODY_PROCESSOR",
    ReqbodyProcessorError "REQBODY_PROCESSOR_ERROR",
    ReqbodyProcessorErrorMsg "REQBODY_PROCESSOR_ERROR_MSG",
    RequestBasename "REQUEST_BASENAME",
    RequestBody "REQUEST_BODY",
    RequestBodyLength "REQUEST_BODY_LENGTH",
    RequestFilename "REQUEST_FILENAME",
    RequestLine "REQUEST_LINE",
    RequestMethod "REQUEST_METHOD",
    RequestProtocol "REQUEST_PROTOCOL",
    RequestUri "REQUEST_URI",
    RequestUriRaw "REQUEST_URI_RAW",
    ResponseBody "RESPONSE_BODY",
    ResponseContentLength "RESPONSE_CONTENT_LENGTH",
    ResponseContentType "RESPONSE_CONTENT_TYPE",
    ResponseProtocol "RESPONSE_PROTOCOL",
    ResponseStatus "RESPONSE_STATUS",
    ServerAddr "SERVER_ADDR",
    ServerName "SERVER_NAME",
    ServerPort "SERVER_PORT",
    StatusLine "STATUS_LINE",
    UniqueId "UNIQUE_ID",
    UrlencodedError "URLENCODED_ERROR",
    WebAppId "WEBAPPID",
}

const fn single(name: &'static str, single: Single) -> Variable {
    Variable { name, source: Source::Single(single) }
}

const fn values(name: &'static str, lists: &'static [List]) -> Variable {
    Variable { name, source: Source::Entries(lists, Part::Value) }
}

const fn names(name: &'static str, lists: &'static [List]) -> Variable {
    Variable { name, source: Source::Entries(lists, Part::Name) }
}

const fn from(name: &'static str, source: Source) -> Variable {
    Variable { name, source }
}

const OTHERS: &[Variable] = &[
    values("ARGS", ARGS),
    names("ARGS_NAMES", ARGS),
    values("ARGS_GET", &[List::ArgsGet]),
    names("ARGS_GET_NAMES", &[List::ArgsGet]),
    values("ARGS_POST", &[List::ArgsPost]),
    names("ARGS_POST_NAMES", &[List::ArgsPost]),
    values("REQUEST_COOKIES", &[List::Cookies, List::DecodedCookies]),
    names("REQUEST_COOKIES_NAMES", &[List::Cookies]),
    values("REQUEST_HEADERS", &[List::RequestHeaders]),
    names("REQUEST_HEADERS_NAMES", &[List::RequestHeaders]),
    values("RESPONSE_HEADERS", &[List::ResponseHeaders]),
    names("RESPONSE_HEADERS_NAMES", &[List::ResponseHeaders]),
    values("FILES", &[List::Files]),
    names("FILES_NAMES", &[List::Files]),
    values("FILES_SIZES", &[List::FilesSizes]),
    values("FILES_TMP_CONTENT", &[List::FilesContent]),
    values("MULTIPART_PART_HEADERS", &[List::PartHeaders]),
    values("MULTIPART_FILENAME", &[List::MultipartFilename]),
    values("MULTIPART_NAME", &[List::MultipartName]),
    // Its lists are chosen by the path: see `compile::target`.
    values("XML", &[List::XmlText]),
    values("ENV", &[List::Env]),
    from("TX", Source::Tx),
    from("IP", Source::Stored(Collection::Ip)),
    from("GLOBAL", Source::Stored(Collection::Global)),
    from("SESSION", Source::Stored(Collection::Session)),
    from("USER", Source::Stored(Collection::User)),
    from("RESOURCE", Source::Stored(Collection::Resource)),
    from("MATCHED_VAR", Source::Matched(Matched::Var)),
    from("MATCHED_VAR_NAME", Source::Matched(Matched::VarName)),
    from("MATCHED_VARS", Source::Matched(Matched::Vars)),
    from("MATCHED_VARS_NAMES", Source::Matched(Matched::VarsNames)),
    from("RULE", Source::Rule),
    from("TIME", Source::Clock(Clock::Time)),
    from("TIME_DAY", Source::Clock(Clock::Day)),
    from("TIME_EPOCH", Source::Clock(Clock::Epoch)),
    from("TIME_HOUR", Source::Clock(Clock::Hour)),
    from("TIME_MIN", Source::Clock(Clock::Minute)),
    from("TIME_MON", Source::Clock(Clock::Month)),
    from("TIME_SEC", Source::Clock(Clock::Second)),
    from("TIME_WDAY", Source::Clock(Clock::Weekday)),
    from("TIME_YEAR", Source::Clock(Clock::Year)),
    from("DURATION", Source::Duration),
    from("HIGHEST_SEVERITY", Source::HighestSeverity),
    from("FILES_TMPNAMES", Source::Nothing),
    from("GEO", Source::Nothing),
    from("MODSEC_BUILD", Source::Nothing),
    from("MSC_PCRE_ERROR", Source::Nothing),
    from("MSC_PCRE_LIMITS_EXCEEDED", Source::Nothing),
    from("PERF_ALL", Source::Nothing),
    from("SCRIPT_BASENAME", Source::Nothing),
    from("SCRIPT_FILENAME", Source::Nothing),
    from("SESSIONID", Source::Nothing),
    from("STREAM_INPUT_BODY", Source::Nothing),
    from("STREAM_OUTPUT_BODY", Source::Nothing),
    from("USERID", Source::Nothing),
    from("USERAGENT_IP", Source::Nothing),
    from("WEBSERVER_ERROR_LOG", Source::Nothing),
];

const COUNT: usize = SINGLES + OTHERS.len();

const TABLE: [Variable; COUNT] = {
    let mut table = [OTHERS[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        table[at] = if at < SINGLES { single(SINGLE_NAMES[at].0, SINGLE_NAMES[at].1) } else { OTHERS[at - SINGLES] };
        at += 1;
    }
    table
};

/// Every variable.
pub const ALL: &[Variable] = &TABLE;

/// Their names, for [`crate::vocabulary`].
pub(crate) const NAMES: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let mut at = 0;
    while at < COUNT {
        names[at] = TABLE[at].name;
        at += 1;
    }
    names
};

/// A variable by its canonical name.
pub(crate) fn find(name: &str) -> Option<&'static Variable> {
    ALL.iter().find(|variable| variable.name.eq_ignore_ascii_case(name))
}

/// A variable of one value by its name.
pub(crate) fn find_single(name: &str) -> Option<Single> {
    SINGLE_NAMES.iter().find(|(known, _)| *known == name).map(|(_, single)| *single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_upper_case_and_stand_once() {
        let mut names: Vec<&str> = ALL.iter().map(|variable| variable.name).collect();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COUNT);
    }

    #[test]
    fn every_source_has_its_bit() {
        const { assert!(SINGLES + LISTS <= 128) };
        assert_eq!(Source::Single(Single::ArgsCombinedSize).bits(), 1);
        assert_ne!(List::Env.bit(), 0);
    }
}
