//! Which files are Dockerfiles, and finding them below a folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Ends of names that editors, patch tools and package managers leave behind.
const LEFTOVERS: &[&str] = &[
    "~",
    ".swp",
    ".swo",
    ".swx",
    ".swn",
    ".un~",
    ".bak",
    ".orig",
    ".rej",
    ".tmp",
    ".old",
    ".save",
    ".dpkg-dist",
    ".dpkg-old",
    ".rpmnew",
    ".rpmsave",
];

/// Ends of the names of templates: another program makes a Dockerfile of them, and until then they are none.
const TEMPLATES: [&str; 9] =
    [".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".mustache", ".gotmpl"];

/// Whether a file of this name is a Dockerfile: `Dockerfile`, `Dockerfile.*`, `*.Dockerfile`, `Containerfile`,
/// `Containerfile.*`.
///
/// Case is as Docker has it: BuildKit takes `dockerfile` where there is no `Dockerfile`, so the word may be all lower
/// case, and nothing else. Ignore files (`Dockerfile.dockerignore`), templates and leftovers of editors are
/// none.
pub fn is_dockerfile_name(name: &OsStr) -> bool {
    // A name that is not UTF-8 can still be one, such as `Dockerfile.` and some bytes.
    let name = name.to_string_lossy();
    let ignore_file = name.ends_with(".dockerignore") || name.ends_with(".containerignore");
    if ignore_file
        || name.starts_with('#')
        || LEFTOVERS.iter().chain(&TEMPLATES).any(|end| name.ends_with(end))
    {
        return false;
    }
    ["Dockerfile", "dockerfile", "Containerfile", "containerfile"].iter().any(|word| {
        let docker = word.ends_with("ockerfile");
        match name.strip_prefix(word) {
            Some("") => true,
            Some(rest) if rest.len() > 1 && rest.starts_with('.') => true,
            _ => docker && name.strip_suffix(word).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    })
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The Dockerfiles, in order of their paths, each as `dir` joined with its path below.
    pub files: Vec<PathBuf>,
    /// What could not be read: a sentence for each, with the path in it.
    pub errors: Vec<String>,
}

/// Deeper folders are not searched: no project has them, and a hostile tree must end.
const MAX_DEPTH: usize = 128;

/// The Dockerfiles below a folder.
///
/// What git ignores is left out, also where there is no repository but a `.gitignore`; `.git` itself too. Other hidden
/// folders are searched (`.devcontainer/Dockerfile`). Links are not followed.
pub fn dockerfiles_below(dir: &Path) -> Found {
    let mut found = Found::default();
    let walk = ignore::WalkBuilder::new(dir)
        .hidden(false)
        .ignore(false)
        .require_git(false)
        .follow_links(false)
        .max_depth(Some(MAX_DEPTH))
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(OsStr::cmp)
        .build();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let is_file = entry.file_type().is_some_and(|t| t.is_file());
                if is_file && is_dockerfile_name(entry.file_name()) {
                    found.files.push(entry.into_path());
                }
            }
            Err(error) => found.errors.push(error.to_string()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "Dockerfile",
            "dockerfile",
            "Dockerfile.prod",
            "Dockerfile.dev.arm64",
            "api.Dockerfile",
            "api.dockerfile",
            "Containerfile",
            "Containerfile.dev",
        ] {
            assert!(is_dockerfile_name(OsStr::new(name)), "{name}");
        }
        for name in [
            "DOCKERFILE",
            "DockerFile",
            "Dockerfile.dockerignore",
            "api.Dockerfile.dockerignore",
            "Dockerfile.swp",
            ".Dockerfile.swp",
            "Dockerfile~",
            "Dockerfile.orig",
            "Dockerfile.j2",
            "Dockerfile.prod.tmpl",
            "Dockerfile.",
            ".Dockerfile",
            "Dockerfiles",
            "MyDockerfile",
            "Dockerfile-prod",
            "#Dockerfile.x#",
            "docker-compose.yml",
            "",
        ] {
            assert!(!is_dockerfile_name(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn folders_are_walked_as_git_would() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for path in [
            "b/Dockerfile",
            "a/Dockerfile.x",
            "out/Dockerfile",
            ".devcontainer/Dockerfile",
            ".git/Dockerfile",
        ] {
            std::fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            std::fs::write(at(path), "FROM scratch\n").unwrap();
        }
        std::fs::create_dir(at("Dockerfile")).unwrap();
        std::fs::write(at(".gitignore"), "/out\n").unwrap();
        let found = dockerfiles_below(dir.path());
        let expected = [".devcontainer/Dockerfile", "a/Dockerfile.x", "b/Dockerfile"].map(at);
        assert_eq!(found.files, expected);
        assert_eq!(found.errors, Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let found = dockerfiles_below(Path::new("/nonexistent/folder"));
        assert!(found.files.is_empty());
        assert!(found.errors.iter().any(|e| e.contains("/nonexistent/folder")), "{:?}", found.errors);
    }
}
