//! Faults of enrolment and link.

use base::{Class, Code};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $class:ident, $title:literal, $title_zh:literal, $hint:literal, $hint_zh:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code {
            id: $id, class: Class::$class, title: $title, title_zh: $title_zh, hint: $hint, hint_zh: $hint_zh,
        };)*
        /// Every fault of this crate.
        pub const ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    /// The text is no token.
    BAD_TOKEN = "fleet.bad-token", Invalid,
        "this is not an enrolment token", "这不是有效的注册令牌",
        "copy the whole line that `garrison agents token` printed", "请复制 `garrison agents token` 输出的整行";
    /// The token is unknown to the server.
    UNKNOWN_TOKEN = "fleet.unknown-token", Unauthenticated,
        "the server does not know this enrolment token", "服务器不认识该注册令牌",
        "it was revoked or belongs to another server; make a new one", "令牌已撤销或属于其他服务器；请生成新令牌";
    /// The token's time is over.
    EXPIRED_TOKEN = "fleet.expired-token", Unauthenticated,
        "the enrolment token has expired", "注册令牌已过期",
        "make a new one with `garrison agents token`", "请用 `garrison agents token` 生成新令牌";
    /// The token has no use left.
    USED_TOKEN = "fleet.used-token", Unauthenticated,
        "the enrolment token has been used up", "注册令牌已被用完",
        "make a new one for each host; if this host never enrolled, find out who used the token",
        "请为每台主机生成新令牌；若本机从未注册，请查明谁使用了该令牌";
    /// The server is not the one that the token names.
    WRONG_SERVER = "fleet.wrong-server", Denied,
        "the server's certificate is not from the expected authority", "服务器证书并非由预期的机构签发",
        "the address leads to another server or someone stands in between; nothing secret was sent",
        "该地址指向其他服务器或存在中间人；未发送任何机密信息";
    /// The agent's certificate is not accepted.
    WRONG_CERTIFICATE = "fleet.wrong-certificate", Unauthenticated,
        "the agent's certificate is not accepted", "代理证书不被接受",
        "enrol this host again with a new token", "请使用新令牌重新注册本机";
    /// The agent's certificate is too old.
    EXPIRED_CERTIFICATE = "fleet.expired-certificate", Unauthenticated,
        "the agent's certificate has expired", "代理证书已过期",
        "the host was away longer than its certificate lasts, or a clock is wrong; enrol it again",
        "主机离线时间超过证书有效期，或时钟有误；请重新注册";
    /// The agent was shut out.
    DENIED = "fleet.agent-denied", Denied,
        "this agent was shut out by an administrator", "该代理已被管理员禁止接入",
        "ask the administrator of the server; a new token lets the host back in",
        "请联系服务器管理员；使用新令牌可重新接入";
    /// The certificate request is unusable.
    BAD_REQUEST = "fleet.bad-request", Invalid,
        "the certificate request is not valid", "证书请求无效",
        "agent and server run versions that do not fit", "代理与服务器版本不匹配";
    /// This host is enrolled.
    ENROLLED = "fleet.already-enrolled", Conflict,
        "this host is enrolled already", "本机已注册",
        "remove the identity file first if it shall join another server", "若要加入其他服务器，请先删除身份文件";
    /// This host is not enrolled.
    NOT_ENROLLED = "fleet.not-enrolled", Missing,
        "this host is not enrolled", "本机尚未注册",
        "run `garrison-agent enroll` with a token", "请使用令牌运行 `garrison-agent enroll`";
    /// The identity file is damaged.
    BAD_IDENTITY = "fleet.bad-identity", Corrupt,
        "the agent's identity file is damaged", "代理身份文件已损坏",
        "remove it and enrol the host again", "请删除该文件并重新注册";
    /// The authority's files are damaged.
    BAD_AUTHORITY = "fleet.bad-authority", Corrupt,
        "the certificate authority's files are damaged", "证书机构文件已损坏",
        "restore the directory from a backup; a new authority means enrolling every host again",
        "请从备份恢复该目录；新建机构意味着所有主机需重新注册";
    /// Certificates could not be made.
    SIGNING = "fleet.signing-failed", Bug,
        "a certificate could not be made", "无法签发证书",
        "see the log", "请查看日志";
    /// The server cannot be reached.
    UNREACHABLE = "fleet.unreachable", Unavailable,
        "the server cannot be reached", "无法连接服务器",
        "check the address, name resolution and firewalls; the agent keeps trying and nothing is lost meanwhile",
        "请检查地址、域名解析与防火墙；代理会持续重试，期间不丢数据";
    /// The link ended.
    BROKEN = "fleet.link-broken", Unavailable,
        "the link to the other end broke", "与对端的链路中断",
        "it is made again by itself", "链路会自动重建";
    /// The other end broke the protocol.
    PROTOCOL = "fleet.protocol", Invalid,
        "the other end broke the protocol of the link", "对端违反了链路协议",
        "agent and server run versions that do not fit", "代理与服务器版本不匹配";
    /// A frame claims to be another agent's.
    WRONG_AGENT = "fleet.wrong-agent", Denied,
        "a frame names another agent than the certificate", "数据帧所称代理与证书不符",
        "the host may be taken over or its data directory was copied from another host",
        "主机可能已被控制，或其数据目录复制自其他主机";
    /// The agent sent more than it was granted.
    CREDIT = "fleet.credit-exceeded", Invalid,
        "the agent sent more bytes than it was granted", "代理发送的数据超过授予的额度",
        "agent and server run versions that do not fit", "代理与服务器版本不匹配";
    /// A frame will never be taken.
    REFUSED_FRAME = "fleet.frame-refused", Invalid,
        "the server refused a batch for good", "服务器永久拒绝了一个批次",
        "the batch is counted as lost and reported; see the server's log for the reason",
        "该批次计为丢失并上报；原因见服务器日志";
    /// The server is ending.
    STOPPING = "fleet.server-stopping", Unavailable,
        "the server is stopping", "服务器正在停止",
        "the agent connects again by itself", "代理会自动重新连接";
    /// No content has this name.
    CONTENT_NAME = "fleet.content-name", Invalid,
        "there is no content of this name", "没有该名称的内容",
        "agent and server run versions that do not fit", "代理与服务器版本不匹配";
    /// Content is too large.
    CONTENT_SIZE = "fleet.content-size", TooLarge,
        "the content is too large to be sent to agents", "内容过大，无法下发到代理",
        "publish less: fewer rules, or fewer indicators in the filter", "请减少发布内容：更少的规则，或过滤器中更少的指标";
    /// Content does not have its hash.
    CONTENT_HASH = "fleet.content-hash", Corrupt,
        "the content is not what its SHA-256 says", "内容与其 SHA-256 不符",
        "it was damaged before it was published, or someone changed it; publish it again under a new version",
        "内容在发布前已损坏或被篡改；请以新版本重新发布";
    /// Content is no set of texts.
    CONTENT_MALFORMED = "fleet.content-malformed", Invalid,
        "the content has not the form of its name", "内容格式与其名称不符",
        "agent and server run versions that do not fit", "代理与服务器版本不匹配";
    /// A change does not fit.
    CONTENT_ORDER = "fleet.content-order", Conflict,
        "a change of content does not fit what the agent holds", "内容增量与代理当前版本不匹配",
        "the server sends what fits by itself", "服务器会自动发送匹配的内容";
    /// A version cannot follow.
    CONTENT_STALE = "fleet.content-stale", Conflict,
        "this version cannot follow the one that is published", "该版本不能接在已发布版本之后",
        "publish under a higher version; a version is never used twice", "请使用更高的版本号发布；版本号不可重复使用";
    /// A whole is overdue.
    CONTENT_CHAIN = "fleet.content-chain", Full,
        "too many changes since the last whole", "自上次完整内容以来的增量过多",
        "publish the whole content first", "请先发布完整内容";
    /// Stored content is damaged.
    CONTENT_DAMAGED = "fleet.content-damaged", Corrupt,
        "content stored by the agent cannot be read or written", "代理存储的内容无法读写",
        "it is dropped and the server sends it again; if this repeats, check the disk of the state directory",
        "该内容将被丢弃并由服务器重新发送；若反复出现，请检查状态目录所在磁盘";
    /// Another program of ours uses the state directory.
    IN_USE = "fleet.in-use", Conflict,
        "another program of ours uses this state directory", "另一个本系统程序正在使用该状态目录",
        "end the other one first; `garrison status` shows its process id",
        "请先结束另一个程序；`garrison status` 会显示其进程号";
    /// The state directory cannot be used.
    STATE = "fleet.state", Refused,
        "the state directory cannot be used", "状态目录不可用",
        "correct owner and mode (0700) of the directory named by `state`", "请修正 `state` 所指目录的属主与权限 (0700)";
    /// The program that this one follows has ended.
    ORPHAN = "fleet.orphan", Unavailable,
        "the program that started this one has ended", "启动本程序的程序已结束",
        "start `garrison up` again; it starts this one", "请重新运行 `garrison up`，它会启动本程序";
}
