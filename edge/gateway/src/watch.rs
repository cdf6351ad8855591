//! Once a second flood defence of every site looks at itself, and tells what changed.

use crate::shared::Shared;
use base::Lang;
use flood::Level;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Watches until the gateway stops.
pub(crate) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = second.tick() => look(&shared),
            () = stop.cancelled() => return,
        }
    }
}

fn look(shared: &Shared) {
    for site in &shared.live().sites {
        let Some(gate) = &site.gate else { continue };
        gate.tick();
        let (changes, attackers) = gate.with(|site, _| (site.take_changes(), site.take_attackers()));
        for change in changes {
            let text = change.text(Lang::En);
            if change.to > change.from && change.to >= Level::Limit {
                tracing::warn!(site = %site.name, level = change.to.name(), "flood defence: {text}");
            } else {
                tracing::info!(site = %site.name, level = change.to.name(), "flood defence: {text}");
            }
            shared.reporter.level(&site.name, &change);
        }
        for attacker in attackers {
            shared.reporter.attacker(&site.name, &attacker);
        }
    }
}
