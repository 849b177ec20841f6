//! The build graph as `docs/protocol.md` has it.

use layerwise_analysis::plan::stage_name;
use layerwise_model::eval::Base;
use layerwise_model::graph::{Input, Kind, Origin};
use serde_json::{Value, json};

use super::build::Build;

/// The version of the JSON; it changes when a field changes its meaning.
const JSON_VERSION: u32 = 1;

/// The build graph of what the target reaches.
pub(crate) fn graph(build: &Build, dockerfile: String, context: Option<String>) -> Value {
    let stages = build.file.stages().iter().zip(&build.eval.stages).map(|(stage, found)| {
        let base = match &found.base {
            Base::Image(reference) => json!({"image": reference}),
            Base::Stage(index) => json!({"stage": stage_name(&build.file, *index)}),
            Base::Scratch => json!({"scratch": true}),
            Base::Named(name) => json!({"context": name}),
            Base::Invalid(_) => Value::Null,
        };
        json!({
            "name": stage_name(&build.file, stage.index),
            "index": stage.index,
            "line": build.file.line(stage.from),
            "base": base,
            "built": found.reachable,
        })
    });
    let vertices = build.graph.vertices.iter().enumerate().map(|(id, vertex)| {
        let number = match vertex.origin {
            Origin::Instruction(number) => number,
            Origin::Trigger(stage, _) => build.file.stages()[stage].from,
        };
        let (kind, name) = match &vertex.kind {
            Kind::Image(name) => ("image", Some(name)),
            Kind::Local(name) => ("local", Some(name)),
            Kind::Http(url) => ("http", Some(url)),
            Kind::Git(url) => ("git", Some(url)),
            Kind::Exec => ("exec", None),
            Kind::File => ("file", None),
            Kind::Merge => ("merge", None),
            Kind::Layer => ("layer", None),
        };
        let instruction = || build.file.instruction(number).1.logical().text().trim().to_owned();
        let inputs = vertex.inputs.iter().map(|input| match input {
            Input::Result(vertex) => json!({"vertex": vertex, "by": "key"}),
            Input::Files(vertex, _) => json!({"vertex": vertex, "by": "content"}),
            Input::Content(_) => json!({"context": true, "by": "content"}),
        });
        json!({
            "id": id,
            "kind": kind,
            "name": name.cloned().unwrap_or_else(instruction),
            "stage": build.file.stage_of(number).map(|stage| stage_name(&build.file, stage.index)),
            "line": build.file.line(number),
            "inputs": inputs.collect::<Vec<_>>(),
        })
    });
    json!({
        "version": JSON_VERSION,
        "dockerfile": dockerfile,
        "context": context,
        "target": build.eval.target.map(|index| stage_name(&build.file, index)),
        "stages": stages.collect::<Vec<_>>(),
        "vertices": vertices.collect::<Vec<_>>(),
    })
}
