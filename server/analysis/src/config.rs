//! `layerwise.toml`: which rules run on which files, how much their findings matter, and how the files are built.
//!
//! ```toml
//! select = ["default", "R001"]      # what runs; without it the default rules
//! ignore = ["size"]
//! context = "."                     # the build context, from this file's folder
//! target = "runtime"
//!
//! [severity]
//! json-args-recommended = "hint"    # or info, warning, error; off
//!
//! [rules]
//! trusted-registries = ["docker.io"]
//!
//! [[overrides]]
//! paths = ["dev/**"]                # patterns as in .dockerignore, from this file's folder
//! ignore = ["security"]
//! ```
//!
//! Everything that is wrong is found in one go and costs only itself.

use std::ops::Range;
use std::sync::Arc;

use layerwise_model::Dockerignore;
use layerwise_syntax::suggest;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::check::{SYNTAX, Selection};
use crate::diagnostic::Severity;
use crate::options::RuleOptions;
use crate::rules::{self, Category};
use crate::shellcheck;
use crate::user_rules::{CompiledRule, UserRule};

/// The name of the file.
pub const FILE_NAME: &str = "layerwise.toml";

/// A configuration file.
#[derive(Debug, Default)]
pub struct Config {
    base: Section,
    overrides: Vec<(Dockerignore, Section)>,
    /// The user's own rules.
    own: Vec<Arc<CompiledRule>>,
}

/// What it says of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Which rules run, with their options.
    pub selection: Selection,
    /// The build context, relative to the configuration's folder.
    pub context: Option<String>,
    /// The stage to build.
    pub target: Option<String>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the configuration that it is about.
    pub range: Range<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The keys that the file and each of its overrides have.
#[derive(Clone, Debug, Default)]
struct Section {
    select: Option<Vec<String>>,
    ignore: Vec<String>,
    /// Levels by rule.
    severity: Vec<(String, String)>,
    rules: Map<String, Value>,
    context: Option<String>,
    target: Option<String>,
}

/// The keys of a section, in the file's own order; [`schema`] describes the same.
const KEYS: [&str; 6] = ["select", "ignore", "severity", "rules", "context", "target"];
const OVERRIDES: &str = "overrides";
const PATHS: &str = "paths";
const RULE: &str = "rule";

/// Words that stand for more than one rule, beside the categories.
const GROUPS: [&str; 2] = ["ALL", "default"];

impl Config {
    /// Reads a configuration. What is wrong is left out of it.
    pub fn parse(text: &str) -> (Config, Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut problems: Vec<Problem> = errors
            .iter()
            .map(|error| Problem {
                range: error.span().unwrap_or(0..0),
                message: format!("This is not TOML: {}.", error.message().trim_end_matches('.')),
            })
            .collect();
        let mut config = Config::default();
        // Their names are read first: other keys may use them, above and below.
        for (_, value) in table.get_ref().iter().filter(|(key, _)| key.get_ref() == RULE) {
            config.read_own(value, &mut problems);
        }
        let own: Vec<String> = config.own.iter().map(|rule| rule.name().to_owned()).collect();
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                RULE => {}
                OVERRIDES => config.read_overrides(value, &own, &mut problems),
                _ => config.base.read(key, value, &[OVERRIDES, RULE], &own, &mut problems),
            }
        }
        problems.sort_by_key(|problem| (problem.range.start, problem.range.end));
        (config, problems)
    }

    fn read_own(&mut self, value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) {
        let Some(all) = value.get_ref().as_array() else {
            return problems.push(wrong(value, "`rule` is a list of tables; write `[[rule]]`."));
        };
        for one in all {
            let read = Value::deserialize(toml::de::ValueDeserializer::from(one.clone()))
                .map_err(|error| error.to_string())
                .and_then(|json| serde_json::from_value::<UserRule>(json).map_err(|error| error.to_string()));
            let rule = match read {
                Ok(rule) => rule,
                Err(error) => {
                    problems
                        .push(wrong(one, &format!("`[[rule]]`: {}.", error.trim_end_matches(['.', '\n']))));
                    continue;
                }
            };
            match rule.compile() {
                Ok(rule) if self.own.iter().any(|other| other.name() == rule.name()) => {
                    problems.push(wrong(one, &format!("There are two rules called `{}`.", rule.name())));
                }
                Ok(rule) => self.own.push(Arc::new(rule)),
                Err(error) => {
                    let key = one.get_ref().as_table().and_then(|table| table.get(error.key));
                    problems.push(wrong(key.unwrap_or(one), &error.message));
                }
            }
        }
    }

    fn read_overrides(&mut self, value: &Spanned<DeValue<'_>>, own: &[String], problems: &mut Vec<Problem>) {
        let Some(all) = value.get_ref().as_array() else {
            return problems.push(wrong(value, "`overrides` is a list of tables; write `[[overrides]]`."));
        };
        for one in all {
            let Some(table) = one.get_ref().as_table() else {
                problems.push(wrong(one, "`overrides` is a list of tables; write `[[overrides]]`."));
                continue;
            };
            let mut section = Section::default();
            let mut patterns = None;
            for (key, value) in table {
                if key.get_ref() == PATHS {
                    patterns = Some(read_paths(value, problems));
                } else {
                    section.read(key, value, &[PATHS], own, problems);
                }
            }
            match patterns {
                None => problems.push(wrong(one, "An override needs `paths`, the files that it is for.")),
                Some(None) => {}
                Some(Some(patterns)) => self.overrides.push((patterns, section)),
            }
        }
    }

    /// What it says of a file: `path` is relative to the configuration's folder, slash-separated; `None` for a file that is
    /// not below it. Of several overrides that name the file, a later one wins.
    pub fn of(&self, path: Option<&str>) -> Settled {
        let named = |patterns: &Dockerignore| path.is_some_and(|path| patterns.is_excluded(path));
        let overrides = self.overrides.iter().filter(|(patterns, _)| named(patterns)).map(|(_, s)| s);
        let mut settled = Settled::default();
        let mut options = Map::new();
        let selection = &mut settled.selection;
        for section in std::iter::once(&self.base).chain(overrides) {
            if let Some(select) = &section.select {
                selection.only.clone_from(select);
            }
            selection.except.extend(section.ignore.iter().cloned());
            for (name, level) in &section.severity {
                selection.set_severity(name, level);
            }
            options.extend(section.rules.clone());
            settled.context = section.context.clone().or(settled.context);
            settled.target = section.target.clone().or(settled.target);
        }
        // An empty list is nothing chosen, not nothing to run.
        selection.only.retain(|name| !name.is_empty());
        // Each option was read by itself before it was kept.
        selection.options = serde_json::from_value(Value::Object(options)).unwrap_or_default();
        settled.selection.user_rules.clone_from(&self.own);
        settled
    }
}

impl Section {
    fn read(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        more: &[&str],
        own: &[String],
        problems: &mut Vec<Problem>,
    ) {
        match key.get_ref().as_ref() {
            "select" => self.select = Some(read_names(value, own, problems)),
            "ignore" => self.ignore = read_names(value, own, problems),
            "severity" => self.read_severities(value, own, problems),
            "rules" => self.read_options(value, problems),
            "context" => self.context = read_text("context", value, problems),
            "target" => self.target = read_text("target", value, problems),
            name => {
                let known = KEYS.iter().chain(more).copied();
                problems.push(Problem { range: key.span(), message: unknown("key", name, known) });
            }
        }
    }

    fn read_severities(&mut self, value: &Spanned<DeValue<'_>>, own: &[String], problems: &mut Vec<Problem>) {
        let Some(table) = value.get_ref().as_table() else {
            return problems
                .push(wrong(value, "`severity` is a table: `[severity]`, then `rule = \"hint\"`."));
        };
        for (name, level) in table {
            let known = |text: &&str| *text == "off" || Severity::parse(text).is_some();
            let Some(severity) = level.get_ref().as_str().filter(known) else {
                let message =
                    "The severity of a rule is \"error\", \"warning\", \"info\", \"hint\" or \"off\".";
                problems.push(wrong(level, message));
                continue;
            };
            if let Some(message) = unknown_rule(name.get_ref(), own) {
                problems.push(Problem { range: name.span(), message });
            } else if SYNTAX.is_called(name.get_ref()) {
                let message = "Syntax errors are errors always: the build fails on them.".to_owned();
                problems.push(Problem { range: name.span(), message });
            } else {
                self.severity.push((name.get_ref().to_string(), severity.to_owned()));
            }
        }
    }

    fn read_options(&mut self, value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) {
        let Some(table) = value.get_ref().as_table() else {
            return problems.push(wrong(value, "`rules` is a table of options: `[rules]`."));
        };
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let known = option_names();
            if !known.contains(&name) {
                let message = unknown("option", &name, known.iter().map(String::as_str));
                problems.push(Problem { range: key.span(), message });
                continue;
            }
            let Ok(json) = Value::deserialize(toml::de::ValueDeserializer::from(value.clone())) else {
                problems.push(wrong(value, "This value is not understood."));
                continue;
            };
            let alone = Map::from_iter([(name.clone(), json.clone())]);
            match serde_json::from_value::<RuleOptions>(Value::Object(alone)) {
                Ok(_) => drop(self.rules.insert(name, json)),
                Err(error) => problems.push(wrong(value, &format!("`{name}`: {error}."))),
            }
        }
    }
}

fn wrong(value: &Spanned<DeValue<'_>>, message: &str) -> Problem {
    Problem { range: value.span(), message: message.to_owned() }
}

fn read_text(key: &str, value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<String> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        problems.push(wrong(value, &format!("`{key}` is a string.")));
    }
    text.map(str::to_owned)
}

/// A list of strings; what is none is left out.
fn read_list<'a>(
    value: &'a Spanned<DeValue<'_>>,
    problems: &mut Vec<Problem>,
) -> Vec<(Range<usize>, &'a str)> {
    let Some(all) = value.get_ref().as_array() else {
        problems.push(wrong(value, "This is a list of strings, such as [\"a\", \"b\"]."));
        return Vec::new();
    };
    let mut found = Vec::new();
    for one in all {
        match one.get_ref().as_str() {
            Some(text) => found.push((one.span(), text)),
            None => problems.push(wrong(one, "This is a list of strings; put it in quotes.")),
        }
    }
    found
}

fn read_names(value: &Spanned<DeValue<'_>>, own: &[String], problems: &mut Vec<Problem>) -> Vec<String> {
    let mut names = Vec::new();
    for (range, name) in read_list(value, problems) {
        match unknown_rule(name, own) {
            Some(message) => problems.push(Problem { range, message }),
            None => names.push(name.to_owned()),
        }
    }
    names
}

fn read_paths(value: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<Dockerignore> {
    let mut patterns = Vec::new();
    for (range, pattern) in read_list(value, problems) {
        match Dockerignore::from_patterns(&[pattern]) {
            Ok(_) => patterns.push(pattern),
            Err(error) => problems.push(Problem { range, message: format!("`{pattern}`: {error}.") }),
        }
    }
    Dockerignore::from_patterns(&patterns).ok()
}

/// What is wrong with the name of a rule or a group of rules; `None` if it is one. `own` are the names of the user's rules.
pub fn unknown_rule<S: AsRef<str>>(name: &str, own: &[S]) -> Option<String> {
    let categories = || Category::ALL.iter().map(|category| category.as_str());
    let known = GROUPS.iter().any(|group| group.eq_ignore_ascii_case(name))
        || categories().any(|category| category.eq_ignore_ascii_case(name))
        || SYNTAX.is_called(name)
        || shellcheck::SHELLCHECK.is_called(name)
        || shellcheck::is_code(name)
        || own.iter().any(|own| own.as_ref().eq_ignore_ascii_case(name))
        || rules::all().iter().any(|rule| rule.meta.is_called(name));
    if known {
        return None;
    }
    let names = rules::all().iter().flat_map(|rule| [rule.meta.name, rule.meta.code]);
    let all = names.chain(own.iter().map(AsRef::as_ref)).chain(categories()).chain(GROUPS);
    let hint = suggest::search(name, all, false).map(|near| format!("; did you mean `{near}`?"));
    Some(format!("There is no rule `{name}`{}", hint.unwrap_or_else(|| ".".to_owned())))
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match suggest::search(name, known.clone(), false) {
        Some(near) => format!("There is no {what} `{name}`; did you mean `{near}`?"),
        None => {
            let all: Vec<String> = known.map(|name| format!("`{name}`")).collect();
            format!("There is no {what} `{name}`; there are {}.", all.join(", "))
        }
    }
}

/// The names of the options of rules.
fn option_names() -> Vec<String> {
    let schema = schemars::schema_for!(RuleOptions);
    let fields = schema.get("properties").and_then(Value::as_object);
    fields.into_iter().flat_map(|fields| fields.keys().cloned()).collect()
}

/// The file, as the schema describes it.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields, title = "layerwise.toml")]
#[allow(dead_code, reason = "it is there to be described")]
struct Shape {
    /// The rules that run, by name, code or another tool's name; a category such as `security` for all of its rules but
    /// those that enforce a policy; `default`, or `ALL`. Without it, the default rules run.
    select: Option<Vec<String>>,
    /// Rules that do not run: names as in `select`.
    ignore: Option<Vec<String>>,
    /// How much the findings of a rule matter. A rule that is off by default runs if it has a severity.
    severity: Option<std::collections::BTreeMap<String, Level>>,
    /// Options of rules.
    rules: Option<RuleOptions>,
    /// The build context, relative to this file's folder. Without it, the nearest folder above the Dockerfile in which all
    /// that it copies exists.
    context: Option<String>,
    /// The stage to build. Without it, the last one.
    target: Option<String>,
    /// Other settings for some files; of several that name a file, a later one wins.
    overrides: Option<Vec<OverrideShape>>,
    /// Rules of your own.
    rule: Option<Vec<UserRule>>,
}

#[derive(JsonSchema)]
#[schemars(rename = "Override", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(dead_code, reason = "it is there to be described")]
struct OverrideShape {
    /// The Dockerfiles that it is for: patterns as in .dockerignore, relative to this file's folder.
    paths: Vec<String>,
    /// The rules that run, instead of those above.
    select: Option<Vec<String>>,
    /// Rules that do not run, beside those above.
    ignore: Option<Vec<String>>,
    /// How much the findings of a rule matter.
    severity: Option<std::collections::BTreeMap<String, Level>>,
    /// Options of rules, each instead of the one above.
    rules: Option<RuleOptions>,
    /// The build context, relative to this file's folder.
    context: Option<String>,
    /// The stage to build.
    target: Option<String>,
}

/// How much a finding matters; `off`: the rule does not run.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[allow(dead_code, reason = "it is there to be described")]
enum Level {
    Error,
    Warning,
    Info,
    Hint,
    Off,
}

/// The JSON schema of the file (draft 2020-12).
pub fn schema() -> Value {
    schemars::schema_for!(Shape).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(String, String)> {
        let (_, problems) = Config::parse(text);
        problems.into_iter().map(|p| (text.get(p.range).unwrap_or("?").to_owned(), p.message)).collect()
    }

    const FULL: &str = "\
select = [\"default\", \"size\"]
ignore = [\"DL3025\"]
context = \"app\"
target = \"runtime\"

[severity]
stage-name-casing = \"hint\"
maintainer = \"off\"

[rules]
trusted-registries = [\"docker.io\"]
strict-labels = true

[rules.required-labels]
version = \"semver\"

[[overrides]]
paths = [\"dev/**\", \"*.dev\"]
ignore = [\"security\"]
target = \"dev\"
severity = { maintainer = \"info\" }
rules = { strict-labels = false }
";

    #[test]
    fn everything_is_read() {
        let (config, problems) = Config::parse(FULL);
        assert_eq!(problems, []);
        let base = config.of(Some("Dockerfile"));
        assert_eq!(base.selection.only, ["default", "size"]);
        assert_eq!(base.selection.except, ["DL3025", "maintainer"]);
        assert_eq!(base.selection.severities, [("stage-name-casing".to_owned(), Severity::Hint)]);
        assert_eq!((base.context.as_deref(), base.target.as_deref()), (Some("app"), Some("runtime")));
        assert_eq!(base.selection.options.trusted_registries, ["docker.io"]);
        assert!(base.selection.options.strict_labels && base.selection.options.required_labels.len() == 1);
        for path in ["dev/a/Dockerfile", "x.dev"] {
            let dev = config.of(Some(path));
            assert_eq!(dev.selection.except, ["DL3025", "security"], "{path}");
            assert_eq!((dev.context.as_deref(), dev.target.as_deref()), (Some("app"), Some("dev")));
            assert!(!dev.selection.options.strict_labels);
            assert_eq!(dev.selection.options.trusted_registries, ["docker.io"]);
        }
        assert_eq!(config.of(None), base, "a file elsewhere");
        assert_eq!(config.of(Some("sub/x.dev")), base, "as in .dockerignore");
    }

    #[test]
    fn what_is_wrong_has_a_place_and_costs_only_itself() {
        for (text, at, message) in [
            ("selct = []", "selct", "did you mean `select`?"),
            ("overides = []", "overides", "did you mean `overrides`?"),
            ("select = [\"maintaner\"]", "\"maintaner\"", "did you mean `maintainer`?"),
            ("ignore = \"maintainer\"", "\"maintainer\"", "a list of strings"),
            ("ignore = [1]", "1", "put it in quotes"),
            ("[severity]\nmaintaner = \"off\"", "maintaner", "did you mean `maintainer`?"),
            ("[severity]\nmaintainer = \"on\"", "\"on\"", "\"hint\" or \"off\""),
            ("[severity]\nsyntax-error = \"off\"", "syntax-error", "errors always"),
            ("severity = 1", "1", "a table"),
            ("[rules]\ntrusted-registrys = []", "trusted-registrys", "did you mean `trusted-registries`?"),
            ("[rules]\nstrict-labels = 3", "3", "expected a boolean"),
            ("[rules]\nrequired-labels = { a = \"urll\" }", "{ a = \"urll\" }", "unknown variant `urll`"),
            ("context = 1", "1", "`context` is a string"),
            ("[[overrides]]\nignore = []", "[[overrides]]", "needs `paths`"),
            ("[[overrides]]\npaths = [\"[\"]", "\"[\"", "`[`"),
            ("[[overrides]]\npaths = []\noverrides = 1", "overrides", "There is no key"),
            ("overrides = 1", "1", "[[overrides]]"),
            ("select = [", "?", "not TOML"),
        ] {
            let text = format!("{text}\n");
            let found = problems(&text);
            let right =
                found.iter().any(|(place, what)| (at == "?" || place == at) && what.contains(message));
            assert!(right && (found.len() == 1 || at == "?"), "{text}: {found:?}");
        }
        let (config, problems) =
            Config::parse("select = [\"size\", \"nope\"]\ntarget = \"x\"\n[rules]\nnope = 1\n");
        assert_eq!(problems.len(), 2);
        assert_eq!(config.of(None).selection.only, ["size"]);
        assert_eq!(config.of(None).target.as_deref(), Some("x"));
    }

    #[test]
    fn the_example_of_the_page_is_right() {
        let page = include_str!("../../../docs/configuration.md").replace("\r\n", "\n");
        let blocks: Vec<&str> =
            page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(blocks.len(), 1);
        assert_eq!(problems(blocks[0]), []);
        for key in KEYS {
            assert!(
                page.contains(&format!("| `{key}` |")) || page.contains(&format!("| `[{key}]` |")),
                "{key}"
            );
        }
    }

    #[test]
    fn any_text_can_be_read() {
        for end in 0..FULL.len() {
            for tail in ["", "]", "\"", "\u{0}", "[[", "é"] {
                let text = format!("{}{tail}", &FULL[..end]);
                for problem in Config::parse(&text).1 {
                    assert!(problem.range.start <= text.len() && !problem.message.is_empty(), "{text}");
                }
            }
        }
    }

    #[test]
    fn rules_of_the_users_own() {
        let text = "ignore = [\"mine\"]\n[[rule]]\nname = \"mine\"\nmessage = \"m\"\nquery = \"(run_instruction) @here\"\n";
        let (config, found) = Config::parse(text);
        assert_eq!(found, []);
        let selection = config.of(Some("Dockerfile")).selection;
        assert_eq!(selection.user_rules.len(), 1);
        assert_eq!(selection.except, ["mine"]);
        let (config, found) =
            Config::parse(&text.replace("ignore = [\"mine\"]", "severity = { mine = \"hint\" }"));
        assert_eq!(found, []);
        assert_eq!(config.of(None).selection.severities, [("mine".to_owned(), Severity::Hint)]);
        let near = problems(&text.replace("[\"mine\"]", "[\"mnie\"]"));
        assert!(near.len() == 1 && near[0].1.contains("did you mean `mine`?"), "{near:?}");
        let wrong = |text: &str| problems(text).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        let bad = wrong(&text.replace("(run_instruction)", "(nothing)"));
        assert_eq!(bad, ["\"mine\"", "\"(nothing) @here\""], "and there is no such rule to ignore");
        assert_eq!(
            wrong(&text.replace("message = \"m\"\n", "")).len(),
            2,
            "without it there is no such rule"
        );
        assert_eq!(wrong(&format!("{text}{}", &text[text.find("[[").unwrap()..])).len(), 1);
        assert_eq!(wrong("rule = 1\n"), ["1"]);
    }

    #[test]
    fn the_schema_has_the_keys_that_are_read() {
        let schema = schema();
        let keys = |value: &Value| -> Vec<String> {
            value["properties"].as_object().expect("properties").keys().cloned().collect()
        };
        assert_eq!(keys(&schema), [&KEYS[..], &[OVERRIDES, RULE]].concat());
        assert_eq!(keys(&schema["$defs"]["Override"]), [&[PATHS], &KEYS[..]].concat());
        assert_eq!(keys(&schema["$defs"]["RuleOptions"]), option_names());
        assert!(option_names().contains(&"trusted-registries".to_owned()));
    }
}
