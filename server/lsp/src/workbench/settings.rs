//! The settings under `layerwise` that a client sends.
//!
//! `{"rules": {"select": [..], "ignore": [..], "all": bool, "severity": {"rule": "hint"}}, "context": "dir", "target": "stage", "platform": "os/arch",
//! "buildArgs": {"NAME": "value"}, "inlayHints": bool, "codeLens": bool, "cacheDiagnostics": "auto" | "on" | "off",
//! "baseline": "auto" | "build" | "head" | "opened" | "none" | a git revision, "cache": "local" | "min" | "max" | "none",
//! "engine": "buildkit" | "buildkit 0.12" | "docker 28.5" | "buildah" | "legacy" | .., "bandwidth": megabits a second, "docker": bool,
//! "shellcheck": "off" | "on" | the absolute path of the program}`, all
//! optional.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerwise_analysis::Selection;
use layerwise_analysis::plan::Contents;
use layerwise_model::{Engine, Options, Platform};
use serde_json::Value;

use super::baseline::Choice;
use super::shell;

/// What the user has set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Which rules run.
    pub(crate) selection: Selection,
    /// The build context, relative to the workspace folder.
    pub(crate) context: Option<String>,
    /// Target, platform and build arguments of the build that is meant.
    pub(crate) options: Options,
    /// Whether `platform` was set, and is not only this machine's.
    pub(crate) platform_set: bool,
    /// Whether inlay hints are shown.
    pub(crate) inlay_hints: bool,
    /// Whether code lenses are shown.
    pub(crate) code_lens: bool,
    /// Whether steps that run again are diagnostics, too.
    pub(crate) cache_diagnostics: CacheDiagnostics,
    /// What the plan is compared with.
    pub(crate) baseline: Choice,
    /// What is in the cache.
    pub(crate) cache: Contents,
    /// Megabits a second at which images are pulled.
    pub(crate) mbps: Option<f64>,
    /// Whether the local engine is asked how big base images are.
    pub(crate) docker: bool,
    /// The build context that the file of configuration names.
    pub(crate) context_root: Option<PathBuf>,
    /// What is wrong with that file.
    pub(crate) problems: Vec<String>,
    /// Whether ShellCheck is run, and which.
    pub(crate) shellcheck: shell::Choice,
}

/// When steps that run again are diagnostics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CacheDiagnostics {
    /// Where the client can refresh neither hints nor lenses.
    #[default]
    Auto,
    On,
    Off,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            selection: Selection::default(),
            context: None,
            options: Options::default(),
            platform_set: false,
            inlay_hints: true,
            code_lens: true,
            cache_diagnostics: CacheDiagnostics::Auto,
            baseline: Choice::Auto,
            cache: Contents::Local,
            mbps: None,
            docker: false,
            context_root: None,
            problems: Vec::new(),
            shellcheck: shell::Choice::Off,
        }
    }
}

impl Settings {
    /// Reads what a client sent; null is no settings. Returns a sentence for each thing that is not understood, and takes
    /// the default for it.
    pub(crate) fn read(value: &Value) -> (Settings, Vec<String>) {
        let mut settings = Settings::default();
        let mut problems = Vec::new();
        let Some(fields) = value.as_object() else {
            if !value.is_null() {
                problems.push("layerwise: the settings are not an object; the defaults are used.".to_owned());
            }
            return (settings, problems);
        };
        for (name, value) in fields {
            let understood = match name.as_str() {
                _ if value.is_null() => true,
                "rules" => rules(value, &mut settings.selection),
                "context" => text(value).map(|v| settings.context = Some(v)).is_some(),
                "target" => text(value).map(|v| settings.options.target = Some(v)).is_some(),
                "platform" => match text(value).map(|v| Platform::parse(&v)) {
                    Some(Ok(platform)) => {
                        settings.options.platform = platform;
                        settings.platform_set = true;
                        true
                    }
                    _ => false,
                },
                "buildArgs" => build_args(value).map(|args| settings.options.build_args = args).is_some(),
                "inlayHints" => value.as_bool().map(|v| settings.inlay_hints = v).is_some(),
                "codeLens" => value.as_bool().map(|v| settings.code_lens = v).is_some(),
                "cacheDiagnostics" => {
                    let named = match value.as_str() {
                        Some("auto") => Some(CacheDiagnostics::Auto),
                        Some("on") => Some(CacheDiagnostics::On),
                        Some("off") => Some(CacheDiagnostics::Off),
                        _ => None,
                    };
                    named.map(|v| settings.cache_diagnostics = v).is_some()
                }
                "baseline" => {
                    let named = value.as_str().and_then(Choice::parse);
                    named.map(|v| settings.baseline = v).is_some()
                }
                "cache" => match value.as_str().map(Contents::parse) {
                    Some(Ok(contents)) => {
                        settings.cache = contents;
                        true
                    }
                    _ => false,
                },
                "engine" => match value.as_str().map(Engine::parse) {
                    Some(Ok(engine)) => {
                        settings.options.engine = engine;
                        true
                    }
                    _ => false,
                },
                "docker" => value.as_bool().map(|v| settings.docker = v).is_some(),
                "shellcheck" => {
                    let named = value.as_str().and_then(shell::Choice::parse);
                    named.map(|v| settings.shellcheck = v).is_some()
                }
                "bandwidth" => {
                    let mbps = value.as_f64().filter(|mbps| *mbps > 0.0);
                    mbps.map(|mbps| settings.mbps = Some(mbps)).is_some()
                }
                // The client's own: which binary to start, how much of the traffic to log, what it can do itself.
                "path" | "trace" | "client" => true,
                _ => {
                    problems.push(format!("layerwise.{name}: there is no such setting."));
                    continue;
                }
            };
            if !understood {
                problems.push(format!("layerwise.{name}: {value} is not understood; the default is used."));
            }
        }
        (settings, problems)
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

fn rules(value: &Value, selection: &mut Selection) -> bool {
    let Some(fields) = value.as_object() else { return false };
    fields.iter().all(|(name, value)| match name.as_str() {
        "select" => texts(value).map(|v| selection.only = v).is_some(),
        "ignore" => texts(value).map(|v| selection.except = v).is_some(),
        "all" => value.as_bool().map(|v| selection.all = v).is_some(),
        "severity" => value.as_object().is_some_and(|levels| {
            levels
                .iter()
                .all(|(rule, level)| level.as_str().is_some_and(|level| selection.set_severity(rule, level)))
        }),
        _ => false,
    })
}

/// Arguments as JSON has them; numbers and booleans become the text that a command line would have.
fn build_args(value: &Value) -> Option<BTreeMap<String, String>> {
    value
        .as_object()?
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => Some((name.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Some((name.clone(), value.to_string())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_is_documented_is_read() {
        let (settings, problems) = Settings::read(&json!({
            "rules": { "select": ["E003"], "ignore": ["T003"], "all": true },
            "context": "app", "target": "build", "platform": "linux/arm64",
            "buildArgs": { "A": "1", "B": 2 }, "inlayHints": false, "path": "/x", "trace": { "server": "off" },
            "codeLens": false, "cacheDiagnostics": "on", "baseline": "v1.0", "cache": "min", "engine": "buildah",
            "bandwidth": 50,
            "docker": true, "shellcheck": "on",
            "client": { "commands": [] },
        }));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.selection.only, ["E003"]);
        assert_eq!(settings.selection.except, ["T003"]);
        assert!(settings.selection.all && !settings.inlay_hints);
        assert_eq!(settings.options.target.as_deref(), Some("build"));
        assert_eq!(settings.options.platform.architecture, "arm64");
        assert_eq!(settings.options.build_args["B"], "2");
        assert!(!settings.code_lens && settings.platform_set);
        assert_eq!(settings.cache_diagnostics, CacheDiagnostics::On);
        assert_eq!(settings.baseline, Choice::Revision("v1.0".to_owned()));
        assert_eq!((settings.cache, settings.options.engine.name.as_str()), (Contents::Min, "buildah"));
        assert_eq!((settings.mbps, settings.docker), (Some(50.0), true));
        assert_eq!(settings.shellcheck, shell::Choice::On);
    }

    #[test]
    fn what_is_not_understood_is_said_and_costs_only_itself() {
        for (sent, expected) in [
            (json!(null), 0),
            (json!([]), 1),
            (json!({ "target": 3, "context": "x" }), 1),
            (json!({ "nothing": true }), 1),
            (json!({ "shellcheck": "bin/shellcheck" }), 1),
            (json!({ "rules": { "select": "E003" } }), 1),
            (json!({ "platform": "a/b/c/d" }), 1),
            (
                json!({ "cacheDiagnostics": true, "baseline": "-x", "cache": "all", "engine": "kaniko", "bandwidth": 0 }),
                5,
            ),
            (json!({ "target": null }), 0),
        ] {
            let (settings, problems) = Settings::read(&sent);
            assert_eq!(problems.len(), expected, "{sent}: {problems:?}");
            if sent["context"] == "x" {
                assert_eq!(settings.context.as_deref(), Some("x"));
            }
        }
    }
}
