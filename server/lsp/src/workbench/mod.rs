//! The engine of the product: the analysis behind the seam of `engine.rs`.
//!
//! [`Workbench`] holds what all documents share, [`document::Buffer`] one open document, [`view::View`] one moment of it.
//! Whatever a view computes it computes once; what an edit does not touch comes from the view before ([`document::Own`]).
//! `cache.rs` is what a view says about the cache; `baseline.rs` what it compares with, `history.rs` git's part of that;
//! `looks.rs` what is drawn, `cache_hover.rs` what is said.

mod baseline;
mod build;
mod cache;
mod cache_hover;
mod configs;
mod contexts;
mod document;
mod engine_images;
mod files;
mod history;
mod looks;
mod markdown;
mod pages;
mod planned;
mod settings;
mod shell;
mod view;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use layerwise_host::find;
use layerwise_host::fs::{ContextFs, Links, OsFs};
use layerwise_host::learnt::Store;
use layerwise_host::read::MAX_DOCKERFILE;
use layerwise_syntax::text::Text;

use crate::engine::{Abilities, Analysis, Document, Engine, Features, FileEvent};
use baseline::Known;
use configs::Configs;
use contexts::Contexts;
use engine_images::EngineImages;
use history::History;
use settings::Settings;
use shell::Shell;

/// How long typing must have stopped before what is shown of the plan changes: longer than between two keys, and not yet a
/// wait.
const SETTLE: Duration = Duration::from_millis(300);

/// The longest log of a build that is read.
const MAX_LOG: u64 = 64 << 20;

/// Of how many Dockerfiles that are not open builds are remembered.
const MAX_KNOWN: usize = 256;

/// After how long the workspace is looked through for Dockerfiles again.
const DOCKERFILES_FRESH: Duration = Duration::from_secs(10);

/// The analysis as an engine.
pub(crate) struct Workbench {
    shared: Arc<Shared>,
}

/// What all documents share.
pub(crate) struct Shared {
    settings: RwLock<Arc<Settings>>,
    folders: RwLock<Vec<PathBuf>>,
    configs: Configs,
    contexts: Contexts,
    fs: Arc<dyn ContextFs>,
    /// Whether git may be asked: not where the files are none of the disk's.
    asks_git: bool,
    /// Where what builds teach is kept.
    store: Option<Store>,
    history: History,
    engine_images: EngineImages,
    shell: Shell,
    /// How long nobody must have typed before what is shown changes.
    settle: Duration,
    abilities: OnceLock<Abilities>,
    /// What is known of each Dockerfile's builds, open or not.
    known: Mutex<HashMap<PathBuf, Arc<Mutex<Known>>>>,
    /// The workspace's Dockerfiles, and when they were looked for.
    dockerfiles: Mutex<Option<(Instant, Vec<PathBuf>)>>,
    changed: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Workbench {
    /// The engine that reads the real file system and keeps what builds teach in `store`.
    pub(crate) fn keeping(store: Option<Store>) -> Workbench {
        Workbench::on(Arc::new(OsFs), store, true, SETTLE)
    }

    /// The engine on any file system.
    fn on(fs: Arc<dyn ContextFs>, store: Option<Store>, asks_git: bool, settle: Duration) -> Workbench {
        Workbench {
            shared: Arc::new(Shared {
                settings: RwLock::default(),
                folders: RwLock::default(),
                configs: Configs::default(),
                contexts: Contexts::new(Arc::clone(&fs)),
                fs,
                asks_git,
                store,
                history: History::default(),
                engine_images: EngineImages::default(),
                shell: Shell::default(),
                settle,
                abilities: OnceLock::new(),
                known: Mutex::default(),
                dockerfiles: Mutex::default(),
                changed: OnceLock::new(),
            }),
        }
    }
}

impl Shared {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What counts for a Dockerfile: the settings that the editor has given, over its configuration.
    fn settings_for(&self, given: &Arc<Settings>, path: Option<&Path>) -> Arc<Settings> {
        let (settings, new) = self.configs.settle(self.fs.as_ref(), given, path);
        if new {
            self.watch_files();
        }
        settings
    }

    /// Watches the files outside of contexts that answers depend on.
    fn watch_files(&self) {
        self.contexts.watch_also(self.history.heads().into_iter().chain(self.configs.files()));
    }

    /// The workspace folder that a path is in; the innermost of several.
    fn folder_of(&self, path: &Path) -> Option<PathBuf> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        folders.iter().filter(|f| path.starts_with(f)).max_by_key(|f| f.as_os_str().len()).cloned()
    }

    fn abilities(&self) -> Abilities {
        self.abilities.get().copied().unwrap_or_default()
    }

    /// What is known of the builds of a Dockerfile; of one that is on no disk as long as it is open.
    fn known(&self, path: Option<&Path>) -> Arc<Mutex<Known>> {
        let Some(path) = path else { return Arc::default() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN && !known.contains_key(path) {
            // Whoever has one open keeps it.
            known.retain(|_, known| Arc::strong_count(known) > 1);
        }
        Arc::clone(known.entry(path.to_path_buf()).or_default())
    }

    /// Says that something other than a document changed.
    fn changed(&self) {
        if let Some(changed) = self.changed.get() {
            changed();
        }
    }
}

impl Engine for Workbench {
    fn features(&self) -> Features {
        Features {
            diagnostics: true,
            hover: true,
            inlay_hints: true,
            folding: true,
            selection: true,
            symbols: true,
            code_lenses: true,
            plan: true,
            settle: SETTLE,
            code_action_kinds: vec!["quickfix", "refactor.rewrite", "source.fixAll.layerwise"],
            watch: vec!["**/*"],
        }
    }

    fn open(&self, text: Text, path: Option<&Path>, _language_id: &str) -> Box<dyn Document> {
        Box::new(document::Buffer::open(Arc::clone(&self.shared), &text, path))
    }

    fn configure(&self, settings: &serde_json::Value) -> Vec<String> {
        let (settings, problems) = Settings::read(settings);
        *self.shared.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.shared.engine_images.forget();
        self.shared.shell.forget();
        problems
    }

    fn folders(&self, folders: &[PathBuf]) {
        *self.shared.folders.write().unwrap_or_else(PoisonError::into_inner) = folders.to_vec();
    }

    fn files_changed(&self, changes: &[(PathBuf, FileEvent)]) {
        self.shared.contexts.report(changes);
        self.shared.history.forget(changes.iter().map(|(path, _)| path.as_path()));
    }

    fn client(&self, abilities: Abilities) {
        // Set once: a client says once what it can.
        let _ = self.shared.abilities.set(abilities);
    }

    fn load(&self, path: &Path) -> Option<Arc<dyn Analysis>> {
        let bytes = self.shared.fs.read(path, MAX_DOCKERFILE, Links::Follow).ok()?;
        let text = Text::new(&String::from_utf8_lossy(&bytes));
        Some(document::Buffer::open(Arc::clone(&self.shared), &text, Some(path)).view())
    }

    fn read_log(&self, path: &Path) -> Result<String, String> {
        let read = self.shared.fs.read(path, MAX_LOG, Links::Follow);
        let bytes = read.map_err(|error| format!("{}: {error}.", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn write_page(&self, name: &str, page: &str) -> Result<PathBuf, String> {
        pages::write(name, page)
    }

    fn dockerfiles(&self) -> Vec<PathBuf> {
        let mut known = self.shared.dockerfiles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, found)) = &*known
            && when.elapsed() < DOCKERFILES_FRESH
        {
            return found.clone();
        }
        let folders = self.shared.folders.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut found: Vec<PathBuf> =
            folders.iter().flat_map(|folder| find::dockerfiles_below(folder).files).collect();
        found.sort();
        found.dedup();
        *known = Some((Instant::now(), found.clone()));
        found
    }

    fn subscribe(&self, changed: Box<dyn Fn() + Send + Sync>) {
        // Set once: there is one server.
        if self.shared.changed.set(changed).is_ok() {
            let shared = Arc::downgrade(&self.shared);
            self.shared.contexts.watch(Box::new(move || {
                if let Some(shared) = shared.upgrade() {
                    shared.changed();
                }
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use layerwise_host::memfs::MemFs;

    use super::*;
    use crate::engine::{Cancel, WhatIf};

    fn open(fs: MemFs, text: &str) -> Box<dyn Document> {
        let workbench = Workbench::on(Arc::new(fs), None, false, Duration::ZERO);
        workbench.folders(&["/w".into()]);
        workbench.open(Text::new(text), Some(Path::new("/w/Dockerfile")), "dockerfile")
    }

    fn codes(view: &dyn Analysis) -> Vec<String> {
        view.diagnostics(&Cancel::default()).into_iter().map(|d| d.code).collect()
    }

    const SMALL: &str = "FROM debian:12\nRUN a\nRUN b\n";

    fn on_disk(text: &str) -> MemFs {
        let mut fs = MemFs::new();
        fs.file("/w/Dockerfile", text);
        fs
    }

    fn labels(view: &dyn Analysis) -> Vec<(usize, String)> {
        let hints = view.inlay_hints(0..1000, &Cancel::default());
        hints.into_iter().map(|h| (h.offset, without_estimate(&h.label))).collect()
    }

    fn titles(view: &dyn Analysis) -> Vec<String> {
        view.code_lenses(&Cancel::default()).into_iter().map(|lens| without_estimate(&lens.title)).collect()
    }

    /// The text without an estimate at its end: how it is estimated is another room's.
    fn without_estimate(text: &str) -> String {
        text.split('~').next().unwrap_or_default().trim_end_matches([',', ' ']).to_owned()
    }

    #[test]
    fn hints_and_lenses_have_a_price() {
        let mut document = open(on_disk(SMALL), SMALL);
        document.edit(20..20, "1");
        let view = document.view();
        let hints = view.inlay_hints(0..1000, &Cancel::default());
        assert!(
            hints.iter().all(|h| h.label.starts_with("rebuilds ~") && h.label.ends_with(" s")),
            "{hints:?}"
        );
        let lens = view.code_lenses(&Cancel::default()).remove(0).title;
        assert!(lens.starts_with("this edit: 2 of 3 steps rebuild, ~") && lens.ends_with(" s"), "{lens}");
        let plan = view.plan(&WhatIf::default(), &Cancel::default()).expect("a plan");
        assert_eq!(plan["price"]["seconds"]["measured"], false);
    }

    #[test]
    fn hints_compare_with_the_state_when_it_was_opened() {
        let mut document = open(on_disk(SMALL), SMALL);
        assert_eq!(labels(document.view().as_ref()), []);
        document.edit(20..20, "1");
        let both = [(21, "rebuilds".to_owned()), (27, "rebuilds".to_owned())];
        assert_eq!(labels(document.view().as_ref()), both);
        // Saving builds nothing.
        document.saved();
        assert_eq!(labels(document.view().as_ref()), both);
        document.view().mark_built().expect("it can be built");
        assert_eq!(labels(document.view().as_ref()), []);
        document.edit(20..21, "");
        assert_eq!(labels(document.view().as_ref()).len(), 2);
        document.view().choose_baseline("opened").expect("there is one");
        assert_eq!(labels(document.view().as_ref()), []);
    }

    #[test]
    fn a_file_that_is_saved_before_it_is_looked_at_keeps_its_baseline() {
        let mut document = open(on_disk("FROM debian:12\nRUN other\n"), SMALL);
        document.edit(20..20, "1");
        document.saved();
        // What was on the disk is gone; what the editor opened is not.
        assert_eq!(labels(document.view().as_ref()).len(), 2);
        document.edit(20..21, "");
        assert_eq!(labels(document.view().as_ref()), []);
    }

    #[test]
    fn a_hint_stands_behind_the_whole_first_line() {
        let text = "FROM debian:12\nRUN a && \\\n    b\n";
        let mut document = open(on_disk(text), text);
        document.edit(19..20, "c");
        assert_eq!(labels(document.view().as_ref()), [(25, "rebuilds".to_owned())]);
    }

    #[test]
    fn lenses_say_what_changes_and_are_quiet_where_nothing_does() {
        let text = "FROM debian:12 AS one\nRUN a\nRUN b\nFROM alpine\nCOPY --from=one /x /\nRUN c\n";
        let mut document = open(on_disk(text), text);
        let quiet = ["6 steps, all cached since it was opened", "build this stage", "build this stage"];
        assert_eq!(titles(document.view().as_ref()), quiet);
        document.edit(32..33, "z");
        assert_eq!(
            titles(document.view().as_ref()),
            [
                "this edit: 1 of 3 steps rebuilds",
                "compared with the state when it was opened",
                "build this stage",
                "this edit: 2 of 3 steps may rebuild",
                "build this stage",
            ]
        );
        document.view().choose_baseline("none").expect("there is one");
        assert_eq!(titles(document.view().as_ref())[0], "a cold build: 3 of 3 steps rebuild");
        assert!(document.view().choose_baseline("build").is_err());
        assert!(document.view().choose_baseline("--output=x").is_err());
    }

    #[test]
    fn hints_keep_their_place_while_somebody_types_and_change_once() {
        let workbench = Workbench::on(Arc::new(on_disk(SMALL)), None, false, Duration::from_secs(3600));
        workbench.client(Abilities { refreshes_hints: true, ..Abilities::default() });
        workbench.folders(&["/w".into()]);
        let mut document = workbench.open(Text::new(SMALL), Some(Path::new("/w/Dockerfile")), "dockerfile");
        assert_eq!(labels(document.view().as_ref()), []);
        document.edit(20..20, "1");
        assert_eq!(labels(document.view().as_ref()), [], "somebody types");
        let settled = document.view().settle(&Cancel::default());
        assert!(settled.hints_changed && !settled.lenses_changed, "lenses were never asked for");
        // The view that was looked at knows better now, and so does the next.
        assert!(!document.view().settle(&Cancel::default()).hints_changed, "it is told once");
        document.edit(16..16, " ");
        let both = [(22, "rebuilds".to_owned()), (28, "rebuilds".to_owned())];
        assert_eq!(labels(document.view().as_ref()), both, "moved with the text");
        document.edit(15..23, "");
        assert_eq!(labels(document.view().as_ref()), [(20, "rebuilds".to_owned())]);
        document.edit(21..21, "# a comment\n");
        assert_eq!(labels(document.view().as_ref()), [(20, "rebuilds".to_owned())]);
    }

    #[test]
    fn a_text_that_cannot_be_built_shows_the_last_plan() {
        let mut document = open(on_disk(SMALL), SMALL);
        document.edit(20..20, "1");
        let before = labels(document.view().as_ref());
        document.edit(22..25, "R");
        let both = [(21, "rebuilds".to_owned()), (25, "rebuilds".to_owned())];
        assert_eq!(before.len(), 2);
        assert_eq!(labels(document.view().as_ref()), both);
        assert!(document.view().plan(&WhatIf::default(), &Cancel::default()).is_err());
        let hover = document.view().hover(16, &Cancel::default()).expect("a hover");
        assert!(hover.markdown.contains("cannot be built"), "{}", hover.markdown);
    }

    /// A project in which three files are copied and two are ignored.
    fn project(dockerfile: &str) -> MemFs {
        let mut fs = on_disk(dockerfile);
        fs.file("/w/package.json", "{}").file("/w/src/a.ts", "a").file("/w/src/b.ts", "bb");
        fs.file("/w/.dockerignore", "node_modules\n*.log\nDockerfile\n.dockerignore\n");
        fs.file("/w/node_modules/x/index.js", "x").file("/w/build.log", "x");
        fs
    }

    const NODE: &str =
        "FROM node:22\nENV MODE=`id`<b>\nCOPY package.json ./\nRUN npm ci\nCOPY src src\nRUN npm run build\n";

    fn hover(view: &dyn Analysis, line: &str, text: &str) -> String {
        let offset = text.find(line).expect("the line is there");
        view.hover(offset, &Cancel::default()).expect("a hover").markdown
    }

    #[test]
    fn a_hover_says_state_key_and_files() {
        let mut document = open(project(NODE), NODE);
        let view = document.view();
        let copy = hover(view.as_ref(), "COPY src", NODE);
        assert!(copy.starts_with("**Cached since it was opened**"), "{copy}");
        assert!(copy.contains("Selects 2 files, 3 B, of the build context."), "{copy}");
        assert!(copy.contains("* on top of the layer of line 4"), "{copy}");
        let run = hover(view.as_ref(), "RUN npm ci", NODE);
        assert!(run.contains("command `/bin/sh -c npm ci`"), "{run}");
        assert!(run.contains("``MODE=`id`<b>``"), "file-controlled text stays text: {run}");
        assert!(hover(view.as_ref(), "ENV", NODE).contains("nothing runs"));
        assert!(hover(view.as_ref(), "FROM", NODE).contains("the image behind `docker.io/library/node:22`"));
        assert!(view.hover(NODE.find("npm ci").expect("it"), &Cancel::default()).is_none(), "keywords only");
        // And why, down to the root.
        let at = NODE.find("npm ci").expect("it");
        document.edit(at..at, "x");
        let edited = NODE.replace("npm ci", "xnpm ci");
        let first = hover(document.view().as_ref(), "RUN xnpm", &edited);
        assert!(first.contains("* this instruction was edited\n\nIt was edited itself"), "{first}");
        let last = hover(document.view().as_ref(), "RUN npm run", &edited);
        assert!(last.contains("* line 5 (`COPY src src`) runs again\n* line 5: line 4"), "{last}");
        assert!(last.contains("* line 4: this instruction was edited"), "{last}");
    }

    #[test]
    fn a_hover_counts_what_is_ignored() {
        let text = "FROM node:22\nCOPY . .\n";
        let copy = hover(open(project(text), text).view().as_ref(), "COPY", text);
        assert!(copy.contains("Selects 3 files, 5 B"), "{copy}");
        assert!(
            copy.contains(
                "`.dockerignore` takes away: `.dockerignore`, `Dockerfile`, `build.log`, `node_modules`."
            ),
            "{copy}"
        );
    }

    #[test]
    fn a_file_reaches_the_steps_that_copy_it() {
        let view = open(project(NODE), NODE).view();
        let reached = |file: &str| {
            let found = view.affected_by(&[PathBuf::from(file)], &Cancel::default())?;
            let lines = found["steps"].as_array()?.iter().map(|step| step["line"].as_u64());
            Some((lines.flatten().collect::<Vec<_>>(), found["ignored"].as_array()?.len()))
        };
        assert_eq!(reached("/w/src/a.ts"), Some((vec![5, 6], 0)));
        assert_eq!(reached("src/new.ts"), Some((vec![5, 6], 0)));
        assert_eq!(reached("/w/package.json"), Some((vec![3, 4, 5, 6], 0)));
        assert_eq!(reached("/w/README.md"), Some((vec![], 0)));
        assert_eq!(reached("/w/build.log"), Some((vec![], 1)));
        assert_eq!(reached("/elsewhere/x"), None);
    }

    #[test]
    fn what_if() {
        let text = "FROM node:22 AS deps\nARG V=1\nCOPY package.json .\nRUN a\nFROM node:22\nCOPY src src\n";
        let view = open(project(text), text).view();
        let run = |what_if: WhatIf| view.plan(&what_if, &Cancel::default());
        let states = |plan: &serde_json::Value| -> Vec<String> {
            let steps = plan["steps"].as_array().expect("steps").iter();
            steps.map(|step| step["state"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let plan = run(WhatIf { paths: vec!["src/*.ts".into()], ..WhatIf::default() }).expect("a plan");
        assert_eq!(states(&plan)[5], "rebuilt");
        assert_eq!(plan["baseline"]["kind"], "given");
        let target = |target: &str, args: &[(&str, &str)]| {
            let build_args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            run(WhatIf { target: Some(target.into()), build_args, ..WhatIf::default() })
        };
        assert_eq!(states(&target("deps", &[("V", "2")]).expect("a plan"))[3], "rebuilt");
        assert!(target("nowhere", &[]).is_err());
        let missing = run(WhatIf { paths: vec!["*.rs".into()], ..WhatIf::default() });
        assert_eq!(missing, Err("*.rs: no file of the build context matches.".to_owned()));
    }

    #[test]
    fn steps_that_run_are_diagnostics_where_nothing_else_can_be_refreshed() {
        let cache = |abilities: Abilities, setting: &str| {
            let workbench = Workbench::on(Arc::new(on_disk(SMALL)), None, false, Duration::ZERO);
            workbench.client(abilities);
            workbench.configure(&serde_json::json!({ "cacheDiagnostics": setting }));
            let path = Some(Path::new("/w/Dockerfile"));
            let mut document = workbench.open(Text::new(SMALL), path, "dockerfile");
            document.edit(20..20, "1");
            let count = |view: &dyn Analysis| codes(view).iter().filter(|code| *code == "cache").count();
            let first = count(document.view().as_ref());
            let changed = document.view().settle(&Cancel::default()).diagnostics_changed;
            (first, changed, count(document.view().as_ref()))
        };
        let helix = Abilities { refreshes_diagnostics: true, ..Abilities::default() };
        let other = Abilities { refreshes_hints: true, ..helix };
        assert_eq!(cache(helix, "auto"), (0, true, 2), "they come when the typing stops");
        assert_eq!(cache(Abilities::default(), "auto"), (2, false, 2), "there will be no other chance");
        assert_eq!(cache(other, "auto"), (0, false, 0));
        assert_eq!(cache(other, "on"), (0, true, 2));
        assert_eq!(cache(helix, "off"), (0, false, 0));
    }

    #[test]
    fn the_command_that_builds_a_stage() {
        let text = "FROM node:22 AS deps\nRUN a\nFROM deps\nRUN b\n";
        let view = open(on_disk(text), text).view();
        let line = |target| view.build_command(target).map(|build| build.line);
        assert_eq!(line(Some("DEPS")).as_deref(), Ok("docker build --target deps -f Dockerfile ."));
        assert_eq!(line(None).as_deref(), Ok("docker build --target 1 -f Dockerfile ."));
        assert!(line(Some("nope; rm -rf /")).is_err());
    }

    #[test]
    fn an_action_gives_its_edits_when_it_is_chosen() {
        let text = "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n";
        let view = open(MemFs::new(), text).view();
        let none = Cancel::default();
        let offered = view.code_actions(20..20, None, &none);
        let merge = offered.iter().find(|a| a.id.starts_with("refactoring:merge-run")).expect("a merge");
        let edits = view.resolve(&merge.id, merge.range.clone(), &none).expect("its edits");
        assert!(!edits.is_empty());
        assert_eq!(view.resolve("refactoring:merge-run:9-9", 0..1, &none), None);
        assert_eq!(view.resolve("nonsense", 0..1, &none), None);
    }

    #[test]
    fn the_nearest_configuration_counts_and_the_editor_wins() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = dir.path().join("layerwise.toml");
        let text = "FROM debian:12 AS Build\nMAINTAINER me\n";
        let workbench = Workbench::on(Arc::new(OsFs), None, false, Duration::ZERO);
        workbench.folders(&[dir.path().to_path_buf()]);
        let mut document =
            workbench.open(Text::new(text), Some(&dir.path().join("Dockerfile")), "dockerfile");
        let both = ["stage-name-casing", "maintainer"];
        assert_eq!(codes(document.view().as_ref()), both);
        std::fs::write(&config, "ignore = [\"maintainer\"]\n").expect("a file");
        assert_eq!(codes(document.view().as_ref()), ["stage-name-casing"]);
        std::fs::write(&config, "[severity]\nstage-name-casing = \"off\"\nmaintainer = \"error\"\n")
            .expect("a file");
        let found = document.view().diagnostics(&Cancel::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].severity, crate::engine::Severity::Error);
        workbench.configure(&serde_json::json!({ "rules": { "select": ["stage-name-casing"] } }));
        assert_eq!(codes(document.view().as_ref()), ["stage-name-casing"]);
        workbench.configure(&serde_json::json!({ "rules": { "severity": { "maintainer": "off" } } }));
        assert_eq!(codes(document.view().as_ref()), [""; 0]);
        workbench.configure(&serde_json::json!({}));
        std::fs::write(&config, "\nignroe = []\n").expect("a file");
        let found = document.view().diagnostics(&Cancel::default());
        let wrong = found.iter().find(|d| d.code == "configuration").expect("it is said");
        assert!(
            wrong.message.starts_with("layerwise.toml:2:1: There is no key `ignroe`"),
            "{}",
            wrong.message
        );
        std::fs::remove_file(&config).expect("it was there");
        assert_eq!(codes(document.view().as_ref()), both);
    }

    #[test]
    fn a_finding_can_be_ignored_where_it_stands() {
        let text = "FROM debian:12\nMAINTAINER me\n";
        let mut document = open(MemFs::new(), text);
        let view = document.view();
        let none = Cancel::default();
        let offered = view.code_actions(16..16, None, &none);
        let ignore = offered.iter().find(|a| a.title == "Ignore `maintainer` here").expect("it is offered");
        let edits = view.resolve(&ignore.id, ignore.range.clone(), &none).expect("its edits");
        assert_eq!(
            (edits[0].range.clone(), edits[0].new_text.as_str()),
            (15..15, "# layerwise: ignore[maintainer]\n")
        );
        document.edit(15..15, "# layerwise: ignore[maintainer]\n");
        assert_eq!(codes(document.view().as_ref()), [""; 0]);
    }

    #[test]
    fn what_is_too_long_is_kept_and_not_parsed() {
        let long = "RUN a\n".repeat(100_001);
        let mut document = open(MemFs::new(), &long);
        assert_eq!(codes(document.view().as_ref()), ["syntax-error"]);
        document.edit(0..long.len(), "FROM scratch AS A\n");
        assert_eq!(codes(document.view().as_ref()), ["stage-name-casing"]);
        document.edit(0..0, &long);
        assert_eq!(codes(document.view().as_ref()), ["syntax-error"]);
    }
}
