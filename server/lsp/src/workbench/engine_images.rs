//! How big base images are and which layers they have, from the local engine, where the setting `docker` is on: asked in the
//! background, so that nothing waits for it, and each image once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use layerwise_host::engine::{self, Images};

/// How long the engine may take for the images of one Dockerfile.
const BUDGET: Duration = Duration::from_secs(5);

/// How many images are remembered; a workspace with more asks again.
const MAX_KNOWN: usize = 1_000;

/// Asks an engine for images by reference; it leaves out those that it does not have.
type Ask = dyn Fn(&BTreeSet<String>) -> Images + Send + Sync;

/// Bytes, and layers if there are any.
type Told = (u64, Option<String>);

/// What the engine said.
pub(crate) struct EngineImages {
    ask: Arc<Ask>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// `None` for an image that the engine does not have.
    known: BTreeMap<String, Option<Told>>,
    asking: bool,
}

impl Default for EngineImages {
    fn default() -> EngineImages {
        let docker =
            |references: &BTreeSet<String>| engine::images(references.iter().map(String::as_str), BUDGET);
        EngineImages { ask: Arc::new(docker), state: Arc::default() }
    }
}

impl EngineImages {
    /// What is known of these images. Asks for the others, unless it is asking already, and calls `changed` once something is
    /// known that was not.
    pub(crate) fn of(&self, references: BTreeSet<String>, changed: impl FnOnce() + Send + 'static) -> Images {
        // A panic elsewhere leaves the map whole.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut images = Images::default();
        for reference in &references {
            if let Some(Some((bytes, layers))) = state.known.get(reference) {
                images.bytes.insert(reference.clone(), *bytes);
                images.layers.extend(layers.clone().map(|layers| (reference.clone(), layers)));
            }
        }
        let unknown: BTreeSet<String> =
            references.into_iter().filter(|r| !state.known.contains_key(r)).collect();
        if !unknown.is_empty() && !state.asking {
            let (ask, kept) = (Arc::clone(&self.ask), Arc::clone(&self.state));
            let work = move || {
                let mut found = ask(&unknown);
                let news = !found.bytes.is_empty();
                let mut state = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if state.known.len() >= MAX_KNOWN {
                    state.known.clear();
                }
                state.known.extend(unknown.into_iter().map(|reference| {
                    let layers = found.layers.remove(&reference);
                    let told = found.bytes.remove(&reference).map(|bytes| (bytes, layers));
                    (reference, told)
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
        images
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
            let had = references.iter().filter(|r| *r != "none");
            let bytes = had.clone().map(|r| (r.clone(), 7)).collect();
            Images { bytes, layers: had.map(|r| (r.clone(), "[]".to_owned())).collect(), note: None }
        };
        let sizes = EngineImages { ask: Arc::new(ask), state: Arc::default() };
        let both = || BTreeSet::from(["a".to_owned(), "none".to_owned()]);
        let (done, changed) = mpsc::channel();
        let say = |done: &mpsc::Sender<()>| {
            let done = done.clone();
            move || done.send(()).unwrap()
        };
        assert_eq!(sizes.of(both(), say(&done)), Images::default(), "not yet");
        assert_eq!(sizes.of(both(), say(&done)), Images::default(), "and it is not asked twice");
        go.send(()).unwrap();
        changed.recv_timeout(Duration::from_secs(60)).unwrap();
        let found = sizes.of(both(), say(&done));
        assert_eq!(found.bytes, BTreeMap::from([("a".to_owned(), 7)]));
        assert_eq!(found.layers, BTreeMap::from([("a".to_owned(), "[]".to_owned())]));
        assert_eq!(asked.load(Ordering::SeqCst), 2, "what it does not have is not asked for again");
        assert!(changed.try_recv().is_err());
    }
}
