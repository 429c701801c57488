//! The planner of a node's data plane.

use super::Planner;
use crate::forward::{Changed, Desired, Item, Proxy};

impl Planner<Item, Desired> {
    /// Takes over what a proxy has changed since the last call.
    ///
    /// Costs what the changes cost. When the node itself has changed, everything is planned anew; nothing is
    /// before the proxy knows the whole cluster.
    pub fn follow(&mut self, proxy: &mut Proxy) {
        if proxy.is_synced() {
            let changed = proxy.take_changed();
            self.follow_changed(proxy, &changed);
        }
    }

    /// The same for a caller that has taken the changes itself, because others follow them too.
    pub fn follow_changed(&mut self, proxy: &Proxy, changed: &Changed) {
        if !proxy.is_synced() {
            return;
        }
        self.sync();
        if changed.whole {
            self.replace(proxy.item_count(), proxy.items());
        }
        for item in &changed.items {
            match proxy.desired(item) {
                Some(desired) => self.set(item.clone(), desired),
                None => self.remove(item.clone()),
            }
        }
    }
}
