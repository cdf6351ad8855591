// Shells that call home or wait for a caller.

rule shell_bash_dev_tcp : shell
{
    meta:
        name = "Reverse shell over /dev/tcp"
        family = ""
        severity = "high"
        description = "Script that ties a shell to a connection made by bash itself."
        description_zh = "利用 bash /dev/tcp 建立反弹 Shell 的脚本。"
        attack = "T1059.004"
    strings:
        $a = /(ba)?sh -i [>&0-9 ]{0,8}[>&]{1,2} ?\/dev\/(tcp|udp)\/[0-9a-zA-Z.$\{]/
        $b = /exec [0-9]{1,3}<> ?\/dev\/(tcp|udp)\/[0-9a-zA-Z.$\{]/
        $c = /cat <&[0-9] ?\| ?while read/
        $d = /0<&[0-9]{1,3}-?; ?exec [0-9]{1,3}<>\/dev\/tcp\//
        $e = /while read (-r )?[a-z]{1,8}; ?do \$[a-z]{1,8} 2>&[0-9]/
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and ($a or $d or ($b and ($c or $e)))
}

rule shell_python_reverse : shell
{
    meta:
        name = "Reverse shell in Python"
        family = ""
        severity = "high"
        description = "Python that ties the descriptors of a shell to a socket."
        description_zh = "将 Shell 描述符绑定到套接字的 Python 反弹脚本。"
        attack = "T1059.006"
    strings:
        $s = "socket"
        $c = ".connect(("
        $d1 = /os\.dup2\([a-z]{1,8}\.fileno\(\), ?0\)/
        $d2 = /os\.dup2\([a-z]{1,8}\.fileno\(\), ?1\)/
        $r1 = "pty.spawn("
        $r2 = /subprocess\.(call|Popen|run)\(\[["']\/bin\/(ba|da)?sh/
        $r3 = /os\.system\(["']\/bin\/(ba)?sh/
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and $s and $c and ($d1 or $d2) and 1 of ($r*)
}

rule shell_perl_reverse : shell
{
    meta:
        name = "Reverse shell in Perl"
        family = ""
        severity = "high"
        description = "Perl that opens a shell on a socket."
        description_zh = "在套接字上打开 Shell 的 Perl 脚本。"
        attack = "T1059"
    strings:
        $s1 = "use Socket"
        $s2 = "IO::Socket::INET"
        $c = "connect("
        $o1 = "open(STDIN,\">&"
        $o2 = "open(STDIN, \">&"
        $o3 = "STDIN->fdopen("
        $e1 = "exec(\"/bin/sh"
        $e2 = "exec {\"/bin/sh"
        $e3 = "system$_ while<>"
        $e4 = "exec(\"/bin/bash"
    condition:
        filesize < 512KB and 1 of ($s*) and ((($c or $s2) and 1 of ($o*) and 1 of ($e*)) or ($e3 and $o3))
}

rule shell_netcat : shell
{
    meta:
        name = "Reverse or bind shell by netcat"
        family = ""
        severity = "high"
        description = "Script that ties a shell to netcat, directly or over a named pipe."
        description_zh = "通过 netcat（直接或命名管道）绑定 Shell 的脚本。"
        attack = "T1059.004"
    strings:
        $a = /\bnc(at|\.traditional|\.openbsd)?( -[a-z0-9]{1,6})* (-e|-c|--exec|--sh-exec) ?\/?(bin\/)?(ba|da)?sh/
        $b = /mkfifo [^\n;]{1,60}[;&\n][^\n]{0,120}sh -i[^\n]{0,40}\| ?nc/
        $c = /\bnc(at)? [^\n;|]{3,80}(-e|-c|--exec) ?\/bin\/(ba|da)?sh/
        $d = /mknod [^\n;]{1,60} p ?[;&\n][^\n]{0,120}\| ?\/bin\/(ba)?sh/
        $e = /socat [^\n]{0,100}exec:["']?\/?(bin\/)?(ba)?sh[^\n]{0,80}(pty|tcp)/ nocase
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and any of them
}

rule shell_php_reverse : shell
{
    meta:
        name = "Reverse shell in PHP"
        family = ""
        severity = "high"
        description = "PHP that opens a connection and ties a shell to it."
        description_zh = "打开连接并绑定 Shell 的 PHP 反弹脚本。"
        attack = "T1505.003"
    strings:
        $p = "<?"
        $s1 = "fsockopen("
        $s2 = "stream_socket_client("
        $s3 = "socket_connect("
        $e1 = "proc_open("
        $e2 = /(shell_)?exec\(["'](\/bin\/)?(ba)?sh -i/
        $e3 = "/bin/sh -i"
        $e4 = "<&3 >&3"
    condition:
        filesize < 512KB and $p and 1 of ($s*) and (($e1 and $e3) or $e2 or $e4)
}

rule shell_ruby_reverse : shell
{
    meta:
        name = "Reverse shell in Ruby, Lua, Node or awk"
        family = ""
        severity = "high"
        description = "One-line shells in other interpreters."
        description_zh = "其他解释器（Ruby、Lua、Node、awk）的单行反弹 Shell。"
        attack = "T1059"
    strings:
        $ruby1 = /TCPSocket\.(new|open)\([^)]{3,60}\)\.to_i/
        $ruby2 = /exec sprintf\(["']\/bin\/sh -i/
        $ruby3 = /while\(cmd=c\.gets\);IO\.popen\(cmd/
        $lua = /socket\.tcp\(\)[^\n]{0,200}io\.popen\([a-z]{1,10}, ?["']r["']\)/
        $node1 = /net\.(connect|Socket)[^\n]{0,300}spawn\(["']\/bin\/(ba)?sh["']/
        $node2 = /spawn\(["']\/bin\/(ba)?sh["'][^\n]{0,400}\.stdout\.pipe\(/
        $awk = /\/inet\/(tcp|udp)\/0\/[^\n]{3,80}(getline|\|&)/
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and (($ruby1 and $ruby2) or $ruby3 or $lua or $node1 or $node2 or $awk)
}

rule shell_elf_small_reverse : shell
{
    meta:
        name = "Small program that is only a reverse shell"
        family = ""
        severity = "critical"
        description = "Program of a few hundred bytes that connects, ties its descriptors and becomes a shell by bare system calls."
        description_zh = "仅由系统调用构成的小型反弹 Shell 程序。"
        attack = "T1059.004"
    strings:
        $sh1 = "/bin/sh"
        $sh2 = "//bin/sh"
        $sh3 = { 2f 62 69 6e 2f 73 68 00 }
        $sh4 = { 2f 62 69 6e 2f 2f 73 68 }
        $connect = { 6a 2a 58 }
        $dup2 = { 6a 21 58 }
        $execve = { 6a 3b 58 }
        $socket = { 6a 29 58 }
        $socketcall = { b0 66 }
        $int80 = { cd 80 }
        $execve32 = { b0 0b }
    condition:
        uint32(0) == 0x464c457f and filesize < 4KB and 1 of ($sh*) and (($socket and $dup2 and $execve and $connect) or ($socketcall and #int80 > 2 and $execve32))
}

rule shell_meterpreter_elf : shell
{
    meta:
        name = "Stager of Meterpreter for Linux"
        family = "meterpreter"
        severity = "critical"
        description = "Small program that makes memory writable and executable, reads into it and jumps there."
        description_zh = "申请可写可执行内存并读入后续代码的 Meterpreter 加载器。"
        attack = "T1620"
    strings:
        $mmap = { 6a 09 58 99 b6 10 48 89 d6 4d 31 c9 6a 22 41 5a }
        $mmap2 = { 6a 09 58 99 b6 ?? 48 89 d6 }
        $prot = { b2 07 0f 05 }
        $jump = { 0f 05 ff e6 }
        $read = { 48 31 c0 0f 05 }
        $name = "mettle"
        $tlv = "stdapi_net_tcp_client"
        $core = "core_channel_open"
    condition:
        uint32(0) == 0x464c457f and ((filesize < 4KB and 1 of ($mmap*) and ($prot or $jump) and ($jump or $read)) or 2 of ($name, $tlv, $core))
}

rule shell_bind_python : shell
{
    meta:
        name = "Shell that waits for a caller"
        family = ""
        severity = "high"
        description = "Script that listens and gives whoever calls a shell."
        description_zh = "监听端口并向连接者提供 Shell 的脚本。"
        attack = "T1059"
    strings:
        $bind = ".bind(("
        $listen = ".listen("
        $accept = ".accept()"
        $r1 = "/bin/sh"
        $r2 = "/bin/bash"
        $d = "dup2("
        $p = "pty.spawn("
        $x = /subprocess\.Popen\([^\n]{0,60}shell ?= ?True[^\n]{0,60}stdin ?= ?[a-z]{1,8}/
    condition:
        filesize < 256KB and uint32(0) != 0x464c457f and $bind and $listen and $accept and 1 of ($r*) and 1 of ($d, $p, $x)
}
