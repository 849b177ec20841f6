//! One document at one moment: everything that is computed about it, each thing once.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use layerwise_analysis::actions::{self, Cx, Offer};
use layerwise_analysis::plan::{self, Plan, Side, State};
use layerwise_analysis::{
    Applicability, Diagnostic as Finding, Input, Severity as Level, check, fix_all, ranges,
};
use layerwise_host::fs::Links;
use layerwise_host::root;
use layerwise_model::graph::{Contexts, Graph, graph};
use layerwise_model::images::WellKnown;
use layerwise_model::{Context, Evaluation, File, Options, evaluate, evaluate_again};
use layerwise_render::plan as render;
use layerwise_syntax::{Keyword, Parsed, folding, selection};
use serde_json::Value;

use super::Shared;
use super::document::{Memory, Saved};
use super::settings::Settings;
use crate::engine::{
    Analysis, Cancel, CodeAction, Diagnostic, Edit, Fold, FoldKind, Hover, InlayHint, Related, Severity,
    Symbol, SymbolKind, Tag,
};

/// A Dockerfile on disk that is longer than this is not read for comparison.
const MAX_SAVED_BYTES: u64 = 4 << 20;

/// Where rules are explained.
const RULES_URL: &str = "https://github.com/layerwise/layerwise/blob/main/docs/rules/";

/// A view of a document.
pub(crate) struct View {
    shared: Arc<Shared>,
    path: Option<PathBuf>,
    settings: Arc<Settings>,
    file: File,
    saved: Arc<Mutex<Saved>>,
    memory: Arc<Mutex<Memory>>,
    findings: OnceLock<Vec<Finding>>,
    context: OnceLock<Option<Arc<Context>>>,
    plan: OnceLock<Option<Plan>>,
}

/// A build, ready to be compared.
struct Build {
    file: File,
    eval: Evaluation,
    graph: Graph,
}

impl Build {
    fn side<'a>(&'a self, context: Option<&'a Context>, options: &'a Options) -> Side<'a> {
        Side { file: &self.file, eval: &self.eval, graph: &self.graph, context, options }
    }
}

impl View {
    pub(crate) fn new(
        shared: Arc<Shared>,
        path: Option<PathBuf>,
        parsed: Parsed,
        saved: Arc<Mutex<Saved>>,
        memory: Arc<Mutex<Memory>>,
    ) -> View {
        View {
            settings: shared.settings(),
            shared,
            path,
            file: File::new(parsed),
            saved,
            memory,
            findings: OnceLock::new(),
            context: OnceLock::new(),
            plan: OnceLock::new(),
        }
    }

    fn findings(&self) -> &[Finding] {
        self.findings.get_or_init(|| {
            let options = self.all_stages();
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let Memory { checker, evaluation } = &mut *memory;
            let eval = evaluate_again(&self.file, &options, &WellKnown, evaluation.as_ref());
            let needs_context = check::needs_context(&self.file, &self.settings.selection);
            let context = if needs_context { self.context() } else { None };
            let input = Input {
                file: &self.file,
                eval: &eval,
                context: context.as_deref(),
                selection: &self.settings.selection,
            };
            let found = checker.check(&input);
            *evaluation = Some(eval);
            found
        })
    }

    /// The build context: the configured folder, else the nearest in which the file's sources resolve.
    fn context(&self) -> Option<Arc<Context>> {
        let find = || {
            let path = self.path.as_deref()?;
            let fs = self.shared.fs.as_ref();
            let folder = self.shared.folder_of(path);
            let root = match (&self.settings.context, &folder) {
                (Some(configured), Some(folder)) => folder.join(configured),
                (Some(configured), None) => path.parent()?.join(configured),
                (None, _) => {
                    let eval = self.evaluation();
                    let top = folder.unwrap_or_else(|| root::top_for(fs, path));
                    root::context_root(fs, path, &top, &root::sources(&eval))?
                }
            };
            let mut contexts = self.shared.contexts.lock().unwrap_or_else(PoisonError::into_inner);
            Some(contexts.get(fs, &root, path))
        };
        self.context.get_or_init(find).clone()
    }

    /// The text that the hints compare with: the file on disk.
    fn saved(&self) -> Parsed {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Saved::OnDisk(opened) = &*saved {
            let read = |path: &Path| {
                let bytes = self.shared.fs.read(path, MAX_SAVED_BYTES, Links::Follow).ok()?;
                String::from_utf8(bytes).ok()
            };
            let parsed = match self.path.as_deref().and_then(read) {
                // Opening a file that is what it is on disk is the usual case, and saves a parse.
                Some(text) if *opened.text() == *text.as_str() => opened.clone(),
                Some(text) => Parsed::new(&text),
                None => opened.clone(),
            };
            *saved = Saved::Known(parsed);
        }
        match &*saved {
            Saved::Known(parsed) | Saved::OnDisk(parsed) => parsed.clone(),
        }
    }

    /// What the edits since the file was saved rebuild; `None` if there are no edits.
    fn plan(&self) -> Option<&Plan> {
        let compute = || {
            let saved = self.saved();
            if saved.text() == self.file.parsed().text() {
                return None;
            }
            let context = self.context();
            let options = &self.settings.options;
            let build = |file: File| {
                let eval = evaluate(&file, options, &WellKnown);
                let contexts = Contexts { main: context.as_deref(), named: None };
                let graph = graph(&file, &eval, options, contexts);
                Build { file, eval, graph }
            };
            let (before, after) = (build(File::new(saved)), build(self.file.clone()));
            let (before, after) =
                (before.side(context.as_deref(), options), after.side(context.as_deref(), options));
            Some(plan::plan(Some(&before), &after))
        };
        self.plan.get_or_init(compute).as_ref()
    }

    /// The file evaluated with all its stages.
    fn evaluation(&self) -> Evaluation {
        evaluate(&self.file, &self.all_stages(), &WellKnown)
    }

    fn all_stages(&self) -> Options {
        Options { all_stages: true, ..self.settings.options.clone() }
    }

    fn offers(&self, range: Range<usize>) -> Vec<Offer> {
        let context = self.context();
        let rebuilds = |text: &str, path: &str| {
            let file = File::new(Parsed::new(text));
            plan::rebuilt_when(&file, context.as_deref()?, &[path.to_owned()], &self.settings.options)
        };
        let evaluation = self.evaluation();
        let cx = Cx {
            file: &self.file,
            evaluation: &evaluation,
            context: context.as_deref(),
            rebuilds: Some(&rebuilds),
        };
        actions::all().iter().flat_map(|refactoring| refactoring.offers(&cx, range.clone())).collect()
    }

    /// Every safe fix of the file, applied together.
    fn fix_all(&self) -> Vec<Edit> {
        fix_all::safe_edits(self.findings()).into_iter().map(edit).collect()
    }
}

/// The view of a text that is too long to be parsed.
pub(crate) struct TooLong;

impl Analysis for TooLong {
    fn diagnostics(&self, _: &Cancel) -> Vec<Diagnostic> {
        vec![Diagnostic {
            range: 0..0,
            severity: Severity::Information,
            code: check::SYNTAX.name.to_owned(),
            url: None,
            message: "This file has more than 100,000 lines or 16 MiB; Layerwise does not look at it."
                .to_owned(),
            related: Vec::new(),
            tags: Vec::new(),
            data: Value::Null,
        }]
    }
}

/// Names of the fixes and refactorings among the actions.
const FIX: &str = "fix";
const FIX_ALL: &str = "fix-all";
const REFACTORING: &str = "refactoring";

impl Analysis for View {
    fn diagnostics(&self, _: &Cancel) -> Vec<Diagnostic> {
        self.findings().iter().map(diagnostic).collect()
    }

    fn code_actions(&self, range: Range<usize>, only: Option<&[String]>, _: &Cancel) -> Vec<CodeAction> {
        let wanted = |kind: &str| {
            only.is_none_or(|o| {
                o.iter().any(|w| {
                    kind.strip_prefix(w.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('.'))
                })
            })
        };
        let mut found = Vec::new();
        if wanted("quickfix") {
            for finding in self.findings().iter().filter(|f| touches(&f.range, &range)) {
                for (index, fix) in finding.fixes.iter().enumerate() {
                    let shown = fix.applicability == Applicability::DisplayOnly;
                    found.push(CodeAction {
                        id: format!("{FIX}:{}:{index}", finding.rule),
                        range: finding.range.clone(),
                        title: titled(&fix.title, fix.applicability),
                        kind: "quickfix",
                        preferred: fix.applicability == Applicability::Safe && index == 0,
                        fixes: vec![diagnostic(finding)],
                        disabled: shown.then(|| "This change cannot be made automatically.".to_owned()),
                    });
                }
            }
        }
        if wanted("refactor.rewrite") {
            for offer in self.offers(range.clone()) {
                let shown = offer.applicability == Applicability::DisplayOnly;
                found.push(CodeAction {
                    id: format!("{REFACTORING}:{}:{}", offer.id, offer.key),
                    range: offer.range.clone(),
                    title: titled(&offer.title, offer.applicability),
                    kind: offer.kind,
                    preferred: false,
                    fixes: Vec::new(),
                    disabled: shown.then(|| "This change cannot be made automatically.".to_owned()),
                });
            }
        }
        // Asked for by name only: editors run it on save.
        if only.is_some_and(|_| wanted("source.fixAll.layerwise")) && !self.fix_all().is_empty() {
            found.push(CodeAction {
                id: FIX_ALL.to_owned(),
                range: 0..self.file.parsed().text().len(),
                title: "Apply every safe fix of Layerwise".to_owned(),
                kind: "source.fixAll.layerwise",
                preferred: false,
                fixes: Vec::new(),
                disabled: None,
            });
        }
        found
    }

    fn resolve(&self, id: &str, range: Range<usize>, _: &Cancel) -> Option<Vec<Edit>> {
        if id == FIX_ALL {
            return Some(self.fix_all());
        }
        let (what, rest) = id.split_once(':')?;
        let (name, key) = rest.split_once(':')?;
        match what {
            FIX => {
                let finding = self.findings().iter().find(|f| f.rule == name && f.range == range)?;
                let fix = finding.fixes.get(key.parse::<usize>().ok()?)?;
                Some(fix.edits.iter().cloned().map(edit).collect())
            }
            REFACTORING => {
                let context = self.context();
                let evaluation = self.evaluation();
                let cx = Cx {
                    file: &self.file,
                    evaluation: &evaluation,
                    context: context.as_deref(),
                    rebuilds: None,
                };
                let refactoring = actions::all().iter().find(|r| r.id() == name)?;
                let offers = refactoring.offers(&cx, range.clone());
                let offer = offers.iter().find(|o| o.key == key && o.range == range)?;
                Some(refactoring.edits(&cx, offer)?.into_iter().map(edit).collect())
            }
            _ => None,
        }
    }

    fn inlay_hints(&self, range: Range<usize>, _: &Cancel) -> Vec<InlayHint> {
        if !self.settings.inlay_hints {
            return Vec::new();
        }
        let Some(plan) = self.plan() else { return Vec::new() };
        let mut hints = Vec::new();
        for step in &plan.steps {
            let label = match step.state {
                State::Rebuilt => "rebuilds",
                State::Depends => "may rebuild",
                _ => continue,
            };
            let (placed, instruction) = self.file.instruction(step.number);
            let head = ranges::head(instruction);
            let offset = placed.start + head.end;
            if (range.start..=range.end).contains(&offset) {
                hints.push(InlayHint { offset, label: label.to_owned(), markdown: Some(why(step, plan)) });
            }
        }
        hints
    }

    fn hover(&self, offset: usize, _: &Cancel) -> Option<Hover> {
        let number = self.file.at(offset)?;
        let (placed, instruction) = self.file.instruction(number);
        let keyword = instruction.keyword().range.clone();
        let range = placed.start + keyword.start..placed.start + keyword.end;
        if !(range.start..=range.end).contains(&offset) {
            return None;
        }
        let plan = self.plan()?;
        let step = plan.steps.get(number)?;
        matches!(step.state, State::Rebuilt | State::Depends)
            .then(|| Hover { range, markdown: why(step, plan) })
    }

    fn folding(&self, _: &Cancel) -> Vec<Fold> {
        let text = self.file.parsed().text();
        folding::folding(self.file.parsed())
            .into_iter()
            .map(|fold| Fold {
                range: text.line_start(fold.first)..text.line_end(fold.last),
                kind: if fold.kind == folding::FoldKind::Comments {
                    FoldKind::Comment
                } else {
                    FoldKind::Region
                },
            })
            .collect()
    }

    fn selection(&self, offset: usize, _: &Cancel) -> Vec<Range<usize>> {
        selection::selection_ranges(self.file.parsed(), offset)
    }

    fn symbols(&self, _: &Cancel) -> Vec<Symbol> {
        let mut symbols = Vec::new();
        let first = self.file.stages().first().map_or(self.file.len(), |s| s.from);
        symbols.extend((0..first).map(|number| self.symbol(number)));
        for stage in self.file.stages() {
            let range = self.file.range(stage.from);
            let end = stage.body.clone().last().map_or(range.end, |last| self.file.range(last).end);
            let mut detail =
                self.file.instruction(stage.from).1.args().first().map_or(String::new(), |a| a.value.clone());
            let name = match &stage.name {
                Some(name) => name.clone(),
                None => std::mem::take(&mut detail),
            };
            symbols.push(Symbol {
                name: if name.is_empty() { format!("stage {}", stage.index) } else { name },
                detail,
                kind: SymbolKind::Stage,
                selection: range.clone(),
                range: range.start..end,
                children: stage.body.clone().map(|number| self.symbol(number)).collect(),
            });
        }
        symbols
    }
}

impl View {
    fn symbol(&self, number: usize) -> Symbol {
        let (_, instruction) = self.file.instruction(number);
        let kind = match instruction.kind() {
            Some(Keyword::Arg) => SymbolKind::Argument,
            Some(Keyword::Env) => SymbolKind::Variable,
            Some(Keyword::Label) => SymbolKind::Label,
            _ => SymbolKind::Instruction,
        };
        let range = self.file.range(number);
        let arguments: String = instruction.args_text().split_whitespace().collect::<Vec<_>>().join(" ");
        Symbol {
            name: instruction.keyword().value.clone(),
            detail: arguments.chars().take(80).collect(),
            kind,
            selection: self.file.absolute(number, ranges::head(instruction)),
            range,
            children: Vec::new(),
        }
    }
}

/// Why a step runs, as a list.
fn why(step: &plan::Step, plan: &Plan) -> String {
    let what = match step.state {
        State::Rebuilt => "The next build runs this step again",
        _ => "The next build may run this step again",
    };
    let causes: Vec<String> =
        step.because.iter().map(|c| format!("* {}", render::cause_text(c, step, plan))).collect();
    if causes.is_empty() { format!("{what}.") } else { format!("{what}:\n\n{}", causes.join("\n")) }
}

/// A title that says when the user must look.
fn titled(title: &str, applicability: Applicability) -> String {
    match applicability {
        Applicability::Suggestion => format!("{title} (suggestion)"),
        Applicability::Safe | Applicability::DisplayOnly => title.to_owned(),
    }
}

fn touches(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn edit(edit: layerwise_analysis::Edit) -> Edit {
    Edit { range: edit.range, new_text: edit.text }
}

fn diagnostic(finding: &Finding) -> Diagnostic {
    let mut tags = Vec::new();
    if finding.unnecessary {
        tags.push(Tag::Unnecessary);
    }
    if finding.deprecated {
        tags.push(Tag::Deprecated);
    }
    Diagnostic {
        range: finding.range.clone(),
        severity: match finding.severity {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Info => Severity::Information,
            Level::Hint => Severity::Hint,
        },
        code: finding.rule.to_owned(),
        url: Some(format!("{RULES_URL}{}-{}.md", finding.code, finding.rule)),
        message: finding.message.clone(),
        related: finding
            .related
            .iter()
            .map(|(range, message)| Related { range: range.clone(), message: message.clone() })
            .collect(),
        tags,
        data: Value::Null,
    }
}
