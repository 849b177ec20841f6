//! What is known of shell commands: which change the shell that runs them, which leave processes behind, which are plain
//! programs.

use layerwise_syntax::shell::{Script, SimpleCommand};
use layerwise_syntax::tree_sitter::Node;

/// What running a simple command means for commands that run after it in the same shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A program that is known to touch files only.
    Plain,
    /// A program of which nothing is known.
    Unknown(String),
    /// It changes the shell, ends it, or leaves a process behind.
    Leaks,
}

/// The effect of a simple command on the shell and the processes around it.
///
/// The shell's own commands are those of POSIX, dash and bash; a name that is computed may be any of them.
pub(crate) fn effect(command: &SimpleCommand) -> Effect {
    let Some(first) = command.words.first() else { return Effect::Leaks };
    if matches!(first.raw.as_str(), "[" | "[[") {
        return Effect::Plain;
    }
    let Some(full) = first.literal.as_deref() else { return Effect::Leaks };
    let Some(name) = command.name() else { return Effect::Leaks };
    if name == "sudo" {
        return match without_first(command) {
            Some(inner) if inner.words.first().is_some_and(|w| !w.raw.starts_with('-')) => effect(&inner),
            _ => Effect::Unknown("sudo".to_owned()),
        };
    }
    if name == "set" || is_builtin_with_effect(full) || full == "." || is_daemon(name, full) {
        return Effect::Leaks;
    }
    if !full.contains('/') && (is_core(name) || is_system(name) || is_tool(name)) {
        return Effect::Plain;
    }
    if full.strip_prefix("/bin/").or_else(|| full.strip_prefix("/usr/bin/")).is_some_and(is_core) {
        return Effect::Plain;
    }
    Effect::Unknown(full.to_owned())
}

/// A simple command without the wrapper in front of it, such as `sudo`.
pub(crate) fn without_first(command: &SimpleCommand) -> Option<SimpleCommand> {
    let words = command.words.get(1..).filter(|words| !words.is_empty())?;
    Some(SimpleCommand { words: words.to_vec(), ..command.clone() })
}

/// Builtins that change the shell's state or its flow.
fn is_builtin_with_effect(name: &str) -> bool {
    matches!(
        name,
        ":" | "alias"
            | "bg"
            | "bind"
            | "break"
            | "builtin"
            | "caller"
            | "cd"
            | "chdir"
            | "command"
            | "compgen"
            | "complete"
            | "compopt"
            | "continue"
            | "coproc"
            | "declare"
            | "dirs"
            | "disown"
            | "enable"
            | "eval"
            | "exec"
            | "exit"
            | "export"
            | "fc"
            | "fg"
            | "getopts"
            | "hash"
            | "history"
            | "jobs"
            | "let"
            | "local"
            | "logout"
            | "mapfile"
            | "popd"
            | "pushd"
            | "read"
            | "readarray"
            | "readonly"
            | "return"
            | "set"
            | "shift"
            | "shopt"
            | "source"
            | "suspend"
            | "time"
            | "trap"
            | "typeset"
            | "ulimit"
            | "umask"
            | "unalias"
            | "unset"
            | "wait"
    )
}

/// Programs that start something that goes on running.
fn is_daemon(name: &str, full: &str) -> bool {
    full.contains("/init.d/")
        || name.ends_with("_safe")
        || matches!(
            name,
            "service"
                | "systemctl"
                | "invoke-rc.d"
                | "rc-service"
                | "initctl"
                | "start-stop-daemon"
                | "supervisord"
                | "supervisorctl"
                | "nohup"
                | "setsid"
                | "daemon"
                | "daemonize"
                | "mysqld"
                | "mariadbd"
                | "postgres"
                | "pg_ctl"
                | "pg_ctlcluster"
                | "redis-server"
                | "mongod"
                | "dockerd"
                | "nginx"
                | "apachectl"
                | "apache2ctl"
                | "httpd"
                | "slapd"
                | "sshd"
                | "Xvfb"
                | "rabbitmq-server"
                | "screen"
                | "tmux"
        )
}

/// The base of every distribution and the package managers: nothing that a Dockerfile installs comes before them in
/// PATH, except by being put there by name.
pub(crate) fn is_core(name: &str) -> bool {
    matches!(
        name,
        "add-apt-repository"
            | "addgroup"
            | "adduser"
            | "apk"
            | "apt"
            | "apt-cache"
            | "apt-get"
            | "apt-key"
            | "apt-mark"
            | "awk"
            | "basename"
            | "cat"
            | "chgrp"
            | "chmod"
            | "chown"
            | "cp"
            | "cut"
            | "date"
            | "dd"
            | "debconf-set-selections"
            | "dirname"
            | "dnf"
            | "dpkg"
            | "dpkg-reconfigure"
            | "echo"
            | "env"
            | "false"
            | "find"
            | "getent"
            | "grep"
            | "groupadd"
            | "gunzip"
            | "gzip"
            | "head"
            | "id"
            | "install"
            | "ldconfig"
            | "ln"
            | "locale-gen"
            | "localedef"
            | "ls"
            | "md5sum"
            | "microdnf"
            | "mkdir"
            | "mktemp"
            | "mv"
            | "pacman"
            | "printf"
            | "pwd"
            | "readlink"
            | "rm"
            | "rmdir"
            | "rpm"
            | "sed"
            | "sha256sum"
            | "sha512sum"
            | "sort"
            | "stat"
            | "tail"
            | "tar"
            | "tdnf"
            | "tee"
            | "test"
            | "touch"
            | "tr"
            | "true"
            | "type"
            | "uname"
            | "update-ca-certificates"
            | "update-locale"
            | "useradd"
            | "usermod"
            | "wc"
            | "which"
            | "whoami"
            | "xargs"
            | "yum"
            | "yum-config-manager"
            | "zypper"
    )
}

/// Programs of a distribution's packages: a language's package manager does not replace them, a build from source may.
pub(crate) fn is_system(name: &str) -> bool {
    matches!(
        name,
        "a2dismod"
            | "a2enmod"
            | "a2ensite"
            | "bunzip2"
            | "bzip2"
            | "curl"
            | "diff"
            | "docker-php-ext-configure"
            | "docker-php-ext-enable"
            | "docker-php-ext-install"
            | "git"
            | "jar"
            | "java"
            | "javac"
            | "jq"
            | "lsb_release"
            | "patch"
            | "pecl"
            | "phpenmod"
            | "rsync"
            | "setcap"
            | "strip"
            | "unxz"
            | "unzip"
            | "update-alternatives"
            | "update-rc.d"
            | "wget"
            | "xz"
            | "zip"
    )
}

/// Package managers and builders of languages: they run code of others, but leave nothing running, and what they install
/// may stand before a program of the same name.
pub(crate) fn is_tool(name: &str) -> bool {
    matches!(
        name,
        "bundle"
            | "cabal"
            | "cargo"
            | "composer"
            | "conda"
            | "corepack"
            | "cpan"
            | "cpanm"
            | "easy_install"
            | "gem"
            | "go"
            | "luarocks"
            | "mix"
            | "mvn"
            | "node"
            | "npm"
            | "npx"
            | "perl"
            | "php"
            | "pip"
            | "pip2"
            | "pip3"
            | "pipenv"
            | "pipx"
            | "pnpm"
            | "poetry"
            | "python"
            | "python2"
            | "python3"
            | "rebar3"
            | "ruby"
            | "rustup"
            | "stack"
            | "uv"
            | "yarn"
    )
}

/// Why two parts of an and-chain that call a program by its bare name might run two different programs as separate RUNs
/// and the same one in a merged RUN: shells remember where they found a command. `before` are the commands from the start
/// of the chain, `later` those of the part that is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hash {
    /// The later part finds the same programs.
    Same,
    /// Something in between might install another one.
    Possible,
    /// Something in between installs one of that very name.
    Certain,
}

/// See [`Hash`].
pub(crate) fn hash_hazard(before: &[&SimpleCommand], later: &[SimpleCommand]) -> Hash {
    let mut worst = Hash::Same;
    for called in later {
        let Some(name) = bare_name(called) else { continue };
        let Some(first) = before.iter().position(|c| bare_name(c) == Some(name)) else { continue };
        for between in &before[first..] {
            worst = worst.max(replaces(between, name));
        }
    }
    worst
}

fn bare_name(command: &SimpleCommand) -> Option<&str> {
    let full = command.words.first()?.literal.as_deref()?;
    (!full.contains('/') && full != "[" && full != "[[").then_some(full)
}

/// Whether a command may put a program called `name` before the one that was there.
fn replaces(command: &SimpleCommand, name: &str) -> Hash {
    let Some(by) = command.name() else { return Hash::Possible };
    if is_shell_builtin(name) {
        return Hash::Same;
    }
    let target = |word: &str| {
        let word = word.trim_end_matches('/');
        let last = word.rsplit('/').next().unwrap_or(word);
        last == name || last.strip_prefix(name).is_some_and(|v| v.starts_with(['=', '@', '[', '<', '>', '~']))
    };
    let names_it = command.words.iter().skip(1).any(|w| w.literal.as_deref().is_none_or(target));
    let named = command.words.iter().skip(1).any(|w| w.literal.as_deref().is_some_and(target));
    match by {
        // Distributions put a program in one place; a package only fills that place.
        "apt" | "apt-get" | "apk" | "yum" | "dnf" | "microdnf" | "tdnf" | "zypper" | "pacman" | "dpkg"
        | "rpm" => {
            if is_core(name) || is_system(name) {
                Hash::Same
            } else {
                Hash::Possible
            }
        }
        "ln"
        | "cp"
        | "mv"
        | "install"
        | "update-alternatives"
        | "rm"
        | "curl"
        | "wget"
        | "tee"
        | "unlink" => match (named, names_it) {
            (true, _) => Hash::Certain,
            (false, true) if is_core(name) => Hash::Same,
            (false, true) if !is_system(name) => Hash::Possible,
            _ => Hash::Same,
        },
        "tar" | "unzip" | "rsync" | "git" | "java" | "python" | "python3" | "perl" | "ruby" | "php"
        | "node" => {
            if is_core(name) {
                Hash::Same
            } else {
                Hash::Possible
            }
        }
        _ if is_core(by) || is_system(by) => Hash::Same,
        _ if is_tool(by) && keeps_to_itself(by, command) => Hash::Same,
        _ if is_tool(by) && named => Hash::Certain,
        _ if is_tool(by) => {
            if is_core(name) || is_system(name) {
                Hash::Same
            } else {
                Hash::Possible
            }
        }
        _ if is_core(name) => Hash::Same,
        _ => Hash::Possible,
    }
}

/// Whether a call of a language's package manager puts nothing into a directory of PATH.
fn keeps_to_itself(by: &str, command: &SimpleCommand) -> bool {
    let sub = command.arguments().flatten().find(|a| !a.starts_with('-'));
    let global = command.has("-g") || command.has("--global") || command.has("--location=global");
    match by {
        "npm" | "pnpm" => {
            matches!(sub, Some("ci" | "install" | "i" | "cache" | "config" | "prune")) && !global
        }
        "yarn" => matches!(sub, None | Some("install" | "add" | "cache" | "config")),
        "pip" | "pip2" | "pip3" => {
            matches!(sub, None | Some("cache" | "config" | "list" | "show" | "check" | "freeze"))
        }
        "go" => matches!(sub, Some("mod" | "env" | "version" | "vet" | "test")),
        "gem" => matches!(sub, Some("cleanup" | "list" | "sources")),
        "composer" => sub != Some("global"),
        _ => false,
    }
}

fn is_shell_builtin(name: &str) -> bool {
    matches!(name, "echo" | "printf" | "test" | "true" | "false" | "pwd" | "type")
}

/// Whether a command changes which program `sh` is: the next RUN would get another shell, the rest of this one not.
pub(crate) fn changes_shell(command: &SimpleCommand) -> bool {
    let is_shell = |text: &str| {
        let name = text.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
        matches!(name, "sh" | "bash" | "dash" | "ash" | "busybox")
    };
    match command.name() {
        Some(
            "ln"
            | "rm"
            | "mv"
            | "cp"
            | "install"
            | "unlink"
            | "dpkg-divert"
            | "update-alternatives"
            | "dpkg-reconfigure",
        ) => command.words.iter().skip(1).any(|w| is_shell(&w.raw)),
        Some("debconf-set-selections") => true,
        _ => false,
    }
}

/// Whether a script's words change the shell or look at what differs between two shells: `${X:=y}`, arithmetic,
/// `$!`, `$$`, `$_`; or touch files that no layer keeps.
pub(crate) fn words_leak(script: &Script) -> bool {
    let text = script.text();
    if ["/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/dev/shm"].iter().any(|path| text.contains(path))
    {
        return true;
    }
    let mut stack: Vec<Node<'_>> = vec![script.root()];
    while let Some(node) = stack.pop() {
        let raw = &text[node.byte_range()];
        match node.kind() {
            "arithmetic_expansion" | "process_substitution" | "function_definition" => return true,
            "expansion" => {
                let inner = raw.trim_start_matches("${");
                let name = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
                if name.starts_with('=') || name.starts_with(":=") || inner.starts_with('!') {
                    return true;
                }
            }
            "special_variable_name" if matches!(raw, "!" | "$" | "_" | "-") => return true,
            "variable_name" if matches!(raw, "_" | "OLDPWD" | "RANDOM" | "SECONDS" | "BASHPID" | "SHLVL") => {
                return true;
            }
            "file_redirect" if raw.contains("/proc/") || raw.contains("/sys/") => return true,
            _ => {}
        }
        let mut cursor = node.walk();
        stack.extend(node.children(&mut cursor));
    }
    false
}
