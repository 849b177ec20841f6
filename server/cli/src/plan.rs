//! `layerwise plan`: what the next build runs again.

use layerwise_render::plan::{to_json, to_text};

use crate::ask::Ask;
use crate::output::{self, Format, Out, complain};
use crate::status::{self, Status};

/// Show which steps the next build runs again, and why
///
/// Compares two builds as the engine's cache would: the one of the files as they are, and the one before the edit, which is
/// taken to be in the cache. Without --changed, --before* and --since, the build before is that of HEAD, and without git
/// there is none: the answer says which.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Plan {
    #[command(flatten)]
    ask: Ask,
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
}

impl Plan {
    pub(crate) fn run(self) -> Status {
        let answer = match self.ask.answer() {
            Ok(answer) => answer,
            Err(message) => {
                complain(&message);
                return Status::Trouble;
            }
        };
        let mut out = Out::new();
        match self.format {
            Format::Json => {
                let json = to_json(&answer.plan, &answer.about);
                // Strings, numbers and lists of them: nothing that serialization could refuse.
                out.write(&(serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"));
            }
            Format::Text => out.write_styled(&to_text(&answer.plan, &answer.about, output::width())),
        }
        out.finish(Status::Good)
    }
}
