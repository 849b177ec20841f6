//! Keys that outlive a process: what stored figures and known builds are found by.

use blake3::Hasher;

use crate::graph::{Graph, Input};
use crate::selection::{Key, field};

/// The keys of a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepKeys {
    /// The key of its own definition: what it does, whatever it does it to. It stays when layers below or copied files
    /// change.
    pub definition: Key,
    /// The definition chained with the full keys of all inputs and the content of copied files, as a cache key is. It is
    /// the same in another process only if the files of the context were read: unread ones
    /// ([`crate::Content::Unread`]) have numbers that mean nothing elsewhere.
    pub full: Key,
}

/// The keys of every vertex of a graph, by the vertex's index.
pub fn keys(graph: &Graph) -> Vec<StepKeys> {
    let mut all: Vec<StepKeys> = Vec::with_capacity(graph.vertices.len());
    for vertex in &graph.vertices {
        let mut hasher = Hasher::new();
        field(&mut hasher, b"step");
        field(&mut hasher, &vertex.digest);
        for input in &vertex.inputs {
            // Inputs come before what uses them; one that does not adds nothing.
            let source = |index: &usize| all.get(*index).map_or([0; 32], |k| k.full);
            match input {
                Input::Result(index) => {
                    field(&mut hasher, b"result");
                    field(&mut hasher, &source(index));
                }
                Input::Files(index, selector) => {
                    field(&mut hasher, b"files");
                    field(&mut hasher, &source(index));
                    field(&mut hasher, selector);
                }
                Input::Content(key) => {
                    field(&mut hasher, b"content");
                    field(&mut hasher, key);
                }
            }
        }
        all.push(StepKeys { definition: vertex.digest, full: *hasher.finalize().as_bytes() });
    }
    all
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::graph::{Contexts, graph};
    use crate::images::WellKnown;
    use crate::{File, Options, evaluate};

    fn keys_of(text: &str) -> Vec<StepKeys> {
        let (file, options) = (File::new(Parsed::new(text)), Options::default());
        let eval = evaluate(&file, &options, &WellKnown);
        let graph = graph(&file, &eval, &options, Contexts::default());
        keys(&graph)
    }

    #[test]
    fn the_definition_stays_and_the_full_key_follows_what_lies_below() {
        let (one, two) = (keys_of("FROM alpine\nRUN a\nRUN b\n"), keys_of("FROM alpine\nRUN other\nRUN b\n"));
        assert_eq!(one[0], two[0]);
        assert_eq!(one[2].definition, two[2].definition);
        assert_ne!(one[2].full, two[2].full);
        assert_ne!(one[1].definition, two[1].definition);
    }

    #[test]
    fn other_files_of_a_stage_are_another_key() {
        let text = |path: &str| format!("FROM alpine AS a\nRUN a\nFROM alpine\nCOPY --from=a {path} /x\n");
        let (one, two) = (keys_of(&text("/a/f")), keys_of(&text("/b/f")));
        let last = |keys: &[StepKeys]| keys.last().copied().expect("a vertex");
        // The action holds the base name only; the directory selects.
        assert_eq!(last(&one).definition, last(&two).definition);
        assert_ne!(last(&one).full, last(&two).full);
    }
}
