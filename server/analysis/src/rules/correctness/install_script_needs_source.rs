//! E088 `install-script-needs-source`.

use super::dependency_steps::steps;
use super::image_files::Found;

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "install-script-needs-source",
        code: "E088",
        severity: Severity::Warning,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs that run a script of `package.json` (`postinstall`, `prepare` ...) which reads files of the build context that are not copied yet.

## Why it matters

npm, yarn and pnpm run these scripts at the end of the install. A file that a later COPY brings is not there then, and the install fails.

## Example

```json package.json
{\"scripts\": {\"postinstall\": \"node scripts/setup.js\"}}
```

```js scripts/setup.js
console.log(\"ready\");
```

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
```

## Use instead

```dockerfile
FROM node:22
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts ./scripts
RUN npm ci
COPY . .
```
";

/// The scripts that an install runs, in their order.
const SCRIPTS: [&str; 6] = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare"];

/// Source: npm's documentation of scripts, "Life Cycle Operation Order".
fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    for step in steps(cx).iter().filter(|step| step.manifest == "package.json") {
        let text = cx.file.instruction(step.number).1.source();
        let env = &cx.eval.step(step.number).state.env;
        if text.contains("ignore-scripts")
            || env.iter().any(|(name, _)| name.eq_ignore_ascii_case("npm_config_ignore_scripts"))
        {
            continue;
        }
        let Found::Context { path: manifest, .. } = step.at(cx, "package.json") else { continue };
        let folder = manifest.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Some(json) =
            context.text(&manifest).and_then(|t| serde_json::from_str::<serde_json::Value>(t).ok())
        else {
            continue;
        };
        let script = |name: &str| json.get("scripts").and_then(|s| s.get(name)).and_then(|s| s.as_str());
        'scripts: for name in SCRIPTS {
            let Some(mut line) = script(name) else { continue };
            // `npm run build` stands for what that is.
            for _ in 0..4 {
                let inner = ["npm run ", "yarn run ", "pnpm run ", "npm run-script ", "yarn "]
                    .iter()
                    .find_map(|p| line.strip_prefix(p));
                match inner.and_then(|inner| script(inner.split_whitespace().next().unwrap_or_default())) {
                    Some(next) => line = next,
                    None => break,
                }
            }
            for word in line.split(|c: char| c.is_whitespace() || "&|;()\"'`".contains(c)) {
                let word = word.trim_start_matches("./");
                let named = !word.is_empty()
                    && !word.starts_with(['-', '/', '$', '.', '@'])
                    && !word.contains("node_modules");
                let file = match word {
                    "patch-package" => "patches",
                    _ if named && (word.contains('/') || word.contains('.')) => word,
                    _ => continue,
                };
                let of_context = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
                let Some(entry) = context.get(&of_context) else { continue };
                // A folder has no path of its own; one file in it tells.
                let inside = match context.is_dir(&of_context) {
                    true => context.below(&of_context).map(|(path, _)| path).next(),
                    false => Some(of_context.as_str()),
                };
                let Some(inside) = inside.filter(|_| entry.size < u64::MAX) else { continue };
                let relative = inside.strip_prefix(folder).unwrap_or(inside).trim_start_matches('/');
                if step.at(cx, relative) != Found::No {
                    continue;
                }
                let range = step.range.clone();
                let message = format!(
                    "`{}` runs the script `{name}` of {manifest} (`{line}`), which needs `{of_context}`, and that is not copied before this.",
                    step.name
                );
                out.push(Finding::new(range, message));
                break 'scripts;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let count = |script: &str, above: &str, run: &str| {
            let package = format!("{{\"scripts\": {{\"{script}}}}}");
            let files = [("package.json", package.as_str()), ("scripts/x.js", ""), ("patches/a.patch", "")];
            let text =
                format!("FROM node\nWORKDIR /app\nCOPY package.json ./\n{above}\nRUN {run}\nCOPY . .\n");
            with_texts("E088", &files, "", &text).len()
        };
        assert_eq!(count("postinstall\": \"node scripts/x.js\"", "", "npm install"), 1);
        assert_eq!(count("postinstall\": \"node scripts/x.js\"", "COPY scripts scripts", "npm install"), 0);
        assert_eq!(count("postinstall\": \"node scripts/x.js\"", "", "npm install --ignore-scripts"), 0);
        assert_eq!(count("prepare\": \"npm run p\", \"p\": \"node ./scripts/x.js\"", "", "yarn"), 1);
        assert_eq!(count("postinstall\": \"patch-package\"", "", "npm ci"), 1);
        assert_eq!(count("postinstall\": \"patch-package\"", "COPY patches ./patches", "npm ci"), 0);
        assert_eq!(count("postinstall\": \"node other.js\"", "", "npm ci"), 0);
        assert_eq!(count("test\": \"node scripts/x.js\"", "", "npm ci"), 0);
    }
}
