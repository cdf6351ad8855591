//! Web sites and the applications below them: virtual hosts of nginx and Apache, and files that give a known
//! application and its version away.

use super::{Kind, Sight, lines};
use crate::asset::asset;
use crate::root::Root;
use std::collections::BTreeMap;

/// Web sites and applications.
pub const KIND: Kind = Kind { word: "web-app", look };

/// An application: its name, the file that gives it away below its folder, and what stands before its version there.
struct Mark(&'static str, &'static str, &'static str);

const MARKS: &[Mark] = &[
    Mark("WordPress", "wp-includes/version.php", "$wp_version ="),
    Mark("Drupal", "core/lib/Drupal.php", "const VERSION ="),
    Mark("Drupal", "includes/bootstrap.inc", "define('VERSION',"),
    Mark("Joomla", "administrator/manifests/files/joomla.xml", "<version>"),
    Mark("MediaWiki", "includes/Defines.php", "define( 'MW_VERSION',"),
    Mark("phpMyAdmin", "libraries/classes/Version.php", "VERSION ="),
    Mark("phpMyAdmin", "src/Version.php", "VERSION ="),
    Mark("ThinkPHP", "thinkphp/base.php", "define('THINK_VERSION',"),
    Mark("ThinkPHP", "vendor/topthink/framework/src/think/App.php", "const VERSION ="),
    Mark("Discuz!", "source/discuz_version.php", "define('DISCUZ_VERSION',"),
    Mark("Typecho", "var/Typecho/Common.php", "const VERSION ="),
    Mark("DedeCMS", "data/admin/ver.txt", ""),
    Mark("Laravel", "vendor/laravel/framework/src/Illuminate/Foundation/Application.php", "const VERSION ="),
    Mark("Nextcloud", "version.php", "$OC_VersionString ="),
    Mark("Roundcube", "program/include/iniset.php", "define('RCMAIL_VERSION',"),
    Mark("Zabbix", "include/defines.inc.php", "define('ZABBIX_VERSION',"),
];

/// Where sites lie when no server names them.
const USUAL: &[&str] = &["/var/www/html", "/var/www", "/usr/share/nginx/html", "/srv/www", "/usr/share/phpmyadmin"];
/// Where servers name their sites.
const SITES: &[(&str, &str)] = &[
    ("nginx", "/etc/nginx/nginx.conf"),
    ("nginx", "/etc/nginx/conf.d/*.conf"),
    ("nginx", "/etc/nginx/sites-enabled/*"),
    ("apache", "/etc/apache2/sites-enabled/*"),
    ("apache", "/etc/httpd/conf/httpd.conf"),
    ("apache", "/etc/httpd/conf.d/*.conf"),
];
/// Folders below a root that are looked into.
const BELOW: usize = 200;

/// A virtual host.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Site {
    /// Names, separated by spaces.
    pub names: String,
    /// Where it listens, as it is written.
    pub listen: String,
    /// Its folder.
    pub root: String,
}

fn look(root: &Root, sight: &mut Sight) {
    let mut roots: BTreeMap<String, String> = USUAL.iter().map(|path| ((*path).to_owned(), String::new())).collect();
    for (server, pattern) in SITES {
        for file in root.glob(pattern) {
            let text = root.text(&file).unwrap_or_default();
            for site in if *server == "nginx" { nginx(&text) } else { apache(&text) } {
                let name = if site.names.is_empty() { "_" } else { &site.names };
                let built = asset("web-app", &format!("site:{server}:{name}:{}", site.listen), name);
                let built = built.with("server", server).with("listen", &site.listen).with("root", &site.root);
                sight.push(built.with("file", &file));
                if site.root.starts_with('/') {
                    roots.insert(site.root.trim_end_matches('/').to_owned(), site.names);
                }
            }
        }
    }
    for (folder, names) in roots {
        let below = root.list(&folder);
        let below = below.iter().take(BELOW).map(|name| format!("{folder}/{name}"));
        std::iter::once(folder.clone()).chain(below).for_each(|place| application(root, sight, &place, &names));
    }
}

fn application(root: &Root, sight: &mut Sight, place: &str, site: &str) {
    for Mark(name, file, before) in MARKS {
        let Some(text) = root.text(&format!("{place}/{file}")) else { continue };
        let Some(version) = version(&text, before) else { continue };
        let built = asset("web-app", &format!("app:{name}:{place}"), name).version(version);
        sight.push(built.with("path", place).with("site", site));
        return;
    }
}

/// The version behind a mark: the first run of digits, dots and letters that begins with a digit.
pub fn version<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let at = text.find(before)? + before.len();
    let line = text[at..].lines().next()?;
    let line = line.trim_start().trim_start_matches(['\'', '"', '>', 'v', 'V', 'X', ' ']);
    let end = line.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '.' | '-' | '+' | '_'));
    let version = &line[..end.unwrap_or(line.len())];
    version.starts_with(|letter: char| letter.is_ascii_digit()).then_some(version)
}

/// Virtual hosts of an nginx configuration: its `server` blocks.
pub fn nginx(text: &str) -> Vec<Site> {
    let clean = lines(text).map(|line| line.split(" #").next().unwrap_or(line)).collect::<Vec<_>>().join(" ");
    let spaced = clean.replace('{', " { ").replace('}', " } ").replace(';', " ; ");
    let (mut sites, mut depth, mut within) = (Vec::new(), 0usize, None::<(usize, Site)>);
    let mut words: Vec<&str> = Vec::new();
    for word in spaced.split_whitespace() {
        match word {
            "{" => {
                depth += 1;
                if words == ["server"] && within.is_none() {
                    within = Some((depth, Site::default()));
                }
            }
            "}" => {
                if within.as_ref().is_some_and(|(level, _)| *level == depth) {
                    sites.extend(within.take().map(|(_, site)| site));
                }
                depth = depth.saturating_sub(1);
            }
            ";" => {
                if let Some((level, site)) = &mut within
                    && *level == depth
                {
                    setting(site, &words);
                }
            }
            _ => {
                words.push(word.trim_matches(['"', '\'']));
                continue;
            }
        }
        words.clear();
    }
    sites
}

fn setting(site: &mut Site, words: &[&str]) {
    let Some((name, values)) = words.split_first() else { return };
    match name.to_ascii_lowercase().as_str() {
        "server_name" => site.names = values.join(" "),
        "listen" if site.listen.is_empty() => site.listen = values.join(" "),
        "listen" => site.listen = format!("{}, {}", site.listen, values.join(" ")),
        "root" => site.root = values.join(" "),
        _ => {}
    }
}

/// Virtual hosts of an Apache configuration: its `VirtualHost` sections, and what stands outside of any.
pub fn apache(text: &str) -> Vec<Site> {
    let (mut sites, mut outside, mut within) = (Vec::new(), Site::default(), None::<Site>);
    for line in lines(text) {
        let lower = line.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("<virtualhost") {
            within = Some(Site { listen: rest.trim_end_matches('>').trim().to_owned(), ..Site::default() });
        } else if lower.starts_with("</virtualhost") {
            sites.extend(within.take());
        } else if let Some((name, value)) = line.split_once(char::is_whitespace) {
            let site = within.as_mut().unwrap_or(&mut outside);
            let value = value.trim().trim_matches('"');
            match name.to_ascii_lowercase().as_str() {
                "servername" | "serveralias" => site.names = format!("{} {value}", site.names).trim().to_owned(),
                "documentroot" => site.root = value.to_owned(),
                _ => {}
            }
        }
    }
    sites.extend(Some(outside).filter(|site| !site.root.is_empty()));
    sites
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn site(names: &str, listen: &str, root: &str) -> Site {
        Site { names: names.into(), listen: listen.into(), root: root.into() }
    }

    #[test]
    fn sites_are_read() {
        let text = "http {\n server { # one\n listen 80; listen [::]:80 default_server;\n server_name a.example b.example;\n\
                    root \"/srv/a\";\n location / { root /srv/inner; } }\n server{listen 81;}\n}\n";
        let wanted = [site("a.example b.example", "80, [::]:80 default_server", "/srv/a"), site("", "81", "")];
        assert_eq!(nginx(text), wanted);
        let text = "<VirtualHost *:80>\n ServerName c.example\n ServerAlias d.example\n DocumentRoot \"/srv/c\"\n</VirtualHost>\n";
        assert_eq!(apache(text), [site("c.example d.example", "*:80", "/srv/c")]);
    }

    #[test]
    fn versions_stand_behind_their_mark() {
        assert_eq!(version("<?php\n$wp_version = '6.4.2';", "$wp_version ="), Some("6.4.2"));
        assert_eq!(version("define( 'MW_VERSION', '1.41.0' );", "define( 'MW_VERSION',"), Some("1.41.0"));
        assert_eq!(version("<version>4.3.1</version>", "<version>"), Some("4.3.1"));
        assert_eq!(version("define('DISCUZ_VERSION', 'X3.4');", "define('DISCUZ_VERSION',"), Some("3.4"));
        assert_eq!(version("const VERSION = self::OTHER;", "const VERSION ="), None);
    }

    proptest! {
        #[test]
        fn any_text_reads(text in "((server|listen|root|<VirtualHost|DocumentRoot)? ?[{};>]?\\PC{0,6}[{};]?\n?){0,20}") {
            nginx(&text);
            apache(&text);
            version(&text, "root");
        }
    }
}
