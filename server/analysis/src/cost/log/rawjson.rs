//! `--progress=rawjson`: BuildKit's status messages, one JSON object after another.
//!
//! A vertex comes again with every change; it may start and end several times, and all its intervals count, as they do in
//! what `--progress=plain` prints. Source: client/graph.go (SolveStatus), util/progress/progressui (durations).

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{BuildLog, LogVertex, Outcome};

/// One message.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    #[serde(default)]
    pub(crate) vertexes: Vec<Vertex>,
    #[serde(default)]
    pub(crate) statuses: Vec<Transfer>,
}

/// What a message says of a vertex. Whatever is missing is empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Vertex {
    pub(crate) digest: String,
    pub(crate) name: String,
    pub(crate) started: Option<String>,
    pub(crate) completed: Option<String>,
    pub(crate) cached: bool,
    pub(crate) error: String,
}

/// What a message says of something that a vertex does.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Transfer {
    pub(crate) id: String,
    pub(crate) vertex: String,
}

pub(super) fn parse(text: &str) -> BuildLog {
    let mut collect = Collect::default();
    let mut odd = None;
    let mut at = 0;
    // Each turn ends behind a value, or at the next line that begins like one.
    while let Some(start) = text.get(at..).and_then(next_object).map(|found| at + found) {
        let Some(rest) = text.get(start..) else { break };
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Status>();
        let mut good = 0;
        loop {
            match stream.next() {
                Some(Ok(status)) => {
                    collect.add(status);
                    good = stream.byte_offset();
                }
                Some(Err(_)) => {
                    odd = odd.or(Some(start + good));
                    break;
                }
                None => {
                    good = rest.len();
                    break;
                }
            }
        }
        // Past the piece that could not be read, to the next line.
        let behind = start + good;
        let unread = text.get(behind..).unwrap_or_default();
        let skipped = unread.find(|c: char| !c.is_whitespace()).unwrap_or(unread.len());
        let line_end = unread.get(skipped..).and_then(|u| u.find('\n')).map(|n| skipped + n);
        at = match line_end {
            Some(end) => behind + end,
            None => break,
        };
    }
    let line = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        let blank = text.get(at..).unwrap_or_default().chars().take_while(|c| c.is_whitespace());
        1 + before.matches('\n').count() + blank.filter(|c| *c == '\n').count()
    };
    BuildLog { vertices: collect.done(), odd_line: odd.map(line) }
}

/// Where the next line begins that may be a message: an object at the start of a line.
fn next_object(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('{') {
            return Some(at);
        }
        at += line.len();
    }
    None
}

/// The vertices, as messages come in.
#[derive(Default)]
pub(crate) struct Collect {
    order: Vec<String>,
    found: HashMap<String, Seen>,
}

#[derive(Default)]
struct Seen {
    name: String,
    /// Start to end, in seconds since 1970; a start without an end has none.
    intervals: BTreeMap<String, Option<String>>,
    cached: bool,
    error: String,
    pulled: bool,
}

impl Collect {
    pub(crate) fn add(&mut self, status: Status) {
        for vertex in status.vertexes {
            if vertex.digest.is_empty() {
                continue;
            }
            let seen = self.found.entry(vertex.digest.clone()).or_insert_with(|| {
                self.order.push(vertex.digest);
                Seen::default()
            });
            if !vertex.name.is_empty() {
                seen.name = vertex.name;
            }
            seen.cached = vertex.cached;
            seen.error = vertex.error;
            if let Some(started) = vertex.started {
                let end = seen.intervals.entry(started).or_default();
                *end = vertex.completed.or(end.take());
            }
        }
        for transfer in status.statuses {
            let pulls = ["sha256:", "extracting "].iter().any(|p| transfer.id.starts_with(p));
            if let Some(seen) = self.found.get_mut(&transfer.vertex).filter(|_| pulls) {
                seen.pulled = true;
            }
        }
    }

    pub(crate) fn done(mut self) -> Vec<LogVertex> {
        let mut all = Vec::new();
        for digest in &self.order {
            let Some(seen) = self.found.remove(digest).filter(|s| !s.name.is_empty()) else { continue };
            let running = seen.intervals.values().any(Option::is_none);
            let outcome = if seen.cached {
                Outcome::Cached
            } else if seen.error.contains("context canceled") {
                Outcome::Cancelled
            } else if !seen.error.is_empty() {
                Outcome::Failed
            } else if seen.intervals.is_empty() || running {
                Outcome::Unfinished
            } else {
                Outcome::Ran
            };
            let seconds = (outcome == Outcome::Ran).then(|| total(&seen.intervals)).flatten();
            let (name, pulled) = (seen.name, seen.pulled);
            all.push(LogVertex { name, outcome, seconds, pulled, shortened: false });
        }
        all
    }
}

/// The time that intervals cover together.
fn total(intervals: &BTreeMap<String, Option<String>>) -> Option<f64> {
    let mut all: Vec<(f64, f64)> = Vec::new();
    for (start, end) in intervals {
        let (start, end) = (seconds(start)?, seconds(end.as_deref()?)?);
        all.push((start, end.max(start)));
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut until) = (0.0, f64::MIN);
    for (start, end) in all {
        sum += (end - start.max(until)).max(0.0);
        until = until.max(end);
    }
    Some(sum)
}

/// An RFC 3339 time, or `@` and a number, as seconds since 1970.
fn seconds(text: &str) -> Option<f64> {
    if let Some(number) = text.strip_prefix('@') {
        return number.parse().ok().filter(|n: &f64| n.is_finite());
    }
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|p| p.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    if !(1..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = (time.get(..at)?, time.get(at..)?);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute) = (clock.next()?.parse::<u32>().ok()?, clock.next()?.parse::<u32>().ok()?);
    let second = clock.next()?.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0)?;
    let offset = match zone {
        "Z" | "z" => 0,
        zone => {
            let (sign, rest) = (if zone.starts_with('-') { -1 } else { 1 }, zone.get(1..)?);
            let (hours, minutes) = rest.split_once(':')?;
            sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?) * 60
        }
    };
    // Days since 1970 of a date in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let whole = days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 - offset;
    Some(whole as f64 + second)
}

#[cfg(test)]
mod tests {
    use super::super::tests::steps;
    use super::super::{Outcome, parse};
    use super::seconds;

    const COLD: &str = include_str!("../../../tests/logs/rawjson.log");

    #[test]
    fn a_real_log_agrees_with_its_plain_form() {
        let log = parse(COLD).expect("a log");
        let plain = parse(include_str!("../../../tests/logs/plain.log")).expect("a log");
        let names = |log: &super::BuildLog| {
            let mut names: Vec<String> = steps(log).iter().map(|s| s.0.to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&log), names(&plain));
        // Two builds of one file: nearly the same times.
        for (name, outcome, seconds) in steps(&log).into_iter().filter(|s| s.0.contains("sleep")) {
            assert_eq!(outcome, Outcome::Ran, "{name}");
            let other = plain.vertices.iter().find(|v| v.name == name).and_then(|v| v.seconds);
            let (seconds, other) = (seconds.expect("seconds"), other.expect("seconds"));
            assert!((seconds - other).abs() < 0.5, "{name}: {seconds} and {other}");
        }
        assert_eq!(log.odd_line, None);
    }

    #[test]
    fn the_indented_form_and_mixed_output_are_read() {
        let log = parse(COLD).expect("a log");
        let values = serde_json::Deserializer::from_str(COLD).into_iter::<serde_json::Value>();
        let pretty: String =
            values.map(|v| serde_json::to_string_pretty(&v.expect("JSON")).expect("JSON") + "\n").collect();
        assert_eq!(parse(&pretty).expect("a log").vertices, log.vertices);
        let mixed: String = COLD.lines().map(|l| format!("{l}\nWARNING: no buildx\n")).collect();
        let mixed = parse(&mixed).expect("a log");
        assert_eq!((mixed.vertices, mixed.odd_line), (log.vertices.clone(), Some(2)));
        let cut = parse(&COLD[..COLD.len() - 20]).expect("a log");
        assert_eq!(cut.vertices.len(), log.vertices.len());
        assert_eq!(cut.odd_line, Some(COLD.lines().count()));
    }

    #[test]
    fn cached_failed_and_running_vertices() {
        let text = r#"
{"vertexes":[{"digest":"a","name":"[1/4] RUN a","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:01.5Z"}]}
{"vertexes":[{"digest":"a","name":"[1/4] RUN a","started":"2026-01-01T00:00:01Z","completed":"2026-01-01T00:00:03Z"}]}
{"vertexes":[{"digest":"b","name":"[2/4] RUN b","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:00Z","cached":true}]}
{"vertexes":[{"digest":"c","name":"[3/4] RUN c","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:09Z","error":"exit code: 1"}]}
{"vertexes":[{"digest":"d","name":"[4/4] RUN d","started":"2026-01-01T00:00:00Z"}, {"digest":"e","name":"[5/4] RUN e","started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:09Z","error":"rpc error: context canceled"}]}
{"vertexes":[{"digest":"f","name":"[6/4] RUN f"}],"statuses":[{"id":"extracting sha256:x","vertex":"b"}],"logs":[{"data":"e30="}]}
"#;
        let log = parse(text).expect("a log");
        assert_eq!(
            steps(&log),
            [
                ("[1/4] RUN a", Outcome::Ran, Some(3.0)),
                ("[2/4] RUN b", Outcome::Cached, None),
                ("[3/4] RUN c", Outcome::Failed, None),
                ("[4/4] RUN d", Outcome::Unfinished, None),
                ("[5/4] RUN e", Outcome::Cancelled, None),
                ("[6/4] RUN f", Outcome::Unfinished, None),
            ]
        );
        assert!(log.vertices[1].pulled);
    }

    #[test]
    fn times() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("2000-02-29T12:00:00.5Z", Some(951_825_600.5)),
            ("2026-11-23T18:15:09.539557865Z", Some(1_795_457_709.539_557_8)),
            ("2026-01-01T01:00:00+01:00", Some(1_767_225_600.0)),
            ("2025-12-31T23:00:00-01:00", Some(1_767_225_600.0)),
            ("2026-01-01", None),
            ("T", None),
            ("2026-13-01T00:00:00Z", None),
            ("99999999999-01-01T00:00:00Z", None),
            ("2026-01-01T00:00:infZ", None),
            ("2026-01-01T00:00:00", None),
        ];
        for (text, expected) in cases {
            let found = seconds(text);
            let close = match (found, expected) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-3,
                (a, b) => a == b,
            };
            assert!(close, "{text}: {found:?}");
        }
    }

    #[test]
    fn hostile_texts_take_time_with_their_length() {
        for text in
            ["{\n".repeat(20_000), "{}{".repeat(20_000), "{\"vertexes\":[".repeat(20_000), "[".repeat(50_000)]
        {
            assert!(parse(&text).is_err());
        }
    }
}
