//! The format of cases (tests/oracle/README.md): a folder, a Dockerfile, and edits, each followed by a build.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One case. All builds but the last fill the cache; the steps of the last one are judged.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A name, unique in all files.
    pub id: String,
    /// What it shows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What a builder must know for it: see [`Need`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Whether it is one of the few that stand for all where there is little time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sample: bool,
    /// Images that are made first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The folder, by path.
    #[serde(default)]
    pub files: BTreeMap<String, Node>,
    /// The Dockerfile.
    pub dockerfile: Text,
    /// How it is built.
    #[serde(default)]
    pub build: Build,
    /// The edits, each on top of the one before.
    pub edits: Vec<Edit>,
}

/// Something that not every engine or machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// A frontend that knows `COPY --parents`.
    Parents,
    /// A frontend that knows `RUN --device`.
    Device,
    /// A frontend that knows `RUN --security`.
    Security,
    /// A `git` that can serve a repository.
    Git,
    /// `ssh-agent`.
    Ssh,
    /// containerd's image store: several platforms, named contexts that are OCI layouts.
    Containerd,
}

/// A text: one string, or its lines without their ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Text {
    /// As it is.
    Whole(String),
    /// Lines, each of which gets a line feed.
    Lines(Vec<String>),
}

impl Default for Text {
    fn default() -> Text {
        Text::Lines(Vec::new())
    }
}

impl Text {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// The text as one string.
    pub fn text(&self) -> String {
        match self {
            Text::Whole(text) => text.clone(),
            Text::Lines(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
        }
    }
}

/// An image in the engine's own store.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its name and tag.
    pub tag: String,
    /// What it is built from, with an empty context.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub dockerfile: Text,
    /// Another name for this image, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// A folder of the case in which it is put as an OCI layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
}

/// What stands at a path of the folder: a file by its content alone, or anything by its properties.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Node {
    /// A file with mode 0644.
    Content(String),
    /// Anything else.
    Other(Properties),
}

/// The properties of an entry; what is absent is as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    /// The content of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The permission bits, octal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The target of a symbolic link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether it is a directory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dir: bool,
    /// The files of a tar archive, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tar: Option<BTreeMap<String, String>>,
    /// The files of the next commit of a bare git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<BTreeMap<String, String>>,
}

/// How a build is asked for. Paths are relative to the case's folder.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// Where the Dockerfile stands; `Dockerfile` in the context by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The context; the folder itself by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// `--build-arg`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// `--target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `--platform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// `--build-context`: folders, `docker-image://...`, `oci-layout://folder`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contexts: BTreeMap<String, String>,
    /// `--secret`: values by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// `--ssh`: ids for which an agent is offered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ssh: Vec<String>,
    /// `--network`; `none` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// A change of everything before a build.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// The new Dockerfile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile: Option<Text>,
    /// Texts of the Dockerfile and what replaces each, everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replace: Vec<(String, String)>,
    /// Entries that are written; `null` removes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub write: BTreeMap<String, Option<Node>>,
    /// Entries that are renamed.
    #[serde(rename = "move", skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<(String, String)>,
    /// Entries that get another mode (octal).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub chmod: BTreeMap<String, String>,
    /// Entries that get another time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub touch: Vec<String>,
    /// Fields of [`Build`] that are other ones; `null` is the default.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub build: Value,
    /// Images that are made again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

impl Edit {
    /// The Dockerfile after this edit. A text to replace that is not there is a mistake in the case.
    pub fn dockerfile(&self, before: &str) -> Result<String, String> {
        let mut text = self.dockerfile.as_ref().map_or_else(|| before.to_owned(), Text::text);
        for (old, new) in &self.replace {
            if !text.contains(old.as_str()) {
                return Err(format!("`{old}` is not in the Dockerfile"));
            }
            text = text.replace(old.as_str(), new);
        }
        Ok(text)
    }

    /// The build after this edit.
    pub fn build(&self, before: &Build) -> Result<Build, String> {
        let mut value = serde_json::to_value(before).map_err(|e| e.to_string())?;
        for (name, new) in self.build.as_object().into_iter().flatten() {
            match new.is_null() {
                true => value.as_object_mut().and_then(|all| all.remove(name)),
                false => value.as_object_mut().and_then(|all| all.insert(name.clone(), new.clone())),
            };
        }
        serde_json::from_value(value).map_err(|e| format!("build: {e}"))
    }
}

/// Reads the cases of a file, or of all `.json` files of a folder in order of their names.
pub fn read(path: &Path) -> Result<Vec<Case>, String> {
    let said = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    if path.is_dir() {
        let listed = fs::read_dir(path).map_err(|e| said(&e))?;
        let mut files: Vec<_> = listed.filter_map(Result::ok).map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|e| e == "json"));
        files.sort();
        let mut all = Vec::new();
        for file in files {
            all.extend(read(&file)?);
        }
        return Ok(all);
    }
    let text = fs::read_to_string(path).map_err(|e| said(&e))?;
    serde_json::from_str(&text).map_err(|e| said(&e))
}
