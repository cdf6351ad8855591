// Programs and scripts that mine coins.

rule miner_xmrig : miner
{
    meta:
        name = "XMRig coin miner"
        family = "xmrig"
        severity = "high"
        description = "Program with the words of the XMRig miner: its options, its pools and its algorithm."
        description_zh = "含有 XMRig 挖矿程序特征（选项、矿池与算法）的程序。"
        attack = "T1496"
    strings:
        $name = "xmrig" nocase
        $o1 = "randomx-1gb-pages"
        $o2 = "cpu-max-threads-hint"
        $o3 = "donate-over-proxy"
        $o4 = "huge-pages-jit"
        $o5 = "rig-id"
        $o6 = "nicehash"
    condition:
        uint32(0) == 0x464c457f and $name and 3 of ($o*)
}

rule miner_stratum_client : miner
{
    meta:
        name = "Client of the stratum mining protocol"
        family = ""
        severity = "high"
        description = "Program that speaks stratum: subscribes, authorises and submits shares to a pool."
        description_zh = "使用 stratum 矿池协议（订阅、授权、提交份额）的程序。"
        attack = "T1496"
    strings:
        $pool = "stratum+" nocase
        $subscribe = "mining.subscribe"
        $authorize = "mining.authorize"
        $submit = "mining.submit"
        $login = "\"method\":\"login\""
        $share = "\"method\":\"submit\""
        $job = "job_id"
    condition:
        uint32(0) == 0x464c457f and $pool and ($job or 1 of ($subscribe, $authorize)) and 1 of ($submit, $login, $share)
}

rule miner_configuration : miner
{
    meta:
        name = "Configuration of a coin miner"
        family = ""
        severity = "high"
        description = "Configuration file that names pools, a wallet and how many threads mine."
        description_zh = "挖矿程序的配置文件，包含矿池、钱包与线程设置。"
        attack = "T1496"
    strings:
        $pools = "\"pools\""
        $donate = "\"donate-level\""
        $randomx = "\"randomx\""
        $wallet = /"user"[ ]{0,4}:[ ]{0,4}"[48][0-9A-Za-z]{94}/
        $rig = "\"rig-id\""
        $coin = "\"coin\""
    condition:
        filesize < 256KB and $pools and ($wallet or 2 of ($donate, $randomx, $rig, $coin))
}

rule miner_dropper_script : miner
{
    meta:
        name = "Script that installs a coin miner"
        family = ""
        severity = "critical"
        description = "Script that ends other miners, fetches one and starts it hidden."
        description_zh = "结束其他挖矿程序、下载并隐蔽启动挖矿程序的脚本。"
        attack = "T1496"
    strings:
        $kill1 = /pkill -f [a-z\-]{0,20}(xmrig|kinsing|kdevtmpfsi|minerd|cryptonight)/
        $kill2 = /(killall|pkill) (-9 )?(xmrig|kinsing|kdevtmpfsi|minerd|xmr-stak)/
        $kill3 = /grep (-v grep ?\| ?grep )?[':"]?(stratum|xmrig|:3333|:14444|minerd|cryptonight)/
        $fetch1 = "curl "
        $fetch2 = "wget "
        $start1 = "nohup "
        $start2 = ">/dev/null 2>&1 &"
        $start3 = "chmod +x"
        $start4 = "chmod 777"
    condition:
        filesize < 512KB and uint32(0) != 0x464c457f and 1 of ($kill*) and 1 of ($fetch*) and 1 of ($start*)
}

rule miner_kinsing : miner
{
    meta:
        name = "Kinsing-like miner dropper in Go"
        family = "kinsing"
        severity = "critical"
        description = "Go program that scans, kills rivals and starts a miner as kdevtmpfsi."
        description_zh = "Kinsing 类 Go 程序：扫描、清除竞争者并启动 kdevtmpfsi 挖矿。"
        attack = "T1496"
    strings:
        $go = "Go build"
        $name = "kinsing"
        $miner = "kdevtmpfsi"
        $f1 = "main.masscan"
        $f2 = "main.redisBrute"
        $f3 = "main.minerRunningCheck"
        $f4 = "main.downloadAndExecute"
        $f5 = "main.getActiveC2CUrl"
    condition:
        uint32(0) == 0x464c457f and ($go or $name) and ($miner or 2 of ($f*)) and 1 of ($f*)
}

rule miner_cpuminer : miner
{
    meta:
        name = "cpuminer and its children"
        family = "cpuminer"
        severity = "high"
        description = "Program with the options and algorithms of cpuminer."
        description_zh = "含有 cpuminer 选项与算法的挖矿程序。"
        attack = "T1496"
    strings:
        $a1 = "cpuminer"
        $a2 = "minerd"
        $o1 = "scantime"
        $o2 = "--no-longpoll"
        $o3 = "--coinbase-addr"
        $o4 = "getblocktemplate"
        $o5 = "accepted: %lu/%lu"
    condition:
        uint32(0) == 0x464c457f and 1 of ($a*) and 3 of ($o*)
}

rule miner_gpu : miner
{
    meta:
        name = "Miner for graphics cards"
        family = ""
        severity = "medium"
        description = "Program that mines on graphics cards: kernels, pool words and temperatures."
        description_zh = "使用显卡挖矿的程序。"
        attack = "T1496"
    strings:
        $a = "ethash" nocase
        $b = "kawpow" nocase
        $c = "autolykos" nocase
        $d = "progpow" nocase
        $pool = "stratum" nocase
        $share = "accepted share" nocase
        $rate = "hashrate" nocase
        $cuda = "cuda" nocase
        $opencl = "opencl" nocase
    condition:
        uint32(0) == 0x464c457f and 2 of ($a, $b, $c, $d) and $pool and 1 of ($share, $rate) and 1 of ($cuda, $opencl)
}
