//! The planner of a node's data plane.

use super::Planner;
use crate::forward::{Desired, Item, Proxy};

impl Planner<Item, Desired> {
    /// Takes over what a proxy has changed since the last call.
    ///
    /// Costs what the changes cost. When the node itself has changed, everything is planned anew; nothing is
    /// before the proxy knows the whole cluster.
    pub fn follow(&mut self, proxy: &mut Proxy) {
        if !proxy.is_synced() {
            return;
        }
        self.sync();
        let changed = proxy.take_changed();
        if changed.whole {
            self.reset();
            self.desired.clear();
            // Growing costs more than counting.
            self.desired.reserve(proxy.items().count());
            self.desired.extend(proxy.items());
        }
        for item in changed.items {
            match proxy.desired(&item) {
                Some(desired) => self.set(item, desired),
                None => self.remove(item),
            }
        }
    }
}
