//! What the child does, in system calls only.

use super::{Deed, REFUSED};
use std::ffi::{CStr, CString};
use std::ptr::null_mut;

/// All that the child needs, made before the fork.
pub(super) struct Tools<'a> {
    pub deeds: &'a [Deed],
    pub directory: CString,
    pub file: CString,
    pub renamed: CString,
    pub program: CString,
    pub parent: libc::pid_t,
}

/// Does the deeds and ends the process. Deeds that fail are passed over: what matters is whether hooks saw them.
pub(super) fn run(tools: &Tools<'_>) -> ! {
    for deed in tools.deeds {
        match deed {
            Deed::Fork => fork(),
            Deed::File => file(tools),
            Deed::Connect => connect(libc::SOCK_STREAM, 1, &[]),
            Deed::Serve => serve(),
            Deed::Question => connect(libc::SOCK_DGRAM, 53, &[0x67, 0x61, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]),
            Deed::Answer => answer(),
            Deed::Access => access(),
            Deed::Memory => memory(),
            Deed::Privilege => privilege(),
            Deed::Module => module(),
            Deed::Bpf => bpf(),
            Deed::IoUring => ring::open(&tools.directory),
            Deed::Signal => signal(tools.parent),
            Deed::Namespace => namespace(),
            Deed::Mount => mount(),
            Deed::Exec => exec(&tools.program),
        }
    }
    // SAFETY: ends the child without running the parent's exit handlers.
    unsafe { libc::_exit(0) }
}

fn fork() {
    // SAFETY: both sides make only system calls.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(0);
        }
        libc::waitpid(child, null_mut(), 0);
    }
}

fn file(tools: &Tools<'_>) {
    // SAFETY: system calls on a path of our own, ended by a zero byte.
    unsafe {
        let file = libc::open(tools.file.as_ptr(), libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC, 0o600);
        libc::fchmod(file, 0o640);
        libc::close(file);
        libc::rename(tools.file.as_ptr(), tools.renamed.as_ptr());
        libc::unlink(tools.renamed.as_ptr());
    }
}

fn connect(kind: libc::c_int, port: u16, datagram: &[u8]) {
    // SAFETY: an all-zero socket address is valid; the calls get its true size.
    unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = port.to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let socket = libc::socket(libc::AF_INET, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0);
        let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        libc::connect(socket, (&raw const address).cast(), size);
        if !datagram.is_empty() {
            libc::send(socket, datagram.as_ptr().cast(), datagram.len(), 0);
        }
        libc::close(socket);
    }
}

fn answer() {
    const ANSWER: &[u8] = &[0x67, 0x61, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];
    // SAFETY: an all-zero socket address is valid; the calls get its true size and that of the datagram.
    unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 83, 7, 53]);
        address.sin_port = 53u16.to_be();
        let size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        libc::bind(socket, (&raw const address).cast(), size);
        address.sin_port = 9u16.to_be();
        libc::sendto(socket, ANSWER.as_ptr().cast(), ANSWER.len(), 0, (&raw const address).cast(), size);
        libc::close(socket);
    }
}

fn serve() {
    // SAFETY: an all-zero socket address is valid; the calls get its true size, and `address` is room for the answer.
    unsafe {
        let mut address: libc::sockaddr_in = std::mem::zeroed();
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
        let mut size = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        let server = libc::socket(libc::AF_INET, kind, 0);
        let client = libc::socket(libc::AF_INET, kind | libc::SOCK_NONBLOCK, 0);
        // The connection arrives a moment later; a host without loopback must not hold us for ever.
        let patience = libc::timeval { tv_sec: 1, tv_usec: 0 };
        let room = size_of::<libc::timeval>() as libc::socklen_t;
        libc::setsockopt(server, libc::SOL_SOCKET, libc::SO_RCVTIMEO, (&raw const patience).cast(), room);
        libc::bind(server, (&raw const address).cast(), size);
        libc::listen(server, 1);
        libc::getsockname(server, (&raw mut address).cast(), &raw mut size);
        libc::connect(client, (&raw const address).cast(), size);
        libc::close(libc::accept4(server, null_mut(), null_mut(), libc::SOCK_CLOEXEC));
        libc::close(client);
        libc::close(server);
    }
}

fn access() {
    let mut from = 7u64;
    let mut to = 0u64;
    let local = libc::iovec { iov_base: (&raw mut to).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: (&raw mut from).cast(), iov_len: 8 };
    // SAFETY: both vectors describe words on this stack.
    unsafe {
        libc::process_vm_readv(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0);
        libc::process_vm_writev(libc::getpid(), &raw const local, 1, &raw const remote, 1, 0);
    }
}

fn memory() {
    // SAFETY: the name is ended by a zero byte.
    unsafe { libc::close(libc::memfd_create(c"garrison-canary".as_ptr(), libc::MFD_CLOEXEC)) };
}

fn privilege() {
    // SAFETY: changes only the child, which ends soon.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
}

fn module() {
    // SAFETY: names a module that does not exist and a file that is not open; the kernel answers with errors.
    unsafe {
        libc::syscall(libc::SYS_delete_module, c"garrison_canary".as_ptr(), libc::O_NONBLOCK);
        libc::syscall(libc::SYS_finit_module, -1, c"".as_ptr(), 0);
    }
}

fn bpf() {
    // SAFETY: command 0 with no attributes is refused by the kernel.
    unsafe { libc::syscall(libc::SYS_bpf, 0, null_mut::<u8>(), 0) };
}

fn signal(parent: libc::pid_t) {
    // SAFETY: SIGURG is ignored unless a program asked for it.
    unsafe { libc::kill(parent, libc::SIGURG) };
}

fn namespace() {
    // SAFETY: moves only the child; no namespace lies behind a descriptor that is not open.
    unsafe {
        libc::unshare(libc::CLONE_NEWUTS);
        libc::setns(-1, libc::CLONE_NEWUTS);
    }
}

fn mount() {
    // SAFETY: the change of propagation reaches only the namespace that the child just made; without it nothing is done.
    unsafe {
        if libc::unshare(libc::CLONE_NEWNS) == 0 {
            let none = std::ptr::null();
            libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast());
        }
    }
}

fn exec(program: &CStr) {
    // The name picks the applet when the program is busybox.
    let arguments = [c"true".as_ptr(), c"garrison-canary".as_ptr(), std::ptr::null()];
    let environment = [std::ptr::null()];
    // SAFETY: both vectors end with a null pointer; on success nothing returns.
    unsafe {
        libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
        libc::_exit(REFUSED);
    }
}

mod ring;
