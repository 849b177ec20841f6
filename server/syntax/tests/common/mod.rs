//! What the property tests share: a seeded generator of Dockerfile texts and of edits to them.

#![allow(dead_code)] // Each test binary uses its own part.

use std::ops::Range;

/// SplitMix64: small, seeded, and the same on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// The seed of this run: `LAYERWISE_SEED`, or always the same one.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("LAYERWISE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x1a7e_2215e);
    println!("LAYERWISE_SEED={seed}");
    seed
}

/// One replacement: bytes of the text as it is, and what comes in their place.
pub(crate) type Edit = (Range<usize>, String);

/// Whole instructions and blocks; lines end in LF here.
pub(crate) const BLOCKS: &[&str] = &[
    "FROM alpine:3.20 AS base\n",
    "FROM --platform=$BUILDPLATFORM golang:1.22@sha256:0123456789abcdef AS build\n",
    "FROM base\n",
    "ARG VERSION=1.2.3 OTHER\n",
    "ENV A=1 B=\"two words\" C='3'\n",
    "ENV PATH /opt/bin:$PATH\n",
    "LABEL org.example.title=\"x\" a=b\n",
    "RUN apt-get update && \\\n    apt-get install -y curl && \\\n    rm -rf /var/lib/apt/lists/*\n",
    "RUN --mount=type=cache,target=/root/.cache go build ./...\n",
    "COPY --from=build --chown=app:app /src/a /src/b /dst/\n",
    "COPY [\"a b\", \"/c/\"]\n",
    "RUN <<EOF\necho a\napt-get update\nEOF\n",
    "RUN <<-EOF cat\n\techo a\n\tEOF\n",
    "RUN <<'EOF' cat > /x\n$HOME\nRUN not\nEOF\n",
    "COPY <<A <<B /d/\na\nA\nb\nB\n",
    "RUN python3 <<\"PY\"\nimport os\nPY\n",
    "CMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
    "ENTRYPOINT exec \"$@\"\n",
    "HEALTHCHECK --interval=30s CMD curl -f http://localhost || exit 1\n",
    "HEALTHCHECK NONE\n",
    "ONBUILD RUN make\n",
    "ONBUILD COPY <<EOF /x\nbody\nEOF\n",
    "EXPOSE 80 443/tcp\n",
    "USER app:app\n",
    "WORKDIR /srv/${NAME:-app}\n",
    "VOLUME /data /more\n",
    "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\n",
    "STOPSIGNAL SIGTERM\n",
    "MAINTAINER someone\n",
    "# a comment\n",
    "  # an indented comment\n",
    "\n",
    "   \n",
    "RUN echo 日本語 🐳 ok\n",
    "RUN a \\\n  # a comment inside\n  b \\\n\n  c\n",
    "RUN cat <<EOF\nnever closed\nand on\n",
    "FRON nowhere\n",
    "RUN \\\n",
];

/// So many of the blocks, from the front, are accepted by BuildKit and by the grammar.
const VALID: usize = BLOCKS.len() - 4;

/// What is put at the top of some texts.
const TOPS: &[&str] = &[
    "",
    "",
    "",
    "\u{feff}",
    "# syntax=docker/dockerfile:1\n",
    "# escape=`\n",
    "# syntax=docker/dockerfile:1\n# escape=`\n# check=skip=all\n",
    "\u{feff}# escape=`\n",
    "#!/bin/sh\n",
    "\n# escape=`\n",
];

/// What edits insert: single characters that change the structure, and pieces of lines.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    "\\\n",
    "\\",
    "`\n",
    "`",
    " ",
    "\t",
    "#",
    "\"",
    "'",
    "$",
    "{",
    "}",
    "[",
    "]",
    ",",
    "=",
    "-",
    "<",
    "<<",
    "<<EOF",
    "<<-EOF",
    "<<'EOF'",
    " <<EOF\n",
    "EOF",
    "EOF\n",
    "\nEOF\n",
    "\tEOF\n",
    "\n\tEOF",
    "A",
    "B\n",
    "x",
    "R",
    "RUN ",
    "\nRUN x\n",
    "COPY a b\n",
    "FROM x\n",
    "# c\n",
    "# escape=`\n",
    "# escape=\\\n",
    "escape",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "🐳",
    "é",
    "e\u{301}",
    "\u{b}",
    "\u{c}",
    "\u{a0}",
    "\0",
    "&& \\\n",
    "${A:-b}",
    "\r\n\r\n",
    "\n\n",
    "ENV a=b\n",
    "ONBUILD ",
    "--from=b ",
    "@sha256:ab",
    ":tag",
];

/// A text of up to `max` blocks.
pub(crate) fn text(random: &mut Random, max: usize) -> String {
    if random.one_in(3) {
        return (0..1 + random.below(max)).map(|_| random.pick(&BLOCKS[..VALID])).collect();
    }
    let mut text = random.pick(TOPS).to_owned();
    let backtick = text.contains("escape=`");
    for _ in 0..random.below(max + 1) {
        let block = random.pick(BLOCKS);
        if backtick && random.one_in(2) { text += &block.replace("\\\n", "`\n") } else { text += block }
    }
    if random.one_in(40) {
        let at = boundary(&text, random.below(text.len() + 1));
        text.insert_str(at, &"x\u{e9}<".repeat(20_000));
    }
    match random.below(8) {
        0 => text = text.replace('\n', "\r\n"),
        1 => {
            // Some line feeds lose their feed or gain a return.
            let mixed = text.chars().map(|c| match (c, random.below(4)) {
                ('\n', 0) => "\r".to_owned(),
                ('\n', 1) => "\r\n".to_owned(),
                _ => c.to_string(),
            });
            text = mixed.collect();
        }
        2 => {
            let at = boundary(&text, random.below(text.len() + 1));
            text.truncate(at);
        }
        _ => {}
    }
    text
}

/// The character boundary at or before `at`.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// One edit of `text` anywhere.
pub(crate) fn edit(random: &mut Random, text: &str) -> Edit {
    let from = match random.below(4) {
        // At a line's end or start, where the structure is.
        0 | 1 => {
            let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
            if breaks.is_empty() { 0 } else { breaks[random.below(breaks.len())] + random.below(2) }
        }
        2 if random.one_in(3) => 0,
        _ => random.below(text.len() + 1),
    };
    let from = boundary(text, from);
    let length = match random.below(8) {
        0..4 => 0,
        4 | 5 => 1,
        6 => random.below(12),
        _ => random.below(120),
    };
    let mut to = (from + length).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    let new = match random.below(12) {
        0 | 1 if from != to => String::new(),
        0..9 => random.pick(PIECES).to_owned(),
        9 => random.pick(BLOCKS).to_owned(),
        10 => format!("{}{}", random.pick(PIECES), random.pick(PIECES)),
        // Half a block: what a paste or a typed line leaves.
        _ => {
            let block = random.pick(BLOCKS);
            block[..boundary(block, random.below(block.len() + 1))].to_owned()
        }
    };
    (from..to, new)
}

/// A sequence of edits that begins with `text`, of one of the kinds that an editor sends.
pub(crate) fn session(random: &mut Random, text: &str, edits: usize) -> Vec<Edit> {
    let mut now = text.to_owned();
    let mut list: Vec<Edit> = Vec::new();
    let mut push = |now: &mut String, edit: Edit| {
        now.replace_range(edit.0.clone(), &edit.1);
        list.push(edit);
    };
    match random.below(10) {
        // Letters come and go inside words: the text mostly stays valid.
        6..10 => {
            for _ in 0..edits {
                let letters: Vec<usize> = now
                    .match_indices(|c: char| c.is_ascii_lowercase() || ":@/.,".contains(c))
                    .map(|(at, _)| at)
                    .collect();
                if letters.is_empty() {
                    push(&mut now, (0..0, "FROM a:1/b\n".to_owned()));
                    continue;
                }
                let at = letters[random.below(letters.len())];
                let new = random
                    .pick(&["x", "7", "", "yz", "ab", "q", "8", "e", ".", ":", "/", "=", "$A"])
                    .to_owned();
                push(&mut now, (at..at + random.below(2), new));
            }
        }
        // Something is typed character by character, with some backspaces.
        0 => {
            let mut typed: Vec<char> = Vec::new();
            while typed.len() < edits {
                typed.extend(random.pick(BLOCKS).chars());
            }
            let mut at = match random.below(3) {
                0 => now.len(),
                1 => 0,
                _ => boundary(&now, random.below(now.len() + 1)),
            };
            for c in typed.into_iter().take(edits) {
                push(&mut now, (at..at, c.to_string()));
                at += c.len_utf8();
                if random.one_in(12) {
                    push(&mut now, (at - c.len_utf8()..at, String::new()));
                    at -= c.len_utf8();
                }
            }
        }
        // The text is deleted character by character, from its end or from somewhere else.
        1 => {
            let mut at =
                if random.one_in(2) { now.len() } else { boundary(&now, random.below(now.len() + 1)) };
            for _ in 0..edits {
                let Some(last) = now[..at].chars().next_back() else { break };
                push(&mut now, (at - last.len_utf8()..at, String::new()));
                at -= last.len_utf8();
            }
        }
        // Continuation characters and directives come and go.
        2 => {
            for _ in 0..edits {
                let (from, new) = match random.below(4) {
                    0 => (
                        0..0,
                        random.pick(&["# escape=`\n", "#", "\n", "\u{feff}", "# syntax=x\n"]).to_owned(),
                    ),
                    1 => {
                        let to = boundary(&now, random.below(now.len().min(14) + 1));
                        (0..to, String::new())
                    }
                    _ => {
                        let ends: Vec<usize> = now.match_indices('\n').map(|(at, _)| at).collect();
                        if ends.is_empty() {
                            (now.len()..now.len(), "\n".to_owned())
                        } else {
                            let at = ends[random.below(ends.len())];
                            let escaped = now[..at].ends_with(['\\', '`']);
                            if escaped {
                                (at - 1..at, String::new())
                            } else {
                                (
                                    at..at,
                                    random.pick(&["\\", "`", " \\", "\\ ", "\\\n# c", "\\\r"]).to_owned(),
                                )
                            }
                        }
                    }
                };
                push(&mut now, (from, new));
            }
        }
        _ => {
            for _ in 0..edits {
                let edit = edit(random, &now);
                push(&mut now, edit);
            }
        }
    }
    list
}
