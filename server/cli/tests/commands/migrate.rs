//! `layerwise migrate`.

use crate::Folder;

#[test]
fn a_configuration_is_printed_or_written() {
    let folder = Folder::new(&[
        ("Dockerfile", "FROM alpine:3.20\nMAINTAINER me\n"),
        (".hadolint.yaml", "ignored: [DL4000]\n"),
        ("t/.tally.toml", "[rules]\nexclude = [\"hadolint/DL4000\"]\n"),
    ]);
    let found = |file: &str| folder.run(&["check", "--format", "json", file]).out.contains("maintainer");
    assert!(found("Dockerfile"));
    let printed = folder.run(&["migrate"]);
    assert_eq!(printed.status, 0, "{}", printed.err);
    assert!(printed.out.contains("\"maintainer\", # DL4000"), "{}", printed.out);
    assert!(!folder.path("layerwise.toml").exists());
    assert_eq!(folder.run(&["migrate", "--write"]).out, "layerwise.toml: made from .hadolint.yaml\n");
    assert_eq!(folder.read("layerwise.toml"), printed.out);
    assert!(!found("Dockerfile"));
    let again = folder.run(&["migrate", "--write"]);
    assert_eq!(again.status, 2);
    assert!(again.err.contains("there already"), "{}", again.err);
    assert_eq!(folder.run(&["migrate", "t/.tally.toml", "--write"]).status, 0);
    assert!(folder.read("t/layerwise.toml").contains("\"maintainer\""));
    assert_eq!(folder.run_in("t", &["migrate", "none.yaml"]).status, 2);
}
