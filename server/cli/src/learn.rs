//! `layerwise learn`: how long the steps of a Dockerfile took, from the log of a build.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use layerwise_analysis::cost::log::{self, BuildLog};
use layerwise_analysis::cost::{self, Lesson};
use layerwise_host::export;
use layerwise_host::fs::{ContextFs, Links, OsFs};
use layerwise_host::learnt::Store;
use serde_json::json;

use crate::ask::{Answer, Ask, One};
use crate::configs::ConfigFlags;
use crate::output::{Format, Out, complain, note, shown};
use crate::status::{self, Status};

/// The biggest log that is read. A log holds all that the steps print; those of hours have tens of megabytes.
const MAX_LOG: u64 = 256 << 20;

/// Learn from a build log how long the steps of a Dockerfile take
///
/// Reads what `docker build --progress=rawjson` or `--progress=plain` wrote (or `docker buildx history logs`), or what
/// `docker buildx history export` packed, finds the steps that it is of, and keeps their durations for this Dockerfile in the user's data folder; `plan` and the editors use
/// them from then on. Steps that were cached, failed or were stopped teach nothing. A log of an older text of the
/// Dockerfile teaches what stayed. `forget` removes it all.
#[derive(clap::Args)]
#[command(after_help = status::HELP)]
pub(crate) struct Learn {
    /// The log; `-` for standard input
    #[arg(value_name = "LOG")]
    log: PathBuf,
    /// The Dockerfile that was built [default: Dockerfile in the context, or here]
    #[arg(long, short = 'f', value_name = "DOCKERFILE")]
    dockerfile: Option<PathBuf>,
    /// The build context [default: that of layerwise.toml, else the nearest folder above the Dockerfile in which all that it
    /// copies exists]
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// An additional build context
    #[arg(long, value_name = "NAME=DIR", value_parser = crate::ask::pair)]
    build_context: Vec<(String, String)>,
    /// The stage that was built [default: that of layerwise.toml, else the last one]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// The platform that was built for [default: linux on this machine's processor]
    #[arg(long, value_name = "P")]
    platform: Option<String>,
    /// A build argument of the build
    #[arg(long, value_name = "K=V", value_parser = crate::ask::argument)]
    build_arg: Vec<(String, String)>,
    #[command(flatten)]
    config: ConfigFlags,
    /// Sizes of the layers: the output of `docker history --no-trunc --format json IMAGE`
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// The output format
    #[arg(long, default_value = "text")]
    format: Format,
}

/// What came of it.
struct Told {
    lesson: Lesson,
    /// How many layers of how many have a size now, if a history was given.
    sizes: Option<(usize, usize)>,
    answer: Answer,
    /// Whether the build is remembered.
    remembered: bool,
}

impl Learn {
    pub(crate) fn run(self) -> Status {
        match self.learn() {
            Ok(told) => {
                let mut out = Out::new();
                match self.format {
                    Format::Json => out.write(&to_json(&told)),
                    Format::Text => out.write(&self.to_text(&told)),
                }
                out.finish(Status::Good)
            }
            Err(message) => {
                complain(&message);
                Status::Trouble
            }
        }
    }

    fn learn(&self) -> Result<Told, String> {
        let store = Store::user().ok_or(
            "there is no home folder to keep it in; set XDG_DATA_HOME to the folder that should hold it",
        )?;
        let name = shown(&self.log);
        let log = self.log(&name)?;
        let layers = match &self.history {
            Some(path) => {
                let text = decode(&read(path)?);
                Some(cost::layers(&text).map_err(|error| format!("{}:{error}", shown(path)))?)
            }
            None => None,
        };
        let ask = Ask::of_one(One {
            dockerfile: self.dockerfile.clone(),
            context: self.context.clone(),
            build_context: self.build_context.clone(),
            target: self.target.clone(),
            platform: self.platform.clone(),
            build_arg: self.build_arg.clone(),
            config: self.config.clone(),
        });
        let path = ask.dockerfile()?;
        let answer = ask.hashed().alone()?;
        let side = answer.side();
        let mut learnt = store.open(&path);
        let lesson = cost::learn(&side, &log, &mut learnt);
        if lesson.in_log == 0 {
            return Err(format!(
                "{name}: the log has no step of a Dockerfile in it, so there is nothing to learn"
            ));
        }
        if lesson.matched == 0 {
            let first = lesson.strange.first().map_or("", String::as_str);
            return Err(format!(
                "{name}: none of its {} steps (the first is {first}) is one of {}; name the Dockerfile with --dockerfile, and \
                 the stage with --target",
                lesson.in_log, answer.about.dockerfile
            ));
        }
        if let Some(line) = log.odd_line {
            note(&format!(
                "{name}:{line}: this is not of the log's form, or cut; what could be read is learnt"
            ));
        }
        let sizes = layers.map(|layers| cost::learn_sizes(&side, &layers, &mut learnt));
        let remembered = lesson.complete && side.context.is_none_or(|c| c.incomplete.is_none());
        if remembered {
            learnt.built(cost::build(&side, when(&self.log), name.clone()));
        }
        let file = store.save(&path, &learnt);
        file.map_err(|error| format!("{}: cannot be written: {error}", store.file(&path).display()))?;
        Ok(Told { lesson, sizes, answer, remembered })
    }

    /// The log: text, or what an export holds.
    fn log(&self, name: &str) -> Result<BuildLog, String> {
        let bytes = read(&self.log)?;
        if !export::is_packed(&bytes) {
            return log::parse(&decode(&bytes)).map_err(|error| format!("{name}:{error}"));
        }
        let logs = export::logs(&bytes).map_err(|error| format!("{name}: cannot be unpacked: {error}"))?;
        let mut all = BuildLog::default();
        for status in &logs {
            let log = log::parse_status(status).map_err(|error| format!("{name}: {}", error.message))?;
            all.vertices.extend(log.vertices);
        }
        if logs.is_empty() {
            return Err(format!(
                "{name}: this archive holds no build record; `docker buildx history export` writes one"
            ));
        }
        Ok(all)
    }

    fn to_text(&self, told: &Told) -> String {
        let Told { lesson, sizes, answer, remembered } = told;
        let dockerfile = &answer.about.dockerfile;
        let steps = |n: usize| if n == 1 { "1 step".to_owned() } else { format!("{n} steps") };
        let mut text = format!(
            "{dockerfile}: learnt how long {} took; {} of {} in {} are in the Dockerfile as it is\n",
            steps(lesson.measured),
            lesson.matched,
            steps(lesson.in_log),
            shown(&self.log)
        );
        let unknown = lesson.in_log.saturating_sub(lesson.matched);
        for name in &lesson.strange {
            text.push_str(&format!("  not in it: {name}\n"));
        }
        if unknown > lesson.strange.len() {
            text.push_str(&format!("  and {} more\n", unknown - lesson.strange.len()));
        }
        if let Some((fits, all)) = sizes {
            text.push_str(&format!("{dockerfile}: learnt the size of {fits} of {all} layers\n"));
        }
        if *remembered {
            text.push_str(&format!("{dockerfile}: remembered as a known build\n"));
        }
        text
    }
}

/// `{"version", "dockerfile", "in_log", "matched", "measured", "strange", "lines": [{"line", "seconds"}], "layers":
/// {"matched", "all"} or null, "remembered"}`; see docs/protocol.md.
fn to_json(told: &Told) -> String {
    let Told { lesson, sizes, answer, remembered } = told;
    let lines = lesson.lines.iter().map(|(line, seconds)| json!({ "line": line, "seconds": seconds }));
    let value = json!({
        "version": 1,
        "dockerfile": answer.about.dockerfile,
        "in_log": lesson.in_log,
        "matched": lesson.matched,
        "measured": lesson.measured,
        "strange": lesson.strange,
        "lines": lines.collect::<Vec<_>>(),
        "layers": sizes.map(|(matched, all)| json!({ "matched": matched, "all": all })),
        "remembered": remembered,
    });
    crate::picture::pretty(&value)
}

/// When a log was written, in seconds since 1970: what the file says, or now.
fn when(log: &Path) -> u64 {
    let written = std::fs::metadata(log).and_then(|m| m.modified()).unwrap_or_else(|_| SystemTime::now());
    written.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().take(MAX_LOG + 1).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        OsFs.read(path, MAX_LOG + 1, Links::Follow)
    };
    let bytes = bytes.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{}: no such file; check the path", path.display()),
        io::ErrorKind::FileTooLarge => too_large(path),
        _ => format!("{}: cannot be read: {error}", path.display()),
    })?;
    if bytes.len() as u64 > MAX_LOG {
        return Err(too_large(path));
    }
    Ok(bytes)
}

fn too_large(path: &Path) -> String {
    format!("{}: more than {} MB; check the path", path.display(), MAX_LOG >> 20)
}

/// UTF-8, or UTF-16 with a byte order mark, which is what PowerShell's `>` writes.
fn decode(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> String {
        let units = bytes.get(2..).unwrap_or_default().chunks_exact(2);
        let units =
            units.map(|pair| from([pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0)]));
        char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
