// Never loaded: it only makes the compiler write every structure's layout down, for the test against the Rust twins.
#include "maps.h"

#define SHOWN(type) struct type *shown_##type __attribute__((used))

SHOWN(settings);
SHOWN(place);
SHOWN(place_bucket);
SHOWN(tally);
SHOWN(counters);
SHOWN(net4);
SHOWN(net6);
SHOWN(bans4);
SHOWN(bans6);
SHOWN(heads);
SHOWN(block);
SHOWN(service);
SHOWN(term);
SHOWN(rule);
SHOWN(rules);
SHOWN(sample);
SHOWN(clocks);
