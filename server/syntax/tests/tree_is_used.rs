//! What the tree is for: the parts of words, and what lies around a place. Without a tree these features give nothing,
//! so a broken tree cannot go unnoticed.

use std::ops::Range;
use std::path::PathBuf;

use layerwise_syntax::folding::{FoldKind, folding};
use layerwise_syntax::selection::selection_ranges;
use layerwise_syntax::spans::{SpanKind, spans};
use layerwise_syntax::{Document, Parsed};

const FILE: &str = "\
# syntax=docker/dockerfile:1
ARG VERSION=3.20
FROM --platform=$BUILDPLATFORM registry:5000/alpine:${VERSION}@sha256:0123 AS base
ENV KEY=\"a $VERSION\" OTHER=b
LABEL org.example.title='x y'
RUN --mount=type=cache,target=/root/.cache \\
    # why
    apk add curl && echo \"$KEY\"
COPY --from=base [\"a b\", \"/c\"]
COPY <<-EOF file /dst/
\tbody
\tEOF
WORKDIR /srv/${KEY:-none}
EXPOSE 80/tcp $PORT
";

/// The texts of all spans of a kind, in the order of the file.
fn texts(parsed: &Parsed, kind: SpanKind) -> Vec<String> {
    let all = parsed.layer().blocks().iter().flat_map(|placed| spans(parsed, placed));
    all.filter(|span| span.kind == kind).map(|span| parsed.text().slice(span.range).into_owned()).collect()
}

fn expected() -> Vec<(SpanKind, Vec<&'static str>)> {
    use SpanKind::*;
    vec![
        (ImageName, vec!["registry:5000/alpine"]),
        (ImageTag, vec!["${VERSION}"]),
        (ImageDigest, vec!["sha256:0123"]),
        (StageAlias, vec!["base"]),
        (FlagName, vec!["platform", "mount", "from"]),
        (FlagValue, vec!["$BUILDPLATFORM", "type=cache,target=/root/.cache", "base"]),
        (MountKey, vec!["type", "target"]),
        (MountValue, vec!["cache", "/root/.cache"]),
        (EnvKey, vec!["KEY", "OTHER"]),
        (EnvValue, vec!["\"a $VERSION\"", "b"]),
        (ArgKey, vec!["VERSION"]),
        (ArgValue, vec!["3.20"]),
        (LabelKey, vec!["org.example.title"]),
        (LabelValue, vec!["'x y'"]),
        (Expansion, vec!["$BUILDPLATFORM", "${VERSION}", "$VERSION", "${KEY:-none}", "$PORT"]),
        (Variable, vec!["BUILDPLATFORM", "VERSION", "VERSION", "KEY", "PORT"]),
        (JsonString, vec!["\"a b\"", "\"/c\""]),
        (Path, vec!["file", "/dst/", "/srv/${KEY:-none}"]),
        (Port, vec!["80/tcp", "$PORT"]),
        (HeredocMarker, vec!["<<-EOF"]),
        (HeredocBody, vec!["\tbody\n"]),
        (String, vec!["\"a $VERSION\"", "'x y'"]),
        (Comment, vec!["# syntax=docker/dockerfile:1", "# why"]),
    ]
}

#[test]
fn spans_come_from_the_tree() {
    let document = Document::new(FILE);
    for (kind, texts_of) in expected() {
        assert_eq!(texts(document.parsed(), kind), texts_of, "{kind:?}");
    }
    let ends = texts(document.parsed(), SpanKind::HeredocEnd);
    assert_eq!(ends.iter().map(|end| end.trim()).collect::<Vec<_>>(), ["EOF"]);
}

/// The control: without the tree they are not there.
#[test]
fn without_a_tree_there_are_no_spans() {
    let document = Document::lines_only(FILE);
    assert!(document.parsed().tree().is_none());
    for (kind, _) in expected().into_iter().filter(|(kind, _)| *kind != SpanKind::Comment) {
        assert!(texts(document.parsed(), kind).is_empty(), "{kind:?}");
    }
}

#[test]
fn a_broken_line_elsewhere_takes_no_span_away() {
    for broken in [
        "FRON x\n",
        "RUN echo \"`ls`\"\n",
        "EXPOSE :80\n",
        "ENV a.b=1 c\n",
        "CMD ['\n",
        "RUN [\"\n",
        "RUN cat <<NEVER\nnot closed\n",
        "COPY\n",
        "}\n",
    ] {
        for at in [0, 1, 5] {
            let lines: Vec<&str> = FILE.split_inclusive('\n').collect();
            // Not within the instructions that have several lines.
            let text = format!("{}{broken}{}", lines[..at].concat(), lines[at..].concat());
            let document = Document::new(&text);
            // A heredoc that never ends takes comments below it in.
            for (kind, texts_of) in expected().into_iter().filter(|(kind, _)| *kind != SpanKind::Comment) {
                let found = texts(document.parsed(), kind);
                for text in texts_of {
                    assert!(
                        found.iter().any(|f| f == text),
                        "{broken:?} at {at}: {kind:?} {text:?} of {found:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn spans_survive_bom_crlf_and_a_backtick() {
    let crlf = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
    let document = Document::new(&crlf);
    assert_eq!(texts(document.parsed(), SpanKind::ImageTag), ["${VERSION}"]);
    assert_eq!(texts(document.parsed(), SpanKind::MountKey), ["type", "target"]);
    let bom = Document::new("\u{feff}FROM a:b\n");
    assert_eq!(texts(bom.parsed(), SpanKind::ImageTag), ["b"]);
    // The broken line makes the instruction below be parsed alone, where only a directive makes "`" continue the line.
    let backtick = Document::new("# escape=`\nFRON x\nENV A=b `\n  C=d\n");
    assert_eq!(texts(backtick.parsed(), SpanKind::EnvKey), ["A", "C"]);
}

#[test]
fn spans_follow_edits() {
    let mut document = Document::new(FILE);
    let at = FILE.find("alpine").expect("it is there");
    document.edit(at..at + 6, "debian").expect("the range fits");
    assert_eq!(texts(document.parsed(), SpanKind::ImageName), ["registry:5000/debian"]);
    document.edit(0..0, "FROM x:y\n").expect("the range fits");
    assert_eq!(texts(document.parsed(), SpanKind::ImageTag), ["y", "${VERSION}"]);
}

fn selected(document: &Document, at: &str, within: usize) -> Vec<String> {
    let parsed = document.parsed();
    let text = parsed.text().to_string();
    let offset = text.find(at).expect("it is there") + within;
    let ranges: Vec<Range<usize>> = selection_ranges(parsed, offset);
    for pair in ranges.windows(2) {
        assert!(pair[1].start <= pair[0].start && pair[0].end <= pair[1].end && pair[0] != pair[1]);
    }
    assert_eq!(ranges.last(), Some(&(0..text.len())));
    assert!(ranges.iter().all(|range| range.start <= offset && offset <= range.end));
    ranges.into_iter().map(|range| text[range].to_owned()).collect()
}

#[test]
fn selection_grows_from_the_part_of_a_word_to_the_file() {
    let document = Document::new(FILE);
    let stage = FILE[FILE.find("FROM").expect("it is there")..].trim_end();
    let grown = selected(&document, "VERSION}", 2);
    assert_eq!(
        grown,
        [
            "VERSION",
            "${VERSION}",
            ":${VERSION}",
            "registry:5000/alpine:${VERSION}@sha256:0123",
            "FROM --platform=$BUILDPLATFORM registry:5000/alpine:${VERSION}@sha256:0123 AS base",
            stage,
            FILE,
        ]
    );
    // In RUN: the shell's nodes, mapped back over the continuation and the comment.
    let grown = selected(&document, "curl", 1);
    assert_eq!(grown[..3], ["curl", "apk add curl", "apk add curl && echo \"$KEY\""]);
    // At the end of a word.
    assert_eq!(selected(&document, "curl", 4)[0], "curl");
    assert_eq!(selected(&document, "curl", 0)[0], "curl");
    assert_eq!(selected(&document, "$KEY\"", 2)[..3], ["KEY", "$KEY", "\"$KEY\""]);
    assert_eq!(selected(&document, "# why", 2)[0], "# why");
    assert!(selected(&document, "# why", 2)[1].starts_with("RUN --mount"));
    assert_eq!(selected(&document, "syntax", 1), [FILE.lines().next().unwrap_or_default(), FILE]);
    assert_eq!(selected(&document, "body", 1)[0], "body");
}

/// The control: without the tree a word is the smallest thing.
#[test]
fn without_a_tree_selection_knows_words_only() {
    let document = Document::lines_only(FILE);
    assert_eq!(selected(&document, "VERSION}", 2)[0], "registry:5000/alpine:${VERSION}@sha256:0123");
}

#[test]
fn selection_ranges_of_odd_places() {
    for text in ["", "\n", "\u{feff}", "FROM a", "RUN \\\n", "RUN a \\\n\n  b\n", "ONBUILD RUN a b\n"] {
        let document = Document::new(text);
        for offset in 0..text.len() + 3 {
            let ranges = selection_ranges(document.parsed(), offset);
            assert_eq!(ranges.last(), Some(&(0..text.len())), "{text:?} at {offset}");
        }
    }
    assert_eq!(selected(&Document::new("ONBUILD RUN a b\n"), "b", 0)[..3], ["b", "a b", "RUN a b"]);
    assert_eq!(selected(&Document::new("RUN <<EOF\na b\nEOF\n"), "b", 0)[..2], ["b", "a b"]);
}

#[test]
fn folds() {
    use FoldKind::{Comments, Heredoc, Instruction, Stage};
    let folds = |text: &str| -> Vec<(usize, usize, FoldKind)> {
        folding(Document::new(text).parsed()).into_iter().map(|f| (f.first, f.last, f.kind)).collect()
    };
    assert_eq!(folds(""), []);
    assert_eq!(folds("FROM a\n"), []);
    assert_eq!(
        folds("# a\n# b\n\nFROM a\nRUN b \\\n  c\n# one\n\nFROM d\nRUN <<E\nf\ng\nE\n# h\n#i"),
        [
            (0, 1, Comments),
            (3, 5, Stage),
            (4, 5, Instruction),
            (8, 12, Stage),
            (9, 12, Instruction),
            (10, 11, Heredoc),
            (13, 14, Comments)
        ]
    );
    // Lines end at CRLF and at lone CR too.
    assert_eq!(folds("FROM a\r\nRUN b \\\r\n  c\r\n"), [(0, 2, Stage), (1, 2, Instruction)]);
    assert_eq!(folds("FROM a\nRUN b\rc\n"), [(0, 2, Stage), (1, 2, Instruction)]);
    // A file without its tree folds the same.
    let with: Vec<_> = folding(Document::new(FILE).parsed());
    assert_eq!(folding(Document::lines_only(FILE).parsed()), with);
}

/// On real files: how many instructions have a node. Says so and passes without the reference material.
#[test]
fn real_instructions_have_nodes() {
    let shared = match std::env::var_os("LAYERWISE_SHARED") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    let Ok(files) = std::fs::read_dir(shared.join("corpus/files")) else {
        println!("SKIPPED: no ../shared (set LAYERWISE_SHARED to the reference material)");
        return;
    };
    let (mut all, mut direct, mut alone) = (0, 0, 0);
    for file in files.flatten() {
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        let parsed = Parsed::new(&String::from_utf8_lossy(&bytes));
        for (placed, instruction) in parsed.instructions().filter(|(_, i)| i.is_valid()) {
            all += 1;
            match parsed.node(placed) {
                Some(node)
                    if node.node().start_byte() == placed.start + instruction.keyword().range.start =>
                {
                    direct += 1;
                }
                Some(_) => alone += 1,
                None => {}
            }
            spans(&parsed, placed);
        }
    }
    println!(
        "{all} valid instructions: {direct} nodes of the document, {alone} parsed alone, {} none",
        all - direct - alone
    );
    assert!(all > 0 && (all - direct - alone) * 200 < all);
}
