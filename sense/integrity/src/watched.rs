//! Which paths are watched: patterns of the configuration, and whether a path is below one.

use crate::config::IntegrityConfig;
use crate::fault;
use base::{Fault, Result};
use pattern::{Glob, Piece};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The account database that `~` is read from.
const ACCOUNTS: &str = "/etc/passwd";
/// Most homes; a host with more has them in a directory service.
const HOMES: usize = 10_000;

/// One watched tree: the components that lead to it.
struct Root {
    parts: Vec<Part>,
}

enum Part {
    Name(String),
    Like(Glob),
}

impl Part {
    fn new(text: &str) -> Part {
        if text.contains('*') { Part::Like(glob(text)) } else { Part::Name(text.to_owned()) }
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Part::Name(own) => own == name,
            Part::Like(glob) => glob.fits(name.as_bytes()),
        }
    }
}

/// The roots as a tree of names: what is not below one is known after a name or two.
#[derive(Default)]
struct Node {
    names: HashMap<String, Node>,
    likes: Vec<(Glob, Node)>,
    /// A root ends here.
    end: bool,
}

impl Node {
    fn add(&mut self, path: &str) {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        let Some(name) = names.next() else {
            self.end = true;
            return;
        };
        let rest: Vec<&str> = names.collect();
        let next = if name.contains('*') {
            self.likes.push((glob(name), Node::default()));
            self.likes.last_mut().map(|(_, node)| node)
        } else {
            Some(self.names.entry(name.to_owned()).or_default())
        };
        if let Some(next) = next {
            next.add(&rest.join("/"));
        }
    }

    /// Whether names lead to or through the end of a root; `above`: whether they end on the way to one.
    fn leads<'n>(&self, mut names: impl Iterator<Item = &'n str> + Clone, above: bool) -> bool {
        if self.end && !above {
            return true;
        }
        let Some(name) = names.next() else { return above };
        self.names.get(name).is_some_and(|next| next.leads(names.clone(), above))
            || self.likes.iter().any(|(glob, next)| glob.fits(name.as_bytes()) && next.leads(names.clone(), above))
    }
}

fn glob(text: &str) -> Glob {
    let mut pieces = Vec::new();
    for (place, part) in text.split('*').enumerate() {
        if place > 0 {
            pieces.push(Piece::Any);
        }
        if !part.is_empty() {
            pieces.push(Piece::Text(part.as_bytes().to_vec()));
        }
    }
    Glob::new(&pieces, true)
}

/// See the module.
pub struct Watched {
    roots: Vec<Root>,
    index: Node,
    exclude: Vec<Glob>,
    /// Links at the top of the file system (`/bin` → `/usr/bin`): name and where it leads.
    aliases: Vec<(String, String)>,
}

impl Watched {
    /// What the configuration names on this host.
    ///
    /// # Errors
    /// [`fault::PATTERN`] names a path that is not absolute.
    pub fn new(config: &IntegrityConfig) -> Result<Watched> {
        let accounts = std::fs::read_to_string(ACCOUNTS).unwrap_or_default();
        Watched::with(config, &homes(&accounts), links())
    }

    fn with(config: &IntegrityConfig, homes: &[String], aliases: Vec<(String, String)>) -> Result<Watched> {
        let (mut roots, mut index) = (Vec::new(), Node::default());
        for path in &config.paths {
            let full: Vec<String> = match path.strip_prefix("~/") {
                Some(rest) => homes.iter().map(|home| format!("{home}/{rest}")).collect(),
                None if path.starts_with('/') => vec![path.clone()],
                None => {
                    return Err(Fault::new(&fault::PATTERN).object(path).expected("an absolute path, or one below ~"));
                }
            };
            let parts = |path: &String| path.split('/').filter(|part| !part.is_empty()).map(Part::new).collect();
            full.iter().for_each(|path| index.add(path));
            roots.extend(full.iter().map(|path| Root { parts: parts(path) }));
        }
        Ok(Watched { roots, index, exclude: config.exclude.iter().map(|text| glob(text)).collect(), aliases })
    }

    /// The path with a link at its top followed: `/bin/ls` is `/usr/bin/ls` on most hosts.
    pub fn resolved<'p>(&self, path: &'p str) -> std::borrow::Cow<'p, str> {
        for (name, target) in &self.aliases {
            if let Some(rest) = path.strip_prefix(name.as_str())
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return format!("{target}{rest}").into();
            }
        }
        path.into()
    }

    /// Whether a resolved path is a watched one, or below one.
    pub fn covers(&self, path: &str) -> bool {
        self.index.leads(path.split('/').filter(|name| !name.is_empty()), false) && !self.excludes(path)
    }

    /// Whether a watched path is below this one: what happens to the whole folder happens to it.
    pub fn above(&self, path: &str) -> bool {
        self.index.leads(path.split('/').filter(|name| !name.is_empty()), true)
    }

    /// Whether a path is left out.
    pub fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|glob| glob.fits(path.as_bytes()))
    }

    /// The watched trees that are there now, none below another.
    pub fn trees(&self) -> Vec<PathBuf> {
        let mut found = BTreeSet::new();
        for root in &self.roots {
            let mut open = vec![PathBuf::from("/")];
            for part in &root.parts {
                open = open.iter().flat_map(|folder| children(folder, part)).collect();
            }
            found.extend(open);
        }
        let all = found.clone();
        found.retain(|path| !path.ancestors().skip(1).any(|above| all.contains(above)));
        found.into_iter().collect()
    }
}

fn children(folder: &Path, part: &Part) -> Vec<PathBuf> {
    match part {
        Part::Name(name) => {
            let path = folder.join(name);
            if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() }
        }
        Part::Like(_) => {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| part.fits(name)));
            names.take(HOMES).map(|entry| entry.path()).collect()
        }
    }
}

/// Homes that the account database names, each once.
fn homes(accounts: &str) -> Vec<String> {
    let home = |line: &str| line.split(':').nth(5).map(str::to_owned);
    let homes: BTreeSet<String> = accounts.lines().filter_map(home).collect();
    let useful = |home: &String| home.len() > 1 && home.starts_with('/') && !home.contains("/nonexistent");
    homes.into_iter().filter(useful).take(HOMES).collect()
}

/// Links of the file system's top folder.
fn links() -> Vec<(String, String)> {
    let entries = std::fs::read_dir("/").into_iter().flatten().flatten();
    let link = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        let target = Path::new("/").join(target);
        Some((entry.path().to_str()?.to_owned(), target.to_str()?.to_owned()))
    };
    entries.filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(paths: &[&str]) -> Watched {
        let paths = paths.iter().map(ToString::to_string).collect();
        let config = IntegrityConfig { paths, ..IntegrityConfig::default() };
        let homes = homes("a:x:1:1::/home/a:/bin/sh\nr:x:0:0::/srv/r:/bin/sh\nn:x:9:9::/nonexistent:/bin/false\nbad\n");
        Watched::with(&config, &homes, vec![("/bin".into(), "/usr/bin".into())]).unwrap()
    }

    #[test]
    fn patterns_cover_what_is_below_them_and_nothing_beside() {
        let watched = watched(&["/etc", "/home/*/.ssh", "~/.profile", "/usr/bin"]);
        for path in ["/etc", "/etc/passwd", "/home/x/.ssh/authorized_keys", "/srv/r/.profile", "/usr/bin/ls"] {
            assert!(watched.covers(path), "{path}");
        }
        for path in ["/etcetera", "/home/x/y/.ssh/k", "/home/.ssh", "/srv/r/.profilex", "/etc/mtab", "/etc/.x.swp"] {
            assert!(!watched.covers(path), "{path}");
        }
        assert!(watched.above("/home/x") && watched.above("/usr") && !watched.above("/var"));
        assert_eq!(watched.resolved("/bin/ls"), "/usr/bin/ls");
        assert_eq!(watched.resolved("/binary"), "/binary");
    }

    #[test]
    fn trees_are_those_there_are_and_none_lies_within_another() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in ["u1/.ssh", "u2/.ssh", "u3"] {
            std::fs::create_dir_all(root.join(path)).unwrap();
        }
        let text = |path: &str| root.join(path).display().to_string();
        let list = [text("*/.ssh"), text("u3"), text("u3/x"), text("absent"), text("u1/.ssh")];
        let watched = watched(&list.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(watched.trees(), [root.join("u1/.ssh"), root.join("u2/.ssh"), root.join("u3")]);
    }

    #[test]
    fn a_relative_path_is_a_fault() {
        let config = IntegrityConfig { paths: vec!["etc".into()], ..IntegrityConfig::default() };
        assert!(Watched::new(&config).err().is_some_and(|fault| fault.is(&fault::PATTERN)));
    }
}
