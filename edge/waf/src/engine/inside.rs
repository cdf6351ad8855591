//! Arguments that hide inside other values, added to `ARGS` before phase 2 where a site wants it; what hides inside of a
//! cookie to `REQUEST_COOKIES`, so that leaving out a cookie leaves out what is in it.
//!
//! What is beyond the [`Budget`] passes: the value that holds it is judged as it came, and pages that save their whole state
//! as one argument are not rare. But it is told: rules see that values were left out, and at least how many, as `ENV:hidden_left_out`, so that
//! a site can refuse (`SecRule ENV:hidden_left_out "@gt 0"`), and [`Verdict::left_out`](crate::Verdict::left_out) has it for
//! the audit record.

use super::Transaction;
use super::state::State;
use crate::decode::{Budget, Input, decode};
use crate::variable::List;

/// Lists whose values are looked into, and where what is found is put.
const LISTS: &[(List, List)] = &[
    (List::ArgsGet, List::Decoded),
    (List::ArgsPost, List::Decoded),
    (List::ArgsBody, List::Decoded),
    (List::Cookies, List::DecodedCookies),
];

impl Transaction {
    /// Lets rules see, as further `ARGS` with names like `q.json.user`, what [`crate::decode`] finds inside arguments, the
    /// Referer and bodies without a processor, and as further `REQUEST_COOKIES` what it finds inside of cookies. To be called before the body is judged.
    pub fn look_inside(&mut self) {
        self.run(|state, _| state.inside = true);
    }
}

impl State {
    /// Finds and adds them.
    pub(super) fn look_inside(&mut self) {
        let arena = &self.memo.arena;
        let mut found: Vec<(List, Vec<u8>, Vec<u8>)> = Vec::new();
        if self.body.forced.is_none() && self.body.by_type.is_none() {
            let content_type = self.store.first(arena, List::RequestHeaders, b"content-type").unwrap_or_default();
            let input = Input::Body { content_type, body: &self.request_body };
            let mut take = |name: &[u8], value: &[u8]| found.push((List::Decoded, name.to_vec(), value.to_vec()));
            let mut whole = Budget::of_body();
            decode(input, &mut whole, &mut take);
            self.left_out = whole.left_out;
        }
        let mut budget = Budget::default();
        let mut look = |input: Input, into: List| {
            decode(input, &mut budget, &mut |name, value| found.push((into, name.to_vec(), value.to_vec())));
        };
        for (list, into) in LISTS {
            for entry in self.store.list(*list) {
                look(Input::Value { name: arena.get(entry.name), value: arena.get(entry.value) }, *into);
            }
        }
        if let Some(referer) = self.store.first(arena, List::RequestHeaders, b"referer") {
            look(Input::Referer(referer), List::Decoded);
        }
        self.left_out += budget.left_out;
        if self.left_out > 0 {
            self.store.exceeded = true;
            found.push((List::Env, b"hidden_left_out".to_vec(), self.left_out.to_string().into_bytes()));
        }
        for (list, name, value) in found {
            let (name, value) = (self.memo.arena.intern(&name), self.memo.arena.intern(&value));
            self.store.add(list, name, value);
        }
    }
}
