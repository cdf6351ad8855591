//! Records floods of other programs and prints how many packets each has: a look at what the evaluation records.

fn main() {
    for recording in ddos_eval::tools::record() {
        let last = recording.frames.last().map_or(0, |frame| frame.at_us);
        println!(
            "{} {} {} packets in {:.1} s",
            recording.program,
            recording.class,
            recording.frames.len(),
            last as f64 / 1e6
        );
    }
}
