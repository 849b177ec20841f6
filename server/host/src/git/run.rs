//! Running git: without a network, without a terminal, with an end.

use std::ffi::OsStr;
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use super::GitError;

/// Bytes of an answer that is taken in as a whole.
const MAX_OUTPUT: u64 = 64 << 20;
const MAX_MESSAGE: u64 = 16 << 10;

/// Variables that would make git look at another repository, run something or talk: `git rev-parse --local-env-vars`
/// and the like.
const CLEARED: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_WORK_TREE",
];

/// What git answered.
pub(super) struct Answer {
    /// Whether it ended with status 0.
    pub(super) success: bool,
    pub(super) out: Vec<u8>,
    /// What it said on stderr, shortened.
    pub(super) message: String,
}

/// A folder to run git in, and what is switched off there beside what always is.
pub(super) struct Place {
    pub(super) dir: PathBuf,
    /// Values for `git -c`.
    pub(super) off: Vec<String>,
}

fn command(Place { dir, off }: &Place) -> Command {
    let mut git = Command::new("git");
    for name in CLEARED {
        git.env_remove(name);
    }
    git.current_dir(dir)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // A partial clone would fetch missing objects: no fetching, and no protocol to fetch with for a git that does
        // not know the first variable.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_PAGER", "cat")
        .env("LC_ALL", "C")
        .args(["--no-pager", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null"])
        .args(["-c", "core.untrackedCache=false", "-c", "submodule.recurse=false"]);
    for setting in off {
        git.args(["-c", setting]);
    }
    git
}

/// Runs git in a folder and takes in its answer as a whole.
pub(super) fn run<S: AsRef<OsStr>>(
    place: &Place,
    args: &[S],
    input: Vec<u8>,
    deadline: Instant,
) -> Result<Answer, GitError> {
    let read = |out: &mut dyn Read| {
        let mut bytes = Vec::new();
        let read = out.take(MAX_OUTPUT + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > MAX_OUTPUT {
            return Err(GitError::TooMuch);
        }
        read.map(|_| bytes).map_err(|error| GitError::Failed(error.to_string()))
    };
    let (success, out, message) = stream(place, args, input, deadline, read)?;
    Ok(Answer { success, out: out?, message })
}

/// Runs git in a folder; its output goes to `consume`, on another thread, and is ended by git's end or the deadline.
/// Returns whether git ended with status 0, what `consume` made, and what git said on stderr.
pub(super) fn stream<S: AsRef<OsStr>, T: Send + 'static>(
    place: &Place,
    args: &[S],
    input: Vec<u8>,
    deadline: Instant,
    consume: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> Result<(bool, T, String), GitError> {
    let mut git = command(place);
    git.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = git.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound if !place.dir.is_dir() => GitError::NoFolder(place.dir.clone()),
        std::io::ErrorKind::NotFound => GitError::NotInstalled,
        _ => GitError::Failed(error.to_string()),
    })?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(GitError::Failed("no pipes".to_owned()));
    };
    // The threads end when git does; none is waited for, so that nothing git has started can hold us up.
    std::thread::spawn(move || {
        // git may stop reading early; its status and message say why.
        let _ = stdin.write_all(&input);
    });
    let (send_message, message) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut stderr = stderr;
        let _ = (&mut stderr).take(MAX_MESSAGE).read_to_end(&mut bytes);
        let _ = send_message.send(String::from_utf8_lossy(&bytes).trim().to_owned());
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    });
    let (send, consumed) = mpsc::channel();
    std::thread::spawn(move || {
        let mut stdout = BufReader::with_capacity(64 << 10, stdout);
        let _ = send.send(consume(&mut stdout));
    });
    let left = || deadline.saturating_duration_since(Instant::now());
    let result = consumed.recv_timeout(left());
    let message = result.is_ok().then(|| message.recv_timeout(left()).unwrap_or_default());
    let (Ok(result), Some(message)) = (result, message) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(GitError::TooSlow);
    };
    // `consume` may have stopped before the end of the output, and git may be waiting for it to go on.
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(std::time::Duration::from_millis(1)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(GitError::TooSlow);
            }
            Err(error) => return Err(GitError::Failed(error.to_string())),
        }
    };
    Ok((status.success(), result, message))
}
