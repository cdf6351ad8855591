//! People: each has an address, a browser and cookies, and opens a page every second or two.

use crate::link::{Answer, Link};
use crate::{Chance, address};
use flood::challenge::{COOKIE, PATH, solve};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

/// How long a person waits for a page.
const PATIENCE: Duration = Duration::from_secs(6);
const PAGES: [&str; 5] = ["/", "/search?q=tea", "/item/4711", "/item/4712?from=start", "/cart"];

/// Heads of browsers, in the order in which they send their fields; `{}` is the path.
const BROWSERS: [&str; 3] = [
    "GET {} HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 Chrome/149.0\r\nAccept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip\r\nAccept-Language: zh-CN,zh;q=0.9\r\n",
    "GET {} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 Firefox/151.0\r\nAccept: text/html,*/*\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n",
    "GET {} HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html,*/*\r\nUser-Agent: Mozilla/5.0 Safari/605.1\r\nAccept-Language: en-GB\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n",
];

struct Person {
    link: Link,
    browser: &'static str,
    cookie: Option<String>,
    challenged: u32,
}

impl Person {
    /// Asks for a page, or for a file of one, for which browsers accept anything.
    fn get(&mut self, path: &str) -> std::io::Result<Answer> {
        let mut request = self.browser.replacen("{}", path, 1);
        if path.starts_with("/static") {
            request = request.replace("text/html,application/xhtml+xml", "*/*").replace("text/html,", "");
        }
        if let Some(cookie) = &self.cookie {
            request.push_str(&format!("Cookie: {COOKIE}={cookie}\r\n"));
        }
        self.link.ask(&(request + "\r\n"))
    }

    /// Opens a page, and answers challenges on the way; the status at the end.
    fn open(&mut self, path: &str) -> std::io::Result<u16> {
        for _ in 0..3 {
            let answer = self.get(path)?;
            if !answer.body.contains(PATH) {
                return Ok(answer.status);
            }
            self.challenged += 1;
            self.prove(&answer.body)?;
        }
        Ok(0)
    }

    /// What the script of the page does.
    fn prove(&mut self, page: &str) -> std::io::Result<()> {
        let between = |from: &str| Some(page.split_once(from)?.1.split_once('"')?.0);
        let token = between("name=\"token\" value=\"").unwrap_or_default();
        let bits = between("data-bits=\"").and_then(|bits| bits.parse().ok()).unwrap_or(0);
        let body = format!("token={token}&number={}&back=%2F", solve(token, bits));
        let head = self.browser.replacen("GET {}", &format!("POST {PATH}"), 1);
        let length = body.len();
        let request =
            format!("{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = self.link.ask(&request)?;
        let cookie = answer.field("set-cookie").and_then(|value| value.strip_prefix(COOKIE)?.strip_prefix('='));
        self.cookie = cookie.and_then(|value| value.split(';').next()).map(str::to_owned);
        Ok(())
    }
}

/// Lets people browse, each in a thread. A fifth of them come only after a third of the time.
pub fn browse(target: SocketAddrV4, first: Ipv4Addr, count: u32, seconds: u64) {
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for number in 0..count {
            scope.spawn(move || {
                let mut chance = Chance(u64::from(number) + 1);
                let late = if number % 5 == 4 { Duration::from_secs(seconds / 3) } else { Duration::ZERO };
                std::thread::sleep(late + Duration::from_millis(chance.below(2000)));
                // Far apart: people live in many networks.
                let from = address(first, number, 77);
                let link = Link::new(from, target, PATIENCE);
                let browser = BROWSERS[number as usize % BROWSERS.len()];
                let mut person = Person { link, browser, cookie: None, challenged: 0 };
                while Instant::now() < end {
                    visit(&mut person, PAGES[chance.below(PAGES.len() as u64) as usize], begin, late > Duration::ZERO);
                    std::thread::sleep(Duration::from_millis(800 + chance.below(1200)));
                }
            });
        }
    });
}

/// A page and a file that belongs to it.
fn visit(person: &mut Person, page: &str, begin: Instant, new: bool) {
    let since = Instant::now();
    person.challenged = 0;
    let statuses = person.open(page).and_then(|status| Ok([status, person.get("/static/app.js")?.status]));
    let (at_ms, ms) = ((since - begin).as_millis(), since.elapsed().as_millis());
    let served = matches!(statuses, Ok([200, 200])) && since.elapsed() <= PATIENCE;
    let why = match statuses {
        Ok(statuses) => format!("{statuses:?}"),
        Err(cause) => cause.kind().to_string(),
    };
    let challenged = person.challenged;
    println!(r#"{{"at_ms":{at_ms},"ms":{ms},"served":{served},"challenged":{challenged},"new":{new},"why":"{why}"}}"#);
}
