//! Platform specifiers, as `FROM --platform=` takes them: containerd/platforms' `Parse`, `Normalize`, `Format` and
//! `FormatAll`.

use std::fmt;

use layerwise_syntax::gostr::quote;

use crate::gopath::path_join;

/// A platform; empty strings for what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Platform {
    /// `linux`, `windows` and so on, in Go's terms.
    pub os: String,
    /// `amd64`, `arm64` and so on, in Go's terms.
    pub architecture: String,
    /// `v8` of `linux/arm64/v8`.
    pub variant: String,
    /// `10.0.17763` of `windows(10.0.17763)`.
    pub os_version: String,
    /// `win32k` of `windows(10.0.17763+win32k)`, in the order written.
    pub os_features: Vec<String>,
}

/// Why a specifier is refused: containerd's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformError {
    message: String,
}

impl fmt::Display for PlatformError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PlatformError {}

/// How containerd's messages show what an operating system with its options must look like.
const OS_PATTERN: &str = r"^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$";
/// The same for the other components.
const COMPONENT_PATTERN: &str = "^[A-Za-z0-9_.-]+$";

const KNOWN_OS: [&str; 17] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "windows",
    "zos",
];

const KNOWN_ARCH: [&str; 24] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "ppc64",
    "ppc64le",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

impl Platform {
    /// Parses `<os>[(<version>+<feature>...)]`, `<arch>`, `<os>/<arch>` or `<os>/<arch>/<variant>`. A missing
    /// architecture is the host's; a missing operating system is [`Self::host_default`]'s. Components are normalized;
    /// unknown ones pass unless they stand alone.
    pub fn parse(specifier: &str) -> Result<Self, PlatformError> {
        let invalid =
            |message: String| Err(PlatformError { message: format!("{message}: invalid argument") });
        let shown = quote(specifier);
        if specifier.contains('*') {
            return invalid(format!("{shown}: wildcards not yet supported"));
        }
        let parts: Vec<&str> = specifier.splitn(4, '/').collect();
        let (first, others) = parts.split_first().map_or(("", &[][..]), |(first, others)| (*first, others));
        let Some((os, version, features)) = split_os(first) else {
            return invalid(format!(
                "{} is an invalid OS component of {shown}: OSAndVersion specifier component must match {}",
                quote(first),
                quote(OS_PATTERN)
            ));
        };
        let option = |text: &str, what: &str| {
            path_unescape(text).map_err(|why| PlatformError {
                message: format!("{shown} has an invalid OS {what} {}: {why}", quote(text)),
            })
        };
        let mut platform =
            Self { os: normalize_os(os), os_version: option(version, "version")?, ..Self::default() };
        for feature in features {
            platform.os_features.push(option(feature, "feature")?);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if let Some(part) = others.iter().find(|part| part.is_empty() || !part.bytes().all(allowed)) {
            return invalid(format!(
                "{} is an invalid component of {shown}: platform specifier component must match {}",
                quote(part),
                quote(COMPONENT_PATTERN)
            ));
        }
        let (architecture, variant) = match others {
            [] if KNOWN_OS.contains(&platform.os.as_str()) => {
                (Self::host_default().architecture, String::new())
            }
            [] => {
                platform.os = Self::host_default().os;
                let (architecture, variant) = without_v7(normalize_arch(first, ""));
                if !KNOWN_ARCH.contains(&architecture.as_str()) {
                    return invalid(format!("{shown}: unknown operating system or architecture"));
                }
                (architecture, variant)
            }
            [architecture] => without_v7(normalize_arch(architecture, "")),
            [architecture, variant] => match normalize_arch(architecture, variant) {
                (architecture, variant) if architecture == "arm64" && variant.is_empty() => {
                    (architecture, "v8".to_owned())
                }
                normalized => normalized,
            },
            _ => return invalid(format!("{shown}: cannot parse platform specifier")),
        };
        Ok(Self { architecture, variant, ..platform })
    }

    /// The platform in canonical terms: aliases resolved, the usual variants (arm64/v8, amd64/v1) dropped and a missing
    /// one of arm filled in, features sorted. Two platforms are the same if they are equal normalized.
    pub fn normalize(&self) -> Self {
        let (architecture, variant) = normalize_arch(&self.architecture, &self.variant);
        let mut os_features = self.os_features.clone();
        os_features.sort();
        os_features.dedup();
        let os = normalize_os(&self.os);
        Self { os, architecture, variant, os_version: self.os_version.clone(), os_features }
    }

    /// `os/architecture[/variant]`: what BuildKit shows and gives to `TARGETPLATFORM`. `unknown` without an operating
    /// system.
    pub fn format(&self) -> String {
        self.format_with(&self.os)
    }

    /// As [`Self::format`], with the operating system's version and features.
    pub fn format_all(&self) -> String {
        let mut features: Vec<&String> =
            self.os_features.iter().filter(|feature| !feature.is_empty()).collect();
        features.sort();
        let mut options = encode_option(&self.os_version);
        for feature in features {
            options.push('+');
            options.push_str(&encode_option(feature));
        }
        if options.is_empty() { self.format() } else { self.format_with(&format!("{}({options})", self.os)) }
    }

    fn format_with(&self, os: &str) -> String {
        if self.os.is_empty() {
            return "unknown".to_owned();
        }
        path_join(&[os, &self.architecture, &self.variant])
    }

    /// The platform that a builder on this machine has without being told: Linux, for Docker runs its builds in a Linux
    /// machine wherever it is installed, with the processor's architecture.
    pub fn host_default() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "loongarch64" => "loong64",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), ..Self::default() }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format())
    }
}

/// Name, version and features of the first component; `None` if it does not match [`OS_PATTERN`].
fn split_os(text: &str) -> Option<(&str, &str, Vec<&str>)> {
    let (name, options) = match text.split_once('(') {
        Some((name, options)) => (name, options.strip_suffix(')')?),
        None => (text, ""),
    };
    let name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let option_byte = |byte: u8| name_byte(byte) || matches!(byte, b'.' | b'%');
    let mut parts = options.split('+');
    let version = parts.next().unwrap_or_default();
    let features: Vec<&str> = parts.collect();
    let valid = !name.is_empty()
        && name.bytes().all(name_byte)
        && version.bytes().all(option_byte)
        && features.iter().all(|feature| !feature.is_empty() && feature.bytes().all(option_byte));
    valid.then_some((name, version, features))
}

fn normalize_os(os: &str) -> String {
    match os.to_ascii_lowercase().as_str() {
        "" => Platform::host_default().os,
        "macos" => "darwin".to_owned(),
        other => other.to_owned(),
    }
}

fn normalize_arch(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = (architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}

/// The usual variant of arm is left unsaid where none was written.
fn without_v7((architecture, variant): (String, String)) -> (String, String) {
    if architecture == "arm" && variant == "v7" {
        (architecture, String::new())
    } else {
        (architecture, variant)
    }
}

fn encode_option(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '%' => out.push_str("%25"),
            '+' => out.push_str("%2B"),
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '/' => out.push_str("%2F"),
            _ => out.push(ch),
        }
    }
    out
}

/// Go's `url.PathUnescape`; the error is its message. Bytes that are not UTF-8 become U+FFFD.
fn path_unescape(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(code) = code else {
            let shown = String::from_utf8_lossy(after.get(..2).unwrap_or(after)).into_owned();
            return Err(format!("invalid URL escape {}", quote(&format!("%{shown}"))));
        };
        out.push(code);
        rest = after.get(2..).unwrap_or_default();
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parsed platform formatted with its options, or the message.
    fn parsed(specifier: &str) -> String {
        Platform::parse(specifier).map_or_else(|error| error.to_string(), |platform| platform.format_all())
    }

    #[test]
    fn specifiers() {
        let host = Platform::host_default();
        for (specifier, expected) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/X86_64", "linux/amd64"),
            ("linux/x86-64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/i386", "linux/386"),
            ("linux/arm64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64/v8"),
            ("linux/arm64/8", "linux/arm64/v8"),
            ("linux/aarch64/v9.0", "linux/arm64/v9"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm", "linux/arm"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/armhf", "linux/arm"),
            ("linux/armel", "linux/arm/v6"),
            ("macos/arm64", "darwin/arm64"),
            ("linux/made-up_1.0", "linux/made-up_1.0"),
            ("Other/thing/X", "other/thing/x"),
            ("arm", "linux/arm"),
            ("armhf", "linux/arm"),
            ("armel", "linux/arm/v6"),
            ("Aarch64", "linux/arm64"),
            ("x86_64", "linux/amd64"),
            ("amd64", "linux/amd64"),
            ("386", "linux/386"),
            ("s390x", "linux/s390x"),
            ("windows(10.0.17763)/amd64", "windows(10.0.17763)/amd64"),
            ("windows()/amd64", "windows/amd64"),
            ("linux(+b+a)/amd64", "linux(+a+b)/amd64"),
            ("windows(1%2B2+c%25)/amd64", "windows(1%2B2+c%25)/amd64"),
        ] {
            assert_eq!(parsed(specifier), expected, "{specifier}");
        }
        assert_eq!(parsed("linux"), host.format());
        assert_eq!(parsed("MacOS"), format!("darwin/{}", host.architecture));
        assert_eq!(parsed("windows(1)"), format!("windows(1)/{}", host.architecture));
    }

    #[test]
    fn refusals() {
        let os = r#"OSAndVersion specifier component must match "^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$": invalid argument"#;
        let component = r#"platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument"#;
        for (specifier, message) in [
            ("", format!(r#""" is an invalid OS component of "": {os}"#)),
            ("/amd64", format!(r#""" is an invalid OS component of "/amd64": {os}"#)),
            ("linux /arm", format!(r#""linux " is an invalid OS component of "linux /arm": {os}"#)),
            ("linux(", format!(r#""linux(" is an invalid OS component of "linux(": {os}"#)),
            ("linux(a)b", format!(r#""linux(a)b" is an invalid OS component of "linux(a)b": {os}"#)),
            ("linux(a++b)", format!(r#""linux(a++b)" is an invalid OS component of "linux(a++b)": {os}"#)),
            ("linux/", format!(r#""" is an invalid component of "linux/": {component}"#)),
            ("linux/arm/", format!(r#""" is an invalid component of "linux/arm/": {component}"#)),
            ("linux/&", format!(r#""&" is an invalid component of "linux/&": {component}"#)),
            ("linux/é", format!(r#""é" is an invalid component of "linux/é": {component}"#)),
            ("linux/a/b/c", r#""linux/a/b/c": cannot parse platform specifier: invalid argument"#.to_owned()),
            ("linux/a/b/c/d", format!(r#""c/d" is an invalid component of "linux/a/b/c/d": {component}"#)),
            ("linux/*", r#""linux/*": wildcards not yet supported: invalid argument"#.to_owned()),
            (
                "toaster",
                r#""toaster": unknown operating system or architecture: invalid argument"#.to_owned(),
            ),
            (
                "windows(%zz)",
                r#""windows(%zz)" has an invalid OS version "%zz": invalid URL escape "%zz""#.to_owned(),
            ),
            (
                "linux(+a%1)",
                r#""linux(+a%1)" has an invalid OS feature "a%1": invalid URL escape "%1""#.to_owned(),
            ),
        ] {
            assert_eq!(parsed(specifier), message, "{specifier:?}");
        }
    }

    #[test]
    fn normalizing() {
        let normal = |specifier: &str| Platform::parse(specifier).expect(specifier).normalize();
        for (left, right) in [
            ("linux/arm64", "linux/arm64/v8"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armel", "linux/arm/6"),
            ("linux/amd64", "linux/x86_64/v1"),
            ("linux(+a+b+a)/amd64", "linux(+b+a)/amd64"),
        ] {
            assert_eq!(normal(left), normal(right), "{left} {right}");
        }
        assert_ne!(normal("linux/arm/v6"), normal("linux/arm"));
        assert_eq!(Platform::default().format(), "unknown");
        assert_eq!(Platform::default().normalize().os, "linux");
    }

    #[test]
    fn host() {
        let host = Platform::host_default();
        assert_eq!(Platform::parse(&host.format()), Ok(host.clone()));
        #[cfg(target_arch = "x86_64")]
        assert_eq!(host.to_string(), "linux/amd64");
        #[cfg(target_arch = "aarch64")]
        assert_eq!(host.to_string(), "linux/arm64");
    }
}
