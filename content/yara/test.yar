rule eicar_test_file
{
    meta:
        name = "EICAR test file"
        family = "eicar"
        severity = "low"
        description = "The file with which scanners prove that they look (EICAR, 2003); harmless."
        description_zh = "用于验证扫描程序是否工作的 EICAR 测试文件，无害。"
        attack = ""
    strings:
        // The text itself would make every other scanner take this file away.
        $mark = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 }
    condition:
        $mark at 0 and filesize < 1KB
}
