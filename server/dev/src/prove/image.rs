//! What an image is made of: its configuration, and every entry of its root file system.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::oracle::engine::Engine;

/// What [`Image::differences`] says of a path that only the first has, and only the second.
pub const GONE: &str = "is gone";
/// See [`GONE`].
pub const NEW: &str = "is new";

/// An image, as far as two builds can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its configuration: environment, user, command and so on.
    pub config: Value,
    /// Its entries by path, times left out.
    pub entries: BTreeMap<String, Entry>,
    /// The bytes of its files.
    pub bytes: u64,
}

/// An entry of the root file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Type, mode, owner, link target, device and extended attributes, readable.
    pub what: String,
    /// The hash of a file's content.
    pub content: Option<blake3::Hash>,
}

impl Image {
    /// Reads the image of this name.
    pub fn read(engine: &Engine, tag: &str) -> Result<Image, String> {
        let config = engine.docker_ok(["image", "inspect", "--format", "{{json .Config}}", tag])?;
        let mut config: Value = serde_json::from_str(&config).map_err(|e| format!("image inspect: {e}"))?;
        // The name that it has here.
        if let Some(fields) = config.as_object_mut() {
            fields.remove("Image");
        }
        // Without a command no container can be made of it; this one is never started.
        let container = engine.docker_ok(["create", "--network=none", tag, "none"])?;
        let read = entries(engine, &container);
        engine.docker_ok(["rm", "--force", &container])?;
        let (entries, bytes) = read?;
        Ok(Image { config, entries, bytes })
    }

    /// The paths that another image has otherwise, or that only one of the two has, each with what is different.
    pub fn differences(&self, other: &Image) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (path, entry) in &self.entries {
            match other.entries.get(path) {
                None => drop(found.insert(path.clone(), GONE.to_owned())),
                Some(now) if now.what != entry.what => {
                    found.insert(path.clone(), format!("{} is now {}", entry.what, now.what));
                }
                Some(now) if now.content != entry.content => {
                    found.insert(path.clone(), "has another content".to_owned());
                }
                Some(_) => {}
            }
        }
        for path in other.entries.keys().filter(|path| !self.entries.contains_key(*path)) {
            found.insert(path.clone(), NEW.to_owned());
        }
        found
    }

    /// The fields of the configuration that another image has otherwise.
    pub fn other_config(&self, other: &Image) -> Vec<String> {
        let (Some(one), Some(two)) = (self.config.as_object(), other.config.as_object()) else {
            return Vec::new();
        };
        let names: std::collections::BTreeSet<&String> = one.keys().chain(two.keys()).collect();
        let said = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
        names
            .into_iter()
            .filter(|name| one.get(*name) != two.get(*name))
            .map(|name| format!("{name}: {} is now {}", said(one.get(name)), said(two.get(name))))
            .collect()
    }
}

fn entries(engine: &Engine, container: &str) -> Result<(BTreeMap<String, Entry>, u64), String> {
    let mut export = engine.client();
    export.args(["export", container]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut export = export.spawn().map_err(|e| format!("docker export: {e}"))?;
    let stream = export.stdout.take().ok_or("docker export: no output")?;
    let read = archive(stream);
    let status = export.wait().map_err(|e| format!("docker export: {e}"))?;
    match status.success() {
        true => read,
        false => Err(format!("docker export: {status}")),
    }
}

fn archive(stream: impl Read) -> Result<(BTreeMap<String, Entry>, u64), String> {
    let said = |e: std::io::Error| format!("docker export: {e}");
    let mut found = BTreeMap::new();
    let mut bytes = 0;
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries().map_err(said)? {
        let mut entry = entry.map_err(said)?;
        let path = entry.path().map_err(said)?.display().to_string();
        let header = entry.header().clone();
        let kind = header.entry_type();
        let link = entry.link_name().map_err(said)?.map(|link| format!(" -> {}", link.display()));
        let mut attributes = String::new();
        for extension in entry.pax_extensions().map_err(said)?.into_iter().flatten().filter_map(Result::ok) {
            if let Some(name) = extension.key().ok().and_then(|key| key.strip_prefix("SCHILY.xattr.")) {
                attributes.push_str(&format!(" {name}={:?}", extension.value_bytes()));
            }
        }
        let what = format!(
            "{kind:?} {:04o} {}:{}{}{}{attributes}",
            header.mode().map_err(said)? & 0o7777,
            header.uid().map_err(said)?,
            header.gid().map_err(said)?,
            link.unwrap_or_default(),
            match (header.device_major(), header.device_minor()) {
                (Ok(Some(major)), Ok(Some(minor)))
                    if kind.is_block_special() || kind.is_character_special() =>
                    format!(" {major}:{minor}"),
                _ => String::new(),
            },
        );
        let mut content = None;
        if kind.is_file() {
            let mut hasher = blake3::Hasher::new();
            bytes += std::io::copy(&mut entry, &mut hasher).map_err(said)?;
            content = Some(hasher.finalize());
        }
        found.insert(path.trim_end_matches('/').to_owned(), Entry { what, content });
    }
    Ok((found, bytes))
}
