//! The local docker engine, asked only where the user switched that on: how big images are that it has.
//!
//! Nothing is pulled: `docker image inspect` knows what is there, and nothing else.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The most images that are asked for.
const MAX_IMAGES: usize = 64;

/// The most bytes of an answer that are read: it is one number.
const MAX_ANSWER: u64 = 64;

/// How long the first pause is while an answer is waited for.
const PAUSE: Duration = Duration::from_millis(2);

/// What an engine said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of the images that it has, by the reference that was asked for. Unpacked, or with the containerd image store
    /// what the engine keeps for it.
    pub bytes: BTreeMap<String, u64>,
    /// Why it was not asked to the end: one sentence for the user.
    pub note: Option<String>,
}

/// Asks the engine that `docker` talks to for the sizes of images, within `budget` for all of them.
pub fn image_sizes<'a>(references: impl IntoIterator<Item = &'a str>, budget: Duration) -> Sizes {
    let deadline = Instant::now() + budget;
    let mut sizes = Sizes::default();
    for reference in references.into_iter().take(MAX_IMAGES) {
        let mut command = Command::new("docker");
        command.args(["image", "inspect", "--format", "{{.Size}}", "--", reference]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                sizes.note = Some(format!("docker cannot be run, so sizes are those of the table: {error}"));
                return sizes;
            }
        };
        if !ended(&mut child, deadline) {
            // It may have ended by itself just now, and is gone in any case.
            let _ = child.kill();
            let _ = child.wait();
            sizes.note =
                Some("docker did not answer in time, so some sizes are those of the table".to_owned());
            return sizes;
        }
        let good = child.wait().is_ok_and(|status| status.success());
        let mut answer = String::new();
        let read = child.stdout.take().map(|out| out.take(MAX_ANSWER).read_to_string(&mut answer));
        if let (true, Some(Ok(_)), Ok(bytes)) = (good, read, answer.trim().parse()) {
            sizes.bytes.insert(reference.to_owned(), bytes);
        }
    }
    sizes
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
