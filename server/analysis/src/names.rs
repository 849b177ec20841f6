//! Names that are known only when the program runs (ShellCheck's codes, users' rules), as diagnostics hold names: for good.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A name, and the list that holds just it.
pub(crate) type Name = (&'static str, &'static [&'static str]);

/// How many names there may be: all codes of ShellCheck's, and users' rules. Each is kept as long as the process lives, so
/// there must be a bound.
const MAX_NAMES: usize = 20_000;

/// The longest name, in bytes.
const MAX_NAME: usize = 100;

static NAMES: LazyLock<Mutex<HashMap<&'static str, Name>>> = LazyLock::new(Mutex::default);

/// The one copy of a name. `None` for a name of more than 100 bytes, or when there are 20,000 others.
pub(crate) fn interned(name: &str) -> Option<Name> {
    // A panic elsewhere leaves the map whole.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = names.get(name) {
        return Some(*found);
    }
    if name.len() > MAX_NAME || names.len() >= MAX_NAMES {
        return None;
    }
    let name: &'static str = String::leak(name.to_owned());
    let found: Name = (name, Vec::leak(vec![name]));
    names.insert(name, found);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let (a, list) = interned("SC0001").expect("a name");
        let (b, _) = interned(&String::from("SC0001")).expect("a name");
        assert!(std::ptr::eq(a, b));
        assert_eq!(list, [a]);
        assert_eq!(interned(&"x".repeat(MAX_NAME + 1)), None);
    }
}
