//! Why a judgement is what it is, in words.

use crate::ladder::Move;
use crate::vector::Vector;
use crate::{Change, Class};
use base::Lang;
use serde::Serialize;

/// One reason, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Cause {
    /// An attack of a class was seen by the rules.
    Seen(Vector),
    /// The model takes the window for an attack.
    Model {
        /// Probability, 0 to 1.
        probability: f32,
        /// What most of the window is made of.
        class: Class,
    },
    /// The attack is spread over the addresses of a range.
    Carpet {
        /// Addresses that were hit.
        destinations: usize,
    },
    /// A level was entered.
    Level(Change),
    /// Signatures were made or ended.
    Signatures {
        /// New ones.
        added: usize,
        /// Ended ones.
        dropped: usize,
    },
}

impl Cause {
    /// One sentence for people.
    pub fn text(&self, lang: Lang) -> String {
        match self {
            Cause::Seen(vector) => seen(vector, lang),
            Cause::Model { probability, class } => {
                let (percent, class) = (probability * 100.0, class.text(lang));
                match lang {
                    Lang::En => format!("the model takes the traffic for an attack ({percent:.1} %), mostly {class}"),
                    Lang::Zh => format!("模型判定为攻击（{percent:.1}%），以{class}为主"),
                }
            }
            Cause::Carpet { destinations } => match lang {
                Lang::En => format!("the attack is spread over {destinations} addresses of the range"),
                Lang::Zh => format!("攻击分散于该网段的 {destinations} 个地址（地毯式轰炸）"),
            },
            Cause::Level(change) => level(change, lang),
            Cause::Signatures { added, dropped } => match lang {
                Lang::En => format!("{added} signatures made, {dropped} ended"),
                Lang::Zh => format!("新增 {added} 条特征，失效 {dropped} 条"),
            },
        }
    }
}

fn seen(vector: &Vector, lang: Lang) -> String {
    let Vector { packets, usual, deviations, limit, .. } = vector;
    let class = vector.class.text(lang);
    let unit = match (vector.class, lang) {
        (Class::Http, Lang::En) => "requests/s",
        (Class::Http, Lang::Zh) => "请求/秒",
        (_, Lang::En) => "packets/s",
        (_, Lang::Zh) => "包/秒",
    };
    let mut text = match lang {
        Lang::En => format!("{class}: {packets:.0} {unit} above a limit of {limit:.0}"),
        Lang::Zh => format!("{class}：超出 {packets:.0} {unit}，阈值 {limit:.0}"),
    };
    if *deviations > 0.0 {
        text += &match lang {
            Lang::En => format!(" (usual {usual:.0}, {deviations:.0} deviations)"),
            Lang::Zh => format!("（平时 {usual:.0}，偏离 {deviations:.0} 个标准差）"),
        };
    }
    if vector.plain {
        text += lang.pick("; no user has this shape", "；形态不似正常用户");
    }
    text
}

fn level(change: &Change, lang: Lang) -> String {
    let (from, to) = (change.from.text(lang), change.to.text(lang));
    let why = match change.why {
        Move::Attack => lang.pick("this is the gentlest means against the attack", "这是应对该攻击的最低措施"),
        Move::Leaking => lang.pick("the attack got through the level before", "上一级未能挡住攻击"),
        Move::Full => lang.pick("the link is full", "链路已满"),
        Move::Quiet => lang.pick("it has been quiet", "已恢复平静"),
        Move::Ordered => lang.pick("ordered", "人工指定"),
    };
    match lang {
        Lang::En => format!("level from \"{from}\" to \"{to}\": {why}"),
        Lang::Zh => format!("防护级别由“{from}”变为“{to}”：{why}"),
    }
}
