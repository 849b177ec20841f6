//! One document at one moment: everything that is computed about it, each thing once.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Instant;

use layerwise_analysis::actions::{self, Cx, Offer};
use layerwise_analysis::suppress::ignore_here;
use layerwise_analysis::{
    Applicability, Diagnostic as Finding, Input, Severity as Level, check, fix_all, plan, ranges,
};
use layerwise_host::root;
use layerwise_model::images::WellKnown;
use layerwise_model::{Context, Evaluation, File, Options, evaluate_again};
use layerwise_render::diff;
use layerwise_syntax::{Keyword, Parsed, folding, selection};
use serde_json::Value;

use super::document::Own;
use super::looks::Looks;
use super::planned;
use super::settings::Settings;
use crate::engine::{
    Analysis, Baseline, BuildCommand, Cancel, CodeAction, CodeLens, Diagnostic, Edit, Fold, FoldKind, Format,
    Hover, InlayHint, Related, Settled, Severity, Symbol, SymbolKind, Tag, WhatIf,
};

/// A view of a document.
pub(crate) struct View {
    pub(crate) own: Arc<Own>,
    /// What the editor has set.
    given: Arc<Settings>,
    settings: OnceLock<Arc<Settings>>,
    pub(crate) file: File,
    /// When the document was last edited.
    pub(crate) edited: Option<Instant>,
    findings: OnceLock<Vec<Finding>>,
    fixed: OnceLock<Vec<Edit>>,
    evaluation: OnceLock<Arc<Evaluation>>,
    context: OnceLock<Option<Folder>>,
    pub(crate) planned: OnceLock<planned::Shared>,
    pub(crate) looks: OnceLock<Arc<Looks>>,
}

/// A build context and the folder that it is the index of.
#[derive(Clone)]
pub(crate) struct Folder {
    pub(crate) root: PathBuf,
    pub(crate) context: Arc<Context>,
}

impl View {
    pub(crate) fn new(own: Arc<Own>, parsed: Parsed, edited: Option<Instant>) -> View {
        View {
            given: own.shared.settings(),
            settings: OnceLock::new(),
            own,
            file: File::new(parsed),
            edited,
            findings: OnceLock::new(),
            fixed: OnceLock::new(),
            evaluation: OnceLock::new(),
            context: OnceLock::new(),
            planned: OnceLock::new(),
            looks: OnceLock::new(),
        }
    }

    /// What counts for this file: what the editor has set, over the nearest `layerwise.toml`. Looked for when it is first
    /// needed, since nothing reads under the session's lock.
    pub(crate) fn settings(&self) -> &Arc<Settings> {
        self.settings.get_or_init(|| self.own.shared.settings_for(&self.given, self.own.path.as_deref()))
    }

    fn findings(&self) -> &[Finding] {
        self.findings.get_or_init(|| {
            let eval = self.evaluation();
            let needs_context = check::needs_context(&self.file, &self.settings().selection);
            let context = if needs_context { self.context() } else { None };
            let input = Input {
                file: &self.file,
                eval,
                context: context.as_deref(),
                selection: &self.settings().selection,
                path: self.own.path.as_deref().and_then(std::path::Path::to_str),
            };
            let mut checker = self.own.checker.lock().unwrap_or_else(PoisonError::into_inner);
            checker.check(&input)
        })
    }

    /// The build context.
    fn context(&self) -> Option<Arc<Context>> {
        self.folder().map(|folder| folder.context)
    }

    /// The build context: the configured folder, else the nearest in which the file's sources resolve.
    pub(crate) fn folder(&self) -> Option<Folder> {
        let find = || {
            let path = self.own.path.as_deref()?;
            let shared = &self.own.shared;
            let fs = shared.fs.as_ref();
            let folder = shared.folder_of(path);
            let root = match (&self.settings().context, &folder) {
                (Some(configured), Some(folder)) => folder.join(configured),
                (Some(configured), None) => path.parent()?.join(configured),
                (None, _) if self.settings().context_root.is_some() => {
                    self.settings().context_root.clone()?
                }
                (None, _) => {
                    let eval = self.evaluation();
                    let top = folder.unwrap_or_else(|| root::top_for(fs, path));
                    root::context_root(fs, path, &top, &root::sources(eval))?
                }
            };
            let context = shared.contexts.get(&root, path);
            Some(Folder { root, context })
        };
        self.context.get_or_init(find).clone()
    }

    /// The file evaluated with all its stages; what an edit did not touch comes from the view before.
    pub(crate) fn evaluation(&self) -> &Evaluation {
        self.evaluation.get_or_init(|| {
            let lock = || self.own.evaluation.lock().unwrap_or_else(PoisonError::into_inner);
            let last = lock().clone();
            let found = evaluate_again(&self.file, &self.all_stages(), &WellKnown, last.as_deref());
            let found = Arc::new(found);
            *lock() = Some(Arc::clone(&found));
            found
        })
    }

    fn all_stages(&self) -> Options {
        Options { all_stages: true, ..self.settings().options.clone() }
    }

    fn offers(&self, range: Range<usize>) -> Vec<Offer> {
        let context = self.context();
        let rebuilds = |text: &str, path: &str| {
            let file = File::new(Parsed::new(text));
            plan::rebuilt_when(&file, context.as_deref()?, &[path.to_owned()], &self.settings().options)
        };
        let evaluation = self.evaluation();
        let cx = Cx { file: &self.file, evaluation, context: context.as_deref(), rebuilds: Some(&rebuilds) };
        actions::all().iter().flat_map(|refactoring| refactoring.offers(&cx, range.clone())).collect()
    }

    /// Every safe fix of the file, one after another until none is left.
    fn fix_all(&self) -> &[Edit] {
        self.fixed.get_or_init(|| {
            let is_safe =
                |finding: &Finding| finding.fixes.iter().any(|fix| fix.applicability == Applicability::Safe);
            if !self.findings().iter().any(is_safe) {
                return Vec::new();
            }
            let text = self.file.parsed().text().to_string();
            let context = if check::needs_context(&self.file, &self.settings().selection) {
                self.context()
            } else {
                None
            };
            let fixed = fix_all::fix_all(
                &text,
                &fix_all::Fixing {
                    selection: &self.settings().selection,
                    context: context.as_deref(),
                    path: self.own.path.as_deref().and_then(std::path::Path::to_str),
                    options: &self.all_stages(),
                    images: &WellKnown,
                    suggestions: false,
                },
            );
            if !fixed.converged {
                return Vec::new();
            }
            let edits = diff::edits(&text, &fixed.text).into_iter();
            edits.map(|(range, new_text)| Edit { range, new_text }).collect()
        })
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
const IGNORE: &str = "ignore";
const FIX_ALL: &str = "fix-all";
const REFACTORING: &str = "refactoring";

impl Analysis for View {
    fn diagnostics(&self, _: &Cancel) -> Vec<Diagnostic> {
        let with_shell = self.with_shell(self.findings());
        let findings = with_shell.as_deref().unwrap_or_else(|| self.findings());
        let mut all: Vec<Diagnostic> = findings.iter().map(diagnostic).collect();
        all.extend(self.settings().problems.iter().map(|problem| Diagnostic {
            range: 0..0,
            severity: Severity::Error,
            code: "configuration".to_owned(),
            url: None,
            message: problem.clone(),
            related: Vec::new(),
            tags: Vec::new(),
            data: Value::Null,
        }));
        all.extend(self.cache_diagnostics());
        all
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
            let with_shell = self.with_shell(self.findings());
            let findings = with_shell.as_deref().unwrap_or_else(|| self.findings());
            for finding in findings.iter().filter(|f| touches(&f.range, &range)) {
                for (index, fix) in finding.fixes.iter().enumerate() {
                    let shown = fix.applicability == Applicability::DisplayOnly;
                    found.push(CodeAction {
                        // Of one rule there is one finding at a place; of ShellCheck there may be several.
                        id: format!("{FIX}:{}:{index}", finding.code),
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
        if wanted("quickfix") {
            let mut said = Vec::new();
            for finding in self.findings().iter().filter(|f| touches(&f.range, &range)) {
                let Some(fix) = ignore_here(&self.file, finding).filter(|_| !said.contains(&finding.rule))
                else {
                    continue;
                };
                said.push(finding.rule);
                found.push(CodeAction {
                    id: format!("{IGNORE}:{}:", finding.rule),
                    range: finding.range.clone(),
                    title: fix.title,
                    kind: "quickfix",
                    preferred: false,
                    fixes: vec![diagnostic(finding)],
                    disabled: None,
                });
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
            return Some(self.fix_all().to_vec());
        }
        let (what, rest) = id.split_once(':')?;
        let (name, key) = rest.split_once(':')?;
        match what {
            FIX => {
                let with_shell = self.with_shell(self.findings());
                let findings = with_shell.as_deref().unwrap_or_else(|| self.findings());
                let finding = findings.iter().find(|f| f.code == name && f.range == range)?;
                let fix = finding.fixes.get(key.parse::<usize>().ok()?)?;
                Some(fix.edits.iter().cloned().map(edit).collect())
            }
            IGNORE => {
                let finding = self.findings().iter().find(|f| f.rule == name && f.range == range)?;
                Some(ignore_here(&self.file, finding)?.edits.into_iter().map(edit).collect())
            }
            REFACTORING => {
                let context = self.context();
                let evaluation = self.evaluation();
                let cx = Cx { file: &self.file, evaluation, context: context.as_deref(), rebuilds: None };
                let refactoring = actions::all().iter().find(|r| r.id() == name)?;
                let offers = refactoring.offers(&cx, range.clone());
                let offer = offers.iter().find(|o| o.key == key && o.range == range)?;
                Some(refactoring.edits(&cx, offer)?.into_iter().map(edit).collect())
            }
            _ => None,
        }
    }

    fn inlay_hints(&self, range: Range<usize>, _: &Cancel) -> Vec<InlayHint> {
        self.hints_in(range)
    }

    fn hover(&self, offset: usize, _: &Cancel) -> Option<Hover> {
        self.hover_at(offset)
    }

    fn code_lenses(&self, _: &Cancel) -> Vec<CodeLens> {
        self.lenses()
    }

    fn settle(&self, _: &Cancel) -> Settled {
        self.settled()
    }

    fn plan(&self, what_if: &WhatIf, _: &Cancel) -> Result<Value, String> {
        if *what_if == WhatIf::default() { self.plan_json() } else { self.simulate(what_if) }
    }

    fn graph(&self, _: &Cancel) -> Result<Value, String> {
        self.graph_json()
    }

    fn export(&self, format: Format, _: &Cancel) -> Result<String, String> {
        self.exported(format)
    }

    fn affected_by(&self, files: &[PathBuf], _: &Cancel) -> Option<Value> {
        self.reached_by(files)
    }

    fn build_command(&self, target: Option<&str>) -> Result<BuildCommand, String> {
        self.command_for(target)
    }

    fn mark_built(&self) -> Result<String, String> {
        self.was_built()
    }

    fn learn(&self, log: &str) -> Result<Value, String> {
        self.learnt(log)
    }

    fn baselines(&self) -> Vec<Baseline> {
        self.choice().all()
    }

    fn choose_baseline(&self, id: &str) -> Result<String, String> {
        self.choose(id)
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
        code: finding.shown_code().to_owned(),
        url: finding.url(),
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
