//! X005 `secret-file-copied`.

use super::secret_files::copied;
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "secret-file-copied",
        code: "X005",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds files in COPY and ADD that hold secrets by their names, such as `.env`, `id_rsa`, `server.key`, `.netrc`
or `.aws`, where the image that is built gets them from the build context.

## Why it matters

The file is in a layer of the image, and stays there when a later RUN deletes it. Whoever can pull the image can
read it. A secret mount is there for one RUN and leaves nothing behind; what the program needs at run time is
given to the container.

## Example

```dockerfile
FROM debian:12
COPY id_rsa /root/.ssh/id_rsa
RUN git clone git@example.com:team/app.git
```

## Use instead

```dockerfile
FROM debian:12
RUN --mount=type=ssh git clone git@example.com:team/app.git
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for file in copied(cx) {
        out.push(Finding::new(
            file.range,
            format!("`{}` holds {} by its name, and everyone who pulls the image can read it; use `RUN --mount=type=secret` where the build needs it, or give it to the container.", file.source, file.holds),
        ));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn files() {
        check(
            "X005",
            "\
FROM a
COPY .env app.js /app/
     ^^^^ settings
COPY .env.example /app/.env
ADD --chown=x certs/server.key /etc/
              ^^^^^^^^^^^^^^^^ a private key
",
        );
        assert_eq!(lines("X005", "FROM a AS b\nCOPY .env .\nFROM c\nCOPY --from=b /.env /x\n"), [0; 0]);
        assert_eq!(lines("X005", "FROM a AS b\nCOPY .env .\nFROM b\n"), [2]);
    }
}
