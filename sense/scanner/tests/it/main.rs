//! The rules of `content/yara` against the cases beside them, hostile files, and the program itself over its socket.

mod cases;
mod corpus;
mod program;
