//! Sizes of layers, from `docker history --no-trunc --format json IMAGE`.

use layerwise_model::eval::{Command, Run};
use layerwise_model::keys::keys;
use layerwise_model::learnt::{Learnt, Measurement};
use serde::Deserialize;

use super::image::Layers;
use super::log::LogError;
use crate::plan::Side;

/// A line of an image's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What made it: `RUN /bin/sh -c npm ci # buildkit`.
    pub by: String,
    /// How many bytes it has.
    pub bytes: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(default)]
    created_by: String,
    size: String,
}

/// Reads a history: one JSON object for each layer, the uppermost first.
///
/// # Errors
/// If a line is no such object, or its size is no size.
pub fn layers(text: &str) -> Result<Vec<Layer>, LogError> {
    let mut found = Vec::new();
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |what: String| LogError {
            line: at + 1,
            message: format!("{what}; write the file with `docker history --no-trunc --format json IMAGE`"),
        };
        let line: Line =
            serde_json::from_str(line.trim()).map_err(|_| wrong("this is no layer".to_owned()))?;
        let bytes = size(&line.size).ok_or_else(|| wrong(format!("{:?} is no size", line.size)))?;
        found.push(Layer { by: line.created_by, bytes });
    }
    if found.is_empty() {
        let message = "the history is empty; write it with `docker history --no-trunc --format json IMAGE`";
        return Err(LogError { line: 1, message: message.to_owned() });
    }
    Ok(found)
}

/// Bytes, as `--human=false` writes them (`8192`) or as people read them (`8.19kB`, decimal units).
fn size(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "" | "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    (bytes.is_finite() && bytes < 1e18).then_some(bytes.round() as u64)
}

/// Learns the sizes of the layers of the target's image, the uppermost first, as far down as the history is one of this
/// Dockerfile; the answer is how many of how many layers of the Dockerfile fit.
pub fn learn_sizes(side: &Side<'_>, layers: &[Layer], learnt: &mut Learnt) -> (usize, usize) {
    let Some(own) = side.eval.target.and_then(|target| Layers::new(side, target)) else { return (0, 0) };
    let keys = keys(side.graph);
    let mut history = layers.iter().filter(|layer| is_step(&layer.by));
    let mut fits = 0;
    for &number in own.numbers.iter().rev() {
        let Some(layer) = history.next().filter(|layer| is_of(&layer.by, &side.eval.step(number).command))
        else {
            break;
        };
        fits += 1;
        let vertex = side.graph.of_instruction.get(&number);
        let Some(keys) = vertex.and_then(|vertex| keys.get(*vertex)) else { continue };
        let name = side.file.instruction(number).1.logical().text().trim().to_owned();
        learnt.measured(Measurement { keys: *keys, name, seconds: None, bytes: Some(layer.bytes) });
    }
    (fits, own.numbers.len())
}

/// Whether a layer was made by a step, not by a setting.
fn is_step(by: &str) -> bool {
    ["RUN ", "COPY ", "ADD ", "WORKDIR "].iter().any(|k| by.starts_with(k))
}

fn is_of(by: &str, command: &Command) -> bool {
    let (keyword, rest) = by.split_once(' ').unwrap_or((by, ""));
    let rest = rest.trim_end().trim_end_matches("# buildkit").trim_end();
    match command {
        Command::Run(Run { argv, script, .. }) => {
            keyword == "RUN" && (script.is_some() || rest.ends_with(argv.join(" ").trim_end()))
        }
        Command::Copy(copy) => {
            keyword == if copy.add { "ADD" } else { "COPY" }
                && rest.split(' ').next_back() == Some(&copy.dest)
        }
        Command::Workdir(path) => keyword == "WORKDIR" && path.ends_with(rest.trim_start_matches("./")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::*;

    const HISTORY: &str = include_str!("../../tests/logs/history.json");
    const DOCKERFILE: &str = include_str!("../../tests/logs/Dockerfile");

    #[test]
    fn sizes_of_a_real_image() {
        let layers = layers(HISTORY).expect("a history");
        let mut learnt = Learnt::new(String::new());
        let build = Build::new(DOCKERFILE, None);
        assert_eq!(build.with(|side| learn_sizes(side, &layers, &mut learnt)), (7, 7));
        let bytes = |begins: &str| learnt.index().get(&build.keys(begins)).bytes;
        assert_eq!(bytes("COPY big"), Some(20_013_056));
        assert_eq!(bytes("RUN <<EOF"), Some(4_096));
        assert_eq!(bytes("WORKDIR"), Some(8_192));
        assert_eq!(bytes("RUN for"), None, "not a layer of the image");
    }

    #[test]
    fn another_file_fits_from_the_top_as_far_as_it_does() {
        let layers = layers(HISTORY).expect("a history");
        let build = Build::new(&DOCKERFILE.replace("sleep 0.5", "sleep 0.6"), None);
        let fits = build.with(|side| learn_sizes(side, &layers, &mut Learnt::new(String::new())));
        assert_eq!(fits, (3, 7));
    }

    #[test]
    fn sizes() {
        let cases = [
            ("0B", Some(0)),
            ("8192", Some(8_192)),
            ("8.19kB", Some(8_190)),
            ("20MB", Some(20_000_000)),
            ("1.1GB", Some(1_100_000_000)),
            ("", None),
            ("12XB", None),
            ("-1B", None),
            ("1e9", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_no_history_names_its_line() {
        for (text, line) in [("", 1), ("\n{}\n", 2), ("[]", 1), ("{\"Size\":\"x\"}", 1)] {
            assert_eq!(layers(text).expect_err(text).line, line, "{text}");
        }
    }
}
