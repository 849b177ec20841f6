//! The plan, or the build graph alone, as one SVG picture: stages as lanes, steps as blocks. No script; light and dark.

use std::fmt::Write as _;

use layerwise_analysis::plan::{Plan, State};

use crate::plan::{About, cause_text, clean, headline, shorten};
use crate::structure::{StageBase, Structure};

const MARGIN: usize = 24;
const LANE: usize = 420;
/// Between columns, where the edges run.
const GAP: usize = 72;
const BETWEEN: usize = 20;
const HEAD: usize = 36;
const ROW: usize = 26;
/// What a cause adds to a row.
const CAUSE: usize = 16;
/// Characters of 12 pixels that fit into a lane beside the sign and the line number, and of 11 pixels below.
const TEXT: usize = 48;
const CAUSE_TEXT: usize = 54;
const TITLE: usize = 108;
/// The height of a line of facts, and about the width of a letter there.
const FACT: usize = 19;
const FACT_LETTER: usize = 7;

const STYLE: &str = "\
svg { --bg: #fff; --lane: #f6f7f9; --rule: #d3d9e0; --ink: #1b1f24; --dim: #59636e; --on: #fff; --cached: #1a7a57; \
--rebuilt: #b3261e; --depends: #875600; --metadata: #66707b; --rebuilt-bg: #fdeceb; --depends-bg: #fff3d4; \
--cause: #8f1d16; --maybe: #6b4500 }
@media (prefers-color-scheme: dark) { svg { --bg: #0e1116; --lane: #161b22; --rule: #313a45; --ink: #e6e9ee; \
--dim: #9aa4b2; --on: #0b0e12; --cached: #3fb68b; --rebuilt: #ff8078; --depends: #e3b341; --metadata: #8b949e; \
--rebuilt-bg: #351a19; --depends-bg: #2e2410; --cause: #ffb3ad; --maybe: #f0cf86 } }
text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: var(--ink) }
.mono { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }
.strong { font-weight: 600 } .title { font-size: 18px; font-weight: 600 } .dim { fill: var(--dim) }
.small { font-size: 11px } .end { text-anchor: end }
.sign { font: bold 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; text-anchor: middle; \
fill: var(--on) }
.lane { fill: var(--lane); stroke: var(--rule) } .apart { stroke-dasharray: 5 4 }
.edge { fill: none; stroke: var(--dim); stroke-width: 1.5 } .content { stroke-dasharray: 5 4 }
.tip { fill: var(--dim) }
.rebuilt .edge { stroke: var(--rebuilt) } .rebuilt .tip { fill: var(--rebuilt) }
.depends .edge { stroke: var(--depends) } .depends .tip { fill: var(--depends) }
.cached .tile { fill: var(--cached) } .rebuilt .tile { fill: var(--rebuilt) } .depends .tile { fill: var(--depends) }
.metadata .tile { fill: var(--metadata) } .not-built .tile { fill: none; stroke: var(--metadata); stroke-dasharray: 2 2 }
.not-built .sign { fill: var(--dim) } .row { fill: none } .rebuilt .row { fill: var(--rebuilt-bg) }
.depends .row { fill: var(--depends-bg) } .metadata .mono, .not-built .mono { fill: var(--dim) }
.rebuilt .cause { fill: var(--cause) } .depends .cause { fill: var(--maybe) }
";

/// The sign and the name of each state, in the order of the legend.
const STATES: [(State, &str, &str); 5] = [
    (State::Rebuilt, "!", "rebuilt"),
    (State::Depends, "?", "depends"),
    (State::Cached, "=", "cached"),
    (State::Metadata, "\u{b7}", "metadata"),
    (State::NotBuilt, "\u{2013}", "not built"),
];

/// The SVG of a plan; without one, of the build graph alone. Ends in a line feed.
pub fn to_svg(structure: &Structure, plan: Option<&Plan>, about: &About) -> String {
    let columns = structure.columns();
    let count = columns.iter().max().map_or(1, |c| c + 1);
    let width = 2 * MARGIN + count * LANE + (count - 1) * GAP;
    let facts = facts(plan, about, width);
    let mut heights = vec![MARGIN + TITLE + FACT * facts.len(); count];
    let mut body = String::new();
    // Where the edges of a step end: its lane's left and right side, and its height.
    let mut places: Vec<(usize, (usize, usize, usize))> = Vec::new();
    for (stage, steps) in structure.lanes() {
        let column = stage.and_then(|s| columns.get(s).copied()).unwrap_or(0);
        let Some(top) = heights.get(column).copied() else { continue };
        let x = MARGIN + column * (LANE + GAP);
        let mut y = top + HEAD;
        let mut rows = String::new();
        for (step, number) in structure.steps.get(steps.clone()).into_iter().flatten().zip(steps) {
            let planned = plan.and_then(|p| p.steps.get(number));
            let causes: Vec<String> = match (planned, plan) {
                (Some(step), Some(plan)) => {
                    step.because.iter().take(2).map(|c| cause_text(c, step, plan)).collect()
                }
                _ => Vec::new(),
            };
            let height = ROW + if causes.is_empty() { 0 } else { CAUSE };
            let state = planned.map(|s| s.state);
            let class = state.map_or("graph", State::as_str);
            let _ = write!(rows, "<g class=\"{class}\"><title>{}</title>", xml(&described(step, state)));
            let _ = write!(
                rows,
                r#"<rect class="row" x="{}" y="{y}" width="{}" height="{height}"/>"#,
                x + 1,
                LANE - 2
            );
            if let Some((_, sign, _)) = STATES.iter().find(|(s, ..)| Some(*s) == state) {
                let _ = write!(
                    rows,
                    r#"<rect class="tile" x="{}" y="{}" width="18" height="18" rx="4"/><text class="sign" x="{}" y="{}">{sign}</text>"#,
                    x + 10,
                    y + 4,
                    x + 19,
                    y + 18
                );
            }
            let _ = write!(
                rows,
                r#"<text class="mono dim end" x="{}" y="{}">{}</text><text class="mono" x="{}" y="{}">{}</text>"#,
                x + 58,
                y + 17,
                step.line,
                x + 66,
                y + 17,
                xml(&fit(&step.text, TEXT))
            );
            if !causes.is_empty() {
                let _ = write!(
                    rows,
                    r#"<text class="small cause" x="{}" y="{}">{}</text>"#,
                    x + 66,
                    y + 33,
                    xml(&fit(&causes.join("; "), CAUSE_TEXT))
                );
            }
            rows.push_str("</g>\n");
            places.push((step.line, (x, x + LANE, y + 13)));
            y += height;
        }
        let (name, base, built) = match stage.and_then(|s| structure.stages.get(s)) {
            Some(stage) => (stage.name.clone(), base_text(structure, &stage.base), stage.built),
            None => ("before the first FROM".to_owned(), String::new(), true),
        };
        let height = y + 8 - top;
        let apart = if built { "" } else { " apart" };
        let base = match built {
            true => base,
            false => format!("{base}, not built"),
        };
        let _ = writeln!(
            body,
            r#"<rect class="lane{apart}" x="{x}" y="{top}" width="{LANE}" height="{height}" rx="8"/><text class="strong" x="{}" y="{}">{}</text><text class="dim small end" x="{}" y="{}">{}</text>"#,
            x + 12,
            top + 23,
            xml(&fit(&name, 26)),
            x + LANE - 12,
            top + 23,
            xml(&fit(&base, 34))
        );
        body.push_str(&rows);
        if let Some(bottom) = heights.get_mut(column) {
            *bottom = top + height + BETWEEN;
        }
    }
    let edges = edges(structure, plan, &places);
    let height = heights.iter().max().copied().unwrap_or(0) + MARGIN - BETWEEN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"var(--bg)\"/>\n{}{edges}{body}</svg>\n",
        xml(&clean(&match plan {
            Some(plan) => format!("{}: {}", about.dockerfile, headline(plan)),
            None => format!("{}: the build graph", about.dockerfile),
        })),
        title(plan, about, &facts, !edges.is_empty())
    )
}

/// What the plan is about, in lines that fit into a picture of this width.
fn facts(plan: Option<&Plan>, about: &About, width: usize) -> Vec<String> {
    let mut facts = vec![match &about.context {
        Some(context) => format!("context {context}"),
        None => "context unknown".to_owned(),
    }];
    facts.extend(about.target.as_ref().map(|t| format!("target {t}")));
    if plan.is_some() {
        facts.extend([format!("compared with {}", about.before), about.cache_words()]);
    }
    let room = width.saturating_sub(2 * MARGIN) / FACT_LETTER;
    let mut lines: Vec<String> = Vec::new();
    for fact in facts {
        match lines.last_mut().filter(|line| line.chars().count() + fact.chars().count() + 3 <= room) {
            Some(line) => {
                line.push_str(" \u{b7} ");
                line.push_str(&fact);
            }
            None => lines.push(fit(&fact, room)),
        }
    }
    lines
}

/// Name, headline, what the plan is about, and the legend; with what stands for the edges if there are some.
fn title(plan: Option<&Plan>, about: &About, facts: &[String], edges: bool) -> String {
    let head = plan.map_or_else(|| "the build graph".to_owned(), headline);
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<text class="title" x="{MARGIN}" y="{}">{}</text><text class="strong" x="{MARGIN}" y="{}">{}</text>"#,
        MARGIN + 16,
        xml(&fit(&about.dockerfile, 60)),
        MARGIN + 44,
        xml(&head)
    );
    for (number, line) in facts.iter().enumerate() {
        let y = MARGIN + 44 + FACT * (number + 1);
        let _ = writeln!(out, r#"<text class="dim" x="{MARGIN}" y="{y}">{}</text>"#, xml(line));
    }
    let below = FACT * facts.len();
    let mut x = MARGIN;
    for (state, sign, word) in STATES.iter().filter(|_| plan.is_some()) {
        let _ = writeln!(
            out,
            r#"<g class="{}"><rect class="tile" x="{x}" y="{}" width="18" height="18" rx="4"/><text class="sign" x="{}" y="{}">{sign}</text><text class="small" x="{}" y="{}">{word}</text></g>"#,
            state.as_str(),
            MARGIN + 62 + below,
            x + 9,
            MARGIN + 76 + below,
            x + 25,
            MARGIN + 75 + below
        );
        x += 44 + word.len() * 6;
    }
    if !edges {
        return out;
    }
    let _ = writeln!(
        out,
        r#"<path class="edge" d="M{x} {0}h28"/><text class="small" x="{1}" y="{2}">keyed by the layer below</text><path class="edge content" d="M{3} {0}h28"/><text class="small" x="{4}" y="{2}">keyed by content</text>"#,
        MARGIN + 71 + below,
        x + 36,
        MARGIN + 75 + below,
        x + 190,
        x + 226
    );
    out
}

/// The curves from lane to lane.
fn edges(structure: &Structure, plan: Option<&Plan>, places: &[(usize, (usize, usize, usize))]) -> String {
    let mut sorted = places.to_vec();
    sorted.sort_unstable_by_key(|(line, _)| *line);
    let place = |line: usize| {
        let at = sorted.binary_search_by_key(&line, |(l, _)| *l).ok()?;
        Some(sorted[at].1)
    };
    let mut out = String::new();
    let state = |line: usize| {
        let number = structure.steps.binary_search_by_key(&line, |s| s.line).ok()?;
        plan?.steps.get(number).map(|s| s.state).filter(|s| matches!(s, State::Rebuilt | State::Depends))
    };
    for (from, to, by_content) in structure.crossings() {
        let (Some((_, right, y1)), Some((left, _, y2))) = (place(from), place(to)) else { continue };
        let way = if by_content { " content" } else { "" };
        // An edge on which something changes has the colour of what it changes.
        let moving = state(from).and(state(to)).map_or("", State::as_str);
        let bend = (left.saturating_sub(right) / 2).max(28);
        let end = left.saturating_sub(6);
        let _ = writeln!(
            out,
            r#"<g class="{moving}"><path class="edge{way}" d="M{right} {y1}C{} {y1} {} {y2} {end} {y2}"/><path class="tip" d="M{left} {y2}l-8 -4v8z"/></g>"#,
            right + bend,
            end.saturating_sub(bend)
        );
    }
    out
}

/// What a stage starts from, in words.
pub(crate) fn base_text(structure: &Structure, base: &StageBase) -> String {
    match base {
        StageBase::Image(image) => format!("from {image}"),
        StageBase::Stage(index) => {
            format!("from stage {}", structure.stages.get(*index).map_or("", |s| s.name.as_str()))
        }
        StageBase::Scratch => "from scratch".to_owned(),
        StageBase::Context(name) => format!("from context {name}"),
    }
}

/// What a reader that sees no picture is told of a step.
fn described(step: &crate::structure::Step, state: Option<State>) -> String {
    let state = state.map_or(String::new(), |s| format!(", {}", s.as_str().replace('-', " ")));
    format!("Line {}: {}{state}", step.line, shorten(&step.text, 400))
}

/// One line that takes at most `room` columns, wide characters counted twice.
fn fit(text: &str, room: usize) -> String {
    let line = clean(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    let width = |c: char| if c >= '\u{1100}' { 2 } else { 1 };
    let mut used = 0;
    let cut = line.char_indices().find(|(_, c)| {
        used += width(*c);
        used > room
    });
    let Some((mut end, _)) = cut else { return line };
    // Room for the dots.
    let mut free = 0;
    while let Some(last) = line[..end].chars().next_back().filter(|_| free < 1) {
        free += width(last);
        end -= last.len_utf8();
    }
    format!("{}\u{2026}", &line[..end])
}

/// Text as XML has it. Characters that XML forbids are replaced.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::tests::{EXAMPLE, FILES, about, planned};

    #[test]
    fn lanes_states_and_causes() {
        let (plan, structure) = planned(EXAMPLE, &FILES, &["src/a.ts"]);
        let svg = to_svg(&structure, Some(&plan), &about());
        for part in [
            "<title>Line 6: COPY . ., rebuilt</title>",
            "src/a.ts changes",
            ">COPY . .<",
            "from node:22<",
            "from stage build, not built<",
            "class=\"edge content\"",
            "<title>Line 11: COPY --from=build /app/dist /srv, depends</title>",
            "2 of 9 steps rebuild, 2 depend",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        let graph = to_svg(&structure, None, &about());
        assert!(graph.contains("the build graph") && !graph.contains("class=\"sign\""), "{graph}");
    }

    #[test]
    fn a_dockerfile_cannot_get_out_of_the_picture() {
        let text = "FROM alpine AS \"><script>alert(1)</script>\nRUN a\u{1b}[2J\u{202e}<b>&amp;'\"</svg>\u{ffff}\u{b}\n";
        let (plan, structure) = planned(text, &[], &[]);
        let mut about = about();
        about.dockerfile = "</style><script>\u{202e}".to_owned();
        let svg = to_svg(&structure, Some(&plan), &about);
        assert!(!svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1);
        assert!(!svg.contains(['\u{1b}', '\u{202e}', '\u{ffff}', '\u{b}']), "{svg}");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde\u{2026}");
        assert_eq!(fit("日本語日本語", 6), "日本\u{2026}");
        let (plan, structure) = planned(&format!("FROM a\nRUN {}\n", "é".repeat(100_000)), &[], &[]);
        assert!(to_svg(&structure, Some(&plan), &about()).len() < 10_000);
    }
}
