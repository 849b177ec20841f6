//! `layerwise plan`: what the next build runs again.

use layerwise_render::mermaid::to_mermaid;
use layerwise_render::page::to_html;
use layerwise_render::plan::{headline, to_json, to_text};
use layerwise_render::structure::Structure;
use layerwise_render::svg::to_svg;
use serde_json::{Value, json};

use crate::apply::{known, refactored};
use crate::ask::{Answer, Ask};
use crate::offers::Loaded;
use crate::output::shown;
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
    /// Show beside it what a refactoring, as `actions` names it, would make of the same edit (json and html)
    #[arg(long, value_name = "ID")]
    proposal: Option<String>,
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
        let after = self.proposal.as_deref().map(|id| self.proposed(id, &answer)).transpose()?;
        let json = || {
            let mut json = whole(&answer);
            if let Some((title, after)) = &after {
                json["after"] = json!({ "title": title, "plan": whole(after) });
            }
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

    /// What the refactoring makes of the same edit, and its title.
    fn proposed(&self, id: &str, answer: &Answer) -> Result<(String, Answer), String> {
        if !matches!(self.to.format, Format::Json | Format::Html) {
            return Err("--proposal: only json and html show two plans".to_owned());
        }
        known(id)?;
        let path = self.ask.dockerfile()?;
        let failed = |message: String| format!("--proposal {id}: {}: {message}", shown(&path));
        let loaded = Loaded::open(&path, &self.ask.config)?;
        let (offer, text) = refactored(&loaded, id, None).map_err(failed)?;
        let after = answer.with_dockerfile(&text);
        let after = after.ok_or_else(|| failed("there is no build before to compare with".to_owned()))?;
        Ok((offer.title, after))
    }
}

/// All that is known of a plan, as JSON.
fn whole(answer: &Answer) -> Value {
    let mut json = to_json(&answer.plan, &answer.about);
    with_arguments(Structure::of(&answer.side()), &answer.side()).add_to(&mut json, &answer.plan);
    json
}
