//! A private dockerd that lives as long as this process.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::prepare::Folder;

/// How long the engine may take to start, and to stop.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);

/// The longest path of a Unix socket is 107 bytes, and the engine makes longer ones below its own folder.
const MAX_RUN: usize = 60;

/// The image that cases are based on.
pub const BASE: &str = "busybox:latest";

/// The store that the engine keeps layers in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// containerd's snapshotters, the default of new installations.
    Containerd,
    /// The engine's own graph drivers, which know no merged layers.
    Classic,
}

/// A running engine. It is stopped when this is dropped, and also when this process ends in any other way.
pub struct Engine {
    folder: Folder,
    run: PathBuf,
    /// The shell that stops the engine at the end of its input.
    watch: Child,
    input: Option<ChildStdin>,
    /// The shells that end an ssh agent.
    agents: Mutex<Vec<Child>>,
    /// Where it keeps layers.
    pub store: Store,
    /// Its version, as it says itself.
    pub version: String,
}

/// Ends the engine at the end of the input, which comes when the parent is gone for whatever reason.
const WATCH: &str = r#"
exec 3<&0
dockerd "$@" </dev/null 3<&- &
engine=$!
read -r _ <&3
kill -TERM $engine 2>/dev/null
( sleep 15; kill -KILL $engine 2>/dev/null ) 3<&- &
timer=$!
wait $engine
kill $timer 2>/dev/null
"#;

impl Engine {
    /// Starts the engine of a prepared folder and waits until it answers. Its layers are kept from run to run; its build cache is
    /// emptied.
    pub fn start(folder: &Folder, store: Store) -> Result<Engine, String> {
        let run = run_dir(folder)?;
        let pidfile = run.join("dockerd.pid");
        if let Ok(pid) = fs::read_to_string(&pidfile)
            && Path::new("/proc").join(pid.trim()).join("exe").exists()
        {
            return Err(format!("{}: another engine runs in this folder", folder.dir.display()));
        }
        let _ = fs::remove_dir_all(&run);
        fs::create_dir_all(&run).map_err(|e| format!("{}: {e}", run.display()))?;
        let snapshotter = store == Store::Containerd;
        let config = run.join("daemon.json");
        let settings = serde_json::json!({"features": {"containerd-snapshotter": snapshotter, "cdi": true}});
        fs::write(&config, settings.to_string()).map_err(|e| e.to_string())?;
        let log_path = folder.dir.join("dockerd.log");
        let log = fs::File::create(&log_path).map_err(|e| e.to_string())?;
        let data = match store {
            Store::Containerd => folder.data(),
            Store::Classic => folder.dir.join("data-classic"),
        };
        let mut command = Command::new("sh");
        command.args(["-c", WATCH, "sh"]);
        command.arg("--host").arg(host(&run));
        command.arg("--data-root").arg(data);
        command.arg("--exec-root").arg(run.join("exec"));
        command.arg("--pidfile").arg(&pidfile);
        command.arg("--config-file").arg(&config);
        command.args(["--iptables=false", "--ip6tables=false", "--bridge=none"]);
        command.env("PATH", folder.path()).stdin(Stdio::piped());
        command.stdout(log.try_clone().map_err(|e| e.to_string())?).stderr(log);
        // Its own group: ctrl-c is for this process, and the engine then stops in its own time.
        command.process_group(0);
        let mut watch = command.spawn().map_err(|e| format!("sh: {e}"))?;
        let input = watch.stdin.take();
        let folder = folder.clone();
        let mut engine =
            Engine { folder, run, watch, input, agents: Mutex::default(), store, version: String::new() };
        engine.version = engine.wait_until_up(&log_path)?;
        engine.base_image()?;
        Ok(engine)
    }

    fn wait_until_up(&mut self, log: &Path) -> Result<String, String> {
        let start = Instant::now();
        loop {
            let asked = self.docker(["version", "--format", "{{.Server.Version}}"])?;
            if asked.status.success() {
                return Ok(String::from_utf8_lossy(&asked.stdout).trim().to_owned());
            }
            let ended = self.watch.try_wait().ok().flatten().is_some();
            if ended || start.elapsed() > START {
                let text = fs::read_to_string(log).unwrap_or_default();
                let last = text.lines().last().unwrap_or("it says nothing").to_owned();
                return Err(format!("dockerd does not start: {last}"));
            }
            // dockerd's end does not end the shell that watches it; its last words tell.
            let text = fs::read_to_string(log).unwrap_or_default();
            if let Some(line) = text.lines().find(|l| l.starts_with("failed to start daemon")) {
                return Err(format!("dockerd does not start: {line}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn base_image(&self) -> Result<(), String> {
        if !self.docker(["image", "inspect", BASE])?.status.success() {
            let tar = self.folder.base_tar().display().to_string();
            self.docker_ok(["import", &tar, BASE])?;
        }
        Ok(())
    }

    /// The folder that it was prepared in.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The client, set up for this engine.
    pub fn client(&self) -> Command {
        let mut command = Command::new(self.folder.root().join("usr/bin/docker"));
        command
            .env_clear()
            .env("PATH", self.folder.path())
            .env("HOME", self.folder.home())
            .env("DOCKER_CONFIG", self.folder.home().join(".docker"))
            .env("DOCKER_HOST", host(&self.run))
            .env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs the client.
    pub fn docker<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<Output, String> {
        self.client().args(args).output().map_err(|e| format!("docker: {e}"))
    }

    /// Runs the client and takes a failure for an error.
    pub fn docker_ok<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Result<String, String> {
        let done = self.docker(args)?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        match done.status.success() {
            true => Ok(said(&done.stdout)),
            false => Err(format!("docker: {}", said(&done.stderr))),
        }
    }

    /// The socket of an ssh agent without keys, which is started once and ends with the engine.
    pub fn agent(&self) -> Result<PathBuf, String> {
        let socket = self.run.join("agent.sock");
        if !socket.exists() {
            // `-D` keeps it in the foreground, below a shell that ends it as the engine's does.
            let script = r#"exec 3<&0; ssh-agent -D -a "$1" >/dev/null 2>&1 </dev/null 3<&- & a=$!; read -r _ <&3; kill $a; wait $a"#;
            let mut command = Command::new("sh");
            command.args(["-c", script, "sh"]).arg(&socket).stdin(Stdio::piped()).process_group(0);
            let child = command.spawn().map_err(|e| format!("sh: {e}"))?;
            self.agents.lock().unwrap_or_else(PoisonError::into_inner).push(child);
            let start = Instant::now();
            while !socket.exists() {
                if start.elapsed() > START {
                    return Err("ssh-agent does not start".to_owned());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(socket)
    }

    /// The engine as plans name it: `docker 28.5 containerd`.
    pub fn name(&self) -> String {
        let version: Vec<&str> = self.version.split(['.', '+', '~', '-']).take(2).collect();
        let store = match self.store {
            Store::Containerd => "containerd",
            Store::Classic => "graphdriver",
        };
        format!("docker {} {store}", version.join("."))
    }

    /// Empties the build cache.
    pub fn prune(&self) -> Result<(), String> {
        self.docker_ok(["builder", "prune", "-af"]).map(drop)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.input.take());
        for mut agent in self.agents.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(agent.stdin.take());
            let _ = agent.wait();
        }
        let start = Instant::now();
        while self.watch.try_wait().ok().flatten().is_none() && start.elapsed() < STOP {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = fs::remove_dir_all(&self.run);
    }
}

/// Where the sockets are; below the folder unless that would make their paths too long.
fn run_dir(folder: &Folder) -> Result<PathBuf, String> {
    let run = folder.dir.join("run");
    if run.as_os_str().len() <= MAX_RUN {
        return Ok(run);
    }
    let name = blake3::hash(folder.dir.as_os_str().as_encoded_bytes()).to_hex();
    let short = std::env::temp_dir().join(format!("layerwise-oracle-{:.12}", name.as_str()));
    match short.as_os_str().len() <= MAX_RUN {
        true => Ok(short),
        false => Err(format!("{}: too long for a socket; set TMPDIR or --dir", short.display())),
    }
}

fn host(run: &Path) -> String {
    format!("unix://{}", run.join("docker.sock").display())
}
