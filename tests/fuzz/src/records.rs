//! Lines of logs, streams of syslog messages, records on the wire.

use logs::decode;
use logs::reader::Reader;
use logs::stats::Counters;
use logs::syslog::frame::Framer;
use logs::zone::Zone;
use prost::Message;
use record::{Batch, Host};

/// A time to read times against, µs since 1970.
const NOW_US: i64 = 1_790_000_000_000_000;

/// Decodes a line; the first byte chooses the decoder.
pub(crate) fn line(bytes: &[u8]) {
    let Some((first, line)) = bytes.split_first() else { return };
    let decoder = decode::ALL[usize::from(*first) % decode::ALL.len()];
    let (zone, counters, mut events) = (Zone::fixed(0), Counters::default(), Vec::new());
    let reader = Reader { decoder, word: "", now: NOW_US, zone: &zone, counters: &counters };
    reader.read(line, false, "hostile", &mut events);
    let empty = line.strip_suffix(b"\r").unwrap_or(line).is_empty();
    assert!(empty || !events.is_empty(), "a line that does not read is an event all the same");
    let again = Batch::pack(Host::default(), &events).unpack(1);
    assert!(again.is_ok_and(|again| again.len() == events.len()), "what was decoded can be sent");
}

/// Takes a stream apart, whole and byte by byte: the messages are the same.
pub(crate) fn stream(bytes: &[u8]) {
    let messages = |mut pieces: std::slice::Chunks<'_, u8>| {
        let (mut framer, mut messages) = (Framer::default(), Vec::new());
        let mut each = |message: &[u8], cut: bool| messages.push((message.to_vec(), cut));
        let good = pieces.try_for_each(|piece| framer.feed(piece, &mut each)).is_ok();
        if good {
            framer.close(&mut each);
        }
        (good, messages)
    };
    let whole = messages(bytes.chunks(bytes.len().max(1)));
    assert_eq!(messages(bytes.chunks(1)), whole);
}

/// Decodes records as an agent sends them; pointers between them may lead anywhere.
pub(crate) fn record(bytes: &[u8]) {
    if let Ok(batch) = Batch::decode(bytes)
        && let Ok(events) = batch.unpack(1)
    {
        assert!(events.iter().flat_map(|event| &event.process).all(|proc| proc.ancestors().count() < 1000));
    }
}
