//! Which engine builds, and what it knows: the rule by which its cache works, and the Dockerfile features it understands.

use std::fmt;

use layerwise_syntax::{Instruction, Keyword};

/// The rule by which an engine's cache works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Builder {
    /// BuildKit: a graph of vertices, and no vertex for what only changes the image's configuration.
    #[default]
    Buildkit,
    /// buildah and podman: every instruction is a layer keyed on the one above it; stages that the target does not reach
    /// are skipped.
    Buildah,
    /// The legacy builder of docker: every instruction is a layer keyed on the one above it, and every stage up to the
    /// target is built.
    Legacy,
}

/// A version of a Dockerfile frontend, `docker/dockerfile:MAJOR.MINOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frontend(pub u32, pub u32);

/// The engine whose cache a plan speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Engine {
    /// How its cache works.
    pub builder: Builder,
    /// How the user named it: `buildkit`, `docker 28.5`.
    pub name: String,
    /// The frontend that is built in; `None` for the newest. `# syntax=` asks for another.
    pub frontend: Option<Frontend>,
    /// Whether `COPY --link` makes a vertex of its own. docker's own image store (the graph drivers, without containerd's
    /// snapshotters) cannot merge layers, and BuildKit then takes it for a plain COPY.
    pub merges: bool,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine { builder: Builder::Buildkit, name: "buildkit".to_owned(), frontend: None, merges: true }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The BuildKit that a release of docker has inside, by docker's major version; from docker's release notes.
const DOCKER_BUILDKIT: [(u32, u32); 9] =
    [(20, 8), (23, 10), (24, 11), (25, 12), (26, 13), (27, 15), (28, 20), (29, 25), (30, 26)];

impl Engine {
    /// Reads `buildkit`, `buildkit 0.12`, `docker`, `docker 28.5`, `docker 24 graphdriver`, `buildah`, `podman`, `legacy`.
    /// The error says what can be written.
    pub fn parse(text: &str) -> Result<Engine, String> {
        let unknown = || {
            format!(
                "`{text}`: write buildkit, buildkit 0.12, docker 28.5, docker 28.5 graphdriver, buildah or legacy"
            )
        };
        let mut words = text.split([' ', ':', ',']).filter(|w| !w.is_empty());
        let builder = match words.next() {
            Some("buildkit" | "docker") => Builder::Buildkit,
            Some("buildah" | "podman") => Builder::Buildah,
            Some("legacy") => Builder::Legacy,
            _ => return Err(unknown()),
        };
        let mut engine = Engine { builder, name: text.trim().to_owned(), ..Engine::default() };
        for word in words {
            match word {
                "graphdriver" if text.starts_with("docker") => engine.merges = false,
                "containerd" if text.starts_with("docker") => engine.merges = true,
                version => {
                    let (major, minor) = version_of(version).ok_or_else(unknown)?;
                    if builder != Builder::Buildkit {
                        continue;
                    }
                    let buildkit = if text.starts_with("docker") {
                        let known = DOCKER_BUILDKIT.iter().rev().find(|(docker, _)| *docker <= major);
                        // Each minor release of docker 28 brought the next BuildKit.
                        known.map_or(0, |(_, buildkit)| buildkit + if major == 28 { minor.min(5) } else { 0 })
                    } else {
                        minor + 1000 * major
                    };
                    engine.frontend = Some(built_in(buildkit));
                    // MergeOp came with BuildKit 0.10.
                    engine.merges &= buildkit >= 10;
                }
            }
        }
        Ok(engine)
    }

    /// The frontend that reads a file with this `# syntax=` directive; `None` for the newest, or for one that is not
    /// Docker's own.
    pub fn frontend_for(&self, syntax: Option<&str>) -> Option<Frontend> {
        let Some(image) = syntax else { return self.frontend };
        let tag = image.rsplit('/').next().and_then(|name| name.strip_prefix("dockerfile:"))?;
        let tag = tag.split(['-', '@']).next()?;
        // `1` is the newest 1.x.
        let (major, minor) = tag.split_once('.')?;
        let minor = minor.split('.').next()?;
        Some(Frontend(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// The frontend that BuildKit `0.minor` has inside: from 0.11 with 1.5 on they went up together.
fn built_in(minor: u32) -> Frontend {
    match minor {
        0..=7 => Frontend(1, 1),
        8 => Frontend(1, 2),
        9 => Frontend(1, 3),
        10 => Frontend(1, 4),
        minor => Frontend(1, (minor - 6).min(999)),
    }
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let text = text.trim_start_matches('v');
    let mut parts = text.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().map_or(Some(0), |m| m.parse().ok())?;
    Some((major, minor))
}

/// A feature that not every engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// `RUN --mount`.
    Mount,
    /// `RUN --network`.
    Network,
    /// Heredocs.
    Heredoc,
    /// `COPY --link` and `ADD --link`.
    Link,
    /// `COPY --chmod` and `ADD --chmod`.
    Chmod,
    /// `ADD --checksum`.
    Checksum,
    /// `COPY --exclude` and `ADD --exclude`.
    Exclude,
    /// `COPY --parents`.
    Parents,
}

impl Feature {
    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Feature::Mount => "RUN --mount",
            Feature::Network => "RUN --network",
            Feature::Heredoc => "a heredoc",
            Feature::Link => "--link",
            Feature::Chmod => "--chmod",
            Feature::Checksum => "ADD --checksum",
            Feature::Exclude => "--exclude",
            Feature::Parents => "COPY --parents",
        }
    }

    /// The first frontend that has it without the `labs` channel; from the Dockerfile release notes.
    pub fn since(self) -> Frontend {
        match self {
            Feature::Mount | Feature::Chmod => Frontend(1, 2),
            Feature::Network => Frontend(1, 3),
            Feature::Heredoc | Feature::Link => Frontend(1, 4),
            Feature::Checksum => Frontend(1, 6),
            Feature::Exclude => Frontend(1, 19),
            Feature::Parents => Frontend(1, 20),
        }
    }

    /// Whether an engine knows it in a file with this `# syntax=` directive.
    pub fn known(self, engine: &Engine, syntax: Option<&str>) -> bool {
        match engine.builder {
            Builder::Buildkit => {
                let labs = syntax.is_some_and(|s| s.contains("labs"));
                labs || engine.frontend_for(syntax).is_none_or(|f| f >= self.since())
            }
            // buildah's own parser took these over.
            Builder::Buildah => matches!(
                self,
                Feature::Mount | Feature::Network | Feature::Heredoc | Feature::Chmod | Feature::Checksum
            ),
            Builder::Legacy => false,
        }
    }
}

/// The features that an instruction uses, each once.
pub fn features(instruction: &Instruction) -> Vec<Feature> {
    // The instruction that is set to run later counts too.
    let instruction = instruction.trigger().unwrap_or(instruction);
    let copies = matches!(instruction.kind(), Some(Keyword::Copy | Keyword::Add));
    let runs = instruction.kind() == Some(Keyword::Run);
    let flag = |name: &str| instruction.flag_word(name).is_some();
    [
        (Feature::Mount, runs && flag("mount")),
        (Feature::Network, runs && flag("network")),
        (Feature::Heredoc, !instruction.heredocs().is_empty()),
        (Feature::Link, copies && flag("link")),
        (Feature::Chmod, copies && flag("chmod")),
        (Feature::Checksum, copies && flag("checksum")),
        (Feature::Exclude, copies && flag("exclude")),
        (Feature::Parents, copies && flag("parents")),
    ]
    .into_iter()
    .filter_map(|(feature, used)| used.then_some(feature))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_read() {
        for (text, builder, frontend, merges) in [
            ("buildkit", Builder::Buildkit, None, true),
            ("buildkit 0.12", Builder::Buildkit, Some(Frontend(1, 6)), true),
            ("buildkit:v0.9.3", Builder::Buildkit, Some(Frontend(1, 3)), false),
            ("docker", Builder::Buildkit, None, true),
            ("docker 28.5", Builder::Buildkit, Some(Frontend(1, 19)), true),
            ("docker 28.5 graphdriver", Builder::Buildkit, Some(Frontend(1, 19)), false),
            ("docker 20.10", Builder::Buildkit, Some(Frontend(1, 2)), false),
            ("podman", Builder::Buildah, None, true),
            ("buildah 1.39", Builder::Buildah, None, true),
            ("legacy", Builder::Legacy, None, true),
        ] {
            let engine = Engine::parse(text).expect(text);
            assert_eq!(
                (engine.builder, engine.frontend, engine.merges),
                (builder, frontend, merges),
                "{text}"
            );
        }
        for text in ["", "kaniko", "buildkit x", "buildkit graphdriver"] {
            assert!(Engine::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_syntax_directive_decides() {
        let old = Engine::parse("buildkit 0.8").expect("an engine");
        let new = Engine::default();
        for (engine, syntax, feature, known) in [
            (&old, None, Feature::Heredoc, false),
            (&old, Some("docker/dockerfile:1"), Feature::Heredoc, true),
            (&old, Some("docker/dockerfile:1.3"), Feature::Heredoc, false),
            (&old, Some("docker/dockerfile:1.3-labs"), Feature::Heredoc, true),
            (&old, Some("docker.io/docker/dockerfile:1.4.1"), Feature::Link, true),
            (&new, None, Feature::Parents, true),
            (&new, Some("docker/dockerfile:1.19"), Feature::Parents, false),
            (&new, Some("example/other"), Feature::Parents, true),
        ] {
            assert_eq!(feature.known(engine, syntax), known, "{engine} {syntax:?} {feature:?}");
        }
        assert!(!Feature::Link.known(&Engine::parse("buildah").expect("an engine"), None));
    }
}
