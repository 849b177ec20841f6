//! C031 `dotnet-restore-order`.

use super::support::{first_uses, report_use};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "dotnet-restore-order",
        code: "C031",
        severity: Severity::Info,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds `dotnet restore`, `build` and `publish` below a COPY of all sources where no step has restored the packages before.

## Why it matters

An edit of any source file runs the step again, and it restores every NuGet package again. The restore reads the project
files only; with those copied first it stays cached until one of them changes.

## Example

```dockerfile
FROM mcr.microsoft.com/dotnet/sdk:8.0
WORKDIR /src
COPY . .
RUN dotnet publish -c Release -o /app
```

## Use instead

```dockerfile
FROM mcr.microsoft.com/dotnet/sdk:8.0
WORKDIR /src
COPY Web.csproj .
RUN dotnet restore
COPY . .
RUN dotnet publish -c Release --no-restore -o /app
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for used in first_uses(cx, true) {
        let command = used.command;
        let found = command.name == "dotnet"
            && matches!(command.subcommand(), Some("restore" | "build" | "publish" | "test"));
        if found && used.is_first(cx, &["dotnet"]) {
            out.push(report_use(cx, &used, "every NuGet package is restored again each time; copy the project files first and run `dotnet restore` before the rest is copied"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn builds_without_a_restore() {
        check(
            "C031",
            "\
FROM mcr.microsoft.com/dotnet/sdk:8.0
WORKDIR /src
COPY . .
RUN dotnet restore
^^^^^^^^^^^^^^^^^^ every NuGet package is restored again
",
        );
        let text = "FROM x\nCOPY . /s\nWORKDIR /s/web\nRUN dotnet publish -c Release -o out\n";
        assert_eq!(lines("C031", text).len(), 1);
        for text in [
            "FROM x\nWORKDIR /s\nCOPY *.csproj .\nRUN dotnet restore\nCOPY . .\nRUN dotnet publish\n",
            "FROM x\nWORKDIR /s\nCOPY . .\nRUN dotnet tool install x\n",
            "FROM x\nWORKDIR /s\nCOPY . .\nRUN --mount=type=cache,target=/root/.nuget dotnet publish\n",
            "FROM x AS b\nCOPY a.csproj .\nRUN dotnet restore\nFROM b\nCOPY . .\nRUN dotnet build\n",
        ] {
            assert_eq!(lines("C031", text), [0; 0], "{text}");
        }
    }
}
