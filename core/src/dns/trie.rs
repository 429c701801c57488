//! A map whose versions share what they have in common.
//!
//! Keys are plain numbers: a keyed hash where only equality is asked for, an address where its order matters too.
//! Sixteen children per branch, taken by the key's nibbles from the top; leaves hold up to 32 slots and split when
//! they grow.
//!
//! ```text
//! branch ─ 0 ─ leaf [key value] [key value] …
//!        ├ 1 ─ branch ─ …
//!        └ f ─ (empty)
//! ```
//!
//! Cloning costs one counter. A change copies the branches on its way and one leaf, whatever the map's size, and
//! copies nothing when no clone is left. Equal keys may stand beside each other: the caller tells values apart.

use std_alloc::{sync::Arc, vec::Vec};

/// A key that is taken apart nibble by nibble, the highest first.
pub(super) trait Bits: Copy + Eq {
    /// How many nibbles it has.
    const NIBBLES: u32;

    /// The nibble at `depth` from the top; 0 to 15.
    fn nibble(self, depth: u32) -> usize;
}

macro_rules! bits {
    ($($number:ty)*) => {$(
        impl Bits for $number {
            const NIBBLES: u32 = Self::BITS / 4;

            fn nibble(self, depth: u32) -> usize {
                (self.rotate_left(4 * (depth % Self::NIBBLES) + 4) & 15) as usize
            }
        }
    )*};
}
bits!(u32 u64 u128);

/// Slots in a leaf before it splits.
const LEAF: usize = 32;

/// The map.
#[derive(Clone, Debug)]
pub(super) struct Trie<K, V> {
    root: Node<K, V>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Node<K, V> {
    Empty,
    Leaf(Arc<Vec<(K, V)>>),
    Branch(Arc<[Self; 16]>),
}

impl<K, V> Default for Trie<K, V> {
    fn default() -> Self {
        Self { root: Node::Empty, len: 0 }
    }
}

impl<K: Bits, V: Clone> Trie<K, V> {
    /// How many slots there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The values under `key`, in the order they came.
    pub(super) fn get(&self, key: K) -> impl Iterator<Item = &V> + use<'_, K, V> {
        self.leaf(key).iter().filter(move |slot| slot.0 == key).map(|slot| &slot.1)
    }

    /// The first values under many keys, each in its own map: all go one step deeper at a time. Where there is no
    /// key, there is `None`.
    pub(super) fn first_together<const N: usize>(
        keys: [Option<(&Self, K)>; N],
    ) -> [Option<Option<&V>>; N] {
        let mut at = keys.map(|key| key.map(|(map, key)| (&map.root, key)));
        let (mut depth, mut deeper) = (0, true);
        while deeper {
            deeper = false;
            for (node, key) in at.iter_mut().flatten() {
                if let Node::Branch(children) = node {
                    *node = children.get(key.nibble(depth)).unwrap_or(&Node::Empty);
                    deeper = true;
                }
            }
            depth += 1;
        }
        at.map(|at| {
            let (Node::Leaf(slots), key) = at? else { return Some(None) };
            Some(slots.iter().find(|slot| slot.0 == key).map(|slot| &slot.1))
        })
    }

    /// Puts `value` under `key`, in place of the value that `same` says is the same thing.
    pub(super) fn insert(&mut self, key: K, value: V, same: impl Fn(&V) -> bool) {
        let mut node = &mut self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Empty => {
                    *node = Node::Leaf(Arc::new(Vec::from([(key, value)])));
                    self.len += 1;
                    return;
                }
                Node::Branch(children) => {
                    let Some(child) = Arc::make_mut(children).get_mut(key.nibble(depth)) else {
                        return;
                    };
                    node = child;
                    depth += 1;
                }
                Node::Leaf(slots) => {
                    let slots = Arc::make_mut(slots);
                    if let Some(slot) = slots.iter_mut().find(|slot| slot.0 == key && same(&slot.1))
                    {
                        slot.1 = value;
                        return;
                    }
                    slots.push((key, value));
                    self.len += 1;
                    let one_key = slots.iter().all(|slot| slot.0 == key);
                    if slots.len() > LEAF && depth < K::NIBBLES && !one_key {
                        let slots = core::mem::take(slots);
                        *node = split(slots, depth);
                    }
                    return;
                }
            }
        }
    }

    /// Takes out the value under `key` that `same` says it is.
    pub(super) fn remove(&mut self, key: K, same: impl Fn(&V) -> bool) -> bool {
        let removed = remove(&mut self.root, key, 0, &same);
        self.len -= usize::from(removed);
        removed
    }

    /// Whether a key starts with the first `nibbles` nibbles of `prefix`.
    pub(super) fn any_below(&self, prefix: K, nibbles: u32) -> bool {
        let mut node = &self.root;
        for depth in 0..nibbles {
            match node {
                Node::Empty => return false,
                Node::Branch(children) => match children.get(prefix.nibble(depth)) {
                    Some(child) => node = child,
                    None => return false,
                },
                Node::Leaf(slots) => {
                    return slots.iter().any(|slot| {
                        (depth..nibbles).all(|n| slot.0.nibble(n) == prefix.nibble(n))
                    });
                }
            }
        }
        !matches!(node, Node::Empty)
    }

    /// Calls `each` with every key and value, in no promised order.
    pub(super) fn for_each<'t>(&'t self, each: &mut impl FnMut(K, &'t V)) {
        visit(&self.root, each);
    }

    /// Calls `each` with the slots of both maps wherever they don't share them: what is the same on both sides may be
    /// among those. Costs what differs.
    pub(super) fn slot_differences(
        &self,
        before: &Self,
        each: &mut impl FnMut(&[(K, V)], &[(K, V)]),
    ) {
        differ(&before.root, &self.root, each);
    }

    /// The same, without the keys.
    pub(super) fn differences(&self, before: &Self, each: &mut impl FnMut(&[V], &[V])) {
        let values = |slots: &[(K, V)]| slots.iter().map(|slot| slot.1.clone()).collect::<Vec<_>>();
        self.slot_differences(before, &mut |old, new| each(&values(old), &values(new)));
    }

    /// The slots among which `key` would be.
    fn leaf(&self, key: K) -> &[(K, V)] {
        let mut node = &self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Empty => return &[],
                Node::Leaf(slots) => return slots,
                Node::Branch(children) => match children.get(key.nibble(depth)) {
                    Some(child) => node = child,
                    None => return &[],
                },
            }
            depth += 1;
        }
    }
}

/// A branch that holds what a leaf at `depth` held.
fn split<K: Bits, V: Clone>(slots: Vec<(K, V)>, depth: u32) -> Node<K, V> {
    let mut leaves: [Vec<(K, V)>; 16] = Default::default();
    for slot in slots {
        if let Some(leaf) = leaves.get_mut(slot.0.nibble(depth)) {
            leaf.push(slot);
        }
    }
    Node::Branch(Arc::new(leaves.map(|mut leaf| {
        let crowded = leaf.len() > LEAF && depth + 1 < K::NIBBLES;
        let one_key = leaf.windows(2).all(|pair| matches!(pair, [a, b] if a.0 == b.0));
        leaf.shrink_to_fit();
        match leaf.is_empty() {
            true => Node::Empty,
            false if crowded && !one_key => split(leaf, depth + 1),
            false => Node::Leaf(Arc::new(leaf)),
        }
    })))
}

/// Takes a value out below `node`, and puts branches away that have become empty.
fn remove<K: Bits, V: Clone>(
    node: &mut Node<K, V>,
    key: K,
    depth: u32,
    same: &impl Fn(&V) -> bool,
) -> bool {
    match node {
        Node::Empty => false,
        Node::Leaf(slots) => {
            let Some(at) = slots.iter().position(|slot| slot.0 == key && same(&slot.1)) else {
                return false;
            };
            if slots.len() == 1 {
                *node = Node::Empty;
            } else {
                Arc::make_mut(slots).remove(at);
            }
            true
        }
        Node::Branch(children) => {
            let Some(child) = Arc::make_mut(children).get_mut(key.nibble(depth)) else {
                return false;
            };
            let removed = remove(child, key, depth + 1, same);
            if removed && children.iter().all(|child| matches!(child, Node::Empty)) {
                *node = Node::Empty;
            }
            removed
        }
    }
}

/// See [`Trie::slot_differences`].
fn differ<K: Copy, V: Clone>(
    old: &Node<K, V>,
    new: &Node<K, V>,
    each: &mut impl FnMut(&[(K, V)], &[(K, V)]),
) {
    match (old, new) {
        (Node::Empty, Node::Empty) => {}
        (Node::Leaf(old), Node::Leaf(new)) if Arc::ptr_eq(old, new) => {}
        (Node::Branch(old), Node::Branch(new)) if Arc::ptr_eq(old, new) => {}
        (Node::Branch(old), Node::Branch(new)) => {
            old.iter().zip(new.iter()).for_each(|(old, new)| differ(old, new, each));
        }
        (old, new) => {
            let slots = |node: &Node<K, V>| {
                let mut slots = Vec::new();
                visit(node, &mut |key, value| slots.push((key, V::clone(value))));
                slots
            };
            each(&slots(old), &slots(new));
        }
    }
}

fn visit<'t, K: Copy, V>(node: &'t Node<K, V>, each: &mut impl FnMut(K, &'t V)) {
    match node {
        Node::Empty => {}
        Node::Leaf(slots) => slots.iter().for_each(|(key, value)| each(*key, value)),
        Node::Branch(children) => children.iter().for_each(|child| visit(child, each)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Both maps after some thousand steps, and an old version beside the new one.
    #[test]
    fn agrees_with_a_plain_map_and_keeps_old_versions() {
        let (mut trie, mut plain) = (Trie::<u32, u32>::default(), BTreeMap::new());
        let (mut old, mut old_plain) = (trie.clone(), plain.clone());
        let mut random = 0x9e37_79b9_u32;
        for step in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Dense low bits, as addresses have: deep paths and crowded leaves.
            let key = 0x0af4_0000 | (random >> 20);
            if random & 3 == 0 {
                assert_eq!(trie.remove(key, |_| true), plain.remove(&key).is_some());
            } else {
                trie.insert(key, step, |_| true);
                plain.insert(key, step);
            }
            if step == 10_000 {
                (old, old_plain) = (trie.clone(), plain.clone());
            }
        }
        for (trie, plain) in [(&trie, &plain), (&old, &old_plain)] {
            assert_eq!(trie.len(), plain.len());
            let mut seen = BTreeMap::new();
            trie.for_each(&mut |key, value| assert!(seen.insert(key, *value).is_none()));
            assert_eq!(&seen, plain);
            assert!(plain.iter().all(|(key, value)| trie.get(*key).eq([value])));
        }
    }

    #[test]
    fn equal_keys_stand_beside_each_other() {
        let mut trie = Trie::<u64, u32>::default();
        for value in 0..100 {
            trie.insert(7, value, |old| *old == value);
        }
        assert_eq!(trie.get(7).count(), 100);
        assert!(trie.remove(7, |value| *value == 31));
        assert!(!trie.remove(7, |value| *value == 31));
        assert_eq!((trie.len(), trie.get(7).count()), (99, 99));
    }

    #[test]
    fn prefixes_exist_while_something_is_below() {
        let mut trie = Trie::<u32, ()>::default();
        for last in 0..100 {
            trie.insert(0x0a00_0000 + last, (), |()| true);
        }
        for (prefix, nibbles, want) in [
            (0x0a00_0000, 0, true),
            (0x0a00_0000, 2, true),
            (0x0b00_0000, 2, false),
            (0x0a00_0000, 6, true),
            (0x0a00_0100, 6, false),
            (0x0a00_0063, 8, true),
            (0x0a00_0064, 8, false),
        ] {
            assert_eq!(trie.any_below(prefix, nibbles), want, "{prefix:x}/{nibbles}");
        }
        for last in 0..100 {
            assert!(trie.remove(0x0a00_0000 + last, |()| true));
        }
        assert!(!trie.any_below(0, 0));
    }
}
