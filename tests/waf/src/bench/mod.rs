//! Speed: CPU a request, in-process and end to end.

pub mod beside;
pub mod engine;
pub mod hostile;
pub mod load;
