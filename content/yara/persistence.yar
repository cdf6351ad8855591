// Files that start something again.

rule persistence_ssh_key_script
{
    meta:
        name = "Script that adds a key of its own"
        family = ""
        severity = "high"
        description = "Script that writes a public key into authorized_keys, often after taking the immutable flag away."
        description_zh = "将公钥写入 authorized_keys 的脚本。"
        attack = "T1098.004"
    strings:
        $k1 = /echo ["']?(ssh-(rsa|ed25519|dss)|ecdsa-sha2-nistp256) AAAA[^\n]{20,800}>>?[^\n]{0,60}authorized_keys/
        $c1 = "chattr -"
        $c2 = "mkdir -p /root"
        $c3 = "mkdir -p ~/.ssh"
        $c4 = "chmod 600"
        $f1 = "curl "
        $f2 = "wget "
        $f3 = "crontab"
        $f4 = "pkill"
    condition:
        filesize < 512KB and uint32(0) != 0x464c457f and $k1 and ($c1 or (1 of ($c2, $c3, $c4) and 1 of ($f*)))
}

rule persistence_cron_download
{
    meta:
        name = "Cron entry that fetches and runs"
        family = ""
        severity = "critical"
        description = "Line of cron, or script that writes one, which pipes what it fetches into a shell."
        description_zh = "通过 cron 定期下载并执行脚本的条目。"
        attack = "T1053.003"
    strings:
        $a = /(\*|\*\/[0-9]{1,2}|@reboot|@hourly|@daily)[ \t*\/0-9,-]{0,40}(root[ \t]{1,4})?[^\n]{0,60}\b(curl|wget|cdl|wdl|lwp-download)\b[^\n|]{4,200}\|[ \t]{0,4}(\/bin\/)?(ba|da)?sh\b/
        $b = /(\*|\*\/[0-9]{1,2}|@reboot|@hourly)[ \t*\/0-9,-]{0,40}(root[ \t]{1,4})?[^\n]{0,40}(python[23]?|perl) -[ce] ?["'][^\n]{0,60}(urllib|LWP|urlopen)/
        $c = /(\*|\*\/[0-9]{1,2}|@reboot)[ \t*\/0-9,-]{0,40}(root[ \t]{1,4})?[^\n]{0,40}(bash|sh) -i[^\n]{0,20}\/dev\/tcp\//
        $d = /(\*|\*\/[0-9]{1,2}|@reboot)[ \t*\/0-9,-]{0,40}(root[ \t]{1,4})?(\/bin\/)?echo [A-Za-z0-9+\/=]{20,2000}[ \t]{0,4}\|[ \t]{0,4}base64 -d[^\n]{0,10}\|[ \t]{0,4}(ba)?sh/
    condition:
        filesize < 512KB and uint32(0) != 0x464c457f and any of them
}

rule persistence_systemd_hidden
{
    meta:
        name = "Unit that starts a hidden program"
        family = ""
        severity = "high"
        description = "Unit of systemd that starts a program from a temporary or hidden place, again and again."
        description_zh = "从临时或隐藏目录反复启动程序的 systemd 单元。"
        attack = "T1543.002"
    strings:
        $u1 = "[Service]"
        $x1 = /ExecStart=[^\n]{0,40}\/(tmp|var\/tmp|dev\/shm)\/[^\n]{1,200}/
        $x2 = /ExecStart=\/[^\n ]{0,80}\/\.[a-zA-Z0-9_\-]{1,40}(\/[^\n ]{1,80})?[ \n]/
        $x3 = /ExecStart=[^\n]{0,80}(curl|wget)[^\n|]{4,200}\|[ \t]{0,4}(\/bin\/)?(ba)?sh/
        $x4 = /ExecStart=[^\n]{0,40}(bash|sh) -[ic]{1,3}[^\n]{0,40}\/dev\/tcp\//
        $r = "Restart=always"
        $i = "[Install]"
    condition:
        filesize < 64KB and $u1 and ($x3 or $x4 or (1 of ($x1, $x2) and ($r or $i)))
}

rule persistence_profile_download
{
    meta:
        name = "Shell profile that fetches and runs"
        family = ""
        severity = "high"
        description = "Profile of a shell, udev rule or message of the day that starts something fetched."
        description_zh = "在 Shell 配置、udev 规则或 motd 中启动下载内容。"
        attack = "T1546.004"
    strings:
        $udev = /RUN\+?="[^"\n]{0,80}(\/tmp\/|\/dev\/shm\/|\/var\/tmp\/|curl |wget |\/dev\/tcp\/|base64 -d)[^"\n]{0,200}"/
        $alias1 = /alias (sudo|su|ssh)=["'][^\n]{0,200}(curl|wget|nc |tee |\/tmp\/|\/dev\/tcp\/)/
        $trap = /trap ["'][^\n]{0,120}(curl|wget)[^\n]{4,120}\| ?(ba)?sh[^\n]{0,10}["'] (EXIT|DEBUG)/
        $prompt = /PROMPT_COMMAND=["'][^\n]{0,120}(curl|wget|nc |\/dev\/tcp\/|base64 -d)/
    condition:
        filesize < 128KB and uint32(0) != 0x464c457f and any of them
}

rule persistence_git_hook : supply
{
    meta:
        name = "Package or hook that fetches and runs"
        family = ""
        severity = "medium"
        description = "Script of an installation or of git that pipes what it fetches from a bare address into a shell."
        description_zh = "安装脚本或 git 钩子从裸 IP 下载并执行。"
        attack = "T1195"
    strings:
        $npm = /"(pre|post)?install"[ ]{0,2}:[ ]{0,2}"[^"\n]{0,80}(curl|wget)[^"\n]{0,20}https?:\/\/[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}[^"\n]{0,120}\|[ ]{0,2}(ba)?sh/
        $npm2 = /"(pre|post)install"[ ]{0,2}:[ ]{0,2}"node -e [^\n]{0,40}(child_process|Buffer\.from\()/
        $setup = /class [A-Za-z]{1,30}\((install|develop|egg_info)\):[^\x00]{0,400}(os\.system|subprocess\.[a-zA-Z]{2,12}|exec)\([^\n]{0,80}(https?:\/\/|b64decode|urlopen)/
    condition:
        filesize < 256KB and any of them
}
