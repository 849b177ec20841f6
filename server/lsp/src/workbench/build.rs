//! One build that was or could be, ready to be compared, and the command that makes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use layerwise_analysis::plan::Side;
use layerwise_model::graph::{Contexts, Graph, Previous, graph_again};
use layerwise_model::images::WellKnown;
use layerwise_model::{Content, Context, EntryKind, Evaluation, File, Options, evaluate_again};
use layerwise_syntax::ProblemKind;

use crate::engine::BuildCommand;

/// A Dockerfile, how it is built, and what follows from that.
pub(crate) struct Build {
    pub(crate) file: File,
    pub(crate) options: Options,
    pub(crate) context: Option<Arc<Context>>,
    pub(crate) eval: Evaluation,
    pub(crate) graph: Graph,
}

impl Build {
    /// `previous` is a build of an earlier text, for what did not change since.
    pub(crate) fn new(
        file: File,
        options: Options,
        context: Option<Arc<Context>>,
        previous: Option<&Build>,
    ) -> Build {
        let eval = evaluate_again(&file, &options, &WellKnown, previous.map(|p| &p.eval));
        let contexts = Contexts { main: context.as_deref(), named: None };
        let known = previous.map(|p| Previous { eval: &p.eval, options: &p.options, graph: &p.graph });
        let graph = graph_again(&file, &eval, &options, contexts, known);
        Build { file, options, context, eval, graph }
    }

    /// The side of a comparison.
    pub(crate) fn side(&self) -> Side<'_> {
        Side {
            file: &self.file,
            eval: &self.eval,
            graph: &self.graph,
            context: self.context.as_deref(),
            options: &self.options,
        }
    }
}

/// Why BuildKit would refuse the file before its first step; `None` if it would not.
pub(crate) fn refused(file: &File) -> Option<String> {
    if let Some(message) = file.parsed().file_problem() {
        return Some(message.to_owned());
    }
    for kind in [ProblemKind::Parse, ProblemKind::Instruction] {
        for (number, _, instruction) in file.all() {
            if let Some(problem) = instruction.problems().iter().find(|p| p.kind == kind) {
                return Some(format!("line {}: {}", file.line(number), problem.message));
            }
        }
    }
    file.stages().is_empty().then(|| "there is no FROM, so there is nothing to build".to_owned())
}

/// Gives the Dockerfile in the context, if it is there, the bytes of this one: a build reads it as the editor will have
/// saved it.
pub(crate) fn with_dockerfile(mut context: Arc<Context>, file: &File) -> Arc<Context> {
    let Some(path) = context.dockerfile.clone() else { return context };
    let Some(entry) = context.get(&path).filter(|e| e.kind == EntryKind::File) else { return context };
    let text = file.parsed().text();
    let mut hasher = blake3::Hasher::new();
    text.chunks().for_each(|chunk| {
        hasher.update(chunk.as_bytes());
    });
    let content = Content::Hash(*hasher.finalize().as_bytes());
    if entry.content != content {
        let size = text.len() as u64;
        if let Some(entry) = Arc::make_mut(&mut context).entries.get_mut(path.as_str()) {
            (entry.content, entry.size) = (content, size);
        }
    }
    context
}

/// The command that builds stage `index` of a Dockerfile. Paths are relative to `cwd` where they lie below it.
pub(crate) fn command(
    file: &File,
    index: usize,
    options: &Options,
    platform: bool,
    dockerfile: &Path,
    context: &Path,
    cwd: Option<PathBuf>,
) -> BuildCommand {
    let name = file.stages().get(index).and_then(|stage| stage.name.clone());
    let target = name.unwrap_or_else(|| index.to_string());
    let mut argv = vec!["docker".to_owned(), "build".to_owned()];
    if platform {
        argv.extend(["--platform".to_owned(), options.platform.format_all()]);
    }
    for (name, value) in &options.build_args {
        argv.extend(["--build-arg".to_owned(), format!("{name}={value}")]);
    }
    argv.extend(["--target".to_owned(), target.clone()]);
    let shown = |path: &Path| {
        let below = cwd.as_deref().and_then(|cwd| path.strip_prefix(cwd).ok());
        let shown = below.unwrap_or(path).display().to_string();
        // An argument that looks like an option is one.
        match shown.as_str() {
            "" => ".".to_owned(),
            _ if shown.starts_with('-') => format!("./{shown}"),
            _ => shown,
        }
    };
    argv.extend(["-f".to_owned(), shown(dockerfile), shown(context)]);
    let line = argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    BuildCommand { argv, line, cwd, target }
}

/// A word as a POSIX shell takes it for itself.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Parsed;

    use super::*;

    #[test]
    fn a_command_line_says_what_the_arguments_say() {
        let file = File::new(Parsed::new("FROM a AS Build\nFROM b\n"));
        let mut options = Options::default();
        options.build_args.insert("NOTE".to_owned(), "it's $HOME".to_owned());
        let at = |index| {
            let cwd = Some("/w".into());
            command(&file, index, &options, false, "/w/my app/Dockerfile".as_ref(), "/w".as_ref(), cwd)
        };
        let first = at(0);
        assert_eq!(
            first.line,
            r"docker build --build-arg 'NOTE=it'\''s $HOME' --target build -f 'my app/Dockerfile' ."
        );
        assert_eq!(first.argv[3], "NOTE=it's $HOME");
        assert_eq!(at(1).target, "1");
    }

    #[test]
    fn a_folder_is_no_option() {
        let file = File::new(Parsed::new("FROM a\n"));
        let cwd = Some("/w".into());
        let found = command(&file, 0, &Options::default(), false, "/w/--x".as_ref(), "/v".as_ref(), cwd);
        assert_eq!(found.argv[4..], ["-f", "./--x", "/v"]);
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        for (text, why) in [
            ("FROM a\nRUN b\n", None),
            ("RUN b\n", Some("no build stage")),
            ("FROM a\nCOPY x\n", Some("line 2")),
        ] {
            let found = refused(&File::new(Parsed::new(text)));
            assert_eq!(found.is_some(), why.is_some(), "{text}: {found:?}");
        }
    }
}
