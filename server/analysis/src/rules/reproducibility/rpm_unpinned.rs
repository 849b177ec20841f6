//! R009 `rpm-unpinned`.

use layerwise_model::facts::{Command, Manager, Package};
use layerwise_syntax::Keyword;

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "rpm-unpinned",
        code: "R009",
        severity: Severity::Warning,
        equivalents: &["DL3033", "DL3037", "DL3041"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that yum, dnf, microdnf or zypper install without a version, and modules that are installed
without a stream. Groups have no version.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM fedora:41
RUN dnf install -y git
```

## Use instead

```dockerfile
FROM fedora:41
RUN dnf install -y git-2.47.0
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Dnf, Manager::Zypper]) {
        let groups = install.verb == "groupinstall"
            || command.flag_value(&["t", "type"]).is_some_and(|kind| matches!(kind, "pattern" | "patch"));
        if groups {
            continue;
        }
        let zypper = install.manager == Manager::Zypper;
        let unpinned: Vec<Unpinned> = install
            .packages
            .iter()
            .filter(|package| is_unpinned(cx, zypper, package))
            .map(|package| Unpinned { name: package.name.clone(), range: package.range.clone() })
            .collect();
        let Some(first) = unpinned.first() else { continue };
        let sign = if zypper { '=' } else { '-' };
        let example = format!("{}{sign}<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
    if cx.instruction.kind() == Some(Keyword::Run) {
        cx.facts.commands.iter().for_each(|command| modules(command, out));
    }
}

/// `dnf module install name:stream`.
fn modules(command: &Command, out: &mut Vec<Finding>) {
    if !matches!(command.name.as_str(), "dnf" | "dnf5" | "yum" | "microdnf" | "tdnf") {
        return;
    }
    let mut words = command.operands_without(&["--setopt", "--enablerepo", "--disablerepo", "--installroot"]);
    if words.next().is_none_or(|word| word.text != "module")
        || words.next().is_none_or(|word| !matches!(word.text.as_str(), "install" | "enable"))
    {
        return;
    }
    let unpinned: Vec<Unpinned> = words
        .filter(|word| word.literal && !word.text.contains([':', '/']))
        .map(|word| Unpinned { name: word.text.clone(), range: word.range.clone() })
        .collect();
    if let Some(first) = unpinned.first() {
        let example = format!("{}:<stream>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

fn is_unpinned(cx: &InstructionCx<'_>, zypper: bool, package: &Package) -> bool {
    if package.is_path || package.text.starts_with(['@', '-']) || package.text.contains(".rpm") {
        return false;
    }
    // A version may be behind the name's dash, in a variable.
    let Some(text) = pins::expanded(cx, &package.text) else { return false };
    if zypper || text.contains(['=', '<', '>']) {
        return !text.contains(['=', '<', '>', '~']);
    }
    if !package.literal && text.trim_matches(['"', '\'']).is_empty() {
        return false;
    }
    let version = |at: usize| {
        let rest = &text[at + 1..];
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(['.', ':', '-'])
    };
    !text.match_indices('-').any(|(at, _)| version(at)) && !text.contains('*')
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in [
            "yum install -y tomcat && yum clean all",
            "dnf install -y rpm-sign",
            "dnf module install -y tomcat",
            "zypper install -y tomcat",
            "microdnf install -y a-1.2 b",
            "yum module install -y tomcat",
        ] {
            assert_eq!(lines("R009", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R009", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "yum install -y openssl-1:1.1.1k",
            "yum install -y rpm-sign-4.16.1.3",
            "dnf install -y gcc-c++-1.1.1",
            "dnf module install -y tomcat:9",
            "dnf -y group install \"Development Tools\"",
            "dnf install -y @core",
            "yum install -y https://x/y.rpm",
            "zypper install -y tomcat=9.0.39",
            "zypper install -y tomcat\\<=9.0",
            "zypper install -y tomcat-9.0.39-1.rpm",
            "dnf install $X",
            "bash -c `# not yum`",
        ] {
            assert_eq!(lines("R009", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }

    #[test]
    fn variables() {
        let text = |from: &str| {
            format!(
                "FROM fedora:41 AS build\nENV v=2.51.0-2\nFROM {from}\nRUN dnf -y install git-core-${{v}}\n"
            )
        };
        assert_eq!(lines("R009", &text("build")), [0; 0]);
        assert_eq!(lines("R009", &text("fedora:41")), [4]);
    }
}
