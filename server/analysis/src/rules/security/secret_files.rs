//! Files that hold secrets, by their names, and where a Dockerfile copies them.

use std::ops::Range;

use layerwise_model::eval::{Command, Source, is_url};

use crate::ranges::{head, is_verbatim};
use crate::rules::{FileCx, stages};

/// What a file of this name holds, if it is a secret. The path may have folders.
pub(super) fn secret(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let folder = path.strip_suffix(path.rsplit('/').next().unwrap_or_default()).unwrap_or_default();
    let in_folder = |wanted: &str| folder.trim_end_matches('/').rsplit('/').next() == Some(wanted);
    let public = ["pub", "public", "example", "sample", "template", "dist", "test", "default", "tpl", "tmpl"];
    if name.split(['.', '-', '_']).any(|part| public.contains(&part)) {
        return None;
    }
    let holds = match name.as_str() {
        ".env" | ".env.production" | ".env.prod" | ".env.local" | ".env.staging" => {
            "settings with their passwords"
        }
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => "a private SSH key",
        ".netrc" | "_netrc" | ".git-credentials" | ".pypirc" => "logins",
        ".pgpass" | ".my.cnf" => "a database login",
        ".vault-token" | "kubeconfig" => "credentials of a cluster",
        ".aws" | ".ssh" | ".gnupg" | ".kube" => "the credentials of a person",
        ".dockercfg" => "logins of registries",
        "config.json" if in_folder(".docker") => "logins of registries",
        "credentials" if in_folder(".aws") => "AWS credentials",
        "config" if in_folder(".kube") => "credentials of a cluster",
        "service-account.json" | "serviceaccount.json" | "service_account.json" => "a service account's key",
        _ if name.ends_with(".p12") || name.ends_with(".pfx") => "a certificate with its private key",
        // Keys of package repositories are public.
        _ if (name.ends_with(".key") || name.ends_with(".pem")) && is_private_key(&name, folder) => {
            "a private key"
        }
        _ => return None,
    };
    Some(holds)
}

fn is_private_key(name: &str, folder: &str) -> bool {
    let public = [
        "gpg", "apt", "repo", "rpm", "signing", "archive", "release", "asc", "cert", "crt", "ca", "chain",
        "bundle", "license",
    ];
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let words = || stem.split(['.', '-', '_']);
    if words().any(|word| public.contains(&word))
        || ["gpg", "keyrings", "apt"].iter().any(|word| folder.contains(word))
    {
        return false;
    }
    let private = [
        "key",
        "privkey",
        "private",
        "privatekey",
        "server",
        "tls",
        "ssl",
        "localhost",
        "client",
        "domain",
        "host",
        "rsa",
        "jwt",
    ];
    if name.ends_with(".key") {
        words().any(|word| private.contains(&word))
    } else {
        words().any(|word| matches!(word, "key" | "privkey" | "private" | "privatekey"))
    }
}

/// A secret file that the image gets from the build context.
pub(super) struct Copied {
    /// The instruction.
    pub(super) number: usize,
    /// The source in the document.
    pub(super) range: Range<usize>,
    /// The source as written.
    pub(super) source: String,
    /// What it holds.
    pub(super) holds: &'static str,
    /// Where it comes to lie.
    pub(super) dest: String,
}

/// The secret files that the shipped image copies by their names.
pub(super) fn copied(cx: &FileCx<'_>) -> Vec<Copied> {
    let Some((_, stage)) = stages::shipped(cx) else { return Vec::new() };
    let mut found = Vec::new();
    for (number, instruction) in stages::chain(cx, stage) {
        let Command::Copy(copy) = &cx.eval.step(number).command else { continue };
        if copy.from != Source::Context {
            continue;
        }
        for (position, source) in copy.sources.iter().enumerate().filter(|(_, source)| !is_url(source)) {
            let Some(holds) = secret(source) else { continue };
            let word = instruction
                .args()
                .iter()
                .find(|word| word.value == *source && is_verbatim(instruction, word))
                .or_else(|| instruction.args().get(position));
            let range = word.map_or_else(|| head(instruction), |word| word.range.clone());
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
            let dest = match copy.dest_path.strip_suffix('/') {
                Some(folder) => format!("{folder}/{name}"),
                None if copy.dest_path.ends_with("/.") => {
                    format!("{}{name}", copy.dest_path.trim_end_matches('.'))
                }
                None => copy.dest_path.clone(),
            };
            found.push(Copied {
                number,
                range: cx.file.absolute(number, range),
                source: source.clone(),
                holds,
                dest,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn names() {
        for name in [
            ".env",
            "a/.env.production",
            "id_rsa",
            "ssl/server.key",
            "certs/tls-key.pem",
            ".ssh/",
            ".docker/config.json",
            "x.pfx",
        ] {
            assert!(secret(name).is_some(), "{name}");
        }
        for name in [
            ".env.example",
            "id_rsa.pub",
            "config.json",
            "server.crt",
            "ca.pem",
            "nginx_signing.key",
            "docker.gpg.key",
            "keyrings/a.key",
            "public.key",
            "env",
            ".npmrc",
            "a.key",
            "cert.pem",
        ] {
            assert_eq!(secret(name), None, "{name}");
        }
    }
}
