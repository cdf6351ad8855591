// Loaders that bring the next program, packers, and the test file of scanners.

rule stager_memory_loader : stager
{
    meta:
        name = "Loader that runs from memory"
        family = ""
        severity = "high"
        description = "Program that fetches a program and starts it from memory, without a file."
        description_zh = "下载程序并在内存中直接执行的加载器。"
        attack = "T1620"
    strings:
        $m1 = "memfd_create"
        $f1 = "fexecve"
        $f2 = "/proc/self/fd/%d"
        $f3 = "/proc/%d/fd/%d"
        $h2 = "GET /%s HTTP/1."
        $h3 = "GET %s HTTP/1."
        $n1 = "[kworker/"
        $n2 = "[kthreadd]"
        $n3 = "[kblockd]"
        $n4 = "[watchdog/"
    condition:
        uint32(0) == 0x464c457f and filesize < 2MB and $m1 and 1 of ($f*) and (1 of ($n*) or ($f1 and 1 of ($h2, $h3)))
}

rule stager_script_memory : stager
{
    meta:
        name = "Script that runs a program from memory"
        family = ""
        severity = "high"
        description = "Script that writes a program into anonymous memory and starts it."
        description_zh = "将程序写入匿名内存并执行的脚本。"
        attack = "T1620"
    strings:
        $p1 = /memfd_create ?\(/
        $p2 = /syscall\((319|279),/
        $r1 = /(exec|execv|execve|execl|system|spawn|Popen|call|run)[ ({\["'f]{1,6}[^\n]{0,30}\/proc\/[^\n]{1,40}\/fd/
        $r2 = /os\.execve?\([^\n]{0,60}fd/
        $s1 = "urlopen("
        $s2 = "b64decode"
        $s3 = "\\x7fELF"
        $s4 = "unpack("
        $s5 = ".recv("
        $s6 = "requests.get("
        $s7 = "decode_base64"
    condition:
        filesize < 1MB and uint32(0) != 0x464c457f and uint32(0) != 0x72613c21 and 1 of ($p*) and 1 of ($r*) and 1 of ($s*)
}

rule stager_shell_embedded_elf : stager
{
    meta:
        name = "Shell script with a program inside"
        family = ""
        severity = "medium"
        description = "Shell script that carries a program as base64 or as numbers and starts it."
        description_zh = "内嵌 base64 或十六进制程序并执行的 Shell 脚本。"
        attack = "T1027"
    strings:
        $sh = "#!/"
        $b1 = "f0VMRgIBAQ"
        $b2 = "f0VMRgEBAQ"
        $h1 = "\\x7f\\x45\\x4c\\x46"
        $h2 = "\\177ELF"
        $h3 = "7f454c46"
        $d1 = "base64 -d"
        $d2 = "base64 --decode"
        $d3 = "printf "
        $d4 = "xxd -r"
        $x1 = "chmod +x"
        $x2 = "chmod 755"
        $x3 = "chmod 777"
        $x4 = "/tmp/"
        $x5 = "/dev/shm/"
    condition:
        filesize < 32MB and $sh at 0 and 1 of ($b*, $h*) and 1 of ($d*) and 1 of ($x1, $x2, $x3) and 1 of ($x4, $x5)
}

rule stager_download_hidden : stager
{
    meta:
        name = "Script that fetches, hides and starts"
        family = ""
        severity = "medium"
        description = "Script that fetches a program from a bare address into a hidden or temporary place and starts it in the background."
        description_zh = "从裸 IP 下载程序到隐藏或临时目录并后台运行的脚本。"
        attack = "T1105"
    strings:
        $a = /(curl|wget|fetch|lynx)[^\n]{0,120}https?:\/\/[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}[^\n]{0,160}(\/tmp\/|\/var\/tmp\/|\/dev\/shm\/|\/\.[a-z])/
        $x = /chmod (\+x|[0-7]{0,1}7[0-7]{2}|a\+x|u\+x)/
        $b1 = /(nohup|setsid) [^\n]{1,120}&/
        $b2 = /\/(tmp|var\/tmp|dev\/shm)\/\.?[^\n]{1,80}(>[^\n]{0,20}\/dev\/null[^\n]{0,12})?&[ \n]/
        $sh = "#!"
    condition:
        filesize < 128KB and $sh at 0 and $a and $x and 1 of ($b*)
}

rule packed_upx_broken_mark : packer
{
    meta:
        name = "UPX with its mark taken away"
        family = ""
        severity = "medium"
        description = "Program with the stub text of UPX whose mark was changed, so that it cannot be unpacked."
        description_zh = "UPX 标志被篡改以阻止脱壳的程序。"
        attack = "T1027.002"
    strings:
        $info = "$Info: This file is packed with the UPX executable packer"
        $id = "$Id: UPX "
        $copy = "UPX Team. All Rights Reserved"
        $mark = "UPX!"
        $exe = "PROT_EXEC|PROT_WRITE failed."
    condition:
        uint32(0) == 0x464c457f and (1 of ($info, $id, $copy) or $exe) and not $mark and #exe < 2 and filesize < 64MB and uint16(16) < 4 and (1 of ($info, $id, $copy))
}

rule eicar_test_file : test
{
    meta:
        name = "EICAR test file"
        family = "eicar"
        severity = "low"
        description = "The file with which scanners prove that they look (EICAR, 2003); harmless."
        description_zh = "用于验证扫描程序是否工作的 EICAR 测试文件，无害。"
        attack = ""
    strings:
        $mark = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 }
    condition:
        $mark at 0 and filesize < 1KB
}
