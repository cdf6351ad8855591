//! Why a connection is refused: the stable names that stand in events, with status and texts.

use base::Lang;

/// What made the framing of a request doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A line feed without the carriage return before it.
    BareLf,
    /// A carriage return inside a line.
    BareCr,
    /// A line longer than allowed.
    LineTooLong,
    /// The request target is longer than allowed.
    TargetTooLong,
    /// The head is bigger than allowed.
    HeadTooLarge,
    /// More header fields than allowed.
    TooManyFields,
    /// More than one empty line before a request.
    EmptyLines,
    /// The request line is not `method SP target SP version`.
    RequestLine,
    /// The method is not a token, or too long.
    Method,
    /// The target is in no form that the method allows, or holds bytes that no target has.
    Target,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    Version,
    /// A line that begins with white space, so that it could continue the one before.
    Fold,
    /// White space between field name and colon.
    SpaceBeforeColon,
    /// The field name is not a token.
    FieldName,
    /// A control character in a field value.
    FieldValue,
    /// A name that becomes a framing field when `_` is read as `-`.
    AliasedName,
    /// `Content-Length` is not a plain decimal number.
    ContentLength,
    /// `Content-Length` stands more than once.
    ContentLengthRepeated,
    /// `Transfer-Encoding` is not exactly one `chunked`, or stands in a request of HTTP/1.0.
    TransferEncoding,
    /// `Content-Length` and `Transfer-Encoding` together.
    LengthConflict,
    /// `Connection` names a field that frames or routes the message.
    ConnectionOption,
    /// A request of HTTP/1.1 without `Host`.
    HostMissing,
    /// `Host` stands more than once.
    HostRepeated,
    /// `Host` holds what no host has, or differs from the absolute target.
    Host,
    /// A `CONNECT` with a body.
    ConnectBody,
    /// The chunk size is not a hexadecimal number alone, or too long.
    ChunkSize,
    /// A chunk extension with control characters, or more of them than allowed.
    ChunkExtension,
    /// No CRLF after the data of a chunk.
    ChunkEnd,
    /// A trailer that frames, routes or authorises the message.
    Trailer,
    /// More requests sent ahead than allowed.
    Pipeline,
}

/// A refusal: what, and where in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What.
    pub kind: Kind,
    /// Position of the first byte of the message, counted from the beginning of the connection. What came before is sound.
    pub message: u64,
    /// Position of the line (or byte, in chunked data) that is refused.
    pub at: u64,
}

struct Row {
    kind: Kind,
    name: &'static str,
    status: u16,
    en: &'static str,
    zh: &'static str,
}

const fn row(kind: Kind, name: &'static str, status: u16, en: &'static str, zh: &'static str) -> Row {
    Row { kind, name, status, en, zh }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row(Kind::BareLf, "bare-lf", 400, "a line ends with LF alone", "行仅以 LF 结尾"),
    row(Kind::BareCr, "bare-cr", 400, "a CR stands inside a line", "行内含单独的 CR"),
    row(Kind::LineTooLong, "line-too-long", 431, "a line of the head is too long", "请求头中有过长的行"),
    row(Kind::TargetTooLong, "target-too-long", 414, "the request target is too long", "请求目标过长"),
    row(Kind::HeadTooLarge, "head-too-large", 431, "the head is too large", "请求头过大"),
    row(Kind::TooManyFields, "too-many-fields", 431, "too many header fields", "请求头字段过多"),
    row(Kind::EmptyLines, "empty-lines", 400, "empty lines before the request", "请求之前有多个空行"),
    row(Kind::RequestLine, "request-line", 400, "the request line is malformed", "请求行格式错误"),
    row(Kind::Method, "method", 400, "the method is not a token", "请求方法不是合法记号"),
    row(Kind::Target, "target", 400, "the request target is not valid", "请求目标无效"),
    row(Kind::Version, "version", 505, "neither HTTP/1.0 nor HTTP/1.1", "既非 HTTP/1.0 也非 HTTP/1.1"),
    row(Kind::Fold, "line-folding", 400, "a header line begins with white space", "请求头行以空白开头（折行）"),
    row(Kind::SpaceBeforeColon, "space-before-colon", 400, "white space before the colon of a field", "字段冒号前有空白"),
    row(Kind::FieldName, "field-name", 400, "a field name is not a token", "字段名不是合法记号"),
    row(Kind::FieldValue, "field-value", 400, "a control character in a field value", "字段值含控制字符"),
    row(Kind::AliasedName, "aliased-name", 400, "a field name imitates a framing field", "字段名模仿成帧字段"),
    row(Kind::ContentLength, "content-length", 400, "Content-Length is not a number", "Content-Length 不是数字"),
    row(Kind::ContentLengthRepeated, "content-length-repeated", 400, "Content-Length stands more than once", "Content-Length 出现多次"),
    row(Kind::TransferEncoding, "transfer-encoding", 400, "Transfer-Encoding is not exactly chunked", "Transfer-Encoding 不是唯一的 chunked"),
    row(Kind::LengthConflict, "length-conflict", 400, "Content-Length and Transfer-Encoding together", "同时含 Content-Length 与 Transfer-Encoding"),
    row(Kind::ConnectionOption, "connection-option", 400, "Connection names a field that frames the message", "Connection 列出了成帧字段"),
    row(Kind::HostMissing, "host-missing", 400, "the request names no host", "请求缺少 Host"),
    row(Kind::HostRepeated, "host-repeated", 400, "Host stands more than once", "Host 出现多次"),
    row(Kind::Host, "host", 400, "Host is not valid or differs from the target", "Host 无效或与目标不一致"),
    row(Kind::ConnectBody, "connect-body", 400, "a CONNECT with a body", "CONNECT 带有正文"),
    row(Kind::ChunkSize, "chunk-size", 400, "a chunk size is not valid", "分块长度无效"),
    row(Kind::ChunkExtension, "chunk-extension", 400, "chunk extensions are malformed or too large", "分块扩展格式错误或过大"),
    row(Kind::ChunkEnd, "chunk-end", 400, "a chunk does not end where it says", "分块未在声明处结束"),
    row(Kind::Trailer, "trailer", 400, "a trailer that must not be one", "不允许的尾部字段"),
    row(Kind::Pipeline, "pipeline", 400, "too many requests sent ahead", "预先发送的请求过多"),
];

impl Kind {
    /// Every kind, in the order of the table.
    pub fn all() -> impl Iterator<Item = Kind> {
        ROWS.iter().map(|row| row.kind)
    }

    fn row(self) -> &'static Row {
        // The table is in the order of the enumeration; a test holds it.
        &ROWS[self as usize]
    }

    /// The name in events and rules; part of the contract, never reused.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The status of the answer.
    pub fn status(self) -> u16 {
        self.row().status
    }

    /// One sentence for people.
    pub fn text(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.row().en,
            Lang::Zh => self.row().zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds_and_names_are_unique() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.kind as usize, at, "{}", row.name);
            assert!(!row.en.is_empty() && !row.zh.is_empty() && (400..600).contains(&row.status));
        }
        assert_eq!(Kind::Pipeline as usize + 1, ROWS.len());
        let names: std::collections::BTreeSet<_> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), ROWS.len());
    }
}
