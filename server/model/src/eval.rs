//! Evaluating a Dockerfile as BuildKit converts it to LLB: stage after stage, variables expanded with the environment at
//! that point.
//!
//! Nothing is executed. Source: frontend/dockerfile/dockerfile2llb/convert.go.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use layerwise_syntax::mount::{self, Mount, MountKind};
use layerwise_syntax::words::Lex;
use layerwise_syntax::{Form, Instruction, Keyword, Parsed, Word, heredoc, image_ref, suggest};

use crate::engine::Builder;
use crate::env::{ConfigEnv, Env};
use crate::file::File;
use crate::gopath::{path_clean, path_is_abs, path_join};
use crate::images::Images;
use crate::options::{NamedContext, Options};
use crate::platform::Platform;
use crate::ports;
use crate::shared_map::SharedMap;
use crate::signals;

/// The shell of shell-form instructions unless SHELL or the base image says otherwise.
pub const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// PATH where the base image sets none (util/system/path.go).
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Among how many variables the nearest to an unknown one is looked for; a file with more is no file that a person typed, and
/// looking would take time with the square of its length.
const MAX_NEAR: usize = 1_000;

/// Build arguments that configure the build and never reach an environment.
const NON_ENV_ARGS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// A whole evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Per stage, in file order.
    pub stages: Vec<StageEval>,
    /// Per instruction, in file order. [`evaluate_again`] shares those that came out the same.
    pub steps: Vec<Arc<Step>>,
    /// The stage that is built; `None` if there is no stage or no such target.
    pub target: Option<usize>,
    /// Why nothing can be built: an unknown target, a cycle.
    pub error: Option<String>,
    /// The instruction that closes the cycle that `error` is about; `None` for an unknown target.
    pub error_at: Option<usize>,
    /// The environment of the global scope: predefined platform arguments and ARGs before the first FROM.
    pub globals: Env,
    /// The names of all ARGs before the first FROM, valueless ones too.
    pub global_names: Vec<String>,
    /// What the steps belong to, for [`evaluate_again`].
    instructions: Vec<Arc<Instruction>>,
    /// The state behind each step (behind FROM: what the stage starts with), and before the first.
    after: Vec<Arc<State>>,
    first: Arc<State>,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StageEval {
    /// What it starts from.
    pub base: Base,
    /// Its platform, if it is known.
    pub platform: Platform,
    /// The expanded `--platform` flag, with the names that it used.
    pub platform_flag: Option<Expansion>,
    /// The expanded image name.
    pub base_name: Expansion,
    /// The image name as it is without any build argument; `None` if a default value here or above cannot be expanded.
    pub default_base_name: Option<String>,
    /// The platform that the base image really has, where that is known; `None` for anything but an image.
    pub image_platform: Option<Platform>,
    /// Stages that it needs: its base and the sources of COPY and mounts, each with the instruction that needs it.
    pub deps: Vec<(usize, usize)>,
    /// Whether the target reaches it.
    pub reachable: bool,
    /// Whether a named context of its name takes its place: its instructions are not built then.
    pub replaced: bool,
    /// Whether the base's configuration is known (a stage's base always is).
    pub config_known: bool,
    /// ONBUILD triggers of the base that ran here, in order.
    pub triggers: Vec<Step>,
    /// The instruction of each trigger, as parsed from the trigger's text alone.
    pub trigger_instructions: Vec<Arc<Instruction>>,
    /// Where each trigger comes from: the ONBUILD instruction, or `None` for one of a base image.
    pub trigger_origins: Vec<Option<usize>>,
    /// The state at its end.
    pub end: Arc<State>,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image, by its normalized reference.
    Image(String),
    /// A named context.
    Named(String),
    /// Not a valid reference: why.
    Invalid(String),
}

/// An expanded word and what it used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// The value.
    pub value: String,
    /// Variables that were found.
    pub matched: Vec<String>,
    /// Variables that were not.
    pub unmatched: Vec<String>,
    /// Why the word cannot be expanded.
    pub error: Option<String>,
}

/// What an instruction finds: the state that the instructions above it made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The environment.
    pub env: Env,
    /// The working directory as BuildKit passes it on; empty for none.
    pub dir: String,
    /// The user; empty for none.
    pub user: String,
    /// SHELL, if it was set; empty below a SHELL that is no JSON.
    pub shell: Option<Arc<[String]>>,
    /// The ARGs declared so far, by name; valueless ones too.
    pub args: SharedMap<()>,
    /// Whether a WORKDIR was seen in this Dockerfile.
    pub workdir_set: bool,
    /// Whether `env` is all there is: false if it lacks what an unknown base image sets.
    pub env_known: bool,
    /// Whether this is in a stage rather than before the first FROM, or at a FROM.
    pub in_stage: bool,
    /// WORKDIR as the image's configuration has it.
    config_dir: String,
    config_env: ConfigEnv,
    /// Whether `env` ends in `config_env`, so that setting all of it again would change nothing.
    settled: bool,
}

/// One instruction, evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it found.
    pub state: Arc<State>,
    /// What it does.
    pub command: Command,
    /// Variables that it uses and nothing defines, with the nearest name that is defined, in order of use; once per word
    /// that uses them, as BuildKit reports them.
    pub unmatched: Vec<(String, Option<String>)>,
    /// Why BuildKit would refuse it here.
    pub error: Option<String>,
    /// What `error` is about, in the instruction's source, if it is less than the instruction.
    pub error_range: Option<Range<usize>>,
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Runs a program.
    Run(Run),
    /// COPY or ADD.
    Copy(Copy),
    /// Makes a directory; its absolute path as BuildKit passes it on.
    Workdir(String),
    /// ENV: name and value pairs.
    Env(Vec<(String, String)>),
    /// ARG: names with the values that they get.
    Arg(Vec<(String, Option<String>)>),
    /// USER.
    User(String),
    /// EXPOSE: the expanded ports.
    Expose(Vec<String>),
    /// FROM.
    From,
    /// Anything that only changes the image's configuration.
    Metadata,
    /// Not a valid instruction.
    Invalid,
}

/// A RUN.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The program and its arguments, shell included.
    pub argv: Vec<String>,
    /// A heredoc with a shebang, which runs as a file: its name and content.
    pub script: Option<(String, String)>,
    /// The mounts with their variables expanded, each with what it mounts.
    pub mounts: Vec<(Mount, Source)>,
    /// `--network`.
    pub network: String,
    /// `--security`.
    pub security: String,
    /// `--device`, as written.
    pub devices: Vec<String>,
}

/// What COPY, ADD and mounts read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The build context.
    Context,
    /// A stage.
    Stage(usize),
    /// An image, by its normalized reference.
    Image(String),
    /// A named context.
    Named(String),
    /// Nothing (scratch).
    Scratch,
    /// A stage that is not there yet, or no valid image.
    Invalid(String),
}

/// A COPY or ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Whether it is ADD.
    pub add: bool,
    /// What it reads from.
    pub from: Source,
    /// The expanded sources, as written otherwise.
    pub sources: Vec<String>,
    /// Heredocs: name and expanded content.
    pub inline: Vec<(String, String)>,
    /// The expanded destination, as written otherwise.
    pub dest: String,
    /// The destination as an absolute path; ends in `/` if what was written means a directory.
    pub dest_path: String,
    /// `--chown`, expanded.
    pub chown: String,
    /// `--chmod`, expanded.
    pub chmod: String,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`, expanded.
    pub excludes: Vec<String>,
    /// `--checksum`, expanded.
    pub checksum: String,
    /// `--keep-git-dir`.
    pub keep_git_dir: bool,
    /// `--unpack`, if given.
    pub unpack: Option<bool>,
}

impl Evaluation {
    /// The step of an instruction.
    pub fn step(&self, number: usize) -> &Arc<Step> {
        &self.steps[number]
    }
}

/// Evaluates a file.
pub fn evaluate(file: &File, options: &Options, images: &dyn Images) -> Evaluation {
    evaluate_again(file, options, images, None)
}

/// Evaluates a file and shares with `previous`, an evaluation of an earlier text of it, the steps of instructions that
/// stayed and came out the same: whoever keeps something per instruction and step can compare the addresses.
pub fn evaluate_again(
    file: &File,
    options: &Options,
    images: &dyn Images,
    previous: Option<&Evaluation>,
) -> Evaluation {
    let mut evaluator = Evaluator::new(file, options, images);
    if let Some(previous) = previous {
        evaluator.earlier_first = Some(Arc::clone(&previous.first));
        let states = previous.steps.iter().zip(&previous.after);
        for (instruction, (step, after)) in previous.instructions.iter().zip(states) {
            let earlier = (Arc::clone(step), Arc::clone(after));
            evaluator.earlier.insert(Arc::as_ptr(instruction), earlier);
        }
    }
    evaluator.run();
    evaluator.out
}

struct Evaluator<'a> {
    file: &'a File,
    options: &'a Options,
    images: &'a dyn Images,
    lex: Lex,
    names: HashMap<String, usize>,
    /// The step of each instruction in the evaluation before, and the state behind it. The addresses stay taken as long as
    /// that one lives.
    earlier: HashMap<*const Instruction, (Arc<Step>, Arc<State>)>,
    earlier_first: Option<Arc<State>>,
    /// The state between the ARGs before the first FROM.
    global: Arc<State>,
    /// The ONBUILD triggers of each stage evaluated so far, with the instructions that they are from.
    onbuild: Vec<Vec<(usize, String)>>,
    done: Vec<bool>,
    out: Evaluation,
}

/// The arguments that BuildKit predefines in the global scope (frontend/dockerfile/dockerfile2llb/platform.go).
///
/// TARGETSTAGE is the target as it was asked for, else the name of the last stage.
fn platform_args(options: &Options, last: Option<&str>) -> [(&'static str, String); 11] {
    let (build, target) = (&options.build_platform, &options.platform);
    [
        ("BUILDPLATFORM", build.format_all()),
        ("BUILDOS", build.os.clone()),
        ("BUILDOSVERSION", build.os_version.clone()),
        ("BUILDARCH", build.architecture.clone()),
        ("BUILDVARIANT", build.variant.clone()),
        ("TARGETPLATFORM", target.format_all()),
        ("TARGETOS", target.os.clone()),
        ("TARGETOSVERSION", target.os_version.clone()),
        ("TARGETARCH", target.architecture.clone()),
        ("TARGETVARIANT", target.variant.clone()),
        (
            "TARGETSTAGE",
            options.target.as_deref().filter(|t| !t.is_empty()).or(last).unwrap_or("default").to_owned(),
        ),
    ]
}

impl<'a> Evaluator<'a> {
    fn new(file: &'a File, options: &'a Options, images: &'a dyn Images) -> Evaluator<'a> {
        let blank = Arc::new(Step::new(Arc::default()));
        let out = Evaluation {
            stages: Vec::new(),
            steps: vec![blank; file.len()],
            target: None,
            error: None,
            error_at: None,
            globals: Env::default(),
            global_names: Vec::new(),
            instructions: file.all().map(|(_, _, instruction)| Arc::clone(instruction)).collect(),
            after: vec![Arc::default(); file.len()],
            first: Arc::default(),
        };
        let lex = Lex::new(file.parsed().layer().escape());
        Evaluator {
            file,
            options,
            images,
            lex,
            names: HashMap::new(),
            earlier: HashMap::new(),
            earlier_first: None,
            global: Arc::default(),
            onbuild: vec![Vec::new(); file.stages().len()],
            done: vec![false; file.stages().len()],
            out,
        }
    }

    fn run(&mut self) {
        self.global_args();
        let mut defaults = self.default_globals();
        for index in 0..self.file.stages().len() {
            self.open_stage(index, &mut defaults);
        }
        self.find_target();
        for index in 0..self.file.stages().len() {
            self.find_deps(index);
        }
        if let Some((stage, instruction)) = self.cycle() {
            let name = self.stage_name(stage);
            if self.out.error.is_none() {
                self.out.error = Some(format!(
                    "The stages depend on each other in a circle that goes through {name}; nothing in it can be built first."
                ));
                self.out.error_at = Some(instruction);
            }
        }
        self.find_reachable();
        for index in 0..self.file.stages().len() {
            self.stage(index);
            self.done[index] = true;
        }
    }

    fn last_name(&self) -> Option<&'a str> {
        self.file.stages().last().and_then(|stage| stage.name.as_deref())
    }

    fn stage_name(&self, index: usize) -> String {
        match &self.file.stages()[index].name {
            Some(name) => format!("stage `{name}`"),
            None => format!("stage {index}"),
        }
    }

    /// ARGs before the first FROM. A build argument wins over a default, and over the predefined platform arguments.
    fn global_args(&mut self) {
        for (name, value) in platform_args(self.options, self.last_name()) {
            let value = self.options.build_args.get(name).unwrap_or(&value).clone();
            self.out.globals.set(name, &value);
        }
        let state = State { env: self.out.globals.clone(), env_known: true, ..State::default() };
        self.global = match self.earlier_first.take() {
            Some(earlier) if *earlier == state => earlier,
            _ => Arc::new(state),
        };
        self.out.first = Arc::clone(&self.global);
        let first = self.file.stages().first().map_or(self.file.len(), |s| s.from);
        for number in 0..first {
            let instruction = Arc::clone(self.file.instruction(number).1);
            let mut step = Step::new(Arc::clone(&self.global));
            let mut after = Arc::clone(&self.global);
            if instruction.kind() == Some(Keyword::Arg) && instruction.is_valid() {
                let mut values = Vec::new();
                for arg in instruction.args() {
                    let (name, default) = split_arg(&arg.value);
                    let value = match self.options.build_args.get(name) {
                        Some(value) => Some(value.clone()),
                        None => default.map(|default| {
                            let expansion = self.expand(default, &self.out.globals);
                            if let (None, Some(error)) = (&step.error, expansion.error) {
                                step.error = Some(error);
                                step.error_range = Some(arg.range.clone());
                            }
                            expansion.value
                        }),
                    };
                    if let Some(value) = &value {
                        self.out.globals.set(name, value);
                        Arc::make_mut(&mut after).env = self.out.globals.clone();
                    }
                    self.out.global_names.push(name.to_owned());
                    values.push((name.to_owned(), value));
                }
                step.command = Command::Arg(values);
            }
            self.global = self.keep(number, &instruction, step, after);
        }
    }

    /// Files the step of an instruction and the state behind it, and returns that state. Both are those of the evaluation
    /// before if the instruction found the same state then and did the same with it.
    fn keep(
        &mut self,
        number: usize,
        instruction: &Arc<Instruction>,
        step: Step,
        after: Arc<State>,
    ) -> Arc<State> {
        let (step, after) = match self.earlier.get(&Arc::as_ptr(instruction)) {
            Some((earlier, after)) if step.is_same(earlier) => (Arc::clone(earlier), Arc::clone(after)),
            _ => (Arc::new(step), after),
        };
        self.out.steps[number] = step;
        self.out.after[number] = Arc::clone(&after);
        after
    }

    /// The global scope without the build arguments for ARGs before the first FROM (`validateBaseImagesWithDefaultArgs`
    /// in BuildKit); `None` if a default value cannot be expanded.
    fn default_globals(&self) -> Option<Env> {
        let mut globals = Env::default();
        for (name, value) in platform_args(self.options, self.last_name()) {
            globals.set(name, self.options.build_args.get(name).unwrap_or(&value));
        }
        let first = self.file.stages().first().map_or(self.file.len(), |s| s.from);
        for (_, _, instruction) in self.file.instructions(0..first) {
            if instruction.kind() != Some(Keyword::Arg) || !instruction.is_valid() {
                continue;
            }
            for arg in instruction.args() {
                if let (name, Some(default)) = split_arg(&arg.value) {
                    let expansion = self.expand(default, &globals);
                    if expansion.error.is_some() {
                        return None;
                    }
                    globals.set(name, &expansion.value);
                }
            }
        }
        Some(globals)
    }

    fn expand(&self, word: &str, env: &Env) -> Expansion {
        expand(&self.lex, word, env)
    }

    /// The base of a stage, by the names known so far. `defaults` is the scope without build arguments, `None` from the
    /// first name on that cannot be expanded in it.
    fn open_stage(&mut self, index: usize, defaults: &mut Option<Env>) {
        let stage = &self.file.stages()[index];
        let from = Arc::clone(self.file.instruction(stage.from).1);
        let globals = self.out.globals.clone();
        let image = from.args().first();
        let raw = image.map_or("", |a| a.value.as_str());
        let base_name = self.expand(raw, &globals);
        let by_default = defaults.as_ref().map(|globals| self.expand(raw, globals));
        if by_default.as_ref().is_some_and(|d| d.error.is_some()) {
            *defaults = None;
        }
        let default_base_name = by_default.filter(|d| d.error.is_none()).map(|d| d.value);
        // `--platform=` without a value is as good as no flag.
        let platform_word = from.flag_word("platform").filter(|_| from.flag("platform") != Some(""));
        let platform_flag = platform_word.and(from.flag("platform")).map(|flag| self.expand(flag, &globals));
        let mut platform = self.options.platform.clone();
        let at_image = image.map(|word| word.range.clone());
        let at_flag = platform_word.map(|word| word.range.clone());
        let mut error = base_name.error.clone().map(|message| (message, at_image.clone()));
        if error.is_none() && base_name.value.is_empty() && !raw.is_empty() {
            let message = format!(
                "The image name `{raw}` is empty here; give its variables a value: `ARG name=value` above."
            );
            error = Some((message, at_image.clone()));
        }
        // An ARG without a value asks for a build argument; that it is not given yet is no error of the file.
        let asks = |e: &Expansion| e.unmatched.iter().any(|name| self.out.global_names.contains(name));
        let asks_image = asks(&base_name);
        error = error.filter(|_| !asks_image);
        if let Some(flag) = &platform_flag {
            let written = from.flag("platform").unwrap_or_default();
            let reason = match (&flag.error, Platform::parse(&flag.value)) {
                (Some(reason), _) => Some(reason.clone()),
                (None, _) if flag.value.is_empty() => Some(format!(
                    "The platform `{written}` is empty here; give its variables a value: `ARG name=value` above."
                )),
                (None, Err(reason)) => Some(format!("The platform `{written}` is not valid: {reason}.")),
                (None, Ok(parsed)) => {
                    platform = parsed;
                    None
                }
            };
            error = error.or_else(|| reason.filter(|_| !asks(flag)).map(|message| (message, at_flag)));
        }
        let named = stage
            .name
            .as_deref()
            .filter(|n| is_context_name(n))
            .filter(|n| self.options.contexts.contains_key(*n));
        let base = if let Some(name) = named {
            match self.options.contexts.get(name) {
                Some(NamedContext::Image(_)) => self.image(name),
                _ => Base::Named(name.to_owned()),
            }
        } else if let Some(&earlier) = self.names.get(&base_name.value) {
            platform = self.out.stages[earlier].platform.clone();
            Base::Stage(earlier)
        } else {
            self.image(&base_name.value)
        };
        if let (Base::Invalid(reason), None, false) = (&base, &error, asks_image) {
            let reason = match base_name.value == raw {
                true => reason.clone(),
                false => format!("`{raw}` becomes `{}` here. {reason}", base_name.value),
            };
            let lower = base_name.value.to_lowercase();
            let reason = match self.names.contains_key(&lower) {
                true => format!("{reason} The stage of that name is found as `{lower}` only; write that."),
                false => reason,
            };
            error = Some((reason, at_image));
        }
        let (config_known, image_platform) = match &base {
            Base::Stage(earlier) => (self.out.stages[*earlier].config_known, None),
            Base::Scratch => (true, None),
            Base::Image(reference) => match self.images.config(reference, &platform) {
                Some(config) => (true, config.platform.clone()),
                None => (false, None),
            },
            Base::Named(_) | Base::Invalid(_) => (false, None),
        };
        let (message, range) = error.unzip();
        let step = Step {
            command: if from.is_valid() { Command::From } else { Command::Invalid },
            error: message.filter(|_| from.is_valid()),
            error_range: range.flatten(),
            ..Step::new(Arc::clone(&self.global))
        };
        self.keep(stage.from, &from, step, Arc::default());
        self.out.stages.push(StageEval {
            base,
            platform,
            platform_flag,
            base_name,
            default_base_name,
            image_platform,
            deps: Vec::new(),
            reachable: false,
            replaced: named.is_some(),
            config_known,
            triggers: Vec::new(),
            trigger_instructions: Vec::new(),
            trigger_origins: Vec::new(),
            end: Arc::default(),
        });
        if let Some(name) = &stage.name {
            self.names.insert(name.clone(), index);
        }
    }

    /// What a name that is no stage's means.
    fn image(&self, name: &str) -> Base {
        if name == "scratch" {
            return Base::Scratch;
        }
        match image_ref::ImageRef::parse(name) {
            Ok(reference) => {
                let normalized = reference.normalized();
                // A named context replaces an image by its familiar name, with or without `:latest`.
                let familiar = reference.familiar();
                let short = familiar.strip_suffix(":latest").unwrap_or(&familiar);
                match self
                    .options
                    .contexts
                    .get_key_value(short)
                    .or_else(|| self.options.contexts.get_key_value(name))
                {
                    Some((_, NamedContext::Image(image))) => match image_ref::ImageRef::parse(image) {
                        Ok(reference) => Base::Image(reference.normalized()),
                        Err(error) => Base::Invalid(error.to_string()),
                    },
                    Some((name, _)) => Base::Named(name.clone()),
                    None => Base::Image(normalized),
                }
            }
            Err(error) if name.is_empty() => Base::Invalid(format!("The image name is empty: {error}.")),
            Err(error) => Base::Invalid(format!("`{name}` is not an image name: {error}.")),
        }
    }

    fn find_target(&mut self) {
        let count = self.file.stages().len();
        match self.options.target.as_deref().filter(|t| !t.is_empty()) {
            None => self.out.target = count.checked_sub(1),
            Some(target) => {
                // BuildKit takes no numbers here.
                self.out.target = self.names.get(&target.to_lowercase()).copied();
                if self.out.target.is_none() {
                    let names: Vec<String> = self
                        .file
                        .stages()
                        .iter()
                        .filter_map(|s| s.name.as_ref())
                        .map(|n| format!("`{n}`"))
                        .collect();
                    let known =
                        if names.is_empty() { "no stage has a name".to_owned() } else { names.join(", ") };
                    self.out.error =
                        Some(format!("There is no stage `{target}` to build; the stages are: {known}."));
                }
            }
        }
    }

    /// The stage that a `--from` means, or what else it is.
    fn source(&self, name: &str, numbers: bool) -> Source {
        if numbers && let Ok(index) = name.parse::<i64>() {
            return match usize::try_from(index).ok().filter(|&i| i < self.file.stages().len()) {
                Some(index) => Source::Stage(index),
                None => Source::Invalid(format!("There is no stage number {index}.")),
            };
        }
        if let Some(&index) = self.names.get(&name.to_lowercase()) {
            return Source::Stage(index);
        }
        match self.image(name) {
            Base::Scratch => Source::Scratch,
            Base::Image(reference) => Source::Image(reference),
            Base::Named(name) => Source::Named(name),
            Base::Invalid(reason) => Source::Invalid(reason),
            Base::Stage(index) => Source::Stage(index),
        }
    }

    fn find_deps(&mut self, index: usize) {
        if self.out.stages[index].replaced {
            return;
        }
        let stage = &self.file.stages()[index];
        let mut deps = Vec::new();
        if let Base::Stage(base) = self.out.stages[index].base {
            deps.push((base, stage.from));
        }
        for (number, _, instruction) in self.file.instructions(stage.body.clone()) {
            for name in self.named_sources(instruction) {
                if let Source::Stage(source) = name {
                    deps.push((source, number));
                }
            }
        }
        self.out.stages[index].deps = deps;
    }

    /// The `--from` and `from=` sources of an instruction. BuildKit resolves them before any stage is evaluated.
    fn named_sources(&self, instruction: &Instruction) -> Vec<Source> {
        match instruction.kind() {
            Some(Keyword::Copy) => instruction
                .flag("from")
                .filter(|f| !f.is_empty())
                .map(|f| self.source(f, true))
                .into_iter()
                .collect(),
            Some(Keyword::Run) => instruction
                .flag_values("mount")
                .filter_map(|m| mount::parse(m, &mut |v| Ok(v.to_owned())).ok())
                .filter(|m| !m.from.is_empty())
                .map(|m| self.source(&m.from, false))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// A stage on a circle of dependencies and the instruction that closes it, if there is one. Iterative: the file may
    /// have thousands of stages.
    fn cycle(&self) -> Option<(usize, usize)> {
        let stages = &self.out.stages;
        let mut colour = vec![0u8; stages.len()];
        for start in 0..stages.len() {
            let mut stack = vec![(start, 0usize)];
            while let Some(&mut (stage, ref mut next)) = stack.last_mut() {
                if *next == 0 {
                    if colour[stage] != 0 {
                        stack.pop();
                        continue;
                    }
                    colour[stage] = 1;
                }
                match stages[stage].deps.get(*next) {
                    Some(&(dep, instruction)) => {
                        *next += 1;
                        match colour[dep] {
                            1 => return Some((dep, instruction)),
                            0 => stack.push((dep, 0)),
                            _ => {}
                        }
                    }
                    None => {
                        colour[stage] = 2;
                        stack.pop();
                    }
                }
            }
        }
        None
    }

    fn find_reachable(&mut self) {
        let mut open: Vec<usize> = if self.options.engine.builder == Builder::Legacy {
            // The legacy builder builds every stage that it comes by.
            (0..self.out.target.map_or(0, |target| target + 1)).collect()
        } else if self.options.all_stages {
            (0..self.out.stages.len()).collect()
        } else {
            self.out.target.into_iter().collect()
        };
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut self.out.stages[index].reachable, true) {
                open.extend(self.out.stages[index].deps.iter().map(|&(dep, _)| dep));
            }
        }
    }

    /// Evaluates a stage's instructions. Unreachable stages are evaluated too: rules and the editor want to know about
    /// them, and what is not built is said by [`StageEval::reachable`].
    fn stage(&mut self, index: usize) {
        let stage = &self.file.stages()[index];
        let mut state = self.initial_state(index);
        for (origin, text) in self.triggers(index) {
            let parsed = Parsed::new(&text);
            let Some((_, instruction)) = parsed.instructions().next() else { continue };
            let step = self.dispatch(instruction, &mut state);
            let stage = &mut self.out.stages[index];
            stage.triggers.push(step);
            stage.trigger_instructions.push(Arc::clone(instruction));
            stage.trigger_origins.push(origin);
        }
        // What the stage's instructions start with is looked at once, so that those can be compared by address.
        let from = Arc::as_ptr(self.file.instruction(stage.from).1);
        if let Some((_, earlier)) = self.earlier.get(&from).filter(|(_, earlier)| *earlier == state) {
            state = Arc::clone(earlier);
        }
        self.out.after[stage.from] = Arc::clone(&state);
        let replaced = self.out.stages[index].replaced;
        let start = Arc::clone(&state);
        for number in stage.body.clone() {
            let instruction = Arc::clone(self.file.instruction(number).1);
            if let Some((step, after)) = self.unchanged(&instruction, &state) {
                self.out.steps[number] = step;
                self.out.after[number] = Arc::clone(&after);
                state = after;
                continue;
            }
            let step = self.dispatch(&instruction, &mut state);
            if step.command != Command::Invalid
                && !replaced
                && let Some(text) = trigger_text(&instruction)
            {
                self.onbuild[index].push((number, text));
            }
            state = self.keep(number, &instruction, step, state);
        }
        // What a named context takes the place of is evaluated for whoever reads it, and is none of the build.
        self.out.stages[index].end = if replaced { start } else { state };
    }

    /// What the evaluation before made of an instruction that depends on nothing but the state in front of it, if it found
    /// that state; so not of ARG, COPY and ADD, for which build arguments and other stages matter, nor of ONBUILD.
    fn unchanged(
        &self,
        instruction: &Arc<Instruction>,
        state: &Arc<State>,
    ) -> Option<(Arc<Step>, Arc<State>)> {
        let alone = match instruction.kind()? {
            Keyword::Run => instruction.flags().is_empty(),
            Keyword::Env
            | Keyword::Workdir
            | Keyword::User
            | Keyword::Shell
            | Keyword::Expose
            | Keyword::Stopsignal
            | Keyword::Label
            | Keyword::Volume
            | Keyword::Cmd
            | Keyword::Entrypoint
            | Keyword::Healthcheck
            | Keyword::Maintainer => true,
            Keyword::From | Keyword::Arg | Keyword::Copy | Keyword::Add | Keyword::Onbuild => false,
        };
        let (step, after) = self.earlier.get(&Arc::as_ptr(instruction)).filter(|_| alone)?;
        Arc::ptr_eq(&step.state, state).then(|| (Arc::clone(step), Arc::clone(after)))
    }

    /// The ONBUILD triggers that run at the start of a stage, each with the instruction that it is from.
    fn triggers(&self, index: usize) -> Vec<(Option<usize>, String)> {
        let stage = &self.out.stages[index];
        match &stage.base {
            Base::Stage(base) if *base < index => {
                self.onbuild[*base].iter().map(|(number, text)| (Some(*number), text.clone())).collect()
            }
            Base::Image(reference) => match self.images.config(reference, &stage.platform) {
                Some(config) => config.onbuild.iter().map(|text| (None, text.clone())).collect(),
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn initial_state(&self, index: usize) -> Arc<State> {
        let stage = &self.out.stages[index];
        let fresh = || State { env_known: stage.config_known, in_stage: true, ..State::default() };
        let mut state = match &stage.base {
            Base::Stage(base) if *base < index => {
                let end = &self.out.stages[*base].end;
                if end.settled {
                    return Arc::clone(end);
                }
                State::clone(end)
            }
            Base::Image(reference) => {
                let mut state = fresh();
                if let Some(config) = self.images.config(reference, &stage.platform) {
                    config.env.iter().for_each(|(n, v)| state.config_env.set(n, v));
                    state.config_dir.clone_from(&config.workdir);
                    state.user.clone_from(&config.user);
                    state.shell = config.shell.as_ref().map(|s| s.as_slice().into());
                }
                state
            }
            _ => fresh(),
        };
        if !state.config_env.contains("PATH") {
            state.config_env.set("PATH", DEFAULT_PATH);
        }
        // The configuration's environment is set again on top of what the base stage had, ARGs included.
        for (name, value) in state.config_env.iter() {
            state.env.set(name, value);
        }
        state.settled = true;
        if !state.config_dir.is_empty() {
            state.dir.clone_from(&state.config_dir);
        }
        Arc::new(state)
    }

    /// Evaluates one instruction and changes the state as it does.
    fn dispatch(&self, instruction: &Instruction, state: &mut Arc<State>) -> Step {
        let before = Arc::clone(state);
        let mut step = Step::new(Arc::clone(state));
        let Some(kind) = instruction.kind() else { return step };
        if !instruction.is_valid() {
            // Which shell was meant is not known, and it is not the one before.
            if kind == Keyword::Shell {
                Arc::make_mut(state).shell = Some(Arc::from([]));
            }
            return step;
        }
        let mut words = Expander {
            evaluator: self,
            state: &before,
            unmatched: Vec::new(),
            error: None,
            error_range: None,
            at: None,
        };
        let args = instruction.args();
        step.command = match kind {
            Keyword::Env => {
                let pairs: Vec<(String, String)> =
                    args.chunks(3).map(|t| (words.word_at(&t[0]), words.word_at(&t[1]))).collect();
                let next = Arc::make_mut(state);
                for (name, value) in &pairs {
                    next.settled &= !next.config_env.contains(name);
                    next.env.set(name, value);
                    next.config_env.set(name, value);
                }
                Command::Env(pairs)
            }
            Keyword::Arg => {
                let mut values = Vec::new();
                for arg in args {
                    let (name, default) = split_arg(&arg.value);
                    let value = match (self.options.build_args.get(name), default) {
                        (Some(value), _) => Some(value.clone()),
                        (None, Some(default)) => {
                            // Each sees the ones before it on the same line.
                            let expansion = self.expand(default, &state.env);
                            words.at = Some(arg.range.clone());
                            Some(words.note(expansion, state))
                        }
                        (None, None) => self.out.globals.get(name).map(str::to_owned),
                    };
                    let next = Arc::make_mut(state);
                    if let Some(value) = value.as_ref().filter(|_| !NON_ENV_ARGS.contains(&name)) {
                        next.env.set(name, value);
                        next.settled = false;
                    }
                    next.args.insert(name, ());
                    values.push((name.to_owned(), value));
                }
                Command::Arg(values)
            }
            Keyword::Workdir => {
                let path = words.word_at(&args[0]);
                let absolute =
                    if path_is_abs(&path) { path } else { path_join(&["/", &state.config_dir, &path]) };
                let next = Arc::make_mut(state);
                next.config_dir.clone_from(&absolute);
                next.dir.clone_from(&absolute);
                next.workdir_set = true;
                Command::Workdir(absolute)
            }
            Keyword::User => {
                let user = words.word_at(&args[0]);
                Arc::make_mut(state).user.clone_from(&user);
                Command::User(user)
            }
            Keyword::Shell => {
                Arc::make_mut(state).shell = Some(args.iter().map(|a| a.value.clone()).collect());
                Command::Metadata
            }
            Keyword::Expose => {
                let mut exposed = Vec::new();
                for arg in args {
                    words.at = Some(arg.range.clone());
                    let specs = words.words(&arg.value);
                    let known = words.is_known(&arg.value);
                    for spec in specs.iter().filter(|_| known) {
                        if let Err(reason) = ports::PortSpec::parse(spec) {
                            words.refuse(format!("`{spec}` cannot be exposed: {reason}."));
                        }
                    }
                    exposed.extend(specs);
                }
                Command::Expose(exposed)
            }
            Keyword::Stopsignal => {
                let signal = words.word_at(&args[0]);
                if words.is_known(&args[0].value) && !signals::is_signal(&signal) {
                    let signal = if signal.is_empty() { &args[0].value } else { &signal };
                    words.refuse(format!(
                        "`{signal}` is not a signal; use a name such as `SIGTERM` or a number."
                    ));
                }
                Command::Metadata
            }
            Keyword::Label | Keyword::Volume => {
                // Expanded for the variables that they use; the values matter to no vertex.
                for (position, arg) in args.iter().enumerate() {
                    if kind != Keyword::Label || position % 3 != 2 {
                        words.word_at(arg);
                    }
                }
                Command::Metadata
            }
            Keyword::Run => Command::Run(self.run_command(instruction, &mut words)),
            Keyword::Copy | Keyword::Add => Command::Copy(self.copy_command(instruction, &mut words)),
            Keyword::From => Command::From,
            Keyword::Cmd
            | Keyword::Entrypoint
            | Keyword::Healthcheck
            | Keyword::Maintainer
            | Keyword::Onbuild => Command::Metadata,
        };
        if let Command::Copy(Copy { from: Source::Invalid(reason), .. }) = &step.command
            && words.error.is_none()
        {
            words.at = instruction.flag_word("from").map(|flag| flag.range.clone());
            words.refuse(reason.clone());
        }
        step.error = words.error;
        step.error_range = words.error_range;
        step.unmatched = words.unmatched;
        step
    }

    fn run_command(&self, instruction: &Instruction, words: &mut Expander<'_, '_>) -> Run {
        let mut mounts = Vec::new();
        for (value, word) in instruction.flag_values_words("mount") {
            words.at = Some(word.range.clone());
            let parsed = mount::parse(value, &mut |v| Ok(words.word(v)));
            match parsed {
                Ok(mount) => {
                    let source = if !mount.from.is_empty() {
                        self.source(&mount.from, false)
                    } else if mount.kind == MountKind::Bind {
                        Source::Context
                    } else {
                        Source::Scratch
                    };
                    mounts.push((mount, source));
                }
                Err(_) if !words.is_known(value) => {}
                Err(reason) => words.refuse(format!("`--mount={value}`: {reason}.")),
            }
        }
        words.at = None;
        let state = words.state;
        let mut script = None;
        let argv = if instruction.form() == Form::Exec {
            instruction.args().iter().map(|a| a.value.clone()).collect()
        } else {
            let text = instruction.args().first().map_or("", |a| a.value.as_str());
            let command = match instruction.heredocs() {
                [] => text.to_owned(),
                [doc, ..] if heredoc::marker(text).is_some() => {
                    let content = doc.content(instruction.source()).into_owned();
                    if content.starts_with("#!") {
                        script = Some((doc.name.clone(), content.clone()));
                        format!("/dev/pipes/{}", doc.name)
                    } else {
                        content
                    }
                }
                docs => {
                    let mut full = text.to_owned();
                    for doc in docs {
                        full.push('\n');
                        full.push_str(&instruction.source()[doc.body.clone()]);
                        full.push_str(&doc.name);
                    }
                    full
                }
            };
            let shell: Vec<String> = match &state.shell {
                Some(shell) => shell.to_vec(),
                None => DEFAULT_SHELL.map(str::to_owned).to_vec(),
            };
            shell.into_iter().chain([command]).collect()
        };
        Run {
            argv,
            script,
            mounts,
            network: instruction.flag("network").unwrap_or_default().to_owned(),
            security: instruction.flag("security").unwrap_or_default().to_owned(),
            devices: instruction.flag_values("device").map(str::to_owned).collect(),
        }
    }

    fn copy_command(&self, instruction: &Instruction, words: &mut Expander<'_, '_>) -> Copy {
        let args = instruction.args();
        let kind = if instruction.kind() == Some(Keyword::Add) { Keyword::Add } else { Keyword::Copy };
        let (dest, sources) = match args.split_last() {
            Some((dest, sources)) => (Some(dest), sources),
            None => (None, &[][..]),
        };
        let mut flag = |name: &str| {
            let Some(word) = instruction.flag_word(name) else { return String::new() };
            words.at = Some(word.range.clone());
            words.word(instruction.flag(name).unwrap_or_default())
        };
        let mut chown = flag("chown");
        let chmod = flag("chmod");
        let checksum = flag("checksum");
        let excludes: Vec<String> = instruction
            .flag_values_words("exclude")
            .map(|(value, word)| {
                words.at = Some(word.range.clone());
                words.word(value)
            })
            .collect();
        let dest = dest.map(|dest| words.word_at(dest)).unwrap_or_default();
        let mut paths = Vec::new();
        let mut inline = Vec::new();
        for source in sources {
            match heredoc::marker(&source.value).filter(|_| instruction.form() != Form::Exec) {
                Some(marker) => {
                    // BuildKit looks bodies up by name, so of two heredocs of one name the last one wins.
                    let Some(doc) = instruction.heredocs().iter().rev().find(|d| d.name == marker.name)
                    else {
                        continue;
                    };
                    let content = doc.content(instruction.source()).into_owned();
                    words.at = Some(source.range.clone());
                    let content = if marker.expand { words.raw(&content) } else { content };
                    inline.push((marker.name, content));
                }
                None => {
                    let path = words.word_at(source);
                    if kind == Keyword::Copy && is_url(&path) {
                        words.refuse(format!("COPY cannot fetch `{path}`; ADD can."));
                    }
                    paths.push(path);
                }
            }
        }
        if !is_mode(&chmod) && words.error.is_none() {
            words.at = instruction.flag_word("chmod").map(|word| word.range.clone());
            words
                .refuse(format!("`--chmod={chmod}` is not an octal mode between 0 and 07777, such as 0755."));
        }
        if chown == "root" {
            "0".clone_into(&mut chown);
        }
        let bool_flag = |name: &str| instruction.flag(name).map(|v| !v.eq_ignore_ascii_case("false"));
        let from = match instruction.flag("from").filter(|f| !f.is_empty()) {
            Some(from) => self.copy_source(from),
            None => Source::Context,
        };
        Copy {
            add: kind == Keyword::Add,
            from,
            sources: paths,
            inline,
            dest_path: dest_path(&words.state.dir, &dest),
            dest,
            chown,
            chmod,
            link: bool_flag("link").unwrap_or(false),
            parents: bool_flag("parents").unwrap_or(false),
            excludes,
            checksum,
            keep_git_dir: bool_flag("keep-git-dir").unwrap_or(false),
            unpack: bool_flag("unpack"),
        }
    }

    /// The source of a COPY; a stage that is not evaluated yet cannot be copied from.
    fn copy_source(&self, name: &str) -> Source {
        // BuildKit expands the name with nothing set, and refuses it if that changes it.
        if expand(&self.lex, name, &Env::default()).value != name {
            return Source::Invalid(format!(
                "`--from={name}` cannot use variables; give `FROM {name}` a name above this stage and copy from that."
            ));
        }
        match self.source(name, true) {
            Source::Stage(index) if !self.done[index] => Source::Invalid(format!(
                "COPY --from={name} needs {} to be defined above this stage.",
                self.stage_name(index)
            )),
            source => source,
        }
    }
}

/// Expands the words of one instruction and remembers what went wrong.
struct Expander<'a, 'e> {
    evaluator: &'a Evaluator<'e>,
    state: &'a State,
    unmatched: Vec<(String, Option<String>)>,
    error: Option<String>,
    error_range: Option<Range<usize>>,
    /// Where the word that is being expanded stands in the instruction.
    at: Option<Range<usize>>,
}

impl Expander<'_, '_> {
    fn word_at(&mut self, word: &Word) -> String {
        self.at = Some(word.range.clone());
        self.word(&word.value)
    }

    fn word(&mut self, word: &str) -> String {
        let expansion = self.evaluator.expand(word, &self.state.env);
        self.note(expansion, self.state)
    }

    fn words(&mut self, word: &str) -> Vec<String> {
        // EXPOSE splits what it expands; nothing is reported for variables there.
        match self.evaluator.lex.process_words(word, &self.state.env) {
            Ok(words) => words,
            Err(error) => {
                self.refuse(format!("`{word}` cannot be expanded: {}.", error.message));
                Vec::new()
            }
        }
    }

    /// A heredoc's body: quotes mean nothing in it, and the escape character is always a backslash.
    fn raw(&mut self, text: &str) -> String {
        let lex = Lex { skip_process_quotes: true, ..Lex::new('\\') };
        let expansion = expand(&lex, text, &self.state.env);
        self.note(expansion, self.state)
    }

    /// Remembers what an expansion with `state` did not find (`reportUnmatchedVariables`), and its error.
    fn note(&mut self, expansion: Expansion, state: &State) -> String {
        // What is missing may be just what an unknown base image or a build argument sets.
        let mut known = state.env_known || expansion.unmatched.is_empty();
        for name in expansion.unmatched {
            if NON_ENV_ARGS.contains(&name.as_str()) || state.args.contains(&name) {
                known = false;
                continue;
            }
            let near = match state.env.len() <= MAX_NEAR {
                true => suggest::search(&name, state.env.iter().map(|(n, _)| n), true).map(str::to_owned),
                false => None,
            };
            self.unmatched.push((name, near));
        }
        if let Some(error) = expansion.error.filter(|_| known) {
            self.refuse(error);
        }
        expansion.value
    }

    /// Whether a word's value can be told: false if it uses a variable that is not set but may be, by an unknown base
    /// image or by a build argument for an ARG without a value.
    fn is_known(&self, word: &str) -> bool {
        let may_be_set = |name: &String| !self.state.env_known || self.state.args.contains(name);
        !word.contains('$') || !self.evaluator.expand(word, &self.state.env).unmatched.iter().any(may_be_set)
    }

    /// Remembers why BuildKit refuses the word that is being looked at; the first reason counts.
    fn refuse(&mut self, reason: String) {
        if self.error.is_none() {
            self.error = Some(reason);
            self.error_range = self.at.clone();
        }
    }
}

impl Step {
    /// Whether two steps are equal, the states by their addresses.
    fn is_same(&self, other: &Step) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
            && self.command == other.command
            && self.unmatched == other.unmatched
            && self.error == other.error
            && self.error_range == other.error_range
    }

    /// A step that does nothing.
    fn new(state: Arc<State>) -> Step {
        Step { state, command: Command::Invalid, unmatched: Vec::new(), error: None, error_range: None }
    }
}

/// Whether ADD would take a source from the web or from git rather than from the context.
pub fn is_url(source: &str) -> bool {
    let scheme = |prefix: &str| source.starts_with(prefix);
    scheme("http://") || scheme("https://") || scheme("git://") || scheme("ssh://") || scheme("git@")
}

/// Whether `--chmod` takes a value: octal up to 07777, or symbolic as chmod(1) has it. Nothing is a value too.
fn is_mode(mode: &str) -> bool {
    if mode.bytes().all(|b| b.is_ascii_digit()) {
        return mode.is_empty() || u32::from_str_radix(mode, 8).is_ok_and(|m| m <= 0o7777);
    }
    mode.bytes().all(|b| b.is_ascii_digit() || b"ugoarwxXst+-=,".contains(&b))
}

fn expand(lex: &Lex, word: &str, env: &Env) -> Expansion {
    // Most words have nothing to expand.
    if !word.contains(['$', '\'', '"', '<']) && !word.contains(lex.escape) {
        return Expansion { value: word.to_owned(), ..Expansion::default() };
    }
    match lex.process_word(word, env) {
        Ok(done) => {
            Expansion { value: done.value, matched: done.matched, unmatched: done.unmatched, error: None }
        }
        Err(error) => Expansion {
            value: word.to_owned(),
            error: Some(format!("`{word}` cannot be expanded: {}.", error.message)),
            matched: error.matched,
            unmatched: error.unmatched,
        },
    }
}

/// The instruction that an ONBUILD has run later, with its heredocs.
fn trigger_text(instruction: &Instruction) -> Option<String> {
    if instruction.kind() != Some(Keyword::Onbuild) {
        return None;
    }
    instruction.trigger()?;
    let mut text = instruction.logical().text()[instruction.args_logical().start..].to_owned();
    for doc in instruction.heredocs() {
        text.push('\n');
        text.push_str(&instruction.source()[doc.body.clone()]);
        text.push_str(&doc.name);
    }
    Some(text)
}

fn split_arg(arg: &str) -> (&str, Option<&str>) {
    match arg.split_once('=') {
        Some((name, default)) => (name, Some(default)),
        None => (arg, None),
    }
}

/// Names that a named context cannot take over.
fn is_context_name(name: &str) -> bool {
    !name.eq_ignore_ascii_case("scratch") && !name.eq_ignore_ascii_case("context")
}

/// A destination relative to the working directory, with a trailing slash where it means a directory
/// (`pathRelativeToWorkingDir`).
fn dest_path(dir: &str, dest: &str) -> String {
    let dir = if dir.is_empty() { "/" } else { dir };
    if dest.is_empty() {
        return dir.to_owned();
    }
    let path = if path_is_abs(dest) { path_clean(dest) } else { path_join(&["/", dir, dest]) };
    let is_dir = dest.ends_with('/') || dest.ends_with("/.") || dest == ".";
    if is_dir && path != "/" { format!("{path}/") } else { path }
}
