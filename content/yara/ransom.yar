// Programs that encrypt for money, and their notes.

rule ransom_note : ransom
{
    meta:
        name = "Note of an extortionist"
        family = ""
        severity = "high"
        description = "Text that says the files are encrypted, names a price or a hidden site, and warns."
        description_zh = "勒索信：声称文件已加密并索要赎金。"
        attack = "T1486"
    strings:
        $e1 = /(your|all( of)?( your)?) (files|data|documents|servers?|network)( and [a-z ]{1,30})? (have|has|are|were|is)( been)? (encrypted|locked|stolen|exfiltrated)/ nocase
        $t1 = ".onion" nocase
        $t2 = "tor browser" nocase
        $t3 = "torproject.org" nocase
        $p1 = "bitcoin" nocase
        $p2 = "monero" nocase
        $p3 = "ransom" nocase
        $p4 = "decryptor" nocase
        $p5 = "decryption key" nocase
        $p6 = "decryption tool" nocase
        $w1 = "do not rename" nocase
        $w2 = "do not try to" nocase
        $w3 = "don't try to" nocase
        $w4 = "third party" nocase
        $w5 = "third-party" nocase
        $w6 = "will be published" nocase
        $w7 = "will be leaked" nocase
        $w8 = "permanently" nocase
    condition:
        filesize < 64KB and uint32(0) != 0x464c457f and $e1 and 1 of ($t*) and 1 of ($p*) and 1 of ($w*)
}

rule ransom_esxi : ransom
{
    meta:
        name = "Encryptor of virtual machines"
        family = ""
        severity = "critical"
        description = "Program that stops virtual machines of ESXi and encrypts their disks."
        description_zh = "停止 ESXi 虚拟机并加密其磁盘的程序。"
        attack = "T1486"
    strings:
        $e1 = "esxcli vm process kill"
        $e2 = "esxcli --formatter=csv"
        $e3 = "vim-cmd vmsvc/"
        $e4 = "--world-id="
        $d1 = ".vmdk"
        $d2 = ".vmem"
        $d3 = ".vswp"
        $d4 = "/vmfs/volumes"
        $x1 = "encrypt" nocase
        $x2 = "chacha" nocase
        $x3 = "Sosemanuk" nocase
        $x4 = "README" nocase
        $x5 = "ransom" nocase
    condition:
        uint32(0) == 0x464c457f and 1 of ($e*) and 2 of ($d*) and 2 of ($x*)
}

rule ransom_encryptor : ransom
{
    meta:
        name = "Program that encrypts folders for money"
        family = ""
        severity = "critical"
        description = "Program that walks folders, gives files a new ending and leaves a note."
        description_zh = "遍历目录加密文件并留下勒索信的程序。"
        attack = "T1486"
    strings:
        $n1 = "README_TO_RESTORE" nocase
        $n2 = "HOW_TO_DECRYPT" nocase
        $n3 = "RESTORE_FILES" nocase
        $n4 = "DECRYPT_INSTRUCTIONS" nocase
        $n5 = "RECOVER-FILES" nocase
        $n6 = "How To Restore Your Files" nocase
        $n7 = "_readme.txt" nocase
        $o1 = ".onion"
        $o2 = "torproject"
        $c1 = "aes" nocase
        $c2 = "chacha20" nocase
        $c3 = "curve25519" nocase
        $c4 = "salsa20" nocase
        $c5 = "RSA PUBLIC KEY"
        $k1 = ".encrypted"
        $k2 = ".locked"
        $k3 = "pkill"
        $k4 = "systemctl stop"
        $k5 = "total files encrypted" nocase
        $k6 = "Encrypting"
    condition:
        uint32(0) == 0x464c457f and 1 of ($n*) and 1 of ($o*) and 1 of ($c*) and 1 of ($k*)
}

rule ransom_script : ransom
{
    meta:
        name = "Script that encrypts and demands"
        family = ""
        severity = "critical"
        description = "Shell or Python script that encrypts files in a loop, removes them and leaves a demand."
        description_zh = "循环加密并删除文件、留下勒索要求的脚本。"
        attack = "T1486"
    strings:
        $e1 = /openssl (enc|aes-256-cbc|rsautl|smime)[^\n]{0,160}-(e|encrypt|in|salt)/
        $e2 = /gpg [^\n]{0,80}(--symmetric|-c|--encrypt)/
        $e3 = "Fernet("
        $e4 = "AES.new("
        $d1 = /(rm -[rf]{1,2}|shred -[a-z]{1,4}|unlink|os\.remove\()/
        $w1 = "find / "
        $w2 = "os.walk("
        $w3 = /for [a-z]{1,8} in \$\((find|ls)/
        $n1 = "bitcoin" nocase
        $n2 = ".onion"
        $n3 = "ransom" nocase
        $n4 = "your files" nocase
        $n5 = "/etc/motd"
    condition:
        filesize < 256KB and uint32(0) != 0x464c457f and 1 of ($e*) and $d1 and 1 of ($w*) and 2 of ($n*)
}
