//! The system's own daemons: their records stay `syslog`, and systemd's tell which unit started, stopped or failed.

use super::Fields;

/// Reads a message of systemd or the kernel where it has a form of interest; others stay text.
pub fn read(program: &str, message: &str, fields: &mut Fields) {
    match program {
        "systemd" => unit(message, fields),
        "kernel" => kernel(message, fields),
        _ => {}
    }
}

/// `Started ssh.service - OpenBSD Secure Shell server.`, `nginx.service: Failed with result 'exit-code'.`
fn unit(message: &str, fields: &mut Fields) {
    const VERBS: &[(&str, &str)] =
        &[("Started ", "started"), ("Stopped ", "stopped"), ("Stopping ", "stopping"), ("Reloaded ", "reloaded")];
    if let Some((unit, _)) = message.split_once(": Failed with result ") {
        fields.put("action", "failed");
        fields.put("unit", unit);
    } else if let Some((rest, action)) =
        VERBS.iter().find_map(|(verb, action)| Some((message.strip_prefix(verb)?, action)))
    {
        fields.put("action", action);
        fields.put("unit", rest.split_once(" - ").map_or(rest.trim_end_matches(['.', '…']), |(unit, _)| unit));
    }
}

/// `[12345.678901] audit: …`: the clock of the kernel is passed over, and the subsystem named.
fn kernel(message: &str, fields: &mut Fields) {
    let text = match message.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((clock, rest)) if clock.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => rest,
        _ => message,
    };
    let Some((subsystem, _)) = text.split_once(": ") else { return };
    if subsystem.len() <= 32 && !subsystem.contains('=') {
        fields.put("subsystem", subsystem);
    }
}
