//! The rules under which both engines judge: OWASP CRS in a directory, with the settings of `base.conf`.

use std::path::{Path, PathBuf};

/// How the rules are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A paranoia level, 1 to 4, with the usual threshold; refusals are acted on.
    Level(u8),
    /// As the regression tests expect: level 4, detection only, limits on arguments and files.
    Suite,
}

/// One configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Directory with `*.conf`.
    pub crs: PathBuf,
    /// `crs-setup.conf`.
    pub setup: PathBuf,
    /// How they are set.
    pub mode: Mode,
    /// Directives between settings and rules: a compiled tuning. The oracle is not given them.
    pub tuned: String,
    /// Directives behind all others.
    pub extra: String,
}

/// Names of the setup of CRS, the one that was made of the example first.
const SETUPS: [&str; 2] = ["crs-setup.conf", "crs-setup.conf.example"];

/// What the regression tests set before the rules are read.
const SUITE: &str =
    "SecAction \"id:4293001,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,ctl:ruleRemoveById=910000,\\
setvar:tx.paranoia_level=4,setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\\
setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,\\
setvar:tx.max_num_args=255,setvar:tx.combined_file_sizes=65535,setvar:tx.max_file_size=64100\"
SecResponseBodyMimeType text/plain text/html text/xml application/json
";

impl Rules {
    /// Debian's CRS, or the directories that `GARRISON_CRS` and `GARRISON_CRS_SETUP` name.
    pub fn new(mode: Mode) -> Rules {
        let path = |name: &str, usual: &str| std::env::var_os(name).map_or_else(|| usual.into(), PathBuf::from);
        Rules {
            crs: path("GARRISON_CRS", "/usr/share/modsecurity-crs/rules"),
            setup: path("GARRISON_CRS_SETUP", "/etc/modsecurity/crs/crs-setup.conf"),
            mode,
            tuned: String::new(),
            extra: String::new(),
        }
    }

    /// The settings beside the rules.
    pub fn base() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("base.conf")
    }

    /// Another rule set: a directory with `*.conf`, or a release of CRS with its rules in `rules`. Its setup is the one named,
    /// else `crs-setup.conf` or `crs-setup.conf.example` in the directory or beside it.
    ///
    /// # Errors
    /// When there is no setup.
    pub fn of_directory(folder: &Path, setup: Option<&Path>, mode: Mode) -> Result<Rules, String> {
        let inner = folder.join("rules");
        let crs = if inner.is_dir() { inner } else { folder.to_path_buf() };
        let beside = folder.parent().unwrap_or(folder);
        let usual = [folder, beside].into_iter().flat_map(|place| SETUPS.map(|name| place.join(name)));
        let found = setup.map(Path::to_path_buf).or_else(|| usual.into_iter().find(|path| path.is_file()));
        let setup = found.ok_or(format!("{}: no {} there or beside it", folder.display(), SETUPS.join(" or ")))?;
        let absolute =
            |path: PathBuf| std::fs::canonicalize(&path).map_err(|cause| format!("{}: {cause}", path.display()));
        Ok(Rules { crs: absolute(crs)?, setup: absolute(setup)?, ..Rules::new(mode) })
    }

    /// Whether the rules are on this machine.
    pub fn present(&self) -> bool {
        self.crs.is_dir() && self.setup.is_file()
    }

    /// The configuration as one text, the same that `oracle.py` makes of [`Rules::oracle_arguments`].
    pub fn text(&self) -> String {
        let base = Rules::base();
        let set = match self.mode {
            Mode::Suite => SUITE.to_string(),
            Mode::Level(level) => {
                let variables = [
                    "paranoia_level",
                    "executing_paranoia_level",
                    "blocking_paranoia_level",
                    "detection_paranoia_level",
                ];
                let sets: Vec<String> = variables.iter().map(|name| format!("setvar:tx.{name}={level}")).collect();
                format!("SecAction \"id:4293011,phase:1,nolog,pass,t:none,{}\"\n", sets.join(","))
            }
        };
        let crs = self.crs.display();
        let (base, setup, tuned, extra) = (base.display(), self.setup.display(), &self.tuned, &self.extra);
        format!("Include {base}\n{set}Include {setup}\n{tuned}\nInclude {crs}/*.conf\n{extra}\n")
    }

    /// What `oracle.py` is called with.
    pub fn oracle_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--crs".into(), self.crs.display().to_string()];
        arguments.extend(["--setup".into(), self.setup.display().to_string()]);
        match self.mode {
            Mode::Suite => arguments.push("--regression".into()),
            Mode::Level(level) => arguments.extend(["--paranoia".into(), level.to_string()]),
        }
        if !self.extra.is_empty() {
            arguments.extend(["--rule".into(), self.extra.clone()]);
        }
        arguments
    }
}
