//! X012 `tls-verification-off`.

use layerwise_model::facts::{Argument, Command};
use layerwise_syntax::Keyword;

use crate::diagnostic::Severity;
use crate::rules::downloads::{host, is_local, urls};
use crate::rules::{Check, Finding, InstructionCx, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "tls-verification-off",
        code: "X012",
        severity: Severity::Warning,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::Instruction(check),
};

const DOC: &str = "\
## What it does

Finds what switches the check of TLS certificates off while building: `curl -k`, `wget --no-check-certificate`,
`npm config set strict-ssl false`, `pip --trusted-host` of a public host, `git -c http.sslVerify=false`, and ENV
or ARG such as `GIT_SSL_NO_VERIFY` and `NODE_TLS_REJECT_UNAUTHORIZED=0`.

## Why it matters

Without the check everyone on the way can answer in place of the server, and what they send becomes part of the
image. What ENV switches off stays off in the container.

## Example

```dockerfile
FROM debian:12
RUN curl -kO https://example.com/tool.tar.gz
```

## Use instead

```dockerfile
FROM debian:12
RUN curl -O https://example.com/tool.tar.gz
```
";

fn check(cx: &InstructionCx<'_>, out: &mut Vec<Finding>) {
    let say = |what: &str| {
        format!(
            "`{what}` switches the check of certificates off, so that everyone on the way can answer in the server's place; leave it out, and add the certificate that is missing."
        )
    };
    match cx.instruction.kind() {
        Some(Keyword::Run) => {
            for command in &cx.facts.commands {
                for word in switches(command) {
                    out.push(Finding::new(word.range.clone(), say(&word.text)));
                }
                for word in &command.assignments {
                    let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
                    if is_switch(name, value) {
                        out.push(Finding::new(word.range.clone(), say(&word.text)));
                    }
                }
            }
        }
        Some(Keyword::Env) => {
            for pair in cx.instruction.args().chunks(3) {
                let [name, value, ..] = pair else { continue };
                if is_switch(&name.value, &value.value) {
                    let text = format!("{}={}", name.value, value.value);
                    out.push(Finding::new(name.range.start..value.range.end.max(name.range.end), say(&text)));
                }
            }
        }
        _ => {}
    }
}

/// Variables that programs read, with the values that switch the check off.
fn is_switch(name: &str, value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let off = matches!(value.as_str(), "0" | "false" | "off" | "no");
    match name {
        "NODE_TLS_REJECT_UNAUTHORIZED" | "PYTHONHTTPSVERIFY" => value == "0",
        "GIT_SSL_NO_VERIFY" => !off && !value.is_empty(),
        "npm_config_strict_ssl" | "NPM_CONFIG_STRICT_SSL" | "YARN_STRICT_SSL" | "CONDA_SSL_VERIFY" => off,
        _ => false,
    }
}

/// The words of a command that do.
fn switches(command: &Command) -> Vec<&Argument> {
    let has = |text: &str| command.args.iter().find(|arg| arg.text == text);
    let found: Option<&Argument> = match command.name.as_str() {
        "curl" if only_local(command) => None,
        "curl" => has("--insecure").or_else(|| command.args.iter().find(|arg| is_curl_k(&arg.text))),
        "wget" if only_local(command) => None,
        "wget" => has("--no-check-certificate"),
        "npm" | "yarn" | "pnpm" => {
            let pair = command.args.windows(2).find(|w| w[0].text == "strict-ssl" && w[1].text == "false");
            pair.map(|w| &w[0]).or_else(|| {
                command.args.iter().find(|arg| {
                    matches!(arg.text.as_str(), "--strict-ssl=false" | "--no-strict-ssl" | "strict-ssl=false")
                })
            })
        }
        "git" => {
            let pair = command
                .args
                .windows(2)
                .find(|w| w[0].text.eq_ignore_ascii_case("http.sslverify") && w[1].text == "false");
            pair.map(|w| &w[0]).or_else(|| {
                command.args.iter().find(|arg| {
                    matches!(
                        arg.text.to_ascii_lowercase().as_str(),
                        "http.sslverify=false" | "http.sslverify=0"
                    )
                })
            })
        }
        "yum" | "dnf" | "microdnf" => command.args.iter().find(|arg| {
            arg.text.replace("--setopt=", "").starts_with("sslverify=") && arg.text.ends_with(['0', 'e'])
        }),
        "apk" => has("--no-check-certificate"),
        "conda" | "mamba" => {
            let pair = command
                .args
                .windows(2)
                .find(|w| w[0].text == "ssl_verify" && w[1].text.eq_ignore_ascii_case("false"));
            pair.map(|w| &w[0])
        }
        _ => None,
    };
    if let Some(found) = found {
        return vec![found];
    }
    // pip, and what calls it.
    let mut hosts = Vec::new();
    if command.name.starts_with("pip") || command.name.starts_with("python") || command.name == "uv" {
        for (at, arg) in command.args.iter().enumerate() {
            let value = match arg.text.split_once('=') {
                Some(("--trusted-host" | "--allow-insecure-host", value)) => value,
                None if arg.text == "--trusted-host" || arg.text == "--allow-insecure-host" => {
                    command.args.get(at + 1).map_or("", |next| next.text.as_str())
                }
                _ => continue,
            };
            if !is_local(host(value)) {
                hosts.push(arg);
            }
        }
        hosts.truncate(1);
    }
    hosts
}

/// Whether every URL is on the same machine or in a network of one's own, whose certificates nobody signs.
fn only_local(command: &Command) -> bool {
    let mut any = false;
    urls(command).all(|url| {
        any = true;
        is_local(host(&url.text)) && !host(&url.text).contains('$')
    }) && any
}

/// `-k` alone or among other flags of one letter that take no value.
fn is_curl_k(text: &str) -> bool {
    let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else {
        return false;
    };
    // A letter that takes a value ends the flags.
    let plain = letters.split(|c: char| "oHXduAebcTmwxzCDEFKPQrtUY".contains(c)).next().unwrap_or_default();
    plain.contains('k')
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::{check, lines};

    #[test]
    fn switches() {
        check(
            "X012",
            "\
FROM a
RUN curl -fsSLk https://example.com && wget --no-check-certificate https://$HOST/x
         ^^^^^^ `-fsSLk` switches
                                            ^^^^^^^^^^^^^^^^^^^^^^ switches
RUN GIT_SSL_NO_VERIFY=true git clone x
    ^^^^^^^^^^^^^^^^^^^^^^ switches
ENV A=b NODE_TLS_REJECT_UNAUTHORIZED=0
        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ switches
",
        );
        for (script, found) in [
            ("curl -k https://localhost:8443/x", false),
            ("curl -o k https://x.org", false),
            ("curl -okey https://x.org", false),
            ("npm config set strict-ssl false", true),
            ("pip install --trusted-host packages.example.com x", true),
            ("pip install --trusted-host pypi.internal x", false),
            ("pip install --trusted-host=$HOST x", false),
            ("git -c http.sslVerify=false clone x", true),
            ("git config --global http.sslVerify false", true),
            ("yum --setopt=sslverify=0 install x", true),
            ("GIT_SSL_NO_VERIFY=0 git x", false),
        ] {
            assert_eq!(!lines("X012", &format!("ONBUILD RUN {script}\n")).is_empty(), found, "{script}");
        }
    }
}
