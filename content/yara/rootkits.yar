// Code that hides files, processes and logins.

rule rootkit_preload_library : rootkit
{
    meta:
        name = "Library that hides by LD_PRELOAD"
        family = ""
        severity = "critical"
        description = "Library that stands before the C library and leaves out names of files and processes."
        description_zh = "通过 LD_PRELOAD 劫持 C 库函数以隐藏文件与进程的动态库。"
        attack = "T1574.006"
    strings:
        $next = "dlsym"
        $h1 = "readdir64"
        $h2 = "readdir"
        $h3 = "__xstat"
        $h4 = "fopen64"
        $p1 = "/etc/ld.so.preload"
        $p2 = "ld.so.preload"
        $x1 = "/proc/self/fd/%d"
        $x2 = "/proc/%s/stat"
        $x3 = "/proc/%s/cmdline"
        $x4 = "/proc/net/tcp"
        $m1 = "hide" nocase
        $m2 = "magic" nocase
        $m3 = "process_to_filter"
        $m4 = "get_process_name"
        $m5 = "is_invisible"
    condition:
        uint32(0) == 0x464c457f and filesize < 2MB and $next and 1 of ($h*) and (($m3 and $m4) or (1 of ($p*) and 1 of ($x*) and 1 of ($m1, $m2, $m5)) or $m5)
}

rule rootkit_kernel_hook : rootkit
{
    meta:
        name = "Kernel module that hooks system calls"
        family = ""
        severity = "critical"
        description = "Kernel module that looks for the table of system calls and hides directory entries."
        description_zh = "查找系统调用表并隐藏目录项的内核模块。"
        attack = "T1014"
    strings:
        $mod1 = "vermagic="
        $mod2 = "init_module"
        $t1 = "sys_call_table"
        $t2 = "kallsyms_lookup_name"
        $t3 = "ftrace_set_filter_ip"
        $g1 = "getdents64"
        $g2 = "__x64_sys_getdents"
        $g3 = "tcp4_seq_show"
        $k1 = "__x64_sys_kill"
        $k2 = "orig_kill"
        $hide1 = "hide" nocase
        $hide2 = "rootkit" nocase
        $hide3 = "is_invisible"
        $hide4 = "module_hide"
    condition:
        uint32(0) == 0x464c457f and filesize < 4MB and 1 of ($mod*) and 1 of ($t*) and 1 of ($g*) and (1 of ($k*) or 1 of ($hide*))
}

rule rootkit_diamorphine : rootkit
{
    meta:
        name = "Diamorphine-like kernel module"
        family = "diamorphine"
        severity = "critical"
        description = "Kernel module that gives root and hides processes at signals."
        description_zh = "通过特殊信号提权并隐藏进程的内核模块。"
        attack = "T1014"
    strings:
        $m1 = "vermagic="
        $n = "diamorphine" nocase
        $f1 = "give_root"
        $f2 = "hacked_kill"
        $f3 = "hacked_getdents"
        $f4 = "module_hidden"
        $f5 = "find_task"
        $f6 = "is_invisible"
        $f7 = "get_syscall_table_bf"
    condition:
        uint32(0) == 0x464c457f and $m1 and (($n and 1 of ($f*)) or 3 of ($f*))
}

rule rootkit_bpf : rootkit
{
    meta:
        name = "Program that hides by BPF"
        family = ""
        severity = "critical"
        description = "Program that loads BPF to change what system calls give back."
        description_zh = "通过 BPF 篡改系统调用返回内容的程序。"
        attack = "T1014"
    strings:
        $w = "bpf_probe_write_user"
        $o = "bpf_override_return"
        $g1 = "sys_exit_getdents64"
        $g2 = "sys_enter_getdents64"
        $g3 = "sys_exit_read"
        $g4 = "handle_getdents"
        $h1 = "pid_to_hide"
        $h2 = "hidden_pid"
        $h3 = "hide_pid"
        $h4 = "backdoor" nocase
        $h5 = "sudoers"
        $b = "license"
    condition:
        uint32(0) == 0x464c457f and $b and 1 of ($g*) and (1 of ($w, $o) or 1 of ($h1, $h2, $h3)) and 1 of ($h*)
}

rule rootkit_pam_backdoor : rootkit
{
    meta:
        name = "Back door in PAM"
        family = ""
        severity = "critical"
        description = "PAM module with a password of its own, or that writes passwords to a file."
        description_zh = "内置万能口令或记录口令的 PAM 模块。"
        attack = "T1556.003"
    strings:
        $s1 = "pam_sm_authenticate"
        $s2 = "pam_get_authtok"
        $s3 = "pam_get_item"
        $l1 = /(user|username|login)[:=] ?%s[ ,;\\n\t]{0,4}(pass|password|pwd)[:=] ?%s/ nocase
        $l2 = "%s:%s@%s"
        $l3 = /\/(tmp|var\/tmp|dev\/shm|usr\/(lib|share|include|games)|var\/lib)\/\.[a-z]{1,20}/
        $b1 = "backdoor" nocase
        $b2 = "magic_pass" nocase
    condition:
        uint32(0) == 0x464c457f and filesize < 1MB and $s1 and 1 of ($s2, $s3) and ($l1 or ($l2 and $l3) or 1 of ($b*))
}

rule rootkit_sshd_backdoor : rootkit
{
    meta:
        name = "SSH server with a back door"
        family = ""
        severity = "critical"
        description = "SSH server that writes passwords to a hidden file or knows one of its own."
        description_zh = "记录口令到隐藏文件或内置口令的 SSH 服务端。"
        attack = "T1554"
    strings:
        $s1 = "sshd: %s"
        $s2 = "OpenSSH_"
        $l1 = /(user|login)[:=] ?%s[ ,;|]{1,4}(pass|password|pwd)[:=] ?%s/ nocase
        $l2 = /\/(tmp|var\/tmp|dev\/shm|usr\/(lib|include|games|share)|var\/(run|lib)|etc\/ssh)\/\.[a-z][a-z0-9_.]{1,20}/
        $l3 = "SSHD_MAGIC" nocase
        $l4 = "secret_ok"
        $l5 = "backdoor_active"
    condition:
        uint32(0) == 0x464c457f and 1 of ($s*) and ($l1 or 1 of ($l3, $l4, $l5)) and ($l2 or 1 of ($l3, $l4, $l5))
}

rule rootkit_magic_packet : rootkit
{
    meta:
        name = "Back door that wakes at a packet"
        family = "bpfdoor"
        severity = "critical"
        description = "Program that listens on a raw socket with a filter of its own and opens a shell at a magic packet."
        description_zh = "通过原始套接字过滤魔术包唤醒并打开 Shell 的后门（BPFDoor 类）。"
        attack = "T1205"
    strings:
        $p1 = "/dev/ptmx"
        $p2 = "/bin/sh"
        $e1 = "HISTFILE=/dev/null"
        $e2 = "MYSQL_HISTFILE=/dev/null"
        $e3 = "HOME=/tmp"
        $t1 = "qmgr -l -t fifo -u"
        $t2 = "/var/run/haldrund.pid"
        $t3 = "/sbin/udevd -d"
        $t4 = "hald-addon-acpi: listening on acpi"
        $t5 = "avahi-daemon: chroot helper"
        $i1 = "/sbin/iptables -t nat -D PREROUTING"
        $i2 = "/sbin/iptables -I INPUT -p tcp -s %s -j ACCEPT"
        $r = "ttcompat"
    condition:
        uint32(0) == 0x464c457f and filesize < 1MB and $p2 and (2 of ($t*) or (1 of ($t*) and 1 of ($e*)) or (1 of ($i*) and 1 of ($e*)) or ($r and $p1 and 1 of ($e*)))
}
