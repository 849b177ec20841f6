//! `layerwise why`: why one step runs again, and what would keep it cached; or which steps a file reaches.

use layerwise_render::why::{Question, to_json, to_text};

use crate::ask::Ask;
use crate::output::{self, Format, Out, complain};
use crate::status::{self, Status};

/// Explain one line of the Dockerfile, or one file of the build context
///
/// For a line: what its step depends on, why the next build runs it again, down to the root cause, and what would keep it
/// cached. For a file: which steps a change of it would run. The flags are those of plan.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Why {
    /// A line number of the Dockerfile, a file of the build context, or `unread`: the copied files that nothing reads
    #[arg(value_name = "LINE|FILE|unread")]
    what: String,
    #[command(flatten)]
    ask: Ask,
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
}

impl Why {
    pub(crate) fn run(self) -> Status {
        match self.answer() {
            Ok(text) => {
                let mut out = Out::new();
                match self.format {
                    Format::Json => out.write(&text),
                    Format::Text => out.write_styled(&text),
                }
                out.finish(Status::Good)
            }
            Err(message) => {
                complain(&message);
                Status::Trouble
            }
        }
    }

    fn answer(&self) -> Result<String, String> {
        let line = self.what.parse::<usize>().ok();
        let question = match (line, self.what.as_str()) {
            (Some(line), _) => Question::Line(line),
            (None, "unread") => Question::Unread,
            (None, path) => Question::File(self.ask.file(path)?),
        };
        let answer = self.ask.answer()?;
        if let Question::Line(line) = question
            && answer.plan.at_line(line).is_none()
        {
            return Err(format!("{}:{line}: no instruction stands at this line", answer.about.dockerfile));
        }
        if answer.about.context.is_none() && !matches!(question, Question::Line(_)) {
            return Err("the build context is not known; give --context".to_owned());
        }
        let side = answer.side();
        Ok(match self.format {
            Format::Json => {
                let json = to_json(&question, &answer.plan, &answer.about, &side);
                serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
            }
            Format::Text => to_text(&question, &answer.plan, &answer.about, &side, output::width()),
        })
    }
}
