//! The page: the plan as one HTML file that needs nothing else. Its sources are in editors/visualizer; `cargo dev gen`
//! writes the copies that are embedded here.

use serde_json::Value;
use sha2::{Digest, Sha256};

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page that shows `data`: a plan as docs/protocol.md has it, with `"after"` for a proposal beside it; or the build graph
/// ([`crate::structure::Structure::to_json`]), whose steps have no state. `title` goes into the browser's title bar.
///
/// The page runs one script and uses one style sheet, which its content security policy knows by their hashes; it loads
/// nothing.
pub fn to_html(data: &Value, title: &str) -> String {
    let script = wrapped(SCRIPT);
    let values = [
        ("{{policy}}", policy(&script)),
        ("{{title}}", html(&crate::plan::clean(title))),
        ("{{style}}", STYLE.to_owned()),
        ("{{data}}", json(data)),
        ("{{script}}", script),
    ];
    // Each placeholder stands once, in this order; what is put in is not looked at again.
    let mut out = String::with_capacity(TEMPLATE.len() + STYLE.len() + SCRIPT.len());
    let mut rest = TEMPLATE;
    for (name, value) in values {
        if let Some((before, after)) = rest.split_once(name) {
            out.push_str(before);
            out.push_str(&value);
            rest = after;
        }
    }
    out + rest
}

/// The parts of the script keep their names to themselves.
fn wrapped(script: &str) -> String {
    format!("(() => {{\n'use strict';\n{script}}})();\n")
}

fn policy(script: &str) -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(script),
        hash(STYLE)
    )
}

/// The hash of an inline script or style, as a content security policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text)))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let sextet = (bits >> (18 - 6 * at)) as usize & 63;
            out.push(if at <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
        }
    }
    out
}

/// JSON inside `<script type="application/json">`: nothing in it can end the element or begin a comment.
fn json(data: &Value) -> String {
    let text = data.to_string();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::to_json;
    use crate::structure::tests::{about, planned};

    #[test]
    fn base64_is_that_of_the_rfc() {
        let examples = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ];
        for (text, expected) in examples {
            assert_eq!(base64(text.as_bytes()), expected);
        }
        assert_eq!(hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn a_dockerfile_cannot_get_out_of_its_data() {
        let hostile = "RUN </script><script>alert(1)</script><!-- {{script}} \u{2028}\u{1b}\u{202e}\n";
        let (plan, _) = planned(&format!("FROM a\n{hostile}"), &[], &[]);
        let mut about = about();
        about.dockerfile = "</title><script>alert(2)</script>{{data}}\u{202e}".to_owned();
        let page = to_html(&to_json(&plan, &about), &about.dockerfile);
        assert_eq!(page.matches("<script").count(), 2, "the data and the script");
        assert_eq!(page.matches("</script>").count(), 2);
        assert_eq!(page.matches("</title>").count(), 1);
        assert!(!page.contains("<!-- {{") && !page.contains("alert(2)</script>"));
        let title = page.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        assert!(!title.contains('\u{202e}'), "{title}");
        let data = page.split_once(r#"id="data">"#).unwrap().1.split_once("</script>").unwrap().0;
        let parsed: Value = serde_json::from_str(data).unwrap();
        assert_eq!(parsed, to_json(&plan, &about), "the data comes through as it is");
    }

    #[test]
    fn the_policy_knows_the_script_and_the_style() {
        let page = to_html(&json!({}), "t");
        let policy = page.split_once("content=\"default-src").unwrap().1.split_once('"').unwrap().0;
        let script = page.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert!(policy.contains(&hash(script)), "{policy}");
        assert!(policy.contains(&hash(style)), "{policy}");
        for part in ["'unsafe", "http", "*"] {
            assert!(!policy.contains(part), "{policy}");
        }
    }

    #[test]
    fn nothing_is_loaded_and_no_attribute_holds_code() {
        for part in ["src=", "href=", "@import", "url(", "style=", " on"] {
            assert!(!TEMPLATE.contains(part), "{part}");
        }
        assert!(!STYLE.contains("@import") && !STYLE.contains("url(http"));
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"), "the script would end early");
    }
}
