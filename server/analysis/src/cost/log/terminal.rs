//! What `docker build` shows at a terminal, copied or recorded: `=> CACHED [build 2/7] WORKDIR /app   0.0s`.
//!
//! The screen is drawn again and again; the last line of a vertex counts. Names are cut to the width of the terminal.
//! Source: util/progress/progressui/display.go.

use std::collections::HashMap;

use super::{BuildLog, LogVertex, Outcome, clean, duration};

/// Whether a line is one of this form.
pub(super) fn is_line(line: &str) -> bool {
    line.starts_with("[+] Building ") || vertex(line).is_some()
}

pub(super) fn parse(text: &str) -> BuildLog {
    let mut log = BuildLog::default();
    let mut of_name: HashMap<String, usize> = HashMap::new();
    let mut pulls = None;
    for line in text.split('\n') {
        let line = clean(line);
        if let Some(status) = line.trim().strip_prefix("=> => ") {
            let pull = ["sha256:", "extracting "].iter().any(|p| status.starts_with(p));
            if let Some(vertex) = pulls.filter(|_| pull).and_then(|index: usize| log.vertices.get_mut(index))
            {
                vertex.pulled = true;
            }
            continue;
        }
        let Some(found) = vertex(line.trim()) else { continue };
        let index = *of_name.entry(found.name.clone()).or_insert_with(|| {
            log.vertices.push(LogVertex::default());
            log.vertices.len() - 1
        });
        pulls = Some(index);
        if let Some(vertex) = log.vertices.get_mut(index) {
            *vertex = LogVertex { pulled: vertex.pulled, ..found };
        }
    }
    log
}

/// A line of a vertex, trimmed.
fn vertex(line: &str) -> Option<LogVertex> {
    let rest = line.strip_prefix("=> ").filter(|r| !r.starts_with("=>"))?;
    let (rest, seconds) = rest.rsplit_once(' ')?;
    let seconds = duration(seconds)?;
    let rest = rest.trim();
    let (outcome, name) = match rest.split_once(' ') {
        Some(("CACHED", name)) => (Outcome::Cached, name),
        Some(("ERROR", name)) => (Outcome::Failed, name),
        Some(("CANCELED", name)) => (Outcome::Cancelled, name),
        _ => (Outcome::Ran, rest),
    };
    let ran = outcome == Outcome::Ran;
    Some(LogVertex {
        name: name.trim().to_owned(),
        outcome,
        seconds: ran.then_some(seconds),
        pulled: false,
        shortened: true,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::steps;
    use super::super::{Outcome, parse};

    #[test]
    fn the_last_picture_counts() {
        let text = "\
[+] Building 3.4s (2/4)
 => [internal] load build definition from Dockerfile        0.0s
 => [1/4] FROM docker.io/library/base:1                     0.2s
 => => sha256:abc 1.00MB / 3.40MB                           0.1s
 => [2/4] RUN npm ci                                        1.0s
 => => # added 3 packages
\u{1b}[1A\u{1b}[0G[+] Building 9.0s (4/4) FINISHED\r
 => [1/4] FROM docker.io/library/base:1                     1.2s\r
 => [2/4] RUN npm ci                                        7.5s\r
 => CACHED [3/4] WORKDIR /app                               0.0s\r
 => ERROR [4/4] RUN npm run a-very-long-name-that-is-cut    0.1s\r
------
";
        let log = parse(text).expect("a log");
        assert_eq!(
            steps(&log),
            [
                ("[1/4] FROM docker.io/library/base:1", Outcome::Ran, Some(1.2)),
                ("[2/4] RUN npm ci", Outcome::Ran, Some(7.5)),
                ("[3/4] WORKDIR /app", Outcome::Cached, None),
                ("[4/4] RUN npm run a-very-long-name-that-is-cut", Outcome::Failed, None),
            ]
        );
        assert!(log.vertices.iter().any(|v| v.pulled));
    }
}
