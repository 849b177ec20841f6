//! The engine of a server without an analysis: it keeps no text of its own and says nothing about any.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use layerwise_syntax::text::Text;

use crate::engine::{Analysis, Document, Engine, Features};

pub(crate) struct Plain;

impl Engine for Plain {
    fn features(&self) -> Features {
        Features::default()
    }

    fn open(&self, _: Text, _: Option<&Path>, _: &str) -> Box<dyn Document> {
        Box::new(Self)
    }
}

impl Document for Plain {
    fn edit(&mut self, _: Range<usize>, _: &str) {}

    fn view(&mut self) -> Arc<dyn Analysis> {
        Arc::new(Self)
    }
}

impl Analysis for Plain {}
