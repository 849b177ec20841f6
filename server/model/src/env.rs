//! An environment as BuildKit keeps it: ordered by when each variable was last set.
//!
//! The order is part of a RUN's cache key. Source: client/llb/state.go, client/llb/meta.go (`EnvList`).

use std::sync::Arc;

use crate::shared_map::SharedMap;

/// Variables in the order in which they were last set. Clones share their content, also after one is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    vars: SharedMap<Arc<str>>,
}

impl Env {
    /// Sets a variable; one that was there moves to the end.
    pub fn set(&mut self, name: &str, value: &str) {
        self.vars.insert(name, value.into());
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(AsRef::as_ref)
    }

    /// How many variables there are.
    pub fn len(&self) -> usize {
        self.vars.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.vars.is_empty()
    }

    /// The variables in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name, value.as_ref()))
    }

    /// Whether two environments are the same object, and so equal without a look.
    pub fn is_same(&self, other: &Env) -> bool {
        self.vars.is_same(&other.vars)
    }
}

impl layerwise_syntax::words::Env for Env {
    fn get(&self, name: &str) -> Option<&str> {
        Env::get(self, name)
    }
}

/// The environment of an image's configuration: a variable that is set again keeps its place (`addEnv`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfigEnv {
    vars: SharedMap<Arc<str>>,
}

impl ConfigEnv {
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.vars.replace(name, value.into());
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.vars.contains(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name, value.as_ref()))
    }
}
