//! `layerwise check`: what is wrong with Dockerfiles.

use std::collections::BTreeSet;
use std::path::PathBuf;

use layerwise_analysis::{Diagnostic, Severity};
use layerwise_render::place::Lines;
use layerwise_render::report::Form;
use layerwise_render::text;

use crate::lint::{Linter, Rules, Target, notes, targets};
use crate::output::{Out, complain, note, shown};
use crate::parallel::in_order;
use crate::progress::Progress;
use crate::since::Since;
use crate::status::{self, Status};

/// Report what is wrong with Dockerfiles
///
/// Folders are searched for Dockerfile, Dockerfile.*, *.Dockerfile and Containerfile, what .gitignore names left out. A
/// file named here is checked whatever its name. Checks that need the build context take the nearest folder above the
/// Dockerfile in which everything that it copies exists.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Check {
    /// Dockerfiles, and folders to search for them; `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Pass the shell text of RUN, CMD, ENTRYPOINT and HEALTHCHECK to ShellCheck: the one in PATH, or the program named. Without
    /// this, nothing is run
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "shellcheck")]
    shellcheck: Option<PathBuf>,
    /// The name of the file whose text comes from standard input
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
    /// Report only what is found on lines that changed since a git revision; files that git does not keep are new
    #[arg(long, value_name = "GIT-REV")]
    since: Option<String>,
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
    /// The least severity for exit status 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
    /// Exit with status 1 if there are more warnings than this
    #[arg(long, value_name = "N")]
    max_warnings: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// An array of findings
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub Actions
    Github,
    /// A code quality report of GitLab
    Gitlab,
    /// Checkstyle's XML
    Checkstyle,
    /// JUnit's XML
    Junit,
}

impl Format {
    fn form(self) -> Option<Form> {
        Some(match self {
            Format::Text => return None,
            Format::Json => Form::Json,
            Format::Sarif => Form::Sarif,
            Format::Github => Form::Github,
            Format::Gitlab => Form::Gitlab,
            Format::Checkstyle => Form::Checkstyle,
            Format::Junit => Form::Junit,
        })
    }
}

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
    /// What stdout gets: text, or this file's part of a report.
    output: String,
    notes: Vec<String>,
    counts: Counts,
    /// The rules that found something.
    rules: BTreeSet<&'static str>,
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

    fn of_severity(&self, severity: Severity) -> usize {
        Counts::SEVERITIES.iter().zip(self.0).filter(|(s, _)| **s == severity).map(|(_, n)| n).sum()
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
        let (files, mut status) = targets(&self.paths, self.stdin_filename.as_deref());
        let linter = match Linter::new(&self.rules, &files) {
            Ok(linter) => linter.with_shellcheck(self.shellcheck.as_deref()),
            Err(message) => {
                complain(&message);
                return Status::Trouble;
            }
        };
        let since = self.since.as_deref().map(Since::new);
        let mut out = Out::new();
        let styled = out.styled();
        let form = self.format.form();
        let mut progress = Progress::new(files.len());
        let (mut counts, mut with_findings, mut checked, mut any) = (Counts::default(), 0, 0, false);
        let mut rules = BTreeSet::new();
        out.write(form.map_or("", Form::head));
        in_order(
            &files,
            |target| check(&linter, target, since.as_ref(), form, styled),
            |target, result| {
                progress.step();
                match result {
                    Some(Ok(found)) => {
                        if !found.notes.is_empty() || !found.output.is_empty() {
                            progress.clear();
                        }
                        found.notes.iter().for_each(|n| note(n));
                        checked += 1;
                        with_findings += usize::from(!found.rules.is_empty());
                        counts.add(found.counts);
                        rules.extend(found.rules);
                        if !found.output.is_empty() {
                            if any {
                                out.write(form.map_or("", Form::separator));
                            }
                            any = true;
                            out.write(&found.output);
                            if progress.is_shown() {
                                out.flush();
                            }
                        }
                    }
                    Some(Err(message)) => {
                        progress.clear();
                        if !message.is_empty() {
                            complain(&message);
                        }
                        status = Status::Trouble;
                    }
                    None => {
                        progress.clear();
                        let path = target.path.display();
                        complain(&format!("{path}: an error in layerwise itself; please report it"));
                        status = Status::Trouble;
                    }
                }
                // Without a reader the work goes on for the sake of the exit status.
                true
            },
        );
        progress.clear();
        let files = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
        match form {
            Some(form) => out.write(&form.tail(any, &rules)),
            None if checked == 0 => {}
            None if with_findings == 0 => out.write(&format!("Nothing found in {}.\n", files(checked))),
            None => {
                let found = counts.words();
                out.write(&format!("Found {found} in {with_findings} of {}.\n", files(checked)));
            }
        }
        let too_many = self.max_warnings.is_some_and(|max| counts.of_severity(Severity::Warning) > max);
        if too_many || counts.any(|s| self.fail_on.includes(s)) {
            status = status.max(Status::Findings);
        }
        out.finish(status)
    }
}

fn check(
    linter: &Linter,
    target: &Target,
    since: Option<&Since>,
    form: Option<Form>,
    styled: bool,
) -> Result<Checked, String> {
    let changed = since.map(|since| since.changed(&target.path)).transpose()?;
    if matches!(changed, Some(crate::since::Changed::Nothing)) && !target.stdin {
        return Ok(Checked {
            output: String::new(),
            notes: Vec::new(),
            counts: Counts::default(),
            rules: BTreeSet::new(),
        });
    }
    let linted = linter.check(target)?;
    let mut found = linted.found;
    let lines = Lines::new(&linted.source.text);
    if let Some(new) = changed.as_ref().and_then(|changed| changed.lines(lines.text())) {
        found.retain(|d| {
            let first = lines.line_of(d.range.start);
            let last = lines.line_of(d.range.end.saturating_sub(1).max(d.range.start));
            let at = new.partition_point(|range| range.end <= first);
            new.get(at).is_some_and(|range| range.start <= last)
        });
    }
    let name = shown(&target.path);
    let output = match form {
        None => text::findings(&name, &lines, &found, styled),
        Some(form) => form.part(&name, &lines, &found),
    };
    let mut notes = notes(target, &linted.source);
    notes.extend(linted.note.map(|note| format!("{name}: {note}")));
    let rules = found.iter().map(|d| d.rule).collect();
    Ok(Checked { output, notes, counts: Counts::of(&found), rules })
}
