//! Every word that the command line says to people, in both languages. Nowhere else stands one.

use base::Lang;

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// A text for people.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the text of each is its documentation")]
        pub enum Word { $($name),* }

        impl Word {
            /// Every word.
            #[cfg(test)]
            pub const ALL: &'static [Word] = &[$(Word::$name),*];

            /// Its text.
            pub fn text(self, lang: Lang) -> &'static str {
                match self { $(Word::$name => lang.pick($en, $zh)),* }
            }
        }
    };
}

words! {
    Never: "never", "从未";
    Ago: " ago", "前";
    None: "nothing to show", "没有内容";
    NotListed: "not listed", "未收录";
    WarningList: "warning list", "警示名单";
    Importing: "importing", "正在导入";
    Read: "read", "已读";
    Taken: "taken", "收录";
    Bad: "BAD", "错误";
    Kind: "KIND", "类别";
    Key: "KEY", "键";
    Release: "VERSION", "版本";
    Details: "DETAILS", "详情";
    Change: "CHANGE", "变化";
    Package: "PACKAGE", "软件包";
    Fixed: "FIXED IN", "修复版本";
    Score: "CVSS", "CVSS";
    Exploited: "EXPLOITED", "已被利用";
    Site: "SITE", "站点";
    Destination: "DESTINATION", "目标";
    Address: "ADDRESS", "地址";
    Level: "LEVEL", "级别";
    Packets: "PACKETS/S", "包/秒";
    Bits: "BITS/S", "比特/秒";
    Attack: "ATTACK", "攻击";
    Decision: "DECISION", "处置";
    Requests: "REQUESTS", "请求数";
    Clients: "CLIENTS", "客户端数";
    Worst: "WORST SCORE", "最高评分";
    Counted: "COUNTED BY", "统计对象";
    Does: "WHAT IT DOES", "作用";
    Until: "UNTIL", "截止";
    Source: "SOURCE", "来源";
    Whole: "WHOLE INVENTORY", "完整清单";
    More: "there is more: add --limit", "还有更多：请加 --limit";
    Time: "TIME", "时间";
    Host: "HOST", "主机";
    User: "USER", "用户";
    What: "WHAT", "内容";
    Severity: "SEVERITY", "级别";
    Title: "TITLE", "标题";
    Id: "ID", "编号";
    Status: "STATUS", "状态";
    Alerts: "ALERTS", "告警";
    Techniques: "TECHNIQUES", "技术";
    Action: "ACTION", "动作";
    Mode: "MODE", "方式";
    State: "STATE", "状态";
    By: "BY", "来自";
    Object: "OBJECT", "对象";
    Who: "WHO", "谁";
    Number: "NO", "序号";
    Name: "NAME", "名称";
    Owner: "OWNER", "所有者";
    Scopes: "SCOPES", "权限范围";
    Expires: "EXPIRES", "到期";
    Agents: "AGENTS", "代理";
    Os: "SYSTEM", "系统";
    Seen: "LAST SEEN", "最近在线";
    Lag: "LAG", "延迟";
    Dropped: "DROPPED", "丢失";
    Spool: "SPOOL", "积压";
    Rules: "RULES", "规则";
    Version: "version", "版本";
    Running: "up for", "已运行";
    Lake: "lake", "事件库";
    Rows: "rows", "行";
    Files: "files", "个文件";
    Disk: "disk", "磁盘";
    Free: "free of", "可用，共";
    Certificate: "certificate until", "证书有效至";
    Programs: "PROGRAM", "程序";
    Pid: "PID", "进程号";
    Memory: "MEMORY", "内存";
    Stage: "STAGE", "环节";
    Received: "RECEIVED", "收到";
    Handled: "HANDLED", "处理";
    Queued: "QUEUED", "排队";
    Table: "TABLE", "表";
    Columns: "COLUMNS", "列";
    First: "first", "开始";
    Last: "last", "最近";
    Accounts: "accounts", "账号";
    Chain: "attack chain", "攻击链";
    ChainEntry: "entry", "入口";
    ChainSpread: "spread", "扩散";
    ChainControl: "control", "控制";
    ChainImpact: "impact", "影响";
    ChainNow: "now", "现状";
    ChainActors: "actors", "组织";
    ChainSure: "sure", "可信度";
    ChainNoSpread: "stayed on one host", "未扩散到其他主机";
    ChainNoControl: "nothing shows where it is commanded from", "未发现控制端";
    ChainNoImpact: "nothing taken or damaged is known", "未发现窃取或破坏";
    ChainEvery: "every", "每";
    ChainHosts: "hosts", "台主机";
    ChainLast: "last seen", "最近活动";
    ChainCut: "the graph was cut at its limits", "图已按上限截断";
    Tree: "process tree", "进程树";
    Timeline: "timeline", "时间线";
    Drill: "drill", "演练";
    Rule: "rule", "规则";
    Matched: "matched", "匹配";
    Decided: "decided after", "判定用时";
    Order: "order", "指令";
    Lease: "lease", "租期";
    Reason: "reason", "原因";
    Touched: "touched", "涉及";
    Observed: "read back", "回读";
    Message: "message", "说明";
    Waiting: "waiting for the host …", "等待主机应答……";
    NotYet: "the host has not answered yet; look again with `garrison orders`", "主机尚未应答；稍后用 `garrison orders` 查看";
    LeaseEnds: "lease ends", "租期至";
    Intact: "the ledger is intact", "账本完整";
    Broken: "the ledger is broken at entry", "账本损坏，序号";
    Entries: "entries", "条";
    Head: "head", "链头";
    Closed: "closed", "已关闭";
    Revoked: "revoked", "已吊销";
    Roles: "ROLES", "角色";
    Created: "MADE", "创建";
    MustChange: "FIRST PASSWORD", "首次密码";
    Yes: "yes", "是";
    No: "NO", "否";
    Password: "password: ", "密码：";
    NewPassword: "new password: ", "新密码：";
    Repeat: "once more: ", "再次输入：";
    ChangeFirst: "the password must be changed now", "现在必须修改密码";
    LoggedIn: "logged in as", "已登录：";
    LoggedOut: "logged out", "已退出登录";
    PasswordChanged: "the password was changed; every other session has ended", "密码已修改，其他会话均已结束";
    PasswordOnce: "password for the first login, shown once:", "首次登录密码（仅显示一次）：";
    Removed: "removed", "已删除";
    Technique: "TECHNIQUE", "技术";
    DrillName: "DRILL", "演练";
    Detected: "DETECTED", "检出";
    AtAgent: "AGENT", "代理用时";
    AtApi: "API", "API 用时";
    ReadBack: "READ BACK", "回读用时";
    Reverted: "REVERTED", "还原";
    TokenOnce: "shown once, keep it safe:", "仅显示一次，请妥善保管：";
    GoodUntil: "good until", "有效至";
    Verifying: "reading the whole ledger …", "正在读取整个账本……";
    Asking: "asking the lake …", "正在查询事件库……";
    Cut: "rows were left out: add --limit or LIMIT", "有行被省略：请加 --limit 或 LIMIT";
    Gap: "records were missed: this terminal is too slow", "条记录被略过：终端过慢";
    Again: "connection lost, trying again", "连接中断，正在重试";
    CheckData: "data directory", "数据目录";
    CheckClient: "client.json", "client.json";
    CheckServer: "server", "服务器";
    CheckClock: "clock", "时钟";
    CheckDisk: "disk", "磁盘";
    CheckTls: "certificate", "证书";
    CheckAgent: "agent", "代理";
    CheckProbe: "sensors", "传感器";
    CheckDrops: "losses", "丢失";
    CheckLedger: "ledger", "账本";
    CheckPipeline: "pipeline", "流水线";
    HintData: "chmod 700 the directory and 600 client.json: the token in it opens everything",
        "请将目录设为 700、client.json 设为 600：其中的令牌可打开一切";
    HintClock: "set the clocks by NTP: leases and correlation need them", "请用 NTP 校时：租期与关联依赖时钟";
    HintDisk: "free space or shorten retention: telemetry is shed when the disk is full", "请释放空间或缩短保留期：磁盘满时会丢弃遥测";
    HintTls: "restart the server: it renews its certificate at the start", "请重启服务器：启动时会更新证书";
    HintAgent: "look at the agent's log on that host, and at the network between", "请查看该主机上的代理日志及其间网络";
    HintNoAgent: "enrol one: `garrison enroll token`", "请登记一个：`garrison enroll token`";
    HintProbe: "a newer kernel, or one with BPF LSM, gives the better hook", "更新的内核或启用 BPF LSM 的内核可提供更好的挂载点";
    HintDrops: "give the agent a larger ring or spool, or filter noisy paths", "请增大代理的环形缓冲或积压空间，或过滤嘈杂路径";
    HintLedger: "keep the data directory as it is and compare with a backup: someone edited it", "请保留数据目录原样并与备份比对：有人改动过";
    HintPipeline: "the lake or the disk is too slow for what arrives", "事件库或磁盘跟不上到达速度";
    Owned: "private", "私有";
    Open: "readable by others", "他人可读";
    Offset: "off by", "偏差";
    Connected: "connected", "已连接";
    Away: "not connected, last seen", "未连接，最近在线";
    NoAgents: "none enrolled", "尚未登记";
    NoLosses: "none", "无";
    Answers: "answers", "有应答";
    AllFired: "every canary came through", "所有探测均已触发";
    Without: "without hook", "无挂载点";
    Origin: "SOURCE", "来源";
    Warning: "warning", "注意";
    Over: "over", "已失效";
    Everywhere: "everywhere", "全部主机";
    HeldBy: "held by", "已生效";
    OnTrial: "on trial", "试行中";
    Refused: "refused", "被拒绝";
    Holds: "HOLDS", "当前版本";
    Wanted: "WANTED", "目标版本";
    Judging: "judging the kept events … (Ctrl-C ends it)", "正在回放已存事件……（Ctrl-C 结束）";
    Judged: "judged", "已判定";
    OfThem: "of", "共";
    SayYes: "nothing was changed: add --yes to apply it", "尚未改动：加 --yes 生效";
    Hits: "hits", "命中";
    Noise: "noise", "噪声";
    ByDay: "by day", "按日";
    Process: "process", "进程";
    Parent: "parent", "父进程";
    Silenced: "silenced", "将被静默";
    CountsOnly: "raises no alert itself: correlations count it", "自身不告警：仅供关联规则计数";
    Window: "window", "时间窗";
    HeldFrom: "held from", "已存自";
    Speed: "speed", "速度";
    AlsoThere: "it could also test", "还可用的字段";
}

/// Words of the API with their Chinese; English shows them as they are.
const API: &[(&str, &str)] = &[
    ("login", "登录"),
    ("exploited-service", "利用对外服务"),
    ("user-application", "用户应用程序"),
    ("scheduled", "计划任务"),
    ("indicator", "情报命中"),
    ("beacon", "心跳外联"),
    ("reverse-shell", "反弹 shell"),
    ("connection", "连接"),
    ("contact", "接触"),
    ("spawned", "启动"),
    ("logged-in", "登录"),
    ("connected", "连接"),
    ("dropped", "释放"),
    ("resolved", "解析"),
    ("matched", "命中"),
    ("shared", "共有"),
    ("fingerprint", "指纹"),
    ("unknown", "未知"),
    ("informational", "提示"),
    ("low", "低"),
    ("medium", "中"),
    ("high", "高"),
    ("critical", "严重"),
    ("open", "未处置"),
    ("contained", "已遏制"),
    ("closed", "已关闭"),
    ("kill-tree", "终止进程树"),
    ("freeze", "冻结"),
    ("quarantine", "隔离文件"),
    ("isolate", "隔离主机"),
    ("block", "封禁地址"),
    ("deny-exec", "禁止执行"),
    ("export", "导出证据"),
    ("scrub-level", "清洗级别"),
    ("scrub-filter", "清洗过滤"),
    ("flowspec", "上游流过滤"),
    ("blackhole", "黑洞路由"),
    ("switch-dns", "切换解析"),
    ("dry-run", "演算"),
    ("apply", "执行"),
    ("undo", "撤销"),
    ("planned", "已演算"),
    ("applied", "已执行"),
    ("verified", "已核实"),
    ("refused", "已拒绝"),
    ("failed", "失败"),
    ("undone", "已撤销"),
    ("expired", "租期已满"),
    ("operator", "操作员"),
    ("rule", "规则"),
    ("playbook", "剧本"),
    ("alert", "告警"),
    ("order", "指令"),
    ("receipt", "回执"),
    ("running", "运行中"),
    ("starting", "启动中"),
    ("stopped", "已停止"),
    ("reconnaissance", "侦察"),
    ("resource-development", "资源开发"),
    ("initial-access", "初始访问"),
    ("execution", "执行"),
    ("persistence", "持久化"),
    ("privilege-escalation", "权限提升"),
    ("defense-evasion", "防御规避"),
    ("credential-access", "凭据访问"),
    ("discovery", "发现"),
    ("lateral-movement", "横向移动"),
    ("collection", "收集"),
    ("command-and-control", "命令与控制"),
    ("exfiltration", "数据渗出"),
    ("impact", "影响"),
    ("on", "启用"),
    ("off", "停用"),
    ("unrouted", "未路由"),
    ("built-in", "内置"),
    ("own", "自有"),
    ("done", "完成"),
    ("cancelled", "已取消"),
    ("silent", "无命中"),
    ("moderate", "中等"),
    ("flood", "泛滥"),
    ("live", "生效"),
    ("trial", "试行"),
    ("enable", "启用"),
    ("remove", "移除"),
    ("except", "加例外"),
    ("unexcept", "去例外"),
    ("rollback", "回退"),
    ("promote", "转正"),
    ("ok", "正常"),
    ("warn", "注意"),
    ("fail", "故障"),
];

/// A word of the API in this language; one without a Chinese form shows as it is.
pub fn api(word: &str, lang: Lang) -> &str {
    match lang {
        Lang::En => word,
        Lang::Zh => API.iter().find(|(known, _)| *known == word).map_or(word, |(_, text)| text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        for word in Word::ALL {
            assert!(!word.text(Lang::En).is_empty() && !word.text(Lang::Zh).is_empty(), "{word:?}");
        }
        for kind in record::ActionKind::ALL {
            assert_ne!(api(kind.word(), Lang::Zh), kind.word());
        }
        for severity in record::Severity::ALL {
            assert_ne!(api(severity.word(), Lang::Zh), severity.word());
        }
    }
}
