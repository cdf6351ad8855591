//! Clients: raw bytes over TCP, and one that reads answers of HTTP/1.1.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer of HTTP/1.1.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// A line of the origin's account of the head it got.
    pub fn told(&self, name: &str) -> Option<String> {
        let text = self.text();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}: ")))?;
        Some(line[name.len() + 2..].to_string())
    }
}

/// A connection.
pub struct Client<S> {
    pub stream: S,
    buffer: Vec<u8>,
}

/// Connects.
pub async fn connect(address: SocketAddr) -> Client<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Client::new(stream)
}

/// One request on a connection of its own.
pub async fn once(address: SocketAddr, request: &str) -> Answer {
    let mut client = connect(address).await;
    client.send(request).await;
    client.answer().await
}

/// A GET on a connection of its own.
pub async fn get(address: SocketAddr, path: &str) -> Answer {
    once(address, &format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n")).await
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Client<S> {
        Client { stream, buffer: Vec::new() }
    }

    pub async fn send(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads more; `false` at the end.
    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.buffer);
        let read = tokio::time::timeout(Duration::from_secs(20), read).await.expect("nothing came");
        read.unwrap_or(0) > 0
    }

    /// Reads until the bytes stand in what came, and takes them with what was before.
    pub async fn until(&mut self, needle: &[u8]) -> Vec<u8> {
        loop {
            let found = self.buffer.windows(needle.len()).position(|window| window == needle);
            if let Some(at) = found {
                return self.buffer.drain(..at + needle.len()).collect();
            }
            assert!(self.more().await, "ended: {}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// All that still comes.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Whether the other end closes, with nothing more said.
    pub async fn closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.more().await
    }

    /// The next answer whole; interim ones are passed over.
    pub async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await
    }

    /// The answer to a method.
    pub async fn answer_to(&mut self, method: &str) -> Answer {
        loop {
            let head = String::from_utf8(self.until(b"\r\n\r\n").await).unwrap();
            let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
            if status < 200 && status != 101 {
                continue;
            }
            let mut answer = Answer { status, head, body: Vec::new() };
            if method != "HEAD" && status != 204 && status != 304 && status != 101 {
                answer.body = self.body(&answer).await;
            }
            return answer;
        }
    }

    async fn body(&mut self, answer: &Answer) -> Vec<u8> {
        if answer.header("transfer-encoding").is_some() {
            return self.chunks().await;
        }
        let Some(length) = answer.header("content-length") else {
            while self.more().await {}
            return std::mem::take(&mut self.buffer);
        };
        let length: usize = length.parse().unwrap();
        while self.buffer.len() < length {
            assert!(self.more().await, "the body broke off");
        }
        self.buffer.drain(..length).collect()
    }

    /// Reads chunks until they make up the text.
    pub async fn chunks_of(&mut self, text: &str) {
        let mut body = Vec::new();
        while body.len() < text.len() {
            let size = String::from_utf8(self.until(b"\r\n").await).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            while self.buffer.len() < size + 2 {
                assert!(self.more().await, "the chunk broke off");
            }
            body.extend(self.buffer.drain(..size + 2).take(size));
        }
        assert_eq!(String::from_utf8_lossy(&body), text);
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.until(b"\r\n").await).unwrap();
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            while self.buffer.len() < size {
                assert!(self.more().await, "the chunk broke off");
            }
            body.extend(self.buffer.drain(..size));
            if size == 0 {
                while self.until(b"\r\n").await != b"\r\n" {}
                return body;
            }
            self.until(b"\r\n").await;
        }
    }
}
