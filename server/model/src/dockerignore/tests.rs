use proptest::prelude::*;

use super::*;

fn ignore(text: &str) -> Dockerignore {
    Dockerignore::parse(text)
}

#[test]
fn reading() {
    for (text, expected) in [
        ("", &[][..]),
        ("\n\n", &[]),
        ("a", &[(1, "a")]),
        ("a\r\nb\r\n", &[(1, "a"), (2, "b")]),
        ("\u{feff}a\n\u{feff}b", &[(1, "a"), (2, "\u{feff}b")]),
        ("\u{feff}# x\na", &[(2, "a")]),
        ("# x\n #y\n#\n", &[(2, "#y")]),
        ("  a b  \n\t\n\u{a0}c\u{a0}", &[(1, "a b"), (3, "c")]),
        ("/a\n//b/\n./c\nd/../e\n/", &[(1, "a"), (2, "b"), (3, "c"), (4, "e"), (5, "/")]),
        ("../a\n..", &[(1, "../a"), (2, "..")]),
        ("!a\n! /b\n!\n! ", &[(1, "!a"), (2, "!b"), (3, "!"), (4, "!")]),
        ("!!a\n!#a", &[(1, "!!a"), (2, "!#a")]),
        ("a/**/", &[(1, "a/**")]),
    ] {
        let expected = expected.iter().map(|&(line, pattern)| (line, pattern.to_owned())).collect();
        assert_eq!(read_patterns(text), Ok(expected), "{text:?}");
    }
    let fits = "a".repeat(MAX_LINE - 1);
    assert_eq!(read_patterns(&fits), Ok(vec![(1, fits.clone())]));
    assert_eq!(read_patterns(&format!("x\n{fits}a\ny")), Err((2, vec![(1, "x".to_owned())])));
}

#[test]
fn kinds_of_patterns() {
    use MatchType::*;
    for (pattern, match_type, regexp) in [
        ("a", Exact, ""),
        ("a.b+(c)|{d}$^", Exact, ""),
        ("**", Suffix, ""),
        ("**/a", Suffix, ""),
        ("**a", Suffix, ""),
        ("a/**", Prefix, ""),
        ("a**", Prefix, ""),
        ("a*", Regexp, "^a[^/]*$"),
        ("a.?", Regexp, r"^a\.[^/]$"),
        ("**/*.a", Regexp, r"^(.*/)?[^/]*\.a$"),
        ("a/**/b", Regexp, "^a/(.*/)?b$"),
        ("**/a/**", Regexp, "^(.*/)?a/.*$"),
        ("a***", Regexp, "^a(.*/)?[^/]*$"),
        ("^a?", Regexp, "^^a[^/]$"),
        ("[*]", Regexp, "^[[^/]*]$"),
        (r"\*", Regexp, r"^\*$"),
        ("\u{feff}a?", Regexp, "^a[^/]$"),
    ] {
        let ignore = Dockerignore::from_patterns(&[pattern]).expect(pattern);
        let found: Vec<_> = ignore.patterns().iter().map(|it| (it.match_type(), it.regexp())).collect();
        assert_eq!(found, [(match_type, regexp)], "{pattern}");
    }
}

#[test]
fn excluding() {
    for (file, path, excluded) in [
        ("", "a", false),
        ("a", "a", true),
        ("a", "./a/", true),
        ("a", "a/b/c", true),
        ("a", "b/a", false),
        ("a", "ab", false),
        ("a/b", "a", false),
        ("*", "a", true),
        ("*", ".", false),
        ("*", "", false),
        (".", "a", false),
        ("*.md", "x/README.md", false),
        ("**/*.md", "README.md", true),
        ("**/*.md", "x/y/README.md", true),
        ("**/x", "x", true),
        ("**/x", "a/x/b", true),
        ("**/x", "ax", false),
        ("**x", "ax", true),
        ("a/**", "a", false),
        ("a/**", "a/b/c", true),
        ("a**", "ab/c", true),
        ("a?", "ab", true),
        ("a?", "a/", false),
        ("a?", "aé", true),
        ("a.c", "abc", false),
        ("[a-c]x", "bx", true),
        ("[^a-c]x", "bx", false),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("\\d", "7", true),
        ("\\d", "d", false),
        ("a\\b", "ab", false),
        ("^a*", "ab", true),
        ("^a*", "^ab", false),
        ("[*]", "ab]", false),
        ("[*]", "[*]", false),
        ("[*]", "[[]", true),
        ("*\n!b", "b", false),
        ("*\n!b", "b/c", false),
        ("!b\n*", "b", true),
        ("a\n!a/b", "a/b/c", false),
        ("a\n!a/b\na/b/c", "a/b/c", true),
        ("a\n!**/*.md\na/x.md", "a/x.md", true),
        ("a\n!**/*.md\na/x.md", "a/y.md", false),
        ("a\n! /a/b", "a/b", false),
        ("/", "/", true),
        ("../a", "../a", true),
    ] {
        assert_eq!(ignore(file).is_excluded(path), excluded, "{path:?} with {file:?}");
    }
}

#[test]
fn deciding() {
    for (file, path, line) in [
        ("", "a", None),
        ("b", "a", None),
        ("# x\n\na", "a/b", Some((3, false))),
        ("a\na*", "a", Some((1, false))),
        ("a\n!a\na*", "a", Some((3, false))),
        ("a\n!a\n!a*", "a", Some((2, true))),
        ("!a\nb", "a", None),
    ] {
        assert_eq!(ignore(file).deciding_line(path), line, "{path:?} with {file:?}");
    }
}

#[test]
fn malformed_lines() {
    use PatternErrorKind::*;
    for (file, expected) in [
        ("a\n!\nb", &[(2, IllegalExclusion)][..]),
        ("!/", &[(1, IllegalExclusion)]),
        ("a[\n[]\n[b-a]\n\\", &[(1, Syntax), (2, Syntax), (3, Expression), (4, Syntax)]),
        ("\\e\n\\é\n[[:x:]]", &[(1, Expression), (2, Expression), (3, Expression)]),
        ("a\n[a-z]*\n**", &[]),
    ] {
        let found: Vec<_> = ignore(file).errors().iter().map(|error| (error.line, error.kind)).collect();
        assert_eq!(found, expected, "{file:?}");
    }
    let broken = ignore("a\n[b-a]\nx[\n!");
    assert_eq!(broken.failure().map(|error| error.line), Some(3));
    assert_eq!(broken.failure().map(ToString::to_string).as_deref(), Some("syntax error in pattern"));
    assert!(broken.is_excluded("a") && !broken.is_excluded("b"));
    // BuildKit fails once it gets to compare something with the expression: `a` is excluded before.
    assert_eq!(broken.matches_or_parent_matches("a"), Ok(true));
    assert_eq!(broken.matches_or_parent_matches("b"), Err(BadPattern));
    assert_eq!(
        Dockerignore::from_patterns(&["a", "!"]).map_err(|e| (e.line, e.kind)).err(),
        Some((2, IllegalExclusion))
    );
    assert!(Dockerignore::from_patterns(&["[b-a]"]).is_ok());
    let long = format!("!\n{}\na", "a".repeat(MAX_LINE));
    assert_eq!(ignore(&long).failure().map(|error| error.kind), Some(LineTooLong));
}

#[test]
fn walking() {
    // file, path, what a walk from the root gives, whether the path alone is excluded
    for (file, path, sent, excluded) in [
        ("a", "a/b", false, true),
        ("a", "b", true, false),
        ("a\n!a/b", "a/b/c", true, false),
        ("a\n!a/b", "a/c", false, true),
        ("*\n!a/*/c", "a/b/c", true, false),
        ("*\n!a", "a/b", true, false),
        ("**/x\n!a/b/**", "a/b/x", true, false),
        // A negated pattern is not asked about an entry that is included anyway, and so is not known to match below it.
        ("a/b\n!a", "a/b", false, false),
        ("!a\n*", "a/b", false, true),
    ] {
        let ignore = ignore(file);
        assert_eq!(
            (ignore.in_context(path), ignore.is_excluded(path)),
            (sent, excluded),
            "{path:?} with {file:?}"
        );
    }
    let ignore = ignore("a\n!a/b");
    let a = ignore.step("a", &MatchInfo::default());
    assert_eq!((a.excluded, a.decided_by), (true, Some((1, false))));
    let b = ignore.step("a/b", &a.info);
    assert_eq!((b.excluded, b.decided_by), (false, Some((2, true))));
    let c = ignore.step("a/c", &a.info);
    assert_eq!((c.excluded, c.decided_by), (true, Some((1, false))));
    // Without information all parents are asked.
    assert!(!ignore.step("a/b/c", &MatchInfo::default()).excluded);
}

#[test]
fn walking_excluded_directories() {
    for (file, dir, walked) in [
        ("a", "a", false),
        ("*\n!a/b", "a", true),
        ("*\n!a/b", "a/b", true),
        ("*\n!a/b", "a/b/c", false),
        ("*\n!a/b", "aa", false),
        ("*\n!ab", "a", false),
        ("*\n!a/b/**", "a", true),
        ("*\n!a/b/*", "a/b", true),
        ("*\n!a/b/*", "c", false),
        ("*\n!**/*.md", "c", true),
        ("*\n!a[b]", "c", true),
        ("*\n!a?/b\n!d", "c", true),
    ] {
        assert_eq!(ignore(file).may_reinclude_below(dir), walked, "{dir:?} with {file:?}");
    }
}

#[test]
fn hostile_files_are_bounded() {
    let stars = ignore(&format!("{}\n{}", "*a".repeat(1_000), "*a".repeat(30_000)));
    assert!(stars.is_excluded(&"a".repeat(4_000)));
    assert_eq!(stars.errors().iter().map(|error| error.line).collect::<Vec<_>>(), [2]);
    let wide = ignore(&format!("[é-ÿ]{}\n", "*[é-ÿ]a".repeat(500)).repeat(500));
    assert!(!wide.is_excluded("é/a") && !wide.errors().is_empty());
    let many = ignore(&"[a]\n".repeat(MAX_EXPRESSIONS + 10));
    assert_eq!(many.errors().len(), 10);
    assert!(many.errors().iter().all(|error| error.kind == PatternErrorKind::Limit));
    assert_eq!(many.failure(), None);
    assert!(many.is_excluded("a"));
    assert!(ignore(&"a/".repeat(10_000)).is_excluded(&"a/".repeat(20_000)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// A walk differs from asking about the path alone only where a negated pattern is at work.
    #[test]
    fn walking_agrees_without_negation(file in r"([ab*?/.\[\]\\#^-]{0,6}\n){0,4}", path in "([ab]{1,2}/){0,3}[ab]{1,2}") {
        let ignore = ignore(&file);
        prop_assert_eq!(ignore.in_context(&path), !ignore.is_excluded(&path));
        prop_assert_eq!(ignore.deciding_line(&path).is_some(), ignore.is_excluded(&path));
    }

    /// Any text is read without a panic, and a directory is skipped only if nothing below it comes back.
    #[test]
    fn skipped_directories_stay_out(file in r"([ab*?/!]{0,6}\n){0,4}", path in "([ab]{1,2}/){1,3}[ab]{1,2}") {
        let ignore = ignore(&file);
        let mut info = MatchInfo::default();
        let mut skipped = false;
        for (slash, _) in path.match_indices('/') {
            let dir = &path[..slash];
            let step = ignore.step(dir, &info);
            skipped |= step.excluded && !ignore.may_reinclude_below(dir);
            info = step.info;
        }
        prop_assert!(!skipped || ignore.step_excludes(&path, &info));
    }
}
