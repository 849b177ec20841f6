//! Generated files: what they are made from, where they lie, and whether they are up to date.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::rules_docs;

/// Where copies of the queries go, and which: `cargo package` cannot reach outside a crate, nor an editor's package
/// outside its folder.
const QUERY_COPIES: &[(&str, &[&str])] =
    &[("server/syntax/queries", &["folds.scm", "highlights.scm", "injections.scm", "spans.scm"])];

/// Where the page's sources are, and where the copies go that `render` embeds.
const PAGE: (&str, &str) = ("editors/visualizer", "server/render/src/page");

/// The parts of the page, each with the sources that it is made of, in order.
const PAGE_PARTS: &[(&str, &[&str])] = &[
    ("page.html", &["page.html"]),
    ("page.css", &["page.css"]),
    (
        "page.js",
        &["text.js", "plan.js", "whatif.js", "layout.js", "lanes.js", "details.js", "files.js", "main.js"],
    ),
];

/// Where the schema of `layerwise.toml` is.
const SCHEMA: &str = "docs/layerwise.schema.json";

/// Where the pages of the rules and refactorings are.
const RULES: &str = "docs/rules";

/// A file that is missing, differs from what it is generated from, or should not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Its path from the workspace's folder.
    pub path: PathBuf,
    /// What it must hold; `None` for a file that must go.
    pub content: Option<String>,
}

impl Stale {
    /// Writes or removes the file below `root`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        let path = root.join(&self.path);
        match &self.content {
            Some(content) => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                fs::write(path, content)
            }
            None => fs::remove_file(path),
        }
    }
}

/// The generated files below the workspace's folder `root` that are not as they must be, by path.
///
/// # Errors
/// What the file system says about a source or a folder, with its path.
pub fn stale(root: &Path) -> io::Result<Vec<Stale>> {
    let mut found = Vec::new();
    for (folder, names) in QUERY_COPIES {
        for name in *names {
            let content = header(name) + &read(&root.join("queries").join(name))?;
            let path = Path::new(folder).join(name);
            // A checkout may have given the file other line endings.
            let same =
                fs::read_to_string(root.join(&path)).is_ok_and(|old| old.replace("\r\n", "\n") == content);
            if !same {
                found.push(Stale { path, content: Some(content) });
            }
        }
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !names.iter().any(|known| name == *known) {
                found.push(Stale { path: Path::new(folder).join(name), content: None });
            }
        }
    }
    for (name, sources) in PAGE_PARTS {
        let mut content = String::new();
        for source in *sources {
            let text = read(&root.join(PAGE.0).join(source))?;
            content.push_str(&if source.ends_with(".js") { module(&text) } else { text });
        }
        let path = Path::new(PAGE.1).join(name);
        let same = fs::read_to_string(root.join(&path)).is_ok_and(|old| old.replace("\r\n", "\n") == content);
        if !same {
            found.push(Stale { path, content: Some(content) });
        }
    }
    let schema = serde_json::to_string_pretty(&layerwise_analysis::config::schema())? + "\n";
    if !fs::read_to_string(root.join(SCHEMA)).is_ok_and(|old| old.replace("\r\n", "\n") == schema) {
        found.push(Stale { path: SCHEMA.into(), content: Some(schema) });
    }
    let pages = rules_docs::pages();
    for (path, content) in &pages {
        let same = fs::read_to_string(root.join(path)).is_ok_and(|old| old.replace("\r\n", "\n") == *content);
        if !same {
            found.push(Stale { path: path.into(), content: Some(content.clone()) });
        }
    }
    for entry in fs::read_dir(root.join(RULES)).into_iter().flatten().flatten() {
        let path = Path::new(RULES).join(entry.file_name());
        if !pages.iter().any(|(known, _)| Path::new(known) == path) {
            found.push(Stale { path, content: None });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// A JavaScript module as a part of one script: the parts know each other without imports, and export nothing.
fn module(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with("import ")) {
        out.push_str(line.strip_prefix("export ").unwrap_or(line));
        out.push('\n');
    }
    out
}

fn header(name: &str) -> String {
    format!("; Generated from queries/{name} by `cargo dev gen`: edit that file.\n")
}

fn read(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text.replace("\r\n", "\n")),
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_files_are_found_and_written() -> io::Result<()> {
        let root = std::env::temp_dir().join(format!("layerwise-generate-{}", std::process::id()));
        fs::create_dir_all(root.join("queries"))?;
        assert!(stale(&root).is_err(), "the sources are missing");
        for (_, names) in QUERY_COPIES {
            for name in *names {
                fs::write(root.join("queries").join(name), format!("({name})\r\n"))?;
            }
        }
        assert!(stale(&root).is_err(), "the page is missing");
        fs::create_dir_all(root.join(PAGE.0))?;
        for source in PAGE_PARTS.iter().flat_map(|(_, sources)| *sources) {
            fs::write(root.join(PAGE.0).join(source), "import { a } from './a.js';\nexport const b = a;\n")?;
        }
        let all = stale(&root)?;
        assert_eq!(
            all.len(),
            QUERY_COPIES.iter().map(|(_, names)| names.len()).sum::<usize>()
                + PAGE_PARTS.len()
                + 1
                + rules_docs::pages().len()
        );
        let script = all.iter().find(|file| file.path.ends_with("page.js")).and_then(|f| f.content.clone());
        let parts = PAGE_PARTS.iter().find(|(name, _)| *name == "page.js").map_or(0, |(_, s)| s.len());
        assert_eq!(script, Some("const b = a;\n".repeat(parts)));
        for file in &all {
            file.write(&root)?;
        }
        assert_eq!(stale(&root)?, []);
        let (folder, names) = QUERY_COPIES[0];
        fs::write(root.join(folder).join(names[0]), "changed")?;
        fs::write(root.join(folder).join("more.scm"), "")?;
        let found = stale(&root)?;
        assert_eq!(found.len(), 2);
        for file in &found {
            file.write(&root)?;
        }
        assert_eq!(stale(&root)?, []);
        fs::remove_dir_all(root)
    }
}
