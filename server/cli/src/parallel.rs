//! Work on many files at once, results in the order of the files.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};

/// Results that may wait for an earlier one; beyond, nobody starts on another file.
const WINDOW: usize = 256;
/// The stack of a thread: as much as the main thread has, so that a file meets the same limits everywhere.
const STACK: usize = 8 << 20;

struct State<R> {
    next: usize,
    given: usize,
    stop: bool,
    done: BTreeMap<usize, Option<R>>,
}

/// Runs `work` on every item, on as many threads as there are processors, and gives the results to `take` in the order of
/// the items; `None` for one whose work panicked. Ends early once `take` returns false.
pub(crate) fn in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(&T, Option<R>) -> bool,
) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len());
    let guarded = |item: &T| catch_unwind(AssertUnwindSafe(|| work(item))).ok();
    let state = Mutex::new(State { next: 0, given: 0, stop: false, done: BTreeMap::new() });
    let changed = Condvar::new();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = || {
        loop {
            let mut held = lock();
            while !held.stop && held.next >= held.given + WINDOW {
                held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
            }
            let index = held.next;
            let Some(item) = items.get(index).filter(|_| !held.stop) else { return };
            held.next += 1;
            drop(held);
            let result = guarded(item);
            lock().done.insert(index, result);
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        let spawn = || std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker);
        let spawned = if threads > 1 { (0..threads).filter(|_| spawn().is_ok()).count() } else { 0 };
        if spawned == 0 {
            for item in items {
                if !take(item, guarded(item)) {
                    return;
                }
            }
            return;
        }
        for (index, item) in items.iter().enumerate() {
            let mut held = lock();
            let result = loop {
                if let Some(result) = held.done.remove(&index) {
                    break result;
                }
                held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
            };
            held.given = index + 1;
            drop(held);
            changed.notify_all();
            if !take(item, result) {
                lock().stop = true;
                changed.notify_all();
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_order_and_a_panic_costs_one() {
        let items: Vec<usize> = (0..2_000).collect();
        let mut seen = Vec::new();
        let work = |n: &usize| {
            // Uneven work, so that threads overtake each other.
            let spin = (0..(n * 7919) % 1_000).fold(0_usize, |a, b| a ^ b);
            assert!(*n != 77, "one of them fails");
            n * 2 + usize::from(spin == usize::MAX)
        };
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        in_order(&items, work, |n, result| {
            seen.push((*n, result));
            true
        });
        std::panic::set_hook(quiet);
        let expected: Vec<_> = items.iter().map(|n| (*n, (*n != 77).then_some(n * 2))).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn it_ends_when_nobody_listens() {
        let items: Vec<usize> = (0..100_000).collect();
        let worked = AtomicUsize::new(0);
        let mut taken = 0;
        in_order(
            &items,
            |_| worked.fetch_add(1, Ordering::Relaxed),
            |_, _| {
                taken += 1;
                taken < 10
            },
        );
        assert_eq!(taken, 10);
        assert!(worked.load(Ordering::Relaxed) <= 10 + 2 * WINDOW + 64);
    }
}
