//! A connection of a client from an address of its choice, and answers as HTTP/1.1 frames them.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// A connection that is made when it is needed and kept while it may be.
pub struct Link {
    from: Ipv4Addr,
    to: SocketAddrV4,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
}

impl Link {
    pub fn new(from: Ipv4Addr, to: SocketAddrV4, patience: Duration) -> Link {
        Link { from, to, patience, stream: None }
    }

    /// Sends the text of a request and reads its answer; a kept connection that is gone is made anew once.
    pub fn ask(&mut self, request: &str) -> Result<Answer> {
        let kept = self.stream.is_some();
        match self.once(request) {
            Err(cause) if kept && gone(&cause) => self.once(request),
            done => done,
        }
    }

    fn once(&mut self, request: &str) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        stream.get_mut().write_all(request.as_bytes())?;
        let answer = read(&mut stream)?;
        if !answer.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    fn connect(&self) -> Result<BufReader<TcpStream>> {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddrV4::new(self.from, 0))?;
        connect(&socket, &self.to)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        Ok(BufReader::new(stream))
    }
}

fn gone(cause: &Error) -> bool {
    matches!(cause.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

fn read(stream: &mut BufReader<TcpStream>) -> Result<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(ErrorKind::InvalidData)?;
    let mut answer = Answer { status, head, body: String::new() };
    let mut body = Vec::new();
    if answer.field("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        chunks(stream, &mut body)?;
    } else {
        let length = answer.field("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    }
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}

fn chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(|_| ErrorKind::InvalidData)?;
        let begin = body.len();
        body.resize(begin + size + 2, 0);
        stream.read_exact(&mut body[begin..])?;
        body.truncate(begin + size);
        if size == 0 {
            return Ok(());
        }
    }
}
