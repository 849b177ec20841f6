//! The plan of one moment, with both builds that it compares, and what is drawn of it.

use std::sync::Arc;

use layerwise_analysis::plan::{self, Plan, State, Summary, stage_name};
use layerwise_model::File;
use layerwise_render::plan as render;
use serde_json::{Value, json};

use super::baseline::{Kind, Named};
use super::build::Build;
use super::cache_hover::{label, why};
use super::looks::{Drawn, Hint, Lens};
use crate::engine::{BuildCommand, LensAction};

/// A plan and what it is made of.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) after: Build,
    pub(crate) baseline: Named,
}

impl Planned {
    /// Compares `after` with `before`, which is called `baseline`.
    pub(crate) fn new(before: Option<&Build>, after: Build, baseline: Named) -> Planned {
        let side = before.map(Build::side);
        let plan = plan::plan(side.as_ref(), &after.side());
        Planned { plan, after, baseline }
    }

    /// What a step costs, in words.
    pub(crate) fn price_text(&self, _number: usize) -> Option<String> {
        None
    }

    /// The plan as `docs/protocol.md` has it.
    pub(crate) fn json(
        &self,
        dockerfile: String,
        context: Option<String>,
        cache: &str,
        engine: &str,
    ) -> Value {
        let about = render::About {
            dockerfile,
            context,
            target: self.after.eval.target.map(|index| stage_name(&self.after.file, index)),
            engine: engine.to_owned(),
            before: self.baseline.name.clone(),
        };
        let mut value = render::to_json(&self.plan, &about);
        value["baseline"] = self.baseline.json();
        value["cache"] = json!(cache);
        value
    }

    /// What is drawn: a hint at each step that runs, and the lenses of the stages.
    pub(crate) fn drawn(&self, build: &dyn Fn(usize) -> Option<BuildCommand>) -> Drawn {
        let mut drawn = Drawn::default();
        for step in &self.plan.steps {
            let Some(label) = label(step.state) else { continue };
            let price = self.price_text(step.number);
            let what = match step.state {
                State::Rebuilt => "The next build runs this step again",
                _ => "The next build may run this step again",
            };
            let causes: Vec<String> =
                step.because.iter().take(3).map(|c| render::cause_text(c, step, &self.plan)).collect();
            let because = if causes.is_empty() { String::new() } else { format!(": {}", causes.join("; ")) };
            drawn.hints.push(Hint {
                number: step.number,
                label: price.map_or(label.to_owned(), |price| format!("{label} {price}")),
                markdown: format!("{what}, {}.\n\n{}", self.baseline.since(), why(step, &self.plan)),
                message: format!("{what}, {}{because}.", self.baseline.since()),
            });
        }
        self.lenses(build, &mut drawn.lenses);
        drawn
    }

    fn lenses(&self, build: &dyn Fn(usize) -> Option<BuildCommand>, lenses: &mut Vec<Lens>) {
        let total = self.plan.summary();
        let quiet = total.rebuilt + total.depends == 0;
        for stage in self.after.file.stages() {
            let summary = self.of_stage(stage.index);
            if let Some(title) = stage_title(&self.baseline, &summary) {
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
        let steps = self.plan.steps.get(numbers).unwrap_or_default().to_vec();
        Plan { steps }.summary()
    }
}

/// "this edit: 3 of 9 steps rebuild"; `None` where nothing does.
fn stage_title(baseline: &Named, summary: &Summary) -> Option<String> {
    let steps = summary.cached + summary.rebuilt + summary.depends;
    let noun = if steps == 1 { "step" } else { "steps" };
    let verb = if summary.rebuilt == 1 { "rebuilds" } else { "rebuild" };
    let what = match (summary.rebuilt, summary.depends) {
        (0, 0) => return None,
        (0, depends) => format!("{depends} of {steps} {noun} may rebuild"),
        (rebuilt, 0) => format!("{rebuilt} of {steps} {noun} {verb}"),
        (rebuilt, depends) => format!("{rebuilt} of {steps} {noun} {verb}, {depends} may"),
    };
    Some(format!("{}: {what}", baseline.change()))
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
mod tests {
    use super::*;

    #[test]
    fn a_lens_counts_in_words() {
        let title = |kind, rebuilt, depends, cached| {
            let summary = Summary { cached, rebuilt, depends, ..Summary::default() };
            stage_title(&Named::new(kind, "HEAD"), &summary)
        };
        assert_eq!(title(Kind::Opened, 3, 0, 6).as_deref(), Some("this edit: 3 of 9 steps rebuild"));
        assert_eq!(title(Kind::Head, 1, 0, 8).as_deref(), Some("since HEAD: 1 of 9 steps rebuilds"));
        assert_eq!(title(Kind::Opened, 1, 0, 0).as_deref(), Some("this edit: 1 of 1 step rebuilds"));
        assert_eq!(
            title(Kind::Build, 2, 1, 0).as_deref(),
            Some("since the last build: 2 of 3 steps rebuild, 1 may")
        );
        assert_eq!(title(Kind::Opened, 0, 2, 7).as_deref(), Some("this edit: 2 of 9 steps may rebuild"));
        assert_eq!(title(Kind::Opened, 0, 0, 9), None);
        assert_eq!(quiet_title(&Named::new(Kind::Head, "HEAD"), 9), "9 steps, all cached since HEAD");
        assert_eq!(quiet_title(&Named::new(Kind::Opened, ""), 1), "1 step, cached since it was opened");
    }
}
