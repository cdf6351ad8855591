//! Small misbehaving programs for drills: what a shell has no words for. Each acts only on itself or its own child.

mod memory;
mod network;
mod peek;
mod private;
mod privilege;
mod ring;

/// One program.
pub struct Program {
    /// Name after `misbehave`.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    run: fn() -> std::io::Result<()>,
}

/// Every program, in the order of the list.
pub const ALL: &[Program] = &[
    Program { name: "memfd-exec", what: "runs a program from anonymous memory", run: memory::memfd_exec },
    Program { name: "ptrace-child", what: "attaches to its own child with ptrace", run: peek::ptrace_child },
    Program { name: "write-child", what: "writes into its own child's memory", run: peek::write_child },
    Program { name: "user-namespace", what: "makes a user and mount namespace", run: privilege::user_namespace },
    Program {
        name: "drop-user",
        what: "changes its user id to nobody and back is impossible",
        run: privilege::drop_user,
    },
    Program {
        name: "load-module",
        what: "asks for a kernel module from a file that is none",
        run: privilege::load_module,
    },
    Program { name: "load-bpf", what: "loads a two-instruction socket filter", run: privilege::load_bpf },
    Program { name: "ring-open", what: "opens a file through io_uring, past the system calls", run: ring::open },
    Program {
        name: "dns-query",
        what: "asks a server of its own for $NAME, or for a name of a known-bad kind",
        run: network::dns_query,
    },
    Program { name: "odd-port", what: "connects to a listener of its own on a port of shells", run: network::odd_port },
    Program { name: "hold-connection", what: "takes one connection of loopback and says nothing", run: network::hold },
    Program {
        name: "serve-script",
        what: "answers one request of loopback with a harmless script",
        run: network::serve,
    },
    Program { name: "private-etc", what: "runs $STEP where ./etc stands as /etc, for itself alone", run: private::etc },
    Program {
        name: "private-place",
        what: "runs $STEP where ./NAME stands as $PLACE, which is /NAME, for itself alone",
        run: private::place,
    },
];

/// Runs a program by name; `None` when there is none.
pub fn run(name: &str) -> Option<std::io::Result<()>> {
    ALL.iter().find(|program| program.name == name).map(|program| (program.run)())
}
