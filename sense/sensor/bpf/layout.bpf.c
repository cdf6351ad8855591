// Never loaded: it only makes the compiler write every record's layout down, for the test against the Rust twins.
#include "kernel_types.h"
#include "event.h"

#define SHOWN(type) struct type *shown_##type __attribute__((used))

SHOWN(event_header);
SHOWN(event_credentials);
SHOWN(event_namespaces);
SHOWN(event_place);
SHOWN(event_exec);
SHOWN(event_fork);
SHOWN(event_exit);
SHOWN(event_file);
SHOWN(event_mount);
SHOWN(event_net);
SHOWN(event_dns);
SHOWN(event_access);
SHOWN(event_memory);
SHOWN(event_privilege);
SHOWN(event_namespace);
SHOWN(event_module);
SHOWN(event_bpf);
SHOWN(event_io_uring);
SHOWN(event_signal);
SHOWN(event_settings);
SHOWN(event_bell);
