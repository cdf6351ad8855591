//! The challenge of a site: its page, and what an answer earns.

use crate::bucket::Rate;
use crate::challenge::{Answer, Binding, Denied, Kind, Page, page};
use crate::site::{Request, Site, seconds};
use base::{Lang, Random};

/// How many who waited are let in from a network: whoever has no script is rare, whoever pretends so is not.
const WAITED: Rate = Rate { per_second: 0.2, burst: 5 };

/// How many cookies an address gets: enough for a household, not enough for a fresh one a request.
const SOLVED: Rate = Rate { per_second: 0.1, burst: 10 };

/// What an answer earns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earned {
    /// The value of `set-cookie`.
    pub cookie: String,
    /// The path to go to (303).
    pub back: String,
}

impl Site {
    /// The page for a request that is to be challenged.
    pub fn page(&self, request: &Request, difficulty: u8, lang: Lang, now: u64, random: &dyn Random) -> Page {
        let who = Binding { site: &self.name, client: request.client, fingerprint: request.binding };
        let now_s = seconds(now);
        let work = self.signer.challenge(&who, Kind::Work, difficulty, now_s, random);
        let wait = self.signer.challenge(&who, Kind::Wait, 0, now_s, random);
        page(lang, &work, difficulty, &wait, self.settings.wait_s, request.target)
    }

    /// The body of the form came back. `secure` says whether the site has TLS, for the cookie.
    pub fn answer(&mut self, request: &Request, body: &[u8], secure: bool, now: u64) -> Result<Earned, Denied> {
        let earned = self.earn(request, body, secure, now);
        if earned.is_err() {
            self.challenges.denied += 1;
        }
        earned
    }

    fn earn(&mut self, request: &Request, body: &[u8], secure: bool, now: u64) -> Result<Earned, Denied> {
        let answer = Answer::read(body).ok_or(Denied::Malformed)?;
        let now_s = seconds(now);
        let who = Binding { site: &self.name, client: request.client, fingerprint: request.binding };
        let solved = self.signer.solved(&who, &answer.token, &answer.number, self.settings.wait_s, now_s)?;
        let keys = self.hasher.keys(request.client, request.fingerprint, "");
        if solved.kind == Kind::Wait && !self.kinds.take(!keys.network, WAITED, now) {
            return Err(Denied::Busy);
        }
        if !self.clients.take(self.hasher.hash(8, &keys.client.to_le_bytes()), SOLVED, now) {
            return Err(Denied::Busy);
        }
        let id = self.hasher.hash(7, answer.token.as_bytes());
        if !self.used.take(id, solved.expires_s, now_s) {
            return Err(Denied::Used);
        }
        match solved.kind {
            Kind::Work => self.challenges.solved += 1,
            Kind::Wait => self.challenges.waited += 1,
        }
        self.history.solved(keys.client, now_s);
        let value = self.signer.pass(&who, solved.kind, now_s, self.settings.pass_s, id);
        let (name, lasts, secure) =
            (crate::challenge::COOKIE, self.settings.pass_s, if secure { "; Secure" } else { "" });
        let cookie = format!("{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax{secure}");
        Ok(Earned { cookie, back: answer.back })
    }
}
