//! C030 `maven-gradle-deps-missing`.

use super::support::{first_uses, invented, report_use};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "maven-gradle-deps-missing",
        code: "C030",
        severity: Severity::Info,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds Maven and Gradle builds below a COPY of all sources where no step has fetched the dependencies before.

## Why it matters

An edit of any source file runs the build again, and it resolves and downloads every dependency and plugin again. With the
build files copied first and the dependencies fetched from them, or with a cache mount for the local repository, an edit
costs the compilation only.

## Example

```dockerfile
FROM maven:3.9-eclipse-temurin-21
WORKDIR /app
COPY . .
RUN mvn -B package
```

## Use instead

```dockerfile
FROM maven:3.9-eclipse-temurin-21
WORKDIR /app
COPY pom.xml .
RUN mvn -B dependency:go-offline
COPY . .
RUN mvn -B package
```
";

/// Maven's phases that build.
const PHASES: [&str; 7] = ["compile", "package", "verify", "install", "test", "deploy", "clean"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for used in first_uses(cx, true) {
        let command = used.command;
        let (names, what) = match command.name.as_str() {
            "mvn" | "mvnw" if command.args.iter().any(|a| PHASES.contains(&a.text.as_str())) => (
                ["mvn", "mvnw"],
                "Maven downloads every dependency again each time; copy the pom.xml first and run `mvn dependency:go-offline`, or give the RUN `--mount=type=cache,target=/root/.m2`",
            ),
            "gradle" | "gradlew" if command.operands().next().is_some() => (
                ["gradle", "gradlew"],
                "Gradle downloads every dependency again each time; copy the build files first and run `gradle dependencies`, or give the RUN a cache mount for Gradle's home",
            ),
            _ => continue,
        };
        let offline = command.has_flag(&["offline", "o"]);
        if offline || !used.is_first(cx, &names) {
            continue;
        }
        let finding = report_use(cx, &used, what);
        out.push(match invented(cx, &used, "maven") {
            Some(fix) => finding.fix(fix),
            None => finding,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn builds_without_a_download() {
        check(
            "C030",
            "\
FROM maven:3
WORKDIR /app
COPY . .
RUN mvn -B clean package
^^^^^^^^^^^^^^^^^^^^^^^^ and Maven downloads every dependency again each time
",
        );
        for text in [
            "FROM gradle:8\nWORKDIR /x\nCOPY . .\nRUN ./gradlew --no-daemon bootJar\n",
            "FROM gradle:8\nCOPY . /x\nWORKDIR /x\nRUN gradle build -x test\n",
            "FROM maven:3\nCOPY . /x\nRUN cd /x && mvn package\n",
        ] {
            assert_eq!(lines("C030", text).len(), 1, "{text}");
        }
        for text in [
            "FROM maven:3\nWORKDIR /app\nCOPY pom.xml .\nRUN mvn dependency:go-offline\nCOPY . .\nRUN mvn package\n",
            "FROM maven:3\nWORKDIR /app\nCOPY . .\nRUN --mount=type=cache,target=/root/.m2 mvn package\n",
            "FROM maven:3\nWORKDIR /app\nCOPY . .\nRUN mvn --version\n",
            "FROM gradle AS deps\nCOPY build.gradle .\nRUN gradle dependencies\nFROM gradle\nCOPY --from=deps /home/gradle /home/gradle\nCOPY . .\nRUN gradle build\n",
        ] {
            assert_eq!(lines("C030", text), [0; 0], "{text}");
        }
        assert_eq!(
            fixed("C030", "FROM maven:3\nWORKDIR /x\nCOPY . .\nRUN mvn package\n"),
            "FROM maven:3\nWORKDIR /x\nCOPY pom.xml .\nRUN mvn -B dependency:go-offline\nCOPY . .\nRUN mvn package\n"
        );
    }
}
