//! How big the final image comes out, and why.
//!
//! An image is as big as all its layers: what its base has, what each step adds, and what a later step deletes all the
//! same, since a layer that hides a file does not take it out of the one below.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use layerwise_model::eval::{Base, Command, Copy, Source};
use layerwise_model::selection::source_path;
use layerwise_syntax::shell::SimpleCommand;

use super::run::{self, What, is_recursive, package_bytes, work};
use super::{Figure, Known, Prices, pull_seconds};
use crate::actions::footprint::{self, Thing, Undone};
use crate::plan::Side;

/// How many layers down it is looked for what a step deletes. An image has 127 layers at most where overlayfs holds it.
const MAX_LAYERS: usize = 256;

/// The commands of which [`footprint::undone`] knows what they delete or replace.
const DELETE: [&str; 19] = [
    "rm", "unlink", "mv", "chown", "chmod", "chgrp", "apt-get", "apt", "apk", "yum", "dnf", "microdnf",
    "tdnf", "npm", "yarn", "pip", "pip3", "composer", "sudo",
];

/// The size of the image that a build makes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageEstimate {
    /// Bytes of all layers, unpacked, as `docker images` shows them. Where parts are not known it is an estimate from below;
    /// `None` if nothing is known.
    pub bytes: Option<Figure>,
    /// What it is made of: the base first, then each step that adds something, in the order of the layers.
    pub parts: Vec<Part>,
    /// What a later step deletes, which frees nothing.
    pub orphaned: Vec<Orphan>,
    /// How long a pull takes, by [`pull_seconds`].
    pub pull_seconds: Option<Figure>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The line of the instruction, from 1.
    pub line: usize,
    /// What it is: `base`, `files` (of the context), `output` (of another stage), `run`.
    pub what: &'static str,
    /// How many bytes; `None` if that is not known.
    pub bytes: Option<Figure>,
}

/// Bytes that stay in the image although a later step deletes or replaces them.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    /// The line of the step whose layer holds them, from 1.
    pub line: usize,
    /// The line of the step that deletes them too late, from 1.
    pub deleted_at: usize,
    /// What it is: a path, or a package.
    pub what: String,
    /// How many bytes.
    pub bytes: Figure,
}

impl ImageEstimate {
    /// All that is deleted too late; `None` if nothing is.
    pub fn orphaned_bytes(&self) -> Option<Figure> {
        if self.orphaned.is_empty() {
            return None;
        }
        Figure::sum(self.orphaned.iter().map(|o| Some(o.bytes)))
    }
}

/// The image of the target of `side`; `None` if nothing is built.
pub fn image(side: &Side<'_>, known: &Known<'_>) -> Option<ImageEstimate> {
    of(side, known, &Prices::new(side, known))
}

pub(crate) fn of(side: &Side<'_>, known: &Known<'_>, prices: &Prices<'_>) -> Option<ImageEstimate> {
    let layers = Layers::new(side, side.eval.target?)?;
    let mut parts = Vec::new();
    let mut orphaned = Vec::new();
    let base_line = side.file.line(layers.from);
    match &side.eval.stages.get(layers.bottom)?.base {
        Base::Scratch => {
            parts.push(Part { line: base_line, what: "base", bytes: Some(Figure::measured(0.0)) });
        }
        Base::Image(reference) => {
            parts.push(Part { line: base_line, what: "base", bytes: known.image_bytes(reference) });
        }
        _ => parts.push(Part { line: base_line, what: "base", bytes: None }),
    }
    let mut gone: BTreeSet<(usize, String)> = BTreeSet::new();
    // What commands make, for the layers below the one that is looked at; found out only where something is deleted.
    let mut below: Vec<(usize, OnceCell<Made>)> = Vec::new();
    for &number in &layers.numbers {
        let line = side.file.line(number);
        let mut bytes = prices.get(number).bytes;
        let what = match &side.eval.step(number).command {
            Command::Run(_) => {
                let mut again = Vec::new();
                for (undone, thing, recursive) in undone(side, number) {
                    let earlier = below.iter().rev().take(MAX_LAYERS);
                    let found = earlier.flat_map(|(n, cell)| {
                        let made = cell.get_or_init(|| made(prices, side, *n));
                        held(prices, side, *n, made, &thing)
                    });
                    for (n, name, held) in found.collect::<Vec<_>>() {
                        if undone == Undone::Rewritten && !recursive {
                            continue;
                        }
                        if !gone.insert((n, name.clone())) || held.value < 1.0 {
                            continue;
                        }
                        if undone == Undone::Rewritten {
                            again.push(Some(Figure { measured: false, ..held }));
                        }
                        orphaned.push(Orphan {
                            line: side.file.line(n),
                            deleted_at: line,
                            what: name,
                            bytes: held,
                        });
                    }
                }
                if !again.is_empty() && bytes.is_none_or(|b| !b.measured) {
                    // What gets another owner or place is written once more.
                    bytes = Figure::sum(again.into_iter().chain(bytes.map(Some)));
                }
                "run"
            }
            Command::Copy(copy) if matches!(copy.from, Source::Context | Source::Scratch) => "files",
            Command::Copy(_) => "output",
            _ => continue,
        };
        below.push((number, OnceCell::new()));
        parts.push(Part { line, what, bytes });
    }
    let bytes =
        Figure::sum(parts.iter().map(|p| p.bytes)).filter(|_| parts.iter().any(|p| p.bytes.is_some()));
    let pull_seconds = bytes.map(|b| Figure { measured: false, ..pull_seconds(b, known.mbps()) });
    Some(ImageEstimate { bytes, parts, orphaned, pull_seconds })
}

/// The instructions that make the layers of a stage's image.
pub(super) struct Layers {
    /// The stage at the bottom of the chain of stages.
    bottom: usize,
    /// Its FROM.
    from: usize,
    /// The instructions with vertices above that FROM, lowest first.
    pub(super) numbers: Vec<usize>,
}

impl Layers {
    pub(super) fn new(side: &Side<'_>, target: usize) -> Option<Layers> {
        let mut chain = vec![target];
        let mut stage = target;
        // A stage is based on an earlier one, so this ends.
        while let Base::Stage(base) = side.eval.stages.get(stage)?.base
            && base < stage
        {
            chain.push(base);
            stage = base;
        }
        let stages = side.file.stages();
        let numbers = chain.iter().rev().filter_map(|s| stages.get(*s)).flat_map(|s| s.body.clone());
        let numbers = numbers.filter(|n| side.graph.of_instruction.contains_key(n)).collect();
        Some(Layers { bottom: stage, from: stages.get(stage)?.from, numbers })
    }
}

/// What a RUN deletes, moves or changes the owner of, with absolute paths, and whether the command goes into directories.
fn undone(side: &Side<'_>, number: usize) -> Vec<(Undone, Thing, bool)> {
    let dir = &side.eval.step(number).state.dir;
    let Some(script) = side.file.instruction(number).1.script() else { return Vec::new() };
    let mut found = Vec::new();
    let deletes = |command: &&SimpleCommand| command.name().is_none_or(|name| DELETE.contains(&name));
    for command in script.simple_commands().iter().filter(deletes) {
        let moves = command.name() == Some("mv");
        let recursive = moves || command.words.iter().any(|w| is_recursive(&w.raw));
        for (undone, thing) in footprint::undone(command) {
            found.push((undone, absolute(thing, dir), recursive));
        }
    }
    found
}

/// Things with their bytes.
type Made = Vec<(Thing, f64)>;

/// What the commands of a RUN leave in its layer, with absolute paths, where its size is known.
fn made(prices: &Prices<'_>, side: &Side<'_>, number: usize) -> Made {
    let Some(script) = side.file.instruction(number).1.script() else { return Vec::new() };
    let dir = &side.eval.step(number).state.dir;
    // No more than the layer has: what is known of packages alone is not what they are together.
    let layer = prices.get(number).bytes.map_or(f64::MAX, |b| b.value);
    let mut found = Vec::new();
    for command in script.simple_commands() {
        for thing in footprint::made(command) {
            let thing = absolute(thing, dir);
            if let Some(bytes) = made_bytes(prices, number, command, &thing) {
                found.push((thing, bytes.min(layer)));
            }
        }
    }
    found
}

/// What of `thing` the layer of an earlier instruction holds: the instruction, what to call it, its bytes.
fn held(
    prices: &Prices<'_>,
    side: &Side<'_>,
    number: usize,
    made: &[(Thing, f64)],
    thing: &Thing,
) -> Vec<(usize, String, Figure)> {
    if let (Command::Copy(copy), Thing::Path(path)) = (&side.eval.step(number).command, thing) {
        let bytes = copied(prices, number, copy, path);
        return bytes.map(|bytes| (number, path.clone(), bytes)).into_iter().collect();
    }
    let found = made.iter().filter_map(|(made, bytes)| {
        let name = footprint::covers(thing, made)?;
        Some((number, name, Figure::estimate(*bytes)))
    });
    found.collect()
}

/// The bytes of a COPY that lie at or below a path.
fn copied(prices: &Prices<'_>, number: usize, copy: &Copy, path: &str) -> Option<Figure> {
    let (dest, path) = (source_path(&copy.dest_path), source_path(path.trim_end_matches("/*")));
    if path.is_empty() {
        return None;
    }
    if dest.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return prices.get(number).bytes;
    }
    if copy.from != Source::Context {
        return None;
    }
    Figure::sum(copy.sources.iter().filter_map(|s| prices.estimator.below(copy, s, &dest, &path)).map(Some))
        .filter(|f| f.value > 0.0)
}

/// The bytes of what a command of a RUN made, unless the same RUN takes it away itself.
fn made_bytes(prices: &Prices<'_>, number: usize, command: &SimpleCommand, thing: &Thing) -> Option<f64> {
    let made = &prices.estimator.get(number)?.made;
    match thing {
        // A virtual package stands for all that the command installs.
        Thing::Package(manager, _) if command.has("--virtual") || command.has("-t") => {
            let words: Vec<&str> = command.words.iter().map(|w| w.raw.as_str()).collect();
            let all = work(&words, &run::Unknown);
            let system = all.made.into_iter().find(|m| matches!(&m.what, What::System(m, _) if m == manager));
            system.and_then(|m| m.bytes)
        }
        Thing::Package(manager, name) => package_bytes(manager, name),
        Thing::Path(path) => {
            let path = path.trim_end_matches("/@");
            let fits = |made: &&run::Made| match &made.what {
                What::Cache(dir) => path.starts_with(dir) || dir.starts_with(path),
                What::Download(Some(to)) => path.ends_with(to.trim_start_matches("./")),
                _ => false,
            };
            made.iter().find(fits).and_then(|m| m.bytes)
        }
    }
}

fn absolute(thing: Thing, dir: &str) -> Thing {
    match thing {
        Thing::Path(path) if !path.starts_with('/') => {
            Thing::Path(format!("{}/{}", dir.trim_end_matches('/'), path.trim_start_matches("./")))
        }
        thing => thing,
    }
}

#[cfg(test)]
mod tests {
    use layerwise_model::learnt::{Learnt, Measurement};

    use super::super::testing::{Build, context};
    use super::*;

    /// The article's binary.
    const BINARY: u64 = 12_000_000;

    /// The size of a program of 12 MB on a base, in megabytes.
    fn on(base: &str, more: &str) -> f64 {
        let text = format!(
            "FROM golang:1.22 AS build\nWORKDIR /app\nCOPY . .\nRUN go build -o /server .\n\
             FROM {base}\n{more}COPY --from=build /server /server\nENTRYPOINT [\"/server\"]\n"
        );
        let build = Build::new(&text, Some(context(&[("go.mod", 100), ("main.go", 1_000)])));
        let mut learnt = Learnt::new(String::new());
        let keys = build.keys("COPY --from=build /server");
        learnt.measured(Measurement { keys, name: String::new(), seconds: None, bytes: Some(BINARY) });
        let known = Known { learnt: Some(&learnt), ..Known::default() };
        let image = build.with(|side| image(side, &known)).expect("an image");
        let mb = image.bytes.expect("bytes").value / 1e6;
        let pull = image.pull_seconds.expect("seconds").value;
        assert!((pull - mb * 8.0 / 100.0).abs() < 1e-9, "the formula of the article");
        mb
    }

    /// The size comparison of the multi-stage article: each base, plus one binary.
    #[test]
    fn the_article_s_comparison_comes_out() {
        let certificates = "COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/\n";
        for (base, more, size) in [
            ("ubuntu:24.04", "", 90.0),
            ("debian:bookworm-slim", "", 64.0),
            ("alpine:3.20", "", 20.0),
            ("gcr.io/distroless/static", "", 14.5),
            ("scratch", certificates, 12.1),
        ] {
            let mb = on(base, more);
            assert!((mb - size).abs() <= 0.21, "{base}: {mb} MB instead of {size}");
        }
    }

    #[test]
    fn the_article_s_pull_times_come_out() {
        for (mb, seconds) in [(900.0, 72.0), (15.0, 1.2)] {
            let pull = pull_seconds(Figure::estimate(mb * 1e6), 100.0).value;
            assert!((pull - seconds).abs() < 1e-9, "{mb} MB: {pull} s");
        }
    }

    fn of_text(text: &str, files: &[(&str, u64)]) -> ImageEstimate {
        let build = Build::new(text, Some(context(files)));
        build.with(|side| image(side, &Known::default())).expect("an image")
    }

    #[test]
    fn what_is_deleted_later_still_counts() {
        // The step that made it, the step that deletes it, the bytes.
        type Found = (usize, usize, f64);
        let cases: [(&str, &[Found]); 10] = [
            ("COPY big /tmp/big\nRUN rm /tmp/big\n", &[(2, 3, 5e6)]),
            ("COPY big /tmp/\nRUN rm -rf /tmp/*\n", &[(2, 3, 5e6)]),
            ("WORKDIR /app\nCOPY . .\nRUN make && rm -rf docs\n", &[(3, 4, 7e6)]),
            ("WORKDIR /app\nCOPY . .\nRUN rm -rf nothing\n", &[]),
            ("RUN apt-get update\nRUN rm -rf /var/lib/apt/lists/*\n", &[(2, 3, 20e6)]),
            ("RUN apt-get update && rm -rf /var/lib/apt/lists/*\nRUN rm -rf /var/lib/apt/lists/*\n", &[]),
            ("RUN apk add --no-cache tzdata\nRUN cp /a /b\nRUN apk del tzdata\n", &[(2, 4, 3.5e6)]),
            (
                "RUN apk add --no-cache --virtual deps tzdata openssl\nRUN cp /a /b\nRUN apk del deps\n",
                &[(2, 4, 7.5e6)],
            ),
            ("COPY big /app/big\nRUN chown -R app /app\n", &[(2, 3, 5e6)]),
            ("COPY big /app/big\nRUN rm /app/big\nRUN rm /app/big\n", &[(2, 3, 5e6)]),
        ];
        for (text, expected) in cases {
            let files = [("big", 5_000_000), ("docs/a", 4_000_000), ("docs/b", 3_000_000)];
            let image = of_text(&format!("FROM alpine:3.20\n{text}"), &files);
            let found: Vec<Found> =
                image.orphaned.iter().map(|o| (o.line, o.deleted_at, o.bytes.value)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_change_of_owner_writes_the_files_once_more() {
        let files = [("big", 5_000_000)];
        let image = of_text("FROM scratch\nCOPY big /app/big\nRUN chown -R app /app\n", &files);
        assert_eq!(image.bytes, Some(Figure::estimate(10e6)));
        let image = of_text("FROM scratch\nCOPY big /app/big\nRUN chown app /app\n", &files);
        assert_eq!(image.orphaned, []);
    }

    #[test]
    fn stages_below_count_and_stages_beside_do_not() {
        let text =
            "FROM scratch AS a\nCOPY big /a\nFROM golang:1.22 AS b\nCOPY big /b\nFROM a\nCOPY big /c\n";
        let image = of_text(text, &[("big", 5_000_000)]);
        assert_eq!(image.bytes, Some(Figure::measured(10e6)), "sizes of files are exact");
        assert_eq!(
            image.parts.iter().map(|p| (p.line, p.what)).collect::<Vec<_>>(),
            [(1, "base"), (2, "files"), (6, "files")]
        );
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let image = of_text("FROM example.com/own:1\nCOPY big /a\n", &[("big", 5_000_000)]);
        assert_eq!(image.parts[0].bytes, None);
        assert_eq!(image.bytes, Some(Figure::estimate(5e6)), "from below");
        let image = of_text("FROM example.com/own:1\nRUN ./x\n", &[]);
        assert_eq!((image.bytes, image.pull_seconds), (None, None));
    }
}
