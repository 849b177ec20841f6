//! What was learnt from real builds of one Dockerfile: how long its steps took, how big their layers are, which builds
//! there were. Plain values; `host` keeps them on disk.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::built::Built;
use crate::keys::StepKeys;
use crate::selection::Key;

/// The version of the stored form; a file of another version is not read.
pub const VERSION: u32 = 1;

/// How many measurements of a step are kept; the median of them counts.
pub const MAX_MEASUREMENTS: usize = 5;

/// How many steps are kept; the oldest go first.
pub const MAX_STEPS: usize = 2_000;

/// How many builds are kept; the oldest go first.
pub const MAX_BUILDS: usize = 8;

/// How many vertices of one build are kept; a build with more is not.
pub const MAX_BUILD_ROWS: usize = 5_000;

/// How many bytes of a name are kept, at least.
const MAX_NAME: usize = 200;

/// All that was learnt of one Dockerfile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// [`VERSION`].
    pub version: u32,
    /// The Dockerfile's absolute path: for people, and against two paths with one file name.
    pub dockerfile: String,
    /// The steps that were measured; the latest last.
    #[serde(default)]
    pub steps: Vec<LearntStep>,
    /// The builds that are known to have been; the latest last.
    #[serde(default)]
    pub builds: Vec<KnownBuild>,
}

/// What was measured of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearntStep {
    /// [`StepKeys::definition`].
    #[serde(with = "hex")]
    pub definition: Key,
    /// [`StepKeys::full`].
    #[serde(with = "hex")]
    pub full: Key,
    /// The instruction, shortened: for people who open the file.
    #[serde(default)]
    pub name: String,
    /// How long it ran, the latest last.
    #[serde(default)]
    pub seconds: Vec<f64>,
    /// How many bytes its layer has, the latest last.
    #[serde(default)]
    pub bytes: Vec<u64>,
}

/// A build that was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownBuild {
    /// When, in seconds since 1970 (UTC).
    pub when: u64,
    /// What to call it: the log's name, or what the user said.
    pub name: String,
    /// What it built.
    #[serde(default)]
    pub built: Built,
}

/// One measurement of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The step.
    pub keys: StepKeys,
    /// Its instruction.
    pub name: String,
    /// How long it ran.
    pub seconds: Option<f64>,
    /// How many bytes its layer has.
    pub bytes: Option<u64>,
}

/// What a step is known to cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Seconds.
    pub seconds: Option<f64>,
    /// Bytes.
    pub bytes: Option<u64>,
}

impl Learnt {
    /// Nothing yet.
    pub fn new(dockerfile: String) -> Learnt {
        Learnt { version: VERSION, dockerfile, steps: Vec::new(), builds: Vec::new() }
    }

    /// Adds a measurement to those of the same step. What is no duration is left out.
    pub fn measured(&mut self, measurement: Measurement) {
        let Measurement { keys, name, seconds, bytes } = measurement;
        let seconds = seconds.filter(|s| s.is_finite() && *s >= 0.0);
        if seconds.is_none() && bytes.is_none() {
            return;
        }
        let at = self.steps.iter().position(|s| s.full == keys.full && s.definition == keys.definition);
        let mut step = match at {
            Some(at) => self.steps.remove(at),
            None => LearntStep {
                definition: keys.definition,
                full: keys.full,
                name: String::new(),
                seconds: Vec::new(),
                bytes: Vec::new(),
            },
        };
        step.name = shortened(&name);
        step.seconds.extend(seconds);
        step.bytes.extend(bytes);
        self.steps.push(step);
        self.bound();
    }

    /// Adds a build. The same build again (the same vertices) takes the place of the earlier one.
    pub fn built(&mut self, build: KnownBuild) {
        self.builds.retain(|known| known.built.rows != build.built.rows);
        self.builds.push(build);
        self.bound();
    }

    /// Drops what is over the bounds, the oldest first, and what cannot be.
    pub fn bound(&mut self) {
        fn last<T>(list: &mut Vec<T>, most: usize) {
            list.drain(..list.len().saturating_sub(most));
        }
        last(&mut self.steps, MAX_STEPS);
        self.builds.retain(|build| build.built.rows.len() <= MAX_BUILD_ROWS);
        last(&mut self.builds, MAX_BUILDS);
        for step in &mut self.steps {
            step.seconds.retain(|s| s.is_finite() && *s >= 0.0);
            last(&mut step.seconds, MAX_MEASUREMENTS);
            last(&mut step.bytes, MAX_MEASUREMENTS);
        }
        // Only the last build has to explain; the others are known by their keys.
        if let Some((_, older)) = self.builds.split_last_mut() {
            for build in older {
                build.built = build.built.keys_only();
            }
        }
    }

    /// The steps by their keys.
    pub fn index(&self) -> Index<'_> {
        let mut index = Index::default();
        for step in &self.steps {
            index.full.insert(step.full, step);
            index.definition.insert(step.definition, step);
        }
        index
    }
}

/// The steps by their keys.
#[derive(Clone, Debug, Default)]
pub struct Index<'a> {
    full: HashMap<Key, &'a LearntStep>,
    definition: HashMap<Key, &'a LearntStep>,
}

impl Index<'_> {
    /// What a step costs: what was measured with the same full key, else with the same definition (the latest), else
    /// nothing. Bytes and seconds are looked up each for itself.
    pub fn get(&self, keys: &StepKeys) -> Known {
        let found = [self.full.get(&keys.full), self.definition.get(&keys.definition)];
        let found = || found.iter().flatten();
        Known {
            seconds: found().find_map(|s| median(&s.seconds)),
            bytes: found()
                .find_map(|s| median(&s.bytes.iter().map(|b| *b as f64).collect::<Vec<_>>()))
                .map(|b| b as u64),
        }
    }
}

/// The median; of an even number, the mean of the two in the middle.
fn median(all: &[f64]) -> Option<f64> {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    let upper = *all.get(middle)?;
    match all.len() % 2 {
        0 => all.get(middle.wrapping_sub(1)).map(|lower| (lower + upper) / 2.0),
        _ => Some(upper),
    }
}

fn shortened(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let end = (MAX_NAME..name.len()).find(|at| name.is_char_boundary(*at)).unwrap_or(name.len());
    format!("{}...", &name[..end])
}

/// Keys as hexadecimal text.
pub(crate) mod hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Key;

    pub(crate) fn text(key: &Key) -> String {
        key.iter().map(|b| format!("{b:02x}")).collect()
    }

    pub(crate) fn key(text: &str) -> Option<Key> {
        let digits: Vec<u8> =
            text.bytes().map(|b| char::from(b).to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
        let bytes: Vec<u8> =
            digits.chunks_exact(2).map(|d| d.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
        digits.len().is_multiple_of(2).then_some(bytes)?.try_into().ok()
    }

    pub(crate) fn serialize<S: Serializer>(key: &Key, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(key))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Key, D::Error> {
        let text = String::deserialize(from)?;
        key(&text).ok_or_else(|| D::Error::custom("a key has 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built::Row;

    fn measured(definition: u8, full: u8, seconds: Option<f64>, bytes: Option<u64>) -> Measurement {
        let keys = StepKeys { definition: [definition; 32], full: [full; 32] };
        Measurement { keys, name: "RUN x".to_owned(), seconds, bytes }
    }

    fn row(digest: u8) -> Row {
        Row { digest: [digest; 32], inputs: Vec::new(), image: None, exported: false }
    }

    fn text(dockerfile: &str) -> Built {
        Built { dockerfile: Some(dockerfile.to_owned()), ..Built::default() }
    }

    fn known(learnt: &Learnt, definition: u8, full: u8) -> Known {
        learnt.index().get(&StepKeys { definition: [definition; 32], full: [full; 32] })
    }

    #[test]
    fn the_full_key_comes_before_the_definition() {
        let mut learnt = Learnt::new("/w/Dockerfile".to_owned());
        learnt.measured(measured(1, 1, Some(10.0), Some(7)));
        learnt.measured(measured(1, 2, Some(20.0), None));
        assert_eq!(known(&learnt, 1, 1), Known { seconds: Some(10.0), bytes: Some(7) });
        assert_eq!(known(&learnt, 1, 2).seconds, Some(20.0));
        assert_eq!(known(&learnt, 1, 9).seconds, Some(20.0), "the latest with this definition");
        assert_eq!(known(&learnt, 9, 9), Known::default());
    }

    #[test]
    fn the_median_of_the_last_few_counts() {
        let mut learnt = Learnt::new(String::new());
        for seconds in [100.0, 100.0, 1.0, 2.0, 30.0, 4.0, 5.0] {
            learnt.measured(measured(1, 1, Some(seconds), None));
        }
        assert_eq!(learnt.steps[0].seconds, [1.0, 2.0, 30.0, 4.0, 5.0]);
        assert_eq!(known(&learnt, 1, 1).seconds, Some(4.0));
        learnt.measured(measured(1, 1, Some(f64::NAN), None));
        learnt.measured(measured(1, 1, Some(-1.0), None));
        assert_eq!(learnt.steps[0].seconds.len(), MAX_MEASUREMENTS);
        assert_eq!((median(&[]), median(&[1.0, 2.0])), (None, Some(1.5)));
    }

    #[test]
    fn it_stays_small() {
        let mut learnt = Learnt::new(String::new());
        for n in 0..MAX_STEPS + 5 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&(n as u64).to_le_bytes());
            let keys = StepKeys { definition: key, full: key };
            let name = "é".repeat(1_000);
            learnt.measured(Measurement { keys, name, seconds: Some(1.0), bytes: None });
        }
        assert_eq!(learnt.steps.len(), MAX_STEPS);
        assert!(learnt.steps.iter().all(|s| s.name.len() < MAX_NAME + 8));
        let build = |n: u8, many| KnownBuild {
            built: Built { rows: vec![row(n); many], ..text("FROM alpine") },
            ..KnownBuild::default()
        };
        for n in 0..20 {
            learnt.built(build(n, 2));
            learnt.built(build(n, MAX_BUILD_ROWS + 1));
        }
        assert_eq!(learnt.builds.len(), MAX_BUILDS);
        learnt.built(KnownBuild { when: 7, ..build(15, 2) });
        assert_eq!(learnt.builds.len(), MAX_BUILDS, "it was there");
        assert_eq!(learnt.builds.last().map(|b| b.when), Some(7));
        let explained = learnt.builds.iter().filter(|b| b.built.dockerfile.is_some());
        assert_eq!(explained.count(), 1, "only the last build names causes");
    }

    #[test]
    fn keys_are_hexadecimal() {
        let mut learnt = Learnt::new("/w/Dockerfile".to_owned());
        learnt.measured(measured(0xab, 1, Some(1.5), Some(3)));
        let built = Built { rows: vec![row(0x0f)], ..Built::default() };
        learnt.built(KnownBuild { when: 1, name: "log".to_owned(), built });
        let text = serde_json::to_string(&learnt).expect("JSON");
        assert!(text.contains(&"ab".repeat(32)) && text.contains(&"0f".repeat(32)), "{text}");
        assert_eq!(serde_json::from_str::<Learnt>(&text).expect("the same"), learnt);
        for bad in ["ab", "zz", "é", &"a".repeat(63), &"a".repeat(66)] {
            assert_eq!(hex::key(bad), None, "{bad}");
        }
    }
}
