//! The binary `layerwise`.

use std::process::exit;

fn main() {
    match std::env::args().nth(1).as_deref() {
        // The server may leave threads behind that sit in a read of stdin; ending the process ends them.
        Some("lsp") => exit(layerwise_lsp::serve_stdio().into()),
        _ => {
            eprintln!("usage: layerwise lsp");
            exit(2);
        }
    }
}
