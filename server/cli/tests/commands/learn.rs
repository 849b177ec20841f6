//! `layerwise learn` and `forget`, and what `plan` makes of it.

use super::{Folder, Ran};

const DOCKERFILE: &str = include_str!("../../../analysis/tests/logs/Dockerfile");
const PLAIN: &str = include_str!("../../../analysis/tests/logs/plain.log");
const RAWJSON: &str = include_str!("../../../analysis/tests/logs/rawjson.log");
const HISTORY: &str = include_str!("../../../analysis/tests/logs/history.json");

fn folder() -> Folder {
    Folder::new(&[
        ("app/Dockerfile", DOCKERFILE),
        ("app/big", "big"),
        ("app/src/a", "a"),
        ("app/src/b", "b"),
        ("plain.log", PLAIN),
        ("raw.log", RAWJSON),
        ("history.json", HISTORY),
    ])
}

fn learn(folder: &Folder, more: &[&str]) -> Ran {
    let args = [&["learn", "-f", "app/Dockerfile", "--format", "json"], more].concat();
    folder.run(&args)
}

/// The seconds and whether they are measured of the steps at these lines, in a cold plan.
fn seconds(folder: &Folder, lines: &[u64], more: &[&str]) -> Vec<(f64, bool)> {
    let args = [&["plan", "app/Dockerfile", "--format", "json"], more].concat();
    let json = folder.run(&args).json();
    let steps = json["steps"].as_array().unwrap();
    let at = |line: &u64| {
        let step = steps.iter().find(|s| s["line"] == *line).unwrap();
        let seconds = &step["price"]["seconds"];
        (seconds["value"].as_f64().unwrap(), seconds["measured"].as_bool().unwrap())
    };
    lines.iter().map(at).collect()
}

#[test]
fn a_log_teaches_the_plan() {
    let folder = folder();
    let before = seconds(&folder, &[7, 15], &[]);
    assert!(before.iter().all(|(_, measured)| !measured));
    let told = learn(&folder, &["plain.log"]);
    assert_eq!((told.status, told.err.as_str()), (0, ""));
    let json = told.json();
    assert_eq!((&json["in_log"], &json["matched"], &json["measured"]), (&10.into(), &10.into(), &9.into()));
    assert_eq!(json["remembered"], true);
    assert_eq!(seconds(&folder, &[7, 15], &[]), [(1.1, true), (2.1, true)]);
    assert_eq!(seconds(&folder, &[7, 15], &["--no-learnt"]), before);
    let text = folder.run(&["plan", "app/Dockerfile", "--baseline", "none"]).out;
    assert!(text.contains("sleep 1") && text.contains("1.1 s"), "{text}");
    // From another folder it is the same Dockerfile, and an edit keeps what still fits.
    folder.write("app/Dockerfile", DOCKERFILE.replace("sleep 1;", "sleep 7;"));
    let after = seconds(&folder, &[7, 15], &[]);
    assert_eq!((after[0].1, after[1]), (false, (2.1, true)));
    let forgot = folder.run_in("app", &["forget"]);
    assert_eq!((forgot.status, forgot.out.as_str()), (0, "Dockerfile: forgot what was learnt\n"));
    assert!(!seconds(&folder, &[15], &[])[0].1);
}

/// The lines of the steps in a state, and their causes.
fn in_state(folder: &Folder, state: &str) -> Vec<(u64, String)> {
    let json = folder.run(&["plan", "app/Dockerfile", "--format", "json"]).json();
    assert_eq!(json["baseline"]["kind"], "build", "{json}");
    let steps = json["steps"].as_array().unwrap().iter().filter(|s| s["state"] == state);
    steps.map(|s| (s["line"].as_u64().unwrap(), s["because"].to_string())).collect()
}

#[test]
fn the_build_of_a_log_is_what_the_next_plan_compares_with() {
    let folder = folder();
    assert_eq!(learn(&folder, &["plain.log"]).json()["remembered"], true);
    assert_eq!(in_state(&folder, "rebuilt"), []);
    // An edit of a file, and of the Dockerfile.
    let old = std::fs::read(folder.path("app/src/b")).unwrap();
    folder.write("app/src/b", "other");
    let edited = in_state(&folder, "rebuilt");
    assert_eq!(edited[0], (22, r#"[{"file":"src/b"}]"#.to_owned()), "{edited:?}");
    folder.write("app/src/b", &old);
    assert_eq!(in_state(&folder, "rebuilt"), [], "the same bytes again");
    folder.write("app/Dockerfile", DOCKERFILE.replace("sleep 2", "sleep 3"));
    let other = in_state(&folder, "rebuilt");
    assert_eq!(other, [(15, r#"[{"line":15}]"#.to_owned())]);
    assert_eq!(
        folder.run(&["plan", "app/Dockerfile", "--baseline", "none", "--format", "json"]).json()["baseline"]
            ["kind"],
        "none"
    );
    // Without a known build there is nothing to be asked for by name.
    assert_eq!(folder.run(&["forget", "--all"]).status, 0);
    let none = folder.run(&["plan", "app/Dockerfile", "--baseline", "build"]);
    assert!(none.status == 2 && none.err.contains("layerwise learn"), "{}", none.err);
}

#[test]
fn several_builds_and_sizes() {
    let folder = folder();
    for log in ["plain.log", "raw.log", "raw.log"] {
        assert_eq!(learn(&folder, &[log, "--history", "history.json"]).json()["layers"]["matched"], 7);
    }
    let found = seconds(&folder, &[7], &[])[0];
    assert!(found.1 && (1.0..1.4).contains(&found.0), "the median of three: {found:?}");
    let json = folder.run(&["plan", "app/Dockerfile", "--format", "json"]).json();
    let run = json["steps"].as_array().unwrap().iter().find(|s| s["line"] == 8).unwrap();
    assert_eq!(run["price"]["bytes"], serde_json::json!({ "value": 4096, "measured": true }));
    let all = folder.run(&["forget", "--all"]);
    assert_eq!(all.out, "forgot what was learnt of 1 Dockerfile\n");
    assert_eq!(folder.run(&["forget", "--all"]).out, "nothing was learnt, so there is nothing to forget\n");
}

#[test]
fn a_log_of_an_older_text_says_how_much_of_it_fits() {
    let folder = folder();
    folder.write("app/Dockerfile", DOCKERFILE.replace("sleep 2", "sleep 3"));
    let told = folder.run(&["learn", "raw.log", "--dockerfile", "app/Dockerfile"]);
    assert_eq!(told.status, 0, "{}", told.err);
    let expected = "\
app/Dockerfile: learnt how long 8 steps took; 9 of 10 steps in raw.log are in the Dockerfile as it is
  not in it: [other 3/3] RUN sleep 2 &&     echo continued &&     echo end
";
    assert_eq!(told.out, expected, "and it is no build of this text");
}

#[test]
fn what_is_no_log_is_an_error_with_its_place() {
    let folder = folder();
    folder.write("garbage.log", "\nhello\nworld\n");
    folder.write("empty.log", "");
    folder.write("export.dockerbuild", [0x1f, 0x8b, 8, 0]);
    folder.write(
        "other.log",
        "#1 [1/2] FROM docker.io/library/alpine\n#1 DONE 0.0s\n#2 [2/2] RUN nothing like it\n",
    );
    folder.write("setup.log", "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n");
    let cases = [
        (&["garbage.log"][..], "garbage.log:2: this is no build log"),
        (&["empty.log"], "empty.log:1: the log is empty"),
        (&["none.log"], "none.log: no such file"),
        (&["app"], "app: "),
        (&["export.dockerbuild"], "cannot be unpacked"),
        (&["other.log"], "none of its 2 steps"),
        (&["setup.log"], "no step of a Dockerfile"),
        (&["plain.log", "--history", "garbage.log"], "garbage.log:2: this is no layer"),
        (&["plain.log", "--target", "nope"], "nope"),
    ];
    for (args, message) in cases {
        let told = learn(&folder, args);
        assert_eq!((told.status, told.out.as_str()), (2, ""), "{args:?}");
        assert!(told.err.contains(message), "{args:?}: {}", told.err);
    }
    assert_eq!(folder.run(&["forget", "--all"]).out, "nothing was learnt, so there is nothing to forget\n");
}

#[test]
fn logs_as_they_come() {
    let folder = folder();
    let cut = RAWJSON.rfind("{\"vertexes\"").unwrap() + 30;
    folder.write("cut.log", &RAWJSON[..cut]);
    let told = learn(&folder, &["cut.log"]);
    assert_eq!(told.status, 0);
    assert!(told.err.contains("cut.log:") && told.err.contains("or cut"), "{}", told.err);
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(PLAIN.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    folder.write("utf16.log", utf16);
    let told = learn(&folder, &["utf16.log"]);
    assert_eq!((told.status, &told.json()["measured"]), (0, &9.into()));
}

#[test]
fn an_export_of_the_build_history_teaches_the_same() {
    let folder = folder();
    folder.write("app.dockerbuild", include_bytes!("../../../analysis/tests/logs/export.dockerbuild"));
    let told = learn(&folder, &["app.dockerbuild"]);
    assert_eq!((told.status, told.err.as_str()), (0, ""));
    assert_eq!((&told.json()["in_log"], &told.json()["measured"]), (&10.into(), &9.into()));
    let found = seconds(&folder, &[15], &[])[0];
    assert!(found.1 && (2.0..2.5).contains(&found.0), "{found:?}");
}

#[test]
fn damage_in_the_store_is_told_and_costs_no_plan() {
    let folder = folder();
    assert_eq!(learn(&folder, &["plain.log"]).status, 0);
    let dir = folder.data.path().join("layerwise/learnt");
    let file = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "{\"version\": 1, ").unwrap();
    let plan = folder.run(&["plan", "app/Dockerfile"]);
    assert_eq!(plan.status, 0);
    assert!(plan.err.contains("it is damaged"), "{}", plan.err);
    assert_eq!(learn(&folder, &["plain.log"]).status, 0);
    assert_eq!(folder.run(&["plan", "app/Dockerfile"]).err, "");
}

/// A stand-in for `docker` on PATH, which is asked only where that is switched on.
#[cfg(unix)]
#[test]
fn an_engine_says_how_big_images_are_that_it_has() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let script = "#!/bin/sh\necho \"$@\" >> \"$ASKED\"\ncase \"$*\" in *base:1|*alias:1) echo '123456 [\"sha256:aa\"]' ;; *other:1) echo '5 [\"sha256:bb\"]' ;; *) exit 1 ;; esac\n";
    folder.write("bin/docker", script);
    let program = folder.path("bin/docker");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path("bin").display(), std::env::var("PATH").unwrap());
    let plan = |more: &[&str]| {
        let mut command = super::command(&folder.path("app"));
        command.env("PATH", &path).env("ASKED", folder.path("asked")).args(["plan", "--format", "json"]);
        super::ran(command.args(more).output().unwrap()).json()
    };
    assert_eq!(
        plan(&[])["steps"][0]["price"]["bytes"],
        serde_json::Value::Null,
        "an image that nobody knows"
    );
    assert!(!folder.path("asked").exists());
    let json = plan(&["--docker"]);
    let measured = serde_json::json!({ "value": 123_456, "measured": true });
    assert_eq!(json["steps"][0]["price"]["bytes"], measured);
    assert_eq!(json["image"]["parts"][0]["bytes"], measured);
    let asked = folder.read("asked");
    assert_eq!(
        asked, "image inspect --format {{.Size}} {{json .RootFS.Layers}} -- docker.io/library/base:1\n",
        "once, and nothing else"
    );
    // What it says of layers decides whether another name is another image.
    for (name, docker, state) in [
        ("alias:1", true, "cached"),
        ("other:1", true, "rebuilt"),
        ("nobody:1", true, "depends"),
        ("alias:1", false, "depends"),
    ] {
        folder.write("app/old", folder.read("app/Dockerfile").replace("base:1", name));
        let mut arguments = vec!["--before", "old"];
        arguments.extend(docker.then_some("--docker"));
        assert_eq!(plan(&arguments)["steps"][0]["state"], state, "{name} {docker}");
    }
}
