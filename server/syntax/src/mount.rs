//! The value of `RUN --mount=`.
//!
//! Source: frontend/dockerfile/instructions/commands_runmount.go.

/// Options of a mount. Absent options are empty, as in BuildKit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// `from=`: a stage, a named context or an image.
    pub from: String,
    /// `source=`: the path in `from` or in the build context.
    pub source: String,
    /// `target=`: where it is mounted.
    pub target: String,
    /// Whether writes are refused; depends on the kind unless given.
    pub read_only: bool,
    /// `id=` of a cache, secret or ssh mount.
    pub id: String,
    /// `sharing=` of a cache mount; empty for the default (`shared`).
    pub sharing: String,
    /// `required` of a secret or ssh mount.
    pub required: bool,
    /// `size=` of a tmpfs mount, in bytes.
    pub size: u64,
    /// `mode=`, octal.
    pub mode: Option<u32>,
    /// `uid=`.
    pub uid: Option<u32>,
    /// `gid=`.
    pub gid: Option<u32>,
    /// `env=` of a secret mount: the environment variable that holds the secret.
    pub env: Option<String>,
}

/// The kind of a mount (`type=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are the values themselves.
pub enum MountKind {
    #[default]
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

impl MountKind {
    /// The value of `type=` that makes this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            MountKind::Bind => "bind",
            MountKind::Cache => "cache",
            MountKind::Tmpfs => "tmpfs",
            MountKind::Secret => "secret",
            MountKind::Ssh => "ssh",
        }
    }
}

/// Expands the variables of one option's value.
pub type Expander<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// The checks that BuildKit makes while parsing, before variables are known.
///
/// # Errors
/// The message says what is wrong with the value.
pub fn check(value: &str) -> Result<(), String> {
    for field in fields(value)? {
        if let Some((key, value)) = field.split_once('=') {
            let dollar = value.find('$');
            if key.eq_ignore_ascii_case("from") && dollar.is_some_and(|at| at + 1 != value.len()) {
                return Err(
                    "`from` of a mount takes no variable; name a stage with `FROM ... AS` instead".to_owned()
                );
            }
        }
    }
    Ok(())
}

/// Reads a mount with its variables expanded by `expand`.
///
/// # Errors
/// The message says which option is wrong.
pub fn parse(value: &str, expand: Expander<'_>) -> Result<Mount, String> {
    let mut mount = Mount::default();
    let mut access = None;
    for field in fields(value)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_lowercase(), Some(expand(value)?)),
            None => (field.to_lowercase(), None),
        };
        let Some(value) = value else {
            match key.as_str() {
                "readonly" | "ro" => access = Some(true),
                "readwrite" | "rw" => access = Some(false),
                "required" if matches!(mount.kind, MountKind::Secret | MountKind::Ssh) => {
                    mount.required = true
                }
                "required" => {
                    return Err(format!("`required` is not an option of a {} mount", mount.kind.as_str()));
                }
                _ => return Err(format!("mount option `{field}` needs a value: `{field}=...`")),
            }
            continue;
        };
        match key.as_str() {
            "type" => mount.kind = kind(&value)?,
            "from" => mount.from = value,
            "source" | "src" => mount.source = value,
            "target" | "dst" | "destination" => mount.target = value,
            "readonly" | "ro" => access = Some(boolean(&key, &value)?),
            "readwrite" | "rw" => access = Some(!boolean(&key, &value)?),
            "required" if matches!(mount.kind, MountKind::Secret | MountKind::Ssh) => {
                mount.required = boolean(&key, &value)?;
            }
            "required" => {
                return Err(format!("`required` is not an option of a {} mount", mount.kind.as_str()));
            }
            "size" if mount.kind == MountKind::Tmpfs => {
                mount.size = size(&value).ok_or_else(|| format!("`{value}` is not a size"))?;
            }
            "size" => return Err(format!("`size` is not an option of a {} mount", mount.kind.as_str())),
            "id" => mount.id = value,
            "sharing" => match value.to_lowercase().as_str() {
                sharing @ ("shared" | "private" | "locked") => mount.sharing = sharing.to_owned(),
                _ => return Err(format!("`sharing={value}` is not shared, private or locked")),
            },
            "mode" => {
                mount.mode =
                    Some(octal(&value).ok_or_else(|| format!("`mode={value}` is not an octal mode"))?)
            }
            "uid" => mount.uid = Some(value.parse().map_err(|_| format!("`uid={value}` is not a number"))?),
            "gid" => mount.gid = Some(value.parse().map_err(|_| format!("`gid={value}` is not a number"))?),
            "env" => mount.env = Some(value),
            _ => return Err(format!("`{key}` is not a mount option")),
        }
    }
    finish(mount, access)
}

/// The checks and defaults that need all options.
fn finish(mut mount: Mount, access: Option<bool>) -> Result<Mount, String> {
    let kind = mount.kind;
    let owned = matches!(kind, MountKind::Secret | MountKind::Ssh | MountKind::Cache);
    for (name, given) in
        [("mode", mount.mode.is_some()), ("uid", mount.uid.is_some()), ("gid", mount.gid.is_some())]
    {
        if given && !owned {
            return Err(format!("`{name}` is not an option of a {} mount", kind.as_str()));
        }
    }
    mount.read_only = access.unwrap_or(!matches!(kind, MountKind::Cache | MountKind::Tmpfs));
    if !mount.sharing.is_empty() && kind != MountKind::Cache {
        return Err(format!("`sharing` is not an option of a {} mount", kind.as_str()));
    }
    if kind == MountKind::Secret {
        if !mount.from.is_empty() {
            return Err("a secret mount has no `from`".to_owned());
        }
        if mount.source.is_empty() && mount.target.is_empty() && mount.id.is_empty() {
            return Err("a secret mount needs an `id`".to_owned());
        }
        if !mount.source.is_empty() && !mount.id.is_empty() {
            return Err("a secret mount takes `source` or `id`, not both".to_owned());
        }
    }
    Ok(mount)
}

fn kind(value: &str) -> Result<MountKind, String> {
    let kinds = [MountKind::Bind, MountKind::Cache, MountKind::Tmpfs, MountKind::Secret, MountKind::Ssh];
    kinds
        .into_iter()
        .find(|k| k.as_str().eq_ignore_ascii_case(value))
        .ok_or_else(|| format!("`type={value}` is not bind, cache, tmpfs, secret or ssh"))
}

/// Go's `strconv.ParseBool`.
fn boolean(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(format!("`{key}={value}` is not true or false")),
    }
}

fn octal(value: &str) -> Option<u32> {
    if value.starts_with('+') {
        return None;
    }
    u32::from_str_radix(value, 8).ok()
}

/// A size such as `64m` (go-units `RAMInBytes`: powers of 1024, unit letter in any case, optional `b`/`ib`).
fn size(value: &str) -> Option<u64> {
    let value = value.trim().to_ascii_lowercase();
    let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let number: f64 = value[..digits].parse().ok()?;
    let unit = value[digits..].trim_start();
    let letter = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(unit);
    let power = match letter {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    Some((number * 1024f64.powi(power)) as u64)
}

/// The comma-separated fields of a value, read as Go's `encoding/csv` reads one record.
fn fields(value: &str) -> Result<Vec<String>, String> {
    if value.is_empty() {
        return Err("`--mount` needs a value, such as `type=cache,target=/path`".to_owned());
    }
    let mut fields = Vec::new();
    let mut rest = value;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            let mut inner = quoted;
            loop {
                let Some(at) = inner.find('"') else {
                    return Err("a `\"` in the value of `--mount` is not closed".to_owned());
                };
                field.push_str(&inner[..at]);
                inner = &inner[at + 1..];
                match inner.strip_prefix('"') {
                    Some(after) => {
                        field.push('"');
                        inner = after;
                    }
                    None => break,
                }
            }
            fields.push(field);
            match inner.strip_prefix(',') {
                Some(after) => rest = after,
                None if inner.is_empty() => return Ok(fields),
                None => return Err("text after a closing `\"` in the value of `--mount`".to_owned()),
            }
        } else {
            let (field, after) = match rest.split_once(',') {
                Some((field, after)) => (field, Some(after)),
                None => (rest, None),
            };
            if field.contains('"') {
                return Err("a `\"` inside an unquoted option of `--mount`".to_owned());
            }
            fields.push(field.to_owned());
            match after {
                Some(after) => rest = after,
                None => return Ok(fields),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Mount, String> {
        parse(value, &mut |v| Ok(v.to_owned()))
    }

    #[test]
    fn kinds_and_defaults() {
        let bind = read("target=/x").unwrap();
        assert!(bind.kind == MountKind::Bind && bind.read_only);
        let cache = read("type=cache,target=/c,sharing=LOCKED,ro").unwrap();
        assert!(cache.kind == MountKind::Cache && cache.read_only && cache.sharing == "locked");
        assert!(!read("type=cache,target=/c").unwrap().read_only);
        assert!(read("type=secret,id=k,required").unwrap().required);
        assert_eq!(read("type=tmpfs,target=/t,size=64m").unwrap().size, 64 << 20);
        assert_eq!(read("\"target=/a,b\",rw").unwrap().target, "/a,b");
    }

    #[test]
    fn mistakes() {
        for value in [
            "",
            "type=x",
            "id",
            "type=bind,required",
            "type=bind,sharing=shared",
            "type=secret",
            "mode=7",
            "a=b",
            "x\"y",
            "\"x",
            "ro=maybe",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
        assert!(check("type=bind,from=$X").is_err());
        assert!(check("type=secret,id=k,required").is_ok());
    }
}
