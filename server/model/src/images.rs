//! What is known of base images without asking a registry.

use std::sync::Arc;

use crate::platform::Platform;

mod tags;

pub use tags::certainly_apart;

/// The parts of an image's configuration that a build inherits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// ENV, in order.
    pub env: Vec<(String, String)>,
    /// WORKDIR; empty for none.
    pub workdir: String,
    /// USER; empty for none.
    pub user: String,
    /// SHELL; `None` for the default.
    pub shell: Option<Vec<String>>,
    /// ONBUILD triggers.
    pub onbuild: Vec<String>,
    /// The platform that the image was made for; `None` if that is not known.
    pub platform: Option<Platform>,
}

/// A source of image configurations: a local engine, a lock file, a table.
pub trait Images: Send + Sync {
    /// The configuration of an image by its normalized reference (`docker.io/library/alpine:3.20`); `None` when it is
    /// not known, which is not the same as empty.
    fn config(&self, reference: &str, platform: &Platform) -> Option<Arc<ImageConfig>>;
}

/// The images whose configuration is nothing but a PATH, in every version: distributions' base images.
const PLAIN: [&str; 14] = [
    "docker.io/library/almalinux",
    "docker.io/library/alpine",
    "docker.io/library/amazonlinux",
    "docker.io/library/archlinux",
    "docker.io/library/busybox",
    "docker.io/library/centos",
    "docker.io/library/debian",
    "docker.io/library/fedora",
    "docker.io/library/oraclelinux",
    "docker.io/library/rockylinux",
    "docker.io/library/ubuntu",
    "docker.io/opensuse/leap",
    "docker.io/opensuse/tumbleweed",
    "docker.io/photon",
];

/// What is known of every installation: distributions' base images set nothing but PATH.
#[derive(Clone, Copy, Debug, Default)]
pub struct WellKnown;

impl Images for WellKnown {
    fn config(&self, reference: &str, _: &Platform) -> Option<Arc<ImageConfig>> {
        let name = reference.split('@').next().unwrap_or(reference);
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        PLAIN.contains(&name).then(Arc::default)
    }
}

/// Docker's official images that are base images of programs; two of them are never the same image.
const OFFICIAL: [&str; 46] = [
    "adoptopenjdk",
    "almalinux",
    "alpine",
    "amazoncorretto",
    "amazonlinux",
    "archlinux",
    "buildpack-deps",
    "busybox",
    "caddy",
    "centos",
    "clojure",
    "composer",
    "debian",
    "docker",
    "eclipse-temurin",
    "elixir",
    "erlang",
    "fedora",
    "gcc",
    "golang",
    "gradle",
    "haskell",
    "haproxy",
    "httpd",
    "ibmjava",
    "julia",
    "mariadb",
    "maven",
    "mysql",
    "nginx",
    "node",
    "openjdk",
    "oraclelinux",
    "perl",
    "php",
    "postgres",
    "python",
    "r-base",
    "redis",
    "rockylinux",
    "ruby",
    "rust",
    "sapmachine",
    "swift",
    "tomcat",
    "ubuntu",
];

/// Whether a normalized repository (`docker.io/library/alpine`, without tag) is one of Docker's well-known official images.
pub fn official(repository: &str) -> bool {
    repository.strip_prefix("docker.io/library/").is_some_and(|name| OFFICIAL.contains(&name))
}
