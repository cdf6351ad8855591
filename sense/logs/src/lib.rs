//! Logs of the host and of those who send to it: tailed, received, decoded into `record::Log`.
