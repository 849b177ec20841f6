//! The Dockerfiles of the reference article: each fault that its "good" ones are known to have is found, and nothing else is
//! said of them that is not true.
//!
//! The article is read from `../shared/reference`, and each block is known by its first line.

mod common;

use layerwise_analysis::{Selection, Severity};
use layerwise_model::Options;

/// How a block of the article is found, what stands before it where it is no whole Dockerfile, the files of a build context
/// that go with it, and what the default rules say: code and line of the block, from 1.
struct Block {
    first: &'static str,
    before: &'static str,
    context: &'static [(&'static str, &'static str)],
    says: &'static [(&'static str, usize)],
}

const GO: &[(&str, &str)] =
    &[("go.mod", "module example.com/app\n\ngo 1.22\n"), ("go.sum", ""), ("main.go", "package main\n")];
const NODE: &[(&str, &str)] = &[
    ("package.json", "{\"name\":\"app\",\"scripts\":{\"build\":\"tsc\"}}\n"),
    ("package-lock.json", "{\"lockfileVersion\":3}\n"),
    ("src/index.ts", ""),
];
const PYTHON: &[(&str, &str)] = &[("requirements.txt", "flask==3.0.0\ngunicorn==22.0.0\n"), ("app.py", "")];
const PYTHON_ENV: &[(&str, &str)] =
    &[("requirements.txt", "gunicorn==22.0.0\n"), ("app.py", ""), (".env", "KEY=1\n")];
const MAVEN: &[(&str, &str)] = &[("pom.xml", "<project></project>\n"), ("src/main/java/App.java", "")];
/// A project whose build leaves two jars, as many do.
const SHADED: &[(&str, &str)] = &[
    (
        "pom.xml",
        "<project><build><plugins><plugin><artifactId>maven-shade-plugin</artifactId><executions><execution>\
         <goals><goal>shade</goal></goals></execution></executions></plugin></plugins></build></project>\n",
    ),
    ("src/main/java/App.java", ""),
];

/// The ignore file that goes with the contexts, so that nothing is said of one that is missing.
const IGNORE: &str = ".git\nnode_modules\ntarget\nDockerfile\n.dockerignore\n";

fn article() -> Option<String> {
    let folder = common::shared()?.join("reference");
    let text = std::fs::read_to_string(folder.join("multi-stage-builds-and-image-optimization.txt"));
    if text.is_err() {
        println!("SKIPPED: no reference article in {}", folder.display());
    }
    text.ok()
}

/// The lines from the one that starts with `first` to the end of the Dockerfile.
fn block(article: &str, first: &str) -> String {
    const WORDS: [&str; 11] =
        ["FROM", "RUN", "COPY", "ADD", "WORKDIR", "ENV", "EXPOSE", "CMD", "ENTRYPOINT", "USER", "ARG"];
    let mut block = String::new();
    let mut joined = false;
    for line in article.lines().skip_while(|line| !line.starts_with(first)) {
        // The next block follows at once where two are compared.
        let next = !block.is_empty() && (line.starts_with("# ❌") || line.starts_with("# ✅"));
        let word = line.split(' ').next().unwrap_or_default();
        if next || !(joined || line.is_empty() || word.starts_with('#') || WORDS.contains(&word)) {
            break;
        }
        joined = line.ends_with('\\');
        block.push_str(line);
        block.push('\n');
    }
    format!("{}\n", block.trim_end())
}

fn block_text(article: &str, block_of: &Block) -> String {
    let text = format!("{}{}", block_of.before, block(article, block_of.first));
    assert!(text.lines().count() > 1, "{} is in the article", block_of.first);
    text
}

/// What the default rules say of a block, by code and line of the block; base images past their end are the article's age.
fn said(article: &str, block_of: &Block, ignore: &str) -> Vec<(&'static str, usize)> {
    let text = block_text(article, block_of);
    let files: Vec<_> = block_of.context.iter().map(|(p, t)| (*p, 0o644, (*t).to_owned())).collect();
    let context = common::context_of("", &files, Some(ignore));
    let found = common::check_in(&text, Options::default(), &Selection::default(), Some(&context));
    let above = block_of.before.matches('\n').count();
    let line = |at: usize| common::line(&text, at) - above;
    assert!(found.iter().all(|d| d.severity != Severity::Error || d.code == "P003"), "{found:#?}");
    let kept = found.into_iter().filter(|d| d.code != "E068");
    kept.map(|d| (d.code, line(d.range.start))).collect()
}

#[test]
fn what_is_said_of_the_blocks() {
    let Some(article) = article() else { return };
    // Each fault of the list in `knowledge/article.md`, and all else that is said, with the reason where it is no fault of
    // that list.
    let blocks = [
        // #2: everything that builds it ships.
        Block { first: "# Single-stage build", before: "", context: GO, says: &[("S017", 2)] },
        Block { first: "# Multi-stage build", before: "", context: GO, says: &[] },
        // #7: GOARCH=amd64.
        Block { first: "# Go multi-stage", before: "", context: GO, says: &[("P001", 12)] },
        // #8: `--only=production`.
        Block { first: "# Node.js multi-stage", before: "", context: NODE, says: &[("T022", 5)] },
        // #9: useradd below COPY . . runs again on each edit; a `.env` that nothing leaves out ships.
        Block { first: "# Python multi-stage", before: "", context: PYTHON, says: &[("C027", 19)] },
        Block {
            first: "# Python multi-stage",
            before: "",
            context: PYTHON_ENV,
            says: &[("X006", 17), ("C027", 19)],
        },
        // #10: a default of the JVM; `mv` of several jars to one file fails.
        Block { first: "# Java multi-stage", before: "", context: MAVEN, says: &[("T021", 21)] },
        Block {
            first: "# Java multi-stage",
            before: "",
            context: SHADED,
            says: &[("E033", 10), ("T021", 21)],
        },
        // #14: no pip in alpine; what is removed in a later layer stays.
        Block {
            first: "# Alpine best practices",
            before: "",
            context: &[],
            says: &[("P003", 13), ("S006", 19)],
        },
        Block { first: "# Go + distroless", before: "", context: GO, says: &[] },
        // #17: several jars to one file.
        Block { first: "# Java + distroless", before: "", context: MAVEN, says: &[] },
        Block { first: "# Java + distroless", before: "", context: SHADED, says: &[("E033", 10)] },
        // #20: the bad order; npm's cache stays in both.
        Block {
            first: "# ❌ BAD: Every source",
            before: "",
            context: NODE,
            says: &[("C001", 4), ("S008", 5)],
        },
        Block { first: "# ✅ GOOD: npm ci", before: "", context: NODE, says: &[("S008", 9)] },
    ];
    for block in &blocks {
        assert_eq!(said(&article, block, IGNORE), block.says, "{}", block.first);
    }
}

/// #29: patterns that hold at the root of the context only, as if the file were a .gitignore.
#[test]
fn the_ignore_file() {
    let Some(article) = article() else { return };
    let ignore: Vec<&str> = article
        .lines()
        .skip_while(|line| !line.starts_with("# .dockerignore"))
        .take_while(|line| !line.contains(' ') || line.starts_with('#'))
        .collect();
    let ignore = ignore.join("\n");
    assert!(ignore.contains("*.pem"), "the block goes on to the secrets: {ignore}");
    let block = Block { first: "# Python multi-stage", before: "", context: PYTHON, says: &[] };
    // At the root the patterns hold.
    let text = block_text(&article, &block);
    let codes = |files: &str| -> Vec<&'static str> {
        let texts: Vec<_> = PYTHON.iter().map(|(p, t)| (*p, 0o644, (*t).to_owned())).collect();
        let context = common::context_of(files, &texts, Some(&ignore));
        let found = common::check_in(&text, Options::default(), &Selection::default(), Some(&context));
        found.iter().map(|d| d.code).filter(|code| *code != "E068").collect()
    };
    assert_eq!(codes("x.pyc\nserver.pem\nnode_modules/a/b.js\n"), ["C027"]);
    // That it changes with each run is a reason of its own.
    assert_eq!(codes("app/x.pyc\n"), ["C008", "E093", "C027"]);
    assert_eq!(codes("conf/tls/server.pem\n"), ["E093", "C027"]);
    assert_eq!(codes("web/.DS_Store\nweb/node_modules/a/b.js\n"), ["C008", "E093", "E093", "C027"]);
}
