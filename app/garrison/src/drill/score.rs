//! What was seen of one drill.

use ::drill::Drill;
use serde_json::Value;

/// The score of a drill. Times are µs.
pub struct Score {
    /// Which.
    pub drill: &'static Drill,
    /// Alert that the expected rule raised.
    pub alert: Option<String>,
    /// From the event in the kernel to the agent's decision.
    pub decided_us: Option<i64>,
    /// From the event in the kernel to the alert at the API.
    pub shown_us: Option<i64>,
    /// From the alert to the action read back from the kernel.
    pub answered_us: Option<i64>,
    /// Incident it belongs to.
    pub incident: Option<String>,
    /// Whether everything it made is gone.
    pub reverted: bool,
    decided_at: i64,
    orders: Vec<String>,
}

impl Score {
    /// Nothing seen yet.
    pub fn new(drill: &'static Drill) -> Score {
        Score {
            drill,
            alert: None,
            decided_us: None,
            shown_us: None,
            answered_us: None,
            incident: None,
            reverted: false,
            decided_at: 0,
            orders: Vec::new(),
        }
    }

    /// Takes a record of the live stream that arrived at `now`.
    pub fn hear(&mut self, kind: &str, record: &Value, now: i64) {
        let text = |key: &str| record[key].as_str().unwrap_or("");
        match kind {
            "alert" if self.alert.is_none() && text("drill") == self.drill.name && text("rule") == self.drill.rule => {
                let (time, decided) =
                    (record["time_us"].as_i64().unwrap_or(0), record["decided_us"].as_i64().unwrap_or(0));
                self.alert = Some(text("id").to_string());
                self.decided_at = decided;
                self.decided_us = Some(decided - time);
                self.shown_us = Some(now - time);
            }
            "incident" if text("drill") == self.drill.name => self.incident = Some(text("id").to_string()),
            "order" if text("by").contains(&self.drill.rule) => self.orders.push(text("id").to_string()),
            "receipt" if text("state") == "verified" && self.orders.iter().any(|order| order == text("order")) => {
                let took = record["time_us"].as_i64().unwrap_or(0) - self.decided_at;
                self.answered_us.get_or_insert(took.max(0));
            }
            _ => {}
        }
    }

    /// Whether all that was expected has been seen.
    pub fn complete(&self) -> bool {
        self.alert.is_some() && (self.drill.answer.is_empty() || self.answered_us.is_some())
    }

    /// Whether the drill shows what it must.
    pub fn good(&self) -> bool {
        self.complete() && self.reverted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn alert_order_and_receipt_complete_a_score() {
        let drill = ::drill::find("reverse-shell").unwrap();
        let mut score = Score::new(drill);
        score.hear("alert", &json!({"drill": "other", "rule": drill.rule, "id": "x"}), 5);
        assert!(score.alert.is_none());
        score.hear(
            "alert",
            &json!({"drill": drill.name, "rule": drill.rule, "id": "a", "time_us": 10, "decided_us": 30}),
            50,
        );
        assert_eq!((score.decided_us, score.shown_us), (Some(20), Some(40)));
        score.hear("order", &json!({"id": "o", "by": drill.rule}), 60);
        assert!(!score.complete());
        score.hear("receipt", &json!({"order": "o", "state": "verified", "time_us": 90}), 99);
        assert_eq!(score.answered_us, Some(60));
        assert!(score.complete() && !score.good());
    }
}
