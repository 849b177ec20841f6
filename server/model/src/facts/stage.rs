//! What a stage is for, what it stands on and what is installed in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use layerwise_syntax::Keyword;

use super::base::{BaseFacts, Family};
use super::installs::Manager;
use super::{InstructionFacts, Shell};
use crate::eval::{Base, Evaluation};
use crate::file::File;

/// What a stage seems to be for. Only the stage that is built by default can be [`Purpose::Final`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is what is built where no target is named, and nothing says that it is for tests or development.
    Final,
    /// Another stage takes files from it or stands on it, or nothing uses it.
    Intermediate,
    /// For tests and checks, by its name.
    Test,
    /// For development, by its name or the Dockerfile's.
    Development,
}

/// Facts of a stage.
#[derive(Debug)]
pub struct StageFacts {
    /// The image at the bottom of the stages that it stands on. Of a named context and of what is no valid reference nothing
    /// is known.
    pub base: BaseFacts,
    /// What it is for.
    pub purpose: Purpose,
    /// The stages that it stands on, itself first, the one on the image last.
    pub chain: Vec<usize>,
    /// The packages that the stages of the chain install, by manager and name.
    pub installed: BTreeSet<(Manager, String)>,
    /// Whether all that is installed is known: no shell text was unclear, and no package's name is computed.
    pub installed_known: bool,
}

impl StageFacts {
    /// Whether a package of this name is installed by a distribution's manager.
    pub fn has_package(&self, name: &str) -> bool {
        [Manager::Apt, Manager::Apk, Manager::Dnf, Manager::Zypper, Manager::Pacman]
            .into_iter()
            .any(|manager| self.installed.contains(&(manager, name.to_owned())))
    }

    /// The shell that shell forms run in where SHELL says nothing; see [`BaseFacts::shell`].
    pub fn default_shell(&self) -> Option<Option<Shell>> {
        self.base.shell()
    }
}

/// Words in the names of stages for tests.
const TEST: [&str; 16] = [
    "test",
    "tests",
    "testing",
    "tester",
    "unittest",
    "unittests",
    "lint",
    "linter",
    "check",
    "checks",
    "ci",
    "e2e",
    "cypress",
    "playwright",
    "coverage",
    "integration",
];

/// Words in the names of stages for development.
const DEVELOPMENT: [&str; 9] =
    ["dev", "devel", "develop", "development", "devcontainer", "debug", "local", "watch", "sandbox"];

pub(super) fn stages(
    file: &File,
    eval: &Evaluation,
    instructions: &[Arc<InstructionFacts>],
    path: Option<&str>,
) -> Vec<StageFacts> {
    let path = path.unwrap_or_default().to_ascii_lowercase();
    let for_development = says(&path, &DEVELOPMENT);
    let for_tests = says(&path, &TEST);
    let last = eval.target.or(eval.stages.len().checked_sub(1));
    let mut found: Vec<StageFacts> = Vec::with_capacity(eval.stages.len());
    for (stage, evaluated) in file.stages().iter().zip(&eval.stages) {
        let below = match evaluated.base {
            Base::Stage(below) if below < found.len() => Some(&found[below]),
            _ => None,
        };
        let base = match (&evaluated.base, below) {
            (_, Some(below)) => below.base.clone(),
            (Base::Scratch, _) => BaseFacts::scratch(),
            (Base::Image(reference), _) => BaseFacts::of(reference),
            _ => BaseFacts { family: Family::Unknown, ..BaseFacts::default() },
        };
        let mut chain = vec![stage.index];
        let mut installed = BTreeSet::new();
        let mut installed_known = true;
        if let Some(below) = below {
            chain.extend(&below.chain);
            installed.clone_from(&below.installed);
            installed_known = below.installed_known;
        }
        for number in stage.body.clone() {
            let facts = &instructions[number];
            if file.instruction(number).1.kind() == Some(Keyword::Run) {
                installed_known &= !facts.unclear;
            }
            for install in &facts.installs {
                for package in &install.packages {
                    installed_known &= package.literal || !install.manager.is_system();
                    installed.insert((install.manager, package.name.clone()));
                }
            }
        }
        let words = |list: &[&str]| {
            stage.name.as_deref().is_some_and(|name| name.split(['-', '_', '.']).any(|w| list.contains(&w)))
        };
        let purpose = if words(&TEST) {
            Purpose::Test
        } else if words(&DEVELOPMENT) {
            Purpose::Development
        } else if Some(stage.index) != last {
            Purpose::Intermediate
        } else if for_development {
            Purpose::Development
        } else if for_tests {
            Purpose::Test
        } else {
            Purpose::Final
        };
        found.push(StageFacts { base, purpose, chain, installed, installed_known });
    }
    found
}

/// Whether the name of a file, or of the folder that it is in, has one of these words. What lies further up says nothing.
fn says(path: &str, words: &[&str]) -> bool {
    path.rsplit(['/', '\\']).take(2).any(|name| name.split(['.', '-', '_']).any(|word| words.contains(&word)))
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::facts::FileFacts;
    use crate::images::WellKnown;
    use crate::{Options, evaluate};

    fn facts(text: &str, path: &str) -> FileFacts {
        let file = File::new(Parsed::new(text));
        let options = Options { all_stages: true, ..Options::default() };
        let eval = evaluate(&file, &options, &WellKnown);
        FileFacts::new(&file, &eval, Some(path))
    }

    #[test]
    fn stages_stand_on_one_another() {
        let found = facts(
            "ARG V=3\nFROM alpine:$V AS base\nRUN apk add curl\nFROM base AS unit-test\nRUN apk add $X\nFROM base\nCOPY a b\n",
            "Dockerfile",
        );
        let [base, test, last] = found.stages.as_slice() else { panic!() };
        assert_eq!((base.base.name.as_str(), base.base.tag.as_str()), ("alpine", "3"));
        assert_eq!(last.base, base.base);
        assert_eq!(last.chain, [2, 0]);
        assert!(last.has_package("curl") && last.installed_known && !test.installed_known);
        assert_eq!(
            [base.purpose, test.purpose, last.purpose],
            [Purpose::Intermediate, Purpose::Test, Purpose::Final]
        );
        assert_eq!(facts("FROM a\n", ".devcontainer/Dockerfile").stages[0].purpose, Purpose::Development);
        assert_eq!(facts("FROM a\n", "/home/dev/app/Dockerfile").stages[0].purpose, Purpose::Final);
        assert_eq!(facts("FROM a\n", "Dockerfile.dev").stages[0].purpose, Purpose::Development);
    }
}
