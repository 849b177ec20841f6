//! What BuildKit calls the vertices of steps.

/// The name of a step's vertex: `[linux/amd64 build 3/7] RUN npm ci`, or without a stage `[3/7] RUN npm ci`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepName<'a> {
    /// The stage: its name, or `stage-2`; `None` where the file has one stage only.
    pub stage: Option<&'a str>,
    /// The platform, where several are built.
    pub platform: Option<&'a str>,
    /// The position among the stage's steps, from 1.
    pub position: usize,
    /// The instruction, with its variables expanded.
    pub text: &'a str,
}

impl<'a> StepName<'a> {
    /// Takes a name apart; `None` for what BuildKit does for itself (`[internal] load build context`).
    ///
    /// The words before the position are what `docker buildx bake` and compose put there (the target), the platform, and
    /// the stage, in this order.
    pub fn parse(name: &'a str) -> Option<StepName<'a>> {
        let (inside, text) = name.strip_prefix('[')?.split_once(']')?;
        let (words, position) = match inside.trim_end().rsplit_once(' ') {
            Some((words, position)) => (words.trim(), position),
            None => ("", inside.trim_end()),
        };
        let (index, total) = position.split_once('/')?;
        let (index, _): (usize, usize) = (index.parse().ok()?, total.parse().ok()?);
        let words: Vec<&str> = words.split_whitespace().collect();
        let is_platform =
            |w: &&&str| w.contains('/') || w.contains("->") && w.split("->").any(|side| side.contains('/'));
        let platform = words.iter().find(is_platform).copied();
        let stage = words.last().copied().filter(|w| Some(*w) != platform);
        // `[internal] ...` has no position, so any other word is a stage.
        Some(StepName { stage, platform, position: index, text: text.trim() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let name = |stage, platform, position, text| Some(StepName { stage, platform, position, text });
        let cases = [
            ("[build 3/7] RUN a", name(Some("build"), None, 3, "RUN a")),
            ("[3/7] RUN a", name(None, None, 3, "RUN a")),
            ("[ 3/17] RUN a", name(None, None, 3, "RUN a")),
            ("[build  3/17] RUN a", name(Some("build"), None, 3, "RUN a")),
            ("[linux/arm64 build 3/7] RUN a", name(Some("build"), Some("linux/arm64"), 3, "RUN a")),
            ("[linux/amd64 3/7] RUN a", name(None, Some("linux/amd64"), 3, "RUN a")),
            ("[web linux/amd64 build 3/7] RUN a", name(Some("build"), Some("linux/amd64"), 3, "RUN a")),
            ("[stage-1 2/2] COPY [\"a\", \"b\"]", name(Some("stage-1"), None, 2, "COPY [\"a\", \"b\"]")),
            ("[internal] load .dockerignore", None),
            ("exporting to image", None),
            ("[", None),
            ("[]", None),
            ("[a/b] x", None),
            ("[99999999999999999999/1] x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(StepName::parse(text), expected, "{text}");
        }
    }
}
