//! The application: every page takes its time at one of few workers; whoever comes when all are taken waits in line.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Workers that are free.
struct Workers {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Workers {
    /// Works at a page.
    fn work(&self, takes: Duration) {
        let mut free = self.free.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        *free -= 1;
        drop(free);
        std::thread::sleep(takes);
        *self.free.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += 1;
        self.freed.notify_one();
    }
}

/// Serves until it is killed.
pub fn serve(address: SocketAddr, workers: usize, milliseconds: u64) -> Option<()> {
    let listener = TcpListener::bind(address).ok()?;
    let workers = Arc::new(Workers { free: Mutex::new(workers), freed: Condvar::new() });
    println!("listening on {address}");
    for stream in listener.incoming().flatten() {
        let workers = workers.clone();
        let takes = Duration::from_millis(milliseconds);
        std::thread::spawn(move || converse(stream, &workers, takes));
    }
    Some(())
}

/// Answers the requests of a connection.
fn converse(stream: TcpStream, workers: &Workers, takes: Duration) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        // The story asks without bodies: a head is all there is.
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        line.clear();
        workers.work(takes);
        let body = format!("<!doctype html><title>{}</title><p>{}</p>", "shop", "word ".repeat(200));
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", body.len());
        reader.get_mut().write_all((head + &body).as_bytes())?;
    }
}
