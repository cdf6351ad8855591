//! Faults of the API.

use base::{Class, Code};

/// Nobody is logged in.
pub const NOT_LOGGED_IN: Code = Code {
    id: "api.not-logged-in",
    class: Class::Unauthenticated,
    title: "nobody is logged in",
    title_zh: "尚未登录",
    hint: "log in, or send an API token as `Authorization: Bearer grt_…`",
    hint_zh: "请登录，或以 `Authorization: Bearer grt_…` 携带 API 令牌",
};
/// The credential is wrong, expired or revoked. One text for all three: which one is no business of a stranger.
pub const BAD_CREDENTIAL: Code = Code {
    id: "api.bad-credential",
    class: Class::Unauthenticated,
    title: "the credential is not valid",
    title_zh: "凭据无效",
    hint: "check name and password; `garrison login` renews an ended login, `garrison token create` makes a token",
    hint_zh: "请检查用户名与密码；`garrison login` 可重新登录，`garrison token create` 可创建令牌",
};
/// The role or scope does not allow the call.
pub const DENIED: Code = Code {
    id: "api.denied",
    class: Class::Denied,
    title: "this account may not do that",
    title_zh: "该账号无权执行此操作",
    hint: "ask an account with one of the named roles, or use a token with the named scope",
    hint_zh: "请使用具备所列角色的账号，或具备所列权限范围的令牌",
};
/// The header that proves that the console itself made the request is missing.
pub const FORGED: Code = Code {
    id: "api.forged",
    class: Class::Denied,
    title: "the request does not carry the session's CSRF value",
    title_zh: "请求未携带会话的 CSRF 值",
    hint: "send the value from /login or /me in the header `x-csrf-token`",
    hint_zh: "请在请求头 `x-csrf-token` 中携带 /login 或 /me 返回的值",
};
/// The first password must be changed before anything else.
pub const MUST_CHANGE: Code = Code {
    id: "api.must-change-password",
    class: Class::Denied,
    title: "the password must be changed first",
    title_zh: "必须先修改密码",
    hint: "`garrison passwd`, or POST /api/v1/password with the old and a new password",
    hint_zh: "请执行 `garrison passwd`，或以旧密码和新密码调用 POST /api/v1/password",
};
/// Too many failed logins.
pub const TOO_MANY_LOGINS: Code = Code {
    id: "api.too-many-logins",
    class: Class::Busy,
    title: "too many failed logins",
    title_zh: "登录失败次数过多",
    hint: "wait as long as the header `Retry-After` says",
    hint_zh: "请按响应头 `Retry-After` 所示时间等待",
};
/// Too many live streams.
pub const TOO_MANY_STREAMS: Code = Code {
    id: "api.too-many-streams",
    class: Class::Busy,
    title: "too many live streams are open",
    title_zh: "实时流连接过多",
    hint: "close one, then try again",
    hint_zh: "请关闭一个后重试",
};
/// The object does not exist.
pub const MISSING: Code = Code {
    id: "api.missing",
    class: Class::Missing,
    title: "there is no such object",
    title_zh: "对象不存在",
    hint: "list the objects and copy the id",
    hint_zh: "请列出对象并复制其编号",
};
/// The address is not part of the API.
pub const NO_ROUTE: Code = Code {
    id: "api.no-route",
    class: Class::Missing,
    title: "the API has no such address",
    title_zh: "API 中没有该地址",
    hint: "see /api/v1/openapi.json",
    hint_zh: "请参阅 /api/v1/openapi.json",
};
/// The address exists, the method does not.
pub const NO_METHOD: Code = Code {
    id: "api.no-method",
    class: Class::Invalid,
    title: "this address does not know the method",
    title_zh: "该地址不支持此方法",
    hint: "see /api/v1/openapi.json",
    hint_zh: "请参阅 /api/v1/openapi.json",
};
/// The request is malformed.
pub const INVALID: Code = Code {
    id: "api.invalid",
    class: Class::Invalid,
    title: "the request is not valid",
    title_zh: "请求无效",
    hint: "correct what is named; /api/v1/openapi.json lists every field",
    hint_zh: "请更正所指之处；/api/v1/openapi.json 列出所有字段",
};
/// The body is larger than the limit.
pub const TOO_LARGE: Code = Code {
    id: "api.too-large",
    class: Class::TooLarge,
    title: "the request body is too large",
    title_zh: "请求体过大",
    hint: "send less at once",
    hint_zh: "请减少单次发送的内容",
};
/// The password is too weak.
pub const WEAK_PASSWORD: Code = Code {
    id: "api.weak-password",
    class: Class::Invalid,
    title: "the password is too weak",
    title_zh: "密码强度不足",
    hint: "use 12 to 256 characters, not the account's name and not the old password",
    hint_zh: "请使用 12 至 256 个字符，且不同于账号名与旧密码",
};
/// The object exists already.
pub const EXISTS: Code = Code {
    id: "api.exists",
    class: Class::Conflict,
    title: "the object exists already",
    title_zh: "对象已存在",
    hint: "choose another name",
    hint_zh: "请更换名称",
};
/// The object's state forbids the call.
pub const WRONG_STATE: Code = Code {
    id: "api.wrong-state",
    class: Class::Conflict,
    title: "the object's state forbids this",
    title_zh: "对象当前状态不允许此操作",
    hint: "read the object again",
    hint_zh: "请重新读取该对象",
};
/// The same idempotency key came with another request.
pub const KEY_REUSED: Code = Code {
    id: "api.key-reused",
    class: Class::Conflict,
    title: "this idempotency key was used for another request",
    title_zh: "该幂等键已用于另一请求",
    hint: "use a new key for a new request",
    hint_zh: "新请求请使用新的键",
};
/// The last system administrator cannot go.
pub const LAST_ADMINISTRATOR: Code = Code {
    id: "api.last-administrator",
    class: Class::Conflict,
    title: "an installation needs at least one system administrator",
    title_zh: "系统至少需要一名系统管理员",
    hint: "give another account the role first: `garrison user role NAME system-admin`",
    hint_zh: "请先为其他账号授予该角色：`garrison user role NAME system-admin`",
};
/// Roles that one account may not hold together.
pub const ROLES_APART: Code = Code {
    id: "api.roles-apart",
    class: Class::Invalid,
    title: "one account may not hold these roles together",
    title_zh: "同一账号不得同时拥有这些角色",
    hint: "make one account for each of the three administrators",
    hint_zh: "请为三类管理员分别建立账号",
};
/// Too many passwords are being checked at once.
pub const TOO_MANY_CHECKS: Code = Code {
    id: "api.too-many-checks",
    class: Class::Busy,
    title: "too many passwords are being checked at once",
    title_zh: "同时校验的密码过多",
    hint: "try again in a moment",
    hint_zh: "请稍后重试",
};
/// Stored state does not parse.
pub const CORRUPT: Code = Code {
    id: "api.corrupt",
    class: Class::Corrupt,
    title: "a stored document cannot be read",
    title_zh: "存储的文档无法读取",
    hint: "see the log; `garrison doctor` checks the data directory",
    hint_zh: "请查看日志；`garrison doctor` 可检查数据目录",
};
/// Something that cannot happen happened.
pub const BUG: Code = Code {
    id: "api.bug",
    class: Class::Bug,
    title: "the server made a mistake",
    title_zh: "服务器内部错误",
    hint: "please report it with the log lines of this moment",
    hint_zh: "请附上此刻的日志进行报告",
};

/// Every fault of this crate.
pub const ALL: &[&Code] = &[
    &NOT_LOGGED_IN,
    &BAD_CREDENTIAL,
    &DENIED,
    &FORGED,
    &MUST_CHANGE,
    &TOO_MANY_LOGINS,
    &TOO_MANY_STREAMS,
    &MISSING,
    &NO_ROUTE,
    &NO_METHOD,
    &INVALID,
    &TOO_LARGE,
    &WEAK_PASSWORD,
    &EXISTS,
    &WRONG_STATE,
    &KEY_REUSED,
    &LAST_ADMINISTRATOR,
    &ROLES_APART,
    &TOO_MANY_CHECKS,
    &CORRUPT,
    &BUG,
];
