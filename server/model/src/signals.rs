//! What STOPSIGNAL takes.
//!
//! Source: github.com/moby/sys/signal (`ParseSignal`), Linux.

/// The names of Linux signals, without `SIG`.
const NAMES: [&str; 37] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE",
    "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "UNUSED", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];

/// How many real-time signals have a name of their own behind `RTMIN+` and `RTMAX-`.
const REAL_TIME: (u8, u8) = (15, 14);

/// Whether `text` is a signal: a number other than 0, or a name with or without `SIG`, in any case.
pub fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |prefix: &str, most: u8| {
        name.strip_prefix(prefix)
            .is_some_and(|n| !n.starts_with(['0', '+']) && n.parse::<u8>().is_ok_and(|n| n <= most))
    };
    NAMES.contains(&name) || offset("RTMIN+", REAL_TIME.0) || offset("RTMAX-", REAL_TIME.1)
}

#[cfg(test)]
mod tests {
    use super::is_signal;

    #[test]
    fn names_and_numbers() {
        for good in ["SIGTERM", "term", "9", "37", "SIGRTMIN+3", "RTMAX-14", "SIGRTMIN"] {
            assert!(is_signal(good), "{good}");
        }
        for bad in ["", "0", "SIGNOPE", "RTMIN+16", "RTMIN+03", "SIG"] {
            assert!(!is_signal(bad), "{bad}");
        }
    }
}
