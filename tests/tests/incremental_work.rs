//! Incremental means work: what one typed character in a 5,000-line file makes the core do, counted, not timed.

use std::fmt::Write as _;
use std::sync::Arc;

use layerwise_analysis::{Checker, Input, Selection};
use layerwise_model::images::WellKnown;
use layerwise_model::{File, Options, evaluate_again};
use layerwise_syntax::{Document, Instruction};

/// A file of at least `lines` lines with everything that real ones have.
fn dockerfile(lines: usize) -> String {
    let mut text = String::from("# syntax=docker/dockerfile:1\nARG VERSION=12\n");
    let mut stage = 0;
    while text.lines().count() < lines {
        let _ = write!(
            text,
            "\n# Stage number {stage}.\nFROM debian:$VERSION AS stage{stage}\nWORKDIR /app/{stage}\nENV NAME{stage}=value \\\n    \
             OTHER{stage}=\"two words\"\nCOPY --chown=1000:1000 a{stage}.txt b{stage}.txt ./\n"
        );
        for step in 0..12 {
            let _ = write!(
                text,
                "RUN apt-get update && \\\n    # why step {step} is here\n    apt-get install -y package{step} && \\\n    \
                 rm -rf /var/lib/apt/lists/*\nRUN <<EOF\nset -e\necho {stage} {step} > /tmp/{step}\nEOF\nCOPY src{step} ./src{step}\n"
            );
        }
        stage += 1;
    }
    text.push_str("CMD [\"app\"]\n");
    text
}

/// The core with everything that it keeps between edits.
struct Core {
    document: Document,
    options: Options,
    selection: Selection,
    evaluation: Option<layerwise_model::Evaluation>,
    checker: Checker,
}

impl Core {
    fn new(text: &str) -> Core {
        let options = Options { all_stages: true, ..Options::default() };
        let selection = Selection { all: true, ..Selection::default() };
        let mut core = Core {
            document: Document::new(text),
            options,
            selection,
            evaluation: None,
            checker: Checker::default(),
        };
        core.check();
        core
    }

    fn check(&mut self) {
        let file = File::new(self.document.parsed().clone());
        let eval = evaluate_again(&file, &self.options, &WellKnown, self.evaluation.as_ref());
        self.checker.check(&Input {
            file: &file,
            eval: &eval,
            context: None,
            selection: &self.selection,
            path: None,
        });
        self.evaluation = Some(eval);
    }

    fn instructions(&self) -> Vec<Arc<Instruction>> {
        self.document.parsed().instructions().map(|(_, i)| Arc::clone(i)).collect()
    }
}

#[test]
fn one_character_in_5000_lines() {
    let text = dockerfile(5_000);
    let mut core = Core::new(&text);
    let before = core.instructions();
    before.iter().for_each(|i| {
        i.script();
    });
    let count = before.len();
    let first = core.checker.work();
    assert!(first.instruction_rules >= count, "the first check looks at everything: {first:?}");
    for (what, needle) in [
        ("inside a RUN", "install -y package7"),
        ("inside a comment between continuations", "why step 3"),
        ("inside a heredoc", "echo 20 5 >"),
        ("inside a COPY", "src11 ./src11"),
        ("inside a comment line", "Stage number 31"),
    ] {
        let at = text.find(needle).expect("the text has it") + 4;
        let old = core.instructions();
        let work = core.document.edit(at..at, "x").expect("the range fits");
        core.check();
        let new = core.instructions();
        let rules = core.checker.work();
        let fresh = new.iter().filter(|n| !old.iter().any(|o| Arc::ptr_eq(o, n))).count();
        let unparsed = new.iter().filter(|i| i.script().is_some()).count();
        println!(
            "{what}: {} of {} bytes lexed again, {} of {count} instructions parsed again, {fresh} scripts to parse again of \
             {unparsed}, {} rule runs of {}",
            work.bytes_lexed,
            text.len(),
            work.instructions_parsed,
            rules.instruction_rules,
            first.instruction_rules
        );
        assert!(work.bytes_lexed < 2_000, "{what}: {work:?}");
        assert!(work.instructions_parsed <= 2 && fresh <= 2, "{what}: {work:?}, {fresh} new instructions");
        // The touched instruction and the one lexed again above it: every rule once each.
        assert!(
            rules.instruction_rules * count <= first.instruction_rules * 3,
            "{what}: {rules:?} of {first:?}"
        );
        core.document.edit(at..at + 1, "").expect("the range fits");
        core.check();
    }
}

#[test]
fn an_edit_runs_the_rules_of_what_depends_on_it() {
    // The control: a WORKDIR changes what every instruction below it in its stage inherits, and only that.
    let text = dockerfile(5_000);
    let mut core = Core::new(&text);
    let first = core.checker.work();
    let at = text.find("WORKDIR /app/10\n").expect("the text has it") + "WORKDIR /app".len();
    core.document.edit(at..at, "s").expect("the range fits");
    core.check();
    let rules = core.checker.work();
    let per_instruction = first.instruction_rules / core.instructions().len();
    println!("a WORKDIR: {} rule runs of {}", rules.instruction_rules, first.instruction_rules);
    assert!(rules.instruction_rules > 30 * per_instruction, "{rules:?}: what inherits it is looked at again");
    assert!(rules.instruction_rules < 60 * per_instruction, "{rules:?}: other stages are not");
}

#[test]
fn what_is_kept_is_what_a_fresh_check_finds() {
    let text = dockerfile(300);
    let mut core = Core::new(&text);
    for (needle, new) in
        [("RUN <<EOF\n", "run <<EOF\n"), ("ENV NAME1=", "ENV NAME1 "), ("COPY src3", "COPY $src3")]
    {
        let at = text.find(needle).expect("the text has it");
        let current = core.document.parsed().text().to_string();
        let at = current.find(needle).unwrap_or(at);
        core.document.edit(at..at + needle.len(), new).expect("the range fits");
        core.check();
        let file = File::new(core.document.parsed().clone());
        let eval = core.evaluation.as_ref().expect("an evaluation");
        let input = Input { file: &file, eval, context: None, selection: &core.selection, path: None };
        let kept = core.checker.check(&input);
        assert_eq!(kept, Checker::default().check(&input), "{needle:?} -> {new:?}");
        assert!(!kept.is_empty());
    }
}
