//! `# layerwise: ignore[rule, rule] reason` above an instruction, and `# layerwise: ignore-file[rule] reason` for all of the
//! file: what they say, which of them nobody needs, and how one is written.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use layerwise_model::File;
use layerwise_syntax::{Block, Placed, suggest};

use crate::check::SYNTAX;
use crate::config::unknown_rule;
use crate::diagnostic::Diagnostic;
use crate::fix::{Edit, Fix};
use crate::rules::{self, Finding, Meta};

/// The rule that finds comments that switch off what is not there.
pub(crate) const UNUSED: &str = "unused-suppression";
/// The rule that finds comments that name no rule.
pub(crate) const UNKNOWN: &str = "unknown-suppression";

/// The comments of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Ours {
    comments: Vec<Comment>,
    /// Numbers of comments by the instruction below them.
    above: HashMap<usize, Vec<usize>>,
    /// The rules that are off in all of the file.
    off: HashSet<&'static str>,
}

#[derive(Clone, Debug)]
struct Comment {
    /// The whole lines.
    line: Range<usize>,
    /// The instruction below it; `None` for the whole file.
    instruction: Option<usize>,
    /// Where each name stands. `None` if the comment is not of the form.
    names: Option<Vec<(Range<usize>, String)>>,
    /// Whether the line can go: the one below could otherwise become a directive.
    removable: bool,
}

/// What a comment line says: whether it is for the file, and where in the line the names stand. `Some(None)` for one that
/// is not of the form.
fn parse(line: &str) -> Option<Option<(bool, Range<usize>)>> {
    let rest = line.trim_start_matches('\u{feff}').trim_start().trim_start_matches('#').trim_start();
    let rest = rest.strip_prefix("layerwise")?.trim_start().strip_prefix(':')?.trim_start();
    let (file, list) = match rest.strip_prefix("ignore-file") {
        Some(list) => (true, list),
        None => match rest.strip_prefix("ignore") {
            Some(list) => (false, list),
            None => return Some(None),
        },
    };
    let Some(list) = list.trim_start().strip_prefix('[') else { return Some(None) };
    let start = line.len() - list.len();
    Some(list.find(']').map(|end| (file, start..start + end)))
}

impl Ours {
    /// Reads a comment; `next` is the number of the instruction below it.
    pub(super) fn read(&mut self, blocks: &[Placed], index: usize, next: usize) {
        let Some(placed) = blocks.get(index) else { return };
        let Block::Comment(text) = &placed.block else { return };
        let Some(said) = parse(text) else { return };
        let at_top = blocks.iter().take(index).all(|b| matches!(b.block, Block::Directive(..)));
        let below = blocks.get(index + 1).is_some_and(|b| matches!(b.block, Block::Comment(_)));
        let mut comment =
            Comment { line: placed.range(), instruction: None, names: None, removable: !(at_top && below) };
        if let Some((file, list)) = said {
            comment.instruction = (!file).then_some(next);
            let mut names = Vec::new();
            let mut at = list.start;
            for part in text.get(list).unwrap_or_default().split(',') {
                let name = part.trim();
                let start = placed.start + at + (part.len() - part.trim_start().len());
                if !name.is_empty() {
                    names.push((start..start + name.len(), name.to_owned()));
                }
                at += part.len() + 1;
            }
            comment.names = Some(names);
        }
        if let Some(number) = comment.instruction {
            self.above.entry(number).or_default().push(self.comments.len());
        }
        self.comments.push(comment);
    }

    /// All comments are read.
    pub(super) fn finish(&mut self) {
        let names: HashSet<&str> = self
            .comments
            .iter()
            .filter(|comment| comment.instruction.is_none())
            .flat_map(|comment| comment.names.iter().flatten().map(|(_, name)| name.as_str()))
            .collect();
        if !names.is_empty() {
            let off = |meta: &Meta| names.iter().any(|name| meta.is_selected_by(name));
            self.off = rules::all().iter().map(|r| &r.meta).filter(|m| off(m)).map(|m| m.name).collect();
        }
    }

    /// Whether a diagnostic is switched off.
    pub(super) fn cover(&self, file: &File, diagnostic: &Diagnostic) -> bool {
        if self.comments.is_empty() || diagnostic.rule == SYNTAX.name {
            return false;
        }
        if self.off.contains(diagnostic.rule) {
            return true;
        }
        let meta = rules::meta(diagnostic.rule);
        let is_meant = |name: &str| match meta {
            Some(meta) => meta.is_selected_by(name),
            None => {
                name.eq_ignore_ascii_case("all")
                    || name.eq_ignore_ascii_case(diagnostic.rule)
                    || name.eq_ignore_ascii_case(diagnostic.code)
                    || diagnostic.equivalents.contains(&name)
            }
        };
        let says = |comment: &Comment| comment.names.iter().flatten().any(|(_, name)| is_meant(name));
        let above = file.at(diagnostic.range.start).and_then(|number| self.above.get(&number));
        let above = above.into_iter().flatten().filter_map(|index| self.comments.get(*index));
        // What is no rule of ours is in no list of what is off.
        let whole = self.comments.iter().filter(|c| meta.is_none() && c.instruction.is_none());
        above.chain(whole).any(says)
    }

    /// The comments that switch off nothing or name no rule, each with the name of the rule that says so. `found` is what
    /// there is without any comment; `ran` tells which rules could have found something, `own` are the names of the user's.
    pub(super) fn leftovers(
        &self,
        file: &File,
        found: &[Diagnostic],
        ran: &HashSet<&'static str>,
        own: &[&str],
    ) -> Vec<(&'static str, Finding)> {
        if self.comments.is_empty() || !(ran.contains(UNUSED) || ran.contains(UNKNOWN)) {
            return Vec::new();
        }
        let mut anywhere: HashSet<&str> = HashSet::new();
        let mut at: HashMap<usize, HashSet<&str>> = HashMap::new();
        for diagnostic in found {
            anywhere.insert(diagnostic.rule);
            if let Some(number) = file.at(diagnostic.range.start) {
                at.entry(number).or_default().insert(diagnostic.rule);
            }
        }
        let nothing = HashSet::new();
        let mut leftovers = Vec::new();
        for comment in &self.comments {
            let Some(names) = &comment.names else {
                let message = "This switches nothing off; write `# layerwise: ignore[rule] reason` above an instruction, or \
                               `# layerwise: ignore-file[rule] reason`.";
                let range = comment.line.start..comment.line.end.max(comment.line.start);
                leftovers.push((UNKNOWN, Finding::new(trimmed(file, range), message)));
                continue;
            };
            let there = match comment.instruction {
                None => &anywhere,
                Some(number) => at.get(&number).unwrap_or(&nothing),
            };
            for (index, (range, name)) in names.iter().enumerate() {
                if let Some(message) = unknown_rule(name, own).filter(|_| !is_shellcheck(name)) {
                    let mut finding = Finding::new(range.clone(), message);
                    let known = rules::all().iter().flat_map(|rule| [rule.meta.name, rule.meta.code]);
                    let known = known.chain(own.iter().copied());
                    if let Some(near) = suggest::search(name, known, false) {
                        finding =
                            finding.fix(Fix::replace(format!("Change to `{near}`"), range.clone(), near));
                    } else if let Some(fix) = comment.without(index) {
                        finding = finding.fix(fix);
                    }
                    leftovers.push((UNKNOWN, finding));
                    continue;
                }
                let mut named = rules::all().iter().map(|r| &r.meta).filter(|m| m.is_called(name)).peekable();
                if named.peek().is_none() || !named.any(|meta| ran.contains(meta.name)) {
                    // A group, or what did not run: nobody knows.
                    continue;
                }
                let is_used = rules::all().iter().any(|r| {
                    r.meta.is_called(name) && (there.contains(r.meta.name) || !ran.contains(r.meta.name))
                });
                if is_used {
                    continue;
                }
                let place = match comment.instruction {
                    None => "in this file",
                    Some(_) => "in the instruction below",
                };
                let message =
                    format!("`{name}` finds nothing {place}, so there is nothing to ignore; take it out.");
                let mut finding = Finding::new(range.clone(), message).unneeded();
                if let Some(fix) = comment.without(index) {
                    finding = finding.fix(fix.safe());
                }
                leftovers.push((UNUSED, finding));
            }
        }
        leftovers
    }
}

impl Comment {
    /// The comment without one of its names; without the last one the line goes.
    fn without(&self, index: usize) -> Option<Fix> {
        let names = self.names.as_ref()?;
        let (range, name) = names.get(index)?;
        let range = match (index.checked_sub(1).and_then(|i| names.get(i)), names.get(index + 1)) {
            (Some((before, _)), _) => before.end..range.end,
            (None, Some((after, _))) => range.start..after.start,
            (None, None) if self.removable => self.line.clone(),
            (None, None) => return None,
        };
        Some(Fix::replace(format!("Take `{name}` out"), range, ""))
    }
}

/// A line without its line break.
fn trimmed(file: &File, range: Range<usize>) -> Range<usize> {
    let text = file.parsed().text();
    let end = range.end.min(text.len());
    let line = text.slice(range.start.min(end)..end);
    range.start..range.start + line.trim_end().len()
}

fn is_shellcheck(name: &str) -> bool {
    let digits = name.strip_prefix("SC").or_else(|| name.strip_prefix("sc"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// A comment that switches a diagnostic off where it stands: a new line above the instruction, or a name more in the comment
/// that is there. `None` for what cannot be switched off, or stands in no instruction.
pub fn ignore_here(file: &File, diagnostic: &Diagnostic) -> Option<Fix> {
    let rule = diagnostic.rule;
    if [SYNTAX.name, UNUSED, UNKNOWN].contains(&rule) {
        return None;
    }
    let number = file.at(diagnostic.range.start)?;
    let (placed, _) = file.instruction(number);
    let title = format!("Ignore `{rule}` here");
    let above = file.block_of(number).checked_sub(1).and_then(|i| file.parsed().layer().blocks().get(i));
    if let Some(above) = above
        && let Block::Comment(text) = &above.block
        && let Some(Some((false, list))) = parse(text)
    {
        let comma = if text.get(list.clone()).is_some_and(|l| l.trim().is_empty()) { "" } else { ", " };
        let at = above.start + list.end;
        return Some(Fix::replace(title, at..at, format!("{comma}{rule}")));
    }
    let text = file.parsed().text();
    let source = text.slice(placed.start..placed.start + placed.len);
    // A byte order mark stays the first character.
    let at = placed.start + source.len() - source.strip_prefix('\u{feff}').unwrap_or(&source).len();
    let first = source.split_inclusive('\n').next().unwrap_or_default();
    let end = if first.ends_with("\r\n") { "\r\n" } else { "\n" };
    let indent: String =
        first.trim_start_matches('\u{feff}').chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let comment = format!("{indent}# layerwise: ignore[{rule}]{end}");
    let mut fix = Fix::replace(title, at..at, "");
    fix.edits = vec![Edit { range: at..at, text: comment }];
    Some(fix)
}

#[cfg(test)]
mod tests {
    use layerwise_syntax::Parsed;

    use super::*;
    use crate::fix::apply;
    use crate::rules::testing::{diagnostics, fixed};

    fn found(text: &str) -> Vec<(&'static str, String)> {
        let all = diagnostics(text, &[]);
        all.iter().map(|d| (d.rule, text[d.range.clone()].to_owned())).collect()
    }

    fn rules_of(text: &str) -> Vec<&'static str> {
        found(text).into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn comments() {
        let both = ["maintainer", "json-args-recommended"];
        let file = |above: &str| format!("FROM debian:12\n{above}MAINTAINER me\nCMD x\n");
        for (above, expected) in [
            ("", &both[..]),
            ("# layerwise: ignore[maintainer]\n", &both[1..]),
            ("#layerwise:ignore [ T005 ] it is old\n\n# more\n", &both[1..]),
            ("# layerwise: ignore[DL4000, json-args-recommended] x\n", &[UNUSED, "json-args-recommended"]),
            ("# layerwise: ignore[style]\n", &both[1..]),
            ("# layerwise: ignore[all]\n", &both[1..]),
            ("# layerwise: ignore-file[maintainer, JSONArgsRecommended] old\n", &[]),
            ("# layerwise: ignore-file[all]\n", &[]),
            ("# layerwise: ignore[SC2086]\n", &both[..]),
        ] {
            assert_eq!(rules_of(&file(above)), expected, "{above}");
        }
    }

    #[test]
    fn what_nobody_needs_is_said() {
        let text = "FROM scratch\n# layerwise: ignore[maintainer, workdir-relative]\nMAINTAINER me\n# layerwise: ignore-file[T003]\n";
        let unused = |text: &str| (UNUSED, text.to_owned());
        assert_eq!(found(text), [unused("workdir-relative"), unused("T003")]);
        let mended = "FROM scratch\n# layerwise: ignore[maintainer]\nMAINTAINER me\n";
        let selected = diagnostics(text, &[UNUSED, "maintainer", "workdir-relative", "T003"]);
        let edits: Vec<_> = selected.iter().flat_map(|d| d.fixes[0].edits.clone()).collect();
        assert_eq!(apply(text, &edits).as_deref(), Some(mended));
        // What did not run is not known to be unused.
        assert!(diagnostics(text, &[UNUSED]).is_empty());
    }

    #[test]
    fn names_that_are_none_are_said() {
        let unknown = |text: &str| (UNKNOWN, text.to_owned());
        let text = "# layerwise: ignore[maintaner]\nFROM scratch\n# layerwise: ignore maintainer\nMAINTAINER me\n# layerwise: ignore[xyzzyx]\n";
        let expected = [
            unknown("maintaner"),
            unknown("# layerwise: ignore maintainer"),
            ("maintainer", "MAINTAINER me".to_owned()),
            unknown("xyzzyx"),
        ];
        assert_eq!(found(text), expected);
        assert!(fixed("T091", text).starts_with("# layerwise: ignore[maintainer]\nFROM"));
        assert!(!fixed("T091", text).contains("xyzzyx"));
    }

    #[test]
    fn a_line_that_keeps_the_next_from_being_a_directive_stays() {
        let text = "# layerwise: ignore[maintainer]\n# escape=`\nFROM scratch\n";
        let found = diagnostics(text, &[UNUSED, "maintainer"]);
        assert_eq!((found.len(), found[0].fixes.len()), (1, 0));
    }

    #[test]
    fn a_comment_is_written() {
        for (text, expected) in [
            (
                "FROM scratch\nMAINTAINER me\n",
                "FROM scratch\n# layerwise: ignore[maintainer]\nMAINTAINER me\n",
            ),
            (
                "FROM scratch\r\n  MAINTAINER me\r\n",
                "FROM scratch\r\n  # layerwise: ignore[maintainer]\r\n  MAINTAINER me\r\n",
            ),
            (
                "FROM scratch\n# layerwise: ignore[all-of-it] why\nMAINTAINER me\n",
                "FROM scratch\n# layerwise: ignore[all-of-it, maintainer] why\nMAINTAINER me\n",
            ),
            (
                "\u{feff}MAINTAINER me\nFROM scratch\n",
                "\u{feff}# layerwise: ignore[maintainer]\nMAINTAINER me\nFROM scratch\n",
            ),
        ] {
            let found = diagnostics(text, &["maintainer"]);
            let one = found.iter().find(|d| d.rule == "maintainer").expect("it is found");
            let file = File::new(Parsed::new(text));
            let fix = ignore_here(&file, one).expect("it can be ignored");
            let after = apply(text, &fix.edits).expect("it fits");
            assert_eq!(after, expected);
            assert!(diagnostics(&after, &["maintainer"]).iter().all(|d| d.rule != "maintainer"), "{after}");
        }
        let text = "FRM x\n";
        let file = File::new(Parsed::new(text));
        let errors: Vec<_> = diagnostics(text, &["syntax-error"]);
        assert!(!errors.is_empty() && errors.iter().all(|d| ignore_here(&file, d).is_none()));
    }

    #[test]
    fn any_comment_can_be_read() {
        for text in [
            "# layerwise:",
            "# layerwise: ignore[",
            "# layerwise: ignore[]",
            "# layerwise: ignore[,é,]",
            "#layerwise : ignore-file [ a",
            "\u{feff}# layerwise: ignore[é]\nFROM x",
            "# layerwise: ignore[a]]] x\r\n\r\nFROM x\r\n",
        ] {
            let _ = diagnostics(text, &[]);
        }
    }
}
