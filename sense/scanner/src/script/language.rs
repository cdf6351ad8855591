//! What the languages of web servers call the things that matter: where a request comes in, what runs code.

use super::token::Syntax;

/// What a function does with what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// Runs it as code.
    Code,
    /// Runs it as a command.
    Command,
    /// Calls the function of that name.
    Call,
    /// Loads the file of that name as code.
    Include,
    /// Writes it to a file of that name.
    Write,
}

/// A language.
pub struct Language {
    /// Its name in findings.
    pub name: &'static str,
    /// How it is written.
    pub syntax: Syntax,
    /// Words and variables that hold what a client sent.
    pub sources: &'static [&'static str],
    /// Functions that run something.
    pub sinks: &'static [(&'static str, Sink)],
    /// Functions that turn letters into something else.
    pub decoders: &'static [&'static str],
    /// Functions whose result is harmless whatever they are given.
    pub cleaners: &'static [&'static str],
}

/// PHP.
pub const PHP: Language = Language {
    name: "php",
    syntax: Syntax { hash: true, slashes: true, php: true, lines: false },
    sources: &["_get", "_post", "_request", "_cookie", "_files", "http_raw_post_data", "getallheaders"],
    sinks: &[
        ("eval", Sink::Code),
        ("assert", Sink::Code),
        ("create_function", Sink::Code),
        ("system", Sink::Command),
        ("exec", Sink::Command),
        ("shell_exec", Sink::Command),
        ("passthru", Sink::Command),
        ("popen", Sink::Command),
        ("proc_open", Sink::Command),
        ("pcntl_exec", Sink::Command),
        ("call_user_func", Sink::Call),
        ("call_user_func_array", Sink::Call),
        ("array_map", Sink::Call),
        ("array_filter", Sink::Call),
        ("array_walk", Sink::Call),
        ("usort", Sink::Call),
        ("uasort", Sink::Call),
        ("register_shutdown_function", Sink::Call),
        ("include", Sink::Include),
        ("include_once", Sink::Include),
        ("require", Sink::Include),
        ("require_once", Sink::Include),
        ("file_put_contents", Sink::Write),
    ],
    decoders: &[
        "base64_decode",
        "gzinflate",
        "gzuncompress",
        "gzdecode",
        "str_rot13",
        "strrev",
        "hex2bin",
        "convert_uudecode",
        "rawurldecode",
        "openssl_decrypt",
    ],
    cleaners: &[
        "escapeshellarg",
        "escapeshellcmd",
        "intval",
        "floatval",
        "count",
        "strlen",
        "isset",
        "empty",
        "md5",
        "sha1",
        "hash",
        "in_array",
        "is_numeric",
        "is_array",
        "array_key_exists",
        "preg_match",
    ],
};

/// Java in pages.
pub const JSP: Language = Language {
    name: "jsp",
    syntax: Syntax { hash: false, slashes: true, php: false, lines: false },
    sources: &[
        "getparameter",
        "getparametervalues",
        "getparametermap",
        "getheader",
        "getquerystring",
        "getreader",
        "getinputstream",
    ],
    sinks: &[
        ("exec", Sink::Command),
        ("processbuilder", Sink::Command),
        ("eval", Sink::Code),
        ("defineclass", Sink::Code),
        ("fileoutputstream", Sink::Write),
    ],
    decoders: &["decodebuffer", "getdecoder", "parsebase64binary", "dofinal"],
    cleaners: &["parseint", "parselong", "parsedouble", "valueof", "length", "equals", "isempty", "escapehtml"],
};

/// C#, VB and JScript in pages of ASP and ASP.NET.
pub const ASP: Language = Language {
    name: "asp",
    syntax: Syntax { hash: false, slashes: true, php: false, lines: false },
    sources: &["request", "querystring", "binaryread"],
    sinks: &[
        ("eval", Sink::Code),
        ("execute", Sink::Code),
        ("executeglobal", Sink::Code),
        ("load", Sink::Code),
        ("start", Sink::Command),
        ("processstartinfo", Sink::Command),
        ("run", Sink::Command),
        ("exec", Sink::Command),
        ("arguments", Sink::Command),
        ("writealltext", Sink::Write),
        ("writeallbytes", Sink::Write),
    ],
    decoders: &["frombase64string", "transformfinalblock"],
    cleaners: &["parse", "toint32", "length", "cint", "htmlencode", "isnullorempty", "equals"],
};

/// Python behind a web server.
pub const PYTHON: Language = Language {
    name: "python",
    syntax: Syntax { hash: true, slashes: false, php: false, lines: true },
    sources: &["request", "fieldstorage", "query_string", "parse_qs", "rfile"],
    sinks: &[
        ("system", Sink::Command),
        ("popen", Sink::Command),
        ("check_output", Sink::Command),
        ("getoutput", Sink::Command),
        ("call", Sink::Command),
        ("run", Sink::Command),
        ("eval", Sink::Code),
        ("exec", Sink::Code),
    ],
    decoders: &["b64decode", "decompress", "unhexlify", "fromhex"],
    cleaners: &["quote", "int", "float", "len", "bool", "isdigit"],
};
