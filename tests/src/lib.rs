//! The workspace's tests that need more than one crate; see tests/README.md.
