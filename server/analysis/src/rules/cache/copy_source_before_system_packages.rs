//! C002 `copy-source-before-system-packages`.

use super::support::{Kind, late, report_late};
use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, FixClass, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "copy-source-before-system-packages",
        code: "C002",
        severity: Severity::Warning,
        fix: FixClass::Sometimes,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds steps that only install packages of the distribution (apt-get, apk, dnf, yum, zypper, pacman) below a COPY of
sources that they do not read.

## Why it matters

An edit of any file that is copied makes every RUN below run again: the package lists are fetched and the packages
installed once more, although nothing about them changed. Above the COPY they stay cached. The fix is safe where the
sources go to a directory in which no package puts files.

## Example

```dockerfile
FROM python:3.12-slim
WORKDIR /app
COPY src ./src
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/*
```

## Use instead

```dockerfile
FROM python:3.12-slim
WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/*
COPY src ./src
```
";

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    for found in late(cx) {
        out.extend(report_late(cx, &found, Kind::System));
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, fixed, lines};

    #[test]
    fn packages_below_sources() {
        check(
            "C002",
            "\
FROM debian
WORKDIR /app
COPY . .
EXPOSE 80
RUN apt-get update
^^^^^^^^^^^^^^^^^^ `apt-get install -y curl` needs nothing of what line 3 copies, and runs again whenever that changes; move it above line 3.
RUN apt-get install -y curl
",
        );
        for text in [
            "FROM alpine\nCOPY src /app/src\nRUN apk add --no-cache curl\n",
            "FROM alpine\nCOPY main.py /app/\nENV A=1\nRUN apk add curl\n",
            "FROM debian\nCOPY . /app\nRUN apt-get update && apt-get install -y --no-install-recommends a && rm -rf /var/lib/apt/lists/*\n",
        ] {
            assert_eq!(lines("C002", text).len(), 1, "{text}");
        }
        for text in [
            // It may read what is copied.
            "FROM debian\nCOPY . /app\nRUN apt-get install -y /app/x.deb\n",
            "FROM debian\nCOPY . /app\nRUN apt-get install -y $(cat /app/packages)\n",
            "FROM debian\nCOPY . /app\nRUN /app/add-repository\nRUN apt-get install -y x\n",
            "FROM debian\nCOPY . /app\nRUN apt-get install -y x && make -C /app\n",
            "FROM debian\nCOPY rootfs/ /\nRUN apt-get install -y x\n",
            "FROM debian\nCOPY x.list /etc/apt/sources.list.d/\nRUN apt-get update && apt-get install -y x\n",
            "FROM debian\nCOPY . /etc/app\nRUN apt-get install -y x\n",
            // It stands where it should.
            "FROM debian\nRUN apt-get install -y x\nCOPY . /app\n",
            "FROM debian\nCOPY packages.txt /app/\nRUN apt-get install -y x\n",
            "FROM debian\nCOPY --from=b /src /app/src\nRUN apt-get install -y x\n",
            "FROM debian\nCOPY . /app\nFROM debian\nRUN apt-get install -y x\n",
            // copy-source-before-deps moves it along.
            "FROM node\nWORKDIR /app\nCOPY . .\nRUN apt-get install -y x\nRUN npm ci\n",
        ] {
            assert_eq!(lines("C002", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn they_move_up() {
        assert_eq!(
            fixed(
                "C002",
                "FROM debian\nWORKDIR /app\n\n# all\nCOPY . .\nLABEL a=b\n\n# tools\nRUN apt-get update && \\\n    apt-get install -y curl\n\nCMD [\"x\"]\n"
            ),
            "FROM debian\nWORKDIR /app\n\n# tools\nRUN apt-get update && \\\n    apt-get install -y curl\n\n# all\nCOPY . .\nLABEL a=b\n\nCMD [\"x\"]\n"
        );
        assert_eq!(
            fixed("C002", "FROM alpine\r\nCOPY . /app\r\nRUN apk add a\r\nRUN apk add b"),
            "FROM alpine\r\nRUN apk add a\r\nRUN apk add b\r\nCOPY . /app\r\n"
        );
        let between = "FROM alpine\nCOPY . /app\nENV A=1\nRUN apk add a\n";
        assert_eq!(fixed("C002", between), between);
    }
}
