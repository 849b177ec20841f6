//! Random cases: a Dockerfile, a folder and an edit of either.
//!
//! A seed gives the same cases on every machine. What is written is meant to build: sources exist, stages are named before they
//! are copied from, and a RUN never fails.

use std::collections::BTreeMap;

use serde_json::json;

use super::case::{Build, Case, Edit, Node, Properties, Text};

/// A generator of numbers (splitmix64), so that no dependency decides what a seed means.
pub struct Random(u64);

impl Random {
    /// The generator of one case.
    pub fn new(seed: u64, number: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// Whether one of `of` comes up.
    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        let index = self.below(from.len());
        from[index]
    }
}

/// What stands in every folder.
const FILES: [(&str, &str); 12] = [
    ("app.json", "{}\n"),
    ("app.lock", "1\n"),
    ("README.md", "read\n"),
    ("src/main.c", "main\n"),
    ("src/util.c", "util\n"),
    ("src/util.h", "head\n"),
    ("src/lib/deep.c", "deep\n"),
    ("src/lib/notes.md", "notes\n"),
    ("conf/a.toml", "a\n"),
    ("conf/b.toml", "b\n"),
    ("tools/run.sh", "#!/bin/sh\necho run\n"),
    ("data/blob", "0123456789\n"),
];

/// Sources of a COPY that are there before the edit.
const SOURCES: [&str; 18] = [
    ".",
    "src",
    "src/",
    "./src",
    "src/lib",
    "src/*.c",
    "src/*",
    "src/l*",
    "app.json",
    "app.*",
    "conf",
    "conf/a.toml",
    "conf/?.toml",
    "tools/run.sh",
    "data",
    "*.md",
    "/app.lock",
    "src/[mu]*.c",
];

/// The `n`th case of a seed.
pub fn case(seed: u64, number: u64) -> Case {
    let mut random = Random::new(seed, number);
    let mut files: BTreeMap<String, Node> =
        FILES.iter().map(|(path, text)| ((*path).to_owned(), Node::Content((*text).to_owned()))).collect();
    if random.one_in(3) {
        files.insert("src/ln".to_owned(), link(random.pick(&["main.c", "lib", "../conf/a.toml", "util.c"])));
    }
    if random.one_in(4) {
        files.insert("empty".to_owned(), dir());
    }
    if !random.one_in(4) {
        files.insert(".dockerignore".to_owned(), Node::Content(ignore(&mut random)));
    }
    let dockerfile = dockerfile(&mut random);
    let mut build = Build::default();
    if random.one_in(4) {
        build.args.insert("V".to_owned(), "given".to_owned());
    }
    let stages: Vec<String> = dockerfile
        .iter()
        .filter_map(|line| line.split_once(" AS ").filter(|_| line.starts_with("FROM")))
        .map(|(_, name)| name.to_owned())
        .collect();
    if random.one_in(8) && !stages.is_empty() {
        build.target = stages.get(random.below(stages.len())).cloned();
    }
    let mut edits = vec![edit(&mut random, &dockerfile, &stages)];
    if random.one_in(6) {
        // A build in between, and then perhaps back.
        let mut back = Edit { dockerfile: Some(Text::Lines(dockerfile.clone())), ..Edit::default() };
        if random.one_in(2) {
            back = edit(&mut random, &dockerfile, &stages);
        }
        edits.push(back);
    }
    Case {
        id: format!("random-{seed}-{number}"),
        files,
        dockerfile: Text::Lines(dockerfile),
        build,
        edits,
        ..Case::default()
    }
}

fn link(target: &str) -> Node {
    Node::Other(Properties { link: Some(target.to_owned()), ..Properties::default() })
}

fn dir() -> Node {
    Node::Other(Properties { dir: true, ..Properties::default() })
}

fn ignore(random: &mut Random) -> String {
    let mut text = "Dockerfile\n.dockerignore\n".to_owned();
    for _ in 0..random.below(3) {
        let line = random.pick(&[
            "*.md",
            "**/*.md",
            "conf",
            "!conf/a.toml",
            "src/lib",
            "!src/lib/deep.c",
            "data/*",
            "**/deep.*",
            "# note",
            "/tools/",
        ]);
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn dockerfile(random: &mut Random) -> Vec<String> {
    let mut lines = Vec::new();
    if random.one_in(4) {
        lines.push("ARG G=1".to_owned());
    }
    let stages = 1 + random.below(4);
    for stage in 0..stages {
        let base = match stage {
            0 => "busybox".to_owned(),
            _ if random.one_in(3) => format!("s{}", random.below(stage)),
            _ => "busybox".to_owned(),
        };
        let keyword = if random.one_in(12) { "from" } else { "FROM" };
        match stage + 1 == stages && random.one_in(2) {
            true => lines.push(format!("{keyword} {base}")),
            false => lines.push(format!("FROM {base} AS s{stage}")),
        }
        for _ in 0..1 + random.below(6) {
            step(random, stage, &mut lines);
        }
        if stage + 1 == stages {
            // So that the stages above are reached.
            for other in 0..stage {
                if !random.one_in(3) {
                    from_stage(random, other, &mut lines);
                }
            }
        }
    }
    lines
}

fn from_stage(random: &mut Random, stage: usize, lines: &mut Vec<String>) {
    let link = if random.one_in(4) { "--link " } else { "" };
    let what = random.pick(&["/o*", "/etc/passwd", "/out", "/etc", "/w*"]);
    match (random.below(4), what) {
        (0, _) => {
            lines.push(format!("RUN --mount=from=s{stage},target=/m ls -R /m/etc > /seen{stage} || true"))
        }
        (1, _) => {
            lines.push(format!(
                "RUN --mount=type=bind,from=s{stage},source=/etc,target=/m cat /m/passwd > /p{stage} || true"
            ));
        }
        // Only what every stage has can be named without a wildcard.
        (_, "/out") => lines.push(format!("COPY {link}--from=s{stage} /etc/group /from/{stage}")),
        _ => lines.push(format!("COPY {link}--from=s{stage} {what} /from{stage}/")),
    }
}

/// Appends an instruction.
fn step(random: &mut Random, stage: usize, lines: &mut Vec<String>) {
    let n = random.below(4);
    let source = random.pick(&SOURCES);
    let line = match random.below(26) {
        0..3 => format!("RUN echo {n} > /out{n} || true"),
        3 => format!("RUN [\"/bin/sh\", \"-c\", \"echo {n} > /out{n} || true\"]"),
        4 => format!("RUN cat src/*.c /d/* > /out{n} 2>/dev/null || true"),
        5 => "RUN true".to_owned(),
        6..10 => format!("COPY {source} /d/"),
        10 => format!(
            "COPY {} {source} ./",
            random.pick(&["--chmod=755", "--chown=1000:1000", "--exclude=*.c", "--exclude=**/*.md"])
        ),
        11 | 12 => format!("COPY --link {source} /l{n}/"),
        13 => format!("ADD {source} /a/"),
        14 => format!("WORKDIR {}", random.pick(&["/w", "/w/", "sub", "/", "/w/../v", "$E"])),
        15 => format!("ENV {}", random.pick(&["E=/e", "E=/e F=2", "F=$E", "E /old", "F=3"])),
        16 => format!("ARG {}", random.pick(&["V=1", "V", "G", "E=/x", "TARGETARCH", "V=$E"])),
        17 => random.pick(&["USER app", "USER 0", "USER root", "USER 1000:1000"]).to_owned(),
        18 => random
            .pick(&[
                "SHELL [\"/bin/sh\", \"-ec\"]",
                "SHELL [\"/bin/sh\", \"-c\"]",
                "SHELL [\"/bin/ash\", \"-c\"]",
            ])
            .to_owned(),
        19 => random
            .pick(&[
                "LABEL a=1",
                "EXPOSE 80",
                "CMD [\"sh\"]",
                "VOLUME /v",
                "STOPSIGNAL 9",
                "HEALTHCHECK NONE",
                "# a comment",
            ])
            .to_owned(),
        20 => {
            let mount = random.pick(&[
                "type=cache,target=/c",
                "type=cache,target=/c,id=x",
                "type=cache,target=c,sharing=locked",
                "type=cache,target=/c,uid=1000",
                "type=tmpfs,target=/t",
                "target=/m",
                "target=/m,source=src",
                "target=m,source=src/main.c",
                "target=/m,source=conf,rw",
                "type=secret,id=s",
                "type=secret,id=s,env=S",
            ]);
            // No argument is a path of the mount, so that none can be missing.
            format!("RUN --mount={mount} ls /m > /seen{n} 2>/dev/null || true")
        }
        21 => {
            lines.push("RUN <<EOF".to_owned());
            lines.push(format!("echo {n} > /out{n} || true"));
            "EOF".to_owned()
        }
        22 => {
            lines.push(format!("COPY {}<<f <<g /h{n}/", random.pick(&["", "--link ", "--chmod=600 "])));
            lines.push("$V text".to_owned());
            lines.push("f".to_owned());
            lines.push(format!("more {n}"));
            "g".to_owned()
        }
        23 if stage > 0 => {
            let other = random.below(stage);
            return from_stage(random, other, lines);
        }
        24 => "COPY --from=busybox /etc/passwd /pw".to_owned(),
        _ => format!("RUN echo $V $E $G $TARGETARCH > /vars{n} || true"),
    };
    lines.push(line);
}

fn edit(random: &mut Random, dockerfile: &[String], stages: &[String]) -> Edit {
    let mut edit = Edit::default();
    // Mostly one thing; sometimes two at once.
    for _ in 0..1 + usize::from(random.one_in(5)) {
        match random.below(16) {
            0..6 => edit.dockerfile = Some(Text::Lines(text_edit(random, dockerfile))),
            6..13 => folder_edit(random, &mut edit),
            13 => edit.build = json!({"args": {"V": random.pick(&["1", "2", "given"])}}),
            14 => {
                edit.build = json!({"args": {random.pick(&["G", "HTTP_PROXY", "UNKNOWN", "SOURCE_DATE_EPOCH", "E"]): "1000"}})
            }
            _ if !stages.is_empty() => {
                edit.build = match random.one_in(3) {
                    true => json!({"target": null}),
                    false => json!({"target": stages[random.below(stages.len())]}),
                }
            }
            _ => {}
        }
    }
    edit
}

/// Changes what a context is made of.
fn folder_edit(random: &mut Random, edit: &mut Edit) {
    let (path, text) = FILES[random.below(FILES.len())];
    let mut write = |path: &str, node: Option<Node>| drop(edit.write.insert(path.to_owned(), node));
    match random.below(14) {
        0..4 => write(path, Some(Node::Content(format!("{text}more\n")))),
        4 => write(path, Some(Node::Content(text.to_owned()))),
        5 => drop(edit.chmod.insert(path.to_owned(), random.pick(&["755", "600", "664"]).to_owned())),
        6 => edit.touch.push(path.to_owned()),
        7 => {
            let name = random.pick(&[
                "src/new.c",
                "src/lib/new.md",
                "new.md",
                "conf/c.toml",
                "data/new",
                "src/new/x",
            ]);
            write(name, Some(Node::Content("new\n".to_owned())));
        }
        8 => write(random.pick(&["src/dir", "data/dir", "dir"]), Some(dir())),
        9 => write(
            random.pick(&["src/lk", "data/lk"]),
            Some(link(random.pick(&["main.c", "../conf", "nowhere"]))),
        ),
        10 => {
            let (from, to) = [
                ("src/util.h", "src/zz.h"),
                ("data/blob", "data/bob"),
                ("src/lib/notes.md", "src/notes.md"),
                ("README.md", "READ.md"),
            ][random.below(4)];
            edit.moves.push((from.to_owned(), to.to_owned()));
        }
        11 => write(random.pick(&["src/util.h", "src/lib/notes.md", "conf/b.toml"]), None),
        12 => write(".dockerignore", Some(Node::Content(ignore(random)))),
        _ => drop(edit.chmod.insert(random.pick(&["src/lib", "conf", "src"]).to_owned(), "700".to_owned())),
    }
}

/// Changes a Dockerfile by one line, or by where one stands.
fn text_edit(random: &mut Random, lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    // Lines of heredocs and stages keep their places.
    let fixed = |line: &String| {
        line.starts_with("FROM")
            || line.starts_with("from")
            || line.contains("<<")
            || !line.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let movable: Vec<usize> =
        (1..lines.len()).filter(|&i| !fixed(&lines[i]) && !lines[i].starts_with("EOF")).collect();
    let Some(&at) = movable.get(random.below(movable.len())) else { return lines };
    let stage = lines.iter().take(at).filter(|line| line.starts_with("FROM")).count().saturating_sub(1);
    let line = lines[at].clone();
    match random.below(12) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, line),
        2 => {
            if movable.contains(&(at + 1)) {
                lines.swap(at, at + 1);
            }
        }
        3 | 4 => {
            let mut new = Vec::new();
            step(random, stage, &mut new);
            lines.splice(at..at, new);
        }
        5 => {
            let mut new = Vec::new();
            step(random, stage, &mut new);
            lines.splice(at..=at, new);
        }
        6 => lines[at] = line.replacen(' ', "  ", 1),
        7 => lines[at] = line.replace("echo ", "echo  "),
        8 => lines[at] = line.replace("COPY ", random.pick(&["COPY --link ", "COPY --chmod=644 ", "ADD "])),
        9 => lines[at] = line.replace("/d/", random.pick(&["/d", "/d/.", "/x/../d/", "d/"])),
        10 => lines.insert(
            at,
            random
                .pick(&["# comment", "LABEL z=1", "ENV Z=1", "ARG Z=1", "USER app", "WORKDIR /z", "ARG Z"])
                .to_owned(),
        ),
        _ => lines[at] = format!("{line} "),
    }
    lines
}
