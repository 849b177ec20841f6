//! Which files a command makes and which it takes away or writes again, where its words say so: what merging two layers
//! can free.

use layerwise_syntax::shell::{ShellWord, SimpleCommand};

use super::command::without_first;

/// What a command leaves for later ones, or undoes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// Files: a path with `*` where any name stands. `@` stands for whatever lies in a directory.
    Path(String),
    /// A package of a package manager (`apt`, `apk`, `rpm`, `pip`).
    Package(&'static str, String),
}

/// How a later command undoes what an earlier one made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// It is deleted.
    Deleted,
    /// It is moved or its owner or mode changes, so that the later layer holds it once more.
    Rewritten,
}

/// What a command makes.
pub(crate) fn made(command: &SimpleCommand) -> Vec<Thing> {
    let Some(command) = unwrapped(command) else { return Vec::new() };
    let mut things: Vec<Thing> = Vec::new();
    let words = words(&command);
    let sub = subcommand(&words);
    match command.name().unwrap_or_default() {
        "apt-get" | "apt" => match sub {
            Some("update") => things.push(path("/var/lib/apt/lists/@")),
            Some("install") => things.extend(packages("apt", &words)),
            _ => {}
        },
        "apk" if matches!(sub, Some("add" | "update" | "upgrade")) => {
            if !words.iter().any(|w| w == "--no-cache") {
                things.push(path("/var/cache/apk/@"));
            }
            if sub == Some("add") {
                let group = words.windows(2).find(|w| matches!(w[0].as_str(), "--virtual" | "-t"));
                match group {
                    Some(pair) => things.push(Thing::Package("apk", pair[1].clone())),
                    None => things.extend(packages("apk", &words)),
                }
            }
        }
        manager @ ("yum" | "dnf" | "microdnf" | "tdnf")
            if matches!(
                sub,
                Some("install" | "localinstall" | "groupinstall" | "update" | "upgrade" | "makecache")
            ) =>
        {
            things.push(path(if manager == "yum" { "/var/cache/yum/@" } else { "/var/cache/dnf/@" }));
            if sub == Some("install") {
                things.extend(packages("rpm", &words));
            }
        }
        "pip" | "pip3" if sub == Some("install") && !words.iter().any(|w| w == "--no-cache-dir") => {
            things.push(path("/root/.cache/pip/@"));
        }
        "npm" if matches!(sub, Some("install" | "i" | "ci")) => things.push(path("/root/.npm/@")),
        "yarn" if matches!(sub, None | Some("install" | "add" | "global")) => {
            things.push(path("/usr/local/share/.cache/@"));
        }
        "composer" if matches!(sub, Some("install" | "require")) => {
            things.push(path("/root/.composer/cache/@"))
        }
        "curl" => things.extend(curl_output(&words).map(Thing::Path)),
        "wget" => things.extend(wget_output(&words).map(Thing::Path)),
        "git" if sub == Some("clone") => {
            let operands: Vec<&String> =
                operands(&words, &["-b", "--branch", "--depth", "-o", "-c", "-j"]).collect();
            let dir = match operands.as_slice() {
                [_, _, dir] => Some((*dir).clone()),
                [_, url] => Some(basename(url).trim_end_matches(".git").to_owned()),
                _ => None,
            };
            things.extend(dir.map(|d| Thing::Path(format!("{d}/@"))));
        }
        _ => {}
    }
    // What echo writes is too small to speak of.
    let small = matches!(command.name(), Some("echo" | "printf"));
    for redirect in command.redirects.iter().filter(|_| !small) {
        if let Some(target) = redirect.raw.strip_prefix('>').filter(|t| !t.starts_with(['>', '&'])) {
            things.push(Thing::Path(unquoted(target.trim())));
        }
    }
    things.retain(|t| !matches!(t, Thing::Path(p) if p.is_empty() || p == "-" || p.starts_with("/dev/")));
    things
}

/// What a command takes away or writes again.
pub(crate) fn undone(command: &SimpleCommand) -> Vec<(Undone, Thing)> {
    let Some(command) = unwrapped(command) else { return Vec::new() };
    let words = words(&command);
    let sub = subcommand(&words);
    let deleted = |paths: &[&str]| paths.iter().map(|p| (Undone::Deleted, path(p))).collect::<Vec<_>>();
    let gone = |manager, words: &[String]| {
        packages(manager, words).into_iter().map(|p| (Undone::Deleted, p)).collect::<Vec<_>>()
    };
    match command.name().unwrap_or_default() {
        "rm" | "unlink" => operands(&words, &[]).map(|w| (Undone::Deleted, Thing::Path(w.clone()))).collect(),
        // The last operand of mv is the target; the first of chown and chmod is the owner or mode.
        "mv" => {
            let all: Vec<&String> = operands(&words, &["-t"]).collect();
            let sources = all.split_last().map_or(&[][..], |(_, sources)| sources);
            sources.iter().map(|w| (Undone::Rewritten, Thing::Path((*w).clone()))).collect()
        }
        "chown" | "chmod" | "chgrp" => {
            operands(&words, &[]).skip(1).map(|w| (Undone::Rewritten, Thing::Path(w.clone()))).collect()
        }
        "apt-get" | "apt" if matches!(sub, Some("purge" | "remove" | "autoremove" | "autopurge")) => {
            gone("apt", &words)
        }
        "apk" if sub == Some("del") => gone("apk", &words),
        "yum" | "dnf" | "microdnf" | "tdnf" => match sub {
            Some("remove" | "erase" | "autoremove") => gone("rpm", &words),
            Some("clean") => deleted(&["/var/cache/yum", "/var/cache/dnf"]),
            _ => Vec::new(),
        },
        "npm"
            if sub == Some("cache")
                && words.iter().any(|w| matches!(w.as_str(), "clean" | "clear" | "rm")) =>
        {
            deleted(&["/root/.npm"])
        }
        "yarn" if sub == Some("cache") && words.iter().any(|w| w == "clean") => {
            deleted(&["/usr/local/share/.cache"])
        }
        "pip" | "pip3" if sub == Some("cache") && words.iter().any(|w| w == "purge") => {
            deleted(&["/root/.cache/pip"])
        }
        "composer" if matches!(sub, Some("clear-cache" | "clearcache" | "cc")) => {
            deleted(&["/root/.composer/cache"])
        }
        _ => Vec::new(),
    }
}

/// Whether what `later` names covers what `earlier` made; the answer is how to call it.
pub(crate) fn covers(later: &Thing, earlier: &Thing) -> Option<String> {
    match (later, earlier) {
        (Thing::Package(a, x), Thing::Package(b, y)) if a == b => {
            (x == y).then(|| format!("the package {x}"))
        }
        (Thing::Path(later), Thing::Path(earlier)) => {
            let (wide, narrow) = (components(later), components(earlier));
            // `rm -rf /` and `rm -rf *` say nothing about one file.
            let fixed = wide.iter().any(|c| !matches!(*c, "" | "*" | "."));
            let same_root = later.starts_with('/') == earlier.starts_with('/');
            let covered = fixed
                && same_root
                && wide.len() <= narrow.len()
                && wide.iter().zip(&narrow).all(|(pattern, name)| matches_name(pattern, name));
            covered.then(|| earlier.strip_suffix("/@").unwrap_or(earlier).to_owned())
        }
        _ => None,
    }
}

fn unwrapped(command: &SimpleCommand) -> Option<SimpleCommand> {
    if command.name() == Some("sudo") { without_first(command) } else { Some(command.clone()) }
}

fn path(text: &str) -> Thing {
    Thing::Path(text.to_owned())
}

/// The arguments, unquoted; variables stay as written, since one RUN and two see the same values.
fn words(command: &SimpleCommand) -> Vec<String> {
    command.words.iter().skip(1).map(text_of).collect()
}

fn text_of(word: &ShellWord) -> String {
    let text = word.literal.clone().unwrap_or_else(|| unquoted(&word.raw));
    for home in ["~/", "$HOME/", "${HOME}/"] {
        if let Some(rest) = text.strip_prefix(home) {
            return format!("/root/{rest}");
        }
    }
    text
}

fn unquoted(raw: &str) -> String {
    raw.replace(['"', '\''], "")
}

fn subcommand(words: &[String]) -> Option<&str> {
    words.iter().map(String::as_str).find(|w| !w.starts_with('-'))
}

/// The words that are no options; `valued` are the options whose value is the next word.
fn operands<'a>(words: &'a [String], valued: &'a [&str]) -> impl Iterator<Item = &'a String> {
    let mut skip = false;
    words.iter().filter(move |word| {
        if std::mem::take(&mut skip) {
            return false;
        }
        skip = valued.contains(&word.as_str());
        !word.starts_with('-')
    })
}

fn packages(manager: &'static str, words: &[String]) -> Vec<Thing> {
    operands(words, &["-t", "-o", "--virtual", "-X", "--repository"])
        .skip(1)
        .map(|w| Thing::Package(manager, w.split(['=', '<', '>', '~']).next().unwrap_or(w).to_owned()))
        .collect()
}

fn basename(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/');
    url.rsplit('/').next().unwrap_or(url)
}

fn curl_output(words: &[String]) -> Option<String> {
    let mut remote_name = false;
    for (at, word) in words.iter().enumerate() {
        if let Some(name) = word.strip_prefix("--output=") {
            return Some(name.to_owned());
        }
        let short = word.starts_with('-') && !word.starts_with("--");
        if word == "--output" || (short && word.ends_with('o')) {
            return words.get(at + 1).cloned();
        }
        remote_name |= word == "--remote-name" || (short && word.contains('O'));
    }
    let url = words.iter().find(|w| w.contains("://")).filter(|_| remote_name)?;
    Some(basename(url).to_owned())
}

fn wget_output(words: &[String]) -> Option<String> {
    let mut dir = None;
    for (at, word) in words.iter().enumerate() {
        if let Some(name) = word.strip_prefix("--output-document=") {
            return Some(name.to_owned());
        }
        let short = word.starts_with('-') && !word.starts_with("--");
        if word == "--output-document" || (short && word.ends_with('O')) {
            return words.get(at + 1).cloned();
        }
        if word == "-P" {
            dir = words.get(at + 1).cloned();
        }
    }
    let url = words.iter().find(|w| w.contains("://"))?;
    let name = basename(url);
    Some(match dir {
        Some(dir) => format!("{}/{name}", dir.trim_end_matches('/')),
        None => name.to_owned(),
    })
}

fn components(path: &str) -> Vec<&str> {
    path.split('/').filter(|c| !c.is_empty() && *c != ".").collect()
}

/// A name against a pattern of `*` and fixed parts.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == name;
    }
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    for part in parts.get(1..parts.len() - 1).unwrap_or_default() {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
