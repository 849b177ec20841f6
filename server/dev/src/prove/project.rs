//! The format of projects (tests/prove/README.md): a small folder, a Dockerfile, and what is done to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use layerwise_analysis::Applicability;
use serde::Deserialize;

use crate::oracle::case::{Build, Case, Edit, Image, Node, Text};

/// One project: a Dockerfile before, and a refactoring or a rule's fix that makes another one of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// A name, unique in all files.
    pub id: String,
    /// What it shows.
    pub about: String,
    /// Whether it is one of the few that stand for all where there is little time.
    #[serde(default)]
    pub sample: bool,
    /// Images that are made first; `same_as` may name a base of [`super::bases`].
    #[serde(default)]
    pub images: Vec<Image>,
    /// The folder, by path.
    #[serde(default)]
    pub files: BTreeMap<String, Node>,
    /// The Dockerfile before.
    pub dockerfile: Text,
    /// How it is built.
    #[serde(default)]
    pub build: Build,
    /// The refactorings or rules, by name, that are applied one after another.
    pub apply: Vec<Apply>,
    /// What somebody edits later: predicted and built, before and after.
    #[serde(default)]
    pub edit: Option<Edit>,
    /// How the image is started, before and after.
    #[serde(default)]
    pub start: Option<Start>,
    /// By how many of a hundred the image must be smaller at least.
    #[serde(default)]
    pub smaller: Option<u64>,
}

/// One application of a refactoring or a fix.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apply {
    /// The refactoring's id, or the name or code of a rule whose first fix is applied.
    pub name: String,
    /// A text of the Dockerfile at which the cursor stands; by default the first place where there is an offer.
    #[serde(default)]
    pub at: Option<String>,
    /// A text behind that at which a selection ends; without it nothing is selected.
    #[serde(default)]
    pub to: Option<String>,
    /// A part of the offer's title, where there are several.
    #[serde(default)]
    pub title: Option<String>,
    /// What it must promise.
    pub promise: Promise,
    /// Lines that the result must have, in this order.
    #[serde(default)]
    pub gives: Vec<String>,
}

/// What an application promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Promise {
    /// The image is the same.
    Safe,
    /// The user has to look.
    Suggestion,
    /// It is not offered at all: the Dockerfile must stay as it is.
    None,
}

impl Promise {
    /// Whether an offer with this applicability promises that.
    pub fn is(self, applicability: Applicability) -> bool {
        match self {
            Promise::Safe => applicability == Applicability::Safe,
            Promise::Suggestion => applicability == Applicability::Suggestion,
            Promise::None => false,
        }
    }
}

/// A container that is started from the image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// Arguments behind the image's name.
    pub args: Vec<String>,
    /// What it must print, as a part of it.
    pub answer: String,
}

impl Project {
    /// The builds around the later edit of a Dockerfile's text, for the comparison of plan and engine.
    pub fn case(&self, text: &str, edit: &Edit) -> Case {
        Case {
            id: self.id.clone(),
            images: self.images.clone(),
            files: self.files.clone(),
            dockerfile: Text::Whole(text.to_owned()),
            build: self.build.clone(),
            edits: vec![edit.clone()],
            ..Case::default()
        }
    }
}

/// Reads the projects of a file, or of all `.json` files of a folder in order of their names.
pub fn read(path: &Path) -> Result<Vec<Project>, String> {
    let said = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    if !path.is_dir() {
        let text = fs::read_to_string(path).map_err(|e| said(&e))?;
        return serde_json::from_str(&text).map_err(|e| said(&e));
    }
    let listed = fs::read_dir(path).map_err(|e| said(&e))?;
    let mut files: Vec<_> = listed.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    let mut all: Vec<Project> = Vec::new();
    for file in files {
        all.extend(read(&file)?);
    }
    Ok(all)
}
