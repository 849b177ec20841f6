//! Questions to one repository.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use layerwise_model::context::{Content, EntryKind};

use super::lfs::Pointer;
use super::run::{Answer, Place, run, stream};
use super::{Before, GitError, State, Versioned};
use crate::context::unread;
use crate::fs::{ContextFs, OsFs};
use crate::manifest::is_manifest;
use crate::read::MAX_DOCKERFILE;

/// Submodules inside one another, and all together, that are looked into; others count as unknown.
const MAX_SUBMODULE_DEPTH: usize = 8;
const MAX_SUBMODULES: usize = 256;
/// Bytes of a manifest, as when it is loaded from the disk.
const MAX_TEXT: usize = 512 << 10;
/// Bytes of a link's target; more than any system allows.
const MAX_TARGET: usize = 64 << 10;
/// What is said where a filter cannot be switched off.
const STRANGE_FILTER: &str =
    "the configuration has a filter whose name is not understood, so git is not asked";
/// Bytes of a Git LFS pointer, which its specification keeps below this.
const MAX_POINTER: usize = 1024;
/// Links followed from one Dockerfile or ignore file to another.
const MAX_LINKS: usize = 8;

/// A folder in the working tree of a repository.
pub(super) struct Repo {
    place: Place,
    /// The filter drivers that change what a checkout writes.
    drivers: HashSet<String>,
    deadline: Instant,
    /// The folder's path in the repository: empty, or with a slash at its end.
    prefix: String,
}

/// An object to read.
struct Wanted {
    oid: String,
    /// From the repository's top, so that git knows the attributes; `None` for bytes as they are stored.
    path: Option<String>,
    /// How many bytes to keep.
    keep: usize,
}

/// What was read of an object.
struct Blob {
    hash: [u8; 32],
    size: u64,
    /// The bytes, if there were not too many.
    bytes: Option<Vec<u8>>,
}

impl Repo {
    /// The repository that the folder is in.
    pub(super) fn open(dir: &Path, deadline: Instant) -> Result<Repo, GitError> {
        let place = Place { dir: dir.to_path_buf(), off: Vec::new() };
        let mut repo = Repo { place, drivers: HashSet::new(), deadline, prefix: String::new() };
        let answer = repo.run(&["rev-parse", "--is-inside-work-tree", "--show-prefix"], Vec::new())?;
        if !answer.success {
            return Err(if answer.message.contains("not a git repository") {
                GitError::NotARepository(dir.to_path_buf())
            } else {
                GitError::Failed(answer.message)
            });
        }
        let text = String::from_utf8_lossy(&answer.out);
        let mut lines = text.splitn(2, '\n');
        if lines.next() != Some("true") {
            return Err(GitError::NoWorkTree(dir.to_path_buf()));
        }
        let prefix = lines.next().unwrap_or_default();
        repo.prefix = prefix.strip_suffix('\n').unwrap_or(prefix).to_owned();
        repo.switch_filters_off()?;
        Ok(repo)
    }

    /// The same folder for questions until another time; what the configuration names is switched off again, since it may
    /// name more now.
    pub(super) fn again(&self, deadline: Instant) -> Result<Repo, GitError> {
        let place = Place { dir: self.place.dir.clone(), off: Vec::new() };
        let mut repo = Repo { place, drivers: HashSet::new(), deadline, prefix: self.prefix.clone() };
        repo.switch_filters_off()?;
        Ok(repo)
    }

    /// The same folder for questions until another time that have nothing to do with the bytes of files.
    pub(super) fn until(&self, deadline: Instant) -> Repo {
        let place = Place { dir: self.place.dir.clone(), off: self.place.off.clone() };
        Repo { place, drivers: self.drivers.clone(), deadline, prefix: self.prefix.clone() }
    }

    /// The folder itself.
    pub(super) fn dir(&self) -> &Path {
        &self.place.dir
    }

    /// The folder's path from the repository's top: empty, or with a slash at its end.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The top of the working tree, the folder with what is the working tree's own, and the one with what all working trees
    /// of the repository share; links in their paths followed.
    pub(super) fn places(&self) -> Result<[PathBuf; 3], GitError> {
        self.places_of(&self.place.dir)
    }

    /// [`Repo::places`] of another folder.
    pub(super) fn places_of(&self, dir: &Path) -> Result<[PathBuf; 3], GitError> {
        let args = ["rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"];
        let place = Place { dir: dir.to_path_buf(), off: Vec::new() };
        let answer = run(&place, &args, Vec::new(), self.deadline)?;
        if !answer.success {
            return Err(GitError::Failed(answer.message));
        }
        let text = String::from_utf8(answer.out).map_err(|error| GitError::Failed(error.to_string()))?;
        let mut lines = text.lines().map(|line| std::fs::canonicalize(dir.join(line)));
        match (lines.next(), lines.next(), lines.next(), lines.next()) {
            (Some(Ok(top)), Some(Ok(own)), Some(Ok(common)), None) => Ok([top, own, common]),
            _ => Err(GitError::Failed(text)),
        }
    }

    /// Whether a setting is on; `default` if nothing is said of it.
    pub(super) fn is_on(&self, setting: &str, default: bool) -> Result<bool, GitError> {
        let answer = self.run(&["config", "--type=bool", "--get", setting], Vec::new())?;
        match (answer.success, String::from_utf8_lossy(&answer.out).trim()) {
            (true, "true") => Ok(true),
            (true, "false") => Ok(false),
            _ if answer.message.is_empty() => Ok(default),
            _ => Err(GitError::Failed(answer.message)),
        }
    }

    fn run(&self, args: &[&str], input: Vec<u8>) -> Result<Answer, GitError> {
        run(&self.place, args, input, self.deadline)
    }

    /// Runs git and takes anything but success for an error.
    fn ask(&self, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>, GitError> {
        let answer = self.run(args, input)?;
        if answer.success { Ok(answer.out) } else { Err(GitError::Failed(answer.message)) }
    }

    /// The full name of the commit that a revision names.
    pub(super) fn commit(&self, rev: &str) -> Result<String, GitError> {
        let unknown = || GitError::UnknownRevision(rev.to_owned());
        if rev.is_empty() || rev.contains('\0') {
            return Err(unknown());
        }
        let resolve = |rev: &str| {
            let peeled = format!("{rev}^{{commit}}");
            self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled], Vec::new())
        };
        let answer = resolve(rev)?;
        if !answer.success {
            return Err(if resolve("HEAD")?.success {
                unknown()
            } else {
                GitError::NoCommits(self.place.dir.clone())
            });
        }
        let name = String::from_utf8_lossy(&answer.out).trim().to_owned();
        // A range names more than one.
        if name.bytes().all(|b| b.is_ascii_hexdigit()) { Ok(name) } else { Err(unknown()) }
    }

    /// The text that a file of this folder had at a commit.
    pub(super) fn versioned(&self, commit: &str, name: &str) -> Result<Versioned, GitError> {
        let mut path = format!("{}{name}", self.prefix);
        for _ in 0..MAX_LINKS {
            let Some((mode, oid)) = self.look_up(commit, &path)? else { break };
            let is_link = mode == "120000";
            if !is_link && !mode.starts_with("100") {
                break;
            }
            let at = (!is_link).then(|| path.clone());
            let wanted = Wanted { oid, path: at, keep: MAX_DOCKERFILE as usize };
            let Some(blob) = self.blobs(vec![wanted])?.pop().flatten() else { break };
            let text = String::from_utf8_lossy(&blob.bytes.ok_or(GitError::TooMuch)?).into_owned();
            if !is_link {
                return Ok(Versioned::Text(text));
            }
            let dir = layerwise_model::gopath::path_dir(&path);
            path = layerwise_model::gopath::path_join(&[&dir, &text]);
            if text.starts_with('/') || path.starts_with("..") {
                return Ok(Versioned::Unversioned);
            }
        }
        let ignored = self.run(&["check-ignore", "--quiet", "--", &literal(name)], Vec::new())?;
        Ok(if ignored.success { Versioned::Unversioned } else { Versioned::Absent })
    }

    /// The files, from the repository's top, whose bytes or kind differ between a commit and the working tree.
    pub(super) fn changed_files(&self, commit: &str) -> Result<Vec<String>, GitError> {
        let args = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv"];
        let rest = ["--ignore-submodules=all", commit, "--"];
        Ok(nul_separated(&self.ask(&[&args[..], &rest[..]].concat(), Vec::new())?))
    }

    /// The files, from the repository's top, that the index has.
    pub(super) fn tracked_files(&self) -> Result<Vec<String>, GitError> {
        Ok(nul_separated(&self.ask(&["ls-files", "-z", "--full-name", ":/"], Vec::new())?))
    }

    /// Mode and object of a path from the repository's top.
    fn look_up(&self, commit: &str, path: &str) -> Result<Option<(String, String)>, GitError> {
        let out = self.ask(&["ls-tree", "-z", "--full-tree", commit, "--", &literal(path)], Vec::new())?;
        let text = String::from_utf8_lossy(&out);
        let Some((fields, _)) = text.split_once('\t') else { return Ok(None) };
        let mut fields = fields.split(' ');
        Ok(match (fields.next(), fields.next(), fields.next()) {
            (Some(mode), Some(_), Some(oid)) => Some((mode.to_owned(), oid.to_owned())),
            _ => None,
        })
    }

    /// Modes and objects of paths from this folder, those that the commit has. All must fit into one command line.
    pub(super) fn look_up_all(
        &self,
        commit: &str,
        paths: &[&str],
    ) -> Result<HashMap<String, (String, String)>, GitError> {
        let mut found = HashMap::new();
        if paths.is_empty() {
            return Ok(found);
        }
        let names: Vec<String> =
            paths.iter().map(|path| literal(&format!("{}{path}", self.prefix))).collect();
        let mut args = vec!["ls-tree", "-z", "--full-tree", commit, "--"];
        args.extend(names.iter().map(String::as_str));
        for entry in nul_separated(&self.ask(&args, Vec::new())?) {
            let Some((fields, path)) = entry.split_once('\t') else { continue };
            let mut fields = fields.split(' ');
            if let (Some(mode), Some(_), Some(oid), Some(path)) =
                (fields.next(), fields.next(), fields.next(), path.strip_prefix(&self.prefix))
            {
                found.insert(path.to_owned(), (mode.to_owned(), oid.to_owned()));
            }
        }
        Ok(found)
    }

    /// Which of the paths (from this folder) the ignore files exclude, whatever the index says of them. None may stand below
    /// a link or in another repository.
    pub(super) fn ignored(&self, paths: &[&str]) -> Result<HashSet<String>, GitError> {
        if paths.is_empty() {
            return Ok(HashSet::new());
        }
        let names: Vec<String> = paths.iter().map(|path| literal(path)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let answer = self.run(&["check-ignore", "-z", "--stdin", "--no-index"], joined(&names, b'\0'))?;
        // Status 1 means that none is.
        if !answer.success && !answer.message.is_empty() {
            return Err(GitError::Failed(answer.message));
        }
        let found = nul_separated(&answer.out);
        Ok(found.into_iter().map(|path| path.strip_prefix("./").unwrap_or(&path).to_owned()).collect())
    }

    /// What the index says beyond the commit.
    pub(super) fn index(&self, commit: &str) -> Result<Index, GitError> {
        // A line for each file: too much to keep, and most are as the commit has them.
        let read = |out: &mut dyn Read| read_index(BufReader::with_capacity(64 << 10, out));
        let args = ["ls-files", "-z", "-s", "-v"];
        let (success, read, message) = stream(&self.place, &args, Vec::new(), self.deadline, read)?;
        let mut index = match read {
            Ok(index) if success => index,
            _ => return Err(GitError::Failed(message)),
        };
        let diff = [
            "diff-index",
            "--cached",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--ita-visible-in-index",
            "--ignore-submodules=all",
            "--relative",
            commit,
            "--",
        ];
        let fields = nul_separated(&self.ask(&diff, Vec::new())?);
        for pair in fields.chunks_exact(2) {
            let [meta, path] = pair else { continue };
            if meta.starts_with(":000000 ") {
                index.added.insert(path.clone());
            } else if meta.split(' ').nth(1) == Some("000000") {
                index.removed.insert(path.clone());
            }
        }
        Ok(index)
    }

    /// Takes the commands from every filter driver that is configured, so that git runs none: not to smudge, not to clean,
    /// not to talk to one that stays. Must come before anything that looks at files.
    fn switch_filters_off(&mut self) -> Result<(), GitError> {
        // Status 1 means that there are none.
        let answer = self.run(&["config", "-z", "--name-only", "--get-regexp", r"^filter\."], Vec::new())?;
        if !answer.success && !answer.message.is_empty() {
            return Err(GitError::Failed(answer.message));
        }
        let mut drivers = BTreeSet::new();
        for key in answer.out.split(|byte| *byte == 0).filter(|key| !key.is_empty()) {
            let Some((driver, variable)) =
                std::str::from_utf8(key).ok().and_then(|key| key.strip_prefix("filter.")?.rsplit_once('.'))
            else {
                // A variable of no driver, or a name that no setting of ours could name.
                match std::str::from_utf8(key) {
                    Ok(_) => continue,
                    Err(_) => return Err(GitError::Failed(STRANGE_FILTER.to_owned())),
                }
            };
            // `git -c` takes what is before the first `=` for the name.
            if driver.contains('=') {
                return Err(GitError::Failed(STRANGE_FILTER.to_owned()));
            }
            if matches!(variable, "smudge" | "process") {
                self.drivers.insert(driver.to_owned());
            }
            drivers.insert(driver.to_owned());
        }
        for driver in drivers {
            for setting in ["clean=", "smudge=", "process=", "required=false"] {
                self.place.off.push(format!("filter.{driver}.{setting}"));
            }
        }
        Ok(())
    }

    /// Which of the paths (from this folder) only a filter driver knows the content of.
    fn filtered(&self, paths: &[&str]) -> Result<HashSet<String>, GitError> {
        if self.drivers.is_empty() || paths.is_empty() {
            return Ok(HashSet::new());
        }
        let out = self.ask(&["check-attr", "--stdin", "-z", "filter"], joined(paths, b'\0'))?;
        let fields = nul_separated(&out);
        let driven = fields.chunks_exact(3).filter_map(|triple| match triple {
            [path, _, driver] if self.drivers.contains(driver) => Some(path.clone()),
            _ => None,
        });
        Ok(driven.collect())
    }

    /// The objects that files of this folder would be stored as, line ends converted as git is told to; without those that
    /// cannot be told. Stores nothing.
    pub(super) fn objects_of<'a>(&self, paths: &[&'a str]) -> Result<HashMap<&'a str, String>, GitError> {
        // Git would follow a link, wait for a pipe, and take a line feed for the end of a name.
        let regular = |path: &str| {
            OsFs.metadata(&self.place.dir.join(path)).is_ok_and(|found| found.kind == EntryKind::File)
        };
        let paths: Vec<&str> =
            paths.iter().copied().filter(|path| !path.contains(['\n', '"']) && regular(path)).collect();
        if paths.is_empty() {
            return Ok(HashMap::new());
        }
        let answer = self.run(&["hash-object", "--stdin-paths"], joined(&paths, b'\n'))?;
        // Where a file went away meanwhile git ends early.
        let text = String::from_utf8_lossy(&answer.out);
        Ok(paths.into_iter().zip(text.lines().map(str::to_owned)).collect())
    }

    /// The objects, in order; `None` for one that is not on this machine.
    fn blobs(&self, wanted: Vec<Wanted>) -> Result<Vec<Option<Blob>>, GitError> {
        let mut found = Vec::new();
        found.resize_with(wanted.len(), || None);
        // A path goes to git on a line of its own, so one with a line feed is read without its attributes.
        let has_path = |w: &Wanted| w.path.as_ref().is_some_and(|path| !path.contains('\n'));
        for filters in [false, true] {
            let picked: Vec<usize> =
                wanted.iter().enumerate().filter(|(_, w)| has_path(w) == filters).map(|(i, _)| i).collect();
            if picked.is_empty() {
                continue;
            }
            let picked_wanted: Vec<&Wanted> = picked.iter().filter_map(|i| wanted.get(*i)).collect();
            for (index, blob) in picked.iter().zip(self.batch(&picked_wanted, filters)?) {
                if let Some(slot) = found.get_mut(*index) {
                    *slot = blob;
                }
            }
        }
        Ok(found)
    }

    /// Reads objects by `git cat-file --batch`.
    ///
    /// With `--filters` the size that git prints is that before the conversion, so the answer does not say where an
    /// object ends. Asking for a name that does not exist after each object does.
    fn batch(&self, wanted: &[&Wanted], filters: bool) -> Result<Vec<Option<Blob>>, GitError> {
        // Unknown to whoever wrote the objects, so that no file can end itself early.
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seed = format!("{} {}", time.as_nanos(), std::process::id());
        let end = format!("layerwise-{}", blake3::hash(seed.as_bytes()).to_hex());
        let mut input = Vec::new();
        for w in wanted {
            input.extend_from_slice(w.oid.as_bytes());
            if let (true, Some(path)) = (filters, &w.path) {
                input.push(b' ');
                input.extend_from_slice(path.as_bytes());
            }
            input.push(b'\n');
            input.extend_from_slice(end.as_bytes());
            input.push(b'\n');
        }
        let keeps: Vec<usize> = wanted.iter().map(|w| w.keep).collect();
        let end_line = format!("{end} missing\n");
        let read = move |out: &mut dyn Read| {
            let mut out = BufReader::with_capacity(64 << 10, out);
            keeps.into_iter().map(|keep| read_blob(&mut out, end_line.as_bytes(), keep)).collect()
        };
        let mut args = vec!["cat-file", "--batch", "--buffer"];
        args.extend(filters.then_some("--filters"));
        let (success, blobs, message): (_, std::io::Result<Vec<_>>, _) =
            stream(&self.place, &args, input, self.deadline, read)?;
        match blobs {
            Ok(blobs) if success => Ok(blobs),
            _ => Err(GitError::Failed(message)),
        }
    }
}

/// What the index says of the paths of a folder beyond the commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Paths that the commit does not have.
    pub(super) added: BTreeSet<String>,
    /// Paths that only the commit has.
    pub(super) removed: BTreeSet<String>,
    /// Paths that are in conflict, or that git is told not to look at.
    pub(super) odd: BTreeSet<String>,
    /// Submodules.
    pub(super) repositories: BTreeSet<String>,
    /// Files that [`is_rules`].
    pub(super) rules: BTreeSet<String>,
}

/// Reads what `git ls-files -z -s -v` says: `H 100644 <object> 0<tab><path>` of most files.
fn read_index(mut out: impl BufRead) -> std::io::Result<Index> {
    let mut index = Index::default();
    let mut entry = Vec::new();
    loop {
        entry.clear();
        if out.read_until(0, &mut entry)? == 0 {
            return Ok(index);
        }
        let entry = entry.strip_suffix(b"\0").unwrap_or(&entry);
        let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else { continue };
        let (fields, path) = (entry.get(..tab).unwrap_or_default(), entry.get(tab + 1..).unwrap_or_default());
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let path = || String::from_utf8_lossy(path).into_owned();
        if !fields.starts_with(b"H ") || !fields.ends_with(b" 0") {
            index.odd.insert(path());
        }
        if fields.starts_with(b"H 160000 ") {
            index.repositories.insert(path());
        }
        if std::str::from_utf8(name).is_ok_and(is_rules) {
            index.rules.insert(path());
        }
    }
}

/// Whether a file of this name says what git ignores, how it converts files, or where submodules are.
pub fn is_rules(name: &str) -> bool {
    matches!(name, ".gitignore" | ".gitattributes" | ".gitmodules")
}

/// A path that git does not take for a pathspec with magic, such as `:(glob)x`.
fn literal(path: &str) -> String {
    format!("./{path}")
}

/// One object of a batch and the line that ends it. `None` if git does not have it.
fn read_blob(out: &mut impl BufRead, end: &[u8], keep: usize) -> std::io::Result<Option<Blob>> {
    let mut line = Vec::new();
    read_piece(out, &mut line)?;
    let exists = !line.ends_with(b" missing\n") && !line.ends_with(b" ambiguous\n");
    let mut hasher = blake3::Hasher::new();
    let mut bytes = Some(Vec::new());
    let mut feed = |part: &[u8]| {
        hasher.update(part);
        if let Some(kept) = &mut bytes {
            kept.extend_from_slice(part);
            if kept.len() > keep {
                bytes = None;
            }
        }
    };
    let (mut at_line_start, mut held) = (true, false);
    loop {
        line.clear();
        if read_piece(out, &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if at_line_start && line == end {
            break;
        }
        // The last line feed before the end is git's, not the object's.
        if held {
            feed(b"\n");
        }
        held = line.ends_with(b"\n");
        feed(line.strip_suffix(b"\n").unwrap_or(&line));
        at_line_start = held;
    }
    let size = hasher.count();
    Ok(exists.then(|| Blob { hash: *hasher.finalize().as_bytes(), size, bytes }))
}

/// Reads up to and including the next line feed, but no more than 64 KiB.
fn read_piece(out: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    out.take(64 << 10).read_until(b'\n', line)
}

fn joined(parts: &[&str], separator: u8) -> Vec<u8> {
    parts.iter().flat_map(|part| part.bytes().chain([separator])).collect()
}

/// Names that are not UTF-8 get the stand-ins that the index has for them.
fn nul_separated(bytes: &[u8]) -> Vec<String> {
    let mut parts: Vec<String> =
        bytes.split(|b| *b == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    if parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

/// What differs below the repository's folder since a commit, submodules included.
pub(super) fn before(repo: &Repo, commit: &str) -> Result<Before, GitError> {
    let mut before = Before::default();
    let mut pending: Vec<(Option<PathBuf>, String, String, usize)> =
        vec![(None, commit.to_owned(), String::new(), 0)];
    let mut seen = 0;
    while let Some((dir, commit, prefix, depth)) = pending.pop() {
        let opened: Option<Repo> = match dir {
            None => None,
            Some(dir) => match Repo::open(&dir, repo.deadline) {
                // Without a repository of its own, it is the outer one that answers.
                Ok(inner) if inner.prefix.is_empty() => Some(inner),
                Err(GitError::TooSlow) => return Err(GitError::TooSlow),
                _ => {
                    before.changed.insert(prefix, State::Unknown);
                    continue;
                }
            },
        };
        let here = opened.as_ref().unwrap_or(repo);
        let found = match one(here, &commit) {
            Ok(found) => found,
            Err(error) if depth == 0 || error == GitError::TooSlow => return Err(error),
            // The old commit was never fetched, or is gone.
            Err(_) => {
                before.changed.insert(prefix, State::Unknown);
                continue;
            }
        };
        let at = |path: &str| if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        before.dirs.extend(found.dirs.iter().map(|dir| at(dir)));
        before.untracked_dirs.extend(found.untracked_dirs.iter().map(|dir| at(dir)));
        before.repositories.extend(found.repositories.iter().map(|dir| at(dir)));
        before.changed.extend(found.changed.into_iter().map(|(path, state)| (at(&path), state)));
        for (path, commit) in found.submodules {
            seen += 1;
            if seen > MAX_SUBMODULES || depth >= MAX_SUBMODULE_DEPTH {
                before.changed.insert(at(&path), State::Unknown);
            } else {
                pending.push((Some(here.place.dir.join(&path)), commit, at(&path), depth + 1));
            }
        }
    }
    Ok(before)
}

/// What differs in one repository.
struct Difference {
    changed: BTreeMap<String, State>,
    dirs: BTreeSet<String>,
    untracked_dirs: BTreeSet<String>,
    /// Submodules of the commit, and repositories that git does not track.
    repositories: BTreeSet<String>,
    /// Submodules that differ, with their old commits.
    submodules: Vec<(String, String)>,
}

fn one(repo: &Repo, commit: &str) -> Result<Difference, GitError> {
    let mut changed = BTreeMap::new();
    let mut submodules = Vec::new();
    let mut blobs: Vec<(String, String, String)> = Vec::new();
    let mut sort = |path: String, mode: &str, oid: &str| match mode {
        "000000" => Some((path, State::Absent)),
        "160000" => {
            submodules.push((path, oid.to_owned()));
            None
        }
        _ => {
            blobs.push((path, mode.to_owned(), oid.to_owned()));
            None
        }
    };
    // Not `git diff`, which writes the index where it finds a file that was only touched, optional locks or not.
    let diff = [
        "diff-index",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        // Not `none`: to see whether one is dirty, git would run `git status` in it, with its own configuration.
        "--ignore-submodules=dirty",
        "--relative",
        commit,
        "--",
    ];
    let fields = nul_separated(&repo.ask(&diff, Vec::new())?);
    let mut unmerged = Vec::new();
    let mut touched = Vec::new();
    for pair in fields.chunks_exact(2) {
        let [meta, path] = pair else { continue };
        let mut meta = meta.trim_start_matches(':').split(' ');
        let (Some(mode), Some(new_mode), Some(oid), Some(new_oid), Some(status)) =
            (meta.next(), meta.next(), meta.next(), meta.next(), meta.next())
        else {
            continue;
        };
        if status.starts_with('U') {
            unmerged.push(path.clone());
        } else if mode == new_mode && mode.starts_with("100") && new_oid.bytes().all(|b| b == b'0') {
            touched.push((path.clone(), mode, oid));
        } else {
            changed.extend(sort(path.clone(), mode, oid));
        }
    }
    let names: Vec<&str> = touched.iter().map(|(path, _, _)| path.as_str()).collect();
    let now = repo.objects_of(&names)?;
    for (path, mode, oid) in &touched {
        if now.get(path.as_str()).is_none_or(|now| now != oid) {
            changed.extend(sort(path.clone(), mode, oid));
        }
    }
    // An unmerged path may come without its old state.
    for path in unmerged {
        let known = changed.contains_key(&path);
        if !known {
            match repo.look_up(commit, &format!("{}{path}", repo.prefix))? {
                Some((mode, oid)) => changed.extend(sort(path, &mode, &oid)),
                None => {
                    changed.insert(path, State::Absent);
                }
            }
        }
    }
    let mut repositories = BTreeSet::new();
    let had: HashSet<&str> = blobs.iter().map(|b| b.0.as_str()).collect();
    let untracked = repo.ask(&["ls-files", "-z", "--others", "--exclude-standard"], Vec::new())?;
    for path in nul_separated(&untracked) {
        if let Some(dir) = path.strip_suffix('/') {
            repositories.insert(dir.to_owned());
        }
        // Removed from the index and still there: the old state counts, whatever it is now.
        let path = path.strip_suffix('/').unwrap_or(&path).to_owned();
        if !had.contains(path.as_str()) {
            changed.entry(path).or_insert(State::Absent);
        }
    }
    changed.extend(states(repo, blobs)?);
    let mut dirs = BTreeSet::new();
    for entry in nul_separated(&repo.ask(&["ls-tree", "-r", "-d", "-z", commit], Vec::new())?) {
        let Some((fields, path)) = entry.split_once('\t') else { continue };
        let mut fields = fields.split(' ');
        if let (Some("160000"), Some(_), Some(oid)) = (fields.next(), fields.next(), fields.next()) {
            repositories.insert(path.to_owned());
            // One with the same commit checked out may hold other files all the same.
            let known = submodules.iter().any(|(known, _)| known == path) || changed.contains_key(path);
            if !known && is_repository(&repo.place.dir.join(path)) {
                submodules.push((path.to_owned(), oid.to_owned()));
            }
        }
        dirs.insert(path.to_owned());
    }
    let listed = ["ls-files", "-z", "--others", "--exclude-standard", "--directory"];
    let listed = nul_separated(&repo.ask(&listed, Vec::new())?);
    let untracked_dirs = listed.iter().filter_map(|path| path.strip_suffix('/')).map(str::to_owned).collect();
    repositories.extend(submodules.iter().map(|(path, _)| path.clone()));
    Ok(Difference { changed, dirs, untracked_dirs, repositories, submodules })
}

/// Whether a folder is the top of a repository: a submodule that is checked out.
fn is_repository(dir: &Path) -> bool {
    std::fs::symlink_metadata(dir.join(".git")).is_ok()
}

/// The old states of files and links, given with mode and object; without those that are what a pointer of Git LFS says.
pub(super) fn states(
    repo: &Repo,
    blobs: Vec<(String, String, String)>,
) -> Result<Vec<(String, State)>, GitError> {
    let files: Vec<&str> = blobs.iter().filter(|b| b.1 != "120000").map(|b| b.0.as_str()).collect();
    let filtered = repo.filtered(&files)?;
    let stored = stored(repo, &blobs, &filtered)?;
    let mut wanted = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for (path, mode, oid) in &blobs {
        let is_link = mode == "120000";
        if filtered.contains(path) {
            continue;
        }
        let keep = match () {
            () if is_link => MAX_TARGET,
            () if is_manifest(path) => MAX_TEXT,
            () => 0,
        };
        let at = (!is_link).then(|| format!("{}{path}", repo.prefix));
        index.insert(path, wanted.len());
        wanted.push(Wanted { oid: oid.clone(), path: at, keep });
    }
    let mut read = if wanted.is_empty() { Vec::new() } else { repo.blobs(wanted)? };
    let mut states = Vec::with_capacity(blobs.len());
    for (path, mode, _) in &blobs {
        let blob = index.get(path.as_str()).and_then(|i| read.get_mut(*i)).and_then(Option::take);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let state = if mode == "120000" {
            let target = blob.and_then(|b| b.bytes).map(|b| text(&b)).unwrap_or_default();
            State::Symlink { target: target.into() }
        } else {
            let (content, size, bytes) = match (blob, stored.get(path.as_str())) {
                (Some(blob), _) => (Content::Hash(blob.hash), blob.size, blob.bytes),
                (None, Some(pointer)) => {
                    // Without its filter git cannot tell that the file is what the pointer says.
                    if pointer.is(&repo.place.dir.join(path), repo.deadline) {
                        continue;
                    }
                    (unread(), pointer.size, None)
                }
                (None, None) => (unread(), 0, None),
            };
            let text: Option<Arc<str>> = bytes.filter(|_| is_manifest(path)).map(|bytes| text(&bytes).into());
            State::File { executable: mode == "100755", size, content, text }
        };
        states.push((path.clone(), state));
    }
    Ok(states)
}

/// The Git LFS pointers among the files whose content only a filter driver knows.
fn stored<'a>(
    repo: &Repo,
    blobs: &'a [(String, String, String)],
    filtered: &HashSet<String>,
) -> Result<HashMap<&'a str, Pointer>, GitError> {
    let files: Vec<&(String, String, String)> =
        blobs.iter().filter(|(path, mode, _)| mode != "120000" && filtered.contains(path)).collect();
    if files.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = files.iter().map(|(_, _, oid)| Wanted { oid: oid.clone(), path: None, keep: MAX_POINTER });
    let found = repo.blobs(wanted.collect())?;
    let pointers = files.iter().zip(found).filter_map(|((path, _, _), blob)| {
        Some((path.as_str(), Pointer::parse(std::str::from_utf8(&blob?.bytes?).ok()?)?))
    });
    Ok(pointers.collect())
}
