//! Threat intelligence: indicators in one canonical form, looked up at the speed of memory.
