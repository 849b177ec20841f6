//! The graph of the engines that make a layer of every instruction: the legacy builder and buildah.
//!
//! A layer's key is that of the layer below it and what the instruction says, once expanded; COPY and ADD add the content
//! of what they copy, RUN the build arguments that are declared. So a changed LABEL, USER, ENV or CMD runs everything below
//! it again. The legacy builder was seen to do so (docker 28.5.2 without BuildKit); buildah is modelled after what its
//! documentation says, and was not run.

use super::{Builder, Hash, Input, Kind, Origin, Part, Vertex};
use crate::eval::{Command, Step};

impl Builder<'_> {
    /// The layer of one instruction, which becomes the state. `text` is the instruction as it stands, joined to one line.
    pub(super) fn layer(
        &mut self,
        step: &Step,
        text: &str,
        state: &mut Option<usize>,
        origin: Origin,
    ) -> Option<usize> {
        let mut hash = Hash::default();
        let mut parts = Vec::new();
        let mut inputs: Vec<Input> = state.map(Input::Result).into_iter().collect();
        let mut kind = Kind::Layer;
        match &step.command {
            Command::Copy(copy) => {
                // The same as BuildKit's, as far as what is copied and where to goes; nothing is linked.
                let vertex = self.copy(copy, state, origin);
                return Some(vertex);
            }
            Command::Run(run) => {
                kind = Kind::Exec;
                hash.text("run");
                run.argv.iter().for_each(|a| hash.text(a));
                if let Some((name, content)) = &run.script {
                    hash.text(name);
                    hash.text(content);
                }
                for (mount, source) in &run.mounts {
                    hash.text(mount.kind.as_str());
                    hash.text(&mount.target);
                    inputs.extend(self.files(source, &mount.source, origin));
                }
                parts.push((Part::Command, hash.done()));
                let mut values: Vec<(&str, &str)> = step.state.env.iter().collect();
                values.sort_unstable();
                for (name, value) in values {
                    hash.text(name);
                    hash.text(value);
                    parts.push((Part::Variable(name.to_owned()), Hash::of(&[value])));
                }
            }
            Command::Env(pairs) => {
                hash.text("env");
                for (name, value) in pairs {
                    hash.text(name);
                    hash.text(value);
                }
                parts.push((Part::Command, hash.done()));
            }
            Command::User(user) => parts.push((Part::Command, Hash::of(&["user", user]))),
            Command::Workdir(dir) => parts.push((Part::Command, Hash::of(&["workdir", dir]))),
            Command::Expose(ports) => {
                hash.text("expose");
                ports.iter().for_each(|p| hash.text(p));
                parts.push((Part::Command, hash.done()));
            }
            Command::From => return None,
            // An ARG is keyed by its text: `--build-arg` counts where the value is used.
            Command::Arg(_) | Command::Metadata | Command::Invalid => {
                hash.text("metadata");
                text.split_whitespace().for_each(|w| hash.text(w));
                if text.contains('$') {
                    for (name, value) in step.state.env.iter().filter(|(name, _)| text.contains(name)) {
                        hash.text(name);
                        hash.text(value);
                    }
                }
                parts.push((Part::Command, hash.done()));
            }
        }
        let digest = match kind {
            Kind::Exec => hash.done(),
            _ => parts.first().map(|(_, key)| *key)?,
        };
        let vertex = self.push(Vertex { kind, digest, inputs, parts: parts.into(), origin });
        *state = Some(vertex);
        Some(vertex)
    }
}
