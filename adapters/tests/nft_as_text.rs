//! What svckit tells the kernel over netlink is what `svckit render nft` prints: both are loaded, each into a network
//! namespace of its own, and `nft list` shows the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test panics to report")]

mod cluster;
mod namespace;

use namespace::Namespace;
use svckit::{Seed, forward::Proxy, render::nft};
use svckit_adapters::sink::nft::Nft;

#[test]
fn kernels_show_the_same() {
    let (Some(text), Some(bytes)) = (Namespace::new("text"), Namespace::new("bytes")) else {
        return;
    };
    for (name, node) in cluster::nodes() {
        let mut proxy = Proxy::new(node, Seed([1, 2, 3, 4]));
        cluster::changes().iter().for_each(|change| proxy.apply(change));
        let mut printed = String::new();
        nft::full(&proxy, &mut printed).unwrap();
        text.nft(&["-f", "-"], &printed);
        // A restart leaves chains of the run before, without rules.
        bytes.nft(&["flush", "ruleset"], "");
        let mut sink = Nft::in_namespace(&bytes.path(), Seed([5, 6, 7, 8])).unwrap();
        let synced = sink.sync(&mut proxy).unwrap().unwrap();
        assert!(synced.full && synced.refused == 0, "{name}: {synced:?}");
        let of_text = text.listing();
        let of_bytes = bytes.listing();
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|piece| b.binary_search(piece).is_err()).cloned().collect()
        };
        let differ = (only(&of_text, &of_bytes), only(&of_bytes, &of_text));
        assert!(of_text == of_bytes, "{name}: {differ:#?}");
        assert!(of_text.len() > 300, "{name}: there is something to compare");
    }
}
