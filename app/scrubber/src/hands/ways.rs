//! Which lane has which order: an undo says only whose undo it is.

use super::Lane;
use record::{Order, OrderMode, Receipt, ReceiptState};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Orders that are over and remembered all the same, so that a late undo finds them.
const OVER: usize = 8192;

/// See the module. Those of the filter are not in it: it is where everything goes that is not known.
#[derive(Debug, Default)]
pub(super) struct Ways {
    lanes: BTreeMap<String, Lane>,
    /// Those that are over, the oldest first: they make room.
    over: VecDeque<String>,
}

impl Ways {
    /// What an earlier run carried out in a lane.
    pub(super) fn restore(&mut self, lane: Lane, known: Vec<String>, in_force: &BTreeSet<String>) {
        for id in known.into_iter().filter(|_| lane != Lane::Kernel) {
            let over = !in_force.contains(&id);
            self.lanes.insert(id.clone(), lane);
            if over {
                self.over(&id);
            }
        }
    }

    /// The lane of an order, remembered.
    pub(super) fn lane(&mut self, order: &Order) -> Lane {
        if order.mode() == OrderMode::Undo {
            if let Some(lane) = self.lanes.get(&order.undoes) {
                return *lane;
            }
            // Should its order still come, it has to find the door closed: in the lane that closes it now.
            self.lanes.insert(order.undoes.clone(), Lane::Kernel);
            self.over(&order.undoes);
            return Lane::Kernel;
        }
        if let Some(lane) = self.lanes.get(&order.id) {
            return *lane;
        }
        let lane = Lane::of(order.action());
        if lane != Lane::Kernel {
            self.lanes.insert(order.id.clone(), lane);
        }
        lane
    }

    /// What became of an order.
    pub(super) fn told(&mut self, receipt: &Receipt) {
        if !matches!(receipt.state(), ReceiptState::Applied | ReceiptState::Verified) {
            self.over(&receipt.order);
        }
    }

    /// An order is over.
    pub(super) fn over(&mut self, id: &str) {
        if !self.lanes.contains_key(id) {
            return;
        }
        self.over.push_back(id.to_string());
        while self.over.len() > OVER {
            if let Some(oldest) = self.over.pop_front() {
                self.lanes.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::ActionKind;

    fn apply(id: &str, kind: ActionKind) -> Order {
        Order { id: id.into(), action: kind as i32, mode: OrderMode::Apply as i32, ..Order::default() }
    }

    fn undo(of: &str) -> Order {
        Order { id: format!("undo-{of}"), mode: OrderMode::Undo as i32, undoes: of.into(), ..Order::default() }
    }

    fn receipt(id: &str, state: ReceiptState) -> Receipt {
        Receipt { order: id.into(), state: state as i32, ..Receipt::default() }
    }

    #[test]
    fn an_undo_goes_where_its_order_went() {
        let mut ways = Ways::default();
        let kinds = [
            (ActionKind::Blackhole, Lane::Routers),
            (ActionKind::Flowspec, Lane::Routers),
            (ActionKind::SwitchDns, Lane::Names),
            (ActionKind::ScrubLevel, Lane::Kernel),
            (ActionKind::Block, Lane::Kernel),
        ];
        for (number, (kind, lane)) in kinds.into_iter().enumerate() {
            let id = format!("ord-{number}");
            assert_eq!(ways.lane(&apply(&id, kind)), lane);
            ways.told(&receipt(&id, ReceiptState::Verified));
            assert_eq!(ways.lane(&undo(&id)), lane);
            ways.told(&receipt(&id, ReceiptState::Undone));
            assert_eq!(ways.lane(&undo(&id)), lane, "once more");
        }
    }

    #[test]
    fn an_undo_that_overtakes_its_order_closes_the_door_where_the_order_comes_to() {
        let mut ways = Ways::default();
        assert_eq!(ways.lane(&undo("ord-1")), Lane::Kernel);
        assert_eq!(ways.lane(&apply("ord-1", ActionKind::Blackhole)), Lane::Kernel);
    }

    #[test]
    fn what_an_earlier_run_did_is_known() {
        let mut ways = Ways::default();
        ways.restore(Lane::Names, vec!["ord-1".into(), "ord-2".into()], &["ord-1".to_string()].into());
        assert_eq!((ways.lane(&undo("ord-1")), ways.lane(&undo("ord-2"))), (Lane::Names, Lane::Names));
        assert_eq!(ways.over, ["ord-2"]);
    }

    #[test]
    fn what_is_over_makes_room_and_what_is_in_force_stays() {
        let mut ways = Ways::default();
        ways.lane(&apply("ord-live", ActionKind::Blackhole));
        ways.told(&receipt("ord-live", ReceiptState::Verified));
        for number in 0..3 * OVER {
            let id = format!("ord-{number}");
            ways.lane(&apply(&id, ActionKind::Flowspec));
            ways.told(&receipt(&id, ReceiptState::Refused));
            ways.lane(&undo(&format!("stranger-{number}")));
        }
        assert!(ways.lanes.len() <= OVER + 1 && ways.over.len() <= OVER);
        assert_eq!(ways.lane(&undo("ord-live")), Lane::Routers);
    }
}
