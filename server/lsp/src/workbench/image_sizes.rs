//! How big base images are, from the local engine, where the setting `docker` is on: asked in the background, so that nothing
//! waits for it, and each image once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use layerwise_host::engine;

/// How long the engine may take for the images of one Dockerfile.
const BUDGET: Duration = Duration::from_secs(5);

/// How many images are remembered; a workspace with more asks again.
const MAX_KNOWN: usize = 1_000;

/// Asks an engine: bytes by reference, without those that it does not have.
type Ask = dyn Fn(&BTreeSet<String>) -> BTreeMap<String, u64> + Send + Sync;

/// What the engine said.
pub(crate) struct ImageSizes {
    ask: Arc<Ask>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// `None` for an image that the engine does not have.
    known: BTreeMap<String, Option<u64>>,
    asking: bool,
}

impl Default for ImageSizes {
    fn default() -> ImageSizes {
        let docker = |references: &BTreeSet<String>| {
            engine::images(references.iter().map(String::as_str), BUDGET).bytes
        };
        ImageSizes { ask: Arc::new(docker), state: Arc::default() }
    }
}

impl ImageSizes {
    /// The sizes of those of the images that are known. Asks for the others, unless it is asking already, and calls
    /// `changed` once a size is known that was not.
    pub(crate) fn of(
        &self,
        references: BTreeSet<String>,
        changed: impl FnOnce() + Send + 'static,
    ) -> BTreeMap<String, u64> {
        // A panic elsewhere leaves the map whole.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let sizes = references.iter().filter_map(|r| Some((r.clone(), (*state.known.get(r)?)?))).collect();
        let unknown: BTreeSet<String> =
            references.into_iter().filter(|r| !state.known.contains_key(r)).collect();
        if !unknown.is_empty() && !state.asking {
            let (ask, kept) = (Arc::clone(&self.ask), Arc::clone(&self.state));
            let work = move || {
                let mut found = ask(&unknown);
                let news = !found.is_empty();
                let mut state = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if state.known.len() >= MAX_KNOWN {
                    state.known.clear();
                }
                state.known.extend(unknown.into_iter().map(|reference| {
                    let bytes = found.remove(&reference);
                    (reference, bytes)
                }));
                state.asking = false;
                drop(state);
                if news {
                    changed();
                }
            };
            // Without a thread there is no answer, and it is tried again with the next plan.
            state.asking =
                std::thread::Builder::new().name("layerwise-docker".to_owned()).spawn(work).is_ok();
        }
        sizes
    }

    /// Forgets everything: the settings changed.
    pub(crate) fn forget(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).known.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn each_image_is_asked_for_once_and_nothing_waits() {
        let (go, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let ask = move |references: &BTreeSet<String>| {
            counted.fetch_add(references.len(), Ordering::SeqCst);
            gate.lock().unwrap().recv().unwrap();
            references.iter().filter(|r| *r != "none").map(|r| (r.clone(), 7)).collect()
        };
        let sizes = ImageSizes { ask: Arc::new(ask), state: Arc::default() };
        let both = || BTreeSet::from(["a".to_owned(), "none".to_owned()]);
        let (done, changed) = mpsc::channel();
        let say = |done: &mpsc::Sender<()>| {
            let done = done.clone();
            move || done.send(()).unwrap()
        };
        assert!(sizes.of(both(), say(&done)).is_empty(), "not yet");
        assert!(sizes.of(both(), say(&done)).is_empty(), "and it is not asked twice");
        go.send(()).unwrap();
        changed.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(sizes.of(both(), say(&done)), BTreeMap::from([("a".to_owned(), 7)]));
        assert_eq!(asked.load(Ordering::SeqCst), 2, "what it does not have is not asked for again");
        assert!(changed.try_recv().is_err());
    }
}
