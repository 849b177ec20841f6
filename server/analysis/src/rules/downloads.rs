//! Downloads that a RUN makes.

use layerwise_model::facts::{Argument, Command};

/// The URLs that curl, wget or git are asked for, proxies not among them.
pub(super) fn urls(command: &Command) -> impl Iterator<Item = &Argument> {
    let fetches = matches!(command.name.as_str(), "curl" | "wget" | "git" | "aria2c" | "axel");
    let args = if fetches { command.args.as_slice() } else { &[] };
    args.iter().enumerate().filter_map(move |(at, arg)| {
        let before = at.checked_sub(1).and_then(|at| args.get(at)).map_or("", |arg| arg.text.as_str());
        let other = matches!(
            before,
            "-x" | "--proxy"
                | "-e"
                | "--referer"
                | "-H"
                | "--header"
                | "-d"
                | "--data"
                | "-A"
                | "config"
                | "http.proxy"
        );
        (!other && is_url(&arg.text)).then_some(arg)
    })
}

fn is_url(text: &str) -> bool {
    let text = text.trim_start_matches(['"', '\'']);
    ["http://", "https://", "ftp://"].iter().any(|scheme| text.starts_with(scheme))
}

/// The host of a URL, without user and port.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '"', '\'']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    host.split(':').next().unwrap_or(host)
}

/// Whether a host is on the same machine or in a network of one's own, or is not known.
pub(super) fn is_local(host: &str) -> bool {
    let private = ["127.", "10.", "192.168.", "169.254.", "172.1", "172.2", "172.3", "0."];
    !host.contains('.')
        || host.contains(['$', '`', '{', '<'])
        || private.iter().any(|start| host.starts_with(start))
        || [
            ".local",
            ".internal",
            ".lan",
            ".localdomain",
            ".localhost",
            ".corp",
            ".svc",
            ".home",
            ".intranet",
        ]
        .iter()
        .any(|end| host.ends_with(end))
}

/// Whether a script checks what it fetched: with a hash or a signature.
pub(super) fn verifies(commands: &[Command]) -> bool {
    commands.iter().any(|command| {
        let name = command.name.as_str();
        name.ends_with("sum")
            && (name.starts_with("sha") || name.starts_with("md5") || name.starts_with("b2"))
            || matches!(
                name,
                "shasum" | "gpg" | "gpgv" | "gpg2" | "cosign" | "minisign" | "rpmkeys" | "slsa-verifier"
            )
            || (name == "openssl" && command.subcommand() == Some("dgst"))
    })
}
