//! `explain` as both programs offer it: a request and rules in, a page or JSON out.

use crate::{Explained, Loaded, Source, explain, fault, load, page, request};
use base::{Clock, Fault, Lang, Result, SystemClock};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// Largest request read, bytes.
const REQUEST_BYTES: u64 = 16 * 1024 * 1024;

/// What is asked.
#[derive(clap::Args, Debug)]
pub struct Ask {
    /// File with a request (`-` for standard input), a URL, or a method and a URL in quotes.
    pub request: String,
    /// Files and folders of rules; Debian's OWASP CRS when left out.
    #[arg(long)]
    pub rules: Vec<PathBuf>,
    /// Paranoia level of OWASP CRS, 1 to 4.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub paranoia: u8,
    /// Anomaly score at which a request is refused.
    #[arg(long, default_value_t = 5)]
    pub threshold: u32,
    /// Address that the request is to come from.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)))]
    pub client: IpAddr,
    /// Show rules that only keep the books too.
    #[arg(long)]
    pub all: bool,
}

impl Ask {
    /// The rules asked for.
    pub fn source(&self) -> Source {
        let files = if self.rules.is_empty() { Source::debian().files } else { self.rules.clone() };
        Source { files, paranoia: self.paranoia, threshold: self.threshold, ..Source::default() }
    }

    /// Loads the rules and explains the request.
    ///
    /// # Errors
    /// Every fault of the rules, or why the request cannot be read.
    pub fn answer(&self) -> std::result::Result<Explained, Vec<Fault>> {
        let loaded = load(&self.source())?;
        self.answer_with(&loaded).map_err(|fault| vec![fault])
    }

    /// Explains the request by rules that are loaded.
    ///
    /// # Errors
    /// Why the request cannot be read.
    pub fn answer_with(&self, loaded: &Loaded) -> Result<Explained> {
        let request = request::parse(&text(&self.request)?)?;
        let now = u64::try_from(SystemClock::default().wall()).unwrap_or_default();
        Ok(explain(&loaded.engine, &request, (self.client, 40_000).into(), now))
    }

    /// The answer as it is printed.
    pub fn print(&self, explained: &Explained, lang: Lang) -> String {
        page::page(explained, lang, self.all)
    }
}

/// The request: of standard input, of a file, or as it stands in the argument.
fn text(request: &str) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let failed = |cause: std::io::Error| Fault::new(&fault::UNREADABLE).object(request).because(cause);
    if request == "-" {
        std::io::stdin().take(REQUEST_BYTES).read_to_end(&mut content).map_err(failed)?;
        return Ok(content);
    }
    if request.contains("://") || request.contains(' ') || !Path::new(request).is_file() {
        return Ok(request.as_bytes().to_vec());
    }
    let file = std::fs::File::open(request).map_err(failed)?;
    file.take(REQUEST_BYTES).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_anything_else_is_the_request_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request");
        std::fs::write(&path, "GET / HTTP/1.1\n").unwrap();
        assert_eq!(text(&path.display().to_string()).unwrap(), b"GET / HTTP/1.1\n");
        assert_eq!(text("/?id=1").unwrap(), b"/?id=1");
        assert_eq!(text("POST http://x/y").unwrap(), b"POST http://x/y");
    }
}
