// Agents of remote control and tools that come after the break-in.

rule implant_sliver : implant
{
    meta:
        name = "Sliver implant"
        family = "sliver"
        severity = "critical"
        description = "Program with the messages of the Sliver framework."
        description_zh = "含有 Sliver 框架消息定义的植入程序。"
        attack = "T1219"
    strings:
        $p1 = "sliverpb."
        $p2 = "/implant/sliver/"
        $p3 = "bishopfox/sliver"
        $p4 = "*sliverpb.Envelope"
        $m1 = "BeaconRegister"
        $m2 = "PivotPeerEnvelope"
        $m3 = "WGTCPForwardersReq"
        $m4 = "BackdoorReq"
    condition:
        uint32(0) == 0x464c457f and (1 of ($p*) or 3 of ($m*))
}

rule implant_beacon_linux : implant
{
    meta:
        name = "Cobalt-Strike-like beacon for Linux"
        family = "cobaltstrike"
        severity = "critical"
        description = "Program that speaks the protocol of Cobalt Strike without being it (geacon, vermilion and their children)."
        description_zh = "兼容 Cobalt Strike 协议的 Linux 信标（geacon 等）。"
        attack = "T1071.001"
    strings:
        $g1 = "geacon"
        $g2 = "main.FirstBlood"
        $g3 = "packet.PullCommand"
        $g4 = "packet.MakeMetaInfo"
        $g5 = "packet.EncryptedMetaInfo"
        $g6 = "CALLBACK_OUTPUT"
        $v1 = "crossc2" nocase
        $v2 = "beacon_metadata"
        $v3 = "cobaltstrike" nocase
        $b1 = "-----BEGIN PUBLIC KEY-----"
        $b2 = "SESSIONID="
        $b3 = "/submit.php?id="
        $b4 = "/__utm.gif"
    condition:
        uint32(0) == 0x464c457f and (2 of ($g*) or ($v1 and 1 of ($v2, $v3, $b2)) or ($v2 and $b1) or ($b3 and 1 of ($b1, $b2, $b4)))
}

rule implant_go_agents : implant
{
    meta:
        name = "Agent of another framework in Go"
        family = ""
        severity = "critical"
        description = "Program of Merlin, Poseidon, Havoc-like or similar frameworks."
        description_zh = "Merlin、Poseidon 等框架的 Go 植入程序。"
        attack = "T1219"
    strings:
        $m1 = "merlin-agent/"
        $m2 = "Ne0nd0g/merlin"
        $m3 = "MythicAgents/poseidon"
        $m4 = "poseidon/Payload_Type"
        $m5 = "pkg/profiles.checkIn"
        $m6 = "D00MFist/"
        $m7 = "HavocFramework"
        $m8 = "EmpireProject"
        $m9 = "BC-SECURITY/Empire"
        $m10 = "nidhogg/agent"
        $m11 = "n1nj4sec/pupy"
        $m12 = "pupy://"
    condition:
        uint32(0) == 0x464c457f and any of them
}

rule tool_tunnel : tool
{
    meta:
        name = "Tunnel out of a network"
        family = ""
        severity = "medium"
        description = "Program that carries connections out over a tunnel: chisel, frp, ligolo, gost, nps and the like."
        description_zh = "网络隧道工具（chisel、frp、ligolo 等）。"
        attack = "T1572"
    strings:
        $t1 = "jpillora/chisel"
        $t2 = "fatedier/frp"
        $t3 = "ligolo-ng"
        $t4 = "go-gost/gost"
        $t5 = "ehang.io/nps"
        $t6 = "nicocha30/ligolo"
        $t7 = "ginuerzh/gost"
        $t8 = "rsocx"
        $t9 = "EarthWorm"
        $t10 = "ssocks -d"
        $t11 = "termite/agent"
        $t12 = "ph4ntonn/Stowaway"
    condition:
        uint32(0) == 0x464c457f and any of them
}

rule tool_privilege_survey : tool
{
    meta:
        name = "Script that looks for ways to root"
        family = ""
        severity = "high"
        description = "Script that lists everything by which a user may become root (linpeas, LinEnum, lse and their children)."
        description_zh = "枚举提权途径的脚本（linpeas、LinEnum 等）。"
        attack = "T1082"
    strings:
        $n1 = "linpeas" nocase
        $n2 = "LinEnum"
        $n3 = "linux-exploit-suggester" nocase
        $n4 = "linux-smart-enumeration" nocase
        $n5 = "PEASS"
        $n6 = "unix-privesc-check"
        $c1 = /find \/ [^\n]{0,60}-perm [\-\/](4000|2000|u=s|6000)/
        $c2 = "/etc/shadow"
        $c3 = "sudo -l"
        $c4 = "getcap -r"
        $c5 = "docker.sock"
        $c6 = "/etc/sudoers"
        $c7 = "id_rsa"
        $sh = "#!/"
    condition:
        filesize < 4MB and uint32(0) != 0x464c457f and $sh at 0 and ((1 of ($n*) and 2 of ($c*)) or ($c1 and all of ($c2, $c3, $c4, $c5, $c6, $c7)))
}

rule tool_credential_theft : tool
{
    meta:
        name = "Tool that takes credentials"
        family = ""
        severity = "critical"
        description = "Program or script that reads passwords from memory or takes the keys of clouds and sends them away."
        description_zh = "从内存读取口令或窃取并外传云凭据的工具。"
        attack = "T1003.007"
    strings:
        $m1 = "mimipenguin" nocase
        $m2 = "gnome-keyring-daemon"
        $m3 = /\/proc\/[%${}a-zA-Z]{1,8}\/(mem|maps)/
        $m4 = "sshd:"
        $k1 = ".aws/credentials"
        $k2 = ".docker/config.json"
        $k3 = ".kube/config"
        $k4 = "application_default_credentials.json"
        $k5 = ".ssh/id_rsa"
        $k6 = "169.254.169.254/latest/meta-data/iam"
        $k7 = ".git-credentials"
        $s1 = /curl [^\n]{0,160}(-F|--data-binary|-T|-d|--upload-file)[^\n]{0,80}https?:\/\//
        $s2 = /(wget|curl) [^\n]{0,80}--post-file/
        $s3 = /requests\.post\([^\n]{0,120}(files|data)=/
    condition:
        filesize < 4MB and (($m1 and $m3) or ($m2 and $m3 and $m4 and filesize < 1MB) or (uint32(0) != 0x464c457f and 4 of ($k*) and 1 of ($s*)))
}

rule tool_log_wiper : tool
{
    meta:
        name = "Tool that removes traces"
        family = ""
        severity = "high"
        description = "Program that edits the records of logins, or a script that empties the logs."
        description_zh = "清除登录记录或日志的工具。"
        attack = "T1070.002"
    strings:
        $b1 = "/var/log/wtmp"
        $b2 = "/var/log/lastlog"
        $b3 = "/var/run/utmp"
        $b4 = "/var/log/btmp"
        $w1 = "wiped" nocase
        $w2 = "zapper" nocase
        $w3 = "logcleaner" nocase
        $w4 = "log cleaner" nocase
        $w5 = "ghost login" nocase
        $w6 = "Zap!"
        $s1 = /(echo|cat \/dev\/null|:|true)[ "']{0,3} ?>[ ]?\/var\/log\/(wtmp|lastlog|secure|auth\.log|btmp|messages)/
        $s2 = "unset HISTFILE"
        $s3 = "history -c"
        $s4 = "HISTSIZE=0"
    condition:
        filesize < 2MB and ((uint32(0) == 0x464c457f and 2 of ($b*) and 1 of ($w*)) or (uint32(0) != 0x464c457f and #s1 > 1 and 1 of ($s2, $s3, $s4)))
}

rule tool_container_escape : tool
{
    meta:
        name = "Tool that breaks out of containers"
        family = ""
        severity = "critical"
        description = "Program or script that leaves a container by its socket, its cgroup or its devices."
        description_zh = "利用 socket、cgroup 或设备逃逸容器的工具。"
        attack = "T1611"
    strings:
        $n1 = "cdk-team/CDK"
        $n4 = "inguardians/peirates"
        $r1 = "release_agent"
        $r2 = "notify_on_release"
        $r3 = "cgroup.procs"
        $r4 = /mount -t cgroup [^\n]{0,60}/
        $d1 = "/var/run/docker.sock"
        $d2 = "\"Privileged\":true"
        $d3 = "\"Binds\":[\"/:/"
        $u1 = "core_pattern"
        $u2 = /echo ["']?\|\/[^\n]{2,120}> ?\/proc\/sys\/kernel\/core_pattern/
    condition:
        filesize < 64MB and ((uint32(0) == 0x464c457f and 1 of ($n*)) or (uint32(0) != 0x464c457f and filesize < 1MB and ((all of ($r*)) or ($d1 and 1 of ($d2, $d3) and $d3) or ($u1 and $u2))))
}
