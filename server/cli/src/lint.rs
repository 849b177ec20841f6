//! What `check` and `fix` share: which files, which rules, and what is found in one of them.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use layerwise_analysis::check::{Checker, Input, Selection, needs_context};
use layerwise_analysis::config::unknown_rule;
use layerwise_analysis::fix_all::{Fixed, Fixing, fix_all};
use layerwise_analysis::{Diagnostic, shellcheck};
use layerwise_host::context::{Limits, lexical};
use layerwise_host::contexts::Contexts;
use layerwise_host::find::dockerfiles_below;
use layerwise_host::fs::OsFs;
use layerwise_host::read::{MAX_DOCKERFILE, Source, decode, read_dockerfile};
use layerwise_host::shellcheck::{Script, ShellCheck};
use layerwise_model::images::WellKnown;
use layerwise_model::{Context, Evaluation, File, Options};
use layerwise_syntax::Parsed;

use crate::configs::{ConfigFlags, Configs};
use crate::eval::{evaluate, every_stage};
use crate::offers::{CONTEXT_BUDGET, find_context};
use crate::output::{complain, note, shown};
use crate::status::Status;

/// How long ShellCheck may take for one file.
const SHELLCHECK_BUDGET: Duration = Duration::from_secs(60);

/// Which rules run, and with what.
#[derive(clap::Args)]
pub(crate) struct Rules {
    /// Run these rules only (names or codes, those of other tools and of your own rules too); ALL runs every rule there is
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Leave out all that needs the build context
    #[arg(long)]
    no_context: bool,
    #[command(flatten)]
    config: ConfigFlags,
}

/// One Dockerfile that was named or found.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its path; of standard input what `--stdin-filename` says.
    pub(crate) path: PathBuf,
    /// Whether its text is that of standard input.
    pub(crate) stdin: bool,
}

/// What was found in a file.
pub(crate) struct Linted {
    pub(crate) source: Source,
    pub(crate) found: Vec<Diagnostic>,
    /// What the user should know of how it was found.
    pub(crate) note: Option<String>,
}

/// Finds and fixes with the rules and contexts of one run.
pub(crate) struct Linter {
    selection: Selection,
    contexts: Option<Contexts<OsFs>>,
    configs: Configs,
    shellcheck: Option<ShellCheck>,
    /// Configurations that were found wrong: each is said once.
    wrong: Mutex<HashSet<String>>,
}

/// A file parsed and evaluated, with its context if a rule wants it.
struct Loaded {
    file: File,
    eval: Evaluation,
    context: Option<Context>,
    selection: Selection,
    options: Options,
}

impl Linter {
    /// Finds and fixes in these files. The error is a message for the user: a rule was named that is neither ours nor of a
    /// configuration of one of them.
    pub(crate) fn new(rules: &Rules, files: &[Target]) -> Result<Linter, String> {
        let contexts = (!rules.no_context).then(|| Contexts::new(OsFs, Limits::default(), CONTEXT_BUDGET));
        let configs = rules.config.configs();
        let selection = selection(rules);
        let mut linter = Linter { selection, contexts, configs, shellcheck: None, wrong: Mutex::default() };
        linter.known("--select", &linter.selection.only, files)?;
        linter.known("--ignore", &linter.selection.except, files)?;
        if linter.selection.all {
            linter.selection.only.clear();
        }
        Ok(linter)
    }

    /// An error if a flag names a rule that is neither ours nor in the configuration of one of the files.
    fn known(&self, flag: &str, names: &[String], files: &[Target]) -> Result<(), String> {
        let no_own: [&str; 0] = [];
        let mut strange = names.iter().filter(|name| unknown_rule(name, &no_own).is_some()).peekable();
        if strange.peek().is_none() {
            return Ok(());
        }
        let mut own = BTreeSet::new();
        for file in files {
            // What is wrong with a configuration is said when its files are looked at; what it names is not known.
            let Ok(told) = self.configs.of(&file.path) else { return Ok(()) };
            own.extend(told.settled.selection.user_rules.iter().map(|rule| rule.name()));
        }
        let own: Vec<&str> = own.into_iter().collect();
        match strange.find_map(|name| unknown_rule(name, &own)) {
            None => Ok(()),
            Some(message) => {
                Err(format!("{flag}: there{}", message.strip_prefix("There").unwrap_or(&message)))
            }
        }
    }

    /// The same with ShellCheck, in PATH or at the place named. Whoever has none gets everything else.
    pub(crate) fn with_shellcheck(self, choice: Option<&Path>) -> Linter {
        let choice = choice.filter(|_| shellcheck::is_wanted(&self.selection));
        let found = choice
            .map(|choice| ShellCheck::find(choice).map_err(|why| note(&format!("--shellcheck: {why}"))));
        Linter { shellcheck: found.and_then(Result::ok), ..self }
    }

    /// What is wrong with a file. Fixes of a text that is not the file's are left out.
    pub(crate) fn check(&self, target: &Target) -> Result<Linted, String> {
        let source = read(target)?;
        let loaded = self.load(target, &source)?;
        let input = Input {
            file: &loaded.file,
            eval: &loaded.eval,
            context: loaded.context.as_ref(),
            selection: &loaded.selection,
            path: target.path.to_str(),
        };
        let mut found = Checker::default().check(&input);
        let program = self.shellcheck.as_ref().filter(|_| shellcheck::is_wanted(&loaded.selection));
        let note = program.and_then(|program| check_shell(program, &loaded, &mut found));
        if !source.is_exact() {
            found.iter_mut().for_each(|d| d.fixes.clear());
        }
        Ok(Linted { source, found, note })
    }

    /// A file after all its fixes.
    pub(crate) fn fix(&self, target: &Target, suggestions: bool) -> Result<(Source, Fixed), String> {
        let source = read(target)?;
        let loaded = self.load(target, &source)?;
        let fixed = fix_all(
            &source.text,
            &Fixing {
                selection: &loaded.selection,
                context: loaded.context.as_ref(),
                path: target.path.to_str(),
                options: &loaded.options,
                images: &WellKnown,
                suggestions,
            },
        );
        Ok((source, fixed))
    }

    /// The error is a message for the user; empty if it was said of another file already.
    fn load(&self, target: &Target, source: &Source) -> Result<Loaded, String> {
        let told = self.configs.of(&target.path).map_err(|message| {
            let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
            if wrong.insert(message.clone()) { message } else { String::new() }
        })?;
        let selection = self.selection.over(&told.settled.selection);
        let options = Options { target: told.settled.target, ..every_stage() };
        let file = File::new(Parsed::new(&source.text));
        let eval = evaluate(&file, &options);
        let context = match &self.contexts {
            Some(contexts) if needs_context(&file, &selection) => match &told.context {
                Some(root) => Some(contexts.of(root, &target.path)),
                None => find_context(contexts, &target.path, &eval),
            },
            _ => None,
        };
        Ok(Loaded { file, eval, context, selection, options })
    }
}

/// Adds what ShellCheck finds in a file's scripts. Gives what the user should know: how many it had no answer for.
fn check_shell(program: &ShellCheck, loaded: &Loaded, found: &mut Vec<Diagnostic>) -> Option<String> {
    let scripts = shellcheck::scripts(&loaded.file, &loaded.eval);
    let asked: Vec<Script> =
        scripts.iter().map(|s| Script { dialect: s.dialect.as_str(), text: s.input.clone() }).collect();
    let answers = program.check(&asked, Instant::now() + SHELLCHECK_BUDGET);
    let missing = answers.iter().filter(|answer| answer.is_none()).count();
    let answered: Vec<_> =
        scripts.into_iter().zip(answers).filter_map(|(script, answer)| Some((script, answer?))).collect();
    shellcheck::merge(found, shellcheck::diagnostics(&loaded.file, &loaded.selection, &answered));
    (missing > 0).then(|| format!("ShellCheck gave no answer for {missing} of {} scripts.", asked.len()))
}

fn read(target: &Target) -> Result<Source, String> {
    let source = if target.stdin {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(MAX_DOCKERFILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| format!("standard input: cannot be read: {error}"))?;
        if bytes.len() as u64 > MAX_DOCKERFILE {
            return Err(format!(
                "standard input: too large for a Dockerfile (more than {} MiB)",
                MAX_DOCKERFILE >> 20
            ));
        }
        decode(bytes)
    } else {
        read_dockerfile(&OsFs, &target.path).map_err(|error| error.to_string())?
    };
    Ok(source)
}

/// The rules that `--select` and `--ignore` name.
fn selection(rules: &Rules) -> Selection {
    let names = |names: &[String]| -> Vec<String> {
        names.iter().map(|n| n.trim()).filter(|n| !n.is_empty()).map(str::to_owned).collect()
    };
    let mut selection =
        Selection { only: names(&rules.select), except: names(&rules.ignore), ..Selection::default() };
    selection.all = selection.only.iter().any(|name| name == "ALL");
    selection
}

/// The files that the paths stand for, each once, in order; and whether all could be looked at. `-` is standard input,
/// which has the name `stdin`.
pub(crate) fn targets(paths: &[PathBuf], stdin: Option<&Path>) -> (Vec<Target>, Status) {
    let (mut files, mut status) = (Vec::new(), Status::Good);
    let mut seen = HashSet::new();
    for path in paths {
        if path == Path::new("-") {
            if !files.iter().any(|t: &Target| t.stdin) {
                let path = stdin.map_or_else(|| PathBuf::from("<stdin>"), Path::to_path_buf);
                files.push(Target { path, stdin: true });
            }
            continue;
        }
        if !path.is_dir() {
            let new = seen.insert(lexical(path));
            files.extend(new.then(|| Target { path: path.clone(), stdin: false }));
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
        let new = found.files.into_iter().filter(|file| seen.insert(lexical(file)));
        files.extend(new.map(|path| Target { path, stdin: false }));
    }
    (files, status)
}

/// What the user should know of a file's bytes.
pub(crate) fn notes(target: &Target, source: &Source) -> Vec<String> {
    let name = shown(&target.path);
    source.notes().into_iter().map(|n| format!("{name}: {n}")).collect()
}
