//! The plan, or the build graph alone, as a Mermaid flowchart: a subgraph per stage.

use std::fmt::Write as _;

use layerwise_analysis::plan::{Plan, State};

use crate::plan::{clean, shorten};
use crate::structure::Structure;
use crate::svg::base_text;

/// How many characters of an instruction a node shows.
const TEXT: usize = 60;

/// The classes of the states; signs tell them apart too. The colours hold on a light and on a dark ground.
const CLASSES: &str = "\
classDef cached fill:#1a7a57,stroke:#1a7a57,color:#fff
classDef rebuilt fill:#b3261e,stroke:#b3261e,color:#fff
classDef depends fill:#875600,stroke:#875600,color:#fff
classDef metadata fill:#66707b,stroke:#66707b,color:#fff
classDef notbuilt fill:#f6f7f9,stroke:#66707b,color:#1b1f24,stroke-dasharray:3 3
";

/// The Mermaid text of a plan; without one, of the build graph alone. Ends in a line feed.
pub fn to_mermaid(structure: &Structure, plan: Option<&Plan>) -> String {
    let mut out = String::from("flowchart TB\n");
    let node = |out: &mut String, number: usize, line: usize, text: &str| {
        let state = plan.and_then(|p| p.steps.get(number)).map(|s| s.state);
        let sign = match state {
            Some(State::Cached) => "= ",
            Some(State::Rebuilt) => "! ",
            Some(State::Depends) => "? ",
            Some(State::Metadata) => "\u{b7} ",
            Some(State::NotBuilt) => "\u{2013} ",
            None => "",
        };
        let class = state.map_or(String::new(), |s| format!(":::{}", s.as_str().replace('-', "")));
        let _ = writeln!(
            out,
            "l{line}[\"{}{}\"]{class}",
            label(sign),
            label(&format!("{line}  {}", shorten(text, TEXT)))
        );
    };
    for (stage, steps) in structure.lanes() {
        let found = stage.and_then(|s| Some((s, structure.stages.get(s)?)));
        if let Some((index, stage)) = found {
            let built = if stage.built { "" } else { ", not built" };
            let title = format!("{} ({}{built})", stage.name, base_text(structure, &stage.base));
            let _ = writeln!(out, "subgraph s{index}[\"{}\"]", label(&shorten(&title, TEXT)));
        }
        let mut above: Option<usize> = None;
        for (step, number) in structure.steps.get(steps.clone()).into_iter().flatten().zip(steps) {
            node(&mut out, number, step.line, &step.text);
            if let Some(above) = above.filter(|_| found.is_some()) {
                let _ = writeln!(out, "l{above} --- l{}", step.line);
            }
            above = Some(step.line);
        }
        if found.is_some() {
            out.push_str("end\n");
        }
    }
    for (from, to, by_content) in structure.crossings() {
        let arrow = if by_content { "-.->" } else { "-->" };
        let _ = writeln!(out, "l{from} {arrow} l{to}");
    }
    if plan.is_some() {
        out.push_str(CLASSES);
    }
    out
}

/// Text inside a quoted label: what Mermaid, Markdown or HTML would take for markup becomes an entity code.
fn label(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        if c.is_alphanumeric() || " -_./:=,@+()%!?'^~\u{b7}\u{2013}".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::tests::{EXAMPLE, FILES, planned};

    #[test]
    fn stages_are_subgraphs() {
        let (plan, structure) = planned(EXAMPLE, &FILES, &["src/a.ts"]);
        let text = to_mermaid(&structure, Some(&plan));
        for part in [
            "flowchart TB\n",
            "subgraph s0[\"build (from node:22)\"]\n",
            "subgraph s1[\"test (from stage build, not built)\"]\n",
            "l6[\"! 6  COPY . .\"]:::rebuilt\n",
            "l5 --- l6\n",
            "l7 --> l8\n",
            "l7 -.-> l11\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!to_mermaid(&structure, None).contains("classDef"));
    }

    #[test]
    fn labels_hold_no_markup() {
        assert_eq!(
            label("a \"b\" <c> #d; `e` [f]{g}|&\\*"),
            "a #34;b#34; #60;c#62; #35;d#59; #96;e#96; #91;f#93;#123;g#125;#124;#38;#92;#42;"
        );
        assert!(!label("\u{1b}\u{202e}\n").contains(['\u{1b}', '\u{202e}', '\n']));
    }
}
