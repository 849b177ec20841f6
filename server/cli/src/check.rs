//! `layerwise check`: what is wrong with Dockerfiles.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use layerwise_analysis::check::{Checker, Input, SYNTAX, Selection, needs_context};
use layerwise_analysis::{Diagnostic, Severity, rules, shellcheck};
use layerwise_host::context::{Limits, lexical};
use layerwise_host::contexts::Contexts;
use layerwise_host::find::dockerfiles_below;
use layerwise_host::fs::OsFs;
use layerwise_host::read::read_dockerfile;
use layerwise_host::shellcheck::{Script, ShellCheck};
use layerwise_model::{Evaluation, File};
use layerwise_render::place::Lines;
use layerwise_render::{json, text};
use layerwise_syntax::{Parsed, suggest};

use crate::eval::{evaluate, every_stage};
use crate::offers::{CONTEXT_BUDGET, find_context};
use crate::output::{Format, Out, complain, note, shown};
use crate::parallel::in_order;
use crate::status::{self, Status};

/// Report what is wrong with Dockerfiles
///
/// Folders are searched for Dockerfile, Dockerfile.*, *.Dockerfile and Containerfile, what .gitignore names left out. A
/// file named here is checked whatever its name. Checks that need the build context take the nearest folder above the
/// Dockerfile in which everything that it copies exists.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Check {
    /// Dockerfiles, and folders to search for them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Run these rules only (names or codes, those of other tools too); ALL runs every rule there is
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Leave out all that needs the build context
    #[arg(long)]
    no_context: bool,
    /// Pass the shell text of RUN, CMD, ENTRYPOINT and HEALTHCHECK to ShellCheck: the one in PATH, or the program named. Without
    /// this, nothing is run
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "shellcheck")]
    shellcheck: Option<PathBuf>,
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
    /// The least severity for exit status 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
}

/// How long ShellCheck may take for one file.
const SHELLCHECK_BUDGET: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, clap::ValueEnum)]
enum FailOn {
    /// What the build fails on, or does not do as the file says
    Error,
    /// Probable mistakes, too
    Warning,
    /// Matters of style and information, too
    Info,
    /// Anything
    Hint,
    /// Nothing: status 1 is never given
    Never,
}

impl FailOn {
    fn includes(self, severity: Severity) -> bool {
        match self {
            FailOn::Error => severity >= Severity::Error,
            FailOn::Warning => severity >= Severity::Warning,
            FailOn::Info => severity >= Severity::Info,
            FailOn::Hint => true,
            FailOn::Never => false,
        }
    }
}

/// What came of one file.
struct Checked {
    /// What stdout gets: text, or the elements of the JSON array.
    output: String,
    notes: Vec<String>,
    counts: Counts,
}

/// Findings by severity.
#[derive(Clone, Copy, Default)]
struct Counts([usize; 4]);

impl Counts {
    const SEVERITIES: [Severity; 4] = [Severity::Error, Severity::Warning, Severity::Info, Severity::Hint];

    fn of(diagnostics: &[Diagnostic]) -> Counts {
        Counts(Counts::SEVERITIES.map(|s| diagnostics.iter().filter(|d| d.severity == s).count()))
    }

    fn add(&mut self, other: Counts) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    fn any(&self, included: impl Fn(Severity) -> bool) -> bool {
        Counts::SEVERITIES.iter().zip(self.0).any(|(s, n)| n > 0 && included(*s))
    }

    /// `2 errors and 1 warning`.
    fn words(&self) -> String {
        let parts: Vec<String> = Counts::SEVERITIES
            .iter()
            .zip(self.0)
            .filter(|(_, n)| *n > 0)
            .map(|(s, n)| match (s, n) {
                (Severity::Info, n) => format!("{n} info"),
                (s, 1) => format!("1 {}", s.as_str()),
                (s, n) => format!("{n} {}s", s.as_str()),
            })
            .collect();
        match parts.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
        }
    }
}

impl Check {
    pub(crate) fn run(self) -> Status {
        let selection = match selection(&self.select) {
            Ok(selection) => selection,
            Err(message) => {
                complain(&message);
                return Status::Trouble;
            }
        };
        // Whoever has no ShellCheck gets everything else.
        let program = match self.shellcheck.as_deref().filter(|_| shellcheck::is_wanted(&selection)) {
            Some(choice) => {
                ShellCheck::find(choice).map_err(|why| note(&format!("--shellcheck: {why}"))).ok()
            }
            None => None,
        };
        let (files, mut status) = targets(&self.paths);
        let mut out = Out::new();
        let contexts = Contexts::new(OsFs, Limits::default(), CONTEXT_BUDGET);
        let styled = out.styled();
        let work = |path: &PathBuf| {
            let contexts = (!self.no_context).then_some(&contexts);
            check(path, &selection, contexts, program.as_ref(), self.format, styled)
        };
        let (mut counts, mut with_findings, mut checked, mut first) = (Counts::default(), 0, 0, true);
        in_order(&files, work, |path, result| {
            match result {
                Some(Ok(found)) => {
                    found.notes.iter().for_each(|n| note(n));
                    checked += 1;
                    with_findings += usize::from(!found.output.is_empty());
                    counts.add(found.counts);
                    if self.format == Format::Json && !found.output.is_empty() {
                        out.write(if first { "[\n" } else { ",\n" });
                        first = false;
                    }
                    out.write(&found.output);
                }
                Some(Err(message)) => {
                    complain(&message);
                    status = Status::Trouble;
                }
                None => {
                    complain(&format!("{}: an error in layerwise itself; please report it", path.display()));
                    status = Status::Trouble;
                }
            }
            // Without a reader the work goes on for the sake of the exit status.
            true
        });
        let files = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
        match self.format {
            Format::Json => out.write(if first { "[]\n" } else { "\n]\n" }),
            Format::Text if checked == 0 => {}
            Format::Text if with_findings == 0 => {
                out.write(&format!("Nothing found in {}.\n", files(checked)));
            }
            Format::Text => {
                let found = counts.words();
                out.write(&format!("Found {found} in {with_findings} of {}.\n", files(checked)));
            }
        }
        if counts.any(|s| self.fail_on.includes(s)) {
            status = status.max(Status::Findings);
        }
        out.finish(status)
    }
}

/// The rules that `--select` names.
fn selection(names: &[String]) -> Result<Selection, String> {
    let mut selection = Selection::default();
    for name in names.iter().map(|n| n.trim()).filter(|n| !n.is_empty()) {
        if name == "ALL" {
            selection.all = true;
            continue;
        }
        let other =
            SYNTAX.is_called(name) || shellcheck::SHELLCHECK.is_called(name) || shellcheck::is_code(name);
        if !other && !rules::all().iter().any(|r| r.meta.is_called(name)) {
            let names = rules::all().iter().flat_map(|r| [r.meta.name, r.meta.code]);
            let hint = suggest::search(name, names, false)
                .map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            return Err(format!("--select: there is no rule `{name}`{hint}"));
        }
        selection.only.push(name.to_owned());
    }
    if selection.all {
        selection.only.clear();
    }
    Ok(selection)
}

/// The files that the paths stand for, each once, in order; and whether all could be looked at.
fn targets(paths: &[PathBuf]) -> (Vec<PathBuf>, Status) {
    let (mut files, mut status) = (Vec::new(), Status::Good);
    let mut seen = HashSet::new();
    for path in paths {
        if !path.is_dir() {
            files.extend(seen.insert(lexical(path)).then(|| path.clone()));
            continue;
        }
        let found = dockerfiles_below(path);
        for error in &found.errors {
            complain(error);
            status = Status::Trouble;
        }
        if found.files.is_empty() && found.errors.is_empty() {
            note(&format!("{}: no Dockerfile in this folder or below", path.display()));
        }
        files.extend(found.files.into_iter().filter(|file| seen.insert(lexical(file))));
    }
    (files, status)
}

fn check(
    path: &Path,
    selection: &Selection,
    contexts: Option<&Contexts<OsFs>>,
    program: Option<&ShellCheck>,
    format: Format,
    styled: bool,
) -> Result<Checked, String> {
    let source = read_dockerfile(&OsFs, path).map_err(|error| error.to_string())?;
    let file = File::new(Parsed::new(&source.text));
    let eval = evaluate(&file, &every_stage());
    let context = contexts
        .filter(|_| needs_context(&file, selection))
        .and_then(|contexts| find_context(contexts, path, &eval));
    let shown_path = path.to_str();
    let input = Input { file: &file, eval: &eval, context: context.as_ref(), selection, path: shown_path };
    let mut found = Checker::default().check(&input);
    let mut notes: Vec<String> = source.notes();
    if let Some(program) = program {
        notes.extend(check_shell(program, &file, &eval, selection, &mut found));
    }
    if !source.is_exact() {
        // They are edits of a text that is not the file's.
        found.iter_mut().for_each(|d| d.fixes.clear());
    }
    let lines = Lines::new(&source.text);
    let name = shown(path);
    let output = match format {
        Format::Text => text::findings(&name, &lines, &found, styled),
        Format::Json => {
            json::elements(&found.iter().map(|d| json::finding(&name, &lines, d)).collect::<Vec<_>>())
        }
    };
    let notes = notes.into_iter().map(|n| format!("{name}: {n}")).collect();
    Ok(Checked { output, notes, counts: Counts::of(&found) })
}

/// Adds what ShellCheck finds in a file's scripts. Gives what the user should know: how many it had no answer for.
fn check_shell(
    program: &ShellCheck,
    file: &File,
    eval: &Evaluation,
    selection: &Selection,
    found: &mut Vec<Diagnostic>,
) -> Option<String> {
    let scripts = shellcheck::scripts(file, eval);
    let asked: Vec<Script> =
        scripts.iter().map(|s| Script { dialect: s.dialect.as_str(), text: s.input.clone() }).collect();
    let answers = program.check(&asked, Instant::now() + SHELLCHECK_BUDGET);
    let missing = answers.iter().filter(|answer| answer.is_none()).count();
    let answered: Vec<_> =
        scripts.into_iter().zip(answers).filter_map(|(script, answer)| Some((script, answer?))).collect();
    shellcheck::merge(found, shellcheck::diagnostics(file, selection, &answered));
    (missing > 0).then(|| format!("ShellCheck gave no answer for {missing} of {} scripts.", asked.len()))
}
