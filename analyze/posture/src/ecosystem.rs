//! Where advisories about a package stand, and under which name: one form for what OSV, Debian and hosts say.

use crate::version::Scheme;

/// The system of a host, from its os-release(5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    /// `ID`.
    pub id: String,
    /// `VERSION_ID`.
    pub version: String,
    /// `VERSION_CODENAME`.
    pub codename: String,
}

/// An installed package, as advisories would speak of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// Where it comes from.
    pub ecosystem: String,
    /// Names under which advisories may speak of it: of its source, its own.
    pub names: Vec<String>,
    /// The version that counts: that of the source where advisories speak of sources.
    pub version: String,
    /// How versions compare.
    pub scheme: Scheme,
}

/// What is known of an installed package.
#[derive(Debug, Clone, Copy, Default)]
pub struct Installed<'a> {
    /// `dpkg`, `rpm`, `apk`, `pip`, `npm`.
    pub manager: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its source package, empty when it is its own.
    pub source: &'a str,
    /// The version of that, empty when it is the same.
    pub source_version: &'a str,
    /// Whether the system's own packages brought it: their advisories speak of it then.
    pub system: bool,
}

/// Debian's releases by name.
const DEBIAN: &[(&str, &str)] = &[
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
];

/// The ecosystem of a release of Debian, by its name.
pub fn debian(codename: &str) -> Option<String> {
    let number = DEBIAN.iter().find(|(name, _)| *name == codename)?.1;
    Some(format!("debian:{number}"))
}

/// OSV's word in our form, and how its versions compare; `None` for those no agent tells packages of.
pub fn osv(word: &str) -> Option<(String, Scheme)> {
    let (name, rest) = word.split_once(':').unwrap_or((word, ""));
    let release = |name: &str, release: &str| (!release.is_empty()).then(|| format!("{name}:{release}"));
    let number = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
    match name {
        "PyPI" => Some(("pypi".into(), Scheme::Pep440)),
        "npm" => Some(("npm".into(), Scheme::Semver)),
        "Debian" => Some((release("debian", rest)?, Scheme::Deb)),
        "Ubuntu" => {
            // Fixes of Pro are none for who has not bought it.
            let first = rest.split(':').next().filter(|part| number(part))?;
            Some((release("ubuntu", first)?, Scheme::Deb))
        }
        "Alpine" => Some((release("alpine", rest.trim_start_matches('v'))?, Scheme::Apk)),
        "Rocky Linux" => Some((release("rocky", rest)?, Scheme::Rpm)),
        "AlmaLinux" => Some((release("almalinux", rest)?, Scheme::Rpm)),
        "openEuler" => Some((release("openeuler", rest)?, Scheme::Rpm)),
        "Red Hat" => {
            let mut parts = rest.split(':').skip_while(|part| *part != "enterprise_linux");
            let major = parts.nth(1)?.split('.').next().filter(|part| number(part))?;
            Some((release("redhat", major)?, Scheme::Rpm))
        }
        _ => None,
    }
}

/// The ecosystem of a host's own packages.
pub fn of_system(system: &System) -> Option<(String, Scheme)> {
    let major = || system.version.split('.').next().filter(|part| !part.is_empty());
    match system.id.as_str() {
        "debian" | "raspbian" => {
            let by_number = major().map(|major| format!("debian:{major}"));
            Some((by_number.or_else(|| debian(&system.codename))?, Scheme::Deb))
        }
        "ubuntu" => Some((format!("ubuntu:{}", Some(&system.version).filter(|text| !text.is_empty())?), Scheme::Deb)),
        "alpine" => {
            let mut parts = system.version.split('.');
            Some((format!("alpine:{}.{}", parts.next()?, parts.next()?), Scheme::Apk))
        }
        "rhel" | "centos" => Some((format!("redhat:{}", major()?), Scheme::Rpm)),
        "rocky" => Some((format!("rocky:{}", major()?), Scheme::Rpm)),
        "almalinux" => Some((format!("almalinux:{}", major()?), Scheme::Rpm)),
        "openEuler" => Some((format!("openeuler:{}", system.version.replace(" (", "-").replace(')', "")), Scheme::Rpm)),
        _ => None,
    }
}

/// Where to look for a package; `None` when no advisories speak of such.
pub fn target(system: &System, package: &Installed<'_>) -> Option<Target> {
    let own = |ecosystem: &str, scheme| {
        let name = if ecosystem == "pypi" { pypi(package.name) } else { package.name.to_owned() };
        let (ecosystem, version) = (ecosystem.to_owned(), package.version.to_owned());
        (!package.system).then(|| Target { ecosystem, names: vec![name], version, scheme })
    };
    match package.manager {
        "pip" => own("pypi", Scheme::Pep440),
        "npm" => own("npm", Scheme::Semver),
        manager => {
            let (ecosystem, scheme) = of_system(system)?;
            let fits = matches!((manager, scheme), ("dpkg", Scheme::Deb) | ("apk", Scheme::Apk) | ("rpm", Scheme::Rpm));
            let source = if package.source.is_empty() { package.name } else { package.source };
            let mut names = vec![source.to_owned()];
            // Publishers of RPM advisories name what is installed, or its source.
            if scheme == Scheme::Rpm && source != package.name {
                names.push(package.name.to_owned());
            }
            let of_source = !package.source_version.is_empty();
            let version = if of_source { package.source_version } else { package.version }.to_owned();
            fits.then_some(Target { ecosystem, names, version, scheme })
        }
    }
}

/// The one form of a name on PyPI (PEP 503).
pub fn pypi(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_osv_have_one_form() {
        for (word, wanted) in [
            ("Debian:12", "debian:12"),
            ("Ubuntu:22.04:LTS", "ubuntu:22.04"),
            ("Alpine:v3.18", "alpine:3.18"),
            ("Red Hat:enterprise_linux:9::appstream", "redhat:9"),
            ("Rocky Linux:9", "rocky:9"),
            ("PyPI", "pypi"),
        ] {
            assert_eq!(osv(word).unwrap().0, wanted);
        }
        for word in ["Ubuntu:Pro:18.04:LTS", "Go", "Debian", "Red Hat:rhel_eus:9.2::baseos", ""] {
            assert_eq!(osv(word), None, "{word}");
        }
    }

    #[test]
    fn packages_are_looked_for_under_their_source() {
        let system = System { id: "debian".into(), version: "12".into(), codename: "bookworm".into() };
        let package = Installed {
            manager: "dpkg",
            name: "libssl3",
            version: "3.0.9-1+b1",
            source: "openssl",
            source_version: "3.0.9-1",
            system: false,
        };
        let found = target(&system, &package).unwrap();
        assert_eq!((found.ecosystem.as_str(), found.version.as_str()), ("debian:12", "3.0.9-1"));
        assert_eq!(found.names, ["openssl"]);
        let rpm = Installed { manager: "rpm", source_version: "", ..package };
        assert_eq!(target(&system, &rpm), None, "an rpm on Debian is of no ecosystem");
        let rocky = System { id: "rocky".into(), version: "9.3".into(), codename: String::new() };
        assert_eq!(target(&rocky, &rpm).unwrap().names, ["openssl", "libssl3"]);
        let pip = Installed { manager: "pip", name: "Foo_Bar", version: "1", ..Installed::default() };
        assert_eq!(target(&system, &pip).unwrap().names, ["foo-bar"]);
        assert_eq!(target(&system, &Installed { system: true, ..pip }), None);
    }
}
