//! R006 `npm-unpinned`.

use layerwise_model::facts::{Command, Install, Manager, Package};

use super::pins::{self, Unpinned};
use crate::diagnostic::Severity;
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "npm-unpinned",
        code: "R006",
        severity: Severity::Warning,
        equivalents: &["DL3016"],
        policy: true,
        default: false,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds packages that npm installs by name without a version, or with `@latest`; for yarn, pnpm and bun those that
are installed globally. A git URL needs a commit, tag or range behind `#`.

## Why it matters

Without a version the command takes what is newest when the layer is built. The same file builds another image
after the next release, and a layer in the cache hides that for as long as it stays there.

## Example

```dockerfile
FROM node:22
RUN npm install -g typescript
```

## Use instead

```dockerfile
FROM node:22
RUN npm install -g typescript@5.6.3
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    for (install, command) in pins::installs(cx, &[Manager::Npm, Manager::Yarn, Manager::Pnpm, Manager::Bun])
    {
        if skips(install, command) {
            continue;
        }
        let unpinned: Vec<Unpinned> = install
            .packages
            .iter()
            .filter(|package| is_unpinned(cx, package))
            .map(|package| Unpinned { name: package.name.clone(), range: package.range.clone() })
            .collect();
        let Some(first) = unpinned.first() else { continue };
        let example = format!("{}@<version>", first.name);
        pins::report(&unpinned, &example, out);
    }
}

/// What the others add to a project is written down in its lock file.
fn skips(install: &Install, _: &Command) -> bool {
    install.manager != Manager::Npm && !install.global
}

fn is_unpinned(_: &InstructionCx<'_>, package: &Package) -> bool {
    let text = package.text.as_str();
    if text.starts_with("git+") || text.starts_with("git:") || text.starts_with("git@") {
        return !text.contains('#');
    }
    let is_file = package.is_path
        || text.starts_with('~')
        || [".tar", ".tar.gz", ".tgz"].iter().any(|end| text.ends_with(end));
    if is_file || (!package.literal && text.contains(['$', '`'])) {
        return false;
    }
    // `github:owner/name` and `owner/name` are repositories.
    if !text.starts_with('@') && text.contains(['/', ':']) && !text.contains('@') {
        return !text.contains('#');
    }
    package.version.as_deref().is_none_or(|version| matches!(version, "latest" | "next"))
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::lines;

    #[test]
    fn versions() {
        for script in [
            "npm install express",
            "npm i -g a@1 @b/c",
            "npm install git+ssh://git@github.com:npm/npm.git",
            "npm install git://github.com/npm/npm.git",
            "npm install --registry https://example.com express",
            "yarn global add a",
            "npm i -g npm@latest",
        ] {
            assert_eq!(lines("R006", &format!("FROM debian:12\nRUN {script}\n")), [2], "{script}");
            assert_eq!(lines("R006", &format!("ONBUILD RUN {script}\n")), [1], "{script}");
        }
        for script in [
            "npm install",
            "npm ci",
            "npm install --progress=false",
            "npm install express@4.1.1",
            "npm install @a/b@\">=0.1.0\"",
            "npm install p-v1.2.3.tar",
            "npm install ~/folder",
            "npm install ../folder",
            "npm install git+https://i@github.com/npm/npm.git#v1.0.27",
            "npm install a@$V",
            "npm install $P",
            "yarn add a",
            "npm run build",
        ] {
            assert_eq!(lines("R006", &format!("FROM debian:12\nRUN {script}\n")), [0; 0], "{script}");
        }
    }
}
