//! What E066, E067, E069 and others share: the release of a distribution that a base image is made from.

use layerwise_model::facts::BaseFacts;

use crate::rules::{FileCx, stages};

/// A distribution whose releases are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Distro {
    Debian,
    Ubuntu,
    Alpine,
    CentOs,
}

/// A release of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) distro: Distro,
    /// The major version for Debian and CentOS, `2204` for Ubuntu 22.04, `319` for Alpine 3.19.
    pub(super) number: u32,
}

/// Releases by their names. Sources: debian.org/releases, releases.ubuntu.com.
const SUITES: [(&str, Distro, u32); 22] = [
    ("wheezy", Distro::Debian, 7),
    ("jessie", Distro::Debian, 8),
    ("stretch", Distro::Debian, 9),
    ("buster", Distro::Debian, 10),
    ("bullseye", Distro::Debian, 11),
    ("bookworm", Distro::Debian, 12),
    ("trixie", Distro::Debian, 13),
    ("trusty", Distro::Ubuntu, 1404),
    ("xenial", Distro::Ubuntu, 1604),
    ("bionic", Distro::Ubuntu, 1804),
    ("cosmic", Distro::Ubuntu, 1810),
    ("disco", Distro::Ubuntu, 1904),
    ("eoan", Distro::Ubuntu, 1910),
    ("focal", Distro::Ubuntu, 2004),
    ("groovy", Distro::Ubuntu, 2010),
    ("hirsute", Distro::Ubuntu, 2104),
    ("impish", Distro::Ubuntu, 2110),
    ("jammy", Distro::Ubuntu, 2204),
    ("kinetic", Distro::Ubuntu, 2210),
    ("lunar", Distro::Ubuntu, 2304),
    ("noble", Distro::Ubuntu, 2404),
    ("plucky", Distro::Ubuntu, 2504),
];

impl Release {
    /// The release that the tag of an official image names; `None` where it names none.
    pub(super) fn of(base: &BaseFacts) -> Option<Release> {
        if !base.official {
            return None;
        }
        let first = base.tag.split(['-', '_']).next()?;
        let mut parts = first.split('.').map_while(|part| part.parse::<u32>().ok());
        let (major, minor) = (parts.next(), parts.next());
        match (base.name.as_str(), major, minor) {
            ("debian", Some(number), _) if number < 100 => {
                return Some(Release { distro: Distro::Debian, number });
            }
            ("ubuntu", Some(year), Some(month)) if year < 100 && month < 13 => {
                return Some(Release { distro: Distro::Ubuntu, number: year * 100 + month });
            }
            ("alpine", Some(3), Some(minor)) if minor < 100 => {
                return Some(Release { distro: Distro::Alpine, number: 300 + minor });
            }
            ("centos", ..) => {
                let digits = first.trim_start_matches("centos");
                let number = match digits.split('.').next()?.parse() {
                    Ok(number) => number,
                    Err(_) if first == "latest" => 8,
                    Err(_) => return None,
                };
                return Some(Release { distro: Distro::CentOs, number });
            }
            _ => {}
        }
        base.tag.split(['-', '_']).find_map(|word| {
            let suite = SUITES.iter().find(|(name, ..)| *name == word);
            suite.map(|&(_, distro, number)| Release { distro, number }).or_else(|| {
                let minor = word.strip_prefix("alpine3.")?.split('.').next()?.parse::<u32>().ok()?;
                (minor < 100).then_some(Release { distro: Distro::Alpine, number: 300 + minor })
            })
        })
    }

    /// How messages name it.
    pub(super) fn shown(self) -> String {
        let number = self.number;
        match self.distro {
            Distro::Debian => format!("Debian {number}"),
            Distro::Ubuntu => format!("Ubuntu {}.{:02}", number / 100, number % 100),
            Distro::Alpine => format!("Alpine 3.{}", number.saturating_sub(300)),
            Distro::CentOs => format!("CentOS {number}"),
        }
    }
}

/// What says that packages come from elsewhere than where the base image has them from.
const ELSEWHERE: [&str; 16] = [
    "sources.list",
    "apt-add-repository",
    "add-apt-repository",
    "archive.debian.org",
    "old-releases",
    "snapshot.debian.org",
    "vault.centos",
    "yum.repos.d",
    "yum-config-manager",
    "apt-config",
    "/etc/apt",
    "/etc/yum",
    "extrepo",
    "setup_",
    "mirror",
    "etc/apk/repositories",
];

/// Whether an instruction up to `number` in the stage may have changed where packages come from, by its text.
pub(super) fn other_sources(cx: &FileCx<'_>, number: usize) -> bool {
    let Some(stage) = stages::of(cx, number) else { return true };
    stages::chain(cx, stage).take_while(|(other, _)| *other <= number).any(|(other, instruction)| {
        let text = instruction.source();
        cx.facts.instructions.get(other).is_none_or(|facts| {
            facts.unclear || facts.commands.iter().any(|c| c.name == "dpkg" && c.has_flag(&["i", "install"]))
        }) || ELSEWHERE.iter().any(|word| text.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_from_tags() {
        for (image, shown) in [
            ("debian:12.5-slim", "Debian 12"),
            ("debian:bookworm-20240101", "Debian 12"),
            ("python:3.8-slim-buster", "Debian 10"),
            ("ubuntu:22.04", "Ubuntu 22.04"),
            ("ubuntu:noble", "Ubuntu 24.04"),
            ("golang:1.22-alpine3.19", "Alpine 3.19"),
            ("alpine:3.12.1", "Alpine 3.12"),
            ("centos:7.9.2009", "CentOS 7"),
            ("centos:latest", "CentOS 8"),
        ] {
            let base = BaseFacts::of(&format!("docker.io/library/{image}"));
            assert_eq!(Release::of(&base).map(Release::shown).as_deref(), Some(shown), "{image}");
        }
        for image in ["library/debian:stable", "library/node:20", "team/debian:12", "library/ubuntu"] {
            assert_eq!(Release::of(&BaseFacts::of(&format!("docker.io/{image}"))), None, "{image}");
        }
    }
}
