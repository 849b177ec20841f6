//! Incremental means work: what one typed character in a file of 5,000 lines makes the syntax do. Counted, not timed.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use layerwise_syntax::tree_sitter::{InputEdit, Point, Tree};
use layerwise_syntax::{Block, Document, Parsed, Work};

/// A file of 5,000 lines as people write them: stages with comments, packages, builds, copies and heredocs.
fn large_file() -> String {
    let mut text = "# syntax=docker/dockerfile:1\n# Generated for a test.\n\nARG VERSION=1.0\n".to_owned();
    let mut lines = 4;
    let mut stage = 0;
    while lines < 4_970 {
        let from = text.len();
        write!(
            text,
            "
# Stage {stage} builds one service.
FROM debian:bookworm-slim AS stage{stage}
ARG VERSION
ENV SERVICE=\"service {stage}\" \\
    RELEASE=$VERSION
WORKDIR /srv/{stage}
RUN apt-get update && \\
    apt-get install -y --no-install-recommends \\
        build-essential \\
        curl \\
        git && \\
    rm -rf /var/lib/apt/lists/*
COPY package{stage}.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY src/ src/
RUN <<EOF
set -e
npm run build -- --service {stage}
find . -name '*.map' -delete
EOF
COPY <<'CONF' /etc/service.conf
service = {stage}
CONF
EXPOSE 80{stage:02}
LABEL org.example.stage={stage}
CMD [\"node\", \"dist/main.js\"]
"
        )
        .expect("writing to a string cannot fail");
        lines += text[from..].matches('\n').count();
        stage += 1;
    }
    text + &"# The end.\n".repeat(5_000 - lines)
}

/// What one edit did.
struct Done {
    work: Work,
    /// The bytes of the block that holds the edit, and of the one before it.
    block: usize,
    before: usize,
    /// Instructions that are not the same object as before.
    fresh: usize,
    /// Shell scripts that are parsed again.
    scripts: usize,
    /// Bytes of the tree that differ.
    tree_bytes: usize,
    /// Instruction nodes of the tree that were made again.
    tree_nodes: usize,
}

fn point(text: &str, at: usize) -> Point {
    let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    Point::new(text[..at].matches('\n').count(), at - start)
}

/// Parses everything that is parsed on first use.
fn warm(parsed: &Parsed) {
    for (_, instruction) in parsed.instructions() {
        instruction.script();
    }
    parsed.tree();
}

/// Puts `new` in the place of `removed` bytes at `at`, and counts.
fn edit(document: &mut Document, at: usize, removed: usize, new: &str) -> Done {
    let before = document.parsed().clone();
    warm(&before);
    let work = document.edit(at..at + removed, new).expect("the range fits");
    let after = document.parsed();
    let had: HashSet<_> = before.instructions().map(|(_, i)| Arc::as_ptr(i)).collect();
    let (mut fresh, mut scripts) = (0, 0);
    for (_, instruction) in after.instructions().filter(|(_, i)| !had.contains(&Arc::as_ptr(i))) {
        fresh += 1;
        scripts += usize::from(!instruction.script_was_parsed() && instruction.script().is_some());
    }
    let index = after.layer().block_at(at).expect("the text is not empty");
    let length = |index: usize| after.layer().blocks()[index].len;
    let mut old: Tree = before.tree().expect("there is a tree").clone();
    let (old_text, new_text) = (before.text().to_string(), after.text().to_string());
    old.edit(&InputEdit {
        start_byte: at,
        old_end_byte: at + removed,
        new_end_byte: at + new.len(),
        start_position: point(&old_text, at),
        old_end_position: point(&old_text, at + removed),
        new_end_position: point(&new_text, at + new.len()),
    });
    let tree = after.tree().expect("there is a tree");
    // A node that was reused has the same children, at the same address; both trees are alive here.
    let nodes = |tree: &Tree| -> HashSet<usize> {
        let root = tree.root_node();
        root.named_children(&mut root.walk()).filter_map(|node| Some(node.child(0)?.id())).collect()
    };
    let tree_nodes = nodes(tree).difference(&nodes(before.tree().expect("there is a tree"))).count();
    let tree_bytes = old.changed_ranges(tree).map(|r| r.end_byte - r.start_byte).sum();
    Done {
        work,
        block: length(index),
        before: index.checked_sub(1).map_or(0, length),
        fresh,
        scripts,
        tree_bytes,
        tree_nodes,
    }
}

/// Where `what` stands first, from `part` percent of the text on.
fn find(document: &Document, part: usize, what: &str) -> usize {
    let text = document.parsed().text().to_string();
    let from = text.len() / 100 * part;
    from + text[from..].find(what).expect("the file has it")
}

#[test]
fn one_typed_character_costs_the_instruction_that_it_is_typed_in() {
    let text = large_file();
    assert_eq!(text.lines().count(), 5_000);
    let mut document = Document::new(&text);
    assert!(!document.parsed().tree().expect("there is a tree").root_node().has_error());
    assert!(document.parsed().instructions().count() > 2_000);
    let mut most = (0, 0);
    for part in [1, 20, 50, 80, 95] {
        for (what, within) in [
            ("        curl", 9),        // a package, in the middle of a RUN
            ("RUN apt-get update", 18), // the end of a word
            ("--mount=type=cache", 10), // a flag
            ("COPY src/", 6),           // a path
            ("    RELEASE=", 5),        // a key
            ("bookworm-slim", 3),       // an image's tag
            ("npm run build", 5),       // a heredoc's body
            ("EXPOSE 80", 8),           // a port
            ("[\"node\"", 3),           // a JSON string
        ] {
            let at = find(&document, part, what) + within;
            for (removed, new) in [(0, "7"), (1, "")] {
                let done = edit(&mut document, at, removed, new);
                let place = format!("{what:?} at {part} %");
                assert_eq!(done.work.bytes_lexed, done.block, "{place}: bytes lexed");
                assert_eq!(done.work.instructions_parsed, 1, "{place}: instructions parsed");
                assert_eq!(done.fresh, 1, "{place}: instructions replaced");
                assert!(done.scripts <= 1, "{place}: {} shell bodies", done.scripts);
                assert!(done.tree_bytes <= done.block, "{place}: {} bytes of tree", done.tree_bytes);
                // Those next to it may have the edit in their look-ahead.
                assert!(done.tree_nodes <= 3, "{place}: {} instructions of the tree", done.tree_nodes);
                most.0 = most.0.max(done.work.bytes_lexed);
                most.1 = most.1.max(done.tree_bytes);
            }
        }
    }
    println!("of {} bytes at most (lexed again, changed in the tree) {most:?}", text.len());
    assert_eq!(document.parsed().text().to_string(), text);
}

#[test]
fn comments_and_blank_lines_cost_no_instruction() {
    let mut document = Document::new(&large_file());
    for (what, within, new) in
        [("# Stage", 3, "x"), ("\n\n#", 1, "#"), ("\n# S", 1, "\n"), ("\nFROM", 1, "\n")]
    {
        let at = find(&document, 40, what) + within;
        let done = edit(&mut document, at, 0, new);
        assert!(done.work.bytes_lexed <= done.block + done.before, "{what:?}");
        assert_eq!((done.work.instructions_parsed, done.fresh, done.scripts), (0, 0, 0), "{what:?}");
    }
}

#[test]
fn splitting_and_joining_lines_costs_the_two_instructions() {
    let mut document = Document::new(&large_file());
    let at = find(&document, 60, "COPY src/ src/\n") + 14;
    // The line feed goes: COPY and the RUN below it become one, the heredoc with its body included.
    let joined = edit(&mut document, at, 1, "");
    assert_eq!((joined.work.instructions_parsed, joined.fresh), (1, 1));
    assert!(joined.work.bytes_lexed <= joined.block);
    let split = edit(&mut document, at, 0, "\n");
    assert_eq!((split.work.instructions_parsed, split.fresh, split.scripts), (2, 2, 1));
    // A continuation character takes the next instruction in.
    let continued = edit(&mut document, at, 0, " \\");
    assert_eq!((continued.work.instructions_parsed, continued.fresh), (1, 1));
}

#[test]
fn the_end_of_the_file_costs_the_last_block() {
    let mut document = Document::new(&format!("{}RUN make \\\n", large_file()));
    for new in ["x", "\n"] {
        let end = document.parsed().text().len();
        let done = edit(&mut document, end, 0, new);
        assert_eq!((done.work.bytes_lexed, done.work.instructions_parsed), (done.block, 1));
    }
    // The last instruction is complete now; what is appended is not its own, and it stays the same object.
    let end = document.parsed().text().len();
    let done = edit(&mut document, end, 0, "#");
    assert_eq!((done.fresh, done.scripts), (0, 0));
}

#[test]
fn an_escape_directive_costs_everything_because_everything_depends_on_it() {
    let mut document = Document::new(&large_file());
    let instructions = document.parsed().instructions().count();
    let done = edit(&mut document, 0, 0, "# escape=`\n");
    assert!(done.work.instructions_parsed > instructions / 2);
    // Another directive changes nothing below: the lines at the top are read again, and no instruction is replaced.
    let done = edit(&mut document, 0, 0, "# check=skip=all\n");
    assert!(done.work.bytes_lexed < 200, "{} bytes", done.work.bytes_lexed);
    assert_eq!(done.fresh, 0);
}

#[test]
fn a_heredoc_that_never_ends_is_not_read_again_with_every_edit_below_it() {
    let text = large_file();
    let mut document = Document::new(&text);
    let at = find(&document, 10, "COPY src/");
    document.edit(at..at, "RUN cat <<NEVER\nsome text\nmore text\n").expect("the range fits");
    // Far below. The changed line is compared with the delimiter, which reads the block once more.
    for part in [20, 50, 99] {
        let at = find(&document, part, "apt-get") + 2;
        let done = edit(&mut document, at, 0, "x");
        assert!(done.work.bytes_lexed <= 2 * done.block, "{} bytes at {part} %", done.work.bytes_lexed);
        assert_eq!((done.work.instructions_parsed, done.fresh), (1, 1));
    }
    // In its own body, behind its marker's line, and in the line at which it was given up.
    for what in ["more text", "some text"] {
        let at = find(&document, 0, what) + 4;
        let done = edit(&mut document, at, 0, "x");
        assert!(done.work.bytes_lexed <= 4 * done.block, "{} bytes in {what:?}", done.work.bytes_lexed);
        assert_eq!((done.work.instructions_parsed, done.fresh), (1, 1));
    }
    let at = find(&document, 0, "text\nCOPY src/") + "text\nCO".len();
    let lost = edit(&mut document, at, 1, "");
    assert!(lost.work.bytes_lexed < 1_000, "{} bytes", lost.work.bytes_lexed);
    let found = edit(&mut document, at, 0, "P");
    assert!(found.work.bytes_lexed < 1_000, "{} bytes", found.work.bytes_lexed);
    assert_eq!(found.work.instructions_parsed, 2);
    // A line far below becomes its end: now it takes in all that lies between.
    let at = find(&document, 50, "\n# Stage") + 1;
    let done = edit(&mut document, at, 0, "NEVER\n");
    assert!(done.work.bytes_lexed > text.len() / 3);
    let heredoc = document.parsed().instructions().find(|(_, i)| i.source().len() > text.len() / 3);
    assert!(heredoc.is_some_and(|(_, i)| i.is_valid()));
}

#[test]
fn many_heredocs_that_never_end_are_no_quadratic_work() {
    for same in [true, false] {
        let mut text = String::new();
        for n in 0..2_000 {
            let name = if same { 0 } else { n };
            writeln!(text, "RUN cat <<E{name}\nbody {n}").expect("writing to a string cannot fail");
        }
        let mut document = Document::new("");
        let whole = document.edit(0..0, &text).expect("the range fits");
        assert!(whole.bytes_lexed <= 5 * text.len(), "{} of {} bytes", whole.bytes_lexed, text.len());
        let blocks = document.parsed().layer().blocks();
        assert!(blocks.iter().all(|b| matches!(b.block, Block::Instruction(_))) && blocks.len() == 2_000);
        let at = find(&document, 50, "body");
        let one = document.edit(at..at, "x").expect("the range fits");
        assert!(one.bytes_lexed < 200, "{} bytes", one.bytes_lexed);
        assert_eq!(one.instructions_parsed, 1);
    }
}
