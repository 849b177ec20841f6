//! Dockerfiles to measure with: made up, realistic in shape, the same on every machine.
//!
//! The benches are in `bench/benches`; `bench/README.md` lists what is measured and how.

/// Lengths of real Dockerfiles (8,828 public files: median 21, 95th of a hundred 93, 99th 168): up to which of a hundred,
/// from and to how many lines.
const REAL_LENGTHS: [(usize, usize, usize); 4] = [(50, 4, 21), (95, 22, 93), (99, 94, 168), (100, 169, 400)];

/// Instructions as they stand in real files. `{n}` becomes a number that is used once, so that nothing repeats; `{prev}` is
/// the name of an earlier stage, and blocks that have it are left out of a first stage.
const BLOCKS: [&str; 22] = [
    "RUN apt-get update && apt-get install -y --no-install-recommends \\
        build-essential \\
        curl \\
        git \\
        libpq-dev \\
    && rm -rf /var/lib/apt/lists/*
",
    "# The tool of step {n}; its version is pinned, because newer ones changed their output.
ENV TOOL_{n}_VERSION=1.{n}.0 \\
    TOOL_{n}_HOME=/opt/tool-{n}
",
    "COPY package.json package-lock.json ./modules/{n}/
RUN cd modules/{n} && npm ci --omit=dev
",
    "RUN <<EOF
set -eu
mkdir -p /srv/app-{n}
cd /srv/app-{n}
for name in one two three; do
    echo \"$name {n}\" >> names.txt
done
EOF
",
    "ARG BUILD_{n}=default
RUN echo \"build {n} with ${BUILD_{n}}\" > /etc/build-{n}
",
    "COPY --chown=1000:1000 src/part-{n} /srv/part-{n}
",
    "WORKDIR /srv/part-{n}
",
    "RUN curl -fsSL https://example.com/tool-{n}.tar.gz -o /tmp/tool-{n}.tar.gz \\
    && echo \"0123456789abcdef  /tmp/tool-{n}.tar.gz\" | sha256sum -c - \\
    # The archive has one folder at its top.
    && tar -xzf /tmp/tool-{n}.tar.gz -C /opt --strip-components=1 \\
    && rm /tmp/tool-{n}.tar.gz
",
    "LABEL org.example.part-{n}.title=\"Part {n}\" \\
      org.example.part-{n}.vendor=\"Example\"
",
    "RUN --mount=type=cache,target=/root/.cache/pip,id=pip-{n} \\
    pip install --no-cache-dir -r requirements-{n}.txt
",
    "RUN if [ \"$(uname -m)\" = x86_64 ]; then arch=amd64; else arch=arm64; fi; \\
    curl -fsSLo /usr/local/bin/part-{n} \"https://example.com/part-{n}-$arch\"; \\
    chmod +x /usr/local/bin/part-{n}
",
    "EXPOSE 8080/tcp
",
    "RUN [\"/usr/local/bin/part-{n}\", \"--check\", \"--verbose\"]
",
    "ENV PATH_{n}=/opt/tool-{n}/bin:$PATH
",
    "RUN go build -o /out/cmd-{n} ./cmd/{n}
",
    "COPY --from={prev} /srv /srv-{n}
",
    "RUN useradd --system user-{n}
",
    // As old and careless files have it: there is something to find.
    "ENV OLD_STYLE_{n} value of {n}
",
    "ENV EXTRA_{n}=$NOT_SET_{n}
",
    "MAINTAINER someone-{n}@example.com
",
    "EXPOSE 8443/TCP
",
    "ADD https://example.com/archive-{n}.tar.gz /opt/archive-{n}.tar.gz
",
];

/// What fills a file up to its length, a line each.
const FILLERS: [&str; 3] = ["RUN make step-{n}\n", "# Step {n} needs nothing else.\n", "ENV STEP_{n}=done\n"];

const BASES: [&str; 4] = ["debian:12-slim", "node:22-bookworm", "golang:1.23", "python:3.12-slim"];

/// A Dockerfile with exactly `lines` lines (at least 3), each ended by LF: stages that copy from each other, `RUN` chains,
/// heredocs, comments. BuildKit's parser accepts it. The same arguments give the same text.
pub fn dockerfile(lines: usize, seed: u64) -> String {
    let lines = lines.max(3);
    let per_stage = (lines / 12).max(18);
    let mut random = Random(seed);
    let mut out = String::new();
    let (mut used, mut number, mut stages) = (0, 0, 0);
    let mut in_stage = usize::MAX;
    // The last line of the file is its CMD.
    while used + 1 < lines {
        let left = lines - 1 - used;
        if in_stage >= per_stage {
            let base = BASES[random.below(BASES.len())];
            let keyword = if random.below(4) == 0 { "as" } else { "AS" };
            put(&mut out, &format!("FROM {base} {keyword} stage-{stages}\n"), &mut used);
            if stages > 0 && left > 1 {
                // The last stage reaches all of them, so that every step is built.
                let copy = format!("COPY --from=stage-{} /out /out\n", stages - 1);
                put(&mut out, &copy, &mut used);
            }
            stages += 1;
            in_stage = 1;
            continue;
        }
        let block = BLOCKS[random.below(BLOCKS.len())];
        let fits = block.matches('\n').count() <= left && (stages > 1 || !block.contains("{prev}"));
        let block = if fits { block } else { FILLERS[random.below(FILLERS.len())] };
        number += 1;
        let block = block.replace("{n}", &number.to_string());
        let block = block.replace("{prev}", &format!("stage-{}", random.below(stages.max(2) - 1)));
        let before = used;
        put(&mut out, &block, &mut used);
        in_stage += used - before;
    }
    put(&mut out, "CMD [\"/usr/local/bin/start\"]\n", &mut used);
    out
}

/// `count` Dockerfiles whose lengths are spread as those of real ones.
pub fn dockerfiles(count: usize) -> impl Iterator<Item = String> {
    let mut random = Random(1);
    (0..count).map(move |index| {
        let percent = random.below(100);
        let (_, low, high) = REAL_LENGTHS.iter().find(|(to, ..)| percent < *to).unwrap_or(&REAL_LENGTHS[3]);
        dockerfile(low + random.below(high - low + 1), index as u64)
    })
}

/// A place to type in: the byte offset of the end of the first `RUN` at or below the middle of `text` that is one line long;
/// of the end of the text if there is none.
pub fn typing_place(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let command = line.trim_end();
        if at * 2 >= text.len()
            && command.starts_with("RUN ")
            && !command.contains("<<")
            && !command.ends_with(['\\', ']'])
        {
            return at + command.len();
        }
        at += line.len();
    }
    at
}

fn put(out: &mut String, block: &str, used: &mut usize) {
    out.push_str(block);
    *used += block.matches('\n').count();
}

/// SplitMix64 (Steele, Lea and Flood, 2014): numbers that are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use layerwise_model::images::WellKnown;
    use layerwise_model::{File, Options, evaluate};
    use layerwise_syntax::Parsed;

    use super::*;

    #[test]
    fn lengths_are_exact_and_files_are_accepted() {
        for lines in [3, 4, 5, 21, 81, 500, 5_000] {
            let text = dockerfile(lines, 1);
            assert_eq!(text.lines().count(), lines);
            assert_eq!(problem(&text), None, "{text}");
        }
        for text in dockerfiles(200) {
            assert_eq!(problem(&text), None, "{text}");
        }
    }

    #[test]
    fn the_place_to_type_in_ends_a_run() {
        let text = dockerfile(500, 1);
        let at = typing_place(&text);
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        assert!(line.starts_with("RUN ") && text[at..].starts_with('\n'), "{line}");
        assert!(at > text.len() / 2);
        assert_eq!(typing_place(""), 0);
    }

    /// What BuildKit would refuse the text for.
    fn problem(text: &str) -> Option<String> {
        let file = File::new(Parsed::new(text));
        let options = Options { all_stages: true, ..Options::default() };
        let eval = evaluate(&file, &options, &WellKnown);
        if let Some((number, ..)) = file.all().find(|(_, _, i)| !i.is_valid()) {
            return Some(format!("line {}", file.line(number)));
        }
        let steps = file.all().find_map(|(number, ..)| eval.step(number).error.as_ref());
        steps.or(eval.error.as_ref()).map(|error| format!("{error:?}"))
    }
}
