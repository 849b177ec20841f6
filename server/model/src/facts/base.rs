//! What a base image has, from its name: the distribution, the C library, the shell, the tools.
//!
//! Source: the images' own documentation on Docker Hub, and `knowledge/ecosystems` for the images of languages. A name says
//! nothing certain of an image that is not in these lists; it is [`Family::Unknown`] then, and rules stay silent.

/// The distribution that an image is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Nothing: FROM scratch.
    Scratch,
    /// Debian.
    Debian,
    /// Ubuntu.
    Ubuntu,
    /// Alpine.
    Alpine,
    /// Red Hat and what is made from it: CentOS, Rocky, Alma, UBI, Oracle, Amazon.
    RedHat,
    /// Fedora.
    Fedora,
    /// openSUSE and SUSE.
    Suse,
    /// Arch Linux.
    Arch,
    /// BusyBox alone.
    Busybox,
    /// Google's distroless images, and Chainguard's.
    Distroless,
    /// Windows.
    Windows,
    /// Not known.
    #[default]
    Unknown,
}

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libc {
    /// The GNU one.
    Glibc,
    /// Alpine's.
    Musl,
    /// None.
    None,
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Debian's and Ubuntu's /bin/sh.
    Dash,
    /// BusyBox' /bin/sh.
    Ash,
    /// bash, also as /bin/sh.
    Bash,
    /// Another shell of which POSIX sh scripts are understood: zsh, ksh.
    Posix,
    /// PowerShell.
    PowerShell,
    /// cmd.exe.
    Cmd,
    /// Another program that takes the text.
    Other,
}

/// A program that base images may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// curl.
    Curl,
    /// wget; BusyBox has a small one.
    Wget,
    /// bash.
    Bash,
    /// git.
    Git,
    /// The trusted certificates of TLS.
    Certificates,
    /// The time zones.
    Zones,
    /// A C compiler.
    Compiler,
}

impl Shell {
    /// The shell that SHELL names.
    pub fn of_words(words: &[String]) -> Shell {
        let Some(first) = words.first() else { return Shell::Other };
        let name = first.rsplit(['/', '\\']).next().unwrap_or(first).to_ascii_lowercase();
        match name.trim_end_matches(".exe") {
            "bash" => Shell::Bash,
            "sh" | "zsh" | "ksh" | "mksh" => Shell::Posix,
            "dash" => Shell::Dash,
            "ash" | "busybox" => Shell::Ash,
            "pwsh" | "powershell" => Shell::PowerShell,
            "cmd" => Shell::Cmd,
            _ => Shell::Other,
        }
    }

    /// Whether it understands the shell language of POSIX.
    pub fn is_posix(self) -> bool {
        matches!(self, Shell::Dash | Shell::Ash | Shell::Bash | Shell::Posix)
    }
}

/// What is known of a base image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseFacts {
    /// The repository as people write it: `python`, `gcr.io/distroless/static`; empty for scratch and what is no image.
    pub name: String,
    /// The tag; `latest` where neither tag nor digest is given, empty where there is only a digest.
    pub tag: String,
    /// Whether it is one of Docker's official images.
    pub official: bool,
    /// The distribution.
    pub family: Family,
    /// Whether it is a variant with few packages: `slim`, `alpine`, distroless and plain distributions.
    pub small: bool,
}

/// Official images made from buildpack-deps, unless the tag says slim or alpine: curl, wget, git and a compiler are there.
const BUILDPACK: [&str; 15] = [
    "buildpack-deps",
    "elixir",
    "erlang",
    "gcc",
    "golang",
    "haskell",
    "julia",
    "node",
    "openjdk",
    "perl",
    "pypy",
    "python",
    "ruby",
    "rust",
    "r-base",
];

/// Other official images made from Debian unless the tag says otherwise.
const DEBIAN: [&str; 27] = [
    "cassandra",
    "couchdb",
    "drupal",
    "ghost",
    "haproxy",
    "httpd",
    "joomla",
    "mariadb",
    "mediawiki",
    "memcached",
    "mongo",
    "mysql",
    "neo4j",
    "nextcloud",
    "nginx",
    "odoo",
    "percona",
    "php",
    "postgres",
    "rabbitmq",
    "redis",
    "redmine",
    "swift",
    "telegraf",
    "tomcat",
    "varnish",
    "wordpress",
];

/// Official images made from Alpine whatever the tag says.
const ALPINE: [&str; 8] = ["alpine", "caddy", "composer", "consul", "docker", "registry", "traefik", "vault"];

/// Releases of Debian, by name.
const DEBIAN_SUITES: [&str; 9] =
    ["wheezy", "jessie", "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "sid"];

/// Releases of Ubuntu, by name.
const UBUNTU_SUITES: [&str; 9] =
    ["trusty", "xenial", "bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing"];

impl BaseFacts {
    /// Facts of scratch.
    pub fn scratch() -> BaseFacts {
        BaseFacts { family: Family::Scratch, small: true, ..BaseFacts::default() }
    }

    /// Facts of an image by its normalized reference: `docker.io/library/python:3.12-slim`.
    pub fn of(reference: &str) -> BaseFacts {
        let (name, digest) = match reference.split_once('@') {
            Some((name, _)) => (name, true),
            None => (reference, false),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (name, if digest { "" } else { "latest" }),
        };
        let official = name.starts_with("docker.io/library/");
        let name = name
            .strip_prefix("docker.io/library/")
            .or_else(|| name.strip_prefix("docker.io/"))
            .unwrap_or(name);
        let family = family(name, tag, official);
        let words = || tag.split(['-', '.', '_']);
        let small = words().any(|word| word == "slim" || word.starts_with("alpine"))
            || matches!(family, Family::Distroless | Family::Busybox | Family::Scratch)
            || (official && matches!(name, "alpine" | "debian" | "ubuntu"));
        BaseFacts { name: name.to_owned(), tag: tag.to_owned(), official, family, small }
    }

    /// The C library.
    pub fn libc(&self) -> Option<Libc> {
        match self.family {
            Family::Scratch => Some(Libc::None),
            Family::Alpine => Some(Libc::Musl),
            Family::Debian
            | Family::Ubuntu
            | Family::RedHat
            | Family::Fedora
            | Family::Suse
            | Family::Arch => Some(Libc::Glibc),
            Family::Distroless if self.name.contains("/static") => Some(Libc::None),
            Family::Distroless if self.name.starts_with("gcr.io/distroless/") => Some(Libc::Glibc),
            _ => None,
        }
    }

    /// What /bin/sh is; `Some(None)` where there is none.
    pub fn shell(&self) -> Option<Option<Shell>> {
        match self.family {
            Family::Scratch => Some(None),
            Family::Distroless => {
                let has = self.tag.split('-').any(|word| matches!(word, "debug" | "dev"));
                Some(has.then_some(Shell::Ash))
            }
            Family::Alpine | Family::Busybox => Some(Some(Shell::Ash)),
            Family::Debian | Family::Ubuntu => Some(Some(Shell::Dash)),
            Family::RedHat | Family::Fedora | Family::Suse | Family::Arch => Some(Some(Shell::Bash)),
            Family::Windows => Some(Some(Shell::Cmd)),
            Family::Unknown => None,
        }
    }

    /// Whether it has a program; `None` where that is not known.
    pub fn has(&self, tool: Tool) -> Option<bool> {
        let full = self.official && BUILDPACK.contains(&self.name.as_str()) && !self.small;
        match (self.family, tool) {
            (Family::Scratch, _) => Some(false),
            (Family::Distroless, Tool::Certificates | Tool::Zones) => None,
            (Family::Distroless, _) => self.shell().map(|_| false),
            (Family::Busybox, Tool::Wget) | (Family::Alpine, Tool::Wget | Tool::Certificates) => Some(true),
            (Family::Busybox, _) => Some(false),
            (Family::Alpine, _) if self.official && self.name == "alpine" => Some(false),
            (Family::Alpine, Tool::Bash | Tool::Curl | Tool::Git)
                if self.official && BUILDPACK.contains(&self.name.as_str()) =>
            {
                Some(false)
            }
            (Family::Debian | Family::Ubuntu, Tool::Bash) => Some(true),
            (Family::Debian | Family::Ubuntu, _) if full => Some(true),
            (Family::Debian | Family::Ubuntu, Tool::Curl | Tool::Wget | Tool::Git | Tool::Compiler)
                if self.official
                    && (matches!(self.name.as_str(), "debian" | "ubuntu")
                        || (self.small && BUILDPACK.contains(&self.name.as_str()))) =>
            {
                // golang's and rust's slim variants have a compiler.
                (tool != Tool::Compiler
                    || matches!(self.name.as_str(), "debian" | "ubuntu" | "python" | "node"))
                .then_some(false)
            }
            (Family::Debian | Family::Ubuntu, Tool::Certificates)
                if self.official && matches!(self.name.as_str(), "debian" | "ubuntu") =>
            {
                Some(false)
            }
            (Family::RedHat | Family::Fedora | Family::Arch, Tool::Bash | Tool::Certificates) => Some(true),
            _ => None,
        }
    }
}

fn family(name: &str, tag: &str, official: bool) -> Family {
    let words: Vec<&str> = tag.split(['-', '_']).collect();
    let last = name.rsplit('/').next().unwrap_or(name);
    if name.starts_with("gcr.io/distroless/") {
        return Family::Distroless;
    }
    if name.starts_with("cgr.dev/chainguard/") {
        return if last == "wolfi-base" { Family::Unknown } else { Family::Distroless };
    }
    if name.starts_with("mcr.microsoft.com/windows")
        || words.iter().any(|w| w.starts_with("nanoserver") || w.starts_with("windowsservercore"))
    {
        return Family::Windows;
    }
    if name.starts_with("registry.access.redhat.com/ubi") || name.starts_with("registry.redhat.io/ubi") {
        return Family::RedHat;
    }
    if name.starts_with("opensuse/")
        || name.starts_with("registry.suse.com/")
        || name.starts_with("registry.opensuse.org/")
    {
        return Family::Suse;
    }
    let dotnet = name.starts_with("mcr.microsoft.com/dotnet/");
    if !official && !dotnet {
        return match name {
            "rockylinux/rockylinux" | "almalinux/almalinux" => Family::RedHat,
            "bitnami/minideb" => Family::Debian,
            _ => Family::Unknown,
        };
    }
    match last {
        "debian" => return Family::Debian,
        "ubuntu" => return Family::Ubuntu,
        "centos" | "rockylinux" | "almalinux" | "oraclelinux" | "amazonlinux" => return Family::RedHat,
        "fedora" => return Family::Fedora,
        "archlinux" => return Family::Arch,
        "busybox" => return Family::Busybox,
        // Before these versions they were made from Debian and from nothing.
        "registry" | "traefik"
            if official && is_before(tag, if last == "registry" { (2, 5) } else { (2, 0) }) =>
        {
            return Family::Unknown;
        }
        _ if official && ALPINE.contains(&last) => return Family::Alpine,
        _ => {}
    }
    if words.iter().any(|w| w.starts_with("alpine")) {
        return Family::Alpine;
    }
    if dotnet && words.iter().any(|w| w.starts_with("azurelinux") || w.starts_with("cbl")) {
        return Family::Unknown;
    }
    if words.iter().any(|w| DEBIAN_SUITES.contains(w)) {
        return Family::Debian;
    }
    if words.iter().any(|w| UBUNTU_SUITES.contains(w)) {
        return Family::Ubuntu;
    }
    if words.iter().any(|w| w.starts_with("oracle") || w.starts_with("ubi") || w.starts_with("al2")) {
        return Family::RedHat;
    }
    match last {
        "eclipse-temurin" | "sapmachine" => Family::Ubuntu,
        "amazoncorretto" => Family::RedHat,
        // An untagged digest says nothing of the variant.
        _ if tag.is_empty() => Family::Unknown,
        _ if dotnet => {
            let major = tag.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| (5..10).contains(&major)) { Family::Debian } else { Family::Unknown }
        }
        _ if BUILDPACK.contains(&last) && last != "openjdk" => Family::Debian,
        _ if DEBIAN.contains(&last)
            && !matches!(last, "mysql" | "mariadb" | "tomcat" | "rabbitmq" | "mongo" | "neo4j" | "swift") =>
        {
            Family::Debian
        }
        "mariadb" | "rabbitmq" | "mongo" | "tomcat" | "swift" => Family::Ubuntu,
        _ => Family::Unknown,
    }
}

/// Whether a tag names a version below this one; no version is none.
fn is_before(tag: &str, version: (u32, u32)) -> bool {
    let mut numbers = tag.trim_start_matches('v').split(['.', '-']).map(str::parse::<u32>);
    let Some(Ok(major)) = numbers.next() else { return false };
    let minor = numbers.next().and_then(Result::ok).unwrap_or(u32::MAX);
    (major, minor) < version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (reference, family, libc) in [
            ("docker.io/library/python:3.12-slim", Family::Debian, Some(Libc::Glibc)),
            ("docker.io/library/python:3.12-alpine3.20", Family::Alpine, Some(Libc::Musl)),
            ("docker.io/library/node:22", Family::Debian, Some(Libc::Glibc)),
            ("docker.io/library/alpine:latest", Family::Alpine, Some(Libc::Musl)),
            ("docker.io/library/eclipse-temurin:21-jre", Family::Ubuntu, Some(Libc::Glibc)),
            ("docker.io/library/golang:1.22-windowsservercore", Family::Windows, None),
            ("gcr.io/distroless/static-debian12:latest", Family::Distroless, Some(Libc::None)),
            ("gcr.io/distroless/base:debug", Family::Distroless, Some(Libc::Glibc)),
            ("mcr.microsoft.com/dotnet/aspnet:8.0", Family::Debian, Some(Libc::Glibc)),
            ("mcr.microsoft.com/dotnet/aspnet:8.0-jammy", Family::Ubuntu, Some(Libc::Glibc)),
            ("mcr.microsoft.com/dotnet/aspnet:10.0", Family::Unknown, None),
            ("registry.access.redhat.com/ubi9/ubi-minimal:latest", Family::RedHat, Some(Libc::Glibc)),
            ("docker.io/library/node@sha256:00", Family::Unknown, None),
            ("docker.io/team/python:3", Family::Unknown, None),
            ("docker.io/library/registry:2.3.0", Family::Unknown, None),
            ("docker.io/library/registry:2", Family::Alpine, Some(Libc::Musl)),
            ("docker.io/library/traefik:v1.7", Family::Unknown, None),
            ("docker.io/library/traefik:v3.1", Family::Alpine, Some(Libc::Musl)),
            ("docker.io/library/telegraf:1.30", Family::Debian, Some(Libc::Glibc)),
            ("example.com/alpine:3", Family::Unknown, None),
        ] {
            let facts = BaseFacts::of(reference);
            assert_eq!((facts.family, facts.libc()), (family, libc), "{reference}");
        }
    }

    #[test]
    fn shells_and_tools() {
        let facts = |name: &str| BaseFacts::of(&format!("docker.io/library/{name}"));
        assert_eq!(facts("python:3.12-slim").has(Tool::Curl), Some(false));
        assert_eq!(facts("python:3.12").has(Tool::Curl), Some(true));
        assert_eq!(facts("alpine:3").has(Tool::Curl), Some(false));
        assert_eq!(facts("alpine:3").has(Tool::Wget), Some(true));
        assert_eq!(facts("nginx:1").has(Tool::Curl), None);
        assert_eq!(BaseFacts::of("example.com/x:1").has(Tool::Bash), None);
        assert_eq!(BaseFacts::scratch().shell(), Some(None));
        assert_eq!(BaseFacts::of("gcr.io/distroless/cc:debug").shell(), Some(Some(Shell::Ash)));
        assert_eq!(BaseFacts::of("gcr.io/distroless/cc:nonroot").shell(), Some(None));
        assert_eq!(facts("debian:12").shell(), Some(Some(Shell::Dash)));
        assert_eq!(Shell::of_words(&["/bin/bash".to_owned()]), Shell::Bash);
        assert_eq!(Shell::of_words(&["C:\\\\PowerShell.exe".to_owned()]), Shell::PowerShell);
    }
}
