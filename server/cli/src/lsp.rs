//! `layerwise lsp`: the language server on stdin and stdout.

use std::process::exit;

use crate::status::Status;

/// Serve an editor: the Language Server Protocol on stdin and stdout
///
/// Ends with status 0 after `shutdown` and `exit`, with 1 if the client goes away or sends `exit` without `shutdown`.
#[derive(clap::Args)]
pub(crate) struct Lsp {
    /// Stdin and stdout are the only way to talk to it; some clients say so
    #[arg(long, hide = true)]
    stdio: bool,
}

impl Lsp {
    pub(crate) fn run(self) -> Status {
        let Lsp { stdio: _ } = self;
        // The server may leave threads behind that sit in a read of stdin; ending the process ends them.
        exit(layerwise_lsp::serve_stdio().into())
    }
}
