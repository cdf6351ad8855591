//! What people and programs see of a gateway: check, status, explanation.

use crate::engines::{self, Engines};
use crate::fault;
use crate::tuning::{Tunings, day};
use base::{Clock, Fault, Lang, Result, SystemClock};
use gateway::{Config, Status};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use webrules::{Ask, Source};

/// Name of the file that holds the status.
const STATUS: &str = "status.json";

/// Reads configuration and rules and says what they come to.
///
/// # Errors
/// Everything that is wrong.
pub fn check(path: &Path, as_json: bool, lang: Lang) -> std::result::Result<(), Vec<Fault>> {
    let config = Config::load(path)?;
    let mut engines = Engines::new();
    let judges = engines.judges(&config, &Tunings::default(), &day(SystemClock::default().wall()))?;
    let (count, rules) = engines.count();
    if as_json {
        let sites: Vec<&str> = config.sites.iter().map(|site| site.name.as_str()).collect();
        println!("{}", json!({"sites": sites, "judged": judges.len(), "engines": count, "rules": rules}));
        return Ok(());
    }
    let mut text = String::new();
    for site in &config.sites {
        let mode = format!("{:?}", site.waf.mode).to_lowercase();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{:<20} {:<8} {} → {}", site.name, mode, site.hosts.join(", "), site.pool);
    }
    let _ = match lang {
        Lang::En => writeln!(text, "good: {} sites, {rules} rules in {count} engines", config.sites.len()),
        Lang::Zh => writeln!(text, "配置有效：{} 个站点，{count} 个引擎共 {rules} 条规则", config.sites.len()),
    };
    print!("{text}");
    Ok(())
}

/// Explains a request, by rules of the command line or of a site.
///
/// # Errors
/// Everything that is wrong with rules or request.
pub fn explain(
    ask: &Ask,
    site: Option<(String, std::path::PathBuf)>,
    as_json: bool,
    lang: Lang,
) -> std::result::Result<(), Vec<Fault>> {
    let source = match site {
        None => ask.source(),
        Some((name, path)) => of_site(&Config::load(&path)?, &name).map_err(|fault| vec![fault])?,
    };
    let explained = ask.answer_with(&webrules::load(&source)?).map_err(|fault| vec![fault])?;
    if as_json {
        println!("{}", json!(explained));
    } else {
        print!("{}", ask.print(&explained, lang));
    }
    Ok(())
}

fn of_site(config: &Config, name: &str) -> Result<Source> {
    let site = config.sites.iter().find(|site| site.name == name);
    let missing = || {
        let known: Vec<&str> = config.sites.iter().map(|site| site.name.as_str()).collect();
        Fault::new(&fault::NO_SITE).object(name).expected(known.join(", "))
    };
    Ok(engines::source(site.ok_or_else(missing)?))
}

/// Prints what was learned of a site, as an OpenAPI document.
///
/// # Errors
/// When nothing was.
pub fn learned(state: &Path, site: &str) -> Result<()> {
    let learner = crate::learned::stored(&state.join("learned"), site)?;
    println!("{}", profile::write(&learner.profile(), site, env!("CARGO_PKG_VERSION")));
    Ok(())
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    let failed = |cause: std::io::Error| Fault::new(&fault::STATE_FILE).object(path.display()).because(cause);
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, content).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}

/// As [`write`]; nobody but the owner may read it (0600).
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |cause: std::io::Error| Fault::new(&fault::STATE_FILE).object(path.display()).because(cause);
    let fresh = path.with_extension("new");
    // One that was left behind may have another mode.
    let _ = std::fs::remove_file(&fresh);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)
}

/// Keeps the status for [`status`].
pub fn keep(state: &Path, status: &Status) -> Result<()> {
    write(&state.join(STATUS), json!(status).to_string().as_bytes())
}

/// Prints the status that the gateway keeps.
///
/// # Errors
/// [`fault::NO_STATUS`].
pub fn status(state: &Path, as_json: bool, lang: Lang) -> Result<()> {
    let path = state.join(STATUS);
    let none = |cause: &dyn std::fmt::Display| Fault::new(&fault::NO_STATUS).object(path.display()).because(cause);
    let text = std::fs::read_to_string(&path).map_err(|cause| none(&cause))?;
    if as_json {
        println!("{text}");
        return Ok(());
    }
    let status: Value = serde_json::from_str(&text).map_err(|cause| none(&cause))?;
    print!("{}", page(&status, lang));
    Ok(())
}

/// The status for people.
fn page(status: &Value, lang: Lang) -> String {
    let mut text = format!("{} {}\n", lang.pick("connections:", "连接数："), status["connections"]);
    for site in status["sites"].as_array().into_iter().flatten().filter(|site| site["requests"] != 0) {
        let name = site["site"].as_str().filter(|name| !name.is_empty()).unwrap_or("-");
        let requests = lang.pick("requests", "请求");
        let _ = write!(text, "{name:<20} {requests} {}", site["requests"]);
        for decision in site["decisions"].as_array().into_iter().flatten().filter(|decision| decision[1] != 0) {
            let _ = write!(text, "  {} {}", decision[0].as_str().unwrap_or_default(), decision[1]);
        }
        if let Some(level) = site["level"].as_str() {
            let _ = write!(text, "  {} {level}", lang.pick("level", "级别"));
        }
        text.push('\n');
    }
    for ban in status["bans"]["busiest"].as_array().into_iter().flatten() {
        let (network, left_s, refused) = (ban["network"].as_str().unwrap_or_default(), &ban["left_s"], &ban["refused"]);
        let _ = match lang {
            Lang::En => writeln!(text, "banned {network}, {left_s} s left, {refused} refused"),
            Lang::Zh => writeln!(text, "已封禁 {network}，剩余 {left_s} 秒，已拒绝 {refused} 次"),
        };
    }
    for (name, origins) in status["pools"].as_object().into_iter().flatten() {
        for origin in origins.as_array().into_iter().flatten() {
            let _ = writeln!(text, "{name:<20} {origin}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_sites_decisions_and_origins() {
        let status = json!({"connections": 2, "sites": [
            {"site": "shop", "requests": 7, "decisions": [["allowed", 6], ["blocked", 1], ["limited", 0]]},
            {"site": "", "requests": 0, "decisions": []}],
            "bans": {"busiest": [{"network": "192.0.2.7/32", "left_s": 9, "refused": 4}]}, "pools": {"app": [{"address": "127.0.0.1:1"}]}});
        let english = page(&status, Lang::En);
        assert!(english.contains("requests 7  allowed 6  blocked 1\n") && !english.contains("limited"), "{english}");
        assert!(english.contains("banned 192.0.2.7/32, 9 s left, 4 refused\n"), "{english}");
        assert!(page(&status, Lang::Zh).contains("请求 7"));
    }
}
