//! Why a step runs.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use layerwise_model::eval::Command;
use layerwise_model::graph::{Input, Kind, Part, Vertex, is_git, is_http};
use layerwise_model::selection::{self, Key};
use layerwise_syntax::Keyword;

use super::{Cause, Match, Side, line_of, remote_cause};

/// How many changed files one step names.
const MAX_FILES: usize = 20;

/// How many old vertices with the same command are looked at for the one that a new vertex comes from.
const MAX_COUNTERPARTS: usize = 16;

/// Explains the vertices of one comparison.
pub(crate) struct Explain<'a> {
    before: Option<&'a Side<'a>>,
    after: &'a Side<'a>,
    matches: &'a [Match],
    /// Whether there were builds before of which only the keys are known.
    keys_only: bool,
    /// Old vertices by kind and command.
    by_command: HashMap<(std::mem::Discriminant<Kind>, Key), Vec<usize>>,
    changed: OnceCell<Vec<String>>,
}

impl<'a> Explain<'a> {
    pub(crate) fn new(
        before: Option<&'a Side<'a>>,
        after: &'a Side<'a>,
        matches: &'a [Match],
        keys_only: bool,
    ) -> Explain<'a> {
        let mut by_command: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, vertex) in before.iter().flat_map(|b| b.graph.vertices.iter().enumerate()) {
            if let Some(command) = command(vertex) {
                by_command.entry((std::mem::discriminant(&vertex.kind), command)).or_default().push(index);
            }
        }
        Explain { before, after, matches, keys_only, by_command, changed: OnceCell::new() }
    }

    /// The causes of a vertex that belongs to the instruction `number`; none for a cached one.
    pub(crate) fn vertex(&self, vertex: usize, number: usize) -> Vec<Cause> {
        let mut causes = BTreeSet::new();
        match &self.matches[vertex] {
            Match::Same(_) => {}
            Match::Gone => {
                causes.insert(Cause::NotInCache);
            }
            Match::Maybe(_) => self.deciding(vertex, number, &mut causes),
            Match::New => match self.before {
                Some(before) => self.changed(vertex, number, before, &mut causes),
                None if self.keys_only => self.nearest(vertex, number, &mut causes),
                None => {}
            },
        }
        causes.into_iter().collect()
    }

    /// What can be said where of the builds before only the keys are known: the step below, or the step itself.
    fn nearest(&self, vertex: usize, number: usize, causes: &mut BTreeSet<Cause>) {
        let vertex = &self.after.graph.vertices[vertex];
        for input in &vertex.inputs {
            match input {
                Input::Result(base) if !self.matches[*base].is_same() => {
                    causes.insert(self.base_cause(*base, number));
                }
                Input::Files(source, _) if !self.matches[*source].is_same() => {
                    causes.insert(self.source_cause(*source, number));
                }
                _ => {}
            }
        }
        if causes.is_empty() {
            causes.insert(
                remote_cause(&vertex.kind).unwrap_or_else(|| Cause::Line(self.after.file.line(number))),
            );
        }
    }

    /// What decides a vertex whose definition is unchanged.
    fn deciding(&self, vertex: usize, number: usize, causes: &mut BTreeSet<Cause>) {
        for input in &self.after.graph.vertices[vertex].inputs {
            if let Input::Result(source) | Input::Files(source, _) = input
                && !self.matches[*source].is_same()
            {
                causes.insert(self.source_cause(*source, number));
            }
        }
        // A base image or a download that may have moved.
        causes.extend(remote_cause(&self.after.graph.vertices[vertex].kind));
        if causes.is_empty() {
            // Other files than before: what they come out as is up to the step that made them.
            for input in &self.after.graph.vertices[vertex].inputs {
                if let Input::Files(source, _) = input {
                    causes.insert(self.source_cause(*source, number));
                }
            }
        }
        if causes.is_empty() {
            causes
                .insert(self.remote_of(number).unwrap_or_else(|| Cause::Line(self.after.file.line(number))));
        }
    }

    fn source_cause(&self, source: usize, number: usize) -> Cause {
        let vertex = &self.after.graph.vertices[source];
        remote_cause(&vertex.kind).unwrap_or_else(|| Cause::Line(self.line(source, number)))
    }

    /// The line of the step that made a vertex; of several, the nearest above the instruction `number`.
    fn line(&self, vertex: usize, number: usize) -> usize {
        let file = self.after.file;
        let above = self.after.graph.of_instruction.range(..number).rev().find(|(_, v)| **v == vertex);
        match above {
            Some((nearest, _)) => file.line(*nearest),
            None => line_of(file, self.after.graph.vertices[vertex].origin),
        }
    }

    /// What an ADD downloads, if it does.
    fn remote_of(&self, number: usize) -> Option<Cause> {
        match &self.after.eval.step(number).command {
            Command::Copy(copy) if copy.add => {
                copy.sources.iter().find(|s| is_http(s) || is_git(s)).map(|s| Cause::Remote(s.clone()))
            }
            _ => None,
        }
    }

    /// What changed the key of a vertex.
    fn changed(&self, index: usize, number: usize, before: &Side<'_>, causes: &mut BTreeSet<Cause>) {
        let vertex = &self.after.graph.vertices[index];
        let own = Cause::Line(self.after.file.line(number));
        if let Kind::Image(reference) = &vertex.kind {
            causes.insert(Cause::Image(reference.clone()));
            return;
        }
        let below = vertex.inputs.first().and_then(|input| match input {
            Input::Result(base) if matches!(self.matches[*base], Match::New | Match::Gone) => Some(*base),
            _ => None,
        });
        let counterpart = self.counterpart(vertex);
        let Some(old) = counterpart.map(|i| &before.graph.vertices[i]) else {
            if below.is_none() && self.target_changed(before) && self.was_not_built(before, number) {
                let name = self.after.options.target.clone().unwrap_or_default();
                causes.insert(Cause::Target(name));
            } else {
                causes.insert(own);
            }
            return;
        };
        if let Some(base) = below {
            causes.insert(self.base_cause(base, number));
        }
        // Looking for each part takes the square of their number, which few vertices need.
        let (new_parts, old_parts) = match vertex.parts == old.parts {
            true => (&[][..], &[][..]),
            false => (&*vertex.parts, &*old.parts),
        };
        for (part, key) in new_parts {
            if old_parts.iter().find(|(p, _)| p == part).map(|(_, k)| k) != Some(key) {
                self.part(part, number, before, &own, causes);
            }
        }
        for (part, _) in old_parts {
            if !new_parts.iter().any(|(p, _)| p == part) {
                self.part(part, number, before, &own, causes);
            }
        }
        let new_content: Vec<&Input> =
            vertex.inputs.iter().filter(|i| !matches!(i, Input::Result(_))).collect();
        let old_content: Vec<&Input> = old.inputs.iter().filter(|i| !matches!(i, Input::Result(_))).collect();
        if new_content.len() != old_content.len() {
            causes.insert(own.clone());
        } else {
            for (new, old) in new_content.iter().zip(&old_content) {
                match (new, old) {
                    (Input::Content(new), Input::Content(old)) if new != old => {
                        self.files(number, &own, causes)
                    }
                    (Input::Files(source, _), _) if !self.matches[*source].is_same() => {
                        causes.insert(self.source_cause(*source, number));
                    }
                    _ => {}
                }
            }
        }
        if causes.is_empty() {
            causes.insert(own);
        }
    }

    /// The step below which everything runs again, or the image that is another one.
    fn base_cause(&self, base: usize, number: usize) -> Cause {
        let vertex = &self.after.graph.vertices[base];
        match &vertex.kind {
            Kind::Image(reference) => Cause::Image(reference.clone()),
            _ => Cause::Line(self.line(base, number)),
        }
    }

    /// The old vertex with the same command that is most like the new one.
    fn counterpart(&self, vertex: &Vertex) -> Option<usize> {
        let before = self.before?;
        let candidates = self.by_command.get(&(std::mem::discriminant(&vertex.kind), command(vertex)?))?;
        candidates.iter().copied().take(MAX_COUNTERPARTS).max_by_key(|&i| {
            let old = &before.graph.vertices[i];
            match vertex.parts == old.parts {
                true => vertex.parts.len(),
                false => vertex.parts.iter().filter(|p| old.parts.contains(p)).count(),
            }
        })
    }

    fn target_changed(&self, before: &Side<'_>) -> bool {
        before.options.target != self.after.options.target
    }

    fn was_not_built(&self, before: &Side<'_>, number: usize) -> bool {
        let instruction = self.after.file.instruction(number).1;
        before.file.all().any(|(n, _, i)| {
            i.source().trim() == instruction.source().trim()
                && before.file.stage_of(n).is_some_and(|s| !before.eval.stages[s.index].reachable)
        })
    }

    /// The cause of a part that differs.
    fn part(&self, part: &Part, number: usize, before: &Side<'_>, own: &Cause, causes: &mut BTreeSet<Cause>) {
        let file = self.after.file;
        let setter = |wanted: &dyn Fn(usize) -> bool| {
            // The setting may stand in a stage that this one is based on.
            let mut stage = file.stage_of(number)?.index;
            let mut end = number;
            loop {
                if let Some(n) =
                    file.stages()[stage].body.clone().take_while(|n| *n < end).filter(|n| wanted(*n)).last()
                {
                    return Some(n);
                }
                match self.after.eval.stages[stage].base {
                    layerwise_model::eval::Base::Stage(base) => stage = base,
                    _ => return None,
                }
                end = usize::MAX;
            }
        };
        let line = |found: Option<usize>| found.map_or_else(|| own.clone(), |n| Cause::Line(file.line(n)));
        match part {
            Part::Variable(name) => {
                let is_arg = before.options.build_args.get(name) != self.after.options.build_args.get(name);
                if is_arg {
                    causes.insert(Cause::BuildArg(name.clone()));
                } else {
                    let sets = |n: usize| match &self.after.eval.step(n).command {
                        Command::Env(pairs) => pairs.iter().any(|(k, _)| k == name),
                        Command::Arg(values) => values.iter().any(|(k, _)| k == name),
                        _ => false,
                    };
                    causes.insert(line(setter(&sets)));
                }
            }
            Part::Order => {
                // Only worth saying when no variable's value says it already.
                if causes.is_empty() {
                    let sets =
                        |n: usize| matches!(file.instruction(n).1.kind(), Some(Keyword::Env | Keyword::Arg));
                    causes.insert(line(setter(&sets)));
                }
            }
            Part::Dir => {
                let sets = |n: usize| file.instruction(n).1.kind() == Some(Keyword::Workdir);
                causes.insert(line(setter(&sets)));
            }
            Part::User => {
                let sets = |n: usize| file.instruction(n).1.kind() == Some(Keyword::User);
                causes.insert(line(setter(&sets)));
            }
            Part::Epoch => {
                causes.insert(Cause::BuildArg("SOURCE_DATE_EPOCH".to_owned()));
            }
            Part::Command | Part::Mounts | Part::Platform => {
                causes.insert(own.clone());
            }
        }
    }

    /// The changed files that a COPY or a bind mount reads.
    fn files(&self, number: usize, own: &Cause, causes: &mut BTreeSet<Cause>) {
        let sources: Vec<&str> = match &self.after.eval.step(number).command {
            Command::Copy(copy) => copy.sources.iter().map(String::as_str).collect(),
            Command::Run(run) => run.mounts.iter().map(|(m, _)| m.source.as_str()).collect(),
            _ => Vec::new(),
        };
        let found: Vec<&String> = self
            .changed_files()
            .iter()
            .filter(|path| sources.iter().any(|s| selection::may_select(s, path)))
            .take(MAX_FILES)
            .collect();
        if found.is_empty() {
            causes.insert(own.clone());
        }
        causes.extend(found.into_iter().cloned().map(Cause::File));
    }

    /// The paths whose entries differ between the two contexts, sorted. What they share is not looked at.
    fn changed_files(&self) -> &[String] {
        self.changed.get_or_init(|| {
            let (Some(before), Some(after)) = (self.before.and_then(|b| b.context), self.after.context)
            else {
                return Vec::new();
            };
            let mut all: Vec<String> =
                before.entries.changed(&after.entries).into_iter().map(str::to_owned).collect();
            all.sort_unstable();
            all
        })
    }
}

/// The part of a vertex that says what it does.
fn command(vertex: &Vertex) -> Option<Key> {
    vertex.parts.iter().find(|(part, _)| *part == Part::Command).map(|(_, key)| *key)
}
