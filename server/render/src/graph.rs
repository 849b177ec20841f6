//! The build graph alone: as JSON, vertex by vertex, and as text for a terminal.

use std::fmt::Write as _;

use anstyle::Style;
use layerwise_analysis::plan::{Edge, Read, Side, contexts, stage_name};
use layerwise_model::graph::{Input, Kind, Origin};
use serde_json::{Value, json};

use crate::plan::{About, clean, shorten};
use crate::structure::{GRAPH_VERSION, Structure, edge_json};
use crate::svg::base_text;

/// The JSON form of the build graph, vertex by vertex, as docs/protocol.md has it.
pub fn graph_json(side: &Side<'_>, about: &About) -> Value {
    let structure = Structure::of(side);
    let vertices = side.graph.vertices.iter().enumerate().map(|(id, vertex)| {
        let (number, stage, command) = match vertex.origin {
            Origin::Instruction(number) => {
                let stage = side.file.stage_of(number).map(|s| s.index);
                (number, stage, &side.eval.step(number).command)
            }
            Origin::Trigger(stage, position) => {
                let eval = &side.eval.stages[stage];
                (side.file.stages()[stage].from, Some(stage), &eval.triggers[position].command)
            }
        };
        let text = || match vertex.origin {
            Origin::Instruction(_) => side.file.instruction(number).1.logical().text().trim().to_owned(),
            Origin::Trigger(stage, position) => {
                let triggers = &side.eval.stages[stage].trigger_instructions;
                triggers.get(position).map(|i| i.logical().text().trim().to_owned()).unwrap_or_default()
            }
        };
        let (kind, name) = match &vertex.kind {
            Kind::Image(reference) => ("image", reference.clone()),
            Kind::Local(name) => ("local", name.clone()),
            Kind::Http(url) => ("http", url.clone()),
            Kind::Git(url) => ("git", url.clone()),
            Kind::Exec => ("exec", text()),
            Kind::File => ("file", text()),
            Kind::Merge => ("merge", text()),
            Kind::Layer => ("layer", text()),
        };
        let mut inputs: Vec<Value> = vertex
            .inputs
            .iter()
            .filter_map(|input| match input {
                Input::Result(v) => Some(json!({ "vertex": v, "by": "key" })),
                Input::Files(v, _) => Some(json!({ "vertex": v, "by": "content" })),
                Input::Content(_) => None,
            })
            .collect();
        if matches!(vertex.kind, Kind::Exec | Kind::File) {
            let contexts = contexts(command).into_iter();
            inputs.extend(contexts.map(|c| edge_json(&Edge { from: Read::Context(c), by_content: true })));
        }
        json!({
            "id": id,
            "kind": kind,
            "name": name,
            "stage": stage.map(|s| stage_name(side.file, s)),
            "line": side.file.line(number),
            "inputs": inputs,
        })
    });
    json!({
        "version": GRAPH_VERSION,
        "dockerfile": about.dockerfile,
        "context": about.context,
        "target": about.target,
        "stages": structure.stages_json(),
        "vertices": vertices.collect::<Vec<_>>(),
    })
}

/// The text form, stage by stage, with what each step reads beside the one above it. Styled with ANSI escapes. `width` is
/// the terminal's, in columns.
pub fn to_text(structure: &Structure, about: &About, width: usize) -> String {
    let (bold, dim) = (Style::new().bold(), Style::new().dimmed());
    let mut out = String::new();
    let mut facts = vec![match &about.context {
        Some(context) => format!("context {context}"),
        None => "context unknown".to_owned(),
    }];
    facts.extend(about.target.as_ref().map(|t| format!("target {t}")));
    let _ =
        writeln!(out, "{bold}{}{bold:#}  {dim}{}{dim:#}", clean(&about.dockerfile), clean(&facts.join(", ")));
    let digits = structure.steps.last().map_or(1, |s| s.line.to_string().len());
    for (stage, steps) in structure.lanes() {
        let (name, base) = match stage.and_then(|s| structure.stages.get(s)) {
            Some(stage) => {
                let built = if stage.built { "" } else { ", not built" };
                (stage.name.as_str(), format!("{}{built}", base_text(structure, &stage.base)))
            }
            None => ("before the first FROM", String::new()),
        };
        let _ = writeln!(out, "\n{bold}{}{bold:#}  {dim}{}{dim:#}", clean(name), clean(&base));
        let mut above = None;
        for step in structure.steps.get(steps).into_iter().flatten() {
            let reads: Vec<String> = step
                .edges
                .inputs
                .iter()
                .filter(|e| above.is_none_or(|l| e.from != Read::Line(l)))
                .map(read)
                .collect();
            let reads = if reads.is_empty() { String::new() } else { format!("  < {}", reads.join(", ")) };
            let room = width.saturating_sub(digits + 4 + reads.chars().count()).max(24);
            let _ = writeln!(
                out,
                "  {dim}{:>digits$}{dim:#}  {}{dim}{}{dim:#}",
                step.line,
                shorten(&step.text, room),
                clean(&reads)
            );
            let makes = matches!(step.kind.as_str(), "from" | "run" | "copy" | "add" | "workdir");
            if makes || !step.edges.inputs.is_empty() {
                above = Some(step.line);
            }
        }
    }
    out
}

/// What an edge reads, in words.
fn read(edge: &Edge) -> String {
    let from = match &edge.from {
        Read::Line(line) => format!("line {line}"),
        Read::Context(None) => "build context".to_owned(),
        Read::Context(Some(name)) => format!("context {name}"),
        Read::Image(reference) => reference.clone(),
        Read::Remote(url) => url.clone(),
    };
    if edge.by_content { format!("{from} by content") } else { from }
}

#[cfg(test)]
mod tests {
    use layerwise_model::graph::{Contexts, graph};
    use layerwise_model::images::WellKnown;
    use layerwise_model::{File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::structure::tests::{EXAMPLE, FILES, about, planned};

    #[test]
    fn the_graph_has_one_vertex_per_vertex() {
        let file = File::new(Parsed::new("FROM alpine\nCOPY . /s\nCOPY --link a /a\nRUN x\n"));
        let options = Options::default();
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts::default());
        let side = Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options };
        let json = graph_json(&side, &about());
        let kinds: Vec<&str> =
            json["vertices"].as_array().unwrap().iter().map(|v| v["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["image", "file", "file", "merge", "exec"]);
        assert_eq!(
            json["vertices"][1]["inputs"],
            json!([{ "vertex": 0, "by": "key" }, { "context": true, "by": "content" }])
        );
        assert_eq!(
            json["vertices"][3]["inputs"],
            json!([{ "vertex": 1, "by": "key" }, { "vertex": 2, "by": "key" }])
        );
        assert_eq!(json["vertices"][0]["name"], "docker.io/library/alpine:latest");
        assert_eq!(json["vertices"][4]["line"], 4);
    }

    #[test]
    fn the_text_names_what_a_step_reads_beside_the_one_above() {
        let (_, structure) = planned(EXAMPLE, &FILES, &[]);
        let text = anstream::adapter::strip_str(&to_text(&structure, &about(), 100)).to_string();
        for part in [
            "\nbuild  from node:22\n",
            "   5  RUN npm ci\n",
            "   6  COPY . .  < build context by content\n",
            "\ntest  from stage build, not built\n",
            "  11  COPY --from=build /app/dist /srv  < line 7 by content\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
