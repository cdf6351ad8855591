//! Windows that the packet filter itself counted and sampled (`scrub-lab windows FILE SECONDS`): users and floods of the
//! scrubber's own generator, through the kernel. Never trained on.

use crate::corpus::Session;
use crate::session::Second;
use ddos::{Counters, HEADER_BYTES, Reason, Sample};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads the windows of a file, one JSON object a line, in the order in which they were played.
///
/// # Errors
/// What is wrong with which line.
pub fn read(text: &str) -> Result<Vec<Session>, String> {
    let mut sessions: Vec<Session> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let (name, class, window) = window(line).map_err(|cause| format!("line {}: {cause}", number + 1))?;
        let at = *index.entry(name).or_insert_with(|| {
            let source = "filter".into();
            sessions.push(Session {
                source,
                style: String::new(),
                class,
                usual: Vec::new(),
                windows: Vec::new(),
                span_s: 1,
                sixth: false,
            });
            sessions.len() - 1
        });
        sessions[at].windows.push(window);
    }
    Ok(sessions)
}

fn window(line: &str) -> Result<(String, String, Second), String> {
    let value: Value = serde_json::from_str(line).map_err(|cause| cause.to_string())?;
    let counters: Counters = serde_json::from_value(value["counters"].clone()).map_err(|cause| cause.to_string())?;
    let samples = value["samples"].as_array().ok_or("no samples")?;
    let samples: Option<Vec<Sample>> = samples.iter().map(sample).collect();
    let name = value["session"].as_str().ok_or("no session")?.to_string();
    let class = value["class"].as_str().unwrap_or("").to_string();
    let attack = value["attack"].as_u64().ok_or("no attack")?;
    Ok((name, class, Second { counters, samples: samples.ok_or("a sample is not one")?, attack }))
}

fn sample(value: &Value) -> Option<Sample> {
    let hex = value["header"].as_str().filter(|hex| hex.len() <= 2 * HEADER_BYTES && hex.is_ascii())?;
    let header: Option<Vec<u8>> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect();
    Some(Sample {
        at_ns: value["at_ns"].as_u64()?,
        length: u16::try_from(value["length"].as_u64()?).ok()?,
        reason: serde_json::from_value::<Option<Reason>>(value["reason"].clone()).ok()?,
        header: header?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_reads_back_and_a_torn_line_is_named() {
        let counters = serde_json::to_value(Counters { packets: 3, ..Counters::default() }).unwrap();
        let sample = serde_json::json!({"at_ns": 1, "length": 28, "reason": "denied", "header": "4500001c"});
        let line = serde_json::json!({"session": "a", "class": "syn-flood", "attack": 2, "counters": counters, "samples": [sample]});
        let text = format!("{line}\n{line}\n");
        let sessions = read(&text).unwrap();
        assert_eq!((sessions.len(), sessions[0].windows.len(), sessions[0].class.as_str()), (1, 2, "syn-flood"));
        let sample = &sessions[0].windows[0].samples[0];
        assert_eq!((sample.reason, &sample.header[..]), (Some(Reason::Denied), &[0x45, 0, 0, 0x1c][..]));
        assert!(read(&format!("{line}\n{}", &text[..40])).is_err_and(|cause| cause.starts_with("line 2")));
    }
}
