//! An environment as BuildKit keeps it: ordered by when each variable was last set.
//!
//! The order is part of a RUN's cache key. Source: client/llb/state.go, client/llb/meta.go (`EnvList`).

use std::sync::Arc;

/// Variables in the order in which they were last set. Clones share their content until one is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    vars: Arc<Vec<(Arc<str>, Arc<str>)>>,
}

impl Env {
    /// Sets a variable; one that was there moves to the end.
    pub fn set(&mut self, name: &str, value: &str) {
        let vars = Arc::make_mut(&mut self.vars);
        let name = match vars.iter().position(|(n, _)| n.as_ref() == name) {
            Some(at) => vars.remove(at).0,
            None => name.into(),
        };
        vars.push((name, value.into()));
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.iter().rev().find(|(n, _)| n.as_ref() == name).map(|(_, v)| v.as_ref())
    }

    /// The variables in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(n, v)| (n.as_ref(), v.as_ref()))
    }

    /// Whether two environments are the same object, and so equal without a look.
    pub fn is_same(&self, other: &Env) -> bool {
        Arc::ptr_eq(&self.vars, &other.vars)
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
    pub(crate) vars: Vec<(Arc<str>, Arc<str>)>,
}

impl ConfigEnv {
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        match self.vars.iter_mut().find(|(n, _)| n.as_ref() == name) {
            Some((_, v)) => *v = value.into(),
            None => self.vars.push((name.into(), value.into())),
        }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.vars.iter().any(|(n, _)| n.as_ref() == name)
    }
}
