//! What was seen of a recording, as text for people in both languages.

use super::{Moment, Replayed, Seen};
use base::Lang;
use std::fmt::{self, Write};

/// Most lines of a timeline.
const LINES: usize = 40;
/// Most signatures that are listed.
const SIGNATURES: usize = 20;

impl Replayed {
    /// All of it as text.
    pub fn text(&self, lang: Lang) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, lang);
        text
    }

    fn write(&self, to: &mut String, lang: Lang) -> fmt::Result {
        let Replayed { packets, others, windows, window_s, .. } = self;
        match lang {
            Lang::En => writeln!(
                to,
                "{packets} packets to {} destinations, {others} to others; {windows} windows of {window_s} s.",
                self.destinations.len()
            )?,
            Lang::Zh => writeln!(
                to,
                "发往 {} 个目标的包 {packets} 个，其他 {others} 个；共 {windows} 个窗口，每个 {window_s} 秒。",
                self.destinations.len()
            )?,
        }
        if self.unread > 0 {
            writeln!(to, "{} {}", lang.pick("Frames without IP:", "非 IP 帧："), self.unread)?;
        }
        if self.torn {
            let torn = lang.pick(
                "The recording is torn: what follows the tear was not read.",
                "抓包文件不完整：断点之后的内容未读取。",
            );
            writeln!(to, "{torn}")?;
        }
        self.destinations.iter().try_for_each(|seen| seen.write(to, self.window_s, lang))
    }
}

impl Seen {
    fn write(&self, to: &mut String, window_s: f64, lang: Lang) -> fmt::Result {
        let (destination, packets) = (self.destination, self.packets);
        write!(to, "\n{destination}{} {packets} {}", lang.pick(":", "："), lang.pick("packets", "个包"))?;
        let sure =
            self.windows.iter().filter(|moment| moment.alarm).map(|moment| moment.confidence).fold(0.0, f32::max);
        let (sure, class) = (sure * 100.0, self.class.map(|class| class.text(lang)).unwrap_or_default());
        match (self.alarm_s, lang) {
            (None, _) => writeln!(to, "{}", lang.pick(", no alarm", "，无告警"))?,
            (Some(at), Lang::En) => writeln!(to, ", alarm after {at} s: {class}, confidence up to {sure:.0} %")?,
            (Some(at), Lang::Zh) => writeln!(to, "，{at} 秒后告警：{class}，置信度最高 {sure:.0}%")?,
        }
        for moment in shown(&self.windows) {
            line(to, moment, window_s, lang)?;
        }
        for made in self.signatures.iter().take(SIGNATURES) {
            let (text, at, matched, of) = (&made.signature, made.made_s, made.matched, made.of);
            match lang {
                Lang::En => writeln!(to, "  signature after {at} s, {matched} of {of} packets from then on: {text}")?,
                Lang::Zh => writeln!(to, "  {at} 秒时生成特征，此后命中 {matched}/{of} 个包：{text}")?,
            }
        }
        for report in &self.attacks {
            writeln!(to)?;
            report.text(lang).lines().try_for_each(|line| writeln!(to, "  {line}"))?;
        }
        Ok(())
    }
}

/// Windows in which something changed, and of the others as many as there is room for, evenly.
fn shown(windows: &[Moment]) -> impl Iterator<Item = &Moment> {
    let changed = windows.iter().filter(|moment| !moment.causes.is_empty()).count();
    let step = windows.len().div_ceil(LINES.saturating_sub(changed).max(1)).max(1);
    let told = windows.iter().enumerate().filter(move |(index, moment)| !moment.causes.is_empty() || index % step == 0);
    told.map(|(_, moment)| moment).take(2 * LINES)
}

fn line(to: &mut String, moment: &Moment, window_s: f64, lang: Lang) -> fmt::Result {
    let (at, rate) = (moment.at_s, moment.packets as f64 / window_s);
    let bits = moment.bytes as f64 * 8.0 / window_s / 1e6;
    write!(to, "  {at:>8} s {rate:>10.0} {} {bits:>9.2} Mbit/s", lang.pick("packets/s", "包/秒"))?;
    if moment.held > 0 {
        write!(to, "  {} {}", lang.pick("held", "拦截"), moment.held)?;
    }
    write!(to, "  {}", moment.level.text(lang))?;
    if moment.alarm {
        let classes: Vec<String> = moment.classes.iter().map(|class| class.text(lang)).collect();
        let sure = moment.confidence * 100.0;
        write!(to, "  {} {} ({sure:.0} %)", lang.pick("ALARM", "告警"), classes.join(lang.pick(", ", "、")))?;
    }
    writeln!(to)?;
    moment.causes.iter().try_for_each(|cause| writeln!(to, "             {}", cause.text(lang)))
}
