//! Other tools' configurations as `layerwise.toml`: those of hadolint and tally.
//!
//! What has no counterpart is named in a comment, with the reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use yaml_rust2::parser::{Event, EventReceiver, Parser};
use yaml_rust2::{Yaml, YamlLoader};

use crate::rules::{self, Meta};

/// What a configuration means here.
#[derive(Default)]
struct Wanted {
    /// Rules that run beside the default ones, each with the name that it had.
    select: BTreeMap<&'static str, String>,
    /// Rules that do not run.
    ignore: BTreeMap<&'static str, String>,
    severity: BTreeMap<&'static str, &'static str>,
    options: Map<String, Value>,
    /// What is not carried over, and why.
    notes: Vec<String>,
}

/// hadolint's `.hadolint.yaml` as `layerwise.toml`.
///
/// # Errors
/// What is wrong with the file, as a sentence with its line.
pub fn from_hadolint(text: &str) -> Result<String, String> {
    refuse_aliases(text)?;
    let mut documents = YamlLoader::load_from_str(text).map_err(yaml_error)?;
    let mut wanted = Wanted::default();
    let document = if documents.is_empty() { Yaml::Null } else { documents.swap_remove(0) };
    let fields = match document {
        Yaml::Hash(fields) => fields,
        Yaml::Null => Default::default(),
        _ => return Err("line 1: this is no configuration of hadolint: it must be a mapping.".to_owned()),
    };
    for (key, value) in &fields {
        match key.as_str().unwrap_or_default() {
            "ignored" => strings(value).for_each(|name| wanted.ignore(&name)),
            "override" => {
                for (level, names) in value.as_hash().into_iter().flatten() {
                    let level = level.as_str().unwrap_or_default();
                    strings(names).for_each(|name| wanted.severity(&name, level));
                }
            }
            "trustedRegistries" => wanted.list("trusted-registries", strings(value)),
            "label-schema" => {
                let labels = value.as_hash().into_iter().flatten();
                let pairs = labels
                    .filter_map(|(name, kind)| Some((name.as_str()?.to_owned(), kind.as_str()?.to_owned())));
                wanted.labels(pairs);
            }
            "strict-labels" => {
                wanted.option("strict-labels", Value::Bool(value.as_bool().unwrap_or_default()))
            }
            "failure-threshold" => wanted.threshold(value.as_str().unwrap_or_default()),
            "format" => wanted.note("format", "is a flag here: layerwise check --format"),
            "no-fail" => wanted.note("no-fail", "is a flag here: layerwise check --fail-on never"),
            name => wanted.note(name, "has no counterpart"),
        }
    }
    Ok(wanted.to_toml("hadolint"))
}

/// tally's `.tally.toml` as `layerwise.toml`.
///
/// # Errors
/// What is wrong with the file, as a sentence.
pub fn from_tally(text: &str) -> Result<String, String> {
    let fields: Map<String, Value> = toml::from_str(text)
        .map_err(|error: toml::de::Error| format!("this is not TOML: {}.", error.message()))?;
    let mut wanted = Wanted::default();
    for (key, value) in &fields {
        match key.as_str() {
            "rules" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    wanted.tally_rules(key, value);
                }
            }
            "output" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    match key.as_str() {
                        "fail-level" => wanted.threshold(value.as_str().unwrap_or_default()),
                        key => {
                            wanted.note(&format!("output.{key}"), "is a flag here: layerwise check --format")
                        }
                    }
                }
            }
            "unsafe-fixes" | "fix-unsafe" => wanted.note(key, "is a flag here: layerwise fix --unsafe"),
            key => wanted.note(key, "has no counterpart"),
        }
    }
    Ok(wanted.to_toml("tally"))
}

/// An alias can make a few lines into gigabytes, and no configuration needs one.
fn refuse_aliases(text: &str) -> Result<(), String> {
    struct Aliases(bool);
    impl EventReceiver for Aliases {
        fn on_event(&mut self, event: Event) {
            self.0 |= matches!(event, Event::Alias(_));
        }
    }
    let mut found = Aliases(false);
    Parser::new_from_str(text).load(&mut found, true).map_err(yaml_error)?;
    if found.0 {
        Err("YAML aliases (`*name`) are not read; write the values out.".to_owned())
    } else {
        Ok(())
    }
}

fn yaml_error(error: yaml_rust2::ScanError) -> String {
    format!("line {}: this is not YAML: {}.", error.marker().line(), error.info())
}

fn strings(value: &Yaml) -> impl Iterator<Item = String> {
    let all = match value {
        Yaml::Array(all) => all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        Yaml::String(one) => vec![one.clone()],
        _ => Vec::new(),
    };
    all.into_iter()
}

/// The rules that another tool's name stands for: `DL3008`, `hadolint/DL3008`, `tally/max-lines`, `buildkit/StageNameCasing`,
/// and `*` behind the slash for all of that tool's.
fn named(name: &str) -> Vec<&'static Meta> {
    let all = rules::all().iter().map(|rule| &rule.meta);
    let is_hadolint =
        |name: &str| name.strip_prefix("DL").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    match name.split_once('/') {
        Some(("hadolint", "*")) => all.filter(|m| m.equivalents.iter().any(|e| is_hadolint(e))).collect(),
        Some(("buildkit", "*")) => all.filter(|m| m.buildkit.is_some()).collect(),
        Some(("tally", "*")) => {
            all.filter(|m| m.equivalents.iter().any(|e| e.starts_with("tally/"))).collect()
        }
        Some(("hadolint" | "buildkit", rest)) => all.filter(|m| m.equivalents.contains(&rest)).collect(),
        _ => all.filter(|m| m.equivalents.contains(&name)).collect(),
    }
}

fn is_shellcheck(name: &str) -> bool {
    name.starts_with("shellcheck/")
        || name.strip_prefix("SC").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
}

impl Wanted {
    fn note(&mut self, what: &str, why: &str) {
        self.notes.push(format!("{what}: {why}"));
    }

    /// The rules of a name; says so if there is none.
    fn found(&mut self, name: &str) -> Vec<&'static Meta> {
        let found = named(name);
        if found.is_empty() {
            let why = if is_shellcheck(name) { "is ShellCheck's" } else { "there is no such rule here" };
            self.note(name, why);
        }
        found
    }

    fn ignore(&mut self, name: &str) {
        for meta in self.found(name) {
            self.ignore.insert(meta.name, name.to_owned());
        }
    }

    fn select(&mut self, name: &str) {
        for meta in self.found(name) {
            // What runs anyway need not be named.
            if !meta.default {
                self.select.insert(meta.name, name.to_owned());
            }
        }
    }

    fn severity(&mut self, name: &str, level: &str) {
        let Some(level) = severity(level) else {
            return self.note(name, &format!("there is no severity `{level}` here"));
        };
        for meta in self.found(name) {
            self.severity.insert(meta.name, level);
        }
    }

    fn threshold(&mut self, level: &str) {
        let level = match level {
            "style" => "hint",
            "none" | "ignore" => "never",
            level => level,
        };
        self.note("the failure threshold", &format!("is a flag here: layerwise check --fail-on {level}"));
    }

    /// An option, if it is one here and can have this value.
    fn option(&mut self, name: &str, value: Value) {
        self.options.insert(name.to_owned(), value);
    }

    fn list(&mut self, name: &str, all: impl Iterator<Item = String>) {
        self.option(name, all.map(Value::String).collect());
    }

    fn labels(&mut self, labels: impl Iterator<Item = (String, String)>) {
        let mut required = Map::new();
        for (label, kind) in labels {
            let kind = match kind.as_str() {
                "rawtext" => "text",
                "text" | "url" | "rfc3339" | "semver" | "spdx" | "hash" | "email" => kind.as_str(),
                other => {
                    self.note(
                        &label,
                        &format!("there is no kind of label `{other}` here; any text is taken"),
                    );
                    "text"
                }
            };
            required.insert(label, Value::String(kind.to_owned()));
        }
        self.option("required-labels", Value::Object(required));
    }

    /// What stands under `[rules]` of tally: `include`, `exclude`, or a tool's table of rules.
    fn tally_rules(&mut self, key: &str, value: &Value) {
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
        };
        match key {
            "include" => texts(value).iter().for_each(|name| self.select(name)),
            "exclude" => texts(value).iter().for_each(|name| self.ignore(name)),
            tool => {
                for (rule, settings) in value.as_object().into_iter().flatten() {
                    let name = format!("{tool}/{rule}");
                    for (key, value) in settings.as_object().into_iter().flatten() {
                        match (key.as_str(), value.as_str()) {
                            ("severity", Some("off" | "ignore")) => self.ignore(&name),
                            ("severity", Some(level)) => self.severity(&name, level),
                            ("trusted-registries", _) => {
                                self.list("trusted-registries", texts(value).into_iter());
                            }
                            (key, _) => self.note(&format!("{name}.{key}"), "has no counterpart"),
                        }
                    }
                }
            }
        }
    }

    fn to_toml(&self, tool: &str) -> String {
        let quoted = |text: &str| Value::String(text.to_owned()).to_string();
        let mut out = format!("# Made by `layerwise migrate` from a configuration of {tool}.\n");
        for note in &self.notes {
            let line: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let _ = writeln!(out, "# not carried over: {line}");
        }
        let mut list = |key: &str, first: Option<&str>, all: &BTreeMap<&str, String>| {
            if all.is_empty() {
                return;
            }
            let _ = writeln!(out, "\n{key} = [");
            if let Some(first) = first {
                let _ = writeln!(out, "    {},", quoted(first));
            }
            for (rule, was) in all {
                let was: String = was.chars().filter(|c| !c.is_control()).collect();
                let _ = writeln!(out, "    {}, # {was}", quoted(rule));
            }
            out.push_str("]\n");
        };
        list("select", Some("default"), &self.select);
        list("ignore", None, &self.ignore);
        if !self.severity.is_empty() {
            out.push_str("\n[severity]\n");
            for (rule, level) in &self.severity {
                let _ = writeln!(out, "{rule} = {}", quoted(level));
            }
        }
        if !self.options.is_empty() {
            out.push_str("\n[rules]\n");
            for (name, value) in &self.options {
                let _ = match value {
                    Value::Object(fields) => {
                        let fields: Vec<String> =
                            fields.iter().map(|(key, value)| format!("{} = {value}", quoted(key))).collect();
                        writeln!(out, "{name} = {{ {} }}", fields.join(", "))
                    }
                    value => writeln!(out, "{name} = {value}"),
                };
            }
        }
        // JSON's strings are TOML's but for this character.
        out.replace('\u{7f}', "\\u007f")
    }
}

/// The severity that a level of hadolint's or tally's is here.
fn severity(level: &str) -> Option<&'static str> {
    Some(match level {
        "error" => "error",
        "warning" => "warning",
        "info" => "info",
        "style" => "hint",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Severity;
    use crate::config::Config;

    #[test]
    fn a_configuration_of_hadolint() {
        let text = "\
failure-threshold: warning
ignored:
  - DL4000
  - SC2086
  - DL9999
override:
  error: [DL3000]
  style:
    - DL3025
trustedRegistries: [docker.io, '*.example.com']
label-schema:
  version: semver
  my label: rawtext
strict-labels: true
format: tty
";
        let toml = from_hadolint(text).expect("it can be read");
        let (config, problems) = Config::parse(&toml);
        assert_eq!(problems, [], "{toml}");
        let said = config.of(None).selection;
        assert_eq!(said.except, ["maintainer"]);
        let severities = [
            ("json-args-recommended".to_owned(), Severity::Hint),
            ("workdir-relative".to_owned(), Severity::Error),
        ];
        assert_eq!(said.severities, severities);
        assert_eq!(said.options.trusted_registries, ["docker.io", "*.example.com"]);
        assert!(said.options.strict_labels);
        assert_eq!(said.options.required_labels.len(), 2);
        for note in
            ["SC2086: is ShellCheck's", "DL9999: there is no such rule", "--fail-on warning", "format"]
        {
            assert!(
                toml.lines().any(|l| l.starts_with("# not carried over: ") && l.contains(note)),
                "{note}: {toml}"
            );
        }
    }

    #[test]
    fn a_configuration_of_tally() {
        let text = "\
unsafe-fixes = true
[output]
fail-level = \"style\"
[rules]
include = [\"buildkit/InvalidDefinitionDescription\", \"buildkit/StageNameCasing\"]
exclude = [\"hadolint/DL4000\", \"shellcheck/*\"]
[rules.buildkit.StageNameCasing]
severity = \"info\"
[rules.hadolint.DL3025]
severity = \"off\"
[rules.hadolint.DL3026]
trusted-registries = [\"docker.io\"]
[rules.tally.max-lines]
max = 50
";
        let toml = from_tally(text).expect("it can be read");
        let (config, problems) = Config::parse(&toml);
        assert_eq!(problems, [], "{toml}");
        let said = config.of(None).selection;
        assert_eq!(said.except, ["json-args-recommended", "maintainer"], "{toml}");
        assert_eq!(said.severities, [("stage-name-casing".to_owned(), Severity::Info)]);
        assert_eq!(said.options.trusted_registries, ["docker.io"]);
        for note in ["tally/max-lines.max", "shellcheck/*", "--fail-on hint", "layerwise fix --unsafe"] {
            assert!(toml.contains(note), "{note}: {toml}");
        }
        assert!(!named("hadolint/*").is_empty() && !named("buildkit/*").is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert!(from_hadolint("ignored: [").unwrap_err().contains("not YAML"));
        assert!(from_hadolint("- a\n").unwrap_err().contains("a mapping"));
        assert!(from_hadolint("a: &x [1]\nb: [*x, *x]\n").unwrap_err().contains("aliases"));
        assert!(from_hadolint("").is_ok());
        let odd =
            from_hadolint("trustedRegistries: [\"a\\x7f\\n\\\"b\"]\nlabel-schema: {\"x \\x7f\": text}\n")
                .expect("YAML");
        assert_eq!(Config::parse(&odd).1, [], "{odd}");
        assert!(from_hadolint("ignored: {a: 1}\noverride: 3\nlabel-schema: x\n\"a\\nb\": 1\n").is_ok());
        assert!(from_tally("rules = [").unwrap_err().contains("not TOML"));
        assert!(from_tally("rules = 1\noutput = 2\n").is_ok());
    }
}
