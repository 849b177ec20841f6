//! S010 `dnf-yum-cache-left`.

use layerwise_model::facts::Command;

use super::layers::{Cache, Fixes, about, cache_bytes, call, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dnf-yum-cache-left",
        code: "S010",
        severity: Severity::Info,
        equivalents: &["DL3032", "DL3040"],
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds yum, dnf, microdnf and tdnf that install or upgrade packages and leave the repositories' metadata in the layer:
without `clean all` in the same RUN, and without a mount over the cache.

## Why it matters

The metadata is often 100 MB, more than what is installed, and nothing in the image reads it.

## Example

```dockerfile
FROM fedora:41
RUN dnf install -y nginx
```

## Use instead

```dockerfile
FROM fedora:41
RUN dnf install -y nginx && dnf clean all
```
";

fn is_dnf(command: &Command) -> bool {
    matches!(command.name.as_str(), "dnf" | "dnf5" | "yum" | "microdnf" | "tdnf")
}

const CACHE: Cache = Cache {
    dirs: &["/var/cache/yum", "/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/tdnf"],
    cleans: |c| is_dnf(c) && c.has("clean"),
    fills: |c| is_dnf(c) && !c.has("clean"),
};

/// Flags whose value is the next word.
const VALUED: [&str; 11] = [
    "-c",
    "--config",
    "--releasever",
    "--enablerepo",
    "--disablerepo",
    "--repo",
    "--repoid",
    "-x",
    "--exclude",
    "--setopt",
    "-d",
];

/// Subcommands that fetch metadata, with dnf's short names.
const FETCHING: [&str; 18] = [
    "install",
    "in",
    "localinstall",
    "groupinstall",
    "group",
    "module",
    "reinstall",
    "rei",
    "upgrade",
    "up",
    "update",
    "upgrade-minimal",
    "up-min",
    "update-minimal",
    "distro-sync",
    "dsync",
    "makecache",
    "builddep",
];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    let mut first = true;
    for run in runs(cx) {
        // One that cleans up behind the last one cleans up behind them all.
        let verb = |command: &'_ Command| {
            let verb = command.operands_without(&VALUED).next().cloned();
            verb.filter(|v| FETCHING.contains(&v.text.as_str()) && is_dnf(command))
        };
        let last = run.facts.commands.iter().enumerate().rev().find_map(|(at, c)| Some((at, c, verb(c)?)));
        let Some((at, command, verb)) = last else { continue };
        // What is put into another root has its cache there.
        if command.has_flag(&["installroot", "downloadonly"])
            || !CACHE.stays(&run, at)
            || emptied.get_or_insert_with(|| CACHE.last_emptied(cx)).is_some_and(|last| last > run.number)
        {
            continue;
        }
        // A second one finds it there.
        let size = cache_bytes(command).filter(|_| std::mem::take(&mut first));
        let size = size.map_or_else(String::new, |bytes| format!(" ({})", about(bytes)));
        let name = &command.name;
        let message = format!(
            "`{name} {}` leaves the repositories' metadata in this layer{size}; add `{name} clean all` to the same RUN.",
            verb.text
        );
        let mut finding = Finding::new(call(cx, &run, command, Some(&verb)), message);
        finding.fixes.extend(fixes.append(&run, command, &format!("{name} clean all")));
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn metadata_that_stays() {
        check(
            "S010",
            "\
FROM fedora:41
RUN dnf -y install a && microdnf -y in b
                        ^^^^^^^^^^^^^^ (~100 MB); add `microdnf clean all`
",
        );
        check(
            "S010",
            "\
FROM centos:7
RUN yum clean all && yum update -y
                     ^^^^^^^^^^ add `yum clean all`
",
        );
        let at = |run: &str| lines("S010", &format!("FROM fedora:41\nRUN {run}\n"));
        for run in [
            "dnf install -y a && dnf clean all",
            "dnf install -y a; yum -y clean all",
            "yum install -y a && rm -rf /var/cache/yum",
            "yum install -y a && rm -rf /var/cache/*",
            "--mount=type=cache,target=/var/cache/dnf dnf install -y a",
            "dnf install --installroot /mnt -y a",
            "dnf remove -y a",
            "notdnf install a",
        ] {
            assert_eq!(at(run), [0; 0], "{run}");
        }
        for run in ["dnf -y up", "dnf -y --setopt a=b upgrade", "rm -rf /var/cache/libdnf5 && dnf in -y a"] {
            assert_eq!(at(run), [2], "{run}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S010", "FROM a\nRUN yum update -y \\\n    && sudo yum install -y b\n"),
            "FROM a\nRUN yum update -y \\\n    && sudo yum install -y b \\\n    && sudo yum clean all\n"
        );
    }
}
