//! `cargo dev picture`: the README's picture, made from what the binary really prints.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the picture shows: commands, run at the top of the workspace.
const SHOWN: [&[&str]; 2] = [
    &["plan", "examples/node-app/Dockerfile", "--changed", "src/index.js"],
    &["apply", "reorder-copy", "examples/node-app/Dockerfile"],
];

const FILE: &str = "docs/picture.svg";

/// The widest line, in columns; a longer one is cut.
const COLUMNS: usize = 150;
const LINE_HEIGHT: usize = 18;
const MARGIN: usize = 16;
/// The width of a column, in hundredths of a pixel, for 13 pixels of a monospaced font.
const COLUMN_WIDTH: usize = 782;

/// Draw the README's picture (docs/picture.svg) from what the binary prints
///
/// Takes the binary that LAYERWISE names, else builds one.
#[derive(clap::Args)]
pub(crate) struct Picture {
    /// Write nothing; fail if the file is not what it should be
    #[arg(long)]
    check: bool,
}

impl Picture {
    pub(crate) fn run(&self) -> Result<(), Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let binary = binary(&root)?;
        let mut screen = String::new();
        for args in SHOWN {
            let out = Command::new(&binary)
                .args(args)
                .env("CLICOLOR_FORCE", "1")
                .env_remove("NO_COLOR")
                .current_dir(&root)
                .output()?;
            if !out.status.success() {
                return Err(format!("{args:?}: {}", String::from_utf8_lossy(&out.stderr)).into());
            }
            writeln!(screen, "\x1b[1;32m$\x1b[0m layerwise {}", args.join(" "))?;
            writeln!(screen, "{}\n", String::from_utf8(out.stdout)?.trim_end())?;
        }
        let picture = svg(screen.trim_end());
        let file = root.join(FILE);
        if !self.check {
            std::fs::write(file, picture)?;
            return Ok(());
        }
        match std::fs::read_to_string(file) {
            Ok(old) if old == picture => Ok(()),
            _ => Err(format!("{FILE} is not what the binary prints; run `cargo dev picture`").into()),
        }
    }
}

fn binary(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(binary) = std::env::var_os("LAYERWISE") {
        return Ok(std::fs::canonicalize(binary)?);
    }
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "layerwise-cli"])
        .current_dir(root)
        .status()?;
    if !built.success() {
        return Err("the binary does not build".into());
    }
    // This program lies beside it.
    Ok(std::env::current_exe()?.with_file_name("layerwise"))
}

/// How text looks: what the escapes before it have set.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    /// One of the 16 colours of a terminal.
    colour: Option<usize>,
    bold: bool,
    faint: bool,
}

/// The terminal's colours on a dark ground, the bright ones behind.
const COLOURS: [&str; 16] = [
    "#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4", "#6e7681",
    "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc",
];

/// Draws text with ANSI's SGR escapes as an SVG. Other escapes are left out.
fn svg(screen: &str) -> String {
    let mut style = Style::default();
    let mut body = String::new();
    let lines: Vec<&str> = screen.lines().collect();
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN + LINE_HEIGHT * row + LINE_HEIGHT * 3 / 4;
        let mut column = 0;
        let mut pieces = line.split('\x1b');
        let mut put = |style: Style, text: &str, column: &mut usize| {
            let room = COLUMNS.saturating_sub(*column);
            let mut text: String = text.chars().take(room + 1).collect();
            if text.chars().count() > room {
                text = text.chars().take(room.saturating_sub(1)).chain((room > 0).then_some('…')).collect();
            }
            // Each piece has a place of its own, so that columns stay columns whatever the font is.
            if !text.trim().is_empty() {
                let x = (MARGIN * 100 + *column * COLUMN_WIDTH) / 100;
                let width = text.chars().count() * COLUMN_WIDTH / 100;
                let _ = writeln!(
                    body,
                    r#"<text x="{x}" y="{y}" textLength="{width}"{}>{}</text>"#,
                    look(style),
                    escape(&text)
                );
            }
            *column += text.chars().count();
        };
        put(style, pieces.next().unwrap_or_default(), &mut column);
        for piece in pieces {
            let sgr = piece.strip_prefix('[').and_then(|p| {
                let end = p.find(|c: char| c.is_ascii_alphabetic())?;
                Some((&p[..end], &p[end..]))
            });
            match sgr {
                Some((codes, rest)) => {
                    if rest.starts_with('m') {
                        set(&mut style, codes);
                    }
                    put(style, &rest[1..], &mut column);
                }
                None => put(style, piece, &mut column),
            }
        }
    }
    let width = 2 * MARGIN + COLUMNS * COLUMN_WIDTH / 100;
    let height = 2 * MARGIN + LINE_HEIGHT * lines.len();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\">\n\
         <!-- Drawn by `cargo dev picture`. -->\n\
         <style>text {{ font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; \
         white-space: pre; fill: #e6edf3 }}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n{body}</svg>\n"
    )
}

fn set(style: &mut Style, codes: &str) {
    let codes: Vec<usize> = codes.split(';').map(|c| c.parse().unwrap_or(0)).collect();
    let mut at = 0;
    while let Some(code) = codes.get(at) {
        match code {
            0 => *style = Style::default(),
            1 => style.bold = true,
            2 => style.faint = true,
            22 => (style.bold, style.faint) = (false, false),
            30..=37 => style.colour = Some(code - 30),
            39 => style.colour = None,
            90..=97 => style.colour = Some(code - 90 + 8),
            38 if codes.get(at + 1) == Some(&5) => {
                style.colour = codes.get(at + 2).copied().filter(|c| *c < COLOURS.len());
                at += 2;
            }
            _ => {}
        }
        at += 1;
    }
}

fn look(style: Style) -> String {
    let mut look = String::new();
    if let Some(colour) = style.colour {
        let _ = write!(look, r#" style="fill: {}""#, COLOURS[colour]);
    }
    if style.bold {
        look.push_str(r#" font-weight="bold""#);
    }
    if style.faint {
        look.push_str(r#" opacity="0.65""#);
    }
    look
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_looks_and_text_stays_in_its_columns() {
        let picture = svg("a\x1b[1;31mb<\x1b[0m c\x1b[2Kd\n\x1b[38;5;10me\x1b[39mf\x1b[");
        for part in [
            r#"<text x="16" y="29" textLength="7">a</text>"#,
            r#"<text x="23" y="29" textLength="15" style="fill: #ff7b72" font-weight="bold">b&lt;</text>"#,
            r#"<text x="39" y="29" textLength="15"> c</text>"#,
            r#"<text x="55" y="29" textLength="7">d</text>"#,
            r#"<text x="16" y="47" textLength="7" style="fill: #56d364">e</text>"#,
            r#"<text x="23" y="47" textLength="7">f</text>"#,
        ] {
            assert!(picture.contains(part), "{part} is not in\n{picture}");
        }
    }

    #[test]
    fn a_long_line_is_cut() {
        let picture = svg(&"x".repeat(COLUMNS + 10));
        assert!(picture.contains(&format!(">{}…<", "x".repeat(COLUMNS - 1))), "{picture}");
        let picture = svg(&format!("{}\x1b[1my", "x".repeat(COLUMNS)));
        assert!(picture.contains(&format!(">{}<", "x".repeat(COLUMNS))), "{picture}");
    }
}
