//! A real build, and what it says of each vertex.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::case::Build;
use super::engine::Engine;

/// What the engine did with a vertex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// The digest of its definition and those below it.
    pub digest: String,
    /// Its name: `[build 3/7] RUN make`.
    pub name: String,
    /// How many vertices it reads.
    pub inputs: usize,
    /// Whether it began at all.
    pub started: bool,
    /// Whether its result came from the cache.
    pub cached: bool,
}

/// A line of `--progress=rawjson`. Newer clients print one per line, older ones over several; both are a stream.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    vertexes: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    digest: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    inputs: Vec<String>,
    started: Option<String>,
    #[serde(default)]
    cached: bool,
}

/// Builds and gives the vertices in the order in which the engine named them. An error is what the client said last.
pub fn run(engine: &Engine, root: &Path, build: &Build, image: Option<&str>) -> Result<Vec<Vertex>, String> {
    let mut command = engine.client();
    command.current_dir(root).args(["build", "--progress=rawjson"]);
    // RUN may ask for the host's network; none needs more.
    command.arg(format!("--network={}", build.network.as_deref().unwrap_or("none")));
    command.arg("--allow=network.host");
    match image {
        Some(tag) => command.arg(format!("--tag={tag}")),
        // Nobody looks at the image, and writing it takes longer than a small build.
        None => command.arg("--output=type=cacheonly"),
    };
    let context = build.context.as_deref().unwrap_or(".");
    command.arg("--file").arg(dockerfile(build));
    for (name, value) in &build.args {
        command.arg(format!("--build-arg={name}={value}"));
    }
    if let Some(target) = &build.target {
        command.arg(format!("--target={target}"));
    }
    if let Some(platform) = &build.platform {
        command.arg(format!("--platform={platform}"));
    }
    for (name, value) in &build.contexts {
        command.arg(format!("--build-context={name}={value}"));
    }
    for (number, (id, value)) in build.secrets.iter().enumerate() {
        let name = format!("LAYERWISE_SECRET_{number}");
        command.env(&name, value).arg(format!("--secret=id={id},env={name}"));
    }
    for id in &build.ssh {
        command.arg(format!("--ssh={id}={}", engine.agent()?.display()));
    }
    let done = command.arg(context).output().map_err(|e| format!("docker: {e}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        let last = said.lines().rev().find(|line| line.starts_with("ERROR")).unwrap_or(said.trim());
        return Err(last.to_owned());
    }
    Ok(vertices(&said))
}

/// The Dockerfile of a build, relative to the case's folder.
pub fn dockerfile(build: &Build) -> String {
    match (&build.file, build.context.as_deref()) {
        (Some(file), _) => file.clone(),
        (None, Some(context)) => format!("{}/Dockerfile", context.trim_end_matches('/')),
        (None, None) => "Dockerfile".to_owned(),
    }
}

/// The vertices of a stream of status messages; what is no such message is passed over.
pub fn vertices(stream: &str) -> Vec<Vertex> {
    let mut found: Vec<Vertex> = Vec::new();
    let mut by_digest: HashMap<String, usize> = HashMap::new();
    let start = stream.find('{').unwrap_or(stream.len());
    for status in serde_json::Deserializer::from_str(&stream[start..]).into_iter::<Status>() {
        // Warnings come after the last message, and nothing of interest after them.
        let Ok(status) = status else { break };
        for event in status.vertexes {
            let index = *by_digest.entry(event.digest.clone()).or_insert_with(|| {
                found.push(Vertex {
                    digest: event.digest,
                    name: event.name,
                    inputs: 0,
                    started: false,
                    cached: false,
                });
                found.len() - 1
            });
            let vertex = &mut found[index];
            vertex.inputs = vertex.inputs.max(event.inputs.len());
            vertex.started |= event.started.is_some();
            vertex.cached |= event.cached;
        }
    }
    found
}
