//! Texts that are secrets by their looks.

use std::ops::Range;

/// A kind of token: what it starts with, what it is, how long the rest is, and which characters that has.
struct Kind {
    prefix: &'static str,
    name: &'static str,
    length: Range<usize>,
    upper_only: bool,
}

/// Source: the services' own documentation of their tokens' formats.
const KINDS: [Kind; 20] = [
    kind("AKIA", "an AWS access key", 16..17, true),
    kind("ASIA", "an AWS access key", 16..17, true),
    kind("ghp_", "a GitHub token", 36..256, false),
    kind("gho_", "a GitHub token", 36..256, false),
    kind("ghs_", "a GitHub token", 36..256, false),
    kind("ghu_", "a GitHub token", 36..256, false),
    kind("github_pat_", "a GitHub token", 60..256, false),
    kind("glpat-", "a GitLab token", 20..64, false),
    kind("xoxb-", "a Slack token", 30..120, false),
    kind("xoxp-", "a Slack token", 30..120, false),
    kind("sk_live_", "a Stripe key", 20..128, false),
    kind("rk_live_", "a Stripe key", 20..128, false),
    kind("sk-ant-", "an Anthropic key", 40..200, false),
    kind("sk-proj-", "an OpenAI key", 40..200, false),
    kind("AIza", "a Google API key", 35..36, false),
    kind("npm_", "an npm token", 36..37, false),
    kind("pypi-AgEI", "a PyPI token", 50..300, false),
    kind("dckr_pat_", "a Docker Hub token", 27..40, false),
    kind("hf_", "a Hugging Face token", 34..40, false),
    kind("dop_v1_", "a DigitalOcean token", 64..65, false),
];

const fn kind(prefix: &'static str, name: &'static str, length: Range<usize>, upper_only: bool) -> Kind {
    Kind { prefix, name, length, upper_only }
}

/// The tokens in a text: where, and what each is. Placeholders such as `AKIAIOSFODNN7EXAMPLE` are none.
pub(super) fn tokens(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut found = Vec::new();
    for kind in &KINDS {
        for (start, _) in text.match_indices(kind.prefix) {
            let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if text[..start].ends_with(word) {
                continue;
            }
            let rest = &text[start + kind.prefix.len()..];
            let length = rest.find(|c: char| !word(c)).unwrap_or(rest.len());
            let body = &rest[..length];
            let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            if !kind.length.contains(&length)
                || (kind.upper_only && !body.bytes().all(upper))
                || is_placeholder(body)
            {
                continue;
            }
            found.push((start..start + kind.prefix.len() + length, kind.name));
        }
    }
    for (start, begin) in text.match_indices("-----BEGIN ") {
        let rest = &text[start + begin.len()..];
        let Some(end) = rest.find("-----").filter(|&end| end < 40 && rest[..end].ends_with("PRIVATE KEY"))
        else {
            continue;
        };
        // A key has lines of base64; its header alone is what a script looks for.
        let after = rest[end + 5..].trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let after = after.strip_prefix("n").unwrap_or(after);
        let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        if after.find(|c: char| !base64(c)).unwrap_or(after.len()) >= 40 {
            found.push((start..start + begin.len() + end + 5, "a private key"));
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Whether nobody would take it for a real one: few different characters, or a word that says so.
fn is_placeholder(body: &str) -> bool {
    let mut seen = [false; 256];
    body.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    let different = seen.iter().filter(|&&seen| seen).count();
    let lower = body.to_ascii_lowercase();
    different < 8
        || ["example", "xxxx", "placeholder", "your", "dummy", "changeme"].iter().any(|w| lower.contains(w))
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn looks() {
        let body = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
        for (text, count) in [
            (format!("x=ghp_{body}"), 1),
            (format!("ghp_{body}_and_more_{body}"), 1),
            (format!("npm_{body}, npm_config_{body}"), 1),
            (format!("xghp_{body}"), 0),
            ("AKIAIOSFODNN7EXAMPLE".to_owned(), 0),
            ("AKIAQ3EGRKZ5T7WVXY2B".to_owned(), 1),
            ("AKIAQ3EGRKZ5T7WVXY2Bx".to_owned(), 0),
            (format!("ghp_{}", "x".repeat(36)), 0),
            (format!("-----BEGIN RSA PRIVATE KEY-----\n{body}{body}\n"), 1),
            ("grep -----BEGIN RSA PRIVATE KEY----- x".to_owned(), 0),
            (format!("-----BEGIN PUBLIC KEY-----\n{body}{body}"), 0),
        ] {
            assert_eq!(tokens(&text).len(), count, "{text}");
        }
    }
}
