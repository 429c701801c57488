//! What forwarding keeps in memory: the proxy's state, the planner's, and the ruleset's.

use svckit_benches::cluster::{Cluster, Size};

/// The model's own objects are the caller's, who shares them; bytes for the kernel are gone once they are sent.
#[test]
fn ten_thousand_services_take_twelve_megabytes() {
    let size = Size(10_000, 10);
    let changes = size.changes();
    let mut held = None;
    let used = allocation_counter::measure(|| {
        let mut cluster = Cluster::filled(&changes);
        cluster.load();
        cluster.sent();
        held = Some(cluster);
    });
    let kept = used.bytes_current;
    println!(
        "{size}: {:.1} MB, {} B per endpoint",
        kept as f64 / 1e6,
        kept as u64 / size.endpoints()
    );
    assert!(held.is_some() && kept <= 12_000_000, "{kept} B");
}
