use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const ENV: [(&str, &str); 7] = [
    ("EMPTY", ""),
    ("NAME", "world"),
    ("PATHS", "/usr/local/bin:/usr/bin"),
    ("FILE", "archive.tar.gz"),
    ("TWO", "one  two"),
    ("LINES", "a\nb"),
    ("1", "first"),
];

/// The value, or `!` and the message.
fn expand_with(lex: Lex, word: &str) -> String {
    match lex.process_word(word, &ENV) {
        Ok(expanded) => expanded.value,
        Err(error) => format!("!{}", error.message),
    }
}

fn expand(word: &str) -> String {
    expand_with(Lex::new('\\'), word)
}

#[test]
fn values() {
    for (word, value) in [
        ("", ""),
        ("plain", "plain"),
        ("$NAME", "world"),
        ("${NAME}", "world"),
        ("a${NAME}b", "aworldb"),
        ("$NAMEb", ""),
        ("$NAME.b", "world.b"),
        ("$NONE|", "|"),
        ("$", "$"),
        ("$.", "$."),
        ("a$ b", "a$ b"),
        ("$$", ""),
        ("$1x", "firstx"),
        ("$11", ""),
        ("${1}", "first"),
        ("$한국", ""),
        ("'$NAME'", "$NAME"),
        ("\"$NAME\"", "world"),
        ("\"'$NAME'\"", "'world'"),
        ("'a\"b'", "a\"b"),
        ("\\$NAME", "$NAME"),
        ("\\a", "a"),
        ("a\\", "a"),
        ("\"\\a\\\"\\$\\\\\"", "\\a\"$\\"),
        ("'a\\b'", "a\\b"),
        ("${NAME:-x}", "world"),
        ("${NONE:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${NAME:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${NONE+x}", ""),
        ("${NONE:-${EMPTY:-${NAME}}}", "world"),
        ("${NONE:-'}'}", "}"),
        ("${NONE:-\\}}", "}"),
        ("${NONE:-\"a b\"}", "a b"),
        ("${NAME?}", "world"),
        ("${FILE#*.}", "tar.gz"),
        ("${FILE##*.}", "gz"),
        ("${FILE%.*}", "archive.tar"),
        ("${FILE%%.*}", "archive"),
        ("${FILE#$NONE}", "archive.tar.gz"),
        ("${FILE#\\*}", "archive.tar.gz"),
        ("${PATHS/usr/opt}", "/opt/local/bin:/usr/bin"),
        ("${PATHS//usr/opt}", "/opt/local/bin:/opt/bin"),
        ("${PATHS//\\//-}", "-usr-local-bin:-usr-bin"),
        ("${PATHS//bin/$NAME}", "/usr/local/world:/usr/world"),
        ("${FILE//a/[\\$0]}", "[\\a]rchive.t[\\a]r.gz"),
        ("${NONE//a/b}", ""),
        ("${LINES#*b}", "a\nb"),
        ("\u{feff}x\u{feff}", "x\u{feff}"),
        ("a\0b", "a\0b"),
    ] {
        assert_eq!(expand(word), value, "{word:?}");
    }
}

#[test]
fn errors() {
    for (word, message) in [
        ("'a", "!unexpected end of statement while looking for matching single-quote"),
        ("\"a", "!unexpected end of statement while looking for matching double-quote"),
        ("\"a\\", "!unexpected end of statement while looking for matching double-quote"),
        ("${", "!syntax error: missing '}'"),
        ("${}", "!syntax error: bad substitution"),
        ("${{", "!syntax error: bad substitution"),
        ("${:-a}", "!syntax error: bad substitution"),
        ("${NAME", "!unsupported modifier (\u{fffd}) in substitution"),
        ("${NAME:", "!syntax error: missing '}'"),
        ("${NAME:}", "!syntax error: missing '}'"),
        ("${NAME:-", "!syntax error: missing '}'"),
        ("${NAME:-'", "!syntax error: missing '}'"),
        ("${NAME:-${}x}", "!syntax error: bad substitution"),
        ("${NAME=x}", "!unsupported modifier (=) in substitution"),
        ("${NAME:=x}", "!unsupported modifier (:=) in substitution"),
        ("${NAME:#x}", "!unsupported modifier (:#) in substitution"),
        ("${NAME!}", "!unsupported modifier (!) in substitution"),
        ("${.}", "!unsupported modifier (.) in substitution"),
        ("${NAME/a", "!syntax error: missing '/' in ${}"),
        ("${NAME/a}", "!syntax error: missing '/' in ${}"),
        ("${NAME/a/b", "!syntax error: missing '}'"),
        ("${NONE?}", "!NONE: is not allowed to be unset"),
        ("${NONE:?}", "!NONE: is not allowed to be unset"),
        ("${EMPTY:?}", "!EMPTY: is not allowed to be empty"),
        ("${NONE:?say $NAME}", "!NONE: say world"),
        ("${NAME#\\w}", "!invalid pattern (\\w) in substitution: invalid escape '\\w'"),
        ("${NAME%a\\bc}", "!invalid pattern (c\\ba) in substitution: invalid escape '\\b'"),
        ("${NAME/\\w/x}", "!invalid pattern (\\w) in substitution: invalid escape '\\w'"),
    ] {
        assert_eq!(expand(word), message, "{word:?}");
    }
    let error = Lex::new('\\').process_word("a\t\"", &NoEnv).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to process \"a\\t\\\"\": unexpected end of statement while looking for matching double-quote"
    );
    assert_eq!((error.offset, error.is_limit()), (3, false));
}

#[test]
fn settings() {
    let lex = Lex::new('`');
    assert_eq!(expand_with(lex, "`$NAME\\a"), "$NAME\\a");
    assert_eq!(expand_with(lex, "\"`\"\""), "\"");
    // A pattern's escape is the backslash whatever the file's escape character is.
    assert_eq!(expand_with(lex, "${FILE#archive\\*}"), "archive.tar.gz");

    let raw_quotes = Lex { raw_quotes: true, ..Lex::new('\\') };
    assert_eq!(expand_with(raw_quotes, "'$NAME' \"$NAME\" \\\""), "'$NAME' \"world\" \"");
    let raw_escapes = Lex { raw_escapes: true, ..Lex::new('\\') };
    assert_eq!(expand_with(raw_escapes, "\\$NAME \"\\$\" \\a ${NONE:-\\a}"), "\\$NAME \\$ \\a a");
    assert_eq!(expand_with(raw_escapes, "${NONE-\\a}\\b\\"), "a\\b\\");
    let no_quotes = Lex { skip_process_quotes: true, ..Lex::new('\\') };
    assert_eq!(expand_with(no_quotes, "it's \"$NAME\""), "it's \"world\"");
    let skip_unset = Lex { skip_unset_env: true, ..Lex::new('\\') };
    for (word, value) in [
        ("$NONE ${NONE} $NAME", "$NONE ${NONE} world"),
        ("${NONE:-a$NAME}", "${NONE:-aworld}"),
        ("${NONE##*a}", "${NONE##*a}"),
        ("${NONE/a/$NAME}", "${NONE/a/world}"),
        ("${NONE//a/b}", "${NONE/a/b}"),
        ("${NONE?}", "${NONE?}"),
    ] {
        assert_eq!(expand_with(skip_unset, word), value, "{word:?}");
    }
}

#[test]
fn names_looked_up() {
    let names = |word: &str| match Lex::new('\\').process_word(word, &ENV) {
        Ok(expanded) => (expanded.matched.join(" "), expanded.unmatched.join(" ")),
        Err(error) => (error.matched.join(" "), error.unmatched.join(" ")),
    };
    for (word, matched, unmatched) in [
        ("$NAME $B $NAME $A $B", "NAME", "B A"),
        ("${B:-$NAME}", "NAME", "B"),
        ("${NAME:+$B}", "NAME", "B"),
        ("${NAME:-${B:-$C}}", "NAME", "C B"),
        ("${B?$NAME}", "NAME", "B"),
        ("'$NAME' \\$NAME", "", ""),
        ("${NAME", "", ""),
        ("$@${*}", "", "@ *"),
    ] {
        assert_eq!(names(word), (matched.to_owned(), unmatched.to_owned()), "{word:?}");
    }
}

#[test]
fn words() {
    let split = |word: &str| Lex::new('\\').process_words(word, &ENV).map_err(|error| error.message);
    for (word, expected) in [
        ("", &[][..]),
        ("  ", &[]),
        (" a  b ", &["a", "b"]),
        ("a\u{a0}b", &["a", "b"]),
        ("$TWO", &["one", "two"]),
        ("x$TWO'y z'", &["xone", "twoy z"]),
        ("\"$TWO\"", &["one  two"]),
        ("a\\ b c", &["a b", "c"]),
        ("'' a \"\"", &["a"]),
        ("''", &[]),
        ("80${NONE}81", &["8081"]),
        // BuildKit loses what stands in front of a modifier: see `process_words`.
        ("80${NONE:-90}", &["90"]),
        ("80 81${NONE:-90}82 83", &["80", "9082", "83"]),
        ("a\"b${NONE:-c}\"d", &["bcd"]),
        ("a${FILE%.*}", &["archive.tar"]),
        ("a${NAME}${NONE:-x y}", &["x", "y"]),
    ] {
        assert_eq!(split(word), Ok(expected.iter().map(|&word| word.to_owned()).collect()), "{word:?}");
    }
    assert_eq!(split("a ${"), Err("syntax error: missing '}'".to_owned()));
    let raw = Lex { raw_escapes: true, ..Lex::new('\\') };
    assert_eq!(raw.process_words("a\\ b c\\", &NoEnv), Ok(vec!["a\\ b".to_owned(), "c\\".to_owned()]));
}

#[test]
fn environments() {
    let get = |env: &dyn Env| env.get("A").map(str::to_owned);
    assert_eq!(get(&NoEnv), None);
    assert_eq!(get(&[("A", "1"), ("A", "2")]).as_deref(), Some("2"));
    assert_eq!(get(&vec![("A".to_owned(), "1".to_owned())]).as_deref(), Some("1"));
    assert_eq!(get(&HashMap::from([("A".to_owned(), "1")])).as_deref(), Some("1"));
    assert_eq!(get(&BTreeMap::from([("a".to_owned(), "1")])), None);
}

#[test]
fn depth_and_work_are_bounded() {
    let nested = |levels: usize| format!("{}x{}", "${a:-".repeat(levels), "}".repeat(levels));
    assert_eq!(expand(&nested(MAX_DEPTH)), "x");
    for word in [nested(MAX_DEPTH + 1), "${a:-".repeat(20_000), "\"${a/".repeat(20_000)] {
        let error = Lex::new('\\').process_word(&word, &NoEnv).unwrap_err();
        assert!(error.is_limit(), "{}", error.message);
    }
    let long = [("A", "a".repeat(MAX_WORK / 4))];
    assert!(Lex::new('\\').process_word("$A", &long).is_ok());
    for word in ["$A".repeat(1_000), "${A:+$B}${A#?}".repeat(1_000), "${A//a/$A}".to_owned()] {
        assert!(Lex::new('\\').process_word(&word, &long).unwrap_err().is_limit());
    }
}

/// `name@range` of each reference, with `?` when it is not closed and the modifier as `operator|word|replacement`.
fn listed(word: &str) -> String {
    let slice = |range: &std::ops::Range<usize>| word.get(range.clone()).unwrap_or("<bad range>");
    let mut out = Vec::new();
    for var in variables(word, '\\') {
        assert_eq!(slice(&var.name_range), var.name, "{word:?}");
        let open = if var.closed { "" } else { "?" };
        let modifier = var.modifier.map_or(String::new(), |modifier| {
            let replacement =
                modifier.replacement.as_ref().map_or(String::new(), |it| format!("|{}", slice(it)));
            format!(" {}|{}{replacement}", slice(&modifier.operator), slice(&modifier.word))
        });
        out.push(format!("{}{open}{modifier}", slice(&var.range)));
    }
    out.join(", ")
}

#[test]
fn references() {
    for (word, expected) in [
        ("", ""),
        ("$", ""),
        ("a $FOO-$BAR", "$FOO, $BAR"),
        ("$1a $@", "$1, $@"),
        ("${FOO}x", "${FOO}"),
        ("'$FOO' \"$BAR\" \\$BAZ", "$BAR"),
        ("\"a'$FOO'\"", "$FOO"),
        ("\"\\$FOO \\a$BAR\"", "$BAR"),
        ("${FOO:-bar}x", "${FOO:-bar} :-|bar"),
        ("${FOO:-a${BAR}b}x", "${FOO:-a${BAR}b} :-|a${BAR}b, ${BAR}"),
        ("${FOO:-'}'}$B", "${FOO:-'}'} :-|'}', $B"),
        ("${FOO:-\"}\"}$B", "${FOO:-\"}\"} :-|\"}\", $B"),
        ("\"${FOO:-\"$A\"}\"$B", "${FOO:-\"$A\"} :-|\"$A\", $A, $B"),
        ("${FOO##*/}", "${FOO##*/} ##|*/"),
        ("${FOO%x}", "${FOO%x} %|x"),
        ("${FOO//a\\/$B/${C}}", "${FOO//a\\/$B/${C}} //|a\\/$B|${C}, $B, ${C}"),
        // What BuildKit refuses.
        ("${}", "${}"),
        ("${FOO=a}$B", "${FOO=a} |=a, $B"),
        ("${FOO:=a}$B", "${FOO:=a} :|=a, $B"),
        ("${FOO:}$B", "${FOO:} :|, $B"),
        ("${FOO[0]}$B", "${FOO[0]} |[0], $B"),
        // Half typed.
        ("${", "${?"),
        ("a${ $B", "${?, $B"),
        ("${FOO", "${FOO?"),
        ("${FOO $B", "${FOO?, $B"),
        ("\"${FOO\" $B", "${FOO?, $B"),
        ("${FOO:", "${FOO?"),
        ("${FOO:-", "${FOO:-? :-|"),
        ("${FOO:-a $B", "${FOO:-a $B? :-|a $B, $B"),
        ("${FOO/a", "${FOO/a? /|a"),
        ("${FOO/a/b", "${FOO/a/b? /|a|b"),
        ("${FOO.b $B", "${FOO?, $B"),
        ("'$FOO", ""),
        ("\u{feff}$FOO", "$FOO"),
        ("한$국어。", "$국어"),
    ] {
        assert_eq!(listed(word), expected, "{word:?}");
    }
    let no_quotes = Lex { skip_process_quotes: true, ..Lex::new('\\') };
    assert_eq!(no_quotes.variables("it's '$FOO'").len(), 1);
    let deep = "${a:-".repeat(20_000);
    assert_eq!(variables(&deep, '\\').len(), 20_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Of a word that expands, `variables` lists the names that were looked up; and it never panics.
    #[test]
    fn listed_names_are_the_ones_looked_up(word in r#"[$\{\}:\-+?#%/\\`'" aé1_*\u{feff}]{0,24}"#, backtick: bool) {
        let lex = Lex::new(if backtick { '`' } else { '\\' });
        let references = lex.variables(&word);
        for reference in &references {
            prop_assert_eq!(word.get(reference.name_range.clone()), Some(reference.name.as_str()));
            prop_assert!(word.get(reference.range.clone()).is_some());
        }
        if let Ok(expanded) = lex.process_word(&word, &[("a", "b"), ("1", "x*y")]) {
            let looked_up: BTreeSet<_> = expanded.matched.iter().chain(&expanded.unmatched).collect();
            let listed: BTreeSet<_> = references.iter().map(|reference| &reference.name).collect();
            prop_assert_eq!(looked_up, listed);
            prop_assert!(references.iter().all(|reference| reference.closed));
        }
        let _ = lex.process_words(&word, &NoEnv);
    }
}
