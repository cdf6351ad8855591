// Bots of devices and servers: floods, scans, spreading.

rule bot_mirai : bot
{
    meta:
        name = "Mirai-like bot"
        family = "mirai"
        severity = "critical"
        description = "Bot for devices that spreads over telnet with factory passwords and floods by order."
        description_zh = "Mirai 类僵尸程序：利用默认口令经 telnet 传播并发动洪泛攻击。"
        attack = "T1498"
    strings:
        $box = "/bin/busybox"
        $w1 = "/dev/watchdog"
        $w2 = "/dev/misc/watchdog"
        $p1 = "xc3511"
        $p2 = "vizxv"
        $p3 = "7ujMko0admin"
        $p4 = "juantech"
        $s1 = "listening tun0"
        $s2 = "applet not found"
        $s3 = "/proc/net/tcp"
        $s4 = "enable\x00system\x00shell\x00"
    condition:
        uint32(0) == 0x464c457f and filesize < 2MB and $box and (2 of ($p*) or (1 of ($w*) and 1 of ($s1, $s2, $s4)) or (1 of ($p*) and 1 of ($s*)))
}

rule bot_gafgyt : bot
{
    meta:
        name = "Gafgyt-like bot"
        family = "gafgyt"
        severity = "critical"
        description = "Bot with the order words of the Gafgyt line."
        description_zh = "含有 Gafgyt 家族命令字的僵尸程序。"
        attack = "T1498"
    strings:
        $o1 = "HOLD Flooding %s" nocase
        $o2 = "JUNK Flooding %s" nocase
        $o3 = "LOLNOGTFO"
        $o4 = "KILLATTK"
        $o5 = "SCANNER ON | OFF" nocase
        $o6 = "GETLOCALIP"
        $o7 = "UDP Flooding %s" nocase
        $o8 = "buf: %s\x0a"
        $p = "PONG!"
    condition:
        uint32(0) == 0x464c457f and filesize < 2MB and (3 of ($o*) or ($p and 2 of ($o*)))
}

rule bot_tsunami : bot
{
    meta:
        name = "Tsunami-like IRC bot"
        family = "tsunami"
        severity = "critical"
        description = "Bot that takes orders from an IRC channel and floods."
        description_zh = "通过 IRC 频道接收命令并发动洪泛的僵尸程序。"
        attack = "T1071"
    strings:
        $n1 = "NOTICE %s :TSUNAMI <target> <secs>"
        $n2 = "NOTICE %s :PAN <target> <port> <secs>"
        $n3 = "NOTICE %s :UDP <target> <port> <secs>"
        $n4 = "NOTICE %s :GETSPOOFS"
        $n5 = "NOTICE %s :KILLALL"
        $n6 = "NOTICE %s :Receiving file"
    condition:
        uint32(0) == 0x464c457f and 2 of them
}

rule bot_perl_irc : bot
{
    meta:
        name = "IRC bot in Perl"
        family = ""
        severity = "high"
        description = "Perl script that joins an IRC channel, runs commands from it and floods."
        description_zh = "Perl 编写的 IRC 僵尸脚本，可执行命令并发动洪泛。"
        attack = "T1071"
    strings:
        $perl = "perl"
        $irc1 = "PRIVMSG"
        $irc2 = "JOIN $"
        $irc3 = "USER $"
        $f1 = "udpflood" nocase
        $f2 = "tcpflood" nocase
        $f3 = "portscan" nocase
        $f4 = "httpflood" nocase
        $hide = "$0="
        $sock = "IO::Socket"
    condition:
        filesize < 512KB and uint16(0) == 0x2123 and $perl in (0..64) and 2 of ($irc*) and $sock and (2 of ($f*) or ($hide and 1 of ($f*)))
}

rule bot_xorddos : bot
{
    meta:
        name = "XorDDoS-like bot"
        family = "xorddos"
        severity = "critical"
        description = "Bot that hides its configuration under a short key and writes itself into cron."
        description_zh = "XorDDoS 类僵尸程序：配置异或加密并写入 cron 持久化。"
        attack = "T1498"
    strings:
        $key = "BB2FA36AAA9541F0"
        $c1 = "/etc/cron.hourly/gcc.sh"
        $c2 = "/lib/libudev.so"
        $c3 = "/lib/libudev4.so"
        $c4 = "/var/run/gcc.pid"
        $c5 = "*/3 * * * * root /etc/cron.hourly/"
        $f1 = "denyip="
        $f2 = "rmfile="
        $f3 = "md5="
    condition:
        uint32(0) == 0x464c457f and ($key or 3 of ($c*) or (2 of ($c*) and 2 of ($f*)))
}

rule bot_p2p_mozi : bot
{
    meta:
        name = "Mozi-like peer-to-peer bot"
        family = "mozi"
        severity = "critical"
        description = "Bot for devices that finds its orders over the DHT of BitTorrent."
        description_zh = "通过 BitTorrent DHT 获取指令的物联网僵尸程序。"
        attack = "T1095"
    strings:
        $n = "Mozi"
        $d1 = "dht.transmissionbt.com"
        $d2 = "router.bittorrent.com"
        $d3 = "bttracker.debian.org"
        $x1 = "[ss]"
        $x2 = "[/dr]"
        $x3 = "[cpu]"
        $b = "/bin/busybox"
        $u = "/GponForm/diag_Form"
    condition:
        uint32(0) == 0x464c457f and filesize < 2MB and 1 of ($d*) and ($n or $u or $b) and 1 of ($x*)
}

rule bot_downloader_script : bot
{
    meta:
        name = "Script that fetches a bot for every processor"
        family = ""
        severity = "critical"
        description = "Script that fetches one program for each kind of processor, starts each and removes it."
        description_zh = "为各种处理器架构逐一下载、执行并删除程序的脚本。"
        attack = "T1105"
    strings:
        $go1 = "cd /tmp"
        $go2 = "cd /var/run"
        $go3 = "cd /mnt"
        $a1 = /(wget|curl|tftp|ftpget)[^\n]{1,120}[.\/_\-](mips|mipsel|mpsl)/
        $a2 = /(wget|curl|tftp|ftpget)[^\n]{1,120}[.\/_\-](arm|arm5|arm6|arm7|armv7l)\b/
        $a3 = /(wget|curl|tftp|ftpget)[^\n]{1,120}[.\/_\-](sh4|m68k|spc|sparc|ppc|arc)\b/
        $a4 = /(wget|curl|tftp|ftpget)[^\n]{1,120}[.\/_\-](x86|i586|i686|x86_64)\b/
        $run = "chmod "
        $gone = "rm -rf"
    condition:
        filesize < 64KB and 1 of ($go*) and 2 of ($a*) and $run and $gone
}

rule bot_ssh_brute_force : bot
{
    meta:
        name = "Program that guesses SSH passwords"
        family = ""
        severity = "high"
        description = "Program that carries a list of names and passwords and tries them over SSH."
        description_zh = "携带口令字典并通过 SSH 暴力破解的程序。"
        attack = "T1110.001"
    strings:
        $s1 = "SSH-2.0-Go"
        $s2 = "golang.org/x/crypto/ssh"
        $s3 = "libssh"
        $s4 = "SSH-2.0-PUTTY"
        $w1 = "P@ssw0rd"
        $w2 = "123456789"
        $w3 = "qwerty123"
        $w4 = "root:root"
        $w5 = "admin:admin"
        $w6 = "toor"
        $d1 = "bruteforce" nocase
        $d2 = "brute_force" nocase
        $d3 = "password list" nocase
        $d4 = "combo.txt"
    condition:
        uint32(0) == 0x464c457f and 1 of ($s*) and 1 of ($d*) and 3 of ($w*)
}

rule bot_flood_menu : bot
{
    meta:
        name = "Program with many kinds of floods"
        family = ""
        severity = "high"
        description = "Program that offers several kinds of floods by name."
        description_zh = "提供多种洪泛攻击方式的程序。"
        attack = "T1498"
    strings:
        $f1 = "synflood" nocase
        $f2 = "udpflood" nocase
        $f3 = "ackflood" nocase
        $f4 = "httpflood" nocase
        $f5 = "attack_udp"
        $f6 = "attack_tcp_syn"
        $f7 = "attack_method"
        $f8 = "dnsamp" nocase
        $f9 = "vseattack" nocase
        $f10 = "slowloris" nocase
    condition:
        uint32(0) == 0x464c457f and filesize < 8MB and 4 of them
}
