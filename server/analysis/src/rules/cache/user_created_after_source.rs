//! C027 `user-created-after-source`.

use super::support::{Kind, late, report_late};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "user-created-after-source",
        code: "C027",
        severity: Severity::Info,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds steps that only create users and groups below a COPY of sources.

## Why it matters

With every edit of a source file the user is created anew, and so is every layer below. Above the COPY the step stays
cached, and the COPY can give the files to the user with `--chown`. The fix is safe where the sources go to a directory
that is nobody's home.

## Example

```dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY . .
RUN useradd -r -s /bin/false appuser
USER appuser
```

## Use instead

```dockerfile
FROM python:3.12-slim
WORKDIR /app
RUN useradd -r -s /bin/false appuser
COPY . .
USER appuser
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in late(cx) {
        out.extend(report_late(cx, &found, Kind::Users));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn users_below_sources() {
        check(
            "C027",
            "\
FROM python
WORKDIR /app
COPY --from=build /install /usr/local
COPY . .

RUN groupadd -r app && useradd -r -g app app
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ `groupadd -r app` needs nothing of what line 4 copies
USER app
",
        );
        for text in [
            "FROM a\nWORKDIR /app\nRUN useradd app\nCOPY . .\n",
            "FROM a\nWORKDIR /app\nCOPY . .\nRUN useradd app && chown -R app /app\n",
            "FROM a\nWORKDIR /app\nCOPY . .\nRUN useradd -d /app app\n",
            "FROM a\nWORKDIR /home/app\nCOPY . .\nRUN useradd -m app\n",
            "FROM a\nCOPY passwd /etc/\nRUN useradd app\n",
            "FROM a\nWORKDIR /app\nCOPY . .\nRUN make\nRUN useradd app\n",
        ] {
            assert_eq!(lines("C027", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn they_move_up() {
        assert_eq!(
            fixed("C027", "FROM a\nWORKDIR /app\nCOPY x /usr/local\nCOPY . .\n\nRUN useradd app\nUSER app\n"),
            "FROM a\nWORKDIR /app\nCOPY x /usr/local\nRUN useradd app\nCOPY . .\n\nUSER app\n"
        );
    }
}
