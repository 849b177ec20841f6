//! C043 `expensive-step-below-cheap-volatile`.

use super::support::{Kind, late, report_late};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "expensive-step-below-cheap-volatile",
        code: "C043",
        severity: Severity::Info,
        fix: FixClass::Suggestion,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds steps that install programs by name (`npm install -g pm2`, `pip install gunicorn`, `go install x@v1`) below a COPY of
sources that they do not read.

## Why it matters

An edit of any file that is copied makes every RUN below run again, and the same programs are downloaded once more. Above
the COPY they stay cached.

## Example

```dockerfile
FROM node:22
WORKDIR /app
COPY src ./src
RUN npm install -g pm2@5
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
RUN npm install -g pm2@5
COPY src ./src
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in late(cx) {
        out.extend(report_late(cx, &found, Kind::Tools));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn tools_below_sources() {
        check(
            "C043",
            "\
FROM node
WORKDIR /app
COPY . .
RUN npm install -g pm2
^^^^^^^^^^^^^^^^^^^^^^ `npm install -g pm2` needs nothing of what line 3 copies
RUN npm start
",
        );
        for text in [
            "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm install express\n",
            "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install ./x\n",
            "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install -e .\n",
            "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install $(cat x)\n",
            "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install -U pip\nRUN pip install -r requirements.txt\n",
            "FROM python\nWORKDIR /app\nRUN pip install a\nCOPY . .\n",
        ] {
            assert_eq!(lines("C043", text), [0; 0], "{text}");
        }
        assert_eq!(
            fixed("C043", "FROM python\nCOPY . /app\nRUN pip install a\n"),
            "FROM python\nRUN pip install a\nCOPY . /app\n"
        );
    }
}
