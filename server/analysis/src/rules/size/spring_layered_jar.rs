//! S045 `spring-layered-jar`.

use layerwise_model::eval::{Command, Source};
use layerwise_model::facts::Purpose;
use layerwise_syntax::Keyword;

use super::layers::target;
use crate::diagnostic::Severity;
use crate::ranges::head;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "spring-layered-jar",
        code: "S045",
        severity: Severity::Hint,
        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds images that copy the jar of a Spring Boot application as it is, where the build file of the build context has Spring
Boot's plugin.

## Why it matters

The jar holds all libraries, some tens of megabytes, and is another one after each edit, so that every deployment pushes and
pulls all of them. Unpacked in layers (`-Djarmode=tools extract --layers`), the libraries stay in a layer that does not
change, and only the application's own classes move.

## Example

With this file in the build context:

```kotlin build.gradle.kts
plugins { id(\"org.springframework.boot\") version \"3.3.0\" }
```

```dockerfile
FROM eclipse-temurin:21-jdk AS build
WORKDIR /src
COPY . .
RUN ./gradlew bootJar
FROM eclipse-temurin:21-jre
COPY --from=build /src/build/libs/app.jar /app.jar
CMD [\"java\", \"-jar\", \"/app.jar\"]
```

## Use instead

```dockerfile
FROM eclipse-temurin:21-jdk AS build
WORKDIR /src
COPY . .
RUN ./gradlew bootJar && java -Djarmode=tools -jar build/libs/app.jar extract --layers --destination /out
FROM eclipse-temurin:21-jre
WORKDIR /app
COPY --from=build /out/dependencies/ ./
COPY --from=build /out/spring-boot-loader/ ./
COPY --from=build /out/snapshot-dependencies/ ./
COPY --from=build /out/application/ ./
CMD [\"java\", \"-jar\", \"app.jar\"]
```
";

/// What build files say that make such a jar.
const PLUGINS: [&str; 3] =
    ["spring-boot-maven-plugin", "org.springframework.boot", "spring-boot-gradle-plugin"];

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context else { return };
    let Some(last) = target(cx) else { return };
    if cx.facts.stages.get(last).is_none_or(|stage| stage.purpose != Purpose::Final) {
        return;
    }
    let Some(stage) = cx.file.stages().get(last) else { return };
    let mut jars = Vec::new();
    for (number, _, _) in cx.file.of_kind_in(stage.body.clone(), &[Keyword::Copy, Keyword::Add]) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        let own = matches!(copy.from, Source::Stage(_) | Source::Context);
        if let [source] = copy.sources.as_slice()
            && own
            && source.ends_with(".jar")
        {
            jars.push((number, source));
        }
    }
    // An agent of a monitor is a jar, too.
    let [(number, jar)] = jars.as_slice() else { return };
    let starts = cx.file.of_kind_in(stage.body.clone(), &[Keyword::Cmd, Keyword::Entrypoint]);
    let runs_jar = starts.into_iter().any(|(_, _, i)| i.source().contains("-jar"));
    let extracts = cx.file.of_kind(&[Keyword::Run]).any(|(_, _, i)| {
        i.source().contains("jarmode")
            || i.source().contains("unzip")
            || i.source().contains("jar -x")
            || i.source().contains("jar x")
    });
    let boot = ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|file| {
        context.text(file).is_some_and(|text| PLUGINS.iter().any(|plugin| text.contains(plugin)))
    });
    if !runs_jar || extracts || !boot {
        return;
    }
    let name = jar.rsplit('/').next().unwrap_or(jar);
    let message = format!(
        "`{name}` holds all libraries of this Spring Boot application, and each edit makes another layer of all of it; extract it with `-Djarmode=tools` and copy its layers one by one."
    );
    out.push(Finding::new(cx.file.absolute(*number, head(cx.file.instruction(*number).1)), message));
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    fn found(file: &str, text: &str, dockerfile: &str) -> usize {
        with_texts("S045", &[(file, text)], "", dockerfile).len()
    }

    #[test]
    fn jars() {
        let text = "FROM maven AS b\nRUN mvn package\nFROM temurin\nCOPY --from=b /x/target/*.jar /a.jar\nCMD [\"java\", \"-jar\", \"/a.jar\"]\n";
        let pom = "<plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin>";
        assert_eq!(found("pom.xml", pom, text), 1);
        assert_eq!(found("build.gradle", "id 'org.springframework.boot'", text), 1);
        assert_eq!(found("pom.xml", "<plugin/>", text), 0);
        let layered = text.replace("mvn package", "mvn package && java -Djarmode=tools -jar a extract");
        assert_eq!(found("pom.xml", pom, &layered), 0);
        assert_eq!(found("pom.xml", pom, &text.replace("-jar", "-cp")), 0);
        assert_eq!(found("pom.xml", pom, &text.replace("CMD", "COPY agent.jar /\nCMD")), 0);
    }
}
