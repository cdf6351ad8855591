//! What people see of a scrubber.

use base::{Lang, Result};
use scrubber::config::Config;
use scrubber::status::{Asked, Database, Destination, Interface, Name, Status};
use serde_json::{Value, json};
use std::fmt::Write;

/// Prints what a configuration comes to.
///
/// # Errors
/// None so far: the configuration was checked when it was read.
pub fn check(config: &Config, lang: Lang) -> Result<()> {
    for entry in &config.protect {
        println!("{:<20} {:<24} {} – {}", entry.name, entry.prefix, entry.lowest.word(), entry.highest.word());
    }
    let mut files = origin::Origins::new(&config.origins);
    files.refresh();
    for state in files.states() {
        let file = scrubber::origins::shown(state);
        println!("{}", database(&file, lang));
    }
    let (places, routers, names) = (config.protect.len(), config.neighbours.len(), config.names.len());
    match lang {
        Lang::En => println!("good: {places} destinations, {routers} neighbours, {names} names"),
        Lang::Zh => println!("配置有效：{places} 个受保护目标，{routers} 个邻居，{names} 个域名"),
    }
    Ok(())
}

/// Prints the status.
///
/// # Errors
/// None.
pub fn status(status: &Status, as_json: bool, lang: Lang) -> Result<()> {
    if as_json {
        println!("{}", json!(status));
    } else {
        print!("{}", page(status, lang));
    }
    Ok(())
}

/// The status for people.
fn page(status: &Status, lang: Lang) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let full = |each: &Interface| if each.full { lang.pick(", LINK FULL", "，链路已满") } else { "" };
    let mode = |each: &Interface| match each.mode.as_str() {
        "" => lang
            .pick("OFF: it came off and is attached again as soon as it can be", "未挂接：过滤器已脱落，将尽快重新挂接")
            .into(),
        mode => mode.to_string(),
    };
    let interface = |each: &Interface| format!("{} ({}{})", each.name, mode(each), full(each));
    let interfaces: Vec<String> = status.interfaces.iter().map(interface).collect();
    let (filter, lease) = (lang.pick("filter:", "过滤器："), lang.pick("lease left", "租约剩余"));
    let seconds = status.lease_left_ms as f64 / 1000.0;
    let _ = writeln!(text, "{filter} {}  {lease} {seconds:.1} s", interfaces.join(", "));
    let (rate, bans) = (lang.pick("in:", "流入："), lang.pick("bans", "封禁来源"));
    let (packets, bits) = (short(status.packets), short(status.bits));
    let _ = writeln!(text, "{rate} {packets} {}/s  {bits}bit/s  {bans} {}", lang.pick("packets", "包"), status.bans);
    for said in &status.refused {
        let label = lang.pick("the configuration file is not in force:", "配置文件未生效：");
        let _ = writeln!(text, "{label} {}", lang.pick(&said.en, &said.zh));
    }
    for shown in &status.destinations {
        text += &line(shown, lang);
    }
    let drops: Vec<String> =
        status.dropped.iter().filter(|(_, count)| **count > 0).map(|(word, count)| format!("{word} {count}")).collect();
    if !drops.is_empty() {
        let _ = writeln!(text, "{} {}", lang.pick("dropped:", "丢弃："), drops.join("  "));
    }
    for router in &status.neighbours {
        let error = if router.error.is_empty() { String::new() } else { format!("  {}", router.error) };
        let _ = writeln!(text, "BGP {:<16} {}{error}", router.name, router.state);
        router.announced.iter().for_each(|said| {
            let _ = writeln!(text, "    {said}");
        });
    }
    for file in &status.origins {
        let _ = writeln!(text, "{}", database(file, lang));
    }
    status.names.iter().for_each(|name| text += &name_line(name, lang));
    status.asked.iter().for_each(|asked| text += &asked_line(asked, lang));
    text
}

/// A name, where it is, and what each prober says of each of its places.
fn name_line(name: &Name, lang: Lang) -> String {
    let (at, addresses) = (&name.at, name.addresses.join(", "));
    let mut text = format!("DNS {:<24} {:<10} {at} ({addresses})\n", name.name, name.state);
    for place in &name.places {
        let votes: Vec<String> = place.votes.iter().map(|(prober, vote)| format!("{prober} {vote}")).collect();
        let _ = writeln!(text, "    {:<12} {:<8} {}", place.label, place.verdict, votes.join("  "));
    }
    if !name.asked.is_empty() {
        let asks = lang.pick("ASKS to move to", "待批准切换至");
        let _ = writeln!(text, "    {asks} {}: garrison-gateway scrub approve {}", name.asked, name.name);
    }
    text
}

/// A database of origins: what it is and from when, or what is wrong with it.
fn database(shown: &Database, lang: Lang) -> String {
    let at = i64::try_from(shown.built_s).ok().and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
    let date = at.map_or_else(String::new, |at| at.date().to_string());
    let (kind, fault) = (&shown.kind, lang.pick(&shown.fault.en, &shown.fault.zh));
    let named = match (kind.is_empty(), lang) {
        (true, _) => shown.file.clone(),
        (false, Lang::En) => format!("{} ({kind} of {date})", shown.file),
        (false, Lang::Zh) => format!("{}（{kind}，{date}）", shown.file),
    };
    let fault = if fault.is_empty() { String::new() } else { format!("  {fault}") };
    format!("{} {named}{fault}", lang.pick("origins:", "来源归属库："))
}

/// What waits for a person, with the command that answers it.
fn asked_line(asked: &Asked, lang: Lang) -> String {
    let why = lang.pick(&asked.why.en, &asked.why.zh);
    let head = format!("{}: {} ({why})", asked.name, asked.what);
    if asked.id.is_empty() {
        return format!("{} {head}\n", lang.pick("NOT DONE (policy observes)", "未执行（策略为仅观察）"));
    }
    let asks = lang.pick("ASKS", "待批准");
    format!("{asks} {head}\n    garrison-gateway scrub approve {}\n", asked.id)
}

/// Prints what was agreed to.
pub fn approved(what: &str, as_json: bool, lang: Lang) {
    match as_json {
        true => println!("{}", json!(what)),
        false => println!("{} {what}", lang.pick("agreed:", "已批准：")),
    }
}

fn line(shown: &Destination, lang: Lang) -> String {
    let attack = match shown.alarm {
        true if shown.class.is_empty() => {
            format!("  {}", lang.pick("ATTACK (none of it in this second)", "受攻击（本秒未见攻击流量）"))
        }
        true => format!("  {} {} ({:.0} %)", lang.pick("ATTACK", "受攻击"), shown.class, shown.confidence * 100.0),
        false => String::new(),
    };
    let rates = format!("{:>7} pps {:>7}bit/s", short(shown.packets), short(shown.bits));
    let dropped = format!("{} {:>7}/s", lang.pick("dropped", "丢弃"), short(shown.dropped));
    let mut text = format!("  {:<16} {:<20} {:<9} {rates}  {dropped}{attack}\n", shown.name, shown.prefix, shown.level);
    for signature in &shown.signatures {
        let _ = writeln!(text, "      {} {}  {}", signature.id, signature.terms, short(signature.hits as f64));
    }
    text
}

/// A number with a unit prefix, three digits or so.
fn short(number: f64) -> String {
    for (least, unit) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if number >= least {
            return format!("{:.1}{unit}", number / least);
        }
    }
    format!("{number:.0}")
}

/// Prints why a destination is treated as it is.
///
/// # Errors
/// None.
pub fn explain(answer: &Value, as_json: bool, lang: Lang) -> Result<()> {
    if as_json {
        println!("{answer}");
        return Ok(());
    }
    let shown: Destination = serde_json::from_value(answer["destination"].clone()).unwrap_or_default();
    print!("{}", line(&shown, lang));
    for said in &shown.reasons {
        println!("      {}", lang.pick(&said.en, &said.zh));
    }
    print!("{}", reports(&answer["attacks"], lang));
    Ok(())
}

/// Prints reports.
///
/// # Errors
/// None.
pub fn attacks(answer: &Value, as_json: bool, lang: Lang) -> Result<()> {
    if as_json {
        println!("{answer}");
    } else {
        print!("{}", reports(answer, lang));
    }
    Ok(())
}

fn reports(attacks: &Value, lang: Lang) -> String {
    let key = lang.pick("text", "text_zh");
    let texts = attacks.as_array().into_iter().flatten().filter_map(|attack| attack[key].as_str());
    texts.map(|text| format!("{}\n", text.trim_end())).collect()
}

/// Prints what became of an order.
///
/// # Errors
/// None.
pub fn receipts(answer: &Value, as_json: bool) -> Result<()> {
    if as_json {
        println!("{answer}");
        return Ok(());
    }
    for receipt in answer.as_array().into_iter().flatten() {
        let lines = receipt["observed"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let lines: Vec<&str> = lines.collect();
        println!(
            "{} {}  {}{}",
            receipt["order"].as_str().unwrap_or(""),
            receipt["state"].as_str().unwrap_or(""),
            lines.join("; "),
            receipt["message"].as_str().unwrap_or("")
        );
    }
    Ok(())
}
