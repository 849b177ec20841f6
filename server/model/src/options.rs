//! How a build is asked for: target, platform, build arguments, named contexts.

use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::platform::Platform;

/// What `docker build` is given beside the Dockerfile and the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `--target`: a stage's name; the last stage if absent.
    pub target: Option<String>,
    /// `--platform`.
    pub platform: Platform,
    /// The platform of the machine that builds.
    pub build_platform: Platform,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `--build-context name=...`: names of additional contexts, each with what it is.
    pub contexts: BTreeMap<String, NamedContext>,
    /// Evaluate stages that the target does not reach too, as `docker build --check` does.
    pub all_stages: bool,
    /// The engine that builds.
    pub engine: Engine,
}

impl Default for Options {
    fn default() -> Options {
        let platform = Platform::host_default();
        Options {
            target: None,
            platform: platform.clone(),
            build_platform: platform,
            build_args: BTreeMap::new(),
            contexts: BTreeMap::new(),
            all_stages: false,
            engine: Engine::default(),
        }
    }
}

/// What a named context is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedContext {
    /// A folder.
    Dir(String),
    /// An image: `docker-image://...`.
    Image(String),
    /// Anything else (git, OCI layout, another target): its text as given.
    Other(String),
}
