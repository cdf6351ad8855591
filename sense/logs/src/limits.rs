//! Limits of the log reader. Each says which attack or accident it stops.

/// Most fields of one record; a record with more keeps the first, and says how many it lost.
/// Stops one request with a million headers from filling the lake.
pub const FIELDS: usize = 512;
/// Longest name of a field, bytes: names come from whoever writes the log.
pub const NAME_BYTES: usize = 256;
/// Longest value of a field, bytes.
pub const VALUE_BYTES: usize = base::limits::LOG_LINE_BYTES;
/// Deepest nesting of JSON that is taken apart; what is deeper stays as text. Stops `[[[[…` from using up the stack.
pub const DEPTH: usize = 32;
/// Most files followed at once; a program that makes logs by the thousand uses up no file descriptors of the agent.
pub const FILES: usize = 1024;
/// Most names read of one folder while looking for logs.
pub const LISTED: usize = 16 * 1024;
/// Most paths one pattern gives.
pub const MATCHES: usize = 4096;
/// Most finished files remembered for each pattern, so that a rotated file is not read again.
pub const FINISHED: usize = 64;
/// Bytes read of one file in its turn: no file makes the others wait longer.
pub const TURN_BYTES: usize = 512 * 1024;
/// Bytes read of all files in one call of `poll`: a stop is seen after at most so much work.
pub const POLL_BYTES: usize = 16 * 1024 * 1024;
/// Most events given to the sink at once. Small on purpose: what is decoded, judged and freed while it is still in the
/// processor's cache costs half of what a batch of thousands does.
pub const BATCH_EVENTS: usize = 128;
/// Most bytes of lines given to the sink at once.
pub const BATCH_BYTES: usize = 1024 * 1024;
/// First bytes of a file that tell it from another with the same inode.
pub const HEAD_BYTES: usize = 1024;
/// Largest file of positions read at start, bytes.
pub const POSITIONS_BYTES: u64 = 16 * 1024 * 1024;
/// Longest field of the journal kept, bytes; a core dump in the journal is passed over.
pub const JOURNAL_FIELD_BYTES: usize = base::limits::LOG_RECORD_BYTES;
/// Most fields of one entry of the journal.
pub const JOURNAL_FIELDS: usize = 1024;
/// Longest syslog message taken over a stream, bytes (RFC 5425 asks for 8 KiB at least).
pub const SYSLOG_BYTES: usize = 64 * 1024;
/// Most senders of syslog counted apart; the rest are counted together.
pub const SENDERS: usize = 1024;
/// Datagrams read in one go before others have their turn.
pub const DATAGRAMS: usize = 512;
/// Bytes read of one connection before others have their turn.
pub const STREAM_BYTES: usize = 256 * 1024;
/// Longest length that a frame of octet counting may announce, bytes; what is past [`SYSLOG_BYTES`] of it is skipped.
pub const FRAME_BYTES: usize = 16 * 1024 * 1024;
/// Longest TLS handshake, seconds: whoever only connects holds a place no longer.
pub const HANDSHAKE_S: i64 = 20;
