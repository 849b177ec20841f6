//! One case, for real.

use std::collections::BTreeMap;
use std::path::PathBuf;

use layerwise_syntax::image_ref::ImageRef;
use serde_json::Value;

use super::build::{self, Vertex};
use super::case::{Build, Case, Image, Need, Node};
use super::compare::{Judged, Truth, judge, truth};
use super::engine::{BASE, Engine};
use super::ours::{Config, KnownImages, Ours, plan};
use super::serve::Server;
use super::tree::Tree;

/// What stands for the server's address in a Dockerfile.
pub const WWW: &str = "${WWW}";

/// Where a case's folder keeps what the server serves.
pub const SERVED: &str = "www";

/// Runs cases on an engine.
pub struct Runner {
    /// The engine.
    pub engine: Engine,
    server: Server,
    work: tempfile::TempDir,
    /// What this engine and this machine have.
    has: Vec<Need>,
}

/// A case that was run.
pub struct Outcome {
    /// The comparison.
    pub judged: Judged,
    /// What the engine did in the last build.
    pub truth: Truth,
    /// The images that each build found.
    pub images: Vec<BTreeMap<String, Config>>,
}

impl Runner {
    /// A runner; finds out what the engine knows.
    pub fn new(engine: Engine) -> Result<Runner, String> {
        let folder = engine.folder().dir.clone();
        // Left by a run that was killed; the engine allows one at a time.
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with("cases-") {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let work =
            tempfile::Builder::new().prefix("cases-").tempdir_in(&folder).map_err(|e| e.to_string())?;
        let mut runner = Runner { engine, server: Server::start()?, work, has: Vec::new() };
        let probes = [
            (Need::Parents, "FROM scratch\nCOPY --parents a /\n"),
            (Need::Device, "FROM busybox\nRUN --device=vendor.example/class=a,required=false true\n"),
            (Need::Security, "FROM busybox\nRUN --security=sandbox true\n"),
        ];
        for (need, dockerfile) in probes {
            let mut tree = runner.tree()?;
            tree.write("a", &Node::Content(String::new()))?;
            tree.write("Dockerfile", &Node::Content(dockerfile.to_owned()))?;
            let built = build::run(&runner.engine, tree.root(), &Build::default(), None);
            if built.is_ok() {
                runner.has.push(need);
            }
        }
        for (need, program) in [(Need::Git, "git"), (Need::Ssh, "ssh-agent")] {
            let path = std::env::var_os("PATH").unwrap_or_default();
            if std::env::split_paths(&path).any(|dir| dir.join(program).is_file()) {
                runner.has.push(need);
            }
        }
        if runner.engine.store == super::engine::Store::Containerd {
            runner.has.push(Need::Containerd);
        }
        Ok(runner)
    }

    /// The first thing that a case needs and this machine has not.
    pub fn lacks(&self, case: &Case) -> Option<Need> {
        case.needs.iter().find(|need| !self.has.contains(need)).copied()
    }

    /// The folder of the next case, empty.
    pub(crate) fn tree(&self) -> Result<Tree, String> {
        Tree::new(self.work.path().join("case"))
    }

    /// Builds a case and compares. An error is a case that does not build, or that the plan refuses.
    pub fn run(&self, case: &Case) -> Result<Outcome, String> {
        self.engine.prune()?;
        let mut tree = self.tree()?;
        self.server.serve(tree.root().join(SERVED));
        for (path, node) in &case.files {
            tree.write(path, node)?;
        }
        let mut options = case.build.clone();
        let mut text = case.dockerfile.text();
        let mut known = BTreeMap::new();
        let mut images = Vec::new();
        let mut builds: Vec<Ours> = Vec::new();
        self.make_images(&case.images, &tree, &mut known)?;
        let mut last = self.one(&mut tree, &text, &options, &known, &mut builds)?;
        images.push(known.clone());
        for (number, edit) in case.edits.iter().enumerate() {
            let said = |error| format!("edit {}: {error}", number + 1);
            self.make_images(&edit.images, &tree, &mut known).map_err(said)?;
            text = edit.dockerfile(&text).map_err(said)?;
            options = edit.build(&options).map_err(said)?;
            tree.apply(edit).map_err(said)?;
            last = self.one(&mut tree, &text, &options, &known, &mut builds).map_err(said)?;
            images.push(known.clone());
        }
        let after = builds.pop().ok_or("no build")?;
        let truth = truth(&after, &last);
        let judged = judge(&case.id, &after, &plan(&builds, &after), &truth);
        Ok(Outcome { judged, truth, images })
    }

    /// One build by the engine, and the same as Layerwise reads it.
    fn one(
        &self,
        tree: &mut Tree,
        text: &str,
        options: &Build,
        known: &BTreeMap<String, Config>,
        builds: &mut Vec<Ours>,
    ) -> Result<Vec<Vertex>, String> {
        let text = text.replace(WWW, &self.server.base);
        tree.write(&build::dockerfile(options), &Node::Content(text))?;
        let vertices = build::run(&self.engine, tree.root(), options, None)?;
        builds.push(Ours::read(tree.root(), options, &KnownImages(known.clone()), &self.engine.name())?);
        Ok(vertices)
    }

    /// Builds or tags images, and adds what is known of each.
    pub(crate) fn make_images(
        &self,
        images: &[Image],
        tree: &Tree,
        known: &mut BTreeMap<String, Config>,
    ) -> Result<(), String> {
        for image in images {
            if let Some(other) = &image.same_as {
                self.engine.docker_ok(["tag", other, &image.tag])?;
            } else {
                let mut own = Tree::new(self.work.path().join("image"))?;
                own.write("Dockerfile", &Node::Content(image.dockerfile.text()))?;
                build::run(&self.engine, own.root(), &Build::default(), Some(&image.tag))
                    .map_err(|e| format!("image {}: {e}", image.tag))?;
            }
            let reference = ImageRef::parse(&image.tag).map_err(|e| e.to_string())?.normalized();
            known.insert(reference, self.inspect(&image.tag)?);
            if let Some(layout) = &image.layout {
                self.save(&image.tag, tree.root().join(layout))?;
            }
        }
        Ok(())
    }

    /// The configuration of an image as the engine has it.
    fn inspect(&self, tag: &str) -> Result<Config, String> {
        let text = self.engine.docker_ok(["image", "inspect", "--format", "{{json .}}", tag])?;
        let value: Value = serde_json::from_str(&text).map_err(|e| format!("image {tag}: {e}"))?;
        let config = &value["Config"];
        let list = |name: &str| -> Vec<String> {
            let all = config[name].as_array().into_iter().flatten();
            all.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Config {
            env: list("Env"),
            workdir: word(&config["WorkingDir"]),
            user: word(&config["User"]),
            shell: config["Shell"].is_array().then(|| list("Shell")),
            onbuild: list("OnBuild"),
            platform: format!("{}/{}", word(&value["Os"]), word(&value["Architecture"])),
        })
    }

    /// Puts an image into a folder as an OCI layout.
    fn save(&self, tag: &str, into: PathBuf) -> Result<(), String> {
        let tar = self.work.path().join("image.tar");
        let name = tar.display().to_string();
        self.engine.docker_ok(["save", "--output", &name, tag])?;
        std::fs::create_dir_all(&into).map_err(|e| e.to_string())?;
        let done = std::process::Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&into).status();
        match done {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("tar: {other:?}")),
        }
    }

    /// Removes the images that a case made.
    pub fn forget(&self, case: &Case) {
        let tags = case.images.iter().chain(case.edits.iter().flat_map(|edit| &edit.images));
        for tag in tags.map(|image| image.tag.as_str()).filter(|tag| *tag != BASE) {
            let _ = self.engine.docker(["image", "rm", "--force", tag]);
        }
    }
}
