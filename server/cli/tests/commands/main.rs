//! The commands as a user runs them: the real binary, real files, real exit statuses.

mod apply;
mod check;
mod config;
mod explain;
mod fix;
mod hooks;
mod learn;
mod migrate;
mod plan;
mod schemas;
#[cfg(unix)]
mod shellcheck;
mod status;
mod syntax;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for one test, which the commands run in.
struct Folder {
    dir: tempfile::TempDir,
    /// Where the commands keep what is the user's.
    data: tempfile::TempDir,
}

/// How a command ended.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder { dir: tempfile::tempdir().unwrap(), data: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(path, text)| folder.write(path, text));
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_in("", args)
    }

    fn run_in(&self, dir: &str, args: &[&str]) -> Ran {
        ran(command(&self.path(dir)).env("XDG_DATA_HOME", self.data.path()).args(args).output().unwrap())
    }

    /// With a text on standard input.
    fn run_with(&self, text: &str, args: &[&str]) -> Ran {
        use std::io::Write;
        use std::process::Stdio;
        let mut command = command(&self.path(""));
        command.env("XDG_DATA_HOME", self.data.path()).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        ran(child.wait_with_output().unwrap())
    }

    fn git(&self, args: &[&str]) {
        let output = Command::new("git")
            .current_dir(self.dir.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self) {
        if !self.path(".git").exists() {
            self.git(&["init", "--quiet"]);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=x"]);
    }
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerwise"));
    command.current_dir(dir).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("COLUMNS");
    // Nothing of what this machine's user has learnt.
    command.env("XDG_DATA_HOME", dir.join("no-data"));
    command
}

fn ran(output: Output) -> Ran {
    let status = output.status.code().expect("no signal");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let ran = Ran { status, out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

impl Ran {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.out, self.err))
    }
}
