//! Build logs: what each step of a build was called, how it ended and how long it took.
//!
//! Three forms are read: `--progress=rawjson` (one JSON object after another, on one line each or indented as buildx 0.13
//! writes them), `--progress=plain` (also with colours, CRLF or a time before each line, as CI services keep it), and what a
//! terminal shows (`=> [build 3/7] RUN npm ci  12.3s`). A log that is cut, or has other output between its lines, gives
//! what it has.

mod plain;
mod rawjson;
mod status;
mod step_name;
mod terminal;

use std::fmt;

pub use status::parse_status;
pub use step_name::StepName;

/// One build log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BuildLog {
    /// What BuildKit calls vertices: the steps, and what it does for itself (loading the context, exporting).
    pub vertices: Vec<LogVertex>,
    /// The first line (from 1) of a piece that is not of the log's form, where there is one: something else was written
    /// between its lines, or it is cut.
    pub odd_line: Option<usize>,
}

/// One vertex of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogVertex {
    /// Its name: `[build 3/7] RUN npm ci`.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it ran, in seconds; with several runs, all of them.
    pub seconds: Option<f64>,
    /// Whether layers were pulled or unpacked for it (of a FROM; else it takes no time).
    pub pulled: bool,
    /// Whether the name may be cut off at its end.
    pub shortened: bool,
}

/// How a vertex ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// The log does not say it.
    #[default]
    Unfinished,
    /// It ran to its end.
    Ran,
    /// It came out of the cache.
    Cached,
    /// It failed.
    Failed,
    /// It was stopped, because another one failed or somebody wanted it.
    Cancelled,
}

/// Why a text is no build log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError {
    /// The line that says so, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl std::error::Error for LogError {}

/// Reads a log. Its form is that of the first line that has one.
///
/// # Errors
/// If no line looks like one of a build log.
pub fn parse(text: &str) -> Result<BuildLog, LogError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut first = None;
    for (at, line) in text.split('\n').enumerate() {
        let line = clean(line);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        first = first.or(Some(at + 1));
        let log = if line.starts_with('{') {
            rawjson::parse(text)
        } else if plain::is_line(line) {
            plain::parse(text)
        } else if terminal::is_line(line) {
            terminal::parse(text)
        } else {
            continue;
        };
        if !log.vertices.is_empty() {
            return Ok(log);
        }
        // A line that only looked like one; what follows may be a log all the same, but of no form that was not tried.
        break;
    }
    let message = if text.trim().is_empty() {
        "the log is empty; write one with `docker build --progress=rawjson . 2> build.log`".to_owned()
    } else {
        "this is no build log; write one with `docker build --progress=rawjson . 2> build.log` (or --progress=plain)"
            .to_owned()
    };
    Err(LogError { line: first.unwrap_or(1), message })
}

/// A line without ANSI escapes and carriage returns, and without the time that CI services put before it.
fn clean(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                // CSI: parameters up to a letter. OSC: up to BEL or ESC. Others: one more character.
                match chars.next() {
                    Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                    Some(']') => {
                        while chars.peek().is_some_and(|c| !matches!(c, '\u{7}' | '\u{1b}')) {
                            chars.next();
                        }
                        chars.next_if_eq(&'\u{7}');
                    }
                    _ => {}
                }
            }
            '\r' | '\u{feff}' => {}
            c => out.push(c),
        }
    }
    match without_time(&out) {
        Some(rest) => rest.to_owned(),
        None => out,
    }
}

/// What follows `2026-05-01T12:34:56.789Z ` at the start of a line.
fn without_time(line: &str) -> Option<&str> {
    let (time, rest) = line.split_once(' ')?;
    let shape = |at: usize, c: u8| time.as_bytes().get(at) == Some(&c);
    let dated = shape(4, b'-') && shape(7, b'-') && shape(10, b'T') && shape(13, b':');
    let plain =
        time.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'T' | b'Z' | b'.' | b'+'));
    (dated && plain && time.ends_with('Z')).then_some(rest)
}

/// A duration as BuildKit prints it: `12.3s`, also `1m2.5s`.
fn duration(text: &str) -> Option<f64> {
    let mut rest = text.strip_suffix('s').filter(|t| !t.is_empty())?;
    let mut total = 0.0;
    for (unit, seconds) in [('h', 3_600.0), ('m', 60.0)] {
        if let Some((value, more)) = rest.split_once(unit) {
            total += number(value)? * seconds;
            rest = more;
        }
    }
    Some(total + number(rest)?)
}

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse::<f64>().ok().filter(|n| plain && n.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn steps(log: &BuildLog) -> Vec<(&str, Outcome, Option<f64>)> {
        let steps = log.vertices.iter().filter(|v| StepName::parse(&v.name).is_some());
        steps.map(|v| (v.name.as_str(), v.outcome, v.seconds.map(|s| (s * 10.0).round() / 10.0))).collect()
    }

    #[test]
    fn what_is_no_log_says_so() {
        let cases = [
            ("", 1),
            ("\n\n", 1),
            ("hello\nworld\n", 1),
            ("\n\nFROM alpine\n", 3),
            ("{\"a\": 1}\n", 1),
            ("{broken\n", 1),
            ("#1\n#\n#x y\n", 1),
            ("\u{1b}[31m\u{1b}]0;title", 1),
        ];
        for (text, line) in cases {
            let error = parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text:?}");
            assert!(error.message.contains("--progress=rawjson"), "{error}");
        }
    }

    #[test]
    fn durations() {
        let cases = [
            ("0.0s", Some(0.0)),
            ("12.3s", Some(12.3)),
            ("1m2.5s", Some(62.5)),
            ("1h0m1s", Some(3_601.0)),
            ("s", None),
            ("12", None),
            ("-1s", None),
            ("1e999s", None),
            ("infs", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(duration(text), seconds, "{text}");
        }
    }

    #[test]
    fn lines_are_cleaned() {
        let cases = [
            ("\u{1b}[1;34m#1 a\u{1b}[0m\r", "#1 a"),
            ("2026-05-01T12:34:56.7890000Z #1 DONE 0.1s", "#1 DONE 0.1s"),
            ("2026-05-01 #1", "2026-05-01 #1"),
            ("\u{1b}]8;;x\u{7}link", "link"),
            ("\u{1b}[", ""),
            ("\u{1b}", ""),
        ];
        for (line, text) in cases {
            assert_eq!(clean(line), text, "{line:?}");
        }
    }
}
