//! HTTP/1.1 on loopback, as little as the tests need: a server around the pure one, and a client.

use super::store::{Memory, now};
use async_trait::async_trait;
use base::{Fault, Result};
use intel::format::fault;
use intel::format::taxii::client::{Fetch, Fetched};
use intel::format::taxii::server::{Request, Server, error};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// `user:secret`.
pub const ACCOUNT: &str = "Basic dXNlcjpzZWNyZXQ=";

/// Serves until the process ends; the URL of the discovery.
pub fn serve(server: Server, store: Arc<Memory>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}{}", listener.local_addr().unwrap(), server.discovery);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let (server, store) = (server.clone(), store.clone());
            std::thread::spawn(move || while answer(&connection, &server, &store).is_some() {});
        }
    });
    url
}

fn answer(connection: &TcpStream, server: &Server, store: &Memory) -> Option<()> {
    let mut reader = BufReader::new(connection);
    let (line, headers) = head(&mut reader)?;
    let header = |name: &str| {
        headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let mut body = vec![0; header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method,
        path,
        query,
        accept: header("Accept").unwrap_or_default(),
        content_type: header("Content-Type").unwrap_or_default(),
        body: &body,
        too_large: false,
        now_us: 1_780_000_000_000_000,
    };
    let response = if header("Authorization") == Some(ACCOUNT) {
        now(server.answer(&request, store)).unwrap()
    } else {
        error(401, "Unauthorized", "an account is needed")
    };
    let mut text = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", response.status, response.body.len());
    for (name, value) in &response.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut connection = connection;
    connection.write_all(text.as_bytes()).ok()?;
    connection.write_all(b"\r\n").ok()?;
    connection.write_all(&response.body).ok()
}

/// The first line and the headers of a message.
fn head(reader: &mut impl BufRead) -> Option<(String, Vec<(String, String)>)> {
    let mut line = || {
        let mut text = String::new();
        reader.read_line(&mut text).ok().filter(|bytes| *bytes > 0)?;
        Some(text.trim_end().to_string())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let text = line()?;
        match text.split_once(':') {
            Some((name, value)) => headers.push((name.to_string(), value.trim().to_string())),
            None => return Some((first, headers)),
        }
    }
}

/// A client that blocks.
pub struct Plain;

#[async_trait]
impl Fetch for Plain {
    async fn get(&self, url: &str, headers: &[(&str, &str)], most: usize) -> Result<Fetched> {
        let fault = |what: String| Fault::new(&fault::READ).object(url).because(what);
        let rest = url.strip_prefix("http://").ok_or_else(|| fault("scheme".into()))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host).map_err(|error| fault(error.to_string()))?;
        let mut text =
            format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: {ACCOUNT}\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{text}\r\n").as_bytes()).map_err(|error| fault(error.to_string()))?;
        let mut reader = BufReader::new(stream);
        let (first, headers) = head(&mut reader).ok_or_else(|| fault("no answer".into()))?;
        let status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(|| fault(first.clone()))?;
        let fetched = Fetched { status, headers, body: Vec::new() };
        let length = fetched.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(most);
        let mut body = Vec::new();
        reader.take(length.min(most) as u64).read_to_end(&mut body).map_err(|error| fault(error.to_string()))?;
        Ok(Fetched { body, ..fetched })
    }
}
