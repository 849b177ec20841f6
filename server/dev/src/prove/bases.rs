//! Base images made on this machine from Debian packages, for builds that have no network.
//!
//! A base is a root file system that debootstrap and apt make, kept as a tar in the engine's folder and imported as
//! `layerwise-base:NAME`. Projects give it the names that people use (`"same_as": "layerwise-base:node"`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::oracle::engine::Engine;
use crate::oracle::prepare::{Folder, Unprepared, apt_get, mirror, quiet};

/// The name of all bases.
pub const NAME: &str = "layerwise-base:";

/// What a base is made of.
struct Recipe {
    name: &'static str,
    /// The base that it stands on; debootstrap makes the first.
    from: Option<&'static str>,
    /// Packages that apt installs, without what they recommend.
    packages: &'static str,
    /// What runs in it then, by `sh -eu`.
    script: &'static str,
    /// Changes of the image's configuration, as `docker import --change` has them.
    changes: &'static [&'static str],
}

const PATH: &str = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Packages that projects install while they are built: they lie in the image, with all that they need and recommend.
const SHELF: &str = "\
    apt-get install -y --download-only curl git jq unzip ca-certificates less tree python3 gcc make netcat-openbsd >/dev/null
    mkdir -p /srv/shelf && mv /var/cache/apt/archives/*.deb /srv/shelf/
    cd /srv/shelf
    for deb in *.deb; do
        dpkg-deb -f \"$deb\"
        echo \"Filename: ./$deb\"
        echo \"Size: $(stat -c %s \"$deb\")\"
        echo \"SHA256: $(sha256sum \"$deb\" | cut -d ' ' -f 1)\"
        echo
    done >Packages
    echo 'deb [trusted=yes] file:/srv/shelf ./' >/etc/apt/sources.list
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin";

const RECIPES: [Recipe; 8] = [
    Recipe { name: "debian", from: None, packages: "", script: "", changes: &[PATH, "CMD [\"bash\"]"] },
    Recipe {
        name: "apt",
        from: Some("debian"),
        packages: "",
        script: SHELF,
        changes: &[PATH, "CMD [\"bash\"]"],
    },
    Recipe {
        name: "go",
        from: Some("debian"),
        packages: "golang-go",
        script: "",
        changes: &[PATH, "ENV GOFLAGS=-buildvcs=false GOPROXY=off GOPATH=/go", "WORKDIR /go"],
    },
    Recipe {
        name: "node",
        from: Some("debian"),
        packages: "nodejs npm",
        script: "npm config set --location=global offline true && npm config set --location=global update-notifier false",
        changes: &[PATH, "CMD [\"node\"]"],
    },
    Recipe {
        name: "python",
        from: Some("debian"),
        packages: "python3 python3-pip python3-venv python3-setuptools python3-wheel",
        script: "ln -s python3 /usr/bin/python",
        changes: &[
            PATH,
            "ENV PIP_NO_INDEX=1 PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_BUILD_ISOLATION=0 PIP_ROOT_USER_ACTION=ignore",
            "CMD [\"python3\"]",
        ],
    },
    Recipe {
        name: "gcc",
        from: Some("debian"),
        packages: "gcc g++ make cmake libc6-dev",
        script: "",
        changes: &[PATH],
    },
    Recipe {
        name: "rust",
        from: Some("debian"),
        packages: "cargo rustc gcc libc6-dev",
        script: "",
        changes: &[PATH],
    },
    Recipe {
        name: "java",
        from: Some("debian"),
        packages: "openjdk-17-jdk-headless",
        script: "",
        changes: &[PATH, "ENV JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64"],
    },
];

/// Makes sure that the engine has the bases of these names (`layerwise-base:node`); others are passed over.
pub fn make<'a>(engine: &Engine, names: impl IntoIterator<Item = &'a str>) -> Result<(), Unprepared> {
    for name in names.into_iter().filter_map(|name| name.strip_prefix(NAME)) {
        let recipe = RECIPES.iter().find(|recipe| recipe.name == name);
        let recipe = recipe.ok_or_else(|| Unprepared::Failed(format!("there is no base `{name}`")))?;
        // What it is made of stands in a label, so that another recipe makes another image.
        let label = recipe.fingerprint();
        let tag = format!("{NAME}{name}");
        let format = "{{index .Config.Labels \"layerwise.recipe\"}}";
        let there = engine.docker(["image", "inspect", "--format", format, &tag])?;
        if there.status.success() && String::from_utf8_lossy(&there.stdout).trim() == label {
            continue;
        }
        let root = recipe.root(engine.folder())?;
        let tar = engine.folder().dir.join("bases").join(format!("{name}.tar"));
        let mut pack = Command::new("tar");
        pack.args(["--sort=name", "--numeric-owner", "--xattrs", "-cf"])
            .arg(&tar)
            .arg("-C")
            .arg(&root)
            .arg(".");
        quiet(&mut pack)?;
        let label = format!("LABEL layerwise.recipe={label}");
        let mut args = vec!["import", "--change", &label];
        for change in recipe.changes {
            args.extend(["--change", change]);
        }
        let path = tar.display().to_string();
        args.extend([path.as_str(), tag.as_str()]);
        engine.docker_ok(args)?;
        fs::remove_file(&tar).map_err(|e| e.to_string())?;
    }
    Ok(())
}

impl Recipe {
    /// A hash of everything that goes into it.
    fn fingerprint(&self) -> String {
        let below = self.from.and_then(|name| RECIPES.iter().find(|recipe| recipe.name == name));
        let mut hasher = blake3::Hasher::new();
        for part in [self.name, self.packages, self.script, &self.changes.join("\n")] {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        hasher.update(below.map(Recipe::fingerprint).unwrap_or_default().as_bytes());
        hasher.finalize().to_hex().chars().take(16).collect()
    }

    /// Its root file system, made if it is not there.
    fn root(&self, folder: &Folder) -> Result<PathBuf, Unprepared> {
        let bases = folder.dir.join("bases");
        fs::create_dir_all(&bases).map_err(|e| format!("{}: {e}", bases.display()))?;
        let root = bases.join(self.name);
        let mark = bases.join(format!("{}.made", self.name));
        if fs::read_to_string(&mark).is_ok_and(|text| text == self.fingerprint()) && root.is_dir() {
            return Ok(root);
        }
        eprintln!("prove: making the base image `{}`", self.name);
        let _ = fs::remove_file(&mark);
        let _ = fs::remove_dir_all(&root);
        match self.from.and_then(|name| RECIPES.iter().find(|recipe| recipe.name == name)) {
            None => debootstrap(folder, &root)?,
            Some(below) => {
                let below = below.root(folder)?;
                quiet(Command::new("cp").arg("-a").arg(below).arg(&root))?;
            }
        }
        if self.from.is_some() {
            self.fill(&root)?;
        }
        fs::write(&mark, self.fingerprint()).map_err(|e| e.to_string())?;
        Ok(root)
    }

    /// Installs the packages and runs the script, in a namespace of its own so that nothing stays mounted.
    fn fill(&self, root: &Path) -> Result<(), Unprepared> {
        let dump = Command::new("apt-config").arg("dump").output().map_err(|e| format!("apt-config: {e}"))?;
        // Proxies and the like; what the machine's own clean-up does is no matter of the image.
        let host: String = String::from_utf8_lossy(&dump.stdout)
            .lines()
            .filter(|line| line.starts_with("Acquire::") && !line.contains("IndexTargets"))
            .map(|line| format!("{line}\n"))
            .collect();
        let config = root.join("etc/apt/apt.conf.d/00-machine");
        fs::write(&config, host).map_err(|e| e.to_string())?;
        let resolv = root.join("etc/resolv.conf");
        let _ = fs::copy("/etc/resolv.conf", &resolv);
        let script = format!(
            "export DEBIAN_FRONTEND=noninteractive
            apt-get -qq update
            [ -z '{packages}' ] || apt-get -qq install -y --no-install-recommends {packages} >/dev/null
            {script}
            apt-get clean",
            packages = self.packages,
            script = self.script
        );
        let mut run = Command::new("unshare");
        run.args([
            "--mount",
            "sh",
            "-euc",
            r#"mount -t proc proc "$1/proc"; exec chroot "$1" sh -euc "$2""#,
            "sh",
        ]);
        quiet(run.arg(root).arg(script).env("LC_ALL", "C"))?;
        fs::remove_file(&config).map_err(|e| e.to_string())?;
        let _ = fs::write(&resolv, "");
        let _ = fs::remove_dir_all(root.join("var/lib/apt/lists"));
        fs::create_dir_all(root.join("var/lib/apt/lists/partial")).map_err(|e| e.to_string())?;
        Ok(())
    }
}

/// A minimal Debian of this machine's own suite.
fn debootstrap(folder: &Folder, root: &Path) -> Result<(), Unprepared> {
    let (mirror, suite) = mirror().map_err(Unprepared::Skipped)?;
    let tool = folder.dir.join("debootstrap");
    if !tool.join("usr/sbin/debootstrap").is_file() {
        let apt = folder.dir.join("apt");
        let into = apt.join("debootstrap");
        let _ = fs::remove_dir_all(&into);
        fs::create_dir_all(&into).map_err(|e| e.to_string())?;
        quiet(apt_get(&apt).arg("update")).map_err(Unprepared::Skipped)?;
        quiet(apt_get(&apt).args(["download", "debootstrap"]).current_dir(&into))
            .map_err(Unprepared::Skipped)?;
        let listed = fs::read_dir(&into).map_err(|e| e.to_string())?;
        for package in listed.filter_map(Result::ok).map(|entry| entry.path()) {
            quiet(Command::new("dpkg-deb").arg("-x").arg(package).arg(&tool))?;
        }
    }
    let mut run = Command::new("unshare");
    run.args(["--mount", "sh"]).arg(tool.join("usr/sbin/debootstrap"));
    run.args(["--variant=minbase", &suite]).arg(root).arg(&mirror);
    run.env("DEBOOTSTRAP_DIR", tool.join("usr/share/debootstrap")).env("LC_ALL", "C");
    quiet(&mut run).map_err(Unprepared::Skipped)?;
    quiet(Command::new("chroot").arg(root).args(["apt-get", "clean"]))?;
    Ok(())
}
