//! The log inside a `docker buildx history export`: BuildKit's status messages as protocol buffers, each behind its length
//! in four bytes, the lowest first.
//!
//! Source: api/services/control/control.proto (StatusResponse, Vertex, VertexStatus), solver/llbsolver/history.go (the
//! lengths). Only the fields that are needed are read; others are passed over, as the encoding allows.

use super::rawjson::{Collect, Status, Transfer, Vertex};
use super::{BuildLog, LogError};

/// Reads the messages. A part that is cut or damaged ends them.
///
/// # Errors
/// If there is no message of a vertex.
pub fn parse_status(bytes: &[u8]) -> Result<BuildLog, LogError> {
    let mut collect = Collect::default();
    let mut rest = bytes;
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(message) = more.get(..length) else { break };
        let Some(status) = status(message) else { break };
        collect.add(status);
        rest = more.get(length..).unwrap_or_default();
    }
    let vertices = collect.done();
    if vertices.is_empty() {
        let message = "the export has no build log in it".to_owned();
        return Err(LogError { line: 1, message });
    }
    Ok(BuildLog { vertices, odd_line: (!rest.is_empty()).then_some(1) })
}

fn status(message: &[u8]) -> Option<Status> {
    let mut status = Status::default();
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(bytes)) => status.vertexes.push(vertex(bytes)?),
            (2, Value::Bytes(bytes)) => status.statuses.push(transfer(bytes)?),
            _ => {}
        }
    }
    Some(status)
}

fn vertex(message: &[u8]) -> Option<Vertex> {
    let mut vertex = Vertex::default();
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(bytes)) => vertex.digest = text(bytes),
            (3, Value::Bytes(bytes)) => vertex.name = text(bytes),
            (4, Value::Number(cached)) => vertex.cached = cached != 0,
            (5, Value::Bytes(bytes)) => vertex.started = Some(time(bytes)?),
            (6, Value::Bytes(bytes)) => vertex.completed = Some(time(bytes)?),
            (7, Value::Bytes(bytes)) => vertex.error = text(bytes),
            _ => {}
        }
    }
    Some(vertex)
}

fn transfer(message: &[u8]) -> Option<Transfer> {
    let mut transfer = Transfer::default();
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(bytes)) => transfer.id = text(bytes),
            (2, Value::Bytes(bytes)) => transfer.vertex = text(bytes),
            _ => {}
        }
    }
    Some(transfer)
}

/// A timestamp, as text that [`super::rawjson`] reads: seconds since 1970 behind `@`, so that texts sort as times do.
fn time(message: &[u8]) -> Option<String> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields(message) {
        match field? {
            (1, Value::Number(value)) => seconds = value,
            (2, Value::Number(value)) => nanos = value,
            _ => {}
        }
    }
    // Before 1970 and after the year 2286 is no time of a build.
    (seconds < 10_000_000_000 && nanos < 1_000_000_000).then(|| format!("@{seconds:010}.{nanos:09}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The value of a field.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of fixed size: nothing that is needed.
    Other,
}

/// The fields of a message; `None` where it is damaged, and then nothing follows.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(|_| Value::Other)?,
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A varint: seven bits a byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::steps;
    use super::super::{Outcome, parse};
    use super::*;

    /// The log of the build that `plain.log` is of, too.
    const STATUS: &[u8] = include_bytes!("../../../tests/logs/status.bin");

    #[test]
    fn a_real_export_agrees_with_the_plain_form() {
        let log = parse_status(STATUS).expect("a log");
        let plain = parse(include_str!("../../../tests/logs/plain.log")).expect("a log");
        assert_eq!(log.odd_line, None);
        let mut matched = 0;
        for (name, outcome, seconds) in steps(&log) {
            let Some(other) = plain.vertices.iter().find(|v| v.name == name) else { continue };
            assert_eq!(outcome, Outcome::Ran, "{name}");
            let (seconds, other) = (seconds.expect("seconds"), other.seconds.expect("seconds"));
            assert!((seconds - other).abs() < 0.5, "{name}: {seconds} and {other}");
            matched += 1;
        }
        assert!(matched >= 9, "{matched}");
    }

    #[test]
    fn damage_ends_it() {
        let whole = parse_status(STATUS).expect("a log").vertices.len();
        for at in 0..STATUS.len() {
            let cut = parse_status(&STATUS[..at]).map_or(0, |log| log.vertices.len());
            assert!(cut <= whole, "{at}");
        }
        for at in (0..STATUS.len()).step_by(3) {
            let mut bytes = STATUS.to_vec();
            bytes[at] ^= 0xff;
            let _ = parse_status(&bytes);
        }
        assert!(parse_status(&[]).is_err());
        assert!(parse_status(&[0xff; 64]).is_err());
    }
}
