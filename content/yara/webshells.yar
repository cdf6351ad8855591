// Scripts of web servers that run what a client sends; beside the heuristics of the scanner.

rule webshell_php_eval_request : webshell
{
    meta:
        name = "PHP that evaluates a request"
        family = ""
        severity = "critical"
        description = "PHP in which a parameter of the request is evaluated or called at once."
        description_zh = "直接执行请求参数的 PHP 脚本。"
        attack = "T1505.003"
    strings:
        $p = "<?"
        $a = /(eval|assert)[ \t]{0,8}\([ \t@]{0,8}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $b = /(eval|assert)[ \t]{0,8}\([ \t@]{0,8}(base64_decode|str_rot13|gzinflate|stripslashes|trim|urldecode)[ \t]{0,4}\([ \t@]{0,4}\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        $c = /\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,4}[\[{][^\]}\n]{1,40}[\]}][ \t]{0,4}\([ \t@]{0,4}\$_(GET|POST|REQUEST|COOKIE)/ nocase
        $d = /eval[ \t]{0,4}\([^\n]{0,40}file_get_contents\(["']php:\/\/input/ nocase
    condition:
        filesize < 4MB and $p and 1 of ($a, $b, $c, $d)
}

rule webshell_php_command : webshell
{
    meta:
        name = "PHP that runs commands of a request"
        family = ""
        severity = "high"
        description = "PHP in which a parameter of the request is run as a command."
        description_zh = "将请求参数作为命令执行的 PHP 脚本。"
        attack = "T1505.003"
    strings:
        $p = "<?"
        $a = /\b(system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec)[ \t]{0,8}\([ \t@"']{0,8}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
        $b = /`[ \t]{0,4}(\{)?\$_(GET|POST|REQUEST|COOKIE)\b[^`\n]{0,60}`/ nocase
        $c = /\b(system|exec|shell_exec|passthru)[ \t]{0,8}\([ \t@"']{0,8}(base64_decode|urldecode)[ \t]{0,4}\([ \t]{0,4}\$_(GET|POST|REQUEST|COOKIE)\b/ nocase
    condition:
        filesize < 4MB and $p and any of them and ($a or $b or $c)
}

rule webshell_php_packed : webshell
{
    meta:
        name = "PHP packed several times"
        family = ""
        severity = "high"
        description = "PHP that unpacks text through several layers and evaluates it."
        description_zh = "多层解码后执行的 PHP 代码。"
        attack = "T1027"
    strings:
        $p = "<?"
        $a = /eval[ \t]{0,4}\([ \t@]{0,4}(gzinflate|gzuncompress|str_rot13|strrev|base64_decode|gzdecode|convert_uudecode)[ \t]{0,4}\([ \t@]{0,4}(gzinflate|gzuncompress|str_rot13|strrev|base64_decode|gzdecode|convert_uudecode)[ \t]{0,4}\(/ nocase
        $b = /assert[ \t]{0,4}\([ \t@]{0,4}(gzinflate|str_rot13|strrev|base64_decode)[ \t]{0,4}\(/ nocase
        $c = /create_function[ \t]{0,4}\([^\n]{0,20},[ \t]{0,4}(base64_decode|gzinflate|str_rot13)/ nocase
        $d = /preg_replace[ \t]{0,4}\(["']\/\.[*+]?\/e["'],/ nocase
    condition:
        filesize < 8MB and $p and 1 of ($a, $b, $c, $d)
}

rule webshell_php_behinder : webshell
{
    meta:
        name = "Behinder-like shell in PHP"
        family = "behinder"
        severity = "critical"
        description = "PHP that decrypts the body of a request with a key of the session and evaluates it."
        description_zh = "以会话密钥解密请求体并执行的 PHP 脚本（冰蝎类）。"
        attack = "T1505.003"
    strings:
        $p = "<?"
        $s = "session_start("
        $i = "php://input"
        $k = /\$_SESSION\[['"]k['"]\][ \t]{0,4}=/
        $o = "openssl_decrypt("
        $x = /\^[ \t]{0,2}\$[a-z]{1,8}\[\$i ?\+ ?1 ?& ?15\]/
        $e1 = "eval("
        $e2 = "__invoke("
        $e3 = "call_user_func("
    condition:
        filesize < 256KB and $p and $s and $i and ($k or $x) and ($o or $x) and 1 of ($e*)
}

rule webshell_php_godzilla : webshell
{
    meta:
        name = "Godzilla-like shell in PHP"
        family = "godzilla"
        severity = "critical"
        description = "PHP that decrypts a parameter with a short key and keeps code in the session."
        description_zh = "以短密钥异或解密参数并将代码存入会话的 PHP 脚本（哥斯拉类）。"
        attack = "T1505.003"
    strings:
        $p = "<?"
        $x = /\$[A-Za-z]{1,3}\[\$i\] ?= ?\$[A-Za-z]{1,3}\[\$i\] ?\^ ?\$[a-z]{1,3}/
        $payload = "$payloadName"
        $md = /md5\(\$pass ?\. ?\$key\)/
        $sub = /substr\(md5\([^)]{1,30}\), ?(0, ?16|16)\)/
        $run1 = "@run("
        $run2 = "getBasicsInfo"
        $ev = "eval("
    condition:
        filesize < 256KB and $p and $x and $ev and 1 of ($payload, $md, $sub, $run1, $run2)
}

rule webshell_php_manager : webshell
{
    meta:
        name = "PHP shell with a page of tools"
        family = ""
        severity = "high"
        description = "PHP page that shows the system, walks files, runs commands and opens ports."
        description_zh = "带有文件管理、命令执行与端口工具页面的 PHP 木马。"
        attack = "T1505.003"
    strings:
        $p = "<?"
        $a1 = "safe_mode" nocase
        $a2 = "disable_functions"
        $a3 = "php_uname("
        $a4 = "posix_getpwuid("
        $b1 = "back connect" nocase
        $b2 = "backconnect" nocase
        $b3 = "bind port" nocase
        $b4 = "bindport" nocase
        $c1 = "shell_exec("
        $c2 = "passthru("
        $c3 = "proc_open("
        $c4 = "popen("
        $d1 = "etc/passwd"
        $d2 = "self remove" nocase
        $d3 = "bypass" nocase
        $d4 = "symlink(" nocase
        $d5 = "mass deface" nocase
    condition:
        filesize < 2MB and $p and 2 of ($a*) and 1 of ($b*) and 2 of ($c*) and 1 of ($d*)
}

rule webshell_php_weevely : webshell
{
    meta:
        name = "Weevely-like shell in PHP"
        family = "weevely"
        severity = "high"
        description = "PHP that builds its code from shuffled pieces and makes a function of it."
        description_zh = "由打乱的片段拼接代码并生成函数的 PHP 木马。"
        attack = "T1027"
    strings:
        $p = "<?"
        $cf = /\$[a-zA-Z]{1,3} ?= ?str_replace\(["'][^"']{1,6}["'], ?["']["'], ?["'][^"']{10,40}["']\)/
        $join = /\$[a-zA-Z]{1,2}=str_replace\(["'][^"']{1,6}["'], ?["']["'], ?\$[a-zA-Z]{1,2}\.\$[a-zA-Z]{1,2}\./
        $call = /\$[a-zA-Z]{1,2}=\$[a-zA-Z]{1,2}\(["']["'], ?\$[a-zA-Z]{1,2}\); ?\$[a-zA-Z]{1,2}\(\);/
    condition:
        filesize < 64KB and $p and $join and $call and $cf
}

rule webshell_jsp_command : webshell
{
    meta:
        name = "JSP that runs commands of a request"
        family = ""
        severity = "critical"
        description = "Page of Java that starts a program named by the request."
        description_zh = "根据请求参数启动程序的 JSP 页面。"
        attack = "T1505.003"
    strings:
        $t1 = "<%"
        $t2 = "<jsp:scriptlet"
        $r = "request.getParameter("
        $e1 = /getRuntime\(\)\s{0,20}\.\s{0,20}exec\s{0,4}\(/
        $e2 = "new ProcessBuilder("
        $o = "getInputStream()"
    condition:
        filesize < 1MB and 1 of ($t*) and $r and 1 of ($e*) and $o
}

rule webshell_jsp_class_loader : webshell
{
    meta:
        name = "JSP that loads classes from a request"
        family = "behinder"
        severity = "critical"
        description = "Page of Java that defines classes from bytes of a request, as Behinder and Godzilla do."
        description_zh = "从请求中加载类的 JSP 页面（冰蝎、哥斯拉类）。"
        attack = "T1505.003"
    strings:
        $t1 = "<%"
        $t2 = "<jsp:scriptlet"
        $c1 = "extends ClassLoader"
        $c2 = "defineClass("
        $d1 = "Cipher.getInstance(\"AES"
        $d2 = "sun.misc.BASE64Decoder"
        $d3 = "java.util.Base64"
        $r1 = "request.getReader()"
        $r2 = "request.getParameter("
        $r3 = "pageContext"
    condition:
        filesize < 1MB and 1 of ($t*) and $c2 and ($c1 or 1 of ($d*)) and 1 of ($r*) and 1 of ($d*)
}

rule webshell_aspx_eval : webshell
{
    meta:
        name = "ASP.NET page that evaluates a request"
        family = ""
        severity = "critical"
        description = "Page that evaluates a request as code (China Chopper and its children)."
        description_zh = "将请求作为代码执行的 ASPX 页面（菜刀类）。"
        attack = "T1505.003"
    strings:
        $a = /eval\s{0,4}\(\s{0,4}Request(\.Item|\.Form|\.QueryString)?\s{0,2}[\[\(]/ nocase
        $b = /eval\s{0,4}\(\s{0,4}System\.Text\.Encoding[^\n]{0,80}FromBase64String\(\s{0,4}Request/ nocase
        $c = /<%\s{0,4}(eval|execute|executeglobal)\s{0,4}\(?\s{0,4}request\s{0,4}[\(\[]/ nocase
        $d = /Assembly\.Load\(\s{0,4}[^\n]{0,80}(FromBase64String|TransformFinalBlock|Request)/ nocase
        $t = "<%"
    condition:
        filesize < 1MB and $t and 1 of ($a, $b, $c, $d)
}

rule webshell_aspx_command : webshell
{
    meta:
        name = "ASP.NET page that runs commands"
        family = ""
        severity = "high"
        description = "Page that starts cmd or a shell with what the request says."
        description_zh = "启动命令解释器执行请求内容的 ASPX 页面。"
        attack = "T1505.003"
    strings:
        $t = "<%"
        $p1 = "ProcessStartInfo"
        $p2 = "Process.Start("
        $p3 = "WScript.Shell"
        $c1 = "cmd.exe" nocase
        $c2 = "/bin/sh"
        $c3 = "powershell" nocase
        $r1 = "Request.Form" nocase
        $r2 = "Request.QueryString" nocase
        $r3 = "Request[" nocase
        $r4 = "Request(" nocase
        $r5 = "TextBox"
        $o = "RedirectStandardOutput"
        $o2 = ".StdOut.ReadAll" nocase
    condition:
        filesize < 1MB and $t and 1 of ($p*) and 1 of ($c*) and 1 of ($r*) and 1 of ($o, $o2)
}

rule webshell_htaccess : webshell
{
    meta:
        name = "Configuration that makes pictures run"
        family = ""
        severity = "medium"
        description = ".htaccess that has files without an ending of scripts run as scripts."
        description_zh = "使非脚本后缀文件按脚本执行的 .htaccess 配置。"
        attack = "T1505.003"
    strings:
        $a = /AddType\s{1,8}application\/x-httpd-php[0-9]{0,2}\s{1,8}\.?(jpe?g|png|gif|txt|ico|html?|css)\b/ nocase
        $b = /AddHandler\s{1,8}(application\/x-httpd-php|php[0-9]?-script|cgi-script)[0-9]{0,2}\s{1,8}\.?(jpe?g|png|gif|txt|ico|css)\b/ nocase
        $c = /SetHandler\s{1,8}application\/x-httpd-php/ nocase
        $d = /<FilesMatch\s{1,4}"[^"\n]{0,40}(jpe?g|png|gif|ico)[^"\n]{0,40}">/ nocase
        $e = /php_value\s{1,8}auto_(prepend|append)_file\s{1,8}["']?(\.htaccess|php:\/\/|data:|[^\n]{0,60}\.(jpe?g|png|gif|ico|txt))/ nocase
    condition:
        filesize < 64KB and ($a or $b or $e or ($c and $d))
}

rule webshell_python_cgi : webshell
{
    meta:
        name = "Python page that runs commands"
        family = ""
        severity = "high"
        description = "CGI or Flask script that runs a parameter of the request."
        description_zh = "执行请求参数的 Python CGI 或 Flask 脚本。"
        attack = "T1505.003"
    strings:
        $w1 = "FieldStorage("
        $w2 = "from flask import"
        $w3 = "request.args"
        $w4 = "request.form"
        $x1 = /os\.(system|popen)\([^\n]{0,20}(request\.(args|form|values)|form\.getvalue|form\[)/
        $x2 = /subprocess\.[a-zA-Z_]{2,14}\([^\n]{0,20}(request\.(args|form|values)|form\.getvalue|form\[)/
        $x3 = /\b(eval|exec)\([^\n]{0,20}(request\.(args|form|values|data)|form\.getvalue|form\[)/
    condition:
        filesize < 512KB and 1 of ($w*) and 1 of ($x*)
}
