//! The settings under `layerwise` that a client sends.
//!
//! `{"rules": {"select": [..], "ignore": [..], "all": bool}, "context": "dir", "target": "stage", "platform": "os/arch",
//! "buildArgs": {"NAME": "value"}, "inlayHints": bool}`, all optional.

use std::collections::BTreeMap;

use layerwise_analysis::Selection;
use layerwise_model::{Options, Platform};
use serde_json::Value;

/// What the user has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Which rules run.
    pub(crate) selection: Selection,
    /// The build context, relative to the workspace folder.
    pub(crate) context: Option<String>,
    /// Target, platform and build arguments of the build that is meant.
    pub(crate) options: Options,
    /// Whether inlay hints are shown.
    pub(crate) inlay_hints: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            selection: Selection::default(),
            context: None,
            options: Options::default(),
            inlay_hints: true,
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
                        true
                    }
                    _ => false,
                },
                "buildArgs" => build_args(value).map(|args| settings.options.build_args = args).is_some(),
                "inlayHints" => value.as_bool().map(|v| settings.inlay_hints = v).is_some(),
                // The client's own settings: which binary to start, and how much of the traffic to log.
                "path" | "trace" => true,
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
        }));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(settings.selection.only, ["E003"]);
        assert_eq!(settings.selection.except, ["T003"]);
        assert!(settings.selection.all && !settings.inlay_hints);
        assert_eq!(settings.options.target.as_deref(), Some("build"));
        assert_eq!(settings.options.platform.architecture, "arm64");
        assert_eq!(settings.options.build_args["B"], "2");
    }

    #[test]
    fn what_is_not_understood_is_said_and_costs_only_itself() {
        for (sent, expected) in [
            (json!(null), 0),
            (json!([]), 1),
            (json!({ "target": 3, "context": "x" }), 1),
            (json!({ "nothing": true }), 1),
            (json!({ "rules": { "select": "E003" } }), 1),
            (json!({ "platform": "a/b/c/d" }), 1),
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
