//! The process that the server lives for: `initialize` names it, and when it is gone the server ends (LSP 3.17,
//! `InitializeParams.processId`). The end of stdin says the same sooner, where nobody else holds the pipe open.

use std::time::Duration;

use tokio::sync::watch;

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(2);

/// Waits until the process whose id comes through `named` was seen and then is gone. A process that cannot be seen from
/// here at all (one outside this container, or on a system where this file does not know how) is waited for forever.
pub(crate) async fn gone(mut named: watch::Receiver<Option<u32>>) {
    let id = loop {
        if let Some(id) = *named.borrow_and_update() {
            break id;
        }
        if named.changed().await.is_err() {
            return std::future::pending().await;
        }
    };
    let Some(check) = check_of(id) else { return std::future::pending().await };
    while check() {
        tokio::time::sleep(INTERVAL).await;
    }
}

/// A test for whether the process `id` is alive, if there is one that says yes now.
fn check_of(id: u32) -> Option<Box<dyn Fn() -> bool + Send>> {
    #[cfg(unix)]
    if std::os::unix::process::parent_id() == id {
        // An orphan gets another parent. No process id can be mistaken for one that was used again.
        return Some(Box::new(move || std::os::unix::process::parent_id() == id));
    }
    let alive = move || is_alive(id);
    alive().then(|| Box::new(alive) as Box<_>)
}

/// Whether Linux lists the process, and not as one that is dead and waits for its parent to notice.
fn is_alive(id: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
    // The command's name stands in parentheses and may hold any character; the state follows the last one.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
