//! `cargo dev oracle`: the plan against a real engine.
//!
//! Builds before and after an edit for real, and compares what the engine ran again with what the plan says.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub mod build;
pub mod case;
pub mod compare;
pub mod engine;
pub mod ours;
pub mod prepare;
pub mod random;
pub mod recorded;
pub mod replay;
pub mod run;
pub mod serve;
pub mod shrink;
pub mod tree;

use case::Case;
use compare::{Judged, Truth};
use engine::{Engine, Store};
use prepare::Unprepared;
use recorded::Recorded;
use replay::{Answer, Answers};
use run::Runner;

/// `cargo dev oracle`.
#[derive(clap::Args)]
pub struct Oracle {
    #[command(subcommand)]
    command: Command,
    /// The folder of the private engine [default: oracle in the target folder]
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    /// The store that the engine keeps layers in
    #[arg(long, global = true, value_enum, default_value = "containerd")]
    store: Store,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Download and unpack the engine, if that is not done
    Prepare,
    /// Build cases and compare
    Run {
        /// Cases whose name contains this
        #[arg(long)]
        filter: Option<String>,
        /// A file of cases, or a folder of such files [default: tests/oracle/cases]
        #[arg(long)]
        cases: Option<PathBuf>,
        /// Those few that stand for all
        #[arg(long)]
        sample: bool,
        /// Say what the engine did with each step
        #[arg(long)]
        verbose: bool,
        /// Write down what the engine did, into this file
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
    },
    /// Build random cases and compare
    Random {
        /// What the cases are made of; the same number gives the same cases
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The first case
        #[arg(long, default_value_t = 0)]
        start: u64,
        /// How many
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
    /// Run a command with DOCKER_HOST set for the engine
    Exec {
        /// The command
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

impl Oracle {
    /// Runs the command. A machine that cannot have an engine is told so in a line that begins with `SKIPPED:`, and that is
    /// no failure.
    pub fn run(self) -> Result<ExitCode, String> {
        let folder = match prepare::prepare(&self.dir.unwrap_or_else(own_dir)) {
            Ok(folder) => folder,
            Err(Unprepared::Skipped(reason)) => {
                println!("SKIPPED: no real engine here, so no plan was compared with one: {reason}");
                return Ok(ExitCode::SUCCESS);
            }
            Err(Unprepared::Failed(reason)) => return Err(reason),
        };
        if matches!(self.command, Command::Prepare) {
            println!("the engine is ready in {}", folder.dir.display());
            return Ok(ExitCode::SUCCESS);
        }
        let engine = Engine::start(&folder, self.store)?;
        println!("docker {} with the {:?} store", engine.version, self.store);
        match self.command {
            Command::Prepare => Ok(ExitCode::SUCCESS),
            Command::Exec { command } => exec(&engine, &command),
            Command::Random { seed, start, count } => {
                run_random(&Runner::new(engine)?, seed, start..start.saturating_add(count))
            }
            Command::Run { filter, cases, sample, verbose, record } => {
                let mut wanted = read(&cases.unwrap_or_else(|| workspace().join("tests/oracle/cases")))?;
                wanted.retain(|(case, _)| {
                    (!sample || case.sample) && filter.as_ref().is_none_or(|f| case.id.contains(f.as_str()))
                });
                run_cases(&Runner::new(engine)?, &wanted, verbose, record.as_deref())
            }
        }
    }
}

/// The top of the repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the engine lies unless another folder is named.
pub(crate) fn own_dir() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join("oracle")
}

/// Reads cases of this tool, or recorded ones with what was recorded.
fn read(path: &Path) -> Result<Vec<(Case, Option<Truth>)>, String> {
    let recorded = match path.is_file() {
        true => std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?,
        false => String::new(),
    };
    // Cases of this tool are refused here: they have no recorded steps.
    let Ok(all) = serde_json::from_str::<Vec<Recorded>>(&recorded) else {
        return Ok(case::read(path)?.into_iter().map(|case| (case, None)).collect());
    };
    let mut cases = Vec::new();
    for recorded in all {
        match recorded.case() {
            Ok((case, truth)) => cases.push((case, Some(truth))),
            Err(reason) => println!("SKIPPED: recorded case {}: {reason}", recorded.id),
        }
    }
    Ok(cases)
}

/// Runs cases and reports.
fn run_cases(
    runner: &Runner,
    cases: &[(Case, Option<Truth>)],
    verbose: bool,
    record: Option<&Path>,
) -> Result<ExitCode, String> {
    let mut total = Judged::default();
    let (mut built, mut skipped) = (0, 0);
    let engine = &runner.engine;
    let mut answers = match record {
        // A part of the cases, run by the same engine, adds to what was recorded of the others.
        Some(path) if path.exists() => Answers::read(path)?,
        _ => Answers::default(),
    };
    if answers.engine != engine.name() {
        answers = Answers { engine: engine.name(), ..Answers::default() };
    }
    for (case, recorded) in cases {
        if let Some(need) = runner.lacks(case) {
            println!("SKIPPED: case {}: this engine has no {need:?}", case.id);
            skipped += 1;
            continue;
        }
        built += 1;
        match runner.run(case) {
            Ok(outcome) => {
                if verbose {
                    println!("{}: {:?}", case.id, outcome.truth);
                }
                for (line, did) in recorded.iter().flatten() {
                    if let (Some(was), Some(Some(did))) = (did, outcome.truth.get(line))
                        && was != did
                    {
                        println!("RECORDED {}: line {line}: {was:?} then, {did:?} now", case.id);
                    }
                }
                for line in &outcome.judged.wrong {
                    println!("DISAGREES {line}");
                }
                total.add(outcome.judged);
                // Most cases use nothing but the base, of which there is nothing to say.
                let images = if case.images.is_empty() { Vec::new() } else { outcome.images };
                answers.cases.insert(case.id.clone(), Answer { images, steps: outcome.truth });
            }
            Err(error) => {
                let line = format!("{}: {error}", case.id);
                println!("FAILS {line}");
                total.wrong.push(line);
            }
        }
        runner.forget(case);
    }
    println!(
        "{built} cases built, {} steps judged, {} agree ({} of them as `depends`), {} disagreements, {skipped} cases skipped",
        total.steps,
        total.right,
        total.depends,
        total.wrong.len()
    );
    if built == 0 {
        return Err("no case was built".to_owned());
    }
    if let Some(path) = record {
        answers.write(path)?;
    }
    Ok(if total.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs random cases. One that the builder refuses says nothing; one that disagrees is made smaller and written down.
fn run_random(runner: &Runner, seed: u64, numbers: std::ops::Range<u64>) -> Result<ExitCode, String> {
    let mut total = Judged::default();
    let (mut built, mut refused, mut failures) = (0, 0, 0);
    for number in numbers.clone() {
        let case = random::case(seed, number);
        match runner.run(&case) {
            Ok(outcome) => {
                built += 1;
                if !outcome.judged.wrong.is_empty() {
                    failures += 1;
                    for line in &outcome.judged.wrong {
                        println!("DISAGREES {line}");
                    }
                    let small = shrink::shrink(&case, |case| {
                        runner.run(case).is_ok_and(|outcome| !outcome.judged.wrong.is_empty())
                    });
                    let text = serde_json::to_string_pretty(&small).map_err(|e| e.to_string())?;
                    println!("{text}");
                }
                total.add(outcome.judged);
            }
            Err(error) => {
                refused += 1;
                println!("not built: {}: {error:.200}", case.id);
            }
        }
    }
    println!(
        "seed {seed}, cases {numbers:?}: {built} built, {refused} that do not build, {} steps judged, {} agree ({} of them as \
         `depends`), {} disagreements in {failures} cases",
        total.steps,
        total.right,
        total.depends,
        total.wrong.len()
    );
    if built == 0 {
        return Err("no case was built".to_owned());
    }
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs any command with the environment of the client, for looking at the engine by hand.
fn exec(engine: &Engine, command: &[String]) -> Result<ExitCode, String> {
    let (program, args) = command.split_first().ok_or("no command")?;
    let client = engine.client();
    let mut run = std::process::Command::new(program);
    for (name, value) in client.get_envs() {
        match value {
            Some(value) => run.env(name, value),
            None => run.env_remove(name),
        };
    }
    let status = run.args(args).status().map_err(|e| format!("{program}: {e}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
