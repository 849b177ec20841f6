//! A private engine from the distribution's own packages: nothing is installed, nothing of the machine's is changed.
//!
//! Packages come from the mirror that the machine's apt is configured for, by an apt with its own lists, cache and status;
//! they are unpacked, not installed. Only Debian and its kin can be prepared so; elsewhere the caller says `SKIPPED:`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is changed when what this file makes changes, so that older folders are made again.
const LAYOUT: &str = "1";

/// The suites that are asked for a newer engine than the machine's own suite has, newest first.
const NEWER: [&str; 2] = ["sid", "trixie"];

/// The packages of the engine itself, from the newest suite.
const ENGINE: [&str; 3] = ["docker.io", "docker-cli", "docker-buildx"];

/// What the engine needs and the machine's own libraries can run, from the machine's own suite.
const RUNTIME: [&str; 3] = ["runc", "containerd", "busybox-static"];

/// Why there is no engine.
#[derive(Debug)]
pub enum Unprepared {
    /// This machine cannot have one, and that is no failure.
    Skipped(String),
    /// Something broke.
    Failed(String),
}

impl From<String> for Unprepared {
    fn from(reason: String) -> Unprepared {
        Unprepared::Failed(reason)
    }
}

/// Where the parts of a prepared engine lie.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder that everything is in.
    pub dir: PathBuf,
}

impl Folder {
    /// The unpacked packages.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// The engine's state: images, layers, the build cache.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The client's home, in which it finds its plugins and no settings.
    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// The base image's root file system as a tar.
    pub fn base_tar(&self) -> PathBuf {
        self.dir.join("base.tar")
    }

    /// `PATH` with the private programs first.
    pub fn path(&self) -> std::ffi::OsString {
        let root = self.root();
        let own = [root.join("usr/sbin"), root.join("usr/bin"), root.join("sbin"), root.join("bin")];
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let all = own.into_iter().chain(std::env::split_paths(&rest));
        std::env::join_paths(all).unwrap_or(rest)
    }
}

/// Makes the folder ready for an engine, or finds that it is.
pub fn prepare(dir: &Path) -> Result<Folder, Unprepared> {
    if let Some(reason) = impossible() {
        return Err(Unprepared::Skipped(reason));
    }
    fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let dir = dir.canonicalize().map_err(|e| format!("{}: {e}", dir.display()))?;
    let folder = Folder { dir };
    let mark = folder.dir.join("ready");
    if fs::read_to_string(&mark).is_ok_and(|text| text == LAYOUT) && works(&folder).is_ok() {
        return Ok(folder);
    }
    let _ = fs::remove_file(&mark);
    let packages = download(&folder)?;
    let root = folder.root();
    let _ = fs::remove_dir_all(&root);
    for package in packages {
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(&package).arg(&root);
        quiet(&mut unpack)?;
    }
    works(&folder).map_err(Unprepared::Skipped)?;
    home(&folder)?;
    base(&folder)?;
    // Last, so that a folder that was made only half is made again.
    fs::write(&mark, LAYOUT).map_err(|e| e.to_string())?;
    Ok(folder)
}

/// Why no engine can run here, if that can be seen at once.
fn impossible() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("the engine runs on Linux only".to_owned());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
    if uid.split_whitespace().nth(1) != Some("0") {
        return Some("the engine needs root".to_owned());
    }
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    if !mounts.lines().any(|line| matches!(line.split(' ').nth(2), Some("cgroup" | "cgroup2"))) {
        return Some("no cgroups are mounted".to_owned());
    }
    let missing = |program: &&&str| !on_path(program);
    ["apt-get", "dpkg-deb", "tar", "sh"]
        .iter()
        .find(missing)
        .map(|program| format!("there is no {program}, and the engine comes from Debian packages"))
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Whether the unpacked programs run with this machine's libraries.
fn works(folder: &Folder) -> Result<(), String> {
    for program in ["dockerd", "docker", "containerd", "runc"] {
        let found = ["usr/sbin", "usr/bin", "sbin", "bin"].map(|dir| folder.root().join(dir).join(program));
        let Some(found) = found.iter().find(|path| path.is_file()) else {
            return Err(format!("the packages have no {program}"));
        };
        quiet(Command::new(found).arg("--version"))
            .map_err(|e| format!("{program} does not run here: {e}"))?;
    }
    Ok(())
}

/// Downloads the packages and says where they are.
fn download(folder: &Folder) -> Result<Vec<PathBuf>, Unprepared> {
    let (mirror, own) = mirror().map_err(Unprepared::Skipped)?;
    let apt = folder.dir.join("apt");
    let into = apt.join("packages");
    let _ = fs::remove_dir_all(&into);
    for dir in ["lists/partial", "cache/archives/partial", "packages"] {
        fs::create_dir_all(apt.join(dir)).map_err(|e| e.to_string())?;
    }
    fs::write(apt.join("status"), "").map_err(|e| e.to_string())?;
    let mut reason = String::new();
    for newer in NEWER.into_iter().filter(|suite| *suite != own).chain([own.as_str()]) {
        let suites = if newer == own { vec![newer] } else { vec![newer, own.as_str()] };
        let lines: String = suites.iter().map(|suite| format!("deb {mirror} {suite} main\n")).collect();
        fs::write(apt.join("sources.list"), lines).map_err(|e| e.to_string())?;
        eprintln!("oracle: packages of {} for the engine", suites.join(" and "));
        let engine = ENGINE.iter().map(|name| format!("{name}/{newer}"));
        let wanted: Vec<String> = engine.chain(RUNTIME.iter().map(|name| format!("{name}/{own}"))).collect();
        let got = quiet(apt_get(&apt).args(["--error-on=any", "update"]))
            .and_then(|()| quiet(apt_get(&apt).arg("download").args(&wanted).current_dir(&into)));
        match got {
            Ok(()) => {
                let listed = fs::read_dir(&into).map_err(|e| e.to_string())?;
                let debs = listed.filter_map(Result::ok).map(|entry| entry.path());
                return Ok(debs.filter(|path| path.extension().is_some_and(|e| e == "deb")).collect());
            }
            Err(error) => reason = error,
        }
    }
    Err(Unprepared::Skipped(format!("the packages cannot be had: {reason}")))
}

/// The mirror that this machine's apt has for its own suite, and that suite.
pub(crate) fn mirror() -> Result<(String, String), String> {
    let release = fs::read_to_string("/etc/os-release").map_err(|e| format!("/etc/os-release: {e}"))?;
    let own = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .ok_or("/etc/os-release names no suite")?;
    let listed = Command::new("apt-get")
        .args(["indextargets", "--format", "$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)"])
        .output()
        .map_err(|e| format!("apt-get: {e}"))?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let found = text.lines().find_map(|line| line.strip_prefix(&format!("Packages {own} main ")));
    match found {
        Some(uri) => Ok((uri.trim().to_owned(), own)),
        None => Err(format!("apt has no source for {own} main")),
    }
}

/// apt-get with the machine's settings (its proxies too), but its own sources, lists, cache and status.
pub(crate) fn apt_get(apt: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let own = |name: &str| apt.join(name).display().to_string();
    for setting in [
        format!("Dir::Etc::SourceList={}", own("sources.list")),
        "Dir::Etc::SourceParts=-".to_owned(),
        "Dir::Etc::Preferences=-".to_owned(),
        "Dir::Etc::PreferencesParts=-".to_owned(),
        format!("Dir::State::Lists={}", own("lists")),
        format!("Dir::State::Status={}", own("status")),
        format!("Dir::Cache={}", own("cache")),
        "APT::Sandbox::User=root".to_owned(),
        "APT::Update::Post-Invoke-Success=".to_owned(),
        "Acquire::Languages=none".to_owned(),
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        "Acquire::Retries=3".to_owned(),
    ] {
        command.arg("-o").arg(setting);
    }
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
    command
}

/// A home for the client that knows the unpacked buildx.
fn home(folder: &Folder) -> Result<(), String> {
    let plugins = folder.home().join(".docker/cli-plugins");
    let _ = fs::remove_dir_all(&plugins);
    fs::create_dir_all(&plugins).map_err(|e| e.to_string())?;
    let ours = folder.root().join("usr/libexec/docker/cli-plugins/docker-buildx");
    symlink(ours, plugins.join("docker-buildx")).map_err(|e| e.to_string())
}

/// The base image: busybox with a link per applet.
fn base(folder: &Folder) -> Result<(), String> {
    let root = folder.dir.join("base");
    let _ = fs::remove_dir_all(&root);
    for dir in ["bin", "etc", "tmp", "root"] {
        fs::create_dir_all(root.join(dir)).map_err(|e| e.to_string())?;
    }
    let busybox = root.join("bin/busybox");
    let candidates = ["bin/busybox", "usr/bin/busybox"].map(|path| folder.root().join(path));
    let found = candidates.iter().find(|path| path.is_file()).ok_or("the packages have no busybox")?;
    fs::copy(found, &busybox).map_err(|e| e.to_string())?;
    let listed = Command::new(&busybox).arg("--list").output().map_err(|e| e.to_string())?;
    for applet in String::from_utf8_lossy(&listed.stdout).lines().filter(|a| *a != "busybox") {
        symlink("busybox", root.join("bin").join(applet)).map_err(|e| e.to_string())?;
    }
    let accounts = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n";
    fs::write(root.join("etc/passwd"), accounts).map_err(|e| e.to_string())?;
    fs::write(root.join("etc/group"), "root:x:0:\napp:x:1000:\n").map_err(|e| e.to_string())?;
    let mut pack = Command::new("tar");
    // The same bytes on every machine with the same busybox.
    pack.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-cf"]);
    quiet(pack.arg(folder.base_tar()).arg("-C").arg(&root).arg("."))
}

/// Runs a program and keeps what it says for the error.
pub(crate) fn quiet(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output().map_err(|e| format!("{name}: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(format!("{name}: {last}"))
}
