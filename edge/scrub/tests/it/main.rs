//! The packet filter, run by the kernel on frames of ours (`BPF_PROG_TEST_RUN`): attached to nothing.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure is the test's")]

mod attacks;
mod hostile;
mod lists;
mod rates;
mod scene;
mod signatures;
mod stages;
