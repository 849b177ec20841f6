//! `layerwise syntax`: what BuildKit's parser makes of a file.

use std::path::PathBuf;

use layerwise_host::fs::OsFs;
use layerwise_host::read::read_dockerfile;
use layerwise_syntax::{Block, Document, Form, Instruction, Keyword, Parsed, Placed, ProblemKind};
use serde::Serialize;

use crate::output::{Out, complain, note, shown};
use crate::parallel::in_order;
use crate::status::{self, Status};

/// Print the instructions of Dockerfiles as BuildKit's parser has them, one JSON object a line per file
///
/// Lines count from 1. `errors` is in the order in which BuildKit would meet them, so the first is the one that a build
/// reports; a file with errors still has all its instructions, and does not change the exit status.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Syntax {
    /// The Dockerfiles
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The output format
    #[arg(long, default_value = "json")]
    format: OnlyJson,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum OnlyJson {
    /// One JSON object a line per file
    Json,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    instructions: Vec<Node<'a>>,
    errors: Vec<Error>,
}

#[derive(Serialize)]
struct Node<'a> {
    start_line: usize,
    end_line: usize,
    keyword: String,
    flags: Vec<&'a str>,
    form: &'static str,
    args: Vec<&'a str>,
    heredocs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<Box<Node<'a>>>,
}

#[derive(Serialize, PartialEq, Eq, Debug)]
struct Error {
    line: usize,
    message: String,
}

impl Syntax {
    pub(crate) fn run(self) -> Status {
        let OnlyJson::Json = self.format;
        let mut out = Out::new();
        let mut status = Status::Good;
        let work = |path: &PathBuf| {
            let source = read_dockerfile(&OsFs, path).map_err(|error| error.to_string())?;
            let notes: Vec<String> =
                source.notes().into_iter().map(|n| format!("{}: {n}", path.display())).collect();
            Ok::<_, String>((json_line(&shown(path), &source.text), notes))
        };
        in_order(&self.files, work, |path, result| {
            match result {
                Some(Ok((line, notes))) => {
                    notes.iter().for_each(|n| note(n));
                    out.write(&line);
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
            !out.ended()
        });
        out.finish(status)
    }
}

/// The JSON object of a file, with a line feed at its end.
fn json_line(file: &str, text: &str) -> String {
    let document = Document::lines_only(text);
    let parsed = document.parsed();
    let instructions = parsed.instructions().map(|(placed, i)| node(i, placed)).collect();
    let object = File { file, instructions, errors: errors(parsed) };
    // Strings, numbers and lists of them: nothing that serialization could refuse.
    let mut line = serde_json::to_string(&object).unwrap_or_default();
    line.push('\n');
    line
}

fn node<'a>(instruction: &'a Instruction, placed: &Placed) -> Node<'a> {
    // BuildKit's parser makes one empty argument of what it does not know.
    let args = match instruction.kind() {
        None => vec![""],
        Some(_) => instruction.args().iter().map(|a| a.value.as_str()).collect(),
    };
    Node {
        start_line: placed.line + 1,
        end_line: placed.line + placed.lines,
        keyword: instruction.keyword().value.to_uppercase(),
        flags: instruction.flags().iter().map(|f| f.value.as_str()).collect(),
        form: match instruction.form() {
            Form::Words => "words",
            Form::Shell => "shell",
            Form::Exec => "exec",
        },
        args,
        heredocs: instruction.heredocs().iter().map(|h| h.name.as_str()).collect(),
        trigger: instruction.trigger().map(|t| Box::new(node(t, placed))),
    }
}

/// What BuildKit refuses: first what its parser does, then what its instructions do, each in file order.
fn errors(parsed: &Parsed) -> Vec<Error> {
    let mut found = Vec::new();
    if let Some(message) = parsed.file_problem() {
        found.push(Error { line: 1, message: message.to_owned() });
    }
    let blocks = parsed.layer().blocks();
    for block in blocks {
        if let Block::Directive(directive, _) = &block.block
            && let Some(message) = &directive.error
        {
            found.push(Error { line: block.line + 1, message: message.clone() });
        }
        found.extend(problems(block, ProblemKind::Parse));
    }
    let mut in_stage = false;
    for block in blocks {
        let Some(instruction) = block.instruction() else { continue };
        in_stage |= instruction.kind() == Some(Keyword::From);
        found.extend(problems(block, ProblemKind::Instruction));
        let fits = in_stage || instruction.kind() == Some(Keyword::Arg) || !instruction.is_valid();
        if !fits {
            let keyword = &instruction.keyword().value;
            let message =
                format!("{keyword} stands before the first FROM, where only ARG may; add a FROM above it.");
            found.push(Error { line: block.line + 1, message });
        }
    }
    found
}

fn problems(block: &Placed, kind: ProblemKind) -> impl Iterator<Item = Error> {
    let problems = block.instruction().map_or(&[][..], |i| i.problems());
    let line = block.line + 1;
    problems.iter().filter(move |p| p.kind == kind).map(move |p| Error { line, message: p.message.clone() })
}
