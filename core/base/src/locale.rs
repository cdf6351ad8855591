//! The two languages of people.

/// The language of texts for people. English and Chinese are equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl Lang {
    /// From a locale name (`zh_CN.UTF-8`) or an `Accept-Language` value (`zh-CN,zh;q=0.9`).
    pub fn from_tag(tag: &str) -> Lang {
        if tag.trim_start().to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
    }

    /// From the environment in the order of POSIX: `LC_ALL`, `LC_MESSAGES`, `LANG`; the first that is set decides.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Lang {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| get(name).filter(|value| !value.is_empty()))
            .map_or(Lang::En, |value| Lang::from_tag(&value))
    }

    /// Picks the text of this language.
    pub fn pick<'t>(self, en: &'t str, zh: &'t str) -> &'t str {
        match self {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let env = |name: &str| match name {
            "LC_ALL" => Some(String::new()),
            "LC_MESSAGES" => Some("zh_CN.UTF-8".into()),
            "LANG" => Some("en_US.UTF-8".into()),
            _ => None,
        };
        assert_eq!(Lang::from_env(env), Lang::Zh);
        assert_eq!(Lang::from_env(|_| None), Lang::En);
    }
}
