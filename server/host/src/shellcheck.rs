//! Running ShellCheck: only where the user switched it on, with a bound on time, output and processes, and each script once.
//!
//! The program gets a script on its standard input and nothing else: no file of the project, none of its configuration
//! (`--norc`), not the user's options (`SHELLCHECK_OPTS`). It is looked for in the absolute folders of PATH only, so that no
//! repository can bring its own.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How long one script may take.
const SCRIPT_TIME: Duration = Duration::from_secs(10);

/// How long the program may take to say its version.
const VERSION_TIME: Duration = Duration::from_secs(5);

/// How much of an answer is taken in.
const MAX_ANSWER: u64 = 4 << 20;

/// How many answers are kept, and how many bytes of them.
const MAX_KEPT: usize = 10_000;
const MAX_KEPT_BYTES: usize = 16 << 20;

/// How many processes run at once.
const MAX_PROCESSES: usize = 4;

/// The first version that knows `-s busybox`.
const KNOWS_BUSYBOX: (u32, u32) = (0, 10);

/// The first version that knows `--norc` and `-f json1`.
const KNOWS_JSON1: (u32, u32) = (0, 7);

/// A script to check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Script {
    /// Its language, as `-s` takes it: `sh`, `bash`, `dash`, `ksh`, `busybox`.
    pub dialect: &'static str,
    /// Its text.
    pub text: String,
}

/// The program, and what it said so far.
#[derive(Debug)]
pub struct ShellCheck {
    program: PathBuf,
    version: (u32, u32),
    kept: Mutex<Kept>,
    running: Mutex<usize>,
    ended: Condvar,
}

/// Answers by a hash of dialect and text. `None`: the program gave none, and would not the next time.
#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<[u8; 32], Option<Arc<str>>>,
    bytes: usize,
}

impl ShellCheck {
    /// Finds the program and asks for its version. `choice` is its path, or a name to be looked for in PATH.
    ///
    /// # Errors
    /// A sentence for the user: it is not there, does not run, or is older than 0.7, which cannot answer in JSON as needed.
    pub fn find(choice: &Path) -> Result<ShellCheck, String> {
        let by_name =
            choice.components().count() == 1 && choice.parent().is_none_or(|p| p.as_os_str().is_empty());
        let by_name = by_name && !choice.to_string_lossy().contains(['/', '\\']);
        let program = if by_name {
            let path = std::env::var_os("PATH").unwrap_or_default();
            in_path(choice.as_os_str(), &path)
                .ok_or_else(|| format!("`{}` is not in PATH.", choice.display()))?
        } else {
            choice.to_path_buf()
        };
        let failed = |why: String| format!("{}: {why}", program.display());
        let said = run(&program, &["--version"], "", Instant::now() + VERSION_TIME)
            .map_err(|why| failed(why.to_owned()))?;
        let version = version(&said)
            .ok_or_else(|| failed("it does not say a version as ShellCheck does.".to_owned()))?;
        if version < KNOWS_JSON1 {
            return Err(failed(format!(
                "version {}.{} is too old; ShellCheck 0.7 or newer is needed.",
                version.0, version.1
            )));
        }
        Ok(ShellCheck {
            program,
            version,
            kept: Mutex::default(),
            running: Mutex::default(),
            ended: Condvar::new(),
        })
    }

    /// What it said about a script before, as `-f json1` prints it; `Some(None)` if it had no answer. Runs nothing.
    pub fn known(&self, script: &Script) -> Option<Option<Arc<str>>> {
        // A panic elsewhere leaves the map whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).answers.get(&key(script)).cloned()
    }

    /// Checks scripts, those that it has not checked before, at most four at once, until `deadline`. An answer is what
    /// `-f json1` prints; `None` where there was none in time, or none at all.
    pub fn check(&self, scripts: &[Script], deadline: Instant) -> Vec<Option<Arc<str>>> {
        let next = AtomicUsize::new(0);
        let unknown: Vec<&Script> = scripts.iter().filter(|script| self.known(script).is_none()).collect();
        let work = || {
            while let Some(script) = unknown.get(next.fetch_add(1, Ordering::Relaxed)) {
                // The same text may stand twice in a file.
                if self.known(script).is_none() {
                    self.ask(script, deadline);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..unknown.len().min(MAX_PROCESSES) {
                // Without a thread the others do its work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        scripts.iter().map(|script| self.known(script).flatten()).collect()
    }

    /// Runs the program for one script and keeps its answer.
    fn ask(&self, script: &Script, deadline: Instant) {
        let Some(_place) = self.place(deadline) else { return };
        let dialect = match script.dialect {
            "busybox" if self.version < KNOWS_BUSYBOX => "dash",
            other => other,
        };
        let began = Instant::now();
        let until = deadline.min(began + SCRIPT_TIME);
        let args = ["--norc", "--format=json1", "--shell", dialect, "-"];
        let answer = match run(&self.program, &args, &script.text, until) {
            Ok(answer) => Some(Arc::from(answer)),
            // The caller's time was over, not the script's: it may be asked again.
            Err(_) if Instant::now() >= deadline && began.elapsed() < SCRIPT_TIME => return,
            Err(_) => None,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = answer.as_ref().map_or(0, |answer: &Arc<str>| answer.len());
        if kept.answers.len() >= MAX_KEPT || kept.bytes + bytes > MAX_KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.answers.insert(key(script), answer);
    }

    /// Waits until one more process may run; `None` if none may before `deadline`.
    fn place(&self, deadline: Instant) -> Option<Place<'_>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            if *running < MAX_PROCESSES {
                *running += 1;
                return Some(Place(self));
            }
            let waited = self.ended.wait_timeout(running, left);
            running = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// One of the processes that may run at once.
struct Place<'a>(&'a ShellCheck);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_one();
    }
}

fn key(script: &Script) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(script.dialect.as_bytes());
    hasher.update(b"\0");
    hasher.update(script.text.as_bytes());
    *hasher.finalize().as_bytes()
}

/// The program of a name in the folders of a PATH. Folders that are not absolute count for nothing: they could be the
/// repository's.
fn in_path(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let mut file_name = name.to_owned();
    if !name.to_string_lossy().ends_with(std::env::consts::EXE_SUFFIX) {
        file_name.push(std::env::consts::EXE_SUFFIX);
    }
    folders.map(|folder| folder.join(&file_name)).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// The version in what `--version` prints: a line `version: 0.11.0`.
fn version(said: &str) -> Option<(u32, u32)> {
    let number = said.lines().find_map(|line| line.strip_prefix("version:"))?.trim();
    let mut parts = number.trim_start_matches('v').split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Runs a program with a text on its standard input and gives what it prints; its status says nothing (ShellCheck's is 1 where
/// it finds something). At the deadline it is killed.
fn run(program: &Path, args: &[&str], input: &str, deadline: Instant) -> Result<String, &'static str> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_remove("SHELLCHECK_OPTS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such program.",
        std::io::ErrorKind::PermissionDenied => "it may not be run.",
        _ => "it cannot be run.",
    })?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(end(&mut child, "it has no pipes."));
    };
    let input = input.to_owned();
    // The threads end with the process; none is waited for, so that nothing it has started can hold us up.
    std::thread::spawn(move || {
        // It may stop reading early; what it prints says enough.
        let _ = stdin.write_all(input.as_bytes());
    });
    let (send, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MAX_ANSWER + 1).read_to_end(&mut bytes);
        let _ = send.send(read.map(|_| bytes));
    });
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(bytes)) if bytes.len() as u64 > MAX_ANSWER => Err(end(&mut child, "it says too much.")),
        Ok(Ok(bytes)) => {
            // Its output is closed; whatever it still does is of no use.
            end(&mut child, "");
            String::from_utf8(bytes).map_err(|_| "it does not speak UTF-8.")
        }
        Ok(Err(_)) => Err(end(&mut child, "its answer cannot be read.")),
        Err(_) => Err(end(&mut child, "it gave no answer in time.")),
    }
}

/// Ends a process, and leaves nothing of it.
fn end<T>(child: &mut Child, why: T) -> T {
    let _ = child.kill();
    let _ = child.wait();
    why
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that stands in for ShellCheck: it says a version, and otherwise does what `body` says.
    fn stand_in(folder: &Path, version: &str, body: &str) -> PathBuf {
        let file = folder.join("shellcheck");
        let text = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo ShellCheck; echo 'version: {version}'; exit; fi\n{body}\n"
        );
        // Written by another process: were it open for writing here while another test starts a process, it could not run.
        let mut child = Command::new("sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(file.metadata().unwrap().permissions().mode() & 0o111 != 0);
        file
    }

    fn script(dialect: &'static str, text: &str) -> Script {
        Script { dialect, text: text.to_owned() }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn each_script_is_checked_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let body = format!("echo \"$*\" >> '{}'; cat", log.display());
        let program = stand_in(folder.path(), "0.11.0", &body);
        let shellcheck = ShellCheck::find(&program).unwrap();
        let scripts = [script("sh", "a"), script("busybox", "a"), script("sh", "b"), script("sh", "a")];
        assert_eq!(shellcheck.known(&scripts[0]), None);
        let said: Vec<String> =
            shellcheck.check(&scripts[..3], soon()).iter().flatten().map(|a| a.to_string()).collect();
        assert_eq!(said, ["a", "a", "b"]);
        assert!(shellcheck.check(&scripts, soon()).iter().all(Option::is_some));
        assert_eq!(shellcheck.known(&scripts[2]), Some(Some(Arc::from("b"))));
        let log = fs::read_to_string(log).unwrap();
        let mut lines: Vec<&str> = log.lines().collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "--norc --format=json1 --shell busybox -",
                "--norc --format=json1 --shell sh -",
                "--norc --format=json1 --shell sh -"
            ]
        );
    }

    #[test]
    fn versions_are_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let old = stand_in(folder.path(), "0.9.0", "echo \"$4\"");
        let shellcheck = ShellCheck::find(&old).unwrap();
        let said = shellcheck.check(&[script("busybox", "a")], soon());
        assert_eq!(said[0].as_deref().map(str::trim), Some("dash"));
        let program = stand_in(folder.path(), "0.6.0", "");
        assert!(ShellCheck::find(&program).unwrap_err().contains("too old"));
        let program = stand_in(folder.path(), "none", "");
        assert!(ShellCheck::find(&program).is_err());
        assert!(ShellCheck::find(&folder.path().join("nothing")).is_err());
        assert!(ShellCheck::find(Path::new("no-program-has-this-name")).unwrap_err().contains("PATH"));
    }

    #[test]
    fn what_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let program = stand_in(folder.path(), "0.11.0", "exec sleep 1000");
        let shellcheck = ShellCheck::find(&program).unwrap();
        let scripts: Vec<Script> = (0..20).map(|n| script("sh", &n.to_string())).collect();
        let said = shellcheck.check(&scripts, Instant::now() + Duration::from_millis(200));
        assert_eq!(said, vec![None; 20]);
        // It was not the script's fault: it can be asked again.
        assert_eq!(shellcheck.known(&scripts[0]), None);
        assert_eq!(*shellcheck.running.lock().unwrap(), 0);
    }

    #[test]
    fn a_program_that_says_too_much_or_nothing_has_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let program = stand_in(folder.path(), "0.11.0", "cat /dev/zero");
        let shellcheck = ShellCheck::find(&program).unwrap();
        let a = script("sh", "a");
        assert_eq!(shellcheck.check(std::slice::from_ref(&a), soon()), [None]);
        assert_eq!(shellcheck.known(&a), Some(None), "and it is not asked again");
        let program = stand_in(folder.path(), "0.11.0", "printf '\\377'");
        let shellcheck = ShellCheck::find(&program).unwrap();
        assert_eq!(shellcheck.check(&[a], soon()), [None]);
    }

    #[test]
    fn only_absolute_folders_of_the_path_count() {
        let folder = tempfile::tempdir().unwrap();
        let program = stand_in(folder.path(), "0.11.0", "");
        let name = OsStr::new("shellcheck");
        let path = std::env::join_paths([Path::new("."), Path::new(""), folder.path()]).unwrap();
        assert_eq!(in_path(name, &path), Some(program.clone()));
        assert_eq!(in_path(name, OsStr::new(".:relative:")), None);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(in_path(name, &path), None);
    }
}
