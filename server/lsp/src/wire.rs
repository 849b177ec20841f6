//! Messages on the wire: `Content-Length` frames in, `Content-Length` frames out.
//!
//! tower-lsp's own loop ends the server at the first malformed message (its codec's stream ends after an error) and
//! waits for every running request when the client is gone; an editor that dies, or that sends half a surrogate pair,
//! is daily business. So the frames are read here: a bad one costs itself, and the next header is found again.

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};

/// The longest header line that is looked at; garbage is skipped in pieces of this size.
const MAX_HEADER_LINE: u64 = 4096;

/// The longest body that is read. A longer one is skipped and answered with an error.
const MAX_BODY: u64 = 512 << 20;

/// What one frame held.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A request or a notification.
    Request(Request),
    /// The client's answer to a request of ours.
    Response(Response),
    /// Something that is neither; this is the error to answer it with.
    Malformed(Response),
}

/// Reads the next message, or `None` at the end of the input. Never fails: what cannot be understood comes out as
/// [`Incoming::Malformed`], and reading goes on after it.
pub(crate) async fn read<R: AsyncBufRead + Unpin>(input: &mut R) -> Option<Incoming> {
    let length = read_header(input).await?;
    if length > MAX_BODY {
        let skipped = tokio::io::copy_buf(&mut input.take(length), &mut tokio::io::sink()).await.ok()?;
        return (skipped == length)
            .then(|| malformed(Id::Null, ErrorCode::InvalidRequest, "message too long"));
    }
    // The buffer grows with what arrives, not with what a header promises.
    let mut body = Vec::new();
    input.take(length).read_to_end(&mut body).await.ok()?;
    (body.len() as u64 == length).then(|| parse(body))
}

/// The length of the next body; everything that is no `Content-Length` header is skipped. `None`: the input ended.
async fn read_header<R: AsyncBufRead + Unpin>(input: &mut R) -> Option<u64> {
    let mut length = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(MAX_HEADER_LINE).read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() {
            if let Some(length) = length {
                return Some(length);
            }
        } else if let Some(at) = text.to_ascii_lowercase().rfind("content-length:") {
            // `rfind`, because garbage without a line break may stand before the header.
            length = text.get(at + "content-length:".len()..).and_then(|number| number.trim().parse().ok());
        }
    }
}

fn parse(body: Vec<u8>) -> Incoming {
    let value = serde_json::from_slice::<Value>(&body).or_else(|error| match repair_surrogates(body) {
        Some(body) => serde_json::from_slice(&body),
        None => Err(error),
    });
    let value = match value {
        Ok(value) => value,
        Err(error) => return malformed(Id::Null, ErrorCode::ParseError, error),
    };
    let id = match value.get("id") {
        Some(Value::Number(id)) => id.as_i64().map_or(Id::Null, Id::Number),
        Some(Value::String(id)) => Id::String(id.clone()),
        _ => Id::Null,
    };
    if value.get("method").is_some() {
        match serde_json::from_value(value) {
            Ok(request) => Incoming::Request(request),
            Err(error) => malformed(id, ErrorCode::InvalidRequest, error),
        }
    } else {
        match serde_json::from_value(value) {
            Ok(response) => Incoming::Response(response),
            // An id here would be one of ours; an error that carries it would answer a request of the client's.
            Err(error) => malformed(Id::Null, ErrorCode::InvalidRequest, error),
        }
    }
}

fn malformed(id: Id, code: ErrorCode, message: impl std::fmt::Display) -> Incoming {
    let mut error = Error::new(code);
    error.message = format!("{}: {message}", error.message).into();
    Incoming::Malformed(Response::from_error(id, error))
}

/// Replaces each lone surrogate escape (`\ud83d` without its other half), which JSON allows and UTF-8 cannot hold, by
/// `\ufffd`. Editors whose strings are UTF-16 send one when an edit splits a pair. The replacement is one UTF-16 unit
/// too, so positions that count those units stay right. `None` if there is none.
fn repair_surrogates(mut body: Vec<u8>) -> Option<Vec<u8>> {
    let unit = |body: &[u8], at: usize| {
        let escape = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
    };
    let (mut at, mut repaired) = (0, false);
    while at < body.len() {
        if body[at] != b'\\' {
            at += 1;
            continue;
        }
        match unit(&body, at) {
            Some(0xd800..=0xdbff) if matches!(unit(&body, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                body[at..at + 6].copy_from_slice(b"\\ufffd");
                repaired = true;
                at += 6;
            }
            // The escaped character is skipped too: the second backslash of `\\` starts no escape.
            _ => at += 2,
        }
    }
    repaired.then_some(body)
}

/// What goes to the writer.
pub(crate) enum Outgoing {
    /// A message's JSON.
    Message(Vec<u8>),
    /// Everything before this was written and nothing after it shall be.
    Close,
}

/// Writes messages until [`Outgoing::Close`], until all senders are gone, or until the client stops reading.
pub(crate) async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    mut messages: mpsc::Receiver<Outgoing>,
) -> std::io::Result<()> {
    while let Some(Outgoing::Message(body)) = messages.recv().await {
        // One write per message: a header on its own would be a packet, or a system call, of its own.
        let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        frame.extend_from_slice(&body);
        output.write_all(&frame).await?;
        output.flush().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    async fn all(input: &str) -> Vec<Incoming> {
        let mut input = input.as_bytes();
        let mut messages = Vec::new();
        while let Some(message) = read(&mut input).await {
            messages.push(message);
        }
        messages
    }

    #[tokio::test]
    async fn a_bad_frame_costs_only_itself() {
        let good = frame(r#"{"jsonrpc":"2.0","method":"exit"}"#);
        let input = [
            "garbage",
            &good,
            &frame("{"),
            &good,
            "Content-Length: many\r\n\r\n",
            &good,
            "\r\nContent-Type: application/vscode-jsonrpc\r\ncontent-length:33\r\n\r\n",
            r#"{"jsonrpc":"2.0","method":"exit"}"#,
            &frame("[]"),
            &frame("\"\u{fe}\""),
            &good,
            "Content-Length: 999999999999999\r\n\r\n{",
        ]
        .concat();
        let kinds = all(&input).await.into_iter().map(|message| match message {
            Incoming::Request(_) => 'q',
            Incoming::Response(_) => 's',
            Incoming::Malformed(_) => 'm',
        });
        assert_eq!(kinds.collect::<String>(), "qmqqqmmq");
    }

    #[tokio::test]
    async fn a_lone_surrogate_becomes_one_unit() {
        let body = r#"{"jsonrpc":"2.0","method":"m","params":["\ud83d","\udc33x","\ud83d\udc33","\\ud83d","\ud83d\n"]}"#;
        let messages = all(&frame(body)).await;
        let [Incoming::Request(request)] = &messages[..] else { panic!("{messages:?}") };
        let params = serde_json::json!(["\u{fffd}", "\u{fffd}x", "🐳", "\\ud83d", "\u{fffd}\n"]);
        assert_eq!(request.params(), Some(&params));
    }
}
