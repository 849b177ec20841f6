//! The tree-sitter queries that this crate embeds; the folder `queries` at the top of the repository is their source,
//! and `cargo dev gen` writes the copies. Each is compiled on first use.

use std::sync::OnceLock;

use tree_sitter::{Query, QueryError};

/// Every query by its file name. All but `spans.scm` are there for editors and only checked here.
pub const ALL: [(&str, &str); 4] = [
    ("folds.scm", include_str!("../queries/folds.scm")),
    ("highlights.scm", include_str!("../queries/highlights.scm")),
    ("injections.scm", include_str!("../queries/injections.scm")),
    ("spans.scm", SPANS),
];

const SPANS: &str = include_str!("../queries/spans.scm");

/// Compiles a query for the Dockerfile grammar.
///
/// # Errors
/// tree-sitter's message, with the line and column in the query.
pub fn compile(source: &str) -> Result<Query, String> {
    Query::new(&tree_sitter_dockerfile::LANGUAGE.into(), source).map_err(|error| error.to_string())
}

/// A grammar that a query can be for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grammar {
    /// The Dockerfile's: [`crate::Parsed::node`].
    #[default]
    Dockerfile,
    /// bash, for the scripts in it: [`crate::shell::Script::root`].
    Shell,
}

/// Compiles a query for a grammar.
///
/// # Errors
/// tree-sitter's error: row and column from 0, and the offset, in the query's text.
pub fn compile_for(grammar: Grammar, source: &str) -> Result<Query, QueryError> {
    let language = match grammar {
        Grammar::Dockerfile => tree_sitter_dockerfile::LANGUAGE,
        Grammar::Shell => tree_sitter_bash::LANGUAGE,
    };
    Query::new(&language.into(), source)
}

/// The compiled `spans.scm`. `None` cannot happen with the file as it is; a test compiles every query.
pub(crate) fn spans() -> Option<&'static Query> {
    static QUERY: OnceLock<Option<Query>> = OnceLock::new();
    QUERY.get_or_init(|| compile(SPANS).ok()).as_ref()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_query_compiles() {
        for (name, source) in super::ALL {
            let query = super::compile(source).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(query.pattern_count() > 0, "{name}");
        }
        assert!(super::spans().is_some());
        assert!(super::compile("(no_such_node) @x").is_err());
    }
}
