//! Where the answers of `plan` and `graph` go, and in which form.

use std::path::PathBuf;

use layerwise_analysis::plan::{Side, touched_by_arguments};
use layerwise_model::images::WellKnown;
use layerwise_render::structure::Structure;
use serde_json::Value;

use crate::output::{self, Out, complain, shown};
use crate::status::Status;
use crate::write::write_file;

/// The output formats of what can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// A picture.
    Svg,
    /// A flowchart for Markdown.
    Mermaid,
    /// A page to look around in; one file, which loads nothing.
    Html,
}

/// In which form, and where to.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct To {
    /// The output format
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
    /// Write to this file, whole or not at all [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl To {
    /// The columns that text may take.
    pub(crate) fn width(&self) -> usize {
        if self.output.is_some() { 100 } else { output::width() }
    }

    /// Writes the answer, with styles in it if it is text for a terminal, or says why there is none.
    pub(crate) fn write(&self, answer: Result<String, String>) -> Status {
        let text = match answer {
            Ok(text) => text,
            Err(message) => {
                complain(&message);
                return Status::Trouble;
            }
        };
        if let Some(path) = &self.output {
            let plain = match self.format {
                Format::Text => anstream::adapter::strip_str(&text).to_string(),
                _ => text,
            };
            return match write_file(path, &plain) {
                Ok(()) => Status::Good,
                Err(message) => {
                    complain(&format!("{}: {message}", shown(path)));
                    Status::Trouble
                }
            };
        }
        let mut out = Out::new();
        match self.format {
            Format::Text => out.write_styled(&text),
            _ => out.write(&text),
        }
        out.finish(Status::Good)
    }
}

/// JSON over several lines. Strings, numbers and lists of them: nothing that serialization could refuse.
pub(crate) fn pretty(json: &Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default() + "\n"
}

/// The structure with what each build argument touches.
pub(crate) fn with_arguments(structure: Structure, side: &Side<'_>) -> Structure {
    Structure { build_args: touched_by_arguments(side.file, side.options, &WellKnown), ..structure }
}
