//! The house: which room may import which (docs/architecture.md, "Rooms"), and that the pure ones are pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each room may import of the others.
const ROOMS: [(&str, &[&str]); 8] = [
    ("syntax", &[]),
    ("model", &["syntax"]),
    ("analysis", &["model", "syntax"]),
    ("host", &["model", "syntax"]),
    ("render", &["analysis", "model", "syntax"]),
    ("lsp", &["analysis", "host", "render", "model", "syntax"]),
    ("cli", &["lsp", "analysis", "host", "render", "model", "syntax"]),
    ("dev", &["lsp", "analysis", "host", "render", "model", "syntax"]),
];

/// The world outside, which `syntax`, `model` and `analysis` do not know.
const WORLD: [&str; 10] = [
    "std::fs",
    "std::process",
    "std::thread",
    "std::env::var",
    "std::env::args",
    "std::env::current",
    "TcpStream",
    "ToSocketAddrs",
    "SystemTime",
    "Instant::now",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What the packages of the workspace depend on, tests and build scripts left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&out.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let of = |package: &Value| {
        let all = package["dependencies"].as_array().into_iter().flatten();
        all.filter(|d| d["kind"].is_null())
            .filter_map(|d| d["name"].as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    packages.iter().map(|p| (p["name"].as_str().unwrap_or_default().to_owned(), of(p))).collect()
}

/// The imports that a room has and may not have.
fn forbidden(room: &str, imports: &[String]) -> Vec<String> {
    let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room).expect("a room of the house");
    let rooms = imports.iter().filter_map(|i| i.strip_prefix("layerwise-"));
    rooms.filter(|r| !allowed.contains(r)).map(str::to_owned).collect()
}

#[test]
fn arrows_point_down() {
    let dependencies = dependencies();
    for (room, _) in ROOMS {
        let imports = dependencies.get(&format!("layerwise-{room}")).expect(room);
        assert_eq!(forbidden(room, imports), Vec::<String>::new(), "what server/{room} may not import");
    }
    let below = std::fs::read_dir(root().join("server")).expect("server").count();
    assert_eq!(below, ROOMS.len(), "a room that is not in the table");
}

#[test]
fn an_arrow_that_points_up_is_seen() {
    assert_eq!(forbidden("model", &["layerwise-syntax".into(), "layerwise-host".into()]), ["host"]);
    assert_eq!(forbidden("render", &["layerwise-host".into()]), ["host"]);
}

#[test]
fn only_the_front_knows_lsp() {
    let dependencies = dependencies();
    for (room, _) in ROOMS.iter().filter(|(room, _)| !["lsp", "cli", "dev"].contains(room)) {
        let imports = &dependencies[&format!("layerwise-{room}")];
        let foreign = imports.iter().filter(|i| ["tower-lsp-server", "tokio", "tower"].contains(&i.as_str()));
        assert_eq!(foreign.collect::<Vec<_>>(), Vec::<&String>::new(), "server/{room}");
    }
}

#[test]
fn the_core_is_pure() {
    for room in ["syntax", "model", "analysis"] {
        let mut looked_at = 0;
        for file in rust_files(&root().join("server").join(room).join("src")) {
            let source = std::fs::read_to_string(&file).expect("a source file");
            assert_eq!(worldly(&source), Vec::<&str>::new(), "{}", file.display());
            looked_at += 1;
        }
        assert!(looked_at > 3, "server/{room} has hardly any files");
    }
}

#[test]
fn a_worldly_source_is_seen() {
    assert_eq!(worldly("use std::fs;\nfn f() {}"), ["std::fs"]);
    assert_eq!(worldly("fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"), Vec::<&str>::new());
}

/// What a source uses of the world; its tests at the end may use anything.
fn worldly(source: &str) -> Vec<&'static str> {
    let code = source.find("#[cfg(test)]\nmod tests {").map_or(source, |at| &source[..at]);
    let code: String = code.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
    WORLD.iter().copied().filter(|w| code.contains(w)).collect()
}

/// The Rust files below a folder, those that hold nothing but tests left out.
fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if name.ends_with(".rs") && !["tests.rs", "testing.rs"].contains(&name.as_str()) {
            found.push(path);
        }
    }
    found
}
