//! Evaluating a Dockerfile as BuildKit converts it to LLB: stage after stage, variables expanded with the environment at
//! that point.
//!
//! Nothing is executed. Source: frontend/dockerfile/dockerfile2llb/convert.go.

use std::collections::HashMap;
use std::sync::Arc;

use layerwise_syntax::mount::{self, Mount, MountKind};
use layerwise_syntax::words::Lex;
use layerwise_syntax::{Form, Instruction, Keyword, Parsed, heredoc, image_ref};

use crate::env::{ConfigEnv, Env};
use crate::file::File;
use crate::gopath::{path_clean, path_is_abs, path_join};
use crate::images::Images;
use crate::options::{NamedContext, Options};
use crate::platform::Platform;

/// The shell of shell-form instructions unless SHELL or the base image says otherwise.
pub const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// PATH where the base image sets none (util/system/path.go).
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Build arguments that configure the build and never reach an environment.
const NON_ENV_ARGS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// A whole evaluation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Per stage, in file order.
    pub stages: Vec<StageEval>,
    /// Per instruction, in file order.
    pub steps: Vec<Step>,
    /// The stage that is built; `None` if there is no stage or no such target.
    pub target: Option<usize>,
    /// Why nothing can be built: an unknown target, a cycle.
    pub error: Option<String>,
    /// The environment of the global scope: predefined platform arguments and ARGs before the first FROM.
    pub globals: Env,
    /// The names of all ARGs before the first FROM, valueless ones too.
    pub global_names: Vec<String>,
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
    /// Stages that it needs: its base and the sources of COPY and mounts, each with the instruction that needs it.
    pub deps: Vec<(usize, usize)>,
    /// Whether the target reaches it.
    pub reachable: bool,
    /// Whether the base's configuration is known (a stage's base always is).
    pub config_known: bool,
    /// ONBUILD triggers of the base that ran here, in order.
    pub triggers: Vec<Step>,
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
    /// SHELL, if it was set.
    pub shell: Option<Arc<[String]>>,
    /// The ARGs declared so far, by name; valueless ones too.
    pub args: Arc<Vec<Arc<str>>>,
    /// Whether a WORKDIR was seen in this Dockerfile.
    pub workdir_set: bool,
    /// WORKDIR as the image's configuration has it.
    config_dir: String,
    config_env: Arc<ConfigEnv>,
    onbuild: Arc<Vec<(Option<usize>, String)>>,
}

/// One instruction, evaluated.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it found.
    pub state: Arc<State>,
    /// What it does.
    pub command: Command,
    /// Variables that it uses and nothing defines, with the nearest name that is defined, in order of use.
    pub unmatched: Vec<(String, Option<String>)>,
    /// Why BuildKit would refuse it here.
    pub error: Option<String>,
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
    pub fn step(&self, number: usize) -> &Step {
        &self.steps[number]
    }
}

/// Evaluates a file.
pub fn evaluate(file: &File, options: &Options, images: &dyn Images) -> Evaluation {
    let mut evaluator = Evaluator::new(file, options, images);
    evaluator.run();
    evaluator.out
}

struct Evaluator<'a> {
    file: &'a File,
    options: &'a Options,
    images: &'a dyn Images,
    lex: Lex,
    names: HashMap<String, usize>,
    done: Vec<bool>,
    out: Evaluation,
}

/// The arguments that BuildKit predefines in the global scope (frontend/dockerfile/dockerfile2llb/platform.go).
fn platform_args(options: &Options) -> [(&'static str, String); 11] {
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
            options.target.clone().filter(|t| !t.is_empty()).unwrap_or_else(|| "default".to_owned()),
        ),
    ]
}

impl<'a> Evaluator<'a> {
    fn new(file: &'a File, options: &'a Options, images: &'a dyn Images) -> Evaluator<'a> {
        let blank =
            Step { state: Arc::default(), command: Command::Invalid, unmatched: Vec::new(), error: None };
        let out = Evaluation {
            stages: Vec::new(),
            steps: vec![blank; file.len()],
            target: None,
            error: None,
            globals: Env::default(),
            global_names: Vec::new(),
        };
        let lex = Lex::new(file.parsed().layer().escape());
        Evaluator {
            file,
            options,
            images,
            lex,
            names: HashMap::new(),
            done: vec![false; file.stages().len()],
            out,
        }
    }

    fn run(&mut self) {
        self.global_args();
        for index in 0..self.file.stages().len() {
            self.open_stage(index);
        }
        self.find_target();
        for index in 0..self.file.stages().len() {
            self.find_deps(index);
        }
        if let Some(stage) = self.cycle() {
            let name = self.stage_name(stage);
            self.out.error.get_or_insert(format!(
                "The stages depend on each other in a circle that goes through {name}."
            ));
        }
        self.find_reachable();
        for index in 0..self.file.stages().len() {
            self.stage(index);
            self.done[index] = true;
        }
    }

    fn stage_name(&self, index: usize) -> String {
        match &self.file.stages()[index].name {
            Some(name) => format!("stage `{name}`"),
            None => format!("stage {index}"),
        }
    }

    /// ARGs before the first FROM. A build argument wins over a default, and over the predefined platform arguments.
    fn global_args(&mut self) {
        for (name, value) in platform_args(self.options) {
            let value = self.options.build_args.get(name).unwrap_or(&value).clone();
            self.out.globals.set(name, &value);
        }
        let first = self.file.stages().first().map_or(self.file.len(), |s| s.from);
        for number in 0..first {
            let instruction = Arc::clone(self.file.instruction(number).1);
            let state = Arc::new(State { env: self.out.globals.clone(), ..State::default() });
            let mut step = Step { state, command: Command::Invalid, unmatched: Vec::new(), error: None };
            if instruction.kind() == Some(Keyword::Arg) && instruction.is_valid() {
                let mut values = Vec::new();
                for arg in instruction.args() {
                    let (name, default) = split_arg(&arg.value);
                    let value = match self.options.build_args.get(name) {
                        Some(value) => Some(value.clone()),
                        None => default.map(|default| {
                            let expansion = self.expand(default, &self.out.globals);
                            step.error = step.error.take().or(expansion.error);
                            expansion.value
                        }),
                    };
                    if let Some(value) = &value {
                        self.out.globals.set(name, value);
                    }
                    self.out.global_names.push(name.to_owned());
                    values.push((name.to_owned(), value));
                }
                step.command = Command::Arg(values);
            }
            self.out.steps[number] = step;
        }
    }

    fn expand(&self, word: &str, env: &Env) -> Expansion {
        expand(&self.lex, word, env)
    }

    /// The base of a stage, by the names known so far.
    fn open_stage(&mut self, index: usize) {
        let stage = &self.file.stages()[index];
        let from = Arc::clone(self.file.instruction(stage.from).1);
        let globals = self.out.globals.clone();
        let raw = from.args().first().map_or("", |a| a.value.as_str());
        let base_name = self.expand(raw, &globals);
        let platform_flag = from.flag("platform").map(|flag| self.expand(flag, &globals));
        let mut platform = self.options.platform.clone();
        let mut error = base_name.error.clone();
        if let Some(flag) = &platform_flag {
            error = error.or_else(|| flag.error.clone());
            match Platform::parse(&flag.value) {
                Ok(parsed) => platform = parsed,
                Err(reason) => {
                    let written = from.flag("platform").unwrap_or_default();
                    error =
                        error.or_else(|| Some(format!("The platform `{written}` is not valid: {reason}.")));
                }
            }
        }
        let named = stage
            .name
            .as_deref()
            .filter(|n| is_context_name(n))
            .filter(|n| self.options.contexts.contains_key(*n));
        let base = if let Some(name) = named {
            Base::Named(name.to_owned())
        } else if let Some(&earlier) = self.names.get(&base_name.value) {
            platform = self.out.stages[earlier].platform.clone();
            Base::Stage(earlier)
        } else {
            self.image(&base_name.value)
        };
        if let (Base::Invalid(reason), None) = (&base, &error) {
            error = Some(reason.clone());
        }
        let config_known = match &base {
            Base::Stage(earlier) => self.out.stages[*earlier].config_known,
            Base::Scratch => true,
            Base::Image(reference) => self.images.config(reference, &platform).is_some(),
            Base::Named(_) | Base::Invalid(_) => false,
        };
        self.out.steps[stage.from] = Step {
            state: Arc::new(State { env: globals, ..State::default() }),
            command: if from.is_valid() { Command::From } else { Command::Invalid },
            unmatched: Vec::new(),
            error,
        };
        self.out.stages.push(StageEval {
            base,
            platform,
            platform_flag,
            base_name,
            deps: Vec::new(),
            reachable: false,
            config_known,
            triggers: Vec::new(),
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
                let by_name = self.names.get(&target.to_lowercase()).copied();
                let by_number = || target.parse::<usize>().ok().filter(|&n| n < count);
                self.out.target = by_name.or_else(by_number);
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

    /// A stage on a circle of dependencies, if there is one. Iterative: the file may have thousands of stages.
    fn cycle(&self) -> Option<usize> {
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
                    Some(&(dep, _)) => {
                        *next += 1;
                        match colour[dep] {
                            1 => return Some(dep),
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
        let mut open: Vec<usize> = if self.options.all_stages {
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
        let mut state = self.initial_state(index);
        let triggers = std::mem::take(&mut state.onbuild);
        let mut state = Arc::new(state);
        for (origin, text) in triggers.iter() {
            let parsed = Parsed::new(text);
            let Some((_, instruction)) = parsed.instructions().next() else { continue };
            let step = self.dispatch(instruction, &mut state, None);
            let stage = &mut self.out.stages[index];
            stage.triggers.push(step);
            stage.trigger_origins.push(*origin);
        }
        for number in self.file.stages()[index].body.clone() {
            let instruction = Arc::clone(self.file.instruction(number).1);
            let step = self.dispatch(&instruction, &mut state, Some(number));
            self.out.steps[number] = step;
        }
        self.out.stages[index].end = state;
    }

    fn initial_state(&self, index: usize) -> State {
        let stage = &self.out.stages[index];
        let mut state = match &stage.base {
            Base::Stage(base) if *base < index => State::clone(&self.out.stages[*base].end),
            Base::Image(reference) => {
                let mut state = State::default();
                if let Some(config) = self.images.config(reference, &stage.platform) {
                    let mut env = ConfigEnv::default();
                    config.env.iter().for_each(|(n, v)| env.set(n, v));
                    state.config_env = Arc::new(env);
                    state.config_dir.clone_from(&config.workdir);
                    state.user.clone_from(&config.user);
                    state.shell = config.shell.as_ref().map(|s| s.as_slice().into());
                    state.onbuild = Arc::new(config.onbuild.iter().map(|t| (None, t.clone())).collect());
                }
                state
            }
            _ => State::default(),
        };
        if !state.config_env.contains("PATH") {
            Arc::make_mut(&mut state.config_env).set("PATH", DEFAULT_PATH);
        }
        // The configuration's environment is set again on top of what the base stage had, ARGs included.
        for (name, value) in &state.config_env.vars {
            state.env.set(name, value);
        }
        if !state.config_dir.is_empty() {
            state.dir.clone_from(&state.config_dir);
        }
        state
    }

    /// Evaluates one instruction and changes the state as it does.
    fn dispatch(&self, instruction: &Instruction, state: &mut Arc<State>, number: Option<usize>) -> Step {
        let before = Arc::clone(state);
        let mut step =
            Step { state: Arc::clone(state), command: Command::Invalid, unmatched: Vec::new(), error: None };
        let Some(kind) = instruction.kind() else { return step };
        if !instruction.is_valid() {
            return step;
        }
        let mut words = Expander { evaluator: self, state: &before, unmatched: Vec::new(), error: None };
        let args = instruction.args();
        step.command = match kind {
            Keyword::Env => {
                let pairs: Vec<(String, String)> =
                    args.chunks(3).map(|t| (words.word(&t[0].value), words.word(&t[1].value))).collect();
                let next = Arc::make_mut(state);
                for (name, value) in &pairs {
                    next.env.set(name, value);
                    Arc::make_mut(&mut next.config_env).set(name, value);
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
                            Some(words.note(expansion))
                        }
                        (None, None) => self.out.globals.get(name).map(str::to_owned),
                    };
                    let next = Arc::make_mut(state);
                    if let Some(value) = value.as_ref().filter(|_| !NON_ENV_ARGS.contains(&name)) {
                        next.env.set(name, value);
                    }
                    Arc::make_mut(&mut next.args).push(name.into());
                    values.push((name.to_owned(), value));
                }
                Command::Arg(values)
            }
            Keyword::Workdir => {
                let path = words.word(&args[0].value);
                let absolute =
                    if path_is_abs(&path) { path } else { path_join(&["/", &state.config_dir, &path]) };
                let next = Arc::make_mut(state);
                next.config_dir.clone_from(&absolute);
                next.dir.clone_from(&absolute);
                next.workdir_set = true;
                Command::Workdir(absolute)
            }
            Keyword::User => {
                let user = words.word(&args[0].value);
                Arc::make_mut(state).user.clone_from(&user);
                Command::User(user)
            }
            Keyword::Shell => {
                Arc::make_mut(state).shell = Some(args.iter().map(|a| a.value.clone()).collect());
                Command::Metadata
            }
            Keyword::Expose => Command::Expose(args.iter().flat_map(|a| words.words(&a.value)).collect()),
            Keyword::Label | Keyword::Volume | Keyword::Stopsignal => {
                // Expanded for the variables that they use; the values matter to no vertex.
                for (position, arg) in args.iter().enumerate() {
                    if kind != Keyword::Label || position % 3 != 2 {
                        words.word(&arg.value);
                    }
                }
                Command::Metadata
            }
            Keyword::Onbuild => {
                if instruction.trigger().is_some() {
                    let mut text =
                        instruction.logical().text()[instruction.args_logical().start..].to_owned();
                    for doc in instruction.heredocs() {
                        text.push('\n');
                        text.push_str(&instruction.source()[doc.body.clone()]);
                        text.push_str(&doc.name);
                    }
                    Arc::make_mut(&mut Arc::make_mut(state).onbuild).push((number, text));
                }
                Command::Metadata
            }
            Keyword::Run => Command::Run(self.run_command(instruction, &mut words)),
            Keyword::Copy | Keyword::Add => Command::Copy(self.copy_command(instruction, &mut words)),
            Keyword::From => Command::From,
            Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Maintainer => {
                Command::Metadata
            }
        };
        step.error = words.error.take();
        let declared = &step.state;
        let unmatched = std::mem::take(&mut words.unmatched);
        step.unmatched = unmatched
            .into_iter()
            .filter(|name| {
                !NON_ENV_ARGS.contains(&name.as_str()) && !declared.args.iter().any(|a| a.as_ref() == name)
            })
            .map(|name| {
                let near =
                    layerwise_syntax::suggest::search(&name, declared.env.iter().map(|(n, _)| n), true);
                let near = near.map(str::to_owned);
                (name, near)
            })
            .collect();
        if let Command::Copy(Copy { from: Source::Invalid(reason), .. }) = &step.command {
            step.error.get_or_insert_with(|| reason.clone());
        }
        step
    }

    fn run_command(&self, instruction: &Instruction, words: &mut Expander<'_, '_>) -> Run {
        let mut mounts = Vec::new();
        for value in instruction.flag_values("mount") {
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
                Err(reason) => {
                    words.error = words.error.take().or(Some(format!("`--mount={value}`: {reason}.")))
                }
            }
        }
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
        let (dest, sources) = match args.split_last() {
            Some((dest, sources)) => (dest.value.as_str(), sources),
            None => ("", &[][..]),
        };
        let mut chown = words.word(instruction.flag("chown").unwrap_or_default());
        let chmod = words.word(instruction.flag("chmod").unwrap_or_default());
        let checksum = words.word(instruction.flag("checksum").unwrap_or_default());
        let excludes: Vec<String> = instruction.flag_values("exclude").map(|e| words.word(e)).collect();
        let dest = words.word(dest);
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
                    let content = if marker.expand { words.raw(&content) } else { content };
                    inline.push((marker.name, content));
                }
                None => paths.push(words.word(&source.value)),
            }
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
            add: instruction.kind() == Some(Keyword::Add),
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
    unmatched: Vec<String>,
    error: Option<String>,
}

impl Expander<'_, '_> {
    fn word(&mut self, word: &str) -> String {
        let expansion = self.evaluator.expand(word, &self.state.env);
        self.note(expansion)
    }

    fn words(&mut self, word: &str) -> Vec<String> {
        // EXPOSE splits what it expands; nothing is reported for variables there.
        match self.evaluator.lex.process_words(word, &self.state.env) {
            Ok(words) => words,
            Err(error) => {
                self.error = self.error.take().or(Some(error.to_string()));
                Vec::new()
            }
        }
    }

    /// A heredoc's body: quotes mean nothing in it, and the escape character is always a backslash.
    fn raw(&mut self, text: &str) -> String {
        let lex = Lex { skip_process_quotes: true, ..Lex::new('\\') };
        let expansion = expand(&lex, text, &self.state.env);
        self.note(expansion)
    }

    fn note(&mut self, expansion: Expansion) -> String {
        for name in expansion.unmatched {
            if !self.unmatched.contains(&name) {
                self.unmatched.push(name);
            }
        }
        self.error = self.error.take().or(expansion.error);
        expansion.value
    }
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
