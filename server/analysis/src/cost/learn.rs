//! Which step of a Dockerfile a vertex of a build log is, and what the log teaches about it.

use std::collections::BTreeSet;

use layerwise_model::built::Built;
use layerwise_model::eval::{Base, Command};
use layerwise_model::keys::keys;
use layerwise_model::learnt::{KnownBuild, Learnt, Measurement};
use layerwise_syntax::Keyword;
use layerwise_syntax::image_ref::ImageRef;

use super::log::{BuildLog, LogVertex, Outcome, StepName};
use crate::plan::{Side, stage_name};

/// What was learnt from a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lesson {
    /// How many steps the log has.
    pub in_log: usize,
    /// How many of them are steps of the Dockerfile as it is.
    pub matched: usize,
    /// How many of those ran, so that their durations are known now; the others were cached, failed or were cut off.
    pub measured: usize,
    /// Whether the log is one of a build of the Dockerfile as it is, from the first step to the last: every step of either
    /// is in the other, and ran or was cached.
    pub complete: bool,
    /// The first steps of the log that are not in the Dockerfile, as the log names them.
    pub strange: Vec<String>,
    /// The line (from 1) of each instruction whose duration was learnt, with that duration in seconds; in file order.
    pub lines: Vec<(usize, f64)>,
}

/// How many strange steps a lesson names.
const MAX_STRANGE: usize = 5;

/// Learns the durations of a log's steps.
///
/// A vertex is the instruction whose text it has, variables standing for anything; of several, the one in the stage and at
/// the position that the vertex names. What ran teaches its duration; what was cached, failed, was stopped or is cut off
/// teaches nothing, and a FROM only where it was pulled. Vertices of another platform than that of `side` do not count.
pub fn learn(side: &Side<'_>, log: &BuildLog, learnt: &mut Learnt) -> Lesson {
    let steps = steps(side);
    let keys = keys(side.graph);
    let mut lesson = Lesson { complete: true, ..Lesson::default() };
    let mut missing: BTreeSet<usize> = steps.iter().map(|s| s.vertex).collect();
    for (vertex, name) in vertices(log, &side.options.platform.format()) {
        lesson.in_log += 1;
        let Some(step) = find(&steps, vertex, &name) else {
            lesson.complete = false;
            if lesson.strange.len() < MAX_STRANGE {
                lesson.strange.push(vertex.name.clone());
            }
            continue;
        };
        lesson.matched += 1;
        lesson.complete &= matches!(vertex.outcome, Outcome::Ran | Outcome::Cached);
        missing.remove(&step.vertex);
        if vertex.outcome != Outcome::Ran || (step.kind == Keyword::From && !vertex.pulled) {
            continue;
        }
        let (Some(seconds), Some(keys)) = (vertex.seconds, keys.get(step.vertex)) else { continue };
        let name = side.file.instruction(step.number).1.logical().text().trim().to_owned();
        learnt.measured(Measurement { keys: *keys, name, seconds: Some(seconds), bytes: None });
        lesson.measured += 1;
        lesson.lines.push((side.file.line(step.number), seconds));
    }
    lesson.complete &= missing.is_empty();
    lesson.lines.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    lesson
}

/// The build that `side` is, to be remembered. Only where the files of the context were hashed does it mean anything to
/// another process.
pub fn build(side: &Side<'_>, when: u64, name: String) -> KnownBuild {
    let built = Built::of(side.file, side.eval, side.graph, side.options, side.context);
    KnownBuild { when, name, built }
}

/// The steps of a log that count: each once, the last of several builds of one step.
fn vertices<'a>(log: &'a BuildLog, platform: &str) -> Vec<(&'a LogVertex, StepName<'a>)> {
    let steps = log.vertices.iter().filter_map(|v| Some((v, StepName::parse(&v.name)?)));
    let steps: Vec<_> = steps.collect();
    let own = |name: &StepName<'_>| {
        name.platform.is_none_or(|p| p.split("->").any(|side| side.eq_ignore_ascii_case(platform)))
    };
    // A log of other platforms only is better than none.
    let any_own = steps.iter().any(|(_, name)| own(name));
    steps.into_iter().filter(|(_, name)| !any_own || own(name)).collect()
}

/// An instruction that makes a vertex.
struct Step {
    number: usize,
    vertex: usize,
    kind: Keyword,
    /// Its stage, as vertices name it.
    stage: String,
    /// Its position in the stage, as vertices count.
    position: usize,
    /// Its text between its variables, as [`plain`] makes it; of a FROM, the image's name and tag.
    pieces: Vec<String>,
}

fn steps(side: &Side<'_>) -> Vec<Step> {
    let mut found = Vec::new();
    for stage in side.file.stages() {
        let name = stage_name(side.file, stage.index);
        // A FROM counts as a step unless it names a stage or nothing.
        let base = side.eval.stages.get(stage.index).map(|s| &s.base);
        let mut position = usize::from(matches!(base, Some(Base::Image(_) | Base::Named(_))));
        if let (Some(&vertex), Some(Base::Image(reference))) =
            (side.graph.of_instruction.get(&stage.from), base)
        {
            let (number, kind) = (stage.from, Keyword::From);
            let pieces = vec![image(reference)];
            found.push(Step { number, vertex, kind, stage: name.clone(), position, pieces });
        }
        for number in stage.body.clone() {
            let instruction = side.file.instruction(number).1;
            let command = &side.eval.step(number).command;
            if !matches!(command, Command::Run(_) | Command::Copy(_) | Command::Workdir(_)) {
                continue;
            }
            position += 1;
            let (Some(&vertex), Some(kind)) = (side.graph.of_instruction.get(&number), instruction.kind())
            else {
                continue;
            };
            let pieces = pieces(instruction.logical().text());
            found.push(Step { number, vertex, kind, stage: name.clone(), position, pieces });
        }
    }
    found
}

/// The step that a vertex is.
fn find<'a>(steps: &'a [Step], vertex: &LogVertex, name: &StepName<'_>) -> Option<&'a Step> {
    let (keyword, rest) = name.text.split_once(' ').unwrap_or((name.text, ""));
    let text = plain(name.text);
    let fits = |step: &&Step| {
        if step.kind == Keyword::From {
            let reference = rest.split([' ', '@']).next().unwrap_or_default();
            let same = ImageRef::parse(reference).map(|r| image(&r.normalized()));
            return keyword.eq_ignore_ascii_case("FROM")
                && same.is_ok_and(|same| step.pieces.first() == Some(&same));
        }
        matches(&step.pieces, &text, vertex.shortened)
    };
    // The best of those that fit: the stage counts more than the position in it.
    let stage = name.stage.map(str::to_lowercase);
    steps.iter().filter(fits).max_by_key(|step| {
        let same_stage = stage.as_deref().is_none_or(|s| s == step.stage);
        // Of equals the first: a later one can only be a copy of it.
        (same_stage, step.position == name.position, std::cmp::Reverse(step.number))
    })
}

/// A reference without its digest.
fn image(reference: &str) -> String {
    reference.split('@').next().unwrap_or(reference).to_owned()
}

/// A text without what BuildKit or a terminal may change in a name: white space, quotes, backslashes, the letter case of
/// the keyword.
fn plain(text: &str) -> String {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    let kept = rest.chars().filter(|c| is_kept(*c));
    keyword.chars().map(|c| c.to_ascii_uppercase()).chain(kept).collect()
}

fn is_kept(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '\\' | '"' | '\'')
}

/// What stands between the variables of an instruction's text, plain. A vertex of a heredoc shows its first line only, and
/// not always the same way, so there the text ends at the delimiter.
fn pieces(text: &str) -> Vec<String> {
    let mut rest = text.trim().lines().next().unwrap_or_default();
    let mut found = vec![String::new()];
    while let Some(at) = rest.find('$') {
        let (before, variable) = rest.split_at(at);
        push(&mut found, before);
        let name = variable.get(1..).unwrap_or_default();
        let length = match name.chars().next() {
            Some('{') => name.find('}').map_or(name.len(), |end| end + 1),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len())
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => 1,
            _ => 0,
        };
        match length {
            0 => push(&mut found, "$"),
            _ => found.push(String::new()),
        }
        rest = name.get(length..).unwrap_or_default();
    }
    push(&mut found, rest);
    found
}

/// Adds a piece of an instruction's text to the last piece.
fn push(pieces: &mut [String], text: &str) {
    // The keyword stands at the start of the first piece.
    let first = pieces.len() == 1 && pieces.first().is_some_and(String::is_empty);
    if let Some(last) = pieces.last_mut() {
        match first {
            true => last.push_str(&plain(text)),
            false => last.extend(text.chars().filter(|c| is_kept(*c))),
        }
    }
}

/// Whether a plain text is made of these pieces with anything between them. A shortened one may end anywhere.
fn matches(pieces: &[String], text: &str, shortened: bool) -> bool {
    // `RUN<<EOF(echo one...)` is `RUN<<EOF` with a summary of the body.
    let (text, summary) = match text.split_once('(') {
        Some((head, _)) if head.contains("<<") => (head, true),
        _ => (text, false),
    };
    let Some((first, more)) = pieces.split_first() else { return false };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return shortened && text.len() > 8 && first.starts_with(text);
    };
    let Some((last, middle)) = more.split_last() else {
        return rest.is_empty() || summary && first.contains("<<");
    };
    for piece in middle {
        match rest.find(piece.as_str()) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return shortened,
        }
    }
    rest.ends_with(last.as_str()) || shortened
}

#[cfg(test)]
mod tests {
    use super::super::testing::Build;
    use super::super::{Known, log, price};
    use super::*;
    use crate::plan;

    /// The Dockerfile of the fixtures in `tests/logs`.
    const DOCKERFILE: &str = include_str!("../../tests/logs/Dockerfile");

    fn lesson(dockerfile: &str, log: &str) -> (Lesson, Learnt) {
        let mut learnt = Learnt::new(String::new());
        let log = log::parse(log).expect("a log");
        let lesson = Build::new(dockerfile, None).with(|side| learn(side, &log, &mut learnt));
        (lesson, learnt)
    }

    #[test]
    fn every_step_of_a_real_log_is_found() {
        for text in [include_str!("../../tests/logs/plain.log"), include_str!("../../tests/logs/rawjson.log")]
        {
            let (lesson, _) = lesson(DOCKERFILE, text);
            assert_eq!((lesson.in_log, lesson.matched, lesson.measured), (10, 10, 9), "{lesson:?}");
            assert!(lesson.complete);
            let at = |line: usize| lesson.lines.iter().find(|(l, _)| *l == line).map(|(_, s)| *s);
            assert!(at(7).is_some_and(|s| (1.0..1.5).contains(&s)), "{:?}", lesson.lines);
            assert!(at(8).is_some_and(|s| (0.5..1.0).contains(&s)), "the heredoc: {:?}", lesson.lines);
            assert!(at(15).is_some_and(|s| (2.0..2.5).contains(&s)), "the continued one: {:?}", lesson.lines);
        }
    }

    /// The seconds of the step at a line, in a cold plan of a file.
    fn seconds(dockerfile: &str, learnt: &Learnt, line: usize) -> super::super::Figure {
        let known = Known { learnt: Some(learnt), ..Known::default() };
        Build::new(dockerfile, None).with(|side| {
            let mut plan = plan::plan(None, side);
            price(&mut plan, side, &known);
            let step = plan.steps.iter().find(|s| s.line == line).expect("a step");
            step.price.seconds.expect("seconds")
        })
    }

    #[test]
    fn an_edited_file_keeps_what_still_fits() {
        let (_, learnt) = lesson(DOCKERFILE, include_str!("../../tests/logs/plain.log"));
        let found = seconds(DOCKERFILE, &learnt, 15);
        assert_eq!((found.value, found.measured), (2.1, true));
        let edited = DOCKERFILE.replace("echo line", "echo row");
        assert!(!seconds(&edited, &learnt, 14).measured, "another command");
        assert!(seconds(&edited, &learnt, 15).measured, "the same command above another layer");
    }

    #[test]
    fn an_older_log_fits_in_part() {
        let edited = DOCKERFILE.replace("sleep 2", "sleep 3").replace("WORKDIR /app", "WORKDIR /srv");
        let (lesson, _) = lesson(&edited, include_str!("../../tests/logs/plain.log"));
        assert_eq!((lesson.in_log, lesson.matched, lesson.complete), (10, 8, false));
        assert_eq!(
            lesson.strange,
            ["[deps 2/5] WORKDIR /app", "[other 3/3] RUN sleep 2 &&     echo continued &&     echo end",]
        );
    }

    #[test]
    fn a_build_that_was_remembered_is_what_the_cache_holds() {
        let build = Build::new(DOCKERFILE, None);
        let remembered = build.with(|side| super::build(side, 1, "log".to_owned()));
        let mut known = plan::Known::default();
        known.extend(&remembered.built.rows);
        let moved = plan::Moved::default();
        let contents = plan::Contents::Local;
        let cache = plan::Cache { known: &known, contents, moved: &moved, before: None };
        let summary = build.with(|side| plan::plan_in(&cache, side).summary());
        assert_eq!((summary.rebuilt, summary.depends), (0, 0));
        assert!(summary.cached > 8);
        let edited = Build::new(&DOCKERFILE.replace("sleep 2", "sleep 3"), None);
        assert_eq!(edited.with(|side| plan::plan_in(&cache, side).summary()).rebuilt, 1);
    }

    #[test]
    fn what_did_not_run_teaches_nothing() {
        let (lesson, learnt) = lesson(
            "FROM base\nRUN a\nRUN b\nRUN c\nRUN d\nRUN e\n",
            "#1 [1/6] FROM docker.io/library/base\n#1 DONE 0.0s\n#2 [2/6] RUN a\n#2 CACHED\n#3 [3/6] RUN b\n#3 ERROR: x\n\
             #4 [4/6] RUN c\n#4 CANCELED\n#5 [5/6] RUN d\n#6 [6/6] RUN e\n#6 DONE 4.0s\n",
        );
        assert_eq!((lesson.in_log, lesson.matched, lesson.measured), (6, 6, 1));
        assert_eq!(learnt.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["RUN e"]);
    }

    #[test]
    fn a_pulled_base_image_teaches_how_long_that_took() {
        let (lesson, _) = lesson(
            "FROM base\nRUN a\n",
            "#1 [1/2] FROM docker.io/library/base:latest@sha256:1\n#1 sha256:2 3MB / 3MB\n#1 DONE 4.5s\n",
        );
        assert_eq!(lesson.lines, [(1, 4.5)]);
    }

    #[test]
    fn the_same_text_in_two_stages_is_told_apart() {
        let (_, learnt) = lesson(
            "FROM base AS a\nENV A=1\nRUN make\nFROM base AS b\nENV A=2\nRUN make\nFROM a\nCOPY --from=b /x /\n",
            "#1 [b 2/2] RUN make\n#1 DONE 7.0s\n#2 [a 2/2] RUN make\n#2 DONE 3.0s\n",
        );
        let file = "FROM base AS a\nENV A=1\nRUN make\nFROM base AS b\nENV A=2\nRUN make\nFROM a\nCOPY --from=b /x /\n";
        assert_eq!(seconds(file, &learnt, 3).value, 3.0);
        assert_eq!(seconds(file, &learnt, 6).value, 7.0);
    }

    #[test]
    fn texts_that_builders_change() {
        let cases = [
            ("RUN  echo  a", "RUN echo a", true),
            ("run echo $A ${B:-c}d", "RUN echo x yd", true),
            ("RUN echo $A", "RUN echo $A", true),
            ("RUN echo \\$HOME \"q\"", "RUN echo $HOME \"q\"", true),
            ("RUN echo $(date) $", "RUN echo $(date) $", true),
            ("RUN <<EOF\necho one\nEOF", "RUN <<EOF (echo one...)", true),
            ("RUN <<EOF\necho one\nEOF", "RUN <<EOS (echo one...)", false),
            ("RUN cat <<EOF > /z\nbody\nEOF", "RUN cat <<EOF > /z", true),
            ("RUN echo a", "RUN echo ab", false),
            ("RUN echo ab", "RUN echo a", false),
            ("RUN echo $A b", "RUN echo x c", false),
            ("COPY $A/x /y", "COPY src/x /y", true),
            ("COPY a /y", "ADD a /y", false),
        ];
        for (instruction, name, same) in cases {
            assert_eq!(matches(&pieces(instruction), &plain(name), false), same, "{instruction} and {name}");
        }
        assert!(matches(
            &pieces("RUN npm run build --workspace=web"),
            &plain("RUN npm run build --wor"),
            true
        ));
        assert!(!matches(&pieces("RUN npm run build"), &plain("RUN npm run test"), true));
    }

    #[test]
    fn other_platforms_do_not_count_beside_one_s_own() {
        let own = layerwise_model::Options::default().platform.format();
        let log = format!(
            "#1 [other/arch 2/2] RUN a\n#1 DONE 9.0s\n#2 [{own} 2/2] RUN a\n#2 DONE 3.0s\n#3 [other/arch 2/2] RUN a\n"
        );
        let (lesson, _) = lesson("FROM base\nRUN a\n", &log);
        assert_eq!((lesson.in_log, lesson.lines), (1, vec![(2, 3.0)]));
    }
}
