//! The rules under which both engines judge: OWASP CRS in a directory, with the settings of `base.conf`.

use std::path::{Path, PathBuf};

/// One configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Directory with `*.conf`.
    pub crs: PathBuf,
    /// `crs-setup.conf`.
    pub setup: PathBuf,
    /// Paranoia level, 1 to 4.
    pub paranoia: u8,
    /// With the settings that the regression tests expect: level 4, detection only.
    pub regression: bool,
}

impl Rules {
    /// Debian's CRS, or the directories that `GARRISON_CRS` and `GARRISON_CRS_SETUP` name, at a level.
    pub fn at(paranoia: u8) -> Rules {
        let path = |name: &str, usual: &str| std::env::var_os(name).map_or_else(|| usual.into(), PathBuf::from);
        Rules {
            crs: path("GARRISON_CRS", "/usr/share/modsecurity-crs/rules"),
            setup: path("GARRISON_CRS_SETUP", "/etc/modsecurity/crs/crs-setup.conf"),
            paranoia,
            regression: false,
        }
    }

    /// The configuration of the regression tests.
    pub fn regression() -> Rules {
        Rules { regression: true, ..Rules::at(4) }
    }

    /// Whether the rules are on this machine.
    pub fn present(&self) -> bool {
        self.crs.is_dir() && self.setup.is_file()
    }

    /// The base settings.
    pub fn base() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("base.conf")
    }

    /// What `oracle.py` is called with.
    pub fn oracle_arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--crs".into(), self.crs.display().to_string()];
        arguments.extend(["--setup".into(), self.setup.display().to_string()]);
        if self.regression {
            arguments.push("--regression".into());
        } else {
            arguments.extend(["--paranoia".into(), self.paranoia.to_string()]);
        }
        arguments
    }
}
