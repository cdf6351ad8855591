//! The report as text for people, in both languages.

use super::{Report, Stretch};
use base::Lang;
use std::fmt::Write;

/// Most lines of a list.
pub(super) const LINES: usize = 10;
/// Most lines of the timeline.
const STRETCHES: usize = 8;

impl Report {
    /// The whole report as text.
    pub fn text(&self, lang: Lang) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, lang);
        text
    }

    fn write(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        let print = &self.fingerprint;
        let classes: Vec<String> = self.classes.iter().map(|(class, _)| class.text(lang)).collect();
        let classes = classes.join(lang.pick(", ", "、"));
        let state = if self.ongoing { lang.pick("goes on", "仍在持续") } else { lang.pick("is over", "已结束") };
        match lang {
            Lang::En => writeln!(to, "Attack on {}: {classes}; it {state}.", print.target)?,
            Lang::Zh => writeln!(to, "针对 {} 的攻击：{classes}；{state}。", print.target)?,
        }
        let (mbit, peak) = (print.avg_bps as f64 / 1e6, self.timeline.iter().map(|at| at.packets).fold(0.0, f64::max));
        let (begin, end, seconds) = (&print.time_start, &print.time_end, print.duration_seconds);
        let (pps, ips) = (print.avg_pps, print.total_ips);
        match lang {
            Lang::En => writeln!(
                to,
                "From {begin} to {end} ({seconds} s): {pps} packets/s on average, {peak:.0} at the peak, {mbit:.1} Mbit/s, about {ips} sources sampled."
            )?,
            Lang::Zh => writeln!(
                to,
                "{begin} 至 {end}（{seconds} 秒）：平均 {pps} 包/秒，峰值 {peak:.0} 包/秒，{mbit:.1} Mbit/s，采样到约 {ips} 个来源。"
            )?,
        }
        self.ours(to, lang)?;
        self.vectors(to, lang)?;
        self.defence(to, lang)?;
        self.course(to, lang)?;
        self.whose(to, lang)
    }

    fn vectors(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        writeln!(to, "\n{}", lang.pick("Vectors", "攻击向量"))?;
        for vector in self.fingerprint.attack_vectors.iter().take(LINES) {
            let (name, packets) = (vector.class.text(lang), vector.nr_packets);
            let (share, sure) = (vector.fraction_of_attack.unwrap_or(0.0) * 100.0, vector.confidence * 100.0);
            match lang {
                Lang::En => write!(to, "- {name}: {packets} packets ({share:.1} %), confidence {sure:.0} %")?,
                Lang::Zh => write!(to, "- {name}：{packets} 个包（{share:.1}%），置信度 {sure:.0}%")?,
            }
            let ports: Vec<String> =
                vector.destination_ports.iter().flat_map(|ports| ports.iter()).map(|(port, _)| port.into()).collect();
            if !ports.is_empty() {
                write!(to, "{} {}", lang.pick(", to ports", "，目的端口"), ports.join(" "))?;
            }
            writeln!(to)?;
        }
        Ok(())
    }

    fn defence(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        writeln!(to, "\n{}", lang.pick("Defence", "防护"))?;
        let share = self.held_share * 100.0;
        match (self.answered_s, lang) {
            (Some(after), Lang::En) => {
                writeln!(to, "First measure after {after:.1} s; {share:.2} % of the attack's packets were held.")?
            }
            (Some(after), Lang::Zh) => writeln!(to, "{after:.1} 秒后采取首个措施；拦下攻击包的 {share:.2}%。")?,
            (None, _) => writeln!(to, "{}", lang.pick("Nothing was done.", "未采取措施。"))?,
        }
        for held in &self.held {
            writeln!(to, "- {}: {}", held.reason.text(lang), held.packets)?;
        }
        for change in self.changes.iter().take(LINES) {
            writeln!(to, "- {}", crate::Cause::Level(*change).text(lang))?;
        }
        for signature in self.signatures.iter().take(LINES) {
            writeln!(to, "- {} {signature}", lang.pick("signature", "特征"))?;
        }
        match (self.cost.share, lang) {
            (Some(lost), Lang::En) => writeln!(
                to,
                "Users: {:.2} % of the packets of sources known before the attack did not get through ({} samples).",
                lost * 100.0,
                self.cost.samples
            ),
            (Some(lost), Lang::Zh) => writeln!(
                to,
                "用户影响：攻击前已知来源的包有 {:.2}% 未能通过（{} 个样本）。",
                lost * 100.0,
                self.cost.samples
            ),
            (None, _) => writeln!(
                to,
                "{}",
                lang.pick(
                    "Users: too few samples of known sources to tell.",
                    "用户影响：已知来源的样本过少，无法判断。"
                )
            ),
        }
    }

    /// The timeline in a few lines.
    fn course(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        writeln!(to, "\n{}", lang.pick("Timeline", "时间线"))?;
        let each = self.timeline.len().div_ceil(STRETCHES).max(1);
        for part in self.timeline.chunks(each) {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let sum = |of: fn(&Stretch) -> f64| -> f64 { part.iter().map(|at| of(at) * f64::from(at.seconds)).sum() };
            let seconds: u32 = part.iter().map(|at| at.seconds).sum();
            let (packets, held, requests) =
                (sum(|at| at.packets), sum(|at| at.held), sum(|at| f64::from(at.requests)) / f64::from(seconds.max(1)));
            let (at, level, rate) = (first.at_s, last.level.text(lang), packets / f64::from(seconds.max(1)));
            let share = if packets > 0.0 { held / packets * 100.0 } else { 0.0 };
            match lang {
                Lang::En => write!(to, "- +{at} s: {rate:.0} packets/s, {share:.1} % held, level \"{level}\"")?,
                Lang::Zh => write!(to, "- 第 {at} 秒起：{rate:.0} 包/秒，拦下 {share:.1}%，级别“{level}”")?,
            }
            if requests >= 1.0 {
                let unit = lang.pick(" requests/s", " 请求/秒");
                write!(to, "{}{requests:.0}{unit}", lang.pick(", ", "，"))?;
            }
            writeln!(to)?;
        }
        Ok(())
    }
}
