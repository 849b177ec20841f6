//! Files over HTTP on the loopback, for ADD of URLs and of git repositories.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// A server that lives as long as the process.
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    root: Arc<Mutex<PathBuf>>,
}

/// The longest request that is read.
const MAX_BODY: u64 = 1 << 20;

impl Server {
    /// Starts to listen on a free port.
    pub fn start() -> Result<Server, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
        let base = format!("http://{}", listener.local_addr().map_err(|e| e.to_string())?);
        let root = Arc::new(Mutex::new(PathBuf::new()));
        let shared = Arc::clone(&root);
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let root = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                std::thread::spawn(move || answer(stream, &root));
            }
        });
        Ok(Server { base, root })
    }

    /// Serves another folder from now on.
    pub fn serve(&self, root: PathBuf) {
        *self.root.lock().unwrap_or_else(PoisonError::into_inner) = root;
    }
}

/// Answers one request; whatever goes wrong ends the connection.
fn answer(stream: TcpStream, root: &Path) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut kind, mut protocol, mut encoding) = (0, String::new(), String::new(), String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "content-type" => kind = value,
            "git-protocol" => protocol = value,
            "content-encoding" => encoding = value,
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(u64::min(length, MAX_BODY)).read_to_end(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let relative = Path::new(path.trim_start_matches('/'));
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return reply(stream, "400 Bad Request", &[]);
    }
    if path.contains(".git/") {
        let mut git = Command::new("git");
        git.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        git.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1").env("PATH_INFO", path);
        git.env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*");
        git.env("REQUEST_METHOD", &method).env("QUERY_STRING", query).env("CONTENT_TYPE", kind);
        git.env("CONTENT_LENGTH", body.len().to_string()).env("GIT_PROTOCOL", protocol);
        git.env("HTTP_CONTENT_ENCODING", encoding);
        let mut child = git.spawn().ok()?;
        child.stdin.take()?.write_all(&body).ok()?;
        let said = child.wait_with_output().ok()?.stdout;
        let mut stream = stream;
        stream.write_all(b"HTTP/1.0 200 OK\r\n").ok()?;
        return stream.write_all(&said).ok();
    }
    match std::fs::read(root.join(relative)) {
        Ok(bytes) if method == "HEAD" => reply(stream, "200 OK", &bytes[..0]),
        Ok(bytes) => reply(stream, "200 OK", &bytes),
        Err(_) => reply(stream, "404 Not Found", &[]),
    }
}

fn reply(mut stream: TcpStream, status: &str, body: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.0 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}
