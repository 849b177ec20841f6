//! What EXPOSE takes: `[[ip:]host-port:]port[-port][/protocol]`.
//!
//! Source: frontend/dockerfile/dockerfile2llb/convert_expose.go.

use std::net::IpAddr;

/// A port as written, its parts found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortSpec<'a> {
    /// The address in front; empty for none.
    pub ip: &'a str,
    /// The host's port or ports; empty for none.
    pub host: &'a str,
    /// The container's port or ports.
    pub container: &'a str,
    /// The protocol as written; empty for none, which means TCP.
    pub protocol: &'a str,
}

impl<'a> PortSpec<'a> {
    /// Finds the parts of one expanded word, wrong ones too.
    pub fn split(word: &'a str) -> PortSpec<'a> {
        let (before, last) = word.rsplit_once(':').unwrap_or(("", word));
        let (ip, host) = before.rsplit_once(':').unwrap_or(("", before));
        let (container, protocol) = last.split_once('/').unwrap_or((last, ""));
        PortSpec { ip, host, container, protocol }
    }

    /// Parses one expanded word.
    ///
    /// # Errors
    /// Why BuildKit refuses it, as the end of a sentence.
    pub fn parse(word: &'a str) -> Result<PortSpec<'a>, String> {
        let spec = PortSpec::split(word);
        if spec.container.is_empty() {
            return Err("the port is missing".to_owned());
        }
        if !matches!(spec.protocol.to_lowercase().as_str(), "" | "tcp" | "udp" | "sctp") {
            return Err(format!("`{}` is not a protocol; use tcp, udp or sctp", spec.protocol));
        }
        let bare = spec.ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(spec.ip);
        if !bare.is_empty() && bare.parse::<IpAddr>().is_err() {
            return Err(format!("`{}` is not an IP address", spec.ip));
        }
        let (first, last) = ports(spec.container)?;
        if !spec.host.is_empty() {
            let (host_first, host_last) = ports(spec.host)?;
            if first != last && last - first != host_last - host_first {
                return Err(format!("the ranges {} and {} differ in length", spec.host, spec.container));
            }
        }
        Ok(spec)
    }
}

/// One port or a range of them.
fn ports(text: &str) -> Result<(u32, u32), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (port(first)?, port(last)?);
    if to < from { Err(format!("the range {text} ends before it begins")) } else { Ok((from, to)) }
}

fn port(text: &str) -> Result<u32, String> {
    // Go takes a sign in front of a number.
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(if text.is_empty() {
            "a port is missing".to_owned()
        } else {
            format!("`{text}` is not a number")
        });
    }
    match digits.parse::<u32>() {
        Ok(port) if port <= 65_535 => Ok(port),
        _ => Err(format!("{text} is larger than 65535, the last port")),
    }
}

#[cfg(test)]
mod tests {
    use super::PortSpec;

    #[test]
    fn specs() {
        for good in [
            "80",
            "80/tcp",
            "80/TCP",
            "8000-9000",
            "1:2",
            "127.0.0.1:80:80",
            "[::1]:8080:8080",
            "::1:8080:80",
            "8000-8001:80",
            "80/",
        ] {
            assert!(PortSpec::parse(good).is_ok(), "{good}: {:?}", PortSpec::parse(good));
        }
        for bad in [
            "",
            "/tcp",
            "http",
            "80/http",
            "65536",
            "9000-8000",
            "x:80:80",
            "1-3:1-2",
            "-1",
            "80-",
            "99999999999",
        ] {
            assert!(PortSpec::parse(bad).is_err(), "{bad}");
        }
        let spec = PortSpec::split("[::1]:8080:80/TCP");
        assert_eq!((spec.ip, spec.host, spec.container, spec.protocol), ("[::1]", "8080", "80", "TCP"));
    }
}
