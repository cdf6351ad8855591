//! The metrics, as tables. Ids are part of the contract: a metric keeps its number, a number is never used again.
//!
//! `key` is what the reader of the area looks for: a name in the file, a column number, `-` or `=…` for a value that the
//! reader computes.

use super::{Row, Shape::Gauge, Shape::Rate, row};

/// Processors, scheduling and pressure, from `/proc/stat`.
#[rustfmt::skip]
pub(crate) const CPU: &[Row] = &[
    row(1000, "cpu.user", "percent", Rate(1.0), "0", "/proc/stat", "time in programs", "用户态时间"),
    row(1001, "cpu.nice", "percent", Rate(1.0), "1", "/proc/stat", "time in programs of lowered priority", "低优先级用户态时间"),
    row(1002, "cpu.system", "percent", Rate(1.0), "2", "/proc/stat", "time in the kernel", "内核态时间"),
    row(1003, "cpu.idle", "percent", Rate(1.0), "3", "/proc/stat", "idle time", "空闲时间"),
    row(1004, "cpu.iowait", "percent", Rate(1.0), "4", "/proc/stat", "idle time while a disk was waited for", "等待磁盘的空闲时间"),
    row(1005, "cpu.irq", "percent", Rate(1.0), "5", "/proc/stat", "time in hardware interrupts", "硬中断时间"),
    row(1006, "cpu.softirq", "percent", Rate(1.0), "6", "/proc/stat", "time in software interrupts", "软中断时间"),
    row(1007, "cpu.steal", "percent", Rate(1.0), "7", "/proc/stat", "time the hypervisor gave to others", "被宿主机占用的时间"),
    row(1008, "cpu.guest", "percent", Rate(1.0), "8", "/proc/stat", "time in guests of our own", "运行虚拟机的时间"),
    row(1009, "cpu.guest_nice", "percent", Rate(1.0), "9", "/proc/stat", "time in guests of lowered priority", "运行低优先级虚拟机的时间"),
    row(1010, "cpu.used", "percent", Rate(1.0), "-", "/proc/stat", "share of all cores in use", "所有核的使用率"),
    row(1011, "cpu.cores", "count", Gauge(1.0), "-", "/proc/stat", "cores on line", "在线核数"),
];

/// Processors, scheduling and pressure, from `/proc/stat`.
#[rustfmt::skip]
pub(crate) const CORE: &[Row] = &[
    row(1100, "core.user", "percent", Rate(1.0), "0", "/proc/stat", "time of one core in programs", "单核用户态时间"),
    row(1101, "core.nice", "percent", Rate(1.0), "1", "/proc/stat", "time of one core in programs of lowered priority", "单核低优先级用户态时间"),
    row(1102, "core.system", "percent", Rate(1.0), "2", "/proc/stat", "time of one core in the kernel", "单核内核态时间"),
    row(1103, "core.idle", "percent", Rate(1.0), "3", "/proc/stat", "idle time of one core", "单核空闲时间"),
    row(1104, "core.iowait", "percent", Rate(1.0), "4", "/proc/stat", "idle time of one core while a disk was waited for", "单核等待磁盘时间"),
    row(1105, "core.irq", "percent", Rate(1.0), "5", "/proc/stat", "time of one core in hardware interrupts", "单核硬中断时间"),
    row(1106, "core.softirq", "percent", Rate(1.0), "6", "/proc/stat", "time of one core in software interrupts", "单核软中断时间"),
    row(1107, "core.steal", "percent", Rate(1.0), "7", "/proc/stat", "time of one core the hypervisor gave to others", "单核被宿主机占用的时间"),
];

/// Processors, scheduling and pressure, from `/proc/stat`.
#[rustfmt::skip]
pub(crate) const KERNEL: &[Row] = &[
    row(1200, "kernel.interrupts", "1/s", Rate(1.0), "intr", "/proc/stat", "interrupts served", "中断次数"),
    row(1201, "kernel.context_switches", "1/s", Rate(1.0), "ctxt", "/proc/stat", "switches between threads", "上下文切换次数"),
    row(1202, "kernel.forks", "1/s", Rate(1.0), "processes", "/proc/stat", "processes and threads made", "新建进程与线程数"),
    row(1203, "kernel.running", "count", Gauge(1.0), "procs_running", "/proc/stat", "threads that can run now", "可运行线程数"),
    row(1204, "kernel.blocked", "count", Gauge(1.0), "procs_blocked", "/proc/stat", "threads that wait for a disk", "等待磁盘的线程数"),
    row(1205, "kernel.softirqs", "1/s", Rate(1.0), "softirq", "/proc/stat", "software interrupts served", "软中断次数"),
];

/// Processors, scheduling and pressure, from `/proc/stat`.
#[rustfmt::skip]
pub(crate) const SOFTIRQ: &[Row] = &[
    row(1250, "softirq.high", "1/s", Rate(1.0), "0", "/proc/stat", "urgent tasklets", "高优先级小任务次数"),
    row(1251, "softirq.timer", "1/s", Rate(1.0), "1", "/proc/stat", "timers that came due", "定时器到期次数"),
    row(1252, "softirq.network_out", "1/s", Rate(1.0), "2", "/proc/stat", "network sending rounds", "网络发送处理次数"),
    row(1253, "softirq.network_in", "1/s", Rate(1.0), "3", "/proc/stat", "network receiving rounds", "网络接收处理次数"),
    row(1254, "softirq.block", "1/s", Rate(1.0), "4", "/proc/stat", "disk completions", "磁盘完成处理次数"),
    row(1255, "softirq.irq_poll", "1/s", Rate(1.0), "5", "/proc/stat", "polled completions", "轮询完成次数"),
    row(1256, "softirq.tasklet", "1/s", Rate(1.0), "6", "/proc/stat", "tasklets", "小任务次数"),
    row(1257, "softirq.scheduler", "1/s", Rate(1.0), "7", "/proc/stat", "balancing between cores", "核间均衡次数"),
    row(1258, "softirq.high_resolution_timer", "1/s", Rate(1.0), "8", "/proc/stat", "precise timers that came due", "高精度定时器次数"),
    row(1259, "softirq.rcu", "1/s", Rate(1.0), "9", "/proc/stat", "deferred freeing", "延迟回收次数"),
];

/// Processors, scheduling and pressure, from `/proc/loadavg`.
#[rustfmt::skip]
pub(crate) const LOAD: &[Row] = &[
    row(1300, "load.1", "count", Gauge(1.0), "0", "/proc/loadavg", "load average over 1 minute", "1 分钟平均负载"),
    row(1301, "load.5", "count", Gauge(1.0), "1", "/proc/loadavg", "load average over 5 minutes", "5 分钟平均负载"),
    row(1302, "load.15", "count", Gauge(1.0), "2", "/proc/loadavg", "load average over 15 minutes", "15 分钟平均负载"),
    row(1303, "load.running", "count", Gauge(1.0), "3", "/proc/loadavg", "threads running or ready", "运行或就绪线程数"),
    row(1304, "load.threads", "count", Gauge(1.0), "4", "/proc/loadavg", "threads on the host", "主机线程总数"),
];

/// Processors, scheduling and pressure, from `/proc/uptime`.
#[rustfmt::skip]
pub(crate) const UPTIME: &[Row] = &[
    row(1320, "host.uptime", "seconds", Gauge(1.0), "0", "/proc/uptime", "time since the host started", "主机运行时间"),
    row(1321, "host.idle", "seconds", Gauge(1.0), "1", "/proc/uptime", "idle time of all cores since then", "所有核累计空闲时间"),
];

/// Processors, scheduling and pressure, from `/proc/pressure`.
#[rustfmt::skip]
pub(crate) const PRESSURE: &[Row] = &[
    row(1340, "pressure.cpu.some.10", "percent", Gauge(1.0), "cpu some 0", "/proc/pressure", "time some task waited for a core, over 10 s", "10 秒内有任务等待 CPU 的时间"),
    row(1341, "pressure.cpu.some.60", "percent", Gauge(1.0), "cpu some 1", "/proc/pressure", "time some task waited for a core, over 60 s", "60 秒内有任务等待 CPU 的时间"),
    row(1342, "pressure.cpu.some.300", "percent", Gauge(1.0), "cpu some 2", "/proc/pressure", "time some task waited for a core, over 300 s", "300 秒内有任务等待 CPU 的时间"),
    row(1343, "pressure.cpu.some.now", "percent", Rate(0.0001), "cpu some 3", "/proc/pressure", "time some task waited for a core, since the last sample", "上次采样以来有任务等待 CPU 的时间"),
    row(1344, "pressure.memory.some.10", "percent", Gauge(1.0), "memory some 0", "/proc/pressure", "time some task waited for memory, over 10 s", "10 秒内有任务等待内存的时间"),
    row(1345, "pressure.memory.some.60", "percent", Gauge(1.0), "memory some 1", "/proc/pressure", "time some task waited for memory, over 60 s", "60 秒内有任务等待内存的时间"),
    row(1346, "pressure.memory.some.300", "percent", Gauge(1.0), "memory some 2", "/proc/pressure", "time some task waited for memory, over 300 s", "300 秒内有任务等待内存的时间"),
    row(1347, "pressure.memory.some.now", "percent", Rate(0.0001), "memory some 3", "/proc/pressure", "time some task waited for memory, since the last sample", "上次采样以来有任务等待内存的时间"),
    row(1348, "pressure.memory.full.10", "percent", Gauge(1.0), "memory full 0", "/proc/pressure", "time all tasks waited for memory, over 10 s", "10 秒内全部任务等待内存的时间"),
    row(1349, "pressure.memory.full.60", "percent", Gauge(1.0), "memory full 1", "/proc/pressure", "time all tasks waited for memory, over 60 s", "60 秒内全部任务等待内存的时间"),
    row(1350, "pressure.memory.full.300", "percent", Gauge(1.0), "memory full 2", "/proc/pressure", "time all tasks waited for memory, over 300 s", "300 秒内全部任务等待内存的时间"),
    row(1351, "pressure.memory.full.now", "percent", Rate(0.0001), "memory full 3", "/proc/pressure", "time all tasks waited for memory, since the last sample", "上次采样以来全部任务等待内存的时间"),
    row(1352, "pressure.io.some.10", "percent", Gauge(1.0), "io some 0", "/proc/pressure", "time some task waited for a disk, over 10 s", "10 秒内有任务等待磁盘的时间"),
    row(1353, "pressure.io.some.60", "percent", Gauge(1.0), "io some 1", "/proc/pressure", "time some task waited for a disk, over 60 s", "60 秒内有任务等待磁盘的时间"),
    row(1354, "pressure.io.some.300", "percent", Gauge(1.0), "io some 2", "/proc/pressure", "time some task waited for a disk, over 300 s", "300 秒内有任务等待磁盘的时间"),
    row(1355, "pressure.io.some.now", "percent", Rate(0.0001), "io some 3", "/proc/pressure", "time some task waited for a disk, since the last sample", "上次采样以来有任务等待磁盘的时间"),
    row(1356, "pressure.io.full.10", "percent", Gauge(1.0), "io full 0", "/proc/pressure", "time all tasks waited for a disk, over 10 s", "10 秒内全部任务等待磁盘的时间"),
    row(1357, "pressure.io.full.60", "percent", Gauge(1.0), "io full 1", "/proc/pressure", "time all tasks waited for a disk, over 60 s", "60 秒内全部任务等待磁盘的时间"),
    row(1358, "pressure.io.full.300", "percent", Gauge(1.0), "io full 2", "/proc/pressure", "time all tasks waited for a disk, over 300 s", "300 秒内全部任务等待磁盘的时间"),
    row(1359, "pressure.io.full.now", "percent", Rate(0.0001), "io full 3", "/proc/pressure", "time all tasks waited for a disk, since the last sample", "上次采样以来全部任务等待磁盘的时间"),
];

/// Memory and paging, from `/proc/meminfo`.
#[rustfmt::skip]
pub(crate) const MEMORY: &[Row] = &[
    row(2000, "memory.total", "bytes", Gauge(1024.0), "MemTotal", "/proc/meminfo", "memory of the host", "内存总量"),
    row(2001, "memory.free", "bytes", Gauge(1024.0), "MemFree", "/proc/meminfo", "memory nobody uses", "空闲内存"),
    row(2002, "memory.available", "bytes", Gauge(1024.0), "MemAvailable", "/proc/meminfo", "memory that programs could still have", "可用内存"),
    row(2003, "memory.buffers", "bytes", Gauge(1024.0), "Buffers", "/proc/meminfo", "buffers of block devices", "块设备缓冲"),
    row(2004, "memory.cached", "bytes", Gauge(1024.0), "Cached", "/proc/meminfo", "cached file content", "文件缓存"),
    row(2005, "memory.swap_cached", "bytes", Gauge(1024.0), "SwapCached", "/proc/meminfo", "pages in memory and in swap", "交换缓存"),
    row(2006, "memory.active", "bytes", Gauge(1024.0), "Active", "/proc/meminfo", "pages used not long ago", "活跃页"),
    row(2007, "memory.inactive", "bytes", Gauge(1024.0), "Inactive", "/proc/meminfo", "pages not used for long", "非活跃页"),
    row(2008, "memory.active_anonymous", "bytes", Gauge(1024.0), "Active(anon)", "/proc/meminfo", "active pages of programs", "活跃匿名页"),
    row(2009, "memory.inactive_anonymous", "bytes", Gauge(1024.0), "Inactive(anon)", "/proc/meminfo", "inactive pages of programs", "非活跃匿名页"),
    row(2010, "memory.active_file", "bytes", Gauge(1024.0), "Active(file)", "/proc/meminfo", "active pages of files", "活跃文件页"),
    row(2011, "memory.inactive_file", "bytes", Gauge(1024.0), "Inactive(file)", "/proc/meminfo", "inactive pages of files", "非活跃文件页"),
    row(2012, "memory.unevictable", "bytes", Gauge(1024.0), "Unevictable", "/proc/meminfo", "pages that must stay", "不可回收页"),
    row(2013, "memory.locked", "bytes", Gauge(1024.0), "Mlocked", "/proc/meminfo", "pages locked by programs", "被锁定页"),
    row(2014, "memory.swap_total", "bytes", Gauge(1024.0), "SwapTotal", "/proc/meminfo", "swap space", "交换空间总量"),
    row(2015, "memory.swap_free", "bytes", Gauge(1024.0), "SwapFree", "/proc/meminfo", "free swap space", "空闲交换空间"),
    row(2016, "memory.dirty", "bytes", Gauge(1024.0), "Dirty", "/proc/meminfo", "file content still to be written", "待写回数据"),
    row(2017, "memory.writeback", "bytes", Gauge(1024.0), "Writeback", "/proc/meminfo", "file content being written", "正在写回数据"),
    row(2018, "memory.anonymous", "bytes", Gauge(1024.0), "AnonPages", "/proc/meminfo", "memory of programs", "匿名内存"),
    row(2019, "memory.mapped", "bytes", Gauge(1024.0), "Mapped", "/proc/meminfo", "mapped files", "映射文件"),
    row(2020, "memory.shared", "bytes", Gauge(1024.0), "Shmem", "/proc/meminfo", "shared memory and tmpfs", "共享内存与 tmpfs"),
    row(2021, "memory.kernel_reclaimable", "bytes", Gauge(1024.0), "KReclaimable", "/proc/meminfo", "kernel memory that can be freed", "可回收内核内存"),
    row(2022, "memory.slab", "bytes", Gauge(1024.0), "Slab", "/proc/meminfo", "kernel objects", "内核对象"),
    row(2023, "memory.slab_reclaimable", "bytes", Gauge(1024.0), "SReclaimable", "/proc/meminfo", "kernel objects that can be freed", "可回收内核对象"),
    row(2024, "memory.slab_unreclaimable", "bytes", Gauge(1024.0), "SUnreclaim", "/proc/meminfo", "kernel objects that must stay", "不可回收内核对象"),
    row(2025, "memory.kernel_stack", "bytes", Gauge(1024.0), "KernelStack", "/proc/meminfo", "stacks of threads in the kernel", "内核栈"),
    row(2026, "memory.page_tables", "bytes", Gauge(1024.0), "PageTables", "/proc/meminfo", "page tables", "页表"),
    row(2027, "memory.commit_limit", "bytes", Gauge(1024.0), "CommitLimit", "/proc/meminfo", "most memory that can be promised", "可承诺内存上限"),
    row(2028, "memory.committed", "bytes", Gauge(1024.0), "Committed_AS", "/proc/meminfo", "memory promised to programs", "已承诺内存"),
    row(2029, "memory.vmalloc_used", "bytes", Gauge(1024.0), "VmallocUsed", "/proc/meminfo", "kernel memory mapped page by page", "vmalloc 使用量"),
    row(2030, "memory.per_cpu", "bytes", Gauge(1024.0), "Percpu", "/proc/meminfo", "kernel memory kept per core", "每核内存"),
    row(2031, "memory.huge_anonymous", "bytes", Gauge(1024.0), "AnonHugePages", "/proc/meminfo", "huge pages of programs", "匿名大页"),
    row(2032, "memory.huge_total", "count", Gauge(1.0), "HugePages_Total", "/proc/meminfo", "reserved huge pages", "大页总数"),
    row(2033, "memory.huge_free", "count", Gauge(1.0), "HugePages_Free", "/proc/meminfo", "reserved huge pages that are free", "空闲大页数"),
    row(2034, "memory.huge_reserved", "count", Gauge(1.0), "HugePages_Rsvd", "/proc/meminfo", "free huge pages already promised", "已预留大页数"),
    row(2035, "memory.huge_size", "bytes", Gauge(1024.0), "Hugepagesize", "/proc/meminfo", "size of a huge page", "大页大小"),
    row(2036, "memory.direct_4k", "bytes", Gauge(1024.0), "DirectMap4k", "/proc/meminfo", "kernel mapping in 4 KiB pages", "4K 直接映射"),
    row(2037, "memory.direct_2m", "bytes", Gauge(1024.0), "DirectMap2M", "/proc/meminfo", "kernel mapping in 2 MiB pages", "2M 直接映射"),
    row(2038, "memory.used_share", "percent", Gauge(1.0), "=used", "/proc/meminfo", "memory that programs cannot have any more", "内存使用率"),
    row(2039, "memory.swap_used", "bytes", Gauge(1024.0), "=swap", "/proc/meminfo", "swap space in use", "已用交换空间"),
];

/// Memory and paging, from `/proc/vmstat`.
#[rustfmt::skip]
pub(crate) const VIRTUAL: &[Row] = &[
    row(2200, "paging.faults", "1/s", Rate(1.0), "pgfault", "/proc/vmstat", "page faults", "缺页次数"),
    row(2201, "paging.major_faults", "1/s", Rate(1.0), "pgmajfault", "/proc/vmstat", "page faults that read a disk", "主缺页次数"),
    row(2202, "paging.in", "bytes/s", Rate(1024.0), "pgpgin", "/proc/vmstat", "read from disks", "从磁盘读入"),
    row(2203, "paging.out", "bytes/s", Rate(1024.0), "pgpgout", "/proc/vmstat", "written to disks", "写出到磁盘"),
    row(2204, "paging.swap_in", "1/s", Rate(1.0), "pswpin", "/proc/vmstat", "pages read from swap", "换入页数"),
    row(2205, "paging.swap_out", "1/s", Rate(1.0), "pswpout", "/proc/vmstat", "pages written to swap", "换出页数"),
    row(2206, "paging.freed", "1/s", Rate(1.0), "pgfree", "/proc/vmstat", "pages freed", "释放页数"),
    row(2207, "paging.activated", "1/s", Rate(1.0), "pgactivate", "/proc/vmstat", "pages made active", "激活页数"),
    row(2208, "paging.deactivated", "1/s", Rate(1.0), "pgdeactivate", "/proc/vmstat", "pages made inactive", "去激活页数"),
    row(2209, "paging.refilled", "1/s", Rate(1.0), "pgrefill", "/proc/vmstat", "active pages looked at", "扫描活跃页数"),
    row(2210, "paging.reused", "1/s", Rate(1.0), "pgreuse", "/proc/vmstat", "shared pages taken over without a copy", "无需复制而重用的页数"),
    row(2211, "paging.reclaimed_background", "1/s", Rate(1.0), "pgsteal_kswapd", "/proc/vmstat", "pages reclaimed in the background", "后台回收页数"),
    row(2212, "paging.reclaimed_direct", "1/s", Rate(1.0), "pgsteal_direct", "/proc/vmstat", "pages reclaimed by programs that waited", "直接回收页数"),
    row(2213, "paging.scanned_background", "1/s", Rate(1.0), "pgscan_kswapd", "/proc/vmstat", "pages looked at in the background", "后台扫描页数"),
    row(2214, "paging.scanned_direct", "1/s", Rate(1.0), "pgscan_direct", "/proc/vmstat", "pages looked at by programs that waited", "直接扫描页数"),
    row(2215, "paging.stalls", "1/s", Rate(1.0), "allocstall_normal", "/proc/vmstat", "allocations that had to reclaim first", "分配等待次数"),
    row(2216, "paging.slabs_scanned", "1/s", Rate(1.0), "slabs_scanned", "/proc/vmstat", "kernel objects looked at for freeing", "扫描内核对象数"),
    row(2217, "paging.background_runs", "1/s", Rate(1.0), "pageoutrun", "/proc/vmstat", "rounds of background reclaim", "后台回收轮数"),
    row(2218, "paging.out_of_memory_kills", "1/s", Rate(1.0), "oom_kill", "/proc/vmstat", "processes killed for lack of memory", "内存不足杀死的进程数"),
    row(2219, "paging.compaction_stalls", "1/s", Rate(1.0), "compact_stall", "/proc/vmstat", "allocations that had to compact first", "等待整理次数"),
    row(2220, "paging.compaction_failures", "1/s", Rate(1.0), "compact_fail", "/proc/vmstat", "compactions that failed", "整理失败次数"),
    row(2221, "paging.compaction_successes", "1/s", Rate(1.0), "compact_success", "/proc/vmstat", "compactions that succeeded", "整理成功次数"),
    row(2222, "paging.huge_faults", "1/s", Rate(1.0), "thp_fault_alloc", "/proc/vmstat", "huge pages given at a fault", "缺页分配大页次数"),
    row(2223, "paging.huge_fallbacks", "1/s", Rate(1.0), "thp_fault_fallback", "/proc/vmstat", "huge pages that were not to be had", "大页分配回退次数"),
    row(2224, "paging.huge_collapsed", "1/s", Rate(1.0), "thp_collapse_alloc", "/proc/vmstat", "huge pages made of small ones", "合并为大页次数"),
    row(2225, "paging.huge_split", "1/s", Rate(1.0), "thp_split_page", "/proc/vmstat", "huge pages split", "拆分大页次数"),
    row(2226, "paging.refaults_anonymous", "1/s", Rate(1.0), "workingset_refault_anon", "/proc/vmstat", "reclaimed pages of programs needed again", "匿名页重新读入次数"),
    row(2227, "paging.refaults_file", "1/s", Rate(1.0), "workingset_refault_file", "/proc/vmstat", "reclaimed pages of files needed again", "文件页重新读入次数"),
    row(2228, "paging.thrashing", "1/s", Rate(1.0), "workingset_activate_file", "/proc/vmstat", "reclaimed pages that were in active use", "活跃文件页被误回收次数"),
    row(2229, "paging.dirtied", "1/s", Rate(1.0), "nr_dirtied", "/proc/vmstat", "pages made dirty", "变脏页数"),
    row(2230, "paging.written", "1/s", Rate(1.0), "nr_written", "/proc/vmstat", "pages written back", "写回页数"),
    row(2231, "paging.cache_drops", "1/s", Rate(1.0), "drop_pagecache", "/proc/vmstat", "orders to drop the file cache", "清空页缓存命令次数"),
    row(2232, "paging.slab_drops", "1/s", Rate(1.0), "drop_slab", "/proc/vmstat", "orders to drop kernel objects", "清空内核对象缓存命令次数"),
    row(2233, "paging.migrated", "1/s", Rate(1.0), "pgmigrate_success", "/proc/vmstat", "pages moved", "迁移页数"),
    row(2234, "paging.migrations_failed", "1/s", Rate(1.0), "pgmigrate_fail", "/proc/vmstat", "pages that could not be moved", "迁移失败页数"),
    row(2235, "paging.numa_hits", "1/s", Rate(1.0), "numa_hit", "/proc/vmstat", "pages given on the wanted node", "NUMA 命中"),
    row(2236, "paging.numa_misses", "1/s", Rate(1.0), "numa_miss", "/proc/vmstat", "pages given on another node", "NUMA 未命中"),
    row(2237, "paging.free_pages", "count", Gauge(1.0), "nr_free_pages", "/proc/vmstat", "free pages", "空闲页数"),
    row(2238, "paging.dirty_pages", "count", Gauge(1.0), "nr_dirty", "/proc/vmstat", "dirty pages", "脏页数"),
    row(2239, "paging.dirty_limit", "count", Gauge(1.0), "nr_dirty_threshold", "/proc/vmstat", "dirty pages at which writers must wait", "写入者须等待的脏页上限"),
];

/// Disks and file systems, from `/proc/diskstats`.
#[rustfmt::skip]
pub(crate) const DISK: &[Row] = &[
    row(3000, "disk.reads", "1/s", Rate(1.0), "0", "/proc/diskstats", "reads finished", "完成的读次数"),
    row(3001, "disk.reads_merged", "1/s", Rate(1.0), "1", "/proc/diskstats", "reads joined before they were made", "合并的读次数"),
    row(3002, "disk.read_bytes", "bytes/s", Rate(512.0), "2", "/proc/diskstats", "bytes read", "读字节数"),
    row(3003, "disk.read_time", "percent", Rate(0.1), "3", "/proc/diskstats", "time spent reading, all requests together", "读耗时"),
    row(3004, "disk.writes", "1/s", Rate(1.0), "4", "/proc/diskstats", "writes finished", "完成的写次数"),
    row(3005, "disk.writes_merged", "1/s", Rate(1.0), "5", "/proc/diskstats", "writes joined before they were made", "合并的写次数"),
    row(3006, "disk.write_bytes", "bytes/s", Rate(512.0), "6", "/proc/diskstats", "bytes written", "写字节数"),
    row(3007, "disk.write_time", "percent", Rate(0.1), "7", "/proc/diskstats", "time spent writing, all requests together", "写耗时"),
    row(3008, "disk.in_flight", "count", Gauge(1.0), "8", "/proc/diskstats", "requests under way", "进行中的请求数"),
    row(3009, "disk.busy", "percent", Rate(0.1), "9", "/proc/diskstats", "time with at least one request", "磁盘繁忙率"),
    row(3010, "disk.queue", "count", Rate(0.001), "10", "/proc/diskstats", "mean requests waiting or under way", "平均队列长度"),
    row(3011, "disk.discards", "1/s", Rate(1.0), "11", "/proc/diskstats", "discards finished", "完成的丢弃次数"),
    row(3012, "disk.discard_bytes", "bytes/s", Rate(512.0), "13", "/proc/diskstats", "bytes discarded", "丢弃字节数"),
    row(3013, "disk.flushes", "1/s", Rate(1.0), "15", "/proc/diskstats", "flushes finished", "完成的刷写次数"),
    row(3014, "disk.flush_time", "percent", Rate(0.1), "16", "/proc/diskstats", "time spent flushing", "刷写耗时"),
];

/// Disks and file systems, from `statvfs(3)`.
#[rustfmt::skip]
pub(crate) const VOLUME: &[Row] = &[
    row(3100, "filesystem.total", "bytes", Gauge(1.0), "0", "statvfs(3)", "size of the file system", "文件系统大小"),
    row(3101, "filesystem.free", "bytes", Gauge(1.0), "1", "statvfs(3)", "free for the administrator", "管理员可用空间"),
    row(3102, "filesystem.available", "bytes", Gauge(1.0), "2", "statvfs(3)", "free for everybody", "普通用户可用空间"),
    row(3103, "filesystem.used_share", "percent", Gauge(1.0), "3", "statvfs(3)", "share of the space in use", "空间使用率"),
    row(3104, "filesystem.inodes", "count", Gauge(1.0), "4", "statvfs(3)", "inodes", "inode 总数"),
    row(3105, "filesystem.inodes_free", "count", Gauge(1.0), "5", "statvfs(3)", "free inodes", "空闲 inode 数"),
    row(3106, "filesystem.inodes_used_share", "percent", Gauge(1.0), "6", "statvfs(3)", "share of the inodes in use", "inode 使用率"),
    row(3107, "filesystem.read_only", "flag", Gauge(1.0), "7", "statvfs(3)", "1 when mounted read-only", "只读挂载为 1"),
];

/// Interfaces, sockets and protocols, from `/proc/net/dev`.
#[rustfmt::skip]
pub(crate) const INTERFACE: &[Row] = &[
    row(4000, "interface.in.bytes", "bytes/s", Rate(1.0), "0", "/proc/net/dev", "bytes received", "接收字节数"),
    row(4001, "interface.in.packets", "1/s", Rate(1.0), "1", "/proc/net/dev", "packets received", "接收包数"),
    row(4002, "interface.in.errors", "1/s", Rate(1.0), "2", "/proc/net/dev", "damaged packets received", "接收错误数"),
    row(4003, "interface.in.dropped", "1/s", Rate(1.0), "3", "/proc/net/dev", "packets dropped for lack of room", "接收丢包数"),
    row(4004, "interface.in.overruns", "1/s", Rate(1.0), "4", "/proc/net/dev", "packets lost in the device", "接收溢出数"),
    row(4005, "interface.in.frame_errors", "1/s", Rate(1.0), "5", "/proc/net/dev", "packets misaligned", "接收帧错误数"),
    row(4006, "interface.in.multicast", "1/s", Rate(1.0), "7", "/proc/net/dev", "multicast packets received", "接收组播包数"),
    row(4007, "interface.out.bytes", "bytes/s", Rate(1.0), "8", "/proc/net/dev", "bytes sent", "发送字节数"),
    row(4008, "interface.out.packets", "1/s", Rate(1.0), "9", "/proc/net/dev", "packets sent", "发送包数"),
    row(4009, "interface.out.errors", "1/s", Rate(1.0), "10", "/proc/net/dev", "packets that could not be sent", "发送错误数"),
    row(4010, "interface.out.dropped", "1/s", Rate(1.0), "11", "/proc/net/dev", "packets dropped before sending", "发送丢包数"),
    row(4011, "interface.out.overruns", "1/s", Rate(1.0), "12", "/proc/net/dev", "packets lost in the device while sending", "发送溢出数"),
    row(4012, "interface.out.collisions", "1/s", Rate(1.0), "13", "/proc/net/dev", "collisions", "冲突数"),
    row(4013, "interface.out.carrier_errors", "1/s", Rate(1.0), "14", "/proc/net/dev", "losses of the carrier", "载波错误数"),
];

/// Interfaces, sockets and protocols, from `/proc/net/sockstat`.
#[rustfmt::skip]
pub(crate) const SOCKET: &[Row] = &[
    row(4100, "socket.used", "count", Gauge(1.0), "sockets used", "/proc/net/sockstat", "sockets of all kinds", "套接字总数"),
    row(4101, "socket.tcp.in_use", "count", Gauge(1.0), "TCP inuse", "/proc/net/sockstat", "TCP sockets in use", "使用中的 TCP 套接字"),
    row(4102, "socket.tcp.orphans", "count", Gauge(1.0), "TCP orphan", "/proc/net/sockstat", "TCP sockets without a program", "孤儿 TCP 套接字"),
    row(4103, "socket.tcp.time_wait", "count", Gauge(1.0), "TCP tw", "/proc/net/sockstat", "closed connections that still wait", "TIME_WAIT 数"),
    row(4104, "socket.tcp.allocated", "count", Gauge(1.0), "TCP alloc", "/proc/net/sockstat", "TCP sockets of any state", "已分配 TCP 套接字"),
    row(4105, "socket.tcp.memory", "bytes", Gauge(4096.0), "TCP mem", "/proc/net/sockstat", "memory of TCP buffers", "TCP 缓冲内存"),
    row(4106, "socket.udp.in_use", "count", Gauge(1.0), "UDP inuse", "/proc/net/sockstat", "UDP sockets in use", "使用中的 UDP 套接字"),
    row(4107, "socket.udp.memory", "bytes", Gauge(4096.0), "UDP mem", "/proc/net/sockstat", "memory of UDP buffers", "UDP 缓冲内存"),
    row(4108, "socket.udplite.in_use", "count", Gauge(1.0), "UDPLITE inuse", "/proc/net/sockstat", "UDP-Lite sockets in use", "UDP-Lite 套接字"),
    row(4109, "socket.raw.in_use", "count", Gauge(1.0), "RAW inuse", "/proc/net/sockstat", "raw sockets in use", "原始套接字"),
    row(4110, "socket.fragments", "count", Gauge(1.0), "FRAG inuse", "/proc/net/sockstat", "packets being reassembled", "重组中的分片"),
    row(4111, "socket.fragment_memory", "bytes", Gauge(1.0), "FRAG memory", "/proc/net/sockstat", "memory of packets being reassembled", "分片重组内存"),
    row(4112, "socket.tcp6.in_use", "count", Gauge(1.0), "TCP6 inuse", "/proc/net/sockstat", "TCP sockets over IPv6 in use", "IPv6 TCP 套接字"),
    row(4113, "socket.udp6.in_use", "count", Gauge(1.0), "UDP6 inuse", "/proc/net/sockstat", "UDP sockets over IPv6 in use", "IPv6 UDP 套接字"),
    row(4114, "socket.raw6.in_use", "count", Gauge(1.0), "RAW6 inuse", "/proc/net/sockstat", "raw sockets over IPv6 in use", "IPv6 原始套接字"),
    row(4115, "socket.fragments6", "count", Gauge(1.0), "FRAG6 inuse", "/proc/net/sockstat", "IPv6 packets being reassembled", "重组中的 IPv6 分片"),
];

/// Interfaces, sockets and protocols, from `/proc/net/snmp`.
#[rustfmt::skip]
pub(crate) const PROTOCOL: &[Row] = &[
    row(4200, "ip.received", "1/s", Rate(1.0), "Ip InReceives", "/proc/net/snmp", "packets received", "接收 IP 包数"),
    row(4201, "ip.header_errors", "1/s", Rate(1.0), "Ip InHdrErrors", "/proc/net/snmp", "packets with a wrong header", "IP 头错误数"),
    row(4202, "ip.address_errors", "1/s", Rate(1.0), "Ip InAddrErrors", "/proc/net/snmp", "packets to a wrong address", "IP 地址错误数"),
    row(4203, "ip.forwarded", "1/s", Rate(1.0), "Ip ForwDatagrams", "/proc/net/snmp", "packets passed on", "转发包数"),
    row(4204, "ip.unknown_protocols", "1/s", Rate(1.0), "Ip InUnknownProtos", "/proc/net/snmp", "packets of unknown protocols", "未知协议包数"),
    row(4205, "ip.in_discarded", "1/s", Rate(1.0), "Ip InDiscards", "/proc/net/snmp", "good packets dropped", "接收丢弃数"),
    row(4206, "ip.delivered", "1/s", Rate(1.0), "Ip InDelivers", "/proc/net/snmp", "packets given to a protocol", "交付包数"),
    row(4207, "ip.sent", "1/s", Rate(1.0), "Ip OutRequests", "/proc/net/snmp", "packets sent", "发送 IP 包数"),
    row(4208, "ip.out_discarded", "1/s", Rate(1.0), "Ip OutDiscards", "/proc/net/snmp", "packets dropped before sending", "发送丢弃数"),
    row(4209, "ip.no_routes", "1/s", Rate(1.0), "Ip OutNoRoutes", "/proc/net/snmp", "packets without a route", "无路由包数"),
    row(4210, "ip.reassembly_timeouts", "1/s", Rate(1.0), "Ip ReasmTimeout", "/proc/net/snmp", "reassemblies given up", "重组超时数"),
    row(4211, "ip.reassembly_failures", "1/s", Rate(1.0), "Ip ReasmFails", "/proc/net/snmp", "reassemblies failed", "重组失败数"),
    row(4212, "ip.fragmented", "1/s", Rate(1.0), "Ip FragCreates", "/proc/net/snmp", "fragments made", "产生的分片数"),
    row(4213, "ip.fragmentation_failures", "1/s", Rate(1.0), "Ip FragFails", "/proc/net/snmp", "packets that could not be cut", "分片失败数"),
    row(4214, "icmp.received", "1/s", Rate(1.0), "Icmp InMsgs", "/proc/net/snmp", "ICMP messages received", "接收 ICMP 数"),
    row(4215, "icmp.errors", "1/s", Rate(1.0), "Icmp InErrors", "/proc/net/snmp", "wrong ICMP messages received", "错误 ICMP 数"),
    row(4216, "icmp.unreachable_in", "1/s", Rate(1.0), "Icmp InDestUnreachs", "/proc/net/snmp", "unreachable messages received", "收到不可达数"),
    row(4217, "icmp.time_exceeded_in", "1/s", Rate(1.0), "Icmp InTimeExcds", "/proc/net/snmp", "time-exceeded messages received", "收到超时数"),
    row(4218, "icmp.redirects_in", "1/s", Rate(1.0), "Icmp InRedirects", "/proc/net/snmp", "redirects received", "收到重定向数"),
    row(4219, "icmp.echos_in", "1/s", Rate(1.0), "Icmp InEchos", "/proc/net/snmp", "pings received", "收到 ping 数"),
    row(4220, "icmp.sent", "1/s", Rate(1.0), "Icmp OutMsgs", "/proc/net/snmp", "ICMP messages sent", "发送 ICMP 数"),
    row(4221, "icmp.unreachable_out", "1/s", Rate(1.0), "Icmp OutDestUnreachs", "/proc/net/snmp", "unreachable messages sent", "发出不可达数"),
    row(4222, "icmp.echos_out", "1/s", Rate(1.0), "Icmp OutEchos", "/proc/net/snmp", "pings sent", "发出 ping 数"),
    row(4223, "icmp.echo_replies_out", "1/s", Rate(1.0), "Icmp OutEchoReps", "/proc/net/snmp", "answers to pings sent", "发出 ping 应答数"),
    row(4224, "tcp.active_opens", "1/s", Rate(1.0), "Tcp ActiveOpens", "/proc/net/snmp", "connections begun", "主动连接数"),
    row(4225, "tcp.passive_opens", "1/s", Rate(1.0), "Tcp PassiveOpens", "/proc/net/snmp", "connections accepted", "被动连接数"),
    row(4226, "tcp.failed_attempts", "1/s", Rate(1.0), "Tcp AttemptFails", "/proc/net/snmp", "connections that failed", "连接失败数"),
    row(4227, "tcp.resets", "1/s", Rate(1.0), "Tcp EstabResets", "/proc/net/snmp", "connections broken off", "连接重置数"),
    row(4228, "tcp.established", "count", Gauge(1.0), "Tcp CurrEstab", "/proc/net/snmp", "connections now", "当前连接数"),
    row(4229, "tcp.segments_in", "1/s", Rate(1.0), "Tcp InSegs", "/proc/net/snmp", "segments received", "接收段数"),
    row(4230, "tcp.segments_out", "1/s", Rate(1.0), "Tcp OutSegs", "/proc/net/snmp", "segments sent", "发送段数"),
    row(4231, "tcp.retransmitted", "1/s", Rate(1.0), "Tcp RetransSegs", "/proc/net/snmp", "segments sent again", "重传段数"),
    row(4232, "tcp.errors", "1/s", Rate(1.0), "Tcp InErrs", "/proc/net/snmp", "wrong segments received", "错误段数"),
    row(4233, "tcp.resets_out", "1/s", Rate(1.0), "Tcp OutRsts", "/proc/net/snmp", "resets sent", "发出重置数"),
    row(4234, "tcp.checksum_errors", "1/s", Rate(1.0), "Tcp InCsumErrors", "/proc/net/snmp", "segments with a wrong checksum", "校验和错误段数"),
    row(4235, "udp.received", "1/s", Rate(1.0), "Udp InDatagrams", "/proc/net/snmp", "datagrams received", "接收数据报数"),
    row(4236, "udp.no_ports", "1/s", Rate(1.0), "Udp NoPorts", "/proc/net/snmp", "datagrams to a closed port", "目标端口关闭数"),
    row(4237, "udp.errors", "1/s", Rate(1.0), "Udp InErrors", "/proc/net/snmp", "datagrams not delivered", "数据报错误数"),
    row(4238, "udp.sent", "1/s", Rate(1.0), "Udp OutDatagrams", "/proc/net/snmp", "datagrams sent", "发送数据报数"),
    row(4239, "udp.receive_buffer_errors", "1/s", Rate(1.0), "Udp RcvbufErrors", "/proc/net/snmp", "datagrams lost for a full receive buffer", "接收缓冲满数"),
    row(4240, "udp.send_buffer_errors", "1/s", Rate(1.0), "Udp SndbufErrors", "/proc/net/snmp", "datagrams lost for a full send buffer", "发送缓冲满数"),
    row(4241, "udp.checksum_errors", "1/s", Rate(1.0), "Udp InCsumErrors", "/proc/net/snmp", "datagrams with a wrong checksum", "校验和错误数据报数"),
];

/// Interfaces, sockets and protocols, from `/proc/net/netstat`.
#[rustfmt::skip]
pub(crate) const EXTENDED: &[Row] = &[
    row(4400, "tcp.syn_cookies_sent", "1/s", Rate(1.0), "TcpExt SyncookiesSent", "/proc/net/netstat", "SYN cookies sent", "发出 SYN cookie 数"),
    row(4401, "tcp.syn_cookies_received", "1/s", Rate(1.0), "TcpExt SyncookiesRecv", "/proc/net/netstat", "SYN cookies that came back", "收到有效 SYN cookie 数"),
    row(4402, "tcp.syn_cookies_failed", "1/s", Rate(1.0), "TcpExt SyncookiesFailed", "/proc/net/netstat", "wrong SYN cookies received", "无效 SYN cookie 数"),
    row(4403, "tcp.embryonic_resets", "1/s", Rate(1.0), "TcpExt EmbryonicRsts", "/proc/net/netstat", "resets of half-open connections", "半开连接重置数"),
    row(4404, "tcp.pruned", "1/s", Rate(1.0), "TcpExt PruneCalled", "/proc/net/netstat", "receive queues cut for lack of memory", "接收队列修剪次数"),
    row(4405, "tcp.time_waits", "1/s", Rate(1.0), "TcpExt TW", "/proc/net/netstat", "connections that went to rest", "进入 TIME_WAIT 数"),
    row(4406, "tcp.old_segments", "1/s", Rate(1.0), "TcpExt PAWSEstab", "/proc/net/netstat", "segments too old by their time stamp", "时间戳过旧段数"),
    row(4407, "tcp.delayed_acks", "1/s", Rate(1.0), "TcpExt DelayedACKs", "/proc/net/netstat", "acknowledgements sent late", "延迟确认数"),
    row(4408, "tcp.listen_overflows", "1/s", Rate(1.0), "TcpExt ListenOverflows", "/proc/net/netstat", "connections lost for a full accept queue", "监听队列溢出数"),
    row(4409, "tcp.listen_drops", "1/s", Rate(1.0), "TcpExt ListenDrops", "/proc/net/netstat", "connection requests dropped", "监听丢弃数"),
    row(4410, "tcp.header_predictions", "1/s", Rate(1.0), "TcpExt TCPHPHits", "/proc/net/netstat", "segments on the fast path", "快速路径段数"),
    row(4411, "tcp.timeouts", "1/s", Rate(1.0), "TcpExt TCPTimeouts", "/proc/net/netstat", "retransmission timeouts", "重传超时数"),
    row(4412, "tcp.lost_retransmissions", "1/s", Rate(1.0), "TcpExt TCPLostRetransmit", "/proc/net/netstat", "segments sent again that were lost again", "重传再丢失数"),
    row(4413, "tcp.fast_retransmissions", "1/s", Rate(1.0), "TcpExt TCPFastRetrans", "/proc/net/netstat", "segments sent again at once", "快速重传数"),
    row(4414, "tcp.slow_start_retransmissions", "1/s", Rate(1.0), "TcpExt TCPSlowStartRetrans", "/proc/net/netstat", "segments sent again in slow start", "慢启动重传数"),
    row(4415, "tcp.loss_probes", "1/s", Rate(1.0), "TcpExt TCPLossProbes", "/proc/net/netstat", "probes for lost tails", "尾丢失探测数"),
    row(4416, "tcp.backlog_drops", "1/s", Rate(1.0), "TcpExt TCPBacklogDrop", "/proc/net/netstat", "segments dropped from a full backlog", "积压队列丢弃数"),
    row(4417, "tcp.aborts_on_data", "1/s", Rate(1.0), "TcpExt TCPAbortOnData", "/proc/net/netstat", "connections broken off with data unread", "因未读数据中止数"),
    row(4418, "tcp.aborts_on_close", "1/s", Rate(1.0), "TcpExt TCPAbortOnClose", "/proc/net/netstat", "connections broken off at close", "关闭时中止数"),
    row(4419, "tcp.aborts_on_memory", "1/s", Rate(1.0), "TcpExt TCPAbortOnMemory", "/proc/net/netstat", "connections broken off for lack of memory", "内存不足中止数"),
    row(4420, "tcp.aborts_on_timeout", "1/s", Rate(1.0), "TcpExt TCPAbortOnTimeout", "/proc/net/netstat", "connections broken off after a timeout", "超时中止数"),
    row(4421, "tcp.memory_pressures", "1/s", Rate(1.0), "TcpExt TCPMemoryPressures", "/proc/net/netstat", "times TCP ran short of memory", "TCP 内存紧张次数"),
    row(4422, "tcp.request_cookies", "1/s", Rate(1.0), "TcpExt TCPReqQFullDoCookies", "/proc/net/netstat", "full request queues answered with cookies", "请求队列满改用 cookie 次数"),
    row(4423, "tcp.request_drops", "1/s", Rate(1.0), "TcpExt TCPReqQFullDrop", "/proc/net/netstat", "requests dropped from a full queue", "请求队列满丢弃数"),
    row(4424, "tcp.retransmissions_failed", "1/s", Rate(1.0), "TcpExt TCPRetransFail", "/proc/net/netstat", "segments that could not be sent again", "重传失败数"),
    row(4425, "tcp.out_of_order", "1/s", Rate(1.0), "TcpExt TCPOFOQueue", "/proc/net/netstat", "segments out of order", "乱序段数"),
    row(4426, "tcp.syn_retransmissions", "1/s", Rate(1.0), "TcpExt TCPSynRetrans", "/proc/net/netstat", "SYNs sent again", "SYN 重传数"),
    row(4427, "tcp.challenge_acks", "1/s", Rate(1.0), "TcpExt TCPChallengeACK", "/proc/net/netstat", "challenges to suspicious segments", "质询确认数"),
    row(4428, "tcp.syn_challenges", "1/s", Rate(1.0), "TcpExt TCPSYNChallenge", "/proc/net/netstat", "challenges to SYNs on open connections", "SYN 质询数"),
    row(4429, "tcp.zero_window_drops", "1/s", Rate(1.0), "TcpExt TCPZeroWindowDrop", "/proc/net/netstat", "segments dropped while the window was closed", "零窗口丢弃数"),
    row(4430, "tcp.receive_queue_drops", "1/s", Rate(1.0), "TcpExt TCPRcvQDrop", "/proc/net/netstat", "segments dropped from a full receive queue", "接收队列丢弃数"),
    row(4431, "tcp.keep_alives", "1/s", Rate(1.0), "TcpExt TCPKeepAlive", "/proc/net/netstat", "keep-alive probes sent", "保活探测数"),
    row(4432, "tcp.signature_failures", "1/s", Rate(1.0), "TcpExt TCPMD5Failure", "/proc/net/netstat", "segments with a wrong signature", "签名错误段数"),
    row(4433, "tcp.reverse_path_drops", "1/s", Rate(1.0), "TcpExt IPReversePathFilter", "/proc/net/netstat", "packets refused by the reverse-path filter", "反向路径过滤丢弃数"),
    row(4434, "ip.bytes_in", "bytes/s", Rate(1.0), "IpExt InOctets", "/proc/net/netstat", "bytes received over IPv4", "IPv4 接收字节数"),
    row(4435, "ip.bytes_out", "bytes/s", Rate(1.0), "IpExt OutOctets", "/proc/net/netstat", "bytes sent over IPv4", "IPv4 发送字节数"),
    row(4436, "ip.multicast_in", "1/s", Rate(1.0), "IpExt InMcastPkts", "/proc/net/netstat", "multicast packets received over IPv4", "接收组播包数"),
    row(4437, "ip.multicast_out", "1/s", Rate(1.0), "IpExt OutMcastPkts", "/proc/net/netstat", "multicast packets sent over IPv4", "发送组播包数"),
    row(4438, "ip.broadcast_in", "1/s", Rate(1.0), "IpExt InBcastPkts", "/proc/net/netstat", "broadcast packets received", "接收广播包数"),
    row(4439, "ip.in_no_routes", "1/s", Rate(1.0), "IpExt InNoRoutes", "/proc/net/netstat", "packets received without a route", "接收无路由包数"),
    row(4440, "ip.truncated", "1/s", Rate(1.0), "IpExt InTruncatedPkts", "/proc/net/netstat", "packets cut short", "截断包数"),
    row(4441, "ip.checksum_errors", "1/s", Rate(1.0), "IpExt InCsumErrors", "/proc/net/netstat", "packets with a wrong checksum", "校验和错误包数"),
    row(4442, "ip.congestion_marks", "1/s", Rate(1.0), "IpExt InCEPkts", "/proc/net/netstat", "packets marked for congestion", "拥塞标记包数"),
];

/// Interfaces, sockets and protocols, from `/proc/net/snmp6`.
#[rustfmt::skip]
pub(crate) const SIXTH: &[Row] = &[
    row(4600, "ip6.received", "1/s", Rate(1.0), "Ip6InReceives", "/proc/net/snmp6", "IPv6 packets received", "接收 IPv6 包数"),
    row(4601, "ip6.sent", "1/s", Rate(1.0), "Ip6OutRequests", "/proc/net/snmp6", "IPv6 packets sent", "发送 IPv6 包数"),
    row(4602, "ip6.in_discarded", "1/s", Rate(1.0), "Ip6InDiscards", "/proc/net/snmp6", "good IPv6 packets dropped", "IPv6 接收丢弃数"),
    row(4603, "ip6.address_errors", "1/s", Rate(1.0), "Ip6InAddrErrors", "/proc/net/snmp6", "IPv6 packets to a wrong address", "IPv6 地址错误数"),
    row(4604, "ip6.no_routes", "1/s", Rate(1.0), "Ip6OutNoRoutes", "/proc/net/snmp6", "IPv6 packets without a route", "IPv6 无路由包数"),
    row(4605, "ip6.bytes_in", "bytes/s", Rate(1.0), "Ip6InOctets", "/proc/net/snmp6", "bytes received over IPv6", "IPv6 接收字节数"),
    row(4606, "ip6.bytes_out", "bytes/s", Rate(1.0), "Ip6OutOctets", "/proc/net/snmp6", "bytes sent over IPv6", "IPv6 发送字节数"),
    row(4607, "icmp6.received", "1/s", Rate(1.0), "Icmp6InMsgs", "/proc/net/snmp6", "ICMPv6 messages received", "接收 ICMPv6 数"),
    row(4608, "icmp6.sent", "1/s", Rate(1.0), "Icmp6OutMsgs", "/proc/net/snmp6", "ICMPv6 messages sent", "发送 ICMPv6 数"),
    row(4609, "udp6.received", "1/s", Rate(1.0), "Udp6InDatagrams", "/proc/net/snmp6", "datagrams received over IPv6", "IPv6 接收数据报数"),
    row(4610, "udp6.sent", "1/s", Rate(1.0), "Udp6OutDatagrams", "/proc/net/snmp6", "datagrams sent over IPv6", "IPv6 发送数据报数"),
    row(4611, "udp6.no_ports", "1/s", Rate(1.0), "Udp6NoPorts", "/proc/net/snmp6", "datagrams over IPv6 to a closed port", "IPv6 目标端口关闭数"),
];

/// Interfaces, sockets and protocols, from `/proc/net/softnet_stat`.
#[rustfmt::skip]
pub(crate) const BACKLOG: &[Row] = &[
    row(4700, "backlog.processed", "1/s", Rate(1.0), "0", "/proc/net/softnet_stat", "packets taken from the queues of the cores", "各核队列处理包数"),
    row(4701, "backlog.dropped", "1/s", Rate(1.0), "1", "/proc/net/softnet_stat", "packets dropped from full queues", "各核队列丢包数"),
    row(4702, "backlog.squeezed", "1/s", Rate(1.0), "2", "/proc/net/softnet_stat", "rounds that ended with packets left", "处理时间片用尽次数"),
];

/// Interfaces, sockets and protocols, from `/proc/sys/net/netfilter`.
#[rustfmt::skip]
pub(crate) const TRACKING: &[Row] = &[
    row(4720, "conntrack.entries", "count", Gauge(1.0), "0", "/proc/sys/net/netfilter", "connections that the firewall tracks", "防火墙跟踪的连接数"),
    row(4721, "conntrack.limit", "count", Gauge(1.0), "1", "/proc/sys/net/netfilter", "most connections it can track", "可跟踪连接上限"),
    row(4722, "conntrack.used_share", "percent", Gauge(1.0), "2", "/proc/sys/net/netfilter", "share of that limit in use", "连接跟踪使用率"),
];

/// Processes, files and limits, from `/proc/sys/fs`.
#[rustfmt::skip]
pub(crate) const FILES: &[Row] = &[
    row(5000, "files.open", "count", Gauge(1.0), "0", "/proc/sys/fs", "open files", "打开文件数"),
    row(5001, "files.limit", "count", Gauge(1.0), "1", "/proc/sys/fs", "most open files", "打开文件上限"),
    row(5002, "files.used_share", "percent", Gauge(1.0), "2", "/proc/sys/fs", "share of that limit in use", "打开文件使用率"),
    row(5003, "files.inodes", "count", Gauge(1.0), "3", "/proc/sys/fs", "inodes in memory", "内存中 inode 数"),
    row(5004, "files.inodes_free", "count", Gauge(1.0), "4", "/proc/sys/fs", "unused inodes in memory", "内存中空闲 inode 数"),
    row(5005, "files.names", "count", Gauge(1.0), "5", "/proc/sys/fs", "names in memory", "目录项缓存数"),
    row(5006, "files.names_unused", "count", Gauge(1.0), "6", "/proc/sys/fs", "unused names in memory", "未使用目录项数"),
    row(5007, "files.names_negative", "count", Gauge(1.0), "7", "/proc/sys/fs", "names in memory of files that do not exist", "不存在文件的目录项数"),
    row(5008, "files.asynchronous", "count", Gauge(1.0), "8", "/proc/sys/fs", "slots reserved for asynchronous requests", "异步 IO 请求数"),
];

/// Processes, files and limits, from `/proc`.
#[rustfmt::skip]
pub(crate) const TASKS: &[Row] = &[
    row(5100, "tasks.processes", "count", Gauge(1.0), "0", "/proc", "processes", "进程数"),
    row(5101, "tasks.running", "count", Gauge(1.0), "1", "/proc", "processes that run or could run", "运行进程数"),
    row(5102, "tasks.sleeping", "count", Gauge(1.0), "2", "/proc", "processes that wait", "睡眠进程数"),
    row(5103, "tasks.waiting_disk", "count", Gauge(1.0), "3", "/proc", "processes that wait and cannot be interrupted", "不可中断进程数"),
    row(5104, "tasks.stopped", "count", Gauge(1.0), "4", "/proc", "processes stopped or traced", "停止或被跟踪进程数"),
    row(5105, "tasks.zombies", "count", Gauge(1.0), "5", "/proc", "ended processes that nobody waited for", "僵尸进程数"),
    row(5106, "tasks.kernel", "count", Gauge(1.0), "6", "/proc", "threads of the kernel", "内核线程数"),
    row(5107, "tasks.pid_limit", "count", Gauge(1.0), "7", "/proc", "highest process id", "最大进程号"),
    row(5108, "tasks.thread_limit", "count", Gauge(1.0), "8", "/proc", "most threads", "线程上限"),
    row(5109, "tasks.terminals", "count", Gauge(1.0), "9", "/proc", "pseudo terminals open", "伪终端数"),
    row(5110, "host.entropy", "bits", Gauge(1.0), "10", "/proc", "entropy of the random generator", "随机数熵"),
];

/// Control groups, from `cgroup`.
#[rustfmt::skip]
pub(crate) const GROUP: &[Row] = &[
    row(6000, "cgroup.cpu", "percent", Rate(1.0), "0", "cgroup", "time on cores, 100 is one core", "CPU 使用，100 为一核"),
    row(6001, "cgroup.memory", "bytes", Gauge(1.0), "1", "cgroup", "memory in use", "内存使用量"),
    row(6002, "cgroup.memory_limit", "bytes", Gauge(1.0), "2", "cgroup", "memory limit", "内存上限"),
    row(6003, "cgroup.tasks", "count", Gauge(1.0), "3", "cgroup", "processes and threads", "进程与线程数"),
    row(6004, "cgroup.throttled", "1/s", Rate(1.0), "4", "cgroup", "periods cut short by the CPU limit", "因 CPU 限额被节流的周期数"),
];

/// The agent itself, from `/proc/self/stat`.
#[rustfmt::skip]
pub(crate) const OWN: &[Row] = &[
    row(7000, "agent.cpu", "percent", Rate(1.0), "0", "/proc/self/stat", "time of the agent on cores", "代理的 CPU 使用"),
    row(7001, "agent.memory", "bytes", Gauge(1.0), "1", "/proc/self/stat", "resident memory of the agent", "代理常驻内存"),
    row(7002, "agent.threads", "count", Gauge(1.0), "2", "/proc/self/stat", "threads of the agent", "代理线程数"),
    row(7003, "agent.files", "count", Gauge(1.0), "3", "/proc/self/stat", "open descriptors of the agent", "代理打开的描述符数"),
    row(7004, "agent.sampler_cost", "us", Gauge(1.0), "4", "/proc/self/stat", "time on a core for the sample before", "上次采样的 CPU 时间"),
    row(7005, "agent.events_lost", "count", Gauge(1.0), "5", "kernel programs", "records that found the ring full", "因事件环已满而丢失的记录"),
    row(7006, "agent.events_filtered", "count", Gauge(1.0), "6", "kernel programs", "records that a filter dropped", "被过滤器丢弃的记录"),
    row(7007, "agent.records_unreadable", "count", Gauge(1.0), "7", "sensor", "records that did not read", "无法解析的记录"),
    row(7008, "agent.processes_unknown", "count", Gauge(1.0), "8", "sensor", "events of processes that nobody knew", "所属进程未知的事件"),
    row(7009, "agent.processes_refused", "count", Gauge(1.0), "9", "sensor", "processes that the full table refused", "因进程表已满而未记录的进程"),
];
