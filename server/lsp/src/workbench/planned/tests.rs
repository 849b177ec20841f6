//! What a plan is drawn as; what is kept from edit to edit against the same computed from nothing.

use layerwise_host::engine::Images;
use layerwise_model::{Content, Context, Engine, Entry, EntryKind, Options};
use layerwise_syntax::{Document, Parsed};

use super::*;

/// Numbers that are the same on every machine (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const LINES: [&str; 30] = [
    "FROM debian:12 AS a",
    "FROM a AS b",
    "FROM alpine:3.20",
    "FROM --platform=$BUILDPLATFORM node:22 AS c",
    "FROM scratch AS d",
    "ARG VERSION=1",
    "ENV A=1",
    "ENV B=$A C=3",
    "ENV A=2",
    "RUN make",
    "RUN make",
    "RUN npm ci",
    "RUN pip install -r requirements.txt",
    "RUN apt-get update && apt-get install -y git",
    "RUN rm -rf /app/docs /var/lib/apt/lists/*",
    "RUN --mount=type=cache,target=/c --mount=type=bind,from=a,source=/x,target=/y go build -o /out .",
    "RUN --mount=type=bind,target=/src,rw make",
    "RUN <<EOF\nset -e\nmake\nEOF",
    "RUN [\"/bin/x\", \"y\"]",
    "COPY . /app",
    "COPY web/package.json web/package-lock.json web/",
    "COPY --link src/a* /s/",
    "COPY --from=a /app /app",
    "COPY --from=b --link /out /out",
    "WORKDIR /app",
    "USER nobody",
    "SHELL [\"/bin/bash\", \"-c\"]",
    "ONBUILD RUN make later",
    "LABEL x=1",
    "# RUN make",
];

fn context(numbers: &mut Numbers, text: &str) -> Arc<Context> {
    let mut context = Context { dockerfile: Some("Dockerfile".to_owned()), ..Context::default() };
    for path in
        ["Dockerfile", "src/a.c", "src/ab.c", "web/package.json", "web/package-lock.json", "docs/x", "go.sum"]
    {
        let content = Content::Hash([numbers.below(2) as u8; 32]);
        let size = 1_000 * numbers.below(3) as u64;
        let entry = Entry { kind: EntryKind::File, mode: 0o644, size, content, link: None };
        if numbers.below(8) > 0 {
            context.entries.insert(path, entry);
        }
    }
    crate::workbench::build::with_dockerfile(Arc::new(context), &File::new(Parsed::new(text)))
}

fn options(numbers: &mut Numbers) -> Options {
    let mut options = Options::default();
    match numbers.below(6) {
        0 => options.engine = Engine::parse("legacy").expect("an engine"),
        1 => drop(options.build_args.insert("VERSION".to_owned(), "2".to_owned())),
        2 => drop(options.build_args.insert("SOURCE_DATE_EPOCH".to_owned(), "1".to_owned())),
        3 => options.target = Some("0".to_owned()),
        _ => {}
    }
    options
}

/// One place of the text and what comes there: a line that is added, replaced or taken away, or a letter.
fn edit(numbers: &mut Numbers, text: &str) -> (std::ops::Range<usize>, String) {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let at = numbers.below(starts.len());
    let start = starts[at];
    let end = starts.get(at + 1).copied().unwrap_or(text.len());
    match numbers.below(8) {
        0 => (start..start, format!("{}\n", numbers.one(&LINES))),
        1 => (start..end, format!("{}\n", numbers.one(&LINES))),
        2 => (start..end, String::new()),
        _ => (
            end.saturating_sub(1).max(start)..end.saturating_sub(1).max(start),
            numbers.one(&["x", "1", "$A"]).to_owned(),
        ),
    }
}

#[test]
fn what_is_kept_between_edits_does_not_show() {
    let (mut plans, mut definitions, mut hints) = (0, 0, 0);
    for seed in 0..24 {
        let mut numbers = Numbers(seed);
        let mut text = "FROM debian:12 AS a\n".to_owned();
        for _ in 0..12 {
            text += numbers.one(&LINES);
            text.push('\n');
        }
        let mut document = Document::new(&text);
        let mut asked = options(&mut numbers);
        let mut files = context(&mut numbers, &text);
        let build_of = |parsed: Parsed, asked: &Options, files: &Arc<Context>, last: Option<&Build>| {
            Build::new(File::new(parsed), asked.clone(), Some(Arc::clone(files)), last)
        };
        let ran = |build: Build| {
            let mut known = plan::Known::default();
            known.add(&build.graph, &build.eval);
            Ran { last: Some(build), known }
        };
        let mut before = ran(build_of(document.parsed().clone(), &asked, &files, None));
        let mut before_anew = ran(build_of(Parsed::new(&text), &asked, &files, None));
        let mut last: Option<(Planned, Drawn)> = None;
        let terms =
            || Terms { contents: Contents::Local, mbps: None, learnt: None, images: Images::default() };
        let baseline = || Named::new(Kind::Opened, "");
        for _ in 0..60 {
            match numbers.below(16) {
                0 => asked = options(&mut numbers),
                1 => files = context(&mut numbers, &text),
                2 => {
                    before = ran(build_of(document.parsed().clone(), &asked, &files, None));
                    before_anew = ran(build_of(Parsed::new(&text), &asked, &files, None));
                }
                _ => {
                    let (range, new) = edit(&mut numbers, &text);
                    let old = text[range.clone()].to_owned();
                    document.edit(range.clone(), &new).expect("it fits");
                    text.replace_range(range.clone(), &new);
                    // Most of what cannot be built is taken back: there is nothing to draw of it.
                    if buildable(&File::new(document.parsed().clone())).is_err() && numbers.below(4) > 0 {
                        let range = range.start..range.start + new.len();
                        document.edit(range.clone(), &old).expect("it fits");
                        text.replace_range(range, &old);
                    }
                }
            }
            let earlier = last.as_ref().map(|(planned, _)| &planned.after).or(before.last.as_ref());
            let kept = build_of(document.parsed().clone(), &asked, &files, earlier);
            let anew = build_of(Parsed::new(&text), &asked, &files, None);
            assert_eq!(kept.graph, anew.graph, "seed {seed}:\n{text}");
            if kept.eval.error.is_some() || buildable(&kept.file).is_err() {
                continue;
            }
            definitions += earlier.map_or(0, |earlier| {
                let of = |build: &Build| build.graph.vertices.iter().map(|v| Arc::as_ptr(&v.parts)).collect();
                let earlier: std::collections::HashSet<_> = of(earlier);
                kept.graph.vertices.iter().filter(|v| earlier.contains(&Arc::as_ptr(&v.parts))).count()
            });
            let kept = Planned::new(&before, kept, baseline(), terms());
            let anew = Planned::new(&before_anew, anew, baseline(), terms());
            assert_eq!(kept.plan, anew.plan, "seed {seed}:\n{text}");
            let drawn = kept.drawn(&|_| None, last.as_ref().map(|(planned, drawn)| (planned, drawn)));
            assert_eq!(drawn, anew.drawn(&|_| None, None), "seed {seed}:\n{text}");
            plans += 1;
            hints += last.as_ref().map_or(0, |(_, last)| {
                let same = |hint: &&Hint| last.hints.iter().any(|other| Arc::ptr_eq(&other.said, &hint.said));
                drawn.hints.iter().filter(same).count()
            });
            last = Some((kept, drawn));
        }
    }
    // It says nothing where nothing could be kept.
    assert!(plans > 400 && definitions > 400 && hints > 400, "{plans} {definitions} {hints}");
}

#[test]
fn a_lens_counts_in_words() {
    let title = |kind, rebuilt, depends, cached| {
        let summary = Summary { cached, rebuilt, depends, ..Summary::default() };
        stage_title(&Named::new(kind, "HEAD"), &summary, None)
    };
    let priced = |price| {
        let summary = Summary { cached: 6, rebuilt: 3, ..Summary::default() };
        stage_title(&Named::new(Kind::Opened, ""), &summary, Some(price))
    };
    assert_eq!(
        priced(Figure::measured(48.2)).as_deref(),
        Some("this edit: 3 of 9 steps rebuild, about 48 s")
    );
    assert_eq!(priced(Figure::estimate(48.2)).as_deref(), Some("this edit: 3 of 9 steps rebuild, ~50 s"));
    assert_eq!(priced(Figure::estimate(0.0)).as_deref(), Some("this edit: 3 of 9 steps rebuild"));
    assert_eq!(title(Kind::Opened, 3, 0, 6).as_deref(), Some("this edit: 3 of 9 steps rebuild"));
    assert_eq!(title(Kind::Head, 1, 0, 8).as_deref(), Some("since HEAD: 1 of 9 steps rebuilds"));
    assert_eq!(title(Kind::Opened, 1, 0, 0).as_deref(), Some("this edit: 1 of 1 step rebuilds"));
    assert_eq!(
        title(Kind::Build, 2, 1, 0).as_deref(),
        Some("since the last build: 2 of 3 steps rebuild, 1 may")
    );
    assert_eq!(title(Kind::Opened, 0, 2, 7).as_deref(), Some("this edit: 2 of 9 steps may rebuild"));
    assert_eq!(title(Kind::Opened, 0, 0, 9), None);
    assert_eq!(quiet_title(&Named::new(Kind::Head, "HEAD"), 9), "9 steps, all cached since HEAD");
    assert_eq!(quiet_title(&Named::new(Kind::Opened, ""), 1), "1 step, cached since it was opened");
}
