//! Generated files are what `cargo dev gen` writes.

use std::path::Path;

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let stale = layerwise_dev::generate::stale(&root).expect("the sources can be read");
    let paths: Vec<_> = stale.iter().map(|file| file.path.display().to_string()).collect();
    assert!(stale.is_empty(), "run `cargo dev gen`: {paths:?}");
}
