//! What a view says about the cache. The plan of a moment is computed once, whoever asks first.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use layerwise_analysis::cost;
use layerwise_analysis::plan::{Known, State, stage_name, with_changed};
use layerwise_host::context::{Limits, below_root, fingerprint, lexical};
use layerwise_host::engine;
use layerwise_host::fs::Links;
use layerwise_host::git;
use layerwise_host::learnt::Store;
use layerwise_model::dockerignore::Dockerignore;
use layerwise_model::graph::Kind as VertexKind;
use layerwise_model::learnt::Learnt;
use layerwise_model::selection::{has_wildcard, source_path};
use layerwise_model::{Content, Context, File};
use layerwise_render::graph::graph_json;
use layerwise_render::mermaid::to_mermaid;
use layerwise_render::page::to_html;
use layerwise_render::plan::{self as render, Baseline as Kind};
use layerwise_render::svg::to_svg;
use layerwise_syntax::Parsed;
use serde_json::{Value, json};

use super::baseline::{Choice, Named, Past, Pasts};
use super::build::{self, Build, with_dockerfile};
use super::cache_hover;
use super::document::Opened;
use super::files;
use super::history::{Answer, Question, TIMEOUT};
use super::looks::{Drawn, Looks};
use super::planned::{self, Planned, Terms, buildable};
use super::settings::CacheDiagnostics;
use super::view::View;
use crate::engine::{
    BuildCommand, CodeLens, Diagnostic, Format, Hover, InlayHint, Settled, Severity, WhatIf,
};

/// A Dockerfile on disk that is longer than this is not read for comparison.
const MAX_SAVED_BYTES: u64 = 4 << 20;

/// How many files one question may name, patterns expanded.
const MAX_CHANGED: usize = 10_000;

/// How long reading the files of a context may take when what was built is to be kept.
const HASHING: Duration = Duration::from_secs(10);

/// The code of the diagnostics that say what runs again.
const CODE: &str = "cache";

impl View {
    /// The plan against the baseline.
    ///
    /// # Errors
    /// Why nothing can be built.
    pub(crate) fn planned(&self) -> &planned::Shared {
        self.planned.get_or_init(|| {
            buildable(&self.file)?;
            let folder = self.folder();
            let context = folder.map(|folder| folder.context);
            let (baseline, pasts, now) = self.baseline(context.as_ref());
            let now = now.or(context);
            let options = &self.settings().options;
            let mut plans = self.own.plans.lock().unwrap_or_else(PoisonError::into_inner);
            let after = now.clone().map(|context| with_dockerfile(context, &self.file));
            let before = plans.before(&pasts, now.as_ref(), options);
            let last = plans.last.as_ref().map(|last| &last.after).or(before.last.as_ref());
            let after = Build::new(self.file.clone(), options.clone(), after, last);
            if let Some(error) = &after.eval.error {
                return Err(error.clone());
            }
            let terms = self.terms(&after, &before.known);
            let planned = Arc::new(Planned::new(&before, after, baseline, terms));
            plans.last = Some(Arc::clone(&planned));
            Ok(planned)
        })
    }

    fn terms(&self, build: &Build, known: &Known) -> Terms {
        let (contents, mbps) = (self.settings().cache, self.settings().mbps);
        let mut own = self.own.known.lock().unwrap_or_else(PoisonError::into_inner);
        let learnt = own.learnt(self.own.shared.store.as_ref(), self.own.path.as_deref());
        drop(own);
        Terms { contents, mbps, learnt, images: self.engine_images(build, known) }
    }

    /// The images of a build and of what it is compared with, as far as the local engine may be asked and has answered.
    fn engine_images(&self, build: &Build, known: &Known) -> engine::Images {
        if !self.settings().docker {
            return engine::Images::default();
        }
        let used = build.graph.vertices.iter().filter_map(|vertex| match &vertex.kind {
            VertexKind::Image(reference) => Some(reference.clone()),
            _ => None,
        });
        let compared = known.rows().iter().filter_map(|row| row.image.clone());
        let images = used.chain(compared).collect();
        let shared = Arc::downgrade(&self.own.shared);
        let changed = move || {
            if let Some(shared) = shared.upgrade() {
                shared.changed();
            }
        };
        self.own.shared.engine_images.of(images, changed)
    }

    /// What is compared with: its name, the builds, and the context as it is now, where that belongs together with them.
    fn baseline(&self, context: Option<&Arc<Context>>) -> (Named, Pasts, Option<Arc<Context>>) {
        let shared = &self.own.shared;
        let (choice, built) = {
            let mut known = self.own.known.lock().unwrap_or_else(PoisonError::into_inner);
            let choice = known.chosen.clone().unwrap_or_else(|| self.settings().baseline.clone());
            known.learnt(shared.store.as_ref(), self.own.path.as_deref());
            let wanted = matches!(choice, Choice::Auto | Choice::Build);
            let built = wanted.then(|| known.builds(&shared.contexts, context, &self.settings().options));
            (choice, built.flatten())
        };
        if choice == Choice::None {
            return (Named::new(Kind::None, "nothing (a cold build)"), Pasts::default(), None);
        }
        if let Some((pasts, when)) = built {
            let baseline = Named { when: Some(when), ..Named::new(Kind::Build, "the last build") };
            return (baseline, pasts, None);
        }
        if let Some(revision) = choice.revision()
            && let Some(Answer::Known(past, now)) = self.at_revision(revision, context)
        {
            return (Named::new(Kind::Head, revision), Pasts::one(past), now);
        }
        let opened = self.opened();
        (Named::new(Kind::Opened, "the state when it was opened"), Pasts::one(opened), None)
    }

    /// What git said of a revision; `None` if it is not asked.
    fn at_revision(&self, revision: &str, context: Option<&Arc<Context>>) -> Option<Answer> {
        let shared = &self.own.shared;
        let question = Question {
            dockerfile: self.own.path.clone().filter(|_| shared.asks_git)?,
            root: context.and(self.folder()).map(|folder| folder.root),
            revision: revision.to_owned(),
        };
        Some(shared.history.ask(shared, &question, context))
    }

    /// The state when the file was opened, context and all.
    fn opened(&self) -> Arc<Past> {
        let folder = self.folder();
        let folder = folder.as_ref().map(|folder| (folder.root.as_path(), &folder.context));
        let mut start = self.own.start.lock().unwrap_or_else(PoisonError::into_inner);
        start.get(&self.own.shared.contexts, folder, || File::new(self.opened_text()))
    }

    fn opened_text(&self) -> Parsed {
        let mut opened = self.own.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Opened::OnDisk(parsed) = &*opened {
            let read = |path: &Path| {
                let bytes = self.own.shared.fs.read(path, MAX_SAVED_BYTES, Links::Follow).ok()?;
                String::from_utf8(bytes).ok()
            };
            *opened = Opened::Known(match self.own.path.as_deref().and_then(read) {
                // Opening a file that is what it is on disk is the usual case, and saves a parse.
                Some(text) if *parsed.text() == *text.as_str() => parsed.clone(),
                Some(text) => Parsed::new(&text),
                None => parsed.clone(),
            });
        }
        match &*opened {
            Opened::Known(parsed) | Opened::OnDisk(parsed) => parsed.clone(),
        }
    }

    /// What is drawn of this text, computed for it; for a text that cannot be built what was drawn of the last that could.
    fn looks(&self) -> &Arc<Looks> {
        self.looks.get_or_init(|| {
            let good = self.own.given.lock().unwrap_or_else(PoisonError::into_inner).good.clone();
            let Ok(planned) = self.planned() else {
                let kept = good.map(|(_, good)| good.carried(&self.file));
                return Arc::new(Looks::new(&self.file, kept.unwrap_or_default()));
            };
            let last = good.as_ref().map(|(plan, looks)| (plan.as_ref(), &looks.drawn));
            let drawn = planned.drawn(&|stage| self.command(stage).ok(), last);
            let looks = Arc::new(Looks::new(&self.file, drawn));
            let good = Some((Arc::clone(planned), Arc::clone(&looks)));
            self.own.given.lock().unwrap_or_else(PoisonError::into_inner).good = good;
            looks
        })
    }

    /// Whether somebody may be typing right now.
    fn is_unsettled(&self) -> bool {
        self.edited.is_some_and(|edited| edited.elapsed() < self.own.shared.settle)
    }

    /// What is drawn while somebody types: what was given last, moved with the text. `None`: it is time to compute, or
    /// there is no telling the client afterwards.
    fn kept(&self, can_tell: bool, last: &Option<Arc<Looks>>) -> Option<Drawn> {
        let last = last.as_ref().filter(|_| can_tell && self.is_unsettled() && self.looks.get().is_none())?;
        Some(last.carried(&self.file))
    }

    /// The end of an instruction's first line.
    fn end_of_line(&self, number: usize) -> usize {
        self.file.parsed().text().line_end(self.file.instruction(number).0.line)
    }

    pub(crate) fn hints_in(&self, range: Range<usize>) -> Vec<InlayHint> {
        if !self.settings().inlay_hints {
            return Vec::new();
        }
        let can_tell = self.own.shared.abilities().refreshes_hints;
        let last = self.own.given.lock().unwrap_or_else(PoisonError::into_inner).hints.clone();
        let drawn = self.kept(can_tell, &last).unwrap_or_else(|| {
            let looks = Arc::clone(self.looks());
            let drawn = looks.drawn.clone();
            self.own.given.lock().unwrap_or_else(PoisonError::into_inner).hints = Some(looks);
            drawn
        });
        let placed = drawn.hints.into_iter().map(|hint| (self.end_of_line(hint.number), hint.said));
        let wanted = placed.filter(|(offset, _)| (range.start..=range.end).contains(offset));
        wanted
            .map(|(offset, said)| InlayHint {
                offset,
                label: said.label.clone(),
                markdown: Some(said.markdown.clone()),
            })
            .collect()
    }

    pub(crate) fn lenses(&self) -> Vec<CodeLens> {
        if !self.settings().code_lens {
            return Vec::new();
        }
        let can_tell = self.own.shared.abilities().refreshes_lenses;
        let last = self.own.given.lock().unwrap_or_else(PoisonError::into_inner).lenses.clone();
        let drawn = self.kept(can_tell, &last).unwrap_or_else(|| {
            let looks = Arc::clone(self.looks());
            let drawn = looks.drawn.clone();
            self.own.given.lock().unwrap_or_else(PoisonError::into_inner).lenses = Some(looks);
            drawn
        });
        let placed = drawn.lenses.into_iter().map(|lens| CodeLens {
            range: self.file.range(lens.number).start..self.end_of_line(lens.number),
            title: lens.title,
            action: lens.action,
        });
        placed.collect()
    }

    fn says_in_diagnostics(&self) -> bool {
        let abilities = self.own.shared.abilities();
        match self.settings().cache_diagnostics {
            CacheDiagnostics::On => true,
            CacheDiagnostics::Off => false,
            CacheDiagnostics::Auto => !abilities.refreshes_hints && !abilities.refreshes_lenses,
        }
    }

    /// A diagnostic for each step that runs again, where the client shows neither hints nor lenses that can be kept right.
    pub(crate) fn cache_diagnostics(&self) -> Vec<Diagnostic> {
        if !self.says_in_diagnostics() {
            return Vec::new();
        }
        // Where they can be given again, the first come when the document has settled, and no keystroke waits for a plan.
        let drawn = if self.own.shared.abilities().refreshes_diagnostics {
            let mut given = self.own.given.lock().unwrap_or_else(PoisonError::into_inner);
            given.diagnostics.get_or_insert_default().carried(&self.file)
        } else {
            self.looks().drawn.clone()
        };
        let found = drawn.hints.into_iter().map(|hint| Diagnostic {
            range: self.file.range(hint.number).start..self.end_of_line(hint.number),
            severity: Severity::Hint,
            code: CODE.to_owned(),
            url: None,
            message: hint.said.message.clone(),
            related: Vec::new(),
            tags: Vec::new(),
            data: Value::Null,
        });
        found.filter(|found| found.range.start <= found.range.end).collect()
    }

    /// Compares what was given with what would be given now.
    pub(crate) fn settled(&self) -> Settled {
        self.ask_shellcheck();
        let (hints, lenses, diagnostics) = {
            let given = self.own.given.lock().unwrap_or_else(PoisonError::into_inner);
            (given.hints.clone(), given.lenses.clone(), given.diagnostics.clone())
        };
        let tells = self.own.shared.abilities().plan_changed;
        if hints.is_none() && lenses.is_none() && diagnostics.is_none() && !tells {
            return Settled::default();
        }
        let looks = self.looks();
        let drawn = &looks.drawn;
        let changed = |last: &Option<Arc<Looks>>, same: &dyn Fn(&Drawn) -> bool| {
            last.as_ref().is_some_and(|last| !Arc::ptr_eq(last, looks) && !same(&last.carried(&self.file)))
        };
        let settled = Settled {
            hints_changed: changed(&hints, &|last| last.hints == drawn.hints),
            lenses_changed: changed(&lenses, &|last| last.lenses == drawn.lenses),
            diagnostics_changed: changed(&diagnostics, &|last| last.hints == drawn.hints),
            plan: self.planned().as_ref().ok().map(|planned| {
                let about = planned.about(String::new(), None);
                (render::summary_json(&planned.plan.summary()), render::baseline_json(&about))
            }),
        };
        let mut given = self.own.given.lock().unwrap_or_else(PoisonError::into_inner);
        if diagnostics.is_some() {
            given.diagnostics = Some(Arc::clone(looks));
        }
        // It is told once: a document that is not on the screen is not asked about again, however often it is told.
        if settled.hints_changed {
            given.hints = Some(Arc::clone(looks));
        }
        if settled.lenses_changed {
            given.lenses = Some(Arc::clone(looks));
        }
        settled
    }

    pub(crate) fn hover_at(&self, offset: usize) -> Option<Hover> {
        let number = self.file.at(offset)?;
        let (_, instruction) = self.file.instruction(number);
        let range = self.file.absolute(number, instruction.keyword().range.clone());
        if !(range.start..=range.end).contains(&offset) {
            return None;
        }
        let markdown = match self.planned() {
            Ok(planned) => {
                let folder = self.folder();
                let ignored = |source: &str| {
                    let folder = folder.as_ref()?;
                    files::ignored(self.own.shared.fs.as_ref(), &folder.root, &folder.context, source)
                };
                cache_hover::hover(planned, number, &ignored)?
            }
            Err(why) => format!("This file cannot be built: {}.", super::markdown::code(why)),
        };
        Some(Hover { range, markdown })
    }

    /// The Dockerfile's and the context's names: relative to the workspace folder, where they lie in it.
    fn names(&self) -> (String, Option<String>) {
        let folder = self.own.path.as_deref().and_then(|path| self.own.shared.folder_of(path));
        let shown = |path: &Path| {
            let below = folder.as_deref().and_then(|folder| path.strip_prefix(folder).ok());
            match below.unwrap_or(path).display().to_string() {
                empty if empty.is_empty() => ".".to_owned(),
                shown => shown,
            }
        };
        let dockerfile = self.own.path.as_deref().map_or("Dockerfile".to_owned(), shown);
        (dockerfile, self.folder().map(|folder| shown(&folder.root)))
    }

    fn json_of(&self, planned: &Planned) -> Value {
        let (dockerfile, context) = self.names();
        planned.json(dockerfile, context)
    }

    pub(crate) fn plan_json(&self) -> Result<Value, String> {
        Ok(self.json_of(self.planned().as_ref()?))
    }

    pub(crate) fn graph_json(&self) -> Result<Value, String> {
        let planned = self.planned().as_ref()?;
        let (dockerfile, context) = self.names();
        Ok(graph_json(&planned.after.side(), &planned.about(dockerfile, context)))
    }

    pub(crate) fn exported(&self, format: Format) -> Result<String, String> {
        let planned = self.planned().as_ref()?;
        let (dockerfile, context) = self.names();
        let about = planned.about(dockerfile, context);
        Ok(match format {
            // Strings, numbers and lists of them: nothing that serialization could refuse.
            Format::Json => serde_json::to_string_pretty(&self.json_of(planned)).unwrap_or_default() + "\n",
            Format::Html => to_html(&self.json_of(planned), &format!("{}: the next build", about.dockerfile)),
            Format::Svg => to_svg(&planned.structure(), Some(&planned.plan), &about),
            Format::Mermaid => to_mermaid(&planned.structure(), Some(&planned.plan)),
        })
    }

    /// The plan if something changed, against the same build without that change.
    pub(crate) fn simulate(&self, what_if: &WhatIf) -> Result<Value, String> {
        let planned = self.planned().as_ref()?;
        let before = &planned.after;
        let mut options = before.options.clone();
        options.build_args.extend(what_if.build_args.clone());
        if what_if.target.is_some() {
            options.target.clone_from(&what_if.target);
        }
        let mut context = before.context.clone();
        if !what_if.paths.is_empty() {
            let folder = self.folder().ok_or("The build context is not known; set `layerwise.context`.")?;
            let index = before.context.as_deref().unwrap_or(&folder.context);
            let mut changed = Vec::new();
            for path in &what_if.paths {
                changed.extend(self.changed(&folder.root, index, path)?);
            }
            if changed.len() > MAX_CHANGED {
                return Err(format!("That is more than {MAX_CHANGED} files; name a folder instead."));
            }
            context = Some(Arc::new(with_changed(index, &changed)));
        }
        let after = Build::new(before.file.clone(), options, context, Some(before));
        if let Some(error) = &after.eval.error {
            return Err(error.clone());
        }
        let given = Named::new(Kind::Given, "the same build without the change");
        let terms = self.terms(&after, &Known::default());
        Ok(self.json_of(&Planned::what_if(before, after, given, terms)))
    }

    /// The paths in the context that a path or a pattern names.
    fn changed(&self, root: &Path, context: &Context, path: &str) -> Result<Vec<String>, String> {
        if has_wildcard(path) && !Path::new(path).is_absolute() {
            let pattern = Dockerignore::from_patterns(&[source_path(path)])
                .map_err(|error| format!("{path}: {}", error.pattern))?;
            let matched = context.below("").filter(|(path, _)| pattern.is_excluded(path));
            let found: Vec<String> = matched.map(|(path, _)| path.to_owned()).take(MAX_CHANGED + 1).collect();
            if found.is_empty() {
                return Err(format!("{path}: no file of the build context matches."));
            }
            return Ok(found);
        }
        let below = if Path::new(path).is_absolute() {
            below_root(root, Path::new(path))
        } else {
            Some(source_path(path))
        };
        let below = below.filter(|below| !below.is_empty());
        below.map(|below| vec![below]).ok_or_else(|| format!("{path}: not in the build context."))
    }

    pub(crate) fn reached_by(&self, files: &[PathBuf]) -> Option<Value> {
        let planned = self.planned().as_ref().ok()?;
        let folder = self.folder()?;
        let workspace = self.own.path.as_deref().and_then(|path| self.own.shared.folder_of(path));
        let absolute = |file: &PathBuf| match &workspace {
            Some(workspace) if file.is_relative() => workspace.join(file),
            _ => folder.root.join(file),
        };
        let paths: Vec<String> = files
            .iter()
            .take(MAX_CHANGED)
            .filter_map(|file| below_root(&folder.root, &absolute(file)))
            .collect();
        if paths.is_empty() {
            return None;
        }
        let before = &planned.after;
        let context = before.context.as_deref()?;
        let ignored: Vec<&String> = paths.iter().filter(|path| !context.ignore.in_context(path)).collect();
        let changed = Some(Arc::new(with_changed(context, &paths)));
        let after = Build::new(before.file.clone(), before.options.clone(), changed, Some(before));
        let given = Named::new(Kind::Given, "the same build without the change");
        let terms = self.terms(&after, &Known::default());
        let reached = Planned::what_if(before, after, given, terms);
        let mut plan = self.json_of(&reached);
        let steps = plan["steps"].take();
        let runs = |step: &Value| {
            let state = step["state"].as_str();
            state == Some(State::Rebuilt.as_str()) || state == Some(State::Depends.as_str())
        };
        let steps: Vec<Value> =
            steps.as_array().into_iter().flatten().filter(|step| runs(step)).cloned().collect();
        Some(json!({
            "dockerfile": plan["dockerfile"],
            "context": plan["context"],
            "files": paths,
            "ignored": ignored,
            "steps": steps,
            "summary": plan["summary"],
        }))
    }

    /// The command that builds a stage, by its number.
    fn command(&self, stage: usize) -> Result<BuildCommand, String> {
        let path = self.own.path.as_deref().ok_or("The file is not on disk; save it first.")?;
        let folder = self.folder();
        let root = folder.as_ref().map(|folder| folder.root.as_path()).or(path.parent());
        let root = root.ok_or("The build context is not known; set `layerwise.context`.")?;
        let cwd = self.own.shared.folder_of(path).or_else(|| Some(root.to_path_buf()));
        let (options, platform) = (&self.settings().options, self.settings().platform_set);
        Ok(build::command(&self.file, stage, options, platform, &lexical(path), &lexical(root), cwd))
    }

    pub(crate) fn command_for(&self, target: Option<&str>) -> Result<BuildCommand, String> {
        buildable(&self.file)?;
        let target = target.or(self.settings().options.target.as_deref());
        let stages = self.file.stages();
        let index = match target {
            None => stages.len().checked_sub(1),
            Some(name) => {
                let lower = name.to_lowercase();
                // Of several stages with one name the last counts, as in BuildKit.
                let named = stages.iter().rposition(|stage| stage.name.as_deref() == Some(&lower));
                named.or_else(|| name.parse().ok().filter(|index| *index < stages.len()))
            }
        };
        self.command(index.ok_or_else(|| format!("There is no stage {}.", target.unwrap_or("at all")))?)
    }

    pub(crate) fn was_built(&self) -> Result<String, String> {
        let planned = self.planned().as_ref()?;
        let when = SystemTime::now();
        self.remember(planned, when);
        // Of a file that is on no disk nothing can be kept; it is remembered as long as it is open.
        let kept = match self.keeper() {
            Ok((store, path)) => {
                let build = self.hashed(planned);
                let mut learnt = store.open(path);
                let known = build.context.as_ref().is_none_or(|context| is_hashed(context));
                if known {
                    learnt.built(cost::build(&build.side(), seconds(when), "marked as built".to_owned()));
                    self.keep(store, path, &learnt)
                } else {
                    Err("its context is too big to be kept".to_owned())
                }
            }
            Err(why) => Err(why),
        };
        let target = planned.after.eval.target.map(|index| stage_name(&planned.after.file, index));
        let (dockerfile, _) = self.names();
        let so_long = kept.err().map_or(String::new(), |why| format!(", until this session ends ({why})"));
        let target = target.as_deref().unwrap_or("its last stage");
        Ok(format!("{dockerfile} counts as built up to {target}{so_long}."))
    }

    /// This was built at that time.
    fn remember(&self, planned: &Planned, when: SystemTime) {
        let past = Past {
            file: planned.after.file.clone(),
            options: Some(planned.after.options.clone()),
            context: self.folder().map(|folder| folder.context),
        };
        self.own.known.lock().unwrap_or_else(PoisonError::into_inner).built(past, when);
    }

    /// Where what builds teach is kept, and for which file.
    fn keeper(&self) -> Result<(&Store, &Path), String> {
        let store = self.own.shared.store.as_ref().ok_or("there is no folder to keep it in")?;
        Ok((store, self.own.path.as_deref().ok_or("the file is not on disk")?))
    }

    fn keep(&self, store: &Store, path: &Path, learnt: &Learnt) -> Result<(), String> {
        let kept = store.save(path, learnt);
        kept.map(drop).map_err(|error| format!("{} cannot be written: {error}", store.file(path).display()))
    }

    /// The build with the files of its context read: only then do its keys mean something in another session.
    fn hashed(&self, planned: &Planned) -> Build {
        let after = &planned.after;
        let context = after.context.as_ref().zip(self.folder()).map(|(context, folder)| {
            let limits = Limits { deadline: Some(Instant::now() + HASHING), ..Limits::default() };
            let unread =
                context.entries.iter().filter(|(_, entry)| matches!(entry.content, Content::Unread(_)));
            let unread = unread.map(|(path, _)| path);
            Arc::new(fingerprint(self.own.shared.fs.as_ref(), &folder.root, context, unread, &limits))
        });
        Build::new(after.file.clone(), after.options.clone(), context, Some(after))
    }

    pub(crate) fn learnt(&self, log: &str) -> Result<Value, String> {
        let planned = self.planned().as_ref()?;
        let (store, path) = self.keeper().map_err(|why| format!("Nothing can be learnt: {why}."))?;
        let log = cost::log::parse(log).map_err(|error| format!("The log, line {error}."))?;
        let build = self.hashed(planned);
        let mut learnt = store.open(path);
        let lesson = cost::learn(&build.side(), &log, &mut learnt);
        if lesson.in_log == 0 {
            return Err("The log has no step of a Dockerfile in it, so there is nothing to learn.".to_owned());
        }
        let (dockerfile, _) = self.names();
        if lesson.matched == 0 {
            let first = lesson.strange.first().map_or("", String::as_str);
            return Err(format!(
                "None of the {} steps of the log ({first}) is one of {dockerfile}.",
                lesson.in_log
            ));
        }
        let when = SystemTime::now();
        let remembered = lesson.complete && build.context.as_ref().is_none_or(|context| is_hashed(context));
        if remembered {
            learnt.built(cost::build(&build.side(), seconds(when), "an imported log".to_owned()));
        }
        self.keep(store, path, &learnt)?;
        if remembered {
            self.remember(planned, when);
        }
        let lines = lesson.lines.iter().map(|(line, seconds)| json!({"line": line, "seconds": seconds}));
        Ok(json!({
            "version": 1,
            "dockerfile": dockerfile,
            "in_log": lesson.in_log,
            "matched": lesson.matched,
            "measured": lesson.measured,
            "strange": lesson.strange,
            "lines": lines.collect::<Vec<_>>(),
            "layers": null,
            "remembered": remembered,
        }))
    }

    /// What the user wants to compare with.
    pub(crate) fn choice(&self) -> Choice {
        let known = self.own.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.chosen.clone().unwrap_or_else(|| self.settings().baseline.clone())
    }

    pub(crate) fn choose(&self, id: &str) -> Result<String, String> {
        let choice =
            Choice::parse(id).ok_or_else(|| format!("`{id}` is no baseline and no git revision."))?;
        match &choice {
            Choice::Build => {
                let known = self.own.known.lock().unwrap_or_else(PoisonError::into_inner);
                if !known.has_builds() {
                    return Err(
                        "No build of this file is known; mark it as built, or import the log of a build."
                            .to_owned(),
                    );
                }
            }
            Choice::Head | Choice::Revision(_) => {
                let revision = choice.revision().unwrap_or_default();
                let path =
                    self.own.path.as_deref().ok_or("The file is not on disk, so git does not know it.")?;
                let folder = path.parent().unwrap_or(path);
                let found = git::before(folder, revision, Some(path), TIMEOUT)
                    .map_err(|e| format!("{revision}: {e}."))?;
                if !matches!(found.dockerfile, Some(git::Versioned::Text(_))) {
                    return Err(format!("{revision} has no such Dockerfile."));
                }
            }
            Choice::Auto | Choice::Opened | Choice::None => {}
        }
        let said =
            choice.all().into_iter().find(|baseline| baseline.chosen).map_or(String::new(), |b| b.title);
        self.own.known.lock().unwrap_or_else(PoisonError::into_inner).chosen = Some(choice);
        Ok(format!("The plan is compared with {said}."))
    }
}

/// Whether the whole of a context is known, down to the bytes of its files.
fn is_hashed(context: &Context) -> bool {
    context.incomplete.is_none() && context.entries.totals("").unread == 0
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
