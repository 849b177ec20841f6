//! E089 `workspace-manifests-missing`.

use layerwise_model::Context;
use layerwise_model::gopath::go_match;

use super::dependency_steps::steps;
use super::image_files::{Found, listed};

use crate::diagnostic::Severity;
use crate::rules::{Check, FileCx, Finding, Meta, Rule};

pub(super) static RULE: Rule = Rule {
    meta: Meta {
        name: "workspace-manifests-missing",
        code: "E089",
        severity: Severity::Warning,

        context: true,
        doc: DOC,
        ..Meta::DEFAULT
    },
    check: Check::File(check),
};

const DOC: &str = "\
## What it does

Finds installs of a workspace where the manifest of the root is copied and those of its members are not.

## Why it matters

The install sees a workspace without members: it installs only what the root asks for, or fails because the lock file says something else.

## Example

```json package.json
{\"workspaces\": [\"packages/*\"]}
```

```json packages/ui/package.json
{\"name\": \"ui\"}
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
COPY packages/ui/package.json packages/ui/
RUN npm ci
COPY . .
```
";

/// How many manifests of a context are compared with a workspace's patterns.
const MAX_MANIFESTS: usize = 2_000;

fn check(cx: &FileCx<'_>, out: &mut Vec<Finding>) {
    let Some(context) = cx.context.filter(|context| context.incomplete.is_none()) else { return };
    for step in
        steps(cx).iter().filter(|step| matches!(step.manifest.as_str(), "package.json" | "Cargo.toml"))
    {
        let Found::Context { path: manifest, .. } = step.at(cx, &step.manifest) else { continue };
        let folder = manifest.strip_suffix(step.manifest.as_str()).unwrap_or_default();
        let text = cx.file.instruction(step.number).1.source();
        // One member alone may be all that is wanted.
        if ["--filter", "-w ", "--workspace", "focus", " -F ", "--package", " -p "]
            .iter()
            .any(|flag| text.contains(flag))
        {
            continue;
        }
        let members = members(context, folder, &step.manifest);
        let missing: Vec<&str> = members
            .iter()
            .filter(|member| step.at(cx, member.strip_prefix(folder).unwrap_or(member)) == Found::No)
            .map(String::as_str)
            .collect();
        // A build that takes some members and leaves others out knows what it does.
        if missing.is_empty() || missing.len() < members.len() {
            continue;
        }
        let range = step.range.clone();
        let message = format!(
            "`{}` installs the workspace of {manifest} without its members: {} {} not copied before this.",
            step.name,
            listed(missing.iter().copied(), 3),
            if missing.len() == 1 { "is" } else { "are" }
        );
        out.push(Finding::new(range, message));
    }
}

/// The manifests of a workspace's members that are in the context.
fn members(context: &Context, folder: &str, manifest: &str) -> Vec<String> {
    let mut patterns: Vec<String> = Vec::new();
    let text = context.text(&format!("{folder}{manifest}")).unwrap_or_default();
    if manifest == "Cargo.toml" {
        let members = text.split("[workspace]").nth(1).and_then(|rest| rest.split("members").nth(1));
        let list = members.and_then(|rest| rest.split_once('[')).and_then(|(_, rest)| rest.split_once(']'));
        patterns.extend(
            list.map(|(list, _)| list).unwrap_or_default().split('"').skip(1).step_by(2).map(str::to_owned),
        );
    } else {
        let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let listed = json.get("workspaces").map(|w| w.get("packages").unwrap_or(w));
        let listed = listed.and_then(|w| w.as_array()).into_iter().flatten();
        patterns.extend(listed.filter_map(|v| v.as_str()).map(str::to_owned));
        // The list of pnpm: one `- pattern` per line.
        let pnpm = context.text(&format!("{folder}pnpm-workspace.yaml")).unwrap_or_default();
        let lines = pnpm.lines().skip_while(|line| !line.starts_with("packages:")).skip(1);
        let items =
            lines.map_while(|line| line.trim().strip_prefix('-').or(line.trim().is_empty().then_some("")));
        patterns.extend(items.map(|item| item.trim().trim_matches(['\'', '"']).to_owned()));
    }
    patterns.retain(|pattern| !pattern.is_empty() && !pattern.starts_with('!'));
    let fits = |dir: &str| {
        patterns.iter().any(|pattern| {
            let pattern = pattern.trim_start_matches("./").trim_end_matches('/').replace("**", "*");
            go_match(&pattern, dir).unwrap_or(false)
        })
    };
    if patterns.is_empty() {
        return Vec::new();
    }
    let all = context.texts.keys().filter_map(|path| {
        let dir = path.strip_prefix(folder)?.strip_suffix(manifest)?.strip_suffix('/')?;
        (!dir.is_empty() && fits(dir)).then(|| path.to_string())
    });
    all.take(MAX_MANIFESTS).collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::with_texts;

    #[test]
    fn finds() {
        let root = "{\"workspaces\": [\"packages/*\"]}";
        let files =
            [("package.json", root), ("packages/a/package.json", "{}"), ("packages/b/package.json", "{}")];
        let count = |above: &str, run: &str| {
            let text =
                format!("FROM node\nWORKDIR /app\nCOPY package.json ./\n{above}\nRUN {run}\nCOPY . .\n");
            with_texts("E089", &files, "", &text).len()
        };
        assert_eq!(count("", "npm ci"), 1);
        assert_eq!(count("COPY packages packages", "npm ci"), 0);
        assert_eq!(count("COPY --parents packages/*/package.json ./", "npm ci"), 0);
        assert_eq!(count("COPY packages/a/package.json packages/a/", "npm ci"), 0);
        assert_eq!(count("", "npm ci --workspace=a"), 0);
        let pnpm = [
            ("package.json", "{}"),
            ("pnpm-workspace.yaml", "packages:\n  - 'x/*'\n"),
            ("x/a/package.json", "{}"),
        ];
        let text = "FROM node\nWORKDIR /app\nCOPY package.json pnpm-workspace.yaml ./\nRUN pnpm install\n";
        assert_eq!(with_texts("E089", &pnpm, "", text).len(), 1);
        let cargo = [("Cargo.toml", "[workspace]\nmembers = [\"x\"]\n"), ("x/Cargo.toml", "")];
        let text = "FROM rust\nWORKDIR /app\nCOPY Cargo.toml ./\nRUN cargo fetch\n";
        assert_eq!(with_texts("E089", &cargo, "", text).len(), 1);
    }
}
