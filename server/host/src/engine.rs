//! The local docker engine, asked only where the user switched that on: how big images are that it has, and their layers.
//!
//! Nothing is pulled: `docker image inspect` knows what is there, and nothing else.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The most images that are asked for.
const MAX_IMAGES: usize = 64;

/// The most bytes of an answer that are read: a number and at most 127 digests.
const MAX_ANSWER: u64 = 16 * 1024;

/// How long the first pause is while an answer is waited for.
const PAUSE: Duration = Duration::from_millis(2);

/// What an engine said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Bytes of the images that it has, by the reference that was asked for. Unpacked, or with the containerd image store
    /// what the engine keeps for it.
    pub bytes: BTreeMap<String, u64>,
    /// Their layers, by the same references: equal texts are equal layers. Images without layers are left out.
    pub layers: BTreeMap<String, String>,
    /// Why it was not asked to the end: one sentence for the user.
    pub note: Option<String>,
}

/// Asks the engine that `docker` talks to for images, within `budget` for all of them.
pub fn images<'a>(references: impl IntoIterator<Item = &'a str>, budget: Duration) -> Images {
    let deadline = Instant::now() + budget;
    let mut images = Images::default();
    for reference in references.into_iter().take(MAX_IMAGES) {
        let mut command = Command::new("docker");
        command.args(["image", "inspect", "--format", "{{.Size}} {{json .RootFS.Layers}}", "--", reference]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                images.note = Some(format!("docker cannot be run, so sizes are those of the table: {error}"));
                return images;
            }
        };
        if !ended(&mut child, deadline) {
            // It may have ended by itself just now, and is gone in any case.
            let _ = child.kill();
            let _ = child.wait();
            images.note =
                Some("docker did not answer in time, so some sizes are those of the table".to_owned());
            return images;
        }
        let good = child.wait().is_ok_and(|status| status.success());
        let mut answer = String::new();
        let read = child.stdout.take().map(|out| out.take(MAX_ANSWER).read_to_string(&mut answer));
        if let (true, Some(Ok(_)), Some((bytes, layers))) = (good, read, told(&answer)) {
            images.bytes.insert(reference.to_owned(), bytes);
            images.layers.extend(layers.map(|layers| (reference.to_owned(), layers)));
        }
    }
    images
}

/// Reads an answer: bytes, and the layers as the engine lists them if there are any. `None` for anything else.
fn told(answer: &str) -> Option<(u64, Option<String>)> {
    let (bytes, layers) = answer.trim().split_once(' ')?;
    let whole = layers.starts_with("[\"") && layers.ends_with("\"]");
    Some((bytes.parse().ok()?, whole.then(|| layers.to_owned())))
}

/// Waits until a process has ended; false if it has not at the deadline.
fn ended(child: &mut Child, deadline: Instant) -> bool {
    let mut pause = PAUSE;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < deadline => sleep(pause),
            _ => return false,
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn answers() {
        let layers = r#"["sha256:aa","sha256:bb"]"#;
        assert_eq!(told(&format!("4261000 {layers}\n")), Some((4_261_000, Some(layers.to_owned()))));
        // Without layers, or cut off, there is nothing to compare.
        assert_eq!(told("0 []"), Some((0, None)));
        assert_eq!(told("0 null"), Some((0, None)));
        assert_eq!(told(r#"5 ["sha256:aa","sha2"#), Some((5, None)));
        assert_eq!(told("5"), None);
        assert_eq!(told("Error: no such image"), None);
        assert_eq!(told(""), None);
    }
}
