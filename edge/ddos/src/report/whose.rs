//! Of the report as text: whose addresses they were.

use super::text::LINES;
use super::{Report, Role, Source};
use base::Lang;
use std::fmt::Write;

impl Report {
    /// Hosts of ours that took part. They come first: that is the one thing nobody expects of an attack from outside.
    pub(super) fn ours(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        let ours: Vec<_> = self.sources.iter().filter_map(|source| Some((source, source.host.as_ref()?))).collect();
        for (source, host) in ours.iter().take(LINES) {
            let (name, address, class, packets) = (&host.name, source.address, source.class.text(lang), source.packets);
            match (source.role, lang) {
                (Role::Reflector, Lang::En) => {
                    writeln!(to, "OUR HOST {name} ({address}) was used as a reflector: {class}, {packets} packets.")?
                }
                (Role::Reflector, Lang::Zh) => {
                    writeln!(to, "本方主机 {name}（{address}）被用作反射器：{class}，{packets} 个包。")?;
                }
                (_, Lang::En) => writeln!(to, "OUR HOST {name} ({address}) took part: {class}, {packets} packets.")?,
                (_, Lang::Zh) => writeln!(to, "本方主机 {name}（{address}）参与了攻击：{class}，{packets} 个包。")?,
            }
        }
        match (ours.len().saturating_sub(LINES), lang) {
            (0, _) => Ok(()),
            (more, Lang::En) => writeln!(to, "{more} more hosts of ours are among the sources below."),
            (more, Lang::Zh) => writeln!(to, "另有 {more} 台本方主机，见下列来源。"),
        }
    }

    /// Senders, and what of them stands together.
    pub(super) fn whose(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        writeln!(to, "\n{}", lang.pick("Heaviest sources", "主要来源"))?;
        let percent = self.forged_share * 100.0;
        if percent >= 0.1 {
            match lang {
                Lang::En => {
                    writeln!(to, "{percent:.0} % of the packets came from addresses that are most likely forged.")?
                }
                Lang::Zh => writeln!(to, "{percent:.0}% 的包来自很可能伪造的地址。")?,
            }
        }
        for source in self.sources.iter().take(LINES) {
            self.sender(source, to, lang)?;
        }
        // Nobody who is known is left out because others sent more.
        for source in self.sources.iter().skip(LINES).filter(|source| !source.intel.is_empty() || source.host.is_some())
        {
            self.sender(source, to, lang)?;
        }
        self.networks(to, lang)?;
        self.countries(to, lang)
    }

    fn sender(&self, source: &Source, to: &mut String, lang: Lang) -> std::fmt::Result {
        let role = match source.role {
            Role::Sender => lang.pick("sender", "发送者"),
            Role::Reflector => lang.pick("reflector, itself abused", "反射器（被利用）"),
            Role::Forged => lang.pick("most likely forged", "很可能为伪造"),
        };
        let (address, packets) = (source.address, source.packets);
        match lang {
            Lang::En => write!(to, "- {address}: {packets} packets ({role})")?,
            Lang::Zh => write!(to, "- {address}：{packets} 个包（{role}）")?,
        }
        let comma = lang.pick(", ", "，");
        if let Some(origin) = source.origin.as_ref().filter(|_| source.role != Role::Forged) {
            if origin.asn != 0 {
                write!(to, "{comma}AS{} {}", origin.asn, origin.name)?;
            }
            if !origin.country.is_empty() {
                write!(to, "{comma}{}", origin.country)?;
            }
        }
        for listed in &source.intel {
            let by = listed.sources.join(lang.pick(", ", "、"));
            let names = if listed.names.is_empty() { String::new() } else { format!(" {}", listed.names.join(" ")) };
            let (kind, value, score) = (&listed.kind, &listed.value, listed.score);
            match lang {
                Lang::En => write!(to, "; listed as {kind} {value} by {by} (score {score}){names}")?,
                Lang::Zh => write!(to, "；命中情报 {kind} {value}，来源 {by}（评分 {score}）{names}")?,
            }
        }
        if let Some(host) = &source.host {
            write!(to, "{} {}", lang.pick("; OUR HOST", "；本方主机"), host.name)?;
        }
        writeln!(to)
    }

    fn networks(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        if self.networks.is_empty() {
            return Ok(());
        }
        writeln!(to, "\n{}", lang.pick("Networks", "来源网络"))?;
        for network in &self.networks {
            let (asn, name, packets, sources) = (network.asn, &network.name, network.packets, network.sources);
            let percent = network.share * 100.0;
            match lang {
                Lang::En => {
                    writeln!(to, "- AS{asn} {name}: {packets} packets of {sources} sources ({percent:.1} %)")?;
                }
                Lang::Zh => writeln!(to, "- AS{asn} {name}：{sources} 个来源，{packets} 个包（{percent:.1}%）")?,
            }
        }
        Ok(())
    }

    fn countries(&self, to: &mut String, lang: Lang) -> std::fmt::Result {
        if self.countries.is_empty() {
            return Ok(());
        }
        let one = |each: &super::Country| match lang {
            Lang::En => format!("{} {:.1} %", each.country, each.share * 100.0),
            Lang::Zh => format!("{} {:.1}%", each.country, each.share * 100.0),
        };
        let all: Vec<String> = self.countries.iter().map(one).collect();
        writeln!(to, "\n{}{}", lang.pick("Countries: ", "国家或地区："), all.join(lang.pick(", ", "，")))
    }
}
