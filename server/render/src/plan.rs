//! The plan as JSON and as text for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Color, Style};
use layerwise_analysis::cost::ImageEstimate;
use layerwise_analysis::plan::{Cause, Contents, Link, Plan, State, Step, Summary};
use serde_json::{Value, json};

use crate::figures::{self, figure_json, price_json};

/// The version of the JSON form; it changes when a field changes its meaning.
pub const JSON_VERSION: u32 = 1;

/// How many links of a step's chain the JSON form has: those of all steps together would be the square of the file's length.
const MAX_LINKS: usize = 64;

/// How many causes the text form names before it counts the rest.
const MAX_CAUSES: usize = 3;

/// What a plan is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The Dockerfile, as the user named it.
    pub dockerfile: String,
    /// The build context, as the user named it; `None` if it is not known.
    pub context: Option<String>,
    /// `--target`; `None` for the last stage.
    pub target: Option<String>,
    /// The engine whose cache is meant: `buildkit`.
    pub engine: String,
    /// What the plan is compared with, in words: `HEAD`, `nothing (a cold build)`, a file.
    pub before: String,
    /// What kind of thing that is.
    pub baseline: Baseline,
    /// When the build before ran, as RFC 3339; `None` if that is not known.
    pub when: Option<String>,
    /// What is in the cache.
    pub cache: Contents,
}

impl About {
    /// Whose cache is meant and what is in it, in words.
    pub(crate) fn cache_words(&self) -> String {
        match self.cache {
            Contents::Local => format!("cache of {}", self.engine),
            Contents::Min | Contents::Max => {
                format!("cache of {}, imported with mode={}", self.engine, self.cache.as_str())
            }
            Contents::Nothing => format!("{} with an empty cache", self.engine),
        }
    }
}

/// What kind of thing a plan is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// A build that is known to have run.
    Build,
    /// A git revision.
    Head,
    /// The state in which an editor opened the file.
    Opened,
    /// What the flags of the command line name.
    Given,
    /// Nothing: a cold build.
    #[default]
    None,
}

impl Baseline {
    /// The name in JSON: `build`, `head`, `opened`, `given`, `none`.
    pub fn as_str(self) -> &'static str {
        match self {
            Baseline::Build => "build",
            Baseline::Head => "head",
            Baseline::Opened => "opened",
            Baseline::Given => "given",
            Baseline::None => "none",
        }
    }
}

/// The JSON form:
/// `{"version", "dockerfile", "context", "target", "engine", "before", "steps": [...], "summary": {...}, "price": {...}, "image": {...}}`.
/// Lines count from 1. A step is `{"line", "end_line", "stage", "instruction", "state", "because", "missing", "price"}`, with
/// `"triggers"` for ONBUILD only. Prices are those that [`layerwise_analysis::cost::price`] put into the plan.
pub fn to_json(plan: &Plan, about: &About) -> Value {
    let summary = plan.summary();
    json!({
        "version": JSON_VERSION,
        "dockerfile": about.dockerfile,
        "context": about.context,
        "target": about.target,
        "engine": about.engine,
        "before": about.before,
        "baseline": baseline_json(about),
        "cache": about.cache.as_str(),
        "steps": plan.steps.iter().map(|step| step_json(step, plan)).collect::<Vec<_>>(),
        "summary": summary_json(&summary),
        "price": price_json(&plan.price),
        "image": plan.image.as_ref().map_or(Value::Null, image_json),
    })
}

/// `{"cached", "rebuilt", "depends", "metadata", "not_built"}`: how many steps are in each state.
pub fn summary_json(summary: &Summary) -> Value {
    json!({
        "cached": summary.cached,
        "rebuilt": summary.rebuilt,
        "depends": summary.depends,
        "metadata": summary.metadata,
        "not_built": summary.not_built,
    })
}

/// What the plan is compared with: `{"kind", "name", "when"}`.
pub fn baseline_json(about: &About) -> Value {
    json!({ "kind": about.baseline.as_str(), "name": about.before, "when": about.when })
}

fn step_json(step: &Step, plan: &Plan) -> Value {
    let mut value = json!({
        "line": step.line,
        "end_line": step.end_line,
        "stage": step.stage,
        "instruction": step.instruction,
        "state": step.state.as_str(),
        "because": step.because.iter().map(cause_json).collect::<Vec<_>>(),
        "chain": chain_json(step, plan),
        "missing": step.missing,
        "price": price_json(&step.price),
    });
    if !step.triggers.is_empty() {
        let triggers = step.triggers.iter().map(|t| {
            json!({
                "line": t.line,
                "stage": t.stage,
                "state": t.state.as_str(),
                "because": t.because.iter().map(cause_json).collect::<Vec<_>>(),
            })
        });
        value["triggers"] = triggers.collect();
    }
    value
}

pub(crate) fn chain_json(step: &Step, plan: &Plan) -> Value {
    let link = |link: &Link| json!({ "line": link.line, "because": link.because.as_ref().map(cause_json) });
    plan.first_links(step, MAX_LINKS).iter().map(link).collect()
}

/// The image in JSON: `{"bytes": F, "pull_seconds": F, "parts": [{"line", "what", "bytes": F}], "orphaned": [{"line",
/// "deleted_at", "what", "bytes": F}]}`.
pub fn image_json(image: &ImageEstimate) -> Value {
    let parts =
        image.parts.iter().map(|p| json!({ "line": p.line, "what": p.what, "bytes": figure_json(p.bytes) }));
    let orphaned = image.orphaned.iter().map(|o| {
        json!({
            "line": o.line,
            "deleted_at": o.deleted_at,
            "what": o.what,
            "bytes": figure_json(Some(o.bytes)),
        })
    });
    json!({
        "bytes": figure_json(image.bytes),
        "pull_seconds": figure_json(image.pull_seconds),
        "parts": parts.collect::<Vec<_>>(),
        "orphaned": orphaned.collect::<Vec<_>>(),
    })
}

/// The image in words: `image ~90 MB, pulled in ~7 s; 20 MB of it are deleted too late to count (line 6)`; empty if its
/// size is not known. "At least" where some of its parts are not known.
pub fn image_text(image: &ImageEstimate) -> String {
    let Some(bytes) = image.bytes else { return String::new() };
    let least = if image.parts.iter().any(|p| p.bytes.is_none()) { "at least " } else { "" };
    let mut text = format!("image {least}{}", figures::bytes(bytes));
    if let Some(seconds) = image.pull_seconds {
        let _ = write!(text, ", pulled in {}", figures::seconds(seconds));
    }
    if let Some(orphaned) = image.orphaned_bytes() {
        let mut lines: Vec<String> = image.orphaned.iter().map(|o| o.deleted_at.to_string()).collect();
        lines.dedup();
        let more = lines.len().saturating_sub(MAX_CAUSES);
        lines.truncate(MAX_CAUSES);
        if more > 0 {
            lines.push(format!("{more} more"));
        }
        let word = if lines.len() == 1 { "line" } else { "lines" };
        let lines = lines.join(", ");
        let _ = write!(
            text,
            "; {} of it deleted or replaced too late ({word} {lines})",
            figures::bytes(orphaned)
        );
    }
    text
}

pub(crate) fn cause_json(cause: &Cause) -> Value {
    match cause {
        Cause::Line(line) => json!({ "line": line }),
        Cause::File(file) => json!({ "file": file }),
        Cause::BuildArg(name) => json!({ "build_arg": name }),
        Cause::Image(reference) => json!({ "image": reference }),
        Cause::Remote(url) => json!({ "remote": url }),
        Cause::Target(name) => json!({ "target": name }),
        Cause::NotInCache => json!({ "not_in_cache": true }),
    }
}

/// A cause in words, for a step of the plan.
pub fn cause_text(cause: &Cause, step: &Step, plan: &Plan) -> String {
    // Steps are in file order, and no two begin on one line.
    let at =
        |line: &usize| plan.steps.binary_search_by_key(line, |s| s.line).ok().and_then(|i| plan.steps.get(i));
    let runs = |line: &usize| at(line).is_some_and(Step::runs);
    // The layer below in the same stage, or below the stage.
    let depends = |line: &usize| at(line).is_some_and(|s| s.state == State::Depends && s.stage == step.stage);
    let text = match cause {
        Cause::Line(line) if *line == step.line => "this instruction was edited".to_owned(),
        Cause::Line(line) if step.state == State::Depends && depends(line) => {
            format!("if line {line} runs again")
        }
        Cause::Line(line) if step.state == State::Depends => {
            format!("if the step at line {line} comes out different")
        }
        Cause::Line(line) if runs(line) => format!("line {line} runs again"),
        Cause::Line(line) => format!("line {line} changes it"),
        Cause::File(file) => format!("{file} changes"),
        Cause::BuildArg(name) => format!("build argument {name} changes"),
        Cause::Image(reference) if step.state == State::Depends => format!("if {reference} is another image"),
        Cause::Image(reference) => format!("another base image: {reference}"),
        Cause::Remote(url) => format!("if {url} serves something else"),
        Cause::Target(name) => format!("only target {name} builds it"),
        Cause::NotInCache => "its result is not in the cache".to_owned(),
    };
    clean(&text)
}

/// The text with control characters shown as stand-ins: a Dockerfile must not drive the terminal.
pub(crate) fn clean(text: &str) -> String {
    annotate_snippets::normalize_untrusted_str(text)
}

/// "2 of 9 steps rebuild, 1 depends: ~48 s, ~120 MB": the plan in a few words. Steps are those that make a vertex; the price
/// is that of the steps that are rebuilt, left out where it is not known.
pub fn headline(plan: &Plan) -> String {
    let summary = plan.summary();
    let steps = summary.cached + summary.rebuilt + summary.depends;
    let rebuild = if summary.rebuilt == 1 { "rebuilds" } else { "rebuild" };
    let mut text = match summary.rebuilt {
        0 => format!("none of {steps} steps rebuilds"),
        rebuilt => format!("{rebuilt} of {steps} steps {rebuild}"),
    };
    if summary.depends > 0 {
        let _ =
            write!(text, ", {} {}", summary.depends, if summary.depends == 1 { "depends" } else { "depend" });
    }
    let price = figures::price(&plan.price);
    if summary.rebuilt > 0 && !price.is_empty() {
        let _ = write!(text, ": {price}");
    }
    text
}

/// The text form, stage by stage, with the cause at each step. Styled with ANSI escapes; write it through a stream that
/// drops them where there is no terminal. `width` is the terminal's, in columns.
pub fn to_text(plan: &Plan, about: &About, width: usize) -> String {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let mut out = String::new();
    let _ = write!(out, "{bold}{}{bold:#}", clean(&about.dockerfile));
    let mut facts = Vec::new();
    facts.push(match &about.context {
        Some(context) => format!("context {context}"),
        None => "context unknown".to_owned(),
    });
    facts.extend(about.target.as_ref().map(|t| format!("target {t}")));
    facts.push(format!("compared with {}", about.before));
    facts.push(about.cache_words());
    let _ = writeln!(out, "  {dim}{}{dim:#}", clean(&facts.join(", ")));
    let _ = writeln!(out, "{}", headline(plan));
    let image = plan.image.as_ref().map(image_text).unwrap_or_default();
    if !image.is_empty() {
        let _ = writeln!(out, "{dim}{image}{dim:#}");
    }
    let digits = plan.steps.last().map_or(1, |s| s.line.to_string().len());
    let mut stage: Option<&Option<String>> = None;
    for step in &plan.steps {
        if stage != Some(&step.stage) {
            stage = Some(&step.stage);
            let name = step.stage.as_deref().unwrap_or("before the first FROM");
            let _ = writeln!(out, "\n{bold}{}{bold:#}", clean(name));
        }
        step_text(&mut out, plan, step, digits, width);
    }
    out
}

fn step_text(out: &mut String, plan: &Plan, step: &Step, digits: usize, width: usize) {
    let (sign, word, style) = look(step.state);
    let dim = Style::new().dimmed();
    let lead = 2 + 1 + 1 + 9 + 1 + digits + 2;
    // Only what may run has a price worth reading.
    let price = match step.state {
        State::Rebuilt | State::Depends => figures::price(&step.price),
        _ => String::new(),
    };
    let gap = if price.is_empty() { "" } else { "  " };
    let room = width.saturating_sub(lead + gap.len() + price.chars().count()).max(24);
    let instruction = shorten(&step.instruction, room);
    let quiet = matches!(step.state, State::Metadata | State::NotBuilt);
    let text_style = if quiet { dim } else { Style::new() };
    let _ = writeln!(
        out,
        "  {style}{sign} {word:<9}{style:#} {dim}{:>digits$}{dim:#}  {text_style}{instruction}{text_style:#}{gap}{dim}{price}{dim:#}",
        step.line
    );
    let indent = " ".repeat(lead);
    if !step.because.is_empty() {
        let mut causes: Vec<String> =
            step.because.iter().take(MAX_CAUSES).map(|c| cause_text(c, step, plan)).collect();
        let more = step.because.len().saturating_sub(MAX_CAUSES);
        if more > 0 {
            causes.push(format!("{more} more"));
        }
        let _ = writeln!(out, "{indent}{style}{}{style:#}", causes.join("; "));
    }
    for source in &step.missing {
        let red = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red))).bold();
        let _ =
            writeln!(out, "{indent}{red}{} is not in the context: this step will fail{red:#}", clean(source));
    }
    for trigger in &step.triggers {
        let (sign, word, style) = look(trigger.state);
        let _ = writeln!(
            out,
            "{indent}{style}{sign} {word}{style:#} when {} starts at line {}",
            clean(&trigger.stage),
            trigger.line
        );
    }
}

/// Sign, word and colour of a state; the sign tells them apart without colour.
pub(crate) fn look(state: State) -> (char, &'static str, Style) {
    let colour = |c| Style::new().fg_color(Some(Color::Ansi(c)));
    match state {
        State::Cached => ('=', "cached", colour(AnsiColor::Green)),
        State::Rebuilt => ('!', "rebuilt", colour(AnsiColor::Red).bold()),
        State::Depends => ('?', "depends", colour(AnsiColor::Yellow)),
        State::Metadata => ('.', "metadata", Style::new().dimmed()),
        State::NotBuilt => ('-', "not built", Style::new().dimmed()),
    }
}

/// One line of at most `room` characters, white space collapsed.
pub(crate) fn shorten(text: &str, room: usize) -> String {
    let line = clean(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() <= room {
        return line;
    }
    line.chars().take(room.saturating_sub(3)).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use layerwise_analysis::cost::{Figure, Orphan, Part, Price};

    use super::*;

    fn step(line: usize, state: State, because: Vec<Cause>) -> Step {
        Step {
            number: line - 1,
            line,
            end_line: line,
            stage: Some("build".to_owned()),
            instruction: format!("RUN step {line}"),
            state,
            because,
            missing: Vec::new(),
            triggers: Vec::new(),
            price: Price::default(),
        }
    }

    fn example() -> (Plan, About) {
        let plan = Plan {
            steps: vec![
                step(1, State::Cached, Vec::new()),
                step(2, State::Rebuilt, vec![Cause::File("src/a.c".to_owned())]),
                step(3, State::Rebuilt, vec![Cause::Line(2)]),
                step(4, State::Metadata, Vec::new()),
            ],
            ..Plan::default()
        };
        let about = About {
            dockerfile: "Dockerfile".to_owned(),
            context: Some(".".to_owned()),
            target: None,
            engine: "buildkit".to_owned(),
            before: "HEAD".to_owned(),
            ..About::default()
        };
        (plan, about)
    }

    #[test]
    fn json_has_the_documented_shape() {
        let (plan, about) = example();
        let json = to_json(&plan, &about);
        assert_eq!(json["version"], 1);
        assert_eq!(json["summary"]["rebuilt"], 2);
        assert_eq!(json["summary"]["not_built"], 0);
        assert_eq!(json["steps"][1]["because"], json!([{ "file": "src/a.c" }]));
        assert_eq!(json["steps"][3]["state"], "metadata");
        assert!(json["steps"][0].get("triggers").is_none());
        assert!(json["target"].is_null());
    }

    #[test]
    fn prices_stand_at_the_steps_that_run_and_in_the_headline() {
        let (mut plan, about) = example();
        let price = Price { seconds: Some(Figure::estimate(23.0)), bytes: Some(Figure::measured(1_200.0)) };
        plan.steps[0].price = price;
        plan.steps[1].price = price;
        plan.price = price;
        let text = anstream::adapter::strip_str(&to_text(&plan, &about, 80)).to_string();
        assert!(text.contains("2 of 3 steps rebuild: ~20 s, 1.2 kB\n"), "{text}");
        assert!(text.contains("RUN step 2  ~20 s, 1.2 kB\n"), "{text}");
        assert!(text.contains("RUN step 1\n"), "a cached step costs nothing: {text}");
        let json = to_json(&plan, &about);
        let expected = json!({
            "seconds": { "value": 23, "measured": false },
            "bytes": { "value": 1_200, "measured": true },
        });
        assert_eq!((&json["price"], &json["steps"][1]["price"]), (&expected, &expected));
        assert!(json["steps"][2]["price"]["seconds"].is_null());
    }

    #[test]
    fn the_image_is_one_line() {
        let (mut plan, about) = example();
        let bytes = |mb: f64| Figure::estimate(mb * 1e6);
        let orphan = |at| Orphan { line: 2, deleted_at: at, what: "/a".to_owned(), bytes: bytes(10.0) };
        let mut image = ImageEstimate {
            bytes: Some(bytes(90.0)),
            parts: vec![Part { line: 1, what: "base", bytes: Some(bytes(78.0)) }],
            orphaned: Vec::new(),
            pull_seconds: Some(Figure::estimate(7.2)),
        };
        assert_eq!(image_text(&image), "image ~90 MB, pulled in ~7 s");
        image.orphaned = vec![orphan(3), orphan(3), orphan(4)];
        assert_eq!(
            image_text(&image),
            "image ~90 MB, pulled in ~7 s; ~30 MB of it deleted or replaced too late (lines 3, 4)"
        );
        image.orphaned.clear();
        image.parts.push(Part { line: 2, what: "run", bytes: None });
        assert_eq!(image_text(&image), "image at least ~90 MB, pulled in ~7 s");
        plan.image = Some(image);
        let json = &to_json(&plan, &about)["image"];
        assert_eq!(json["bytes"], json!({ "value": 90_000_000, "measured": false }));
        assert_eq!(json["parts"][1], json!({ "line": 2, "what": "run", "bytes": null }));
        assert!(to_text(&plan, &about, 80).contains("image at least ~90 MB"));
    }

    #[test]
    fn text_says_why() {
        let (plan, about) = example();
        let text = to_text(&plan, &about, 80);
        assert!(text.contains("2 of 3 steps rebuild"), "{text}");
        assert!(text.contains("src/a.c changes"), "{text}");
        assert!(text.contains("line 2 runs again"), "{text}");
    }

    #[test]
    fn a_dockerfile_cannot_drive_the_terminal() {
        let (mut plan, mut about) = example();
        let odd = "x\u{1b}[2J\u{8}\u{202e}y".to_owned();
        let step = &mut plan.steps[1];
        (step.instruction, step.stage) = (odd.clone(), Some(odd.clone()));
        (step.because, step.missing) = (vec![Cause::File(odd.clone())], vec![odd.clone()]);
        about.before = odd;
        let text = anstream::adapter::strip_str(&to_text(&plan, &about, 80)).to_string();
        assert!(!text.contains(['\u{1b}', '\u{8}', '\u{202e}']), "{text:?}");
        assert!(!to_text(&plan, &about, 80).contains("\u{1b}[2J"));
    }

    #[test]
    fn long_instructions_are_cut_at_characters() {
        assert_eq!(shorten("RUN é  日本語 x", 40), "RUN é 日本語 x");
        assert_eq!(shorten("abcdefghij", 8), "abcde...");
    }
}
