//! `--progress=plain`.
//!
//! Each vertex has a number. Its first line is its name; what follows is its output behind a time, transfers, and at last
//! how it ended. Where vertices run side by side the printer goes from one to the other and says the name again.
//! Source: util/progress/progressui/printer.go.

use std::collections::HashMap;

use super::{BuildLog, LogVertex, Outcome, clean, duration};

/// Whether a line is one of this form.
pub(super) fn is_line(line: &str) -> bool {
    split(line).is_some()
}

pub(super) fn parse(text: &str) -> BuildLog {
    let mut log = BuildLog::default();
    // The vertex that a number stands for now: a file may hold several builds.
    let mut of_number: HashMap<u32, usize> = HashMap::new();
    for (at, line) in text.split('\n').enumerate() {
        let line = clean(line);
        let Some((number, rest)) = split(line.trim_end()) else {
            // Error summaries and empty lines belong to the form.
            let cut = line.starts_with('#');
            log.odd_line = log.odd_line.or(cut.then_some(at + 1));
            continue;
        };
        if number == 0 {
            // `#0 building with "default" instance`: another build begins.
            of_number.clear();
            continue;
        }
        let known = of_number.get(&number).and_then(|index| log.vertices.get_mut(*index));
        let said = status(rest);
        match (known, said) {
            (Some(vertex), Said::Ended(outcome, seconds)) => {
                vertex.outcome = outcome;
                vertex.seconds = seconds;
            }
            (Some(vertex), Said::Pull) => vertex.pulled = true,
            (None, Said::Name) => {
                of_number.insert(number, log.vertices.len());
                log.vertices.push(LogVertex { name: rest.to_owned(), ..LogVertex::default() });
            }
            // The same number with another name: another build that began without saying so.
            (Some(vertex), Said::Name) if rest.starts_with('[') && vertex.name != rest => {
                of_number.insert(number, log.vertices.len());
                log.vertices.push(LogVertex { name: rest.to_owned(), ..LogVertex::default() });
            }
            // Output, or a vertex whose name is in the part that is cut off.
            _ => {}
        }
    }
    log
}

/// What a line says of its vertex.
enum Said {
    Name,
    Ended(Outcome, Option<f64>),
    /// Layers are pulled or unpacked.
    Pull,
    /// Output, a transfer, a note that the printer comes back later.
    Other,
}

fn status(rest: &str) -> Said {
    let first = rest.split(' ').next().unwrap_or_default();
    match first {
        "DONE" => match rest.split(' ').nth(1).and_then(duration) {
            Some(seconds) => Said::Ended(Outcome::Ran, Some(seconds)),
            None => Said::Other,
        },
        "CACHED" => Said::Ended(Outcome::Cached, None),
        "CANCELED" => Said::Ended(Outcome::Cancelled, None),
        "ERROR" | "ERROR:" => Said::Ended(Outcome::Failed, None),
        "..." | "" => Said::Other,
        _ if first.starts_with("sha256:") || first == "extracting" => Said::Pull,
        "transferring" | "resolve" | "sending" | "exporting" | "pushing" | "naming" | "unpacking"
        | "writing" | "preparing" | "inferred" | "loading"
            if rest.contains("done") || first == "transferring" || first == "resolve" =>
        {
            Said::Other
        }
        // `12.34 text` is output.
        _ if first.contains('.') && first.bytes().all(|b| b.is_ascii_digit() || b == b'.') => Said::Other,
        _ => Said::Name,
    }
}

/// The number and the rest of `#12 rest`.
fn split(line: &str) -> Option<(u32, &str)> {
    let (number, rest) = line.strip_prefix('#')?.split_once(' ')?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::super::tests::steps;
    use super::super::{Outcome, parse};

    const COLD: &str = include_str!("../../../tests/logs/plain.log");

    #[test]
    fn a_real_log() {
        let log = parse(COLD).expect("a log");
        let ran = |name, seconds| (name, Outcome::Ran, Some(seconds));
        assert_eq!(
            steps(&log),
            [
                ran(
                    "[other 1/3] FROM docker.io/library/base:1@sha256:4ef74e86ae45c37aeef2c77adfcbfad6eb63188b44d6742b38618d54f99cf871",
                    0.0
                ),
                ran("[deps 2/5] WORKDIR /app", 0.1),
                ran("[deps 3/5] COPY src/a ./", 0.0),
                ran("[other 2/3] RUN for i in 1 2 3; do echo line $i; sleep 0.4; done", 1.3),
                ran("[deps 4/5] RUN sleep 1; echo \"hello world #9 DONE 5.0s\"", 1.1),
                ran("[deps 5/5] RUN <<EOF (echo one...)", 0.6),
                ran("[other 3/3] RUN sleep 2 &&     echo continued &&     echo end", 2.1),
                ran("[stage-2 1/3] COPY --from=other /etc/passwd /copied", 0.0),
                ran("[stage-2 2/3] COPY big src/world* src/b /data/", 0.0),
                ran("[stage-2 3/3] RUN --mount=type=cache,target=/c rm -rf /data/big; sleep 0.3", 0.4),
            ]
        );
        assert_eq!(log.odd_line, None);
    }

    #[test]
    fn the_same_log_as_services_keep_it() {
        let log = parse(COLD).expect("a log");
        let colours: String = COLD.lines().map(|l| format!("\u{1b}[36m{l}\u{1b}[0m\r\n")).collect();
        let dated: String = COLD.lines().map(|l| format!("2026-05-01T12:34:56.7890123Z {l}\n")).collect();
        let noise = format!("Run docker build\n  with: x\n{COLD}\nuploading\n");
        for text in [&colours, &dated, &noise] {
            assert_eq!(parse(text).expect("a log").vertices, log.vertices);
        }
        let twice = format!("{COLD}{COLD}");
        assert_eq!(parse(&twice).expect("a log").vertices.len(), 2 * log.vertices.len());
    }

    #[test]
    fn how_steps_end() {
        let text = "\
#1 [1/5] FROM base
#1 sha256:abc 1.0MB / 3.4MB 0.1s
#1 extracting sha256:abc done
#1 DONE 1.2s

#2 [2/5] RUN a
#2 0.100 #3 DONE 9.9s
#2 ...

#3 [3/5] RUN b
#3 CACHED

#2 [2/5] RUN a
#2 DONE 12.3s

#4 [4/5] RUN c
#4 CANCELED
#5 [5/5] RUN d
#5 ERROR: process \"/bin/sh -c d\" did not complete successfully: exit code: 1
#6 [6/5] RUN cut
#6 0.1 out
#7 DONE 1.0s
#8";
        let log = parse(text).expect("a log");
        assert_eq!(
            steps(&log),
            [
                ("[1/5] FROM base", Outcome::Ran, Some(1.2)),
                ("[2/5] RUN a", Outcome::Ran, Some(12.3)),
                ("[3/5] RUN b", Outcome::Cached, None),
                ("[4/5] RUN c", Outcome::Cancelled, None),
                ("[5/5] RUN d", Outcome::Failed, None),
                ("[6/5] RUN cut", Outcome::Unfinished, None),
            ]
        );
        assert!(log.vertices[0].pulled && !log.vertices[1].pulled);
        assert_eq!(log.odd_line, Some(23));
    }

    #[test]
    fn every_beginning_and_every_end_of_a_log_gives_what_it_has() {
        let log = parse(COLD).expect("a log");
        for at in (0..COLD.len()).step_by(7) {
            for piece in [&COLD[..at], &COLD[at..]] {
                for vertex in parse(piece).map(|l| l.vertices).unwrap_or_default() {
                    let same = log.vertices.iter().find(|v| v.name == vertex.name);
                    // A name or a figure may be cut in the middle; what ended has the figure that it had.
                    if let (Some(same), Some(seconds)) = (same, vertex.seconds) {
                        assert!(seconds <= same.seconds.unwrap_or(f64::MAX), "{at}: {vertex:?}");
                    }
                }
            }
        }
    }
}
