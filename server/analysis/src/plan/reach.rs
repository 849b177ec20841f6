//! Which steps each file of the build context reaches, and which copied files nothing reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use layerwise_model::eval::{Base, Command, Copy, Source};
use layerwise_model::graph::{Graph, Input};
use layerwise_model::selection::{self, Reading};
use layerwise_model::{Context, Dockerignore, EntryKind};
use layerwise_syntax::mount::MountKind;

use super::{Side, State};

/// What a change of one file of the context would run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReach {
    /// The file, relative to the context.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// The instructions that select it.
    pub selected_by: Vec<usize>,
    /// The instructions that would run, or may run, each with [`State::Rebuilt`] or [`State::Depends`].
    pub steps: Vec<(usize, State)>,
}

/// What an instruction, or a trigger of a FROM, selects in the context.
struct Selecting {
    /// The instruction; for a trigger, the FROM.
    number: usize,
    vertex: usize,
    /// Paths in the context, links followed; `""` is all of it.
    roots: Vec<String>,
    excludes: Option<Dockerignore>,
}

/// What a change of each file of the context would run again; files that reach nothing are left out. Files that reach the
/// most steps come first, then by path. Of files that the same instructions select, all have the same steps.
pub fn reach_of_files(side: &Side<'_>) -> Vec<FileReach> {
    let Some(context) = side.context else { return Vec::new() };
    let selecting = selecting(side, context);
    let mut by_path: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, one) in selecting.iter().enumerate() {
        for root in &one.roots {
            for path in one.selected(context, root) {
                let by = by_path.entry(path).or_default();
                if by.last() != Some(&index) {
                    by.push(index);
                }
            }
        }
    }
    let mut reached: HashMap<Vec<usize>, Vec<(usize, State)>> = HashMap::new();
    let mut found: Vec<FileReach> = by_path
        .into_iter()
        .map(|(path, by)| {
            let vertices = || by.iter().map(|index| selecting[*index].vertex).collect();
            let steps = reached.entry(by.clone()).or_insert_with(|| propagate(side, &vertices())).clone();
            let bytes = context.get(path).map_or(0, |entry| entry.size);
            let mut selected_by: Vec<usize> = by.iter().map(|index| selecting[*index].number).collect();
            selected_by.sort_unstable();
            selected_by.dedup();
            FileReach { path: path.to_owned(), bytes, selected_by, steps }
        })
        .collect();
    found.sort_by_key(|f| std::cmp::Reverse(f.steps.len()));
    found
}

impl Selecting {
    /// The files (and links) that a root stands for.
    fn selected<'a>(&'a self, context: &'a Context, root: &'a str) -> impl Iterator<Item = &'a str> {
        let own = context.get(root).filter(|e| e.kind != EntryKind::Dir).map(|_| root);
        let below = context
            .below(root)
            .filter(|(_, entry)| matches!(entry.kind, EntryKind::File | EntryKind::Symlink))
            .map(|(path, _)| path);
        own.into_iter().chain(below).filter(move |path| {
            let name = path[root.len()..].trim_start_matches('/');
            let name = if name.is_empty() { path.rsplit('/').next().unwrap_or(path) } else { name };
            self.excludes.as_ref().is_none_or(|e| !e.is_excluded(name))
        })
    }
}

/// The instructions that are built and read the context.
fn selecting(side: &Side<'_>, context: &Context) -> Vec<Selecting> {
    let roots = |source: &str, reading: Reading<'_>| {
        let found = selection::select(context, source, reading).paths;
        found.into_iter().filter_map(|path| selection::resolve(context, &path)).collect::<Vec<_>>()
    };
    let graph = side.graph;
    let plain = graph.of_instruction.iter().map(|(&n, &v)| (n, v, &side.eval.step(n).command));
    let triggers = graph.of_trigger.iter().map(|(&(stage, position), &vertex)| {
        let command = &side.eval.stages[stage].triggers[position].command;
        (side.file.stages()[stage].from, vertex, command)
    });
    let mut found = Vec::new();
    for (number, vertex, command) in plain.chain(triggers) {
        match command {
            Command::Copy(copy) if copy.from == Source::Context => {
                let reading = Reading { excludes: &copy.excludes, parents: copy.parents };
                let excludes = (!copy.excludes.is_empty())
                    .then(|| Dockerignore::from_patterns(&copy.excludes).unwrap_or_default());
                let roots = copy.sources.iter().flat_map(|s| roots(s, reading)).collect();
                found.push(Selecting { number, vertex, roots, excludes });
            }
            Command::Run(run) => {
                let bound = run
                    .mounts
                    .iter()
                    .filter(|(mount, source)| mount.kind == MountKind::Bind && *source == Source::Context);
                let roots: Vec<String> =
                    bound.flat_map(|(mount, _)| roots(&mount.source, Reading::default())).collect();
                if !roots.is_empty() {
                    found.push(Selecting { number, vertex, roots, excludes: None });
                }
            }
            _ => {}
        }
    }
    found
}

/// The instructions that run, or may run, when what these vertices read in the context changes.
fn propagate(side: &Side<'_>, hit: &BTreeSet<usize>) -> Vec<(usize, State)> {
    let graph = side.graph;
    let states = states(graph, hit);
    let runs = |vertex: &usize| states.get(*vertex).copied().filter(|s| *s != State::Cached);
    graph.of_instruction.iter().filter_map(|(number, vertex)| Some((*number, runs(vertex)?))).collect()
}

/// The state of every vertex when these ones run again: a layer above one that runs does too, and what reads files of one
/// depends on them.
fn states(graph: &Graph, hit: &BTreeSet<usize>) -> Vec<State> {
    let mut states: Vec<State> = Vec::with_capacity(graph.vertices.len());
    for (index, vertex) in graph.vertices.iter().enumerate() {
        let mut state = if hit.contains(&index) { State::Rebuilt } else { State::Cached };
        for input in &vertex.inputs {
            state = match (state, input) {
                (State::Rebuilt, _) => State::Rebuilt,
                (_, Input::Result(source)) if states[*source] != State::Cached => {
                    if states[*source] == State::Rebuilt { State::Rebuilt } else { State::Depends }
                }
                (_, Input::Files(source, _)) if states[*source] != State::Cached => State::Depends,
                (state, _) => state,
            };
        }
        states.push(state);
    }
    states
}

/// A file that is copied and that nothing reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file, relative to the context.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// The instructions that copy it.
    pub copied_by: Vec<usize>,
}

/// The files that are copied into stages where nothing can read them: no later RUN, no image that is shipped, no
/// `COPY --from` or mount of the place where they lie. Proven, not guessed; what a RUN reads of what is there nobody knows.
pub fn unread_files(side: &Side<'_>) -> Vec<Unread> {
    let Some(context) = side.context else { return Vec::new() };
    let mut copied: BTreeMap<String, (Vec<usize>, bool)> = BTreeMap::new();
    for one in selecting(side, context) {
        let Command::Copy(copy) = &side.eval.step(one.number).command else {
            for path in one.roots.iter().flat_map(|root| one.selected(context, root)) {
                copied.entry(path.to_owned()).or_default().1 = true;
            }
            continue;
        };
        let readers = readers(side, one.number);
        for root in &one.roots {
            for path in one.selected(context, root) {
                let read = match &readers {
                    None => true,
                    Some(places) => {
                        let lies = destination(context, copy, root, path);
                        places.iter().any(|place| covers(place, &lies))
                    }
                };
                let entry = copied.entry(path.to_owned()).or_default();
                entry.0.push(one.number);
                entry.1 |= read;
            }
        }
    }
    copied
        .into_iter()
        .filter(|(_, (by, read))| !read && !by.is_empty())
        .map(|(path, (copied_by, _))| {
            let bytes = context.get(&path).map_or(0, |entry| entry.size);
            Unread { path, bytes, copied_by }
        })
        .collect()
}

/// The places of a stage's file system that are read after the instruction `number` there; `None` for all of it.
fn readers(side: &Side<'_>, number: usize) -> Option<Vec<String>> {
    let stage = side.file.stage_of(number)?.index;
    // The stages that have the instruction's result in them, each with the instruction that it starts after.
    let mut holding = BTreeMap::from([(stage, number)]);
    for (index, other) in side.eval.stages.iter().enumerate().skip(stage + 1) {
        if let Base::Stage(base) = &other.base
            && other.reachable
            && holding.contains_key(base)
        {
            holding.insert(index, side.file.stages()[index].from);
        }
    }
    let mut places = Vec::new();
    for (&index, &after) in &holding {
        if side.eval.target == Some(index) {
            return None;
        }
        let body = side.file.stages()[index].body.clone();
        let runs = |n: usize| matches!(side.eval.step(n).command, Command::Run(_));
        if body.clone().any(|n| n > after && runs(n)) || !side.eval.stages[index].triggers.is_empty() {
            return None;
        }
    }
    for &reader in side.graph.of_instruction.keys() {
        match &side.eval.step(reader).command {
            Command::Copy(copy) => {
                if let Source::Stage(from) = &copy.from
                    && holding.contains_key(from)
                {
                    places.extend(copy.sources.iter().map(|s| selection::source_path(s)));
                }
            }
            Command::Run(run) => {
                for (mount, source) in &run.mounts {
                    if let Source::Stage(from) = source
                        && holding.contains_key(from)
                    {
                        places.push(selection::source_path(&mount.source));
                    }
                }
            }
            _ => {}
        }
    }
    Some(places)
}

/// Where a file that a COPY selects comes to lie, relative to `/`.
fn destination(context: &Context, copy: &Copy, root: &str, path: &str) -> String {
    let dest = selection::source_path(&copy.dest_path);
    let relative = path[root.len()..].trim_start_matches('/');
    let into_dir = copy.dest_path.ends_with('/') || copy.sources.len() > 1 || copy.parents;
    let name = if copy.parents {
        path
    } else if context.is_dir(root) {
        relative
    } else if into_dir {
        path.rsplit('/').next().unwrap_or(path)
    } else {
        ""
    };
    match (dest.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => dest,
        _ => format!("{dest}/{name}"),
    }
}

/// Whether reading `place` may read the file at `path`: a folder above it, the file itself, or anything with a wildcard.
fn covers(place: &str, path: &str) -> bool {
    place.is_empty()
        || selection::has_wildcard(place)
        || path == place
        || path.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'))
        // The destination may be a folder that was there: then the file lies below it.
        || place.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use layerwise_model::graph::{Contexts, graph};
    use layerwise_model::images::WellKnown;
    use layerwise_model::{Content, Entry, File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;

    fn with<T>(text: &str, paths: &[&str], look: impl FnOnce(&Side<'_>) -> T) -> T {
        let mut context = Context::default();
        for path in paths {
            context.entries.insert(path, entry(EntryKind::File));
        }
        let options = Options::default();
        let file = File::new(Parsed::new(text));
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts { main: Some(&context), named: None });
        look(&Side { file: &file, eval: &eval, graph: &graph, context: Some(&context), options: &options })
    }

    fn entry(kind: EntryKind) -> Entry {
        Entry { kind, mode: 0o644, size: 7, content: Content::Hash([1; 32]), link: None }
    }

    #[test]
    fn each_file_reaches_what_selects_it_and_what_is_below() {
        let text = "FROM debian:12 AS b\nCOPY package.json .\nRUN a\nCOPY . .\nRUN b\n\
                    FROM debian:12\nCOPY --from=b /out /out\nRUN --mount=type=bind,source=conf,target=/c c\n";
        let found = with(text, &["package.json", "src/a.c", "conf/x"], reach_of_files);
        let short: Vec<_> = found
            .iter()
            .map(|f| {
                let steps: Vec<_> = f.steps.iter().map(|(n, s)| (*n, s.as_str())).collect();
                (f.path.as_str(), f.selected_by.clone(), steps)
            })
            .collect();
        let (r, d) = ("rebuilt", "depends");
        assert_eq!(
            short,
            [
                ("package.json", vec![1, 3], vec![(1, r), (2, r), (3, r), (4, r), (6, d), (7, d)]),
                ("conf/x", vec![3, 7], vec![(3, r), (4, r), (6, d), (7, r)]),
                ("src/a.c", vec![3], vec![(3, r), (4, r), (6, d), (7, d)]),
            ]
        );
    }

    #[test]
    fn triggers_read_where_they_run() {
        let text = "FROM debian:12 AS b\nONBUILD COPY src /src\nFROM b\nRUN a\n";
        let found = with(text, &["src/a.c", "other"], reach_of_files);
        let [file] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((file.path.as_str(), file.selected_by.as_slice()), ("src/a.c", &[2][..]));
        assert_eq!(file.steps, [(3, State::Rebuilt)]);
    }

    #[test]
    fn excluded_files_reach_nothing() {
        let text = "FROM debian:12\nCOPY --exclude=*.md src /src/\nRUN a\n";
        let found = with(text, &["src/a.c", "src/b.md", "other"], reach_of_files);
        assert_eq!(found.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["src/a.c"]);
    }

    #[test]
    fn what_nothing_reads_is_found() {
        let unread = |text: &str| -> Vec<String> {
            let paths = ["src/a.c", "src/b.c", "docs/x"];
            with(text, &paths, unread_files).into_iter().map(|u| u.path).collect()
        };
        let stage = "FROM debian:12 AS s\nCOPY . /w/\n";
        assert_eq!(unread(&format!("{stage}FROM debian:12\nCOPY --from=s /w/src /x\n")), ["docs/x"]);
        assert_eq!(
            unread(&format!("{stage}FROM debian:12\nCOPY --from=s /w/src/a.c /x\n")),
            ["docs/x", "src/b.c"]
        );
        // A RUN may read anything, and so may whoever has the image.
        for all in [
            format!("{stage}RUN a\nFROM debian:12\nCOPY --from=s /w/src /x\n"),
            format!("{stage}FROM s\n"),
            format!("{stage}FROM s AS t\nRUN a\nFROM debian:12\nCOPY --from=t /w/src /x\n"),
            format!("{stage}FROM debian:12\nCOPY --from=s / /x\n"),
            format!("{stage}FROM debian:12\nCOPY --from=s /w/*/x /x\n"),
            format!("{stage}FROM debian:12\nRUN --mount=from=s,target=/m a\nCOPY --from=s /w/src /x\n"),
        ] {
            assert_eq!(unread(&all), Vec::<String>::new(), "{all}");
        }
        assert_eq!(
            unread(
                "FROM debian:12 AS s\nCOPY src/a.c /w\nCOPY docs /d\nFROM debian:12\nCOPY --from=s /w /x\n"
            ),
            ["docs/x"]
        );
    }
}
