//! The build graph: one vertex per BuildKit vertex, each with the key of its own definition.
//!
//! A vertex's cache key is made of its definition and, per input, either that input's key or the content that it selects
//! from it. Source: frontend/dockerfile/dockerfile2llb/convert.go (which vertices), solver/llbsolver/ops/{exec,file}.go
//! (what is in their keys).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use blake3::Hasher;
use layerwise_syntax::mount::{Mount, MountKind};

use crate::context::{Context, EntryKind};
use crate::engine;
use crate::env::Env;
use crate::eval::{Base, Command, Copy, Evaluation, Run, Source, State, Step};
use crate::file::File;
use crate::gopath::{path_base, path_clean, path_is_abs, path_join};
use crate::options::{NamedContext, Options};
use crate::selection::{self, Key, Reading, field, source_path};

mod layers;

/// A vertex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vertex {
    /// What kind of thing it is.
    pub kind: Kind,
    /// The key of its definition, without its inputs.
    pub digest: Key,
    /// Its inputs, in order.
    pub inputs: Vec<Input>,
    /// The parts of its definition that have names, for explanations. They follow from the definition.
    pub parts: Arc<[(Part, Key)]>,
    /// The step that made it; of several that make the same vertex, the first.
    pub origin: Origin,
}

/// What kind of thing a vertex is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A base image: its reference.
    Image(String),
    /// A folder that is a base (a named context).
    Local(String),
    /// A download: its URL.
    Http(String),
    /// A git repository: its URL.
    Git(String),
    /// RUN.
    Exec,
    /// COPY, ADD, WORKDIR.
    File,
    /// COPY --link and ADD --link.
    Merge,
    /// An instruction that only changes the image's configuration, for engines that make a layer of it.
    Layer,
}

/// A named part of a definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The command line, or the paths and options of a copy.
    Command,
    /// One variable of the environment.
    Variable(String),
    /// The order of the environment.
    Order,
    /// The working directory.
    Dir,
    /// The user.
    User,
    /// The mounts.
    Mounts,
    /// `SOURCE_DATE_EPOCH`.
    Epoch,
    /// The platform.
    Platform,
}

/// An input of a vertex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The result of a vertex, by its key.
    Result(usize),
    /// Files in the result of a vertex, by their content. The key names which files.
    Files(usize, Key),
    /// Files whose content is known: the build context, heredocs. The key is that of the content.
    Content(Key),
}

/// The step that made a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An instruction.
    Instruction(usize),
    /// An ONBUILD trigger, by stage and position.
    Trigger(usize, usize),
}

/// The vertices of one build and how the steps relate to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The vertices; inputs come before what uses them.
    pub vertices: Vec<Vertex>,
    /// The vertex of an instruction, if it makes one: for COPY --link the copy, not the merge.
    pub of_instruction: BTreeMap<usize, usize>,
    /// The vertices of the ONBUILD triggers of a stage, by stage and position.
    pub of_trigger: BTreeMap<(usize, usize), usize>,
    /// The sources that are not in the context, by instruction.
    pub missing: BTreeMap<usize, Vec<String>>,
    /// The last vertex of each stage; `None` for a stage that is not built or has an empty file system.
    pub ends: Vec<Option<usize>>,
}

/// The contexts that a build reads.
#[derive(Clone, Copy, Default)]
pub struct Contexts<'a> {
    /// The build context; `None` if it is not known, and then nothing is missing.
    pub main: Option<&'a Context>,
    /// Named contexts that are folders.
    pub named: Option<&'a BTreeMap<String, Context>>,
}

/// A build whose graph is known: an earlier text's, for [`graph_again`].
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Its evaluation, from which the new one was made by [`crate::evaluate_again`].
    pub eval: &'a Evaluation,
    /// How it was built.
    pub options: &'a Options,
    /// Its graph.
    pub graph: &'a Graph,
}

/// Builds the graph of what the target reaches.
pub fn graph(file: &File, eval: &Evaluation, options: &Options, contexts: Contexts<'_>) -> Graph {
    graph_again(file, eval, options, contexts, None)
}

/// Builds the same graph as [`graph`] does, and takes the definitions of steps that `previous` has too from there.
///
/// A step is the same one if it is the same object: [`crate::evaluate_again`] shares what came out the same, and `previous`
/// keeps what it shares alive, so that no other step has its address. A definition follows from the step, the options, and
/// for RUN the platform and the mounts, which are looked at; inputs are always found anew.
pub fn graph_again(
    file: &File,
    eval: &Evaluation,
    options: &Options,
    contexts: Contexts<'_>,
    previous: Option<Previous<'_>>,
) -> Graph {
    let mut earlier = HashMap::new();
    let is_known =
        |p: &Previous<'_>| p.options == options && options.engine.builder == engine::Builder::Buildkit;
    if let Some(previous) = previous.filter(is_known) {
        for (number, vertex) in &previous.graph.of_instruction {
            if let (Some(step), Some(vertex)) =
                (previous.eval.steps.get(*number), previous.graph.vertices.get(*vertex))
            {
                earlier.insert(Arc::as_ptr(step), vertex);
            }
        }
    }
    let mut builder = Builder {
        eval,
        options,
        contexts,
        earlier,
        graph: Graph::default(),
        ends: vec![None; eval.stages.len()],
        interned: HashMap::new(),
        modes: writes_context(file, eval),
        platform: (String::new(), Key::default()),
        env: None,
    };
    for index in 0..eval.stages.len() {
        if eval.stages[index].reachable {
            builder.stage(file, index);
        }
    }
    Graph { ends: builder.ends, ..builder.graph }
}

struct Builder<'a> {
    eval: &'a Evaluation,
    options: &'a Options,
    contexts: Contexts<'a>,
    /// The vertices of the steps of an earlier build with the same options, by the address of the step.
    earlier: HashMap<*const Step, &'a Vertex>,
    graph: Graph,
    /// The last vertex of each stage; `None` for an empty file system.
    ends: Vec<Option<usize>>,
    /// Vertices by definition and inputs: BuildKit builds equal ones once, whatever stage they are in.
    interned: HashMap<(Key, Vec<Input>), usize>,
    /// Whether the modes of the context's directories count.
    modes: bool,
    /// The platform of the stage that is looked at, and its key.
    platform: (String, Key),
    /// The environment that was hashed last: most RUN steps find the one that the RUN above them found.
    env: Option<HashedEnv>,
}

/// An environment with its keys.
struct HashedEnv {
    env: Env,
    /// The key of names and values in order.
    key: Key,
    /// The parts of a definition that it is.
    parts: Vec<(Part, Key)>,
}

impl HashedEnv {
    fn new(env: &Env) -> HashedEnv {
        let mut hash = Hash::default();
        let mut order = Hash::default();
        let mut parts = Vec::with_capacity(env.len() + 1);
        for (name, value) in env.iter() {
            hash.text(name);
            hash.text(value);
            order.text(name);
            parts.push((Part::Variable(name.to_owned()), Hash::of(&[value])));
        }
        parts.push((Part::Order, order.done()));
        HashedEnv { env: env.clone(), key: hash.done(), parts }
    }
}

/// Whether a RUN that is built mounts the build context to be written. BuildKit then takes the context in anew for the next build
/// and hashes it with the modes of its directories, which otherwise only change what it has and not the hashes.
fn writes_context(file: &File, eval: &Evaluation) -> bool {
    let writes = |step: &Step| match &step.command {
        Command::Run(run) => run.mounts.iter().any(|(mount, source)| {
            mount.kind == MountKind::Bind && *source == Source::Context && !mount.read_only
        }),
        _ => false,
    };
    eval.stages.iter().zip(file.stages()).filter(|(stage, _)| stage.reachable && !stage.replaced).any(
        |(stage, place)| {
            stage.triggers.iter().any(writes) || place.body.clone().any(|number| writes(eval.step(number)))
        },
    )
}

/// Hashes fields one after another.
#[derive(Default)]
struct Hash(Hasher);

impl Hash {
    fn of(fields: &[&str]) -> Key {
        let mut hash = Hash::default();
        fields.iter().for_each(|f| hash.text(f));
        hash.done()
    }

    fn text(&mut self, text: &str) {
        field(&mut self.0, text.as_bytes());
    }

    fn key(&mut self, key: &Key) {
        self.0.update(key);
    }

    fn flag(&mut self, flag: bool) {
        self.0.update(&[u8::from(flag)]);
    }

    fn done(&self) -> Key {
        *self.0.finalize().as_bytes()
    }
}

impl Builder<'_> {
    fn push(&mut self, vertex: Vertex) -> usize {
        match self.interned.entry((vertex.digest, vertex.inputs.clone())) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(slot) => {
                self.graph.vertices.push(vertex);
                *slot.insert(self.graph.vertices.len() - 1)
            }
        }
    }

    fn stage(&mut self, file: &File, index: usize) {
        let stage = &self.eval.stages[index];
        let from = file.stages()[index].from;
        let platform = stage.platform.format_all();
        self.platform = (platform.clone(), Hash::of(&[&platform]));
        let mut state = match &stage.base {
            Base::Scratch | Base::Invalid(_) => None,
            Base::Stage(base) => self.ends[*base],
            Base::Image(reference) => {
                let vertex = self.image(reference, &platform, Origin::Instruction(from));
                self.graph.of_instruction.insert(from, vertex);
                Some(vertex)
            }
            Base::Named(name) => {
                let vertex = self.named_base(name, &platform, Origin::Instruction(from));
                self.graph.of_instruction.insert(from, vertex);
                Some(vertex)
            }
        };
        for (position, step) in stage.triggers.iter().enumerate() {
            let origin = Origin::Trigger(index, position);
            let text = stage.trigger_instructions.get(position).map_or("", |i| i.logical().text());
            if let Some(vertex) = self.step(step, text, &mut state, origin) {
                self.graph.of_trigger.insert((index, position), vertex);
            }
        }
        // What a named context takes the place of is not built.
        let body = if stage.replaced { 0..0 } else { file.stages()[index].body.clone() };
        for number in body {
            let step = self.eval.step(number);
            let text = file.instruction(number).1.logical().text();
            if let Some(vertex) = self.step(step, text, &mut state, Origin::Instruction(number)) {
                self.graph.of_instruction.insert(number, vertex);
            }
        }
        self.ends[index] = state;
    }

    /// The source vertex of an image.
    fn image(&mut self, reference: &str, platform: &str, origin: Origin) -> usize {
        self.push(Vertex {
            kind: Kind::Image(reference.to_owned()),
            digest: Hash::of(&["image", reference, platform]),
            inputs: Vec::new(),
            parts: [(Part::Command, Hash::of(&[reference])), (Part::Platform, Hash::of(&[platform]))].into(),
            origin,
        })
    }

    fn named_base(&mut self, name: &str, platform: &str, origin: Origin) -> usize {
        let content = match (self.options.contexts.get(name), self.contexts.named.and_then(|n| n.get(name))) {
            (_, Some(context)) => selection::select(context, "", Reading::default()).key,
            (Some(NamedContext::Dir(text) | NamedContext::Image(text) | NamedContext::Other(text)), None) => {
                Hash::of(&[text])
            }
            (None, None) => Hash::of(&[name]),
        };
        let mut hash = Hash::default();
        hash.text("local");
        hash.text(platform);
        hash.key(&content);
        self.push(Vertex {
            kind: Kind::Local(name.to_owned()),
            digest: hash.done(),
            inputs: Vec::new(),
            parts: [(Part::Command, content)].into(),
            origin,
        })
    }

    /// The vertex of one step, which becomes the state; `None` if it makes none.
    fn step(&mut self, step: &Step, text: &str, state: &mut Option<usize>, origin: Origin) -> Option<usize> {
        if self.options.engine.builder != engine::Builder::Buildkit {
            return self.layer(step, text, state, origin);
        }
        match &step.command {
            Command::Run(run) => {
                let vertex = self.exec(run, step, *state, origin);
                *state = Some(vertex);
                Some(vertex)
            }
            Command::Copy(copy) => Some(self.copy(copy, state, origin)),
            Command::Workdir(path) => {
                let path = path_clean(path);
                if path == "/" {
                    return None;
                }
                let epoch = self.options.build_args.get("SOURCE_DATE_EPOCH").map_or("", String::as_str);
                let (digest, parts) = match self.earlier.get(&std::ptr::from_ref(step)) {
                    Some(same) => (same.digest, Arc::clone(&same.parts)),
                    None => (
                        Hash::of(&["mkdir", &path, &step.state.user, epoch]),
                        [
                            (Part::Command, Hash::of(&[&path])),
                            (Part::User, Hash::of(&[&step.state.user])),
                            (Part::Epoch, Hash::of(&[epoch])),
                        ]
                        .into(),
                    ),
                };
                let inputs = state.map(Input::Result).into_iter().collect();
                let vertex = self.push(Vertex { kind: Kind::File, digest, inputs, parts, origin });
                *state = Some(vertex);
                Some(vertex)
            }
            _ => None,
        }
    }

    fn exec(&mut self, run: &Run, step: &Step, state: Option<usize>, origin: Origin) -> usize {
        let found = &step.state;
        let mut inputs: Vec<Input> = state.map(Input::Result).into_iter().collect();
        if let Some((name, content)) = &run.script {
            inputs.push(Input::Content(Hash::of(&["inline", name, content])));
        }
        let mut mounts: Vec<(String, Key, Option<Input>)> = Vec::new();
        let mut after: Vec<(MountKind, Key)> = Vec::new();
        for (mount, source) in &run.mounts {
            let agents = after.iter().filter(|(kind, _)| *kind == MountKind::Ssh).count();
            let target = mount_target(mount, &found.dir, agents);
            let mut hash = Hash::default();
            hash.text(mount.kind.as_str());
            hash.text(&target);
            hash.flag(mount.read_only);
            let mut input = None;
            match mount.kind {
                MountKind::Bind => input = self.files(source, &mount.source, origin),
                MountKind::Cache => {
                    // The key has the id of a plain cache of its own path, and of others only that they are others.
                    let own = path_clean(&mount.target);
                    let id = if mount.id.is_empty() { &own } else { &mount.id };
                    let space = self.argument("BUILDKIT_CACHE_MOUNT_NS");
                    let shared = matches!(mount.sharing.as_str(), "" | "shared");
                    let plain = *id == target && shared && !space.contains('/');
                    hash.flag(plain);
                    hash.text(if plain { space } else { "" });
                    if !mount.from.is_empty() {
                        input = self.files(source, &mount.source, origin);
                    }
                    if source_path(&mount.source).is_empty() {
                        input = self.owned_cache(mount, input, origin);
                    }
                }
                MountKind::Tmpfs => hash.text(&mount.size.to_string()),
                MountKind::Secret | MountKind::Ssh => {
                    hash.text(&secret_id(mount));
                    hash.flag(mount.required);
                    hash.text(mount.env.as_deref().unwrap_or_default());
                    // What is a variable and no file has no owner and mode.
                    if mount.env.is_none() || !mount.target.is_empty() {
                        let usual = if mount.kind == MountKind::Ssh { 0o600 } else { 0o400 };
                        let owner = (mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
                        hash.text(&format!("{:o} {owner:?}", mount.mode.unwrap_or(usual)));
                    }
                }
            }
            // What is mounted from the layer that the command runs on is that layer, and keyed with it.
            let input =
                input.filter(|input| !matches!(input, Input::Files(vertex, _) if Some(*vertex) == state));
            match mount.kind {
                MountKind::Secret | MountKind::Ssh => after.push((mount.kind, hash.done())),
                _ => mounts.push((target, hash.done(), input)),
            }
        }
        // LLB sorts mounts by their target, so the order of different targets is not in the key; secrets and then ssh follow
        // as they are written.
        mounts.sort_by(|a, b| a.0.cmp(&b.0));
        after.sort_by_key(|(kind, _)| *kind == MountKind::Ssh);
        let mut mounts_hash = Hash::default();
        for (_, key, input) in mounts {
            mounts_hash.key(&key);
            inputs.extend(input);
        }
        after.iter().for_each(|(_, key)| mounts_hash.key(key));
        let mounts = mounts_hash.done();
        let told = [(Part::Mounts, mounts), (Part::Platform, self.platform.1)];
        let same = self.earlier.get(&std::ptr::from_ref(step)).copied();
        let (digest, parts) = match same.filter(|same| told.iter().all(|part| same.parts.contains(part))) {
            Some(same) => (same.digest, Arc::clone(&same.parts)),
            None => self.definition(run, found, told),
        };
        self.push(Vertex { kind: Kind::Exec, digest, inputs, parts, origin })
    }

    /// What defines a RUN. `told` is the parts that its mounts and its platform are.
    fn definition(&mut self, run: &Run, found: &State, told: [(Part, Key); 2]) -> (Key, Arc<[(Part, Key)]>) {
        let mut command = Hash::default();
        run.argv.iter().for_each(|a| command.text(a));
        for text in [&run.network, &run.security].into_iter().chain(&run.devices) {
            // An option that says what is the default is no option.
            let text = if matches!(text.as_str(), "default" | "sandbox") { "" } else { text };
            command.text(text);
        }
        let command = command.done();
        let dir = if found.dir.is_empty() { "/" } else { &found.dir };
        let hashed = self.env.take().filter(|hashed| hashed.env.is_same(&found.env));
        let hashed = hashed.unwrap_or_else(|| HashedEnv::new(&found.env));
        let mut digest = Hash::default();
        digest.text("exec");
        for key in [&command, &hashed.key, &told[0].1] {
            digest.key(key);
        }
        for text in [dir, &found.user, &self.platform.0, self.argument("BUILDKIT_SANDBOX_HOSTNAME")] {
            digest.text(text);
        }
        let first =
            [(Part::Command, command), (Part::Dir, Hash::of(&[dir])), (Part::User, Hash::of(&[&found.user]))];
        let parts = first.into_iter().chain(told).chain(hashed.parts.iter().cloned()).collect();
        self.env = Some(hashed);
        (digest.done(), parts)
    }

    /// The value of a build argument, empty if it is not given.
    fn argument(&self, name: &str) -> &str {
        self.options.build_args.get(name).map_or("", String::as_str)
    }

    /// The key of what is selected in the build context.
    fn in_context(&self, context: &Context, selected: &selection::Selected) -> Input {
        if !self.modes {
            return Input::Content(selected.key);
        }
        let mut hash = Hash::default();
        hash.key(&selected.key);
        for path in &selected.paths {
            let Some(real) = selection::resolve(context, path) else { continue };
            let own = context.get(&real).map(|entry| (real.as_str(), entry));
            for (path, entry) in own.into_iter().chain(context.below(&real)) {
                if entry.kind == EntryKind::Dir {
                    hash.text(path.strip_prefix(real.as_str()).unwrap_or(path));
                    hash.text(&format!("{:o}", entry.mode));
                }
            }
        }
        Input::Content(hash.done())
    }

    /// What a cache begins with if its owner or mode is given: a folder that is made for it (`setCacheUIDGID`).
    fn owned_cache(&mut self, mount: &Mount, below: Option<Input>, origin: Origin) -> Option<Input> {
        if mount.uid.is_none() && mount.gid.is_none() && mount.mode.is_none() {
            return below;
        }
        let mode = format!("{:o}", mount.mode.unwrap_or(0o755));
        let owner = format!("{}:{}", mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
        let digest = Hash::of(&["cache folder", &mode, &owner]);
        let Some(Input::Files(vertex, _)) = below else { return Some(Input::Content(digest)) };
        let vertex = self.push(Vertex {
            kind: Kind::File,
            digest,
            inputs: vec![Input::Result(vertex)],
            parts: [(Part::Command, digest)].into(),
            origin,
        });
        Some(Input::Files(vertex, Hash::of(&["cache"])))
    }

    fn copy(&mut self, copy: &Copy, state: &mut Option<usize>, origin: Origin) -> usize {
        let mut action = Hash::default();
        action.text("copy");
        action.text(&copy.dest_path);
        // A dot behind the last slash stays in BuildKit's path.
        action.flag(copy.dest.ends_with("/."));
        action.text(&copy.chown);
        action.text(&mode(&copy.chmod));
        copy.excludes.iter().for_each(|e| action.text(e));
        let mut inputs = Vec::new();
        for source in &copy.sources {
            action.text("source");
            if copy.add && is_git(source) {
                action.text("/");
                action.flag(copy.keep_git_dir);
                let keep = if copy.keep_git_dir { "keep" } else { "" };
                let vertex =
                    self.remote(Kind::Git(source.clone()), &["git", source, keep, &copy.checksum], origin);
                inputs.push(Input::Files(vertex, Hash::of(&["/"])));
            } else if copy.add && is_http(source) {
                let name = http_name(source);
                action.text(name);
                action.flag(copy.unpack.unwrap_or(false));
                if copy.checksum.is_empty() {
                    let vertex = self.remote(Kind::Http(source.clone()), &["http", source], origin);
                    inputs.push(Input::Files(vertex, Hash::of(&[name])));
                } else {
                    inputs.push(Input::Content(Hash::of(&["http", &copy.checksum])));
                }
            } else {
                // Only the base name is in the action; the path selects and the content decides.
                let (shown, include) = if copy.parents {
                    let pattern = source.split_once("/./").map_or(source.as_str(), |(_, pattern)| pattern);
                    let pivot = source.split_once("/./").map_or("/", |(pivot, _)| pivot);
                    (path_base(&path_clean(&format!("/{pivot}"))).to_owned(), source_path(pattern))
                } else {
                    (path_base(&path_clean(&format!("/{source}"))).to_owned(), String::new())
                };
                action.text(&shown);
                action.text(&include);
                action.flag(copy.parents);
                action.flag(copy.unpack.unwrap_or(copy.add));
                let input = self.selected(copy, source, origin);
                inputs.extend(input);
            }
        }
        for (name, content) in &copy.inline {
            action.text("inline");
            action.text(name);
            inputs.push(Input::Content(Hash::of(&["file", content])));
        }
        let digest = action.done();
        let parts = Arc::from([(Part::Command, digest)]);
        // BuildKit does not link where a mode is given.
        if copy.link && copy.chmod.is_empty() && self.merges() {
            let vertex = self.push(Vertex { kind: Kind::File, digest, inputs, parts, origin });
            *state = Some(match *state {
                // Merging with nothing is the copy itself.
                None => vertex,
                Some(base) => self.push(Vertex {
                    kind: Kind::Merge,
                    digest: Hash::of(&["merge"]),
                    inputs: vec![Input::Result(base), Input::Result(vertex)],
                    parts: Arc::default(),
                    origin,
                }),
            });
            return vertex;
        }
        if let Some(base) = *state {
            // What is copied from the layer below is that layer, and keyed with it: only its base name is in the action.
            inputs.retain(|input| !matches!(input, Input::Files(vertex, _) if *vertex == base));
            inputs.insert(0, Input::Result(base));
        }
        let vertex = self.push(Vertex { kind: Kind::File, digest, inputs, parts, origin });
        *state = Some(vertex);
        vertex
    }

    /// Whether `--link` makes a vertex of its own.
    fn merges(&self) -> bool {
        self.options.engine.builder == engine::Builder::Buildkit && self.options.engine.merges
    }

    /// One source of a COPY or ADD that is a path.
    fn selected(&mut self, copy: &Copy, source: &str, origin: Origin) -> Option<Input> {
        let context = match &copy.from {
            Source::Context => self.contexts.main,
            Source::Named(name) => self.contexts.named.and_then(|n| n.get(name)),
            other => return self.files(other, source, origin),
        };
        let Some(context) = context else { return self.files(&copy.from, source, origin) };
        let selected =
            selection::select(context, source, Reading { excludes: &copy.excludes, parents: copy.parents });
        if let (true, None, Origin::Instruction(number)) = (selected.missing, &context.incomplete, origin) {
            self.graph.missing.entry(number).or_default().push(source.to_owned());
        }
        Some(match copy.from {
            Source::Context => self.in_context(context, &selected),
            _ => Input::Content(selected.key),
        })
    }

    /// Files of a source that a mount or a copy reads, by content.
    fn files(&mut self, source: &Source, path: &str, origin: Origin) -> Option<Input> {
        let selector = Hash::of(&[&source_path(path)]);
        match source {
            Source::Stage(index) => Some(match self.ends.get(*index).copied().flatten() {
                Some(vertex) => Input::Files(vertex, selector),
                None => Input::Content(Hash::of(&["scratch"])),
            }),
            Source::Image(reference) => {
                let platform = self.platform.0.clone();
                let vertex = self.image(reference, &platform, origin);
                Some(Input::Files(vertex, selector))
            }
            Source::Context => match self.contexts.main {
                Some(context) => {
                    Some(self.in_context(context, &selection::select(context, path, Reading::default())))
                }
                None => Some(Input::Content(Hash::of(&["context", &source_path(path)]))),
            },
            Source::Named(name) => match self.contexts.named.and_then(|n| n.get(name)) {
                Some(context) => {
                    Some(Input::Content(selection::select(context, path, Reading::default()).key))
                }
                None => Some(Input::Content(Hash::of(&["named", name, &source_path(path)]))),
            },
            Source::Scratch | Source::Invalid(_) => None,
        }
    }

    fn remote(&mut self, kind: Kind, fields: &[&str], origin: Origin) -> usize {
        let digest = Hash::of(fields);
        self.push(Vertex {
            kind,
            digest,
            inputs: Vec::new(),
            parts: [(Part::Command, digest)].into(),
            origin,
        })
    }
}

/// Where a mount is mounted. What is absolute stays as it was written, and so do the paths of secrets and agents, which have
/// defaults; `agents` is how many ssh mounts stand before this one.
fn mount_target(mount: &Mount, dir: &str, agents: usize) -> String {
    let target = &mount.target;
    match mount.kind {
        MountKind::Secret if target.is_empty() && mount.env.is_none() => {
            format!("/run/secrets/{}", path_base(&secret_id(mount)))
        }
        MountKind::Ssh if target.is_empty() => format!("/run/buildkit/ssh_agent.{agents}"),
        MountKind::Secret | MountKind::Ssh => target.clone(),
        _ if path_is_abs(target) || target.is_empty() => target.clone(),
        _ => path_join(&["/", dir, target]),
    }
}

/// The id of a secret or ssh mount (convert_secrets.go, convert_ssh.go). An ssh mount without one has none in its key, though
/// the agent that it gets is that of the id `default`.
fn secret_id(mount: &Mount) -> String {
    match mount.kind {
        MountKind::Ssh => mount.id.clone(),
        _ if !mount.source.is_empty() => mount.source.clone(),
        _ if !mount.id.is_empty() => mount.id.clone(),
        _ => path_base(&mount.target).to_owned(),
    }
}

/// An octal mode without leading zeros; symbolic modes as they are.
fn mode(chmod: &str) -> String {
    match u32::from_str_radix(chmod, 8) {
        Ok(mode) => format!("{mode:o}"),
        Err(_) => chmod.to_owned(),
    }
}

/// Whether an ADD source is a download.
pub fn is_http(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// Whether an ADD source is a git repository (frontend/dockerfile/dfgitutil/git_ref.go).
pub fn is_git(source: &str) -> bool {
    let without_ref = source.split('#').next().unwrap_or(source);
    if is_http(source) {
        let path = without_ref.split('?').next().unwrap_or(without_ref);
        return path.ends_with(".git");
    }
    source.starts_with("git://")
        || source.starts_with("ssh://")
        || source.starts_with("github.com/")
        || is_scp(without_ref)
}

/// `user@host:path`.
fn is_scp(source: &str) -> bool {
    let Some((host, path)) = source.split_once(':') else { return false };
    let Some((user, name)) = host.split_once('@') else { return false };
    !user.is_empty() && !name.is_empty() && !path.is_empty() && !host.contains('/')
}

/// The file name that a download gets: the last part of the URL's path.
fn http_name(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or(rest);
    let name = path
        .split_once('/')
        .map_or("", |(_, path)| path)
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or("");
    if name.is_empty() || name == "." { "__unnamed__" } else { name }
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Document;

    use super::*;
    use crate::images::WellKnown;
    use crate::{evaluate, evaluate_again};

    /// The steps stay the same objects, and what they are on does not.
    #[test]
    fn a_step_that_stays_may_have_another_definition() {
        let text = "ARG P=linux/amd64\nFROM --platform=$P debian:12\nWORKDIR /x\nRUN make\n";
        let mut document = Document::new(text);
        let mut options = Options::default();
        let file = File::new(document.parsed().clone());
        let eval = evaluate(&file, &options, &WellKnown);
        let first = graph(&file, &eval, &options, Contexts::default());
        let known = options.clone();
        let again = |document: &Document, options: &Options| {
            let file = File::new(document.parsed().clone());
            let later = evaluate_again(&file, options, &WellKnown, Some(&eval));
            assert!((2..4).all(|number| Arc::ptr_eq(eval.step(number), later.step(number))));
            let previous = Previous { eval: &eval, options: &known, graph: &first };
            let found = graph_again(&file, &later, options, Contexts::default(), Some(previous));
            assert_eq!(found, graph(&file, &later, options, Contexts::default()));
            let is_kept = |(a, b): (&Vertex, &Vertex)| Arc::ptr_eq(&a.parts, &b.parts);
            first.vertices.iter().zip(&found.vertices).map(is_kept).collect::<Vec<_>>()
        };
        assert_eq!(again(&document, &options), [false, true, true]);
        options.build_args.insert("SOURCE_DATE_EPOCH".to_owned(), "1".to_owned());
        options.build_args.insert("BUILDKIT_SANDBOX_HOSTNAME".to_owned(), "x".to_owned());
        assert_eq!(again(&document, &options), [false; 3]);
        options.build_args.clear();
        document.edit(12..17, "arm64").expect("it fits");
        assert_eq!(again(&document, &options), [false, true, false]);
    }
}
