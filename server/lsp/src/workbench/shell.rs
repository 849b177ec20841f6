//! ShellCheck, where the setting `shellcheck` is on: asked in the background once a document has settled, never for a
//! keystroke; what it said about a script before is shown at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use layerwise_analysis::{Diagnostic as Finding, shellcheck};
use layerwise_host::shellcheck::{Script, ShellCheck};

use super::view::View;

/// How long one round may take. What has no answer by then is asked for in the next.
const BUDGET: Duration = Duration::from_secs(30);

/// The setting `shellcheck`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Nothing is run.
    #[default]
    Off,
    /// The one in PATH.
    On,
    /// The program at an absolute path. A relative one could be the repository's.
    Program(PathBuf),
}

impl Choice {
    /// `off`, `on` or an absolute path; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Choice> {
        match text {
            "off" => Some(Choice::Off),
            "on" => Some(Choice::On),
            path => Some(PathBuf::from(path)).filter(|path| path.is_absolute()).map(Choice::Program),
        }
    }

    fn program(&self) -> Option<PathBuf> {
        match self {
            Choice::Off => None,
            Choice::On => Some(PathBuf::from("shellcheck")),
            Choice::Program(path) => Some(path.clone()),
        }
    }
}

/// The program, for all documents.
#[derive(Default)]
pub(crate) struct Shell {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The program that was looked for, and what was found.
    found: Option<(PathBuf, Option<Arc<ShellCheck>>)>,
    asking: bool,
    /// Somebody else had scripts to ask about meanwhile.
    again: bool,
}

impl Shell {
    /// The program of a choice, if it was found before. Runs nothing.
    fn known(&self, program: &PathBuf) -> Option<Arc<ShellCheck>> {
        let state = self.lock();
        state.found.as_ref().filter(|(looked_for, _)| looked_for == program)?.1.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for the program again when it is next needed: the settings changed.
    pub(crate) fn forget(&self) {
        self.lock().found = None;
    }

    /// Asks about scripts in the background, unless it is asking already, and calls `changed` when there is something new.
    fn ask(&self, program: PathBuf, scripts: Vec<Script>, changed: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        let found = state.found.as_ref().filter(|(looked_for, _)| *looked_for == program);
        let (looked, shellcheck) = (found.is_some(), found.and_then(|(_, found)| found.clone()));
        let unknown: Vec<Script> = scripts
            .into_iter()
            .filter(|script| shellcheck.as_ref().is_none_or(|program| program.known(script).is_none()))
            .collect();
        if unknown.is_empty() || (looked && shellcheck.is_none()) {
            return;
        }
        if std::mem::replace(&mut state.asking, true) {
            state.again = true;
            return;
        }
        let kept = Arc::clone(&self.state);
        let work = move || {
            let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
            let shellcheck = shellcheck.or_else(|| {
                let found = ShellCheck::find(&program).map_err(|why| tracing::info!("shellcheck: {why}"));
                let found = found.ok().map(Arc::new);
                lock().found = Some((program, found.clone()));
                found
            });
            let news = shellcheck.is_some_and(|program| {
                program.check(&unknown, Instant::now() + BUDGET);
                unknown.iter().any(|script| program.known(script).is_some())
            });
            let mut state = lock();
            state.asking = false;
            let again = std::mem::take(&mut state.again);
            drop(state);
            if news || again {
                changed();
            }
        };
        // Without a thread there is no answer, and it is tried again when the document has settled again.
        state.asking =
            std::thread::Builder::new().name("layerwise-shellcheck".to_owned()).spawn(work).is_ok();
    }
}

impl View {
    /// What ShellCheck said about the scripts of this text, and the rules' findings with it; `None` where it said nothing.
    pub(crate) fn with_shell(&self, findings: &[Finding]) -> Option<Vec<Finding>> {
        let program = self.own.shared.shell.known(&self.settings().shellcheck.program()?)?;
        if !shellcheck::is_wanted(&self.settings().selection) {
            return None;
        }
        let scripts = shellcheck::scripts(&self.file, self.evaluation()).into_iter();
        let answered: Vec<_> =
            scripts.filter_map(|script| Some((program.known(&asked(&script))??, script))).collect();
        let answered: Vec<_> = answered.into_iter().map(|(answer, script)| (script, answer)).collect();
        let found = shellcheck::diagnostics(&self.file, &self.settings().selection, &answered);
        if found.is_empty() {
            return None;
        }
        let mut all = findings.to_vec();
        shellcheck::merge(&mut all, found);
        Some(all)
    }

    /// Asks ShellCheck about what it does not know yet. Views made afterwards know of it.
    pub(crate) fn ask_shellcheck(&self) {
        let Some(program) = self.settings().shellcheck.program() else { return };
        if !shellcheck::is_wanted(&self.settings().selection) {
            return;
        }
        let scripts = shellcheck::scripts(&self.file, self.evaluation());
        let shared = Arc::downgrade(&self.own.shared);
        let changed = move || {
            if let Some(shared) = shared.upgrade() {
                shared.changed();
            }
        };
        self.own.shared.shell.ask(program, scripts.iter().map(asked).collect(), changed);
    }
}

fn asked(script: &shellcheck::ShellScript) -> Script {
    Script { dialect: script.dialect.as_str(), text: script.input.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting() {
        assert_eq!(Choice::parse("on"), Some(Choice::On));
        assert_eq!(Choice::parse("off"), Some(Choice::Off));
        let absolute = std::env::temp_dir().join("shellcheck");
        assert_eq!(Choice::parse(&absolute.to_string_lossy()), Some(Choice::Program(absolute)));
        for text in ["", "shellcheck", "./shellcheck", "bin/shellcheck"] {
            assert_eq!(Choice::parse(text), None, "{text}");
        }
        assert_eq!(Choice::default().program(), None);
    }
}
