//! The help of the command line in Chinese. The English texts stand at commands and arguments; this is one table from
//! them to Chinese, and a test finds every text that is missing in it.

use base::Lang;
use clap::{Arg, Command};

/// English help, as clap keeps it, and Chinese.
const TEXTS: &[(&str, &str)] = &[
    ("Garrison: sense, analyze, respond, audit", "戍：监测、分析、响应、审计"),
    ("Start server and local agent on this machine", "在本机启动服务端与代理"),
    ("Rehearse: list, run and revert safe drills", "演练：列出、运行、还原安全的演练"),
    ("One of the drills' small programs; acts on itself only", "演练所用的小程序之一，只作用于自身"),
    ("Print this message or the help of the given subcommand(s)", "显示本帮助或子命令的帮助"),
    ("Print help", "显示帮助"),
    ("Print help (see more with '--help')", "显示帮助（--help 更详细）"),
    ("Print version", "显示版本"),
    ("Which", "名称"),
    // up
    ("Data directory", "数据目录"),
    ("Where agents connect", "代理连接的地址"),
    ("Where the API listens", "API 监听的地址"),
    (
        "Address (host:port) that enrolment tokens tell agents on other machines; --link's own when absent",
        "登记令牌告知其他主机代理的地址 (host:port)；默认为 --link 的地址",
    ),
    (
        "What the local agent may do by itself in this run; agent.yml says it when absent",
        "本次运行中本机代理可自行处置的范围；默认见 agent.yml",
    ),
    ("Days of telemetry to keep; 0 is no limit", "遥测保留天数；0 为不限"),
    ("Days of findings to keep; 0 is no limit", "告警与安全事件保留天数；0 为不限"),
    (
        "Gibibytes of telemetry to keep; 0 is no limit but the disk: above 85 % in use the oldest goes",
        "遥测保留容量 (GiB)；0 仅受磁盘限制：用量超过 85 % 时删除最旧的",
    ),
    ("Print one line of JSON when the server is up instead of words", "启动后输出一行 JSON 而非文字"),
    (
        "Configuration of a gateway on this machine; gateway/gateway.yaml of the data directory when absent, and no gateway without either",
        "本机网关的配置文件；缺省时使用数据目录中的 gateway/gateway.yaml，两者皆无则不启动网关",
    ),
    (
        "Configuration of a packet filter on this machine; scrubber/scrubber.yaml of the data directory when absent, and no filter without either",
        "本机流量清洗的配置文件；缺省时使用数据目录中的 scrubber/scrubber.yaml，两者皆无则不启动",
    ),
    (
        "List of scrubbers elsewhere whose names this server probes too; probes.yaml of the data directory when absent",
        "其他位置的流量清洗列表，本服务器亦探测其域名；缺省时使用数据目录中的 probes.yaml",
    ),
    // scrub
    ("Packet filters at the edge: levels, attacks, routers, names", "边缘流量清洗：级别、攻击、路由器、域名"),
    ("Every protected destination: level, rates, attack", "所有受保护目标：级别、速率、攻击"),
    (
        "Why a destination is treated as it is: its reasons, signatures, and the reports of its attacks",
        "某目标为何如此处置：原因、特征及其攻击报告",
    ),
    ("Name or prefix of the destination", "目标的名称或网段"),
    ("Reports of the newest attacks", "最近攻击的报告"),
    ("Routers upstream and names, with what is told to them", "上游路由器与域名，以及对其通告的内容"),
    (
        "On the filter's own machine: write the newest header samples of a destination as a capture file",
        "在清洗设备本机：将某目标最新的包头样本写成抓包文件",
    ),
    ("What `garrison-gateway scrub capture` takes", "`garrison-gateway scrub capture` 的参数"),
    ("Run without an agent on this machine", "不在本机运行代理"),
    ("Show one safe drill after the start, then live events", "启动后演示一次安全演练，然后显示实时事件"),
    (
        "Run every drill and end; the exit code says whether all were detected",
        "运行全部演练后退出；退出码表示是否全部检出",
    ),
    // every command that asks the server
    ("Print the API's JSON instead of words", "输出 API 的 JSON 而非文字"),
    ("Address of the server; the data directory's own by default", "服务器地址；默认取数据目录中的地址"),
    ("File with an API token", "API 令牌文件"),
    ("File with the certificate (PEM) of the installation's authority", "系统自有 CA 的证书文件 (PEM)"),
    ("Most rows, 1 to 1000", "最多行数，1 至 1000"),
    ("Most rows, 1 to 10000", "最多行数，1 至 10000"),
    ("Host name or agent id", "主机名或代理标识"),
    ("Its id", "编号"),
    ("Why; goes into the ledger", "原因；写入账本"),
    ("Do not wait for the host's answer", "不等待主机应答"),
    ("Only the last span: 10m, 2h, 7d", "只看最近一段时间：10m、2h、7d"),
    ("Only before that long ago: 10m, 2h, 7d", "只看多久以前的：10m、2h、7d"),
    ("Least severity: low, medium, high, critical", "最低级别：low、medium、high、critical"),
    // assets and vulns
    (
        "What is on the hosts: packages, ports, accounts, services, jobs, keys",
        "主机资产：软件包、端口、账号、服务、任务、密钥",
    ),
    ("Vulnerabilities of the hosts, and the advisories they come from", "主机漏洞及其公告来源"),
    ("The web firewall: requests explained, traffic counted, sites tuned", "Web 防火墙：解释请求、统计流量、站点调优"),
    (
        "Say which rules hold of a request, on which value after which transformations, and the score",
        "说明请求命中哪些规则、针对哪个值、经过哪些变换，以及评分",
    ),
    (
        "File with a request (`-` for standard input), a URL, or a method and a URL in quotes",
        "请求文件（`-` 为标准输入）、网址，或加引号的方法与网址",
    ),
    ("Files and folders of rules; Debian's OWASP CRS when left out", "规则文件与目录；缺省为 Debian 的 OWASP CRS"),
    ("Paranoia level of OWASP CRS, 1 to 4", "OWASP CRS 的严格级别，1 至 4"),
    ("Anomaly score at which a request is refused", "达到该异常评分即拦截请求"),
    ("Address that the request is to come from", "假定请求来自的地址"),
    ("Show rules that only keep the books too", "同时显示仅作记账的规则"),
    (
        "Count requests: what a site refuses, or would refuse while it observes",
        "统计请求：站点拦截了什么，或观察模式下本会拦截什么",
    ),
    ("Only this site", "仅此站点"),
    (
        "Count by decisions, rules, paths, clients or fingerprints",
        "按 decisions、rules、paths、clients 或 fingerprints 统计",
    ),
    (
        "Only requests of this decision: allowed, observed, blocked, challenged, limited, malformed",
        "仅此处置的请求：allowed、observed、blocked、challenged、limited、malformed",
    ),
    (
        "Let pass what an alert was about: its rules no longer look at that target of that path",
        "放行告警所涉请求：其规则不再检查该路径的该目标",
    ),
    ("Only these of the rules that it names", "仅其中这些规则"),
    ("Last day on which it holds, YYYY-MM-DD; no end when absent", "有效至该日 (YYYY-MM-DD)；省略则无期限"),
    ("Why; goes into the ledger", "原因；写入账本"),
    ("Tuning of all sites, or one site's as YAML", "全部站点的调优，或某一站点的 YAML"),
    ("The site", "站点"),
    (
        "Put a file in the place of a site's tuning: exclusions, variables, virtual patches",
        "用文件替换站点的调优：排除项、变量、虚拟补丁",
    ),
    ("File (YAML)", "文件 (YAML)"),
    ("Remove an item of a site's tuning", "删除站点调优中的一项"),
    ("Number of the item", "条目编号"),
    ("What is there now, by host, kind and key (the default)", "当前资产，按主机、类别与键排列（默认）"),
    ("Hosts with an inventory", "已有资产清单的主机"),
    ("One asset whole", "单个资产的全部内容"),
    ("What appeared, went and changed, newest first", "新增、移除与变化，最新在前"),
    (
        "host, package, port, user, group, sudo, service, cron, module, container, web-app or key",
        "host、package、port、user、group、sudo、service、cron、module、container、web-app 或 key",
    ),
    ("Text that the name, key or version has in it", "名称、键或版本所含文字"),
    ("Its key", "键"),
    ("Show whole inventories too", "同时显示完整清单"),
    ("Vulnerabilities; those of a host with the worst first (the default)", "漏洞；同一主机最严重的在前（默认）"),
    ("Only those with a fixed version", "仅看已有修复版本的"),
    ("Only those known to be exploited", "仅看已知被利用的"),
    ("Only those of a package", "仅看某个软件包的"),
    ("What is known of a CVE or an advisory, and which hosts have it", "查看某个 CVE 或公告及受影响主机"),
    ("The CVE or the advisory's id", "CVE 或公告编号"),
    (
        "Import advisories: OSV or Debian tracker JSON, or the KEV catalogue; xz, gzip and ZIP are unpacked",
        "导入漏洞公告：OSV 或 Debian 追踪 JSON，或 KEV 目录；自动解压 xz、gzip 与 ZIP",
    ),
    ("The file, or an address that the server fetches", "文件，或由服务器获取的地址"),
    (
        "Id of the source, whose old advisories are replaced; the file's name when absent",
        "来源标识，其原有公告将被替换；默认为文件名",
    ),
    ("Format: osv, debian, kev; looked at when absent", "格式：osv、debian、kev；不给则自动识别"),
    ("Sources of advisories in force", "生效的公告来源"),
    ("Take a source out of force with everything it said", "停用一个来源及其全部公告"),
    // intel
    ("Threat intelligence: indicators, feeds, partners, the past", "威胁情报：指标、订阅源、合作方、历史回溯"),
    ("How many indicators there are, and how they are (the default)", "指标数量与状态（默认）"),
    ("What a value is: its indicator, the verdict, warning lists", "查询一个值：指标、结论、警示名单"),
    (
        "Address, network, domain, URL, hash, fingerprint, e-mail address or path; may be written defanged",
        "地址、网段、域名、URL、哈希、指纹、邮箱或路径；可用去活写法",
    ),
    ("Name an indicator", "登记一个指标"),
    ("How sure, 0 to 100", "置信度，0 至 100"),
    ("Who may see it: clear, green, amber, amber+strict, red", "可见范围：clear、green、amber、amber+strict、red"),
    ("How long it is good: 10m, 2h, 7d; for ever when absent", "有效期：10m、2h、7d；不给则永久"),
    ("For people", "供人阅读的说明"),
    ("Withdraw what people here said of a value", "撤回本系统人员登记的内容"),
    (
        "Import a file: STIX, MISP, CSV, lists, warning lists, ATT&CK; xz and gzip are unpacked",
        "导入文件：STIX、MISP、CSV、清单、警示名单、ATT&CK；自动解压 xz 与 gzip",
    ),
    ("The file", "文件"),
    ("Id of the source", "来源标识"),
    (
        "Format; looked at when absent. Also warning-lists and attack",
        "格式；不给则自动识别。另有 warning-lists 与 attack",
    ),
    ("Confidence of what names none, 0 to 100", "未注明时的置信度，0 至 100"),
    (
        "Who may see what names no marking: clear, green, amber, amber+strict, red",
        "未标注时的可见范围：clear、green、amber、amber+strict、red",
    ),
    ("Withdraw what the source named before and does not name now", "撤回该来源以前列出而本次未列出的内容"),
    (
        "Write what may leave: stix, misp, suricata, rpz, nftables, csv, zeek, plain",
        "导出可外发内容：stix、misp、suricata、rpz、nftables、csv、zeek、plain",
    ),
    ("The format", "格式"),
    ("Nothing more secret leaves", "密级上限"),
    ("Kinds, separated by commas; all when absent", "类型，以逗号分隔；不给则全部"),
    ("Least confidence, 0 to 100", "最低置信度，0 至 100"),
    (
        "Search the kept events for a value; hits become alerts marked as past",
        "在已存事件中回溯一个值；命中生成标注为历史的告警",
    ),
    ("Days to search", "回溯天数"),
    ("Who and what may be behind an incident, and why", "安全事件可能的组织与工具及依据"),
    ("Feeds: fetched on schedule", "订阅源：按计划获取"),
    ("All feeds and how they are", "全部订阅源及其状态"),
    ("Add or change a feed", "新增或修改订阅源"),
    ("Its address; for TAXII API-ROOT#COLLECTION", "地址；TAXII 为 API-ROOT#COLLECTION"),
    ("file, misp or taxii", "file、misp 或 taxii"),
    ("Format of a file; looked at when absent", "文件格式；不给则自动识别"),
    ("How often it is looked at: 10m, 2h, 7d", "检查间隔：10m、2h、7d"),
    ("File with the value of the Authorization header", "存放 Authorization 头内容的文件"),
    ("Allow plain HTTP", "允许明文 HTTP"),
    ("Fetch a feed now", "立即获取订阅源"),
    ("Remove a feed; what it said stays", "删除订阅源；其已有内容保留"),
    ("What partners get over TAXII", "合作方经 TAXII 可得的内容"),
    ("All sharing profiles", "全部共享方案"),
    ("Add or change a sharing profile from a JSON file", "由 JSON 文件新增或修改共享方案"),
    ("End a sharing profile", "终止共享方案"),
    // commands
    ("The installation: programs, agents, lake, disk, pipeline", "系统状况：程序、代理、事件库、磁盘、流水线"),
    ("Telemetry by filters or SQL, or live", "按条件或 SQL 查询遥测，或实时查看"),
    ("Kinds, separated by commas: exec,file,net,dns …", "类型，以逗号分隔：exec,file,net,dns ……"),
    ("User name", "用户名"),
    ("Executable: a full path, or the last part of one", "可执行文件：完整路径或其末段"),
    ("Text within command line, paths or names", "命令行、路径或名称中的文字"),
    ("Show new events as they come, until Ctrl-C", "持续显示新事件，直到 Ctrl-C"),
    ("One SELECT over the tables of the lake", "对事件库执行一条 SELECT"),
    ("The statement", "语句"),
    ("Tables of the lake and their columns", "事件库的表与列"),
    ("Alerts", "告警"),
    ("Newest first (the default)", "最新的在前（默认）"),
    ("One alert whole", "一条告警的全部内容"),
    ("Incidents with process tree and timeline", "安全事件，含进程树与时间线"),
    ("open, contained or closed", "open、contained 或 closed"),
    (
        "One incident with process tree and timeline; the newest without an id",
        "一个安全事件的进程树与时间线；不给编号则取最新",
    ),
    (
        "The attack chain of an incident: entry, spread, control; the newest without an id",
        "安全事件的攻击链：入口、扩散、控制；不给编号则取最新",
    ),
    ("The graph in the DOT language of Graphviz", "以 Graphviz 的 DOT 语言输出图"),
    ("Close an incident", "关闭安全事件"),
    ("Act on a host", "对主机执行处置"),
    (
        "kill-tree, freeze, quarantine, isolate, block, deny-exec, export; of a gateway block, scrub-level, scrub-filter, flowspec, blackhole, switch-dns",
        "kill-tree、freeze、quarantine、isolate、block、deny-exec、export；网关：block、scrub-level、scrub-filter、flowspec、blackhole、switch-dns",
    ),
    (
        "Host name or agent id; this machine, or the only one there is, by default",
        "主机名或代理标识；默认为本机或唯一的主机",
    ),
    (
        "Process key as alerts and events show it, or the pid of a process on this machine",
        "告警与事件所示的进程键，或本机进程号",
    ),
    ("File", "文件"),
    ("Address, or prefix as address/length", "地址，或前缀“地址/长度”"),
    ("SHA-256 of a file", "文件的 SHA-256"),
    ("Any other parameter of the action as NAME=VALUE; may be repeated", "动作的其他参数，形如“名称=值”；可重复"),
    (
        "When the host takes it back by itself: 10m, 2h, 7d. Required for what can be undone, and for that alone",
        "主机自行撤销的时间：10m、2h、7d。可撤销的动作必须给出，其他动作不可给出",
    ),
    ("Why; goes into the ledger. Required unless --dry-run is given", "原因；写入账本。除非 --dry-run，否则必须给出"),
    ("Incident it belongs to", "所属的安全事件"),
    ("Say what would be touched, change nothing", "只说明会涉及什么，不作任何改变"),
    ("Take an applied order back", "撤销已执行的指令"),
    ("The order to take back", "要撤销的指令"),
    ("Orders and what became of them", "指令及其结果"),
    ("One order whole", "一条指令的全部内容"),
    ("Enrolled agents", "已登记的代理"),
    ("The ledger", "账本"),
    ("Entries in order (the default)", "按顺序列出条目（默认）"),
    ("Number of the entry before the first one shown", "所示首条之前的序号"),
    ("Check every link", "校验每一环"),
    ("API tokens", "API 令牌"),
    ("Make a token; it is shown once", "创建令牌，仅显示一次"),
    ("What to call it", "名称"),
    ("What it may be used for: read, act, audit, admin", "权限范围：read、act、audit、admin"),
    ("How long it lives: 10m, 2h, 7d", "有效时间：10m、2h、7d"),
    ("One's own tokens; all of them for a system administrator", "自己的令牌；系统管理员可见全部"),
    ("Void a token at once", "立即吊销令牌"),
    ("Log in: later commands of this person act under that account", "登录：此后的命令以该账号执行"),
    ("Account name", "账号名"),
    ("How long the login lasts: 10m, 2h, 7d", "登录有效时间：10m、2h、7d"),
    ("Forget the login and void its token", "退出登录并吊销其令牌"),
    ("Change one's own password", "修改自己的密码"),
    ("Account name; the one that is logged in by default", "账号名；默认为已登录的账号"),
    ("Accounts of people", "人员账号"),
    ("Accounts by name (the default)", "按名称列出账号（默认）"),
    ("Make an account; its first password is shown once", "创建账号，首次密码仅显示一次"),
    ("Account name: a-z, 0-9, `.`, `_`, `-`", "账号名：a-z、0-9、`.`、`_`、`-`"),
    (
        "Its roles, separated by commas: system-admin, security-admin, audit-admin, viewer",
        "角色，以逗号分隔：system-admin、security-admin、audit-admin、viewer",
    ),
    ("Give an account other roles", "更改账号的角色"),
    ("Its roles from now on, separated by commas", "此后的角色，以逗号分隔"),
    ("Give an account a new first password; its sessions end", "为账号重置首次密码，其会话随即结束"),
    ("Delete an account with its sessions and tokens", "删除账号及其会话与令牌"),
    ("Enrol agents", "登记代理"),
    ("Make a token by which agents enrol", "创建代理登记令牌"),
    ("Group of the new agents", "新代理所属的组"),
    ("How many agents may use it", "可用于多少个代理"),
    ("How long it is good: 10m, 2h, 7d", "有效时间：10m、2h、7d"),
    ("Check this installation", "检查本系统"),
    // rules
    ("Detection rules: list, test, enable, tune, roll out", "检测规则：列出、回测、启用、调优、下发"),
    ("Every rule, the installation's own first (the default)", "全部规则，自有的在前（默认）"),
    ("built-in or own", "built-in（内置）或 own（自有）"),
    ("informational, low, medium, high or critical", "informational、low、medium、high 或 critical"),
    ("on, off or unrouted", "on、off 或 unrouted"),
    ("One rule with its text and exceptions", "一条规则的正文与例外"),
    ("Try rules on the kept events; changes nothing", "用已存事件回测规则；不改变任何状态"),
    ("File or folder of rules, or the id of a rule", "规则文件或目录，或规则编号"),
    ("How far back: 10m, 2h, 7d", "回溯多久：10m、2h、7d"),
    ("Most samples of each rule, 0 to 100", "每条规则最多样本数，0 至 100"),
    (
        "Enable rules of a file or folder, or a rule that is off by its id",
        "启用文件或目录中的规则，或按编号启用已停用的规则",
    ),
    ("Switch a rule off", "停用一条规则"),
    ("Remove a rule of the installation's own, with the others of its file", "移除自有规则，连同其文件中的其他规则"),
    (
        "Make an exception from an alert: shows what it would silence; --yes applies it",
        "由告警生成例外：显示其将静默的内容；加 --yes 生效",
    ),
    ("Exceptions: all of them, or remove one", "例外：列出全部或移除一条"),
    ("Which version the agents hold, and who refused it", "各代理所持版本，以及谁拒绝了它"),
    ("Versions of the set of rules, the newest first", "规则集的各个版本，最新在前"),
    ("Give to everyone what is on trial", "将试行的版本下发给全部代理"),
    ("Go back: end what is on trial, or else to the version before", "回退：结束试行，否则回到上一版本"),
    ("Only this group of agents at first; may be repeated", "先只下发到该组代理；可重复"),
    ("Only this host at first; may be repeated", "先只下发到该主机；可重复"),
    ("Only so many percent of the agents at first", "先只下发到该百分比的代理"),
    ("Id of the alert", "告警编号"),
    (
        "Field that the exception tests; may be repeated. The narrowest sensible ones when absent",
        "例外所用字段；可重复。不给则取最窄的合理字段",
    ),
    ("Only on this host; may be repeated", "仅在该主机生效；可重复"),
    ("Only in this group of agents; may be repeated", "仅在该组代理生效；可重复"),
    ("When it ends by itself: 10m, 2h, 30d; never when absent", "多久后自动失效：10m、2h、30d；不给则永久"),
    ("How far back its effect is shown: 10m, 2h, 7d", "效果回溯多久：10m、2h、7d"),
    ("Apply it", "使其生效"),
    ("All exceptions (the default)", "全部例外（默认）"),
    ("Remove an exception", "移除一条例外"),
    // drill
    ("List the drills", "列出演练"),
    ("As JSON", "以 JSON 输出"),
    ("Run drills and show what was seen", "运行演练并显示所见"),
    ("Which; see `drill list`", "哪些；见 `drill list`"),
    ("All of them", "全部"),
    ("Tell the story of each: alert, action, incident, ledger", "逐一讲述：告警、处置、安全事件、账本"),
    ("Directory that gets the figures as drill.json", "存放指标文件 drill.json 的目录"),
    ("Data directory of the server", "服务端的数据目录"),
    ("Remove what an interrupted drill may have left", "清理中断的演练可能留下的东西"),
];

/// Layout of a Chinese help page: clap's own words are English only.
const PAGE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}";

/// The command with its help in this language.
pub fn in_language(mut command: Command, lang: Lang) -> Command {
    if lang == Lang::En {
        return command;
    }
    // Built first: only then the arguments and commands that clap adds by itself are there.
    command.build();
    chinese(command)
}

fn chinese(command: Command) -> Command {
    let about = command.get_about().map(|text| translated(&text.to_string())).unwrap_or_default();
    let command = command.about(about).help_template(PAGE).subcommand_help_heading("命令").mut_args(argument);
    command.mut_subcommands(chinese)
}

fn argument(argument: Arg) -> Arg {
    let mut text = argument.get_help().map(|text| translated(&text.to_string())).unwrap_or_default();
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if argument.get_action().takes_values() && !defaults.concat().is_empty() {
        text.push_str(&format!("（默认 {}）", defaults.join(",")));
    }
    let choices: Vec<String> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_string()).collect();
    if !choices.is_empty() {
        text.push_str(&format!("（可选 {}）", choices.join("、")));
    }
    if let Some(variable) = argument.get_env() {
        text.push_str(&format!("（环境变量 {}）", variable.to_string_lossy()));
    }
    let heading = if argument.is_positional() { "参数" } else { "选项" };
    let argument = argument.help(text).help_heading(heading);
    argument.hide_default_value(true).hide_env(true).hide_possible_values(true)
}

/// The Chinese of a text; one that is missing stays English rather than empty.
fn translated(text: &str) -> String {
    TEXTS
        .iter()
        .find(|(english, _)| *english == text)
        .map_or_else(|| text.to_string(), |(_, chinese)| chinese.to_string())
}

/// Texts of commands and arguments without Chinese, and commands without a text at all.
#[cfg(test)]
pub fn missing(mut command: Command) -> Vec<String> {
    command.build();
    let mut all = Vec::new();
    gather(&command, &mut all);
    all.retain(|text| !TEXTS.iter().any(|(english, _)| english == text));
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
fn gather(command: &Command, all: &mut Vec<String>) {
    all.push(command.get_about().map_or_else(|| format!("no text: {}", command.get_name()), ToString::to_string));
    // The built-in `help` repeats the commands as its own, without their arguments.
    let arguments = command.get_arguments().filter_map(|argument| argument.get_help());
    all.extend(arguments.map(ToString::to_string));
    for inner in command.get_subcommands() {
        gather(inner, all);
    }
}
