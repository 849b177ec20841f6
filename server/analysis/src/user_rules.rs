//! A user's own rules: a tree-sitter query with predicates, a message and a severity. docs/user-rules.md has examples.
//!
//! The query is asked of one instruction at a time: in the Dockerfile's tree, or in that of its shell script. Its predicates
//! (`#eq?`, `#match?`, `#any-of?`, their `#not-` forms) are those of tree-sitter's own bindings; `#match?` takes a regular
//! expression of the crate `regex`, whose time is linear in the text. The work for one instruction is bounded.

use std::fmt;
use std::ops::{ControlFlow, Range};

use layerwise_model::File;
use layerwise_syntax::Placed;
use layerwise_syntax::queries::{Grammar, compile_for};
use layerwise_syntax::tree_sitter::{
    Node, Query, QueryCursor, QueryCursorOptions, QueryMatch, StreamingIterator,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Selection;
use crate::diagnostic::{Diagnostic, Severity};
use crate::names::{Name, interned};
use crate::rules::page;

/// The longest query, in bytes.
const MAX_QUERY: usize = 16 << 10;

/// How many states of a query may be open at once; tree-sitter gives up the oldest beyond that.
const MATCH_LIMIT: u32 = 64;

/// How deep below its instruction a match may begin.
const MAX_DEPTH: u32 = 100;

/// How many findings a rule may have in one instruction, and in one file.
const MAX_IN_INSTRUCTION: usize = 100;
const MAX_IN_FILE: usize = 1_000;

/// How often tree-sitter may report progress on one instruction, and on one file, before it is stopped. It reports every
/// hundred steps or so; a step is at most a node for each state that is open.
const MAX_PROGRESS: usize = 500;
const MAX_PROGRESS_IN_FILE: usize = 5_000;

/// How many matches of one instruction are looked at: many of them may have the same place.
const MAX_MATCHES: usize = 1_000;

/// How much of a capture's text a message shows, in characters.
const MAX_SHOWN: usize = 100;

/// The capture that says where a finding stands.
const HERE: &str = "here";

/// A rule as the configuration has it, under `[[rule]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UserRule {
    /// Its name, such as `no-root-tools`: lower-case letters, digits and dashes, and no name of a rule that there is.
    pub name: String,
    /// A tree-sitter query. What `@here` captures is the place of a finding; without it, the first capture is.
    pub query: String,
    /// What a finding says. `{name}` stands for the text of the capture `@name`.
    pub message: String,
    /// How much a finding matters.
    #[serde(default)]
    pub severity: UserSeverity,
    /// Which tree the query is asked of.
    #[serde(default)]
    pub language: UserLanguage,
}

/// How much the findings of a user's rule matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserSeverity {
    /// The build fails, or does not do what the file says.
    Error,
    /// Probably a mistake.
    #[default]
    Warning,
    /// A matter of style or information.
    Info,
    /// Worth knowing.
    Hint,
}

impl From<UserSeverity> for Severity {
    fn from(severity: UserSeverity) -> Severity {
        match severity {
            UserSeverity::Error => Severity::Error,
            UserSeverity::Warning => Severity::Warning,
            UserSeverity::Info => Severity::Info,
            UserSeverity::Hint => Severity::Hint,
        }
    }
}

/// The tree that a query is asked of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserLanguage {
    /// An instruction, in the grammar tree-sitter-containerfile.
    #[default]
    Dockerfile,
    /// The shell script of RUN, CMD, ENTRYPOINT or HEALTHCHECK, in the grammar tree-sitter-bash.
    Shell,
}

/// Why a rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRuleError {
    /// The key of the rule that is wrong: `name`, `query` or `message`.
    pub key: &'static str,
    /// Where in the query, in bytes of its text; `None` where it is about the value as a whole.
    pub offset: Option<usize>,
    /// What is wrong, as a sentence; for a place in the query with its line and column, from 1.
    pub message: String,
}

impl fmt::Display for UserRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A rule that can run.
pub struct CompiledRule {
    source: UserRule,
    name: Name,
    query: Query,
    /// The number of the capture `@here`, if there is one.
    here: Option<u32>,
}

/// Two rules are equal when they were written the same.
impl PartialEq for CompiledRule {
    fn eq(&self, other: &CompiledRule) -> bool {
        self.source == other.source
    }
}

impl Eq for CompiledRule {}

impl fmt::Debug for CompiledRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl UserRule {
    /// Makes a rule that can run.
    ///
    /// # Errors
    /// What is wrong, and where: a name that is taken or has other characters, a query that is no query of this grammar, that
    /// has an unknown predicate or captures nothing, an empty message.
    pub fn compile(self) -> Result<CompiledRule, UserRuleError> {
        let wrong = |key, offset, message: String| Err(UserRuleError { key, offset, message });
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(letters) {
            let message = "The name of a rule has 1 to 64 lower-case letters, digits and dashes.".to_owned();
            return wrong("name", None, message);
        }
        if !page::named(&self.name).is_empty() {
            return wrong(
                "name",
                None,
                format!("`{}` is the name of a rule that there is; take another.", self.name),
            );
        }
        if self.message.trim().is_empty() {
            return wrong(
                "message",
                None,
                "The message is empty; say what is wrong and what to do.".to_owned(),
            );
        }
        if self.query.len() > MAX_QUERY {
            return wrong("query", None, "The query has more than 16 KiB.".to_owned());
        }
        let grammar = match self.language {
            UserLanguage::Dockerfile => Grammar::Dockerfile,
            UserLanguage::Shell => Grammar::Shell,
        };
        let query = match compile_for(grammar, &self.query) {
            Ok(query) => query,
            Err(error) => {
                let what = error.to_string();
                let what = what.lines().last().unwrap_or_default().trim();
                let at = error.offset.min(self.query.len());
                return wrong("query", Some(at), placed(&self.query, at, what));
            }
        };
        for pattern in 0..query.pattern_count() {
            let start = query.start_byte_for_pattern(pattern);
            let unknown =
                query.general_predicates(pattern).first().map(|predicate| predicate.operator.as_ref());
            let unknown = unknown.or_else(|| query.property_predicates(pattern).first().map(|_| "is?"));
            if let Some(operator) = unknown {
                let at = self.query.get(start..).and_then(|rest| rest.find(&format!("#{operator}")));
                let at = start + at.unwrap_or_default();
                let what = format!(
                    "There is no predicate `#{operator}`; there are `#eq?`, `#match?`, `#any-of?` and `#not-eq?`, `#not-match?`, `#not-any-of?`."
                );
                return wrong("query", Some(at), placed(&self.query, at, &what));
            }
        }
        let Some(name) = interned(&self.name) else {
            return wrong("name", None, "There are too many rules.".to_owned());
        };
        if query.capture_names().is_empty() {
            let what = "The query captures nothing; write `@here` behind what is wrong.";
            return wrong("query", None, what.to_owned());
        }
        let here = query.capture_index_for_name(HERE);
        Ok(CompiledRule { source: self, name, query, here })
    }
}

/// A message about a place in a query.
fn placed(query: &str, at: usize, what: &str) -> String {
    let before = query.get(..at).unwrap_or(query);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("Line {line}, column {column} of the query: {what}")
}

impl CompiledRule {
    /// The rule's name.
    pub fn name(&self) -> &'static str {
        self.name.0
    }

    /// The rule as it was written.
    pub fn source(&self) -> &UserRule {
        &self.source
    }

    /// Whether it runs: it was not left out, and it was chosen, or no others were.
    pub fn is_wanted(&self, selection: &Selection) -> bool {
        let named = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(self.name.0));
        let chosen = |name: &String| name.eq_ignore_ascii_case("default") || name.eq_ignore_ascii_case("all");
        !named(&selection.except)
            && (selection.only.is_empty()
                || named(&selection.only)
                || named(&selection.also)
                || selection.only.iter().any(chosen))
    }

    /// What it finds in a file, in order; at most 100 findings in an instruction and 1,000 in all. Ranges are bytes of the
    /// document.
    pub fn check(&self, file: &File) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut left = MAX_PROGRESS_IN_FILE;
        for (_, placed, _) in file.all() {
            match self.source.language {
                UserLanguage::Dockerfile => self.ask_dockerfile(file, placed, &mut left, &mut found),
                UserLanguage::Shell => self.ask_shell(placed, &mut left, &mut found),
            }
            if found.len() >= MAX_IN_FILE {
                found.truncate(MAX_IN_FILE);
                break;
            }
        }
        found
    }

    fn ask_dockerfile(&self, file: &File, placed: &Placed, left: &mut usize, found: &mut Vec<Diagnostic>) {
        let parsed = file.parsed();
        let Some(root) = parsed.node(placed) else { return };
        let range = |node: Node<'_>| root.range(node);
        let text = |node: Node<'_>| parsed.text().slice(root.range(node)).into_owned();
        self.ask(root.node(), &text, &range, left, found);
    }

    fn ask_shell(&self, placed: &Placed, left: &mut usize, found: &mut Vec<Diagnostic>) {
        let Some(instruction) = placed.instruction() else { return };
        let Some(script) = instruction.trigger().unwrap_or(instruction).script() else { return };
        let range = |node: Node<'_>| {
            let range = script.source_range(node.byte_range());
            placed.start + range.start..placed.start + range.end
        };
        let text = |node: Node<'_>| script.text().get(node.byte_range()).unwrap_or_default().to_owned();
        self.ask(script.root(), &text, &range, left, found);
    }

    fn ask(
        &self,
        root: Node<'_>,
        text: &dyn Fn(Node<'_>) -> String,
        range: &dyn Fn(Node<'_>) -> Range<usize>,
        left: &mut usize,
        found: &mut Vec<Diagnostic>,
    ) {
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(MATCH_LIMIT);
        cursor.set_max_start_depth(Some(MAX_DEPTH));
        let allowed = MAX_PROGRESS.min(*left);
        let mut reports = 0;
        let mut progress = |_: &_| {
            reports += 1;
            if reports > allowed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let provider = |node: Node<'_>| std::iter::once(text(node).into_bytes());
        let mut matches = cursor.matches_with_options(&self.query, root, provider, options);
        let first = found.len();
        let mut looked_at = 0;
        while let Some(one) = matches.next() {
            looked_at += 1;
            if looked_at > MAX_MATCHES {
                break;
            }
            let captures = one.captures();
            let here = captures.iter().find(|capture| Some(capture.index) == self.here).or(captures.first());
            // A pattern of several may capture nothing.
            let Some(here) = here else { continue };
            let place = range(here.node);
            if place.is_empty() || found[first..].iter().any(|other| other.range == place) {
                continue;
            }
            found.push(self.diagnostic(place, self.message(one, text)));
            if found.len() - first >= MAX_IN_INSTRUCTION {
                break;
            }
        }
        drop(matches);
        *left = left.saturating_sub(reports);
        found[first..].sort_by_key(|diagnostic| (diagnostic.range.start, diagnostic.range.end));
    }

    /// The message, the texts of captures put in.
    fn message(&self, found: &QueryMatch<'_, '_>, text: &dyn Fn(Node<'_>) -> String) -> String {
        let mut message = String::with_capacity(self.source.message.len());
        let mut rest = self.source.message.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            message.push_str(before);
            let named = behind.split_once('}').and_then(|(name, behind)| {
                let index = self.query.capture_index_for_name(name)?;
                Some((found.captures().iter().find(|capture| capture.index == index), behind))
            });
            rest = match named {
                Some((capture, behind)) => {
                    let shown = capture.map(|capture| text(capture.node)).unwrap_or_default();
                    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
                    message.extend(words.chars().take(MAX_SHOWN));
                    behind
                }
                None => {
                    message.push('{');
                    behind
                }
            };
        }
        message.push_str(rest);
        message
    }

    fn diagnostic(&self, range: Range<usize>, message: String) -> Diagnostic {
        let (name, names) = self.name;
        Diagnostic {
            range,
            rule: name,
            code: name,
            severity: self.source.severity.into(),
            message,
            equivalents: names,
            related: Vec::new(),
            fixes: Vec::new(),
            unnecessary: false,
            deprecated: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use layerwise_model::images::WellKnown;
    use layerwise_model::{Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::check::{Checker, Input};

    fn rule(query: &str, message: &str, language: UserLanguage) -> UserRule {
        UserRule {
            name: "a-rule".to_owned(),
            query: query.to_owned(),
            message: message.to_owned(),
            severity: UserSeverity::default(),
            language,
        }
    }

    fn all(selection: &Selection, text: &str) -> Vec<Diagnostic> {
        let file = File::new(Parsed::new(text));
        let eval = evaluate(&file, &Options { all_stages: true, ..Options::default() }, &WellKnown);
        let mut checker = Checker::default();
        checker.check(&Input { file: &file, eval: &eval, context: None, selection, path: None })
    }

    fn found(rule: &UserRule, text: &str) -> Vec<(String, String)> {
        let compiled = rule.clone().compile().expect("a rule");
        let mut found = compiled.check(&File::new(Parsed::new(text)));
        assert!(found.iter().all(|d| d.rule == "a-rule" && d.severity == Severity::Warning));
        found.drain(..).map(|d| (text[d.range].to_owned(), d.message)).collect()
    }

    fn pair(place: &str, message: &str) -> (String, String) {
        (place.to_owned(), message.to_owned())
    }

    #[test]
    fn predicates_choose() {
        let text = "FROM debian:12\nFROM alpine:3\nFROM corp/alpine\n";
        for (predicate, expected) in [
            ("#eq? @name \"debian\"", vec!["debian"]),
            ("#not-eq? @name \"debian\"", vec!["alpine", "corp/alpine"]),
            ("#match? @name \"^corp/\"", vec!["corp/alpine"]),
            ("#not-match? @name \"^corp/\"", vec!["debian", "alpine"]),
            ("#any-of? @name \"debian\" \"alpine\"", vec!["debian", "alpine"]),
            ("#not-any-of? @name \"debian\" \"alpine\"", vec!["corp/alpine"]),
        ] {
            let query = format!("((image_spec name: (image_name) @name) ({predicate}))");
            let places: Vec<String> = found(&rule(&query, "x", UserLanguage::Dockerfile), text)
                .into_iter()
                .map(|(place, _)| place)
                .collect();
            assert_eq!(places, expected, "{predicate}");
        }
    }

    #[test]
    fn the_place_is_here_and_the_message_has_the_captures() {
        let rule = rule(
            "((from_instruction (image_spec name: (image_name) @name) @here) (#eq? @name \"debian\"))",
            "`{name}` of {nobody} {",
            UserLanguage::Dockerfile,
        );
        assert_eq!(
            found(&rule, "ARG a\nFROM debian:12 AS x\n"),
            [pair("debian:12", "`debian` of {nobody} {")]
        );
    }

    #[test]
    fn scripts_can_be_asked() {
        let rule = rule(
            "((command name: (command_name) @here) (#eq? @here \"sudo\"))",
            "No `{here}`.",
            UserLanguage::Shell,
        );
        let text =
            "FROM a\nRUN x && \\\n  sudo y\nRUN <<EOF\nsudo é\nEOF\nONBUILD RUN sudo z\nRUN [\"sudo\"]\n";
        assert_eq!(found(&rule, text), vec![pair("sudo", "No `sudo`."); 3]);
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let error = |query: &str| {
            let error = rule(query, "x", UserLanguage::Dockerfile).compile().expect_err(query);
            assert_eq!(error.key, "query");
            (error.offset, error.message)
        };
        let (at, message) = error("(image_spec\n  (nothing) @here)");
        assert_eq!(at, Some(15), "{message}");
        assert!(message.starts_with("Line 2, column 4 of the query: "), "{message}");
        assert_eq!(error("(image_spec").0.map(|at| at <= 11), Some(true));
        let (at, message) = error("((image_spec) @here (#maybe? @here))");
        assert_eq!(at, Some(21), "{message}");
        assert!(message.contains("`#maybe?`"), "{message}");
        assert!(error("((image_spec) @here (#match? @here \"(\"))").0.is_some());
        assert!(error("(image_spec)").1.contains("captures nothing"));
        assert!(error(&"(image_spec) @here ".repeat(1000)).1.contains("16 KiB"));
        let named = |name: &str| {
            let rule =
                UserRule { name: name.to_owned(), ..rule("(image_spec) @a", "x", UserLanguage::Dockerfile) };
            rule.compile().map(|rule| rule.name()).map_err(|error| error.key)
        };
        assert_eq!(named("my-rule-1"), Ok("my-rule-1"));
        for name in ["", "Upper", "a b", "stage-name-casing", "shellcheck", "syntax-error"] {
            assert_eq!(named(name), Err("name"), "{name}");
        }
        assert_eq!(
            rule("(image_spec) @a", " ", UserLanguage::Dockerfile).compile().map_err(|error| error.key),
            Err("message")
        );
    }

    #[test]
    fn they_run_beside_the_others() {
        let compiled = rule("(image_spec) @here", "x", UserLanguage::Dockerfile).compile().expect("a rule");
        let selection = Selection { user_rules: vec![Arc::new(compiled)], ..Selection::default() };
        let count = |selection: &Selection, text: &str| {
            all(selection, text).iter().filter(|d| d.rule == "a-rule").count()
        };
        assert_eq!(count(&selection, "FROM a:1\n"), 1);
        assert_eq!(count(&selection, "# layerwise ignore=a-rule\nFROM a:1\n"), 0);
        let only = |name: &str| Selection { only: vec![name.to_owned()], ..selection.clone() };
        assert_eq!(count(&only("a-rule"), "FROM a:1\n"), 1);
        assert_eq!(count(&only("E003"), "FROM a:1\n"), 0);
        let except = Selection { except: vec!["a-rule".to_owned()], ..selection.clone() };
        assert_eq!(count(&except, "FROM a:1\n"), 0);
        assert_eq!(count(&selection.over(&Selection::default()), "FROM a:1\n"), 1);
        assert_eq!(all(&selection, "FROM a:1\n")[0].url(), None);
    }

    #[test]
    fn the_work_is_bounded() {
        let rule = rule("((word)* @a (word)* @b (word)* @c (word)* @d)", "x", UserLanguage::Shell);
        let many = format!("FROM a\nRUN echo{}\n", " word".repeat(3_000));
        let compiled = rule.compile().expect("a rule");
        assert!(compiled.check(&File::new(Parsed::new(&many))).len() <= MAX_IN_INSTRUCTION);
        let file = format!("FROM a\n{}", "RUN echo a b\n".repeat(2_000));
        assert!(compiled.check(&File::new(Parsed::new(&file))).len() <= MAX_IN_FILE);
    }

    /// The examples of docs/user-rules.md: each finds what is marked, and nothing else.
    #[test]
    fn the_documented_examples_work() {
        #[derive(Deserialize)]
        struct Rules {
            rule: Vec<UserRule>,
        }
        let page = include_str!("../../../docs/user-rules.md").replace("\r\n", "\n");
        let blocks: Vec<&str> = page.split("\n```").collect();
        let of = |language: &str| -> Vec<&str> {
            blocks.iter().filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
        };
        let (rules, files) = (of("toml"), of("dockerfile"));
        assert_eq!((rules.len(), files.len()), (3, 3));
        for (toml, annotated) in rules.into_iter().zip(files) {
            let rules: Rules = toml::from_str(toml).expect("a table");
            let [source] = <[UserRule; 1]>::try_from(rules.rule).expect("one rule");
            let text: String =
                annotated.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("#>")).collect();
            let expected: Vec<&str> =
                annotated.lines().filter_map(|line| line.trim().strip_prefix("#> ")).collect();
            let compiled = source.compile().expect("a rule that compiles");
            let found = compiled.check(&File::new(Parsed::new(&text)));
            let messages: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
            assert_eq!(messages, expected, "{toml}");
            // Each note stands below the line of its finding.
            for (diagnostic, note) in found.iter().zip(&expected) {
                let line = text[..diagnostic.range.start].matches('\n').count();
                let noted =
                    annotated.lines().position(|l| l.trim() == format!("#> {note}")).unwrap_or_default();
                let notes =
                    annotated.lines().take(noted).filter(|l| l.trim_start().starts_with("#>")).count();
                assert_eq!(line + 1, noted - notes, "{note}");
            }
        }
    }
}
