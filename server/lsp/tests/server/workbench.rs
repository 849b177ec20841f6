//! The product's own engine behind the server, on real folders: what an editor sees from opening a file to a build.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, at, range};
use crate::engine::TestEngine;

const DOCKERFILE: &str = "FROM debian:12\nCOPY src src\nRUN make\n";

struct Project {
    folder: TempDir,
    /// Where what builds teach is kept.
    learnt: TempDir,
}

impl Project {
    fn new() -> Project {
        let folder = || tempfile::tempdir().expect("a folder");
        let project = Project { folder: folder(), learnt: folder() };
        project.write("Dockerfile", DOCKERFILE);
        project.write("src/a.c", "int a;");
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("it is written");
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).expect("it was there");
    }

    fn runs_git(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("git");
        let settings = ["user.name=x", "user.email=x@example.org", "commit.gpgsign=false"];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let done = command.args(arguments).current_dir(self.path()).output();
        done.is_ok_and(|out| out.status.success())
    }

    fn git(&self, arguments: &[&str]) {
        assert!(self.runs_git(arguments), "git {arguments:?}");
    }

    /// `false`: there is no git here.
    fn commit(&self) -> bool {
        let git = |arguments: &[&str]| self.runs_git(arguments);
        let done = git(&["init", "-q", "--initial-branch=first"])
            && git(&["add", "."])
            && git(&["commit", "-q", "-m", "x"]);
        if !done {
            println!("SKIPPED: no git, so nothing is compared with HEAD");
        }
        done
    }

    fn uri(&self) -> String {
        format!("file://{}/Dockerfile", self.path().display())
    }

    async fn opened(&self, options: Value) -> Client {
        let mut client =
            Client::with(Arc::new(TestEngine::default()), layerwise_lsp::workbench(self.learnt.path()));
        let folder = json!({"uri": format!("file://{}", self.path().display()), "name": "project"});
        let capabilities = json!({
            "textDocument": {"hover": {"contentFormat": ["markdown"]}},
            "workspace": {"codeLens": {"refreshSupport": true}, "inlayHint": {"refreshSupport": true}},
        });
        let params = json!({
            "capabilities": capabilities, "workspaceFolders": [folder], "initializationOptions": options,
        });
        client.request("initialize", params).await;
        client.notify("initialized", json!({})).await;
        let text = std::fs::read_to_string(self.path().join("Dockerfile")).expect("the Dockerfile");
        client.open(&self.uri(), &text).await;
        client
    }

    async fn lenses(&self, client: &mut Client) -> Vec<String> {
        let document = json!({"textDocument": {"uri": self.uri()}});
        let lenses = client.result("textDocument/codeLens", document).await;
        let titles = lenses.as_array().expect("lenses").iter().map(|lens| lens["command"]["title"].as_str());
        // Without the estimate at the end: it is not what these tests are about.
        let text = |title: &str| title.split(", ~").next().unwrap_or_default().to_owned();
        titles.map(|title| text(title.expect("a title"))).collect()
    }

    /// Asks until the answer is what it shall be in the end; each time but the first after a change was announced.
    async fn lenses_become(&self, client: &mut Client, expected: &[&str]) {
        let mut last = self.lenses(client).await;
        while last != expected {
            let refresh = client.wait(|message| message["method"] == "workspace/codeLens/refresh").await;
            client.send(json!({"jsonrpc": "2.0", "id": refresh["id"], "result": null})).await;
            last = self.lenses(client).await;
        }
    }
}

impl Project {
    /// Writes a file and reports it, as an editor that watches would.
    async fn change(&self, client: &mut Client, name: &str, text: &str) {
        self.write(name, text);
        let uri = format!("file://{}", self.path().join(name).display());
        let changes = json!({"changes": [{"uri": uri, "type": 2}]});
        client.notify("workspace/didChangeWatchedFiles", changes).await;
    }
}

fn run(command: &str, argument: Value) -> Value {
    json!({"command": command, "arguments": [argument]})
}

#[tokio::test]
async fn an_edit_is_compared_with_head_until_something_is_built() {
    let project = Project::new();
    if !project.commit() {
        return;
    }
    let edited = DOCKERFILE.replace("make", "make all");
    project.write("Dockerfile", &edited);
    let mut client = project.opened(json!({})).await;
    let uri = project.uri();
    // git is asked in the background, and the client is told when it has answered.
    let changed = ["since HEAD: 1 of 3 steps rebuilds", "compared with HEAD", "build this stage"];
    project.lenses_become(&mut client, &changed).await;
    let plan = client.result("layerwise/plan", json!({"textDocument": {"uri": uri}})).await;
    assert_eq!(plan["baseline"], json!({"kind": "head", "name": "HEAD", "when": null}));
    assert_eq!(plan["summary"]["rebuilt"], 1);
    // Saving resets nothing.
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": uri}, "text": edited})).await;
    assert_eq!(project.lenses(&mut client).await, changed);
    // A build does.
    client.result("workspace/executeCommand", run("layerwise.markBuilt", json!({"uri": uri}))).await;
    let quiet = ["3 steps, all cached since the last build", "build this stage"];
    assert_eq!(project.lenses(&mut client).await, quiet);
    let plan = client.result("layerwise/plan", json!({"textDocument": {"uri": uri}})).await;
    assert_eq!(plan["baseline"]["kind"], "build");
    assert!(plan["baseline"]["when"].as_str().is_some_and(|when| when.ends_with('Z')), "{plan}");
    // And it can be chosen.
    let choose = |baseline: &str| run("layerwise.baseline", json!({"uri": uri, "baseline": baseline}));
    client.result("workspace/executeCommand", choose("head")).await;
    project.lenses_become(&mut client, &changed).await;
    client.result("workspace/executeCommand", choose("opened")).await;
    let opened = ["3 steps, all cached since it was opened", "build this stage"];
    assert_eq!(project.lenses(&mut client).await, opened);
    let unknown = client.request("workspace/executeCommand", choose("v99")).await;
    assert!(unknown["error"]["message"].to_string().contains("no commit `v99`"), "{unknown}");
}

#[tokio::test]
async fn a_changed_file_is_seen_against_head() {
    let project = Project::new();
    if !project.commit() {
        return;
    }
    project.write("src/a.c", "int b;");
    let mut client = project.opened(json!({})).await;
    let changed = ["since HEAD: 2 of 3 steps rebuild", "compared with HEAD", "build this stage"];
    project.lenses_become(&mut client, &changed).await;
    let hover = client.result("textDocument/hover", at(&project.uri(), 2, 1)).await;
    let said = hover["contents"]["value"].as_str().expect("a text");
    assert!(said.contains("line 2 (`COPY src src`) runs again"), "{said}");
    assert!(said.contains("`src/a.c` changes"), "{said}");
}

/// The plan follows the files, the commits and the branches, without a word of the client's.
#[tokio::test]
async fn what_is_compared_with_head_follows() {
    let project = Project::new();
    project.write(".gitignore", "*.log\n");
    project.write(".dockerignore", ".git\n");
    if !project.commit() {
        return;
    }
    let mut client = project.opened(json!({})).await;
    let quiet = ["3 steps, all cached since HEAD", "build this stage"];
    let changed = ["since HEAD: 2 of 3 steps rebuild", "compared with HEAD", "build this stage"];
    project.lenses_become(&mut client, &quiet).await;
    // A file that git has, one that it has not, one that it ignores, and one that is gone.
    project.write("src/a.c", "int b;");
    project.lenses_become(&mut client, &changed).await;
    project.write("src/a.c", "int a;");
    project.lenses_become(&mut client, &quiet).await;
    project.write("src/new.c", "int c;");
    project.lenses_become(&mut client, &changed).await;
    project.write("src/new.log", "said");
    project.remove("src/new.c");
    project.lenses_become(&mut client, &quiet).await;
    project.remove("src/a.c");
    project.lenses_become(&mut client, &changed).await;
    // A commit makes it what is compared with.
    project.git(&["commit", "-q", "-a", "--allow-empty", "-m", "y"]);
    project.lenses_become(&mut client, &quiet).await;
    project.write("src/b.c", "int b;");
    project.lenses_become(&mut client, &changed).await;
    // And so does another branch.
    project.git(&["checkout", "-q", "-b", "other"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-q", "-m", "z"]);
    project.lenses_become(&mut client, &quiet).await;
    project.git(&["symbolic-ref", "HEAD", "refs/heads/first"]);
    project.lenses_become(&mut client, &changed).await;
    project.remove("src/b.c");
    project.lenses_become(&mut client, &quiet).await;
}

/// What git ignores is told by files too.
#[tokio::test]
async fn another_ignore_file_of_gits_is_another_answer() {
    let project = Project::new();
    project.write(".dockerignore", "**/.git*\n");
    if !project.commit() {
        return;
    }
    project.write("src/new.c", "int c;");
    let mut client = project.opened(json!({})).await;
    let changed = ["since HEAD: 2 of 3 steps rebuild", "compared with HEAD", "build this stage"];
    project.lenses_become(&mut client, &changed).await;
    // No build sees it, but whoever reports it is heard.
    project.change(&mut client, "src/.gitignore", "new.c\n").await;
    let quiet = ["3 steps, all cached since HEAD", "build this stage"];
    project.lenses_become(&mut client, &quiet).await;
}

#[tokio::test]
async fn outside_git_the_state_when_it_was_opened_counts() {
    let project = Project::new();
    let mut client = project.opened(json!({})).await;
    let uri = project.uri();
    let quiet = ["3 steps, all cached since it was opened", "build this stage"];
    assert_eq!(project.lenses(&mut client).await, quiet);
    client.change(&uri, 2, json!([{"range": range((2, 8), (2, 8)), "text": " all"}])).await;
    let changed = [
        "this edit: 1 of 3 steps rebuilds",
        "compared with the state when it was opened",
        "build this stage",
    ];
    project.lenses_become(&mut client, &changed).await;
    let simulate = run("layerwise.simulate", json!({"uri": uri, "paths": ["src/**"]}));
    let plan = client.result("workspace/executeCommand", simulate).await;
    assert_eq!((&plan["summary"]["rebuilt"], &plan["baseline"]["kind"]), (&json!(2), &json!("given")));
    let file = format!("file://{}/src/new.c", project.path().display());
    let reached = client.result("layerwise/affectedBy", json!({"uri": file})).await;
    let steps = reached["dockerfiles"][0]["steps"].as_array().expect("steps").iter();
    assert_eq!(steps.map(|step| step["line"].as_u64()).collect::<Vec<_>>(), [Some(2), Some(3)]);
    let graph = client.result("layerwise/graph", json!({"textDocument": {"uri": uri}})).await;
    let kinds = graph["vertices"].as_array().expect("vertices").iter().map(|vertex| &vertex["kind"]);
    assert_eq!(kinds.collect::<Vec<_>>(), ["image", "file", "exec"]);
    assert_eq!(graph["vertices"][1]["inputs"][1], json!({"context": true, "by": "content"}));
}

#[tokio::test]
async fn settings_choose_the_baseline_and_what_is_shown() {
    let project = Project::new();
    let mut client = project.opened(json!({"baseline": "none", "codeLens": false})).await;
    assert_eq!(project.lenses(&mut client).await, Vec::<String>::new());
    let hints = json!({"textDocument": {"uri": project.uri()}, "range": range((0, 0), (9, 0))});
    let hints = client.result("textDocument/inlayHint", hints).await;
    let labels = hints.as_array().expect("hints").iter().map(|hint| hint["label"].as_str());
    let rebuilds = labels.flatten().filter(|label| label.starts_with("rebuilds")).count();
    assert_eq!(rebuilds, 3, "{hints}");
}

#[tokio::test]
async fn a_file_that_changes_after_opening_is_seen() {
    let project = Project::new();
    let mut client = project.opened(json!({"baseline": "opened"})).await;
    let quiet = ["3 steps, all cached since it was opened", "build this stage"];
    project.lenses_become(&mut client, &quiet).await;
    project.change(&mut client, "src/a.c", "int changed;").await;
    let changed =
        ["this edit: 2 of 3 steps rebuild", "compared with the state when it was opened", "build this stage"];
    project.lenses_become(&mut client, &changed).await;
    // The same bytes again are the same file again, whatever time it says.
    project.change(&mut client, "src/a.c", "int a;").await;
    project.lenses_become(&mut client, &quiet).await;
}

#[tokio::test]
async fn a_build_is_remembered_by_the_next_session() {
    let project = Project::new();
    let mut client = project.opened(json!({})).await;
    client.change(&project.uri(), 2, json!([{"range": range((2, 8), (2, 8)), "text": " all"}])).await;
    let built = run("layerwise.markBuilt", json!({"uri": project.uri()}));
    let said = client.result("workspace/executeCommand", built).await;
    assert_eq!(said, "Dockerfile counts as built up to stage-0.");
    drop(client);

    // The file on the disk lacks the edit that was built, so the build of then does not have its last step.
    let mut client = project.opened(json!({})).await;
    let changed =
        ["since the last build: 1 of 3 steps rebuilds", "compared with the last build", "build this stage"];
    project.lenses_become(&mut client, &changed).await;
    client.change(&project.uri(), 2, json!([{"range": range((2, 8), (2, 8)), "text": " all"}])).await;
    let quiet = ["3 steps, all cached since the last build", "build this stage"];
    project.lenses_become(&mut client, &quiet).await;
}

const LOG: &str = "#4 [1/3] FROM docker.io/library/debian:12\n#4 CACHED\n\n#5 [2/3] COPY src src\n#5 DONE 0.1s\n\n\
    #6 [3/3] RUN make\n#6 0.3 cc a.c\n#6 DONE 48.2s\n";

#[tokio::test]
async fn a_log_teaches_what_steps_cost_and_what_was_built() {
    let project = Project::new();
    let mut client = project.opened(json!({})).await;
    let learn = |text: &str| run("layerwise.learn", json!({"uri": project.uri(), "text": text}));
    let learnt = client.result("workspace/executeCommand", learn(LOG)).await;
    assert_eq!(
        (&learnt["matched"], &learnt["measured"], &learnt["remembered"]),
        (&json!(3), &json!(2), &json!(true))
    );
    let quiet = ["3 steps, all cached since the last build", "build this stage"];
    project.lenses_become(&mut client, &quiet).await;
    project.change(&mut client, "src/a.c", "int changed;").await;
    let changed = [
        "since the last build: 2 of 3 steps rebuild, about 48 s",
        "compared with the last build",
        "build this stage",
    ];
    project.lenses_become(&mut client, &changed).await;
    let hints = json!({"textDocument": {"uri": project.uri()}, "range": range((0, 0), (9, 0))});
    let hints = client.result("textDocument/inlayHint", hints).await;
    assert_eq!(hints[1]["label"], "rebuilds 48 s");
    for (log, says) in
        [("nothing", "no build log"), ("#4 [1/1] RUN other\n#4 DONE 1.0s\n", "is one of Dockerfile")]
    {
        let error = client.request("workspace/executeCommand", learn(log)).await["error"].clone();
        assert!(error["message"].to_string().contains(says), "{error}");
    }
}
