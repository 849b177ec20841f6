//! The line layer and the instruction parser against BuildKit's own parse of thousands of real files.
//!
//! Needs the reference material (`../shared` beside the checkout, or `LAYERWISE_SHARED`); says so and passes without.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerwise_syntax::{Form, Instruction, Keyword, Parsed, ProblemKind};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let dir = match std::env::var_os("LAYERWISE_SHARED") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    if dir.join("corpus/truth.jsonl").is_file() {
        return Some(dir);
    }
    println!("SKIPPED: no ../shared (set LAYERWISE_SHARED to the reference material)");
    None
}

fn text<'a>(v: &'a Value, key: &str) -> &'a str {
    v[key].as_str().unwrap_or_default()
}

fn strings(v: &Value) -> Vec<String> {
    v.as_array()
        .map(|a| a.iter().map(|s| s.as_str().unwrap_or_default().to_owned()).collect())
        .unwrap_or_default()
}

/// The arguments as the truth has them: an unknown instruction has one empty one.
fn args(i: &Instruction) -> Vec<String> {
    if i.kind().is_none() {
        return vec![String::new()];
    }
    i.args().iter().map(|a| a.value.clone()).collect()
}

/// Differences between one instruction and its truth.
fn compare(i: &Instruction, start: usize, end: usize, truth: &Value, out: &mut Vec<String>) {
    let mut differ = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            out.push(format!("line {start}: {what}: ours {ours:.300} theirs {theirs:.300}"));
        }
    };
    if truth["s"] != 0 {
        differ("lines", format!("{start}-{end}"), format!("{}-{}", truth["s"], truth["e"]));
    }
    differ("keyword", i.keyword().value.clone(), text(truth, "cmd").to_owned());
    let flags: Vec<String> = i.flags().iter().map(|f| f.value.clone()).collect();
    differ("flags", format!("{flags:?}"), format!("{:?}", strings(&truth["flags"])));
    differ("json", (i.form() == Form::Exec).to_string(), (truth["json"] == true).to_string());
    if i.kind() != Some(Keyword::Onbuild) {
        differ("args", format!("{:?}", args(i)), format!("{:?}", strings(&truth["args"])));
    }
    if truth["s"] != 0 {
        let ours: Vec<String> = i
            .heredocs()
            .iter()
            .map(|h| {
                format!("{} {} {} {} {:?}", h.name, h.expand, h.chomp, h.fd, &i.source()[h.body.clone()])
            })
            .collect();
        let theirs: Vec<String> = truth["hds"]
            .as_array()
            .map(|a| {
                a.iter()
                    .map(|h| {
                        format!(
                            "{} {} {} {} {:?}",
                            text(h, "name"),
                            h["expand"],
                            h["chomp"],
                            h["fd"],
                            text(h, "content")
                        )
                    })
                    .collect()
            })
            .unwrap_or_default();
        differ("heredocs", format!("{ours:?}"), format!("{theirs:?}"));
        let refused = i.problems().iter().any(|p| p.kind == ProblemKind::Instruction);
        differ("refused", refused.to_string(), truth["err"].is_string().to_string());
    }
    match (i.trigger(), truth["sub"].is_object()) {
        (Some(trigger), true) => compare(trigger, 0, 0, &truth["sub"], out),
        (None, false) => {}
        (ours, theirs) => out.push(format!("line {start}: trigger: ours {} theirs {theirs}", ours.is_some())),
    }
}

/// The first line (from 1) that BuildKit refuses, by our reckoning: parse problems of the whole file come first.
fn first_error(parsed: &Parsed) -> Option<usize> {
    for kind in [ProblemKind::Parse, ProblemKind::Instruction] {
        for block in parsed.layer().blocks() {
            if let layerwise_syntax::Block::Directive(d, _) = &block.block
                && d.error.is_some()
                && kind == ProblemKind::Parse
            {
                return Some(block.line + 1);
            }
            if block.instruction().is_some_and(|i| i.problems().iter().any(|p| p.kind == kind)) {
                return Some(block.line + 1);
            }
        }
    }
    None
}

fn check(name: &str, source: &str, truth: &Value, out: &mut Vec<String>) -> usize {
    let parsed = Parsed::new(source);
    let before = out.len();
    let mut count = 0;
    if truth["parse_ok"] == true {
        let ours: Vec<_> = parsed.instructions().collect();
        let theirs = truth["ins"].as_array().cloned().unwrap_or_default();
        if ours.len() != theirs.len() {
            out.push(format!("{} instructions, truth has {}", ours.len(), theirs.len()));
        } else {
            for ((placed, i), t) in ours.iter().zip(&theirs) {
                compare(i, placed.line + 1, placed.line + placed.lines, t, out);
                count += 1;
            }
        }
    }
    let accepted = truth["parse_ok"] == true && truth["instr_ok"] == true;
    let line = truth["err_line"].as_u64().or(truth["instr_err_line"].as_u64());
    let message = format!("{}{}", text(truth, "err"), text(truth, "instr_err"));
    let whole_file = message.contains("no instructions") || message.contains("no build stage");
    match first_error(&parsed) {
        None if accepted || whole_file => {}
        Some(ours) if !accepted && line == Some(ours as u64) => {}
        ours => out.push(format!("refused at {ours:?}, truth {accepted} {line:?} {message}")),
    }
    for line in &mut out[before..] {
        *line = format!("{name}: {line}");
    }
    count
}

fn report(what: &str, rows: usize, instructions: usize, out: &[String]) {
    println!("{what}: {rows} rows, {instructions} instructions, {} differences", out.len());
    for line in out.iter().take(60) {
        println!("  {line}");
    }
    assert!(rows > 0, "{what}: nothing was read");
    assert!(out.is_empty(), "{what}: {} differences", out.len());
}

#[test]
fn corpus() {
    let Some(dir) = shared() else { return };
    let truth = std::fs::read_to_string(dir.join("corpus/truth.jsonl")).expect("truth.jsonl");
    let (mut out, mut rows, mut instructions) = (Vec::new(), 0, 0);
    for row in truth.lines() {
        let row: Value = serde_json::from_str(row).expect("a JSON row");
        let bytes = std::fs::read(dir.join("corpus/files").join(text(&row, "f"))).expect("a corpus file");
        instructions += check(text(&row, "f"), &String::from_utf8_lossy(&bytes), &row, &mut out);
        rows += 1;
    }
    report("corpus", rows, instructions, &out);
}

#[test]
fn syntax_cases() {
    let Some(dir) = shared() else { return };
    let cases = std::fs::read_to_string(dir.join("cases/syntax_cases.jsonl")).expect("syntax_cases.jsonl");
    let (mut out, mut rows, mut instructions) = (Vec::new(), 0, 0);
    for row in cases.lines() {
        let row: Value = serde_json::from_str(row).expect("a JSON row");
        instructions += check(text(&row, "name"), text(&row, "dockerfile"), &row["truth"], &mut out);
        rows += 1;
    }
    report("syntax_cases", rows, instructions, &out);
}

/// Go's `strconv.Quote`, as far as the dumps need it.
fn quote(s: &str) -> String {
    let mut out = String::from("\"");
    for c in s.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// BuildKit's `Node.Dump` of one instruction.
fn dump(i: &Instruction) -> String {
    let mut s = i.keyword().value.to_lowercase();
    if !i.flags().is_empty() {
        let flags: Vec<String> = i.flags().iter().map(|f| quote(&f.value)).collect();
        s += &format!(" [{}]", flags.join(" "));
    }
    if let Some(trigger) = i.trigger() {
        s += &format!(" ({})", dump(trigger));
    }
    for arg in args(i) {
        s += &format!(" {}", quote(&arg));
    }
    s
}

#[test]
fn buildkit_parser() {
    let Some(dir) = shared() else { return };
    let cases =
        std::fs::read_to_string(dir.join("cases/buildkit_parser.jsonl")).expect("buildkit_parser.jsonl");
    let (mut out, mut kinds) = (Vec::new(), BTreeMap::<String, usize>::new());
    for row in cases.lines() {
        let row: Value = serde_json::from_str(row).expect("a JSON row");
        let kind = text(&row, "kind").to_owned();
        *kinds.entry(kind.split(':').next().unwrap_or_default().to_owned()).or_default() += 1;
        let name = format!("{kind} {} {}", text(&row, "name"), text(&row, "input"));
        match kind.split(':').next().unwrap_or_default() {
            "parser" => {
                let parsed = Parsed::new(text(&row, "dockerfile"));
                if row["parse_error"] == true {
                    let refused = first_error(&parsed).is_some() || parsed.file_problem().is_some();
                    if !refused {
                        out.push(format!("{name}: not refused"));
                    }
                    continue;
                }
                if let Some(lines) = row["child_lines"].as_array() {
                    let ours: Vec<Value> = parsed
                        .instructions()
                        .map(|(p, _)| serde_json::json!([p.line + 1, p.line + p.lines]))
                        .collect();
                    if &ours != lines {
                        out.push(format!("{name}: lines {ours:?} truth {lines:?}"));
                    }
                }
                if let Some(truth) = row["ast_dump"].as_str() {
                    let ours: String =
                        parsed.instructions().map(|(_, i)| format!("({})\n", dump(i))).collect();
                    // The dump breaks the line behind ONBUILD's inner node; it means nothing.
                    let theirs = truth.replace(")\n)", "))").replace(")\n\n", ")\n");
                    for (a, b) in ours.lines().zip(theirs.lines()) {
                        if a.trim_end() != b.trim_end() {
                            out.push(format!("{name}: ours {a} theirs {b}"));
                        }
                    }
                    if ours.lines().count() != theirs.lines().count() {
                        out.push(format!(
                            "{name}: {} nodes, truth {}",
                            ours.lines().count(),
                            theirs.lines().count()
                        ));
                    }
                }
            }
            "parse_words" => {
                let parsed = Parsed::new(&format!("ARG {}", text(&row, "input")));
                let ours: Vec<Vec<String>> = parsed.instructions().map(|(_, i)| args(i)).collect();
                if ours != [strings(&row["expect"])] {
                    out.push(format!("{name}: {ours:?}"));
                }
            }
            "json_array" => {
                let parsed = Parsed::new(&format!("CMD {}", text(&row, "input")));
                let (_, i) = parsed.instructions().next().expect("one instruction");
                let valid = i.is_valid() && i.form() == Form::Exec;
                if row["valid"].as_bool() != Some(valid) || (valid && args(i) != strings(&row["expect"])) {
                    out.push(format!("{name}: valid {valid}, {:?}", args(i)));
                }
            }
            "heredoc" => {
                let names = strings(&row["heredocNames"]);
                let line = text(&row, "line");
                let body: String = names.iter().map(|n| format!("{n}\n")).collect();
                let parsed = Parsed::new(&format!("{line}\n{body}"));
                let (_, i) = parsed.instructions().next().expect("one instruction");
                let ours: Vec<&str> = i.heredocs().iter().map(|h| h.name.as_str()).collect();
                // `RUN <<- EOF`: upstream's test only looks at the heredocs that were found, and its lexer makes two
                // words of it, so there is none: built with BuildKit, `EOF` is the next instruction.
                if ours != names && line != "RUN <<- EOF" {
                    out.push(format!("{name} {line}: {ours:?}"));
                }
            }
            "directive" => {
                let found = layerwise_syntax::lines::detect_directive(
                    text(&row, "dockerfile"),
                    row["key"].as_str().unwrap_or("syntax"),
                    text(&row, "call") == "DetectSyntax",
                );
                let expect = &row["expect"];
                let line_ok = expect["line"].is_null()
                    || found.as_ref().map(|d| d.1 as u64 + 1) == expect["line"].as_u64();
                let value = found.as_ref().map(|d| d.0.split(' ').next().unwrap_or_default());
                if found.is_some() != (expect["found"] == true)
                    || !line_ok
                    || (!expect["value"].is_null() && value != expect["value"].as_str())
                {
                    out.push(format!("{name} {:?}: {found:?} truth {expect}", text(&row, "dockerfile")));
                }
            }
            other => out.push(format!("unknown kind {other}")),
        }
    }
    println!("buildkit_parser: {kinds:?}");
    report("buildkit_parser", kinds.values().sum(), 0, &out);
}

#[test]
fn buildkit_instructions() {
    let Some(dir) = shared() else { return };
    let cases = std::fs::read_to_string(dir.join("cases/buildkit_instructions.jsonl"))
        .expect("buildkit_instructions.jsonl");
    let (mut out, mut rows) = (Vec::new(), 0);
    for row in cases.lines() {
        let row: Value = serde_json::from_str(row).expect("a JSON row");
        rows += 1;
        let source = text(&row, "dockerfile");
        let parsed = Parsed::new(source);
        let (_, i) = parsed.instructions().next().expect("one instruction");
        if row["expectedError"].is_string() {
            if i.problems().is_empty() {
                out.push(format!("{source:?}: not refused"));
            }
            continue;
        }
        if let Some(files) = row["files"].as_array() {
            let ours: Vec<(String, String)> = i
                .heredocs()
                .iter()
                .map(|h| (h.name.clone(), i.source()[h.body.clone()].to_owned()))
                .collect();
            let theirs: Vec<(String, String)> =
                files.iter().map(|f| (text(f, "Name").to_owned(), text(f, "Data").to_owned())).collect();
            if ours != theirs {
                out.push(format!("{source:?}: {ours:?}"));
            }
        }
        if row["command"].is_array() && args(i) != strings(&row["command"]) {
            out.push(format!("{source:?}: {:?}", args(i)));
        }
        if row["shell"].is_boolean() && row["shell"].as_bool() != Some(i.form() == Form::Shell) {
            out.push(format!("{source:?}: form {:?}", i.form()));
        }
        if let Some(contents) = row["sourcesAndDest"]["SourceContents"].as_array() {
            let theirs: Vec<(String, String)> =
                contents.iter().map(|c| (text(c, "Path").to_owned(), text(c, "Data").to_owned())).collect();
            let ours: Vec<(String, String)> =
                i.heredocs().iter().map(|h| (h.name.clone(), h.content(i.source()).into_owned())).collect();
            if ours != theirs {
                out.push(format!("{source:?}: {ours:?} truth {theirs:?}"));
            }
        }
    }
    report("buildkit_instructions", rows, 0, &out);
}
