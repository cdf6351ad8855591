//! Directives that are not rules: engine, bodies, limits, and what is accepted and kept without being used.

use crate::action::{engine_mode, on_off};
use crate::directive::Directive;
use crate::fault::{UNSUPPORTED, VALUE};
use crate::model::Settings;
use crate::names::{fault, shown};
use base::{Fault, Result};

/// Directives that [`set`] understands.
pub(crate) const KNOWN: &[&str] = &[
    "SecRuleEngine",
    "SecRequestBodyAccess",
    "SecResponseBodyAccess",
    "SecRequestBodyLimit",
    "SecRequestBodyNoFilesLimit",
    "SecRequestBodyLimitAction",
    "SecRequestBodyJsonDepthLimit",
    "SecArgumentsLimit",
    "SecResponseBodyLimit",
    "SecResponseBodyMimeType",
    "SecResponseBodyMimeTypesClear",
    "SecArgumentSeparator",
    "SecCookieFormat",
    "SecCollectionTimeout",
    "SecComponentSignature",
];

/// Directives kept as written: logs, files and limits of another engine, which this one has no use for.
pub(crate) const KEPT: &[&str] = &[
    "SecAuditEngine",
    "SecAuditLog",
    "SecAuditLog2",
    "SecAuditLogDirMode",
    "SecAuditLogFileMode",
    "SecAuditLogFormat",
    "SecAuditLogParts",
    "SecAuditLogPrefix",
    "SecAuditLogRelevantStatus",
    "SecAuditLogStorageDir",
    "SecAuditLogType",
    "SecCacheTransformations",
    "SecChrootDir",
    "SecConnEngine",
    "SecConnReadStateLimit",
    "SecConnWriteStateLimit",
    "SecCookieV0Separator",
    "SecDataDir",
    "SecDebugLog",
    "SecDebugLogLevel",
    "SecDisableBackendCompression",
    "SecGeoLookupDb",
    "SecGsbLookupDb",
    "SecGuardianLog",
    "SecHttpBlKey",
    "SecIgnoreRuleCompilationErrors",
    "SecInterceptOnError",
    "SecParseXmlIntoArgs",
    "SecPcreMatchLimit",
    "SecPcreMatchLimitRecursion",
    "SecReadStateLimit",
    "SecRequestBodyInMemoryLimit",
    "SecResponseBodyLimitAction",
    "SecRuleInheritance",
    "SecRulePerfTime",
    "SecRxPreFilter",
    "SecSensorId",
    "SecServerSignature",
    "SecStatusEngine",
    "SecStreamInBodyInspection",
    "SecStreamOutBodyInspection",
    "SecTmpDir",
    "SecTmpSaveUploadedFiles",
    "SecUnicodeCodePage",
    "SecUploadDir",
    "SecUploadFileLimit",
    "SecUploadFileMode",
    "SecUploadKeepFiles",
    "SecWebAppId",
    "SecWriteStateLimit",
    "SecXmlExternalEntity",
];

/// Directives of the language that are refused: they fetch rules or run programs, or rewrite answers.
pub(crate) const REFUSED: &[&str] = &[
    "SecContentInjection",
    "SecHashEngine",
    "SecHashKey",
    "SecHashMethodPm",
    "SecHashMethodRx",
    "SecHashParam",
    "SecRemoteRules",
    "SecRemoteRulesFailAction",
    "SecRuleScript",
];

/// Takes a directive into the settings; false when it is none of these.
pub(crate) fn set(directive: &Directive, settings: &mut Settings) -> Result<bool> {
    let named = |list: &[&str]| list.iter().any(|name| name.eq_ignore_ascii_case(&directive.name));
    // What is switched off is not missed.
    let off = matches!(directive.words.as_slice(), [word] if word.plain().eq_ignore_ascii_case("off"));
    if named(REFUSED) && !off {
        return Err(fault(&UNSUPPORTED, &directive.place).found(shown(&directive.name)));
    }
    let words: Vec<String> = directive.words.iter().map(|word| word.plain()).collect();
    if named(KEPT) || named(REFUSED) {
        settings.other.push((directive.name.clone(), words.join(" ")));
        return Ok(true);
    }
    if !named(KNOWN) {
        return Ok(false);
    }
    let reading = Reading { directive, words: &words };
    if !bodies(&reading, settings)? {
        engine(&reading, settings)?;
    }
    Ok(true)
}

struct Reading<'r> {
    directive: &'r Directive,
    words: &'r [String],
}

impl Reading<'_> {
    fn name(&self) -> String {
        self.directive.name.to_ascii_lowercase()
    }

    /// The only word.
    fn word(&self) -> Result<&str> {
        match self.words {
            [word] => Ok(word.trim()),
            _ => Err(self.wrong("one value")),
        }
    }

    fn wrong(&self, expected: &str) -> Fault {
        let found = format!("{} {}", self.directive.name, self.words.join(" "));
        fault(&VALUE, &self.directive.place).expected(expected).found(shown(found.trim_end()))
    }

    fn switch(&self) -> Result<bool> {
        on_off(self.word()?).ok_or_else(|| self.wrong("On or Off"))
    }

    fn number<N: std::str::FromStr>(&self) -> Result<N> {
        self.word()?.parse().map_err(|_| self.wrong("a number"))
    }
}

fn bodies(reading: &Reading<'_>, settings: &mut Settings) -> Result<bool> {
    match reading.name().as_str() {
        "secrequestbodyaccess" => settings.request_body = reading.switch()?,
        "secresponsebodyaccess" => settings.response_body = reading.switch()?,
        "secrequestbodylimit" => settings.request_body_limit = reading.number()?,
        "secrequestbodynofileslimit" => settings.request_body_no_files_limit = reading.number()?,
        "secrequestbodyjsondepthlimit" => settings.json_depth = reading.number()?,
        "secresponsebodylimit" => settings.response_body_limit = reading.number()?,
        "secrequestbodylimitaction" => {
            settings.request_body_partial = match reading.word()?.to_ascii_lowercase().as_str() {
                "processpartial" => true,
                "reject" => false,
                _ => return Err(reading.wrong("Reject or ProcessPartial")),
            };
        }
        "secresponsebodymimetypesclear" => settings.response_mime_types.clear(),
        "secresponsebodymimetype" => {
            if settings.response_mime_types == Settings::default().response_mime_types {
                settings.response_mime_types.clear();
            }
            let types = reading.words.iter().flat_map(|word| word.split_ascii_whitespace());
            settings.response_mime_types.extend(types.map(str::to_ascii_lowercase));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn engine(reading: &Reading<'_>, settings: &mut Settings) -> Result<()> {
    match reading.name().as_str() {
        "secruleengine" => {
            settings.engine = engine_mode(reading.word()?).ok_or_else(|| reading.wrong("On, Off or DetectionOnly"))?;
        }
        "secargumentslimit" => settings.arguments_limit = reading.number()?,
        "secargumentseparator" => match reading.word()?.as_bytes() {
            [byte] => settings.argument_separator = *byte,
            _ => return Err(reading.wrong("one character")),
        },
        "seccookieformat" => {
            settings.cookie_format =
                reading.number().ok().filter(|format| *format <= 1).ok_or_else(|| reading.wrong("0 or 1"))?;
        }
        "seccollectiontimeout" => settings.collection_timeout = reading.number()?,
        _ => settings.components.push(reading.word()?.to_string()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directive::Directives;
    use crate::model::EngineMode;

    fn read(text: &str) -> (Settings, Vec<Fault>) {
        let (mut settings, mut faults) = (Settings::default(), Vec::new());
        for directive in Directives::new("f".into(), text) {
            match set(&directive.unwrap(), &mut settings) {
                Ok(true) => {}
                Ok(false) => panic!("unknown"),
                Err(cause) => faults.push(cause),
            }
        }
        (settings, faults)
    }

    #[test]
    fn every_known_directive() {
        let text = "SecRuleEngine DetectionOnly\nSecRequestBodyAccess On\nSecResponseBodyAccess on\nSecRequestBodyLimit 1\n\
                    SecRequestBodyNoFilesLimit 2\nSecRequestBodyLimitAction ProcessPartial\nSecRequestBodyJsonDepthLimit 3\n\
                    SecArgumentsLimit 4\nSecResponseBodyLimit 5\nSecResponseBodyMimeType text/plain TEXT/HTML\n\
                    SecResponseBodyMimeType application/json\nSecArgumentSeparator ;\nSecCookieFormat 1\nSecCollectionTimeout 6\n\
                    SecComponentSignature \"OWASP_CRS/3.3.4\"\nSecAuditLogRelevantStatus \"^5\"\n";
        let (settings, faults) = read(text);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(settings.engine, EngineMode::DetectionOnly);
        assert!(settings.request_body && settings.response_body && settings.request_body_partial);
        assert_eq!((settings.request_body_limit, settings.request_body_no_files_limit, settings.json_depth), (1, 2, 3));
        assert_eq!((settings.arguments_limit, settings.response_body_limit, settings.collection_timeout), (4, 5, 6));
        assert_eq!(settings.response_mime_types, ["text/plain", "text/html", "application/json"]);
        assert_eq!((settings.argument_separator, settings.cookie_format), (b';', 1));
        assert_eq!(settings.components, ["OWASP_CRS/3.3.4"]);
        assert_eq!(settings.other, [("SecAuditLogRelevantStatus".to_string(), "^5".to_string())]);
    }

    #[test]
    fn what_cannot_be_is_told() {
        for text in [
            "SecRuleEngine Maybe",
            "SecRequestBodyLimit x",
            "SecArgumentSeparator ab",
            "SecCookieFormat 2",
            "SecRuleEngine",
        ] {
            assert!(read(text).1[0].is(&VALUE), "{text}");
        }
        assert!(read("SecRuleScript a.lua").1[0].is(&UNSUPPORTED));
        assert!(read("SecContentInjection On").1[0].is(&UNSUPPORTED) && read("SecHashEngine Off").1.is_empty());
    }
}
