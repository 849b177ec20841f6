//! Looking the vertices of a build up in what the cache holds, inputs first.

use layerwise_model::Evaluation;
use layerwise_model::built::RowInput;
use layerwise_model::graph::{Graph, Input, Kind};
use layerwise_model::images::certainly_apart;

use super::known::{Contents, Known, Moved};

/// How a vertex of the new build relates to those that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// It has the key of this one.
    Same(usize),
    /// It has the key of one of these if some content comes out the same.
    Maybe(Vec<usize>),
    /// It has no known key.
    New,
    /// It has the key of a vertex that ran, but the result is not in the cache that is imported, and it is needed.
    Gone,
}

impl Match {
    /// Whether the vertex is known not to run.
    pub(crate) fn is_same(&self) -> bool {
        matches!(self, Match::Same(_))
    }
}

/// Whether two inputs are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Equal {
    Yes,
    Unknown,
    No,
}

/// Looks up every vertex of a build.
pub(crate) fn compare(
    known: &Known,
    contents: Contents,
    moved: &Moved,
    after: &Graph,
    eval: &Evaluation,
) -> Vec<Match> {
    if contents == Contents::Nothing {
        return vec![Match::New; after.vertices.len()];
    }
    let mut matches: Vec<Match> = Vec::with_capacity(after.vertices.len());
    for vertex in &after.vertices {
        let mut maybe = Vec::new();
        let mut same = None;
        for &candidate in known.with_digest(&vertex.digest) {
            let old = &known.row(candidate).inputs;
            if old.len() != vertex.inputs.len() {
                continue;
            }
            let equal = vertex.inputs.iter().zip(old).map(|(new, old)| equal(new, old, &matches));
            match equal.max_by_key(|e| *e as u8).unwrap_or(Equal::Yes) {
                Equal::Yes => {
                    same = Some(candidate);
                    break;
                }
                Equal::Unknown => maybe.push(candidate),
                Equal::No => {}
            }
        }
        matches.push(match same {
            Some(same) if moved.holds(&vertex.kind) => Match::Maybe(vec![same]),
            Some(same) => Match::Same(same),
            None if maybe.is_empty() => other_name(known, moved, &vertex.kind),
            None => Match::Maybe(maybe),
        });
    }
    if contents == Contents::Min
        && let Some(target) = eval.target.and_then(|t| after.ends.get(t).copied().flatten())
    {
        without_results(known, after, target, &mut matches);
    }
    matches
}

/// An image under a name that no build had may be one that was there before: another tag, an alias, a mirror, a digest
/// written out. What the cache compares is the layers; where an engine told them they decide, else names do that certainly
/// stand for other images.
fn other_name(known: &Known, moved: &Moved, kind: &Kind) -> Match {
    let Kind::Image(reference) = kind else { return Match::New };
    let layers = moved.layers.get(reference);
    let mut maybe = Vec::new();
    for (index, old) in known.images() {
        match (layers, moved.layers.get(old)) {
            (Some(now), Some(then)) if now == then => return Match::Same(index),
            (Some(_), Some(_)) => {}
            _ if certainly_apart(old, reference) => {}
            _ => maybe.push(index),
        }
    }
    if maybe.is_empty() { Match::New } else { Match::Maybe(maybe) }
}

fn equal(new: &Input, old: &RowInput, matches: &[Match]) -> Equal {
    match (new, old) {
        (Input::Result(new), RowInput::Result(old)) => match &matches[*new] {
            Match::Same(same) if same == old => Equal::Yes,
            Match::Maybe(maybe) if maybe.contains(old) => Equal::Unknown,
            _ => Equal::No,
        },
        (Input::Files(new, new_files), RowInput::Files(old, old_files)) => match &matches[*new] {
            Match::Same(same) if same == old && new_files == old_files => Equal::Yes,
            // Other files, or files that are made again: they may come out with the same content.
            _ => Equal::Unknown,
        },
        (Input::Content(new), RowInput::Content(old)) if new == old => Equal::Yes,
        (Input::Content(_), RowInput::Content(_)) => Equal::No,
        (Input::Content(_), RowInput::Files(..)) | (Input::Files(..), RowInput::Content(_)) => Equal::Unknown,
        _ => Equal::No,
    }
}

/// Of a cache that was exported with mode=min, the keys of all vertices are known but only the image's own layers are there.
/// What is needed and not there runs again. Nothing is needed below a vertex that is there.
fn without_results(known: &Known, after: &Graph, target: usize, matches: &mut [Match]) {
    let mut needed = vec![false; matches.len()];
    let mut open = vec![target];
    while let Some(index) = open.pop() {
        if std::mem::replace(&mut needed[index], true) {
            continue;
        }
        let there = match &matches[index] {
            // A base image comes from its registry, not from the cache.
            _ if after.vertices[index].inputs.is_empty() => true,
            Match::Same(row) => known.row(*row).exported,
            Match::Maybe(_) | Match::New | Match::Gone => false,
        };
        if there {
            continue;
        }
        let gone = match &matches[index] {
            Match::Same(_) => true,
            Match::Maybe(rows) => rows.iter().all(|row| !known.row(*row).exported),
            Match::New | Match::Gone => false,
        };
        if gone {
            matches[index] = Match::Gone;
        }
        for input in &after.vertices[index].inputs {
            if let Input::Result(source) | Input::Files(source, _) = input {
                open.push(*source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use layerwise_model::graph::{Contexts, graph};
    use layerwise_model::images::WellKnown;
    use layerwise_model::{Engine, File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::plan::{Cache, Side, State, plan_in};

    const A: &str = "FROM busybox AS build\nRUN echo one > /one\nCOPY a.txt /a.txt\nRUN cat /a.txt > /out\n\
                     FROM busybox\nRUN echo final\nCOPY --from=build /out /out\nRUN cat /out\n";

    /// One letter per instruction: `c`ached, `r`ebuilt, `d`epends, `m`etadata, `n`ot built.
    fn states(builds: &[&str], after: &str, contents: Contents, moved: &Moved, engine: &str) -> String {
        let options = Options { engine: Engine::parse(engine).expect(engine), ..Options::default() };
        let build = |text: &str| {
            let file = File::new(Parsed::new(text));
            let eval = evaluate(&file, &options, &WellKnown);
            let graph = graph(&file, &eval, &options, Contexts::default());
            (file, eval, graph)
        };
        let mut known = Known::default();
        for text in builds {
            let (_, eval, graph) = build(text);
            known.add(&graph, &eval);
        }
        // What is kept and read again is the same.
        let mut again = Known::default();
        again.extend(known.rows());
        assert_eq!(again.rows(), known.rows());
        let (file, eval, graph) = build(after);
        let side = Side { file: &file, eval: &eval, graph: &graph, context: None, options: &options };
        let plan = plan_in(&Cache { known: &known, contents, moved, before: None }, &side);
        plan.steps
            .iter()
            .map(|s| match s.state {
                State::Cached => 'c',
                State::Rebuilt => 'r',
                State::Depends => 'd',
                State::Metadata => 'm',
                State::NotBuilt => 'n',
            })
            .collect()
    }

    /// Built with docker 28.5.2, `--cache-to type=local,mode=...`, the machine's own cache pruned, `--cache-from`.
    #[test]
    fn an_imported_cache() {
        let last = A.replace("cat /out\n", "cat /out && true\n");
        let source = A.replace("echo one", "echo  one");
        let middle = A.replace("echo final", "echo final2");
        let none = Moved::default();
        for (after, min, max) in [
            (A, "cccccccc", "cccccccc"),
            (&last, "cccccccr", "cccccccr"),
            // The builder found the COPY and the RUN below it cached once the files had come out the same.
            (&source, "crrrccdd", "crrrccdd"),
            // The files of the stage are needed, and its layers are not in the cache.
            (&middle, "crrrcrrr", "cccccrrr"),
        ] {
            assert_eq!(states(&[A], after, Contents::Min, &none, "buildkit"), min, "{after}");
            assert_eq!(states(&[A], after, Contents::Max, &none, "buildkit"), max, "{after}");
            assert_eq!(states(&[A], after, Contents::Nothing, &none, "buildkit"), "rrrrrrrr");
        }
    }

    #[test]
    fn a_revert_is_a_hit() {
        let other = A.replace("echo final", "echo final2");
        let states =
            |builds: &[&str], after| states(builds, after, Contents::Local, &Moved::default(), "buildkit");
        assert_eq!(states(&[&other], A), "cccccrrr");
        assert_eq!(states(&[A, &other], A), "cccccccc");
        assert_eq!(states(&[A, &other], &other), "cccccccc");
        // A step of the one on a layer of the other is neither.
        let mixed = other.replace("cat /out\n", "cat  /out\n");
        assert_eq!(states(&[A, &other], &mixed), "cccccccr");
    }

    #[test]
    fn what_moved_may_be_another() {
        let text = "FROM debian:12\nADD http://example.com/f /f\nRUN a\nFROM alpine@sha256:0000000000000000000000000000000000000000000000000000000000000000\nRUN b\nCOPY --from=0 /f /f\n";
        let moved = |names: &[&str], all| Moved {
            all,
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            ..Moved::default()
        };
        for (moved, states_) in [
            (moved(&[], false), "cccccc"),
            (moved(&[], true), "dddccd"),
            (moved(&["debian:12"], false), "dddccd"),
            (moved(&["http://example.com/f"], false), "cddccd"),
            (moved(&["docker.io/library/debian:12", "x"], false), "dddccd"),
            (moved(&["debian:11"], false), "cccccc"),
        ] {
            assert_eq!(states(&[text], text, Contents::Local, &moved, "buildkit"), states_, "{moved:?}");
        }
    }

    #[test]
    fn a_base_image_under_another_name() {
        for (before, after, states_) in [
            ("busybox", "alias", "dd"),
            ("alias", "busybox", "dd"),
            ("busybox", "busybox:other", "dd"),
            ("busybox", "example.com/team/other:1", "dd"),
            ("docker.io/library/node:22", "mirror.example.com/library/node:22", "dd"),
            ("node:22", "node:22.11", "dd"),
            ("node:22", "node:20", "rr"),
            ("golang:1.22", "alpine:3.20", "rr"),
            ("mcr.microsoft.com/dotnet/aspnet:9.0", "mcr.microsoft.com/dotnet/sdk:9.0", "dd"),
        ] {
            let text = |image: &str| format!("FROM {image}\nRUN a\n");
            let found =
                states(&[&text(before)], &text(after), Contents::Local, &Moved::default(), "buildkit");
            assert_eq!(found, states_, "{before} to {after}");
        }
    }

    #[test]
    fn layers_that_an_engine_told() {
        let layers =
            [("docker.io/library/busybox:latest", "1"), ("example.com/a:1", "1"), ("example.com/a:2", "2")];
        let layers = layers.map(|(name, id)| (name.to_owned(), id.to_owned())).into();
        let moved = Moved { layers, ..Moved::default() };
        for (after, states_) in
            [("example.com/a:1", "cc"), ("example.com/a:2", "rr"), ("example.com/a:3", "dd")]
        {
            let text = |image: &str| format!("FROM {image}\nRUN a\n");
            assert_eq!(
                states(&[&text("busybox")], &text(after), Contents::Local, &moved, "buildkit"),
                states_
            );
        }
    }

    #[test]
    fn engines_that_make_a_layer_of_everything() {
        let text = "FROM debian:12 AS a\nLABEL x=1\nRUN a\nFROM debian:12 AS unused\nRUN b\nFROM debian:12\nUSER u\nCOPY --from=a /x /x\nCMD c\n";
        let label = text.replace("x=1", "x=2");
        let user = text.replace("USER u", "USER v");
        let states = |after: &str, engine| states(&[text], after, Contents::Local, &Moved::default(), engine);
        assert_eq!(states(&label, "buildkit"), "cmcnncmcm");
        assert_eq!(states(&label, "buildah"), "crrnnccdd");
        assert_eq!(states(&label, "legacy"), "crrccccdd");
        assert_eq!(states(&user, "buildkit"), "cmcnncmcm");
        assert_eq!(states(&user, "legacy"), "cccccc".to_owned() + "rrr");
    }
}
