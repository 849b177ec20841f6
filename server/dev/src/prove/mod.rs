//! `cargo dev prove`: refactorings and fixes against a real engine.
//!
//! Each project is built before and after. What promises `safe` must give the same image: root file system and configuration,
//! but for what differs between two builds of the unchanged file too. What somebody edits later must rebuild what the plan
//! says, before and after.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::oracle::build;
use crate::oracle::case::{Case, Node};
use crate::oracle::compare::Did;
use crate::oracle::engine::{Engine, Store};
use crate::oracle::prepare::{self, Unprepared};
use crate::oracle::run::{Outcome, Runner};
use crate::oracle::tree::Tree;
use crate::oracle::{own_dir, workspace};

pub mod bases;
pub mod change;
pub mod image;
pub mod project;

use image::{GONE, Image, NEW};
use project::{Project, Promise};

/// The names of the images of the project that is built.
const BEFORE: &str = "layerwise-prove:before";
const AGAIN: &str = "layerwise-prove:again";
const AFTER: &str = "layerwise-prove:after";

/// What apt compiles its lists into, not always to the same bytes, and makes again whenever it is missing.
const COMPILED: [&str; 2] = ["var/cache/apt/pkgcache.bin", "var/cache/apt/srcpkgcache.bin"];

/// How often the unchanged file is built once more where something differs.
const MAX_AGAIN: usize = 3;

/// How many differences of an image are named.
const MAX_SHOWN: usize = 8;

/// `cargo dev prove`.
#[derive(clap::Args)]
pub struct Prove {
    /// Projects whose name contains this
    #[arg(long)]
    filter: Option<String>,
    /// A file of projects, or a folder of such files [default: tests/prove/projects]
    #[arg(long)]
    projects: Option<PathBuf>,
    /// Those few that stand for all
    #[arg(long)]
    sample: bool,
    /// Print each Dockerfile after its change
    #[arg(long)]
    show: bool,
    /// Change the Dockerfiles only; build nothing
    #[arg(long)]
    dry: bool,
    /// The folder of the private engine [default: oracle in the target folder]
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What came of a project.
struct Row {
    promise: Promise,
    /// The differences between the images but for noise; `None` where the Dockerfile stays as it is.
    differences: Option<usize>,
    sizes: (u64, u64),
    /// Steps that the later edit ran again, before and after, by the engine.
    ran: Option<(usize, usize)>,
}

impl Prove {
    /// Runs the command. A machine that cannot have an engine is told so in a line that begins with `SKIPPED:`, and that is
    /// no failure.
    pub fn run(self) -> Result<ExitCode, String> {
        let path = self.projects.clone().unwrap_or_else(|| workspace().join("tests/prove/projects"));
        let mut projects = project::read(&path)?;
        projects.retain(|project| {
            (!self.sample || project.sample)
                && self.filter.as_ref().is_none_or(|part| project.id.contains(part.as_str()))
        });
        if projects.is_empty() {
            return Err(format!("{}: no such project", path.display()));
        }
        if self.dry {
            return self.change_only(&projects);
        }
        let folder = match prepare::prepare(&self.dir.clone().unwrap_or_else(own_dir)) {
            Ok(folder) => folder,
            Err(Unprepared::Skipped(reason)) => {
                println!("SKIPPED: no real engine here, so no refactoring was proved: {reason}");
                return Ok(ExitCode::SUCCESS);
            }
            Err(Unprepared::Failed(reason)) => return Err(reason),
        };
        let runner = Runner::new(Engine::start(&folder, Store::Containerd)?)?;
        println!("{}", runner.engine.name());
        let (mut failed, mut proved) = (0, 0);
        for project in &projects {
            if let Err(reason) = bases::make(&runner.engine, project.bases()) {
                match reason {
                    Unprepared::Skipped(reason) => {
                        println!("SKIPPED: {}: {reason}", project.id);
                        continue;
                    }
                    Unprepared::Failed(reason) => return Err(reason),
                }
            }
            match self.prove(&runner, project) {
                Ok(row) => {
                    proved += 1;
                    print_row(project, &row);
                }
                Err(error) => {
                    failed += 1;
                    println!("FAILS {}: {error}", project.id);
                }
            }
            for tag in [BEFORE, AGAIN, AFTER] {
                let _ = runner.engine.docker(["image", "rm", "--force", tag]);
            }
            runner.forget(&Case { images: project.images.clone(), ..Case::default() });
        }
        println!("{proved} of {} projects are as they promise, {failed} are not", projects.len());
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn change_only(&self, projects: &[Project]) -> Result<ExitCode, String> {
        let work = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut failed = 0;
        for project in projects {
            let tree = write(Tree::new(work.path().join("project"))?, project)?;
            match changed(&tree, project) {
                Ok((after, titles)) => {
                    println!("{}: {}", project.id, titles.join("; "));
                    if self.show {
                        println!("{after}");
                    }
                }
                Err(error) => {
                    failed += 1;
                    println!("FAILS {}: {error}", project.id);
                }
            }
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn prove(&self, runner: &Runner, project: &Project) -> Result<Row, String> {
        let engine = &runner.engine;
        let mut tree = write(runner.tree()?, project)?;
        let before_text = project.dockerfile.text();
        let (after_text, _) = changed(&tree, project)?;
        if self.show {
            println!("{after_text}");
        }
        let promise = project.promise();
        if promise == Promise::None {
            return Ok(Row { promise, differences: None, sizes: (0, 0), ran: None });
        }
        runner.make_images(&project.images, &tree, &mut BTreeMap::new())?;
        // Twice from nothing: what differs between the two is no difference.
        let before = self.image(engine, &tree, project, BEFORE).map_err(|e| format!("before: {e}"))?;
        let again = self.image(engine, &tree, project, AGAIN).map_err(|e| format!("before, again: {e}"))?;
        let mut noise = before.differences(&again);
        noise.extend(COMPILED.map(|path| (path.to_owned(), "is compiled anew".to_owned())));
        tree.write("Dockerfile", &Node::Content(after_text.clone()))?;
        let after =
            self.image(engine, &tree, project, AFTER).map_err(|e| format!("after: {e}\n{after_text}"))?;
        let mut differences = without_noise(before.differences(&after), &noise);
        // Some files differ in some builds only.
        for _ in 0..MAX_AGAIN {
            if promise != Promise::Safe || differences.is_empty() {
                break;
            }
            tree.write("Dockerfile", &Node::Content(before_text.clone()))?;
            let again =
                self.image(engine, &tree, project, AGAIN).map_err(|e| format!("before, again: {e}"))?;
            noise.extend(before.differences(&again));
            differences = without_noise(differences, &noise);
        }
        if !noise.is_empty() {
            let shown: Vec<&str> = noise.keys().map(String::as_str).take(MAX_SHOWN).collect();
            println!(
                "  left out, as they differ in two builds of the unchanged file: {} ({})",
                noise.len(),
                shown.join(" ")
            );
        }
        let config = before.other_config(&after);
        if promise == Promise::Safe && !(differences.is_empty() && config.is_empty()) {
            let files = differences.iter().map(|(path, what)| format!("{path} {what}"));
            let shown: Vec<String> = config.into_iter().chain(files).take(MAX_SHOWN).collect();
            return Err(format!(
                "promised safe, and is another image:\n  {}\n{after_text}",
                shown.join("\n  ")
            ));
        }
        if let Some(start) = &project.start {
            let mut answers = Vec::new();
            for tag in [BEFORE, AFTER] {
                let mut args = vec!["run", "--rm", "--network=none", tag];
                args.extend(start.args.iter().map(String::as_str));
                let said = engine.docker_ok(args).map_err(|e| format!("{tag} does not start: {e}"))?;
                if !said.contains(&start.answer) {
                    return Err(format!("{tag} answers `{said}`"));
                }
                answers.push(said);
            }
            if answers[0] != answers[1] {
                return Err(format!("`{}` before is `{}` after", answers[0], answers[1]));
            }
        }
        if let Some(percent) = project.smaller {
            let limit = before.bytes.saturating_mul(100 - percent.min(100)) / 100;
            if after.bytes > limit {
                return Err(format!(
                    "{} bytes after, {} before: not {percent} % smaller",
                    after.bytes, before.bytes
                ));
            }
        }
        let ran = match &project.edit {
            None => None,
            Some(edit) => {
                let mut counts = Vec::new();
                for (when, text) in [("before", &before_text), ("after", &after_text)] {
                    let outcome =
                        runner.run(&project.case(text, edit)).map_err(|e| format!("{when}: {e}"))?;
                    if !outcome.judged.wrong.is_empty() {
                        return Err(format!(
                            "{when}: the plan is wrong: {}",
                            outcome.judged.wrong.join("; ")
                        ));
                    }
                    counts.push(steps_that_ran(&outcome));
                }
                Some((counts[0], counts[1]))
            }
        };
        let differences = Some(differences.len() + config.len());
        Ok(Row { promise, differences, sizes: (before.bytes, after.bytes), ran })
    }

    /// Builds the folder from nothing and reads the image.
    fn image(&self, engine: &Engine, tree: &Tree, project: &Project, tag: &str) -> Result<Image, String> {
        engine.prune()?;
        build::run(engine, tree.root(), &project.build, Some(tag))?;
        Image::read(engine, tag)
    }
}

impl Project {
    /// The names of the images that it stands on and that are not built: as tags, and in the images that it builds.
    fn bases(&self) -> impl Iterator<Item = &str> {
        let tags = self.images.iter().filter_map(|image| image.same_as.as_deref());
        tags.filter(|tag| tag.starts_with(bases::NAME))
    }

    /// What all its applications promise together.
    fn promise(&self) -> Promise {
        let is = |promise| self.apply.iter().any(|apply| apply.promise == promise);
        if is(Promise::Suggestion) {
            Promise::Suggestion
        } else if is(Promise::Safe) {
            Promise::Safe
        } else {
            Promise::None
        }
    }
}

fn write(mut tree: Tree, project: &Project) -> Result<Tree, String> {
    for (path, node) in &project.files {
        tree.write(path, node)?;
    }
    tree.write("Dockerfile", &Node::Content(project.dockerfile.text()))?;
    Ok(tree)
}

/// The Dockerfile after all applications, with what each was called.
fn changed(tree: &Tree, project: &Project) -> Result<(String, Vec<String>), String> {
    let mut text = project.dockerfile.text();
    let mut titles = Vec::new();
    for wanted in &project.apply {
        if let Some((after, title)) = change::change(tree.root(), &text, wanted)? {
            text = after;
            titles.push(title);
        }
    }
    Ok((text, titles))
}

/// Differences that are none between two builds of the unchanged file.
fn without_noise(
    mut differences: BTreeMap<String, String>,
    noise: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    // Names made of the time: where one build has a file that the other has not, both have others each time.
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let odd = |what: &str| {
        let of_kind = noise.iter().filter(move |(_, said)| *said == what);
        of_kind.map(|(path, _)| folder(path)).collect::<BTreeSet<String>>()
    };
    let unstable: BTreeSet<String> = &odd(GONE) & &odd(NEW);
    differences.retain(|path, what| {
        let named = (what == GONE || what == NEW) && unstable.contains(&folder(path));
        !named && !noise.contains_key(path)
    });
    differences
}

fn steps_that_ran(outcome: &Outcome) -> usize {
    outcome.truth.values().filter(|did| **did == Some(Did::Ran)).count()
}

fn print_row(project: &Project, row: &Row) {
    let names: Vec<&str> = project.apply.iter().map(|apply| apply.name.as_str()).collect();
    let image = match (row.differences, row.promise) {
        (None, _) => "not offered, as it must be".to_owned(),
        (Some(0), _) => "same image".to_owned(),
        (Some(n), _) => format!("{n} differences"),
    };
    let promise = match row.promise {
        Promise::Safe => "safe",
        Promise::Suggestion => "suggestion",
        Promise::None => "none",
    };
    let sizes = match row.sizes {
        (0, 0) => String::new(),
        (before, after) => format!("{:.1} -> {:.1} MB", before as f64 / 1e6, after as f64 / 1e6),
    };
    let ran =
        row.ran.map_or(String::new(), |(before, after)| format!("an edit runs {before} -> {after} steps"));
    println!("{:<34} {:<24} {promise:<10} {image:<28} {sizes:<20} {ran}", project.id, names.join("+"));
}
