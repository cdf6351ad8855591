//! Faults of the command line.

use base::{Class, Code, Fault, Lang};
use clap::error::ContextKind;
use serde_json::{Value, json};

/// There is no `client.json`, or it does not read.
pub const NO_CLIENT: Code = Code {
    id: "cli.no-client",
    class: Class::Missing,
    title: "it is not known where the server is",
    title_zh: "不知道服务器在哪里",
    hint: "start it with `garrison up`, or give --data, or --server with --token-file and --ca-file",
    hint_zh: "请用 `garrison up` 启动，或指定 --data，或同时指定 --server、--token-file 与 --ca-file",
};
/// A file given on the command line does not read.
pub const BAD_FILE: Code = Code {
    id: "cli.bad-file",
    class: Class::Invalid,
    title: "the file cannot be used",
    title_zh: "文件无法使用",
    hint: "check path, permissions and content",
    hint_zh: "请检查路径、权限与内容",
};
/// The server does not answer.
pub const NO_SERVER: Code = Code {
    id: "cli.no-server",
    class: Class::Unavailable,
    title: "the server does not answer",
    title_zh: "服务器没有应答",
    hint: "is it running? `garrison up` starts it, `garrison doctor` looks closer",
    hint_zh: "它在运行吗？`garrison up` 启动，`garrison doctor` 详细检查",
};
/// What answers is not the server we know.
pub const WRONG_SERVER: Code = Code {
    id: "cli.wrong-server",
    class: Class::Unauthenticated,
    title: "the other end is not our server",
    title_zh: "对端不是我们的服务器",
    hint: "the certificate was not made by the installation's own authority: check --server and --ca-file",
    hint_zh: "证书并非本系统自有 CA 签发：请检查 --server 与 --ca-file",
};
/// The answer does not parse.
pub const BAD_ANSWER: Code = Code {
    id: "cli.bad-answer",
    class: Class::Unavailable,
    title: "the server's answer cannot be read",
    title_zh: "无法读取服务器的应答",
    hint: "use the command line of the server's own version",
    hint_zh: "请使用与服务器版本一致的命令行",
};
/// The server refused with a code that this program does not know.
pub const REFUSED: Code = Code {
    id: "cli.refused",
    class: Class::Refused,
    title: "the server refused",
    title_zh: "服务器拒绝了请求",
    hint: "the text above says why",
    hint_zh: "原因见上文",
};
/// An argument does not fit.
pub const BAD_ARGUMENT: Code = Code {
    id: "cli.bad-argument",
    class: Class::Invalid,
    title: "the argument does not fit",
    title_zh: "参数不合适",
    hint: "see --help",
    hint_zh: "请参阅 --help",
};
/// The process cannot be found.
pub const NO_PROCESS: Code = Code {
    id: "cli.no-process",
    class: Class::Missing,
    title: "there is no such process on this machine",
    title_zh: "本机没有这个进程",
    hint: "for another host give the process key that alerts and events show",
    hint_zh: "对其他主机请给出告警或事件中的进程键",
};

/// A span of time does not read.
pub const BAD_SPAN: Code = Code {
    id: "cli.bad-span",
    class: Class::Invalid,
    title: "this is no span of time",
    title_zh: "这不是时间长度",
    hint: "give a number with s, m, h or d: 90s, 10m, 2h, 7d",
    hint_zh: "请给出数字与单位 s、m、h 或 d：90s、10m、2h、7d",
};
/// No agent is connected.
pub const NO_AGENT: Code = Code {
    id: "cli.no-agent",
    class: Class::Unavailable,
    title: "no agent is connected",
    title_zh: "没有已连接的代理",
    hint: "`garrison up` as root starts one here; `garrison agents` lists them, `garrison doctor` looks closer",
    hint_zh: "以 root 执行 `garrison up` 可在本机启动；`garrison agents` 列出全部，`garrison doctor` 详细检查",
};
/// A password given twice is not the same.
pub const NOT_EQUAL: Code = Code {
    id: "cli.not-equal",
    class: Class::Invalid,
    title: "the two passwords are not the same",
    title_zh: "两次输入的密码不一致",
    hint: "try again",
    hint_zh: "请重试",
};
/// No password was given.
pub const NO_PASSWORD: Code = Code {
    id: "cli.no-password",
    class: Class::Invalid,
    title: "a password is needed",
    title_zh: "需要密码",
    hint: "type it at the terminal, or give it as a line on standard input",
    hint_zh: "请在终端输入，或以一行写入标准输入",
};

/// Every fault of the command line.
pub const ALL: &[&Code] = &[
    &NO_CLIENT,
    &BAD_FILE,
    &NO_SERVER,
    &WRONG_SERVER,
    &BAD_ANSWER,
    &REFUSED,
    &BAD_ARGUMENT,
    &NO_PROCESS,
    &BAD_SPAN,
    &NO_AGENT,
    &NOT_EQUAL,
    &NO_PASSWORD,
];

/// A fault as `--json` prints it.
pub fn json(fault: &Fault, lang: Lang) -> Value {
    let row = fault.code().class.row();
    json!({
        "code": fault.code().id, "class": row.word, "detail": fault.outside(lang), "object": fault.named(),
        "expected": fault.wanted(), "found": fault.got(), "hint": fault.hint(lang), "retry": fault.retryable(),
        "exit": row.exit,
    })
}

/// What is wrong with the arguments, as a fault: the argument's own where it has one.
pub fn usage(error: &clap::Error) -> Fault {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let argument = [ContextKind::InvalidArg, ContextKind::InvalidSubcommand].map(context).join("");
    if let Some(own) = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Fault>()) {
        return own.clone().object(argument);
    }
    let fault = Fault::new(&BAD_ARGUMENT).object(argument).found(context(ContextKind::InvalidValue));
    fault.expected(context(ContextKind::ValidValue))
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_unique() {
        let mut ids: Vec<&str> = super::ALL.iter().map(|code| code.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), super::ALL.len());
    }
}
