//! The way back to the server: its addresses, remembered.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

/// Most addresses of one server name that are kept.
const ADDRESSES: usize = 64;

/// The server's addresses (`host:port`, with or without `https://`), remembered in a file for a start at which its name cannot
/// be resolved: a host that is cut off and restarts must not forget its way back.
pub fn addresses(file: &Path, server: &str) -> Vec<SocketAddr> {
    let server = server.strip_prefix("https://").unwrap_or(server).trim_end_matches('/');
    let found = server.to_socket_addrs().map(|found| found.take(ADDRESSES).collect()).unwrap_or_default();
    pinned(file, server, found)
}

fn pinned(file: &Path, server: &str, found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if found.is_empty() {
        let text = std::fs::read(file).unwrap_or_default();
        let (of, addresses): (String, Vec<SocketAddr>) = serde_json::from_slice(&text).unwrap_or_default();
        return if of == server { addresses } else { Vec::new() };
    }
    let written = serde_json::to_vec(&(server, &found)).map_err(std::io::Error::from);
    if let Err(cause) = written.and_then(|text| std::fs::write(file, text)) {
        tracing::warn!(file = %file.display(), %cause, "the server's addresses could not be remembered");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_server_outlive_a_start_without_names() {
        let folder = std::env::temp_dir().join(format!("garrison-way-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("server-addresses.json");
        let address: SocketAddr = "192.0.2.1:7443".parse().unwrap();
        let first = pinned(&file, "server:7443", vec![address]);
        let again = pinned(&file, "server:7443", Vec::new());
        let other = pinned(&file, "other:7443", Vec::new());
        let plain = addresses(&file, "https://192.0.2.1:7443/");
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((first, again, other, plain), (vec![address], vec![address], Vec::new(), vec![address]));
    }
}
