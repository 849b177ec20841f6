//! `layerwise plan`: what the next build runs again.

use layerwise_render::mermaid::to_mermaid;
use layerwise_render::page::to_html;
use layerwise_render::plan::{headline, to_json, to_text};
use layerwise_render::structure::Structure;
use layerwise_render::svg::to_svg;

use crate::ask::Ask;
use crate::picture::{Format, To, pretty, with_arguments};
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
    #[command(flatten)]
    to: To,
}

impl Plan {
    pub(crate) fn run(self) -> Status {
        self.to.write(self.answer())
    }

    fn answer(&self) -> Result<String, String> {
        let answer = self.ask.answer()?;
        let (plan, about) = (&answer.plan, &answer.about);
        let structure = || Structure::of(&answer.side());
        let json = || {
            let mut json = to_json(plan, about);
            with_arguments(structure(), &answer.side()).add_to(&mut json, plan);
            json
        };
        Ok(match self.to.format {
            Format::Text => to_text(plan, about, self.to.width()),
            Format::Json => pretty(&json()),
            Format::Svg => to_svg(&structure(), Some(plan), about),
            Format::Mermaid => to_mermaid(&structure(), Some(plan)),
            Format::Html => to_html(&json(), &format!("{}: {}", about.dockerfile, headline(plan))),
        })
    }
}
