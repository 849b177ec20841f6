//! What a view says about the cache. The plan of a moment is computed once, whoever asks first.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use layerwise_analysis::cost;
use layerwise_analysis::plan::{Known, State, stage_name, with_changed};
use layerwise_host::context::{Limits, below_root, fingerprint, lexical};
use layerwise_host::engine;
use layerwise_host::fs::Links;
use layerwise_host::git;
use layerwise_host::learnt::Store;
use layerwise_model::dockerignore::Dockerignore;
use layerwise_model::graph::Kind as VertexKind;
use layerwise_model::learnt::Learnt;
use layerwise_model::selection::{has_wildcard, source_path};
use layerwise_model::{Content, Context, File};
use layerwise_render::graph::graph_json;
use layerwise_render::mermaid::to_mermaid;
use layerwise_render::page::to_html;
use layerwise_render::plan::{self as render, Baseline as Kind};
use layerwise_render::svg::to_svg;
use layerwise_syntax::Parsed;
use serde_json::{Value, json};

use super::baseline::{Choice, Named, Past, Pasts};
use super::build::{self, Build, with_dockerfile};
use super::cache_hover;
use super::document::Opened;
use super::files;
use super::history::{Answer, Question, TIMEOUT};
use super::looks::{Drawn, Looks};
use super::planned::{self, Planned, Terms, buildable};
use super::settings::CacheDiagnostics;
use super::view::View;
use crate::engine::{
    BuildCommand, CodeLens, Diagnostic, Format, Hover, InlayHint, Settled, Severity, WhatIf,
};

/// A Dockerfile on disk that is longer than this is not read for comparison.
const MAX_SAVED_BYTES: u64 = 4 << 20;

/// How many files one question may name, patterns expanded.
const MAX_CHANGED: usize = 10_000;

/// How long reading the files of a context may take when what was built is to be kept.
const HASHING: Duration = Duration::from_secs(10);

/// The code of the diagnostics that say what runs again.
const CODE: &str = "cache";

impl View {
    /// The plan against the baseline.
    ///
    /// # Errors
    /// Why nothing can be built.
    pub(crate) fn planned(&self) -> &planned::Shared {
        self.planned.get_or_init(|| {
            buildable(&self.file)?;
            let folder = self.folder();
            let context = folder.map(|folder| folder.context);
            let (baseline, pasts, now) = self.baseline(context.as_ref());
            let now = now.or(context);
            let options = &self.settings().options;
            let mut plans = self.own.plans.lock().unwrap_or_else(PoisonError::into_inner);
            let after = now.clone().map(|context| with_dockerfile(context, &self.file));
            let before = plans.before(&pasts, now.as_ref(), options);
            let last = plans.last.as_ref().map(|last| &last.after).or(before.last.as_ref());
            let after = Build::new(self.file.clone(), options.clone(), after, last);
            if let Some(error) = &after.eval.error {
                return Err(error.clone());
            }
            let terms = self.terms(&after, &before.known);
            let planned = Arc::new(Planned::new(&before, after, baseline, terms));
            plans.last = Some(Arc::clone(&planned));
            Ok(planned)
        })
    }

