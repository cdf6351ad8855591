//! Who wants what: several orders may want the same thing, and it goes when the last of them is over.

use std::collections::BTreeMap;

/// Claims of orders on things. Fixed by what is in force, for every claim is an order in the journal.
#[derive(Debug, Clone)]
pub struct Claims<Thing, Want> {
    claims: BTreeMap<Thing, BTreeMap<String, Want>>,
}

impl<Thing: Ord, Want> Default for Claims<Thing, Want> {
    fn default() -> Self {
        Claims { claims: BTreeMap::new() }
    }
}

impl<Thing: Ord + Clone, Want: Ord + Copy> Claims<Thing, Want> {
    /// An order wants something of a thing.
    pub fn add(&mut self, thing: &Thing, order: &str, want: Want) {
        self.claims.entry(thing.clone()).or_default().insert(order.to_string(), want);
    }

    /// An order is over, once or again.
    pub fn remove(&mut self, thing: &Thing, order: &str) {
        if let Some(orders) = self.claims.get_mut(thing) {
            orders.remove(order);
            if orders.is_empty() {
                self.claims.remove(thing);
            }
        }
    }

    /// The most that is wanted of a thing.
    pub fn most(&self, thing: &Thing) -> Option<Want> {
        self.claims.get(thing)?.values().max().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_goes_with_its_last_order_in_any_sequence() {
        let mut claims = Claims::default();
        claims.add(&"shop", "ord-1", 2);
        claims.add(&"shop", "ord-2", 3);
        assert_eq!(claims.most(&"shop"), Some(3));
        claims.remove(&"shop", "ord-2");
        claims.remove(&"shop", "ord-2");
        assert_eq!(claims.most(&"shop"), Some(2));
        claims.remove(&"shop", "ord-1");
        assert_eq!(claims.most(&"shop"), None);
        assert!(claims.claims.is_empty());
    }
}
