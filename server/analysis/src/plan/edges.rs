//! What each step of a build reads: the edges of the build graph, by the lines that a person sees.

use std::collections::{BTreeMap, HashMap, HashSet};

use layerwise_model::eval::{Base, Command, Source};
use layerwise_model::graph::{Graph, Input, Kind, is_git, is_http};

use super::{Side, line_of};

/// Something that a step reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// The result of the step at this line (from 1).
    Line(usize),
    /// A build context: the main one, or a named one.
    Context(Option<String>),
    /// An image, by its reference.
    Image(String),
    /// A download or a git repository, by its URL.
    Remote(String),
}

/// One edge of the build graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// What is read.
    pub from: Read,
    /// Whether it is keyed by the content of the files that are read; else by the key of what made them.
    pub by_content: bool,
}

/// The edges of one instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edges {
    /// What its vertex reads, in the vertex's order, without repetition.
    pub inputs: Vec<Edge>,
    /// What, beside its own vertex, makes up the result that the steps above it stand on: the layers below a COPY --link,
    /// which is merged with them, and what the ONBUILD triggers of a FROM read.
    pub result: Vec<Edge>,
}

/// How many stages that stand on one another are searched for the step that made something.
const MAX_BASES: usize = 64;

/// The edges of every instruction that has some, by instruction number.
pub fn edges(side: &Side<'_>) -> BTreeMap<usize, Edges> {
    let makers = Makers::new(side);
    let graph = side.graph;
    let mut found: BTreeMap<usize, Edges> = BTreeMap::new();
    for (&number, &vertex) in &graph.of_instruction {
        let command = &side.eval.step(number).command;
        let edges = found.entry(number).or_default();
        makers.read(vertex, number, command, &mut edges.inputs);
        if let Command::Copy(copy) = command
            && copy.link
        {
            edges.result.extend(makers.below(vertex, number));
        }
    }
    for (&(stage, position), &vertex) in &graph.of_trigger {
        let from = side.file.stages()[stage].from;
        let command = &side.eval.stages[stage].triggers[position].command;
        let own = Read::Line(side.file.line(from));
        let mut reads = Vec::new();
        makers.read(vertex, from, command, &mut reads);
        let result = &mut found.entry(from).or_default().result;
        reads.retain(|edge| edge.from != own && !result.contains(edge));
        result.extend(reads);
    }
    found.retain(|_, edges| !edges.inputs.is_empty() || !edges.result.is_empty());
    found
}

/// Which contexts a command reads: the main one (`None`) or a named one.
pub fn contexts(command: &Command) -> Vec<Option<String>> {
    let of = |source: &Source| match source {
        Source::Context => Some(None),
        Source::Named(name) => Some(Some(name.clone())),
        _ => None,
    };
    let mut found: Vec<Option<String>> = match command {
        Command::Copy(copy) if copy.sources.iter().any(|s| !(copy.add && (is_http(s) || is_git(s)))) => {
            of(&copy.from).into_iter().collect()
        }
        Command::Run(run) => run
            .mounts
            .iter()
            .filter(|(mount, _)| mount.kind == layerwise_syntax::mount::MountKind::Bind)
            .filter_map(|(_, source)| of(source))
            .collect(),
        _ => Vec::new(),
    };
    found.sort();
    found.dedup();
    found
}

/// Which instructions made which vertices.
struct Makers<'a> {
    side: &'a Side<'a>,
    /// The instructions of each vertex, in order; the FROM for a trigger, the COPY --link for a merge.
    of: HashMap<usize, Vec<usize>>,
    /// The merges of each copy.
    merges: HashMap<usize, Vec<usize>>,
}

impl<'a> Makers<'a> {
    fn new(side: &'a Side<'a>) -> Makers<'a> {
        let graph: &Graph = side.graph;
        let mut of: HashMap<usize, Vec<usize>> = HashMap::new();
        for (&number, &vertex) in &graph.of_instruction {
            of.entry(vertex).or_default().push(number);
        }
        for (&(stage, _), &vertex) in &graph.of_trigger {
            of.entry(vertex).or_default().push(side.file.stages()[stage].from);
        }
        of.values_mut().for_each(|numbers| numbers.sort_unstable());
        let mut merges: HashMap<usize, Vec<usize>> = HashMap::new();
        for (index, vertex) in graph.vertices.iter().enumerate() {
            if let (Kind::Merge, [_, Input::Result(copy)]) = (&vertex.kind, vertex.inputs.as_slice()) {
                merges.entry(*copy).or_default().push(index);
            }
        }
        Makers { side, of, merges }
    }

    /// The instruction above `number` that made a vertex which a build of `stage` reads; of several, the last one in that
    /// stage, or in the nearest stage that it stands on.
    fn maker(&self, vertex: usize, number: usize, stage: Option<usize>) -> Option<usize> {
        let vertex = match self.side.graph.vertices[vertex].inputs.as_slice() {
            [_, Input::Result(copy)] if self.side.graph.vertices[vertex].kind == Kind::Merge => *copy,
            _ => vertex,
        };
        let makers = self.of.get(&vertex)?;
        let before = |end: usize| makers.get(makers.partition_point(|n| *n < end).checked_sub(1)?).copied();
        let mut at = stage;
        for _ in 0..MAX_BASES {
            let Some(stage) = at.filter(|_| makers.len() > 1) else { break };
            let found = &self.side.file.stages()[stage];
            if let Some(maker) = before(found.body.end.min(number))
                && maker >= found.from
            {
                return Some(maker);
            }
            at = match self.side.eval.stages[stage].base {
                Base::Stage(base) => Some(base),
                _ => None,
            };
        }
        before(number)
    }

    /// The layers that the copy of the COPY --link `number` is merged with; none if there are none.
    fn below(&self, copy: usize, number: usize) -> Option<Edge> {
        let stage = self.side.file.stage_of(number)?.index;
        let merges = self.merges.get(&copy)?;
        let edges = merges.iter().take(MAX_BASES).filter_map(|merge| {
            let base = self.side.graph.vertices[*merge].inputs.first()?;
            self.edge(base, number, Some(stage))
        });
        // Equal copies are one vertex, but each is merged with the layers of its own stage: those nearest above.
        let own = self.side.file.line(number);
        let above = edges.filter_map(|edge| match edge.from {
            Read::Line(line) if line < own => Some((line, edge)),
            _ => None,
        });
        above.max_by_key(|(line, _)| *line).map(|(_, edge)| edge)
    }

    /// What an input of the instruction `number` reads; `stage` is the stage that it reads from.
    fn edge(&self, input: &Input, number: usize, stage: Option<usize>) -> Option<Edge> {
        let (vertex, by_content) = match input {
            Input::Result(vertex) => (*vertex, false),
            Input::Files(vertex, _) => (*vertex, true),
            Input::Content(_) => return None,
        };
        let made = &self.side.graph.vertices[vertex];
        let from = match &made.kind {
            Kind::Image(reference) if by_content => Read::Image(reference.clone()),
            Kind::Http(url) | Kind::Git(url) => Read::Remote(url.clone()),
            _ => Read::Line(match self.maker(vertex, number, stage) {
                Some(maker) => self.side.file.line(maker),
                None => line_of(self.side.file, made.origin),
            }),
        };
        Some(Edge { from, by_content })
    }

    /// Adds what a vertex of the instruction `number` reads.
    fn read(&self, vertex: usize, number: usize, command: &Command, edges: &mut Vec<Edge>) {
        let own = self.side.file.stage_of(number).map(|s| s.index);
        let mut sources = stages(command);
        let inputs = self.side.graph.vertices[vertex].inputs.iter();
        let graph = inputs.filter_map(|input| match input {
            // Sources that are stages are read in the order in which the command names them; mounts are sorted, and
            // their vertices tell them apart well enough.
            Input::Files(..) => self.edge(input, number, sources.next().or(own)),
            _ => self.edge(input, number, own),
        });
        let found: Vec<Edge> = graph.collect();
        let contexts = contexts(command).into_iter();
        let contexts = contexts.map(|c| Edge { from: Read::Context(c), by_content: true });
        let mut seen: HashSet<Edge> = edges.iter().cloned().collect();
        edges.extend(found.into_iter().chain(contexts).filter(|edge| seen.insert(edge.clone())));
    }
}

/// The stages that a command reads files from, in the order of its sources.
fn stages(command: &Command) -> impl Iterator<Item = usize> + '_ {
    let copy = match command {
        Command::Copy(copy) => match copy.from {
            Source::Stage(stage) => Some((stage, copy.sources.len())),
            _ => None,
        },
        _ => None,
    };
    let mounts = match command {
        Command::Run(run) => run.mounts.as_slice(),
        _ => &[],
    };
    let mounts = mounts.iter().filter_map(|(_, source)| match source {
        Source::Stage(stage) => Some(*stage),
        _ => None,
    });
    copy.into_iter().flat_map(|(stage, count)| std::iter::repeat_n(stage, count)).chain(mounts)
}

#[cfg(test)]
mod tests {
    use layerwise_model::graph::{Contexts, graph};
    use layerwise_model::images::WellKnown;
    use layerwise_model::{File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;

    /// The edges of a Dockerfile as text: `line: reads | result`, `~` before what is read by content.
    fn shown(text: &str) -> Vec<String> {
        let file = File::new(Parsed::new(text));
        let options = Options::default();
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts::default());
        let side = Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options };
        let one = |edge: &Edge| {
            let mark = if edge.by_content { "~" } else { "" };
            match &edge.from {
                Read::Line(line) => format!("{mark}{line}"),
                Read::Context(None) => format!("{mark}context"),
                Read::Context(Some(name)) => format!("{mark}context {name}"),
                Read::Image(image) => format!("{mark}{image}"),
                Read::Remote(url) => format!("{mark}{url}"),
            }
        };
        let all = |edges: &[Edge]| edges.iter().map(one).collect::<Vec<_>>().join(" ");
        edges(&side)
            .iter()
            .map(|(number, e)| {
                let result =
                    if e.result.is_empty() { String::new() } else { format!(" | {}", all(&e.result)) };
                format!("{}: {}{result}", file.line(*number), all(&e.inputs))
            })
            .collect()
    }

    #[test]
    fn layers_and_copies() {
        let text = "FROM alpine AS a\nRUN x\nENV A=1\nCOPY . /s\nFROM scratch\nCOPY --from=a /s /s\n\
                    RUN --mount=from=a,target=/m --mount=target=/c y\nADD https://h/x /x\nCOPY --from=nginx /n /n\n";
        assert_eq!(
            shown(text),
            [
                "2: 1",
                "4: 2 ~context",
                "6: ~4",
                "7: 6 ~4 ~context",
                "8: 7 ~https://h/x",
                "9: 8 ~docker.io/library/nginx:latest",
            ]
        );
    }

    #[test]
    fn a_stage_on_a_stage_reads_its_last_step() {
        assert_eq!(shown("FROM alpine AS a\nRUN x\nFROM a\nLABEL a=b\nRUN y\n"), ["2: 1", "5: 2"]);
    }

    #[test]
    fn equal_steps_belong_to_their_own_stage() {
        let text = "FROM alpine AS a\nRUN x\nRUN p\nFROM alpine\nRUN x\nRUN q\nCOPY --from=a /x /x\n";
        assert_eq!(shown(text), ["2: 1", "3: 2", "5: 4", "6: 5", "7: 6 ~3"]);
    }

    #[test]
    fn linked_copies_are_merged_with_what_is_below() {
        let text = "FROM alpine\nRUN x\nCOPY --link a /a\nCOPY --link b /b\nRUN y\n";
        assert_eq!(shown(text), ["2: 1", "3: ~context | 2", "4: ~context | 3", "5: 4"]);
    }

    #[test]
    fn equal_linked_copies_keep_the_layers_of_their_stage() {
        let text = "FROM alpine AS a\nRUN x\nCOPY --link a /a\nFROM alpine\nRUN y\nCOPY --link a /a\nRUN z\n\
                    COPY --from=a /a /b\n";
        assert_eq!(
            shown(text),
            ["2: 1", "3: ~context | 2", "5: 4", "6: ~context | 5", "7: 6", "8: 7 ~3"],
            "the copy is one vertex"
        );
    }

    #[test]
    fn triggers_are_read_at_from() {
        let text = "FROM alpine AS a\nRUN w\nONBUILD COPY . /s\nONBUILD RUN x\nFROM a\nRUN y\n";
        assert_eq!(shown(text), ["2: 1", "5:  | 2 ~context", "6: 5"]);
    }
}
