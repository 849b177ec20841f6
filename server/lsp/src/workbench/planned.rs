//! The plan of one moment, with both builds that it compares, and what is drawn of it.

use std::sync::Arc;

use layerwise_analysis::cost::{self, Figure};
use layerwise_analysis::plan::{
    self, Cache, Contents, Moved, Plan, State, Step, Summary, stage_name, touched_by_arguments,
};
use layerwise_host::engine::Images;
use layerwise_model::File;
use layerwise_model::images::WellKnown;
use layerwise_model::learnt::Learnt;
use layerwise_render::figures;
use layerwise_render::plan::{self as render, Baseline as Kind};
use layerwise_render::structure::Structure;
use serde_json::Value;

use super::baseline::{Named, rfc3339};
use super::build::Build;
use super::cache_hover::{LINKS, Reasons, label};
use super::document::Ran;
use super::looks::{Drawn, Hint, Lens, Said};
use crate::engine::{BuildCommand, LensAction};

/// A plan and what it is made of.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) after: Build,
    pub(crate) baseline: Named,
    pub(crate) terms: Terms,
}

/// How a plan is made, beside the builds that it compares.
#[derive(Clone)]
pub(crate) struct Terms {
    /// What of the builds before is in the cache.
    pub(crate) contents: Contents,
    /// Megabits a second at which images are pulled.
    pub(crate) mbps: Option<f64>,
    /// What builds of the Dockerfile taught.
    pub(crate) learnt: Option<Arc<Learnt>>,
    /// What the local engine said of images.
    pub(crate) images: Images,
}

impl Planned {
    /// Compares `after` with the builds before, which are called `baseline`.
    pub(crate) fn new(before: &Ran, after: Build, baseline: Named, terms: Terms) -> Planned {
        Planned::against(before.last.as_ref(), &before.known, after, baseline, terms)
    }

    /// The same with one build before, as it is without a change that is only thought of.
    pub(crate) fn what_if(before: &Build, after: Build, baseline: Named, terms: Terms) -> Planned {
        let known = plan::Known::of(&before.graph, &before.eval);
        Planned::against(Some(before), &known, after, baseline, terms)
    }

    fn against(
        before: Option<&Build>,
        known: &plan::Known,
        after: Build,
        baseline: Named,
        terms: Terms,
    ) -> Planned {
        let side = before.map(Build::side);
        let moved = Moved { layers: terms.images.layers.clone(), ..Moved::default() };
        let cache = Cache { known, contents: terms.contents, moved: &moved, before: side.as_ref() };
        let mut plan = plan::plan_in(&cache, &after.side());
        let figures = cost::Known {
            learnt: terms.learnt.as_deref(),
            mbps: terms.mbps,
            images: terms.images.bytes.clone(),
        };
        cost::price(&mut plan, &after.side(), &figures);
        Planned { plan, after, baseline, terms }
    }

    /// What a step that runs takes, in words: `~20 s`; empty if that is not known, or nothing to speak of.
    fn seconds(&self, step: &Step) -> String {
        step.price.seconds.filter(|s| s.value >= 0.05).map(figures::seconds).unwrap_or_default()
    }

    /// What the plan is about, in words.
    pub(crate) fn about(&self, dockerfile: String, context: Option<String>) -> render::About {
        render::About {
            dockerfile,
            context,
            target: self.after.eval.target.map(|index| stage_name(&self.after.file, index)),
            engine: self.after.options.engine.to_string(),
            before: self.baseline.name.clone(),
            baseline: self.baseline.kind,
            when: self.baseline.when.map(rfc3339),
            cache: self.terms.contents,
        }
    }

    /// The plan as `docs/protocol.md` has it.
    pub(crate) fn json(&self, dockerfile: String, context: Option<String>) -> Value {
        let mut json = render::to_json(&self.plan, &self.about(dockerfile, context));
        let side = self.after.side();
        let build_args = touched_by_arguments(side.file, side.options, &WellKnown);
        Structure { build_args, ..self.structure() }.add_to(&mut json, &self.plan);
        json
    }

    /// The stages and steps as they are drawn.
    pub(crate) fn structure(&self) -> Structure {
        Structure::of(&self.after.side())
    }

    /// What is drawn: a hint at each step that runs, and the lenses of the stages. `last` is another plan and what was drawn
    /// of it: a hint whose step and reasons are the same there says the same.
    pub(crate) fn drawn(
        &self,
        build: &dyn Fn(usize) -> Option<BuildCommand>,
        last: Option<(&Planned, &Drawn)>,
    ) -> Drawn {
        let last = last.filter(|(last, _)| last.baseline == self.baseline);
        let same = last.map(|(last, _)| self.plan.same_chains(&last.plan, LINKS)).unwrap_or_default();
        let mut said_last = last.iter().flat_map(|(_, drawn)| &drawn.hints).peekable();
        let reasons = Reasons::new(&self.plan);
        let mut drawn = Drawn::default();
        for step in &self.plan.steps {
            let Some(label) = label(step.state) else { continue };
            let number = step.number;
            while said_last.next_if(|hint| hint.number < number).is_some() {}
            if same.get(number) == Some(&true)
                && let Some(hint) = said_last.next_if(|hint| hint.number == number)
            {
                drawn.hints.push(hint.clone());
                continue;
            }
            let seconds = self.seconds(step);
            let label = if seconds.is_empty() { label.to_owned() } else { format!("{label} {seconds}") };
            let what = match step.state {
                State::Rebuilt => "The next build runs this step again",
                _ => "The next build may run this step again",
            };
            let causes: Vec<String> =
                step.because.iter().take(3).map(|c| render::cause_text(c, step, &self.plan)).collect();
            let because = if causes.is_empty() { String::new() } else { format!(": {}", causes.join("; ")) };
            let said = Said {
                label,
                markdown: format!("{what}, {}.\n\n{}", self.baseline.since(), reasons.why(step)),
                message: format!("{what}, {}{because}.", self.baseline.since()),
            };
            drawn.hints.push(Hint { number, said: Arc::new(said) });
        }
        self.lenses(build, &mut drawn.lenses);
        drawn
    }

    fn lenses(&self, build: &dyn Fn(usize) -> Option<BuildCommand>, lenses: &mut Vec<Lens>) {
        let total = self.plan.summary();
        let quiet = total.rebuilt + total.depends == 0;
        for stage in self.after.file.stages() {
            let summary = self.of_stage(stage.index);
            let price = self.plan.stage_prices.get(stage.index).and_then(|price| price.seconds);
            if let Some(title) = stage_title(&self.baseline, &summary, price) {
                lenses.push(Lens { number: stage.from, title, action: LensAction::ShowPlan });
            }
            if stage.index == 0 {
                let title = if quiet {
                    quiet_title(&self.baseline, total.cached)
                } else {
                    format!("compared with {}", compared_with(&self.baseline))
                };
                lenses.push(Lens { number: stage.from, title, action: LensAction::ChooseBaseline });
            }
            if let Some(command) = build(stage.index) {
                let title = "build this stage".to_owned();
                lenses.push(Lens { number: stage.from, title, action: LensAction::Build(command) });
            }
        }
    }

    /// How many steps of a stage are in each state.
    fn of_stage(&self, index: usize) -> Summary {
        let stage = &self.after.file.stages()[index];
        let numbers = stage.from..stage.body.end;
        let mut summary = Summary::default();
        for step in self.plan.steps.get(numbers).unwrap_or_default() {
            summary.add(step.state);
        }
        summary
    }
}

/// "this edit: 3 of 9 steps rebuild, about 48 s"; `None` where nothing does.
fn stage_title(baseline: &Named, summary: &Summary, price: Option<Figure>) -> Option<String> {
    let steps = summary.cached + summary.rebuilt + summary.depends;
    let noun = if steps == 1 { "step" } else { "steps" };
    let verb = if summary.rebuilt == 1 { "rebuilds" } else { "rebuild" };
    let what = match (summary.rebuilt, summary.depends) {
        (0, 0) => return None,
        (0, depends) => format!("{depends} of {steps} {noun} may rebuild"),
        (rebuilt, 0) => format!("{rebuilt} of {steps} {noun} {verb}"),
        (rebuilt, depends) => format!("{rebuilt} of {steps} {noun} {verb}, {depends} may"),
    };
    let time = match price.filter(|price| summary.rebuilt > 0 && price.value >= 0.05) {
        // An estimate has its own mark.
        Some(price) if price.measured => format!(", about {}", figures::seconds(price)),
        Some(price) => format!(", {}", figures::seconds(price)),
        None => String::new(),
    };
    Some(format!("{}: {what}{time}", baseline.change()))
}

fn quiet_title(baseline: &Named, cached: usize) -> String {
    match cached {
        0 => format!("nothing to build {}", baseline.since()),
        1 => format!("1 step, cached {}", baseline.since()),
        cached => format!("{cached} steps, all cached {}", baseline.since()),
    }
}

fn compared_with(baseline: &Named) -> &str {
    match baseline.kind {
        Kind::Build => "the last build",
        Kind::Opened => "the state when it was opened",
        Kind::None => "nothing: a cold build",
        Kind::Head | Kind::Given => &baseline.name,
    }
}

/// The builds that are compared have to be of files that can be built.
pub(crate) fn buildable(file: &File) -> Result<(), String> {
    super::build::refused(file).map_or(Ok(()), Err)
}

/// A plan that several requests share.
pub(crate) type Shared = Result<Arc<Planned>, String>;

#[cfg(test)]
mod tests;
