//! Runs each fuzz body over its saved inputs and a few thousand generated ones.
#![allow(clippy::unwrap_used, reason = "a corpus that can't be read should stop the test")]

use std::{fs, path::Path};

/// Generated inputs per body.
const GENERATED: usize = 3_000;

#[test]
fn bodies_hold() {
    for (name, body) in svckit_fuzz::BODIES {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(name);
        for file in fs::read_dir(corpus).into_iter().flatten() {
            let path = file.unwrap().path();
            eprintln!("{name}: {}", path.display());
            body(&fs::read(path).unwrap());
        }
        eprintln!("{name}: {GENERATED} generated inputs");
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for n in 0..GENERATED {
            let input: Vec<u8> = (0..n % 160)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    random as u8
                })
                .collect();
            body(&input);
        }
    }
}
