//! Simple commands, with the wrappers in front of them taken off and their flags told from their operands.

use std::ops::Range;

use layerwise_syntax::Instruction;
use layerwise_syntax::shell::{Script, ShellWord, SimpleCommand};
use layerwise_syntax::tree_sitter::Node;

/// A word behind the name of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its value if the shell expands nothing in it, else its text as written.
    pub text: String,
    /// Whether `text` is its value.
    pub literal: bool,
    /// Where it stands in the instruction's source, quotes included.
    pub range: Range<usize>,
}

impl Argument {
    /// Whether it starts with a dash and is more than that.
    pub fn is_flag(&self) -> bool {
        self.text.len() > 1 && self.text.starts_with('-')
    }
}

/// A simple command without its wrappers: of `sudo -E env A=1 apt-get update` it is `apt-get update`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program without its directory; empty where the shell computes it or there are assignments only.
    pub name: String,
    /// The program as written, and where it stands in the instruction's source.
    pub program: Argument,
    /// The words behind it.
    pub args: Vec<Argument>,
    /// The wrappers in front of it, by name, outermost first: `sudo`, `env`.
    pub wrappers: Vec<String>,
    /// Assignments in front of it, as written: `A=1`. Those of `env` count.
    pub assignments: Vec<Argument>,
    /// Redirections, as written: `> file`, `2>&1`.
    pub redirects: Vec<Argument>,
    /// The whole command in the instruction's source, wrappers and redirections included.
    pub range: Range<usize>,
    /// The same in the script's text; `0..0` for an exec form.
    pub script_range: Range<usize>,
    /// Whether it stands at the top level of its script, in an and-chain or list, and not in a pipeline, a subshell, a
    /// substitution, a condition, a loop or a function.
    pub top_level: bool,
    /// Whether it is an exec form: no shell expands its words, and edits must keep the JSON.
    pub exec: bool,
}

/// Commands joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Where it stands in the instruction's source.
    pub range: Range<usize>,
    /// The same in the script's text.
    pub script_range: Range<usize>,
}

impl Command {
    /// Whether a flag is given: a long one (`--yes`, `--yes=x`, and `-yes` where a program takes that) by its name, or a short
    /// one of a single letter, also among others (`-yq`).
    pub fn has_flag(&self, names: &[&str]) -> bool {
        self.flag(names).is_some()
    }

    /// The first argument that gives one of these flags; see [`Self::has_flag`].
    pub fn flag(&self, names: &[&str]) -> Option<&Argument> {
        self.args.iter().take_while(|arg| arg.text != "--").find(|arg| {
            let text = arg.text.as_str();
            if let Some(long) = text.strip_prefix("--") {
                let name = long.split_once('=').map_or(long, |(name, _)| name);
                return names.iter().any(|n| n.len() > 1 && *n == name);
            }
            let Some(short) = text.strip_prefix('-').filter(|s| !s.is_empty()) else { return false };
            let letters = short.split_once('=').map_or(short, |(letters, _)| letters);
            names.iter().any(|n| if n.len() == 1 { letters.contains(n) } else { *n == letters })
        })
    }

    /// The value of the first of these flags: what stands behind its `=`, or the next word.
    pub fn flag_value(&self, names: &[&str]) -> Option<&str> {
        let at =
            self.flag(names).and_then(|flag| self.args.iter().position(|arg| arg.range == flag.range))?;
        match self.args[at].text.split_once('=') {
            Some((_, value)) => Some(value),
            None => self.args.get(at + 1).map(|arg| arg.text.as_str()),
        }
    }

    /// The arguments that are no flags. A flag's value that is a word of its own counts as one.
    pub fn operands(&self) -> impl Iterator<Item = &Argument> {
        self.args.iter().filter(|arg| !arg.is_flag())
    }

    /// The operands, without the values of the flags named.
    pub fn operands_without<'a>(&'a self, valued: &'a [&'a str]) -> impl Iterator<Item = &'a Argument> {
        let mut skip = false;
        let mut only = false;
        self.args.iter().filter(move |arg| {
            if std::mem::take(&mut skip) {
                return false;
            }
            if !only && arg.text == "--" {
                only = true;
                return false;
            }
            if !only && arg.is_flag() {
                skip = valued.contains(&arg.text.as_str());
                return false;
            }
            true
        })
    }

    /// The first operand: the subcommand of programs that have some.
    pub fn subcommand(&self) -> Option<&str> {
        self.operands().next().map(|arg| arg.text.as_str())
    }

    /// Whether some argument is exactly this text.
    pub fn has(&self, text: &str) -> bool {
        self.args.iter().any(|arg| arg.text == text)
    }
}

/// Programs that run the command behind them, with their flags that take a value.
const WRAPPERS: [(&str, &[&str]); 12] = [
    ("sudo", &["-u", "-g", "-C", "-h", "-p", "-U", "-r", "-t", "-T", "-D", "-R"]),
    ("env", &["-u", "-C", "--unset", "--chdir"]),
    ("exec", &["-a"]),
    ("command", &[]),
    ("builtin", &[]),
    ("time", &["-f", "-o"]),
    ("nice", &["-n"]),
    ("ionice", &["-c", "-n"]),
    ("eatmydata", &[]),
    ("nohup", &[]),
    ("doas", &["-u", "-C"]),
    ("setsid", &[]),
];

/// The commands and pipelines of a script, in the coordinates of its instruction.
pub(super) fn of_script(instruction: &Instruction, script: &Script) -> (Vec<Command>, Vec<Pipeline>) {
    let commands = script.simple_commands().iter().map(|simple| of_simple(script, simple)).collect();
    let end = instruction.source().len();
    let pipelines = pipelines(script.root())
        .into_iter()
        .map(|range| {
            let source = script.source_range(range.clone());
            Pipeline { range: source.start.min(end)..source.end.min(end), script_range: range }
        })
        .collect();
    (commands, pipelines)
}

fn of_simple(script: &Script, simple: &SimpleCommand) -> Command {
    let argument = |word: &ShellWord| Argument {
        text: word.literal.clone().unwrap_or_else(|| word.raw.clone()),
        literal: word.literal.is_some(),
        range: script.source_range(word.range.clone()),
    };
    let unwrapped = unwrapped(simple.words.iter().map(argument).collect());
    let assignments = simple.assignments.iter().map(argument).chain(unwrapped.assignments).collect();
    Command {
        assignments,
        redirects: simple.redirects.iter().map(argument).collect(),
        range: script.source_range(simple.range.clone()),
        script_range: simple.range.clone(),
        top_level: simple.top_level,
        ..unwrapped
    }
}

/// The exec form as one command.
pub(super) fn of_exec(instruction: &Instruction) -> Option<Command> {
    // The arguments of HEALTHCHECK start with CMD.
    let skip = usize::from(instruction.kind() == Some(layerwise_syntax::Keyword::Healthcheck));
    let words: Vec<Argument> = instruction
        .args()
        .iter()
        .skip(skip)
        .map(|word| Argument { text: word.value.clone(), literal: true, range: word.range.clone() })
        .collect();
    let range = words.first()?.range.start..words.last()?.range.end;
    Some(Command { range, top_level: true, exec: true, ..unwrapped(words) })
}

/// Takes the wrappers off.
fn unwrapped(words: Vec<Argument>) -> Command {
    let mut wrappers = Vec::new();
    let mut assignments = Vec::new();
    let mut rest = words.as_slice();
    while let Some((first, behind)) = rest.split_first() {
        let name = base_name(first);
        let Some((_, valued)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) else { break };
        let mut at = 0;
        while let Some(word) = behind.get(at) {
            if word.is_flag() {
                at += 1 + usize::from(valued.contains(&word.text.as_str()));
            } else if word.text.contains('=') && !word.text.starts_with('=') {
                assignments.push(word.clone());
                at += 1;
            } else {
                break;
            }
        }
        if at >= behind.len() {
            // `sudo` or `env` alone, or a word for the shell itself: `exec 3>&1`.
            break;
        }
        wrappers.push(name.to_owned());
        rest = &behind[at..];
    }
    let none = || Argument { text: String::new(), literal: true, range: 0..0 };
    let program = rest.first().cloned().unwrap_or_else(none);
    Command {
        name: base_name(&program).to_owned(),
        args: rest.get(1..).unwrap_or_default().to_vec(),
        program,
        wrappers,
        assignments,
        redirects: Vec::new(),
        range: 0..0,
        script_range: 0..0,
        top_level: false,
        exec: false,
    }
}

fn base_name(word: &Argument) -> &str {
    if word.literal { word.text.rsplit('/').next().unwrap_or(&word.text) } else { "" }
}

/// The outermost pipelines, in order. With an explicit stack, as hostile nesting must not overflow ours.
fn pipelines(root: Node<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut stack = vec![root];
    while let Some(node) = stack.pop() {
        if node.kind() == "pipeline" {
            found.push(node.byte_range());
            continue;
        }
        let mut cursor = node.walk();
        let first = stack.len();
        stack.extend(node.named_children(&mut cursor));
        stack[first..].reverse();
    }
    found
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Parsed;

    use super::super::InstructionFacts;
    use crate::eval::State;
    use crate::file::File;

    fn facts(text: &str) -> InstructionFacts {
        let file = File::new(Parsed::new(text));
        InstructionFacts::of(file.instruction(0).1, &State::default())
    }

    #[test]
    fn a_redirection_belongs_to_the_last_command_of_a_list() {
        let found = facts("RUN a && b && c > f 2>&1; d && e; g || h >> i\n");
        let of = |name: &'static str| {
            let command = found.named(name).next().expect("a command");
            command.redirects.iter().map(|r| r.text.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((of("a"), of("b"), of("c")), (vec![], vec![], vec!["> f", "2>&1"]));
        assert_eq!((of("d"), of("e"), of("g"), of("h")), (vec![], vec![], vec![], vec![">> i"]));
        let c = found.named("c").next().expect("a command");
        assert_eq!(c.range, 14..24);
        assert!(c.top_level);
    }

    #[test]
    fn wrappers_come_off() {
        let found = facts("RUN sudo -E -u root env A=1 apt-get -yq install \\\n  curl && B=2 exec x\n");
        let [apt, x] = found.commands.as_slice() else { panic!("{found:#?}") };
        assert_eq!(apt.name, "apt-get");
        assert_eq!(apt.wrappers, ["sudo", "env"]);
        assert_eq!(apt.assignments[0].text, "A=1");
        assert!(apt.has_flag(&["y"]) && apt.has_flag(&["q"]) && !apt.has_flag(&["yes"]));
        assert_eq!(apt.operands().map(|a| a.text.as_str()).collect::<Vec<_>>(), ["install", "curl"]);
        assert_eq!((x.name.as_str(), x.wrappers.len()), ("x", 1));
        assert_eq!(facts("RUN sudo\n").commands[0].name, "sudo");
    }

    #[test]
    fn flags_have_values() {
        let found = facts("RUN pip install --index-url=https://x -r a.txt -c b.txt flask -- -x\n");
        let pip = &found.commands[0];
        assert_eq!(pip.flag_value(&["index-url", "i"]), Some("https://x"));
        assert_eq!(pip.flag_value(&["r", "requirement"]), Some("a.txt"));
        let operands: Vec<&str> = pip.operands_without(&["-r", "-c"]).map(|a| a.text.as_str()).collect();
        assert_eq!(operands, ["install", "flask", "-x"]);
    }

    #[test]
    fn exec_forms_onbuild_and_pipelines() {
        let found = facts("RUN [\"apt-get\", \"install\", \"-y\", \"curl\"]\n");
        assert!(found.commands[0].exec && found.commands[0].has_flag(&["y"]));
        assert_eq!(facts("ONBUILD RUN a | b; c\n").commands.len(), 3);
        let text = "RUN x && a | b | c && $(d | e)\n";
        let found = facts(text);
        let ranges: Vec<&str> = found.pipelines.iter().map(|p| &text[p.range.clone()]).collect();
        assert_eq!(ranges, ["a | b | c", "d | e"]);
        assert!(facts("HEALTHCHECK CMD curl -f http://x\n").commands[0].has_flag(&["f"]));
        assert_eq!(facts("HEALTHCHECK CMD [\"curl\", \"x\"]\n").commands[0].name, "curl");
        assert!(facts("RUN <<EOF python3\nimport x\nEOF\n").commands.iter().all(|c| c.name != "import"));
    }
}
