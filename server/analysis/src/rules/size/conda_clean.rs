//! S022 `conda-clean`.

use layerwise_model::facts::Command;

use super::layers::{Cache, Fixes, call, runs};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "conda-clean",
        code: "S022",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds conda, mamba and micromamba that install packages in a layer of the image without `clean` in the same RUN.

## Why it matters

The archives of all packages stay in the `pkgs` folder, often several hundred megabytes that nothing in the image reads.

## Example

```dockerfile
FROM continuumio/miniconda3
RUN conda install -y numpy
```

## Use instead

```dockerfile
FROM continuumio/miniconda3
RUN conda install -y numpy && conda clean -afy
```
";

fn is_conda(command: &Command) -> bool {
    matches!(command.name.as_str(), "conda" | "mamba" | "micromamba")
}

const CACHE: Cache = Cache {
    dirs: &["/opt/conda/pkgs", "/root/miniconda3/pkgs", "/root/.conda/pkgs"],
    cleans: |c| {
        (is_conda(c) && c.has("clean")) || (c.name == "rm" && c.args.iter().any(|a| a.text.contains("/pkgs")))
    },
    fills: |c| is_conda(c) && !c.has("clean"),
};

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let fixes = Fixes::new(cx);
    let mut emptied = None;
    for run in runs(cx) {
        let installs = |command: &Command| {
            is_conda(command)
                && matches!(command.subcommand(), Some("install" | "create" | "update" | "env"))
                && !command.has_flag(&["dry-run", "help"])
                && (command.subcommand() != Some("env") || command.has("create") || command.has("update"))
        };
        let Some(at) = run.facts.commands.iter().rposition(installs) else { continue };
        let command = &run.facts.commands[at];
        let mounts = run.instruction.flag_values("mount").any(|mount| mount.contains("/pkgs"));
        if mounts
            || !CACHE.stays(&run, at)
            || emptied.get_or_insert_with(|| CACHE.last_emptied(cx)).is_some_and(|last| last > run.number)
        {
            continue;
        }
        let verb = command.operands().next();
        let name = &command.name;
        let message = format!(
            "`{name} {}` leaves the archives of all packages in this layer; add `{name} clean -afy` to the same RUN.",
            verb.map_or("install", |verb| verb.text.as_str())
        );
        let mut finding = Finding::new(call(cx, &run, command, verb), message);
        finding.fixes.extend(fixes.append(&run, command, &format!("{name} clean -afy")));
        out.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn archives_that_stay() {
        check(
            "S022",
            "\
FROM continuumio/miniconda3
RUN conda install -y a
    ^^^^^^^^^^^^^ add `conda clean -afy`
RUN mamba env create -f e.yml && x
    ^^^^^^^^^ `mamba env`
",
        );
        for run in [
            "conda install -y a && conda clean --all -y",
            "conda env create -f a; rm -rf /opt/conda/pkgs/*",
            "conda env list",
            "--mount=type=cache,target=/opt/conda/pkgs conda install a",
        ] {
            assert_eq!(lines("S022", &format!("FROM a\nRUN {run}\n")), [0; 0], "{run}");
        }
    }

    #[test]
    fn fixes() {
        assert_eq!(
            fixed("S022", "FROM a\nRUN conda update -y a\n"),
            "FROM a\nRUN conda update -y a && \\\n    conda clean -afy\n"
        );
    }
}
