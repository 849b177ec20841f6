//! `layerwise graph`: the build graph alone.

use layerwise_render::graph::{graph_json, to_text};
use layerwise_render::mermaid::to_mermaid;
use layerwise_render::page::to_html;
use layerwise_render::structure::Structure;
use layerwise_render::svg::to_svg;

use crate::ask::{Ask, One};
use crate::picture::{Format, To, pretty, with_arguments};
use crate::status::{self, Status};

/// Show what is built from what: stages, steps and what each of them reads
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Graph {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    to: To,
}

impl Graph {
    pub(crate) fn run(self) -> Status {
        self.to.write(answer(self.one, &self.to))
    }
}

fn answer(one: One, to: &To) -> Result<String, String> {
    let found = Ask::of_one(one).alone()?;
    let (side, about) = (found.side(), &found.about);
    let structure = Structure::of(&side);
    Ok(match to.format {
        Format::Text => to_text(&structure, about, to.width()),
        Format::Json => pretty(&graph_json(&side, about)),
        Format::Svg => to_svg(&structure, None, about),
        Format::Mermaid => to_mermaid(&structure, None),
        Format::Html => {
            let data = with_arguments(structure, &side).to_json(about);
            to_html(&data, &format!("{}: the build graph", about.dockerfile))
        }
    })
}
