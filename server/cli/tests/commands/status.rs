//! Exit statuses, closed pipes, wrong usage.

use std::io::Read;
use std::process::Stdio;

use crate::{Folder, command, ran};

#[test]
fn every_help_says_what_the_exit_status_means() {
    let folder = Folder::new(&[]);
    for args in [
        &["--help"][..],
        &["check", "--help"],
        &["syntax", "--help"],
        &["actions", "--help"],
        &["apply", "--help"],
        &["plan", "--help"],
    ] {
        let ran = folder.run(args);
        assert_eq!(ran.status, 0, "{args:?}");
        for part in ["Exit status:", "0  done", "1  `check`", "2  something could not be done", "NO_COLOR"] {
            assert!(ran.out.contains(part), "{args:?}: {}", ran.out);
        }
    }
}

#[test]
fn wrong_usage_is_status_2_with_the_reason_on_stderr() {
    let folder = Folder::new(&[("Dockerfile", "FROM a\n")]);
    for args in [
        &["frob"][..],
        &[],
        &["check"],
        &["check", "--format", "xml", "."],
        &["check", "--fail-on", "maybe", "."],
        &["check", "--select", "NoSuchRule", "."],
        &["syntax"],
        &["syntax", "--format", "text", "Dockerfile"],
        &["apply", "merge-run"],
        &["apply", "no-such-thing", "Dockerfile"],
        &["actions", "Dockerfile", "--line", "0"],
        &["actions", "Dockerfile", "--line", "x"],
        &["plan", "--build-arg", "=x"],
        &["plan", "--before", "a", "--since", "b"],
        &["plan", "--platform", "a/b/c/d/e"],
    ] {
        let ran = folder.run(args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let text = "RUN echo one more line for the pipe to fill up with\n".repeat(20_000);
    let folder = Folder::new(&[("Dockerfile", &text)]);
    for args in [&["check", "."][..], &["check", "--format", "json", "."], &["syntax", "Dockerfile"]] {
        let mut child = command(folder.dir.path())
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ran = ran(child.wait_with_output().unwrap());
        let expected = if args[0] == "check" { 1 } else { 0 };
        assert_eq!((ran.status, ran.err.as_str()), (expected, ""), "{args:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_status_2() {
    let folder = Folder::new(&[("Dockerfile", "FROM a\n")]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(folder.dir.path()).args(["check", "."]).stdout(full).output().unwrap();
    let ran = ran(output);
    assert_eq!(ran.status, 2);
    assert!(ran.err.contains("stdout"), "{}", ran.err);
}

#[test]
fn colours_are_for_terminals_only() {
    let folder = Folder::new(&[("Dockerfile", "FRM a\n")]);
    assert!(!folder.run(&["check", "."]).out.contains('\x1b'));
    let forced = command(folder.dir.path()).args(["check", "."]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(ran(forced).out.contains('\x1b'), "the escapes are there to be had");
    let off = command(folder.dir.path())
        .args(["check", "."])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!ran(off).out.contains('\x1b'));
}
